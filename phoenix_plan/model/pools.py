"""Pools and vdevs as a refresh saw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

from phoenix_plan.model.sizes import Bytes, Guid

VdevClass = Literal["normal", "log", "cache", "spare", "special", "dedup"]
VdevType = Literal[
    "disk",
    "file",
    "mirror",
    "raidz",
    "draid",
    "spare",
    "replacing",
    "dspare",
    "indirect",
    "hole",
    "missing",
]
VdevState = Literal[
    "ONLINE",
    "DEGRADED",
    "FAULTED",
    "OFFLINE",
    "UNAVAIL",
    "REMOVED",
    "AVAIL",
    "INUSE",
]

GONE: frozenset[VdevState] = frozenset({"UNAVAIL", "REMOVED"})
"""A leaf in these states is not open: its path may lead to another disk by now. Its label says."""

CLOSED: frozenset[VdevState] = frozenset({"FAULTED", "OFFLINE"})
"""Nor in these, but its disk may be there, with a label that can't be read any more."""


@attrs.frozen(kw_only=True)
class Vdev:
    """A vdev of an imported pool.

    `name` is ZFS's own (`mirror-0`, `draid1:2d:4c:1s-0`, a path). `parity` is that of a raidz or
    draid. `path` is where a leaf was last seen, empty on inner vdevs; `was` where a missing leaf
    used to be. `group` counts from 0 within the class and is for reading only.
    """

    guid: Guid
    name: str
    type: VdevType
    vdev_class: VdevClass
    state: VdevState
    parity: int = 0
    path: str = ""
    was: str = ""
    note: str = ""
    children: tuple[Vdev, ...] = ()

    @property
    def place(self) -> str:
        """Where a disk of a pool is, or was."""
        return self.path or self.was or self.name

    def leaves(self) -> Iterator[Vdev]:
        """This vdev's leaves: disks, files and distributed spares, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@attrs.frozen(kw_only=True)
class Activity:
    """A long operation that ZFS reports: scrub, resilver, removal, expansion, the discarding of a
    checkpoint."""

    kind: Literal["scrub", "resilver", "remove", "expand", "discard"]
    state: Literal["running", "paused", "finished", "canceled"]


@attrs.frozen(kw_only=True)
class Property:
    """A pool property as set: `source` is ZFS's word (local, default, -)."""

    value: str
    source: str


@attrs.frozen(kw_only=True)
class Pool:
    """An imported pool. `vdevs` are the top-level ones of all classes, in ZFS's order.

    `state` is the pool's health (ONLINE, DEGRADED, FAULTED, SUSPENDED, …). `properties` are those
    that zpool-get(8) lists, features left out; `features` are `feature@name` to state.
    """

    name: str
    guid: Guid
    state: str
    status: str = ""
    size: Bytes
    allocated: Bytes
    free: Bytes
    vdevs: tuple[Vdev, ...]
    activities: tuple[Activity, ...] = ()
    checkpoint: bool = False
    properties: Mapping[str, Property]
    features: Mapping[str, str]
    errors: str = ""

    def leaves(self) -> Iterator[Vdev]:
        """Every leaf of every class."""
        for vdev in self.vdevs:
            yield from vdev.leaves()


@attrs.frozen(kw_only=True)
class IdlePool:
    """A pool that no host here has imported, put together from the labels on its disks.

    `state` is that of the labels: active means that it was never exported. `hostid` is the last
    user's, empty where the labels hold none. `tree` is put together as `Vdev`s; leaves that no
    disk here answers for are UNAVAIL. `disks` are the paths of the disks that carry its labels.
    `complete` says that no vdev lacks a member. `importable` is what `zpool import` says of it
    (empty where it does not list it).
    """

    name: str
    guid: Guid
    state: Literal["active", "exported", "destroyed"]
    hostid: str
    hostname: str
    vdevs: tuple[Vdev, ...]
    disks: tuple[str, ...]
    complete: bool
    importable: str = ""
    note: str = ""
