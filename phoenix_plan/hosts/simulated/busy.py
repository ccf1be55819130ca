"""What keeps a simulated dataset or pool from being unmounted or destroyed."""

from __future__ import annotations

from collections.abc import Iterable

from phoenix_plan.hosts.simulated.properties import mountpoint
from phoenix_plan.hosts.simulated.world import Dataset, Pool, World


def below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_busy(world: World, pool: Pool, dataset: Dataset) -> bool:
    """Whether a process, a mount on top of it, another namespace or swap uses it."""
    held = [mount for mount in world.mounts if mount.source == dataset.name and mount.type == "zfs"]
    paths = [entry.path for entry in world.opened] + list(world.swaps)
    volume = f"/dev/zvol/{dataset.name}"
    if held or any(path == volume for path in paths):
        return True
    if not dataset.mounted:
        return False
    own = mountpoint(world, pool, dataset)
    others = [
        mountpoint(world, pool, one)
        for one in pool.datasets.values()
        if one is not dataset and one.mounted
    ]
    inner = [path for path in others if below(path, own)]
    used = [path for path in paths if below(path, own) and not _in_any(path, inner)]
    on_top = [mount for mount in world.mounts if mount.target != own and below(mount.target, own)]
    return bool(used) or any(not _in_any(mount.target, inner) for mount in on_top)


def _in_any(path: str, folders: Iterable[str]) -> bool:
    return any(below(path, folder) for folder in folders)


def first_busy(world: World, pool: Pool) -> Dataset | None:
    """The first dataset of a pool that is in use."""
    for name in sorted(pool.datasets):
        if is_busy(world, pool, pool.datasets[name]):
            return pool.datasets[name]
    return None
