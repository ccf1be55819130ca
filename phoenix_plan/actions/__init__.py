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
from phoenix_plan.actions.pools import CreatePool, DestroyPool, ImportPool, SetPoolProperties
from phoenix_plan.actions.storages import (
    AddStorage,
    DisableStorage,
    EnableStorage,
    RemoveStorage,
    UpdateStorage,
)

Action = (
    CreatePool
    | DestroyPool
    | ImportPool
    | SetPoolProperties
    | WipeDisk
    | CreateDataset
    | SetDatasetProperties
    | RenameDataset
    | DestroyDataset
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


__all__ = [
    "ACTIONS",
    "Action",
    "ActionLike",
    "AddStorage",
    "Change",
    "CreateDataset",
    "CreatePool",
    "DestroyDataset",
    "DestroyPool",
    "DisableStorage",
    "EnableStorage",
    "ImportPool",
    "RemoveStorage",
    "RenameDataset",
    "SetArcMax",
    "SetDatasetProperties",
    "SetPoolProperties",
    "UpdateStorage",
    "WipeDisk",
    "action_id",
]
