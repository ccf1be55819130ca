"""How much there is and what takes it: sizes of vdevs, pools and datasets.

Real enough to tell full from empty: partition sizes, metaslabs, slop and parity as ZFS counts them
(vdev_metaslab_set_size, spa_get_slop_space), compression and padding left out.
"""

from __future__ import annotations

from phoenix_plan.hosts.simulated.media import MIB, find_leaf
from phoenix_plan.hosts.simulated.world import Dataset, Pool, Vdev, World

_LABELS = 4 * MIB + 512 * 1024
"""Of every device: labels and the boot block in front, labels at the end."""

_ALIGN = 256 * 1024
_COUNTED = ("normal", "special", "dedup")


def device_size(world: World, leaf: Vdev) -> int:
    """Bytes of the device that a leaf stands on; 0 where it is gone."""
    node = find_leaf(world, leaf)
    return node[0].span(node[1])[1] if node else 0


def _leaf_asize(world: World, leaf: Vdev) -> int:
    return max(0, (device_size(world, leaf) - _LABELS) // _ALIGN * _ALIGN)


def top_size(world: World, top: Vdev, *, expanding: bool = False) -> int:
    """Bytes that a top-level vdev brings to its pool, parity included, as `zpool list` counts; of
    a raidz that is being expanded, the new disk is not counted yet."""
    sizes = [_leaf_asize(world, leaf) for leaf in top.leaves()]
    present = [size for size in sizes if size]
    if not present:
        return 0
    asize = min(present) * (len(top.children) - expanding if top.type == "raidz" else 1)
    count = asize >> 29
    shift = 29
    if count < 16:
        shift = max((asize // 16).bit_length(), 17)
    elif count > 200:
        shift = (asize // 200).bit_length()
    return asize >> shift << shift


def _useful(top: Vdev, size: int) -> int:
    """Of a vdev's bytes, those that can hold data."""
    if top.type != "raidz":
        return size
    members = len(top.children)
    return size * (members - top.parity) // members


def pool_size(world: World, pool: Pool) -> int:
    """`size` of zpoolprops(7): special and dedup vdevs count, logs do not."""
    expansions = [one for one in pool.scans if (one.kind, one.state) == ("expand", "running")]
    return sum(
        top_size(world, top, expanding=any(one.vdev in (None, top.index) for one in expansions))
        for top in pool.vdevs
        if top.vdev_class in _COUNTED
    )


def pool_allocated(world: World, pool: Pool) -> int:
    """`allocated`: what datasets hold, with parity, and some of the pool's own."""
    data = sum(
        dataset.referenced + sum(one.used for one in dataset.snapshots.values())
        for dataset in pool.datasets.values()
    )
    size, useful = pool_size(world, pool), _pool_useful(world, pool)
    own = 96 * 1024
    return min(size, (data + own) * size // useful if useful else data)


def _pool_useful(world: World, pool: Pool) -> int:
    return sum(
        _useful(top, top_size(world, top)) for top in pool.vdevs if top.vdev_class in _COUNTED
    )


def pool_usable(world: World, pool: Pool) -> int:
    """What datasets may fill: parity and slop are taken off (1/32, 128 MiB at least)."""
    useful = _pool_useful(world, pool)
    return useful - slop(useful)


def slop(size: int) -> int:
    """What ZFS keeps for itself of so much space (spa_get_slop_space)."""
    return min(max(size >> 5, min(size >> 1, 128 * MIB)), 128 << 30)


def by_snapshots(dataset: Dataset) -> int:
    """`usedbysnapshots`."""
    return sum(snapshot.used for snapshot in dataset.snapshots.values())


def by_refreservation(dataset: Dataset) -> int:
    """`usedbyrefreservation`: promised, and not yet written."""
    return max(0, int(dataset.set.get("refreservation", "0")) - dataset.referenced)


class Usage:
    """Who of a pool's datasets uses what, reckoned once for all of them."""

    def __init__(self, world: World, pool: Pool) -> None:
        self._pool = pool
        self._usable = pool_usable(world, pool)
        self._available: dict[str, int] = {}
        self._used: dict[str, int] = {}
        self._by_children: dict[str, int] = dict.fromkeys(pool.datasets, 0)
        for name in sorted(pool.datasets, reverse=True):  # children come before their parents
            dataset = pool.datasets[name]
            own = dataset.referenced + by_refreservation(dataset) + by_snapshots(dataset)
            self._used[name] = own + self._by_children[name]
            if dataset.parent:
                reserved = int(dataset.set.get("reservation", "0"))
                self._by_children[dataset.parent] += max(self._used[name], reserved)

    def by_children(self, dataset: Dataset) -> int:
        """`usedbychildren`: what they use, or what is reserved for them."""
        return self._by_children[dataset.name]

    def used(self, dataset: Dataset) -> int:
        """`used`."""
        return self._used[dataset.name]

    def available(self, dataset: Dataset) -> int:
        """`available`: what is left above, cut by quotas on the way."""
        if dataset.name not in self._available:
            self._available[dataset.name] = self._left(dataset)
        return self._available[dataset.name]

    def _left(self, dataset: Dataset) -> int:
        own = self._used[dataset.name]
        parent = self._pool.datasets.get(dataset.parent)
        if parent is None:
            left = self._usable - own
        else:
            reserved = int(dataset.set.get("reservation", "0"))
            left = self.available(parent) + max(0, reserved - own)
        left += by_refreservation(dataset)
        quota, refquota = (int(dataset.set.get(name, "0")) for name in ("quota", "refquota"))
        if quota:
            left = min(left, quota - own)
        if refquota:
            left = min(left, refquota - dataset.referenced)
        return max(0, left)


def volume_reservation(volsize: int, blocksize: int, copies: int = 1) -> int:
    """What a volume that is not sparse reserves (zvol_volsize_to_reservation): its blocks, and the
    indirect ones above them. A raidz's padding is left out."""
    blocks, metadata = volsize // blocksize, 7
    while blocks > 1:
        blocks = (blocks + 1023) // 1024
        metadata += blocks
    return volsize * copies + metadata * min(3, copies + 1) * (128 << 10)
