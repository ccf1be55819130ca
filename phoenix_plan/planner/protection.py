"""What the config protects: `protected: true` on a pool, a dataset or a storage.

Protection on the object itself (`phoenix:protected`) is a condition; this is the config's own word,
and it refuses every destructive action on the thing, whatever the consent.
"""

from __future__ import annotations

from phoenix_plan.actions import Action, WipeDisk
from phoenix_plan.conditions import Unmet
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index


def protected_by_config(action: Action, desired: Desired, index: Index) -> Unmet | None:
    """Why the config forbids a destructive action, None where it does not."""
    match action.ABOUT:
        case "pool" | "dataset":
            return _dataset(action.subject, desired)
        case "storage":
            named = any(s.protected and s.id == action.subject for s in desired.storages)
            return _refusal(f"storage {action.subject}") if named else None
        case "disk":
            return _disk(action, desired, index)
        case "host":
            return None


def _dataset(name: str, desired: Desired) -> Unmet | None:
    """Protection of a descendant protects its ancestors; that of an ancestor what is below."""
    protected = [pool.name for pool in desired.pools if pool.protected]
    protected += [dataset.name for dataset in desired.datasets if dataset.protected]
    for one in protected:
        if one == name or one.startswith(name + "/") or name.startswith(one + "/"):
            return _refusal(one)
    return None


def _disk(action: Action, desired: Desired, index: Index) -> Unmet | None:
    if not isinstance(action, WipeDisk):
        return None
    device = index.device(action.disk)
    pools = index.pools_on(device.disk) if device is not None else ()
    for pool in pools:
        why = _dataset(pool.name, desired)
        if why is not None:
            return why
    return None


def _refusal(name: str) -> Unmet:
    return Unmet(
        code="protected",
        message=f"the config protects {name}",
        hint="Take `protected` out in a change of its own, then plan again.",
    )
