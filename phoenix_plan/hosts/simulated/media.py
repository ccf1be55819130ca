"""What stands on a simulated disk, and what writing to it leaves: tables, labels, zeros."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from phoenix_plan.hosts.simulated.world import (
    Disk,
    Extent,
    Label,
    LabelVdev,
    Partition,
    Pool,
    Signature,
    Vdev,
    World,
)

MIB = 1 << 20
LABEL = 256 << 10
_NVLIST = (16 << 10, 112 << 10)
_RING = (128 << 10, 128 << 10)
_MAGIC = 8
"""Bytes that make a signature: when they go, it is gone."""

ZFS_DATA = "6a898cc3-1dd2-11b2-99a6-080020736631"
ZFS_RESERVED = "6a945a3b-1dd2-11b2-99a6-080020736631"

Span = tuple[int, int]
"""Offset and length in bytes, on the disk."""


def touches(one: Span, other: Span) -> bool:
    """Whether two spans share a byte."""
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


def covers(outer: Span, inner: Span) -> bool:
    """Whether one span holds all of another."""
    return outer[0] <= inner[0] and inner[0] + inner[1] <= outer[0] + outer[1]


def label_offsets(size: int) -> list[int]:
    """Where the four labels of a device of that size start: vdev_impl.h, vdev_label_offset()."""
    end = size // LABEL * LABEL
    return [0, LABEL, end - 2 * LABEL, end - LABEL] if end >= 4 * LABEL else []


# Devices and their names


def node_name(disk: Disk, part: int) -> str:
    """The kernel's name of a disk or partition: sda1, nvme0n1p1."""
    if not part:
        return disk.name
    return f"{disk.name}{'p' if disk.name[-1].isdigit() else ''}{part}"


def kernel_partitions(disk: Disk) -> list[Partition]:
    """Partitions that the kernel has: without the protective MBR in sector 0 it takes no GPT."""
    return disk.partitions if disk.table in ("gpt", "gpt-primary", "mbr") else []


def nodes(world: World) -> dict[str, tuple[Disk, int]]:
    """By kernel path: every disk (part 0) and partition."""
    found: dict[str, tuple[Disk, int]] = {}
    for disk in world.disks.values():
        found[disk.path] = (disk, 0)
        for part in kernel_partitions(disk):
            found[f"/dev/{node_name(disk, part.number)}"] = (disk, part.number)
    return found


def links(world: World) -> dict[str, str]:
    """Links under /dev/disk, each with the device that it leads to."""
    found: dict[str, str] = {}
    for path, (disk, part) in nodes(world).items():
        suffix = f"-part{part}" if part else ""
        for link in (*(f"/dev/disk/by-id/{name}" for name in disk.by_id), *disk.links):
            found[link + suffix] = path
        partition = disk.partition(part) if part else None
        if partition is not None and partition.partuuid:
            found[f"/dev/disk/by-partuuid/{partition.partuuid}"] = path
    return found


def find_node(world: World, path: str) -> tuple[Disk, int] | None:
    """The disk or partition behind a path or link."""
    return nodes(world).get(links(world).get(path, path))


# Writing


def erase(disk: Disk, spans: Iterable[Span]) -> None:
    """Zero these bytes, then reread the table. Whatever they do not touch stays."""
    for span in spans:
        _erase_table(disk, span)
        disk.signatures = [one for one in disk.signatures if not touches(span, _magic(disk, one))]
        for label in disk.labels:
            _erase_label(disk, label, span)
        disk.labels = [label for label in disk.labels if label.copies]
        disk.data = [rest for extent in disk.data for rest in _without(extent, span)]
    if not disk.table:
        _forget_partitions(disk)


def _magic(disk: Disk, signature: Signature) -> Span:
    return disk.span(signature.part)[0] + signature.offset, _MAGIC


def _table_parts(disk: Disk) -> Iterator[tuple[str, Span, Signature | None]]:
    """The structures of the table: which copy each belongs to, where it stands, and what a tool
    calls it that finds it alone."""
    sector, last = disk.sector, disk.size - disk.sector
    entries = max(1, (128 * 128) // sector)
    if disk.table in ("gpt", "gpt-primary"):
        yield "primary", (510, 2), Signature(offset=510, type="PMBR")
        yield "primary", (sector, sector), Signature(offset=sector, type="gpt")
        yield "primary", (2 * sector, entries * sector), None
    if disk.table in ("gpt", "backup-gpt"):
        yield "backup", (last, sector), Signature(offset=last, type="gpt")
        yield "backup", (last - entries * sector, entries * sector), None
    if disk.table == "mbr":
        yield "mbr", (446, 66), None


def table_signatures(disk: Disk) -> list[Signature]:
    """The table as `wipefs` shows it."""
    if disk.table == "mbr":
        return [Signature(offset=510, type="dos")]
    return [signature for _, _, signature in _table_parts(disk) if signature is not None]


_LEFT = {
    ("gpt", "primary"): "backup-gpt",
    ("gpt", "backup"): "gpt-primary",
    ("gpt-primary", "primary"): "",
    ("backup-gpt", "backup"): "",
    ("mbr", "mbr"): "",
}


def _erase_table(disk: Disk, span: Span) -> None:
    parts = list(_table_parts(disk))
    for copy in dict.fromkeys(copy for copy, place, _ in parts if touches(span, place)):
        disk.table = _LEFT[disk.table, copy]
        disk.signatures += [
            signature
            for of, place, signature in parts
            if of == copy and signature is not None and not touches(span, place)
        ]


def _erase_label(disk: Disk, label: Label, span: Span) -> None:
    start, size = disk.span(label.part)
    offsets = label_offsets(size)
    for copy in list(label.copies):
        at = start + offsets[copy]
        if not touches(span, (at + _NVLIST[0], _NVLIST[1])):
            continue
        label.copies.remove(copy)
        if not covers(span, (at + _RING[0], _RING[1])):
            trace = Signature(part=label.part, offset=offsets[copy] + _RING[0], type="zfs_member")
            disk.signatures.append(trace)


def _without(extent: Extent, span: Span) -> Iterator[Extent]:
    end, start = span[0] + span[1], extent.offset
    if start < span[0]:
        yield attrs.evolve(extent, length=min(extent.length, span[0] - start))
    if start + extent.length > end:
        first = max(start, end)
        yield attrs.evolve(extent, offset=first, length=start + extent.length - first)


def _forget_partitions(disk: Disk) -> None:
    """What stood in partitions that nothing leads to any more is bytes among bytes."""
    for signature in [one for one in disk.signatures if one.part]:
        disk.signatures.remove(signature)
        disk.data.append(Extent(offset=_magic(disk, signature)[0], length=4096))
    for label in [one for one in disk.labels if one.part]:
        disk.labels.remove(label)
        start, size = disk.span(label.part)
        offsets = label_offsets(size)
        disk.data += [Extent(offset=start + offsets[copy], length=LABEL) for copy in label.copies]
    disk.partitions = []


def label_whole_disk(world: World, disk: Disk) -> None:
    """What `zpool` writes before a whole disk joins a pool (zpool_label_disk): a GPT with a data
    partition and a reserved one of 8 MiB."""
    edge = 34 * disk.sector
    erase(disk, [(0, edge), (disk.size - edge, edge)])
    _forget_partitions(disk)
    size = (disk.size - 10 * MIB) // MIB * MIB
    name = f"{int(world.new_guid()):016x}"
    disk.table = "gpt"
    disk.partitions = [
        Partition(number=1, start=MIB, size=size, type=ZFS_DATA, label=f"zfs-{name}",
                  partuuid=_uuid(world)),
        Partition(number=9, start=MIB + size, size=8 * MIB, type=ZFS_RESERVED,
                  partuuid=_uuid(world)),
    ]  # fmt: skip
    erase(disk, [(MIB + offset, LABEL) for offset in label_offsets(size)])


def _uuid(world: World) -> str:
    text = f"{int(world.new_guid()):016x}{int(world.new_guid()):016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def label_leaf(world: World, leaf: Vdev) -> str:
    """Prepare the device of a new leaf, and make the leaf's path that of what ZFS will write to.

    Returns what is wrong, empty where nothing is.
    """
    node = find_node(world, leaf.path)
    if node is None:
        return f"there is no device {leaf.path!r}"
    disk, part = node
    if part:
        start, size = disk.span(part)
        erase(disk, [(start + offset, LABEL) for offset in label_offsets(size)])
    else:
        label_whole_disk(world, disk)
        plain = leaf.path == disk.path
        leaf.path = f"/dev/{node_name(disk, 1)}" if plain else f"{leaf.path}-part1"
    return ""


# Labels


def find_leaf(world: World, leaf: Vdev) -> tuple[Disk, int] | None:
    """The device that carries the leaf's label, wherever it is now."""
    for disk in world.disks.values():
        for label in disk.labels:
            if label.guid == leaf.guid and not disk.unreadable:
                return disk, label.part
    return None


_LABEL_STATE = {"imported": "active", "exported": "exported", "active": "active"}


def write_labels(world: World, pool: Pool, new: Iterable[str] = ()) -> None:
    """Bring the labels of all members up to date. `new` are GUIDs of leaves that have none yet:
    theirs go to the devices that their paths name."""
    fresh = set(new)
    standing_in = {leaf.guid for top in pool.vdevs if top.children for leaf in top.leaves()}
    for top in pool.vdevs:
        if top.vdev_class == "spare" and top.guid in standing_in:
            continue  # a spare in use has the label of a member
        for leaf in top.leaves():
            node = find_node(world, leaf.path) if leaf.guid in fresh else None
            node = node or find_leaf(world, leaf)
            if node is None:
                continue
            disk, part = node
            disk.labels = [one for one in disk.labels if one.part != part]
            disk.labels.append(_label(world, pool, top, leaf, part))
            disk.labels.sort(key=lambda one: one.part)


def _label(world: World, pool: Pool, top: Vdev, leaf: Vdev, part: int) -> Label:
    if top.vdev_class in ("spare", "cache"):
        return Label(
            part=part, guid=leaf.guid, state="spare" if top.vdev_class == "spare" else "l2cache"
        )
    hostid = pool.hostid or world.hostid
    return Label(
        part=part,
        guid=leaf.guid,
        state=_LABEL_STATE.get(pool.state, "destroyed"),
        pool=pool.name,
        pool_guid=pool.guid,
        top_guid=top.guid,
        txg=str(pool.txg),
        hostid="" if hostid == "00000000" else hostid,
        hostname=pool.hostname or world.hostname,
        ashift=top.ashift,
        top_level=sum(one.vdev_class not in ("spare", "cache") for one in pool.vdevs),
        tree=_label_tree(top, top.index, top),
    )


def _label_tree(vdev: Vdev, index: int, top: Vdev) -> LabelVdev:
    return LabelVdev(
        type=vdev.type,
        guid=vdev.guid,
        index=index,
        path=vdev.path,
        parity=vdev.parity,
        is_log=vdev is top and top.vdev_class == "log",
        allocation=top.vdev_class if vdev is top and top.vdev_class in ("special", "dedup") else "",
        children=[_label_tree(child, at, top) for at, child in enumerate(vdev.children)],
    )


def forget_leaf(world: World, leaf: Vdev) -> None:
    """A leaf leaves its pool: its label says so with a transaction group of 0, and nobody who
    reads labels takes it for one any more (zpool_read_label). One that is offline or faulted is not
    written to, and its label says what it said before."""
    node = find_leaf(world, leaf) if leaf.state == "ONLINE" else None
    for label in node[0].labels if node else ():
        if label.guid == leaf.guid:
            label.txg = "0"
