"""`zpool` on a simulated host: what it makes, what it refuses, and what it should have refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Output, Sample
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.probes.inspection import DiskInspection, inspection_read, parse_inspection
from phoenix_plan.probes.zpool_import import IMPORT, parse_import
from phoenix_plan.probes.zpool_status import PoolStatus, TextNeeded
from phoenix_plan.probes.zpool_status_json import parse_status_json
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.simulated.worlds import BY_ID, ask, done, eight_disks, host_of, run, saved

VERSIONS = ("2.1.11", "2.3.9")


def pools(host: SimulatedHost) -> tuple[PoolStatus, ...]:
    """Imported pools, through the real parsers: JSON where there is any, and the text the same."""
    text = parse_status_text(ask(host, "zpool", "status", "-P"), ask(host, "zpool", "status", "-g"))
    try:
        from_json = parse_status_json(ask(host, "zpool", "status", "-j", "-P", "--json-int"))
    except TextNeeded:
        return text
    assert text == from_json
    return from_json


def look(host: SimulatedHost, name: str, *, deep: bool = False) -> DiskInspection:
    """What is on a disk."""
    path = BY_ID + name
    read: Sample = inspection_read((path,), ((path, "serial:x"),) if deep else ())
    answer = host.answer("inspect", read)
    assert isinstance(answer, Output)
    return parse_inspection(answer, read).disks[path]


@pytest.mark.parametrize("zfs", VERSIONS)
def test_create_status_destroy(tmp_path: Path, zfs: str) -> None:
    """A pool comes with partitions and labels; destroyed, its labels say so."""
    host = host_of(tmp_path, eight_disks(zfs))
    assert pools(host) == ()
    done(
        host,
        "zpool",
        "create",
        "-o",
        "ashift=12",
        "tank",
        "raidz2",
        *(f"DISK{n}" for n in (1, 2, 3, 4)),
    )
    (pool,) = pools(host)
    assert (pool.name, pool.state, [v.name for v in pool.vdevs]) == ("tank", "ONLINE", ["raidz2-0"])
    assert [f"{BY_ID}DISK{n}-part1" for n in (1, 2, 3, 4)] == [
        leaf.path for leaf in pool.vdevs[0].leaves()
    ]
    disk = look(host, "DISK1")
    assert (disk.table, [part.number for part in disk.partitions]) == ("gpt", [1, 9])
    (label,) = disk.labels
    assert (
        label.state,
        label.pool,
        label.ashift,
        label.copies,
    ) == ("active", "tank", 12, (0, 1, 2, 3))
    done(host, "zpool", "destroy", "tank")
    assert pools(host) == ()
    assert look(host, "DISK1").labels[0].state == "destroyed"
    assert ask(host, "zpool", "import").stderr == b"no pools available to import\n"
    (candidate,) = parse_import(ask(host, "zpool", "import", "-D"))
    assert (label.pool_guid, True) == (candidate.guid, candidate.destroyed)
    done(host, "zpool", "import", "-D", label.pool_guid)
    assert pools(host) == (pool,)


HAZARDS: dict[str, dict[str, Any]] = {
    "ext4": {"signatures": [{"offset": 1080, "type": "ext4"}]},
    "LVM": {"signatures": [{"offset": 536, "type": "LVM2_member"}]},
    "GPT with ext4": {
        "table": "gpt",
        "partitions": [{"number": 1, "start": "1M", "size": "100M"}],
        "signatures": [{"part": 1, "offset": 1080, "type": "ext4"}],
    },
    "GPT with raw data": {
        "table": "gpt",
        "partitions": [{"number": 1, "start": "1M", "size": "100M"}],
        "data": [{"offset": "9M", "length": "4M"}],
    },
    "MBR with ext4": {
        "table": "mbr",
        "partitions": [{"number": 1, "start": "1M", "size": "100M", "type": "0x83"}],
        "signatures": [{"part": 1, "offset": 1080, "type": "ext4"}],
    },
    "backup GPT": {"table": "backup-gpt"},
    "raw data": {"data": [{"offset": "9M", "length": "4M"}]},
}


@pytest.mark.parametrize(
    ("stderr", "hazard"),
    [
        (f"{BY_ID}DISK1 contains a filesystem of type 'ext4'", "ext4"),
        (f"{BY_ID}DISK1 contains a filesystem of type 'LVM2_member'", "LVM"),
        (f"{BY_ID}DISK1-part1 contains a filesystem of type 'ext4'", "GPT with ext4"),
        (f"{BY_ID}DISK1 contains a corrupt primary EFI label.", "backup GPT"),
        ("", "GPT with raw data"),
        ("", "MBR with ext4"),
        ("", "raw data"),
    ],
)
def test_hazards(tmp_path: Path, stderr: str, hazard: str) -> None:
    """What the real `zpool create` was measured to refuse, and what it overwrites."""
    world = eight_disks()
    world["disks"]["vdb"] |= HAZARDS[hazard]
    host = host_of(tmp_path, world)
    before = look(host, "DISK1")
    output = run(host, "zpool", "create", "tank", "mirror", "DISK1", "DISK2")
    head = "invalid vdev specification\nuse '-f' to override the following errors:\n"
    assert (f"{head}{stderr}\n" if stderr else "") == output.stderr.decode()
    assert (1 if stderr else 0) == output.exit_code
    assert (before == look(host, "DISK1")) is bool(stderr)


@pytest.mark.parametrize(
    ("stderr", "role", "end"),
    [
        ("DISK1-part1 is part of exported pool 'old'", "DISK1", "export"),
        ("", "DISK1", "destroy"),
        ("", "DISK2 spare DISK1", "export"),
        ("", "DISK2 cache DISK1", "export"),
        ("DISK1-part1 is part of exported pool 'old'", "DISK2 log DISK1", "export"),
    ],
)
def test_disks_of_other_pools(tmp_path: Path, stderr: str, role: str, end: str) -> None:
    """Members and logs of an exported pool are refused; spares, caches, destroyed pools are not."""
    host = host_of(tmp_path, eight_disks())
    done(host, "zpool", "create", "old", *role.split())
    done(host, "zpool", end, "old")
    output = run(host, "zpool", "create", "tank", "DISK1")
    assert (output.stderr.decode().rstrip("\n").endswith(stderr)) is True
    assert bool(stderr) == (output.exit_code == 1)


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("cannot resolve path '/dev/disk/by-id/nope'", "tank /dev/disk/by-id/nope"),
        ("invalid vdev specification: mirror requires at least 2 devices", "tank mirror DISK1"),
        (
            "invalid vdev specification: raidz3 requires at least 4 devices",
            "tank raidz3 DISK1 DISK2",
        ),
        ("mirror contains devices of different sizes", "tank mirror DISK1 DISK8"),
        (
            "mismatched replication level: both disk and mirror vdevs are present",
            "tank DISK1 mirror DISK2 DISK3",
        ),
        (f"{BY_ID}ROOT is in use and contains a ext4 filesystem.", f"tank {BY_ID}ROOT"),
        (
            "cannot create 'tank/a': invalid character '/' in pool name\n"
            "use 'zfs create' to create a dataset",
            "tank/a DISK1",
        ),
        ("property 'colour' is not a valid pool or vdev property", "-o colour=red tank DISK1"),
        (
            "cannot create 'tank': 'autotrim' must be one of 'on | off'",
            "-o autotrim=yes tank DISK1",
        ),
        (
            "cannot create 'tank': property 'ashift' number 8 is invalid, only values between 9 and"
            " 16 are allowed.",
            "-o ashift=8 tank DISK1",
        ),
        ("cannot create 'tank': invalid property 'colour'", "-O colour=red tank DISK1"),
        ("cannot create 'mirrored': name is reserved", "mirrored DISK1"),
        ("cannot create 'had': pool already exists", "had DISK1"),
        (
            "cannot create 'tank': one or more vdevs refer to the same device, or one of\n"
            "the devices is part of an active md or lvm device",
            "tank DISK1 DISK1",
        ),
        (
            "mountpoint '/occupied' exists and is not empty\n"
            "use '-m' option to provide a different default",
            "-O mountpoint=/occupied tank DISK1",
        ),
    ],
)
def test_refused_creations(tmp_path: Path, stderr: str, words: str) -> None:
    """Messages and exit code of the real tool."""
    world = eight_disks(directories={"/occupied": "occupied"})
    world["disks"]["vdi"]["size"] = "600M"
    host = host_of(tmp_path, world)
    done(host, "zpool", "create", "had", "DISK7")
    output = run(host, "zpool", "create", *words.split())
    assert (1, stderr) == (output.exit_code, output.stderr.decode().rstrip("\n").removeprefix(
        "invalid vdev specification\nuse '-f' to override the following errors:\n"))  # fmt: skip
    assert [pool.name for pool in pools(host)] == ["had"]


def test_create_labels_before_it_looks_at_the_mountpoint(tmp_path: Path) -> None:
    """A creation that fails late has already written to its disks."""
    host = host_of(tmp_path, eight_disks(directories={"/tank": "occupied"}))
    assert look(host, "DISK1", deep=True).emptiness == "blank"
    assert run(host, "zpool", "create", "tank", "DISK1").exit_code == 1
    disk = look(host, "DISK1", deep=True)
    assert (disk.emptiness, disk.table, disk.labels) == ("occupied", "gpt", ())


def test_members_of_an_active_pool_are_in_use(tmp_path: Path) -> None:
    """Not even -f takes them."""
    host = host_of(tmp_path, eight_disks())
    done(host, "zpool", "create", "tank", "DISK1")
    for force in ((), ("-f",)):
        output = run(host, "zpool", "create", *force, "other", "DISK1")
        assert b"is in use and contains a unknown filesystem" in output.stderr


@pytest.mark.parametrize("zfs", VERSIONS)
@pytest.mark.parametrize(
    ("stderr", "state", "hostid"),
    [
        ("", "exported", "37487e0c"),
        ("", "exported", "0badcafe"),
        ("", "active", "37487e0c"),
        (
            "cannot import 'tank': pool was previously in use from another system.",
            "active",
            "0badcafe",
        ),
    ],
)
def test_import_and_host_ids(
    tmp_path: Path, zfs: str, stderr: str, state: str, hostid: str
) -> None:
    """An exported pool comes from any host; one that was never exported from its own alone."""
    world = eight_disks(zfs)
    world["pools"] = [
        {
            "name": "tank", "guid": "4711", "state": state, "hostid": hostid, "hostname": "far",
            "vdevs": [{"type": "disk", "path": f"{BY_ID}DISK1"}],
            "datasets": {"tank/a": {}},
        }
    ]  # fmt: skip
    host = host_of(tmp_path, world)
    (candidate,) = parse_import(ask(host, *IMPORT.argv, env=IMPORT.env))
    assert ("4711", bool(stderr)) == (candidate.guid, candidate.maybe_active)
    output = run(host, "zpool", "import", "-N", "-d", "/dev/disk/by-id", "4711")
    assert bool(stderr) == (output.exit_code == 1)
    assert output.stderr.decode().startswith(stderr)
    if not stderr:
        assert ask(host, "zfs", "list", "-Hp", "-o", "name,mounted").stdout == (
            b"tank\tno\ntank/a\tno\n"
        )
        done(host, "zfs", "mount", "tank/a")
        assert look(host, "DISK1").labels[0].hostid == "37487e0c"


@pytest.mark.parametrize(
    ("stderr", "prepare", "words"),
    [
        ("cannot import 'x': no such pool available", (), "x"),
        (
            "cannot import 'tank': more than one matching pool\nimport by numeric ID instead",
            ("create tank DISK1", "export tank", "create tank DISK2", "export tank"),
            "tank",
        ),
        (
            "cannot import 'tank': a pool with that name already exists\n"
            "use the form 'zpool import <pool | id> <newpool>' to give it a new name",
            ("create tank DISK1", "export tank", "create tank DISK2"),
            "tank",
        ),
        (
            "cannot import 'tank': one or more devices is currently unavailable",
            ("create tank DISK1 DISK2", "export tank", "labelclear -f DISK2"),
            "tank",
        ),
    ],
)
def test_refused_imports(tmp_path: Path, stderr: str, prepare: tuple[str, ...], words: str) -> None:
    """Messages of the real tool."""
    host = host_of(tmp_path, eight_disks())
    for line in prepare:
        done(host, "zpool", *line.split())
    output = run(host, "zpool", "import", *words.split())
    assert (1, f"{stderr}\n") == (output.exit_code, output.stderr.decode())


@pytest.mark.parametrize("zfs", VERSIONS)
def test_a_dead_member(tmp_path: Path, zfs: str) -> None:
    """A disk that is gone from the file is a missing member: degraded, and told where it was."""
    host = host_of(tmp_path, eight_disks(zfs))
    done(host, "zpool", "create", "tank", "mirror", "DISK1", "DISK2")
    world = saved(host)
    del world["disks"]["vdc"]
    host = host_of(tmp_path, world)
    (pool,) = pools(host)
    assert pool.state == "DEGRADED"
    assert ["", f"{BY_ID}DISK2-part1"] == [leaf.was for leaf in pool.vdevs[0].leaves()]
    done(host, "zpool", "replace", "tank", pool.vdevs[0].children[1].guid, "DISK3")
    (pool,) = pools(host)
    assert ("ONLINE", f"{BY_ID}DISK3-part1") == (pool.state, pool.vdevs[0].children[1].path)


@pytest.mark.parametrize(
    ("stderr", "argv"),
    [
        ("cannot attach {D}DISK3 to {D}DISK9: no such device in pool", "attach tank DISK9 DISK3"),
        ("cannot detach {D}DISK3: no such device in pool", "detach tank DISK3"),
        ("cannot detach {D}DISK5: only applicable to mirror and replacing vdevs",
         "detach flat DISK5"),
        ("cannot open 'gone': no such pool", "destroy gone"),
        ("cannot set property for 'tank': invalid property 'x'", "set x=1 tank"),
        ("cannot set property for 'tank': 'size' is readonly", "set size=1 tank"),
        ("cannot set property for 'tank': comment must not exceed 32 characters",
         f"set comment={'x' * 33} tank"),
        ("cannot unmount '/tank': pool or dataset is busy\ncould not destroy 'tank': could not"
         " unmount datasets", "destroy tank"),
        ("mismatched replication level: pool uses mirror and new vdev is disk", "add tank DISK3"),
        ("cannot offline {D}DISK5: no valid replicas", "offline flat DISK5"),
        ("cannot attach {D}DISK3 to {D}DISK6: checkpoint exists", "attach held DISK6 DISK3"),
    ],
)  # fmt: skip
def test_refused_changes(tmp_path: Path, stderr: str, argv: str) -> None:
    """Messages and exit code of the real tool; nothing changes."""
    host = host_of(tmp_path, eight_disks(opened=[{"path": "/tank/file"}]))
    done(host, "zpool", "create", "tank", "mirror", "DISK1", "DISK2")
    done(host, "zpool", "create", "flat", "DISK5")
    done(host, "zpool", "create", "held", "DISK6")
    done(host, "zpool", "checkpoint", "held")
    before = pools(host)
    output = run(host, "zpool", *argv.split())
    said = (
        output.stderr.decode()
        .rstrip("\n")
        .removeprefix("invalid vdev specification\nuse '-f' to override the following errors:\n")
    )
    code = 255 if argv.split(maxsplit=1)[0] in ("attach", "detach", "replace") else 1
    assert (code, stderr.replace("{D}", BY_ID)) == (output.exit_code, said)
    assert before == pools(host)


def test_grow_and_shrink(tmp_path: Path) -> None:
    """Attach, detach, add, remove: the tree, and the labels of who left."""
    host = host_of(tmp_path, eight_disks())
    done(host, "zpool", "create", "tank", "DISK1")
    done(host, "zpool", "attach", "tank", "DISK1", "DISK2")
    done(
        host,
        "zpool",
        "add",
        "tank",
        "mirror",
        "DISK3",
        "DISK4",
        "special",
        "mirror",
        "DISK5",
        "DISK6",
    )
    (pool,) = pools(host)
    assert [vdev.name for vdev in pool.vdevs] == ["mirror-0", "mirror-1", "mirror-2"]
    done(host, "zpool", "remove", "tank", "mirror-1")
    done(host, "zpool", "detach", "tank", "DISK2")
    (pool,) = pools(host)
    assert [f"{BY_ID}DISK1-part1", "mirror-2"] == [vdev.name for vdev in pool.vdevs]
    assert look(host, "DISK2").labels[0].txg == "0"
    done(host, "zpool", "create", "other", "DISK2", "DISK3", "DISK4")


def test_raidz_expansion_is_new(tmp_path: Path) -> None:
    """From 2.3 a raidz takes another disk."""
    for zfs, code in (("2.1.11", 255), ("2.3.9", 0)):
        host = host_of(tmp_path, eight_disks(zfs))
        done(host, "zpool", "create", "tank", "raidz", "DISK1", "DISK2", "DISK3")
        assert run(host, "zpool", "attach", "tank", "raidz1-0", "DISK4").exit_code == code


def test_a_pool_that_was_imported_read_only(tmp_path: Path) -> None:
    """It says so, and takes no change."""
    world = eight_disks()
    child = {"type": "disk", "path": f"{BY_ID}DISK1"}
    there: dict[str, Any] = {"tank": {}, "tank/data": {"snapshots": {"one": {}}}}
    world["pools"] = [{"name": "tank", "readonly": True, "vdevs": [child], "datasets": there}]
    host = host_of(tmp_path, world)
    answer = ask(host, "zpool", "get", "-Hp", "-o", "value", "readonly", "tank")
    assert answer.stdout == b"on\n"
    before = saved(host)["pools"]
    for line in (
        "zpool set comment=x tank",
        "zfs set atime=off tank/data",
        "zfs inherit atime tank/data",
        "zfs create tank/more",
        "zfs destroy tank/data@one",
        "zfs rename tank/data tank/other",
        "zfs snapshot tank/data@two",
        "zfs clone tank/data@one tank/clone",
    ):
        output = run(host, *line.split())
        assert output.exit_code == 1, line
        assert b"pool is read-only" in output.stderr
    assert {one["name"] for one in saved(host)["pools"]} == {one["name"] for one in before}
    assert saved(host)["pools"][0]["datasets"].keys() == before[0]["datasets"].keys()
