"""Modes and the config's word: which sources of consent count, and what they cover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

import attrs

from phoenix_plan.consent.approval import Approval, refusal
from phoenix_plan.plan import Plan, Row

Mode = Literal["safe", "interactive", "force-destructive"]
Source = Literal["approval", "interactive", "force-destructive", "config"]


@attrs.frozen(kw_only=True)
class Grant:
    """Consent to one action: where it comes from, who gave it, in which words."""

    source: Source
    by: str
    detail: str
    expires: str = ""


@attrs.frozen(kw_only=True)
class Consent:
    """What is consented to, by action id, and why the rest is not.

    `refused` are ids of destructive actions without consent; `said` are sentences on sources that
    did not count (an approval that expired, a mode that the config bars).
    """

    grants: Mapping[str, Grant]
    refused: tuple[str, ...]
    said: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Rules:
    """What decides: the mode asked for, the config's flag where it counts, who is asking.

    `allow_destructive` is True only where the config counts: where apply itself was given it and it
    is the plan's; False wherever the plan or the given config says so; None else.
    """

    mode: Mode
    allow_destructive: bool | None
    user: str


def gather(
    plan: Plan,
    *,
    digest: str,
    machine: str,
    rules: Rules,
    approvals: Iterable[Approval],
    now: datetime,
    ask: Callable[[Row], str] | None,
) -> Consent:
    """All consent for the destructive rows of a plan, gathered before the first write.

    `ask` puts one row to a person and returns what they typed where it is a yes, empty where it is
    a no; None where nobody can be asked. One no, and nothing is consented to interactively.
    """
    said: list[str] = []
    grants: dict[str, Grant] = {}
    for approval in approvals:
        why = refusal(approval, digest=digest, machine=machine, now=now)
        if why:
            said.append(f"the approval by {approval.approver} does not count: {why}")
        else:
            for one, grant in _granted(approval, plan).items():
                # Of two approvals the one that lasts longer (UTC to the second sorts as text).
                if one not in grants or grants[one].expires < grant.expires:
                    grants[one] = grant
    mode: Mode = rules.mode
    if rules.allow_destructive is True:
        mode = "force-destructive"
    elif rules.allow_destructive is False and mode != "safe":
        said.append(
            f"--mode {mode} does not count: allow_destructive_operations is false in the config"
        )
        mode = "safe"
    open_rows = [row for row in plan.destructive if row.id not in grants]
    if mode == "force-destructive":
        by_config = rules.allow_destructive is True
        grant = Grant(
            source="config" if by_config else "force-destructive",
            by=rules.user,
            detail="allow_destructive_operations: true"
            if by_config
            else "--mode force-destructive",
        )
        grants |= {row.id: grant for row in open_rows}
    elif mode == "interactive" and open_rows:
        grants |= _asked(open_rows, ask, rules.user, said)
    refused = tuple(row.id for row in plan.destructive if row.id not in grants)
    return Consent(grants=grants, refused=refused, said=tuple(said))


def _granted(approval: Approval, plan: Plan) -> dict[str, Grant]:
    grant = Grant(
        source="approval", by=approval.approver, detail=approval.reason, expires=approval.expires
    )
    return {row.id: grant for row in plan.destructive if row.id in approval.actions}


def _asked(
    rows: Iterable[Row], ask: Callable[[Row], str] | None, user: str, said: list[str]
) -> dict[str, Grant]:
    if ask is None:
        said.append("--mode interactive needs a terminal, and there is none")
        return {}
    grants: dict[str, Grant] = {}
    for row in rows:
        typed = ask(row)
        if not typed:
            said.append(f"{row.id} was answered with no, so the answers do not count")
            return {}
        grants[row.id] = Grant(source="interactive", by=user, detail=typed)
    return grants
