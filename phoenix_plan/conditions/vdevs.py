"""Whether a pool's vdevs are fit for a change, as ZFS has it, asked before ZFS is."""

from __future__ import annotations

from phoenix_plan.conditions.disks import SIBLING_SLACK
from phoenix_plan.conditions.kinds import DiskFits, Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import DATA_CLASSES
from phoenix_plan.model.pools import Vdev
from phoenix_plan.model.sizes import Guid, human

_WORDS = {
    "resilver": "a resilver",
    "remove": "the removal of a vdev",
    "expand": "an expansion",
    "discard": "the discarding of a checkpoint",
}


def pool_settled(name: str, index: Index) -> Unmet | None:
    pool = index.pools.get(name)
    for activity in pool.activities if pool is not None else ():
        if activity.kind in _WORDS and activity.state in ("running", "paused"):
            return Unmet(
                code="pool-resilvering",
                message=f"pool {name}: {_WORDS[activity.kind]} is {activity.state}",
                hint=f"Let it end (zpool status {name} shows how far it is), then plan again.",
            )
    return unknown(index, "pools")


def pool_whole(name: str, at_least: int, index: Index) -> Unmet | None:
    pool = index.pools.get(name)
    tops = [
        top for top in (pool.vdevs if pool is not None else ()) if top.vdev_class in DATA_CLASSES
    ]
    leaves = [leaf for top in tops for leaf in top.leaves()]
    bad = [f"{leaf.place} is {leaf.state}" for leaf in leaves if leaf.state != "ONLINE"]
    bad += [
        f"{vdev.name} is not over"
        for top in tops
        for vdev in top.children
        if vdev.type in ("spare", "replacing")
    ]
    if bad:
        return Unmet(
            code="pool-not-whole",
            message=f"pool {name} is not whole: {'; '.join(bad)}",
            hint="Replace what has failed first; declare the new disk in its place.",
        )
    if len(leaves) < at_least:
        return Unmet(
            code="pool-not-whole",
            message=f"the data of pool {name} is on {len(leaves)} disks, and was to be on "
            f"{at_least}",
            hint="A disk has left it since this was planned. Plan again.",
        )
    return unknown(index, "pools")


def no_checkpoint(name: str, index: Index) -> Unmet | None:
    pool = index.pools.get(name)
    if pool is not None and pool.checkpoint:
        return Unmet(
            code="checkpoint-stands",
            message=f"pool {name} has a checkpoint: while it stands, ZFS can neither remove, "
            "attach, detach nor replace a disk (zpool-checkpoint(8))",
            hint="Declare `checkpoint: false` on the pool to have it discarded first.",
        )
    if pool is not None and any(one.kind == "discard" for one in pool.activities):
        return Unmet(
            code="checkpoint-stands",
            message=f"pool {name}: its checkpoint is still being discarded",
            hint=f"Let it end (zpool status {name} shows how far it is), then plan again.",
        )
    return unknown(index, "pools")


def feature_ready(name: str, feature: str, index: Index) -> Unmet | None:
    pool = index.pools.get(name)
    state = pool.features.get(f"feature@{feature}", "") if pool is not None else ""
    if state in ("enabled", "active"):
        return unknown(index, "pools")
    if state:
        return Unmet(
            code="feature-disabled",
            message=f"pool {name}: feature@{feature} is {state}",
            hint=f"zpool set feature@{feature}=enabled {name} enables it. Older versions of "
            "OpenZFS can't import the pool from then on.",
        )
    return unknown(index, "pools") or Unmet(
        code="feature-missing",
        message=f"this OpenZFS does not have feature@{feature}",
        hint="It comes with OpenZFS 2.3 (raidz_expansion). Nothing is destroyed for the lack "
        "of it.",
    )


def found(name: str, who: str, index: Index) -> tuple[Vdev, Vdev] | None:
    """A vdev of a pool by GUID, or by a disk's path, with the top-level vdev that it is in."""
    pool = index.pools.get(name)
    device = index.device(who)
    for top in pool.vdevs if pool is not None else ():
        for vdev in _all(top):
            if vdev.guid == who or (
                device is not None
                and not vdev.children
                and device.partition is None
                and index.leaf_disk(vdev) == device.disk
            ):
                return vdev, top
    return None


def _all(vdev: Vdev) -> tuple[Vdev, ...]:
    return (vdev, *(one for child in vdev.children for one in _all(child)))


def member(name: str, who: str, index: Index) -> Unmet | None:
    if found(name, who, index) is not None:
        return unknown(index, "pools")
    return unknown(index, "pools") or Unmet(
        code="member-missing",
        message=f"pool {name} has no vdev {who}",
        hint="It was detached, replaced or removed since. Plan again.",
    )


def no_member(name: str, who: Guid, index: Index) -> Unmet | None:
    if found(name, who, index) is None:
        return unknown(index, "pools")
    return Unmet(code="member-there", message=f"pool {name} still has vdev {who}")


def member_state(name: str, who: str, state: str, index: Index) -> Unmet | None:
    there = found(name, who, index)
    if there is None:
        return member(name, who, index)
    if there[0].state == state:
        return unknown(index, "pools")
    return Unmet(
        code="member-state",
        message=f"pool {name}: {there[0].path or there[0].name} is {there[0].state}, not {state}",
        hint="See zpool status. A disk that is gone or fails stays as it is.",
    )


def others_online(name: str, who: Guid, at_least: int, index: Index) -> Unmet | None:
    there = found(name, who, index)
    if there is None:
        return None  # that it is not there, Member says
    left = [leaf for leaf in there[1].leaves() if leaf.guid != who]
    bad = [f"{leaf.place} is {leaf.state}" for leaf in left
           if leaf.state != "ONLINE"]  # fmt: skip
    if bad or not left:
        return Unmet(
            code="redundancy-needed",
            message=f"pool {name}: the rest of {there[1].name} is not whole: "
            f"{'; '.join(bad) or 'nothing is left of it'}",
            hint="Make the rest whole first; what it lacks may only be on this disk.",
        )
    if len(left) < at_least:
        return Unmet(
            code="redundancy-needed",
            message=f"pool {name}: beside {there[0].path or there[0].name}, {there[1].name} has "
            f"{len(left)} of the {at_least} others that it was to have",
            hint="A disk has left it since this was planned. Plan again.",
        )
    return unknown(index, "pools")


def disk_fits(fits: DiskFits, index: Index) -> Unmet | None:
    """zpool-attach(8), zpool-replace(8): the new disk is at least as large as the smallest member,
    and its logical sectors are no larger than the vdev's ashift (vdev_attach in OpenZFS 2.1 to 2.3:
    the physical ones only make it slower)."""
    device, there = index.device(fits.disk), found(fits.pool, fits.beside, index)
    if device is None or device.partition is not None or there is None:
        return None  # DiskSound and Member say so
    disk, top = device.disk, there[1]
    ashift = index.ashifts.get(top.guid)
    if ashift is not None and disk.logical_sector > 1 << ashift:
        where = f"{top.name} of pool {fits.pool} was made for"
        return _sectors(fits.disk, disk.logical_sector, f"{where} {1 << ashift} (ashift {ashift})")
    sizes = [size for leaf in top.leaves() if (size := index.whole_size(leaf)) is not None]
    if not sizes:
        return None
    smallest = min(sizes)
    if disk.size < smallest:
        return Unmet(
            code="disk-too-small",
            message=f"{fits.disk} holds {disk.size} bytes, {smallest - disk.size} fewer than the "
            f"smallest disk of {top.name} in pool {fits.pool} ({smallest})",
            hint="Take one that is at least as large.",
        )
    if not fits.larger and all(disk.size - size > SIBLING_SLACK for size in sizes):
        return Unmet(
            code="disk-sizes-differ",
            message=f"{fits.disk} holds {disk.size} bytes, the largest disk of {top.name} "
            f"{max(sizes)}: {human(disk.size - max(sizes))} apart",
            hint="Members of a mirror or raidz may differ by 16 MiB at most. Replace a disk by a "
            "larger one to let the vdev grow.",
        )
    return None


def sectors_fit(path: str, ashift: int, index: Index) -> Unmet | None:
    """A new vdev takes the ashift that it is told, but none below the disk's logical sector
    (vdev_open in OpenZFS 2.1 to 2.3)."""
    device = index.device(path)
    if device is None or device.disk.logical_sector <= 1 << ashift:
        return None
    said = f"the vdev would be made for {1 << ashift} (ashift {ashift})"
    return _sectors(path, device.disk.logical_sector, said)


def _sectors(path: str, sector: int, other: str) -> Unmet:
    return Unmet(
        code="disk-sectors-too-large",
        message=f"{path} has sectors of {sector} bytes, {other}",
        hint="ashift is fixed for good. Take a disk with smaller sectors, or a new vdev with a "
        "larger ashift.",
    )
