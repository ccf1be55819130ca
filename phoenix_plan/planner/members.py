"""Who is who in a pool: declared disks, and the slots of the vdevs that are there.

Told by disk and label, never by position or by a device's name of the moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from phoenix_plan.model.desired import DesiredPool
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import type_of
from phoenix_plan.model.pools import CLOSED, GONE, Vdev

DEAD = frozenset({"FAULTED", "UNAVAIL", "REMOVED"})
"""States of a disk that ZFS can't use (zpool-status(8)); one that is OFFLINE was taken so."""


@attrs.frozen(kw_only=True)
class Slot:
    """One place in a vdev. `vdev` is what stands there: a disk, or a spare-N or replacing-N.

    `leaf` is the disk whose place it is: the one that a spare stands in for, or the one that a
    replacement brings in. `leaving` are those that a replacement takes out, `helping` the spares
    that stand in. `disk` is what the config calls `leaf`, empty where it does not declare it.
    """

    vdev: Vdev
    leaf: Vdev
    disk: str
    leaving: tuple[Vdev, ...] = ()
    helping: tuple[Vdev, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether the disk stands in its place by itself."""
        return self.vdev is self.leaf

    @property
    def dead(self) -> bool:
        """Whether ZFS can't use the disk."""
        return self.leaf.state in DEAD


class Members:
    """Which leaf is which declared disk."""

    def __init__(self, pool: DesiredPool, vdevs: Iterable[Vdev], index: Index) -> None:
        self._index = index
        self._slots: dict[str, tuple[Slot, ...]] = {}
        self.offline = frozenset(pool.offline)
        own = {path: self._own(path) for path in pool.disks}
        by_key = {key: path for path, keys_ in own.items() for key in keys_}
        self._declared: Mapping[str, str] = {
            leaf.guid: path
            for vdev in vdevs
            for leaf in vdev.leaves()
            if (path := next((by_key[key] for key in _named(leaf, index) if key in by_key), ""))
            and not self._is_another(leaf, path)
        }

    def _is_another(self, leaf: Vdev, path: str) -> bool:
        """Whether another disk is by now where a member was that ZFS does not have open: one that
        was put into its slot (by-path), or itself, wiped. One that can't be read is taken for the
        member: it failed."""
        device = self._index.device(path)
        if leaf.state not in GONE | CLOSED or device is None:
            return False
        disk = device.disk
        failed = disk.emptiness == "unread" and disk.unknown
        return not failed and self._index.leaf_disk(leaf) != disk

    def _own(self, path: str) -> set[str]:
        device = self._index.device(path)
        if device is None:
            return {path}
        # A partition is only itself; a whole disk is known by all its names.
        return {path, device.partition.path if device.partition else device.disk.path}

    def declared(self, leaf: Vdev) -> str:
        """What the config calls a leaf, empty where it does not declare it."""
        return self._declared.get(leaf.guid, "")

    def is_back(self, leaf: Vdev) -> bool:
        """Whether the disk of a member that ZFS can't see carries its label, here and now."""
        return self._index.leaf_disk(leaf) is not None

    def slots(self, top: Vdev) -> tuple[Slot, ...]:
        """The places of a top-level vdev; a disk at the top is its own."""
        if top.guid not in self._slots:
            children = (top,) if type_of(top) == "disk" else top.children
            self._slots[top.guid] = tuple(self._slot(child) for child in children)
        return self._slots[top.guid]

    def _slot(self, vdev: Vdev) -> Slot:
        leaf, leaving, helping = parts(vdev)
        return Slot(
            vdev=vdev, leaf=leaf, disk=self.declared(leaf), leaving=leaving, helping=helping
        )


def parts(vdev: Vdev) -> tuple[Vdev, tuple[Vdev, ...], tuple[Vdev, ...]]:
    """The disk whose place a slot is, those on their way out, and the spares that stand in.

    The children of a spare-N are the disk and its spares, those of a replacing-N the old disk and
    the new one (zpoolconcepts(7)); each may be one of the other kind in turn.
    """
    if not vdev.children:
        return vdev, (), ()
    at = -1 if vdev.type == "replacing" else 0
    leaf, leaving, helping = parts(vdev.children[at])
    others = tuple(
        one for child in vdev.children if child is not vdev.children[at] for one in child.leaves()
    )
    if vdev.type == "replacing":
        return leaf, (*leaving, *others), helping
    return leaf, leaving, (*helping, *others)


def describe(vdev: Vdev) -> str:
    """A vdev for people: `mirror-0 (mirror of 2: A, B)`."""
    if not vdev.children:
        return vdev.place
    leaves = ", ".join(describe(child) for child in vdev.children)
    return f"{vdev.name} ({kind_of(vdev)} of {len(vdev.children)}: {leaves})"


def kind_of(vdev: Vdev) -> str:
    """A vdev's type for people."""
    return vdev.type if vdev.type in ("spare", "replacing") else type_of(vdev)


def _named(leaf: Vdev, index: Index) -> tuple[str, ...]:
    """The names of a leaf, always in one order: first those of the disk that is found by its label
    or path, then those of the past."""
    disk = index.leaf_disk(leaf)
    now = {disk.path, *disk.aliases} if disk is not None else set()
    found = keys(leaf, index)
    return (*sorted(found & now), *sorted(found - now))


def keys(leaf: Vdev, index: Index) -> set[str]:
    """Names that a leaf answers to: its disk's, and where it is or was, as a whole disk too.

    ZFS puts a whole disk's data on its first partition, and names that (`-part1`, or `p1`/`1`
    after a kernel name): zpool-create(8), "whole disks".
    """
    paths = {path for path in (leaf.path, leaf.was, leaf.name) if path.startswith("/dev/disk/")}
    whole = {path.removesuffix("-part1") for path in paths}
    disk: Disk | None = index.leaf_disk(leaf)
    if disk is None:
        return paths | whole
    device = index.device(leaf.path)
    partition = device.partition if device is not None else None
    if partition is None:
        return paths | {disk.path, *disk.aliases}
    own = {partition.path, *partition.aliases}
    return paths | own | (whole | {disk.path, *disk.aliases} if partition.number == 1 else set())
