"""What a destructive action would cost: pure, over one index of the actual state.

Evidence is a ceiling (docs/explanation/safety-model): consent is to losing at most this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from phoenix_plan.actions import (
    Action,
    CreateCheckpoint,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    ImportPool,
    RemoveStorage,
    RenameDataset,
    RetireDataset,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    VdevAction,
    WipeDisk,
)
from phoenix_plan.model.datasets import Dataset, effective
from phoenix_plan.model.index import Index
from phoenix_plan.model.proxmox import Reference, Storage
from phoenix_plan.model.sizes import Bytes


@attrs.frozen(kw_only=True)
class Evidence:
    """What would be lost, or who would notice.

    `used` is in bytes, None where nothing is lost or nobody can tell. `guests` and `jobs` name who
    refers to a storage and where. `price` is what can't be done afterwards. `unknown` says what
    could not be found out: it is consented to as unknown.
    """

    used: Bytes | None = None
    datasets: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    clones: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    price: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all stands in the way."""
        return self == Evidence()


CHECKPOINT_PRICE = (
    "while it stands, ZFS can neither remove, attach, detach nor replace a disk, nor use a spare",
    "space that is freed stays taken",
    "a rewind to it loses all that was written since",
)
"""What a checkpoint costs (zpool-checkpoint(8), zpoolconcepts(7))."""


SNAPSHOT_PRICE = (
    "what is overwritten or freed from then on stays taken",
    "zfs rollback goes back to an older snapshot only once this one is destroyed",
)
"""What a snapshot costs (zfsconcepts(7), zfs-rollback(8))."""


def evidence(action: Action, index: Index) -> Evidence:
    """What `action` would cost on this state; empty for one that costs nothing."""
    match action:
        case DestroyPool(pool=name):
            pool = index.pools.get(name)
            found = _of_datasets(index.family(name), index, index.storages_on(name))
            return attrs.evolve(found, used=pool.allocated if pool is not None else None)
        case DestroyDataset(dataset=name):
            own = index.datasets.get(name)
            storages = tuple(
                storage
                for storage in index.storages_on(name)
                if index.storage_dataset(storage) == name
            )
            # A child is an action of its own, so what it uses is that action's cost.
            found = _of_datasets([own] if own is not None else [], index, storages)
            used = None if own is None else Bytes(own.referenced + own.used_by_snapshots)
            return attrs.evolve(found, used=used, datasets=())
        case RenameDataset(dataset=name) | SetDatasetProperties(dataset=name):
            found = _of_datasets(index.family(name), index, index.storages_on(name))
            return attrs.evolve(found, datasets=(), snapshots=(), clones=(), holds=())
        case RetireDataset(dataset=name):
            found = _of_datasets(index.family(name), index, index.storages_on(name))
            return attrs.evolve(found, snapshots=(), clones=(), holds=())
        case SnapshotDataset():
            return Evidence(price=SNAPSHOT_PRICE)
        case RemoveStorage(storage=storage) | DisableStorage(storage=storage):
            return _of_storages(_one(index, storage), index)
        case UpdateStorage(storage=storage):
            return _of_storages(_one(index, storage), index)
        case WipeDisk(disk=path, contents=contents):
            return _of_disk(path, contents, index)
        case CreateCheckpoint():
            return Evidence(price=CHECKPOINT_PRICE)
        case ImportPool(pool=name, ours=ours, last_hostname=hostname, last_hostid=hostid):
            if ours:
                return Evidence()
            return Evidence(unknown=(f"whether {hostname} ({hostid}) still counts on pool {name}",))
        case _:
            return Evidence()


def sources(action: Action) -> tuple[str, ...]:
    """The probes without which the evidence of an action is not whole: names of sources of
    `Unknown`. What a probe failed to tell can't be consented to."""
    match action:
        case DestroyPool() | DestroyDataset():
            return ("pools", "datasets", "snapshots", "storages", "references", "exports")
        case RenameDataset() | RetireDataset() | SetDatasetProperties():
            return ("pools", "datasets", "storages", "references", "exports")
        case RemoveStorage() | DisableStorage() | UpdateStorage():
            return ("storages", "references")
        case WipeDisk():
            return ("pools", "idle-pools", "labels", "disks")
        case ImportPool():
            return ("idle-pools", "labels")
        case SetPoolProperties():
            return ("pools",)
        case _ if isinstance(action, VdevAction):
            return ("pools", "labels", "disks")
        case _:
            return ()


def _one(index: Index, storage: str) -> tuple[Storage, ...]:
    found = index.storages.get(storage)
    return (found,) if found is not None else ()


def _of_disk(path: str, contents: tuple[str, ...], index: Index) -> Evidence:
    device = index.device(path)
    if device is None:
        return Evidence(contents=contents)
    pools = index.pools_on(device.disk)
    idle = index.idle_pools_on(device.disk)
    unknown = tuple(
        f"what is on pool {pool.name} ({pool.guid}, {pool.state}): "
        "its content can't be read without importing it"
        for pool in idle
    )
    held = tuple(f"member of pool {pool.name} ({pool.guid})" for pool in pools)
    residue = (device.disk.residue,) if device.disk.residue else ()
    if device.disk.emptiness == "residual":
        unknown = (*unknown, "whose data this is: no signature says so")
    return Evidence(contents=(*contents, *held, *residue), unknown=unknown)


def _of_datasets(
    datasets: Sequence[Dataset], index: Index, storages: tuple[Storage, ...]
) -> Evidence:
    names = {dataset.name for dataset in datasets}
    clones = (
        clone.name
        for dataset in datasets
        for clone in index.clones.get(dataset.name, ())
        if clone.name not in names
    )
    shares = (f"{path}: {who}" for name in names for path, who in index.shares_on(name))
    sharing = (
        f"{dataset.name} ({key}={value})"
        for dataset in datasets
        for key in ("sharenfs", "sharesmb")
        if (value := effective(dataset, key, index.actual.defaults) or "off") != "off"
    )
    found = _of_storages(storages, index)
    direct = _of_references(
        reference
        for dataset in datasets
        for reference in (*index.references_to(dataset.name), *index.paths_into(dataset.name))
    )
    return attrs.evolve(
        found,
        guests=_sorted([*found.guests, *direct.guests]),
        datasets=tuple(sorted(names)),
        snapshots=_sorted(f"{d.name}@{snapshot}" for d in datasets for snapshot in d.snapshots),
        clones=_sorted(clones),
        holds=_sorted(f"{d.name}@{snapshot}" for d in datasets for snapshot in d.holds),
        shares=_sorted([*shares, *sharing]),
    )


def _of_storages(storages: Iterable[Storage], index: Index) -> Evidence:
    return _of_references(
        reference for storage in storages for reference in index.references.get(storage.id, ())
    )


def _of_references(found: Iterable[Reference]) -> Evidence:
    references = tuple(found)
    return Evidence(
        guests=_sorted(_said(r) for r in references if _is_guest(r)),
        jobs=_sorted(_said(r) for r in references if not _is_guest(r)),
    )


def _is_guest(reference: Reference) -> bool:
    return reference.owner.startswith(("qemu/", "lxc/"))


def _said(reference: Reference) -> str:
    at = f" on {reference.node}" if reference.node else ""
    volume = f":{reference.volume}" if reference.volume else ""
    return f"{reference.owner}{at}: {reference.key} {reference.storage}{volume}"


def _sorted(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(items)))
