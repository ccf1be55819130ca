"""What a pool is to be built of: top-level vdevs by class, as declared (zpoolconcepts(7))."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import attrs

from phoenix_plan.model.pools import Vdev, VdevClass

CLASSES: tuple[VdevClass, ...] = ("normal", "special", "dedup", "log", "cache", "spare")
"""All classes, in the order in which they are written down. The words are zpool-create(8)'s, but
for `normal`, which has none there."""

DATA_CLASSES: frozenset[VdevClass] = frozenset({"normal", "special", "dedup"})
"""Classes without whose vdevs the pool is lost."""


@attrs.frozen(kw_only=True)
class DesiredVdev:
    """One top-level vdev. `type` is disk (of exactly one), mirror, raidz1 to raidz3, or a draid in
    full (`draid2:4d:11c:1s`: parity, data disks of a group, children, distributed spares).

    `disks` are paths as the config writes them, in its order.
    """

    type: str
    disks: tuple[str, ...]

    def __str__(self) -> str:
        return self.disks[0] if self.type == "disk" else f"{self.type} of {len(self.disks)}"

    @property
    def words(self) -> tuple[str, ...]:
        """The vdev as zpool-create(8) and zpool-add(8) take it."""
        return self.disks if self.type == "disk" else (self.type, *self.disks)


Layout = Mapping[VdevClass, tuple[DesiredVdev, ...]]
"""The vdevs of each declared class. One that is there and empty is declared to have none."""


def disks_of(layout: Layout) -> tuple[str, ...]:
    """Every disk of every class, class by class."""
    return tuple(disk for name in CLASSES for vdev in layout.get(name, ()) for disk in vdev.disks)


def create_words(layout: Layout) -> tuple[str, ...]:
    """A layout as zpool-create(8) takes it."""
    words: list[str] = []
    for name in CLASSES:
        vdevs = layout.get(name, ())
        # log, cache and spare take all that follows; special and dedup too.
        words += [name] if vdevs and name != "normal" else []
        words += [word for vdev in vdevs for word in vdev.words]
    return tuple(words)


def shape(layout: Layout) -> str:
    """A layout in words: `mirror of 2`, `2 x raidz2 of 6, log mirror of 2, 1 spare`."""
    parts = []
    for name in CLASSES:
        said = _shape_of_class(name, layout.get(name, ()))
        parts += [said] if said else []
    return ", ".join(parts)


def _shape_of_class(name: VdevClass, vdevs: Sequence[DesiredVdev]) -> str:
    if name in ("cache", "spare"):
        return f"{len(vdevs)} {name}" if vdevs else ""
    kinds = [("stripe", 0) if one.type == "disk" else (one.type, len(one.disks)) for one in vdevs]
    parts = []
    for (kind, width), same in groupby(kinds):
        count = len(list(same))
        if kind == "stripe":
            parts.append(f"stripe of {count}")
        else:
            parts.append(f"{count} x {kind} of {width}" if count > 1 else f"{kind} of {width}")
    text = " and ".join(parts)
    return text if name == "normal" or not text else f"{name} {text}"


_DRAID = re.compile(r"draid([1-3])?(?::([0-9]+)d)?(?::([0-9]+)c)?(?::([0-9]+)s)?")
_MOST_SPARES = 100


def draid_type(word: str, disks: int) -> str | None:
    """A draid's type in full, for so many disks; None where the word is no draid, or can't be one.

    zpoolconcepts(7): `draid[parity][:data d][:children c][:spares s]`, in any order of the last
    three; here in that one. The default is 8 data disks a group, or as many as there are.
    """
    match = _DRAID.fullmatch(word)
    if match is None:
        return None
    parity, data, children, spares = (int(one) if one else None for one in match.groups())
    parity, spares = parity or 1, spares or 0
    data = data if data is not None else min(8, disks - spares - parity)
    if data < 1 or spares > _MOST_SPARES or children not in (None, disks):
        return None
    if disks - spares < data + parity:
        return None
    return f"draid{parity}:{data}d:{disks}c:{spares}s"


def type_of(vdev: Vdev) -> str:
    """The type of a vdev that is there, as `DesiredVdev` has it; a slot that is in the middle of a
    replacement or has a spare counts as the disk that it stands for."""
    match vdev.type:
        case "disk" | "file" | "spare" | "replacing" | "missing":
            return "disk"
        case "raidz":
            return f"raidz{vdev.parity}"
        case "draid":
            return vdev.name.rpartition("-")[0] or vdev.name
        case _:
            return vdev.type


def parity_of(kind: str) -> int:
    """How many disks a raidz or draid of that type can lose; 0 for a disk, and for a mirror, which
    can lose all but one."""
    match = re.match(r"(?:raidz|draid)([1-3])", kind)
    return int(match[1]) if match else 0


def tolerance(kind: str, width: int) -> int:
    """How many disks a vdev of that type and width can lose."""
    return width - 1 if kind == "mirror" else parity_of(kind)


def same_redundancy(vdevs: Iterable[tuple[VdevClass, str, int]]) -> bool:
    """Whether data vdevs, as (class, type, width), are alike enough to stand side by side: those
    for data of one type and one width, those for metadata able to lose as many disks.

    zpool-create(8) and zpool-add(8) want -f for less. What they let pass beyond that (a mirror of 2
    beside a raidz1) is no pool that somebody means.
    """
    data = [one for one in vdevs if one[0] in DATA_CLASSES]
    normal = {(kind, width) for name, kind, width in data if name == "normal"}
    return len(normal) <= 1 and len({tolerance(kind, width) for _, kind, width in data}) <= 1
