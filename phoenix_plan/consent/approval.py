"""Approvals: detached from their plan, of named actions, for one host, for a while.

An approval names the SHA-256 of the plan's exact bytes. It approves nothing else: not another plan,
not the same plan on another host.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from phoenix_plan.errors import UsageError
from phoenix_plan.model.times import parse_timestamp, timestamp
from phoenix_plan.plan import Plan

APPROVAL_VERSION = "1.0"


@attrs.frozen(kw_only=True)
class Approval:
    """One person's consent. Times are UTC, ISO 8601; `plan` is the SHA-256 of the plan file.

    `machine` is the digest of the host's machine-id, `hostname` for people. `actions` are ids of
    destructive rows of that plan.
    """

    format_version: str = APPROVAL_VERSION
    plan: str
    machine: str
    hostname: str
    actions: tuple[str, ...]
    approver: str
    reason: str
    created: str
    expires: str


def approve(
    plan: Plan,
    digest: str,
    *,
    actions: Iterable[str] | None,
    approver: str,
    reason: str,
    now: datetime,
    valid_for: timedelta,
) -> Approval:
    """An approval of named actions of a plan, of all its destructive ones where `actions` is None.

    `digest` is the SHA-256 of the plan's bytes. Raises UsageError for an id that the plan does not
    have, for one that needs no approval, for an empty reason or approver.
    """
    destructive = [row.id for row in plan.destructive]
    wanted = list(destructive if actions is None else dict.fromkeys(actions))
    known = {row.id for row in plan.actions}
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise UsageError(
            f"the plan has no action {unknown[0]!r}",
            hint="Its destructive actions: " + (", ".join(destructive) or "none"),
        )
    safe = [one for one in wanted if one not in destructive]
    if safe:
        raise UsageError(f"{safe[0]} is safe: it needs no approval")
    if not wanted:
        raise UsageError("the plan has no destructive action: there is nothing to approve")
    if not reason.strip():
        raise UsageError("an approval needs a reason", hint="--reason says why this may be lost.")
    if not approver.strip():
        raise UsageError("an approval needs an approver", hint="--approver NAME")
    for flag, text in (("--reason", reason), ("--approver", approver)):
        if not text.isprintable():
            raise UsageError(f"{flag} {text!r} is not one line of printable characters")
    return Approval(
        plan=digest,
        machine=plan.host.machine,
        hostname=plan.host.hostname,
        actions=tuple(wanted),
        approver=approver,
        reason=reason,
        created=timestamp(now),
        expires=timestamp(now + valid_for),
    )


def beside(plan: str) -> str:
    """Where the approval of a plan's file stands unless somebody says otherwise: `plan.json` has
    `plan.approval.json`."""
    return f"{plan.removesuffix('.json')}.approval.json"


def refusal(approval: Approval, *, digest: str, machine: str, now: datetime) -> str:
    """Why an approval does not count for this plan, on this host, now; empty where it does."""
    if approval.plan != digest:
        return f"it is for another plan ({approval.plan[:12]}…, this one is {digest[:12]}…)"
    if approval.machine != machine:
        return f"it is for another host ({approval.hostname}, {approval.machine[:12]}…)"
    if now < parse_timestamp(approval.created):
        return f"it is not valid before {approval.created}"
    if now >= parse_timestamp(approval.expires):
        return f"it expired at {approval.expires}"
    return ""
