"""Disks as the model has them, put together from all that was seen of each."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from phoenix_plan.model.disks import Disk, Identity, Partition, User
from phoenix_plan.probes.devices import Devices
from phoenix_plan.probes.inspection import DiskInspection
from phoenix_plan.probes.lsblk import BlockDevice
from phoenix_plan.probes.usage import Content, holders_of


def legs(devices: Devices) -> frozenset[str]:
    """Kernel paths of the disks that a multipath device is built on: they are not looked at."""
    return frozenset(
        disk.kname
        for disk in devices.whole
        if any(device is not disk and device.type == "mpath" for device in disk.below())
    )


def content_of(inspection: DiskInspection | None) -> Content:
    """What the inspection tells of who uses a disk."""
    if inspection is None:
        return Content()
    return Content(
        partitions=inspection.partitions,
        signatures=inspection.signatures,
        labels=inspection.labels,
        holders=inspection.holders,
    )


def assemble_disks(
    devices: Devices,
    *,
    aliases: Mapping[str, tuple[str, ...]],
    identities: Mapping[str, Identity | None],
    inspections: Mapping[str, DiskInspection],
    users: Mapping[str, tuple[User, ...]],
    unknown: tuple[str, ...] = (),
) -> tuple[Disk, ...]:
    """All whole disks, sorted by identity, then by kernel path.

    A disk that no inspection tells of is unknown, but for a multipath device's legs, which are
    read through it. `unknown` is what could not be learnt about any disk.
    """
    paths = legs(devices)
    disks = []
    for device in devices.whole:
        inspection = inspections.get(device.kname)
        holders = holders_of(devices, device, content_of(inspection))
        disk = Disk(
            path=device.kname,
            identity=identities[device.kname],
            aliases=aliases.get(device.kname, ()),
            size=device.size,
            logical_sector=device.logical_sector,
            physical_sector=device.physical_sector,
            model=device.model,
            serial=device.serial,
            wwn=device.wwn,
            transport=device.transport,
            rotational=device.rotational,
            read_only=device.read_only,
            removable=device.removable,
            holders=holders,
            users=users.get(device.kname, ()),
            emptiness="unread",
            unknown=unknown,
        )
        if inspection is not None:
            disk = _inspected(disk, device, inspection, aliases)
        elif device.kname not in paths:
            disk = attrs.evolve(disk, unknown=("what is on it was not read", *unknown))
        disks.append(disk)
    return tuple(sorted(disks, key=lambda disk: (str(disk.identity or "~"), disk.path)))


def _inspected(
    disk: Disk,
    device: BlockDevice,
    inspection: DiskInspection,
    aliases: Mapping[str, tuple[str, ...]],
) -> Disk:
    unknown = [*inspection.unknown, *disk.unknown]
    # A disk that could not be opened has no size; that it could not is said already.
    if inspection.size != disk.size and not inspection.unknown:
        unknown.append(f"lsblk says {disk.size} bytes, the device itself {inspection.size}")
    # The kernel's partitions of a multipath device have names of their own: found by PARTUUID.
    names = {
        uuid.lower(): part.kname
        for part in device.partitions()
        for tag, uuid in part.tags
        if tag == "PARTUUID"
    }
    return attrs.evolve(
        disk,
        table=inspection.table,
        partitions=tuple(
            _named(partition, names.get(partition.partuuid.lower(), partition.path), aliases)
            for partition in inspection.partitions
        ),
        signatures=inspection.signatures,
        labels=inspection.labels,
        emptiness=inspection.emptiness,
        residue=inspection.residue,
        unknown=tuple(unknown),
    )


def _named(partition: Partition, kname: str, aliases: Mapping[str, tuple[str, ...]]) -> Partition:
    return attrs.evolve(partition, path=kname, aliases=aliases.get(kname, ()))
