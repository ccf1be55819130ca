"""Pools that are refused, whatever the consent: whose they are, what state they are in, which."""

from __future__ import annotations

import json

import pytest

from phoenix_plan.hosts.simulated.world_file import read_world, write_world
from tests.apply.machine import Json, Machine, by_id, host, pool, want
from tests.refusals.edits import edited
from tests.refusals.rows import Row, check_planned, check_refused, ids

IS = want("tank", "mirror", "A", "B")
COLD = want("cold", "mirror", "A", "B")
IMPORT = ("import-pool:tank",)
DESTROY = ("destroy-pool:tank",)
WIPES = (f"wipe-disk:{by_id('A')}", f"wipe-disk:{by_id('B')}", "create-pool:cold")
GONE = {"removed": {"pools": [{"name": "tank", "guid": "11"}]}}


def tank(*letters: str, **changes: object) -> Json:
    """A host with the pool tank, which holds tank/data."""
    one = pool("tank", "mirror", *(letters or ("A", "B")), data={"guid": "88"})
    return host({**one, "guid": "11", **changes})


def away(state: str = "exported", **changes: object) -> Json:
    """The same, not imported."""
    return tank(state=state, **changes)


def filled(there: Json) -> Json:
    """With all that a person leaves out: GUIDs and labels."""
    made: Json = json.loads(write_world(read_world(json.dumps(there))))
    return made


def copied(there: Json) -> None:
    """Disk C is a copy of disk B, byte for byte."""
    disks = there["disks"]
    disks["sdc"] |= {key: disks["sdb"][key] for key in ("table", "partitions", "labels")}


def row(  # noqa: PLR0917 - the columns of a table
    case: str, code: str, subject: str, says: str, there: Json, stops: tuple[str, ...],
    *pools: Json, **zfs: object,
) -> Row:  # fmt: skip
    """A refusal about a pool; the pool tank is declared as it is unless something else is."""
    wanted = pools or (() if "removed" in zfs else (IS,))
    return Row(
        case=case, code=code, subject=subject, says=says, there=there, pools=wanted, zfs=zfs,
        stops=stops,
    )  # fmt: skip


ELSEWHERE = away("active", hostid="deadbeef", hostname="pve9")
NOBODY = away("active", hostid="00000000", hostname="pve9")
NO_ID = edited(away(), lambda there: there.update(hostid="00000000"))
TWO = host({**pool("tank", "mirror", "A", "B"), "guid": "11", "state": "exported"},
           {**pool("tank", "mirror", "C", "D"), "guid": "12", "state": "exported"})  # fmt: skip
ALSO = host({**pool("tank", "mirror", "A", "B"), "guid": "11"},
            {**pool("tank", "mirror", "C", "D"), "guid": "12", "state": "exported"})  # fmt: skip

WHOSE = [
    row("another host has it in use", "pool-in-use-elsewhere", "pool tank",
        "was never exported by host id deadbeef (pve9); this host is 37487e0c", ELSEWHERE, IMPORT),
    row("another host has its disks in use", "pool-in-use-elsewhere", f"disk {by_id('A')}",
        "belongs to pool tank (11), which host id deadbeef pve9 never exported", ELSEWHERE, WIPES,
        COLD),
    row("its labels hold no host id", "pool-in-use-elsewhere", "pool tank",
        "was never exported by an unknown host", NOBODY, IMPORT),
    row("its disks' labels hold no host id", "pool-in-use-elsewhere", f"disk {by_id('A')}",
        "a host that left no host id", NOBODY, WIPES, COLD),
    row("this host has no host id", "hostid-missing", "pool tank", "this host has no host id",
        NO_ID, IMPORT),
    row("neither has a host id", "pool-in-use-elsewhere", "pool tank", "an unknown host",
        edited(NOBODY, lambda there: there.update(hostid="00000000")), IMPORT),
    row("neither has a host id, its disks", "pool-in-use-elsewhere", f"disk {by_id('A')}",
        "a host that left no host id",
        edited(NOBODY, lambda there: there.update(hostid="00000000")), WIPES, COLD),
]  # fmt: skip

WHICH = [
    row("two pools of one name to import", "pool-name-shared", "pool tank",
        "several pools are called tank: 11, 12", TWO, IMPORT),
    row("two pools of one name, one to build anew", "pool-name-shared", "pool tank",
        "another pool is called tank too: 12", ALSO, (*DESTROY, "create-pool:tank"),
        want("tank", "raidz1", "A", "B", "E")),
    row("two pools of one name, one removed", "pool-name-shared", "pool tank",
        "another pool is called tank too: 12", ALSO, DESTROY, **GONE),
    row("one vdev GUID twice, to import", "vdev-guid-twice", "pool tank",
        "two devices carry one vdev GUID: /dev/sdb, /dev/sdc",
        edited(filled(away()), copied), IMPORT),
    row("one vdev GUID twice, to destroy", "vdev-guid-twice", "pool tank",
        "two devices carry one vdev GUID: /dev/sdb, /dev/sdc",
        edited(filled(tank()), copied), DESTROY, want("tank", "raidz1", "A", "B", "E")),
    row("members missing", "pool-incomplete", "pool tank", "lacks members",
        edited(filled(away()), lambda there: there["disks"].pop("sdb")), IMPORT),
    row("built otherwise than declared", "pool-could-be-imported", "pool tank",
        "lies exported on /dev/sda, /dev/sdb, but is not built as declared", away(), (),
        want("tank", "raidz1", "A", "B", "C")),
    row("built otherwise, and its datasets", "pool-missing", "dataset tank/new",
        "no pool tank is imported", away(), ("create-dataset:tank/new",),
        want("tank", "raidz1", "A", "B", "C"), datasets=[{"name": "new", "pool": "tank"}]),
    row("removed, and another has the name", "removed-is-another", "pool tank",
        "declared removed is 12, the pool of that name is 11", tank(), (),
        removed={"pools": [{"name": "tank", "guid": "12"}]}),
    row("removed, and has another name", "removed-is-another", "pool old",
        "which is imported as tank", tank(), (), IS,
        removed={"pools": [{"name": "old", "guid": "11"}]}),
    row("removed, and not imported", "removed-not-imported", "pool tank",
        "which is not imported", away(), (), **GONE),
    row("gone at the next boot", "pool-not-at-boot", "pool tank", "would be gone after a reboot",
        host(), ("create-pool:tank",),
        want("tank", "mirror", "A", "B", properties="cachefile=none")),
]  # fmt: skip
SUSPENDED, READ_ONLY = tank(suspended=True), tank(readonly=True)
LOST = edited(
    tank(), *(
        lambda there, at=at: there["pools"][0]["vdevs"][0]["children"][at].update(state="FAULTED")
        for at in (0, 1)
    )
)  # fmt: skip

WISHES: dict[str, tuple[tuple[str, ...], tuple[Json, ...], Json]] = {
    "to build anew": (
        ("destroy-pool:tank", "create-pool:tank"), (want("tank", "raidz1", "A", "B", "C"),), {}),
    "to destroy": (("destroy-pool:tank",), (), GONE),
    "a property": (
        ("set-pool-properties:tank",), (want("tank", "mirror", "A", "B", properties="comment=x"),),
        {}),
    "a new dataset": (("create-dataset:tank/new",), (IS,), {"datasets": [
        {"name": "new", "pool": "tank"}]}),
    "a dataset's property": (("set-dataset-properties:tank/data",), (IS,), {"datasets": [
        {"name": "data", "pool": "tank", "properties": "atime=on"}]}),
    "a dataset to destroy": (("destroy-dataset:tank/data",), (IS,), {"removed": {"datasets": [
        {"name": "tank/data", "guid": "88"}]}}),
    "a dataset to rename": (("rename-dataset:tank/data",), (IS,), {"datasets": [
        {"name": "new", "pool": "tank", "renamed_from": "tank/data"}]}),
}  # fmt: skip


def each(code: str, says: str, there: Json) -> list[Row]:
    """One row for each wish of a pool that takes no change."""
    return [
        Row(case=f"{says}: {case}", code=code, says=says, there=there, pools=pools, zfs=zfs,
            stops=stops, subject=_about(stops[0]))
        for case, (stops, pools, zfs) in WISHES.items()
    ]  # fmt: skip


def _about(identifier: str) -> str:
    name = identifier.partition(":")[2]
    return f"{'dataset' if '/' in name else 'pool'} {name}"


STATES = [
    *each("pool-unavailable", "pool tank is SUSPENDED", SUSPENDED),
    *each("pool-unavailable", "pool tank is UNAVAIL", LOST)[:2],
    *each("pool-read-only", "pool tank is imported read-only", READ_ONLY),
]


def resilvering(there: Json) -> None:
    there["pools"][0]["scans"] = [{"kind": "resilver", "state": "running"}]


ROWS = [*WHOSE, *WHICH, *STATES]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_a_pool_that_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)


@pytest.mark.parametrize(
    ("ran", "wish"),
    [
        (["zpool destroy tank", "zero", "zero", "zpool create"], "to build anew"),
        (["zpool destroy tank"], "to destroy"),
        (["zpool set comment=x tank"], "a property"),
        (["zfs create tank/new"], "a new dataset"),
        (["zfs set atime=on tank/data"], "a dataset's property"),
        (["zfs destroy tank/data"], "a dataset to destroy"),
        (["zfs rename tank/data tank/new"], "a dataset to rename"),
    ],
)
def test_a_sound_pool_takes_each_of_them(ran: list[str], wish: str, machine: Machine) -> None:
    """With a resilver under way and a checkpoint, too: ZFS takes all of these then. But a pool that
    may be on its way to what is declared is not built anew."""
    busy = edited(tank(checkpoint=True), resilvering)
    if wish == "to build anew":
        busy = tank()
    _, pools, zfs = WISHES[wish]
    check_planned(machine, busy, pools, zfs, ran)


def test_an_exported_pool_of_this_host_is_imported(machine: Machine) -> None:
    check_planned(machine, away(), [IS], {}, ["zpool import -N", "zfs mount", "zfs mount"])
