"""`zpool status` of a simulated host, in text and, from OpenZFS 2.3, in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import operations, space, vdevs, zpool_activity
from phoenix_plan.hosts.simulated.tool import Refused, date, options, said, usage
from phoenix_plan.hosts.simulated.world import Pool, Vdev, World

_HEADINGS = {
    "dedup": "dedup\t",
    "special": "special\t",
    "log": "logs\t",
    "cache": "cache",
    "spare": "spares",
}
_KEYS = {"dedup": "dedup", "special": "special", "log": "logs", "cache": "l2cache"}
_KEYS |= {"spare": "spares"}


def status(world: World, words: Sequence[str]) -> Output:
    """zpool-status(8)."""
    json_too = world.version >= (2, 3)
    given, names = options(
        words, "gLPpvx" + ("j" if json_too else ""), long=("json", "json-int") if json_too else ()
    )
    as_json = "j" in given or "json" in given
    if "json-int" in given and not as_json:
        raise usage("'json-int' only works with '-j' option")
    pools = [_named(world, name) for name in names] if names else world.imported()
    if as_json:
        return said(json.dumps(_document(world, pools, exact="json-int" in given)) + "\n")
    if not pools:
        return said(stderr="no pools available\n")
    form = "guid" if "g" in given else "path" if "P" in given else "short"
    return said("\n".join(_text(world, pool, form) for pool in pools))


def takes_time(world: World, argv: Sequence[str]) -> bool:
    """Whether asking this is a look at `zpool status`, with which time goes on. With -g it is the
    second half of one, and with an option that is not there none."""
    words = " ".join(argv[2:])
    there = bool(world.zfs) and tuple(argv[:2]) == ("zpool", "status")
    asked = there and "-g" not in words.split()
    return asked and (world.version >= (2, 3) or "-j" not in words.split())


def _named(world: World, name: str) -> Pool:
    pool = world.pool(name)
    if pool is None:
        raise Refused(f"cannot open '{name}': no such pool")
    return pool


def _text(world: World, pool: Pool, form: str) -> str:
    told, action, message = vdevs.trouble(world, pool)
    lines = [f"  pool: {pool.name}", f" state: {vdevs.pool_state(world, pool)}"]
    lines += [f"status: {told}", f"action: {action}"] if told else []
    lines += [f"   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-{message}"] * bool(
        message
    )
    expansions = [scan for scan in pool.scans if scan.kind == "expand"]
    for scan in pool.scans:
        lines += zpool_activity.text(world, pool, scan) if scan not in expansions else []
    if pool.checkpoint:
        lines.append(f"checkpoint: created {date(world.now)}, consumes 78K")
    for scan in expansions:
        lines += zpool_activity.text(world, pool, scan)
    lines += ["config:", ""]
    rows = list(_rows(world, pool, form))
    width = max(len(name) + 2 * depth for depth, name, _, _, _ in rows if depth >= 0)
    lines.append(f"\t{'NAME':<{width}}  {'STATE':<8} {'READ':>5} {'WRITE':>5} {'CKSUM':>5}")
    for depth, name, state, counted, note in rows:
        if depth < 0:
            lines.append(f"\t{name}")
            continue
        row = f"\t{'  ' * depth}{name:<{width - 2 * depth}}  {state:<8}"
        row += f" {0:>5} {0:>5} {0:>5}" if counted else ""
        lines.append(row + (f"  {note}" if note else ""))
    lines += ["", f"errors: {_errors(pool)}", ""]
    return "\n".join(lines)


def _errors(pool: Pool) -> str:
    if not pool.errors:
        return "No known data errors"
    return f"{pool.errors} data errors, use '-v' for a list"


Row = tuple[int, str, str, bool, str]
"""Depth (below 0 for a heading), name, state, whether errors are counted, a note."""


def _rows(world: World, pool: Pool, form: str) -> Iterator[Row]:
    yield 0, pool.name, vdevs.pool_state(world, pool), True, ""
    for vdev_class in vdevs.CLASSES:
        found = vdevs.of_class(pool, vdev_class)
        if found and vdev_class != "normal":
            yield -1, _HEADINGS[vdev_class], "", False, ""
        for vdev in found:
            if vdev_class == "spare":
                yield _spare_row(world, pool, vdev, form)
            else:
                yield from _vdev_rows((world, pool), vdev, vdev.index, 1, form)


def _spare_row(world: World, pool: Pool, vdev: Vdev, form: str) -> Row:
    name = vdevs.name(world, vdev, 0, form)
    if gone := vdevs.was(world, vdev):
        return 1, name, "UNAVAIL", False, f"was {gone}"
    in_use = vdevs.spare_in_use(pool, vdev)
    return 1, name, "INUSE" if in_use else "AVAIL", False, "currently in use" if in_use else ""


def _vdev_rows(
    of: tuple[World, Pool], vdev: Vdev, index: int, depth: int, form: str
) -> Iterator[Row]:
    world, pool = of
    gone = vdevs.was(world, vdev)
    note = f"was {gone}" if gone else vdevs.remark(world, vdev)
    resilver = operations.running(pool, "resilver")
    if resilver is not None and vdev.resilvering and vdev.state == "ONLINE":
        # A leaf is said to resilver once something was written to it.
        note += "  (resilvering)" * (resilver.left < resilver.span)
    note += "  (removing)" * vdev.removing
    name, state = vdevs.name(world, vdev, index, form), vdevs.state(world, vdev)
    yield depth, name, state, True, note.removeprefix("  ")
    for at, child in enumerate(vdev.children):
        yield from _vdev_rows(of, child, at, depth + 1, form)


# JSON


def _document(world: World, pools: list[Pool], *, exact: bool) -> dict[str, Any]:
    found = {pool.name: _pool(world, pool) for pool in pools}
    version = {"command": "zpool status", "vers_major": 0, "vers_minor": 1}
    document = {"output_version": version, "pools": found}
    return document if exact else {"output_version": version, "pools": _as_text(found)}


def _as_text(value: Any) -> Any:
    """Without --json-int every number is text."""
    if isinstance(value, dict):
        return {key: _as_text(one) for key, one in value.items()}
    return str(value)


def _pool(world: World, pool: Pool) -> dict[str, Any]:
    told, action, message = vdevs.trouble(world, pool)
    health = vdevs.pool_state(world, pool)
    found: dict[str, Any] = {
        "name": pool.name,
        "state": health,
        "pool_guid": int(pool.guid),
        "txg": pool.txg,
        "spa_version": 5000,
        "zpl_version": 5,
    }
    found |= {"status": f"{told}\n", "action": f"{action}\n"} if told else {}
    if message:
        found["msgid"] = f"ZFS-8000-{message}"
        found["moreinfo"] = f"https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-{message}"
    for scan in pool.scans:
        found |= zpool_activity.document(world, pool, scan)
    if pool.checkpoint:
        found["checkpoint_stats"] = {"state": "EXISTS", "start_time": world.now, "space": 79872}
    size = space.pool_size(world, pool)
    root = {
        "name": pool.name,
        "vdev_type": "root",
        "guid": int(pool.guid),
        "class": "normal",
        "state": "ONLINE" if health == "SUSPENDED" else _json_state(health),
        "alloc_space": space.pool_allocated(world, pool),
        "total_space": size,
        "def_space": size,
        **_COUNTS,
    }
    root["vdevs"] = _vdevs(world, pool, "normal")
    found["vdevs"] = {pool.name: root}
    for vdev_class, key in _KEYS.items():
        if vdevs.of_class(pool, vdev_class):
            found[key] = _vdevs(world, pool, vdev_class)
    return {**found, "error_count": pool.errors}


_COUNTS = {"read_errors": 0, "write_errors": 0, "checksum_errors": 0}


def _json_state(state: str) -> str:
    return "CANT_OPEN" if state == "UNAVAIL" else state


def _vdevs(world: World, pool: Pool, vdev_class: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for vdev in vdevs.of_class(pool, vdev_class):
        one = _vdev(world, pool, vdev, vdev.index, vdev_class)
        found[one["name"]] = one
    return found


def _vdev(world: World, pool: Pool, vdev: Vdev, index: int, vdev_class: str) -> dict[str, Any]:
    size = space.device_size(world, vdev) if not vdev.children else 0
    found: dict[str, Any] = {
        "name": vdevs.name(world, vdev, index, "path"),
        "vdev_type": vdev.type,
        "guid": int(vdev.guid),
    }
    if not vdev.children:
        found["path"] = vdev.path
    found |= {
        "class": {"cache": "l2cache"}.get(vdev_class, vdev_class),
        "state": _json_state(vdevs.state(world, vdev)),
    }
    gone = vdevs.was(world, vdev)
    if vdev_class == "spare" and not gone:
        found["state"] = "INUSE" if vdevs.spare_in_use(pool, vdev) else "AVAIL"
        return found | ({"aux": "SPARED"} if found["state"] == "INUSE" else {})
    if vdev in pool.vdevs:
        total = space.top_size(world, vdev)
        found |= {"alloc_space": 0, "total_space": total, "def_space": total}
    found |= {"rep_dev_size": size, "phys_space": size, **_COUNTS}
    if gone:
        found |= {"not_present": 1, "was": gone}
    elif vdevs.remark(world, vdev):
        failed = "EXTERNAL" if vdev.forced else "ERR_EXCEEDED"
        found["aux"] = "NO_REPLICAS" if vdev.children else failed
    if vdev.removing:
        found["removing"] = 1
    if vdev.children:
        children = (_vdev(world, pool, one, at, vdev_class) for at, one in enumerate(vdev.children))
        found["vdevs"] = {child["name"]: child for child in children}
    return found
