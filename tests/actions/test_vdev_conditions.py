"""What apply alone can meet of a pool's vdevs: a member that is gone, or not as it shall be."""

from __future__ import annotations

from typing import Literal

import pytest

from phoenix_plan.conditions import (
    Condition,
    Member,
    MemberState,
    NoMember,
    OthersOnline,
    PoolSettled,
    unmet,
)
from phoenix_plan.model.index import Index
from phoenix_plan.model.pools import Activity, Pool
from phoenix_plan.model.sizes import Guid
from tests.builders import actual, by_id, guid_of, leaf, member, pool, top

A, B, C = (Guid(guid_of(letter)) for letter in "ABC")


def code(condition: Condition, there: Pool, unknown: str = "") -> str:
    """The code of what is amiss, empty where the condition holds."""
    disks = [member(letter, "tank") for letter in "AB"]
    state = actual(*disks, pools=[there], unknown=[unknown] if unknown else [])
    found = unmet(condition, Index(state))
    return found.code if found is not None else ""


TANK = pool("tank", top("mirror", "tank", "A", "B"))
OFF = pool("tank", top("mirror", "tank", children=(leaf("A"), leaf("B", "OFFLINE"))))


@pytest.mark.parametrize(
    ("expected", "condition", "there"),
    [
        ("", Member(pool="tank", who=A), TANK),
        ("", Member(pool="tank", who=by_id("A")), TANK),
        ("", Member(pool="tank", who=TANK.vdevs[0].guid), TANK),
        ("member-missing", Member(pool="tank", who=C), TANK),
        ("member-missing", Member(pool="tank", who=by_id("C")), TANK),
        ("member-missing", Member(pool="other", who=A), TANK),
        ("", NoMember(pool="tank", who=C), TANK),
        ("member-there", NoMember(pool="tank", who=A), TANK),
        ("", MemberState(pool="tank", who=B, state="ONLINE"), TANK),
        ("member-state", MemberState(pool="tank", who=B, state="OFFLINE"), TANK),
        ("", MemberState(pool="tank", who=B, state="OFFLINE"), OFF),
        ("member-state", MemberState(pool="tank", who=B, state="ONLINE"), OFF),
        ("member-missing", MemberState(pool="tank", who=C, state="ONLINE"), TANK),
        ("", OthersOnline(pool="tank", who=B, at_least=1), TANK),
        ("", OthersOnline(pool="tank", who=B, at_least=1), OFF),
        ("redundancy-needed", OthersOnline(pool="tank", who=A, at_least=1), OFF),
        ("redundancy-needed", OthersOnline(pool="tank", who=A, at_least=2), TANK),
        (
            "redundancy-needed",
            OthersOnline(pool="tank", who=A, at_least=0),
            pool("tank", leaf("A")),
        ),
    ],
)
def test_a_member(expected: str, condition: Condition, there: Pool) -> None:
    assert expected == code(condition, there)


@pytest.mark.parametrize("kind", ["resilver", "remove", "expand"])
@pytest.mark.parametrize(
    ("expected", "state"),
    [
        ("pool-resilvering", "running"),
        ("pool-resilvering", "paused"),
        ("", "finished"),
        ("", "canceled"),
    ],
)
def test_what_is_paused_has_not_ended(
    expected: str,
    state: Literal["running", "paused", "finished", "canceled"],
    kind: Literal["resilver", "remove", "expand"],
) -> None:
    """An expansion pauses for a resilver, and goes on by itself."""
    there = pool("tank", *TANK.vdevs, activities=(Activity(kind=kind, state=state),))
    assert expected == code(PoolSettled(pool="tank"), there)


@pytest.mark.parametrize(
    "condition",
    [
        PoolSettled(pool="tank"),
        Member(pool="tank", who=A),
        NoMember(pool="tank", who=C),
        MemberState(pool="tank", who=A, state="ONLINE"),
    ],
)
def test_what_could_not_be_learnt_holds_of_no_pool(condition: Condition) -> None:
    """I3."""
    assert code(condition, TANK, unknown="pools") == "probe-failed"


def test_a_scrub_is_in_nobodys_way() -> None:
    there = pool("tank", *TANK.vdevs, activities=(Activity(kind="scrub", state="running"),))
    assert not code(PoolSettled(pool="tank"), there)
