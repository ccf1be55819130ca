"""What must hold after an action, seen on the host: an exit status is no proof."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from phoenix_plan.actions import (
    Action,
    CreateCheckpoint,
    CreatePool,
    EnableStorage,
    ImportPool,
    RetireDataset,
    SnapshotDataset,
    WipeDisk,
    action_id,
)
from phoenix_plan.conditions import (
    Condition,
    DiskBlank,
    DiskIs,
    DiskSound,
    MountpointFree,
    text,
    unmet,
)
from phoenix_plan.model.datasets import KEPT_UNTIL, RETIRED_FROM, effective
from phoenix_plan.model.index import Index
from phoenix_plan.model.storage_semantics import is_disabled
from phoenix_plan.planner import Outcome


def unmet_now(needs: Iterable[Condition], index: Index, cleared: Collection[str]) -> str:
    """Every condition that does not hold right now; `cleared` are disks that this run has wiped."""
    found = []
    for need in needs:
        if isinstance(need, DiskBlank) and need.disk in cleared and nameless(need.disk, index):
            continue
        why = unmet(need, index)
        if why is not None:
            found.append(f"{text(need)} does not hold: {why.message}")
    return "; ".join(found)


def nameless(path: str, index: Index) -> bool:
    """A disk that this run has cleared: its middle may still hold what nobody can recognise."""
    device = index.device(path)
    return device is not None and device.disk.emptiness in ("blank", "residual")


def not_given(action: Action, index: Index, cleared: Collection[str]) -> str:
    """What of all that an action gives does not hold right now, as far as anybody looked."""
    seen = (given for given in action.gives() if not _unlooked(given, index))
    return unmet_now(seen, index, cleared)


def not_ready(
    action: Action,
    index: Index,
    cleared: Collection[str],
    *,
    partly: bool,
    given: Collection[Condition] = (),
) -> str:
    """What must hold before an action runs, and does not. Where a part of it is done already, what
    was needed before that is no longer there, and what it gives has to be. `given` is what earlier
    actions will see to."""
    if partly:
        return not_given(action, index, cleared)
    return unmet_now((need for need in action.needs() if need not in given), index, cleared)


def missed(action: Action, now: Outcome, index: Index, cleared: Collection[str]) -> str:
    """Why the action did not do what it was to do, empty where it did. `now` is what would be
    planned on `index`."""
    found = [not_given(action, index, cleared), *_special(action, index)]
    # What nobody can recognise would be wiped once more, and what is still to be changed would get
    # another snapshot.
    if not isinstance(action, WipeDisk | SnapshotDataset):
        again = {planned.ordered.id for planned in now.actions}
        again |= {blocked.id for blocked in now.blocked}
        found += ["it would be planned again"] * (action_id(action) in again)
    return "; ".join(filter(None, found))


def _unlooked(given: Condition, index: Index) -> bool:
    """Folders are looked at where something declared shall be mounted; nobody needs the others."""
    return isinstance(given, MountpointFree) and given.path not in index.actual.directories


def _special(action: Action, index: Index) -> Iterator[str]:
    match action:
        case CreatePool(pool=name) | ImportPool(pool=name):
            pool = index.pools.get(name)
            cachefile = pool.properties.get("cachefile") if pool is not None else None
            # zpoolprops(7): a pool with cachefile=none is not imported at boot.
            if cachefile is not None and cachefile.value == "none":
                yield f"pool {name} will not be imported at boot: its cachefile is none"
        case WipeDisk(disk=disk, identity=identity):
            # A disk that was pulled holds no signature either.
            why = unmet_now((DiskSound(disk=disk), DiskIs(disk=disk, identity=identity)), index, ())
            if why:
                yield why
        case CreateCheckpoint(pool=name):
            pool = index.pools.get(name)
            if pool is None or not pool.checkpoint:
                yield f"pool {name} has no checkpoint"
        case RetireDataset(to=to):
            kept = index.datasets.get(to)
            marks = kept.set if kept is not None else {}
            yield from (f"{to} has no {one}" for one in (KEPT_UNTIL, RETIRED_FROM)
                        if one not in marks)  # fmt: skip
            if kept is not None and effective(kept, "readonly", index.actual.defaults) != "on":
                yield f"{to} is not read-only"
            yield from (f"{one.name} is mounted" for one in index.family(to) if one.mounted)
        case EnableStorage(storage=name):
            storage = index.storages.get(name)
            if storage is None or is_disabled(storage):
                yield f"storage {name} is still disabled"
        case _:
            pass
