"""Topologies: the way that is found, held against trying every move, and against the page."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from docs.generator.shapes import SIZE, declared, disk, host_with, layout, pool, vdevs
from docs.generator.transitions import BASES, DISKS, EXTRAS, outcome, plan, way
from phoenix_plan.actions import (
    AddVdev,
    AttachDisk,
    DestroyPool,
    DetachDisk,
    ExpandRaidz,
    RemoveVdev,
    ReplaceDisk,
)
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.layout import DesiredVdev, same_redundancy
from phoenix_plan.model.pools import Activity, Pool, Property, Vdev
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.planner import Outcome
from tests.planner import oracle

LETTERS = "ABCDE"

Risk = tuple[int, int, int, int]


@st.composite
def topologies(draw: st.DrawFn, disks: str = LETTERS) -> str:
    """A pool of up to five disks, in the short notation; its vdevs are alike, as ZFS wants them."""
    letters = draw(st.permutations(disks))
    kind = draw(st.sampled_from(["disk", "mirror", "raidz1", "raidz2"]))
    least = {"disk": 1, "mirror": 2, "raidz1": 2, "raidz2": 3}[kind]
    width = 1 if kind == "disk" else draw(st.integers(least, len(disks)))
    number = draw(st.integers(1, len(disks) // width))
    groups = ["".join(letters[at * width : (at + 1) * width]) for at in range(number)]
    return "; ".join(group if kind == "disk" else f"{kind} {group}" for group in groups)


def as_pool(text: str) -> oracle.Pool:
    return frozenset(
        (vdev.type, frozenset(disk[-1] for disk in vdev.disks)) for vdev in layout(text)["normal"]
    )


def risk_of(found: Outcome) -> Risk:
    """What a plan risks, counted by this file's own rules."""
    lasting = taking = copying = steps = 0
    for one in found.actions:
        action = one.ordered.action
        if not isinstance(
            action, AddVdev | AttachDisk | DetachDisk | ExpandRaidz | RemoveVdev | ReplaceDisk
        ):
            continue
        lasting += isinstance(action, AddVdev | ExpandRaidz)
        taking += isinstance(action, DetachDisk | RemoveVdev)
        copying += isinstance(action, AttachDisk | ReplaceDisk | ExpandRaidz | RemoveVdev)
        steps += 1
    return lasting, taking, copying, steps


@given(there=topologies(), wanted=topologies())
@example(there="mirror AB; mirror CD", wanted="mirror AC; mirror BD")
@settings(max_examples=300, deadline=None)
def test_no_known_way_risks_less(there: str, wanted: str) -> None:
    """A pool is destroyed only where trying every move finds nothing either; and a way that is
    found takes no more away, and has no more steps without return, than the best one."""
    found = outcome(there, wanted)
    was, shall = as_pool(there), as_pool(wanted)
    # A disk that is neither in the pool nor declared for it is nobody's to use.
    disks = frozenset(disk for _, members in was | shall for disk in members)
    best = oracle.best(was, shall, disks, may_expand=True)
    if any(isinstance(one.ordered.action, DestroyPool) for one in found.actions):
        assert best is None, (there, wanted, way(found))
    elif any(one.severity == "error" for one in found.findings):
        pass  # refused: nothing is done
    else:
        assert best is not None
        assert risk_of(found)[:2] <= best[:2], (there, wanted, way(found), best)


def is_alike(text: str) -> bool:
    return same_redundancy(
        (name, vdev.type, len(vdev.disks)) for name, all_ in layout(text).items() for vdev in all_
    )


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=list(EXTRAS))
@pytest.mark.parametrize("there", BASES.values(), ids=list(BASES))
def test_what_stands_beside_the_data_changes_no_way(there: str, extra: str) -> None:
    """Every pair of shapes, with and without each class: the way is the same. A special mirror of 2
    stands only beside what can lose one disk as well."""
    wholes = [one for one in BASES.values() if is_alike(f"{one}; {extra}")]
    for wanted in wholes if there in wholes else ():
        alone = way(outcome(there, wanted))
        assert alone == way(outcome(f"{there}; {extra}", f"{wanted}; {extra}"))
        assert alone == way(outcome(f"{there}; {extra}", wanted)), "undeclared: left alone"


def states(there: str, **changed: Any) -> Pool:
    """That pool, with leaves in other states, by their letters; replaced ones as whole vdevs."""

    def again(vdev: Vdev) -> Vdev:
        letter = vdev.path.removesuffix("-part1")[-1:]
        new = changed.get(letter)
        if isinstance(new, Vdev):
            return new
        if new is not None:
            return attrs.evolve(vdev, state=new)
        return attrs.evolve(vdev, children=tuple(again(child) for child in vdev.children))

    made = pool(there)
    return attrs.evolve(made, vdevs=tuple(again(vdev) for vdev in made.vdevs))


def both(kind: Any, *letters: str, dead: str = "") -> Vdev:
    """A spare-N or replacing-N of these disks."""
    leaves = (vdevs(letter)[0] for letter in letters)
    children = tuple(
        attrs.evolve(one, state="FAULTED") if one.path[-7] in dead else one for one in leaves
    )
    return Vdev(
        guid=Guid("77"), name=f"{kind}-0", type=kind, vdev_class="normal", state="DEGRADED",
        children=children,
    )  # fmt: skip


SPARED = both("spare", "B", "S", dead="B")
SWAPPING = both("replacing", "B", "C")

BROKEN: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
    ("a dead disk is replaced", "mirror AB", {"B": "FAULTED"}, "mirror AC", "replace B by C"),
    ("a dead disk alone is no change", "mirror AB", {"B": "FAULTED"}, "mirror AB", "no change"),
    (
        "the dead one first",
        "raidz2 ABCD", {"D": "UNAVAIL"}, "raidz2 ABEF", "replace D by E, replace C by F",
    ),
    ("an offline disk comes back", "mirror AB", {"B": "OFFLINE"}, "mirror AB", "online-disk"),
    (
        "the new disk of a spare's place frees the spare",
        "mirror AB; spare S", {"B": SPARED, "S": "INUSE"}, "mirror AC; spare S", "replace B by C",
    ),
    (
        "a spare that stands in is no change",
        "mirror AB; spare S", {"B": SPARED, "S": "INUSE"}, "mirror AB; spare S", "no change",
    ),
    (
        "a spare that is adopted leaves the spares by itself",
        "mirror AB; spare S", {"B": SPARED, "S": "INUSE"}, "mirror AS; spare", "**detach B**",
    ),
    (
        "a spare that stands in is not taken away",
        "mirror AB; spare S", {"B": SPARED, "S": "INUSE"}, "mirror AB; spare",
        "**refused**: what is declared can't be reached: S is in use for a disk that failed",
    ),
    (
        "a spare whose disk is back is ZFS's own to give back",
        "mirror AB; spare S", {"B": both("spare", "B", "S"), "S": "INUSE"},
        "mirror AB; spare S", "no change",
    ),
    (
        "a replacement by hand that is declared is adopted",
        "mirror AB", {"B": SWAPPING}, "mirror AC", "no change",
    ),
    (
        "one that is not declared is an error",
        "mirror AB", {"B": SWAPPING}, "mirror AB",
        "**refused**: what is declared can't be reached: mirror-0: B is being replaced by C, which "
        "is not declared",
    ),
    (
        "nothing is detached from what is not whole",
        "mirror ABC", {"B": "FAULTED"}, "mirror AB",
        "**refused**: pool tank: the rest of mirror-0 is not whole: "
        "B is FAULTED",
    ),
    (
        "a raidz that is not whole is not expanded",
        "raidz1 ABC", {"B": "FAULTED"}, "raidz1 ABCD",
        "**refused**: pool tank is not whole: B is FAULTED",
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("there", "changed", "wanted", "expected"),
    [case[1:] for case in BROKEN],
    ids=[case[0] for case in BROKEN],
)
def test_a_pool_that_is_not_well(
    there: str, changed: dict[str, Any], wanted: str, expected: str
) -> None:
    host = host_with(states(there, **changed), DISKS)
    assert expected == way(plan(host, declared(wanted)))


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("mirror AB", "mirror AB; mirror CDE"),
        ("mirror AB", "mirror AB; C"),
        ("mirror AB", "mirror AB; raidz1 CDE"),
        ("raidz1 ABC", "raidz1 ABC; raidz1 DEFG"),
        ("raidz1 ABC", "raidz1 ABC; raidz2 DEF"),
        ("mirror AB", "mirror AB; special T"),
        ("mirror AB", "mirror AB; special mirror STU"),
        ("raidz2 ABCD", "raidz2 ABCD; special mirror TU"),
        ("mirror AB", "mirror AB; dedup T"),
    ],
)
def test_a_vdev_of_another_redundancy_is_not_added(there: str, wanted: str) -> None:
    """zpool add wants -f for that; and a pool is not destroyed for it either."""
    assert way(outcome(there, wanted)).startswith("**refused**: what is declared can't be reached")


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("raidz1 ABC", "raidz1 ABC; special mirror TU"),
        ("raidz2 ABCD", "raidz2 ABCD; special mirror STU"),
        ("AB", "AB; special T"),
        ("mirror AB; mirror CD", "mirror ABE; mirror CDF; mirror GHP"),
    ],
)
def test_one_that_can_lose_as_many_is(there: str, wanted: str) -> None:
    assert "add" in way(outcome(there, wanted))


RUNNING = Activity(kind="resilver", state="running")


@pytest.mark.parametrize(
    ("changes", "wanted", "said"),
    [
        ({"activities": (RUNNING,)}, "mirror ABC", "a resilver is running"),
        ({"activities": (RUNNING,)}, "mirror AB; mirror CD", "a resilver is running"),
        ({"activities": (RUNNING,)}, "mirror AC", "a resilver is running"),
        ({"activities": (RUNNING,)}, "A", "a resilver is running"),
        ({"checkpoint": True}, "mirror ABC", "has a checkpoint"),
        ({"checkpoint": True}, "mirror AC", "has a checkpoint"),
        ({"checkpoint": True}, "A", "has a checkpoint"),
        ({"state": "SUSPENDED"}, "mirror ABC", "is SUSPENDED"),
    ],
)
def test_what_zfs_cannot_do_now_waits(changes: dict[str, Any], wanted: str, said: str) -> None:
    host = host_with(attrs.evolve(pool("mirror AB"), **changes), DISKS)
    found = way(plan(host, declared(wanted)))
    assert found.startswith("**refused**")
    assert said in found


@pytest.mark.parametrize("extra", ["spare S", "cache R", "log P"])
@pytest.mark.parametrize("changes", [{"activities": (RUNNING,)}, {"checkpoint": True}])
def test_what_holds_no_data_is_added_at_any_time(extra: str, changes: dict[str, Any]) -> None:
    """While degraded or resilvering a spare is what is wanted most."""
    host = host_with(attrs.evolve(pool("mirror AB"), **changes), DISKS)
    assert way(plan(host, declared(f"mirror AB; {extra}"))) == f"add {extra}"


def test_a_vdev_is_added_under_a_checkpoint() -> None:
    host = host_with(attrs.evolve(pool("mirror AB"), checkpoint=True), DISKS)
    assert way(plan(host, declared("mirror AB; mirror CD"))) == "**add mirror of CD**"


class TestCheckpoint:
    def wants(self, text: str, *, checkpoint: bool) -> Desired:
        made = declared(text)
        pools = (attrs.evolve(made.pools[0], checkpoint=checkpoint),)
        return attrs.evolve(made, pools=pools)

    def test_one_is_made_right_before_what_has_no_way_back(self) -> None:
        wanted = self.wants("mirror ABE; mirror CDF", checkpoint=True)
        found = plan(host_with(pool("mirror AB"), DISKS), wanted)
        assert way(found) == "attach E to A, create-checkpoint, **add mirror of CDF**".replace(
            "create-checkpoint", "**create-checkpoint**"
        )
        assert found.actions[1].evidence.price

    def test_none_is_made_where_nothing_is_irreversible(self) -> None:
        wanted = self.wants("mirror ABE", checkpoint=True)
        assert way(plan(host_with(pool("mirror AB"), DISKS), wanted)) == "attach E to A"

    def test_one_that_stands_stays_as_long_as_it_is_wanted(self) -> None:
        there = attrs.evolve(pool("mirror AB"), checkpoint=True)
        wanted = self.wants("mirror AB", checkpoint=True)
        found = plan(host_with(there, DISKS), wanted)
        assert way(found) == "no change"
        assert "pool-checkpoint" in [one.code for one in found.findings]

    def test_it_is_discarded_before_what_it_is_in_the_way_of(self) -> None:
        there = attrs.evolve(pool("mirror AB"), checkpoint=True)
        wanted = self.wants("mirror AC", checkpoint=False)
        found = plan(host_with(there, DISKS), wanted)
        assert way(found) == "**discard-checkpoint**, replace B by C"

    def test_it_is_offered_where_it_would_be_a_net(self) -> None:
        found = outcome("mirror AB", "mirror AB; mirror CD")
        [note] = [one for one in found.findings if one.code == "no-way-back"]
        assert "checkpoint: true" in note.hint

    def test_and_not_where_zfs_takes_none(self) -> None:
        found = outcome("raidz1 ABC", "raidz1 ABCD")
        [note] = [one for one in found.findings if one.code == "no-way-back"]
        assert "no net" in note.hint


class TestLargerDisks:
    """A pool takes the room of larger disks where autoexpand is on, and not without."""

    def notes(self, wanted: str, *, seen: str = "off", declares: str = "") -> list[str]:
        """What is said where T and U are twice as large as A and B, of which the pool is."""
        there = attrs.evolve(
            pool("mirror AB"), properties={"autoexpand": Property(value=seen, source="local")}
        )
        host = host_with(there, DISKS)
        disks = [
            attrs.evolve(one, size=Bytes(2 * SIZE)) if one.path[-1] in "TU" else one
            for one in host.disks
        ]
        properties = {"autoexpand": declares} if declares else {}
        made = declared(wanted)
        pools = (attrs.evolve(made.pools[0], properties=properties),)
        found = plan(attrs.evolve(host, disks=tuple(disks)), attrs.evolve(made, pools=pools))
        return [one.message for one in found.findings if one.code == "stays-as-small"]

    def test_the_last_one_that_is_replaced_would_let_it_grow(self) -> None:
        [said] = self.notes("mirror TU")
        assert "will not grow: the disks of mirror-0 will hold " in said

    def test_one_of_two_changes_nothing(self) -> None:
        assert self.notes("mirror AT") == []

    def test_it_grows_where_autoexpand_is_on_or_will_be(self) -> None:
        assert self.notes("mirror TU", declares="on") == []
        assert self.notes("mirror TU", seen="on") == []
        assert self.notes("mirror TU", seen="on", declares="off") != []


def test_a_disk_put_into_the_slot_of_a_dead_one_takes_its_place() -> None:
    """By-path names a slot: what is in it now is another disk, whatever the path says."""
    there = states("mirror AB", B="UNAVAIL")
    host = host_with(there, "AB")
    old = next(one for one in host.disks if one.path == "/dev/B")
    new = attrs.evolve(disk("N"), aliases=old.aliases)
    host = attrs.evolve(host, disks=(*(one for one in host.disks if one is not old), new))
    assert way(plan(host, declared("mirror AB"))) == "replace B by B"


def test_a_member_that_failed_and_cannot_be_read_is_no_other_disk() -> None:
    """ZFS can't use it, and whether its label is there nobody can tell: it is not replaced by
    itself, and the plan is not refused for it."""
    host = host_with(states("mirror AB", B="UNAVAIL"), "ABC")
    failed = tuple(
        attrs.evolve(one, emptiness="unread", labels=(), unknown=("/dev/B: No such device",))
        if one.path == "/dev/B"
        else one
        for one in host.disks
    )
    host = attrs.evolve(host, disks=failed)
    found = plan(host, declared("mirror AB"))
    assert way(found) == "no change"
    assert [one.code for one in found.findings if one.severity == "error"] == []
    assert way(plan(host, declared("mirror AC"))) == "replace B by C"


def test_on_an_older_openzfs_a_raidz_is_not_expanded_and_not_destroyed() -> None:
    there = attrs.evolve(pool("raidz1 ABC"), features={"feature@device_removal": "enabled"})
    found = way(plan(host_with(there, DISKS), declared("raidz1 ABCD")))
    assert found == "**refused**: this OpenZFS does not have feature@raidz_expansion"


@pytest.mark.parametrize(
    ("size", "wanted", "said"),
    [
        (SIZE - 4096, "mirror AC", "4096 fewer than the smallest disk of mirror-0"),
        (SIZE - 4096, "mirror ABC", "4096 fewer than the smallest disk of mirror-0"),
        (2 * SIZE, "mirror ABC", "1T apart"),
        (2 * SIZE, "mirror AC", "replace B by C"),
    ],
)
def test_sizes_are_checked_before_zfs_is_asked(size: int, wanted: str, said: str) -> None:
    host = host_with(pool("mirror AB"), DISKS)
    disks = tuple(
        attrs.evolve(one, size=Bytes(size)) if one.path == "/dev/C" else one for one in host.disks
    )
    assert said in way(plan(attrs.evolve(host, disks=disks), declared(wanted)))


@pytest.mark.parametrize("wanted", ["mirror ABC", "mirror AC", "mirror AB; mirror CD"])
def test_sectors_are_checked_before_zfs_is_asked(wanted: str) -> None:
    host = host_with(pool("mirror AB"), DISKS)
    disks = tuple(
        attrs.evolve(one, logical_sector=8192, physical_sector=8192)
        if one.path == "/dev/C" else one
        for one in host.disks
    )  # fmt: skip
    found = way(plan(attrs.evolve(host, disks=disks), declared(wanted)))
    assert "sectors of 8192 bytes" in found
    assert "4096 (ashift 12)" in found


def steps(there: str, wanted: str) -> list[Any]:
    return [one.ordered.action for one in outcome(there, wanted).actions]


def test_the_last_disk_of_a_mirror_is_named_by_the_mirrors_guid() -> None:
    """It takes it over when it is alone: zpool-replace(8) would not find it by its own."""
    found = steps("mirror FB; mirror EA", "F; mirror AB")
    mirrors = {vdev.guid for vdev in vdevs("mirror FB; mirror EA")}
    last = next(one for one in found if isinstance(one, ReplaceDisk) and "E" in one.old_name)
    assert last.old in mirrors


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("raidz1 ABCD", "raidz1 ABC"),
        ("raidz1 ABC; raidz1 DEF", "raidz1 ABC"),
        ("raidz1 ABC; special mirror TU", "raidz1 ABC; special"),
        ("draid1:3d:1s ABCDEFGH", "draid1:3d:1s ABCDEFG"),
        ("draid1:3d:1s ABCDEFGH", "draid1:3d:1s ABCDEFGHP"),
    ],
)
def test_what_a_config_has_left_out_destroys_nothing(there: str, wanted: str) -> None:
    """I10: a forgotten line is no wish to lose the pool."""
    assert way(outcome(there, wanted)).startswith("**refused**")


@pytest.mark.parametrize(
    "changes",
    [
        {"activities": (RUNNING,)},
        {"activities": (Activity(kind="expand", state="running"),)},
        {"checkpoint": True},
    ],
)
def test_a_pool_in_which_something_is_under_way_is_not_made_anew(changes: dict[str, Any]) -> None:
    host = host_with(attrs.evolve(pool("mirror AB"), **changes), DISKS)
    assert way(plan(host, declared("raidz1 ABC"))).startswith("**refused**")


def test_a_pool_with_a_replacement_under_way_is_not_made_anew() -> None:
    host = host_with(states("mirror AB", B=SWAPPING), DISKS)
    assert way(plan(host, declared("raidz1 ABC"))).startswith("**refused**")


@pytest.mark.parametrize("wanted", ["draid1:3d:1s ABCDEFGH; spare", "draid1:3d:1s ABCDEFGH"])
def test_a_draids_own_spares_are_no_spares_to_remove(wanted: str) -> None:
    made = pool("draid1:3d:1s ABCDEFGH")
    own = Vdev(guid=Guid("99"), name="draid1-0-0", type="dspare", vdev_class="spare", state="AVAIL")
    host = host_with(attrs.evolve(made, vdevs=(*made.vdevs, own)), DISKS)
    assert way(plan(host, declared(wanted))) == "no change"


class TestOffline:
    def wants(self, text: str, *letters: str) -> Desired:
        made = declared(text)
        offline = tuple(f"/dev/disk/by-id/{letter}" for letter in letters)
        return attrs.evolve(made, pools=(attrs.evolve(made.pools[0], offline=offline),))

    def test_one_of_a_mirror(self) -> None:
        host = host_with(pool("mirror AB"), DISKS)
        assert way(plan(host, self.wants("mirror AB", "B"))) == "**offline-disk**"

    @pytest.mark.parametrize(
        ("there", "wanted", "letters"),
        [("mirror AB", "mirror AB", "AB"), ("raidz2 ABCD", "raidz2 ABCD", "AB"),
         ("mirror AB", "A", "A"), ("AB", "AB", "A")],
    )  # fmt: skip
    def test_never_more_than_a_vdev_can_lose(self, there: str, wanted: str, letters: str) -> None:
        host = host_with(pool(there), DISKS)
        assert way(plan(host, self.wants(wanted, *letters))).startswith("**refused**")

    def test_it_comes_when_all_else_is_done(self) -> None:
        host = host_with(pool("mirror AB; mirror CD"), DISKS)
        found = way(plan(host, self.wants("mirror AC; mirror BD", "A")))
        assert found.endswith("**offline-disk**")


def test_one_disk_by_two_names_in_one_pool_is_refused() -> None:
    host = host_with(pool("mirror AB"), DISKS)
    other = "/dev/disk/by-id/wwn-C"
    disks = tuple(
        attrs.evolve(one, aliases=(*one.aliases, other)) if one.path == "/dev/C" else one
        for one in host.disks
    )
    made = declared("mirror ABC")
    layout_ = {**made.pools[0].vdevs, "spare": (DesiredVdev(type="disk", disks=(other,)),)}
    wanted = attrs.evolve(made, pools=(attrs.evolve(made.pools[0], vdevs=layout_),))
    assert "is declared 2 times" in way(plan(attrs.evolve(host, disks=disks), wanted))


def test_two_members_that_were_at_one_place_are_told_apart() -> None:
    """As on pools that were made by the kernel's names."""
    gone: dict[str, Any] = {
        "state": "UNAVAIL",
        "path": "/dev/sdb1",
        "was": "/dev/sdb1",
        "name": "/dev/sdb1",
    }
    made = pool("mirror ABCD")
    top = made.vdevs[0]
    children = (*top.children[:2], *(attrs.evolve(one, **gone) for one in top.children[2:]))
    host = host_with(attrs.evolve(made, vdevs=(attrs.evolve(top, children=children),)), "AB")
    blocked = plan(host, declared("mirror AB")).blocked
    assert sorted(one.id for one in blocked) == ["detach-disk:67", "detach-disk:68"]
