"""Where consent comes from, and what it covers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from phoenix_plan.consent.approval import Approval, approve, beside
from phoenix_plan.consent.modes import Consent, Grant, Mode, Rules, gather
from phoenix_plan.consent.presented import Presented
from phoenix_plan.errors import UsageError
from phoenix_plan.model.times import parse_duration, parse_timestamp, timestamp
from phoenix_plan.plan import Plan, Row
from tests import builders

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DIGEST = "d" * 64
PLAN: Plan = builders.planned(
    builders.desired(builders.want_pool("tank", "mirror", "A", "B")),
    builders.actual(builders.occupied("A"), builders.occupied("B")),
)
ONE, TWO = (row.id for row in PLAN.destructive)


def approval(*actions: str, **changes: Any) -> Approval:
    made = approve(
        PLAN, DIGEST, actions=actions or None, approver="alice", reason="agreed", now=NOW,
        valid_for=timedelta(hours=1),
    )  # fmt: skip
    return attrs.evolve(made, **changes)


def consent(
    mode: Mode = "safe",
    allow: bool | None = None,
    approvals: Iterable[Approval] = (),
    typed: Iterable[str] | None = None,
    now: datetime = NOW,
) -> Consent:
    answers = iter(typed or ())

    def ask(_row: Row) -> str:
        return next(answers)

    return gather(
        PLAN, digest=DIGEST, machine=PLAN.host.machine, now=now,
        approvals=[Presented(approval=one, source="x") for one in approvals],
        rules=Rules(mode=mode, allow_destructive=allow, user="bob"),
        ask=None if typed is None else ask,
    )  # fmt: skip


def sources(given: Consent) -> list[str]:
    return [given.grants[one].source if one in given.grants else "-" for one in (ONE, TWO)]


@pytest.mark.parametrize(
    ("expected", "mode", "allow", "approved"),
    [
        (["-", "-"], "safe", None, ()),
        (["-", "-"], "safe", False, ()),
        (["config", "config"], "safe", True, ()),
        (["force-destructive"] * 2, "force-destructive", None, ()),
        (["-", "-"], "force-destructive", False, ()),
        (["config", "config"], "force-destructive", True, ()),
        (["interactive"] * 2, "interactive", None, ()),
        (["-", "-"], "interactive", False, ()),
        (["config", "config"], "interactive", True, ()),
        (["approval", "-"], "safe", None, (0,)),
        (["approval", "-"], "safe", False, (0,)),
        (["approval", "approval"], "interactive", False, (0, 1)),
        (["approval", "interactive"], "interactive", None, (0,)),
        (["approval", "force-destructive"], "force-destructive", None, (0,)),
        (["approval", "config"], "safe", True, (0,)),
    ],
)
def test_the_contracts_table(
    expected: list[str], mode: Mode, allow: bool | None, approved: tuple[int, ...]
) -> None:
    """Every source against every other; everybody who is asked says yes."""
    ids = [(ONE, TWO)[at] for at in approved]
    given = consent(mode, allow, [approval(*ids)] if ids else [], typed=["x", "x"])
    assert sources(given) == expected
    barred = mode != "safe" and allow is False
    assert [f"--mode {mode} does not count" in one for one in given.said] == [True] * barred
    assert given.refused == tuple(
        one for one, source in zip((ONE, TWO), expected, strict=True) if source == "-"
    )


def test_what_a_flag_grants() -> None:
    """By whom, in which words; it does not end by itself."""
    grant = consent("force-destructive").grants[ONE]
    assert grant == Grant(
        source="force-destructive", by="bob", detail="--mode force-destructive", expires="", keys=()
    )
    grant = consent("safe", allow=True).grants[ONE]
    assert (grant.by, grant.detail) == ("bob", "allow_destructive_operations: true")


@pytest.mark.parametrize("typed", [["", "x"], ["x", ""], ["", ""]])
def test_one_no_is_a_no_to_all(typed: list[str]) -> None:
    given = consent("interactive", typed=typed)
    assert given.refused == (ONE, TWO)
    assert "answered with no" in given.said[0]


def test_nobody_is_asked_about_what_will_not_run() -> None:
    """Whatever it is left out for; it is neither granted nor refused then."""
    asked: list[str] = []

    def ask(row: Row) -> str:
        asked.append(row.id)
        return "x"

    given = gather(
        PLAN, digest=DIGEST, machine=PLAN.host.machine, now=NOW, approvals=(), ask=ask,
        rules=Rules(mode="interactive", allow_destructive=None, user="bob"), without=[ONE],
    )  # fmt: skip
    assert asked == [TWO]
    assert given.refused == ()
    assert {one: grant.by for one, grant in given.grants.items()} == {TWO: "bob"}


def test_nobody_there_is_a_no() -> None:
    given = consent("interactive", typed=None)
    assert given.refused == (ONE, TWO)
    assert "needs a terminal" in given.said[0]
    approved = consent("interactive", typed=None, approvals=[approval()])
    assert (approved.refused, approved.said) == ((), ()), "and where nothing is left to ask, none"


@pytest.mark.parametrize(
    ("counts", "changes", "later"),
    [
        (True, {}, timedelta()),
        (True, {}, timedelta(minutes=59, seconds=59)),
        (False, {}, timedelta(hours=1)),
        (False, {}, timedelta(seconds=-1)),
        (False, {"plan": "e" * 64}, timedelta()),
        (False, {"machine": "1" * 32}, timedelta()),
    ],
)
def test_an_approval_counts_for_its_plan_host_and_time(
    counts: bool, changes: dict[str, str], later: timedelta
) -> None:
    given = consent(approvals=[approval(**changes)], now=NOW + later)
    assert (given.refused == ()) is counts
    assert (given.said == ()) is counts


def test_of_two_approvals_the_longer_one_counts() -> None:
    long = approval(expires="2027-01-01T00:00:00Z")
    for order in ([approval(), long], [long, approval()]):
        assert consent(approvals=order).grants[ONE].expires == long.expires


def test_an_approval_of_unknown_actions_grants_nothing() -> None:
    given = consent(approvals=[approval(actions=("destroy-pool:elsewhere",))])
    assert given.refused == (ONE, TWO)


SAFE = next(row.id for row in PLAN.actions if row.safety == "safe")
SOUND: dict[str, Any] = {"actions": None, "approver": "alice", "reason": "agreed", "now": NOW}


@pytest.mark.parametrize(
    ("why", "hint", "changes"),
    [
        ("has no action 'destroy-pool:x'", f"{ONE}, {TWO}", {"actions": [ONE, "destroy-pool:x"]}),
        (f"{SAFE} is safe: it needs no approval", "", {"actions": [ONE, SAFE]}),
        ("nothing to approve", "", {"actions": []}),
        ("needs a reason", "--reason", {"reason": " "}),
        ("needs an approver", "--approver", {"approver": "\t"}),
        ("--reason 'a\\nb' is not one line", "", {"reason": "a\nb"}),
        ("--approver 'a\\x1b' is not one line", "", {"approver": "a\x1b"}),
    ],
)
def test_what_can_not_be_approved(why: str, hint: str, changes: dict[str, Any]) -> None:
    """Said before anything is written, with what there is to approve."""
    with pytest.raises(UsageError) as caught:
        approve(PLAN, DIGEST, **{**SOUND, **changes}, valid_for=timedelta(hours=1))
    assert why in caught.value.message
    assert hint in caught.value.hint


def test_where_nothing_is_destructive_there_is_nothing_to_approve() -> None:
    """Whichever way it is asked for."""
    plan = attrs.evolve(PLAN, actions=tuple(row for row in PLAN.actions if row.id == SAFE))
    for actions, why in ((None, "nothing to approve"), ([ONE], "has no action")):
        with pytest.raises(UsageError, match=why) as caught:
            approve(plan, DIGEST, **{**SOUND, "actions": actions}, valid_for=timedelta(hours=1))
        if actions:
            assert caught.value.hint == "Its destructive actions: none"


def test_an_approval_holds_what_it_was_given_for() -> None:
    """Each action once, in the order in which it was named; times in UTC, to the second."""
    there = NOW.astimezone(timezone(timedelta(hours=-7)))
    given = approve(
        PLAN, DIGEST, **{**SOUND, "actions": [TWO, ONE, TWO], "now": there},
        valid_for=timedelta(minutes=90),
    )  # fmt: skip
    assert given == Approval(
        format_version="1.0", plan=DIGEST, machine=PLAN.host.machine, hostname="pve1",
        actions=(TWO, ONE), approver="alice", reason="agreed", created="2026-11-23T08:00:00Z",
        expires="2026-11-23T09:30:00Z",
    )  # fmt: skip
    assert approval().actions == (ONE, TWO), "all of them, where none is named"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (timedelta(minutes=30), "30m"), (timedelta(hours=24), "24h"), (timedelta(days=7), "7d"),
        (timedelta(weeks=2), "2w"), (timedelta(days=366), "366d"),
    ],
)  # fmt: skip
def test_durations(expected: timedelta, text: str) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0h", "24", "h", "-1h", "1.5h", "1h30m", "24 h", "٣h", "12345678901h"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["367d", "53w", "9999999999w"])
def test_a_year_is_the_longest(text: str) -> None:
    """What no calendar can hold is longer still."""
    with pytest.raises(UsageError, match="a year at most"):
        parse_duration(text)


def test_moments_are_utc_wherever_the_host_is(monkeypatch: pytest.MonkeyPatch) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-7)))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert timestamp(there) == "2026-11-23T08:00:00Z"
        assert parse_timestamp("2026-11-23T08:00:00Z") == NOW
    time.tzset()


def test_moments_are_utc_to_the_second() -> None:
    assert timestamp(NOW) == "2026-11-23T08:00:00Z"
    assert parse_timestamp(timestamp(NOW)) == NOW
    with pytest.raises(ValueError, match="does not match"):
        parse_timestamp("2026-11-23 08:00")


@pytest.mark.parametrize(
    ("expected", "plan"),
    [
        ("plan.approval.json", "plan.json"),
        ("/x/web.plan.approval.json", "/x/web.plan.json"),
        ("plan.approval.json", "plan"),
    ],
)
def test_an_approval_stands_beside_its_plan(expected: str, plan: str) -> None:
    assert beside(plan) == expected
