"""The kinds of condition, as data, and why one may not hold."""

from __future__ import annotations

import attrs

from phoenix_plan.model.sizes import Bytes, Guid


@attrs.frozen(kw_only=True)
class Known:
    """A part of the state was learnt: the probes behind it all answered."""

    source: str


@attrs.frozen(kw_only=True)
class DiskSound:
    """A path leads to exactly one whole disk, of known identity, writable and large enough."""

    disk: str


@attrs.frozen(kw_only=True)
class DiskIs:
    """The disk behind a path is the one of that identity (`model.disks.Identity` as text)."""

    disk: str
    identity: str


@attrs.frozen(kw_only=True)
class DiskUnused:
    """Nothing uses the disk but a pool that is imported here."""

    disk: str


@attrs.frozen(kw_only=True)
class DiskUnpooled:
    """No pool that is imported here has the disk."""

    disk: str


@attrs.frozen(kw_only=True)
class DiskBlank:
    """The disk is blank, or an earlier action of the same run has cleared it."""

    disk: str


@attrs.frozen(kw_only=True)
class DiskUnprotected:
    """Nothing that is protected stands on the disk."""

    disk: str


@attrs.frozen(kw_only=True)
class DisksDistinct:
    """All paths lead to different disks."""

    disks: tuple[str, ...]


@attrs.frozen(kw_only=True)
class DisksAlike:
    """The disks' sizes lie within 16 MiB of each other."""

    disks: tuple[str, ...]


@attrs.frozen(kw_only=True)
class PoolAbsent:
    """No pool of that name is imported."""

    pool: str


@attrs.frozen(kw_only=True)
class PoolNameFree:
    """No pool of that name lies about that could be imported (destroyed ones aside)."""

    pool: str


@attrs.frozen(kw_only=True)
class PoolPresent:
    """A pool of that name is imported. With a GUID, it is that one."""

    pool: str
    guid: Guid = Guid("")


@attrs.frozen(kw_only=True)
class PoolWritable:
    """The pool takes changes: not suspended, not faulted, not imported read-only."""

    pool: str


@attrs.frozen(kw_only=True)
class PoolNotBoot:
    """The machine does not boot from the pool."""

    pool: str


@attrs.frozen(kw_only=True)
class PoolUnmistakable:
    """No other pool has the name of this one, and no two devices carry one vdev GUID of it."""

    pool: str
    guid: Guid


@attrs.frozen(kw_only=True)
class PoolImportable:
    """The pool is whole and one of its kind, and no other host has it in use."""

    pool: str
    guid: Guid


@attrs.frozen(kw_only=True)
class PoolSettled:
    """No resilver, removal of a vdev or expansion of a raidz is running in the pool."""

    pool: str


@attrs.frozen(kw_only=True)
class PoolWhole:
    """Every vdev that the pool's data needs is ONLINE, with all its disks, none of which is being
    replaced or has a spare beside it; they are `at_least` so many."""

    pool: str
    at_least: int = 0


@attrs.frozen(kw_only=True)
class NoCheckpoint:
    """The pool has no checkpoint: under one, ZFS changes no vdev but by adding."""

    pool: str


@attrs.frozen(kw_only=True)
class FeatureReady:
    """A feature of the pool is there and enabled (zpool-features(7))."""

    pool: str
    feature: str


@attrs.frozen(kw_only=True)
class Member:
    """The pool has a vdev of that GUID, or a disk by that path."""

    pool: str
    who: str


@attrs.frozen(kw_only=True)
class NoMember:
    """The pool has no vdev of that GUID any more."""

    pool: str
    who: Guid


@attrs.frozen(kw_only=True)
class MemberState:
    """A disk of the pool, by GUID or path, is in that state, as zpool-status(8) calls it."""

    pool: str
    who: str
    state: str


@attrs.frozen(kw_only=True)
class OthersOnline:
    """All other disks of the vdev that a disk is in are ONLINE, and they are at least so many:
    nothing hangs on this one alone, nor on fewer than was agreed to."""

    pool: str
    who: Guid
    at_least: int


@attrs.frozen(kw_only=True)
class DiskFits:
    """The disk is large enough for the vdev that a member is in, and its sectors small enough.
    `larger` says whether it may be larger than its siblings."""

    disk: str
    pool: str
    beside: str
    larger: bool


@attrs.frozen(kw_only=True)
class SectorsFit:
    """The disk's sectors are no larger than a new vdev of that ashift writes."""

    disk: str
    ashift: int


@attrs.frozen(kw_only=True)
class Turn:
    """A step of several on one pool's vdevs has had its turn. Holds by itself: it only keeps them
    in their order."""

    pool: str
    number: int


@attrs.frozen(kw_only=True)
class Unprotected:
    """Neither the dataset (a pool's root too) nor anything below it is protected on the object."""

    dataset: str


@attrs.frozen(kw_only=True)
class DatasetPresent:
    """A dataset of that name is there. With a GUID, it is that one."""

    dataset: str
    guid: Guid = Guid("")


@attrs.frozen(kw_only=True)
class DatasetSettled:
    """No earlier action of this run is still to change the dataset. Holds by itself: it only puts
    what builds on a dataset after what changes it."""

    dataset: str


@attrs.frozen(kw_only=True)
class DatasetAbsent:
    """No dataset of that name is there."""

    dataset: str


@attrs.frozen(kw_only=True)
class DatasetUnused:
    """Nothing outside ZFS uses the dataset or one below it: no other mount namespace, no export."""

    dataset: str


@attrs.frozen(kw_only=True)
class DatasetNotBoot:
    """The dataset is not the running root, nor an ancestor of it."""

    dataset: str


@attrs.frozen(kw_only=True)
class Snapshotted:
    """The dataset has a snapshot of that name."""

    dataset: str
    snapshot: str


@attrs.frozen(kw_only=True)
class Uncloned:
    """A clone no longer hangs on the dataset's snapshots."""

    dataset: str
    clone: str


@attrs.frozen(kw_only=True)
class Unheld:
    """No snapshot of the dataset is held (zfs-hold(8))."""

    dataset: str


@attrs.frozen(kw_only=True)
class FitsUsed:
    """A quota is no less than what is used already, a reservation no more than what is free."""

    dataset: str
    property: str
    size: Bytes


@attrs.frozen(kw_only=True)
class MountpointFree:
    """A path is fit to mount on: absolute, no system path, empty, and no other dataset's."""

    path: str
    dataset: str


@attrs.frozen(kw_only=True)
class StorageAbsent:
    """storage.cfg has no section of that id."""

    storage: str


@attrs.frozen(kw_only=True)
class StoragePresent:
    """storage.cfg has a section of that id. With a type, it is of that one."""

    storage: str
    kind: str = ""


@attrs.frozen(kw_only=True)
class StorageDisabled:
    """PVE's status daemon leaves the storage alone."""

    storage: str


@attrs.frozen(kw_only=True)
class Quorate:
    """storage.cfg can be written: PVE is here, and no quorum is missing."""


Condition = (
    Known
    | DiskSound
    | DiskIs
    | DiskUnused
    | DiskUnpooled
    | DiskBlank
    | DiskUnprotected
    | DisksDistinct
    | DisksAlike
    | PoolAbsent
    | PoolNameFree
    | PoolPresent
    | PoolWritable
    | PoolNotBoot
    | PoolUnmistakable
    | PoolImportable
    | PoolSettled
    | PoolWhole
    | NoCheckpoint
    | FeatureReady
    | Member
    | NoMember
    | MemberState
    | OthersOnline
    | DiskFits
    | SectorsFit
    | Turn
    | Unprotected
    | DatasetPresent
    | DatasetAbsent
    | DatasetSettled
    | DatasetUnused
    | DatasetNotBoot
    | Snapshotted
    | Uncloned
    | Unheld
    | FitsUsed
    | MountpointFree
    | StorageAbsent
    | StoragePresent
    | StorageDisabled
    | Quorate
)


TAGS: dict[type[Condition], str] = {
    Known: "known",
    DiskSound: "disk-sound",
    DiskIs: "disk-is",
    DiskUnused: "disk-unused",
    DiskUnpooled: "disk-unpooled",
    DiskBlank: "disk-blank",
    DiskUnprotected: "disk-unprotected",
    DisksDistinct: "disks-distinct",
    DisksAlike: "disks-alike",
    PoolAbsent: "pool-absent",
    PoolNameFree: "pool-name-free",
    PoolPresent: "pool-present",
    PoolWritable: "pool-writable",
    PoolNotBoot: "pool-not-boot",
    PoolUnmistakable: "pool-unmistakable",
    PoolImportable: "pool-importable",
    PoolSettled: "pool-settled",
    PoolWhole: "pool-whole",
    NoCheckpoint: "no-checkpoint",
    FeatureReady: "feature-ready",
    Member: "member",
    NoMember: "no-member",
    MemberState: "member-state",
    OthersOnline: "others-online",
    DiskFits: "disk-fits",
    SectorsFit: "sectors-fit",
    Turn: "turn",
    Unprotected: "unprotected",
    DatasetPresent: "dataset-present",
    DatasetAbsent: "dataset-absent",
    DatasetSettled: "dataset-settled",
    DatasetUnused: "dataset-unused",
    DatasetNotBoot: "dataset-not-boot",
    Snapshotted: "snapshotted",
    Uncloned: "uncloned",
    Unheld: "unheld",
    FitsUsed: "fits-used",
    MountpointFree: "mountpoint-free",
    StorageAbsent: "storage-absent",
    StoragePresent: "storage-present",
    StorageDisabled: "storage-disabled",
    Quorate: "quorate",
}
"""How a plan names each kind of condition."""


def text(condition: Condition) -> str:
    """A condition on one line of a plan: its tag, then what it is about."""
    words: list[str] = []
    for value in attrs.astuple(condition, recurse=False):
        words += value if isinstance(value, tuple) else [str(value)] if value else []
    return " ".join([TAGS[type(condition)], *words])


@attrs.frozen(kw_only=True)
class Unmet:
    """Why a condition does not hold: a registered code, what was seen, what to do."""

    code: str
    message: str
    hint: str = ""
