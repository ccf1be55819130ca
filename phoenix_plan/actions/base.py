"""What every action has, and the needs that several share."""

from __future__ import annotations

from typing import ClassVar, Protocol

import attrs

from phoenix_plan.commands import Write
from phoenix_plan.conditions import (
    Condition,
    DiskBlank,
    DiskIs,
    DiskSound,
    DiskUnpooled,
    DiskUnprotected,
    DiskUnused,
    PoolNotBoot,
    PoolPresent,
    PoolUnmistakable,
    PoolWritable,
    Turn,
)
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Kind


@attrs.frozen(kw_only=True)
class Change:
    """One value that an action changes, for people and for rows; `""` where there is none."""

    name: str
    before: str = ""
    after: str = ""


class ActionLike(Protocol):
    """The shape of an action. The closed union stands in `actions/__init__.py`.

    `TYPE` is its wire tag, `subject` what it changes, by name; both together are its id in a
    plan. `ABOUT` is the kind of thing that the name is of.
    """

    TYPE: ClassVar[str]
    ABOUT: ClassVar[Kind]

    @property
    def subject(self) -> str:
        """What it changes, by name."""
        ...

    def needs(self) -> tuple[Condition, ...]:
        """What must hold before it runs."""
        ...

    def gives(self) -> tuple[Condition, ...]:
        """What holds after it, that others may need."""
        ...

    def writes(self) -> tuple[Write, ...]:
        """What is done to the host, in order."""
        ...

    def undo(self) -> str:
        """How a person would take it back, for the report; empty where nothing does."""
        ...

    def changes(self) -> tuple[Change, ...]:
        """Before and after, value by value."""
        ...


def disk_needs(disks: tuple[str, ...]) -> tuple[Condition, ...]:
    """What must hold of every disk that something is to be written to."""
    return (
        *(DiskSound(disk=disk) for disk in disks),
        *(DiskUnused(disk=disk) for disk in disks),
        *(DiskUnprotected(disk=disk) for disk in disks),
    )


def turn_needs(pool: str, guid: Guid, turn: int) -> tuple[Condition, ...]:
    """What must hold of a pool before the step on its vdevs that is the `turn`th, from 1."""
    before = (Turn(pool=pool, number=turn - 1),) if turn > 1 else ()
    return (
        PoolPresent(pool=pool, guid=guid),
        PoolUnmistakable(pool=pool, guid=guid),
        PoolNotBoot(pool=pool),
        PoolWritable(pool=pool),
        *before,
    )


def new_disk_needs(disk: str, identity: str) -> tuple[Condition, ...]:
    """What must hold of a disk that is to become a member."""
    return (
        *disk_needs((disk,)),
        DiskIs(disk=disk, identity=identity),
        DiskUnpooled(disk=disk),
        DiskBlank(disk=disk),
    )


def freed(disks: tuple[str, ...]) -> tuple[Condition, ...]:
    """What holds of disks that have left their pool."""
    return tuple(DiskUnpooled(disk=disk) for disk in disks)
