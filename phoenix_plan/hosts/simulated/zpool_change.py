"""Changes to a simulated pool beside those of zpool_attach.py and zpool_remove.py: `zpool add`,
`offline`, `online`, `clear`, `checkpoint`, `scrub`, `wait` and `labelclear`."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import operations, vdev_spec, vdevs, zpool_attach
from phoenix_plan.hosts.simulated.media import erase, find_node, label_offsets, write_labels
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Pool, Vdev, World
from phoenix_plan.hosts.simulated.zpool_write import adopt, ashift_option, open_pool


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
    before = {top.ashift for top in pool.vdevs if top.vdev_class not in ("cache", "spare")}
    adopt(world, pool, tops, ashift_option(given, pool))
    wanted = {top.ashift for top in tops if top.vdev_class not in ("cache", "spare")}
    if world.version >= (2, 3) and "f" not in given and len(before) == 1 and wanted - before:
        raise Refused(
            f"cannot add to '{pool.name}': adding devices with different physical sector sizes is"
            " not allowed"
        )
    pool.vdevs += tops
    write_labels(world, pool, [leaf.guid for top in tops for leaf in top.leaves()])
    return said()


def switch(world: World, words: Sequence[str], state: str) -> Output:
    """zpool-offline(8), with -f as if the disk had failed, and zpool-online(8)."""
    given, rest = options(words, "eft")
    if len(rest) < 2:
        raise usage("missing pool name" if not rest else "missing device name")
    verb = "offline" if state == "OFFLINE" else "online"
    pool = open_pool(world, rest[0])
    warned = ""
    for wanted in rest[1:]:
        leaf = _switched(world, pool, wanted, verb)
        if leaf is None:
            continue
        if verb == "offline":
            _take_offline(world, pool, leaf, f"cannot offline {wanted}", forced="f" in given)
        elif leaf.state == "FAULTED":
            warned += (
                f"warning: device '{wanted}' onlined, but remains in faulted state\n"
                "use 'zpool clear' to restore a faulted device\n"
            )
        elif leaf.state != "ONLINE":
            leaf.state, leaf.resilvering = "ONLINE", True
            operations.start(world, pool, "resilver")
    write_labels(world, pool)
    return said(warned)


def _switched(world: World, pool: Pool, wanted: str, verb: str) -> Vdev | None:
    """The leaf that is meant; None for a vdev of several, which `zpool online` leaves alone."""
    what = f"cannot {verb} {wanted}"
    found = vdevs.find(world, pool, wanted)
    if found is None and verb == "online" and world.version >= (2, 3):
        raise Refused(f'couldn\'t find device "{wanted}" in pool "{pool.name}"')
    if found is None:
        raise Refused(f"{what}: no such device in pool")
    vdev, parent = found
    if vdev.vdev_class == "spare" and parent is None:
        raise Refused(f"{what}: device is reserved as a hot spare")
    if vdev.children and verb == "offline":
        raise Refused(f"{what}: operation not supported on this type of pool")
    return None if vdev.children else vdev


def _take_offline(world: World, pool: Pool, leaf: Vdev, what: str, *, forced: bool) -> None:
    """Refused for what holds data that is nowhere else; a log is always dispensable (vdev_offline,
    vdev_fault)."""
    top = next(top for top in pool.vdevs if leaf in top.all())
    dispensable = top.vdev_class in ("log", "cache") and not forced
    usable = vdevs.state(world, leaf) == "ONLINE"
    if usable and not dispensable and vdevs.required(world, pool, leaf):
        raise Refused(f"{what}: no valid replicas")
    leaf.state, leaf.forced = ("FAULTED", True) if forced else ("OFFLINE", False)
    if world.zed and forced:
        _call_spare(world, pool, leaf)


def _call_spare(world: World, pool: Pool, leaf: Vdev) -> None:
    """What zed(8) does where a member has failed: the first spare that is free stands in for it."""
    for spare in vdevs.of_class(pool, "spare"):
        if not vdevs.spare_in_use(pool, spare) and not vdevs.was(world, spare):
            zpool_attach.stand_in(world, pool, leaf, spare)
            return


def clear(world: World, words: Sequence[str]) -> Output:
    """zpool-clear(8): a spare that stands in for what works again is free again."""
    _, rest = options(words, "")
    pool = open_pool(world, rest[0] if rest else "")
    pool.suspended, pool.errors = False, 0
    failed = [leaf for leaf in pool.leaves() if leaf.state == "FAULTED"]
    for leaf in failed:
        leaf.state, leaf.forced, leaf.resilvering = "ONLINE", False, True
    if failed:
        operations.start(world, pool, "resilver")
    for vdev in [one for top in pool.vdevs for one in top.all() if one.type == "spare"]:
        if any(vdev.children[0] is leaf for leaf in failed):
            operations.free(world, pool, vdev)
    write_labels(world, pool)
    return said()


def checkpoint(world: World, words: Sequence[str]) -> Output:
    """zpool-checkpoint(8)."""
    given, rest = options(words, "dw", long=("discard", "wait"))
    pool = open_pool(world, rest[0] if rest else "")
    discard = "d" in given or "discard" in given
    if not discard and operations.running(pool, "remove"):
        raise Refused(f"cannot checkpoint '{pool.name}': device removal in progress")
    if not discard and operations.running(pool, "expand"):
        raise Refused(f"cannot checkpoint '{pool.name}': raidz expansion in progress")
    if pool.checkpoint != discard:
        said_so = "checkpoint exists" if pool.checkpoint else "checkpoint does not exist"
        verb = "discard checkpoint in" if discard else "checkpoint"
        raise Refused(f"cannot {verb} '{pool.name}': {said_so}")
    pool.checkpoint = not discard
    return said()


def scrub(world: World, words: Sequence[str]) -> Output:
    """zpool-scrub(8)."""
    given, rest = options(words, "w")
    for name in rest:
        pool = open_pool(world, name)
        if operations.running(pool, "resilver"):
            raise Refused(f"cannot scrub {name}: currently resilvering")
        if operations.running(pool, "scrub"):
            raise Refused(f"cannot scrub {name}: currently scrubbing; use 'zpool scrub -s' to"
                          " cancel scrub")  # fmt: skip
        operations.start(world, pool, "scrub")
        if "w" in given:
            operations.finish_all(world, pool, ("scrub",))
    return said()


_WAITED = {
    "discard": (), "free": (), "initialize": (), "trim": (), "scrub": ("scrub",),
    "remove": ("remove",), "replace": ("resilver",), "resilver": ("resilver",),
    "raidz_expand": ("expand",),
}  # fmt: skip
"""The activities of zpool-wait(8), and what of them takes time here."""


def wait(world: World, words: Sequence[str]) -> Output:
    """zpool-wait(8): until what is named is over, or all."""
    given, rest = options(words, "Hp", "tT")
    if "T" in given or len(rest) > 1:
        raise unmodelled(("zpool", "wait", *words), "an interval is not simulated")
    if not rest:
        raise usage("missing 'pool' argument")
    known = [name for name in _WAITED if name != "raidz_expand" or world.version >= (2, 3)]
    named = [name for text in given.get("t", []) for name in text.split(",")] or known
    for name in named:
        if name not in known:
            raise usage(f"invalid activity '{name}'")
    pool = open_pool(world, rest[0])
    operations.finish_all(world, pool, (kind for name in named for kind in _WAITED[name]))
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
