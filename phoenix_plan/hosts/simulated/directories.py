"""Folders of a simulated host, as far as mounting asks for them."""

from __future__ import annotations

from phoenix_plan.hosts.simulated.busy import below
from phoenix_plan.hosts.simulated.properties import mountpoint
from phoenix_plan.hosts.simulated.world import World


def mounted(world: World) -> dict[str, tuple[str, str]]:
    """Mountpoint to (source, type) in this program's namespace; the last mount counts."""
    found = {
        mount.target: (mount.source, mount.type) for mount in world.mounts if not mount.namespace
    }
    for pool, dataset in world.datasets():
        if dataset.mounted:
            found[mountpoint(world, pool, dataset)] = (dataset.name, "zfs")
    return found


def state(world: World, path: str) -> str:
    """absent, empty, occupied, mounted or not-a-directory."""
    here = mounted(world)
    if path in here:
        return "mounted"
    if path in world.directories:
        return world.directories[path]
    if path in world.files:
        return "not-a-directory"
    inside = [*here, *world.directories, *world.files]
    return "occupied" if any(below(one, path) for one in inside) else "absent"
