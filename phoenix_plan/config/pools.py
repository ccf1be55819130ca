"""`zfs.pools`: each pool by itself, then no disk twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import attrs

from phoenix_plan.config.faults import Faults, Remark
from phoenix_plan.config.names import disk_fault, parent_disk, pool_name_fault
from phoenix_plan.config.properties import check_ignored, check_properties, read_properties
from phoenix_plan.config.source import Entry, Source
from phoenix_plan.documents import path_text
from phoenix_plan.model.desired import DesiredPool
from phoenix_plan.model.layout import CLASSES, DesiredVdev, Layout, draid_type
from phoenix_plan.model.pools import VdevClass
from phoenix_plan.places import Path
from phoenix_plan.schema_check import nearest

LEVELS: dict[str, str] = {
    "single": "disk",
    "stripe": "disk",
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
    "raid10": "several mirrors are declared one by one, in `vdevs`",
}

_LEAST_DISKS = {"mirror": 2, "raidz1": 2, "raidz2": 3, "raidz3": 4}
"""`zpool create` wants one disk more than the parity, and two for a mirror (is_grouping() in
zpool_vdev.c, OpenZFS 2.1 to 2.3; zpoolconcepts(7))."""

_MOST_RAIDZ_DISKS = 255


@attrs.frozen(kw_only=True)
class PlacedPool:
    """A pool with its place, and every disk that its entry names with that disk's place: those of
    a vdev too of which nobody can tell what it shall be."""

    pool: DesiredPool
    path: Path
    disks: tuple[tuple[str, Path], ...]


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
        built.append(_pool(entry, faults))
    _check_disks(built, faults, remarks)
    return tuple(built)


def _pool(entry: Entry, faults: Faults) -> PlacedPool:
    raw, path = entry.raw, entry.path
    name = raw["name"]
    if rule := pool_name_fault(name):
        faults.add((*path, "name"), rule, value=name)
    vdevs, disks = _layout(raw, path, faults)
    declared = read_properties(raw.get("properties"), (*path, "properties"), faults)
    properties, filesystem = check_properties(declared, "pool", faults)
    if "bootfs" in properties and properties["bootfs"].partition("/")[0] != name:
        faults.add(
            (*path, "properties"),
            "bootfs: must be a dataset of this pool",
            value=properties["bootfs"],
        )
    members = {disk for disk, at in disks if not {"cache", "spare"} & set(at)}
    for number, disk in enumerate(raw.get("offline", ())):
        if disk not in members:
            rule = "is no disk of this pool, or a spare or cache: those are not taken offline"
            faults.add((*path, "offline", number), rule, value=disk)
    ashift = raw.get("ashift")
    pool = DesiredPool(
        name=name,
        vdevs=vdevs,
        properties=properties,
        filesystem=filesystem,
        ashift=None if ashift is None else int(ashift),
        checkpoint=raw.get("checkpoint"),
        offline=tuple(raw.get("offline", ())),
        protected=raw.get("protected", False),
        ignore=check_ignored(raw.get("ignore", ()), "pool", (*path, "ignore"), faults),
    )
    return PlacedPool(pool=pool, path=path, disks=disks)


def _layout(
    raw: dict[str, Any], path: Path, faults: Faults
) -> tuple[Layout, tuple[tuple[str, Path], ...]]:
    """The vdevs by class, and each of their disks with its place."""
    found: dict[VdevClass, tuple[DesiredVdev, ...]] = {}
    disks: list[tuple[str, Path]] = []
    for name in CLASSES:
        key = "vdevs" if name == "normal" else name
        if name == "normal" and "vdevs" not in raw:
            listed, at = _short(raw, path, faults)
        elif key not in raw:
            continue
        elif name in ("cache", "spare"):
            listed = [{"type": "stripe", "disks": raw[key]}] if raw[key] else []
            at = [(*path, key)]
        else:
            listed = raw[key]
            at = [(*path, key, number, "disks") for number in range(len(listed))]
        vdevs: list[DesiredVdev] = []
        for one, place in zip(listed, at, strict=False):
            vdevs += _vdevs(one, name, place, faults)
            disks += [(disk, (*place, number)) for number, disk in enumerate(one["disks"])]
        found[name] = tuple(vdevs)
    if "vdevs" in raw:
        for short in ("raid_level", "disks"):
            if short in raw:
                rule = "is the short form of `vdevs`: declare the one or the other"
                faults.add((*path, short), rule)
    return found, tuple(disks)


def _short(
    raw: dict[str, Any], path: Path, faults: Faults
) -> tuple[list[dict[str, Any]], list[Path]]:
    """`raid_level` and `disks`: one vdev, or a stripe."""
    missing = [key for key in ("raid_level", "disks") if key not in raw]
    if len(missing) == 2:
        hint = "for a pool of one vdev, `raid_level` and `disks` are the short form"
        faults.add((*path, "vdevs"), "is missing", hint=hint)
    elif missing:
        hint = "or declare `vdevs` instead of raid_level and disks"
        faults.add((*path, missing[0]), "is missing", hint=hint)
    if missing:
        return [], []
    return [{"type": raw["raid_level"], "disks": raw["disks"]}], [(*path, "disks")]


def _plain(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.lower())


def _vdevs(raw: dict[str, Any], name: VdevClass, at: Path, faults: Faults) -> Iterable[DesiredVdev]:
    """One entry: a vdev, or the disks of a stripe, each of which is a vdev of its own."""
    word, disks = raw["type"], tuple(raw["disks"])
    kind = LEVELS.get(_plain(word)) or draid_type(word, len(disks))
    if kind is None:
        _no_type(word, len(disks), _type_path(at), faults)
        return
    if _plain(word) == "single" and len(disks) != 1:
        rule = f"single is exactly one disk, not {len(disks)}"
        hint = "several disks without redundancy are a stripe: then say stripe"
        faults.add(at, rule, hint=hint)
    if kind == "disk":
        yield from (DesiredVdev(type="disk", disks=(disk,)) for disk in disks)
        return
    least = _LEAST_DISKS.get(kind, 1)
    if len(disks) < least:
        hint = f"one disk is a {'single' if _type_path(at)[-1] == 'raid_level' else 'stripe'}"
        hint = hint if len(disks) == 1 else ""
        faults.add(at, f"a {kind} has {least} disks at least, not {len(disks)}", hint=hint)
    elif kind.startswith("raidz") and len(disks) > _MOST_RAIDZ_DISKS:
        faults.add(at, f"a {kind} has {_MOST_RAIDZ_DISKS} disks at most")
    elif name != "normal" and kind != "mirror":
        # zpool-create(8): only the data vdevs themselves may be a raidz or draid.
        faults.add(_type_path(at), f"a {name} vdev is a stripe of disks or a mirror", value=word)
    yield DesiredVdev(type=kind, disks=disks)


def _type_path(disks: Path) -> Path:
    """Where the type of the vdev stands whose disks stand at a path."""
    return (*disks[:-1], "raid_level" if disks[-3:-2] == ("pools",) else "type")


def _no_type(word: str, disks: int, at: Path, faults: Faults) -> None:
    plain = _plain(word)
    if plain.startswith("draid"):
        rule = f"is no draid that {disks} disks can be: draid[PARITY][:DATAd][:CHILDRENc][:SPARESs]"
        faults.add(at, rule, hint="see zpoolconcepts(7)", value=word)
        return
    close = nearest(plain, LEVELS)
    faults.add(
        at,
        "must be single, stripe, mirror, raidz1, raidz2, raidz3 or a draid",
        hint=_ELSEWHERE.get(plain) or (f"did you mean {close}?" if close else ""),
        value=word,
    )


def _check_disks(built: list[PlacedPool], faults: Faults, remarks: list[Remark]) -> None:
    """Each disk is named in a way that lasts, and by one pool once; so are its partitions."""
    owners: dict[str, tuple[str, Path]] = {}
    wholes: dict[str, list[str]] = {}
    slots: list[Path] = []
    for placed in built:
        for disk, path in placed.disks:
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
