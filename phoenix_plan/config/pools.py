"""`zfs.pools`: each pool by itself, then no disk twice."""

from __future__ import annotations

import re

import attrs

from phoenix_plan.config.faults import Faults, Remark
from phoenix_plan.config.names import disk_fault, parent_disk, pool_name_fault
from phoenix_plan.config.properties import check_ignored, check_properties, read_properties
from phoenix_plan.config.source import Entry, Source
from phoenix_plan.documents import path_text
from phoenix_plan.model.desired import DesiredPool, Level
from phoenix_plan.places import Path
from phoenix_plan.schema_check import nearest

LEVELS: dict[str, Level] = {
    "single": "stripe",
    "stripe": "stripe",
    "mirror": "mirror",
    "raidz": "raidz1",
    "raidz1": "raidz1",
    "raidz2": "raidz2",
    "raidz3": "raidz3",
}
"""Spellings of a redundancy, in lower case and without '-', '_' and spaces."""

_ELSEWHERE = {
    "raid0": "ZFS calls it stripe",
    "raid1": "ZFS calls it mirror",
    "raid5": "ZFS's nearest is raidz1",
    "raid6": "ZFS's nearest is raidz2",
    "raid10": "a pool of several mirrors can't be declared",
}

_LEAST_DISKS: dict[Level, int] = {"stripe": 1, "mirror": 2, "raidz1": 2, "raidz2": 3, "raidz3": 4}
"""`zpool create` wants one disk more than the parity, and two for a mirror (is_grouping() in
zpool_vdev.c, OpenZFS 2.1 to 2.3; zpoolconcepts(7))."""

_MOST_RAIDZ_DISKS = 255


@attrs.frozen(kw_only=True)
class PlacedPool:
    """A pool with its place."""

    pool: DesiredPool
    path: Path


def build_pools(source: Source, faults: Faults, remarks: list[Remark]) -> tuple[PlacedPool, ...]:
    """The declared pools that nothing is wrong with; the rest is recorded."""
    built: list[PlacedPool] = []
    first: dict[str, Path] = {}
    for entry in source.entries("zfs", "pools"):
        name = entry.raw["name"]
        if name in first:
            rule = f"is declared already, at {path_text(first[name])}"
            faults.add((*entry.path, "name"), rule, value=name)
        first.setdefault(name, entry.path)
        built.append(PlacedPool(pool=_pool(entry, faults), path=entry.path))
    _check_disks(built, faults, remarks)
    return tuple(built)


def _pool(entry: Entry, faults: Faults) -> DesiredPool:
    raw, path = entry.raw, entry.path
    name = raw["name"]
    if rule := pool_name_fault(name):
        faults.add((*path, "name"), rule, value=name)
    level = _level(raw["raid_level"], len(raw["disks"]), path, faults)
    declared = read_properties(raw.get("properties"), (*path, "properties"), faults)
    properties, filesystem = check_properties(declared, "pool", faults)
    if "bootfs" in properties and properties["bootfs"].partition("/")[0] != name:
        faults.add(
            (*path, "properties"),
            "bootfs: must be a dataset of this pool",
            value=properties["bootfs"],
        )
    ashift = raw.get("ashift")
    return DesiredPool(
        name=name,
        level=level,
        disks=tuple(raw["disks"]),
        properties=properties,
        filesystem=filesystem,
        ashift=None if ashift is None else int(ashift),
        protected=raw.get("protected", False),
        ignore=check_ignored(raw.get("ignore", ()), "pool", (*path, "ignore"), faults),
    )


def _level(raw: str, disks: int, path: Path, faults: Faults) -> Level:
    """The redundancy; where it is wrong, the fault is recorded and any level will do."""
    word = re.sub(r"[-_ ]", "", raw.lower())
    if word not in LEVELS:
        close = nearest(word, LEVELS)
        asked = _ELSEWHERE.get(word) or (f"did you mean {close}?" if close else "")
        faults.add(
            (*path, "raid_level"),
            "must be single, stripe, mirror, raidz1, raidz2 or raidz3",
            hint=asked,
            value=raw,
        )
        return "stripe"
    level = LEVELS[word]
    least = _LEAST_DISKS[level]
    if word == "single" and disks != 1:
        hint = "several disks without redundancy are a stripe: then say stripe"
        faults.add((*path, "disks"), f"single is exactly one disk, not {disks}", hint=hint)
    elif disks < least:
        rule = f"a {level} has {least} disks at least, not {disks}"
        hint = "a pool of one disk is single" if disks == 1 else ""
        faults.add((*path, "disks"), rule, hint=hint)
    elif level.startswith("raidz") and disks > _MOST_RAIDZ_DISKS:
        faults.add((*path, "disks"), f"a {level} has {_MOST_RAIDZ_DISKS} disks at most")
    return level


def _check_disks(built: list[PlacedPool], faults: Faults, remarks: list[Remark]) -> None:
    """Each disk is named in a way that lasts, and by one pool once; so are its partitions."""
    owners: dict[str, tuple[str, Path]] = {}
    wholes: dict[str, list[str]] = {}
    slots: list[Path] = []
    for placed in built:
        for index, disk in enumerate(placed.pool.disks):
            path: Path = (*placed.path, "disks", index)
            rule, hint = disk_fault(disk)
            if rule:
                faults.add(path, rule, hint=hint, value=disk)
                continue
            if disk in owners:
                owner, before = owners[disk]
                same = owner == placed.pool.name
                rule = "names this disk twice" if same else f"is a disk of pool {owner} already"
                faults.add(path, f"{rule} (at {path_text(before)})", value=disk)
                continue
            owners[disk] = (placed.pool.name, path)
            wholes.setdefault(parent_disk(disk), []).append(disk)
            if disk.startswith("/dev/disk/by-path/"):
                slots.append(path)
    for whole, claimed in wholes.items():
        if whole in claimed and len(claimed) > 1:
            for part in claimed:
                if part != whole:
                    owner, before = owners[whole]
                    rule = f"is a part of a disk that pool {owner} takes whole"
                    faults.add(owners[part][1], f"{rule} (at {path_text(before)})", value=part)
    if slots:
        remarks.append(
            Remark(
                code="disk-by-path",
                path=slots[0],
                message=f"{_count(len(slots), 'disk')} named by the slot (by-path): "
                "another disk in that slot would go by the same name",
            )
        )


def _count(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"
