"""Block devices as the kernel has them, in a tree (lsblk(8), util-linux 2.37 to 2.41)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

import attrs

from phoenix_plan.commands import Output, Query, command_line
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.sizes import Bytes

COLUMNS: Final = (
    "NAME",
    "KNAME",
    "PATH",
    "MAJ:MIN",
    "TYPE",
    "SIZE",
    "MODEL",
    "SERIAL",
    "WWN",
    "TRAN",
    "HCTL",
    "ROTA",
    "RO",
    "RM",
    "FSTYPE",
    "LABEL",
    "UUID",
    "PARTTYPE",
    "PARTLABEL",
    "PARTUUID",
    "MOUNTPOINTS",
    "PKNAME",
    "LOG-SEC",
    "PHY-SEC",
)

LSBLK = Query(argv=("lsblk", "-J", "-b", "-p", "-o", ",".join(COLUMNS)))
"""Without `-a`: devices without a medium are not wanted. `-p` gives paths for names."""

_MD = "raid0 raid1 raid4 raid5 raid6 raid10 linear md multipath faulty container"
_DEVICE_MAPPER = "crypt lvm dm mpath dmraid integrity verity vdo stratis"
_SCSI = "worm rom mo-disk rbc osd raid"
TYPES: Final = frozenset(f"disk part loop {_MD} {_DEVICE_MAPPER} {_SCSI}".split())
"""What lsblk calls a device: the md level, the subsystem in a device-mapper UUID, or the SCSI type
(`get_type` in misc-utils/lsblk.c, util-linux 2.41)."""

_KEYS = frozenset({*(column.lower() for column in COLUMNS), "children"})

# What the kernel calls `disk` and no pool is built on: zvols (a pool in a pool), memory, floppies.
_ZVOL = re.compile(r"zd\d+")
_NO_DISK = re.compile(r"(zd|ram|zram|fd|loop|md|sr|dm-)\d+")


@attrs.frozen(kw_only=True)
class BlockDevice:
    """A block device. `kname` is the kernel's path (/dev/dm-0), `path` the one people use
    (/dev/mapper/vg0-data), `children` its partitions and what is built on it.

    `tags` are what a `TAG=value` in fstab(5) may call it by: UUID, LABEL, PARTUUID, PARTLABEL;
    from udev, so they identify nothing here but what other programs will take it for.
    """

    kname: str
    path: str
    number: str
    type: str
    size: Bytes
    model: str
    serial: str
    wwn: str
    transport: str
    hctl: str
    rotational: bool
    read_only: bool
    removable: bool
    fstype: str
    partition_type: str
    tags: tuple[tuple[str, str], ...]
    mountpoints: tuple[str, ...]
    logical_sector: int
    physical_sector: int
    children: tuple[BlockDevice, ...] = ()

    def below(self) -> Iterator[BlockDevice]:
        """This device and all that is built on it, itself first."""
        yield self
        for child in self.children:
            yield from child.below()

    def partitions(self) -> tuple[BlockDevice, ...]:
        """Its partitions."""
        return tuple(child for child in self.children if child.type == "part")


def parse_lsblk(output: Output) -> tuple[BlockDevice, ...]:
    """The trees that `LSBLK` prints. A device with two parents stands in both.

    Raises ProbeError for a failed lsblk, a key or a type that is not known, a value of another
    kind.
    """
    source = command_line(LSBLK.argv)
    if output.missing:
        raise ProbeError("lsblk is not installed (package util-linux)", source="lsblk")
    if output.exit_code != 0:
        said = output.stderr.decode(errors="replace").strip()
        raise ProbeError(f"exit status {output.exit_code}: {said}", source=source)
    try:
        document = json.loads(output.stdout)
        trees = document["blockdevices"]
        return tuple(_device(_Row(tree), nested=False) for tree in trees)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProbeError(f"not what lsblk prints: {error}", source=source) from error


def whole_disks(trees: tuple[BlockDevice, ...]) -> tuple[BlockDevice, ...]:
    """Disks that a pool could be built on, in lsblk's order: those with a medium, by these rules.

    Type `disk` at the top of the tree (bcache and drbd devices stand on another one and are its
    holders), not a zvol, memory, floppy or unconnected nbd device (which has no size); and type
    `mpath` wherever it stands, once.
    """
    found: dict[str, BlockDevice] = {}
    for tree in trees:
        if tree.type == "disk" and tree.size and not _NO_DISK.fullmatch(_short(tree.kname)):
            found[tree.kname] = tree
        for device in tree.below():
            if device.type == "mpath":
                found.setdefault(device.kname, device)
    return tuple(found.values())


def zvols(trees: tuple[BlockDevice, ...]) -> tuple[BlockDevice, ...]:
    """Block devices of ZFS volumes and of their snapshots, in lsblk's order."""
    return tuple(tree for tree in trees if _ZVOL.fullmatch(_short(tree.kname)))


def _short(kname: str) -> str:
    return kname.removeprefix("/dev/")


class _Row:
    """One object of lsblk's JSON, read key by key; ValueError for what is not as it should be."""

    def __init__(self, row: object) -> None:
        if not isinstance(row, dict):
            raise ValueError(f"{row!r} is not a device")
        self._row: dict[str, object] = row
        self._name = str(row.get("name"))
        if unknown := row.keys() - _KEYS:
            raise ValueError(f"{self._name}: unknown key {sorted(unknown)[0]!r}")

    def text(self, key: str) -> str:
        value = self._row[key]
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ValueError(f"{self._name}: {key} is {value!r}, not text")
        return value.strip()

    def number(self, key: str) -> int:
        value = self._row[key]
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{self._name}: {key} is {value!r}, not a number")
        return value

    def flag(self, key: str) -> bool:
        value = self._row[key]
        if not isinstance(value, bool):
            raise ValueError(f"{self._name}: {key} is {value!r}, not true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._row[key]
        if not isinstance(values, list):
            raise ValueError(f"{self._name}: {key} is {values!r}, not a list")
        # 2.38 says [null] where 2.41 says [].
        found = [value for value in values if value is not None]
        if not all(isinstance(value, str) for value in found):
            raise ValueError(f"{self._name}: {key} is {values!r}, not a list of text")
        return tuple(found)

    def rows(self, key: str) -> tuple[_Row, ...]:
        rows = self._row.get(key, [])
        if not isinstance(rows, list):
            raise ValueError(f"{self._name}: {key} is {rows!r}, not a list")
        return tuple(_Row(row) for row in rows)


def _device(row: _Row, *, nested: bool) -> BlockDevice:
    kind = row.text("type")
    if kind not in TYPES:
        raise ValueError(f"{row.text('name')}: unknown type {kind!r}")
    if nested and not row.text("pkname"):
        raise ValueError(f"{row.text('name')}: has a parent and no pkname")
    tags = ((tag, row.text(tag.lower())) for tag in ("UUID", "LABEL", "PARTUUID", "PARTLABEL"))
    return BlockDevice(
        kname=row.text("kname"),
        path=row.text("path"),
        number=row.text("maj:min"),
        type=kind,
        size=Bytes(row.number("size")),
        model=row.text("model"),
        serial=row.text("serial"),
        wwn=row.text("wwn"),
        transport=row.text("tran"),
        hctl=row.text("hctl"),
        rotational=row.flag("rota"),
        read_only=row.flag("ro"),
        removable=row.flag("rm"),
        fstype=row.text("fstype"),
        partition_type=row.text("parttype").lower(),
        tags=tuple((tag, value) for tag, value in tags if value),
        mountpoints=row.texts("mountpoints"),
        logical_sector=row.number("log-sec"),
        physical_sector=row.number("phy-sec"),
        children=tuple(_device(child, nested=True) for child in row.rows("children")),
    )
