"""Every spelling of a block device, and the whole disks that it stands on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from phoenix_plan.probes.lsblk import BlockDevice, whole_disks

_NUMBER = re.compile(r"\d+:\d+")
_BLOCK = "/dev/block/"
_TAGGED = re.compile(r"(UUID|LABEL|PARTUUID|PARTLABEL)=(.*)")
_LOGICAL_VOLUME = re.compile(r"/dev/([^/]+)/([^/]+)")
_ANY_CASE = frozenset({"UUID", "PARTUUID"})


class Devices:
    """The block devices of one lsblk, found by kernel path, link, number or tag.

    A device that is built on several disks (md, a volume group) stands on all of them, a partition
    on its disk; a tag that two devices carry finds both: who uses a disk is never underrated.
    `pick` says which devices are the whole ones: disks, or volumes of ZFS.
    """

    def __init__(
        self,
        trees: tuple[BlockDevice, ...],
        aliases: Mapping[str, tuple[str, ...]],
        pick: Callable[[tuple[BlockDevice, ...]], tuple[BlockDevice, ...]] = whole_disks,
    ) -> None:
        self.whole = pick(trees)
        self._disks: dict[str, list[str]] = {}
        self._names: dict[str, set[str]] = {}
        self._devices: dict[str, BlockDevice] = {}
        for tree in trees:
            for device in tree.below():
                self._learn(device, aliases.get(device.kname, ()))
        for disk in self.whole:
            for device in disk.below():
                found = self._disks.setdefault(device.kname, [])
                if disk.kname not in found:
                    found.append(disk.kname)

    def _learn(self, device: BlockDevice, aliases: Iterable[str]) -> None:
        self._devices.setdefault(device.kname, device)
        tags = (_tag(tag, value) for tag, value in device.tags)
        for name in (device.kname, device.path, device.number, *aliases, *tags):
            self._names.setdefault(name, set()).add(device.kname)

    def find(self, name: str) -> tuple[BlockDevice, ...]:
        """Devices of that name: a path, `major:minor`, or `UUID=…` and its like as in fstab(5)."""
        found = self._names.get(_normal(name), set())
        if not found and (match := _LOGICAL_VOLUME.fullmatch(name)):
            # LVM's own link: device-mapper doubles the hyphens of both names (lvm(8)).
            group, volume = (part.replace("-", "--") for part in match.groups())
            found = self._names.get(f"/dev/mapper/{group}-{volume}", set())
        return tuple(self._devices[kname] for kname in sorted(found))

    def disks(self, name: str) -> tuple[str, ...]:
        """Kernel paths of the whole disks beneath; empty also for a device that is not known."""
        found = (disk for device in self.find(name) for disk in self._disks.get(device.kname, ()))
        return tuple(dict.fromkeys(found))

    def disks_by_prefix(self, prefix: str) -> tuple[str, ...]:
        """Kernel paths of the whole disks that a link of this beginning leads to."""
        found = (
            disk
            for name in sorted(self._names)
            if name.startswith(prefix)
            for disk in self.disks(name)
        )
        return tuple(dict.fromkeys(found))

    def siblings(self, name: str) -> tuple[BlockDevice, ...]:
        """The device, and others that udev takes for members of the same btrfs.

        /proc/mounts names one device of a filesystem that has many.
        """
        found = self.find(name)
        btrfs = {dict(device.tags).get("UUID") for device in found if device.fstype == "btrfs"}
        return found + tuple(
            device
            for device in self._devices.values()
            if device.fstype == "btrfs"
            and device not in found
            and dict(device.tags).get("UUID") in btrfs - {None}
        )


def _tag(tag: str, value: str) -> str:
    return f"{tag}={value.lower() if tag in _ANY_CASE else value}"


def _normal(name: str) -> str:
    if name.startswith(_BLOCK) and _NUMBER.fullmatch(number := name.removeprefix(_BLOCK)):
        return number
    if match := _TAGGED.fullmatch(name):
        return _tag(match[1], match[2].strip("\"'"))
    return name
