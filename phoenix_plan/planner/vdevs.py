"""The moves of a pool's way as actions, each in its turn, with what they need before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import assert_never

from phoenix_plan.actions import (
    AddVdev,
    AttachDisk,
    CreateCheckpoint,
    DetachDisk,
    DiscardCheckpoint,
    ExpandRaidz,
    OfflineDisk,
    OnlineDisk,
    RemoveVdev,
    ReplaceDisk,
    VdevAction,
    WipeDisk,
    action_id,
)
from phoenix_plan.actions.disks import wipe_ranges
from phoenix_plan.conditions.disks import SIBLING_SLACK
from phoenix_plan.model.desired import DesiredPool
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import DATA_CLASSES, type_of
from phoenix_plan.model.pools import Pool, Vdev
from phoenix_plan.model.properties import CREATED_ASHIFT
from phoenix_plan.model.sizes import Guid, human
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.contents import contents
from phoenix_plan.planner.items import Finding, Items, Step
from phoenix_plan.planner.members import describe, where
from phoenix_plan.planner.moves import (
    Add,
    Attach,
    Change,
    Detach,
    Expand,
    Move,
    Offline,
    Online,
    Remove,
    Replace,
)


def identity_of(path: str, index: Index) -> str:
    """Who the disk behind a path is, as text; empty where nobody can tell."""
    device = index.device(path)
    return "" if device is None else str(device.disk.identity or "")


def wipes(disks: Iterable[str], serves: str, index: Index, freed: Collection[str]) -> Items:
    """A wipe for each of `disks` that holds something. `freed` are kernel paths of disks that a
    pool has and that this plan takes out before: they only hold old labels by then."""
    seen: set[str] = set()
    for path in disks:
        device = index.device(path)
        if device is None or device.partition is not None or device.disk.path in seen:
            continue
        disk = device.disk
        seen.add(disk.path)
        pooled = bool(index.pools_on(disk))
        if pooled and disk.path not in freed:
            continue
        if disk.emptiness in ("occupied", "residual") or pooled:
            yield Step(
                action=WipeDisk(
                    disk=path,
                    identity=str(disk.identity or ""),
                    emptiness=disk.emptiness,
                    contents=contents(disk),
                    ranges=wipe_ranges(disk),
                ),
                serves=(serves,),
            )


def plan_vdevs(pool: DesiredPool, there: Pool, moves: Sequence[Move], index: Index) -> Items:
    """The steps from what a pool is built of to what is declared, and its checkpoint."""
    planned = tuple(_with_checkpoint(pool, there, moves))
    freed: set[str] = set()
    width = Counter({top.guid: len(tuple(top.leaves())) for top in there.vdevs})
    for turn, one in enumerate(planned, start=1):
        if not isinstance(one, Move):
            yield Step(action=one(pool=there.name, guid=there.guid, turn=turn))
            continue
        top = _guid(one.top)
        action = _action(one, pool, there, index, turn=turn, others=width[top] - 1)
        yield from wipes(one.takes, action_id(action), index, freed)
        yield Step(action=action)
        width[top] += _WIDER.get(type(one.change), 0)
        for leaf in one.frees:
            freed |= set(_names(leaf, there, index))
    yield from _no_way_back(there, planned)
    yield from _stays_small(pool, there, moves, index)


_WIDER: dict[type[Change], int] = {Attach: 1, Expand: 1, Detach: -1}
"""How many disks more a vdev has after a move."""

_Planned = Move | type[CreateCheckpoint] | type[DiscardCheckpoint]


def _with_checkpoint(pool: DesiredPool, there: Pool, moves: Sequence[Move]) -> Iterator[_Planned]:
    """The moves with what is to become of the checkpoint. One is made right before the first data
    vdev that is added, where nothing has to follow that ZFS can't do under it."""
    if there.checkpoint and pool.checkpoint is False:
        yield DiscardCheckpoint
    at = net_place(moves) if pool.checkpoint and not there.checkpoint else None
    for number, move in enumerate(moves):
        if number == at:
            yield CreateCheckpoint
        yield move


def net_place(moves: Sequence[Move]) -> int | None:
    """Before which move a checkpoint can be made, None where none would help or be possible."""
    first = next((at for at, move in enumerate(moves) if _is_data_add(move)), None)
    if first is None or any(not isinstance(move.change, Add) for move in moves[first:]):
        return None
    return first


def _is_data_add(move: Move) -> bool:
    return isinstance(move.change, Add) and move.vdev_class in DATA_CLASSES


def _no_way_back(there: Pool, planned: Sequence[_Planned]) -> Items:
    moves = [one for one in planned if isinstance(one, Move)]
    subject = Subject(kind="pool", name=there.name)
    irreversible = [move for move in moves if _is_data_add(move) or isinstance(move.change, Expand)]
    if irreversible and not there.checkpoint and CreateCheckpoint not in planned:
        possible = net_place(moves) is not None
        yield Finding(
            severity="note",
            code="no-way-back",
            subject=subject,
            message=f"has no way back from this: {'; '.join(told(move) for move in irreversible)}",
            hint="Declare `checkpoint: true` on the pool to have one made right before."
            if possible
            else "A checkpoint can be no net here: ZFS does not do these steps under one.",
        )


def _stays_small(pool: DesiredPool, there: Pool, moves: Sequence[Move], index: Index) -> Items:
    """A vdev grows with its smallest disk, where autoexpand is on (zpoolprops(7))."""
    seen = there.properties.get("autoexpand")
    if pool.properties.get("autoexpand", seen.value if seen is not None else "") == "on":
        return
    for top in there.vdevs:
        swaps = {
            one.change.old.guid: one.change.disk
            for one in moves
            if isinstance(one.change, Replace) and one.top is top
        }
        leaves = tuple(top.leaves())
        small = _smallest(index.leaf_disk(leaf) for leaf in leaves)
        large = _smallest(
            (*(index.leaf_disk(leaf) for leaf in leaves if leaf.guid not in swaps),
             *(one.disk for path in swaps.values() if (one := index.device(path)) is not None))
        )  # fmt: skip
        if swaps and small and large - small > SIBLING_SLACK:
            yield Finding(
                severity="note",
                code="stays-as-small",
                subject=Subject(kind="pool", name=there.name),
                message=f"will not grow: the disks of {top.name} will hold {human(large)} at "
                f"least, it was made of {human(small)}, and autoexpand is off",
                hint="Declare autoexpand=on among the pool's properties to have it grow.",
            )


def _smallest(disks: Iterable[Disk | None]) -> int:
    """The size of the smallest of the disks that are there, in bytes."""
    return min((disk.size for disk in disks if disk is not None), default=0)


def _action(
    move: Move, pool: DesiredPool, there: Pool, index: Index, *, turn: int, others: int
) -> VdevAction:
    """The step of a move. `others` is how many more disks the vdev has when its turn comes."""
    name, guid, change, top = there.name, there.guid, move.change, move.top
    match change:
        case Add(vdev=vdev):
            return AddVdev(
                pool=name, guid=guid, vdev_class=move.vdev_class, kind=vdev.type, disks=vdev.disks,
                identities=tuple(identity_of(disk, index) for disk in vdev.disks),
                ashift=_ashift(move, pool, there, index), turn=turn,
            )  # fmt: skip
        case Attach(beside=beside, disk=disk):
            member = (beside.guid, where(beside)) if isinstance(beside, Vdev) else (beside, beside)
            return AttachDisk(
                pool=name, guid=guid, beside=member[0], beside_name=member[1], disk=disk,
                identity=identity_of(disk, index), turn=turn,
            )  # fmt: skip
        case Replace(old=old, disk=disk):
            return ReplaceDisk(
                pool=name, guid=guid, old=old.guid, old_name=where(old), old_state=old.state,
                released=_names(old, there, index), disk=disk, identity=identity_of(disk, index),
                turn=turn,
            )  # fmt: skip
        case Detach(leaf=leaf):
            return DetachDisk(
                pool=name, guid=guid, member=leaf.guid, mirror=_name(top), others=others,
                released=_names(leaf, there, index), disk=_subject(leaf, index), turn=turn,
            )  # fmt: skip
        case Expand(disk=disk):
            return ExpandRaidz(
                pool=name, guid=guid, vdev=_guid(top), vdev_name=_name(top), disk=disk,
                identity=identity_of(disk, index), turn=turn,
            )  # fmt: skip
        case Remove():
            leaves = tuple(top.leaves()) if top is not None else ()
            return RemoveVdev(
                pool=name, guid=guid, vdev=_guid(top), vdev_name=_name(top),
                vdev_class=move.vdev_class, kind=type_of(top) if top is not None else "",
                disks=tuple(_subject(leaf, index) for leaf in leaves),
                released=tuple(n for leaf in leaves for n in _names(leaf, there, index)),
                turn=turn,
            )  # fmt: skip
        case Online(leaf=leaf):
            return OnlineDisk(
                pool=name, guid=guid, member=leaf.guid, disk=_subject(leaf, index), turn=turn
            )
        case Offline(leaf=leaf):
            return OfflineDisk(
                pool=name, guid=guid, member=leaf.guid, disk=_subject(leaf, index), others=others,
                turn=turn,
            )  # fmt: skip
        case _:
            assert_never(change)


def _subject(leaf: Vdev, index: Index) -> str:
    """What a member is called in a plan: where it is or was, or its GUID where two share that."""
    same = [
        one
        for pool in index.actual.pools
        for one in pool.leaves()
        if where(one) == where(leaf) and one.guid != leaf.guid
    ]
    return leaf.guid if same else where(leaf)


def _name(top: Vdev | None) -> str:
    return top.name if top is not None else ""


def _guid(top: Vdev | None) -> Guid:
    return top.guid if top is not None else Guid("")


def _names(leaf: Vdev, there: Pool, index: Index) -> tuple[str, ...]:
    """All names of the disk that is free once a leaf has left its pool; none where something else
    of a pool is on that disk."""
    disk = index.leaf_disk(leaf)
    if disk is None or index.pools_on(disk) != (there,):
        return ()
    others = [
        one
        for one in there.leaves()
        if one.guid != leaf.guid and where(one) != where(leaf) and index.leaf_disk(one) == disk
    ]
    return () if others else tuple(sorted({disk.path, *disk.aliases}))


def _ashift(move: Move, pool: DesiredPool, there: Pool, index: Index) -> int | None:
    """The ashift of a new vdev: that of the data vdevs that are there, so that it could be removed
    again (zpool-remove(8))."""
    if move.vdev_class in ("cache", "spare"):
        return None
    seen = {
        index.ashifts[vdev.guid]
        for vdev in there.vdevs
        if vdev.vdev_class == "normal" and vdev.guid in index.ashifts
    }
    if seen:
        return max(seen)
    return pool.ashift if pool.ashift is not None else CREATED_ASHIFT


def told(move: Move) -> str:
    """A move in words: what would have to be done."""
    change, top = move.change, _name(move.top)
    name = "" if move.vdev_class == "normal" else f"{move.vdev_class} "
    match change:
        case Attach(disk=disk):
            return f"{disk} would be attached to {top}"
        case Replace(old=old, disk=disk):
            return f"{where(old)} ({old.state}) would be replaced by {disk}"
        case Detach(leaf=leaf):
            return f"{where(leaf)} ({leaf.state}) would be detached from {top}"
        case Expand(disk=disk):
            return f"{top} would be expanded by {disk}"
        case Add(vdev=vdev):
            return f"{name}{vdev} would be added"
        case Remove():
            said = describe(move.top) if move.top is not None else ""
            return f"{name}{said} would be removed"
        case Online(leaf=leaf):
            return f"{where(leaf)} would be brought online"
        case Offline(leaf=leaf):
            return f"{where(leaf)} would be taken offline"
        case _:
            assert_never(change)
