"""Who uses a disk, or a part of it: every user that a plan has to respect.

Each rule is one of the safety model's ("in use by something", "the boot chain"). A user of a
partition, or of anything that is built on a disk, is a user of the disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import get_args

import attrs

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.disks import Label, Partition, Signature, User, UserKind, holds_another
from phoenix_plan.model.pools import CLOSED, GONE, Pool
from phoenix_plan.model.proxmox import Reference
from phoenix_plan.probes.devices import Devices
from phoenix_plan.probes.inspection import Mount, OpenDevice
from phoenix_plan.probes.lsblk import BlockDevice
from phoenix_plan.probes.tables import CryptEntry, MountEntry
from phoenix_plan.probes.volumes import Member

_EFI = frozenset({"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0xef"})
_BIOS_BOOT = frozenset({"21686148-6449-6e6f-744e-656564454649"})
_CEPH = frozenset(
    {
        "45b0969e-9b03-4f30-b4c6-b4b80ceff106",
        "30cd0809-c2b2-499c-8879-2d6b78529876",
        "5ce17fce-4087-4169-b7ff-056cc58473f9",
        "cafecafe-9b03-4f30-b4c6-b4b80ceff106",
    }
)
"""Ceph's partitions: journal, db, wal and block (`PVE::Diskmanage`, pve-storage 9.1.7)."""

_CEPH_GROUP = re.compile(r"ceph-[0-9a-f-]{36}")
"""The volume groups that ceph-volume makes are named after their OSD's cluster part."""

_SYSTEM = re.compile(r"/|/boot(/.*)?|/efi|/usr|/var")
_PCI = re.compile(r"/sys/bus/pci/devices/([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2})(\.[0-9a-f])?", re.I)

# udev looks at every device that changes: that is no use of it.
_UDEV = frozenset({"systemd-udevd", "(udev-worker)", "udevd"})

_ORDER = {kind: place for place, kind in enumerate(get_args(UserKind))}

Use = tuple[str, User]
"""(kernel path of a whole disk, its user)"""


@attrs.frozen(kw_only=True)
class Content:
    """What was read from one disk, as far as it tells who uses it."""

    partitions: tuple[Partition, ...] = ()
    signatures: tuple[Signature, ...] = ()
    labels: tuple[Label, ...] = ()
    holders: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Sightings:
    """All that was seen of who uses what. `node` is this host's name in its cluster."""

    mounts: tuple[MountEntry, ...] = ()
    namespaces: tuple[Mount, ...] = ()
    opened: tuple[OpenDevice, ...] = ()
    swaps: tuple[str, ...] = ()
    physical_volumes: tuple[Member, ...] = ()
    arrays: tuple[Member, ...] = ()
    fstab: tuple[MountEntry, ...] = ()
    crypttab: tuple[CryptEntry, ...] = ()
    contents: Mapping[str, Content] = attrs.field(factory=dict)
    pools: tuple[Pool, ...] = ()
    references: tuple[Reference, ...] = ()
    shares: Mapping[str, str] = attrs.field(factory=dict)
    node: str = ""


def users_by_disk(devices: Devices, seen: Sightings) -> Mapping[str, tuple[User, ...]]:
    """Kernel path of a whole disk to its users, by kind and subject, each once.

    Raises ProbeError where a tool names a device that lsblk does not list.
    """
    return _users((*_OF_DEVICES, _of_ceph, _passed_through, _boot_chain), devices, seen)


def users_by_zvol(devices: Devices, seen: Sightings) -> Mapping[str, tuple[User, ...]]:
    """Kernel path of a volume's block device to its users, as `users_by_disk`.

    `devices` are those whose whole ones are zvols. What a guest has written on its volume (a boot
    partition, an OSD) makes no user here, and that a guest's config names it is no use.
    """
    opened = tuple(one for one in seen.opened if one.command not in _UDEV)
    return _users(_OF_DEVICES, devices, attrs.evolve(seen, opened=opened, contents={}))


def _users(
    rules: Iterable[Callable[[Devices, Sightings], Iterable[Use]]],
    devices: Devices,
    seen: Sightings,
) -> Mapping[str, tuple[User, ...]]:
    found: dict[str, dict[tuple[UserKind, str], User]] = {}
    for rule in rules:
        for disk, user in rule(devices, seen):
            found.setdefault(disk, {}).setdefault((user.kind, user.subject), user)
    return {
        disk: tuple(sorted(users.values(), key=lambda user: (_ORDER[user.kind], user.subject)))
        for disk, users in found.items()
    }


def boot_pools(mounts: Iterable[MountEntry]) -> tuple[str, ...]:
    """Names of the pools that hold the running root, /boot, /usr or /var."""
    return tuple(
        sorted(
            {
                mount.source.partition("/")[0]
                for mount in mounts
                if mount.fstype == "zfs" and _SYSTEM.fullmatch(mount.target)
            }
        )
    )


def pool_disks(
    devices: Devices, pools: Iterable[Pool], contents: Mapping[str, Content] | None = None
) -> Mapping[str, tuple[Pool, ...]]:
    """Kernel path of a whole disk to the imported pools that have it open, by their leaves.

    The path of a leaf that is not open counts too, but not where `contents` tell of another disk.
    """
    found: dict[str, dict[str, Pool]] = {}
    for pool in pools:
        for leaf in pool.leaves():
            if not leaf.path or leaf.state in GONE:
                continue
            for disk in devices.disks(leaf.path):
                content = (contents or {}).get(disk, Content())
                if leaf.state in CLOSED and holds_another(
                    leaf.guid, content.signatures, content.labels
                ):
                    continue
                found.setdefault(disk, {})[pool.guid] = pool
    return {disk: tuple(pools.values()) for disk, pools in found.items()}


def _listed(devices: Devices, name: str, source: str) -> tuple[str, ...]:
    """Whole disks under a device that a tool names; ProbeError where lsblk has no such device."""
    if not devices.find(name):
        raise ProbeError(
            f"{name} is no device that lsblk lists",
            source=source,
            hint="devices came or went while they were read: refresh again",
        )
    return devices.disks(name)


def _device_names(source: str) -> tuple[str, ...]:
    """A mount's source as devices: bcachefs joins its members with colons."""
    return tuple(source.split(":")) if source.startswith("/dev/") else ()


def _under_mount(devices: Devices, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for device in devices.siblings(name):
            yield from devices.disks(device.kname)


def _mounted(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for mount in seen.mounts:
        for disk in _under_mount(devices, _device_names(mount.source)):
            detail = f"mounted at {mount.target} ({mount.fstype})"
            yield disk, User(kind="mounted", subject=mount.target, detail=detail)


def _mounted_elsewhere(devices: Devices, seen: Sightings) -> Iterator[Use]:
    """In any mount namespace; this one's come first, with the number of the device where
    /proc/mounts has none (/dev/root)."""
    for mount in sorted(seen.namespaces, key=lambda mount: not mount.own):
        names = [name for name in (mount.device, *_device_names(mount.source)) if name]
        for disk in _under_mount(devices, names):
            where = "" if mount.own else f" in the mount namespace of process {mount.pid}"
            detail = f"mounted at {mount.mountpoint} ({mount.fstype}){where}"
            yield disk, User(kind="mounted", subject=mount.mountpoint, detail=detail)


def _swapped_to(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for name in seen.swaps:
        for disk in _listed(devices, name, "/proc/swaps"):
            yield disk, User(kind="swap", subject=name, detail=f"swap on {name}")


def _in_volume_groups(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for member in seen.physical_volumes:
        for disk in _listed(devices, member.device, "pvs") if member.owner else ():
            detail = f"{member.device} is in volume group {member.owner}"
            yield disk, User(kind="lvm", subject=member.owner, detail=detail)
            if _CEPH_GROUP.fullmatch(member.owner):
                detail = f"volume group {member.owner} is one of ceph-volume"
                yield disk, User(kind="ceph", subject=member.owner, detail=detail)


def _in_arrays(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for member in seen.arrays:
        for disk in _listed(devices, member.device, "/proc/mdstat"):
            detail = f"{member.device} is a member of {member.owner}"
            yield disk, User(kind="md", subject=member.owner, detail=detail)


def _held(devices: Devices, seen: Sightings) -> Iterator[Use]:
    """What the kernel has built on a disk: lsblk's tree, and what the device's folder says."""
    for disk in devices.whole:
        for holder in holders_of(devices, disk, seen.contents.get(disk.kname, Content())):
            known = devices.find(holder)
            yield disk.kname, _holder(holder, known[0] if known else None)


def holders_of(devices: Devices, disk: BlockDevice, content: Content) -> tuple[str, ...]:
    """Paths of the devices that are built on a disk or its partitions, sorted."""
    found = {device.path for device in disk.below() if device is not disk and device.type != "part"}
    for name in content.holders:
        path = f"/dev/{name}"
        known = devices.find(path)
        if not known or known[0].type != "part":
            found.add(known[0].path if known else path)
    return tuple(sorted(found))


def _holder(path: str, device: BlockDevice | None) -> User:
    match device.type if device is not None else "":
        case "mpath":
            return User(kind="multipath", subject=path, detail=f"a path of multipath device {path}")
        case kind if kind.startswith("raid") or kind in ("md", "linear", "multipath"):
            name = path.removeprefix("/dev/")
            return User(kind="md", subject=name, detail=f"a member of {name}")
        case kind:
            return User(kind="dm", subject=path, detail=f"held by {path}" + (kind and f" ({kind})"))


def _of_ceph(_devices: Devices, seen: Sightings) -> Iterator[Use]:
    for disk, content in seen.contents.items():
        for partition in content.partitions:
            if partition.type in _CEPH:
                yield disk, _ceph(f"partition {partition.number}")
        for signature in content.signatures:
            if signature.type.startswith("ceph"):
                yield disk, _ceph(f"partition {signature.part}" if signature.part else "the disk")


def _ceph(what: str) -> User:
    return User(kind="ceph", subject=what, detail=f"{what} is part of a Ceph OSD")


def _of_pools(devices: Devices, seen: Sightings) -> Iterator[Use]:
    """Members of imported pools, by path where ZFS has them open, by label GUID always."""
    leaves = {leaf.guid: pool for pool in seen.pools for leaf in pool.leaves()}
    for disk, pools in pool_disks(devices, seen.pools, seen.contents).items():
        for pool in pools:
            yield disk, _member(pool)
    for disk, content in seen.contents.items():
        for label in content.labels:
            if label.guid in leaves:
                yield disk, _member(leaves[label.guid])


def _member(pool: Pool) -> User:
    return User(kind="pool", subject=pool.guid, detail=f"a member of pool {pool.name}")


def _open(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for opened in seen.opened:
        for disk in devices.disks(opened.device):
            name = devices.find(opened.device)[0].path
            who = f"process {opened.pid} ({opened.command})" if opened.pid else opened.command
            subject = str(opened.pid) if opened.pid else opened.command
            yield disk, User(kind="open", subject=subject, detail=f"{name} is open in {who}")


def _passed_through(devices: Devices, seen: Sightings) -> Iterator[Use]:
    """Disks that a guest of this node gets whole, and those behind a controller that it gets."""
    for reference in seen.references:
        if reference.storage or (reference.node and seen.node and reference.node != seen.node):
            continue
        named = f"{reference.owner} {reference.key}"
        for disk in _behind(devices, reference.volume):
            detail = f"passed through to guest {named} ({reference.volume})"
            yield disk, User(kind="guest", subject=reference.owner, detail=detail)


def _behind(devices: Devices, path: str) -> tuple[str, ...]:
    match = _PCI.fullmatch(path)
    if match is None:
        return devices.disks(path)
    # udev names a link after the controller: pci-0000:01:00.0-nvme-1. No function: all of them.
    link = f"/dev/disk/by-path/pci-{match[1]}{match[2] or '.'}".lower()
    return devices.disks_by_prefix(f"{link}-" if match[2] else link)


def _exported(devices: Devices, seen: Sightings) -> Iterator[Use]:
    """Backing devices, and disks whose filesystem holds an exported path."""
    sources = {mount.target: mount.source for mount in seen.mounts}
    for path, who in seen.shares.items():
        disks = set(devices.disks(path)) | set(
            _under_mount(devices, _device_names(_source_of(path, sources)))
        )
        for disk in disks:
            yield disk, User(kind="export", subject=path, detail=f"{path} is exported ({who})")


def _source_of(path: str, sources: Mapping[str, str]) -> str:
    at = path.rstrip("/")
    while at and at not in sources:
        at = at.rpartition("/")[0]
    return sources.get(at or "/", "")


def _at_boot(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for mount in seen.fstab:
        for disk in devices.disks(mount.source):
            detail = f"fstab has {mount.source} on {mount.target} ({mount.fstype})"
            yield disk, User(kind="fstab", subject=mount.source, detail=detail)
    for entry in seen.crypttab:
        for name in entry.devices:
            for disk in devices.disks(name):
                detail = f"crypttab opens {name} as {entry.name}"
                yield disk, User(kind="crypttab", subject=entry.name, detail=detail)


def _boot_chain(devices: Devices, seen: Sightings) -> Iterator[Use]:
    for disk in devices.whole:
        for part in disk.partitions():
            yield from _boot_partition(disk.kname, part.partition_type, part.path)
    for kname, content in seen.contents.items():
        for partition in content.partitions:
            yield from _boot_partition(kname, partition.type, partition.path)
    for mount in seen.mounts:
        if _SYSTEM.fullmatch(mount.target):
            for name in _under_mount(devices, _device_names(mount.source)):
                yield name, _boot(mount.target, f"holds the running {mount.target}")
    for space in seen.namespaces:
        if space.own and _SYSTEM.fullmatch(space.mountpoint):
            for name in _under_mount(devices, [space.device] if space.device else []):
                yield name, _boot(space.mountpoint, f"holds the running {space.mountpoint}")
    names = boot_pools(seen.mounts)
    for kname, user in _of_pools(devices, seen):
        for pool in seen.pools:
            if pool.guid == user.subject and pool.name in names:
                yield kname, _boot(pool.name, f"a member of boot pool {pool.name}")


def _boot_partition(disk: str, kind: str, path: str) -> Iterator[Use]:
    if kind in _EFI:
        yield disk, _boot(path, f"{path} is an EFI system partition")
    if kind in _BIOS_BOOT:
        yield disk, _boot(path, f"{path} is a BIOS boot partition")


def _boot(subject: str, detail: str) -> User:
    return User(kind="boot", subject=subject, detail=detail)


_OF_DEVICES = (
    _mounted,
    _mounted_elsewhere,
    _swapped_to,
    _in_volume_groups,
    _in_arrays,
    _held,
    _of_pools,
    _open,
    _exported,
    _at_boot,
)
"""Rules for any block device; the others are for disks alone."""
