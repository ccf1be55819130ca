"""Verbs: one frozen class per kind of change. The union is closed, and looked up by its tag."""

from __future__ import annotations

from typing import get_args

from phoenix_plan.actions.base import ActionLike, Change
from phoenix_plan.actions.datasets import (
    CreateDataset,
    DestroyDataset,
    RenameDataset,
    SetDatasetProperties,
)
from phoenix_plan.actions.disks import WipeDisk
from phoenix_plan.actions.host import SetArcMax
from phoenix_plan.actions.members import (
    AttachDisk,
    DetachDisk,
    OfflineDisk,
    OnlineDisk,
    ReplaceDisk,
)
from phoenix_plan.actions.nets import RetireDataset, SnapshotDataset
from phoenix_plan.actions.pools import CreatePool, DestroyPool, ImportPool, SetPoolProperties
from phoenix_plan.actions.storages import (
    AddStorage,
    DisableStorage,
    EnableStorage,
    RemoveStorage,
    UpdateStorage,
)
from phoenix_plan.actions.vdevs import (
    AddVdev,
    CreateCheckpoint,
    DiscardCheckpoint,
    ExpandRaidz,
    RemoveVdev,
)

VdevAction = (
    AttachDisk
    | ReplaceDisk
    | DetachDisk
    | ExpandRaidz
    | AddVdev
    | RemoveVdev
    | OnlineDisk
    | OfflineDisk
    | CreateCheckpoint
    | DiscardCheckpoint
)
"""Every change to a pool's vdevs, in turns."""

Action = (
    CreatePool
    | DestroyPool
    | ImportPool
    | SetPoolProperties
    | VdevAction
    | WipeDisk
    | CreateDataset
    | SetDatasetProperties
    | RenameDataset
    | DestroyDataset
    | SnapshotDataset
    | RetireDataset
    | AddStorage
    | UpdateStorage
    | RemoveStorage
    | DisableStorage
    | EnableStorage
    | SetArcMax
)

ACTIONS: dict[str, type[Action]] = {kind.TYPE: kind for kind in get_args(Action)}
"""Every kind of action by its wire tag."""


def action_id(action: Action) -> str:
    """An action's name within its plan: what it does to whom, the same in every plan."""
    return f"{action.TYPE}:{action.subject}"


def pool_of(action: Action) -> str:
    """The pool that an action changes, or whose datasets; empty for the others."""
    match action.ABOUT:
        case "pool" | "dataset":
            return action.subject.partition("/")[0]
        case _:
            return getattr(action, "pool", "")


__all__ = [
    "ACTIONS",
    "Action",
    "ActionLike",
    "AddStorage",
    "AddVdev",
    "AttachDisk",
    "Change",
    "CreateCheckpoint",
    "CreateDataset",
    "CreatePool",
    "DestroyDataset",
    "DestroyPool",
    "DetachDisk",
    "DisableStorage",
    "DiscardCheckpoint",
    "EnableStorage",
    "ExpandRaidz",
    "ImportPool",
    "OfflineDisk",
    "OnlineDisk",
    "RemoveStorage",
    "RemoveVdev",
    "RenameDataset",
    "ReplaceDisk",
    "RetireDataset",
    "SetArcMax",
    "SetDatasetProperties",
    "SetPoolProperties",
    "SnapshotDataset",
    "UpdateStorage",
    "VdevAction",
    "WipeDisk",
    "action_id",
    "pool_of",
]
