"""What must hold, as data: a closed union, and one `unmet(condition, index)`.

Conditions are written once. The planner refuses by them, preflight checks every one that nothing
in the plan gives, and each action checks its own again right before it runs. Two conditions are
the same where they are equal, so an action that gives one is found by the one that needs it.
"""

from __future__ import annotations

from typing import assert_never

from phoenix_plan.conditions import datasets, disks, pools, shared, storages, vdevs
from phoenix_plan.conditions.kinds import (
    TAGS,
    Condition,
    DatasetAbsent,
    DatasetNotBoot,
    DatasetPresent,
    DatasetSettled,
    DatasetUnused,
    DiskBlank,
    DiskFits,
    DiskIs,
    DisksAlike,
    DisksDistinct,
    DiskSound,
    DiskUnpooled,
    DiskUnprotected,
    DiskUnused,
    FeatureReady,
    FitsUsed,
    Known,
    Member,
    MemberState,
    MountpointFree,
    NoCheckpoint,
    NoMember,
    OthersOnline,
    PoolAbsent,
    PoolImportable,
    PoolNameFree,
    PoolNotBoot,
    PoolPresent,
    PoolSettled,
    PoolUnmistakable,
    PoolWhole,
    PoolWritable,
    Quorate,
    SectorsFit,
    Snapshotted,
    StorageAbsent,
    StorageDisabled,
    StoragePresent,
    Turn,
    Uncloned,
    Unheld,
    Unmet,
    Unprotected,
    text,
)
from phoenix_plan.model.index import Index


def unmet(condition: Condition, index: Index) -> Unmet | None:
    """Why `condition` does not hold on this state, None where it does."""
    match condition:
        case Known(source=source):
            return shared.unknown(index, source)
        case DiskSound(disk=path):
            return disks.disk_sound(path, index)
        case DiskIs(disk=path, identity=identity):
            return disks.disk_is(path, identity, index)
        case DiskUnused(disk=path):
            return disks.disk_unused(path, index)
        case DiskUnpooled(disk=path):
            return disks.disk_unpooled(path, index)
        case DiskBlank(disk=path):
            return disks.disk_blank(path, index)
        case DiskUnprotected(disk=path):
            return disks.disk_unprotected(path, index)
        case DisksDistinct(disks=members):
            return disks.disks_distinct(members, index)
        case DisksAlike(disks=members):
            return disks.disks_alike(members, index)
        case PoolAbsent(pool=name):
            return pools.pool_absent(name, index)
        case PoolNameFree(pool=name):
            return pools.pool_name_free(name, index)
        case PoolPresent(pool=name, guid=guid):
            return pools.pool_present(name, guid, index)
        case PoolWritable(pool=name):
            return pools.pool_writable(name, index)
        case PoolNotBoot(pool=name):
            return pools.pool_not_boot(name, index)
        case PoolUnmistakable(pool=name, guid=guid):
            return pools.pool_unmistakable(name, guid, index)
        case PoolImportable(pool=name, guid=guid):
            return pools.pool_importable(name, guid, index)
        case PoolSettled(pool=name):
            return vdevs.pool_settled(name, index)
        case PoolWhole(pool=name, at_least=count):
            return vdevs.pool_whole(name, count, index)
        case NoCheckpoint(pool=name):
            return vdevs.no_checkpoint(name, index)
        case FeatureReady(pool=name, feature=feature):
            return vdevs.feature_ready(name, feature, index)
        case Member(pool=name, who=who):
            return vdevs.member(name, who, index)
        case NoMember(pool=name, who=who):
            return vdevs.no_member(name, who, index)
        case MemberState(pool=name, who=who, state=state):
            return vdevs.member_state(name, who, state, index)
        case OthersOnline(pool=name, who=who, at_least=count):
            return vdevs.others_online(name, who, count, index)
        case DiskFits():
            return vdevs.disk_fits(condition, index)
        case SectorsFit(disk=path, ashift=ashift):
            return vdevs.sectors_fit(path, ashift, index)
        case Turn():
            return None
        case Unprotected(dataset=name):
            return datasets.unprotected(name, index)
        case DatasetPresent(dataset=name, guid=guid):
            return datasets.dataset_present(name, guid, index)
        case DatasetAbsent(dataset=name):
            return datasets.dataset_absent(name, index)
        case DatasetSettled():
            return None
        case DatasetUnused(dataset=name):
            return datasets.dataset_unused(name, index)
        case DatasetNotBoot(dataset=name):
            return datasets.dataset_not_boot(name, index)
        case Snapshotted(dataset=name, snapshot=snapshot):
            return datasets.snapshotted(name, snapshot, index)
        case Uncloned(dataset=name, clone=clone):
            return datasets.uncloned(name, clone, index)
        case Unheld(dataset=name):
            return datasets.unheld(name, index)
        case FitsUsed():
            return datasets.fits_used(condition, index)
        case MountpointFree(path=path, dataset=name):
            return datasets.mountpoint_free(path, name, index)
        case StorageAbsent(storage=storage):
            return storages.storage_absent(storage, index)
        case StoragePresent(storage=storage, kind=kind):
            return storages.storage_present(storage, kind, index)
        case StorageDisabled(storage=storage):
            return storages.storage_disabled(storage, index)
        case Quorate():
            return storages.quorate(index)
        case _:
            assert_never(condition)


__all__ = [
    "TAGS",
    "Condition",
    "DatasetAbsent",
    "DatasetNotBoot",
    "DatasetPresent",
    "DatasetSettled",
    "DatasetUnused",
    "DiskBlank",
    "DiskFits",
    "DiskIs",
    "DiskSound",
    "DiskUnpooled",
    "DiskUnprotected",
    "DiskUnused",
    "DisksAlike",
    "DisksDistinct",
    "FeatureReady",
    "FitsUsed",
    "Known",
    "Member",
    "MemberState",
    "MountpointFree",
    "NoCheckpoint",
    "NoMember",
    "OthersOnline",
    "PoolAbsent",
    "PoolImportable",
    "PoolNameFree",
    "PoolNotBoot",
    "PoolPresent",
    "PoolSettled",
    "PoolUnmistakable",
    "PoolWhole",
    "PoolWritable",
    "Quorate",
    "SectorsFit",
    "Snapshotted",
    "StorageAbsent",
    "StorageDisabled",
    "StoragePresent",
    "Turn",
    "Uncloned",
    "Unheld",
    "Unmet",
    "Unprotected",
    "text",
    "unmet",
]
