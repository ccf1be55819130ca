"""Approvals as apply is handed them: from which file, signed by whom, and whether they count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from phoenix_plan.consent.approval import Approval, refusal
from phoenix_plan.consent.policy import Policy
from phoenix_plan.consent.signatures import Signature
from phoenix_plan.model.times import parse_timestamp, timestamp


@attrs.frozen(kw_only=True)
class Presented:
    """An approval, the file that it stands in, and what its signature is worth, if it has one."""

    approval: Approval
    source: str
    signature: Signature | None = None

    @property
    def by(self) -> str:
        """Who gave it: who signed it, and who it says where that is another or nobody checked."""
        claimed = self.approval.approver
        signed = self.signature
        if signed is None:
            return f"{claimed} (unsigned)"
        if signed.flaw:
            return f"{claimed} (as it says)"
        if not signed.names:
            # Whose key it is, nobody here can say.
            return f"{claimed} (signed, and nobody here knows by whom)"
        called = signed.called
        return called if claimed in signed.names else f"{called} (calls themselves {claimed})"

    @property
    def people(self) -> frozenset[str]:
        """All that this giver is known by: two approvals that share any of it are one person's."""
        signed = self.signature
        if signed is None or not signed.names:
            return frozenset({self.approval.approver.casefold()})
        return _known_by(signed)


def _known_by(signed: Signature) -> frozenset[str]:
    # A key is the same with a certificate and without: its type differs, its fingerprint not.
    fingerprint = signed.key.rpartition(" ")[2]
    return frozenset({fingerprint, *(name.casefold() for name in signed.names)})


@attrs.frozen(kw_only=True)
class Judged:
    """An approval, and why it does not count; empty where it does, `until` then (UTC)."""

    given: Presented
    why: str
    until: str


def judge(
    presented: Iterable[Presented],
    *,
    digest: str,
    machine: str,
    policy: Policy,
    now: datetime,
    author: Signature | None = None,
) -> tuple[Judged, ...]:
    """Whether each approval counts for the plan of that digest, on that machine, now. `author` is
    the plan's own signature, None where it has none; it is asked for where the policy says so."""
    given = tuple(presented)
    found = tuple(_judged(one, digest, machine, policy, now) for one in given)
    if policy.author_counts:
        return found
    unknown = author_unknown(policy, author)
    if unknown or author is None:
        return tuple(_refused(one, unknown) for one in found)
    people = _joined(_known_by(author), given)
    why = (
        f"it was given by who made the plan ({author.called}), and the policy of this "
        "host does not count its author"
    )
    return tuple(_refused(one, why) if one.given.people & people else one for one in found)


def _refused(found: Judged, why: str) -> Judged:
    """An approval that does not count; a reason that it had before is told alone."""
    return attrs.evolve(found, why=found.why or why, until="")


def author_unknown(policy: Policy, author: Signature | None) -> str:
    """Why nobody can tell who made a plan where the policy asks for it; empty where it is known, or
    not asked for. Without an author every approver might be them."""
    if policy.author_counts:
        return ""
    if author is None:
        return (
            "there is no signature of its author beside the plan (.sig), and the policy of this "
            "host asks who made it"
        )
    if author.flaw:
        return f"who made the plan is not known by the signature beside it (.sig): {author.flaw}"
    if not author.names:
        return "who made the plan is not known: there is no allowed_signers here"
    return ""


def _joined(person: frozenset[str], others: Sequence[Presented]) -> frozenset[str]:
    """All that a person is known by, through approvals that share something with them, too."""
    groups = [one.people for one in others]
    while more := [group for group in groups if group & person and not group <= person]:
        person = person.union(*more)
    return person


def _judged(given: Presented, digest: str, machine: str, policy: Policy, now: datetime) -> Judged:
    approval, signed = given.approval, given.signature
    until = approval.expires
    if signed is not None and signed.flaw:
        why = signed.flaw
    elif "approval" not in policy.sources:
        why = "the policy of this host lets no approval count"
    elif policy.signatures and signed is None:
        why = "it is not signed, and the policy of this host asks for signatures"
    elif policy.signatures and signed is not None and not signed.names:
        why = "the policy of this host asks for signatures, and there is no allowed_signers here"
    else:
        why = refusal(approval, digest=digest, machine=machine, now=now)
    longest = policy.longest_approval
    if not why and longest is not None:
        last = parse_timestamp(approval.created) + longest
        if now >= last:
            why = (
                f"it was given at {approval.created}, and the policy of this host lets an approval "
                f"count for {policy.approval_age}"
            )
        until = min(until, timestamp(last))
    return Judged(given=given, why=why, until="" if why else until)


def count_people(given: Sequence[Presented]) -> int:
    """How many different people these are at most: one key, or one name, is one person, and so is
    whoever is joined by them."""
    groups: list[frozenset[str]] = []
    for one in given:
        known = one.people
        groups = [
            *(group for group in groups if not group & known),
            known.union(*(group for group in groups if group & known)),
        ]
    return len(groups)
