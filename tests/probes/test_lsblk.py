"""Block devices as lsblk prints them, 2.38 and 2.41."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.probes.lsblk import LSBLK, parse_lsblk, whole_disks
from tests.probes.machines import printed, row, trees
from tests.recordings import RECORDINGS, name_of

DISKS = [f"/dev/vd{letter}" for letter in "abcdefghij"]


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_every_recording_has_its_ten_disks(folder: Any) -> None:
    """Both versions of lsblk parse, and partitions and holders are no disks."""
    answer = RecordedHost(folder).answer("lsblk", LSBLK)
    assert isinstance(answer, Output)
    disks = whole_disks(parse_lsblk(answer))
    assert [disk.kname for disk in disks] == DISKS
    assert {"ROOT", "DISK1", "OUT"} <= {disk.serial for disk in disks}
    assert {(disk.logical_sector, disk.physical_sector) for disk in disks} == {(512, 512)}


def test_no_mountpoint_is_none() -> None:
    """2.38 prints [null], 2.41 []."""
    old, new = trees(row("sda", mountpoints=[None]), row("sdb", mountpoints=[]))
    assert old.mountpoints == new.mountpoints == ()


@pytest.mark.parametrize(
    ("expected", "rows"),
    [
        (["/dev/sda"], [row("sda")]),
        ([], [row("sda", size=0)]),
        ([], [row("nbd0", size=0)]),
        (["/dev/nbd0"], [row("nbd0")]),
        ([], [row("loop0", type="loop"), row("sr0", type="rom")]),
        ([], [row("zd0"), row("zd16"), row("zram0"), row("ram0"), row("fd0")]),
        (["/dev/nvme0n1"], [row("nvme0n1", row("nvme0n1p1", type="part"))]),
        (["/dev/sda"], [row("sda", row("bcache0"))]),
        (["/dev/sda"], [row("sda", row("md0", type="raid1"), row("dm-1", type="crypt"))]),
        (
            ["/dev/sda", "/dev/dm-0", "/dev/sdb"],
            [row("sda", row("dm-0", type="mpath")), row("sdb", row("dm-0", type="mpath"))],
        ),
    ],
)
def test_what_a_disk_is(expected: list[str], rows: list[dict[str, Any]]) -> None:
    """Whole disks with a medium, and multipath devices once; nothing that is built on a disk."""
    assert expected == [disk.kname for disk in whole_disks(trees(*rows))]


@pytest.mark.parametrize(
    ("message", "output"),
    [
        ("unknown type 'hologram'", printed(row("sda", type="hologram"))),
        ("unknown key 'colour'", printed(row("sda") | {"colour": "red"})),
        ("size is '1T'", printed(row("sda", size="1T"))),
        ("size is -1", printed(row("sda", size=-1))),
        ("rota is '1'", printed(row("sda", rota="1"))),
        ("serial is 7", printed(row("sda", serial=7))),
        ("mountpoints is '/'", printed(row("sda", mountpoints="/"))),
        ("mountpoints is \\[1\\]", printed(row("sda", mountpoints=[1]))),
        ("children is 'sda1'", printed(row("sda") | {"children": "sda1"})),
        ("has a parent and no pkname", printed(row("sda") | {"children": [row("sda1")]})),
        ("'hctl'", printed({k: v for k, v in row("sda").items() if k != "hctl"})),
        ("'blockdevices'", Output(exit_code=0, stdout=b"{}", stderr=b"")),
        ("not what lsblk prints", Output(exit_code=0, stdout=b"sda 1T", stderr=b"")),
        ("exit status 1: no sysfs", Output(exit_code=1, stdout=b"", stderr=b"no sysfs")),
        ("not installed", Output(exit_code=127, stdout=b"", stderr=b"", missing=True)),
    ],
)
def test_what_is_not_known_raises(message: str, output: Output) -> None:
    """Never a skipped device: a disk that is not listed looks absent."""
    with pytest.raises(ProbeError, match=message):
        parse_lsblk(output)
