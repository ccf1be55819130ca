"""What makes a plan stale, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phoenix_plan.apply.stale import beyond
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.sizes import Bytes
from tests.apply.machine import MIB, PHOTOS, Machine, by_id, host, pool, want

Json = dict[str, Any]
GUEST = "/etc/pve/nodes/pve1/qemu-server/100.conf"
CFG = ["dir: local", "\tpath /var/lib/vz", "", "zfspool: old-vm", "\tpool old/vm",
       "\tcontent images", ""]  # fmt: skip


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A pool to destroy with a storage and a guest on it, a dataset to change, a disk to wipe."""
    data = {
        "referenced": 8000 * MIB,
        "snapshots": {"monday": {"used": "20M"}, "friday": {"used": "1M"}},
    }
    old = pool("old", "stripe", "A", vm={}, data=data)
    keep = pool("keep", "mirror", "B", "C", some={}, gone={"guid": "4711", **data})
    there = host(old, keep, storage_cfg=CFG)
    there["pools"][0]["guid"] = "123456789"
    there["files"][GUEST] = ["scsi0: old-vm:vm-100-disk-0,size=8G"]
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("keep", "mirror", "B", "C"),
        want("cold", "single", "E"),
        datasets=[{"name": "some", "pool": "keep", "properties": "atime=on"}],
        removed={
            "pools": [{"name": "old", "guid": "123456789"}],
            "datasets": [{"name": "keep/gone", "guid": "4711"}],
        },
    )
    assert machine.plan().code == 0
    return machine


def datasets(there: Json, name: str) -> Json:
    found: Json = next(one for one in there["pools"] if one["name"] == name)["datasets"]
    return found


def new_dataset(there: Json) -> None:
    datasets(there, "old")["old/new"] = {}


def new_snapshot(there: Json) -> None:
    datasets(there, "keep")["keep/gone"]["snapshots"]["today"] = {"used": "1M"}


def new_snapshot_on_pool(there: Json) -> None:
    datasets(there, "old")["old/data"]["snapshots"]["today"] = {"used": "1M"}


def snapshot_taken_anew(there: Json) -> None:
    """The same name, another content: what was agreed to is gone already."""
    datasets(there, "keep")["keep/gone"]["snapshots"]["monday"]["guid"] = "2000"


def new_hold(there: Json) -> None:
    datasets(there, "old")["old/data"]["snapshots"]["monday"]["holds"] = ["backup"]


def new_clone(there: Json) -> None:
    datasets(there, "keep")["keep/clone"] = {"origin": "keep/gone@monday"}


def new_guest(there: Json) -> None:
    there["files"][GUEST.replace("100", "101")] = ["scsi0: old-vm:vm-101-disk-0,size=8G"]


def new_job(there: Json) -> None:
    there["files"]["/etc/pve/jobs.cfg"] = ["vzdump: nightly", "\tstorage old-vm", "\tall 1"]


def new_share(there: Json) -> None:
    there["files"]["/etc/exports"] = ["/keep/gone *(ro)"]


def growth(there: Json) -> None:
    datasets(there, "keep")["keep/gone"]["referenced"] = 8200 * MIB


def swapped(there: Json) -> None:
    there["disks"]["sde"]["serial"] = "ANOTHER"


def larger(there: Json) -> None:
    there["disks"]["sde"]["size"] = "32G"


def more_on_the_disk(there: Json) -> None:
    there["disks"]["sde"]["signatures"].append({"offset": 65600, "type": "btrfs", "uuid": "x"})


def wiped_by_another(there: Json) -> None:
    there["disks"]["sde"]["signatures"] = []


def mounted(there: Json) -> None:
    there["mounts"].append({"source": "/dev/sde", "target": "/mnt/photos", "type": "ext4"})


def another_value(there: Json) -> None:
    datasets(there, "keep")["keep/some"]["set"] = {"atime": "on"}


def another_dataset(there: Json) -> None:
    datasets(there, "keep")["keep/some"]["guid"] = "815"


def another_pool(there: Json) -> None:
    next(one for one in there["pools"] if one["name"] == "old")["guid"] = "815"


def section(there: Json) -> None:
    there["files"]["/etc/pve/storage.cfg"] = [*CFG[:6], "\tdisable", ""]


def protected(there: Json) -> None:
    datasets(there, "old")["old/data"]["set"] = {"phoenix:protected": "on"}


def degraded_device(there: Json) -> None:
    there["pools"][1]["vdevs"].append({"type": "disk", "path": by_id("D")})


MATTERS: list[Callable[[Json], None]] = [
    new_dataset, new_snapshot, new_snapshot_on_pool, new_hold, new_clone, new_guest, new_job,
    snapshot_taken_anew, new_share, growth, swapped, larger, more_on_the_disk,
    wiped_by_another, mounted,
    another_value, another_dataset, another_pool, section, protected, degraded_device,
]  # fmt: skip


@pytest.mark.parametrize("change", MATTERS, ids=lambda change: change.__name__)
def test_what_matters_makes_a_plan_stale(change: Callable[[Json], None], planned: Machine) -> None:
    """I6: exit 5, what has moved is said, nothing is run, however loudly it was agreed to."""
    planned.approve()
    planned.change(change)
    called = planned.apply("--mode", "force-destructive")
    assert called.code == 5, called.err
    assert "What has moved:" in called.err
    assert planned.untouched()


def errors_counted(there: Json) -> None:
    there["pools"][1]["errors"] = 3


def scrubbed(there: Json) -> None:
    there["pools"][1]["scans"] = [{"kind": "scrub", "state": "finished"}]


def other_section(there: Json) -> None:
    there["files"]["/etc/pve/storage.cfg"] = ["dir: local", "\tpath /var/lib/vz", "\tcontent iso",
                                              *CFG[2:]]  # fmt: skip


def less_used(there: Json) -> None:
    datasets(there, "old")["old/data"]["referenced"] = "1G"


def little_growth(there: Json) -> None:
    datasets(there, "keep")["keep/gone"]["referenced"] = 8030 * MIB


def a_snapshot_less(there: Json) -> None:
    del datasets(there, "keep")["keep/gone"]["snapshots"]["monday"]


def a_snapshot_less_on_the_pool(there: Json) -> None:
    del datasets(there, "old")["old/data"]["snapshots"]["monday"]


def a_dataset_less(there: Json) -> None:
    del datasets(there, "old")["old/data"]


def a_guest_less(there: Json) -> None:
    del there["files"][GUEST]


def time_passes(there: Json) -> None:
    there["now"] = 1795420800 + 86400


def kernel_renamed(there: Json) -> None:
    disks = there["disks"]
    disks["sdd"], disks["sde"] = disks["sde"], disks["sdd"]


HARMLESS: list[Callable[[Json], None]] = [
    errors_counted, scrubbed, other_section, less_used, little_growth, a_snapshot_less,
    a_snapshot_less_on_the_pool, a_dataset_less, a_guest_less, time_passes, kernel_renamed,
]  # fmt: skip


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.__name__)
def test_what_does_not_matter_makes_nothing_stale(
    change: Callable[[Json], None], planned: Machine
) -> None:
    """I6, the other half: it runs, and leaves no change."""
    planned.approve()
    planned.change(change)
    called = planned.apply()
    assert called.code == 0, called.err
    assert planned.pools.keys() == {"keep", "cold"}
    assert "keep/gone" not in planned.pools["keep"]["datasets"]


def test_what_has_gone_is_not_named_to_zfs(planned: Machine) -> None:
    """It takes no more than what is there, and that was agreed to."""
    planned.approve()
    planned.change(a_snapshot_less)
    assert planned.apply().code == 0
    assert "zfs destroy keep/gone@friday" in planned.commands()


@pytest.mark.parametrize(
    ("stale", "agreed", "now"),
    [
        (False, 10_000 * MIB, 10_000 * MIB + 65 * MIB),
        (True, 10_000 * MIB, 10_000 * MIB + 101 * MIB),
        (False, 10_000 * MIB, 10_000 * MIB + 100 * MIB),
        (False, MIB, 65 * MIB),
        (True, MIB, 65 * MIB + 1),
        (False, 10_000 * MIB, 0),
        (True, None, 1),
        (False, 5, None),
        (False, None, None),
    ],
)
def test_growth_counts_beyond_one_percent_and_64_mib(
    stale: bool, agreed: int | None, now: int | None
) -> None:
    """Both bounds, each by a byte."""
    had = Evidence(used=None if agreed is None else Bytes(agreed))
    has = Evidence(used=None if now is None else Bytes(now))
    assert bool(list(beyond(had, has))) is stale


@pytest.mark.parametrize(
    "field",
    ["datasets", "snapshots", "clones", "holds", "guests", "jobs", "shares", "contents", "unknown"],
)
def test_a_name_more_is_beyond_what_was_agreed_to(field: str) -> None:
    one: Any = {field: ("a",)}
    two: Any = {field: ("a", "b")}
    one, two = Evidence(**one), Evidence(**two)
    assert list(beyond(two, one)) == []
    assert list(beyond(one, two)) == [f"{field}: b: not in the plan"]


@pytest.mark.parametrize(
    ("code", "word", "seen"),
    [
        (0, "", timedelta(days=29)),
        (5, "31 days ago", timedelta(days=31)),
        (0, "", timedelta(minutes=-4)),
        (5, "clocks is wrong", timedelta(minutes=-6)),
    ],
)
def test_a_plan_has_an_age(code: int, word: str, seen: timedelta, machine: Machine) -> None:
    """It counts from the look at the host. A plan of tomorrow is nobody's."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    assert machine.plan().code == 0
    made = json.loads(machine.plan_path.read_text())
    taken_at = datetime.now(UTC) - seen
    made["state"]["taken_at"] = taken_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    machine.plan_path.write_text(json.dumps(made))
    called = machine.apply()
    assert called.code == code, called.err
    assert word in called.err
    assert machine.untouched() == bool(code)


def test_a_time_that_is_none_is_no_age(machine: Machine) -> None:
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    text = machine.plan_path.read_text()
    taken_at = json.loads(text)["state"]["taken_at"]
    machine.plan_path.write_text(text.replace(taken_at, "2026-13-41T12:00:00Z"))
    called = machine.apply()
    assert called.code == 65
    assert "state.taken_at" in called.err


def relabelled(there: Json) -> None:
    there["disks"]["sde"]["signatures"] = [{**PHOTOS, "label": "films"}]


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("destroy-dataset:keep/gone: snapshots.today: ", new_snapshot),
        ("destroy-pool:old: datasets.old/new: ", new_dataset),
        ("was ext4 'photos'", relabelled),
    ],
)
def test_what_has_moved_is_told_in_words(
    expected: str, change: Callable[[Json], None], planned: Machine
) -> None:
    """What is new, what is gone, what was and is: for people, not as a path into a document."""
    planned.change(change)
    called = planned.apply()
    assert called.code == 5
    assert expected in called.err
    assert "root[" not in called.err
    assert "iterable" not in called.err
