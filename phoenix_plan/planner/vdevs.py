"""The moves of a pool's way as actions, each in its turn, with what they need before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import assert_never

import attrs

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
from phoenix_plan.model.desired import DesiredPool
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import type_of
from phoenix_plan.model.pools import Pool, Vdev
from phoenix_plan.model.properties import CREATED_ASHIFT
from phoenix_plan.model.sizes import Guid
from phoenix_plan.planner.contents import contents
from phoenix_plan.planner.items import Items, Step
from phoenix_plan.planner.members import parts
from phoenix_plan.planner.moves import (
    Add,
    Attach,
    Detach,
    Expand,
    Move,
    Offline,
    Online,
    Remove,
    Replace,
)
from phoenix_plan.planner.outlook import Outlook, net_place, no_way_back, stays_small


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
    outlook = Outlook(there, index)
    steps: list[Step] = []
    freed: set[str] = set()
    for turn, one in enumerate(planned, start=1):
        if not isinstance(one, Move):
            steps.append(Step(action=one(pool=there.name, guid=there.guid, turn=turn)))
            continue
        action = _action(one, pool, there, index, turn=turn, others=outlook.others(one))
        yield from wipes(one.takes, action_id(action), index, freed)
        steps.append(Step(action=action, refused=outlook.refused(one)))
        outlook.apply(one)
        for leaf in one.frees:
            freed |= set(_names(leaf, there, index))
    yield from _all_or_nothing(steps)
    if not there.checkpoint and CreateCheckpoint not in planned:
        yield from no_way_back(there, moves)
    yield from stays_small(pool, there, moves, index)


def _all_or_nothing(steps: Sequence[Step]) -> Items:
    """The steps; what takes something away is done only with all that comes after it."""
    ids = [action_id(step.action) for step in steps]
    for at, step in enumerate(steps):
        gives = isinstance(step.action, AttachDisk | ReplaceDisk | OnlineDisk) or (
            isinstance(step.action, AddVdev) and not step.action.is_data
        )
        yield step if gives else attrs.evolve(step, only_with=tuple(ids[at + 1 :]))


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
            member = (beside.guid, beside.place) if isinstance(beside, Vdev) else (beside, beside)
            return AttachDisk(
                pool=name, guid=guid, beside=member[0], beside_name=member[1], disk=disk,
                identity=identity_of(disk, index), turn=turn,
            )  # fmt: skip
        case Replace(old=old, disk=disk):
            return ReplaceDisk(
                pool=name, guid=guid, old=old.guid, old_name=old.place, old_state=old.state,
                released=_names(old, there, index), disk=disk, identity=identity_of(disk, index),
                turn=turn,
            )  # fmt: skip
        case Detach(leaf=leaf):
            return DetachDisk(
                pool=name, guid=guid, member=leaf.guid, mirror=_name(top), others=others,
                instead=_stand_in(leaf, top),
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
                state="ONLINE" if all(leaf.state == "ONLINE" for leaf in leaves) else "DEGRADED",
                disks=tuple(_subject(leaf, index) for leaf in leaves), others=others,
                released=tuple(n for leaf in leaves for n in _names(leaf, there, index)),
                turn=turn,
            )  # fmt: skip
        case Online(leaf=leaf):
            return OnlineDisk(
                pool=name, guid=guid, member=leaf.guid, disk=_subject(leaf, index),
                state=leaf.state, turn=turn,
            )  # fmt: skip
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
        if one.place == leaf.place and one.guid != leaf.guid
    ]
    return leaf.guid if same else leaf.place


def _stand_in(leaf: Vdev, top: Vdev | None) -> str:
    """The spare that takes a disk's place when the disk is detached, empty where none does."""
    for slot in top.children if top is not None else ():
        whose, _, helping = parts(slot)
        if whose.guid == leaf.guid and helping:
            return helping[0].place
    return ""


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
        if one.guid != leaf.guid and one.place != leaf.place and index.leaf_disk(one) == disk
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
