"""Declared pools against the pools that are there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import attrs

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
from phoenix_plan.conditions import Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.desired import DesiredPool, RemovedPool
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import DATA_CLASSES, same_redundancy, shape
from phoenix_plan.model.pools import IdlePool, Pool, Vdev
from phoenix_plan.model.properties import CREATED_ASHIFT, CREATED_FILESYSTEM, CREATED_POOL
from phoenix_plan.model.sizes import Guid, parse_size
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.items import Finding, Items, Scope, Severity, Step, Unchanged, failed
from phoenix_plan.planner.members import Members, parts
from phoenix_plan.planner.moves import Way
from phoenix_plan.planner.outlook import told
from phoenix_plan.planner.vdevs import identity_of, plan_vdevs, wipes
from phoenix_plan.planner.ways import find_way


def compare_pools(scope: Scope) -> Mapping[str, Way]:
    """The way of each declared pool that is imported to its declaration."""
    pools = scope.index.pools
    return {
        pool.name: _unless_busy(
            pools[pool.name],
            _with_ashift(
                pool,
                pools[pool.name],
                way_of(pool, pools[pool.name].vdevs, scope.index),
                scope.index,
            ),
        )
        for pool in scope.desired.pools
        if pool.name in pools
    }


def _unless_busy(there: Pool, way: Way) -> Way:
    """A pool in which something is under way is not destroyed for its shape: it may be on its way
    to the right one."""
    busy = [
        f"{one.kind} is {one.state}"
        for one in there.activities
        if one.kind != "scrub" and one.state in ("running", "paused")
    ]
    busy += [
        f"{vdev.name} is in the middle of a replacement"
        for top in there.vdevs
        for vdev in (top, *top.children)
        if vdev.type in ("spare", "replacing")
    ]
    busy += ["a checkpoint stands"] * there.checkpoint
    if not way.never or not busy:
        return way
    return Way(not_so=(*way.never, f"and nothing is made anew while {'; '.join(busy)}"))


def way_of(pool: DesiredPool, vdevs: Sequence[Vdev], index: Index) -> Way:
    """How a pool of these top-level vdevs becomes what is declared."""
    return find_way(pool.vdevs, vdevs, Members(pool, vdevs, index))


def _with_ashift(pool: DesiredPool, there: Pool, way: Way, index: Index) -> Way:
    """ashift is fixed when a vdev is made (zpoolprops(7)): another one is another pool. What can't
    be reached for other reasons is not made anew for that."""
    if pool.ashift is None or "ashift" in pool.ignore or way.not_so:
        return way
    wrong = tuple(
        f"{vdev.name}: declared is ashift {pool.ashift}, it was made with {found}"
        for vdev in there.vdevs
        if vdev.vdev_class == "normal"
        and (found := index.ashifts.get(vdev.guid)) is not None
        and found != pool.ashift
    )
    return attrs.evolve(way, never=(*way.never, *wrong)) if wrong else way


def plan_pools(scope: Scope, ways: Mapping[str, Way]) -> Items:
    """Everything about pools: create, change, recreate, import, properties, health, removal."""
    going = _going(scope, ways)
    for pool in scope.desired.pools:
        there = scope.index.pools.get(pool.name)
        if there is not None:
            yield from _existing(pool, there, ways[pool.name], scope, going)
            continue
        idle = idle_candidates(pool.name, scope.index)
        if idle:
            yield from _import(pool, idle, scope.index)
        else:
            yield from _create(pool, scope.index, going)
    for removed in scope.desired.removed.pools:
        yield from _remove(removed, scope.index, going)
    for there in scope.index.pools.values():
        yield from _health(there)


def _going(scope: Scope, ways: Mapping[str, Way]) -> frozenset[Guid]:
    """GUIDs of the imported pools that this plan destroys: a disk is free of pools only where all
    pools that have it, by whichever partition, are among them."""
    pools = scope.index.pools
    recreated = {pools[name].guid for name, way in ways.items() if way.never}
    removed = {
        one.guid
        for one in scope.desired.removed.pools
        if one.name in pools and pools[one.name].guid == one.guid
    }
    return frozenset(recreated | removed)


def _leaves_all(disk: Disk, going: Collection[Guid], index: Index) -> bool:
    return all(pool.guid in going for pool in index.pools_on(disk))


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


def _existing(
    pool: DesiredPool,
    there: Pool,
    way: Way,
    scope: Scope,
    going: Collection[Guid],
) -> Items:
    subject = Subject(kind="pool", name=pool.name)
    if way.never:
        yield from _recreate(pool, there, way.never, scope.index, going)
        return
    if way.not_so:
        yield Finding(
            severity="error",
            code="pool-members-differ",
            subject=subject,
            message="what is declared can't be reached: " + "; ".join(way.not_so),
            hint="Nothing is recreated for that. Finish or undo what was begun by hand, or declare "
            "what the pool has.",
        )
    else:
        yield from plan_vdevs(pool, there, way.moves, scope.index)
    changes = tuple(_property_changes(pool, there))
    if changes:
        yield Step(action=SetPoolProperties(pool=pool.name, guid=there.guid, properties=changes))
    elif not way.not_so and not way.moves:
        yield Unchanged(subject=subject, detail=f"{shape(pool.vdevs)}, {there.state}")


def _property_changes(pool: DesiredPool, there: Pool) -> Iterator[Change]:
    for name, wanted in sorted(pool.properties.items()):
        seen = there.properties.get(name)
        before = seen.value if seen is not None else ""
        # `-` is how ZFS prints an empty value (comment, cachefile, bootfs).
        if name in pool.ignore or same_pool_value(name, before, wanted):
            continue
        yield Change(name=name, before=before, after=wanted)


def same_pool_value(name: str, seen: str, wanted: str) -> bool:
    """Whether ZFS means the same by two values of a pool property (zpoolprops(7)). `-` is how it
    prints an empty one, and the default cachefile."""
    if seen == "-":
        empty = {"", "/etc/zfs/zpool.cache"} if name == "cachefile" else {"", "none"}
        return wanted in empty
    if name == "dedup_table_quota" and wanted not in ("auto", "none"):
        return seen == str(int(parse_size(wanted)))
    return seen == wanted


def _create_action(pool: DesiredPool, index: Index) -> CreatePool:
    return CreatePool(
        pool=pool.name,
        vdevs=pool.vdevs,
        identities=tuple(identity_of(path, index) for path in pool.disks),
        ashift=pool.ashift if pool.ashift is not None else CREATED_ASHIFT,
        properties={**CREATED_POOL, **pool.properties},
        filesystem={**CREATED_FILESYSTEM, **pool.filesystem},
    )


def _create(pool: DesiredPool, index: Index, going: Collection[Guid]) -> Items:
    create = _create_action(pool, index)
    yield from _wipes(pool, action_id(create), index, going)
    yield Step(action=create, refused=_not_so(pool))


def _not_so(pool: DesiredPool) -> Unmet | None:
    """Why a pool can't be created as declared, for reasons that no condition knows."""
    if pool.offline:
        return Unmet(
            code="offline-too-early",
            message=f"{', '.join(pool.offline)} can't be offline before pool {pool.name} is there",
            hint="Create the pool first, and declare the disk offline then.",
        )
    data = {name: vdevs for name, vdevs in pool.vdevs.items() if name in DATA_CLASSES}
    if not same_redundancy(
        (name, vdev.type, len(vdev.disks)) for name, vdevs in data.items() for vdev in vdevs
    ):
        return Unmet(
            code="redundancy-mixed",
            message=f"pool {pool.name} would have data vdevs of unlike redundancy: {shape(data)}",
            hint="zpool create wants -f for that, and phoenix has none. The pool is as safe as its "
            "weakest vdev: make them alike.",
        )
    return _not_at_boot(pool)


def _not_at_boot(pool: DesiredPool) -> Unmet | None:
    if pool.properties.get("cachefile") != "none":
        return None
    return Unmet(
        code="pool-not-at-boot",
        message=f"with cachefile=none, pool {pool.name} would be gone after a reboot",
        hint="Leave cachefile to ZFS.",
    )


def _wipes(pool: DesiredPool, serves: str, index: Index, going: Collection[Guid]) -> Items:
    """A wipe for every declared disk that holds something; a member of another pool is no disk to
    wipe, whatever the consent; one of pools that go only holds their labels by then."""
    freed = {
        device.disk.path
        for path in pool.disks
        if (device := index.device(path)) is not None and _leaves_all(device.disk, going, index)
    }
    return wipes(pool.disks, serves, index, freed)


def _recreate(
    pool: DesiredPool,
    there: Pool,
    because: tuple[str, ...],
    index: Index,
    going: Collection[Guid],
) -> Items:
    create = _create_action(pool, index)
    destroy = destroy_action(there, index, going, because=because)
    yield Step(action=destroy, serves=(action_id(create),))
    yield from _wipes(pool, action_id(create), index, going)
    yield Step(action=create, refused=_not_so(pool))


def destroy_action(
    pool: Pool, index: Index, going: Collection[Guid], *, because: tuple[str, ...]
) -> DestroyPool:
    """The destruction of a pool, with all that it takes along. Members are named by every alias
    that a declaration may use."""
    disks = {
        path
        for leaf in pool.leaves()
        if (disk := index.leaf_disk(leaf)) is not None and _leaves_all(disk, going, index)
        for path in (disk.path, *disk.aliases)
    }
    datasets = index.family(pool.name)
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
    way = way_of(pool, there.vdevs, index)
    unlike = (*way.never, *way.not_so, *(told(move) for move in way.moves))
    # Of two devices with one label, either may count as the member: that is told by itself.
    clear = len(idle) == 1 and there.complete and not index.label_twins(there.guid)
    if unlike and clear:
        yield Finding(
            severity="error",
            code="pool-could-be-imported",
            subject=subject,
            message=f"a pool {there.name} ({there.guid}) lies {there.state} on "
            f"{', '.join(there.disks)}, but is not built as declared: " + "; ".join(unlike),
            hint="No pool is created in its place. Declare it as it is, or take its disks out of "
            "the way.",
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


def _remove(removed: RemovedPool, index: Index, going: Collection[Guid]) -> Items:
    subject = Subject(kind="pool", name=removed.name)
    there = index.pools.get(removed.name)
    if there is not None and there.guid == removed.guid:
        yield Step(action=destroy_action(there, index, going, because=("declared removed",)))
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
    elsewhere = index.pools_by_guid.get(removed.guid)
    if elsewhere is not None:
        yield Finding(
            severity="error",
            code="removed-is-another",
            subject=subject,
            message=f"declared removed is {removed.guid}, which is imported as {elsewhere.name}",
            hint="Give the name that it has, or take the entry out.",
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
    why = unknown(index, "pools", "idle-pools")
    if why is not None:
        yield failed(subject, why)
        return
    yield Unchanged(subject=subject, detail="is gone, as declared")


def _stand_ins(pool: Pool) -> Items:
    """Hot spares that have taken over, and replacements that run, whoever has begun them."""
    subject = Subject(kind="pool", name=pool.name)
    for top in pool.vdevs:
        for vdev in top.children or (top,):
            leaf, leaving, helping = parts(vdev)
            for spare in helping:
                yield Finding(
                    severity="warning",
                    code="spare-in-use",
                    subject=subject,
                    message=f"{spare.place} stands in for {leaf.place} ({leaf.state}) in "
                    f"{top.name}",
                    hint="Declare a new disk in the place of the failed one, and the spare comes "
                    "free. Or declare the spare itself there, and it stays for good.",
                )
            for old in leaving:
                yield Finding(
                    severity="note",
                    code="replacement-runs",
                    subject=subject,
                    message=f"{old.place} ({old.state}) is being replaced by {leaf.place}",
                )


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
            message=f"is {pool.state}"
            + (f": {bad}" if bad else "")
            + (f"; ZFS says: {' '.join(pool.status.split())}" if pool.status else ""),
            hint=f"zpool status -v {pool.name} shows what ZFS advises. Force nothing.",
        )
    yield from _stand_ins(pool)
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
