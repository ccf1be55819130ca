"""From an action's writes to the concrete ones: placeholders filled from a probe, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import attrs

from phoenix_plan.actions import Action, ImportPool, RetireDataset
from phoenix_plan.actions.nets import MOUNTED, MOUNTS, UNTIL
from phoenix_plan.commands import Run, Write
from phoenix_plan.conditions import MountpointFree
from phoenix_plan.model.datasets import KEPT_UNTIL, Dataset, effective
from phoenix_plan.model.index import Index
from phoenix_plan.model.times import parse_duration, timestamp

DIGEST = ("--digest", "{storage_cfg_digest}")
FILESYSTEM = "{filesystem}"
_MARK = f"{KEPT_UNTIL}={UNTIL}"


def fill(action: Action, write: Write, index: Index) -> Iterator[Write]:
    """What `write` is on this state.

    `{storage_cfg_digest}` is filled where it is the value of `--digest`, and nowhere else: a name
    or a value that looks like it stays what it is. `{filesystem}` becomes one write for each
    filesystem of the imported pool that mounts by itself, parents first; there may be none.
    `{mounted}` becomes one for each filesystem that is mounted of the dataset that is put aside,
    `{mounts}` besides for each that would mount by itself, and `{kept_until}`, as the value of its
    mark, the time of this state and how long it is kept.
    """
    if not isinstance(write, Run):
        yield write
    elif isinstance(action, ImportPool) and write.argv[-1] == FILESYSTEM:
        for one in mountable(action.pool, index):
            yield attrs.evolve(write, argv=(*write.argv[:-1], one.name))
    elif isinstance(action, RetireDataset) and write.argv[-1] in (MOUNTED, MOUNTS):
        for name in _deepest_first(action.dataset, index, mounts=write.argv[-1] == MOUNTS):
            yield attrs.evolve(write, argv=(*write.argv[:-1], name))
    elif isinstance(action, RetireDataset) and _MARK in write.argv:
        now = datetime.fromisoformat(index.actual.taken_at)
        mark = f"{KEPT_UNTIL}={timestamp(now + parse_duration(action.keep))}"
        yield attrs.evolve(
            write, argv=tuple(mark if word == _MARK else word for word in write.argv)
        )
    elif write.argv[-2:] == DIGEST:
        digest = index.actual.storages.digest
        yield attrs.evolve(write, argv=(*write.argv[:-1], digest))
    else:
        yield write


def _deepest_first(dataset: str, index: Index, *, mounts: bool) -> Iterator[str]:
    """Filesystems of a dataset that are mounted, with `mounts` those that would mount, too: a path
    before what it lies in."""
    defaults = index.actual.defaults
    found = [
        (one.mountpoint, one.name)
        for one in index.family(dataset)
        if one.mounted or (mounts and effective(one, "canmount", defaults) == "on")
    ]
    yield from (name for _, name in sorted(found, reverse=True))


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
    for dataset in index.family(pool):
        mounts = effective(dataset, "canmount", index.actual.defaults) == "on"
        if mounts and dataset.mountpoint.startswith("/") and not dataset.mounted:
            yield dataset
