"""Changes to pools."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change, disk_needs
from phoenix_plan.commands import SLOW_S, Run, Write
from phoenix_plan.conditions import (
    Condition,
    DatasetAbsent,
    DatasetPresent,
    DatasetUnused,
    DiskBlank,
    DiskIs,
    DisksAlike,
    DisksDistinct,
    DiskUnpooled,
    Known,
    MountpointFree,
    PoolAbsent,
    PoolImportable,
    PoolNameFree,
    PoolNotBoot,
    PoolPresent,
    PoolUnmistakable,
    PoolWritable,
    SectorsFit,
    StorageDisabled,
    Unprotected,
)
from phoenix_plan.model.layout import Layout, create_words, disks_of, shape
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Kind


@attrs.frozen(kw_only=True)
class CreatePool:
    """Create a pool, never with -f.

    zpool-create(8): `vdevs` are by-id paths, by class; `properties` go to -o, `filesystem` to -O.
    `identities` are who the disks were when this was planned, in the order of `disks`: another
    disk behind a name makes another action.
    """

    TYPE: ClassVar[Literal["create-pool"]] = "create-pool"
    ABOUT: ClassVar[Kind] = "pool"
    pool: str
    vdevs: Layout
    identities: tuple[str, ...]
    ashift: int
    properties: Mapping[str, str] = attrs.field(factory=dict)
    filesystem: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def subject(self) -> str:
        return self.pool

    @property
    def disks(self) -> tuple[str, ...]:
        """Every disk of every class."""
        return disks_of(self.vdevs)

    @property
    def mountpoint(self) -> str:
        """Where the root filesystem will mount."""
        return self.filesystem.get("mountpoint", f"/{self.pool}")

    def needs(self) -> tuple[Condition, ...]:
        return (
            PoolAbsent(pool=self.pool),
            PoolNameFree(pool=self.pool),
            *disk_needs(self.disks),
            *(
                DiskIs(disk=disk, identity=identity)
                for disk, identity in zip_longest(self.disks, self.identities, fillvalue="")
            ),
            *(DiskUnpooled(disk=disk) for disk in self.disks),
            *(DiskBlank(disk=disk) for disk in self.disks),
            DisksDistinct(disks=self.disks),
            *(
                DisksAlike(disks=vdev.disks)
                for vdevs in self.vdevs.values()
                for vdev in vdevs
                if vdev.type != "disk"
            ),
            *(SectorsFit(disk=disk, ashift=self.ashift) for disk in self.disks),
            MountpointFree(path=self.mountpoint, dataset=self.pool),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (PoolPresent(pool=self.pool), DatasetPresent(dataset=self.pool))

    def writes(self) -> tuple[Write, ...]:
        options = [
            *("-o", f"ashift={self.ashift}"),
            *(part for item in sorted(self.properties.items()) for part in ("-o", "=".join(item))),
            *(part for item in sorted(self.filesystem.items()) for part in ("-O", "=".join(item))),
        ]
        return (Run(argv=("zpool", "create", *options, self.pool, *create_words(self.vdevs))),)

    def undo(self) -> str:
        return f"zpool destroy {self.pool}"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="vdevs", after=shape(self.vdevs)),
            *(Change(name=f"disk {number}", after=disk) for number, disk in enumerate(self.disks)),
            Change(name="ashift", after=str(self.ashift)),
            *(Change(name=name, after=value) for name, value in sorted(self.properties.items())),
            *(
                Change(name=f"{name} (root filesystem)", after=value)
                for name, value in sorted(self.filesystem.items())
            ),
        )


@attrs.frozen(kw_only=True)
class DestroyPool:
    """Destroy a pool by checked GUID, never with -f.

    `disks` are its members as far as they are known here, `datasets` all its datasets with their
    mountpoints, `storages` those that live on it, `because` says for people why nothing less
    will do.
    """

    TYPE: ClassVar[Literal["destroy-pool"]] = "destroy-pool"
    ABOUT: ClassVar[Kind] = "pool"
    pool: str
    guid: Guid
    disks: tuple[str, ...]
    datasets: Mapping[str, str] = attrs.field(factory=dict)
    storages: tuple[str, ...] = ()
    because: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.pool

    def needs(self) -> tuple[Condition, ...]:
        return (
            PoolPresent(pool=self.pool, guid=self.guid),
            PoolUnmistakable(pool=self.pool, guid=self.guid),
            PoolNotBoot(pool=self.pool),
            PoolWritable(pool=self.pool),
            Unprotected(dataset=self.pool),
            DatasetUnused(dataset=self.pool),
            Known(source="storages"),
            Known(source="references"),
            Known(source="snapshots"),
            *(StorageDisabled(storage=storage) for storage in self.storages),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            PoolAbsent(pool=self.pool),
            *(DiskUnpooled(disk=disk) for disk in self.disks),
            *(DatasetAbsent(dataset=dataset) for dataset in self.datasets),
            *(
                MountpointFree(path=mountpoint, dataset=dataset)
                for dataset, mountpoint in self.datasets.items()
                if mountpoint.startswith("/")
            ),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "destroy", self.pool), timeout_s=SLOW_S),)

    def undo(self) -> str:
        return f"zpool import -D {self.guid} (as long as its labels are not overwritten)"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="guid", before=self.guid),
            *(Change(name=f"disk {at}", before=disk) for at, disk in enumerate(self.disks)),
        )


@attrs.frozen(kw_only=True)
class ImportPool:
    """Import an exported pool by GUID, never with -f, then mount its filesystems.

    zpool-import(8): -N mounts nothing, so mounting is a step of its own. `{filesystem}` stands for
    each filesystem of the pool that mounts by itself, known once it is imported. No cachefile is
    named: the pool enters the default one, and is imported at boot.
    """

    TYPE: ClassVar[Literal["import-pool"]] = "import-pool"
    ABOUT: ClassVar[Kind] = "pool"
    pool: str
    guid: Guid
    state: Literal["active", "exported"]
    last_hostid: str
    last_hostname: str
    ours: bool
    disks: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.pool

    def needs(self) -> tuple[Condition, ...]:
        return (
            PoolAbsent(pool=self.pool),
            PoolImportable(pool=self.pool, guid=self.guid),
            *disk_needs(self.disks),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (PoolPresent(pool=self.pool), PoolPresent(pool=self.pool, guid=self.guid))

    def writes(self) -> tuple[Write, ...]:
        return (
            Run(
                argv=("zpool", "import", "-N", "-d", "/dev/disk/by-id", self.guid),
                timeout_s=SLOW_S,
            ),
            Run(argv=("zfs", "mount", "{filesystem}")),
        )

    def undo(self) -> str:
        return f"zpool export {self.pool}"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="state", before=self.state, after="imported"),
            Change(name="guid", after=self.guid),
            Change(name="last used by", before=f"{self.last_hostname} ({self.last_hostid})"),
            *(Change(name=f"disk {at}", after=disk) for at, disk in enumerate(self.disks)),
        )


@attrs.frozen(kw_only=True)
class SetPoolProperties:
    """Set properties of a pool (zpool-set(8)), one command each: zpool set takes one."""

    TYPE: ClassVar[Literal["set-pool-properties"]] = "set-pool-properties"
    ABOUT: ClassVar[Kind] = "pool"
    pool: str
    guid: Guid
    properties: tuple[Change, ...]

    @property
    def subject(self) -> str:
        return self.pool

    def needs(self) -> tuple[Condition, ...]:
        return (
            PoolPresent(pool=self.pool, guid=self.guid),
            PoolWritable(pool=self.pool),
            PoolNotBoot(pool=self.pool),
        )

    def gives(self) -> tuple[Condition, ...]:
        return ()

    def writes(self) -> tuple[Write, ...]:
        return tuple(
            Run(argv=("zpool", "set", f"{change.name}={change.after}", self.pool))
            for change in self.properties
        )

    def undo(self) -> str:
        return "; ".join(
            f"zpool set {change.name}={change.before} {self.pool}" for change in self.properties
        )

    def changes(self) -> tuple[Change, ...]:
        return self.properties
