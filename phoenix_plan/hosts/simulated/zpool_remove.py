"""`zpool remove` on a simulated host (spa_vdev_remove; seen on OpenZFS 2.1.11 and 2.3.9)."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import operations, space, vdevs
from phoenix_plan.hosts.simulated.media import forget_leaf, write_labels
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Pool, Vdev, World
from phoenix_plan.hosts.simulated.zpool_attach import settled
from phoenix_plan.hosts.simulated.zpool_write import open_pool

_DATA = ("normal", "special", "dedup")


def remove(world: World, words: Sequence[str]) -> Output:
    """zpool-remove(8): spares, caches and logs at once, data vdevs once their data is elsewhere."""
    given, rest = options(words, "npsw")
    if "n" in given:
        raise unmodelled(("zpool", "remove", *words), "-n is not simulated")
    if not rest:
        raise usage("missing pool name argument")
    pool = open_pool(world, rest[0])
    if "s" in given:
        return _stop(world, pool)
    if len(rest) < 2:
        raise usage("missing device")
    for wanted in rest[1:]:
        _remove(world, pool, wanted)
    if "w" in given:
        operations.finish_all(world, pool, ("remove",))
    return said()


def _stop(world: World, pool: Pool) -> Output:
    scan = operations.running(pool, "remove")
    if scan is None:
        raise Refused(f"cannot cancel removal: {pool.name}: there is no active removal")
    scan.state, scan.at, scan.left = "canceled", world.now, 0
    for top in pool.vdevs:
        top.removing = False
    return said()


def _remove(world: World, pool: Pool, wanted: str) -> None:
    what = f"cannot remove {wanted}"
    found = vdevs.find(world, pool, wanted)
    if found is None:
        raise Refused(f"{what}: no such device in pool")
    vdev, parent = found
    spare = vdevs.spare_of(pool, vdev)
    if parent is not None and spare is None:
        raise Refused(f"{what}: operation not supported on this type of pool")
    settled(pool, what, 1)
    if spare is not None and vdevs.spare_in_use(pool, spare):
        raise Refused(f"{what}: Pool busy; removal may already be in progress")
    if vdev.vdev_class in _DATA:
        _check_data(world, pool, vdev, what)
        vdev.removing = True
        operations.start(world, pool, "remove", vdev=vdev.index)
        return
    for leaf in vdev.leaves() if vdev.vdev_class == "log" else ():
        forget_leaf(world, leaf)  # the label of a spare or cache stays as it is
    pool.vdevs.remove(vdev)
    write_labels(world, pool)


def _check_data(world: World, pool: Pool, vdev: Vdev, what: str) -> None:
    """In the real order (spa_vdev_remove_top_check): space, what goes on, what the pool is like."""
    others = [top for top in pool.vdevs if top.vdev_class == "normal" and top is not vdev]
    size = sum(space.top_size(world, top) for top in others if not top.removing)
    if space.pool_allocated(world, pool) + space.slop(size) > size:
        raise Refused(f"{what}: out of space")
    if operations.running(pool, "remove"):
        raise Refused(f"{what}: Pool busy; removal may already be in progress")
    if operations.running(pool, "expand"):
        raise Refused(f"{what}: Pool busy; removal may already be in progress")
    if not vdevs.holds_all(world, vdev) or any(leaf.resilvering for leaf in vdev.leaves()):
        raise Refused(f"{what}: Pool busy; removal may already be in progress")
    data = [top for top in pool.vdevs if top.vdev_class in _DATA]
    nested = any(child.children for top in data for child in top.children)
    alike = len({top.ashift for top in data}) == 1
    if nested or not alike or any(top.type == "raidz" for top in data):
        raise Refused(
            f"{what}: invalid config; all top-level vdevs must have the same sector size and"
            " not be raidz."
        )
