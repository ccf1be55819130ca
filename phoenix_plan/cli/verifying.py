"""What verify and policy check find out: from a plan, approvals and a policy, and from the journals
of what was run. No tool of the host is asked."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import attrs

from phoenix_plan.apply.applied import Applied, PlanKey, applied_before, key_of
from phoenix_plan.apply.journal import JournalError
from phoenix_plan.apply.lock import is_held
from phoenix_plan.apply.verify import verify
from phoenix_plan.cli.answers import (
    DEMANDED_VERSION,
    VERIFIED_VERSION,
    Demanded,
    DemandedAction,
    Verified,
    VerifiedAction,
    VerifiedApproval,
    VerifiedAuthor,
    answer,
)
from phoenix_plan.cli.past import ENDINGS
from phoenix_plan.cli.rules import HostRules, people_of, rules_at, rules_for
from phoenix_plan.consent.bars import bars, known_of, too_old
from phoenix_plan.consent.modes import Consent, Rules, gather
from phoenix_plan.consent.policy import Policy, Source
from phoenix_plan.consent.presented import Judged, author_unknown
from phoenix_plan.consent.signatures import Signature
from phoenix_plan.errors import UsageError
from phoenix_plan.hosts.open import open_writable
from phoenix_plan.model.actual import Actual
from phoenix_plan.plan import Plan, Row
from phoenix_plan.render.style import Style
from phoenix_plan.render.verdicts import consent_text, demands_text
from phoenix_plan.stored import StoredPlan, load_plan_file


@attrs.frozen(kw_only=True)
class Looked:
    """What the approvals of a plan come to under a host's rules.

    `author` is the plan's signature where the policy asks for it. `applied` is the earlier run of
    the plan on that host; `applied_unknown` says why nobody can tell whether there is one. `host`
    is what the command line calls the host, empty where a policy's file was named and no host is
    asked.
    """

    stored: StoredPlan
    host: str
    rules: HostRules
    author: Signature | None
    judged: tuple[Judged, ...]
    consent: Consent
    barred: Mapping[str, tuple[str, ...]]
    too_old: str
    applied: Applied | None
    applied_unknown: str

    @property
    def enough(self) -> bool:
        """Whether apply would run the plan by these approvals alone, as far as they, the policy and
        the journals tell. Journals that can't be read are not the same as none."""
        unread = bool(self.host and self.applied_unknown)
        stopped = self.too_old or self.applied is not None or unread
        return not (self.consent.refused or self.barred or stopped)

    def as_text(self, style: Style) -> str:
        """For people."""
        return consent_text(
            self.stored.plan,
            digest=self.stored.digest,
            policy=self.rules.source,
            author=self._author(),
            judged=self.judged,
            consent=self.consent,
            barred=self.barred,
            too_old=self.too_old,
            applied=self._before(),
            enough=self.enough,
            next_step=self._next(),
            style=style,
        )

    def _author(self) -> str:
        """Who made the plan, or that nobody can say; empty where the policy does not ask."""
        called = self.author.called if self.author is not None else ""
        return author_unknown(self.rules.policy, self.author) or called

    def _before(self) -> str:
        """That the plan was applied before, or that nobody can say."""
        if self.applied is not None:
            return _told(self.applied)
        if self.applied_unknown:
            return f"Whether the plan was applied before is not known: {self.applied_unknown}"
        return ""

    def _next(self) -> str:
        if self.applied is None or not self.applied.resumable:
            return ""
        flags = [] if self.host == "local" else ["--host", self.host]
        return shlex.join(["phoenix", "resume", self.applied.run, *flags])

    def as_json(self) -> str:
        """For programs: the same."""
        grants = self.consent.grants
        return answer(
            Verified(
                format_version=VERIFIED_VERSION,
                plan=self.stored.digest,
                hostname=self.stored.plan.host.hostname,
                policy=self.rules.source,
                enough=self.enough,
                too_old=self.too_old,
                applied=self.applied,
                applied_unknown=self.applied_unknown,
                author=_author(self.author, self.rules.policy),
                approvals=tuple(_approval(one) for one in self.judged),
                actions=tuple(
                    VerifiedAction(
                        id=row.id,
                        consented=row.id in grants and row.id not in self.barred,
                        by=grants[row.id].by if row.id in grants else "",
                        until=grants[row.id].expires if row.id in grants else "",
                        barred=self.barred.get(row.id, ()),
                        lacking=self.consent.lacking.get(row.id, ""),
                    )
                    for row in self.stored.plan.destructive
                ),
            )
        )


def _author(signed: Signature | None, policy: Policy) -> VerifiedAuthor | None:
    if policy.author_counts:
        return None
    return VerifiedAuthor(
        signers=signed.names if signed else (),
        key=signed.key if signed else "",
        why_not=author_unknown(policy, signed),
    )


def _approval(one: Judged) -> VerifiedApproval:
    signed = one.given.signature
    return VerifiedApproval(
        file=one.given.source,
        claims=one.given.approval.approver,
        signers=signed.names if signed else (),
        key=signed.key if signed else "",
        counts=not one.why,
        why_not=one.why,
        until=one.until,
        actions=one.given.approval.actions,
    )


@attrs.frozen(kw_only=True)
class Demands:
    """What a policy asks of a plan."""

    plan: Plan
    digest: str
    rules: HostRules
    barred: Mapping[str, tuple[str, ...]]
    too_old: str

    @property
    def open(self) -> bool:
        """Whether all that is destructive could be consented to."""
        return not (self.barred or self.too_old)

    def as_text(self, style: Style) -> str:
        """For people."""
        return demands_text(
            self.plan,
            self.rules.policy,
            source=self.rules.source,
            barred=self.barred,
            too_old=self.too_old,
            style=style,
        )

    def as_json(self) -> str:
        """For programs: the same."""
        policy = self.rules.policy
        return answer(
            Demanded(
                format_version=DEMANDED_VERSION,
                plan=self.digest,
                hostname=self.plan.host.hostname,
                policy=self.rules.source,
                open=self.open,
                too_old=self.too_old,
                plan_age=policy.plan_age,
                approval_age=policy.approval_age,
                allowed_hours=policy.hours,
                signatures=policy.signatures,
                author_counts=policy.author_counts,
                nets=policy.nets,
                actions=tuple(self._action(row) for row in self.plan.destructive),
            )
        )

    def _action(self, row: Row) -> DemandedAction:
        policy, kind = self.rules.policy, row.action.TYPE
        barred = self.barred.get(row.id, ())
        needed = 0 if barred else policy.needed(kind)
        sources: tuple[Source, ...] = ("approval",) if needed else policy.sources
        return DemandedAction(
            id=row.id,
            kind=kind,
            barred=barred,
            takes="" if barred else policy.demand(kind),
            sources=() if barred else sources,
            approvers=needed,
        )


def look(path: str, *, approvals: Iterable[str], policy: str | None, host: str | None) -> Looked:
    """Hold the approvals of a plan against a host's rules and its journals. Raises DocumentError,
    and HostError where there is no such host."""
    stored = _plan(path)
    plan, rules, now = stored.plan, _rules(policy, host), datetime.now(UTC)
    barred = bars(plan, rules.policy, known_of(plan))
    author, given = people_of(path, stored.document, approvals, rules)
    consent = gather(
        plan,
        digest=stored.digest,
        machine=plan.host.machine,
        rules=Rules(
            mode="safe", allow_destructive=None, user="", policy=rules.policy, author=author
        ),
        approvals=given,
        now=now,
        ask=None,
        without=barred,
    )
    applied, unknown = _applied(policy, host, key_of(plan, stored.digest))
    return Looked(
        stored=stored,
        host="" if policy is not None else host or "local",
        rules=rules,
        author=author,
        judged=consent.judged,
        consent=consent,
        barred=barred,
        too_old=too_old(plan, rules.policy, now),
        applied=applied,
        applied_unknown=unknown,
    )


def _applied(policy: str | None, host: str | None, key: PlanKey) -> tuple[Applied | None, str]:
    """The earlier run of a plan, and why nobody can tell whether there is one."""
    if policy is not None:
        return None, "no host was asked, only the policy of a file."
    state_dir = open_writable(host or "local").state_dir
    try:
        found = applied_before(state_dir, key)
    except JournalError as error:
        return None, f"{error.message}. {error.hint}".rstrip()
    if found is not None and found.ending == "killed" and is_held(state_dir):
        found = attrs.evolve(found, ending="running", resumable=False)
    return found, ""


def _told(found: Applied) -> str:
    word = f" ({ENDINGS[found.ending][0]})" if found.ending else ""
    if found.ending == "unreadable":
        said = (
            f"The journal of the run {found.run} is not as phoenix writes it, and counts as one of "
            f"this plan: {found.journal}."
        )
    elif found.ending == "running":
        said = f"The plan is being applied now: the run {found.run}, since {found.at}."
    elif found.resumable:
        said = (
            f"The plan was begun at {found.at}, and is not over: the run {found.run}{word}. "
            "phoenix resume goes on with that run."
        )
    else:
        said = f"The plan was applied before, at {found.at}: the run {found.run}{word}."
    return f"{said} A plan is applied at most once."


def demands(path: str, *, policy: str | None, host: str | None) -> Demands:
    """What a host's rules ask of a plan. Raises DocumentError."""
    stored = _plan(path)
    return demands_of(stored.plan, _rules(policy, host), digest=stored.digest)


def demands_of(
    plan: Plan, rules: HostRules, *, digest: str = "", actual: Actual | None = None
) -> Demands:
    """What these rules ask of a plan, whose file's SHA-256 `digest` is where it has one; with
    `actual`, by all the names that the host knows. Raises DocumentError."""
    barred = bars(plan, rules.policy, known_of(plan, actual))
    for row in plan.destructive:
        if row.id not in barred and not rules.policy.demand(row.action.TYPE):
            barred[row.id] = ("the policy of this host lets no source of consent count",)
    return Demands(
        plan=plan,
        digest=digest,
        rules=rules,
        barred=barred,
        too_old=too_old(plan, rules.policy, datetime.now(UTC)),
    )


def _plan(path: str) -> StoredPlan:
    """The plan of a file, as phoenix made it."""
    if path == "-":
        raise UsageError("an approval is of a plan's file, not of stdin")
    stored = load_plan_file(path)
    verify(stored.plan, stored.name)
    return stored


def _rules(policy: str | None, host: str | None) -> HostRules:
    if policy is not None and host is not None:
        raise UsageError("--policy and --host exclude each other", hint="A host has its own.")
    return rules_for(host or "local") if policy is None else rules_at(policy)
