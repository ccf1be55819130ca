"""What the config protects: `protected: true` on a pool, a dataset or a storage.

Protection on the object itself (`phoenix:protected`) is a condition; this is the config's own word,
and it refuses every destructive action on the thing, whatever the consent.
"""

from __future__ import annotations

from phoenix_plan.actions import (
    Action,
    SetDatasetProperties,
    SetPoolProperties,
    VdevAction,
    WipeDisk,
    pool_of,
)
from phoenix_plan.conditions import Unmet
from phoenix_plan.conditions.datasets import unprotected
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index


def protected_by_config(action: Action, desired: Desired, index: Index) -> Unmet | None:
    """Why the config forbids a destructive action, None where it does not."""
    match action.ABOUT:
        case "pool" | "dataset":
            return _dataset(action.subject, desired, index)
        case "storage":
            return _storage(action.subject, desired, index)
        case "disk":
            pool = pool_of(action)
            return _dataset(pool, desired, index) if pool else _disk(action, desired, index)
        case "host":
            return None


def protected_itself(action: Action, index: Index) -> Unmet | None:
    """Why `phoenix:protected` forbids a destructive change of properties. To lift the protection,
    and nothing else, is such a change too: it is what remains possible."""
    match action:
        case SetDatasetProperties(dataset=name):
            lifts = [change.name for change in action.properties] == ["phoenix:protected"]
            return None if lifts else unprotected(name, index)
        case SetPoolProperties(pool=name):
            return unprotected(name, index)
        case _ if isinstance(action, VdevAction):
            return unprotected(action.pool, index)
        case _:
            return None


def _storage(name: str, desired: Desired, index: Index) -> Unmet | None:
    """A storage is protected by itself, and with the dataset that it makes usable."""
    if any(one.protected and one.id == name for one in desired.storages):
        return _refusal(f"storage {name}")
    there = index.storages.get(name)
    home = index.storage_dataset(there) if there is not None else ""
    guarded = {pool.name for pool in desired.pools if pool.protected}
    guarded |= {dataset.name for dataset in desired.datasets if dataset.protected}
    return _refusal(home) if home in guarded else None


def _dataset(name: str, desired: Desired, index: Index) -> Unmet | None:
    """Protection of a descendant protects its ancestors; that of an ancestor what is below. A
    protected storage protects the dataset that it is on."""
    protected = [pool.name for pool in desired.pools if pool.protected]
    protected += [dataset.name for dataset in desired.datasets if dataset.protected]
    protected += [
        index.storage_dataset(index.storages[one.id])
        for one in desired.storages
        if one.protected and one.id in index.storages
    ]
    for one in protected:
        if one and (one == name or one.startswith(f"{name}/") or name.startswith(f"{one}/")):
            return _refusal(one)
    return None


def _disk(action: Action, desired: Desired, index: Index) -> Unmet | None:
    if not isinstance(action, WipeDisk):
        return None
    device = index.device(action.disk)
    if device is None:
        return None
    # A destroyed pool is residue; one that could be imported is as protected as one that is.
    idle = [pool.name for pool in index.idle_pools_on(device.disk) if pool.state != "destroyed"]
    for name in (*(pool.name for pool in index.pools_on(device.disk)), *idle):
        why = _dataset(name, desired, index)
        if why is not None:
            return why
    return None


def _refusal(name: str) -> Unmet:
    return Unmet(
        code="protected",
        message=f"the config protects {name}",
        hint="Take `protected` out in a change of its own, then plan again.",
    )
