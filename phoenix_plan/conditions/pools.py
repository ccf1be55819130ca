"""Whether pools are there, free, and fit for a change."""

from __future__ import annotations

from phoenix_plan.conditions.kinds import Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Guid


def pool_absent(name: str, index: Index) -> Unmet | None:
    if name in index.pools:
        return Unmet(code="pool-exists", message=f"a pool {name} is imported already")
    return unknown(index, "pools")


def pool_name_free(name: str, index: Index) -> Unmet | None:
    idle = [pool for pool in index.idle_pools.get(name, ()) if pool.state != "destroyed"]
    if idle:
        pool = idle[0]
        return Unmet(
            code="pool-could-be-imported",
            message=f"a pool {name} ({pool.guid}) lies on {', '.join(pool.disks)}, {pool.state}: "
            "a second one of that name is not created beside it",
            hint="Import it (declare its disks as they are), or import it under another name.",
        )
    return unknown(index, "idle-pools")


def pool_present(name: str, guid: Guid, index: Index) -> Unmet | None:
    pool = index.pools.get(name)
    if pool is None:
        return unknown(index, "pools") or Unmet(
            code="pool-missing", message=f"no pool {name} is imported"
        )
    if guid and pool.guid != guid:
        return Unmet(
            code="pool-is-another",
            message=f"pool {name} has GUID {pool.guid}, not {guid}: it is another pool",
        )
    return None


def pool_writable(name: str, index: Index) -> Unmet | None:
    pool = index.pools.get(name)
    if pool is None:
        return unknown(index, "pools")  # that it is not there, PoolPresent says
    if pool.state not in ("ONLINE", "DEGRADED"):
        return Unmet(
            code="pool-unavailable",
            message=f"pool {name} is {pool.state}" + (f": {pool.status}" if pool.status else ""),
            hint="Bring the pool back first; see zpool status.",
        )
    readonly = pool.properties.get("readonly")
    if readonly is not None and readonly.value == "on":
        return Unmet(code="pool-read-only", message=f"pool {name} is imported read-only")
    return unknown(index, "pools")


def pool_not_boot(name: str, index: Index) -> Unmet | None:
    if name not in index.actual.host.boot_pools:
        return None
    return Unmet(
        code="boot-chain",
        message=f"the machine boots from pool {name}",
        hint="Its topology, pool properties, features and root dataset are left alone, whatever "
        "the consent.",
    )


def pool_unmistakable(name: str, guid: Guid, index: Index) -> Unmet | None:
    """Whether an imported pool is the only one that can be meant, by its name and on its disks."""
    others = [pool for pool in index.idle_pools.get(name, ()) if pool.state != "destroyed"]
    if others:
        guids = ", ".join(pool.guid for pool in others)
        return Unmet(
            code="pool-name-shared",
            message=f"pool {name} ({guid}) is imported, and another pool is called {name} too: "
            f"{guids}",
            hint="Make sure which of them is meant. Import the other under another name, or take "
            "its disks away.",
        )
    return _twins(name, guid, index) or unknown(index, "idle-pools", "labels")


def _twins(name: str, guid: Guid, index: Index) -> Unmet | None:
    twins = index.label_twins(guid)
    if not twins:
        return None
    return Unmet(
        code="vdev-guid-twice",
        message=f"pool {name} ({guid}): two devices carry one vdev GUID: {', '.join(twins)}",
        hint="One is a copy of the other. Disconnect the copy, or wipe its labels.",
    )


def pool_importable(name: str, guid: Guid, index: Index) -> Unmet | None:
    same = [pool for pool in index.idle_pools.get(name, ()) if pool.state != "destroyed"]
    if len(same) > 1:
        guids = ", ".join(pool.guid for pool in same)
        return Unmet(
            code="pool-name-shared",
            message=f"several pools are called {name}: {guids}",
            hint="Import the one you mean yourself, by its GUID, or wipe the other's disks.",
        )
    pool = next((pool for pool in same if pool.guid == guid), None)
    if pool is None:
        return Unmet(code="pool-missing", message=f"no pool {name} ({guid}) could be imported")
    if not pool.complete and not pool.importable:
        return Unmet(
            code="pool-incomplete",
            message=f"pool {name} ({guid}) can't be imported: {pool.note}",
            hint="If a disk is missing, connect it. If you know that zpool create was cut short "
            "there, nothing was ever in it: clear its disks yourself (zpool labelclear).",
        )
    if not pool.complete:
        return Unmet(
            code="pool-incomplete",
            message=f"pool {name} ({guid}) lacks members: {pool.note or 'see zpool import'}",
            hint="Connect its missing disks. A pool is not imported degraded.",
        )
    twice = _twins(name, guid, index)
    if twice is not None:
        return twice
    host = index.actual.host
    if pool.state == "active" and (not pool.hostid or pool.hostid != host.hostid):
        owner = f"host id {pool.hostid} ({pool.hostname})" if pool.hostid else "an unknown host"
        return Unmet(
            code="pool-in-use-elsewhere",
            message=f"pool {name} ({guid}) was never exported by {owner}; "
            f"this host is {host.hostid}",
            hint="Export it there first. Phoenix never forces an import.",
        )
    if host.hostid == "00000000":
        return Unmet(
            code="hostid-missing",
            message="this host has no host id, so no label can tell that it was the last user",
            hint="Give it one: zgenhostid, then reboot.",
        )
    return unknown(index, "idle-pools", "labels")
