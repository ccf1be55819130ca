"""Who a disk is."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_plan.probes.identity import identify, identify_all
from phoenix_plan.probes.lsblk import whole_disks
from tests.probes.machines import row, trees

SIZE = 1 << 40


@pytest.mark.parametrize(
    ("expected", "disk"),
    [
        (f"wwn:0x5000c500a1b2c3d4:{SIZE}", row("sda", wwn="0x5000c500a1b2c3d4", serial="ZDH1")),
        (f"wwn:0x5000c500a1b2c3d4:{SIZE}", row("sda", wwn="0x5000C500A1B2C3D4", hctl="0:0:0:7")),
        (f"eui:002538b111508d4e:{SIZE}", row("nvme0n1", wwn="eui.002538b111508d4e")),
        (
            f"nguid:36343730528000680025384100000001:{SIZE}",
            row("nvme1n1", wwn="eui.36343730528000680025384100000001"),
        ),
        (
            f"wwn:nvme.1b36-44-51-00000001:{SIZE}",
            row("nvme0n1", wwn="nvme.1b36-44-51-00000001", serial="D"),
        ),
        (f"serial:D/1:{SIZE}", row("nvme0n1", wwn="eui.0000000000000000", serial="D")),
        (f"serial:D/2:{SIZE}", row("nvme0n2", serial="D")),
        (
            f"serial:ZDH1/3:{SIZE}",
            row("sda", wwn="0x0000000000000000", serial="ZDH1", hctl="4:0:0:3"),
        ),
        (f"serial:DISK1:{SIZE}", row("vdb", serial=" DISK1 ")),
        ("None", row("vdb")),
    ],
)
def test_identity(expected: str, disk: dict[str, Any]) -> None:
    """A World Wide Name first, a serial with its LUN or namespace else; zeros are no name."""
    assert expected == str(identify(trees(disk)[0]))


def test_another_size_is_another_disk() -> None:
    """The same serial with another size was swapped behind its name."""
    small, large = trees(row("vdb", serial="A", size=512), row("vdc", serial="A", size=1024))
    assert identify(small) != identify(large)


def test_a_multipath_device_is_who_its_legs_are() -> None:
    """device-mapper says nothing of itself."""
    paths = trees(
        row("sda", row("dm-0", type="mpath"), wwn="0x600a0b80001111"),
        row("sdb", row("dm-0", type="mpath"), wwn="0x600a0b80001111"),
    )
    identities = identify_all(whole_disks(paths), paths)
    assert {str(identity) for identity in identities.values()} == {f"wwn:0x600a0b80001111:{SIZE}"}
    assert set(identities) == {"/dev/sda", "/dev/sdb", "/dev/dm-0"}
