"""Who a disk is, whatever the kernel calls it today."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from phoenix_plan.model.disks import Identity
from phoenix_plan.probes.lsblk import BlockDevice

_NAMESPACE = re.compile(r"/dev/nvme\d+n(\d+)")
_EUI64 = re.compile(r"eui\.([0-9a-f]{16})")
_NGUID = re.compile(r"eui\.([0-9a-f]{32})")
_NO_NAME = re.compile(r"(0x|eui\.|uuid\.)?[0-]*")


def identify(disk: BlockDevice) -> Identity | None:
    """The disk's identity, None where it says nothing about itself.

    A World Wide Name or an NVMe identifier names one logical unit. A serial names the hardware:
    its LUN (the last number of HCTL) or NVMe namespace tells siblings apart. Forms of an NVMe
    identifier are those of the kernel's `wwid` (drivers/nvme/host/sysfs.c, Linux 6.12): `uuid.…`,
    `eui.` with 32 digits for an NGUID and 16 for an EUI-64, else `nvme.…` with vendor, serial,
    model and namespace.
    """
    wwn = disk.wwn.lower()
    if _NO_NAME.fullmatch(wwn):  # firmware that was given no name reports zeros
        return _by_serial(disk)
    if match := _NGUID.fullmatch(wwn):
        return Identity(kind="nguid", value=match[1], unit="", size=disk.size)
    if match := _EUI64.fullmatch(wwn):
        return Identity(kind="eui", value=match[1], unit="", size=disk.size)
    return Identity(kind="wwn", value=wwn, unit="", size=disk.size)


def identify_all(
    disks: Iterable[BlockDevice], trees: Iterable[BlockDevice]
) -> Mapping[str, Identity | None]:
    """Kernel path to identity. A multipath device is who its legs are."""
    legs: dict[str, list[BlockDevice]] = defaultdict(list)
    for tree in trees:
        for device in tree.below():
            if device.type == "mpath":
                legs[device.kname].append(tree)
    return {
        disk.kname: identify(legs[disk.kname][0]) if legs[disk.kname] else identify(disk)
        for disk in disks
    }


def _by_serial(disk: BlockDevice) -> Identity | None:
    if not disk.serial:
        return None
    return Identity(kind="serial", value=disk.serial, unit=_unit(disk), size=disk.size)


def _unit(disk: BlockDevice) -> str:
    if match := _NAMESPACE.fullmatch(disk.kname):
        return match[1]
    return disk.hctl.rpartition(":")[2]
