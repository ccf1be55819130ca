"""Declared pools against the pools that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from phoenix_plan.actions import (
    Action,
    Change,
    CreatePool,
    DestroyPool,
    ImportPool,
    SetPoolProperties,
    WipeDisk,
    action_id,
)
from phoenix_plan.actions.disks import wipe_ranges
from phoenix_plan.model.desired import DesiredPool, RemovedPool
from phoenix_plan.model.index import Index
from phoenix_plan.model.pools import IdlePool, Pool
from phoenix_plan.model.properties import CREATED_ASHIFT, CREATED_FILESYSTEM, CREATED_POOL
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.contents import contents
from phoenix_plan.planner.items import Finding, Items, Scope, Severity, Step, Unchanged
from phoenix_plan.planner.topology import Comparison, compare


def compare_pools(scope: Scope) -> Mapping[str, Comparison]:
    """How each declared pool that is imported compares with its declaration."""
    pools = scope.index.pools
    return {
        pool.name: _with_ashift(
            pool, pools[pool.name], compare(pool, pools[pool.name].vdevs, scope.index), scope.index
        )
        for pool in scope.desired.pools
        if pool.name in pools
    }


def _with_ashift(
    pool: DesiredPool, there: Pool, comparison: Comparison, index: Index
) -> Comparison:
    """ashift is fixed when a vdev is made (zpoolprops(7)): another one is another shape."""
    if pool.ashift is None or "ashift" in pool.ignore:
        return comparison
    wrong = tuple(
        f"{vdev.name}: declared is ashift {pool.ashift}, it was made with {found}"
        for vdev in there.vdevs
        if vdev.vdev_class == "normal"
        and (found := index.ashifts.get(vdev.guid)) is not None
        and found != pool.ashift
    )
    if not wrong:
        return comparison
    return Comparison(shape=(*comparison.shape, *wrong))


def plan_pools(scope: Scope, comparisons: Mapping[str, Comparison]) -> Items:
    """Everything about pools: create, recreate, import, properties, health, removal."""
    for pool in scope.desired.pools:
        there = scope.index.pools.get(pool.name)
        if there is not None:
            yield from _existing(pool, there, comparisons[pool.name], scope)
            continue
        idle = idle_candidates(pool.name, scope.index)
        if idle:
            yield from _import(pool, idle, scope.index)
        else:
            yield from _create(pool, scope.index)
    for removed in scope.desired.removed.pools:
        yield from _remove(removed, scope.index)
    for there in scope.index.pools.values():
        yield from _health(there)


def idle_pools(actions: Iterable[Action], scope: Scope) -> Items:
    """What becomes of pools that nobody declared and that are not imported."""
    declared = {pool.name for pool in scope.desired.pools}
    wiped = {
        device.disk.path
        for action in actions
        if isinstance(action, WipeDisk) and (device := scope.index.device(action.disk)) is not None
    }
    for pool in scope.index.actual.idle_pools:
        lost = [path for path in pool.disks if path in wiped]
        said = f"{pool.guid} lies {pool.state} on {', '.join(pool.disks)}"
        subject = Subject(kind="pool", name=pool.name)
        if lost:
            yield Finding(
                severity="warning",
                code="idle-pool-overwritten",
                subject=subject,
                message=f"{said}; this plan wipes {', '.join(lost)} of it",
                hint="If anything on it is wanted, import it and look before you consent.",
            )
        elif pool.name not in declared:
            yield Finding(
                severity="note",
                code="idle-pool",
                subject=subject,
                message=f"{said}, undeclared: left alone",
            )


def idle_candidates(name: str, index: Index) -> list[IdlePool]:
    """Pools of that name that could be imported; destroyed ones are only residue."""
    return [pool for pool in index.idle_pools.get(name, ()) if pool.state != "destroyed"]


def _existing(pool: DesiredPool, there: Pool, comparison: Comparison, scope: Scope) -> Items:
    subject = Subject(kind="pool", name=pool.name)
    if comparison.shape:
        yield from _recreate(pool, there, comparison, scope.index)
        return
    if comparison.members or comparison.pending:
        yield Finding(
            severity="error",
            code="pool-members-differ",
            subject=subject,
            message="level and width are as declared, the members are not: "
            + "; ".join((*comparison.members, *comparison.pending)),
            hint="Nothing is recreated for that. Finish or undo the replacement, or declare the "
            "disks that the pool has.",
        )
    changes = tuple(_property_changes(pool, there))
    if changes:
        yield Step(action=SetPoolProperties(pool=pool.name, guid=there.guid, properties=changes))
    elif comparison.matches:
        yield Unchanged(subject=subject, detail=f"{pool.level} of {len(pool.disks)}, {there.state}")


def _property_changes(pool: DesiredPool, there: Pool) -> Iterator[Change]:
    for name, wanted in sorted(pool.properties.items()):
        seen = there.properties.get(name)
        before = seen.value if seen is not None else ""
        # `-` is how ZFS prints an empty value (comment, cachefile, bootfs).
        if name in pool.ignore or before == wanted or (before == "-" and wanted in ("", "none")):
            continue
        yield Change(name=name, before=before, after=wanted)


def _create_action(pool: DesiredPool, index: Index) -> CreatePool:
    devices = [index.device(path) for path in pool.disks]
    return CreatePool(
        pool=pool.name,
        level=pool.level,
        disks=pool.disks,
        identities=tuple(
            "" if device is None else str(device.disk.identity or "") for device in devices
        ),
        ashift=pool.ashift if pool.ashift is not None else CREATED_ASHIFT,
        properties={**CREATED_POOL, **pool.properties},
        filesystem={**CREATED_FILESYSTEM, **pool.filesystem},
    )


def _create(pool: DesiredPool, index: Index) -> Items:
    create = _create_action(pool, index)
    yield from _wipes(pool, action_id(create), index, of=None)
    yield Step(action=create)


def _wipes(pool: DesiredPool, serves: str, index: Index, *, of: Pool | None) -> Items:
    """A wipe for every declared disk that holds something; a member of another pool is no disk to
    wipe, whatever the consent, and a member of `of` only holds its labels by then."""
    seen: set[str] = set()
    for path in pool.disks:
        device = index.device(path)
        if device is None or device.partition is not None or device.disk.path in seen:
            continue
        disk = device.disk
        seen.add(disk.path)
        mine = of is not None and of in index.pools_on(disk)
        if index.pools_on(disk) and not mine:
            continue
        if disk.emptiness in ("occupied", "residual") or mine:
            yield Step(
                action=WipeDisk(
                    disk=path,
                    identity=str(disk.identity or ""),
                    emptiness=disk.emptiness,
                    contents=contents(disk),
                    ranges=wipe_ranges(disk),
                ),
                serves=(serves,),
            )


def _recreate(pool: DesiredPool, there: Pool, comparison: Comparison, index: Index) -> Items:
    create = _create_action(pool, index)
    destroy = destroy_action(there, index, because=comparison.shape)
    yield Step(action=destroy, serves=(action_id(create),))
    yield from _wipes(pool, action_id(create), index, of=there)
    yield Step(action=create)


def destroy_action(pool: Pool, index: Index, *, because: tuple[str, ...]) -> DestroyPool:
    """The destruction of a pool, with all that it takes along. Members are named by every alias
    that a declaration may use."""
    disks = {
        path
        for leaf in pool.leaves()
        if (disk := index.leaf_disk(leaf)) is not None
        for path in (disk.path, *disk.aliases)
    }
    root = index.datasets.get(pool.name)
    datasets = [*([root] if root is not None else []), *index.descendants(pool.name)]
    return DestroyPool(
        pool=pool.name,
        guid=pool.guid,
        disks=tuple(sorted(disks)),
        datasets={dataset.name: dataset.mountpoint for dataset in datasets},
        storages=tuple(storage.id for storage in index.storages_on(pool.name)),
        because=because,
    )


def _import(pool: DesiredPool, idle: list[IdlePool], index: Index) -> Items:
    subject = Subject(kind="pool", name=pool.name)
    there = idle[0]
    comparison = compare(pool, there.vdevs, index)
    if not comparison.matches and len(idle) == 1 and there.complete:
        yield Finding(
            severity="error",
            code="pool-could-be-imported",
            subject=subject,
            message=f"a pool {there.name} ({there.guid}) lies {there.state} on "
            f"{', '.join(there.disks)}, but is not built as declared: "
            + "; ".join((*comparison.shape, *comparison.members, *comparison.pending)),
            hint="It is neither imported nor overwritten. Declare it as it is, or take its disks "
            "out of the way.",
        )
        return
    host = index.actual.host
    yield Step(
        action=ImportPool(
            pool=pool.name,
            guid=there.guid,
            state="active" if there.state == "active" else "exported",
            last_hostid=there.hostid,
            last_hostname=there.hostname,
            ours=bool(there.hostid) and there.hostid == host.hostid,
            disks=tuple(sorted(pool.disks)),
        )
    )
    yield Finding(
        severity="note",
        code="plan-again-after-import",
        subject=subject,
        message="what is in the pool is known once it is imported: its datasets and storages are "
        "not planned yet",
        hint="Plan again after this plan was applied.",
    )


def _remove(removed: RemovedPool, index: Index) -> Items:
    subject = Subject(kind="pool", name=removed.name)
    there = index.pools.get(removed.name)
    if there is not None and there.guid == removed.guid:
        yield Step(action=destroy_action(there, index, because=("declared removed",)))
        return
    if there is not None:
        yield Finding(
            severity="error",
            code="removed-is-another",
            subject=subject,
            message=f"declared removed is {removed.guid}, the pool of that name is {there.guid}",
            hint="This is another pool. Take the entry out, or give the GUID of the one you mean.",
        )
        return
    if any(pool.guid == removed.guid for pool in idle_candidates(removed.name, index)):
        yield Finding(
            severity="error",
            code="removed-not-imported",
            subject=subject,
            message=f"declared removed is {removed.guid}, which is not imported",
            hint="Import it first, so that what would be lost can be seen.",
        )
        return
    yield Unchanged(subject=subject, detail="is gone, as declared")


def _health(pool: Pool) -> Items:
    subject = Subject(kind="pool", name=pool.name)
    severity: Severity = "warning"
    if pool.state not in ("ONLINE",):
        bad = ", ".join(
            f"{leaf.path or leaf.name} {leaf.state}"
            for leaf in pool.leaves()
            if leaf.state not in ("ONLINE", "AVAIL", "INUSE")
        )
        yield Finding(
            severity=severity,
            code="pool-degraded" if pool.state == "DEGRADED" else "pool-unhealthy",
            subject=subject,
            message=f"is {pool.state}" + (f": {bad}" if bad else ""),
            hint=" ".join(pool.status.split()),
        )
    if pool.checkpoint:
        yield Finding(
            severity=severity,
            code="pool-checkpoint",
            subject=subject,
            message="has a checkpoint: while it stands ZFS can't remove, attach, detach or replace "
            "a disk, nor use a spare, and freed space stays taken",
            hint="zpool checkpoint -d discards it; a rewind to it loses all later writes.",
        )
    for activity in pool.activities:
        if activity.state in ("running", "paused"):
            yield Finding(
                severity="note",
                code="pool-busy",
                subject=subject,
                message=f"{activity.kind} is {activity.state}",
            )
    if pool.errors:
        yield Finding(
            severity=severity,
            code="pool-errors",
            subject=subject,
            message=pool.errors,
            hint="See zpool status -v.",
        )
