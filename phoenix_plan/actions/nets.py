"""What keeps a way back: a snapshot under a change, a dataset put aside instead of destroyed."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change
from phoenix_plan.commands import Run, Write
from phoenix_plan.conditions import (
    Condition,
    DatasetAbsent,
    DatasetNotBoot,
    DatasetPresent,
    DatasetUnused,
    Known,
    MountpointFree,
    PoolWritable,
    Snapshotted,
    StorageDisabled,
    Unprotected,
)
from phoenix_plan.model.datasets import KEPT_UNTIL, RETIRED_FROM
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Kind

MOUNTED = "{mounted}"
"""Stands for every filesystem of the dataset that is mounted at that moment, the deepest path
first."""

MOUNTS = "{mounts}"
"""Likewise, and for every one that would mount by itself."""

UNTIL = "{kept_until}"
"""Stands for the moment until which the dataset is kept, counted from when it was put aside."""


@attrs.frozen(kw_only=True)
class SnapshotDataset:
    """Take a snapshot of one dataset, before it is changed (zfs-snapshot(8))."""

    TYPE: ClassVar[Literal["snapshot-dataset"]] = "snapshot-dataset"
    ABOUT: ClassVar[Kind] = "dataset"
    dataset: str
    guid: Guid
    snapshot: str

    @property
    def subject(self) -> str:
        return self.dataset

    def needs(self) -> tuple[Condition, ...]:
        return (
            DatasetPresent(dataset=self.dataset, guid=self.guid),
            PoolWritable(pool=self.dataset.partition("/")[0]),
            Known(source="snapshots"),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (Snapshotted(dataset=self.dataset, snapshot=self.snapshot),)

    def writes(self) -> tuple[Write, ...]:
        return (Run(argv=("zfs", "snapshot", f"{self.dataset}@{self.snapshot}")),)

    def undo(self) -> str:
        return shlex.join(["zfs", "destroy", f"{self.dataset}@{self.snapshot}"])

    def changes(self) -> tuple[Change, ...]:
        return (Change(name="snapshot", after=self.snapshot),)


@attrs.frozen(kw_only=True)
class RetireDataset:
    """Put a dataset aside instead of destroying it: unmounted, read-only, under another name
    (zfs-rename(8)). All that is below it goes along.

    `below` are its descendants, name to GUID. `keep` is how long it stays (`30d`), which is written
    on it. `automounts` are those of the filesystems that mount by themselves, `writable` those of
    the datasets below that set readonly=off, `mountpoints` where its filesystems mount.
    """

    TYPE: ClassVar[Literal["retire-dataset"]] = "retire-dataset"
    ABOUT: ClassVar[Kind] = "dataset"
    dataset: str
    guid: Guid
    kind: Literal["filesystem", "volume"]
    to: str
    keep: str
    below: Mapping[str, Guid] = attrs.field(factory=dict)
    automounts: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    mountpoints: Mapping[str, str] = attrs.field(factory=dict)
    storages: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.dataset

    def needs(self) -> tuple[Condition, ...]:
        return (
            DatasetPresent(dataset=self.dataset, guid=self.guid),
            DatasetAbsent(dataset=self.to),
            PoolWritable(pool=self.dataset.partition("/")[0]),
            DatasetNotBoot(dataset=self.dataset),
            DatasetUnused(dataset=self.dataset),
            Unprotected(dataset=self.dataset),
            Known(source="storages"),
            Known(source="references"),
            *(StorageDisabled(storage=storage) for storage in self.storages),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (
            *(DatasetAbsent(dataset=name) for name in (self.dataset, *self.below)),
            DatasetPresent(dataset=self.to, guid=self.guid),
            *(
                MountpointFree(path=path, dataset=name)
                for name, path in self.mountpoints.items()
                if path.startswith("/")
            ),
        )

    def writes(self) -> tuple[Write, ...]:
        # -u would leave a filesystem mounted where it was: it is unmounted before.
        stay = ("-u",) if self.kind == "filesystem" else ()
        marks = ("readonly=on", f"{KEPT_UNTIL}={UNTIL}", f"{RETIRED_FROM}={self.dataset}")
        return (
            # First what can be refused, since something is in use: nothing is changed by then, and
            # the next plan knows what it was. What a `zfs mount -a` of somebody else's mounts again
            # meanwhile, canmount=off unmounts in the same step (zfs_prop_set_list_flags).
            *((Run(argv=("zfs", "unmount", MOUNTED)),) if self.mountpoints else ()),
            *((Run(argv=("zfs", "set", "canmount=off", MOUNTS)),) if self.mountpoints else ()),
            *_set("readonly=on", self.writable),
            Run(argv=("zfs", "rename", *stay, self.dataset, self.to)),
            Run(argv=("zfs", "set", *marks, self.to)),
        )

    def without(self, gone: Collection[str]) -> RetireDataset:
        """The same, where some of what is below it is no longer there."""
        return attrs.evolve(
            self,
            below={name: guid for name, guid in self.below.items() if name not in gone},
            automounts=tuple(name for name in self.automounts if name not in gone),
            writable=tuple(name for name in self.writable if name not in gone),
            mountpoints={name: at for name, at in self.mountpoints.items() if name not in gone},
        )

    def undo(self) -> str:
        steps = [
            ("zfs", "rename", self.to, self.dataset),
            *(("zfs", "inherit", name, self.dataset) for name in (KEPT_UNTIL, RETIRED_FROM)),
            ("zfs", "inherit", "readonly", self.dataset),
            *(("zfs", "set", "readonly=off", name) for name in self.writable),
            *(("zfs", "set", "canmount=on", name) for name in self.automounts),
            *((("zfs", "mount", "-a"),) if self.automounts else ()),
        ]
        return "; ".join(shlex.join(step) for step in steps)

    def changes(self) -> tuple[Change, ...]:
        return (
            Change(name="name", before=self.dataset, after=self.to),
            Change(name="kept", after=self.keep),
        )


_AT_ONCE = 1_000
"""Datasets in one command: a full name is 255 bytes, and 1 MiB of arguments fits (execve(2))."""


def _set(pair: str, names: tuple[str, ...]) -> tuple[Write, ...]:
    """`zfs set` of one value on many datasets."""
    parts = (names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE))
    return tuple(Run(argv=("zfs", "set", pair, *part)) for part in parts)
