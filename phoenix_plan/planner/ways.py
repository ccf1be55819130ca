"""From the vdevs that are there to those that are declared: which moves it takes.

There may be several ways; the one that risks least is taken, and of those the one that copies
least. Where there is none, it is said why: then a pool can only be made anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import attrs

from phoenix_plan.model.layout import (
    CLASSES,
    DATA_CLASSES,
    DesiredVdev,
    Layout,
    parity_of,
    tolerance,
    type_of,
)
from phoenix_plan.model.pools import Vdev, VdevClass
from phoenix_plan.planner.members import Members, Slot, describe
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
from phoenix_plan.planner.turns import in_order


@attrs.frozen(kw_only=True)
class Pair:
    """A vdev that is there and the declared one that it is to become."""

    there: Vdev
    wanted: DesiredVdev


@attrs.frozen(kw_only=True)
class Pairing:
    """Who becomes whom in one class, which vdevs are to go, and which are to come."""

    pairs: tuple[Pair, ...]
    going: tuple[Vdev, ...]
    coming: tuple[DesiredVdev, ...]


def find_way(wanted: Layout, vdevs: Sequence[Vdev], members: Members) -> Way:
    """The least dangerous way from `vdevs` to `wanted`."""
    plain = _way(wanted, vdevs, members, may_become=True)
    if plain == Way():
        return plain
    return min(plain, _way(wanted, vdevs, members, may_become=False), key=risk)


def risk(way: Way) -> tuple[int, ...]:
    """What a way risks, then what it costs; less is better.

    No way at all; none without force; steps that can't be taken back; steps that take redundancy
    or a data vdev away; steps that copy; steps.
    """
    changes = [(move.change, move.vdev_class in DATA_CLASSES) for move in way.moves]
    return (
        2 * bool(way.never) + bool(way.not_so),
        sum(isinstance(one, Expand) or (isinstance(one, Add) and data) for one, data in changes),
        sum(
            isinstance(one, Detach | Offline) or (isinstance(one, Remove) and data)
            for one, data in changes
        ),
        sum(isinstance(one, Attach | Replace | Expand | Remove) for one, _ in changes),
        len(changes),
    )


def _way(wanted: Layout, vdevs: Sequence[Vdev], members: Members, *, may_become: bool) -> Way:
    """One way: where `may_become` is set, a vdev may become one that has no disk in common with it;
    else such a one is added, and the other removed."""
    moves: list[Move] = []
    never: list[str] = []
    not_so: list[str] = []
    final = {disk for name in CLASSES for vdev in wanted.get(name, ()) for disk in vdev.disks}
    for name in CLASSES:
        if name not in wanted:
            continue
        # A draid's own distributed spares are part of it (zpoolconcepts(7)).
        tops = [vdev for vdev in vdevs if vdev.vdev_class == name and vdev.type != "dspare"]
        pairing = _pairing(wanted[name], tops, members, may_become=may_become)
        for pair in pairing.pairs:
            found = _within(pair, members, name)
            moves += found.moves
            not_so += found.not_so
        going = [vdev for vdev in pairing.going if not _adopted(vdev, name, final, members)]
        if name in DATA_CLASSES:
            for sentence, unlike in _cannot_go(going, pairing, vdevs, members):
                # Only what is declared otherwise is a reason to make a pool anew: what a config
                # has merely left out destroys nothing.
                (never if unlike else not_so).append(sentence)
        not_so += [
            f"{describe(vdev)} is in use for a disk that failed"
            for vdev in going
            if vdev.state == "INUSE"
        ]
        not_so += _not_yet([disk for vdev in pairing.coming for disk in vdev.disks], members)
        moves += [Move(change=Remove(), vdev_class=name, top=vdev) for vdev in going]
        moves += [Move(change=Add(vdev=vdev), vdev_class=name) for vdev in pairing.coming]
    if not_so or never:
        return Way(never=() if not_so else tuple(never), not_so=tuple(not_so))
    return in_order(moves, vdevs, members)


def _not_yet(coming: Iterable[str], members: Members) -> Iterator[str]:
    """What is declared offline and is no member yet: nobody fills a disk to take it away."""
    for disk in coming:
        if disk in members.offline:
            yield f"{disk} can't be offline before it is a member: declare it offline once it is"


def _adopted(vdev: Vdev, name: VdevClass, final: set[str], members: Members) -> bool:
    """A spare that has taken over and is declared as a member now: it leaves the spares by itself
    once the failed disk is detached (zpool-detach(8))."""
    return name == "spare" and vdev.state == "INUSE" and members.declared(vdev) in final


def _pairing(
    wanted: Sequence[DesiredVdev],
    tops: Sequence[Vdev],
    members: Members,
    *,
    may_become: bool,
) -> Pairing:
    """Pair by the disks in common, most first; then whatever can become what is left."""
    owner = {slot.disk: at for at, top in enumerate(tops) for slot in members.slots(top)}
    shared = Counter(
        (owner[disk], place)
        for place, vdev in enumerate(wanted)
        for disk in vdev.disks
        if disk in owner
    )
    by_top: dict[int, int] = {}
    taken: set[int] = set()

    def pair(at: int, place: int) -> None:
        if at not in by_top and place not in taken and can_become(tops[at], wanted[place]):
            by_top[at] = place
            taken.add(place)

    for at, place in sorted(
        shared, key=lambda one: (-shared[one], type_of(tops[one[0]]) != wanted[one[1]].type, one)
    ):
        pair(at, place)
    left = [place for place in range(len(wanted)) if place not in taken]
    for at, top in enumerate(tops):
        if may_become and top.vdev_class not in ("cache", "spare"):
            for place in left:
                pair(at, place)
    return Pairing(
        pairs=tuple(Pair(there=tops[at], wanted=wanted[place]) for at, place in by_top.items()),
        going=tuple(top for at, top in enumerate(tops) if at not in by_top),
        coming=tuple(vdev for place, vdev in enumerate(wanted) if place not in taken),
    )


def can_become(there: Vdev, wanted: DesiredVdev) -> bool:
    """Whether ZFS can make the one of the other in place: a disk and a mirror each other, a raidz
    itself or one that is wider, a draid only itself."""
    kind = type_of(there)
    if kind in ("disk", "mirror"):
        return wanted.type in ("disk", "mirror")
    if kind.startswith("raidz"):
        return wanted.type == kind and len(wanted.disks) >= len(there.children)
    return wanted.type == kind


def _cannot_go(
    going: Sequence[Vdev], pairing: Pairing, vdevs: Sequence[Vdev], members: Members
) -> Iterator[tuple[str, bool]]:
    """Why data vdevs can't be removed (zpool-remove(8)): a sentence for each of them, and whether
    something is declared that it would have to become and can't."""
    striped = [
        vdev.name
        for vdev in vdevs
        if vdev.vdev_class in DATA_CLASSES and type_of(vdev).startswith(("raidz", "draid"))
    ]
    # A raidz that is to come would be in the way just as well.
    striped += [str(vdev) for vdev in pairing.coming if parity_of(vdev.type) and not pairing.pairs]
    for vdev in going if striped else ():
        wish, unlike = _instead(vdev, pairing.coming, members)
        reason = wish or (
            "is not declared, and can't be removed: ZFS removes no data vdev from a pool that has "
            f"a raidz or draid ({striped[0]})"
        )
        yield f"{describe(vdev)}: {reason}", unlike


def _instead(vdev: Vdev, coming: Sequence[DesiredVdev], members: Members) -> tuple[str, bool]:
    """That a vdev would have to become what it can't: the declared one that has its disks, or else
    any; and whether that is of another type. Empty where no such one is to come."""
    disks = {slot.disk for slot in members.slots(vdev)} - {""}
    unlike = [one for one in coming if not can_become(vdev, one)]
    rival = max(unlike, key=lambda one: len(disks & set(one.disks)), default=None)
    if rival is None:
        return "", False
    kind = _regardless_of_width(type_of(vdev))
    if kind == _regardless_of_width(rival.type):
        return f"a {kind} of {len(vdev.children)} cannot become one of {len(rival.disks)}", False
    kind = type_of(vdev)
    return f"{_one(kind)} cannot become {_one(rival.type)}", True


def _regardless_of_width(kind: str) -> str:
    """A draid's type counts its disks (`draid1:3d:8c:1s`, zpoolconcepts(7))."""
    return re.sub(r":[0-9]+c", "", kind)


def _one(kind: str) -> str:
    return "a single disk" if kind == "disk" else f"a {kind}"


def _within(pair: Pair, members: Members, name: VdevClass) -> Way:
    """The moves that make one vdev of another, not yet in an order that they can go in."""
    slots, wanted = members.slots(pair.there), pair.wanted.disks
    not_so: list[str] = []
    first: list[Change] = []
    states: list[Change] = []
    kept: list[Slot] = []
    surplus: list[Slot] = []
    for slot in slots:
        if slot.disk in wanted and slot.disk:
            kept.append(slot)
            states += _states(slot, members)
            continue
        helper = next((one for one in slot.helping if members.declared(one) in wanted), None)
        leaving = next((one for one in slot.leaving if members.declared(one) in wanted), None)
        if helper is not None:
            # The config has adopted the spare: the disk that it stands in for goes for good.
            first.append(Detach(leaf=slot.leaf))
            kept.append(attrs.evolve(slot, leaf=helper, disk=members.declared(helper)))
        elif leaving is not None or slot.leaving:
            names = ", ".join(one.place for one in slot.leaving)
            not_so.append(
                f"{pair.there.name}: {names} is being replaced by {slot.leaf.place}, which is not "
                "declared"
            )
        else:
            surplus.append(slot)
    away = members.offline & set(wanted)
    if len(away) > min(1, tolerance(pair.wanted.type, len(wanted))):
        not_so.append(
            f"{pair.there.name}: {', '.join(sorted(away))} can't be offline: one disk of a vdev at "
            "a time, and none of a vdev that can lose none"
        )
    missing = [disk for disk in wanted if disk not in {slot.disk for slot in kept}]
    not_so += _not_yet(missing, members)
    # A disk that is dead is replaced first: that is what restores redundancy.
    surplus.sort(key=lambda slot: not slot.dead)
    swaps = list(zip(surplus, missing, strict=False))
    extra, left = missing[len(swaps) :], surplus[len(swaps) :]
    changes: list[Change] = [*states, *first]
    # A spare that stands in for a disk that goes would stay in its place for good.
    changes += [Detach(leaf=one) for slot in left for one in slot.helping]
    changes += [Replace(old=slot.leaf, disk=disk) for slot, disk in swaps if slot.dead]
    if type_of(pair.there) in ("disk", "mirror"):
        # Beside a disk of a spare-N or replacing-N nothing is attached (vdev_attach in OpenZFS).
        beside: Vdev | str = next(
            (slot.leaf for slot in kept if slot.alone and not slot.dead),
            swaps[0][1] if swaps else "",
        )
        later = isinstance(beside, str)
        if extra and not beside:
            not_so.append(
                f"no disk of {describe(pair.there)} can have one attached to it: it is dead, or a "
                "spare or a new disk is beside it"
            )
        attaches: list[Change] = [Attach(beside=beside, disk=disk) for disk in extra]
        replaces: list[Change] = [
            Replace(old=slot.leaf, disk=disk) for slot, disk in swaps if not slot.dead
        ]
        changes += [*replaces, *attaches] if later else [*attaches, *replaces]
        changes += [Detach(leaf=slot.leaf) for slot in left]
    else:
        changes += [Replace(old=slot.leaf, disk=disk) for slot, disk in swaps if not slot.dead]
        changes += [Expand(disk=disk) for disk in extra]
    return Way(
        moves=tuple(Move(change=one, vdev_class=name, top=pair.there) for one in changes),
        not_so=tuple(not_so),
    )


def _states(slot: Slot, members: Members) -> Iterator[Change]:
    """What brings a declared member into the state that it shall be in."""
    leaf = slot.leaf
    if slot.disk in members.offline:
        if leaf.state == "ONLINE":
            yield Offline(leaf=leaf)
    elif leaf.state == "OFFLINE" or (
        leaf.state in ("UNAVAIL", "REMOVED") and members.is_back(leaf)
    ):
        yield Online(leaf=leaf)
