"""Did it happen? An action that was under way when a run was broken off, held against the host.

Pure: a row, a state, and what the journal saw. It happened where its postcondition holds; it did
not where that does not hold and all of its preconditions still do; else nobody can tell.

An action of several commands may have come half-way. What is left of it then follows from the host,
too: snapshots that are still there, values that are still others, filesystems that are not mounted.
Only a new initramfs leaves no trace that could be looked at: for that the journal is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import attrs

from phoenix_plan.actions import (
    Action,
    AddStorage,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    EnableStorage,
    ImportPool,
    RemoveStorage,
    RenameDataset,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
    action_id,
)
from phoenix_plan.apply.after import missed, nameless, not_given, unmet_now
from phoenix_plan.apply.fill import mountable
from phoenix_plan.commands import Run
from phoenix_plan.conditions import (
    Condition,
    DatasetPresent,
    DiskSound,
    Known,
    PoolPresent,
    StoragePresent,
)
from phoenix_plan.model.datasets import KEPT_UNTIL, effective
from phoenix_plan.model.index import Index
from phoenix_plan.planner import Outcome

Verdict = Literal["done", "not-done", "partly", "unknown"]


@attrs.frozen(kw_only=True)
class Decision:
    """`why` is what was seen, in words. `action` is what is left to be run, without its first
    `skip` commands; nothing where it is done."""

    verdict: Verdict
    why: str
    action: Action
    skip: int = 0


def decide(
    action: Action, now: Outcome, index: Index, *, cleared: Collection[str], ended: int
) -> Decision:
    """What became of `action`, of which `ended` commands were seen to end well.

    `now` is what would be planned on `index`; `cleared` are disks that the run has wiped.
    """
    if isinstance(action, WipeDisk) and ended:
        # Its zeroes were on the disk before it was written down that it had ended.
        cleared = {*cleared, action.disk}
    left = rest_of(action, now, index)
    skip = _over(action, now, index, ended=ended)
    why_not = "; ".join(filter(None, (missed(action, now, index, cleared), _unseen(action, index))))
    if not why_not and not skip:
        return Decision(verdict="done", why="the host is as it leaves it", action=action)
    if skip:
        unmet = not_given(action, index, cleared)
        if not unmet:
            words = "its last command is still to be run"
            return Decision(verdict="partly", why=words, action=left, skip=skip)
    else:
        unmet = unmet_now(left.needs(), index, cleared)
        if not unmet:
            partly = left != action or _is_nameless(action, index)
            words = "what is left of it can be run" if partly else "all is as it was before"
            return Decision(verdict="partly" if partly else "not-done", why=words, action=left)
    return Decision(
        verdict="unknown",
        why=f"it did not do what it was to do ({why_not or 'a part of it'}), and what was there "
        f"before it is not there either ({unmet})",
        action=action,
    )


def _is_nameless(action: Action, index: Index) -> bool:
    """A wipe of something that had a name, after which nothing on the disk has one."""
    return (
        isinstance(action, WipeDisk)
        and action.emptiness == "occupied"
        and nameless(action.disk, index)
    )


def _unseen(action: Action, index: Index) -> str:
    """Why its postcondition would be no proof, empty where it is one. Much of what an action leaves
    also holds where all of it is out of sight: a pool that was not imported after a reboot holds no
    dataset."""
    found = [unmet_now(_in_sight(action), index, ())]
    if isinstance(action, DestroyPool):
        found += [
            f"pool {pool.name} ({pool.guid}) is {pool.state}, and not destroyed"
            for pool in index.actual.idle_pools
            if pool.guid == action.guid and pool.state != "destroyed"
        ]
    return "; ".join(filter(None, found))


def _in_sight(action: Action) -> tuple[Condition, ...]:
    match action:
        case DestroyPool(disks=disks):
            return (*(DiskSound(disk=disk) for disk in disks), Known(source="idle-pools"))
        case SetPoolProperties(pool=pool, guid=guid):
            return (PoolPresent(pool=pool, guid=guid),)
        case SetDatasetProperties(dataset=dataset, guid=guid):
            return (DatasetPresent(dataset=dataset, guid=guid),)
        case RenameDataset(to=to, guid=guid):
            return (DatasetPresent(dataset=to, guid=guid),)
        case DestroyDataset(dataset=dataset) | RetireDataset(dataset=dataset):
            return (PoolPresent(pool=dataset.partition("/")[0]),)
        case SnapshotDataset(dataset=dataset, guid=guid):
            return (DatasetPresent(dataset=dataset, guid=guid),)
        case UpdateStorage() | DisableStorage() | EnableStorage():
            return (StoragePresent(storage=action.storage),)
        case SetArcMax():
            return (Known(source="arc"),)
        case CreatePool() | ImportPool() | CreateDataset() | AddStorage() | RemoveStorage():
            return ()
        case WipeDisk():  # its postcondition asks for the disk itself
            return ()
        case _:  # every step on vdevs
            return (PoolPresent(pool=action.pool, guid=action.guid),)


def rest_of(action: Action, now: Outcome, index: Index) -> Action:
    """What is left of an action, where a part of it has happened or is no longer needed."""
    match action:
        case DestroyDataset(snapshots=agreed):
            dataset = index.datasets.get(action.dataset)
            there = dataset.snapshots if dataset is not None else {}
            kept = {name: guid for name, guid in agreed.items() if name in there}
            return attrs.evolve(action, snapshots=kept) if kept != agreed else action
        case RetireDataset() if action.dataset in index.datasets:
            defaults = index.actual.defaults
            known = index.datasets
            return attrs.evolve(
                action,
                automounts=tuple(
                    name for name in action.automounts
                    if name in known and effective(known[name], "canmount", defaults) == "on"
                ),
                writable=tuple(
                    name for name in action.writable
                    if name in known and effective(known[name], "readonly", defaults) == "off"
                ),
            )  # fmt: skip
        case SetDatasetProperties() | SetPoolProperties() | UpdateStorage() | SetArcMax():
            again = next((x for x in now.actions if x.ordered.id == action_id(action)), None)
            if again is None:
                return action
            rest = again.ordered.action
            if isinstance(rest, SetDatasetProperties) and isinstance(action, SetDatasetProperties):
                rest = attrs.evolve(rest, net=action.net)  # that one was taken, or none
            fewer = set(rest.changes()) < set(action.changes())
            # What has the name by now may be another dataset or pool: nobody agreed to that one.
            return rest if fewer and _guid(rest) == _guid(action) else action
        case _:
            return action


def _guid(action: Action) -> str:
    """Of what an action changes; empty where that has none."""
    return getattr(action, "guid", "")


def _over(action: Action, now: Outcome, index: Index, *, ended: int) -> int:
    """How many of its commands are over, where a later one is not and must not wait for the
    others to be needed again; 0 where it begins anew."""
    match action:
        case ImportPool(pool=name, guid=guid):
            pool = index.pools.get(name)
            there = pool is not None and pool.guid == guid
            return int(there and any(mountable(name, index)))
        case RetireDataset(to=to, guid=guid):
            moved = index.datasets.get(to)
            # Its marks come last, and stand on it under its new name.
            unmarked = moved is not None and moved.guid == guid and KEPT_UNTIL not in moved.set
            return len(action.writes()) - 1 if unmarked else 0
        case SetArcMax():
            writes = action.writes()
            planned = any(one.ordered.id == action_id(action) for one in now.actions)
            makes_anew = bool(writes) and isinstance(writes[-1], Run)
            return len(writes) - 1 if makes_anew and not planned and ended < len(writes) else 0
        case _:
            return 0
