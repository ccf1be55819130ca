"""What a policy takes away, and that it never gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import (
    Action,
    AddVdev,
    Change,
    DestroyDataset,
    RetireDataset,
    SetDatasetProperties,
    action_id,
    pool_of,
)
from phoenix_plan.consent.approval import approve
from phoenix_plan.consent.bars import Known, bars, known_of, resting, too_old
from phoenix_plan.consent.modes import Consent, Mode, Rules, gather
from phoenix_plan.consent.nets import both, lacks, parse_net
from phoenix_plan.consent.policy import (
    DAYS,
    NO_POLICY,
    SOURCES,
    Day,
    Hours,
    KindRule,
    Policy,
    Protected,
    Source,
    faults,
)
from phoenix_plan.consent.presented import Presented, count_people, judge
from phoenix_plan.consent.signatures import Signature
from phoenix_plan.errors import DocumentError, UsageError
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.desired import DesiredDataset, DesiredStorage, Nets
from phoenix_plan.model.disks import Partition
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.model.times import timestamp
from phoenix_plan.plan import Plan
from phoenix_plan.planner import Unmanaged
from phoenix_plan.safety import PROTECTION, verdict
from phoenix_plan.stored import policy_of
from tests import builders
from tests.render.samples import plan_of
from tests.render.samples import planned as planned_row

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)  # a Monday
DIGEST = "d" * 64
PLAN: Plan = builders.planned(
    builders.desired(builders.want_pool("tank", "mirror", "A", "B")),
    builders.actual(builders.occupied("A"), builders.occupied("B")),
)
ONE, TWO = (row.id for row in PLAN.destructive)


def given_by(
    name: str,
    *actions: str,
    key: str = "",
    names: tuple[str, ...] = (),
    lasts: timedelta = timedelta(hours=1),
    ago: timedelta = timedelta(),
) -> Presented:
    """An approval, signed where a key is given."""
    made = approve(
        PLAN, DIGEST, actions=actions or None, approver=name, reason="agreed", now=NOW - ago,
        valid_for=lasts,
    )  # fmt: skip
    signature = Signature(key=key, names=names or (f"{name}@x",)) if key else None
    return Presented(approval=made, source=f"{name}.json", signature=signature)


def consent(
    policy: Policy,
    *approvals: Presented,
    mode: Mode = "safe",
    allow: bool | None = None,
    now: datetime = NOW,
    says: str = "x",
) -> Consent:
    return gather(
        PLAN, digest=DIGEST, machine=PLAN.host.machine, approvals=approvals, now=now,
        rules=Rules(mode=mode, allow_destructive=allow, user="root", policy=policy),
        ask=lambda _row: says,
    )  # fmt: skip


CALLS: dict[Source, dict[str, Any]] = {
    "approval": {},
    "interactive": {"mode": "interactive"},
    "force-destructive": {"mode": "force-destructive"},
    "config": {"allow": True},
}


@pytest.mark.parametrize("allowed", SOURCES)
@pytest.mark.parametrize("used", SOURCES)
def test_only_the_sources_that_are_named_count(used: Source, allowed: Source) -> None:
    """Each against each; one that does not count is told."""
    approvals = [given_by("alice")] if used == "approval" else []
    found = consent(Policy(sources=(allowed,)), *approvals, **CALLS[used])
    assert bool(found.refused) is (used != allowed)
    assert any("policy of this host" in one for one in found.said) is (used != allowed)


def test_no_source_at_all() -> None:
    """A host on which nothing destructive is ever run."""
    for used in SOURCES:
        assert consent(Policy(sources=()), given_by("alice"), **CALLS[used]).refused == (ONE, TWO)


@pytest.mark.parametrize("used", ["interactive", "force-destructive", "config"])
def test_where_approvers_are_asked_for_nothing_else_is_one(used: Source) -> None:
    """Neither a flag, nor the config, nor somebody at the terminal."""
    policy = Policy(approvers=1)
    assert consent(policy, **CALLS[used]).refused == (ONE, TWO)
    found = consent(policy, given_by("alice", ONE), **CALLS[used])
    assert found.refused == (TWO,)
    assert "asks for 1 approver, and none of them have approved it" in found.lacking[TWO]
    assert f"{TWO}: {found.lacking[TWO]}" in found.said


def test_a_kind_can_ask_for_more_and_never_for_less() -> None:
    for everywhere, by_kind, needed in ((0, 2, 2), (1, 2, 2), (2, 1, 2), (2, 0, 2), (0, 0, 0)):
        policy = Policy(
            signatures=True,
            approvers=everywhere,
            kinds={"wipe-disk": KindRule(approvers=by_kind)},
        )
        assert policy.needed("wipe-disk") == needed
        assert policy.needed("destroy-pool") == everywhere


def test_an_approval_counts_for_as_long_as_the_policy_says() -> None:
    policy = Policy(approval_age="2h")
    old = given_by("alice", lasts=timedelta(days=9), ago=timedelta(hours=1))
    found = consent(policy, old)
    assert found.grants[ONE].expires == "2026-11-23T09:00:00Z"
    assert consent(policy, old, now=NOW + timedelta(minutes=59)).refused == ()
    late = consent(policy, old, now=NOW + timedelta(hours=1))
    assert late.refused == (ONE, TWO)
    assert "lets an approval count for 2h" in late.said[0]
    short = given_by("alice", lasts=timedelta(minutes=5))
    assert consent(policy, short).grants[ONE].expires == "2026-11-23T08:05:00Z"


def test_a_consent_of_two_ends_with_the_first_that_ends() -> None:
    """Of three, with the second: the two that last longest are enough."""
    policy = Policy(signatures=True, approvers=2)
    people = [
        given_by(name, key=name, lasts=timedelta(hours=hours))
        for name, hours in (("a", 1), ("b", 5), ("c", 3))
    ]
    for order in (people, people[::-1]):
        grant = consent(policy, *order).grants[ONE]
        assert grant.expires == "2026-11-23T11:00:00Z"
        told = ["b@x (calls themselves b)", "c@x (calls themselves c)"]
        assert grant.by == " and ".join(told if order is people else told[::-1])
        assert set(grant.keys) == {"b", "c"}


@pytest.mark.parametrize(
    ("people", "given"),
    [
        (0, []),
        (1, [("k1", "a")]),
        (2, [("k1", "a"), ("k2", "b")]),
        (1, [("k1", "a"), ("k1", "b")]),
        (1, [("T k1", "a"), ("T-CERT k1", "b")]),
        (1, [("k1", "a"), ("k2", "a")]),
        (1, [("k1", "a"), ("k2", "A")]),
        (1, [("k1", "a b"), ("k2", "b")]),
        # One approval joins two that had nothing in common.
        (1, [("k1", "a"), ("k2", "b"), ("k3", "a b")]),
        (1, [("k1", "a"), ("k2", "b"), ("k2", "a")]),
        (2, [("k1", "a"), ("k2", "b"), ("k3", "b c"), ("k4", "c")]),
        (3, [("k1", "a"), ("k2", "b"), ("k3", "c")]),
        # Whoever comes again joins nobody who stood between.
        (2, [("k1", "a"), ("k2", "b"), ("k1", "a")]),
        # Unsigned ones are known by what they say.
        (1, [("", "a"), ("", "A")]),
        (1, [("k1", "a"), ("", "a")]),
    ],
)
def test_how_many_people_these_are(people: int, given: list[tuple[str, str]]) -> None:
    """Whoever shares a key or a name is one, in every order."""
    made = [given_by(names, key=key, names=tuple(names.split())) for key, names in given]
    assert count_people(made) == people
    assert count_people(made[::-1]) == people


def test_without_allowed_signers_a_key_makes_nobody_another_person() -> None:
    """Whose key it is nobody can say, so the name counts that the approval says."""
    two = [given_by(name, key=key) for name, key in (("a", "k1"), ("A", "k2"))]
    nameless = [attrs.evolve(one, signature=Signature(key=f"T {one.source}")) for one in two]
    assert count_people(nameless) == 1


@pytest.mark.parametrize(
    ("by", "signature"),
    [
        ("ann (unsigned)", None),
        ("ann (as it says)", Signature(flaw="its signature is not right")),
        ("ann (as it says)", Signature(key="T k", names=("ann",), flaw="revoked")),
        ("ann (signed, and nobody here knows by whom)", Signature(key="T k")),
        ("ann = a@x", Signature(key="T k", names=("ann", "a@x"))),
        ("bob (calls themselves ann)", Signature(key="T k", names=("bob",))),
    ],
)
def test_whoever_signed_gave_it(by: str, signature: Signature | None) -> None:
    """Not whoever the approval says; and what nobody checked is told to be so."""
    assert attrs.evolve(given_by("ann"), signature=signature).by == by


SIGNED = Policy(signatures=True)


@pytest.mark.parametrize(
    ("why", "policy", "signature"),
    [
        ("", NO_POLICY, None),
        ("", NO_POLICY, Signature(key="T k")),
        ("", NO_POLICY, Signature(key="T k", names=("ann",))),
        ("is revoked", NO_POLICY, Signature(key="T k", flaw="the key of ann is revoked")),
        ("is revoked", SIGNED, Signature(key="T k", flaw="the key of ann is revoked")),
        ("it is not signed", SIGNED, None),
        ("there is no allowed_signers here", SIGNED, Signature(key="T k")),
        ("", SIGNED, Signature(key="T k", names=("ann",))),
        ("lets no approval count", Policy(sources=("config",)), None),
        ("lets no approval count", Policy(sources=()), Signature(key="T k", names=("ann",))),
    ],
)
def test_why_an_approval_does_not_count(
    why: str, policy: Policy, signature: Signature | None
) -> None:
    """A signature that is not right counts nowhere, a missing one where it is asked for."""
    given = attrs.evolve(given_by("ann"), signature=signature)
    (found,) = judge([given], digest=DIGEST, machine=PLAN.host.machine, policy=policy, now=NOW)
    assert why in found.why
    assert bool(found.why) is bool(why)
    consented = consent(policy, given)
    assert bool(consented.refused) is bool(why)


def test_approvers_can_be_asked_for_by_kind() -> None:
    """Of other kinds none are."""
    for kind, refused in (("wipe-disk", (ONE, TWO)), ("destroy-pool", ())):
        policy = Policy(kinds={kind: KindRule(approvers=1)})
        assert consent(policy, mode="force-destructive").refused == refused


def test_what_does_not_count_has_no_end() -> None:
    """What counts ends when it or the policy says so."""
    there: dict[str, Any] = {"digest": DIGEST, "machine": PLAN.host.machine, "now": NOW}
    policy = Policy(approval_age="30m")
    given = [given_by("a"), given_by("b", ago=timedelta(minutes=31)), given_by("c", key="k")]
    first, late, signed = judge(given, policy=policy, **there)
    assert (first.why, first.until) == ("", "2026-11-23T08:30:00Z")
    assert (bool(late.why), late.until) == (True, "")
    assert (signed.why, signed.until) == ("", "2026-11-23T08:30:00Z")


IN_BERLIN = Hours(begin="08:00", end="18:00", timezone="Europe/Berlin")
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("closes", "now", "hours"),
    [
        ("2026-11-23T18:00", "2026-11-23T08:00", Hours(begin="08:00", end="18:00")),
        (None, "2026-11-23T07:59:59", Hours(begin="08:00", end="18:00")),
        (None, "2026-11-23T18:00", Hours(begin="08:00", end="18:00")),
        # Winter and summer in Berlin.
        ("2026-11-23T17:00", "2026-11-23T07:00", IN_BERLIN),
        ("2026-07-20T16:00", "2026-07-20T06:00", IN_BERLIN),
        (None, "2026-07-20T16:30", IN_BERLIN),
        # One day after the other, without a gap: mon to fri.
        ("2026-11-28T00:00", "2026-11-23T09:00", Hours(days=WEEK, begin="00:00", end="00:00")),
        ("2026-11-25T20:00", "2026-11-23T21:00", Hours(days=WEEK[:2], begin="20:00", end="20:00")),
        # Over midnight: the day is the one on which the hours begin.
        ("2026-11-28T04:00", "2026-11-28T03:00", Hours(days=WEEK, begin="22:00", end="04:00")),
        (None, "2026-11-28T23:00", Hours(days=WEEK, begin="22:00", end="04:00")),
        (None, "2026-11-23T03:00", Hours(days=WEEK, begin="22:00", end="04:00")),
        (None, "2026-11-29T12:00", Hours(days=WEEK, begin="00:00", end="00:00")),
        ("2026-11-28T00:00", "2026-11-27T23:59", Hours(days=WEEK, begin="00:00", end="00:00")),
        # The night in which clocks go back has an hour more, and an end all the same.
        ("2026-10-25T03:00", "2026-10-25T02:30",
            Hours(begin="22:00", end="04:00", timezone="Europe/Berlin")),
        # No end in sight: as far as is looked ahead.
        ("2026-12-01T00:00", "2026-11-23T09:00", Hours(begin="00:00", end="00:00")),
        ("2026-11-29T20:00", "2026-11-29T12:00",
            Hours(days=("sun",), begin="08:00", end="20:00")),
        # They began yesterday there, when it is tomorrow here.
        ("2026-11-23T03:00", "2026-11-23T02:00",
            Hours(begin="20:00", end="19:00", timezone="America/Los_Angeles")),
        # The day there is not the day here.
        ("2026-11-23T11:00", "2026-11-22T12:00",
            Hours(days=("mon",), begin="01:00", end="00:00", timezone="Pacific/Auckland")),
    ],
)  # fmt: skip
def test_hours(closes: str | None, now: str, hours: Hours) -> None:
    policy = Policy(hours=(hours,))
    expected = None if closes is None else at(closes)
    assert policy.closes(at(now)) == expected
    found = consent(policy, mode="force-destructive", now=at(now))
    assert bool(found.refused) is (closes is None)
    if closes is not None:
        assert found.grants[ONE].expires == f"{closes}:00Z"


def test_where_the_policy_leaves_the_config_out_the_mode_counts() -> None:
    """As if the config had said nothing."""
    policy = Policy(sources=("interactive",))
    found = consent(policy, mode="interactive", allow=True)
    assert {grant.source for grant in found.grants.values()} == {"interactive"}
    assert consent(policy, mode="interactive", allow=True, says="").refused == (ONE, TWO)
    assert consent(policy, allow=True).refused == (ONE, TWO)


def test_the_hours_end_what_an_approval_would_not() -> None:
    """And the other way round: whichever comes first."""
    policy = Policy(hours=(Hours(begin="08:00", end="08:30"),))
    assert consent(policy, given_by("alice")).grants[ONE].expires == "2026-11-23T08:30:00Z"
    soon = given_by("alice", lasts=timedelta(minutes=5))
    assert consent(policy, soon).grants[ONE].expires == "2026-11-23T08:05:00Z"


def test_of_several_hours_each_counts_and_the_next_is_told() -> None:
    policy = Policy(hours=(Hours(begin="06:00", end="07:00"), Hours(begin="12:00", end="13:00")))
    assert policy.closes(at("2026-11-23T12:30")) == at("2026-11-23T13:00")
    found = consent(policy, given_by("alice"))
    assert found.refused == (ONE, TWO)
    assert "the next that it allows begins at 2026-11-23T12:00:00Z" in found.said[-1]
    assert policy.opens(at("2026-11-23T12:00")) == at("2026-11-24T06:00")
    assert NO_POLICY.opens(NOW) is None


def test_outside_the_hours_all_that_is_refused_says_why() -> None:
    """Beside what else did not count. A plan that takes nothing is at home at any hour."""
    policy = Policy(hours=(Hours(begin="12:00", end="13:00"),))
    expired = given_by("alice", lasts=timedelta(hours=1), ago=timedelta(hours=2))
    found = consent(policy, expired)
    assert found.lacking.keys() == {ONE, TWO}
    assert found.said[1:] == (found.lacking[ONE],)
    assert "expired at" in found.said[0]
    safe = builders.planned(
        builders.desired(builders.want_pool("tank", "mirror", "A", "B")),
        builders.actual(builders.disk("A"), builders.disk("B")),
    )
    rules = Rules(mode="safe", allow_destructive=None, user="root", policy=policy)
    found = gather(
        safe, digest=DIGEST, machine=safe.host.machine, approvals=(), now=NOW, rules=rules, ask=None
    )
    assert found == Consent(grants={}, refused=())


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ("an approval or interactive or force-destructive or config", {}),
        ("a signed approval or config", {"signatures": True, "sources": ("approval", "config")}),
        ("", {"sources": ()}),
        ("an approval (approvers)", {"approvers": 1}),
        ("a signed approval (approvers)", {"approvers": 1, "signatures": True}),
        ("approvals by 2 different people (approvers)", {"approvers": 2}),
        ("signed approvals by 2 different people (approvers)",
            {"approvers": 2, "signatures": True}),
        ("an approval (kinds.wipe-disk.approvers)",
            {"approvers": 1, "kinds": {"wipe-disk": KindRule(approvers=1)}}),
        ("approvals by 3 different people (kinds.wipe-disk.approvers)",
            {"approvers": 1, "kinds": {"wipe-disk": KindRule(approvers=3)}}),
        ("approvals by 2 different people (approvers)",
            {"approvers": 2, "kinds": {"wipe-disk": KindRule(approvers=1)}}),
        ("an approval (approvers)",
            {"approvers": 1, "kinds": {"destroy-pool": KindRule(approvers=3)}}),
        ("config", {"sources": ("config",), "kinds": {"wipe-disk": KindRule()}}),
    ],
)  # fmt: skip
def test_what_it_takes_is_told_with_the_rule(words: str, rules: dict[str, Any]) -> None:
    assert Policy(**rules).demand("wipe-disk") == words


@pytest.mark.parametrize(
    ("old", "age", "now"),
    [
        (False, "", timedelta(days=900)),
        (False, "2h", timedelta(hours=2)),
        (True, "2h", timedelta(hours=2, seconds=1)),
    ],
)
def test_a_plan_is_as_old_as_the_look_that_it_was_made_of(
    old: bool, age: str, now: timedelta
) -> None:
    seen = datetime.fromisoformat(PLAN.state.taken_at)
    assert bool(too_old(PLAN, Policy(plan_age=age), seen + now)) is old


def plan_for(action: Action, evidence: Evidence | None = None) -> Plan:
    """A plan of one action."""
    return plan_of(planned_row(action, evidence or Evidence()))


DESTRUCTIVE = [one for one in EXAMPLES if verdict(one, Evidence()).safety == "destructive"]


@pytest.mark.parametrize("action", DESTRUCTIVE, ids=[one.TYPE for one in DESTRUCTIVE])
def test_every_kind_touches_what_it_is_about(action: Action) -> None:
    """A policy that protects all names bars every destructive action; one that protects others
    bars none. docs/reference/actions.md has an example of each kind, and of each verdict."""
    plan = plan_for(action)
    everything = Protected(pools=("*",), datasets=("*",), disks=("*",), storages=("*",))
    nothing = Protected(pools=("xx",), datasets=("xx/*",), disks=("xx",), storages=("xx",))
    assert bars(plan, Policy(protected=everything), known_of(plan)).keys() == {action_id(action)}
    assert bars(plan, Policy(protected=nothing), known_of(plan)) == {}


@pytest.mark.parametrize("action", DESTRUCTIVE, ids=[one.TYPE for one in DESTRUCTIVE])
def test_a_protected_pool_is_left_alone_by_every_kind(action: Action) -> None:
    """Whatever is done to it, to a dataset of it or to a disk in it."""
    pool = pool_of(action)
    if pool:
        plan = plan_for(action)
        policy = Policy(protected=Protected(pools=(f"{pool[:-1]}?",)))
        found = bars(plan, policy, known_of(plan))
        assert f"protects {pool}" in found[action_id(action)][0]


def world() -> tuple[Plan, Known]:
    """tank with data below it and a storage on it; another pool; a disk with old data."""
    there = builders.actual(
        builders.member("A", "tank"),
        builders.member("B", "tank"),
        builders.occupied("C"),
        pools=(builders.pool("tank", builders.top("mirror", "tank", "A", "B")),),
    )
    plan = builders.planned(builders.desired(builders.want_pool("cold", "single", "C")), there)
    return plan, known_of(plan, there)


def test_names_that_are_known_of_a_plan_and_of_its_host() -> None:
    """Of a plan alone those that it holds, be they left alone; of the host every spelling of every
    disk, the pools on it that could lose something, and where storages are. What protects a name
    can only see what is known."""
    part = Partition(
        number=1, start=Bytes(0), size=Bytes(1), type="0x83", path="/dev/vdc1",
        aliases=("/dev/disk/by-partlabel/photos",),
    )  # fmt: skip
    there = builders.actual(
        builders.member("A", "tank"),
        builders.occupied("C", partitions=(part,)),
        builders.occupied("D"),
        builders.occupied("E"),
        pools=(
            builders.pool("tank", builders.top("disk", "tank", "A")),
            builders.pool("other", builders.top("disk", "other", "X")),
        ),
        idle=(
            builders.idle_pool("old", disks=("/dev/vdd",)),
            builders.idle_pool("gone", disks=("/dev/vde",), state="destroyed"),
        ),
        datasets=(builders.dataset("tank/a"), builders.dataset("tank/b")),
        storages=(
            builders.storage("vm", pool="tank/a", content="images"),
            builders.storage("iso", "dir", path="/tank", content="iso"),
        ),
    )
    vm = DesiredStorage(id="vm", type="zfspool", properties={"pool": "tank/a", "content": "images"})
    wanted = builders.desired(
        builders.want_pool("tank", "stripe", "A"),
        builders.want_pool("cold", "single", "C"),
        datasets=(DesiredDataset(name="tank/a"),),
        storages=(vm,),
    )
    plan = builders.planned(wanted, there)
    assert known_of(plan) == Known(
        datasets=frozenset({"tank", "tank/a", "tank/b", "other", "cold"})
    )
    bare = attrs.evolve(plan, unmanaged=Unmanaged(), unchanged=(), actions=())
    alone = attrs.evolve(bare, unmanaged=Unmanaged(pools=("suspended",)))
    assert known_of(alone).datasets == {"suspended"}, "though none of its datasets can be listed"
    assert known_of(bare, attrs.evolve(there, datasets=())).datasets == {"tank", "other", "old"}
    known = known_of(bare, there)
    assert known.datasets == {"tank", "tank/a", "tank/b", "other", "old"}
    assert known.homes == {"vm": "tank/a", "iso": "tank"}
    spelt = {"/dev/vdc", builders.by_id("C"), "/dev/vdc1", "/dev/disk/by-partlabel/photos"}
    for name in spelt:
        assert known.disk(name) == spelt
    pools = {letter: known.pools[builders.by_id(letter)] for letter in "ACDE"}
    assert pools == {"A": {"tank"}, "C": set(), "D": {"old"}, "E": set()}


def test_a_time_that_is_none_is_no_age() -> None:
    plan = attrs.evolve(PLAN, state=attrs.evolve(PLAN.state, taken_at="yesterday"))
    for policy in (NO_POLICY, Policy(plan_age="2h")):
        with pytest.raises(DocumentError, match="taken_at of the plan is no time"):
            too_old(plan, policy, NOW)


@pytest.mark.parametrize(
    ("barred", "disks"),
    [
        (True, ("/dev/disk/by-id/virtio-C",)),
        (True, ("virtio-C",)),
        (True, ("virtio-*",)),
        (True, ("*",)),
        (False, ("virtio-A",)),
        (False, ("VIRTIO_C",)),
        (False, ("virtio-",)),
    ],
)
def test_a_disk_is_protected_by_a_pattern(barred: bool, disks: tuple[str, ...]) -> None:
    plan, known = world()
    assert bool(bars(plan, Policy(protected=Protected(disks=disks)), known)) is barred


def test_a_disk_is_protected_by_any_of_its_names() -> None:
    """Those that the plan does not use, too: the host knows them."""
    plan, known = world()
    name = "/dev/disk/by-id/virtio-C"
    others = known.disk(name) - {name}
    assert others
    for other in others:
        policy = Policy(protected=Protected(disks=(other,)))
        assert bars(plan, policy, known)
        assert not bars(plan, policy, known_of(plan))


@pytest.mark.parametrize(
    ("barred", "name", "datasets"),
    [
        (True, "tank/a", ("tank/a",)),
        (True, "tank/a", ("tank",)),
        (True, "tank/a", ("tank/a/b",)),
        (True, "tank/a", ("tank/?",)),
        (True, "tank/a", ("*/a/*",)),
        (False, "tank/a", ("tank/ab", "tank/b", "a")),
        (False, "tank/a", ("tank/b/*",)),
    ],
)
def test_protection_reaches_up_and_down(barred: bool, name: str, datasets: tuple[str, ...]) -> None:
    action = DestroyDataset(dataset=name, guid=Guid("7"), snapshots={}, clones=())
    plan = plan_for(action)
    known = Known(datasets=frozenset({"tank", "tank/a", "tank/a/b", "tank/ab", "tank/b/c"}))
    found = bars(plan, Policy(protected=Protected(datasets=datasets)), known)
    assert bool(found) is barred
    pools = bars(plan, Policy(protected=Protected(pools=("t*",))), known)
    assert "protects tank" in pools[action_id(action)][0]


def with_nets(action: Action, has: Nets, *, checkpoint: bool | None = None) -> Plan:
    pools = [attrs.evolve(builders.want_pool("tank", "mirror", "A", "B"), checkpoint=checkpoint)]
    plan = plan_for(action)
    return attrs.evolve(plan, desired=attrs.evolve(plan.desired, pools=tuple(pools), nets=has))


CHANGE = next(one for one in DESTRUCTIVE if isinstance(one, SetDatasetProperties) and not one.net)
GROW = next(one for one in DESTRUCTIVE if isinstance(one, AddVdev))
DESTROY = next(one for one in DESTRUCTIVE if isinstance(one, DestroyDataset))
RETIRE = next(one for one in DESTRUCTIVE if isinstance(one, RetireDataset))
PURGE = attrs.evolve(DESTROY, kept_until="2020-01-01T00:00:00Z")
LIFT = SetDatasetProperties(
    dataset="tank/a",
    guid=Guid("7"),
    properties=(Change(name="phoenix:protected", before="on", after="off"),),
)


@pytest.mark.parametrize(
    ("says", "action", "wanted", "has"),
    [
        ("a snapshot before it", CHANGE, Nets(snapshot=True), Nets()),
        ("", CHANGE, Nets(snapshot=True), Nets(snapshot=True)),
        ("", CHANGE, Nets(checkpoint=True, retire="30d"), Nets()),
        ("", LIFT, Nets(snapshot=True), Nets()),
        ("a checkpoint before it", GROW, Nets(checkpoint=True), Nets()),
        ("", GROW, Nets(checkpoint=True), Nets(checkpoint=True)),
        ("put aside for 30d first", DESTROY, Nets(retire="30d"), Nets()),
        ("put aside for 30d first", DESTROY, Nets(retire="30d"), Nets(retire="30d")),
        ("", PURGE, Nets(retire="30d"), Nets()),
        ("", RETIRE, Nets(retire="30d"), Nets(retire="30d")),
        ("", RETIRE, Nets(retire="720h"), Nets(retire="30d")),
        ("to be kept for 5w", RETIRE, Nets(retire="5w"), Nets(retire="30d")),
        ("to be kept for 5w", attrs.evolve(RETIRE, keep="forever"), Nets(retire="5w"), Nets()),
        ("", DESTROY, Nets(snapshot=True, checkpoint=True), Nets()),
    ],
)
def test_what_is_to_be_kept_as_a_way_back(
    says: str, action: Action, wanted: Nets, has: Nets
) -> None:
    plan = with_nets(action, has)
    found = bars(plan, Policy(nets=wanted), known_of(plan))
    if says:
        assert says in found[action_id(action)][0]
    else:
        assert found == {}


def test_the_config_of_a_pool_does_not_outweigh_the_policy() -> None:
    plan = with_nets(GROW, Nets(checkpoint=True), checkpoint=False)
    found = bars(plan, Policy(nets=Nets(checkpoint=True)), known_of(plan))
    assert "the config says checkpoint: false for pool tank" in found[action_id(GROW)][0]


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (Nets(snapshot=True, checkpoint=True), Nets(snapshot=True), Nets(checkpoint=True)),
        (Nets(retire="2w"), Nets(retire="7d"), Nets(retire="2w")),
        (Nets(retire="7d"), Nets(retire="7d"), Nets()),
        (Nets(), Nets(), Nets()),
    ],
)
def test_all_that_either_asks_for(expected: Nets, one: Nets, other: Nets) -> None:
    assert both(one, other) == both(other, one) == expected


def test_nets_by_name() -> None:
    assert parse_net("snapshot") == Nets(snapshot=True)
    assert parse_net("checkpoint") == Nets(checkpoint=True)
    assert parse_net("retire=8w") == Nets(retire="8w")


@pytest.mark.parametrize(
    "text", ["", "net", "retire", "retire=", "retire=0d", "snapshot=1", "Snapshot", "checkpoint="]
)
def test_what_is_no_net(text: str) -> None:
    with pytest.raises(UsageError):
        parse_net(text)


def one(tag: str, **changes: Any) -> Action:
    """A destructive example of a kind, but for some fields."""
    return attrs.evolve(next(x for x in DESTRUCTIVE if tag == x.TYPE), **changes)


A, B = "/dev/disk/by-id/ata-A", "/dev/disk/by-id/ata-B"
POOL = one("destroy-pool", disks=(), datasets={"tank": "/tank", "tank/a/b": "/tank/a/b"})
STORAGE = one("remove-storage", storage="vm")
WIPED = one("wipe-disk", disk=A)
HOME = Known(homes={"vm": "tank/a"}, datasets=frozenset({"tank", "tank/a", "tank/a/b"}))


@pytest.mark.parametrize(
    ("touched", "action", "protected", "known"),
    [
        # A pool goes with its datasets and its disks, told by the action or by the host.
        ("tank/a/b", POOL, {"datasets": ("tank/a/b",)}, Known()),
        ("tank/c", POOL, {"datasets": ("tank/c",)}, Known(datasets=frozenset({"tank/c"}))),
        (A, POOL, {"disks": ("ata-A",)}, Known(pools={A: frozenset({"tank"})})),
        ("", POOL, {"disks": ("ata-A",)}, Known(pools={A: frozenset({"other"})})),
        ("", POOL, {"disks": ("ata-B",)}, Known(pools={A: frozenset({"tank"})})),
        (A, one("destroy-pool", disks=(A, B)), {"disks": (A,)}, Known()),
        ("", POOL, {"pools": ("*/a/b",)}, Known(datasets=frozenset({"tank", "tank/a/b"}))),
        # A new name is a name.
        ("tank/new", one("rename-dataset", to="tank/new"), {"datasets": ("*/new",)}, Known()),
        ("tank/kept", one("retire-dataset", to="tank/kept"), {"datasets": ("*/kept",)}, Known()),
        ("tank/old/b", one("retire-dataset", below={"tank/old/b": Guid("5")}),
            {"datasets": ("tank/old/b",)}, Known()),
        # What is above, by names that nobody has told of.
        ("tank/a", one("destroy-dataset", dataset="tank/a/b"), {"datasets": ("tank/a",)}, Known()),
        ("tank/a/b", one("destroy-dataset", dataset="tank/a/b"), {"datasets": ("*/b",)}, Known()),
        # A disk by what it was, by what is freed, by the pool that it is in.
        (f"{A}-part1", one("detach-disk", disk=f"{A}-part1", released=()),
            {"disks": ("*-part1",)}, Known()),
        (A, one("detach-disk", disk="7", released=(A,)), {"disks": ("ata-A",)}, Known()),
        ("", one("detach-disk", disk="7", released=()), {"disks": ("7",)}, Known()),
        ("tank", WIPED, {"pools": ("tank",)}, Known(pools={A: frozenset({"tank"})})),
        ("tank/a", WIPED, {"datasets": ("tank/a",)},
            Known(pools={A: frozenset({"tank"})}, datasets=frozenset({"tank/a"}))),
        ("", WIPED, {"pools": ("tank",)}, Known(pools={B: frozenset({"tank"})})),
        (B, WIPED, {"disks": ("ata-B",)}, Known(spellings={A: frozenset({A, B})})),
        # A storage by its name, and with the dataset that it is on, not with those below.
        ("storage vm", STORAGE, {"storages": ("v?",)}, Known()),
        ("tank/a", STORAGE, {"datasets": ("tank/a",)}, HOME),
        ("tank", STORAGE, {"pools": ("tank",)}, HOME),
        ("", STORAGE, {"datasets": ("tank/a/b",)}, HOME),
        ("", STORAGE, {"pools": ("*",), "datasets": ("*",)}, Known()),
        ("", POOL, {"storages": ("*",)}, Known()),
    ],
)  # fmt: skip
def test_each_way_to_touch_a_protected_name(
    touched: str, action: Action, protected: dict[str, Any], known: Known
) -> None:
    """Exactly that name is told."""
    found = bars(plan_for(action), Policy(protected=Protected(**protected)), known)
    why = f"the policy of this host protects {touched}"
    assert found == ({action_id(action): (why,)} if touched else {})


ADDED = one("add-vdev", pool="tank")
UNSYNCED = one(
    "set-dataset-properties", properties=(Change(name="sync", before="", after="disabled"),)
)
UNPROTECTED = one(
    "set-dataset-properties", properties=(Change(name=PROTECTION, before="on", after="off"),)
)
REFUSED = builders.want_pool("tank", "mirror", "A", "B", checkpoint=False)
ELSEWHERE = builders.want_pool("other", "mirror", "A", "B", checkpoint=False)


@pytest.mark.parametrize(
    ("said", "action", "wanted", "desired"),
    [
        ("(nets.snapshot)", UNSYNCED, Nets(snapshot=True), {}),
        ("", UNSYNCED, Nets(snapshot=True), {"nets": Nets(snapshot=True)}),
        ("", UNSYNCED, Nets(checkpoint=True), {}),
        ("", UNPROTECTED, Nets(snapshot=True), {}),
        ("(nets.checkpoint)", ADDED, Nets(checkpoint=True), {}),
        ("", ADDED, Nets(checkpoint=True), {"nets": Nets(checkpoint=True)}),
        ("says checkpoint: false for pool tank", ADDED, Nets(checkpoint=True),
            {"pools": (REFUSED,), "nets": Nets(checkpoint=True)}),
        ("", ADDED, Nets(checkpoint=True),
            {"pools": (ELSEWHERE,), "nets": Nets(checkpoint=True)}),
        ("", one("add-vdev", pool="tank", vdev_class="log"), Nets(checkpoint=True), {}),
        ("(nets.retire)", one("destroy-dataset", kept_until=""), Nets(retire="30d"), {}),
        ("", one("destroy-dataset", kept_until="2026-01-01"), Nets(retire="30d"), {}),
        ("(nets.retire)", one("retire-dataset", keep="29d"), Nets(retire="30d"), {}),
        ("(nets.retire)", one("retire-dataset", keep="soon"), Nets(retire="30d"), {}),
        ("", one("retire-dataset", keep="30d"), Nets(retire="30d"), {}),
        ("", POOL, Nets(snapshot=True, checkpoint=True, retire="30d"), {}),
    ],
)  # fmt: skip
def test_a_net_that_the_policy_asks_for(
    said: str, action: Action, wanted: Nets, desired: dict[str, Any]
) -> None:
    """With the rule that asks for it."""
    found = lacks(action, attrs.evolve(builders.desired(), **desired), wanted)
    assert said in found
    assert bool(found) is bool(said)


def test_too_much_at_once_is_barred_as_a_whole() -> None:
    assert bars(PLAN, Policy(most_destructive=2), known_of(PLAN)) == {}
    found = bars(PLAN, Policy(most_destructive=1), known_of(PLAN))
    assert found.keys() == {ONE, TWO}
    assert "allows 1 in one plan" in found[ONE][0]


def test_what_is_not_known_in_full_can_be_barred() -> None:
    plan = plan_for(DESTRUCTIVE[0], Evidence(unknown=("what is in it",)))
    assert bars(plan, NO_POLICY, known_of(plan)) == {}
    assert bars(plan, Policy(unknown_evidence=False), known_of(plan))
    assert bars(PLAN, Policy(unknown_evidence=False), known_of(PLAN)) == {}


def test_what_rests_on_what_is_out_is_out() -> None:
    """To the end of the chain, each with the reason; a wipe for nothing is not done either."""
    assert resting(PLAN.actions, {}) == {}
    assert resting(PLAN.actions, {ONE: "is not approved"}) == {
        ONE: "is not approved",
        "create-pool:tank": f"rests on {ONE}",
        TWO: "only prepares create-pool:tank",
    }


POLICIES = st.builds(
    Policy,
    sources=st.lists(st.sampled_from(get_args(Source)), unique=True).map(tuple),
    signatures=st.booleans(),
    approvers=st.integers(0, 3),
    kinds=st.dictionaries(
        st.sampled_from(["wipe-disk", "destroy-pool"]),
        st.builds(KindRule, approvers=st.integers(0, 3)),
    ),
    approval_age=st.sampled_from(["", "30m", "2h", "9d"]),
    hours=st.lists(
        st.builds(
            Hours,
            days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
            begin=st.sampled_from(["00:00", "07:30", "08:00"]),
            end=st.sampled_from(["00:00", "07:45", "12:00"]),
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip
GIVEN = st.lists(
    st.builds(
        given_by,
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([ONE, TWO]),
        key=st.sampled_from(["", "k1", "k2"]),
        lasts=st.sampled_from([timedelta(minutes=1), timedelta(hours=1), timedelta(days=9)]),
        ago=st.sampled_from([timedelta(), timedelta(minutes=5), timedelta(hours=1)]),
    ),
    max_size=4,
)


@given(POLICIES, GIVEN, st.sampled_from(get_args(Mode)), st.sampled_from([None, True, False]))
@settings(max_examples=300, deadline=None)
def test_a_policy_never_gives(
    policy: Policy, approvals: Iterable[Presented], mode: Mode, allow: bool | None
) -> None:
    """What is refused without it is refused with it, and no consent of a source lasts longer."""
    with_it = consent(policy, *approvals, mode=mode, allow=allow)
    without = consent(NO_POLICY, *approvals, mode=mode, allow=allow)
    assert set(without.refused) <= set(with_it.refused)
    assert with_it.grants.keys() | set(with_it.refused) == {ONE, TWO}
    for one, grant in with_it.grants.items():
        other = without.grants[one]
        if other.source == grant.source and other.expires:
            assert grant.expires
            assert grant.expires <= other.expires


def read(**rules: Any) -> Policy:
    return policy_of(json.dumps({"format_version": "1.0", **rules}).encode(), "policy.json")


@pytest.mark.parametrize(
    ("why", "rules"),
    [
        ("needs signatures: true", {"approvers": 2}),
        ("needs signatures: true and approvers", {"author_counts": False}),
        ("needs signatures: true and approvers", {"author_counts": False, "signatures": True}),
        ("needs signatures: true and approvers", {"author_counts": False, "approvers": 1}),
        ("needs signatures: true", {"kinds": {"destroy-pool": {"approvers": 2}}}),
        ("sources: leaves approvals out", {"signatures": True, "sources": ["interactive"]}),
        ("sources: leaves approvals out", {"approvers": 1, "sources": []}),
        ("is no kind of action", {"kinds": {"destroy-everything": {}}}),
        ("must be 0 or more", {"approvers": -1}),
        ("must be a whole number", {"approvers": True}),
        ("must be a whole number", {"most_destructive": "3"}),
        ("must be 0 or more", {"most_destructive": -1}),
        ("is no duration", {"plan_age": "soon"}),
        ("is no duration", {"approval_age": "-1h"}),
        ("nets.retire: 'forever' is no duration", {"nets": {"retire": "forever"}}),
        ("a year at most", {"nets": {"retire": "99w"}}),
        ("is no key that is known", {"nets": {"backup": True}}),
        ("hours: must not be empty", {"hours": []}),
        ("hours[0].days: must not be empty",
            {"hours": [{"days": [], "begin": "08:00", "end": "09:00"}]}),
        ("hours[0].end: must be a time", {"hours": [{"begin": "08:00", "end": "24:00"}]}),
        ("is no time zone", {"hours": [{"begin": "08:00", "end": "09:00", "timezone": "Mars"}]}),
        ("is no time zone", {"hours": [{"begin": "08:00", "end": "09:00", "timezone": "../UTC"}]}),
        ("must be one of", {"hours": [{"days": ["monday"], "begin": "08:00", "end": "09:00"}]}),
        ("must be one of", {"sources": ["approvals"]}),
        ("did you mean approvers", {"aprovers": 2}),
        ("is no key that is known", {"protected": {"guests": ["100"]}}),
        ("true or false", {"signatures": "required"}),
    ],
)  # fmt: skip
def test_a_policy_is_read_strictly(why: str, rules: Mapping[str, Any]) -> None:
    """A rule that can't be understood is never left out of account."""
    with pytest.raises(DocumentError) as caught:
        read(**rules)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("paths", "policy"),
    [
        ([], NO_POLICY),
        ([], Policy(
            signatures=True, approvers=2, kinds={"wipe-disk": KindRule(approvers=3)},
            plan_age="7d", approval_age="2h", sources=("approval",),
            hours=(Hours(begin="00:00", end="23:59"), Hours(begin="19:30", end="08:00")),
        )),
        ([("plan_age",)], Policy(plan_age="soon")),
        ([("approval_age",)], Policy(approval_age="soon")),
        ([("kinds", "wipe")], Policy(kinds={"wipe": KindRule()})),
        ([("hours", 1, "begin")],
            Policy(hours=(Hours(begin="08:00", end="09:00"), Hours(begin="8:00", end="09:00")))),
        ([("hours", 0, "end")], Policy(hours=(Hours(begin="08:00", end="09:60"),))),
        *(([("hours", 0, "timezone")],
            Policy(hours=(Hours(begin="08:00", end="09:00", timezone=x),)))
            for x in ("Mars", "../UTC", "Europe", "x" * 300, "/UTC")),
        ([("approvers",)], Policy(approvers=2)),
        ([("kinds", "wipe-disk", "approvers")],
            Policy(kinds={"wipe-disk": KindRule(approvers=2)})),
        ([], Policy(approvers=1, kinds={"wipe-disk": KindRule(approvers=1)})),
        ([], Policy(signatures=True, approvers=1, author_counts=False)),
        ([("author_counts",)], Policy(signatures=True, author_counts=False)),
        ([("author_counts",)], Policy(approvers=1, author_counts=False)),
        ([("sources",)], Policy(signatures=True, sources=("config",))),
        ([("sources",)], Policy(approvers=1, sources=("config",))),
        ([("sources",)], Policy(kinds={"wipe-disk": KindRule(approvers=1)}, sources=("config",))),
        ([], Policy(kinds={"wipe-disk": KindRule()}, sources=("config",))),
    ],
)  # fmt: skip
def test_a_fault_of_a_policy_has_its_place(
    paths: list[tuple[str | int, ...]], policy: Policy
) -> None:
    """What can't be what somebody meant, and nothing else."""
    assert [one.path for one in faults(policy)] == paths


def test_what_a_newer_policy_forbids_is_not_left_out_of_account() -> None:
    """Unlike any other document of a newer minor version."""
    assert read(format_version="1.9", approvers=1).approvers == 1
    with pytest.raises(DocumentError, match="moon_phase: is no key"):
        read(format_version="1.9", moon_phase="full")


def test_a_kind_that_says_nothing_asks_for_nobody() -> None:
    kinds = read(kinds={"wipe-disk": {}}).kinds
    assert {kind: rule.approvers for kind, rule in kinds.items()} == {"wipe-disk": 0}


def test_a_policy_that_says_nothing_changes_nothing() -> None:
    assert attrs.evolve(read(), format_version="1.0") == NO_POLICY


APART = Policy(signatures=True, approvers=1, author_counts=False)
AUTHOR = Signature(key="ED25519 k1", names=("ada@x",))


def apart(
    *approvals: Presented,
    author: Signature | None = AUTHOR,
    policy: Policy = APART,
    without: Iterable[str] = (),
) -> Consent:
    """What approvals come to where the author is left out."""
    return gather(
        PLAN, digest=DIGEST, machine=PLAN.host.machine, approvals=approvals, now=NOW, ask=None,
        rules=Rules(mode="safe", allow_destructive=None, user="", policy=policy, author=author),
        without=without,
    )  # fmt: skip


def test_the_author_of_a_plan_is_no_approver_of_it() -> None:
    """By name, by key, and whatever else of theirs was said with them."""
    bob = given_by("bob", key="ED25519 k2")
    assert not apart(bob).refused
    assert apart(bob).grants[ONE].expires == timestamp(NOW + timedelta(hours=1))
    assert not apart(bob).said
    for mine in (
        given_by("ada", key="ED25519 k1"),
        given_by("ada", key="ED25519 k3"),
        given_by("al", key="ED25519 k1"),
        given_by("al", key="ED25519-CERT k1"),
        given_by("al", key="ED25519 k3", names=("x@x", "Ada@X")),
    ):
        found = apart(mine)
        assert found.refused == (ONE, TWO)
        assert "it was given by who made the plan (ada@x)" in found.said[0]
        assert not apart(mine, bob).refused
        assert apart(mine, bob).grants[ONE].by == "bob@x (calls themselves bob)"
    chain = [given_by("a", key="x k4", names=("b@x",)), given_by("b", key="x k4", names=("ada@x",))]
    for order in (chain, chain[::-1]):
        assert apart(*order).refused == (ONE, TWO)


@pytest.mark.parametrize(
    ("said", "author"),
    [
        ("no signature of its author beside the plan", None),
        ("the signature beside it (.sig): spoilt", Signature(key="ED25519 k1", flaw="spoilt")),
        ("there is no allowed_signers here", Signature(key="ED25519 k1")),
    ],
)
def test_where_the_author_is_not_known_anybody_might_be_them(
    said: str, author: Signature | None
) -> None:
    for approvals in ([given_by("bob", key="ED25519 k2")], []):
        found = apart(*approvals, author=author)
        assert found.refused == (ONE, TWO)
        assert said in found.said[0]
    assert apart(author=author, without=(ONE, TWO)).said == ()
    (one,) = judge(
        [given_by("bob", key="ED25519 k2")], digest=DIGEST, machine=PLAN.host.machine,
        policy=APART, now=NOW, author=author,
    )  # fmt: skip
    assert (said in one.why, one.until) == (True, "")


def test_another_reason_why_an_approval_does_not_count_is_told_first() -> None:
    for author in (None, AUTHOR):
        late = given_by("ada", key="ED25519 k2", ago=timedelta(hours=2))
        found = apart(late, author=author)
        assert "it expired at" in found.said[0]
        assert len(found.said) == 3, "and what each of the two actions lacks"


def test_nobody_is_told_of_an_author_where_none_is_asked_for() -> None:
    found = consent(Policy(signatures=True, approvers=1))
    assert not any("made" in one or "author" in one for one in found.said)
    policy = attrs.evolve(APART, author_counts=True)
    assert not apart(given_by("ada", key="ED25519 k1"), policy=policy).refused
    assert APART.demand("wipe-disk") == (
        "a signed approval, not by the plan's author (approvers, author_counts)"
    )
    two = attrs.evolve(APART, kinds={"wipe-disk": KindRule(approvers=2)})
    assert two.demand("wipe-disk") == (
        "signed approvals by 2 different people, not by the plan's author "
        "(kinds.wipe-disk.approvers, author_counts)"
    )


@pytest.mark.parametrize("hours", [(), (Hours(begin="20:00", end="21:00"),)])
def test_consent_has_what_each_approval_came_to(hours: tuple[Hours, ...]) -> None:
    """At any hour: verify shows it."""
    policy = Policy(hours=hours)
    given = [given_by("ann"), given_by("bob", ago=timedelta(hours=2))]
    alone = judge(given, digest=DIGEST, machine=PLAN.host.machine, policy=policy, now=NOW)
    assert [bool(one.why) for one in alone] == [False, True]
    assert consent(policy, *given).judged == alone
