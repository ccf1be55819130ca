"""Changes to Proxmox storages, all through pvesm(1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change
from phoenix_plan.commands import Run, Write
from phoenix_plan.conditions import (
    Condition,
    DatasetPresent,
    DatasetSettled,
    Known,
    Quorate,
    StorageAbsent,
    StorageDisabled,
    StoragePresent,
)
from phoenix_plan.model.subjects import Kind

_DIGEST = ("--digest", "{storage_cfg_digest}")
"""pvesm refuses where storage.cfg is no longer the file that was read right before."""


def _at_home(dataset: str) -> tuple[Condition, ...]:
    """The dataset is there, and mounted where it shall be: PVE writes to the path at once."""
    if not dataset:
        return ()
    return (DatasetPresent(dataset=dataset), DatasetSettled(dataset=dataset))


@attrs.frozen(kw_only=True)
class AddStorage:
    """Register a storage. `dataset` is the one it lives on, empty where it is on none of ours."""

    TYPE: ClassVar[Literal["add-storage"]] = "add-storage"
    ABOUT: ClassVar[Kind] = "storage"
    storage: str
    kind: str
    properties: Mapping[str, str]
    dataset: str = ""

    @property
    def subject(self) -> str:
        return self.storage

    def needs(self) -> tuple[Condition, ...]:
        return (Quorate(), StorageAbsent(storage=self.storage), *_at_home(self.dataset))

    def gives(self) -> tuple[Condition, ...]:
        return (StoragePresent(storage=self.storage),)

    def writes(self) -> tuple[Write, ...]:
        options = (
            part for key, value in sorted(self.properties.items()) for part in (f"--{key}", value)
        )
        return (Run(argv=("pvesm", "add", self.kind, self.storage, *options)),)

    def undo(self) -> str:
        return f"pvesm remove {self.storage}"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="type", after=self.kind),
            *(Change(name=key, after=value) for key, value in sorted(self.properties.items())),
        )


@attrs.frozen(kw_only=True)
class UpdateStorage:
    """Change properties of a registered storage; one whose `after` is empty is deleted."""

    TYPE: ClassVar[Literal["update-storage"]] = "update-storage"
    ABOUT: ClassVar[Kind] = "storage"
    storage: str
    kind: str
    properties: tuple[Change, ...]
    dataset: str = ""

    @property
    def subject(self) -> str:
        return self.storage

    def needs(self) -> tuple[Condition, ...]:
        # Once enabled, PVE makes directories and imports pools within ten seconds.
        enables = any(one.name == "disable" and one.after == "0" for one in self.properties)
        return (
            Quorate(),
            StoragePresent(storage=self.storage, kind=self.kind),
            Known(source="references"),
            *(_at_home(self.dataset) if enables else ()),
        )

    def gives(self) -> tuple[Condition, ...]:
        return ()

    def writes(self) -> tuple[Write, ...]:
        options = (
            part
            for change in self.properties
            if change.after
            for part in (f"--{change.name}", change.after)
        )
        deleted = ",".join(change.name for change in self.properties if not change.after)
        delete = ("--delete", deleted) if deleted else ()
        return (Run(argv=("pvesm", "set", self.storage, *options, *delete, *_DIGEST)),)

    def undo(self) -> str:
        options = " ".join(
            f"--{change.name} {change.before}" for change in self.properties if change.before
        )
        return f"pvesm set {self.storage} {options}" if options else ""

    def changes(self) -> tuple[Change, ...]:
        return self.properties


@attrs.frozen(kw_only=True)
class RemoveStorage:
    """Take a storage off the list. The data stays; PVE forgets ACLs and pool memberships of it."""

    TYPE: ClassVar[Literal["remove-storage"]] = "remove-storage"
    ABOUT: ClassVar[Kind] = "storage"
    storage: str
    kind: str
    properties: Mapping[str, str]
    because: str = ""

    @property
    def subject(self) -> str:
        return self.storage

    def needs(self) -> tuple[Condition, ...]:
        return (
            Quorate(),
            StoragePresent(storage=self.storage, kind=self.kind),
            Known(source="references"),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (StorageAbsent(storage=self.storage), StorageDisabled(storage=self.storage))

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("pvesm", "remove", self.storage)),)

    def undo(self) -> str:
        options = " ".join(f"--{key} {value}" for key, value in sorted(self.properties.items()))
        return f"pvesm add {self.kind} {self.storage} {options}"

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="type", before=self.kind),
            *(Change(name=key, before=value) for key, value in sorted(self.properties.items())),
        )


@attrs.frozen(kw_only=True)
class DisableStorage:
    """Have PVE leave a storage alone while what it lives on goes away."""

    TYPE: ClassVar[Literal["disable-storage"]] = "disable-storage"
    ABOUT: ClassVar[Kind] = "storage"
    storage: str
    kind: str

    @property
    def subject(self) -> str:
        return self.storage

    def needs(self) -> tuple[Condition, ...]:
        return (
            Quorate(),
            StoragePresent(storage=self.storage, kind=self.kind),
            Known(source="references"),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (StorageDisabled(storage=self.storage),)

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("pvesm", "set", self.storage, "--disable", "1", *_DIGEST)),)

    def undo(self) -> str:
        return f"pvesm set {self.storage} --disable 0"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="disable", before="0", after="1"),)


@attrs.frozen(kw_only=True)
class EnableStorage:
    """Have PVE use a storage (again), once what it lives on is there."""

    TYPE: ClassVar[Literal["enable-storage"]] = "enable-storage"
    ABOUT: ClassVar[Kind] = "storage"
    storage: str
    dataset: str = ""

    @property
    def subject(self) -> str:
        return self.storage

    def needs(self) -> tuple[Condition, ...]:
        on = (DatasetPresent(dataset=self.dataset),) if self.dataset else ()
        return (Quorate(), StoragePresent(storage=self.storage), *on)

    def gives(self) -> tuple[Condition, ...]:
        return ()

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("pvesm", "set", self.storage, "--disable", "0", *_DIGEST)),)

    def undo(self) -> str:
        return f"pvesm set {self.storage} --disable 1"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="disable", before="1", after="0"),)
