"""The sign and the title of each kind of action, with Terraform's signs where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, assert_never

import attrs

from phoenix_plan.actions import (
    Action,
    AddStorage,
    AddVdev,
    AttachDisk,
    CreateCheckpoint,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DetachDisk,
    DisableStorage,
    DiscardCheckpoint,
    EnableStorage,
    ExpandRaidz,
    ImportPool,
    OfflineDisk,
    OnlineDisk,
    RemoveStorage,
    RemoveVdev,
    RenameDataset,
    ReplaceDisk,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
    action_id,
)
from phoenix_plan.plan import Row
from phoenix_plan.render.style import Tone
from phoenix_plan.render.visible import visible

Sign = Literal["+", "~", "-", "-/+", "!", "<"]

LEGEND: dict[Sign, str] = {
    "+": "create, add or register",
    "~": "change in place",
    "-": "destroy, remove or unregister",
    "-/+": "destroy and create again",
    "!": "wipe",
    "<": "import",
}

TONES: dict[Sign, Tone] = {
    "+": "good",
    "~": "change",
    "-": "bad",
    "-/+": "bad",
    "!": "bad",
    "<": "good",
}


@attrs.frozen(kw_only=True)
class Entry:
    """A row in its place: `number` is its turn, from 1. `serves` says which steps it prepares,
    `after` holds the turns that have to be done before it."""

    number: int
    sign: Sign
    title: str
    serves: tuple[str, ...]
    after: tuple[int, ...]
    row: Row


def entries(rows: Sequence[Row]) -> tuple[Entry, ...]:
    """All rows in the order in which they would run."""
    turns = {row.id: number for number, row in enumerate(rows, start=1)}
    ends = _ends(row.action for row in rows)
    found: list[Entry] = []
    for row in rows:
        other = ends.get(_partner(row.action), "")
        sign = _sign(row.action)
        if other:
            sign = "-/+"
            again = (
                " (step {} creates it again)" if _takes(row.action) else " again (after step {})"
            )
            title = _title(row.action) + again.format(turns[other])
        else:
            title = _title(row.action)
        serves = tuple(
            f"step {turns[served]}: {_title(rows[turns[served] - 1].action)}"
            for served in row.serves
            if served in turns
        )
        found.append(
            Entry(
                number=turns[row.id],
                sign=sign,
                title=visible(title),
                serves=serves,
                after=tuple(sorted(turns[required] for required in row.requires)),
                row=row,
            )
        )
    return tuple(found)


_Thing = tuple[str, str, bool]
"""A kind of thing, its name, and whether it is taken away."""


def _end(action: Action) -> _Thing | None:
    """Which thing an action takes away or makes, None for one that does neither."""
    match action:
        case DestroyPool() | DestroyDataset() | RemoveStorage():
            return (action.ABOUT, action.subject, True)
        case CreatePool() | CreateDataset() | AddStorage():
            return (action.ABOUT, action.subject, False)
        case _:
            return None


def _takes(action: Action) -> bool:
    end = _end(action)
    return end is not None and end[2]


def _partner(action: Action) -> _Thing | None:
    end = _end(action)
    return (end[0], end[1], not end[2]) if end is not None else None


def _ends(actions: Iterable[Action]) -> dict[_Thing | None, str]:
    """Ids of the actions that take something away or make it, by what they do it to."""
    return {end: action_id(a) for a in actions if (end := _end(a)) is not None}


def _sign(action: Action) -> Sign:
    match action:
        case (
            CreatePool()
            | CreateDataset()
            | AddStorage()
            | AttachDisk()
            | AddVdev()
            | ExpandRaidz()
            | CreateCheckpoint()
            | SnapshotDataset()
        ):
            return "+"
        case (
            DestroyPool()
            | DestroyDataset()
            | RemoveStorage()
            | DetachDisk()
            | RemoveVdev()
            | DiscardCheckpoint()
        ):
            return "-"
        case WipeDisk():
            return "!"
        case ImportPool():
            return "<"
        case (
            SetPoolProperties()
            | SetDatasetProperties()
            | RenameDataset()
            | RetireDataset()
            | UpdateStorage()
            | DisableStorage()
            | EnableStorage()
            | SetArcMax()
            | ReplaceDisk()
            | OnlineDisk()
            | OfflineDisk()
        ):
            return "~"
        case _:
            assert_never(action)


def _title(action: Action) -> str:
    match action:
        case CreatePool(pool=name):
            return f"create pool {name}"
        case DestroyPool(pool=name):
            return f"destroy pool {name}"
        case ImportPool(pool=name):
            return f"import pool {name}"
        case SetPoolProperties(pool=name):
            return f"change pool {name}"
        case AttachDisk(pool=name, disk=disk, beside_name=beside):
            return f"attach {disk} to {beside} in pool {name}"
        case ReplaceDisk(pool=name, disk=disk, old_name=old):
            return f"replace {old} by {disk} in pool {name}"
        case DetachDisk(pool=name, disk=disk, mirror=mirror):
            return f"detach {disk} from {mirror} in pool {name}"
        case ExpandRaidz(pool=name, disk=disk, vdev_name=vdev):
            return f"expand {vdev} of pool {name} by {disk}"
        case AddVdev(pool=name):
            return f"add {_vdev(action)} to pool {name}"
        case RemoveVdev(pool=name, vdev_name=vdev, vdev_class=of):
            return f"remove {_class(of)}{vdev} from pool {name}"
        case OnlineDisk(pool=name, disk=disk):
            return f"bring {disk} online in pool {name}"
        case OfflineDisk(pool=name, disk=disk):
            return f"take {disk} offline in pool {name}"
        case CreateCheckpoint(pool=name):
            return f"make a checkpoint of pool {name}"
        case DiscardCheckpoint(pool=name):
            return f"discard the checkpoint of pool {name}"
        case WipeDisk(disk=name):
            return f"wipe disk {name}"
        case CreateDataset(dataset=name, kind=kind):
            return f"create {kind} {name}"
        case DestroyDataset(dataset=name, kept_until=until) if until:
            return f"destroy dataset {name}, which was put aside"
        case DestroyDataset(dataset=name):
            return f"destroy dataset {name}"
        case SetDatasetProperties(dataset=name):
            return f"change dataset {name}"
        case RetireDataset(dataset=name, keep=keep):
            return f"put dataset {name} aside, for {keep}"
        case SnapshotDataset(dataset=name):
            return f"take a snapshot of dataset {name}"
        case RenameDataset(dataset=name, to=to):
            return f"rename dataset {name} to {to}"
        case AddStorage(storage=name):
            return f"register storage {name}"
        case RemoveStorage(storage=name):
            return f"unregister storage {name}"
        case UpdateStorage(storage=name):
            return f"change storage {name}"
        case DisableStorage(storage=name):
            return f"disable storage {name}"
        case EnableStorage(storage=name):
            return f"enable storage {name}"
        case SetArcMax():
            return "set zfs_arc_max"
        case _:
            assert_never(action)


def _class(name: str) -> str:
    return "" if name == "normal" else f"{name} "


def _vdev(action: AddVdev) -> str:
    return f"{_class(action.vdev_class)}{action.vdev}"
