"""Is a pool built as declared? Compared by disk and shape, never by position or device name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from phoenix_plan.model.desired import DesiredPool
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.pools import Vdev


@attrs.frozen(kw_only=True)
class Comparison:
    """How a declared pool compares with the tree that is there, in sentences for people.

    `shape` says where level or width differ, `members` where only the disks do, `pending` where
    ZFS is in the middle of replacing something.
    """

    shape: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether the pool is built as declared."""
        return not (self.shape or self.members or self.pending)


def describe(vdev: Vdev) -> str:
    """A vdev for people: `mirror-0 (mirror of 2: A, B)`."""
    if not vdev.children:
        return vdev.path or vdev.was or vdev.name
    kind = f"{vdev.type}{vdev.parity}" if vdev.type == "raidz" else vdev.type
    leaves = ", ".join(describe(child) for child in vdev.children)
    return f"{vdev.name} ({kind} of {len(vdev.children)}: {leaves})"


def compare(pool: DesiredPool, vdevs: Sequence[Vdev], index: Index) -> Comparison:
    """Hold a declared pool against its top-level vdevs. Only the normal class is declared so far:
    log, cache, spare, special and dedup vdevs are left as they are."""
    normal = [vdev for vdev in vdevs if vdev.vdev_class == "normal"]
    shape = tuple(_shape(pool, normal))
    if shape:
        return Comparison(shape=shape)
    slots = normal if pool.level == "stripe" else normal[0].children
    pending = tuple(
        f"{describe(slot)} is in the middle of a {slot.type}"
        for slot in slots
        if slot.type in ("spare", "replacing")
    )
    return Comparison(members=tuple(_members(pool, slots, index)), pending=pending)


def _shape(pool: DesiredPool, normal: Sequence[Vdev]) -> Iterable[str]:
    width = len(pool.disks)
    wanted = f"{pool.level} of {width}"
    seen = "; ".join(describe(vdev) for vdev in normal) or "no data vdev"
    if pool.level == "stripe":
        leaves = [vdev for vdev in normal if _is_slot(vdev)]
        if len(leaves) != len(normal):
            yield f"declared is a {wanted}, there is {seen}"
        elif len(leaves) != width:
            yield f"declared is a {wanted}, there is a stripe of {len(leaves)}: {seen}"
        return
    if len(normal) != 1:
        yield f"declared is one {pool.level} vdev, there are {len(normal)} data vdevs: {seen}"
        return
    vdev = normal[0]
    kind = f"raidz{vdev.parity}" if vdev.type == "raidz" else vdev.type
    if kind != pool.level:
        yield f"{vdev.name}: declared is a {wanted}, there is {seen}"
    elif len(vdev.children) != width:
        yield f"{vdev.name}: declared are {width} disks, there are {len(vdev.children)}: {seen}"


def _is_slot(vdev: Vdev) -> bool:
    return not vdev.children or vdev.type in ("spare", "replacing")


def _members(pool: DesiredPool, slots: Sequence[Vdev], index: Index) -> Iterable[str]:
    """Sentences on declared disks that are no members, and members that are not declared."""
    there = {key: leaf for slot in slots for leaf in slot.leaves() for key in keys(leaf, index)}
    declared: set[str] = set()
    for path in pool.disks:
        device = index.device(path)
        own = {path}
        if device is not None:
            # A partition is only itself; a whole disk is known by all its names.
            own |= {device.partition.path} if device.partition else {device.disk.path}
        declared |= own
        if not own & there.keys():
            yield f"{path} is declared, but no member"
    for slot in slots:
        for leaf in slot.leaves():
            if not keys(leaf, index) & declared:
                yield f"{describe(leaf)} ({leaf.state}) is a member, but not declared"


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
