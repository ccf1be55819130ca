"""Changes to the disks of an imported pool's vdevs: zpool-attach(8), -replace, -detach, -online.

Vdevs that are there are named by GUID, in the commands too: a name like mirror-1 moves when another
vdev goes. `turn` counts the steps on one pool's vdevs from 1; each waits for the one before it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change, freed, new_disk_needs, turn_needs
from phoenix_plan.commands import Run, Write
from phoenix_plan.conditions import (
    Condition,
    DiskFits,
    Member,
    MemberState,
    NoCheckpoint,
    NoMember,
    OthersOnline,
    PoolSettled,
    Turn,
    Unprotected,
)
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Kind


@attrs.frozen(kw_only=True)
class AttachDisk:
    """Attach a blank disk to a member: a single disk becomes a mirror, a mirror wider.

    `beside` is the member: a GUID, or the path of a disk that an earlier step has put there;
    `beside_name` is for people.
    """

    TYPE: ClassVar[Literal["attach-disk"]] = "attach-disk"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    beside: str
    beside_name: str
    disk: str
    identity: str
    turn: int

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            PoolSettled(pool=self.pool),
            NoCheckpoint(pool=self.pool),
            Member(pool=self.pool, who=self.beside),
            *new_disk_needs(self.disk, self.identity),
            DiskFits(disk=self.disk, pool=self.pool, beside=self.beside, larger=False),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            Member(pool=self.pool, who=self.disk),
            MemberState(pool=self.pool, who=self.disk, state="ONLINE"),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "attach", self.pool, self.beside, self.disk)),)

    def undo(self) -> str:
        return f"zpool detach {self.pool} {self.disk}"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="disk", after=self.disk),
            Change(name="beside", after=self.beside_name),
        )


@attrs.frozen(kw_only=True)
class ReplaceDisk:
    """Replace a member by a blank disk. The old one, where it is still there, serves until all of
    it is on the new one.

    `old` is the member's GUID, `old_name` where it is or was. `released` are all names of the disk
    that is free afterwards.
    """

    TYPE: ClassVar[Literal["replace-disk"]] = "replace-disk"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    old: Guid
    old_name: str
    old_state: str
    released: tuple[str, ...]
    disk: str
    identity: str
    turn: int

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            PoolSettled(pool=self.pool),
            NoCheckpoint(pool=self.pool),
            Member(pool=self.pool, who=self.old),
            *new_disk_needs(self.disk, self.identity),
            DiskFits(disk=self.disk, pool=self.pool, beside=self.old, larger=True),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            Member(pool=self.pool, who=self.disk),
            MemberState(pool=self.pool, who=self.disk, state="ONLINE"),
            NoMember(pool=self.pool, who=self.old),
            *freed(self.released),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "replace", self.pool, self.old, self.disk)),)

    def undo(self) -> str:
        return f"zpool detach {self.pool} {self.disk}, as long as the resilver runs"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="disk", before=f"{self.old_name} ({self.old_state})", after=self.disk),)


@attrs.frozen(kw_only=True)
class DetachDisk:
    """Detach a member from its mirror, or end what a hot spare or a replacement had begun.

    `member` is its GUID, `disk` where it is or was, `mirror` what it is in, `others` how many disks
    that has besides. `instead` is the spare that has its place from then on, empty where none has.
    `released` are all names of the disk that is free afterwards.
    """

    TYPE: ClassVar[Literal["detach-disk"]] = "detach-disk"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    member: Guid
    mirror: str
    others: int
    instead: str
    released: tuple[str, ...]
    disk: str
    turn: int

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            PoolSettled(pool=self.pool),
            NoCheckpoint(pool=self.pool),
            Unprotected(dataset=self.pool),
            Member(pool=self.pool, who=self.member),
            OthersOnline(pool=self.pool, who=self.member, at_least=self.others),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            NoMember(pool=self.pool, who=self.member),
            *freed(self.released),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "detach", self.pool, self.member)),)

    def undo(self) -> str:
        return "attaching the disk again (zpool attach): all of it is copied to it anew"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="disk", before=f"{self.disk} in {self.mirror}"),
            Change(name="disks", before=str(self.others + 1), after=str(self.others)),
        )


@attrs.frozen(kw_only=True)
class OnlineDisk:
    """Bring a member online that is offline, or back (zpool-online(8)). What it missed is
    resilvered. `state` is the one that it was in."""

    TYPE: ClassVar[Literal["online-disk"]] = "online-disk"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    member: Guid
    disk: str
    state: str
    turn: int

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            Member(pool=self.pool, who=self.member),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            MemberState(pool=self.pool, who=self.member, state="ONLINE"),
        )

    def writes(self) -> tuple[Write, ...]:
        # By path: with autoexpand=on, OpenZFS 2.3 does not find it by its GUID.
        return (Run(argv=("zpool", "online", self.pool, self.disk)),)

    def undo(self) -> str:
        return f"zpool offline {self.pool} {self.disk}"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="state", before=self.state, after="ONLINE"),)


@attrs.frozen(kw_only=True)
class OfflineDisk:
    """Take a member offline (zpool-offline(8)): ZFS reads and writes it no more until it is online
    again. `others` is how many disks its vdev has besides."""

    TYPE: ClassVar[Literal["offline-disk"]] = "offline-disk"
    ABOUT: ClassVar[Kind] = "disk"
    pool: str
    guid: Guid
    member: Guid
    disk: str
    others: int
    turn: int

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *turn_needs(self.pool, self.guid, self.turn),
            PoolSettled(pool=self.pool),
            Unprotected(dataset=self.pool),
            Member(pool=self.pool, who=self.member),
            OthersOnline(pool=self.pool, who=self.member, at_least=self.others),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            Turn(pool=self.pool, number=self.turn),
            MemberState(pool=self.pool, who=self.member, state="OFFLINE"),
        )

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zpool", "offline", self.pool, self.member)),)

    def undo(self) -> str:
        return f"zpool online {self.pool} {self.disk}"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="state", before="ONLINE", after="OFFLINE"),)
