"""Modes and the config's word: which sources of consent count, and what they cover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import attrs

from phoenix_plan.consent.policy import NO_POLICY, Policy, Source
from phoenix_plan.consent.presented import (
    Judged,
    Presented,
    author_unknown,
    count_people,
    judge,
)
from phoenix_plan.consent.signatures import Signature
from phoenix_plan.model.times import timestamp
from phoenix_plan.plan import Plan, Row

Mode = Literal["safe", "interactive", "force-destructive"]


@attrs.frozen(kw_only=True)
class Grant:
    """Consent to one action: where it comes from, who gave it, in which words.

    `expires` is when it ends (UTC), be it by an approval or by the policy's hours; empty where it
    does not. `keys` are types and fingerprints of the keys that signed.
    """

    source: Source
    by: str
    detail: str
    expires: str = ""
    keys: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Consent:
    """What is consented to, by action id, and why the rest is not.

    `refused` are ids of destructive actions without consent; `said` are sentences on sources that
    did not count (an approval that expired, a mode that the config bars). `lacking` says for some
    of the refused what would be needed. `judged` are the approvals, and whether each counts.
    """

    grants: Mapping[str, Grant]
    refused: tuple[str, ...]
    said: tuple[str, ...] = ()
    lacking: Mapping[str, str] = attrs.field(factory=dict)
    judged: tuple[Judged, ...] = ()


@attrs.frozen(kw_only=True)
class Rules:
    """What decides: the mode asked for, the config's flag where it counts, who is asking, and the
    host's policy, which takes away from all of them. `author` is the plan's own signature.

    `allow_destructive` is True only where the config counts: where apply itself was given it and it
    is the plan's; False wherever the plan or the given config says so; None else. `digest` is of
    all the host's rules, for the journal.
    """

    mode: Mode
    allow_destructive: bool | None
    user: str
    policy: Policy = NO_POLICY
    digest: str = ""
    author: Signature | None = None


def gather(
    plan: Plan,
    *,
    digest: str,
    machine: str,
    rules: Rules,
    approvals: Iterable[Presented],
    now: datetime,
    ask: Callable[[Row], str] | None,
    without: Iterable[str] = (),
) -> Consent:
    """All consent for the destructive rows of a plan, gathered before the first write.

    `ask` puts one row to a person and returns what they typed where it is a yes, empty where it is
    a no; None where nobody can be asked. One no, and nothing is consented to interactively.
    `without` are ids of rows that will not run whatever is said: nobody is asked about them.
    """
    policy = rules.policy
    left_out = set(without)
    rows = [row for row in plan.destructive if row.id not in left_out]
    judged = judge(
        approvals, digest=digest, machine=machine, policy=policy, now=now, author=rules.author
    )
    said = [
        f"the approval by {one.given.by} does not count: {one.why}" for one in judged if one.why
    ]
    if rows and not judged and (unknown := author_unknown(policy, rules.author)):
        said.append(f"an approval would not count: {unknown}")
    closes = policy.closes(now)
    if policy.hours and closes is None and rows:
        return _closed(rows, policy, now, said, judged)
    grants: dict[str, Grant] = {}
    lacking: dict[str, str] = {}
    for row in rows:
        needed = policy.needed(row.action.TYPE)
        grant, people = _approved(row, judged, needed)
        if grant is not None:
            grants[row.id] = grant
        elif needed:
            lacking[row.id] = (
                f"the policy of this host asks for {needed} approver{'s' * (needed != 1)}, and "
                f"{people or 'none'} of them {'has' if people == 1 else 'have'} approved it"
            )
    # Where the policy asks for approvers, no flag and no answer at a terminal is one.
    open_rows = [row for row in rows if row.id not in grants and row.id not in lacking]
    grants |= _others(open_rows, rules, ask, said)
    if closes is not None:
        end = timestamp(closes)
        grants = {
            one: attrs.evolve(grant, expires=min(grant.expires or end, end))
            for one, grant in grants.items()
        }
    refused = tuple(row.id for row in rows if row.id not in grants)
    said += [f"{one}: {why}" for one, why in lacking.items()]
    return Consent(grants=grants, refused=refused, said=tuple(said), lacking=lacking, judged=judged)


def _closed(
    rows: Sequence[Row],
    policy: Policy,
    now: datetime,
    said: Sequence[str],
    judged: tuple[Judged, ...],
) -> Consent:
    opens = policy.opens(now)
    why = "the policy of this host lets nothing destructive begin at this hour" + (
        f"; the next that it allows begins at {timestamp(opens)}" if opens else ""
    )
    ids = tuple(row.id for row in rows)
    lacking = dict.fromkeys(ids, why)
    return Consent(grants={}, refused=ids, said=(*said, why), lacking=lacking, judged=judged)


def _approved(row: Row, judged: Iterable[Judged], needed: int) -> tuple[Grant | None, int]:
    """The consent that approvals make, and how many people have given one.

    Of more approvals than are needed those that last longest count: the consent ends when too few
    are left (UTC to the second sorts as text).
    """
    given = [one for one in judged if not one.why and row.id in one.given.approval.actions]
    ours = sorted(given, key=lambda one: one.until, reverse=True)
    wanted = max(needed, 1)
    for at in range(1, len(ours) + 1):
        if count_people([one.given for one in ours[:at]]) >= wanted:
            # Told in the order in which they were handed over.
            these = [one.given for one in given if one in ours[:at]]
            return (
                Grant(
                    source="approval",
                    by=" and ".join(one.by for one in these),
                    detail="; ".join(dict.fromkeys(one.approval.reason for one in these)),
                    expires=ours[at - 1].until,
                    keys=tuple(
                        one.signature.key for one in these if one.signature and one.signature.key
                    ),
                ),
                wanted,
            )
    return None, count_people([one.given for one in ours])


_BY_CONFIG = "allow_destructive_operations: true"


def _others(
    rows: Sequence[Row], rules: Rules, ask: Callable[[Row], str] | None, said: list[str]
) -> dict[str, Grant]:
    """Consent of the mode and of the config, as far as they and the policy let it count."""
    mode: Mode = rules.mode
    by_config = rules.allow_destructive is True
    if by_config and "config" not in rules.policy.sources:
        said.append(f"{_BY_CONFIG} does not count: the policy of this host leaves config out")
        by_config = False
    if by_config:
        mode = "force-destructive"
    elif rules.allow_destructive is False and mode != "safe":
        said.append(
            f"--mode {mode} does not count: allow_destructive_operations is false in the config"
        )
        mode = "safe"
    if mode == "safe":
        return {}
    source: Source = "config" if by_config else mode
    told = _BY_CONFIG if by_config else f"--mode {mode}"
    if source not in rules.policy.sources:
        said.append(f"{told} does not count: the policy of this host leaves {source} out")
        return {}
    if mode == "force-destructive":
        grant = Grant(source=source, by=rules.user, detail=told)
        return {row.id: grant for row in rows}
    return _asked(rows, ask, rules.user, said) if rows else {}


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
