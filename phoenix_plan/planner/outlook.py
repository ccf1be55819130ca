"""What is to be said of a way before it is gone: what ZFS would refuse, what can't be undone, what
it does not bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from phoenix_plan.conditions import Unmet
from phoenix_plan.conditions.disks import SIBLING_SLACK
from phoenix_plan.model.desired import DesiredPool
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import DATA_CLASSES
from phoenix_plan.model.pools import Pool
from phoenix_plan.model.sizes import human
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.items import Finding, Items
from phoenix_plan.planner.members import describe
from phoenix_plan.planner.moves import (
    Add,
    Attach,
    Detach,
    Expand,
    Move,
    Offline,
    Online,
    Remove,
    Replace,
)

SLOP = 32
"""One part in so many ZFS keeps for itself (spa_slop_shift, zfs(4))."""


class Outlook:
    """A pool as its way is gone, move by move: what is left to fall back on, and room."""

    def __init__(self, there: Pool, index: Index) -> None:
        self._there, self._index = there, index
        self._width = {top.guid: len(tuple(top.leaves())) for top in there.vdevs}
        self._data = {top.guid: top for top in there.vdevs if top.vdev_class in DATA_CLASSES}
        self._added = 0
        """Bytes of the data vdevs that were added before."""

    def others(self, move: Move) -> int:
        """How many disks there are besides what a move takes: in its vdev; or, where data has to
        move, in the others. What only comes in before is not counted: it must hold now, too."""
        if move.top is None:
            return 0
        match move.change:
            case Detach() | Offline():
                return self._width[move.top.guid] - 1
            case Remove() if move.top.guid in self._data:
                return sum(self._width[guid] for guid in self._data if guid != move.top.guid)
            case _:
                return 0

    def refused(self, move: Move) -> Unmet | None:
        """Why ZFS would refuse the removal of a data vdev (spa_vdev_remove_top_check in OpenZFS 2.1
        to 2.3): unlike ashifts, or no room for what the pool holds."""
        if not isinstance(move.change, Remove) or move.top is None:
            return None
        if move.top.guid not in self._data:
            return None
        name, pool = f"pool {self._there.name}: {describe(move.top)}", self._there
        ashifts = sorted(
            {self._index.ashifts[one] for one in self._data if one in self._index.ashifts}
        )
        if len(ashifts) > 1:
            return Unmet(
                code="vdev-not-removable",
                message=f"{name} can't be removed: the data vdevs have ashift "
                f"{' and '.join(map(str, ashifts))}, and ZFS removes one only where all are alike",
            )
        sizes = [
            min((self._index.whole_size(leaf) or 0 for leaf in top.leaves()), default=0)
            for guid, top in self._data.items()
            if guid != move.top.guid
        ]
        room = (sum(sizes) + self._added) * (SLOP - 1) // SLOP
        if all(sizes) and pool.allocated > room:
            return Unmet(
                code="vdev-not-removable",
                message=f"{name} can't be removed: the pool holds {human(pool.allocated)}, and the "
                f"others have room for {human(room)}",
                hint="Make room first, or leave it where it is.",
            )
        return None

    def apply(self, move: Move) -> None:
        """Take note of what a move takes or brings."""
        match move.change:
            case Detach() if move.top is not None:
                self._width[move.top.guid] -= 1
            case Remove() if move.top is not None:
                self._data.pop(move.top.guid, None)
            case Add(vdev=vdev) if move.vdev_class in DATA_CLASSES:
                self._added += min(_size(path, self._index) for path in vdev.disks)
            case _:
                pass


def _size(path: str, index: Index) -> int:
    """The size of a new disk in bytes, 0 where there is none."""
    device = index.device(path)
    return device.disk.size if device is not None else 0


def net_place(moves: Sequence[Move]) -> int | None:
    """Before which move a checkpoint can be made, None where none would help or be possible."""
    first = next((at for at, move in enumerate(moves) if _is_data_add(move)), None)
    if first is None or any(not isinstance(move.change, Add) for move in moves[first:]):
        return None
    return first


def _is_data_add(move: Move) -> bool:
    return isinstance(move.change, Add) and move.vdev_class in DATA_CLASSES


def no_way_back(there: Pool, moves: Sequence[Move]) -> Items:
    """That there is none, and whether a checkpoint could be one."""
    irreversible = [move for move in moves if _is_data_add(move) or isinstance(move.change, Expand)]
    if irreversible:
        possible = net_place(moves) is not None
        yield Finding(
            severity="note",
            code="no-way-back",
            subject=Subject(kind="pool", name=there.name),
            message=f"has no way back from this: {'; '.join(told(move) for move in irreversible)}",
            hint="Declare `checkpoint: true` on the pool to have one made right before."
            if possible
            else "A checkpoint can be no net here: ZFS does not do these steps under one.",
        )


def stays_small(pool: DesiredPool, there: Pool, moves: Sequence[Move], index: Index) -> Items:
    """A vdev grows with its smallest disk, where autoexpand is on (zpoolprops(7))."""
    seen = there.properties.get("autoexpand")
    if pool.properties.get("autoexpand", seen.value if seen is not None else "") == "on":
        return
    for top in there.vdevs:
        swaps = {
            one.change.old.guid: one.change.disk
            for one in moves
            if isinstance(one.change, Replace) and one.top is top
        }
        before = [index.whole_size(leaf) or 0 for leaf in top.leaves()]
        after = [
            _size(swaps[leaf.guid], index) if leaf.guid in swaps else index.whole_size(leaf) or 0
            for leaf in top.leaves()
        ]
        small, large = min(filter(None, before), default=0), min(filter(None, after), default=0)
        if swaps and small and large - small > SIBLING_SLACK:
            yield Finding(
                severity="note",
                code="stays-as-small",
                subject=Subject(kind="pool", name=there.name),
                message=f"will not grow: the disks of {top.name} will hold {human(large)} at "
                f"least, it was made of {human(small)}, and autoexpand is off",
                hint="Declare autoexpand=on among the pool's properties to have it grow.",
            )


def told(move: Move) -> str:
    """A move in words: what would have to be done."""
    change, top = move.change, (move.top.name if move.top is not None else "")
    name = "" if move.vdev_class == "normal" else f"{move.vdev_class} "
    match change:
        case Attach(disk=disk):
            return f"{disk} would be attached to {top}"
        case Replace(old=old, disk=disk):
            return f"{old.place} ({old.state}) would be replaced by {disk}"
        case Detach(leaf=leaf):
            return f"{leaf.place} ({leaf.state}) would be detached from {top}"
        case Expand(disk=disk):
            return f"{top} would be expanded by {disk}"
        case Add(vdev=vdev):
            return f"{name}{vdev} would be added"
        case Remove():
            said = describe(move.top) if move.top is not None else ""
            return f"{name}{said} would be removed"
        case Online(leaf=leaf):
            return f"{leaf.place} would be brought online"
        case Offline(leaf=leaf):
            return f"{leaf.place} would be taken offline"
        case _:
            assert_never(change)
