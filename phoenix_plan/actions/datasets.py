"""Changes to datasets."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change
from phoenix_plan.commands import SLOW_S, Run, Write
from phoenix_plan.conditions import (
    Condition,
    DatasetAbsent,
    DatasetNotBoot,
    DatasetPresent,
    DatasetSettled,
    DatasetUnused,
    FitsUsed,
    Known,
    MountpointFree,
    PoolPresent,
    PoolWritable,
    Snapshotted,
    StorageDisabled,
    Uncloned,
    Unheld,
    Unprotected,
)
from phoenix_plan.model.sizes import Bytes, Guid, parse_size
from phoenix_plan.model.subjects import Kind

_LIMITS = frozenset({"quota", "refquota", "reservation", "refreservation"})

_ARGUMENT = 100_000
"""Bytes in one argument at most: Linux takes 128 KiB (execve(2), MAX_ARG_STRLEN)."""


@attrs.frozen(kw_only=True)
class CreateDataset:
    """Create a filesystem or a volume (zfs-create(8)). `mountpoint` is where it will mount."""

    TYPE: ClassVar[Literal["create-dataset"]] = "create-dataset"
    ABOUT: ClassVar[Kind] = "dataset"
    dataset: str
    kind: Literal["filesystem", "volume"]
    volsize: Bytes | None = None
    properties: Mapping[str, str] = attrs.field(factory=dict)
    mountpoint: str = "none"

    @property
    def subject(self) -> str:
        return self.dataset

    def needs(self) -> tuple[Condition, ...]:
        pool, _, _ = self.dataset.partition("/")
        parent, _, _ = self.dataset.rpartition("/")
        mounts = self.kind == "filesystem"
        return (
            PoolPresent(pool=pool),
            PoolWritable(pool=pool),
            DatasetPresent(dataset=parent),
            DatasetAbsent(dataset=self.dataset),
            *((MountpointFree(path=self.mountpoint, dataset=self.dataset),) if mounts else ()),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (DatasetPresent(dataset=self.dataset),)

    def writes(self) -> tuple[Write, ...]:
        size = ("-V", str(self.volsize)) if self.volsize is not None else ()
        options = (
            part
            for name, value in sorted(self.properties.items())
            for part in ("-o", f"{name}={value}")
        )
        return (Run(argv=("zfs", "create", *size, *options, self.dataset)),)

    def undo(self) -> str:
        return f"zfs destroy {self.dataset}"

    def changes(self) -> tuple[Change, ...]:
        size = () if self.volsize is None else (Change(name="volsize", after=str(self.volsize)),)
        return (
            Change(name="type", after=self.kind),
            *size,
            *(Change(name=name, after=value) for name, value in sorted(self.properties.items())),
        )


@attrs.frozen(kw_only=True)
class SetDatasetProperties:
    """Set properties of a dataset in one command (zfs-set(8)); a volume's size too.

    `unset` are those of them that nobody had set here before: taken back, they are inherited.
    `net` is the snapshot that is taken before, empty where none is.
    """

    TYPE: ClassVar[Literal["set-dataset-properties"]] = "set-dataset-properties"
    ABOUT: ClassVar[Kind] = "dataset"
    dataset: str
    guid: Guid
    properties: tuple[Change, ...]
    unset: tuple[str, ...] = ()
    net: str = ""

    @property
    def subject(self) -> str:
        return self.dataset

    def needs(self) -> tuple[Condition, ...]:
        pool, _, _ = self.dataset.partition("/")
        limits = tuple(
            FitsUsed(dataset=self.dataset, property=change.name, size=parse_size(change.after))
            for change in self.properties
            if change.name in _LIMITS and change.after != "auto"
        )
        moves = tuple(
            MountpointFree(path=change.after, dataset=self.dataset)
            for change in self.properties
            if change.name == "mountpoint"
        )
        return (
            DatasetPresent(dataset=self.dataset, guid=self.guid),
            PoolWritable(pool=pool),
            # The running root and its ancestors are not ours to change.
            DatasetNotBoot(dataset=self.dataset),
            *((Snapshotted(dataset=self.dataset, snapshot=self.net),) if self.net else ()),
            *limits,
            *moves,
        )

    def gives(self) -> tuple[Condition, ...]:
        return (DatasetSettled(dataset=self.dataset),)

    def writes(self) -> tuple[Write, ...]:
        pairs = (f"{change.name}={change.after}" for change in self.properties)
        return (Run(argv=("zfs", "set", *pairs, self.dataset)),)

    def undo(self) -> str:
        pairs = [
            f"{change.name}={change.before}"
            for change in self.properties
            if change.name not in self.unset
        ]
        steps = [["zfs", "set", *pairs, self.dataset]] if pairs else []
        steps += [["zfs", "inherit", name, self.dataset] for name in self.unset]
        return "; ".join(shlex.join(step) for step in steps)

    def changes(self) -> tuple[Change, ...]:
        return self.properties


@attrs.frozen(kw_only=True)
class RenameDataset:
    """Rename a dataset within its pool (zfs-rename(8)); its snapshots and children move along."""

    TYPE: ClassVar[Literal["rename-dataset"]] = "rename-dataset"
    ABOUT: ClassVar[Kind] = "dataset"
    dataset: str
    guid: Guid
    to: str

    @property
    def subject(self) -> str:
        return self.dataset

    def needs(self) -> tuple[Condition, ...]:
        parent, _, _ = self.to.rpartition("/")
        return (
            DatasetPresent(dataset=self.dataset, guid=self.guid),
            DatasetAbsent(dataset=self.to),
            DatasetPresent(dataset=parent),
            PoolWritable(pool=self.dataset.partition("/")[0]),
            DatasetNotBoot(dataset=self.dataset),
            DatasetUnused(dataset=self.dataset),
            Unprotected(dataset=self.dataset),
            Known(source="storages"),
            Known(source="references"),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (DatasetAbsent(dataset=self.dataset), DatasetPresent(dataset=self.to))

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zfs", "rename", self.dataset, self.to)),)

    def undo(self) -> str:
        return f"zfs rename {self.to} {self.dataset}"

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="name", before=self.dataset, after=self.to),)


@attrs.frozen(kw_only=True)
class DestroyDataset:
    """Destroy one dataset and the named snapshots of it, by checked GUIDs: never -f, -r or -R.

    `snapshots` are short name to GUID: one that was taken anew under an old name is another.
    `children` and `clones` must be gone before; each is an action of its own. `origin` is the
    dataset that it is itself a clone of, empty for most; `mountpoint` is where it was mounted.
    `kept_until` says until when it was to be kept, where it had been put aside.
    """

    TYPE: ClassVar[Literal["destroy-dataset"]] = "destroy-dataset"
    ABOUT: ClassVar[Kind] = "dataset"
    dataset: str
    guid: Guid
    snapshots: Mapping[str, Guid] = attrs.field(factory=dict)
    children: tuple[str, ...] = ()
    clones: tuple[str, ...] = ()
    origin: str = ""
    mountpoint: str = ""
    storages: tuple[str, ...] = ()
    kept_until: str = ""

    @property
    def subject(self) -> str:
        return self.dataset

    def needs(self) -> tuple[Condition, ...]:
        pool, _, _ = self.dataset.partition("/")
        return (
            DatasetPresent(dataset=self.dataset, guid=self.guid),
            PoolWritable(pool=pool),
            DatasetNotBoot(dataset=self.dataset),
            DatasetUnused(dataset=self.dataset),
            Unprotected(dataset=self.dataset),
            Known(source="storages"),
            Known(source="references"),
            Known(source="snapshots"),
            Unheld(dataset=self.dataset),
            *(DatasetAbsent(dataset=child) for child in self.children),
            *(Uncloned(dataset=self.dataset, clone=clone) for clone in self.clones),
            *(StorageDisabled(storage=storage) for storage in self.storages),
        )

    def gives(self) -> tuple[Condition, ...]:
        freed = (Uncloned(dataset=self.origin, clone=self.dataset),) if self.origin else ()
        mounts = self.mountpoint.startswith("/")
        at = MountpointFree(path=self.mountpoint, dataset=self.dataset)
        return (DatasetAbsent(dataset=self.dataset), *freed, *((at,) if mounts else ()))

    def writes(self) -> tuple[Write, ...]:
        return (
            *(
                Run(argv=("zfs", "destroy", f"{self.dataset}@{names}"), timeout_s=SLOW_S)
                for names in _batches(self.snapshots)
            ),
            Run(argv=("zfs", "destroy", self.dataset), timeout_s=SLOW_S),
        )

    def undo(self) -> str:
        return ""

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="guid", before=self.guid),
            *((Change(name="snapshots", before=", ".join(self.snapshots)),) * bool(self.snapshots)),
        )


def _batches(names: Iterable[str]) -> list[str]:
    """Comma lists of snapshot names, each short enough for one argument."""
    batches: list[str] = []
    for name in names:
        if batches and len(batches[-1]) + len(name) < _ARGUMENT:
            batches[-1] += f",{name}"
        else:
            batches.append(name)
    return batches
