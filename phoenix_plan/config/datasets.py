"""`zfs.datasets`: each dataset by itself, then against its pool, its parents and its siblings."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from phoenix_plan.config.faults import Faults, Remark
from phoenix_plan.config.names import dataset_name_fault
from phoenix_plan.config.properties import (
    Owner,
    check_ignored,
    check_properties,
    read_properties,
)
from phoenix_plan.config.property_values import value_fault, volume_size_fault
from phoenix_plan.config.source import Entry, Source
from phoenix_plan.documents import path_text
from phoenix_plan.model.desired import DesiredDataset
from phoenix_plan.model.sizes import Bytes, parse_size
from phoenix_plan.places import Path
from phoenix_plan.schema_check import nearest

_DEFAULT_BLOCK = 8 << 10
"""The smaller of the defaults of volblocksize: 8K up to 2.1, 16K from 2.2 (zfsprops(7))."""


@attrs.frozen(kw_only=True)
class PlacedDataset:
    """A dataset with its place and its entry, from which its storage is made."""

    dataset: DesiredDataset
    raw: Mapping[str, Any]
    path: Path


def build_datasets(
    source: Source, faults: Faults, remarks: list[Remark]
) -> tuple[PlacedDataset, ...]:
    """The declared datasets that nothing is wrong with; the rest is recorded."""
    pools = frozenset(source.names("zfs", "pools"))
    is_known = not source.is_refused("zfs", "pools")
    read = functools.cache(_read_text)
    built = []
    repeats: list[Path] = []
    for entry in source.entries("zfs", "datasets"):
        pool, name = entry.raw["pool"], entry.raw["name"]
        if is_known:
            _check_pool(pool, pools, (*entry.path, "pool"), faults)
        if rule := dataset_name_fault(f"{pool}/{name}"):
            faults.add((*entry.path, "name"), rule, value=name)
        if name == pool or name.startswith(f"{pool}/"):
            repeats.append((*entry.path, "name"))
        dataset = _dataset(entry, faults, read)
        built.append(PlacedDataset(dataset=dataset, raw=entry.raw, path=entry.path))
    _check_together(built, faults)
    if repeats:
        remarks.append(
            Remark(
                code="dataset-name-repeats-pool",
                path=repeats[0],
                message="a dataset's name is written without its pool's: "
                "this one begins with it, and will hold it twice",
            )
        )
    return tuple(built)


def _check_pool(pool: str, pools: Collection[str], path: Path, faults: Faults) -> None:
    if pool in pools:
        return
    close = nearest(pool, pools)
    faults.add(
        path,
        f"no pool {pool} is declared in zfs.pools",
        hint=f"did you mean {close}?" if close else "declare the pool, even where it exists",
        value=pool,
    )


def _read_text(text: str, owner: Owner) -> Mapping[str, str] | None:
    """The properties of a string that nothing is wrong with, else None. Many datasets share one."""
    faults = Faults()
    _, properties = check_properties(read_properties(text, (), faults), owner, faults)
    return None if faults else properties


def _dataset(entry: Entry, faults: Faults, read: Any) -> DesiredDataset:
    raw, path = entry.raw, entry.path
    kind = raw.get("type", "filesystem")
    text = raw.get("properties", "")
    properties = read(text, kind) if isinstance(text, str) else None
    if properties is None:
        declared = read_properties(text, (*path, "properties"), faults)
        _, properties = check_properties(declared, kind, faults)
    name = f"{raw['pool']}/{raw['name']}"
    renamed_from = raw.get("renamed_from", "")
    if renamed_from:
        _check_rename(renamed_from, name, (*path, "renamed_from"), faults)
    return DesiredDataset(
        name=name,
        type=kind,
        volsize=_volsize(entry, kind, properties, faults),
        properties=properties,
        protected=raw.get("protected", False),
        ignore=check_ignored(raw.get("ignore", ()), kind, (*path, "ignore"), faults),
        renamed_from=renamed_from,
    )


def _volsize(
    entry: Entry, kind: str, properties: Mapping[str, str], faults: Faults
) -> Bytes | None:
    raw = entry.raw.get("volsize")
    path: Path = (*entry.path, "volsize")
    if kind != "volume":
        if raw is not None:
            hint = "say type: volume, or give a filesystem a quota"
            faults.add(path, "only a volume has a volsize", hint=hint, value=raw)
        return None
    if raw is None:
        faults.add(path, "is missing: a volume has a volsize", hint="for example 32G")
        return None
    text = str(int(raw)) if isinstance(raw, float) else str(raw)
    if rule := value_fault("volsize", text):
        faults.add(path, rule, value=raw)
        return None
    block = properties.get("volblocksize", "")
    known = parse_size(block) if block and not value_fault("volblocksize", block) else 0
    size = parse_size(text)
    if rule := volume_size_fault(size, known or _DEFAULT_BLOCK):
        faults.add(path, rule, value=raw)
    return size


def _check_rename(old: str, new: str, path: Path, faults: Faults) -> None:
    if "/" not in old:
        rule, hint = "must be a full name", f"as in {new.partition('/')[0]}/{old}"
    elif fault := dataset_name_fault(old):
        rule, hint = fault, ""
    elif old == new:
        rule, hint = "is the dataset's own name", "leave renamed_from out"
    elif old.partition("/")[0] != new.partition("/")[0]:
        rule, hint = "no rename leads from one pool to another", "use zfs send and receive"
    elif new.startswith(f"{old}/"):
        rule, hint = "no dataset can be moved below itself", ""
    else:
        return
    faults.add(path, rule, hint=hint, value=old)


def _check_together(built: list[PlacedDataset], faults: Faults) -> None:
    """What no dataset can say alone: names, parents, renames and mountpoints."""
    first: dict[str, PlacedDataset] = {}
    for placed in built:
        name = placed.dataset.name
        if name in first:
            rule = f"{name} is declared already, at {path_text(first[name].path)}"
            faults.add((*placed.path, "name"), rule, value=placed.raw["name"])
        first.setdefault(name, placed)
    seen: set[str] = set()
    renamed: dict[str, Path] = {}
    mounted: dict[str, str] = {}
    for placed in built:
        dataset, path = placed.dataset, placed.path
        parent = first.get(dataset.name.rpartition("/")[0])
        if parent is not None:
            _check_parent(placed, parent, seen, faults)
        seen.add(dataset.name)
        if old := dataset.renamed_from:
            _check_renames(placed, first, renamed, faults)
            renamed.setdefault(old, path)
        mountpoint = dataset.properties.get("mountpoint", "")
        if mountpoint.startswith("/") and dataset.properties.get("canmount", "on") == "on":
            if mountpoint in mounted:
                faults.add(
                    (*path, "properties"),
                    f"mountpoint: {mounted[mountpoint]} has it too",
                    value=mountpoint,
                )
            mounted.setdefault(mountpoint, dataset.name)


def _check_parent(
    placed: PlacedDataset, parent: PlacedDataset, seen: Collection[str], faults: Faults
) -> None:
    place: Path = (*placed.path, "name")
    if parent.dataset.type == "volume":
        faults.add(place, f"{parent.dataset.name} is a volume: it has no children")
    if parent.dataset.name not in seen:
        faults.add(
            place,
            f"comes before its parent {parent.dataset.name}, at {path_text(parent.path)}",
            hint="declare parents before their children",
            value=placed.raw["name"],
        )


def _check_renames(
    placed: PlacedDataset,
    first: Mapping[str, PlacedDataset],
    renamed: Mapping[str, Path],
    faults: Faults,
) -> None:
    old, path = placed.dataset.renamed_from, (*placed.path, "renamed_from")
    if old in renamed:
        rule = f"is what {path_text(renamed[old])} is renamed from"
        faults.add(path, rule, value=old)
    if old in first and old != placed.dataset.name:
        rule = f"is declared itself, at {path_text(first[old].path)}"
        faults.add(path, rule, hint="a dataset is renamed, or it stays", value=old)
