"""`lsblk` and `pvs` of a simulated host, and the numbers of its block devices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated.media import find_node, kernel_partitions, node_name
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled
from phoenix_plan.hosts.simulated.vdev_spec import blkid_type
from phoenix_plan.hosts.simulated.world import Device, Disk, World

_Row = dict[str, Any]


def zvols(world: World) -> dict[str, tuple[str, int]]:
    """Volumes of imported pools: kernel name to (dataset, size)."""
    found = [
        (dataset.name, int(dataset.set["volsize"]))
        for _, dataset in world.datasets()
        if dataset.type == "volume"
    ]
    return {f"zd{16 * at}": one for at, one in enumerate(found)}


def numbers(world: World) -> dict[str, str]:
    """By kernel name: major:minor, the same as long as the devices are the same."""
    names: list[str] = []
    for disk in world.disks.values():
        names += [disk.name, *(node_name(disk, part.number) for part in kernel_partitions(disk))]
    names += [*world.devices, *zvols(world)]
    return {name: f"259:{at}" for at, name in enumerate(names)}


def kernel_name(world: World, path: str) -> str:
    """The kernel's name of the block device behind a path; empty where there is none."""
    node = find_node(world, path)
    if node is not None:
        return node_name(*node)
    for name, device in world.devices.items():
        if path in (f"/dev/{name}", device.path):
            return name
    for name, (dataset, _) in zvols(world).items():
        if path in (f"/dev/{name}", f"/dev/zvol/{dataset}"):
            return name
    return ""


def holders(world: World, disk: Disk) -> list[str]:
    """Kernel names of what is built on a disk or its partitions."""
    own = {disk.name, *(node_name(disk, part.number) for part in disk.partitions)}
    return sorted(name for name, device in world.devices.items() if own & set(device.on))


def lsblk(world: World, words: Sequence[str]) -> Output:
    """lsblk(8) as JSON: sizes in bytes, full paths, named columns."""
    given, rest = options(words, "Jbp", "o")
    if not {"J", "b", "p", "o"} <= set(given) or rest:
        raise unmodelled(("lsblk", *words), "it prints JSON with named columns alone: -J -b -p -o")
    columns = given["o"][-1].split(",")
    trees = _zvol_rows(world) + [_disk_row(world, disk) for disk in world.disks.values()]
    shown = [_shown(tree, columns) for tree in trees]
    return said(json.dumps({"blockdevices": shown}, indent=3) + "\n")


def _shown(row: _Row, columns: Sequence[str]) -> _Row:
    found: _Row = {}
    for column in columns:
        if column not in row:
            raise Refused(f"lsblk: unknown column: {column}")
        found[column.lower()] = row[column]
    children = [_shown(child, columns) for child in row["children"]]
    return found | ({"children": children} if children else {})


def _row(world: World, name: str, kind: str, size: int, parent: str) -> _Row:
    path = f"/dev/{name}"
    return {
        "NAME": path, "KNAME": path, "PATH": path, "MAJ:MIN": numbers(world)[name], "TYPE": kind,
        "SIZE": size, "PKNAME": f"/dev/{parent}" if parent else None, "ROTA": False, "RO": False,
        "RM": False, "MOUNTPOINTS": _mountpoints(world, name), "LOG-SEC": 512, "PHY-SEC": 512,
        **dict.fromkeys(("MODEL", "SERIAL", "WWN", "TRAN", "HCTL", "FSTYPE", "LABEL", "UUID")),
        **dict.fromkeys(("PARTTYPE", "PARTLABEL", "PARTUUID", "PTTYPE")), "children": [],
    }  # fmt: skip


def _mountpoints(world: World, name: str) -> list[str]:
    found = [
        mount.target
        for mount in world.mounts
        if not mount.namespace and kernel_name(world, mount.source) == name
    ]
    return found + ["[SWAP]"] * any(kernel_name(world, path) == name for path in world.swaps)


def _zvol_rows(world: World) -> list[_Row]:
    found = []
    for name, (_, size) in zvols(world).items():
        row = _row(world, name, "disk", size, "")
        found.append(row | {"PHY-SEC": 16384, "children": _built_on(world, name)})
    return found


def _disk_row(world: World, disk: Disk) -> _Row:
    row = _row(world, disk.name, "disk", disk.size, "")
    row |= {
        "MODEL": disk.model or None, "SERIAL": disk.serial or None, "WWN": disk.wwn or None,
        "TRAN": disk.transport or None, "HCTL": disk.hctl or None, "ROTA": disk.rotational,
        "RO": disk.read_only, "RM": disk.removable, "LOG-SEC": disk.sector,
        "PHY-SEC": disk.physical_sector, "PTTYPE": _table_type(disk), **_content(disk, 0),
    }  # fmt: skip
    row["children"] = [_partition_row(world, disk, part.number) for part in kernel_partitions(disk)]
    row["children"] += _built_on(world, disk.name)
    return row


def _table_type(disk: Disk) -> str | None:
    return None if not kernel_partitions(disk) else "dos" if disk.table == "mbr" else "gpt"


def _partition_row(world: World, disk: Disk, number: int) -> _Row:
    part = disk.partition(number)
    assert part is not None, "it was listed"
    name = node_name(disk, number)
    row = _row(world, name, "part", part.size, disk.name)
    row |= {
        "TRAN": disk.transport or None, "ROTA": disk.rotational, "RO": disk.read_only,
        "LOG-SEC": disk.sector, "PHY-SEC": disk.physical_sector, "PARTTYPE": part.type,
        "PARTLABEL": part.label or None, "PARTUUID": part.partuuid or None,
        "PTTYPE": _table_type(disk), **_content(disk, number),
    }  # fmt: skip
    row["children"] = _built_on(world, name)
    return row


def _content(disk: Disk, number: int) -> _Row:
    """What udev has seen on it."""
    kind = blkid_type(disk, number)
    label = next((one for one in disk.labels if one.part == number), None)
    if label is not None:
        return {"FSTYPE": kind, "LABEL": label.pool or None, "UUID": label.pool_guid or None}
    found = [one for one in disk.signatures if one.part == number and one.type == kind]
    if not found:
        return {}
    return {"FSTYPE": kind, "LABEL": found[0].label or None, "UUID": found[0].uuid or None}


def _built_on(world: World, parent: str) -> list[_Row]:
    return [
        _device_row(world, name, device, parent)
        for name, device in world.devices.items()
        if parent in device.on
    ]


def _device_row(world: World, name: str, device: Device, parent: str) -> _Row:
    row = _row(world, name, device.type, device.size, parent)
    row |= {
        "FSTYPE": device.fstype or None, "LABEL": device.label or None,
        "UUID": device.uuid or None,
    }  # fmt: skip
    if device.path:
        row |= {"NAME": device.path, "PATH": device.path}
    row["children"] = _built_on(world, name)
    return row


def pvs(world: World, words: Sequence[str]) -> Output:
    """pvs(8) as JSON: every physical volume, with the volume group that has it."""
    if "json" not in words:
        raise unmodelled(("pvs", *words), "it prints JSON alone: --reportformat json")
    found = []
    groups = {device: group for group, devices in world.volume_groups.items() for device in devices}
    for disk in world.disks.values():
        for signature in disk.signatures:
            if signature.type == "LVM2_member":
                name = node_name(disk, signature.part)
                group = groups.get(name, "")
                found.append(
                    f'                  {{"pv_name":"/dev/{name}", "vg_name":"{group}",'
                    f' "pv_uuid":"{signature.uuid}"}}'
                )
    lines = ["  {", '      "report": [', "          {", '              "pv": [', ",\n".join(found)]
    lines += ["              ]", "          }", "      ]", "      ,", '      "log": [', "      ]"]
    return said("\n".join(line for line in (*lines, "  }") if line) + "\n")
