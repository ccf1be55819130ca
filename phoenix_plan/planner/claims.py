"""What one plan must not want of one thing twice: a disk for two pools, a dataset kept and lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from phoenix_plan.actions import (
    Action,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    RenameDataset,
    RetireDataset,
    SetDatasetProperties,
    VdevAction,
    action_id,
    pool_of,
)
from phoenix_plan.conditions import Unmet
from phoenix_plan.model.datasets import within
from phoenix_plan.model.desired import Desired, DesiredDataset
from phoenix_plan.model.index import Index


def contradictions(
    actions: Iterable[Action], desired: Desired, index: Index
) -> Mapping[str, Unmet]:
    """Ids of actions that contradict another part of the plan, and why."""
    planned = tuple(actions)
    pools, disks = _claimed_twice(desired, index)
    moved = [action for action in planned if isinstance(action, RenameDataset)]
    found = _mounted_twice(planned)
    for action in planned:
        why = None
        if action.ABOUT == "pool" or isinstance(action, VdevAction):
            why = pools.get(pool_of(action))
        elif action.ABOUT == "disk":
            named = getattr(action, "disks", ()) or (getattr(action, "disk", ""),)
            devices = [device for path in named if (device := index.device(path)) is not None]
            why = next((disks[d.disk.path] for d in devices if d.disk.path in disks), None)
        elif isinstance(action, DestroyDataset | RetireDataset):
            why = _kept(action.dataset, moved)
        if why is None and isinstance(action, DestroyPool | DestroyDataset | RetireDataset):
            why = renamed_is_lost(action, desired, index)
        if why is not None:
            found[action_id(action)] = why
    return found


def _mounted_twice(actions: Iterable[Action]) -> dict[str, Unmet]:
    """Two new filesystems on one path: the later one would hide the earlier."""
    owners: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        match action:
            case CreatePool(mountpoint=path) | CreateDataset(mountpoint=path):
                owners[path].append(action_id(action))
            case SetDatasetProperties(properties=changes):
                for change in changes:
                    if change.name == "mountpoint":
                        owners[change.after].append(action_id(action))
            case _:
                pass
    return {
        identifier: Unmet(
            code="mountpoint-taken",
            message=f"{path} is to be the mountpoint of several: {', '.join(sorted(identifiers))}",
            hint="Give each its own.",
        )
        for path, identifiers in owners.items()
        if path.startswith("/") and len(identifiers) > 1
        for identifier in identifiers
    }


def _claimed_twice(
    desired: Desired, index: Index
) -> tuple[Mapping[str, Unmet], Mapping[str, Unmet]]:
    owners: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pool in desired.pools:
        for path in pool.disks:
            device = index.device(path)
            if device is not None and device.partition is None:
                owners[device.disk.path].append((pool.name, path))
    pools: dict[str, Unmet] = {}
    disks: dict[str, Unmet] = {}
    for disk, claims in owners.items():
        names = {name for name, _ in claims}
        # Within a pool that is to be created, DisksDistinct says so.
        if len(claims) > 1 and (len(names) > 1 or names & index.pools.keys()):
            said = ", ".join(f"{path} (pool {name})" for name, path in sorted(claims))
            disks[disk] = Unmet(
                code="disk-twice",
                message=f"one disk ({disk}) is declared {len(claims)} times: {said}",
                hint="Each disk has one place in one pool, by whatever name.",
            )
            pools |= dict.fromkeys(names, disks[disk])
    return pools, disks


def renamed_is_lost(
    action: DestroyPool | DestroyDataset | RetireDataset, desired: Desired, index: Index
) -> Unmet | None:
    """Why what is destroyed is wanted under another name, None where it is not."""
    match action:
        case DestroyPool(datasets=datasets):
            lost = set(datasets)
        case RetireDataset(dataset=name, below=below):
            lost = {name, *below}
        case _:
            lost = {action.dataset}
    for dataset in desired.datasets:
        pending = dataset.name not in index.datasets or dataset.name in lost
        if dataset.renamed_from in lost and pending:
            return lost_rename(dataset)
    return None


def lost_rename(dataset: DesiredDataset) -> Unmet:
    """That a dataset can't be renamed from one that is destroyed."""
    return Unmet(
        code="renamed-is-lost",
        message=f"{dataset.name} is to be {dataset.renamed_from} renamed, which is to go",
        hint="Take renamed_from out if what it holds may be lost; else rename it first.",
    )


def _kept(dataset: str, moved: Iterable[RenameDataset]) -> Unmet | None:
    for action in moved:
        if within(dataset, action.dataset):
            return Unmet(
                code="dataset-kept-and-lost",
                message=f"{action.dataset} is to be renamed to {action.to}, but what it is below "
                "is destroyed",
                hint="Rename it in a plan of its own, then destroy the rest.",
            )
    return None
