"""From an action's writes to the concrete ones: placeholders filled from a probe, nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from phoenix_plan.actions import Action, ImportPool
from phoenix_plan.commands import Run, Write
from phoenix_plan.conditions import MountpointFree
from phoenix_plan.model.datasets import Dataset, effective
from phoenix_plan.model.index import Index

DIGEST = ("--digest", "{storage_cfg_digest}")
FILESYSTEM = "{filesystem}"


def fill(action: Action, write: Write, index: Index) -> Iterator[Write]:
    """What `write` is on this state.

    `{storage_cfg_digest}` is filled where it is the value of `--digest`, and nowhere else: a name
    or a value that looks like it stays what it is. `{filesystem}` becomes one write for each
    filesystem of the imported pool that mounts by itself, parents first; there may be none.
    """
    if not isinstance(write, Run):
        yield write
    elif isinstance(action, ImportPool) and write.argv[-1] == FILESYSTEM:
        for one in mountable(action.pool, index):
            yield attrs.evolve(write, argv=(*write.argv[:-1], one.name))
    elif write.argv[-2:] == DIGEST:
        digest = index.actual.storages.digest
        yield attrs.evolve(write, argv=(*write.argv[:-1], digest))
    else:
        yield write


def mounts_of(action: Action, index: Index) -> tuple[MountpointFree, ...]:
    """What must hold before the filesystems of an imported pool are mounted: the labels of a pool
    do not tell where they go, so this is known once it is imported."""
    if not isinstance(action, ImportPool):
        return ()
    return tuple(
        MountpointFree(path=one.mountpoint, dataset=one.name)
        for one in mountable(action.pool, index)
    )


def mountable(pool: str, index: Index) -> Iterator[Dataset]:
    """Filesystems of a pool that mount by themselves and are not mounted, parents first."""
    root = index.datasets.get(pool)
    for dataset in [*([root] if root is not None else []), *index.descendants(pool)]:
        mounts = effective(dataset, "canmount", index.actual.defaults) == "on"
        if mounts and dataset.mountpoint.startswith("/") and not dataset.mounted:
            yield dataset
