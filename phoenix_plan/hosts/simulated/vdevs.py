"""How vdevs of a simulated pool are called, and how they and the pool are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_plan.hosts.simulated.media import find_leaf
from phoenix_plan.hosts.simulated.world import Pool, Vdev, World

CLASSES = ("normal", "dedup", "special", "log", "cache", "spare")
"""In the order that `zpool status` prints them."""


def of_class(pool: Pool, vdev_class: str) -> list[Vdev]:
    """Top-level vdevs of a class, in ZFS's order."""
    found = [vdev for vdev in pool.vdevs if vdev.vdev_class == vdev_class]
    return sorted(found, key=lambda vdev: vdev.index)


def name(world: World, vdev: Vdev, index: int, form: str) -> str:
    """A vdev as ZFS calls it: `form` is path (-P), guid (-g) or short."""
    if form == "guid":
        return vdev.guid
    if vdev.children:
        return f"{vdev.type}{vdev.parity or ''}-{index}"
    if find_leaf(world, vdev) is None:
        return vdev.guid
    if form == "path":
        return vdev.path
    short = re.sub(r"^/dev/(disk/by-[a-z]+/)?", "", vdev.path)
    return re.sub(r"-part1$|(?<=[a-z])1$|(?<=n\d)p1$", "", short)


def was(world: World, vdev: Vdev) -> str:
    """Where a leaf that is gone used to be; empty for one that is there."""
    gone = not vdev.children and find_leaf(world, vdev) is None
    return vdev.path if gone and vdev.state == "ONLINE" else ""


def state(world: World, vdev: Vdev) -> str:
    """The state of a vdev, from those below it."""
    if not vdev.children:
        gone = vdev.state == "ONLINE" and find_leaf(world, vdev) is None
        return "UNAVAIL" if gone else vdev.state
    states = [state(world, child) for child in vdev.children]
    usable = [one for one in states if one in ("ONLINE", "DEGRADED")]
    need = len(states) - vdev.parity if vdev.type == "raidz" else 1
    if len(usable) < need:
        return "UNAVAIL"
    return "ONLINE" if states == ["ONLINE"] * len(states) else "DEGRADED"


def remark(world: World, vdev: Vdev) -> str:
    """Why it is so, in the words of zpool-status(8)."""
    if vdev.children and state(world, vdev) == "UNAVAIL":
        return "insufficient replicas"
    if vdev.state == "FAULTED" and vdev.forced:
        return "external device fault"
    return "too many errors" if vdev.state == "FAULTED" else ""


def pool_state(world: World, pool: Pool) -> str:
    """The pool's health."""
    if pool.suspended:
        return "SUSPENDED"
    counted = [vdev for vdev in pool.vdevs if vdev.vdev_class not in ("cache", "spare")]
    states = {state(world, vdev) for vdev in counted}
    if states & {"UNAVAIL", "OFFLINE", "FAULTED", "REMOVED"}:
        return "UNAVAIL"
    return "ONLINE" if states <= {"ONLINE"} else "DEGRADED"


def holds_all(world: World, vdev: Vdev, *, without: Vdev | None = None) -> bool:
    """Whether a vdev holds every byte that it shall, also `without` one of its members."""
    if vdev is without:
        return False
    if not vdev.children:
        return state(world, vdev) == "ONLINE" and not vdev.resilvering
    whole = sum(holds_all(world, child, without=without) for child in vdev.children)
    return whole >= (len(vdev.children) - vdev.parity if vdev.type == "raidz" else 1)


def required(world: World, pool: Pool, vdev: Vdev) -> bool:
    """Whether data is nowhere else (vdev_dtl_required): it can be neither taken offline nor
    detached."""
    top = next(top for top in pool.vdevs if vdev in top.all())
    return not holds_all(world, top, without=vdev)


def find(world: World, pool: Pool, wanted: str) -> tuple[Vdev, Vdev | None] | None:
    """A vdev of the pool by name, path or GUID, with its parent. A spare that stands in for a
    member is found in its place there."""
    tops = sorted(pool.vdevs, key=lambda top: top.vdev_class == "spare")
    for top in tops:
        for vdev, parent, at in _placed(top, None, top.index):
            names = {vdev.guid, vdev.path, vdev.path.removesuffix("-part1")}
            names |= {name(world, vdev, at, form) for form in ("path", "short")}
            if wanted in names:
                return vdev, parent
    return None


def _placed(vdev: Vdev, parent: Vdev | None, at: int) -> Iterator[tuple[Vdev, Vdev | None, int]]:
    yield vdev, parent, at
    for place, child in enumerate(vdev.children):
        yield from _placed(child, vdev, place)


def spare_of(pool: Pool, leaf: Vdev) -> Vdev | None:
    """The spare that a leaf is."""
    spares = (top for top in pool.vdevs if top.vdev_class == "spare")
    return next((top for top in spares if top.guid == leaf.guid), None)


def spare_in_use(pool: Pool, vdev: Vdev) -> bool:
    """Whether a spare stands in for a member."""
    return any(
        leaf.guid == vdev.guid
        for top in pool.vdevs
        if top.vdev_class != "spare"
        for leaf in top.leaves()
    )


_DEGRADED = "Sufficient replicas exist for the pool to continue functioning in a\n\tdegraded state."
_TROUBLES = {
    "UNAVAIL": (
        "One or more devices could not be used because the label is missing or\n\tinvalid.  "
        "Sufficient replicas exist for the pool to continue\n\tfunctioning in a degraded state.",
        "Replace the device using 'zpool replace'.",
        "4J",
    ),
    "FAULTED": (
        f"One or more devices are faulted in response to persistent errors.\n\t{_DEGRADED}",
        "Replace the faulted device, or use 'zpool clear' to mark the device\n\trepaired.",
        "",
    ),
    "REMOVED": (
        f"One or more devices has been removed by the administrator.\n\t{_DEGRADED}",
        "Online the device using zpool online' or replace the device with\n\t'zpool replace'.",
        "",
    ),
    "OFFLINE": (
        f"One or more devices has been taken offline by the administrator.\n\t{_DEGRADED}",
        "Online the device using 'zpool online' or replace the device with\n\t'zpool replace'.",
        "",
    ),
}


def trouble(world: World, pool: Pool) -> tuple[str, str, str]:
    """`status`, `action` and message id of zpool-status(8); all empty where all is well."""
    if pool.suspended:
        return (
            "One or more devices are faulted in response to IO failures.",
            "Make sure the affected devices are connected, then run 'zpool clear'.",
            "HC",
        )
    if any((scan.kind, scan.state) == ("resilver", "running") for scan in pool.scans):
        return (
            "One or more devices is currently being resilvered.  The pool will\n\tcontinue to"
            " function, possibly in a degraded state.",
            "Wait for the resilver to complete.",
            "",
        )
    leaves = {state(world, leaf) for leaf in pool.leaves()}
    for kind, words in _TROUBLES.items():
        if kind in leaves:
            return words
    if pool.errors:
        return (
            "One or more devices has experienced an error resulting in data\n\tcorruption.  "
            "Applications may be affected.",
            "Restore the file in question if possible.  Otherwise restore the\n\tentire pool from"
            " backup.",
            "8A",
        )
    if "disabled" in pool.features.values():
        return (
            "Some supported and requested features are not enabled on the pool.\n\tThe pool can"
            " still be used, but some features are unavailable.",
            "Enable all features using 'zpool upgrade'. Once this is done,\n\tthe pool may no"
            " longer be accessible by software that does not support\n\tthe features. See"
            " zpool-features(7) for details.",
            "",
        )
    return "", "", ""
