"""Changes to the vdevs of a simulated pool: add, attach, detach, replace, remove, and the rest.

Resilvers, scrubs and removals are over at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import vdev_spec, vdevs
from phoenix_plan.hosts.simulated.media import (
    erase,
    find_leaf,
    find_node,
    forget_leaf,
    label_offsets,
    write_labels,
)
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Pool, Scan, Vdev, World
from phoenix_plan.hosts.simulated.zpool_write import adopt, open_pool


def _find(world: World, pool: Pool, wanted: str) -> tuple[Vdev, Vdev | None] | None:
    """A vdev of the pool by name, path or GUID, with its parent."""
    for top in pool.vdevs:
        for vdev in top.all():
            names = {vdev.guid, vdev.path, vdev.path.removesuffix("-part1")}
            names |= {vdevs.name(world, vdev, top.index, form) for form in ("path", "short")}
            if wanted in names:
                parent = next((one for one in top.all() if vdev in one.children), None)
                return vdev, parent
    return None


def _settled(pool: Pool, what: str) -> None:
    if pool.checkpoint:
        raise Refused(f"{what}: checkpoint exists")


def _note(world: World, pool: Pool, kind: str) -> None:
    shown = {"scrub": "scan", "resilver": "scan"}
    same = [scan for scan in pool.scans if shown.get(scan.kind) == shown.get(kind, kind)]
    pool.scans = [scan for scan in pool.scans if scan not in same and scan.kind != kind]
    pool.scans.append(Scan(kind=kind, at=world.now))


def add(world: World, words: Sequence[str]) -> Output:
    """zpool-add(8)."""
    given, rest = options(words, "fgLnP", "o")
    if "n" in given:
        raise unmodelled(("zpool", "add", *words), "-n is not simulated")
    if not rest:
        raise usage("missing pool name argument")
    if len(rest) < 2:
        raise usage("missing vdev specification")
    pool = open_pool(world, rest[0])
    tops = vdev_spec.parse(rest[1:])
    vdev_spec.check(world, tops, pool, force="f" in given)
    if not vdev_spec.label_all(world, tops):
        raise Refused(
            "cannot add to '" + pool.name + "': one or more vdevs refer to the same device"
        )
    if vdev_spec.too_small(world, tops):
        raise Refused(
            f"cannot add to '{pool.name}': one or more devices is less than the minimum size (64M)"
        )
    adopt(world, pool, tops)
    pool.vdevs += tops
    write_labels(world, pool, [leaf.guid for top in tops for leaf in top.leaves()])
    return said()


def attach(world: World, words: Sequence[str]) -> Output:
    """zpool-attach(8): a disk to a disk or mirror, or, from 2.3, to a raidz."""
    given, rest = options(words, "fsw", "o")
    if len(rest) != 3:
        raise usage("missing pool name argument" if not rest else "missing <device> specification")
    return _attach(world, rest, "f" in given, replacing=False)


def replace(world: World, words: Sequence[str]) -> Output:
    """zpool-replace(8)."""
    given, rest = options(words, "fsw", "o")
    if len(rest) not in (2, 3):
        raise usage("missing pool name argument" if not rest else "missing <device> specification")
    return _attach(world, [*rest, rest[1]][:3], "f" in given, replacing=True)


def _attach(world: World, words: Sequence[str], force: bool, *, replacing: bool) -> Output:
    name, old, new = words
    pool = open_pool(world, name)
    what = f"cannot replace {old} with {new}" if replacing else f"cannot attach {new} to {old}"
    found = _find(world, pool, old)
    if found is None:
        raise Refused(f"{what}: no such device in pool")
    target, parent = found
    _settled(pool, what)
    tops = vdev_spec.parse([new])
    vdev_spec.check(world, tops, pool=None, force=force)
    fresh = tops[0]
    node = find_node(world, new)
    assert node is not None, "checked before"
    needed = min((_size(world, leaf) for leaf in target.leaves() if _size(world, leaf)), default=0)
    vdev_spec.label_all(world, tops)
    if (find_node(world, fresh.path) or node)[0].span(1)[1] + vdev_spec.FUZZ < needed:
        raise Refused(f"{what}: device is too small")
    fresh.guid = world.new_guid()
    kind = "resilver"
    if replacing:
        forget_leaf(world, target)
        target.guid, target.path, target.state = fresh.guid, fresh.path, "ONLINE"
    elif target.type == "raidz":
        if world.version < (2, 3):
            raise Refused(f"{what}: can only attach to mirrors and top-level disks")
        target.children.append(fresh)
        kind = "expand"
    elif target.type == "mirror":
        target.children.append(fresh)
    elif parent is not None and parent.type in ("mirror", "replacing", "spare"):
        parent.children.append(fresh)
    elif parent is None and target.vdev_class not in ("cache", "spare"):
        leaf = Vdev(type="disk", guid=target.guid, path=target.path, state=target.state)
        target.type, target.guid, target.path = "mirror", world.new_guid(), ""
        target.state, target.children = "ONLINE", [leaf, fresh]
    else:
        raise Refused(f"{what}: can only attach to mirrors and top-level disks")
    write_labels(world, pool, [fresh.guid])
    _note(world, pool, kind)
    return said()


def _size(world: World, leaf: Vdev) -> int:
    node = find_leaf(world, leaf)
    return node[0].span(node[1])[1] if node else 0


def detach(world: World, words: Sequence[str]) -> Output:
    """zpool-detach(8): a mirror of one becomes that one."""
    _, rest = options(words, "")
    if len(rest) < 2:
        raise usage("missing pool name argument" if not rest else "missing <device> specification")
    pool = open_pool(world, rest[0])
    what = f"cannot detach {rest[1]}"
    found = _find(world, pool, rest[1])
    if found is None:
        raise Refused(f"{what}: no such device in pool")
    leaf, parent = found
    _settled(pool, what)
    if parent is None or parent.type not in ("mirror", "replacing", "spare"):
        raise Refused(f"{what}: only applicable to mirror and replacing vdevs")
    rest_of = [child for child in parent.children if child is not leaf]
    if all(vdevs.state(world, child) != "ONLINE" for child in rest_of):
        raise Refused(f"{what}: no valid replicas")
    forget_leaf(world, leaf)
    parent.children = rest_of
    if len(rest_of) == 1:
        only = rest_of[0]
        parent.type, parent.guid, parent.path = only.type, only.guid, only.path
        parent.state, parent.children = only.state, only.children
    write_labels(world, pool)
    return said()


def remove(world: World, words: Sequence[str]) -> Output:
    """zpool-remove(8)."""
    given, rest = options(words, "npsw")
    if "n" in given or "s" in given:
        raise unmodelled(("zpool", "remove", *words), "that option is not simulated")
    if len(rest) < 2:
        raise usage("missing pool name argument" if not rest else "missing device")
    pool = open_pool(world, rest[0])
    for wanted in rest[1:]:
        _remove(world, pool, wanted)
    return said()


def _remove(world: World, pool: Pool, wanted: str) -> None:
    what = f"cannot remove {wanted}"
    found = _find(world, pool, wanted)
    if found is None:
        raise Refused(f"{what}: no such device in pool")
    vdev, parent = found
    if parent is not None:
        raise Refused(f"{what}: operation not supported on this type of pool")
    _settled(pool, what)
    if vdev.vdev_class == "spare" and vdevs.spare_in_use(pool, vdev):
        raise Refused(f"{what}: Pool busy; removal may already be in progress")
    if vdev.vdev_class in ("normal", "special", "dedup"):
        data = [top for top in pool.vdevs if top.vdev_class in ("normal", "special", "dedup")]
        alike = len({top.ashift for top in data}) == 1
        if not alike or any(top.type == "raidz" for top in data):
            raise Refused(
                f"{what}: invalid config; all top-level vdevs must have the same sector size and"
                " not be raidz."
            )
        if [top.vdev_class for top in data].count("normal") == 1 and vdev.vdev_class == "normal":
            raise Refused(f"{what}: invalid argument")
        _note(world, pool, "remove")
    for leaf in vdev.leaves():
        forget_leaf(world, leaf)
    pool.vdevs.remove(vdev)
    write_labels(world, pool)


def switch(world: World, words: Sequence[str], state: str) -> Output:
    """zpool-offline(8) and zpool-online(8)."""
    _, rest = options(words, "eft")
    if len(rest) < 2:
        raise usage("missing pool name" if not rest else "missing device name")
    verb = "offline" if state == "OFFLINE" else "online"
    pool = open_pool(world, rest[0])
    for wanted in rest[1:]:
        found = _find(world, pool, wanted)
        if found is None or found[0].children:
            raise Refused(f"cannot {verb} {wanted}: no such device in pool")
        leaf, before = found[0], found[0].state
        leaf.state = state
        if vdevs.pool_state(world, pool) == "UNAVAIL":
            leaf.state = before
            raise Refused(f"cannot {verb} {wanted}: no valid replicas")
        if verb == "online" and before != "ONLINE":
            _note(world, pool, "resilver")
    write_labels(world, pool)
    return said()


def clear(world: World, words: Sequence[str]) -> Output:
    """zpool-clear(8)."""
    _, rest = options(words, "")
    pool = open_pool(world, rest[0] if rest else "")
    pool.suspended, pool.errors = False, 0
    for leaf in pool.leaves():
        leaf.state = "ONLINE" if leaf.state == "FAULTED" else leaf.state
    return said()


def checkpoint(world: World, words: Sequence[str]) -> Output:
    """zpool-checkpoint(8)."""
    given, rest = options(words, "dw", long=("discard", "wait"))
    pool = open_pool(world, rest[0] if rest else "")
    discard = "d" in given or "discard" in given
    if pool.checkpoint != discard:
        said_so = "pool has a checkpoint" if pool.checkpoint else "checkpoint does not exist"
        verb = "discard checkpoint in" if discard else "checkpoint"
        raise Refused(f"cannot {verb} '{pool.name}': {said_so}")
    pool.checkpoint = not discard
    return said()


def scrub(world: World, words: Sequence[str]) -> Output:
    """zpool-scrub(8)."""
    _, rest = options(words, "w")
    for name in rest:
        _note(world, open_pool(world, name), "scrub")
    return said()


def labelclear(world: World, words: Sequence[str]) -> Output:
    """zpool-labelclear(8)."""
    given, rest = options(words, "f")
    if not rest:
        raise usage("missing vdev name")
    path = rest[0]
    node = find_node(world, path) or find_node(world, f"{path}-part1")
    if node is None:
        raise Refused(f"failed to find device {path}, try specifying absolute path instead")
    disk, part = find_node(world, f"{path}-part1") or node
    labels = [label for label in disk.labels if label.part == part]
    if not labels:
        raise Refused(f"failed to clear label for {path}")
    for label in labels:
        active = any(pool.guid == label.pool_guid for pool in world.imported())
        if active:
            raise Refused(f'{path} is a member ({label.state.upper()}) of pool "{label.pool}"')
        if label.state in ("active", "exported") and "f" not in given:
            raise Refused(
                f"use '-f' to override the following error:\n{path} is a member of"
                f' {label.state} pool "{label.pool}"'
            )
    start, size = disk.span(part)
    erase(disk, [(start + offset, 256 << 10) for offset in label_offsets(size)])
    return said()
