"""What could not be learnt is refused: each probe that fails or prints nonsense, and a Proxmox VE
that can't be seen or written."""

from __future__ import annotations

import pytest

from phoenix_plan.commands import Glob, Query, Read, ReadFile, ReadFiles
from phoenix_plan.probes.zpool_status import STATUS_GUIDS, STATUS_TEXT
from phoenix_plan.refresh import FIRST
from tests.apply.machine import PHOTOS, Json, Machine, host, pool, want
from tests.refusals.edits import Edit, edited, has
from tests.refusals.rows import Row, check_planned, check_refused, ids, prepare

CFG = ["zfspool: tank-data", "\tpool tank/data", "\tcontent images", ""]
SOUND = edited(
    host(
        pool("tank", "mirror", "A", "B", data={"guid": "88"}),
        {**pool("away", "stripe", "C"), "state": "exported"},
        storage_cfg=CFG,
    ),
    lambda there: there["disks"]["sde"].update(signatures=[PHOTOS]),
)
IS, COLD = want("tank", "mirror", "A", "B"), want("cold", "single", "E")
STORAGE = {"proxmox_storage_type": "zfspool", "proxmox_content_type": "images"}

Wish = tuple[tuple[Json, ...], Json, str]
"""Pools, the rest of the config, and the action that must not be."""

REMOVED = {"removed": {"datasets": [{"name": "tank/data", "guid": "88"}]}}
DISK: Wish = ((IS, COLD), {}, "create-pool:cold")
BLANK: Wish = ((IS, want("new", "single", "D")), {}, "create-pool:new")
IMPORT: Wish = ((IS, want("away", "single", "C")), {}, "create-pool:away")
REBUILD: Wish = ((want("tank", "raidz1", "A", "B", "D"),), {}, "destroy-pool:tank")
DESTROY: Wish = ((IS,), REMOVED, "destroy-dataset:tank/data")
GONE: Wish = ((IS,), REMOVED, "")
UNREGISTER: Wish = ((IS,), {"removed": {"storages": ["tank-data"]}}, "remove-storage:tank-data")
FORGOTTEN: Wish = (*UNREGISTER[:2], "")
REGISTER: Wish = (
    (IS,), {"datasets": [{"name": "data", "pool": "tank", **STORAGE}]},
    "add-storage:tank-data",
)  # fmt: skip

NO_PLAN: tuple[Wish, ...] = ()
RESTS_ON: dict[str, tuple[Wish, ...]] = {
    **dict.fromkeys(("machine-id", "hostname", "hostid", "spl-hostid", "zfs-version"), NO_PLAN),
    **dict.fromkeys(("dpkg", "lsblk", "dev-links", "mounts", "members"), NO_PLAN),
    "zpool-import": (DISK, IMPORT),
    "zpool-status-json": (DISK, GONE),
    "zpool-status-text": (DISK,),
    "zpool-status-guids": (DISK,),
    "zpool-get": (BLANK, GONE),
    "zfs-list": (GONE, BLANK),
    "zfs-get-set": (GONE, REBUILD),
    "zfs-list-snapshots": (GONE, REBUILD),
    "inspect": (DISK, BLANK, DESTROY),
    "storage-cfg": (DESTROY, FORGOTTEN, REGISTER),
    "qemu-configs": (DISK, UNREGISTER),
    **dict.fromkeys(("pvs", "swaps", "fstab", "crypttab", "mdstat"), (DISK, DESTROY)),
    **dict.fromkeys(("lxc-configs", "pci-mapping", "jobs", "vzdump"), (DISK, DESTROY)),
    **dict.fromkeys(("exports", "exports-d", "etab", "iscsi"), (DISK, DESTROY)),
    "arc-live": NO_PLAN,
    "modprobe": NO_PLAN,
}
"""Each probe, and what must not be done where it fails: nothing at all, or these."""

OLD = frozenset({"zpool-status-text", "zpool-status-guids"})
READS: dict[str, Read] = {
    **FIRST,
    "zpool-status-text": STATUS_TEXT,
    "zpool-status-guids": STATUS_GUIDS,
}
WRONG = {"exit_code": 1, "stderr": "it went wrong"}


def nonsense(probe: str) -> Json:
    """What no parser knows."""
    known = {"hostname": "", "modprobe": "options zfs zfs_arc_max=plenty\n"}
    return {"exit_code": 0, "stdout": known.get(probe, "\x01nonsense\n")}


NO_NONSENSE = frozenset({"dev-links", "hostid"})
"""Links are names alone, and any four bytes are a host id: another one is another host (65)."""


def words(probe: str) -> str:
    """What the host's file knows a probe by."""
    match READS.get(probe):
        case Query(argv=argv):
            return " ".join(argv)
        case ReadFile(path=path):
            return path
        case ReadFiles(pattern=pattern) | Glob(pattern=pattern):
            return pattern
        case _:
            return probe


def fails(probe: str, how: Json) -> Edit:
    """A probe goes wrong."""
    return has(fails={words(probe): how})


def probe_row(probe: str, wish: Wish, name: str, how: Json, says: str) -> Row:
    pools, zfs, stops = wish
    version = edited(SOUND, has(zfs="2.1.11")) if probe in OLD else SOUND
    return Row(
        case=f"{probe} {name}, {stops or 'gone'}", code="probe-failed", subject="", says=says,
        there=edited(version, fails(probe, how)), pools=pools, zfs=zfs,
        stops=(stops,) if stops else (),
    )  # fmt: skip


PROBES = [
    *(
        probe_row(probe, wish, "fails", WRONG, "it went wrong")
        for probe, wishes in RESTS_ON.items()
        for wish in wishes
    ),
    # Nonsense is another text of the same unknown: one wish will do.
    *(
        probe_row(probe, wish, "prints nonsense", nonsense(probe), "")
        for probe, wishes in RESTS_ON.items()
        for wish in wishes[:1]
    ),
]


def test_every_probe_is_in_the_table() -> None:
    """A new probe has to say what is refused where it fails."""
    assert RESTS_ON.keys() == {*READS, "inspect"}


def storage_row(case: str, code: str, says: str, wish: Wish, *edits: Edit) -> Row:
    """Something is wanted of storage.cfg, or of what stands in it."""
    pools, zfs, stops = wish
    return Row(
        case=case, code=code, subject="storage tank-data", says=says, pools=pools, zfs=zfs,
        there=edited(SOUND, *edits), stops=(stops,) if stops else (),
    )  # fmt: skip


NO_QUORUM = has(quorate=False)
UNREGISTERED = has(files={"/etc/pve/storage.cfg": ["dir: local", "\tpath /var/lib/vz", ""]})
UPDATE: Wish = (
    (IS,), {"datasets": [{"name": "data", "pool": "tank", **STORAGE,
                          "proxmox_content_type": "images,rootdir"}]},
    "update-storage:tank-data",
)  # fmt: skip
QUORUM = [
    storage_row("no quorum to register", "no-quorum", "the cluster has no quorum", REGISTER,
                NO_QUORUM, UNREGISTERED),
    storage_row("no quorum to change", "no-quorum", "the cluster has no quorum", UPDATE, NO_QUORUM),
    storage_row("no quorum to unregister", "no-quorum", "the cluster has no quorum", UNREGISTER,
                NO_QUORUM),
    storage_row("no quorum to disable, so nothing to destroy", "no-quorum",
                "the cluster has no quorum", DESTROY, NO_QUORUM),
    storage_row("no quorum to disable, so no pool to destroy", "no-quorum",
                "the cluster has no quorum", REBUILD, NO_QUORUM),
    storage_row("no Proxmox VE", "pve-missing", "Proxmox VE is not installed here", REGISTER,
                has(pve="", pve_storage="")),
    storage_row("a value that PVE refuses", "probe-failed", "neither 0 nor 1",
                (REGISTER[0], {"datasets": [{"name": "data", "pool": "tank", **STORAGE}]}, ""),
                has(files={"/etc/pve/storage.cfg": [*CFG[:2], "\tcontent images", "\tsparse maybe",
                                                    ""]})),
]  # fmt: skip

ROWS = [*PROBES, *QUORUM]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_what_could_not_be_learnt_or_written_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)


@pytest.mark.parametrize(
    ("ran", "wish", "edits"),
    [
        (["zero", "zpool create"], DISK, ()),
        (["zpool create"], BLANK, ()),
        (["pvesm set", "zfs destroy tank/data"], DESTROY, ()),
        (["pvesm remove"], UNREGISTER, ()),
        (["pvesm add"], REGISTER, (UNREGISTERED,)),
        (["pvesm set"], UPDATE, (has(quorate=True),)),
    ],
)
def test_what_is_known_is_done(
    ran: list[str], wish: Wish, edits: tuple[Edit, ...], machine: Machine
) -> None:
    check_planned(machine, edited(SOUND, *edits), wish[0], wish[1], ran)


NOTHING = [
    *(
        (f"{probe} {name}", fails(probe, how))
        for probe, wishes in RESTS_ON.items()
        for name, how in (("fails", WRONG), ("prints nonsense", nonsense(probe)))
        if not wishes and probe not in ("arc-live", "modprobe")
        if name == "fails" or probe not in NO_NONSENSE
    ),
    ("no pmxcfs", has(pmxcfs=False)),
    ("no ZFS", has(zfs="")),
]


@pytest.mark.parametrize("broken", [edit for _, edit in NOTHING], ids=[name for name, _ in NOTHING])
def test_where_the_host_itself_is_not_known_there_is_no_plan(
    broken: Edit, machine: Machine
) -> None:
    """And one that was made before is not applied."""
    prepare(machine, SOUND, *DISK[:2])
    assert machine.plan().code == 0
    machine.change(broken)
    before = machine.there
    assert machine.apply("--mode", "force-destructive").code == 1
    assert machine.apply("--mode", "force-destructive", "--partial").code == 1
    assert machine.just_apply("--mode", "force-destructive", "--yes").code == 1
    machine.plan_path.unlink()
    assert machine.plan().code == 1
    assert not machine.plan_path.exists()
    assert machine.untouched()
    assert machine.there == before


@pytest.mark.parametrize(
    ("probe", "how"),
    [(probe, how) for probe in ("arc-live", "modprobe") for how in (WRONG, nonsense(probe))],
)
def test_the_limit_of_the_cache_is_refused_too(probe: str, how: Json, machine: Machine) -> None:
    """What is harmless in all the other rows."""
    prepare(machine, edited(SOUND, fails(probe, how)), [IS], {})
    called = machine.plan()
    assert called.code == 1
    assert "could not be learnt: arc" in called.out
    assert machine.apply("--mode", "force-destructive").code == 1
    assert machine.apply("--mode", "force-destructive", "--partial").code == 0
    assert machine.untouched()
