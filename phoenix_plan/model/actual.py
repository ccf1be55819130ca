"""The state document: what a refresh saw, all of it, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.pools import IdlePool, Pool
from phoenix_plan.model.proxmox import Reference, StorageConfig
from phoenix_plan.model.sizes import Bytes

STATE_VERSION = "1.0"


@attrs.frozen(kw_only=True)
class Host:
    """Which machine this is, and what runs on it.

    `machine` is an application-specific digest of /etc/machine-id (machine-id(5): the id itself
    must not leave the host). `hostid` is what ZFS writes into labels, 8 hex digits, `00000000`
    where none is set. `zfs` and `zfs_kernel` are versions such as `2.3.9`. `pve` is empty where
    Proxmox VE is not installed. `pmxcfs` says that /etc/pve is a mounted, readable pmxcfs.
    `quorate` is None outside a cluster. `boot_pools` are the names of the pools that hold the
    running root, /boot, /usr or /var; disks of the boot chain have a `boot` user.
    """

    hostname: str
    machine: str
    hostid: str
    zfs: str
    zfs_kernel: str
    pve: str = ""
    pve_storage: str = ""
    node: str = ""
    pmxcfs: bool = False
    quorate: bool | None = None
    boot_pools: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ArcMax:
    """zfs_arc_max: `live` is the running module's value, `boot` what each modprobe file says.

    0 means ZFS's own default. `boot` is path to value, in the order modprobe reads the files.
    `file_sha256` is the digest of the file that phoenix writes, empty where there is none.
    """

    live: Bytes
    boot: Mapping[str, Bytes] = attrs.field(factory=dict)
    file_text: str = ""
    file_sha256: str = ""


DirectoryState = Literal["absent", "empty", "occupied", "mounted", "not-a-directory"]


@attrs.frozen(kw_only=True)
class Interests:
    """What a plan needs a refresh to look at more closely, from the config.

    `disks` are paths as the config names them, to be read across where nothing is recognised;
    `mountpoints` declared filesystems with their declared mountpoints (empty: it follows the
    parent), so that the folders on which they would be mounted are looked at; `directories` are
    further folders to look at.
    """

    disks: tuple[str, ...] = ()
    mountpoints: Mapping[str, str] = attrs.field(factory=dict)
    directories: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Unknown:
    """A probe that failed: what it was to tell (`source`), and what it said instead.

    Whatever rests on that source is refused. Sources: disks, samples, labels, pools, idle-pools,
    datasets, snapshots, storages, references, exports, directories, arc.
    """

    source: str
    message: str


@attrs.frozen(kw_only=True)
class Actual:
    """What is there. `taken_at` is UTC (ISO 8601); `id` is random: the same drift seen again is
    another state.

    `defaults` are dataset properties' defaults, by dataset type (filesystem, volume). `mounts` are
    mountpoint to source, of this process's namespace. `shares` are exported paths (NFS, iSCSI
    backing devices) to who exports them. `directories` are those that were asked for.
    """

    format_version: str = STATE_VERSION
    id: str
    taken_at: str
    host: Host
    disks: tuple[Disk, ...]
    pools: tuple[Pool, ...]
    idle_pools: tuple[IdlePool, ...]
    defaults: Mapping[str, Mapping[str, str]]
    datasets: tuple[Dataset, ...]
    storages: StorageConfig
    references: tuple[Reference, ...]
    mounts: Mapping[str, str]
    shares: Mapping[str, str]
    directories: Mapping[str, DirectoryState]
    arc_max: ArcMax
    unknown: tuple[Unknown, ...] = ()
