"""Lookups over one actual state, each built when it is first asked for.

Nothing here decides; it answers "who is that" and "what stands on it" in constant time, so that
plans of 10,000 datasets and 1,000 disks stay linear.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

import attrs

from phoenix_plan.model.actual import Actual
from phoenix_plan.model.datasets import Dataset, retired_name, within
from phoenix_plan.model.disks import Disk, Partition, holds_another
from phoenix_plan.model.pools import CLOSED, GONE, IdlePool, Pool, Vdev
from phoenix_plan.model.proxmox import Reference, Storage
from phoenix_plan.model.storage_semantics import nodes_of, volume_dataset

BESIDE = 16 << 20
"""Bytes of a whole disk that are not ZFS's data, at most: 1 MiB before, 8 after, and alignment."""


@attrs.frozen(kw_only=True)
class Device:
    """A disk, or one partition of it."""

    disk: Disk
    partition: Partition | None = None


class Index:
    """One actual state, looked up. Keep one per state: it remembers."""

    def __init__(self, actual: Actual) -> None:
        self.actual = actual

    @cached_property
    def _devices(self) -> Mapping[str, tuple[Device, ...]]:
        found: dict[str, list[Device]] = defaultdict(list)
        for disk in self.actual.disks:
            whole = Device(disk=disk)
            for path in {disk.path, *disk.aliases}:
                found[path].append(whole)
            for partition in disk.partitions:
                part = Device(disk=disk, partition=partition)
                for path in {partition.path, *partition.aliases} - {""}:
                    found[path].append(part)
        return {path: tuple(devices) for path, devices in found.items()}

    def devices(self, path: str) -> tuple[Device, ...]:
        """What a path leads to: nothing, one device, or several where it is ambiguous."""
        return self._devices.get(path, ())

    def device(self, path: str) -> Device | None:
        """The one device that a path leads to, None where there is none or more than one."""
        devices = self.devices(path)
        return devices[0] if len(devices) == 1 else None

    @cached_property
    def twins(self) -> frozenset[str]:
        """Identities that more than one disk answers with, as text.

        The legs of a multipath device have a `multipath` user and do not count: it is the disk.
        """
        seen: set[str] = set()
        twice: set[str] = set()
        for disk in self.actual.disks:
            leg = any(user.kind == "multipath" for user in disk.users)
            if disk.identity is not None and not leg:
                key = str(disk.identity)
                (twice if key in seen else seen).add(key)
        return frozenset(twice)

    @cached_property
    def pools(self) -> Mapping[str, Pool]:
        """Imported pools by name."""
        return {pool.name: pool for pool in self.actual.pools}

    @cached_property
    def pools_by_guid(self) -> Mapping[str, Pool]:
        """Imported pools by GUID."""
        return {pool.guid: pool for pool in self.actual.pools}

    @cached_property
    def idle_pools(self) -> Mapping[str, tuple[IdlePool, ...]]:
        """Pools that are not imported, by name: several may share one."""
        found: dict[str, tuple[IdlePool, ...]] = {}
        for pool in self.actual.idle_pools:
            found[pool.name] = (*found.get(pool.name, ()), pool)
        return found

    @cached_property
    def _idle_by_disk(self) -> Mapping[str, tuple[IdlePool, ...]]:
        found: dict[str, tuple[IdlePool, ...]] = {}
        for pool in self.actual.idle_pools:
            for path in pool.disks:
                found[path] = (*found.get(path, ()), pool)
        return found

    def idle_pools_on(self, disk: Disk) -> tuple[IdlePool, ...]:
        """Pools that are not imported and have labels on this disk."""
        return self._idle_by_disk.get(disk.path, ())

    @cached_property
    def _pools_by_disk(self) -> Mapping[str, tuple[Pool, ...]]:
        found: dict[str, tuple[Pool, ...]] = {}
        for disk in self.actual.disks:
            guids = {user.subject for user in disk.users if user.kind == "pool"}
            pools = tuple(
                self.pools_by_guid[guid] for guid in sorted(guids & set(self.pools_by_guid))
            )
            if pools:
                found[disk.path] = pools
        return found

    def pools_on(self, disk: Disk) -> tuple[Pool, ...]:
        """Imported pools that have this disk, offline members too."""
        return self._pools_by_disk.get(disk.path, ())

    def leaf_disk(self, leaf: Vdev) -> Disk | None:
        """The disk behind a leaf vdev. One that ZFS does not have open has the path of the past,
        where another disk may be by now: its label finds it. The path of one that was taken offline
        or failed is trusted only where nothing else is known to be there."""
        if leaf.state in GONE:
            return self._disk_by_vdev.get(leaf.guid)
        device = self.device(leaf.path) if leaf.path else None
        there = device.disk if device is not None else None
        if leaf.state in CLOSED:
            if leaf.guid in self._disk_by_vdev:
                return self._disk_by_vdev[leaf.guid]
            if there is not None and holds_another(leaf.guid, there.signatures, there.labels):
                return None
        return there or self._disk_by_vdev.get(leaf.guid)

    def whole_size(self, leaf: Vdev) -> int | None:
        """How large a whole disk is that has as much room as a leaf, in bytes. None where its disk
        is not there.

        ZFS puts a whole disk's data on a partition that takes most of it (zpool-create(8)).
        """
        disk = self.leaf_disk(leaf)
        if disk is None:
            return None
        device = self.device(leaf.path)
        part = device.partition if device is not None and device.disk == disk else None
        return disk.size if part is None else min(disk.size, part.size + BESIDE)

    @cached_property
    def _disk_by_vdev(self) -> Mapping[str, Disk]:
        return {label.guid: disk for disk in self.actual.disks for label in disk.labels}

    def label_twins(self, pool: str) -> tuple[str, ...]:
        """Kernel paths of disks that carry a vdev GUID of that pool which another disk carries."""
        found: dict[str, set[str]] = defaultdict(set)
        for disk in self.actual.disks:
            for label in disk.labels:
                if label.pool_guid == pool:
                    found[label.guid].add(disk.path)
        return tuple(sorted({path for paths in found.values() if len(paths) > 1 for path in paths}))

    @cached_property
    def ashifts(self) -> Mapping[str, int]:
        """The ashift of top-level vdevs by GUID, as the labels of their members have it."""
        return {
            label.top_guid: label.ashift
            for disk in self.actual.disks
            for label in disk.labels
            if label.top_guid and label.ashift is not None
        }

    @cached_property
    def datasets(self) -> Mapping[str, Dataset]:
        """Datasets by name."""
        return {dataset.name: dataset for dataset in self.actual.datasets}

    @cached_property
    def _names(self) -> list[str]:
        # '/' sorts before every other character that a name may hold, once replaced by \0.
        return sorted(name.replace("/", "\0") for name in self.datasets)

    def descendants(self, name: str) -> Iterator[Dataset]:
        """All datasets below `name`, parents before children."""
        prefix = name.replace("/", "\0") + "\0"
        for at in range(bisect_left(self._names, prefix), len(self._names)):
            if not self._names[at].startswith(prefix):
                return
            yield self.datasets[self._names[at].replace("\0", "/")]

    def family(self, name: str) -> tuple[Dataset, ...]:
        """The dataset itself, where it is there, and all below it, parents before children."""
        own = self.datasets.get(name)
        return (*((own,) if own is not None else ()), *self.descendants(name))

    def children(self, name: str) -> Iterator[Dataset]:
        """Datasets right below `name`."""
        depth = name.count("/") + 1
        return (dataset for dataset in self.descendants(name) if dataset.name.count("/") == depth)

    @cached_property
    def clones(self) -> Mapping[str, tuple[Dataset, ...]]:
        """Clones by the dataset that their snapshot belongs to."""
        found: dict[str, tuple[Dataset, ...]] = {}
        for dataset in self.actual.datasets:
            if dataset.clone_of:
                origin = dataset.clone_of.partition("@")[0]
                found[origin] = (*found.get(origin, ()), dataset)
        return found

    @cached_property
    def storages(self) -> Mapping[str, Storage]:
        """Sections of storage.cfg by id."""
        return {storage.id: storage for storage in self.actual.storages.storages}

    @cached_property
    def aside(self) -> Mapping[tuple[str, str], Dataset]:
        """Datasets that were put aside, to be kept for a while, by pool and GUID. Their name tells,
        and no mark: a run may have broken off before it set that, one that was renamed back is in
        use again, and a pool that was split off has the same GUIDs (zpool-split(8))."""
        return {(one.pool, one.guid): one for one in self.actual.datasets if self.is_aside(one)}

    def is_aside(self, dataset: Dataset) -> bool:
        """Whether a dataset was put aside itself."""
        return dataset.name.rpartition("/")[2] == retired_name(dataset.guid)

    @cached_property
    def by_mountpoint(self) -> Mapping[str, Dataset]:
        """Datasets by the path they mount on; of several, the one that is mounted there."""
        found: dict[str, Dataset] = {}
        for dataset in sorted(self.actual.datasets, key=lambda one: (one.mounted, one.name)):
            unmounted = not dataset.mounted and not dataset.mounts
            if unmounted and any(within(dataset.name, one.name) for one in self.aside.values()):
                continue  # put aside: its mountpoint is free for others
            for at in (dataset.mountpoint, *dataset.mounts):
                if at.startswith("/"):
                    found[at] = dataset
        return found

    def dataset_at(self, path: str) -> Dataset | None:
        """The dataset whose mountpoint a path is on, the deepest one."""
        at = path.rstrip("/") or "/"
        while at:
            dataset = self.by_mountpoint.get(at)
            if dataset is not None:
                return dataset
            if at == "/":
                return None
            at = at.rpartition("/")[0] or "/"
        return None

    def storage_dataset(self, storage: Storage) -> str:
        """The name of the dataset that a storage lives on, empty where it is on none."""
        if storage.type == "zfspool":
            return storage.properties.get("pool", "")
        path = storage.properties.get("path", "")
        dataset = self.dataset_at(path) if path.startswith("/") else None
        return dataset.name if dataset is not None else ""

    @cached_property
    def _storages_below(self) -> Mapping[str, tuple[Storage, ...]]:
        """By dataset, the storages on it and below it: each stands under all its ancestors."""
        found: dict[str, list[Storage]] = defaultdict(list)
        node = self.actual.host.node
        for storage in sorted(self.actual.storages.storages, key=lambda one: one.id):
            nodes = nodes_of(storage)
            if nodes is not None and node not in nodes:
                continue  # a pool of that name on other nodes is another pool
            name = self.storage_dataset(storage)
            while name:
                found[name].append(storage)
                name = name.rpartition("/")[0]
        return {name: tuple(storages) for name, storages in found.items()}

    def storages_on(self, dataset: str) -> tuple[Storage, ...]:
        """Storages that live on a dataset or on one below it, by id."""
        return self._storages_below.get(dataset, ())

    @cached_property
    def references(self) -> Mapping[str, tuple[Reference, ...]]:
        """Who refers to a storage, by its id; passed-through paths stand under the empty id."""
        found: dict[str, list[Reference]] = defaultdict(list)
        for reference in self.actual.references:
            found[reference.storage].append(reference)
        return {storage: tuple(references) for storage, references in found.items()}

    @cached_property
    def _references_by_dataset(self) -> Mapping[str, tuple[Reference, ...]]:
        found: dict[str, tuple[Reference, ...]] = {}
        for reference in self.actual.references:
            storage = self.storages.get(reference.storage)
            name = volume_dataset(reference, storage) if storage is not None else None
            if name:
                found[name] = (*found.get(name, ()), reference)
        return found

    def references_to(self, dataset: str) -> tuple[Reference, ...]:
        """Who refers to the guest volume that this dataset is."""
        return self._references_by_dataset.get(dataset, ())

    def dataset_behind(self, path: str) -> str:
        """The dataset that a path leads to: a zvol by its link, a file by its mountpoint."""
        if path.startswith("/dev/zvol/"):
            name = path.removeprefix("/dev/zvol/")
            return name if name in self.datasets else name.rpartition("-part")[0]
        found = self.dataset_at(path)
        return found.name if found is not None else ""

    @cached_property
    def _shares_by_dataset(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for path, who in self.actual.shares.items():
            name = self.dataset_behind(path)
            if name:
                found[name] = (*found.get(name, ()), (path, who))
        return found

    def shares_on(self, dataset: str) -> tuple[tuple[str, str], ...]:
        """(path, who) of what is exported from a dataset, or of the zvol itself."""
        return self._shares_by_dataset.get(dataset, ())

    @cached_property
    def _paths_by_dataset(self) -> Mapping[str, tuple[Reference, ...]]:
        found: dict[str, tuple[Reference, ...]] = {}
        for reference in self.references.get("", ()):
            name = self.dataset_behind(reference.volume)
            if name:
                found[name] = (*found.get(name, ()), reference)
        return found

    def paths_into(self, dataset: str) -> tuple[Reference, ...]:
        """Guests that get a dataset by its path: a bind mount, a zvol passed through."""
        return self._paths_by_dataset.get(dataset, ())

    def unknown(self, *sources: str) -> str:
        """Why one of these sources is unknown, empty where all are known."""
        for unknown in self.actual.unknown:
            if unknown.source in sources:
                return f"{unknown.source}: {unknown.message}"
        return ""
