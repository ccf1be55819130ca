"""Changes of topology from plan to end, where something is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from docs.generator.shapes import declared, host_with, pool
from docs.generator.transitions import DISKS, outcome, plan, way
from phoenix_plan.apply.errors import StoppedError
from phoenix_plan.apply.session import Report, apply_plan
from phoenix_plan.commands import Output, Run, Write
from phoenix_plan.errors import PhoenixError
from phoenix_plan.model.pools import Activity
from phoenix_plan.plan import make_plan
from phoenix_plan.refresh import refresh
from tests.apply.machine import PHOTOS, by_id, disk, host
from tests.planner.test_transitions import SPARED, states
from tests.properties.test_applying import NOW, Case, Json, Log, case_of, session
from tests.properties.test_topologies import pool_of, redundancy, seen, want_of

Edit = Callable[[Json], object]


def world(text: str, edit: Edit = lambda _there: None) -> Json:
    """A host with that pool, and blank disks A to J."""
    there = host(pool_of(text))
    there["disks"] |= {f"sd{letter.lower()}": disk(letter) for letter in "ABCDEFGHIJ"}
    edit(there)
    return there


def planned(folder: Path, there: Json, wanted: Json) -> Case:
    return case_of(there, {"pools": [wanted], "removed": {}}, folder)


class Meanwhile(Log):
    """Somebody does something by hand when the first command is run."""

    def __init__(self, case: Case, *argv: str) -> None:
        super().__init__()
        self._case, self._argv = case, argv

    def see(self, write: Write) -> Output | None:
        if not self.writes:
            assert not self._case.host.run(Run(argv=self._argv)).exit_code
        return super().see(write)


def run(case: Case, log: Log | None = None) -> Report | PhoenixError:
    try:
        return apply_plan(session(case, log or Log(), "force-destructive", []), ())
    except PhoenixError as error:
        return error


def kinds(case: Case) -> list[str]:
    return [row.action.TYPE for row in case.plan.actions]


def spared(at: int, letter: str, state: str = "ONLINE") -> Edit:
    """A spare stands in for a member of the first vdev."""

    def edit(there: Json) -> None:
        children = there["pools"][0]["vdevs"][0]["children"]
        pair = [{**children[at], "state": state}, {"type": "disk", "path": by_id(letter)}]
        children[at] = {"type": "spare", "children": pair}

    return edit


# what is consented to is a width


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("mirror ABC", "mirror AB; cache H"),
        ("mirror AB; mirror CD", "mirror AB; cache H"),
    ],
)
def test_a_mirror_that_got_narrower_during_the_run_stops_it(
    tmp_path: Path, there: str, wanted: str
) -> None:
    """Agreed to was a mirror of two; B leaves by hand between two steps."""
    case = planned(tmp_path, world(there), want_of(wanted))
    run(case, Meanwhile(case, "zpool", "detach", "tank", f"{by_id('B')}-part1"))
    left = seen(case)
    assert len(left) > 2 or redundancy(left) > 0, "only A is left: nobody agreed to that"


# ashift


def test_what_can_not_be_reached_is_not_made_anew_for_its_ashift(tmp_path: Path) -> None:
    there = world("raidz1 ABCD", lambda there: there["pools"][0]["vdevs"][0].update(ashift=9))
    case = planned(tmp_path, there, {**want_of("raidz1 ABC"), "ashift": 12})
    assert "destroy-pool" not in kinds(case)


# --partial


def test_nothing_is_taken_for_a_way_that_can_not_be_gone_to_its_end(tmp_path: Path) -> None:
    """C is too small for A's mirror, so B must not leave it."""

    def larger(there: Json) -> None:
        for name in ("sda", "sdb"):
            there["disks"][name]["size"] = "17G"

    case = planned(tmp_path, world("mirror AB; mirror CD", larger), want_of("mirror AC; mirror BD"))
    assert case.plan.errors
    run(case)
    assert redundancy(seen(case)) == 1


# what ZFS refuses is refused before the first write


def unlike(there: Json) -> None:
    there["pools"][0]["vdevs"][1]["ashift"] = 13


def full(there: Json) -> None:
    for name in ("sda", "sdb"):
        there["disks"][name]["size"] = "1G"
    there["pools"][0]["datasets"]["tank/big"] = {"referenced": "8G"}


@pytest.mark.parametrize("edit", [unlike, full])
def test_a_removal_that_zfs_refuses_takes_nothing_before(tmp_path: Path, edit: Edit) -> None:
    case = planned(tmp_path, world("mirror AB; mirror CD", edit), want_of("A"))
    run(case)
    assert redundancy(seen(case)) == 1, "B was detached, and CD can't be removed"


@pytest.mark.parametrize(
    ("there", "wanted", "edit"),
    [
        ("mirror AB; spare G", "mirror ABC; spare G", spared(0, "G")),
        ("mirror AB; spare G", "mirror GBC; spare", spared(0, "G", "FAULTED")),
        ("mirror AB; mirror CD; spare G", "mirror AC; mirror BD; spare G", spared(0, "G")),
        ("mirror AB; mirror CD; spare G", "mirror AB; spare G", spared(0, "G")),
    ],
    ids=["attach", "adopt and attach", "exchange", "remove"],
)
def test_while_a_spare_stands_in(tmp_path: Path, there: str, wanted: str, edit: Edit) -> None:
    """Nothing is attached to a disk in spare-N: to the one beside it, or not at all."""
    case = planned(tmp_path, world(there, edit), want_of(wanted))
    found = run(case)
    assert not isinstance(found, StoppedError), found.message


# GUIDs that move, and members that come in


def test_a_disk_is_taken_offline_by_the_guid_that_it_has_by_then(tmp_path: Path) -> None:
    wanted = {**want_of("mirror AC; mirror BD"), "offline": [by_id("A")]}
    found = run(planned(tmp_path, world("mirror AB; mirror CD"), wanted))
    assert isinstance(found, Report), found.message


def test_a_disk_that_comes_in_is_taken_offline_in_the_same_plan(tmp_path: Path) -> None:
    """I5."""
    case = planned(tmp_path, world("mirror AB"), {**want_of("mirror AC"), "offline": [by_id("C")]})
    found = run(case)
    assert isinstance(found, Report), found.message
    assert make_plan(case.plan.desired, refresh(case.host, now=lambda: NOW)).actions == ()


# the path of the past


@pytest.mark.parametrize("state", ["FAULTED", "OFFLINE"])
def test_another_disk_at_a_failed_members_old_name_is_no_member(tmp_path: Path, state: str) -> None:
    """The pool was made by kernel names; sdb has failed, was pulled, and the new disk is sdb."""

    def by_kernel_name(there: Json) -> None:
        for child, name in zip(there["pools"][0]["vdevs"][0]["children"], "ab", strict=True):
            child["path"] = f"/dev/sd{name}"

    made = planned(tmp_path, world("mirror AB", by_kernel_name), want_of("mirror AB"))
    there = json.loads(made.host.path.read_text(encoding="utf-8"))
    there["pools"][0]["vdevs"][0]["children"][1]["state"] = state
    used: Json = {"number": 1, "start": 1 << 20, "size": "15G", "type": "linux"}
    there["disks"]["sdb"] = {
        **there["disks"].pop("sdc"), "table": "gpt", "partitions": [used],
        "signatures": [{**PHOTOS, "part": 1}],
    }  # fmt: skip
    case = planned(tmp_path, there, want_of("mirror AC"))
    users = [user.detail for one in refresh(case.host, now=lambda: NOW).disks
             if one.path == "/dev/sdb" for user in one.users]  # fmt: skip
    assert users == []
    assert kinds(case) == ["wipe-disk", "replace-disk"]


# disks that ZFS takes


def test_a_disk_of_512_byte_sectors_fits_ashift_9(tmp_path: Path) -> None:
    """OpenZFS 2.3 goes by the logical sector: without this no such pool can be mended."""

    def old(there: Json) -> None:
        for name, physical in (("sda", 512), ("sdb", 512), ("sdc", 4096)):
            there["disks"][name].update(sector=512, physical_sector=physical)
        there["pools"][0]["vdevs"][0]["ashift"] = 9
        there["pools"][0]["vdevs"][0]["children"][1]["state"] = "FAULTED"

    case = planned(tmp_path, world("mirror AB", old), want_of("mirror AC"))
    assert kinds(case) == ["replace-disk"]


def test_a_member_is_as_large_as_its_partition(tmp_path: Path) -> None:
    def parted(there: Json) -> None:
        part: Json = {"number": 1, "start": 1 << 20, "size": "4G", "type": "zfs"}
        for name in ("sda", "sdb"):
            there["disks"][name].update(table="gpt", partitions=[part])
        there["disks"]["sdc"]["size"] = "8G"
        for child, letter in zip(there["pools"][0]["vdevs"][0]["children"], "AB", strict=True):
            child["path"] = f"{by_id(letter)}-part1"

    case = planned(tmp_path, world("mirror AB", parted), want_of("mirror AC"))
    assert kinds(case) == ["replace-disk"]


# protection


@pytest.mark.parametrize(
    ("there", "wanted"),
    [("mirror AB; spare G", "mirror AB; spare"), ("mirror AB; log mirror GH", "mirror AB; log"),
     ("mirror AB; cache G", "mirror AB; cache")],
)  # fmt: skip
def test_both_protections_are_heeded_alike(tmp_path: Path, there: str, wanted: str) -> None:
    def object_(there: Json) -> None:
        there["pools"][0]["datasets"]["tank"]["set"]["phoenix:protected"] = "on"

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = planned(tmp_path / "a", world(there, object_), want_of(wanted))
    other = planned(tmp_path / "b", world(there), {**want_of(wanted), "protected": True})
    assert kinds(one) == kinds(other)


# what is said


def test_a_degraded_log_mirror_is_not_safe_to_remove() -> None:
    """Its other side is incomplete: what it holds is on one disk alone, or on none."""
    host_ = host_with(states("raidz1 ABC; log mirror PQ", Q="FAULTED"), DISKS)
    assert way(plan(host_, declared("raidz1 ABC; log"))) != "remove log PQ"


def test_a_dead_disk_that_a_spare_has_replaced_takes_nothing_along() -> None:
    host_ = host_with(states("mirror AB; spare S", B=SPARED, S="INUSE"), DISKS)
    (step,) = plan(host_, declared("mirror AS; spare")).actions
    assert "fewer" not in step.verdict.reason, "there are as many as before"


def test_a_disk_in_a_class_that_is_not_declared_is_named_so() -> None:
    said = way(outcome("mirror AB; cache S", "mirror AB; spare S"))
    assert "change places" not in said, "`cache: []` would do; no free disk is wanted"


def test_a_disk_that_was_gone_was_not_offline() -> None:
    host_ = host_with(states("mirror AB", B="REMOVED"), DISKS)
    (step,) = plan(host_, declared("mirror AB")).actions
    assert step.ordered.action.changes()[0].before == "REMOVED"


def test_the_undo_of_a_mirrored_log_names_no_disk_of_it(tmp_path: Path) -> None:
    case = planned(tmp_path, world("mirror AB"), want_of("mirror AB; log mirror GH"))
    assert case.plan.actions[0].undo == "zpool remove tank VDEV"


DISCARD = Activity(kind="discard", state="running")


def test_a_net_that_is_being_discarded_is_none() -> None:
    """None can be made beside it; and that there is no way back is said."""
    there = attrs.evolve(pool("mirror AB"), activities=(DISCARD,))
    made = declared("mirror AB; mirror CD")
    wanted = attrs.evolve(made, pools=(attrs.evolve(made.pools[0], checkpoint=True),))
    found = plan(host_with(there, DISKS), wanted)
    assert way(found).startswith("**refused**")
    assert "discarding of a checkpoint is running" in way(found)


def test_what_a_checkpoint_bars_is_barred_until_it_is_discarded() -> None:
    there = attrs.evolve(pool("mirror AB"), activities=(DISCARD,))
    found = plan(host_with(there, DISKS), declared("mirror AC"))
    assert found.actions == ()
    assert {one.code for one in found.findings if one.severity == "error"} == {
        "checkpoint-stands", "pool-resilvering",
    }  # fmt: skip
