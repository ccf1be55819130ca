"""Datasets as a refresh saw them: flat, because there are many."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from phoenix_plan.model.sizes import Bytes, Guid


@attrs.frozen(kw_only=True)
class Dataset:
    """A filesystem or a volume.

    `set` holds the properties that somebody set here (source local or received), user properties
    too; `inherited` the effective values that differ from the document's `defaults` without
    being set here. Values are as `zfs get -p` prints them. `snapshots` are short name to GUID,
    `holds` short name to the number of holds. `mounts` are where it is mounted, in any mount
    namespace. `clone_of` is the snapshot it came from, empty for most.
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

    @property
    def pool(self) -> str:
        """The pool's name, the first component."""
        return self.name.partition("/")[0]
