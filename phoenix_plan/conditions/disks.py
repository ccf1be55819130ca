"""Whether disks are fit for what is to be done to them."""

from __future__ import annotations

import attrs

from phoenix_plan.conditions.datasets import unprotected
from phoenix_plan.conditions.kinds import Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import human

MIN_DISK = 76 << 20
"""ZFS refuses anything smaller: 64 MiB (SPA_MINDEVSIZE), once it has made its partitions. Of 72 MiB
it takes none, of 76 it does (seen on 2.3.9)."""

SIBLING_SLACK = 16 << 20
"""More than this between siblings, and `zpool create` wants -f (OpenZFS zpool_vdev.c)."""


def _whole_disk(path: str, index: Index) -> Disk | None:
    device = index.device(path)
    return device.disk if device is not None and device.partition is None else None


def disk_sound(path: str, index: Index) -> Unmet | None:
    devices = index.devices(path)
    if not devices:
        return Unmet(
            code="disk-missing",
            message=f"{path} is not there",
            hint="Check cabling and the name (ls -l /dev/disk/by-id). A disk under a new name is "
            "not assumed to be the old one.",
        )
    if len(devices) > 1:
        seen = ", ".join(sorted(device.disk.path for device in devices))
        return Unmet(code="disk-ambiguous", message=f"{path} leads to several devices: {seen}")
    disk, partition = devices[0].disk, devices[0].partition
    if partition is not None:
        return Unmet(
            code="disk-is-partition",
            message=f"{path} is partition {partition.number} of {disk.name}, not a whole disk",
            hint="Give the whole disk. A pool that stands on partitions is left as it is.",
        )
    if disk.unknown:
        return Unmet(code="probe-failed", message=f"{path}: {'; '.join(disk.unknown)}")
    if disk.identity is None:
        return Unmet(
            code="disk-without-identity",
            message=f"{path} ({disk.path}) tells neither WWN, EUI, NGUID nor serial",
            hint="Without one, nobody can say that it is the same disk tomorrow. Give it a serial "
            "(for a virtual disk, in its definition).",
        )
    if str(disk.identity) in index.twins:
        return Unmet(
            code="disk-ambiguous",
            message=f"{path}: two disks answer with one identity, {disk.identity}",
            hint="These look like two paths to one disk. Set up multipath and name the "
            "dm-uuid-mpath device.",
        )
    if disk.read_only:
        return Unmet(code="disk-read-only", message=f"{path} ({disk.path}) is read-only")
    if disk.size < MIN_DISK:
        return Unmet(
            code="disk-too-small",
            message=f"{path} holds {human(disk.size)}, ZFS wants {human(MIN_DISK)} at least",
        )
    return None


def disk_is(path: str, identity: str, index: Index) -> Unmet | None:
    """Whether the disk behind a path is still the same."""
    disk = _whole_disk(path, index)
    if disk is None or str(disk.identity or "") == identity:
        return None  # what is not there, or has no identity, is disk_sound's to say
    return Unmet(
        code="disk-is-another",
        message=f"{path} is {disk.identity}, not {identity}: another disk has that name now",
        hint="Put the disk back, or plan again for this one.",
    )


def disk_unused(path: str, index: Index) -> Unmet | None:
    disk = _whole_disk(path, index)
    if disk is None:
        return None  # DiskSound says so
    boot = [user for user in disk.users if user.kind == "boot"]
    if boot:
        return Unmet(
            code="boot-chain",
            message=f"{path} ({disk.path}) belongs to the boot chain: "
            + "; ".join(user.detail for user in boot),
            hint="Phoenix never touches what the machine boots from, whatever the consent.",
        )
    users = [user.detail for user in disk.users if user.kind != "pool"]
    if users or disk.holders:
        seen = "; ".join([*users, *(f"held by {holder}" for holder in disk.holders if not users)])
        return Unmet(
            code="disk-in-use",
            message=f"{path} ({disk.path}) is in use: {seen}",
            hint="Take it out of use yourself (unmount, swapoff, vgchange -an, mdadm --stop, "
            "cryptsetup close, detach it from the guest), then plan again.",
        )
    for pool in index.idle_pools_on(disk):
        if pool.state == "active" and pool.hostid != index.actual.host.hostid:
            owner = f"host id {pool.hostid}" if pool.hostid else "a host that left no host id"
            return Unmet(
                code="pool-in-use-elsewhere",
                message=f"{path} ({disk.path}) belongs to pool {pool.name} ({pool.guid}), which "
                f"{owner} {pool.hostname} never exported",
                hint="Another machine may be writing to it now. Export the pool there first.",
            )
    return unknown(index, "references", "exports", "pools", "idle-pools", "disks", "samples")


def disk_unpooled(path: str, index: Index) -> Unmet | None:
    disk = _whole_disk(path, index)
    pools = index.pools_on(disk) if disk is not None else ()
    if not pools:
        return None
    return Unmet(
        code="disk-in-pool",
        message=f"{path} is a member of pool {', '.join(pool.name for pool in pools)}",
        hint="A disk leaves a pool by a change to that pool, never by being named in another.",
    )


def disk_blank(path: str, index: Index) -> Unmet | None:
    disk = _whole_disk(path, index)
    if disk is None or disk.emptiness == "blank":
        return None
    if disk.emptiness == "unread":
        return Unmet(
            code="disk-unread",
            message=f"{path} carries nothing that is known, but was not read across",
            hint="Another error says why. A disk that can't be read is no disk to build on."
            if disk.unknown
            else "Refresh with the config that names it: phoenix refresh -c CONFIG.",
        )
    return Unmet(code="disk-not-blank", message=f"{path} is {disk.emptiness}")


def disk_unprotected(path: str, index: Index) -> Unmet | None:
    disk = _whole_disk(path, index)
    for pool in index.pools_on(disk) if disk is not None else ():
        why = unprotected(pool.name, index)
        if why is not None:
            return attrs.evolve(why, message=f"{path} holds pool {pool.name}: {why.message}")
    return None


def disks_distinct(disks: tuple[str, ...], index: Index) -> Unmet | None:
    seen: dict[str, str] = {}
    for path in disks:
        disk = _whole_disk(path, index)
        if disk is None:
            continue
        if disk.path in seen:
            return Unmet(
                code="disk-twice",
                message=f"{seen[disk.path]} and {path} are one disk ({disk.path})",
            )
        seen[disk.path] = path
    return None


def disks_alike(disks: tuple[str, ...], index: Index) -> Unmet | None:
    sizes = [(disk.size, path) for path in disks if (disk := _whole_disk(path, index)) is not None]
    if not sizes:
        return None
    small, large = min(sizes), max(sizes)
    if large[0] - small[0] <= SIBLING_SLACK:
        return None
    return Unmet(
        code="disk-sizes-differ",
        message=f"{small[1]} holds {small[0]} bytes, {large[1]} {large[0]}: "
        f"{human(large[0] - small[0])} apart",
        hint="Members of a mirror or raidz may differ by 16 MiB at most; ZFS itself wants force "
        "beyond, and phoenix has none.",
    )
