"""Pools that lie on this host's disks and are not imported, put together from their labels.

`zpool import` alone leaves out destroyed pools and says nothing of host ids; labels alone do not
tell data vdevs from special ones, nor which spares and caches belong to a pool. So both are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

import attrs

from phoenix_plan.model.disks import Disk, Label, LabelVdev
from phoenix_plan.model.pools import IdlePool, Vdev, VdevClass, VdevState, VdevType
from phoenix_plan.model.sizes import Guid
from phoenix_plan.probes.zpool_import import ImportCandidate, ImportVdev

_TYPES: Mapping[str, VdevType] = {
    "disk": "disk",
    "file": "file",
    "mirror": "mirror",
    "raidz": "raidz",
    "draid": "draid",
    "spare": "spare",
    "replacing": "replacing",
    "dspare": "dspare",
    "indirect": "indirect",
    "hole": "hole",
    "missing": "missing",
}

# Of two labels of one transaction group, what the more careful reading is.
_CARE = {"active": 3, "exported": 2, "destroyed": 1, "spare": 0, "l2cache": 0}


@attrs.frozen(kw_only=True)
class _Seen:
    """A label, and the disk that carries it."""

    disk: Disk
    label: Label

    @property
    def age(self) -> tuple[int, int]:
        """Sorts the newest last."""
        return int(self.label.txg or 0), _CARE[self.label.state]

    @property
    def names(self) -> tuple[str, ...]:
        """Every path of the disk or partition that carries it."""
        if not self.label.part:
            return (*self.disk.aliases, self.disk.path)
        for partition in self.disk.partitions:
            if partition.number == self.label.part:
                return (*partition.aliases, *filter(None, (partition.path,)))
        return ()

    def path(self, as_labelled: str) -> str:
        """Where the vdev is now: as its label has it where that leads here, else a by-id name."""
        names = self.names
        if as_labelled in names:
            return as_labelled
        for name in names:
            if name.startswith("/dev/disk/by-id/"):
                return name
        return names[0] if names else self.disk.path


def idle_pools(
    disks: Iterable[Disk],
    listed: Iterable[ImportCandidate],
    imported: Collection[Guid],
) -> tuple[IdlePool, ...]:
    """Every pool that a label or `zpool import` tells of and that is not in `imported`, by name.

    Where a pool's labels differ (a member that was offline), the newest transaction group is
    believed. Spares and caches are known by the listing alone: their labels name no pool.
    """
    by_pool: dict[Guid, list[_Seen]] = defaultdict(list)
    loose: list[_Seen] = []
    for disk in disks:
        for label in disk.labels:
            seen = _Seen(disk=disk, label=label)
            if label.state in ("spare", "l2cache"):
                loose.append(seen)
            elif label.pool_guid not in imported:
                by_pool[label.pool_guid].append(seen)
    candidates = {candidate.guid: candidate for candidate in listed}
    pools = [
        _put_together(guid, seen, loose, candidates.pop(guid, None))
        for guid, seen in by_pool.items()
    ]
    pools += [_from_listing(candidate) for candidate in candidates.values()]
    return tuple(sorted(pools, key=lambda pool: (pool.name, pool.guid)))


def _put_together(
    guid: Guid, seen: list[_Seen], loose: list[_Seen], candidate: ImportCandidate | None
) -> IdlePool:
    newest = max(seen, key=lambda one: one.age).label
    tops: dict[Guid, _Seen] = {}
    leaves: dict[Guid, list[_Seen]] = defaultdict(list)
    for one in sorted(seen, key=lambda one: one.age):
        leaves[one.label.guid].append(one)
        if one.label.tree is not None:
            tops[one.label.top_guid or one.label.tree.guid] = one
    trees = sorted(
        (tree for one in tops.values() if (tree := one.label.tree) is not None),
        key=lambda tree: (tree.index, tree.guid),
    )
    classes = _classes(candidate)
    vdevs = [_vdev(tree, _class_of(tree, classes), leaves) for tree in trees if _stands(tree)]
    members = {leaf.guid for vdev in vdevs for leaf in vdev.leaves()}
    lacking = [leaf for vdev in vdevs for leaf in vdev.leaves() if leaf.state != "ONLINE"]
    # ZFS lists what it could import, destroyed pools apart; what it does not list, it does not see.
    unseen = candidate is None and newest.state != "destroyed"
    counted = len(trees) == newest.top_level
    whole = _listed_whole(candidate) if candidate else counted and not unseen
    notes = [
        *(f"no disk answers for {leaf.was or leaf.guid}" for leaf in lacking),
        *_twins(leaves, members),
        *_strangers(leaves, members),
    ]
    if unseen:
        notes.append("zpool import does not list it")
    if candidate is None and not counted:
        notes.append(f"{len(trees)} of {newest.top_level} top-level vdevs are known")
    if candidate is not None and not whole:
        notes.append(f"zpool import says {candidate.state}")
    if candidate is None:
        notes.append("the labels do not tell special vdevs from data vdevs")
    carriers = {one.disk.path for one in seen}
    if candidate is not None:
        extra, extra_disks = _loose_vdevs(candidate, loose)
        vdevs += extra
        carriers |= extra_disks
    return IdlePool(
        name=newest.pool,
        guid=guid,
        state=_pool_state(newest),
        hostid=newest.hostid,
        hostname=newest.hostname,
        vdevs=tuple(vdevs),
        disks=tuple(sorted(carriers)),
        complete=whole and not lacking,
        importable=_said(candidate),
        note="; ".join(notes),
    )


def _pool_state(label: Label) -> Literal["active", "exported", "destroyed"]:
    if label.state == "exported":
        return "exported"
    return "destroyed" if label.state == "destroyed" else "active"


def _vdev(tree: LabelVdev, vdev_class: VdevClass, leaves: Mapping[Guid, list[_Seen]]) -> Vdev:
    kind = _TYPES.get(tree.type, "missing")
    if tree.children:
        children = tuple(_vdev(child, vdev_class, leaves) for child in tree.children)
        lacking = sum(child.state != "ONLINE" for child in children)
        return Vdev(
            guid=tree.guid,
            name=_inner_name(tree),
            type=kind,
            vdev_class=vdev_class,
            state=_inner_state(kind, tree.parity, len(children), lacking),
            parity=tree.parity,
            children=children,
        )
    # A distributed spare is space on its siblings: no disk answers for it, and none has to.
    found = leaves.get(tree.guid)
    here = kind == "dspare" or bool(found)
    path = found[-1].path(tree.path) if found else ""
    return Vdev(
        guid=tree.guid,
        name=path or tree.path or tree.guid,
        type=kind,
        vdev_class=vdev_class,
        state="ONLINE" if here else "UNAVAIL",
        path=path,
        was="" if here else tree.path,
    )


def _stands(tree: LabelVdev) -> bool:
    """What a removed vdev leaves (indirect, hole) stands on no disk, as in `Pool.vdevs`."""
    return tree.type not in ("indirect", "hole")


def _inner_name(tree: LabelVdev) -> str:
    """As ZFS names it; a draid without its shape, which is not taken from the label."""
    return f"{tree.type}{tree.parity or ''}-{tree.index}"


def _inner_state(kind: VdevType, parity: int, width: int, lacking: int) -> VdevState:
    """Whether what is there suffices."""
    if not lacking:
        return "ONLINE"
    spare = parity if kind in ("raidz", "draid") else width - 1
    return "DEGRADED" if lacking <= spare else "UNAVAIL"


def _classes(candidate: ImportCandidate | None) -> Mapping[str, VdevClass]:
    """Class by name of a top-level vdev, as listed: `mirror-1`, or a leaf's path."""
    if candidate is None:
        return {}
    return {vdev.path or vdev.name: vdev.vdev_class for vdev in candidate.vdevs}


def _class_of(tree: LabelVdev, classes: Mapping[str, VdevClass]) -> VdevClass:
    if tree.is_log:
        return "log"
    if tree.allocation in ("special", "dedup"):
        return "special" if tree.allocation == "special" else "dedup"
    if tree.type == "draid":
        prefix, suffix = f"draid{tree.parity}:", f"s-{tree.index}"
        for name, vdev_class in classes.items():
            if name.startswith(prefix) and name.endswith(suffix):
                return vdev_class
    name = _inner_name(tree) if tree.children else tree.path
    return classes.get(name, "normal")


def _listed_whole(candidate: ImportCandidate) -> bool:
    return candidate.state == "ONLINE" and not candidate.more_devices


def _said(candidate: ImportCandidate | None) -> str:
    """What zpool-import(8) says of the pool, on one line."""
    if candidate is None:
        return ""
    parts = (candidate.state, candidate.status, candidate.action)
    return " ".join(part for part in parts if part)


def _twins(leaves: Mapping[Guid, list[_Seen]], members: Collection[Guid]) -> Iterator[str]:
    """Vdevs for which two devices answer: a clone of a disk, or a dd of one."""
    for guid, seen in leaves.items():
        # Two labels of one device, or two ways to one disk, are no twins.
        devices = {
            (str(one.disk.identity) if one.disk.identity else one.disk.path, one.label.part)
            for one in seen
        }
        if guid in members and len(devices) > 1:
            paths = ", ".join(sorted({one.disk.path for one in seen}))
            yield f"several devices carry the vdev GUID {guid}: {paths}"


def _strangers(leaves: Mapping[Guid, list[_Seen]], members: Collection[Guid]) -> Iterator[str]:
    for guid, seen in leaves.items():
        if guid not in members:
            yield f"{seen[-1].disk.path} was a member once ({guid}) and is none now"


def _loose_vdevs(candidate: ImportCandidate, loose: list[_Seen]) -> tuple[list[Vdev], set[str]]:
    """Spares and caches of a listed pool, and the disks whose labels are theirs."""
    vdevs: list[Vdev] = []
    carriers: set[str] = set()
    wanted = {"spare": "spare", "cache": "l2cache"}
    for vdev in candidate.vdevs:
        if vdev.vdev_class not in wanted:
            continue
        found = [
            one
            for one in loose
            if vdev.path in one.names and one.label.state == wanted[vdev.vdev_class]
        ]
        carriers |= {one.disk.path for one in found}
        vdevs.append(
            Vdev(
                guid=found[0].label.guid if found else Guid(""),
                name=vdev.name,
                type=vdev.type,
                vdev_class=vdev.vdev_class,
                state=("AVAIL" if vdev.vdev_class == "spare" else "ONLINE") if found else "UNAVAIL",
                path=vdev.path if found else "",
                was="" if found else vdev.path,
            )
        )
    return vdevs, carriers


def _from_listing(candidate: ImportCandidate) -> IdlePool:
    """A pool that ZFS finds and no label here told of: on something that is no whole disk."""
    return IdlePool(
        name=candidate.name,
        guid=candidate.guid,
        state="destroyed" if candidate.destroyed else "active",
        hostid="",
        hostname="",
        vdevs=tuple(_listed_vdev(vdev) for vdev in candidate.vdevs),
        disks=(),
        complete=False,
        importable=_said(candidate),
        note="none of the disks carries its labels",
    )


def _listed_vdev(vdev: ImportVdev) -> Vdev:
    return Vdev(
        guid=Guid(""),
        name=vdev.name,
        type=vdev.type,
        vdev_class=vdev.vdev_class,
        state=vdev.state or "UNAVAIL",
        parity=vdev.parity,
        path=vdev.path,
        note=vdev.note,
        children=tuple(_listed_vdev(child) for child in vdev.children),
    )
