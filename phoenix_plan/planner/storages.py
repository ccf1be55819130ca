"""Declared Proxmox storages against storage.cfg, and storages around what is destroyed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from phoenix_plan.actions import (
    Action,
    AddStorage,
    Change,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    EnableStorage,
    RemoveStorage,
    RetireDataset,
    UpdateStorage,
    action_id,
)
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.desired import DesiredStorage
from phoenix_plan.model.index import Index
from phoenix_plan.model.mountpoints import Mountpoints
from phoenix_plan.model.proxmox import Storage
from phoenix_plan.model.storage_semantics import Difference, differences, is_disabled
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.items import Finding, Items, Scope, Step, Unchanged, failed


def plan_storages(scope: Scope, mountpoints: Mountpoints) -> Items:
    """Everything about storages, but for those around a destroy (`around_destroys`)."""
    homes = {mountpoints.of(name): name for name in scope.desired.mountpoints}
    for storage in scope.desired.storages:
        wanted = _properties(storage, mountpoints)
        there = scope.index.storages.get(storage.id)
        if there is not None:
            yield from _existing(storage, wanted, there, _home(storage, wanted, homes))
        else:
            home = _home(storage, wanted, homes)
            if home.partition("/")[0] not in scope.imported:
                yield Step(action=_add(storage, wanted, home))
    for removed in scope.desired.removed.storages:
        there = scope.index.storages.get(removed)
        if there is None:
            subject = Subject(kind="storage", name=removed)
            why = unknown(scope.index, "storages")
            gone = Unchanged(subject=subject, detail="is gone, as declared")
            yield gone if why is None else failed(subject, why)
        else:
            yield Step(action=_remove(there, because="declared removed"))


def _properties(storage: DesiredStorage, mountpoints: Mountpoints) -> dict[str, str]:
    wanted = dict(storage.properties)
    if storage.type == "dir" and "path" not in wanted and storage.dataset:
        wanted["path"] = mountpoints.of(storage.dataset)
    return wanted


def _home(storage: DesiredStorage, wanted: Mapping[str, str], homes: Mapping[str, str]) -> str:
    """The dataset that a storage will live on: named, or the declared one that its path is on."""
    pool = wanted.get("pool", "") if storage.type == "zfspool" else ""
    at = wanted.get("path", "")
    while not (storage.dataset or pool) and at.startswith("/"):
        if at in homes:
            return homes[at]
        at = at.rpartition("/")[0]
    return storage.dataset or pool


def _add(storage: DesiredStorage, wanted: dict[str, str], home: str) -> AddStorage:
    return AddStorage(storage=storage.id, kind=storage.type, properties=wanted, dataset=home)


def _remove(storage: Storage, *, because: str) -> RemoveStorage:
    return RemoveStorage(
        storage=storage.id,
        kind=storage.type,
        properties=dict(storage.properties),
        because=because,
    )


def _existing(storage: DesiredStorage, wanted: dict[str, str], there: Storage, home: str) -> Items:
    subject = Subject(kind="storage", name=storage.id)
    if there.type != storage.type:
        yield from _replace(
            storage, wanted, there, home, f"type {there.type} is to be {storage.type}"
        )
        return
    try:
        found = differences(there, wanted, ignore=storage.ignore)
    except ValueError as error:
        yield Finding(
            severity="error",
            code="storage-value-refused",
            subject=subject,
            message=f"PVE would refuse it: {error}",
            hint="Mend the value in the config or in storage.cfg.",
        )
        return
    fixed = [difference for difference in found if difference.fixed]
    if fixed:
        yield from _replace(storage, wanted, there, home, "; ".join(_said(one) for one in fixed))
    elif found:
        yield Step(
            action=UpdateStorage(
                storage=storage.id,
                kind=storage.type,
                properties=tuple(
                    Change(name=one.key, before=one.before, after=one.after) for one in found
                ),
                dataset=home,
            )
        )
    else:
        yield Unchanged(subject=subject)
    if is_disabled(there) and "disable" not in wanted:
        yield Finding(
            severity="warning",
            code="storage-disabled",
            subject=subject,
            message="is disabled; the config does not say so, and it is left as it is",
            hint=f"To use it again: pvesm set {storage.id} --disable 0.",
        )


def _said(difference: Difference) -> str:
    return f"{difference.key} is {difference.before}, declared is {difference.after}"


def _replace(
    storage: DesiredStorage, wanted: dict[str, str], there: Storage, home: str, why: str
) -> Items:
    """A fixed property: another value is another storage (facts of pvesm set)."""
    add = _add(storage, wanted, home)
    yield Step(
        action=_remove(there, because=f"{why}, which PVE never changes on a registered storage"),
        serves=(action_id(add),),
    )
    yield Step(action=add)


def around_destroys(actions: Iterable[Action], scope: Scope) -> Items:
    """Disable every storage that lives on what goes away, and enable it again where it lives on.

    PVE's status daemon imports, mounts and makes directories on every enabled storage every ten
    seconds.
    """
    planned = tuple(actions)
    removed = {action.storage for action in planned if isinstance(action, RemoveStorage)}
    created = {action_id(action) for action in planned}
    for storage, serves in sorted(_disturbed(planned).items()):
        there = scope.index.storages[storage]
        if storage in removed or is_disabled(there):
            continue
        yield Step(
            action=DisableStorage(storage=storage, kind=there.type), serves=tuple(sorted(serves))
        )
        home = scope.index.storage_dataset(there)
        lives_on = {f"create-dataset:{home}", f"create-pool:{home}"} & created
        if lives_on:
            yield Step(action=EnableStorage(storage=storage, dataset=home))


def homeless(actions: Iterable[Action], scope: Scope) -> Items:
    """Storages that stay behind disabled, because what they live on goes away for good."""
    planned = tuple(actions)
    enabled = {action.storage for action in planned if isinstance(action, EnableStorage)}
    for action in planned:
        if isinstance(action, DisableStorage) and action.storage not in enabled:
            home = scope.index.storage_dataset(scope.index.storages[action.storage])
            yield Finding(
                severity="warning",
                code="storage-loses-home",
                subject=Subject(kind="storage", name=action.storage),
                message=f"lives on {home}, which goes away: it stays registered, and disabled",
                hint="Declare it removed, or declare its dataset.",
            )


def _disturbed(actions: Iterable[Action]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for action in actions:
        if isinstance(action, DestroyPool | DestroyDataset | RetireDataset):
            for storage in action.storages:
                found.setdefault(storage, set()).add(action_id(action))
    return found


def lost_lines(index: Index, actions: Iterable[Action]) -> Items:
    """PVE's own next write drops what it does not know: say so where this plan makes it write."""
    if index.actual.storages.lost and any(_is_storage(action) for action in actions):
        yield Finding(
            severity="warning",
            code="storage-cfg-loses-lines",
            subject=Subject(kind="storage", name="storage.cfg"),
            message="PVE's next write of the file drops: " + "; ".join(index.actual.storages.lost),
            hint="Keep a copy of /etc/pve/storage.cfg if they matter.",
        )


def _is_storage(action: Action) -> bool:
    return isinstance(
        action, AddStorage | UpdateStorage | RemoveStorage | DisableStorage | EnableStorage
    )
