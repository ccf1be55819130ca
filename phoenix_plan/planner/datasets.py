"""Declared datasets against the datasets that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from phoenix_plan.actions import (
    Change,
    CreateDataset,
    DestroyDataset,
    RenameDataset,
    SetDatasetProperties,
    action_id,
)
from phoenix_plan.conditions import Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.datasets import KEPT_UNTIL, Dataset, effective
from phoenix_plan.model.desired import DesiredDataset, RemovedDataset
from phoenix_plan.model.index import Index
from phoenix_plan.model.mountpoints import Mountpoints
from phoenix_plan.model.properties import CREATE_ONLY, canonical
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.claims import lost_rename
from phoenix_plan.planner.items import Finding, Items, Scope, Step, Unchanged, failed
from phoenix_plan.planner.nets import kept_until, no_date, retirement


def mountpoints_of(scope: Scope) -> Mountpoints:
    """Where datasets mount after this plan."""

    def there(name: str) -> str | None:
        dataset = scope.index.datasets.get(name)
        return None if dataset is None or scope.fresh(dataset.pool) else dataset.mountpoint

    return Mountpoints(scope.desired.mountpoints, there)


def plan_datasets(scope: Scope, mountpoints: Mountpoints) -> Items:
    """Everything about datasets, the root filesystems of declared pools included."""
    recreated: set[str] = set()
    for pool in scope.desired.pools:
        root = scope.index.datasets.get(pool.name)
        if root is None or scope.fresh(pool.name) or not pool.filesystem:
            continue
        wanted = DesiredDataset(name=pool.name, properties=pool.filesystem, ignore=pool.ignore)
        yield from _existing(wanted, root, scope, mountpoints, recreated, root_filesystem=True)
    moved: list[str] = []
    for dataset in scope.desired.datasets:
        if dataset.pool in scope.imported:
            continue
        if any(dataset.name.startswith(f"{to}/") for to in moved):
            continue  # what moves along with its parent is known once it has moved
        there = scope.index.datasets.get(dataset.name)
        if there is not None and not scope.fresh(dataset.pool) and dataset.name not in recreated:
            yield from _existing(dataset, there, scope, mountpoints, recreated)
            continue
        renamed = scope.index.datasets.get(dataset.renamed_from)
        if renamed is not None and scope.fresh(renamed.pool):
            yield Step(action=_create_action(dataset, mountpoints), refused=lost_rename(dataset))
            continue
        if renamed is not None:
            yield from _rename(dataset, renamed)
            moved.append(dataset.name)
            continue
        yield Step(action=_create_action(dataset, mountpoints), refused=_key_needed(dataset))
    for removed in scope.desired.removed.datasets:
        if removed.name.partition("/")[0] not in scope.removed | scope.recreated:
            yield from _remove(removed, scope)


def _create_action(dataset: DesiredDataset, mountpoints: Mountpoints) -> CreateDataset:
    return CreateDataset(
        dataset=dataset.name,
        kind=dataset.type,
        volsize=dataset.volsize,
        properties=dict(dataset.properties),
        mountpoint="none" if dataset.type == "volume" else mountpoints.of(dataset.name),
    )


def _key_needed(dataset: DesiredDataset) -> Unmet | None:
    encryption = dataset.properties.get("encryption", "off")
    location = dataset.properties.get("keylocation", "prompt")
    # With neither keyformat nor keylocation, a child takes its parent's key.
    asks = "keyformat" in dataset.properties and location == "prompt"
    if encryption == "off" or not asks:
        return None
    return Unmet(
        code="key-from-prompt",
        message=f"{dataset.name} is to be encrypted with a key from a prompt: no plan can answer",
        hint="Give keylocation=file:///… or https://….",
    )


def _existing(
    dataset: DesiredDataset,
    there: Dataset,
    scope: Scope,
    mountpoints: Mountpoints,
    recreated: set[str],
    *,
    root_filesystem: bool = False,
) -> Items:
    subject = Subject(kind="dataset", name=dataset.name)
    fixed = tuple(_fixed_differences(dataset, there, scope.index))
    if fixed and root_filesystem:
        yield Finding(
            severity="error",
            code="create-only-differs",
            subject=subject,
            message=f"the root filesystem was created otherwise: {'; '.join(fixed)}",
            hint="Only a new pool could have it so. Declare what is there, or put the property in "
            "`ignore`.",
        )
        return
    if fixed:
        create = _create_action(dataset, mountpoints)
        keep = scope.desired.nets.retire
        below = [there, *scope.index.descendants(there.name)]
        recreated |= {dataset.name for dataset in below}
        if keep:
            yield retirement(there, keep, scope.index, serves=(action_id(create),))
        for gone in () if keep else reversed(below):
            yield Step(action=destroy_action(gone, scope.index), serves=(action_id(create),))
        yield Finding(
            severity="note",
            code="create-only-differs",
            subject=subject,
            message=f"can only be made anew: {'; '.join(fixed)}",
            hint="If that is not worth the data, put the property in `ignore`.",
        )
        yield Step(action=create, refused=_key_needed(dataset))
        return
    changes = tuple(_changes(dataset, there, scope.index.actual.defaults))
    keys = [change.name for change in changes if change.name in ("keyformat", "pbkdf2iters")]
    if changes:
        refused = Unmet(
            code="key-change",
            message=f"{dataset.name}: {', '.join(keys)} changes only with its key",
            hint="Use zfs change-key yourself, or put the property in `ignore`.",
        )
        yield Step(
            refused=refused if keys else None,
            action=SetDatasetProperties(
                dataset=dataset.name,
                guid=there.guid,
                properties=changes,
                unset=tuple(c.name for c in changes if c.name not in there.set),
            ),
        )
    elif not root_filesystem:
        yield Unchanged(subject=subject)


def _fixed_differences(dataset: DesiredDataset, there: Dataset, index: Index) -> Iterator[str]:
    if dataset.type != there.type and "/" in dataset.name:
        yield f"declared is a {dataset.type}, there is a {there.type}"
        return
    for name, wanted in sorted(dataset.properties.items()):
        if name not in CREATE_ONLY or name in dataset.ignore:
            continue
        seen = effective(there, name, index.actual.defaults)
        if seen is not None and not same(name, seen, wanted):
            yield f"{name} is {seen}, declared is {wanted}, and it is fixed at creation"


def _changes(
    dataset: DesiredDataset, there: Dataset, defaults: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    wanted = dict(dataset.properties)
    if dataset.volsize is not None:
        # ZFS keeps whole blocks: what it rounded up when the volume was made is no difference.
        block = int(effective(there, "volblocksize", defaults) or 1)
        wanted["volsize"] = str(-(-dataset.volsize // block) * block)
    for name, value in sorted(wanted.items()):
        if name in CREATE_ONLY or name in dataset.ignore:
            continue
        seen = effective(there, name, defaults)
        if seen is None or not same(name, seen, value):
            yield Change(name=name, before=seen or "", after=_plain(name, value))


def same(name: str, one: str, other: str) -> bool:
    """Whether ZFS means the same by two values of a property."""
    if name == "refreservation" and "auto" in (one, other):
        return "0" not in (one, other)  # auto becomes a number as soon as it is set
    return one == other or _plain(name, one) == _plain(name, other)


def _plain(name: str, value: str) -> str:
    try:
        return canonical(name, value)
    except ValueError:
        return value  # such as refreservation=auto: no size, and compared as it stands


def _rename(dataset: DesiredDataset, there: Dataset) -> Items:
    subject = Subject(kind="dataset", name=dataset.name)
    if there.pool != dataset.pool:
        yield Finding(
            severity="error",
            code="rename-across-pools",
            subject=subject,
            message=f"{there.name} is in another pool: a rename can't take it there",
            hint="Send and receive it yourself.",
        )
        return
    yield Step(action=RenameDataset(dataset=there.name, guid=there.guid, to=dataset.name))
    yield Finding(
        severity="note",
        code="plan-again-after-rename",
        subject=subject,
        message="its properties are compared once it has its new name",
        hint="Plan again after this plan was applied.",
    )


def destroy_action(dataset: Dataset, index: Index, until: str = "") -> DestroyDataset:
    """The destruction of one dataset: its children are actions of their own. `until` is how long it
    was to be kept, where it was put aside."""
    return DestroyDataset(
        dataset=dataset.name,
        guid=dataset.guid,
        snapshots={name: Guid(guid) for name, guid in sorted(dataset.snapshots.items())},
        children=tuple(child.name for child in index.children(dataset.name)),
        clones=tuple(clone.name for clone in index.clones.get(dataset.name, ())),
        origin=dataset.clone_of.partition("@")[0],
        mountpoint=dataset.mountpoint,
        storages=tuple(
            storage.id
            for storage in index.storages_on(dataset.name)
            if index.storage_dataset(storage) == dataset.name
        ),
        kept_until=until,
    )


def _remove(removed: RemovedDataset, scope: Scope) -> Items:
    index, subject = scope.index, Subject(kind="dataset", name=removed.name)
    kept = index.aside.get((removed.name.partition("/")[0], removed.guid))
    there = index.datasets.get(removed.name) if kept is None else kept
    until = ""
    if kept is not None:
        dates = {}
        for one in (kept, *(one for one in index.descendants(kept.name) if index.is_aside(one))):
            date = kept_until(one)
            if date is None:
                yield no_date(one)
                return
            dates[date] = one.set[KEPT_UNTIL]
        date = max(dates)  # one that was put aside before may have longer to go
        until = dates[date]
        if datetime.fromisoformat(index.actual.taken_at) < date:
            yield Unchanged(subject=subject, detail=f"is kept as {kept.name} until {until}")
            return
    if there is None:
        pool = removed.name.partition("/")[0]
        why = unknown(index, "pools", "idle-pools", "datasets")
        if why is not None:
            yield failed(subject, why)
        elif any(one.state != "destroyed" for one in index.idle_pools.get(pool, ())):
            yield Finding(
                severity="error",
                code="removed-not-imported",
                subject=subject,
                message=f"declared removed, but its pool {pool} is not imported: nobody can see it",
                hint="Import the pool first, then plan again.",
            )
        else:
            yield Unchanged(subject=subject, detail="is gone, as declared")
        return
    if there.guid != removed.guid:
        yield Finding(
            severity="error",
            code="removed-is-another",
            subject=subject,
            message=f"declared removed is {removed.guid}, the dataset of that name is {there.guid}",
            hint="This is another dataset. Take the entry out, or give the GUID that you mean.",
        )
        return
    below = list(index.descendants(there.name))
    if below and not removed.recursive:
        yield Finding(
            severity="error",
            code="removed-has-children",
            subject=subject,
            message=f"declared removed, but it has children: {_some([d.name for d in below])}",
            hint="Say `recursive: true` to lose them too, each by an action of its own.",
        )
        return
    keep = scope.desired.nets.retire
    if keep and not until:
        yield retirement(there, keep, index)
        return
    whole = destroy_action(there, index, until)
    yield Step(action=whole)
    for gone in below:
        # Lost along with what they are below, and only with it.
        yield Step(action=destroy_action(gone, index, until), serves=(action_id(whole),))


def _some(names: list[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
