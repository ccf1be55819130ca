"""What the device inspector would answer on a simulated host, from its model of bytes.

The inspector's own program is not run: this answers its request, in its document's form.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from phoenix_plan.commands import Output, Sample
from phoenix_plan.hosts.simulated import block, directories, properties
from phoenix_plan.hosts.simulated.media import (
    MIB,
    find_node,
    kernel_partitions,
    node_name,
    table_signatures,
)
from phoenix_plan.hosts.simulated.tool import said
from phoenix_plan.hosts.simulated.world import Disk, Extent, World

_EDGE = 64 * MIB
_WHOLE = 1024 * MIB
_SAMPLES = 4096
_OWN = "mnt:[4026531841]"

_Row = dict[str, Any]


def look(world: World, asked: Sample) -> Output:
    """The answer to one request."""
    deep = dict(asked.deep)
    states = {path: directories.state(world, path) for path in asked.directories}
    answer = {
        "version": 1,
        "devices": {path: _disk(world, path, deep=path in deep) for path in asked.devices},
        "mounts": _mounts(world),
        "open": _opened(world),
        "directories": states,
        "zvols": {f"/dev/{name}": volume for name, (volume, _) in block.zvols(world).items()},
        "unknown": [],
    }
    return said(json.dumps(answer))


def _disk(world: World, path: str, *, deep: bool) -> _Row:
    found: _Row = {
        "size": 0, "sector": 0, "table": "", "partitions": [], "signatures": [], "labels": [],
        "holders": [], "emptiness": "unread", "residue": "", "unknown": [],
    }  # fmt: skip
    node = find_node(world, path)
    if node is None:
        return found | {"unknown": [f"{path}: No such file or directory"]}
    disk = node[0]
    if disk.unreadable:
        return found | {"unknown": [f"{path}: {disk.unreadable}"]}
    found |= {
        "size": disk.size,
        "sector": disk.sector,
        "table": "gpt" if disk.table == "gpt-primary" else disk.table,
        "partitions": _partitions(disk),
        "signatures": sorted(
            (attrs.asdict(one) for one in (*table_signatures(disk), *disk.signatures)),
            key=lambda one: (one["part"], one["offset"], one["type"]),
        ),
        "labels": [attrs.asdict(label) for label in disk.labels],
        "holders": block.holders(world, disk),
    }
    if any(found[key] for key in ("table", "partitions", "signatures", "labels", "holders")):
        found["emptiness"] = "occupied"
    elif deep:
        found["residue"] = _residue(disk)
        found["emptiness"] = "residual" if found["residue"] else "blank"
    return found


def _partitions(disk: Disk) -> list[_Row]:
    known = kernel_partitions(disk)
    return [
        {
            **attrs.asdict(part),
            "path": f"/dev/{node_name(disk, part.number)}" if part in known else "",
        }
        for part in disk.partitions
    ]


def _residue(disk: Disk) -> str:
    """The first bytes that reads across the disk meet.

    A disk of up to 1 GiB is read whole, of a larger one both edges and 4,096 blocks at equal
    distance: an extent as long as that distance is met for sure, a shorter one is taken to be
    missed.
    """
    stride = (disk.size - 2 * _EDGE) // _SAMPLES
    for extent in sorted(disk.data, key=lambda one: one.offset):
        edge = extent.offset < _EDGE or extent.offset + extent.length > disk.size - _EDGE
        if disk.size <= _WHOLE or edge or extent.length > stride + 64 * 1024:
            return f"unknown data, first at offset {extent.offset}: {_bytes(extent)}"
    return ""


def _bytes(extent: Extent) -> str:
    pattern = bytes.fromhex(extent.bytes)
    return (pattern * 8)[: min(8, extent.length)].hex(" ")


def _mounts(world: World) -> list[_Row]:
    numbers = block.numbers(world)
    names = sorted({mount.namespace for mount in world.mounts if mount.namespace})
    found: list[_Row] = []
    for mount in world.mounts:
        name = block.kernel_name(world, mount.source)
        if not name and mount.type != "zfs":
            continue
        other = names.index(mount.namespace) if mount.namespace else -1
        found.append(
            {
                "namespace": f"mnt:[{4026532000 + other}]" if mount.namespace else _OWN,
                "own": not mount.namespace,
                "pid": mount.pid if mount.namespace else 1,
                "device": numbers.get(name, ""),
                "source": mount.source,
                "mountpoint": mount.target,
                "fstype": mount.type,
            }
        )
    for pool, dataset in world.datasets():
        if dataset.mounted:
            own = {"namespace": _OWN, "own": True, "pid": 1, "device": "", "fstype": "zfs"}
            place = properties.mountpoint(world, pool, dataset)
            found.append({**own, "source": dataset.name, "mountpoint": place})
    return found


def _opened(world: World) -> list[_Row]:
    numbers = block.numbers(world)
    names = ((entry, block.kernel_name(world, entry.path)) for entry in world.opened)
    return [
        {"device": numbers[name], "pid": entry.pid, "command": entry.command}
        for entry, name in names
        if name
    ]
