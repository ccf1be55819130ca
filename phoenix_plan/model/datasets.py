"""Datasets as a refresh saw them: flat, because there are many."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from phoenix_plan.model.disks import User
from phoenix_plan.model.sizes import Bytes, Guid

KEPT_UNTIL = "phoenix:kept-until"
"""The user property that says how long a dataset is kept that was put aside: a time in UTC."""

RETIRED_FROM = "phoenix:retired-from"
"""The user property that says which name such a dataset had."""


def retired_name(guid: str) -> str:
    """The last part of the name of a dataset that was put aside. What was sent and received has
    another GUID, so it is none under the same name."""
    return f"phoenix-retired-{guid}"


@attrs.frozen(kw_only=True)
class Dataset:
    """A filesystem or a volume.

    `set` holds the properties that somebody set here (source local or received), user properties
    too; `inherited` the effective values that differ from the document's `defaults` without
    being set here. Values are as `zfs get -p` prints them. `snapshots` are short name to GUID,
    `holds` short name to the number of holds. `mounts` are where it is mounted, in any mount
    namespace. `clone_of` is the snapshot it came from, empty for most. `users` are those of a
    volume's block device and of its partitions (swap, a volume group, a process, a LUN).
    """

    name: str
    guid: Guid
    type: str
    used: Bytes
    available: Bytes
    referenced: Bytes
    used_by_snapshots: Bytes = Bytes(0)
    mountpoint: str = ""
    mounted: bool = False
    clone_of: str = ""
    set: Mapping[str, str] = attrs.field(factory=dict)
    inherited: Mapping[str, str] = attrs.field(factory=dict)
    snapshots: Mapping[str, str] = attrs.field(factory=dict)
    holds: Mapping[str, int] = attrs.field(factory=dict)
    mounts: tuple[str, ...] = ()
    users: tuple[User, ...] = ()

    @property
    def pool(self) -> str:
        """The pool's name, the first component."""
        return self.name.partition("/")[0]


def effective(dataset: Dataset, name: str, defaults: Mapping[str, Mapping[str, str]]) -> str | None:
    """The value of a native property that counts for a dataset, as `zfs get -p` prints it.

    `defaults` are the state document's. None where the property does not apply to the dataset, or
    where ZFS can't say (it prints `-` for what an encrypted dataset without its key would tell).
    Of user properties only those that are set here are known.
    """
    if name in dataset.set:
        return dataset.set[name]
    if name == "mountpoint":
        return dataset.mountpoint or None
    value = dataset.inherited.get(name)
    if value is None:
        value = defaults.get(dataset.type, {}).get(name)
    return None if value == "-" else value


def within(name: str, above: str) -> bool:
    """Whether a dataset is `above` or lies below it, by their full names."""
    return name == above or name.startswith(f"{above}/")
