"""What takes a pool its time: resilvers, scrubs, removals and expansions, from start to end.

A world's `pace` says how many looks at `zpool status` they take, none by default. Whoever polls
sees progress and then the end; `zpool wait` ends them at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from phoenix_plan.hosts.simulated import vdevs
from phoenix_plan.hosts.simulated.media import forget_leaf, write_labels
from phoenix_plan.hosts.simulated.world import Pool, Scan, Vdev, World

_FIELDS = ("scan", "scan", "remove", "expand")
_KINDS = ("scrub", "resilver", "remove", "expand")
_FIELD = dict(zip(_KINDS, _FIELDS, strict=True))
"""The field of `zpool status` that tells of each; it shows the latest alone."""


def running(pool: Pool, *kinds: str) -> Scan | None:
    """What of these kinds the pool is busy with."""
    found = (scan for scan in pool.scans if scan.kind in kinds and scan.state == "running")
    return next(found, None)


def start(world: World, pool: Pool, kind: str, *, vdev: int | None = None) -> None:
    """Begin, in the place of the last of its field; over at once where the world's pace is 0."""
    scan = Scan(
        kind=kind, state="running", at=world.now, span=world.pace, left=world.pace, vdev=vdev
    )
    pool.scans = [one for one in pool.scans if _FIELD[one.kind] != _FIELD[kind]]
    pool.scans.append(scan)
    pool.scans.sort(key=lambda one: _KINDS.index(one.kind))
    if not world.pace:
        finish(world, pool, scan)


def advance(world: World) -> bool:
    """Somebody looks at `zpool status`: time goes on. Says whether anything was under way."""
    moved = False
    for pool in world.imported():
        at_work = [one for one in pool.scans if one.state == "running" and one.left]
        for scan in [one for one in at_work if not waits(pool, one)]:
            moved = True
            scan.left -= 1
            if not scan.left:
                finish(world, pool, scan)
    world.now += moved
    return moved


def waits(pool: Pool, scan: Scan) -> bool:
    """Whether an expansion stands still until a resilver is over."""
    return scan.kind == "expand" and running(pool, "resilver") is not None


def finish(world: World, pool: Pool, scan: Scan) -> None:
    """Bring it to its end, and the tree of vdevs to what it is then."""
    scan.state, scan.at, scan.left = "finished", world.now, 0
    match scan.kind:
        case "resilver":
            _resilvered(world, pool)
        case "remove":
            for top in [one for one in pool.vdevs if one.index == scan.vdev and one.removing]:
                for leaf in top.leaves():
                    forget_leaf(world, leaf)
                pool.vdevs.remove(top)
        case "expand":  # what was moved is read once (vdev_raidz.c, raidz_reflow_complete_sync)
            start(world, pool, "scrub")
        case _:
            pass
    write_labels(world, pool)


def finish_all(world: World, pool: Pool, kinds: Iterable[str]) -> None:
    """What `zpool wait` waits for: the end of what runs, and of what an end begins."""
    wanted = set(kinds)
    while scan := running(pool, *wanted):
        resilver = running(pool, "resilver")
        finish(world, pool, resilver if resilver and waits(pool, scan) else scan)


def _resilvered(world: World, pool: Pool) -> None:
    for leaf in pool.leaves():
        if vdevs.state(world, leaf) == "ONLINE":
            leaf.resilvering = False
    for top in pool.vdevs:
        _settle(world, pool, top)


def _settle(world: World, pool: Pool, vdev: Vdev) -> None:
    """What replaces a member takes its place once it holds everything, and a spare is free again
    (vdev_resilver_done_hunt)."""
    for child in vdev.children:
        replaced = child.type == "replacing"
        _settle(world, pool, child)
        if vdev.type == "spare" and replaced and child.type != "replacing":
            free(world, pool, vdev)
            return
    newest = vdev.children[-1] if vdev.type == "replacing" else None
    if newest is not None and vdevs.holds_all(world, newest):
        for leaf in vdev.children[:-1]:
            forget_leaf(world, leaf)
        become(world, vdev, newest, top=vdev in pool.vdevs)


def free(world: World, pool: Pool, vdev: Vdev) -> None:
    """The spares of a spare vdev go back: its first member stands alone again."""
    for leaf in vdev.children[1:]:
        forget_leaf(world, leaf)
    become(world, vdev, vdev.children[0], top=vdev in pool.vdevs)


def become(world: World, vdev: Vdev, other: Vdev, *, top: bool) -> None:
    """A vdev is, in its own place, what another one was. A top-level vdev keeps its GUID: the last
    disk of a mirror takes over the mirror's (vdev_remove_parent, seen on OpenZFS 2.3.9)."""
    vdev.type, vdev.path = other.type, other.path
    if top:
        for label in (label for disk in world.disks.values() for label in disk.labels):
            label.guid = vdev.guid if label.guid == other.guid else label.guid
    vdev.guid = vdev.guid if top else other.guid
    vdev.state, vdev.resilvering, vdev.children = other.state, other.resilvering, other.children
