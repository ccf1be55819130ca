"""Changes to the vdevs of an imported pool: zpool-add(8), -remove, -checkpoint; a raidz wider."""

from __future__ import annotations

from itertools import zip_longest
from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change, freed, new_disk_needs, turn_needs
from phoenix_plan.commands import Run, Write
from phoenix_plan.conditions import (
    Condition,
    DiskFits,
    DisksAlike,
    DisksDistinct,
    FeatureReady,
    Member,
    MemberState,
    NoCheckpoint,
    NoMember,
    PoolSettled,
    PoolWhole,
    SectorsFit,
    Turn,
    Unprotected,
)
from phoenix_plan.model.layout import DATA_CLASSES, DesiredVdev, parity_of
from phoenix_plan.model.pools import VdevClass, VdevState
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Kind


@attrs.frozen(kw_only=True)
class ExpandRaidz:
    """Make a raidz wider by one blank disk (OpenZFS 2.3, zpool-attach(8)). There is no way back.

    `vdev` is the raidz's GUID, `vdev_name` its name at the moment (`raidz1-0`).
    """

    TYPE: ClassVar[Literal["expand-raidz"]] = "expand-raidz"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    vdev: Guid
    vdev_name: str
    disk: str
    identity: str
    turn: int

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            FeatureReady(pool=self.pool, feature="raidz_expansion"),
            PoolSettled(pool=self.pool),
            PoolWhole(pool=self.pool),
            NoCheckpoint(pool=self.pool),
            Unprotected(dataset=self.pool),
            Member(pool=self.pool, who=self.vdev),
            *new_disk_needs(self.disk, self.identity),
            DiskFits(disk=self.disk, pool=self.pool, beside=self.vdev, larger=False),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            Member(pool=self.pool, who=self.disk),
            MemberState(pool=self.pool, who=self.disk, state="ONLINE"),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "attach", self.pool, self.vdev, self.disk)),)

    def undo(self) -> str:
        return ""

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="disk", after=self.disk),
            Change(name="raidz", before=self.vdev_name, after=f"{self.vdev_name}, one disk wider"),
        )


@attrs.frozen(kw_only=True)
class AddVdev:
    """Add a top-level vdev of blank disks to a pool, never with -f (zpool-add(8)).

    `kind` is its type as `model.layout.DesiredVdev` has it; `identities` are who the disks were
    when this was planned, in their order. `ashift` is None where ZFS has none to be told (spares,
    caches).
    """

    TYPE: ClassVar[Literal["add-vdev"]] = "add-vdev"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    vdev_class: VdevClass
    kind: str
    disks: tuple[str, ...]
    identities: tuple[str, ...]
    ashift: int | None
    turn: int

    @property
    def subject(self) -> str:
        return self.disks[0] if self.disks else ""

    @property
    def vdev(self) -> DesiredVdev:
        """The vdev as a config would declare it."""
        return DesiredVdev(type=self.kind, disks=self.disks)

    @property
    def is_data(self) -> bool:
        """Whether the pool can't do without it from then on."""
        return self.vdev_class in DATA_CLASSES

    def needs(self) -> tuple[Condition, ...]:
        pairs = zip_longest(self.disks, self.identities, fillvalue="")
        of_data = (
            PoolSettled(pool=self.pool),
            PoolWhole(pool=self.pool),
            Unprotected(dataset=self.pool),
        )
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            *(of_data if self.is_data else ()),
            *(need for disk, identity in pairs for need in new_disk_needs(disk, identity)),
            DisksDistinct(disks=self.disks),
            *((DisksAlike(disks=self.disks),) if self.kind != "disk" else ()),
            *(
                SectorsFit(disk=disk, ashift=self.ashift)
                for disk in self.disks
                if self.ashift is not None
            ),
        )

    def gives(self) -> tuple[Condition, ...]:
        state = "AVAIL" if self.vdev_class == "spare" else "ONLINE"
        return (
            Turn(pool=self.pool, number=self.turn),
            *(Member(pool=self.pool, who=disk) for disk in self.disks),
            *(MemberState(pool=self.pool, who=disk, state=state) for disk in self.disks),
        )

    def writes(self) -> tuple[Write, ...]:
        ashift = () if self.ashift is None else ("-o", f"ashift={self.ashift}")
        name = () if self.vdev_class == "normal" else (self.vdev_class,)
        return (Run(argv=("zpool", "add", *ashift, self.pool, *name, *self.vdev.words)),)

    def undo(self) -> str:
        if not self.is_data:
            return f"zpool remove {self.pool} {self.subject if self.kind == 'disk' else 'VDEV'}"
        if parity_of(self.kind):
            return ""
        return f"zpool remove {self.pool} VDEV, unless a raidz or draid is in the pool"

    def changes(self) -> tuple[Change, ...]:
        name = "" if self.vdev_class == "normal" else f"{self.vdev_class} "
        return (
            Change(name="vdev", after=f"{name}{'disk' if self.kind == 'disk' else self.vdev}"),
            *(Change(name=f"disk {at}", after=disk) for at, disk in enumerate(self.disks)),
        )


@attrs.frozen(kw_only=True)
class RemoveVdev:
    """Remove a top-level vdev from a pool (zpool-remove(8)). What is on a data vdev moves to the
    others first.

    `vdev` is its GUID, `vdev_name` its name and `state` its state at the moment. `disks` are its
    members, by where they are or were; `others` is how many disks the other data vdevs have, where
    data has to move. `released` are all names of the disks that are free afterwards.
    """

    TYPE: ClassVar[Literal["remove-vdev"]] = "remove-vdev"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    vdev: Guid
    vdev_name: str
    vdev_class: VdevClass
    kind: str
    state: VdevState
    disks: tuple[str, ...]
    others: int
    released: tuple[str, ...]
    turn: int

    @property
    def subject(self) -> str:
        return self.disks[0] if self.disks else self.vdev

    @property
    def is_data(self) -> bool:
        """Whether data has to move away from it first."""
        return self.vdev_class in DATA_CLASSES

    @property
    def is_only_log(self) -> bool:
        """Whether what the log holds is on one disk alone, or on none."""
        return self.vdev_class == "log" and not (self.kind == "mirror" and self.state == "ONLINE")

    def needs(self) -> tuple[Condition, ...]:
        of_data = (PoolWhole(pool=self.pool, at_least=self.others + len(self.disks)),)
        of_value = (Unprotected(dataset=self.pool),)
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            PoolSettled(pool=self.pool),
            NoCheckpoint(pool=self.pool),
            *(of_value if self.is_data or self.is_only_log else ()),
            Member(pool=self.pool, who=self.vdev),
            *(of_data if self.is_data else ()),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            NoMember(pool=self.pool, who=self.vdev),
            *freed(self.released),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "remove", self.pool, self.vdev)),)

    def undo(self) -> str:
        if self.is_data:
            return f"zpool remove -s {self.pool}, as long as the removal runs"
        return "adding it again (zpool add)"

    def changes(self) -> tuple[Change, ...]:
        name = "" if self.vdev_class == "normal" else f"{self.vdev_class} "
        return (
            Change(name="vdev", before=f"{name}{self.vdev_name}"),
            *(Change(name=f"disk {at}", before=disk) for at, disk in enumerate(self.disks)),
        )


@attrs.frozen(kw_only=True)
class CreateCheckpoint:
    """Make a checkpoint of a pool (zpool-checkpoint(8)): a net under a step without a way back."""

    TYPE: ClassVar[Literal["create-checkpoint"]] = "create-checkpoint"
    ABOUT: ClassVar[Kind] = "pool"
    pool: str
    guid: Guid
    turn: int

    @property
    def subject(self) -> str:
        return self.pool

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            PoolSettled(pool=self.pool),
            NoCheckpoint(pool=self.pool),
            Unprotected(dataset=self.pool),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (Turn(pool=self.pool, number=self.turn),)

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "checkpoint", self.pool)),)

    def undo(self) -> str:
        return f"zpool checkpoint -d {self.pool}"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="checkpoint", before="none", after="of this moment"),)


@attrs.frozen(kw_only=True)
class DiscardCheckpoint:
    """Discard a pool's checkpoint (zpool-checkpoint(8)): there is no rewinding to it any more."""

    TYPE: ClassVar[Literal["discard-checkpoint"]] = "discard-checkpoint"
    ABOUT: ClassVar[Kind] = "pool"
    pool: str
    guid: Guid
    turn: int

    @property
    def subject(self) -> str:
        return self.pool

    def needs(self) -> tuple[Condition, ...]:
        return (*turn_needs(self.pool, self.guid, self.turn), Unprotected(dataset=self.pool))

    def gives(self) -> tuple[Condition, ...]:
        return (Turn(pool=self.pool, number=self.turn), NoCheckpoint(pool=self.pool))

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "checkpoint", "-d", self.pool)),)

    def undo(self) -> str:
        return ""

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="checkpoint", before="there", after="none"),)
