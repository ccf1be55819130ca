"""Whether vdevs of a pool survive as many failures as each other (check_replication and
get_replication of cmd/zpool/zpool_vdev.c; seen on OpenZFS 2.1.11 and 2.3.9, which say the same)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from phoenix_plan.hosts.simulated.media import MIB, find_node
from phoenix_plan.hosts.simulated.world import Pool, Vdev, World

FUZZ = 16 * MIB
"""What members of one vdev may differ in size."""

_COUNTED = ("normal", "special", "dedup")


def complaints(world: World, tops: Sequence[Vdev], pool: Pool | None) -> list[str]:
    """Why `zpool create` or `add` wants force for these new vdevs; empty where it does not.

    Special and dedup vdevs are held against data vdevs, logs against nothing.
    """
    new = [top for top in tops if top.vdev_class in _COUNTED]
    for top in new:
        sizes = [device_size(world, leaf) for leaf in top.leaves()]
        if top.children and max(sizes) - min(sizes) > FUZZ:
            return [f"{top.type} contains devices of different sizes"]
    for one, other in pairwise(new):
        if said := _among(one, other):
            return [f"mismatched replication level: {said}"]
    had = [top for top in pool.vdevs if top.vdev_class in _COUNTED] if pool else []
    if not new or not had or any(_among(one, other) for one, other in pairwise(had)):
        return []  # a pool that is uneven already is not held to anything
    said = _beside(had[-1], new[-1])
    return [f"mismatched replication level: {said}"] if said else []


def device_size(world: World, leaf: Vdev) -> int:
    """Bytes of the device that a path leads to; 0 where there is none."""
    node = find_node(world, leaf.path)
    return node[0].span(node[1])[1] if node else 0


def _alike(one: Vdev, other: Vdev) -> str | None:
    """Of a raidz and a mirror, how they differ: empty where they survive the same. None for other
    pairs."""
    raidz, mirror = (one, other) if one.type == "raidz" else (other, one)
    if (raidz.type, mirror.type) != ("raidz", "mirror"):
        return None
    ways = len(mirror.children)
    if raidz.parity == ways - 1:
        return ""
    return f"raidz and mirror vdevs, {raidz.parity} vs. {ways - 1} ({ways}-way)"


def _among(one: Vdev, other: Vdev) -> str:
    mixed = _alike(one, other)
    if mixed is not None:
        return (
            mixed and mixed.replace("vdevs,", "vdevs with different redundancy,") + " are present"
        )
    if one.type != other.type:
        return f"both {one.type} and {other.type} vdevs are present"
    if one.parity != other.parity:
        return f"both {one.parity} and {other.parity} device parity {one.type} vdevs are present"
    ways, others = len(one.children), len(other.children)
    return f"both {ways}-way and {others}-way {one.type} vdevs are present" * (ways != others)


def _beside(had: Vdev, new: Vdev) -> str:
    mixed = _alike(had, new)
    if mixed is not None:
        return mixed and f"pool and new vdev with different redundancy, {mixed}"
    if had.type != new.type:
        return f"pool uses {had.type} and new vdev is {new.type}"
    if had.parity != new.parity:
        return f"pool uses {had.parity} device parity and new vdev uses {new.parity}"
    ways, others = len(had.children), len(new.children)
    said = f"pool uses {ways}-way {had.type} and new vdev uses {others}-way {new.type}"
    return said * (ways != others)
