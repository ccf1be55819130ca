"""The file of a simulated host: which JSON stands for which part of a world, read and written.

What a person leaves out is filled in as the tools would have made it: GUIDs, and on disks that a
vdev without a GUID names, the partitions and labels of `zpool create`.
"""

from __future__ import annotations

import re

from phoenix_plan.hosts.simulated import properties
from phoenix_plan.hosts.simulated.document import (
    FLAG,
    GUID,
    LINES,
    NUMBER,
    SIZE,
    TEXT,
    BadDocument,
    Codec,
    Table,
    choice,
    dump_json,
    list_of,
    load_json,
    map_of,
    optional,
    record,
)
from phoenix_plan.hosts.simulated.media import find_node, label_leaf, write_labels
from phoenix_plan.hosts.simulated.world import (
    FORMAT_VERSION,
    Dataset,
    Device,
    Disk,
    Extent,
    Failure,
    Label,
    LabelVdev,
    Mount,
    Opened,
    Partition,
    Pool,
    Scan,
    Signature,
    Snapshot,
    Vdev,
    World,
)

_PARTITION: Table = {
    "number": NUMBER, "start": SIZE, "size": SIZE, "type": TEXT, "partuuid": TEXT, "label": TEXT,
}  # fmt: skip
_SIGNATURE: Table = {"part": NUMBER, "offset": SIZE, "type": TEXT, "label": TEXT, "uuid": TEXT}
_LABEL_VDEV: Table = {
    "type": TEXT, "guid": GUID, "index": NUMBER, "path": TEXT, "parity": NUMBER, "is_log": FLAG,
    "allocation": TEXT, "children": list_of(record(LabelVdev, lambda: _LABEL_VDEV)),
}  # fmt: skip
_LABEL: Table = {
    "part": NUMBER, "copies": list_of(NUMBER), "pool": TEXT, "pool_guid": GUID, "guid": GUID,
    "state": choice("active", "exported", "destroyed", "spare", "l2cache"), "top_guid": GUID,
    "txg": TEXT, "hostid": TEXT, "hostname": TEXT, "ashift": optional(NUMBER),
    "top_level": NUMBER, "tree": optional(record(LabelVdev, lambda: _LABEL_VDEV)),
}  # fmt: skip
_EXTENT: Table = {"offset": SIZE, "length": SIZE, "bytes": TEXT}
_DISK: Table = {
    **dict.fromkeys(("model", "serial", "wwn", "transport", "hctl", "unreadable"), TEXT),
    **dict.fromkeys(("sector", "physical_sector"), NUMBER),
    **dict.fromkeys(("rotational", "read_only", "removable"), FLAG),
    "by_id": list_of(TEXT), "links": list_of(TEXT), "size": SIZE,
    "table": choice("", "gpt", "gpt-primary", "backup-gpt", "mbr"),
    "partitions": list_of(record(Partition, lambda: _PARTITION)),
    "signatures": list_of(record(Signature, lambda: _SIGNATURE)),
    "labels": list_of(record(Label, lambda: _LABEL)),
    "data": list_of(record(Extent, lambda: _EXTENT)),
}  # fmt: skip
_DEVICE: Table = {
    "on": list_of(TEXT), "type": TEXT, "size": SIZE, "path": TEXT, "fstype": TEXT, "label": TEXT,
    "uuid": TEXT,
}  # fmt: skip
_MOUNT: Table = {
    "source": TEXT, "target": TEXT, "type": TEXT, "namespace": TEXT, "pid": NUMBER,
}  # fmt: skip
_OPENED: Table = {"path": TEXT, "pid": NUMBER, "command": TEXT}
_VDEV: Table = {
    "type": choice("disk", "mirror", "raidz", "spare", "replacing"),
    "guid": GUID, "path": TEXT, "parity": NUMBER, "ashift": NUMBER, "index": NUMBER,
    "state": choice("ONLINE", "OFFLINE", "FAULTED", "REMOVED"),
    "vdev_class": choice("normal", "log", "special", "dedup", "cache", "spare"),
    "forced": FLAG, "resilvering": FLAG, "removing": FLAG,
    "children": list_of(record(Vdev, lambda: _VDEV)),
}  # fmt: skip
_SNAPSHOT: Table = {
    "guid": GUID, "used": SIZE, "referenced": SIZE, "txg": NUMBER, "holds": list_of(TEXT),
}  # fmt: skip
_DATASET: Table = {
    "type": choice("filesystem", "volume"), "guid": GUID, "referenced": SIZE, "origin": TEXT,
    "mounted": optional(FLAG), "creation": NUMBER, "txg": NUMBER, "set": map_of(TEXT),
    "fixed": map_of(TEXT), "snapshots": map_of(record(Snapshot, lambda: _SNAPSHOT), name="name"),
}  # fmt: skip
_SCAN: Table = {
    "kind": choice("scrub", "resilver", "remove", "expand"),
    "state": choice("running", "finished", "canceled"), "at": NUMBER, "span": NUMBER,
    "left": NUMBER, "vdev": optional(NUMBER),
}  # fmt: skip
_POOL: Table = {
    "name": TEXT, "guid": GUID, "hostid": TEXT, "hostname": TEXT, "txg": NUMBER, "errors": NUMBER,
    "state": choice("imported", "exported", "active", "destroyed"), "checkpoint": FLAG,
    "suspended": FLAG, "readonly": FLAG, "vdevs": list_of(record(Vdev, lambda: _VDEV)),
    "set": map_of(TEXT),
    "features": map_of(TEXT), "scans": list_of(record(Scan, lambda: _SCAN)),
    "datasets": map_of(record(Dataset, lambda: _DATASET), name="name"),
}  # fmt: skip
_FAILURE = record(Failure, lambda: {"exit_code": NUMBER, "stderr": TEXT, "stdout": TEXT})
_FAILS = Codec(
    lambda value, place: value if isinstance(value, str) else _FAILURE.read(value, place),
    lambda value: value if isinstance(value, str) else _FAILURE.write(value),
)
_WORLD: Table = {
    **dict.fromkeys(("hostname", "machine_id", "hostid", "zfs", "pve", "pve_storage"), TEXT),
    "node": TEXT,
    "format_version": TEXT, "pmxcfs": optional(FLAG), "quorate": optional(FLAG), "now": NUMBER,
    "made": NUMBER, "pace": NUMBER, "zed": FLAG, "initramfs": map_of(LINES),
    "swaps": list_of(TEXT), "files": map_of(LINES),
    "disks": map_of(record(Disk, lambda: _DISK), name="name"),
    "devices": map_of(record(Device, lambda: _DEVICE), name="name"),
    "volume_groups": map_of(list_of(TEXT)),
    "mounts": list_of(record(Mount, lambda: _MOUNT)),
    "opened": list_of(record(Opened, lambda: _OPENED)),
    "directories": map_of(choice("empty", "occupied", "not-a-directory")),
    "pools": list_of(record(Pool, lambda: _POOL)), "fails": map_of(_FAILS),
}  # fmt: skip

WORLD = record(World, lambda: _WORLD)
"""How a host's file is read and written."""

_HOSTID = re.compile(r"[0-9a-f]{8}")
_MACHINE = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)+|")
_PATTERN = re.compile(r"([0-9a-f]{2})+")


def read_world(text: str) -> World:
    """The world that a file's text describes. Raises BadDocument with the field that is wrong."""
    world: World = WORLD.read(load_json(text), "host")
    major = world.format_version.partition(".")[0]
    if major != FORMAT_VERSION.partition(".")[0]:
        raise BadDocument(f"host.format_version: {world.format_version!r} is not known here")
    for field, value, pattern in (
        ("hostid", world.hostid, _HOSTID),
        ("machine_id", world.machine_id, _MACHINE),
        ("zfs", world.zfs, _VERSION),
    ):
        if not pattern.fullmatch(value):
            raise BadDocument(f"host.{field}: {value!r} does not fit {pattern.pattern}")
    for name, disk in world.disks.items():
        _check_disk(disk, f"host.disks.{name}")
    for at, pool in enumerate(world.pools):
        _complete_pool(world, pool, f"host.pools[{at}]")
    return world


def write_world(world: World) -> str:
    """The file's text."""
    return dump_json(WORLD.write(world)) + "\n"


def _check_disk(disk: Disk, place: str) -> None:
    for part in disk.partitions:
        if part.start + part.size > disk.size:
            raise BadDocument(f"{place}.partitions: {part.number} ends behind the disk")
    if disk.partitions and not disk.table:
        raise BadDocument(f"{place}.table: partitions stand in a table: gpt or mbr")
    numbers = {0, *(part.number for part in disk.partitions)}
    parts = [(f"signatures[{at}]", one.part) for at, one in enumerate(disk.signatures)]
    parts += [(f"labels[{at}]", one.part) for at, one in enumerate(disk.labels)]
    for field, number in parts:
        if number not in numbers:
            raise BadDocument(f"{place}.{field}.part: there is no partition {number}")
    for at, extent in enumerate(disk.data):
        if not _PATTERN.fullmatch(extent.bytes):
            raise BadDocument(f"{place}.data[{at}].bytes: {extent.bytes!r} is no hex")


def _complete_pool(world: World, pool: Pool, place: str) -> None:
    pool.guid = pool.guid or world.new_guid()
    for at, vdev in sorted(enumerate(pool.vdevs), key=lambda one: one[1].vdev_class == "spare"):
        if any(child.type != "disk" and not child.children for child in vdev.all()):
            raise BadDocument(f"{place}.vdevs[{at}]: only disks have no children")
        bare = not vdev.guid
        if bare and vdev.vdev_class == "spare":
            _stand_in(world, pool, vdev)
        if bare and vdev.vdev_class not in ("cache", "spare"):
            vdev.index = at
        vdev.ashift = vdev.ashift or (12 if vdev.vdev_class not in ("cache", "spare") else 0)
        for leaf in vdev.leaves():
            if not leaf.guid:
                fault = label_leaf(world, leaf)
                if fault:
                    raise BadDocument(f"{place}.vdevs[{at}]: {fault}")
        for inner in vdev.all():
            inner.guid = inner.guid or world.new_guid()
        if bare:
            write_labels(world, pool, [leaf.guid for leaf in vdev.leaves()])
    for scan in pool.scans:
        scan.at = scan.at or world.now
    pool.datasets.setdefault(pool.name, Dataset(name=pool.name))
    for name, dataset in sorted(pool.datasets.items()):
        _complete_dataset(world, pool, dataset, f"{place}.datasets.{name}")


def _stand_in(world: World, pool: Pool, spare: Vdev) -> None:
    """A new spare whose disk stands in for a member is that disk, and has a label already."""
    inner = (vdev for top in pool.vdevs for vdev in top.all() if vdev.type == "spare")
    wanted = find_node(world, spare.path)
    for leaf in (leaf for vdev in inner for leaf in vdev.children[1:]):
        found = find_node(world, leaf.path)
        if found and wanted and found[0] is wanted[0]:
            spare.guid, spare.path = leaf.guid, leaf.path


def _complete_dataset(world: World, pool: Pool, dataset: Dataset, place: str) -> None:
    if dataset.name != pool.name and dataset.parent not in pool.datasets:
        raise BadDocument(f"{place}: its parent {dataset.parent!r} is not there")
    dataset.guid = dataset.guid or world.new_guid()
    for snapshot in dataset.snapshots.values():
        snapshot.guid = snapshot.guid or world.new_guid()
    for name, value in dataset.set.items():
        try:
            dataset.set[name] = properties.canonical(world, dataset.type, name, value)
        except ValueError as error:
            raise BadDocument(f"{place}.set.{name}: {error}") from error
    if dataset.type == "filesystem" and dataset.mounted is None:
        mounts = properties.mounts_by_itself(world, pool, dataset)
        dataset.mounted = pool.state == "imported" and mounts
