"""Probes and a host make actual: everything that a plan rests on, at one moment.

Two stages: what depends on nothing is asked at the same time; what depends on it follows as soon
as it can. The number of processes does not grow with the host (at most 13).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import attrs

from phoenix_plan.commands import Read
from phoenix_plan.errors import HostError, ProbeError, StateError
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.hosts.questions import Questions
from phoenix_plan.model.actual import Actual, ArcMax, Host, Interests, Unknown
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import Disk, Identity, User
from phoenix_plan.model.mountpoints import new_directories
from phoenix_plan.model.pools import IdlePool, Pool
from phoenix_plan.model.proxmox import Reference, StorageConfig
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.probes import (
    arc,
    exports,
    host,
    pci_mapping,
    references,
    storage_cfg,
    tables,
    volumes,
    zfs_datasets,
    zfs_version,
    zpool_get,
    zpool_import,
    zvols,
)
from phoenix_plan.probes.devices import Devices
from phoenix_plan.probes.disks import assemble_disks, content_of, legs
from phoenix_plan.probes.identity import identify_all
from phoenix_plan.probes.idle_pools import idle_pools
from phoenix_plan.probes.inspection import SOURCE as INSPECT
from phoenix_plan.probes.inspection import Inspection, inspection_read, parse_inspection
from phoenix_plan.probes.links import LINKS, aliases_by_device
from phoenix_plan.probes.lsblk import LSBLK, BlockDevice, parse_lsblk
from phoenix_plan.probes.lsblk import zvols as zvol_devices
from phoenix_plan.probes.usage import (
    Sightings,
    boot_pools,
    pool_disks,
    users_by_disk,
    users_by_zvol,
)
from phoenix_plan.probes.zpool_status import (
    STATUS_GUIDS,
    STATUS_JSON,
    STATUS_TEXT,
    PoolStatus,
    TextNeeded,
    assemble_pools,
)
from phoenix_plan.probes.zpool_status_json import parse_status_json
from phoenix_plan.probes.zpool_status_text import parse_status_text

_NOTHING_MORE = Interests()

FIRST: Mapping[str, Read] = {
    # The slowest first: `zpool import` opens every disk.
    "zpool-import": zpool_import.IMPORT,
    "lsblk": LSBLK,
    "zpool-status-json": STATUS_JSON,
    "zfs-list": zfs_datasets.LISTING,
    "zfs-get-set": zfs_datasets.SET_HERE,
    "zfs-list-snapshots": zfs_datasets.SNAPSHOTS,
    "zpool-get": zpool_get.POOL_PROPERTIES,
    "zfs-version": zfs_version.VERSION,
    "dpkg": host.PACKAGES,
    "pvs": volumes.PVS,
    "dev-links": LINKS,
    "machine-id": host.MACHINE_ID,
    "hostname": host.HOSTNAME,
    "hostid": host.HOSTID,
    "spl-hostid": host.SPL_HOSTID,
    "mounts": tables.MOUNTS,
    "swaps": tables.SWAPS,
    "fstab": tables.FSTAB,
    "crypttab": tables.CRYPTTAB,
    "mdstat": volumes.MDSTAT,
    "members": host.MEMBERS,
    "storage-cfg": storage_cfg.STORAGE_CFG,
    "qemu-configs": references.QEMU_CONFIGS,
    "lxc-configs": references.LXC_CONFIGS,
    "pci-mapping": pci_mapping.PCI_CFG,
    "jobs": references.JOBS_CFG,
    "vzdump": references.VZDUMP_CONF,
    "arc-live": arc.ARC_LIVE,
    "modprobe": arc.MODPROBE,
    "exports": exports.EXPORTS,
    "exports-d": exports.EXPORTS_D,
    "etab": exports.ETAB,
    "iscsi": exports.ISCSI,
}
"""Probes that depend on nothing, by name. After them come `zpool-status-text` and
`zpool-status-guids` where the JSON is no answer, and `inspect`."""

_T = TypeVar("_T")
Defaults = Mapping[str, Mapping[str, str]]


def _new_id() -> str:
    return secrets.token_hex(16)


def _now() -> datetime:
    return datetime.now(UTC)


def refresh(
    host: ReadableHost,
    interests: Interests = _NOTHING_MORE,
    *,
    progress: Callable[[str], None] | None = None,
    now: Callable[[], datetime] = _now,
    new_id: Callable[[], str] = _new_id,
) -> Actual:
    """What is there now; the same answers give the same state, but for its id and time.

    `progress` is told each probe's name as it starts, from several threads, one at a time. A probe
    that fails leaves an `Unknown`. Raises StateError or ProbeError where nothing can be planned:
    no identity, an unreadable device list, no ZFS, no pmxcfs on a host with Proxmox VE.
    """
    taken_at = now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with Questions(host, progress or (lambda _probe: None)) as asked:
        for probe, read in FIRST.items():
            asked.ask(probe, read)
        return _Refresh(asked, interests).actual(new_id(), taken_at)


class _Refresh:
    """One refresh: what is parsed, and what could not be known."""

    def __init__(self, asked: Questions, interests: Interests) -> None:
        self._asked = asked
        self._interests = interests
        self._unknown: list[Unknown] = []

    def actual(self, new_id: str, taken_at: str) -> Actual:
        """The state, assembled. Raises StateError, ProbeError."""
        asked = self._asked
        trees, aliases = self._devices()
        devices = Devices(trees, aliases)
        identities = identify_all(devices.whole, trees)
        no_pools: tuple[Pool, ...] = ()
        no_references: tuple[Reference, ...] = ()
        no_idle_pools: tuple[IdlePool, ...] = ()
        pools = self._or("pools", self._pools, no_pools)
        nothing: tuple[()] = ()
        no_datasets: tuple[Defaults, tuple[Dataset, ...]] = ({}, ())
        defaults, found = self._or("datasets", self._datasets, no_datasets)
        inspection = self._inspect(devices, identities, pools, self._directories(found))
        mounts = self._must(lambda: tables.parse_mounts(asked.content("mounts")))
        this = self._host(mounts)
        storages = self._or(
            "storages",
            lambda: storage_cfg.parse_storage_cfg(
                asked.content("storage-cfg"), storage_cfg.STORAGE_CFG.path
            ),
            StorageConfig(digest="", storages=()),
        )
        named_by = self._or(
            "references", lambda: self._references(this.node, storages), no_references
        )
        shares: Mapping[str, str] = self._or("exports", self._shares, {})
        contents = {path: content_of(disk) for path, disk in inspection.disks.items()}
        seen = Sightings(
            mounts=mounts,
            namespaces=inspection.mounts,
            opened=inspection.opened,
            swaps=self._or("disks", lambda: tables.parse_swaps(asked.content("swaps")), nothing),
            physical_volumes=self._or(
                "disks", lambda: volumes.parse_pvs(asked.output("pvs")), nothing
            ),
            arrays=self._or(
                "disks", lambda: volumes.parse_mdstat(asked.content("mdstat")), nothing
            ),
            fstab=self._or("disks", lambda: tables.parse_fstab(asked.content("fstab")), nothing),
            crypttab=self._or(
                "disks", lambda: tables.parse_crypttab(asked.content("crypttab")), nothing
            ),
            contents=contents,
            pools=pools,
            references=named_by,
            shares=shares,
            node=this.node,
        )
        links = zvols.with_zvol_links(aliases, inspection.zvols)
        users: Mapping[str, tuple[User, ...]] = self._or(
            "disks", lambda: users_by_disk(Devices(trees, links), seen), {}
        )
        zvol_users: Mapping[str, tuple[User, ...]] = self._or(
            "disks", lambda: users_by_zvol(Devices(trees, links, zvol_devices), seen), {}
        )
        self._or("datasets", lambda: zvols.check_named(inspection.zvols, zvol_users), None)
        found = zvols.with_users(found, inspection.zvols, zvol_users)
        disks = assemble_disks(
            devices,
            aliases=aliases,
            identities=identities,
            inspections=inspection.disks,
            users=users,
            unknown=tuple(u.message for u in self._unknown if u.source == "disks"),
        )
        return Actual(
            id=new_id,
            taken_at=taken_at,
            host=this,
            disks=disks,
            pools=pools,
            idle_pools=self._or("idle-pools", lambda: self._idle(disks, pools), no_idle_pools),
            defaults=defaults,
            datasets=_with_mounts(found, inspection, mounts),
            storages=storages,
            references=named_by,
            mounts=tables.mounts_by_target(mounts),
            shares=shares,
            directories=dict(sorted(inspection.directories.items())),
            arc_max=self._or("arc", self._arc, ArcMax(live=Bytes(0))),
            unknown=tuple(sorted(set(self._unknown), key=lambda u: (u.source, u.message))),
        )

    def _or(self, source: str, learn: Callable[[], _T], otherwise: _T) -> _T:
        """What is learnt, or `otherwise`, with a note that it is unknown."""
        try:
            return learn()
        except (ProbeError, HostError) as error:
            self._unknown.append(Unknown(source=source, message=error.message))
            return otherwise

    def _must(self, learn: Callable[[], _T]) -> _T:
        """What is learnt. Raises StateError where the host fails: there is no plan without it."""
        try:
            return learn()
        except HostError as error:
            raise StateError(
                f"{error.message}\nNothing can be planned for this host without it.",
                hint=error.hint,
            ) from error

    def _devices(self) -> tuple[tuple[BlockDevice, ...], Mapping[str, tuple[str, ...]]]:
        asked = self._asked
        trees = self._must(lambda: parse_lsblk(asked.output("lsblk")))
        return trees, aliases_by_device(self._must(lambda: asked.paths("dev-links")))

    def _host(self, mounts: tuple[tables.MountEntry, ...]) -> Host:
        asked = self._asked
        machine = self._must(lambda: host.machine_digest(asked.content("machine-id")))
        hostname = self._must(lambda: host.parse_hostname(asked.content("hostname")))
        hostid = self._must(
            lambda: host.parse_hostid(asked.content("spl-hostid"), asked.content("hostid"))
        )
        tools, module = self._must(lambda: zfs_version.parse_versions(asked.output("zfs-version")))
        pve, pve_storage = self._must(lambda: host.parse_packages(asked.output("dpkg")))
        pmxcfs = host.has_pmxcfs(mounts)
        if pve and not pmxcfs:
            raise StateError(
                "Proxmox VE is installed, and /etc/pve is no mounted pmxcfs: guests and storages "
                "can't be seen, and not seen is not absent",
                hint="start it with `systemctl start pve-cluster`",
            )
        member = self._must(lambda: host.parse_members(asked.content("members"), hostname))
        return Host(
            hostname=hostname,
            machine=machine,
            hostid=hostid,
            zfs=tools,
            zfs_kernel=module,
            pve=pve,
            pve_storage=pve_storage,
            node=member.node if pve else "",
            pmxcfs=pmxcfs,
            quorate=member.quorate,
            boot_pools=boot_pools(mounts),
        )

    def _pools(self) -> tuple[Pool, ...]:
        return assemble_pools(
            self._status(), zpool_get.parse_pool_properties(self._asked.output("zpool-get"))
        )

    def _status(self) -> tuple[PoolStatus, ...]:
        asked = self._asked
        try:
            return parse_status_json(asked.output("zpool-status-json"))
        except TextNeeded:
            asked.ask("zpool-status-text", STATUS_TEXT)
            asked.ask("zpool-status-guids", STATUS_GUIDS)
            return parse_status_text(
                asked.output("zpool-status-text"), asked.output("zpool-status-guids")
            )

    def _inspect(
        self,
        devices: Devices,
        identities: Mapping[str, Identity | None],
        pools: tuple[Pool, ...],
        directories: tuple[str, ...],
    ) -> Inspection:
        """Look at all disks' bytes; across those that the config names and no pool has open."""
        asked = self._asked
        skipped = legs(devices)
        busy = pool_disks(devices, pools)
        named = {disk for path in self._interests.disks for disk in devices.disks(path)}
        read = inspection_read(
            [disk.kname for disk in devices.whole if disk.kname not in skipped],
            [
                (path, str(identities[path]))
                for path in sorted(named - skipped - set(busy))
                if identities[path] is not None
            ],
            directories,
        )
        asked.ask(INSPECT, read)
        try:
            inspection = parse_inspection(asked.output(INSPECT), read)
        except (ProbeError, HostError) as error:
            self._unknown += [
                Unknown(source=source, message=error.message)
                for source in ("disks", "samples", "labels", "directories")
            ]
            return Inspection(disks={}, mounts=(), opened=(), directories={}, zvols={}, unknown=())
        self._unknown += inspection.unknown
        return inspection

    def _directories(self, datasets: Iterable[Dataset]) -> tuple[str, ...]:
        """The folders on which what is declared would newly be mounted, and those asked for."""
        there = {dataset.name: dataset.mountpoint for dataset in datasets}
        new = new_directories(self._interests.mountpoints, there.get)
        return tuple(dict.fromkeys((*new, *self._interests.directories)))

    def _references(self, node: str, storages: StorageConfig) -> tuple[Reference, ...]:
        asked = self._asked
        mapped = pci_mapping.parse_pci_mapping(asked.content("pci-mapping"))
        found = (
            *references.parse_guests(asked.files("qemu-configs"), mapped),
            *references.parse_guests(asked.files("lxc-configs")),
            *references.parse_jobs(asked.content("jobs"), references.JOBS_CFG.path),
            *references.parse_vzdump(asked.content("vzdump"), references.VZDUMP_CONF.path, node),
            *references.base_references(storages),
        )
        return tuple(sorted(found, key=attrs.astuple))

    def _shares(self) -> Mapping[str, str]:
        asked = self._asked
        return exports.merge_exports(
            exports.parse_exports(asked.content("exports"), exports.EXPORTS.path),
            *(exports.parse_exports(data, path) for path, data in asked.files("exports-d")),
            exports.parse_exports(asked.content("etab"), exports.ETAB.path),
            exports.parse_iscsi(asked.files("iscsi")),
        )

    def _arc(self) -> ArcMax:
        return arc.parse_arc_max(self._asked.content("arc-live"), self._asked.files("modprobe"))

    def _idle(self, disks: tuple[Disk, ...], pools: tuple[Pool, ...]) -> tuple[IdlePool, ...]:
        if any(unknown.source == "pools" for unknown in self._unknown):
            raise ProbeError("which pools are imported is not known", source="zpool import")
        listed = zpool_import.parse_import(self._asked.output("zpool-import"))
        return idle_pools(disks, listed, {pool.guid for pool in pools})

    def _datasets(self) -> tuple[Defaults, tuple[Dataset, ...]]:
        return zfs_datasets.parse_datasets(
            self._asked.output("zfs-list"),
            self._asked.output("zfs-get-set"),
            self._asked.output("zfs-list-snapshots"),
        )


def _with_mounts(
    datasets: Iterable[Dataset], inspection: Inspection, mounts: Iterable[tables.MountEntry]
) -> tuple[Dataset, ...]:
    """Datasets with where they are mounted, in this mount namespace and in all others."""
    mounted: dict[str, set[str]] = {}
    for entry in mounts:
        if entry.fstype == "zfs":
            mounted.setdefault(entry.source, set()).add(entry.target)
    for mount in inspection.mounts:
        if mount.fstype == "zfs":
            mounted.setdefault(mount.source, set()).add(mount.mountpoint)
    return tuple(
        attrs.evolve(dataset, mounts=tuple(sorted(mounted[dataset.name])))
        if dataset.name in mounted
        else dataset
        for dataset in datasets
    )
