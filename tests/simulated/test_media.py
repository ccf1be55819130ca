"""Bytes on simulated disks: what a wipe takes, and what it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.actions.disks import wipe_ranges
from phoenix_plan.commands import Output, Sample, Zero
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.model.actual import Interests
from phoenix_plan.model.disks import Disk
from phoenix_plan.refresh import refresh
from tests.simulated.worlds import BY_ID, done, eight_disks, host_of

MIB = 1 << 20
PATH = f"{BY_ID}DISK1"
IDENTITY = "serial:DISK1:536870912"


def disk(host: SimulatedHost) -> Disk:
    """The disk as a refresh sees it, read across."""
    state = refresh(host, Interests(disks=(PATH,)))
    return next(one for one in state.disks if one.serial == "DISK1")


def zero(host: SimulatedHost, *ranges: tuple[int, int]) -> Output:
    """Zero ranges of the disk."""
    return host.run(Zero(path=PATH, identity=IDENTITY, ranges=ranges))


OCCUPIED: dict[str, dict[str, Any]] = {
    "ext4": {"signatures": [{"offset": 1080, "type": "ext4"}]},
    "btrfs with a late copy": {
        "signatures": [{"offset": 65600, "type": "btrfs"}, {"offset": "64M", "type": "btrfs"}]
    },
    "two partitions": {
        "table": "gpt",
        "partitions": [
            {"number": 1, "start": "1M", "size": "100M"},
            {"number": 2, "start": "101M", "size": "100M"},
        ],
        "signatures": [
            {"part": 1, "offset": 1080, "type": "ext4"},
            {"part": 2, "offset": 536, "type": "LVM2_member"},
        ],
    },
    "md at the end": {"signatures": [{"offset": 536862720, "type": "linux_raid_member"}]},
    "mbr": {"table": "mbr", "partitions": [{"number": 1, "start": "1M", "size": "10M"}]},
    "backup GPT": {"table": "backup-gpt"},
}


@pytest.mark.parametrize("kind", OCCUPIED)
def test_a_wipe_leaves_a_blank_disk(tmp_path: Path, kind: str) -> None:
    """What a plan's wipe zeroes is all that makes a disk occupied."""
    world = eight_disks()
    world["disks"]["vdb"] |= OCCUPIED[kind]
    host = host_of(tmp_path, world)
    before = disk(host)
    assert before.emptiness == "occupied"
    assert str(before.identity) == IDENTITY
    assert zero(host, *wipe_ranges(before)).exit_code == 0
    assert (disk(host).emptiness, disk(host).partitions) == ("blank", ())


def test_a_wipe_of_a_destroyed_pools_disk(tmp_path: Path) -> None:
    """All four labels go."""
    host = host_of(tmp_path, eight_disks())
    done(host, "zpool", "create", "tank", "DISK1")
    done(host, "zpool", "destroy", "tank")
    assert zero(host, *wipe_ranges(disk(host))).exit_code == 0
    assert disk(host).emptiness == "blank"
    assert refresh(host).idle_pools == ()


@pytest.mark.parametrize(
    ("left", "span"),
    [
        ([("gpt", 536870400)], (0, MIB)),
        ([("PMBR", 510), ("gpt", 512)], (512 * MIB - MIB, MIB)),
        ([("PMBR", 510), ("gpt", 512), ("gpt", 536870400)], (10 * MIB, MIB)),
    ],
)
def test_a_table_goes_copy_by_copy(
    tmp_path: Path, left: list[tuple[str, int]], span: tuple[int, int]
) -> None:
    """Zeroes at one end leave the other copy; in the middle, both."""
    world = eight_disks()
    world["disks"]["vdb"] |= {
        "table": "gpt",
        "partitions": [{"number": 1, "start": "1M", "size": "100M"}],
    }
    host = host_of(tmp_path, world)
    assert zero(host, span).exit_code == 0
    seen = disk(host)
    assert left == [(one.type, one.offset) for one in seen.signatures]
    assert seen.table == ("backup-gpt" if len(left) == 1 else "gpt")


def test_data_is_cut_and_the_rest_stays(tmp_path: Path) -> None:
    """Zeroes take what they cover of unknown data, nothing else."""
    world = eight_disks()
    world["disks"]["vdb"] |= {"data": [{"offset": "10M", "length": "10M", "bytes": "beef"}]}
    host = host_of(tmp_path, world)
    assert zero(host, (8 * MIB, 4 * MIB), (15 * MIB, MIB)).exit_code == 0
    first = f"unknown data, first at offset {12 * MIB}: be ef be ef be ef be ef"
    assert (disk(host).emptiness, disk(host).residue) == ("residual", first)
    assert zero(host, (12 * MIB, 3 * MIB)).exit_code == 0
    assert f"first at offset {16 * MIB}:" in disk(host).residue


@pytest.mark.parametrize(
    ("stderr", "path", "identity"),
    [
        (f"{BY_ID}NONE: No such file or directory", f"{BY_ID}NONE", IDENTITY),
        (f"{PATH} is {IDENTITY}, not serial:DISK2:536870912", PATH, "serial:DISK2:536870912"),
        (f"{BY_ID}ROOT: Device or resource busy", f"{BY_ID}ROOT", "serial:ROOT:2306867200"),
        (f"{BY_ID}DISK8: Operation not permitted", f"{BY_ID}DISK8", "serial:DISK8:536870912"),
    ],
)
def test_a_wipe_is_refused(tmp_path: Path, stderr: str, path: str, identity: str) -> None:
    """Another disk, one in use, one that is read-only: nothing is written."""
    world = eight_disks()
    world["disks"]["vdi"]["read_only"] = True
    host = host_of(tmp_path, world)
    output = host.run(Zero(path=path, identity=identity, ranges=((0, MIB),)))
    assert (1, f"{stderr}\n") == (output.exit_code, output.stderr.decode())


def test_a_member_of_an_imported_pool_can_not_be_wiped(tmp_path: Path) -> None:
    """The kernel has it open."""
    host = host_of(tmp_path, eight_disks())
    done(host, "zpool", "create", "tank", "DISK1")
    assert zero(host, (0, MIB)).stderr.endswith(b"Device or resource busy\n")


def test_users_of_disks(tmp_path: Path) -> None:
    """Everything that uses a disk is seen by a refresh, and keeps it from a wipe."""
    world = eight_disks(
        devices={"dm-0": {"on": ["vdc"], "type": "lvm", "size": "1M", "path": "/dev/mapper/g-v"}},
        swaps=["/dev/vdd"],
        volume_groups={"g": ["vdc"]},
    )
    world["disks"]["vdc"]["signatures"] = [{"offset": 536, "type": "LVM2_member", "uuid": "u"}]
    world["disks"]["vdd"]["signatures"] = [{"offset": 4086, "type": "swap"}]
    world["mounts"] += [
        {"source": "/dev/vde", "target": "/far", "type": "xfs", "namespace": "container"}
    ]
    world["opened"] = [{"path": "/dev/vdf", "command": "mysqld"}]
    host = host_of(tmp_path, world)
    state = refresh(host)
    assert state.unknown == ()
    kinds = {one.serial: {user.kind for user in one.users} for one in state.disks}
    expected = {"DISK2": {"lvm", "dm"}, "DISK3": {"swap"}, "DISK4": {"mounted"}, "DISK5": {"open"}}
    assert expected == {name: kinds[name] & expected[name] for name in expected}


def test_unreadable_is_not_blank(tmp_path: Path) -> None:
    """A disk that can't be read is unknown."""
    world = eight_disks()
    world["disks"]["vdb"]["unreadable"] = "Input/output error"
    host = host_of(tmp_path, world)
    assert disk(host).unknown
    assert disk(host).emptiness == "unread"


def test_what_the_samples_miss(tmp_path: Path) -> None:
    """On a large disk a short extent is not met in the middle, and is met at the edges."""
    for expected, extent in (
        ("blank", {"offset": "500G", "length": "64K"}),
        ("residual", {"offset": "500G", "length": "1G"}),
        ("residual", {"offset": "1M", "length": "4K"}),
    ):
        world = eight_disks()
        world["disks"]["vdb"] |= {"size": "1T", "data": [extent]}
        assert disk(host_of(tmp_path, world)).emptiness == expected


def test_the_answer_is_for_what_was_asked(tmp_path: Path) -> None:
    """Devices by the path that was asked for; one that is not there is told so."""
    host = host_of(tmp_path, eight_disks(directories={"/x": "empty"}))
    asked = Sample(
        devices=("/dev/vdb", "/dev/nope"), deep=(), directories=("/x", "/y", "/"), script=b""
    )
    answer = host.answer("inspect", asked)
    assert isinstance(answer, Output)
    text = answer.stdout.decode()
    assert '"/x": "empty", "/y": "absent", "/": "mounted"' in text
    assert "/dev/nope: No such file or directory" in text
