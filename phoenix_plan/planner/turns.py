"""In which order moves can go: a disk is free before it is taken, and what gives redundancy or room
comes before what takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from phoenix_plan.model.layout import DATA_CLASSES, same_redundancy, type_of
from phoenix_plan.model.pools import Vdev, VdevClass
from phoenix_plan.model.sizes import Guid
from phoenix_plan.planner.members import DEAD, Members
from phoenix_plan.planner.moves import (
    Add,
    Attach,
    Change,
    Detach,
    Expand,
    Move,
    Offline,
    Online,
    Remove,
    Replace,
    Way,
)

_ORDER: tuple[type[Change], ...] = (
    Online, Attach, Replace, Expand, Add, Remove, Detach, Offline,
)  # fmt: skip
"""What gives comes before what takes: redundancy and room first. A removal, which ZFS may refuse,
comes before redundancy is given away for it."""


def in_order(moves: Sequence[Move], vdevs: Sequence[Vdev], members: Members) -> Way:
    """The moves in an order in which each disk is free when its turn comes."""
    shapes = _Shapes(vdevs)
    held = {disk for vdev in vdevs for leaf in vdev.leaves() if (disk := members.declared(leaf))}
    waiting = _sorted(moves)
    done: list[Move] = []
    while waiting:
        # What takes a disk out of service comes when all else is done.
        offlines = all(isinstance(one.change, Offline) for one in waiting)
        ready = next(
            (
                one
                for one in waiting
                if (offlines or not isinstance(one.change, Offline))
                and _is_ready(one, held, shapes, done)
            ),
            None,
        )
        if ready is None:
            broken = _broken_up(waiting, held, members, done)
            if broken is None:
                return _stuck(waiting, held, vdevs, members)
            waiting = broken
            continue
        waiting.remove(ready)
        done.append(shapes.by_guid_now(ready))
        held -= {members.declared(leaf) for leaf in ready.frees}
        shapes.apply(ready)
    return Way(moves=tuple(done))


def _sorted(moves: Iterable[Move]) -> list[Move]:
    """Dead disks first, then by kind, else as they were found: the sort is stable."""

    def rank(move: Move) -> tuple[bool, int]:
        dead = isinstance(move.change, Replace) and move.change.old.state in DEAD
        return not dead, _ORDER.index(type(move.change))

    return sorted(moves, key=rank)


class _Shapes:
    """The type and width of each data vdev as the moves go on, for zpool-add(8)'s own rule."""

    def __init__(self, vdevs: Sequence[Vdev]) -> None:
        self._by_guid = {
            vdev.guid: (vdev.vdev_class, type_of(vdev), max(1, len(vdev.children)))
            for vdev in vdevs
        }
        self._added: list[tuple[VdevClass, str, int]] = []
        self._members = {
            top.guid: [leaf.guid for leaf in top.leaves()] for top in vdevs if top.children
        }
        self._alone: dict[str, Guid] = {}

    def by_guid_now(self, move: Move) -> Move:
        """The move with the GUIDs that hold when its turn comes: the last disk of a mirror takes
        over the mirror's (vdev_remove_parent in OpenZFS 2.1 to 2.3)."""
        match move.change:
            case Replace(old=leaf) if leaf.guid in self._alone:
                now = attrs.evolve(leaf, guid=self._alone[leaf.guid])
                return attrs.evolve(move, change=attrs.evolve(move.change, old=now))
            case Offline(leaf=leaf) if leaf.guid in self._alone:
                now = attrs.evolve(leaf, guid=self._alone[leaf.guid])
                return attrs.evolve(move, change=Offline(leaf=now))
            case Attach(beside=Vdev() as leaf) if leaf.guid in self._alone:
                now = attrs.evolve(leaf, guid=self._alone[leaf.guid])
                return attrs.evolve(move, change=attrs.evolve(move.change, beside=now))
            case _:
                return move

    def takes(self, move: Move) -> bool:
        """Whether a new vdev is as redundant as those of its class, so that no -f is wanted."""
        if not isinstance(move.change, Add) or move.vdev_class not in DATA_CLASSES:
            return True
        new = move.change.vdev
        there = (*self._by_guid.values(), *self._added)
        return same_redundancy([*there, (move.vdev_class, new.type, len(new.disks))])

    def is_last(self, move: Move) -> bool:
        """Whether a removal would leave no normal vdev."""
        normal = [one for one in (*self._by_guid.values(), *self._added) if one[0] == "normal"]
        return isinstance(move.change, Remove) and move.vdev_class == "normal" and len(normal) < 2

    def apply(self, move: Move) -> None:
        """Take note of what a move has done."""
        if isinstance(move.change, Add):
            new = move.change.vdev
            self._added.append((move.vdev_class, new.type, len(new.disks)))
        if move.top is None or move.top.guid not in self._by_guid:
            return
        self._take_note(move.change, move.top)
        name, kind, width = self._by_guid[move.top.guid]
        match move.change:
            case Remove():
                del self._by_guid[move.top.guid]
            case Attach():
                self._by_guid[move.top.guid] = (name, "mirror", width + 1)
            case Expand():
                self._by_guid[move.top.guid] = (name, kind, width + 1)
            case Detach(leaf=leaf) if any(leaf is child for child in move.top.children):
                kind = "disk" if width == 2 else kind
                self._by_guid[move.top.guid] = (name, kind, width - 1)
            case _:
                pass

    def _take_note(self, change: Change, top: Vdev) -> None:
        """Who is in a mirror; the disks that come in have no GUID yet."""
        there = self._members.get(top.guid, [])
        match change:
            case Attach(disk=disk):
                there.append(Guid(disk))
            case Replace(old=leaf, disk=disk) if leaf.guid in there:
                there[there.index(leaf.guid)] = Guid(disk)
            case Detach(leaf=leaf) if leaf.guid in there:
                there.remove(leaf.guid)
                if len(there) == 1:
                    self._alone[there[0]] = top.guid
            case _:
                pass


def _is_ready(move: Move, held: set[str], shapes: _Shapes, done: Sequence[Move]) -> bool:
    if held & set(move.takes) or not shapes.takes(move) or shapes.is_last(move):
        return False
    if isinstance(move.change, Attach) and isinstance(move.change.beside, str):
        beside = move.change.beside
        return beside in held or any(beside in before.takes for before in done)
    return True


def _broken_up(
    waiting: Sequence[Move], held: set[str], members: Members, done: Sequence[Move]
) -> list[Move] | None:
    """Where mirrors wait for each other's disks: one gives its disk first and gets the new one
    later. None where no mirror can."""
    for move in waiting:
        change, top = move.change, move.top
        if (
            isinstance(change, Replace)
            and change.disk in held
            and top is not None
            and top.type == "mirror"
            and any(change.old is child for child in top.children)
        ):
            rest = [one for one in waiting if one is not move]
            # By its path: the last leaf of a mirror takes over the mirror's GUID when it is alone.
            beside = next(
                (
                    members.declared(leaf)
                    for leaf in top.children
                    if not leaf.children
                    and leaf is not change.old
                    and leaf.state == "ONLINE"
                    and members.declared(leaf)
                    # One that has left may be in another vdev by then.
                    and not any(leaf in one.frees for one in (*rest, *done))
                ),
                "",
            )
            if not beside:
                continue
            gives = attrs.evolve(move, change=Detach(leaf=change.old))
            gets = attrs.evolve(move, change=Attach(beside=beside, disk=change.disk))
            return [gives, *rest, gets]
    return None


def _stuck(waiting: Sequence[Move], held: set[str], vdevs: Sequence[Vdev], members: Members) -> Way:
    adds = [one for one in waiting if isinstance(one.change, Add) and not held & set(one.takes)]
    if adds:
        names = ", ".join(str(one.change.vdev) for one in adds if isinstance(one.change, Add))
        return Way(
            not_so=(
                f"{names} would stand beside data vdevs of another redundancy: zpool add wants -f "
                "for that, and phoenix has none",
            )
        )
    wanted = {disk for one in waiting for disk in one.takes if disk in held}
    moving = {one.top.guid for one in waiting if one.top is not None}
    kept = {
        disk: vdev.vdev_class
        for vdev in vdevs
        for leaf in vdev.leaves()
        if (disk := members.declared(leaf)) in wanted and vdev.guid not in moving
    }
    if kept:
        said = ", ".join(f"{disk} (in {of})" for disk, of in sorted(kept.items()))
        return Way(
            not_so=(
                f"{said} is in this pool already, in a class that the config does not declare: "
                "declare that class without it to have it taken out",
            )
        )
    disks = ", ".join(sorted(wanted))
    return Way(
        not_so=(
            f"{disks} would have to change places, and no vdev can give up its disk before it has "
            "another: a free disk in between would do",
        )
    )
