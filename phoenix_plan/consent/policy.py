"""A host's policy: what narrows consent there, whatever a plan, a config or a command line says.

It takes away and never gives: what is refused without it stays refused. Every field that is left
out leaves things as they are without a policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import attrs

from phoenix_plan.actions import ACTIONS
from phoenix_plan.errors import PhoenixError
from phoenix_plan.model.desired import Nets
from phoenix_plan.model.times import parse_duration

POLICY_VERSION = "1.0"

Source = Literal["approval", "interactive", "force-destructive", "config"]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SOURCES: tuple[Source, ...] = ("approval", "interactive", "force-destructive", "config")

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@attrs.frozen(kw_only=True)
class Hours:
    """When destructive actions may begin: from `begin` to `end` of a day, in `timezone`.

    Times are 24-hour clock times, HH:MM. Where `end` is not after `begin` it is of the next day.
    """

    days: tuple[Day, ...] = DAYS
    begin: str
    end: str
    timezone: str = "UTC"


@attrs.frozen(kw_only=True)
class Protected:
    """Names that nothing destructive may touch, as patterns with `*`, `?` and `[...]`."""

    pools: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    disks: tuple[str, ...] = ()
    storages: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class KindRule:
    """What is asked for one kind of action, on top of what is asked for all."""

    approvers: int = 0


@attrs.frozen(kw_only=True)
class Policy:
    """What a host asks for before anything destructive is run there. Whoever can write it decides
    who may lose which data, so it belongs to root."""

    format_version: str = POLICY_VERSION
    sources: tuple[Source, ...] = SOURCES
    signatures: bool = False
    approvers: int = 0
    author_counts: bool = True
    kinds: Mapping[str, KindRule] = attrs.field(factory=dict)
    plan_age: str = ""
    approval_age: str = ""
    hours: tuple[Hours, ...] = ()
    protected: Protected = attrs.field(factory=Protected)
    most_destructive: int | None = None
    unknown_evidence: bool = True
    nets: Nets = attrs.field(factory=Nets)

    def needed(self, kind: str) -> int:
        """How many different people have to approve an action of a kind; 0 where none has to, and
        any source that counts is enough."""
        return max(self.approvers, self.kinds[kind].approvers if kind in self.kinds else 0)

    def demand(self, kind: str) -> str:
        """What it takes here to consent to an action of a kind, in words, with the rule's name;
        empty where nothing that anybody says would count."""
        needed = self.needed(kind)
        signed = "signed " if self.signatures else ""
        one = "a signed approval" if self.signatures else "an approval"
        if needed:
            by_kind = kind in self.kinds and self.kinds[kind].approvers == needed
            rule = f"kinds.{kind}.approvers" if by_kind else "approvers"
            what = one if needed == 1 else f"{signed}approvals by {needed} different people"
            if not self.author_counts:
                what, rule = f"{what}, not by the plan's author", f"{rule}, author_counts"
            return f"{what} ({rule})"
        return " or ".join(one if source == "approval" else source for source in self.sources)

    @property
    def longest_approval(self) -> timedelta | None:
        """How long after it was given an approval counts at most."""
        return parse_duration(self.approval_age) if self.approval_age else None

    @property
    def oldest_plan(self) -> timedelta | None:
        """How long after the look at the host a plan may be applied at most."""
        return parse_duration(self.plan_age) if self.plan_age else None

    def closes(self, now: datetime) -> datetime | None:
        """When the hours end that `now` is in; None where it is in none. Hours that follow one
        another without a gap are one stretch, as far as a week ahead."""
        closes: datetime | None = None
        at = now
        for begin, end in sorted(self._windows(now)):
            if begin <= at < end:
                at = closes = end
        return closes

    def opens(self, now: datetime) -> datetime | None:
        """When the next hours begin, None where there are none within a week."""
        return min((begin for begin, _ in self._windows(now) if now < begin), default=None)

    def _windows(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The hours of the days around a moment, in UTC."""
        for hours in self.hours:
            zone = ZoneInfo(hours.timezone)
            begin, end = time.fromisoformat(hours.begin), time.fromisoformat(hours.end)
            today = now.astimezone(zone).date()
            for offset in range(-1, 8):
                day = today + timedelta(days=offset)
                if DAYS[day.weekday()] not in hours.days:
                    continue
                last = day if begin < end else day + timedelta(days=1)
                yield (
                    datetime.combine(day, begin, zone).astimezone(UTC),
                    datetime.combine(last, end, zone).astimezone(UTC),
                )


NO_POLICY = Policy()
"""What holds on a host without one."""


@attrs.frozen(kw_only=True)
class PolicyFault:
    """What a schema can't see: the field's path, and what is wrong with it."""

    path: tuple[str | int, ...]
    rule: str


def faults(policy: Policy) -> Iterator[PolicyFault]:
    """What is wrong with a policy that its schema lets pass."""
    durations: tuple[tuple[tuple[str, ...], str], ...] = (
        (("plan_age",), policy.plan_age),
        (("approval_age",), policy.approval_age),
        (("nets", "retire"), policy.nets.retire),
    )
    for path, text in durations:
        try:
            if text:
                parse_duration(text)
        except PhoenixError as error:
            yield PolicyFault(path=path, rule=error.message)
    for kind in policy.kinds:
        if kind not in ACTIONS:
            yield PolicyFault(
                path=("kinds", kind), rule="is no kind of action; docs/reference/actions.md has all"
            )
    for at, hours in enumerate(policy.hours):
        for name in ("begin", "end"):
            if not _CLOCK.fullmatch(getattr(hours, name)):
                yield PolicyFault(path=("hours", at, name), rule="must be a time such as 08:30")
        try:
            ZoneInfo(hours.timezone)
        except (OSError, ValueError, KeyError):
            # ZoneInfoNotFoundError is a KeyError.
            yield PolicyFault(
                path=("hours", at, "timezone"),
                rule="is no time zone that this machine knows (its package is tzdata)",
            )
    if not policy.signatures:
        for path, count in (
            (("approvers",), policy.approvers),
            *(
                (("kinds", kind, "approvers"), rule.approvers)
                for kind, rule in policy.kinds.items()
            ),
        ):
            if count > 1:
                yield PolicyFault(
                    path=path,
                    rule="asks for different people, whom only signatures tell apart: "
                    "it needs signatures: true",
                )
    if not policy.author_counts and not (policy.signatures and policy.approvers):
        yield PolicyFault(
            path=("author_counts",),
            rule="false asks for approvals by somebody else, whom a signature tells from the "
            "author: it needs signatures: true and approvers of 1 or more",
        )
    wants = (
        policy.signatures
        or policy.approvers
        or any(rule.approvers for rule in policy.kinds.values())
    )
    if wants and "approval" not in policy.sources:
        yield PolicyFault(
            path=("sources",), rule="leaves approvals out, and other rules here ask for them"
        )
