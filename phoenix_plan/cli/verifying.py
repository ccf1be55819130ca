"""What verify and policy check find out: without a host, from a plan, approvals and a policy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import attrs

from phoenix_plan.apply.verify import verify
from phoenix_plan.cli.rules import HostRules, approvals_of, present, rules_at, rules_for
from phoenix_plan.consent.bars import bars, known_of, too_old
from phoenix_plan.consent.modes import Consent, Rules, gather
from phoenix_plan.consent.presented import Judged, judge
from phoenix_plan.errors import UsageError
from phoenix_plan.plan import Plan
from phoenix_plan.render.style import Style
from phoenix_plan.render.verdicts import consent_text, demands_text
from phoenix_plan.stored import StoredPlan, load_plan_file


@attrs.frozen(kw_only=True)
class Looked:
    """What the approvals of a plan come to under a host's rules."""

    stored: StoredPlan
    rules: HostRules
    judged: tuple[Judged, ...]
    consent: Consent
    barred: Mapping[str, tuple[str, ...]]
    too_old: str

    @property
    def enough(self) -> bool:
        """Whether apply would run the plan by these approvals alone."""
        return not (self.consent.refused or self.barred or self.too_old)

    def as_text(self, style: Style) -> str:
        """For people."""
        return consent_text(
            self.stored.plan,
            digest=self.stored.digest,
            policy=self.rules.source,
            judged=self.judged,
            consent=self.consent,
            barred=self.barred,
            too_old=self.too_old,
            style=style,
        )

    def as_json(self) -> str:
        """For programs: the same, ASCII alone."""
        approvals = [
            {
                "file": one.given.source,
                "claims": one.given.approval.approver,
                "signers": list(one.given.signature.names) if one.given.signature else [],
                "key": one.given.signature.key if one.given.signature else "",
                "counts": not one.why,
                "why_not": one.why,
                "until": one.until,
                "actions": list(one.given.approval.actions),
            }
            for one in self.judged
        ]
        grants = self.consent.grants
        actions = [
            {
                "id": row.id,
                "consented": row.id in grants and row.id not in self.barred,
                "by": grants[row.id].by if row.id in grants else "",
                "until": grants[row.id].expires if row.id in grants else "",
                "barred": list(self.barred.get(row.id, ())),
                "lacking": self.consent.lacking.get(row.id, ""),
            }
            for row in self.stored.plan.destructive
        ]
        found = {
            "plan": self.stored.digest,
            "hostname": self.stored.plan.host.hostname,
            "policy": self.rules.source,
            "enough": self.enough,
            "too_old": self.too_old,
            "approvals": approvals,
            "actions": actions,
        }
        return json.dumps(found, indent=2) + "\n"


@attrs.frozen(kw_only=True)
class Demands:
    """What a policy asks of a plan."""

    plan: Plan
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


def look(path: str, *, approvals: Iterable[str], policy: str | None, host: str | None) -> Looked:
    """Hold the approvals of a plan against a host's rules. Raises DocumentError."""
    stored = _plan(path)
    plan, rules, now = stored.plan, _rules(policy, host), datetime.now(UTC)
    given = present(approvals_of(path, approvals), rules.signers)
    barred = bars(plan, rules.policy, known_of(plan))
    consent = gather(
        plan,
        digest=stored.digest,
        machine=plan.host.machine,
        rules=Rules(mode="safe", allow_destructive=None, user="", policy=rules.policy),
        approvals=given,
        now=now,
        ask=None,
        without=barred,
    )
    judged = judge(
        given, digest=stored.digest, machine=plan.host.machine, policy=rules.policy, now=now
    )
    return Looked(
        stored=stored,
        rules=rules,
        judged=judged,
        consent=consent,
        barred=barred,
        too_old=too_old(plan, rules.policy, now),
    )


def demands(path: str, *, policy: str | None, host: str | None) -> Demands:
    """What a host's rules ask of a plan. Raises DocumentError."""
    plan, rules = _plan(path).plan, _rules(policy, host)
    barred = bars(plan, rules.policy, known_of(plan))
    for row in plan.destructive:
        if row.id not in barred and not rules.policy.demand(row.action.TYPE):
            barred[row.id] = ("the policy of this host lets no source of consent count",)
    return Demands(
        plan=plan,
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
