"""The moves that ZFS has to change what a pool is built of: zpool-attach(8), -detach, -replace,
-add, -remove, -online, -offline (OpenZFS 2.1 to 2.3)."""

from __future__ import annotations

import attrs

from phoenix_plan.model.layout import DesiredVdev
from phoenix_plan.model.pools import Vdev, VdevClass


@attrs.frozen(kw_only=True)
class Attach:
    """A disk beside another: `beside` is a member, or a declared disk that comes in before."""

    beside: Vdev | str
    disk: str


@attrs.frozen(kw_only=True)
class Replace:
    """A disk in the place of another."""

    old: Vdev
    disk: str


@attrs.frozen(kw_only=True)
class Detach:
    """A disk out of its mirror, or a spare or an old disk out of a slot."""

    leaf: Vdev


@attrs.frozen(kw_only=True)
class Expand:
    """A raidz one disk wider."""

    disk: str


@attrs.frozen(kw_only=True)
class Add:
    """A new top-level vdev."""

    vdev: DesiredVdev


@attrs.frozen(kw_only=True)
class Remove:
    """A top-level vdev out of the pool."""


@attrs.frozen(kw_only=True)
class Online:
    """A member back into service."""

    leaf: Vdev


@attrs.frozen(kw_only=True)
class Offline:
    """A member out of service."""

    leaf: Vdev


Change = Attach | Replace | Detach | Expand | Add | Remove | Online | Offline


@attrs.frozen(kw_only=True)
class Move:
    """A change and where it happens: `top` is the top-level vdev that is there, None for a new
    one."""

    change: Change
    vdev_class: VdevClass
    top: Vdev | None = None

    @property
    def takes(self) -> tuple[str, ...]:
        """The declared disks that have to be free before."""
        match self.change:
            case Attach(disk=disk) | Replace(disk=disk) | Expand(disk=disk):
                return (disk,)
            case Add(vdev=vdev):
                return vdev.disks
            case _:
                return ()

    @property
    def frees(self) -> tuple[Vdev, ...]:
        """The leaves whose disks are free afterwards."""
        match self.change:
            case Replace(old=leaf) | Detach(leaf=leaf):
                return (leaf,)
            case Remove():
                return tuple(self.top.leaves()) if self.top is not None else ()
            case _:
                return ()


@attrs.frozen(kw_only=True)
class Way:
    """Moves in their order. `never` says why there is no way at all, `not_so` why there is none by
    which this declaration can be reached without force or by guess. Without either, it is a way."""

    moves: tuple[Move, ...] = ()
    never: tuple[str, ...] = ()
    not_so: tuple[str, ...] = ()
