"""What can still be had back of what a run has taken away, and how."""

from __future__ import annotations

from collections.abc import Collection

from phoenix_plan.actions import DestroyPool, RetireDataset, SnapshotDataset
from phoenix_plan.plan import Plan, Row
from phoenix_plan.render.visible import visible


def ways_back(plan: Plan, done: Collection[str], begun: str = "") -> list[str]:
    """A line for each row of `done` that took something away which is still there: a pool whose
    labels no later row has overwritten, a dataset that was put aside, a snapshot under a change.
    `begun` is the id of a row that may have written something before it failed."""
    rows = [row for row in plan.actions if row.id in done]
    writers = [row for row in plan.actions if row.id in done or row.id == begun]
    found = []
    for row in rows:
        match row.action:
            case DestroyPool(pool=pool, guid=guid, disks=disks):
                if not any(set(disks) & _written(other) for other in writers if other is not row):
                    found.append(
                        f"Pool {visible(pool)} can be brought back as long as nothing is written "
                        f"to its disks: zpool import -D {guid}"
                    )
            case RetireDataset(dataset=dataset, to=to, keep=keep):
                found.append(f"{visible(dataset)} is kept for {keep}, as {visible(to)}.")
            case SnapshotDataset(dataset=dataset, snapshot=snapshot):
                found.append(f"{visible(dataset)} as it was is in {visible(dataset)}@{snapshot}.")
            case _:
                pass
    return found


def _written(row: Row) -> set[str]:
    """Disks that a row writes to, as it spells them, but for those of a pool that goes."""
    if isinstance(row.action, DestroyPool):
        return set()
    return {*getattr(row.action, "disks", ()), getattr(row.action, "disk", "")}
