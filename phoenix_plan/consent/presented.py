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
        names = " = ".join(signed.names)
        return names if claimed in signed.names else f"{names} (calls themselves {claimed})"

    @property
    def people(self) -> frozenset[str]:
        """All that this giver is known by: two approvals that share any of it are one person's."""
        signed = self.signature
        if signed is None or not signed.names:
            return frozenset({self.approval.approver.casefold()})
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
    presented: Iterable[Presented], *, digest: str, machine: str, policy: Policy, now: datetime
) -> tuple[Judged, ...]:
    """Whether each approval counts for the plan of that digest, on that machine, now."""
    return tuple(_judged(one, digest, machine, policy, now) for one in presented)


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
