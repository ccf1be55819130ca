"""Disks, put together from lsblk, links, the inspection and who uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from phoenix_plan.model.disks import Disk, Partition, Signature
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.probes.devices import Devices
from phoenix_plan.probes.disks import assemble_disks, legs
from phoenix_plan.probes.identity import identify_all
from phoenix_plan.probes.inspection import DiskInspection
from phoenix_plan.probes.lsblk import BlockDevice
from phoenix_plan.probes.usage import Sightings, users_by_disk
from tests.probes.machines import row, trees

SIZE = Bytes(1 << 40)
WWN = "0x600a0b80001111"
MULTIPATH = row("dm-0", type="mpath", path="/dev/mapper/mpatha")
LEGS = trees(row("sda", MULTIPATH, wwn=WWN), row("sdb", MULTIPATH, wwn=WWN))


def inspection(path: str, **fields: Any) -> DiskInspection:
    """A blank disk, or what is said of it."""
    blank = DiskInspection(
        path=path,
        size=SIZE,
        sector=512,
        table="",
        partitions=(),
        signatures=(),
        labels=(),
        holders=(),
        emptiness="blank",
        residue="",
        unknown=(),
    )
    return attrs.evolve(blank, **fields)


def disks(
    tree: tuple[BlockDevice, ...],
    *inspections: DiskInspection,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    unknown: tuple[str, ...] = (),
) -> dict[str, Disk]:
    """The disks of a tree by path."""
    links = aliases or {}
    devices = Devices(tree, links)
    found = assemble_disks(
        devices,
        aliases=links,
        identities=identify_all(devices.whole, tree),
        inspections={one.path: one for one in inspections},
        users=users_by_disk(devices, Sightings()),
        unknown=unknown,
    )
    return {disk.path: disk for disk in found}


def test_a_disk_has_what_each_source_says() -> None:
    """lsblk the hardware, the inspection the content, the links the names."""
    part = Partition(number=1, start=Bytes(2048), size=SIZE, type="x", partuuid="p-1", path="?")
    signature = Signature(part=1, offset=Bytes(0x438), type="ext4")
    tree = trees(
        row(
            "nvme0n1",
            row("nvme0n1p1", type="part", partuuid="P-1"),
            model="SSD",
            serial="S",
            ro=True,
            rm=True,
            rota=False,
            tran="nvme",
            phy_sec=4096,
        )
    )
    read = inspection(
        "/dev/nvme0n1",
        table="gpt",
        partitions=(part,),
        signatures=(signature,),
        emptiness="occupied",
    )
    names = {"/dev/nvme0n1": ("/dev/disk/by-id/nvme-S",), "/dev/nvme0n1p1": ("/dev/disk/x",)}
    disk = disks(tree, read, aliases=names)["/dev/nvme0n1"]
    assert str(disk.identity) == f"serial:S/1:{SIZE}"
    assert (disk.model, disk.transport, disk.read_only, disk.removable, disk.rotational) == (
        "SSD",
        "nvme",
        True,
        True,
        False,
    )
    assert (disk.table, disk.emptiness, disk.signatures) == ("gpt", "occupied", (signature,))
    assert (disk.partitions[0].path, disk.partitions[0].aliases) == (
        "/dev/nvme0n1p1",
        ("/dev/disk/x",),
    )
    assert disk.name == "/dev/disk/by-id/nvme-S"
    assert disk.unknown == ()


def test_the_legs_of_a_multipath_device_are_used_and_not_read() -> None:
    """Their content is the device's: read twice, it would look like a pool with twins."""
    assert legs(Devices(LEGS, {})) == {"/dev/sda", "/dev/sdb"}
    found = disks(LEGS, inspection("/dev/dm-0"))
    assert {path: disk.emptiness for path, disk in found.items()} == {
        "/dev/sda": "unread",
        "/dev/sdb": "unread",
        "/dev/dm-0": "blank",
    }
    assert [user.kind for user in found["/dev/sda"].users] == ["multipath"]
    assert found["/dev/dm-0"].users == ()
    assert {disk.unknown for disk in found.values()} == {()}
    assert len({disk.identity for disk in found.values()}) == 1


def test_a_disk_that_was_not_read_is_unknown() -> None:
    """Whatever the reason."""
    found = disks(trees(row("sda"), row("sdb")), inspection("/dev/sda"))
    assert found["/dev/sda"].unknown == ()
    assert found["/dev/sdb"].unknown == ("what is on it was not read",)


def test_a_disk_that_could_not_be_read_says_why() -> None:
    """Once, though its size is not known either."""
    broken = inspection("/dev/sda", size=Bytes(0), unknown=("/dev/sda: Input/output error",))
    found = disks(trees(row("sda")), broken, unknown=("swaps: gone",))
    assert found["/dev/sda"].unknown == ("/dev/sda: Input/output error", "swaps: gone")


def test_a_disk_that_changes_its_size_is_unknown() -> None:
    """lsblk and the device itself were asked at two moments."""
    found = disks(trees(row("sda")), inspection("/dev/sda", size=Bytes(512)))
    assert found["/dev/sda"].unknown == (f"lsblk says {SIZE} bytes, the device itself 512",)


def test_disks_are_sorted_by_identity() -> None:
    """Kernel names change places between boots; a disk without identity comes last."""
    tree = trees(row("sda"), row("sdb", serial="B"), row("sdc", serial="A"))
    assert list(disks(tree)) == ["/dev/sdc", "/dev/sdb", "/dev/sda"]
