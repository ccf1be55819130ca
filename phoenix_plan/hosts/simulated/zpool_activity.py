"""How `zpool status` tells of resilvers, scrubs, removals and expansions: text, and JSON.

The words are those of print_scan_scrub_resilver_status, print_removal_status and
print_raidz_expand_status (cmd/zpool/zpool_main.c of OpenZFS 2.1 and 2.3). A look at the status is a
second of the work.
"""

from __future__ import annotations

from typing import Any

import attrs

from phoenix_plan.hosts.simulated import operations, space, vdevs
from phoenix_plan.hosts.simulated.tool import date, nice
from phoenix_plan.hosts.simulated.world import Pool, Scan, Vdev, World


@attrs.frozen(kw_only=True)
class Progress:
    """Bytes that are done and that are to be done, and how fast."""

    done: int
    total: int
    rate: int
    left: int

    @property
    def percent(self) -> str:
        """As all three print it."""
        return f"{100 * self.done / self.total if self.total else 0:.2f}% done"

    @property
    def clock(self) -> str:
        """Seconds that are left, as hours, minutes and seconds."""
        return f"{self.left // 3600:02}:{self.left % 3600 // 60:02}:{self.left % 60:02}"


def progress(world: World, pool: Pool, scan: Scan) -> Progress:
    """How far it is; a scan that stands still has done nothing."""
    total = space.pool_allocated(world, pool)
    if scan.state == "finished":
        return Progress(done=total, total=total, rate=0, left=0)
    passed = scan.span - scan.left
    done = total * passed // scan.span if scan.span else 0
    return Progress(done=done, total=total, rate=done // passed if passed else 0, left=scan.left)


def subject(pool: Pool, scan: Scan) -> Vdev | None:
    """The top-level vdev that is removed or expanded, where it is still there."""
    if scan.vdev is None:
        return next((top for top in pool.vdevs if top.type == "raidz"), None)
    return next((top for top in pool.vdevs if top.index == scan.vdev and top.guid), None)


def _name(world: World, pool: Pool, scan: Scan) -> str:
    top = subject(pool, scan)
    return vdevs.name(world, top, top.index, "path") if top else f"vdev {scan.vdev or 0}"


def text(world: World, pool: Pool, scan: Scan) -> list[str]:
    """The lines of `zpool status`."""
    match scan.kind:
        case "remove":
            return _removal(world, pool, scan)
        case "expand":
            return _expansion(world, pool, scan)
        case _:
            return _scan(world, pool, scan)


def _scan(world: World, pool: Pool, scan: Scan) -> list[str]:
    when = date(scan.at)
    did = "repaired" if scan.kind == "scrub" else "resilvered"
    if scan.state == "finished":
        what = "scrub repaired" if scan.kind == "scrub" else "resilvered"
        return [f"  scan: {what} {nice(0)} in 00:00:00 with 0 errors on {when}"]
    if scan.state == "canceled":
        return [f"  scan: {scan.kind} canceled on {when}"]
    now = progress(world, pool, scan)
    done, total, rate = nice(now.done), nice(now.total), nice(now.rate)
    if world.version >= (2, 3):
        fast = f" at {rate}/s" if now.rate else ""
        line = f"\t{done} / {total} scanned{fast}, {done} / {total} issued{fast}"
    else:
        line = f"\t{done} scanned at {rate}/s, {done} issued at {rate}/s, {total} total"
    moved = nice(0) if scan.kind == "scrub" else done
    left = f"{now.clock} to go" if now.rate else "no estimated completion time"
    return [
        f"  scan: {scan.kind} in progress since {when}",
        line,
        f"\t{moved} {did}, {now.percent}, {left}",
    ]


def _removal(world: World, pool: Pool, scan: Scan) -> list[str]:
    when, now = date(scan.at), progress(world, pool, scan)
    if scan.state == "finished":
        number = 1 if scan.vdev is None else scan.vdev
        return [
            f"remove: Removal of vdev {number} copied 63K in 0h0m, completed on {when}",
            "\t48 memory used for removed device mappings",
        ]
    if scan.state == "canceled":
        return [f"remove: Removal of {_name(world, pool, scan)} canceled on {when}"]
    left = f"{now.left // 3600}h{now.left % 3600 // 60}m to go" if now.rate else ""
    return [
        f"remove: Evacuation of {_name(world, pool, scan)} in progress since {when}",
        f"\t{_count(now.done)} copied out of {_count(now.total)} at {_count(now.rate)}/s,"
        f" {now.percent}, {left or '(copy is slow, no estimated time)'}",
    ]


def _expansion(world: World, pool: Pool, scan: Scan) -> list[str]:
    when, now = date(scan.at), progress(world, pool, scan)
    name = _name(world, pool, scan)
    if scan.state == "finished":
        return [f"expand: expanded {name} copied {_count(now.total)} in 00:00:00, on {when}"]
    left = f"{now.clock} to go" if now.rate else "(copy is slow, no estimated time)"
    if operations.waits(pool, scan):
        left = "paused for resilver or clear"
    return [
        f"expand: expansion of {name} in progress since {when}",
        f"\t{_count(now.done)} / {_count(now.total)} copied at {_count(now.rate)}/s,"
        f" {now.percent}, {left}",
    ]


def _count(size: int) -> str:
    """As zfs_nicenum prints it: without a unit below 1024."""
    return nice(size).removesuffix("B")


_STATES = {"running": "SCANNING", "finished": "FINISHED", "canceled": "CANCELED"}


def document(world: World, pool: Pool, scan: Scan) -> dict[str, Any]:
    """Key and value in the pool's object of `zpool status -j`."""
    now = progress(world, pool, scan)
    ended = 0 if scan.state == "running" else scan.at
    times = {"start_time": scan.at, "end_time": ended}
    state = _STATES[scan.state]
    top = subject(pool, scan)
    place = scan.vdev or 0
    if scan.kind == "remove":
        busy = {"to_copy": now.total, "copied": now.done, "mapping_memory": 0}
        named = {"name": "indirect"}
        if scan.state != "finished" and top is not None:
            named = {"name": vdevs.name(world, top, top.index, "path"), "vdev_type": top.type}
        return {"removal_stats": {**named, "state": state, "removing_vdev": place, **times, **busy}}
    if scan.kind == "expand":
        stats = {
            "name": f"raidz{top.parity if top else 1}",
            "state": state,
            "expanding_vdev": place,
            **times,
            "to_reflow": now.total,
            "reflowed": now.done,
            "waiting_for_resilver": int(operations.waits(pool, scan)),
        }
        return {"raidz_expand_stats": stats}
    stats = {
        "function": scan.kind.upper(),
        "state": state,
        **times,
        "to_examine": now.total,
        "examined": now.done,
        "processed": now.done if scan.kind == "resilver" else 0,
        "errors": 0,
        "scrub_pause": 0,
        "issued": now.done,
    }
    return {"scan_stats": stats}
