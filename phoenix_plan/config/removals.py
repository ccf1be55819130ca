"""`zfs.removed`: what shall be gone, and that nothing of it is wanted at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_plan.config.datasets import PlacedDataset
from phoenix_plan.config.faults import Faults
from phoenix_plan.config.names import dataset_name_fault
from phoenix_plan.config.pools import PlacedPool
from phoenix_plan.config.source import Entry, Source
from phoenix_plan.config.storages import PlacedStorage
from phoenix_plan.documents import path_text
from phoenix_plan.model.desired import Removed, RemovedDataset, RemovedPool
from phoenix_plan.model.sizes import Guid
from phoenix_plan.places import Path

_GUIDS = 1 << 64


def build_removals(
    source: Source,
    pools: Sequence[PlacedPool],
    datasets: Sequence[PlacedDataset],
    storages: Sequence[PlacedStorage],
    faults: Faults,
) -> Removed:
    """The declared removals; contradictions with what is declared are recorded."""
    gone_pools = _pools(source, {one.pool.name: one for one in pools}, faults)
    gone_datasets = _datasets(source, gone_pools, datasets, faults)
    return Removed(
        pools=tuple(gone_pools.values()),
        datasets=gone_datasets,
        storages=_storages(source, {one.storage.id: one for one in storages}, faults),
    )


def _pools(
    source: Source, declared: Mapping[str, PlacedPool], faults: Faults
) -> dict[str, RemovedPool]:
    found: dict[str, RemovedPool] = {}
    for entry in source.entries("zfs", "removed", "pools"):
        name: str = entry.raw["name"]
        place: Path = (*entry.path, "name")
        _check_guid(entry, faults)
        if "/" in name:
            faults.add(place, "is a dataset, not a pool", hint="use removed.datasets", value=name)
        if name == "local":
            hint = "it comes back with PVE's defaults at the next write; disable it instead"
            faults.add(place, "can't be removed: PVE always has it", hint=hint, value=name)
        if name in found:
            faults.add(place, "is removed twice", value=name)
        if name in declared:
            wanted = declared[name]
            rule = _wanted(wanted.path, is_protected=wanted.pool.protected)
            faults.add(place, rule, value=name)
        found[name] = RemovedPool(name=name, guid=Guid(entry.raw["guid"]))
    return found


def _datasets(
    source: Source,
    gone_pools: Mapping[str, RemovedPool],
    declared: Sequence[PlacedDataset],
    faults: Faults,
) -> tuple[RemovedDataset, ...]:
    found: dict[str, RemovedDataset] = {}
    wanted: dict[str, PlacedDataset] = {}
    for one in declared:
        # A dataset needs its ancestors: each stands for the first that is declared below it.
        parts = one.dataset.name.split("/")
        for length in range(2, len(parts) + 1):
            wanted.setdefault("/".join(parts[:length]), one)
        wanted[one.dataset.name] = one
    sources = {one.dataset.renamed_from: one for one in declared if one.dataset.renamed_from}
    for entry in source.entries("zfs", "removed", "datasets"):
        name: str = entry.raw["name"]
        place: Path = (*entry.path, "name")
        _check_guid(entry, faults)
        if "/" not in name:
            hint = "use removed.pools, or write the dataset's full name"
            faults.add(place, "is a pool, not a dataset", hint=hint, value=name)
        elif rule := dataset_name_fault(name):
            faults.add(place, rule, value=name)
        if name in found:
            faults.add(place, "is removed twice", value=name)
        if name.partition("/")[0] in gone_pools:
            faults.add(place, "is removed twice: its pool is removed as well", value=name)
        if name in wanted:
            one = wanted[name]
            rule = _wanted(one.path, is_protected=one.dataset.protected)
            if one.dataset.name != name:
                rule = f"{one.dataset.name} below it {rule}"
            faults.add(place, rule, value=name)
        recursive = entry.raw.get("recursive", False)
        for origin, one in sources.items():
            if origin == name or (recursive and origin.startswith(f"{name}/")):
                rule = f"takes along what {path_text(one.path)} is renamed from"
                faults.add(place, rule, value=name)
        found[name] = RemovedDataset(
            name=name,
            guid=Guid(entry.raw["guid"]),
            recursive=entry.raw.get("recursive", False),
        )
    return tuple(found.values())


def _storages(
    source: Source, declared: Mapping[str, PlacedStorage], faults: Faults
) -> tuple[str, ...]:
    found: list[str] = []
    listed = source.get("zfs", "removed", "storages")
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        place: Path = ("zfs", "removed", "storages", index)
        if not isinstance(name, str):
            continue  # the schema has said so
        if name in found:
            faults.add(place, "is removed twice", value=name)
        if name in declared:
            wanted = declared[name]
            rule = _wanted(wanted.path, is_protected=wanted.storage.protected)
            faults.add(place, rule, value=name)
        found.append(name)
    return tuple(found)


def _check_guid(entry: Entry, faults: Faults) -> None:
    guid: str = entry.raw["guid"]
    if int(guid) >= _GUIDS:
        faults.add((*entry.path, "guid"), "is no GUID: it has more than 64 bits", value=guid)


def _wanted(path: Path, *, is_protected: bool) -> str:
    protected = " and protected" if is_protected else ""
    return f"is declared{protected} as well, at {path_text(path)}: wanted, or gone?"
