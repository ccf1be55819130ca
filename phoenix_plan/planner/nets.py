"""What keeps a way back, where it is asked for: snapshots, checkpoints, datasets put aside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

import attrs

from phoenix_plan.actions import (
    Action,
    DestroyDataset,
    RetireDataset,
    SetDatasetProperties,
    SnapshotDataset,
    action_id,
)
from phoenix_plan.conditions import Unmet
from phoenix_plan.evidence import evidence
from phoenix_plan.model.datasets import KEPT_UNTIL, Dataset, effective, retired_name, within
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.storage_semantics import is_guest_volume
from phoenix_plan.model.subjects import Subject
from phoenix_plan.model.times import parse_timestamp
from phoenix_plan.planner.items import Finding, Item, Items, Step, failed
from phoenix_plan.safety import only_protects, verdict

_NET = re.compile(r"phoenix-net-([1-9][0-9]{0,9})", re.ASCII)

_LONGEST_NAME = 255
"""Bytes in the full name of a dataset or snapshot (ZFS_MAX_DATASET_NAME_LEN less its end)."""


def with_checkpoints(desired: Desired) -> Desired:
    """The same wish, with a checkpoint before a step without a way back, where a pool's config does
    not say otherwise."""
    pools = (
        attrs.evolve(pool, checkpoint=True) if pool.checkpoint is None else pool
        for pool in desired.pools
    )
    return attrs.evolve(desired, pools=tuple(pools))


def with_snapshots(items: Iterable[Item], index: Index) -> Items:
    """The items, with a snapshot before every destructive change of a dataset's properties.

    A guest's volume gets none: Proxmox VE can roll a guest back to its newest snapshot only, and
    this would be the newest (pvesm, volume_rollback_is_possible).
    """
    for item in items:
        if not isinstance(item, Step) or not isinstance(item.action, SetDatasetProperties):
            yield item
            continue
        change = item.action
        if only_protects(change) or verdict(change, evidence(change, index)).safety == "safe":
            yield item
        elif index.references_to(change.dataset) or is_guest_volume(change.dataset):
            yield item
            yield Finding(
                severity="note",
                code="no-net-for-guest",
                subject=Subject(kind="dataset", name=change.dataset),
                message="no snapshot is taken before it is changed: it is a guest's volume, and "
                "Proxmox VE could not roll the guest back past it",
                hint="Take a snapshot of the guest in Proxmox VE first, or a backup.",
            )
        else:
            name = _next_net(index.datasets[change.dataset])
            yield Step(
                action=SnapshotDataset(dataset=change.dataset, guid=change.guid, snapshot=name),
                serves=(action_id(change),),
            )
            yield attrs.evolve(item, action=attrs.evolve(change, net=name))


def _next_net(dataset: Dataset) -> str:
    numbers = (int(found[1]) for name in dataset.snapshots if (found := _NET.fullmatch(name)))
    return f"phoenix-net-{max(numbers, default=0) + 1}"


def retirement(there: Dataset, keep: str, index: Index, serves: tuple[str, ...] = ()) -> Step:
    """A dataset is put aside beside where it was: there it keeps what it inherits, its key among
    that, and counts where it counted."""
    parent, _, _ = there.name.rpartition("/")
    below = list(index.descendants(there.name))
    files = [one for one in (there, *below) if one.type == "filesystem"]
    defaults = index.actual.defaults
    action = RetireDataset(
        dataset=there.name,
        guid=there.guid,
        kind="filesystem" if there.type == "filesystem" else "volume",
        to=f"{parent}/{retired_name(there.guid)}",
        keep=keep,
        below={one.name: Guid(one.guid) for one in below},
        automounts=tuple(one.name for one in files if effective(one, "canmount", defaults) == "on"),
        writable=tuple(one.name for one in below if one.set.get("readonly") == "off"),
        mountpoints={one.name: one.mountpoint for one in files},
        storages=tuple(storage.id for storage in index.storages_on(there.name)),
    )
    return Step(action=action, serves=serves, refused=_too_long(action, there, below))


def outermost(items: Iterable[Item]) -> Items:
    """The items, without the retirement of what goes along with another that is put aside."""
    planned = list(items)
    going = {
        item.action.dataset
        for item in planned
        if isinstance(item, Step) and isinstance(item.action, RetireDataset)
    }
    for item in planned:
        if isinstance(item, Step) and isinstance(item.action, RetireDataset):
            name = item.action.dataset
            if any(within(name, other) for other in going - {name}):
                continue
        yield item


def _too_long(action: RetireDataset, there: Dataset, below: Iterable[Dataset]) -> Unmet | None:
    for one in (there, *below):
        name = action.to + one.name.removeprefix(there.name)
        longest = max((len(f"@{snapshot}".encode()) for snapshot in one.snapshots), default=0)
        if len(name.encode()) + longest > _LONGEST_NAME:
            return Unmet(
                code="retired-name-too-long",
                message=f"put aside, {one.name} or a snapshot of it would have a name of more than "
                f"{_LONGEST_NAME} bytes",
                hint="Plan without --net retire, or give it a shorter name first.",
            )
    return None


def kept_until(kept: Dataset) -> datetime | None:
    """Until when a dataset that was put aside is to be kept; None where its mark is no time."""
    try:
        return parse_timestamp(kept.set.get(KEPT_UNTIL, ""))
    except ValueError:
        return None


def still_kept(action: Action, index: Index) -> Unmet | None:
    """Why a dataset must not be destroyed yet: it was put aside, or is below what was, and its time
    is not over on this state."""
    if not isinstance(action, DestroyDataset):
        return None
    now = datetime.fromisoformat(index.actual.taken_at)
    for kept in index.aside.values():
        date = kept_until(kept)
        if within(action.dataset, kept.name) and (date is None or now < date):
            return Unmet(
                code="still-kept",
                message=f"{kept.name} was put aside, and is to be kept until "
                f"{kept.set.get(KEPT_UNTIL, 'nobody knows when')}",
                hint=f"Wait, or set {KEPT_UNTIL} on it to an earlier time yourself.",
            )
    return None


def no_date(kept: Dataset) -> Finding:
    """That nobody can tell until when a dataset is to be kept."""
    return failed(
        Subject(kind="dataset", name=kept.name),
        Unmet(
            code="kept-until-unreadable",
            message=f"was put aside, and {KEPT_UNTIL} is no time: {kept.set.get(KEPT_UNTIL, '')!r}",
            hint=f"zfs set {KEPT_UNTIL}=2030-01-31T12:00:00Z {kept.name}, or the time that you "
            "mean.",
        ),
    )
