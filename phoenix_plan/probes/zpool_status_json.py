"""`zpool status -j` of OpenZFS 2.3 and newer, checked by hand and made into the model.

Keys that hold a number or a text and are not named here are statistics, and left alone; one that
holds an object and is not known could be a class of vdevs, and is an error. Read in
`cmd/zpool/zpool_main.c` (`status_callback_json`, `vdev_stats_nvlist`) of 2.3 and 2.4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

import attrs

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Activity, Vdev, VdevClass, VdevState, VdevType
from phoenix_plan.model.sizes import Guid
from phoenix_plan.probes.zfs_output import zfs_text
from phoenix_plan.probes.zpool_status import (
    ActivityState,
    PoolStatus,
    TextNeeded,
    data_errors,
    distinct,
    one_line,
)
from phoenix_plan.probes.zpool_words import (
    POOL_STATES,
    lacks_children,
    note_of,
    parity_of_name,
    state_of,
    type_of_name,
)

_SOURCE = "zpool status -j"

_CLASSES: dict[str, VdevClass] = {
    "dedup": "dedup",
    "special": "special",
    "logs": "log",
    "l2cache": "cache",
    "spares": "spare",
}
_POOL_OBJECTS = frozenset(
    {
        *_CLASSES,
        "vdevs",
        "scan_stats",
        "removal_stats",
        "checkpoint_stats",
        "raidz_expand_stats",
        "load_info",
        "dedup_stats",
    }
)

_TYPES: dict[str, VdevType] = {
    "disk": "disk",
    "file": "file",
    "mirror": "mirror",
    "raidz": "raidz",
    "draid": "draid",
    "spare": "spare",
    "replacing": "replacing",
    "dspare": "dspare",
    "missing": "missing",
    "indirect": "indirect",
    "hole": "hole",
}
_GONE = frozenset({"indirect", "hole"})

_STATES: dict[str, VdevState] = {
    "CLOSED": "OFFLINE",
    "OFFLINE": "OFFLINE",
    "REMOVED": "REMOVED",
    "CANT_OPEN": "UNAVAIL",
    "FAULTED": "FAULTED",
    "DEGRADED": "DEGRADED",
    "ONLINE": "ONLINE",
    "AVAIL": "AVAIL",
    "INUSE": "INUSE",
}
_CORRUPT = frozenset({"CORRUPT_DATA", "BAD_LOG"})
"""With these a device that can't be opened is FAULTED in text (`zpool_state_to_name`)."""

_REMARKS = {
    "NONE": "",
    "OPEN_FAILED": "cannot open",
    "CORRUPT_DATA": "corrupted data",
    "NO_REPLICAS": "insufficient replicas",
    "BAD_GUID_SUM": "missing device",
    "TOO_SMALL": "corrupted data",
    "BAD_LABEL": "invalid label",
    "VERSION_NEWER": "newer version",
    "VERSION_OLDER": "corrupted data",
    "UNSUP_FEAT": "unsupported feature(s)",
    "SPARED": "currently in use",
    "ERR_EXCEEDED": "too many errors",
    "IO_FAILURE": "experienced I/O failures",
    "BAD_LOG": "bad intent log",
    "EXTERNAL": "external device fault",
    "SPLIT_POOL": "split into new pool",
    "BAD_ASHIFT": "corrupted data",
    "EXTERNAL_PERSIST": "corrupted data",
    "ACTIVE": "currently in use",
    "CHILDREN_OFFLINE": "all children offline",
    "ASHIFT_TOO_BIG": "unsupported minimum blocksize",
}
"""`vdev_aux_str` to the words of text, which calls all that it does not name corrupted data."""


def parse_status_json(output: Output) -> tuple[PoolStatus, ...]:
    """Every imported pool, in ZFS's order.

    Raises TextNeeded where this ZFS has no JSON, or leaves out what a vdev is; ProbeError, with
    the path in the document, for what is missing, of another type or not known.
    """
    said = output.stderr.decode("utf-8", errors="backslashreplace")
    if output.exit_code == 2 and said.startswith("invalid option 'j'"):
        raise TextNeeded("no JSON before OpenZFS 2.3", source=_SOURCE)
    text = zfs_text(output, source=_SOURCE)
    try:
        document = json.loads(text, object_pairs_hook=_once)
        root = _Node.of(document, "the document")
        version = root.node("output_version")
        if version.text("command") != "zpool status" or version.number("vers_major") != 0:
            raise version.error("another command, or a major version that is not known")
        return tuple(_pool(name, pool) for name, pool in root.node("pools").nodes())
    except json.JSONDecodeError as error:
        raise ProbeError(f"no JSON: {error.msg}", source=_SOURCE, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise ProbeError(f"no JSON of this kind: {error}", source=_SOURCE) from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has one key twice")
    return found


@attrs.frozen
class _Node:
    """An object of the document and its path in it; what is asked of it is checked."""

    values: dict[str, object]
    path: str

    @staticmethod
    def of(value: object, path: str) -> _Node:
        if not isinstance(value, dict):
            raise ProbeError(f"{path} is no object", source=_SOURCE)
        return _Node(value, path)

    def error(self, message: str) -> ProbeError:
        return ProbeError(f"{self.path}: {message}", source=_SOURCE)

    def has(self, key: str) -> bool:
        return key in self.values

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.error(f"{key} is missing or no text")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(f"{key} is missing or no number")
        return value

    def node(self, key: str) -> _Node:
        if key not in self.values:
            raise self.error(f"{key} is missing")
        return _Node.of(self.values[key], f"{self.path}.{key}")

    def optional(self, key: str) -> _Node | None:
        return self.node(key) if key in self.values else None

    def nodes(self) -> Iterator[tuple[str, _Node]]:
        for key, value in self.values.items():
            yield key, _Node.of(value, f"{self.path}.{key}")

    def only_objects(self, known: frozenset[str]) -> None:
        for key, value in self.values.items():
            if isinstance(value, dict) and key not in known:
                raise self.error(f"{key} is not known")


def _pool(name: str, pool: _Node) -> PoolStatus:
    pool.only_objects(_POOL_OBJECTS)
    if pool.text("name") != name:
        raise pool.error(f"holds the pool {pool.text('name')!r}")
    state = pool.text("state")
    if state not in POOL_STATES:
        raise pool.error(f"state {state!r} is not known")
    tree = pool.node("vdevs")
    if list(tree.values) != [name]:
        raise tree.error("holds another tree than the pool's")
    root = tree.node(name)
    if root.text("vdev_type", "root") != "root":
        raise root.error("is no root")
    root.only_objects(frozenset({"vdevs"}))
    vdevs = [*_vdevs(root.optional("vdevs"), "normal")]
    for key, vdev_class in _CLASSES.items():
        vdevs.extend(_vdevs(pool.optional(key), vdev_class))
    return PoolStatus(
        name=name,
        state=state,
        status=one_line(pool.text("status", "")),
        vdevs=tuple(vdevs),
        activities=_activities(pool),
        checkpoint=_checkpoint(pool) == "EXISTS",
        errors=data_errors(pool.number("error_count", 0)),
    )


def _vdevs(nodes: _Node | None, vdev_class: VdevClass) -> Iterator[Vdev]:
    if nodes is None:
        return
    for name, node in nodes.nodes():
        vdev = _vdev(name, node, vdev_class)
        if vdev.type not in _GONE:
            yield vdev


def _vdev(name: str, node: _Node, vdev_class: VdevClass) -> Vdev:
    node.only_objects(frozenset({"vdevs"}))
    if node.text("name") != name:
        raise node.error(f"holds the vdev {node.text('name')!r}")
    for key in ("guid", "state"):
        if not node.has(key):
            raise TextNeeded(f"{node.path} has no {key}", source=_SOURCE)
    vdev_type = _type(name, node)
    remark, state = _remark_and_state(node, leaf=not node.has("vdevs"))
    was = node.text("was", "")
    is_device = vdev_type in ("disk", "file")
    vdev = Vdev(
        guid=Guid(str(node.number("guid"))),
        name=name,
        type=vdev_type,
        vdev_class=vdev_class,
        state=state_of(state, missing=bool(was)),
        parity=parity_of_name(name),
        path=(was or node.text("path")) if is_device else "",
        was=was,
        note=note_of(
            remark,
            removing=node.number("removing", 0) != 0,
            not_allocating=node.number("noalloc", 0) != 0,
        ),
        children=tuple(_vdevs(node.optional("vdevs"), vdev_class)),
    )
    return _whole(vdev, node)


def _type(name: str, node: _Node) -> VdevType:
    named = type_of_name(name)
    if not node.has("vdev_type"):
        if named is None:
            raise TextNeeded(f"{node.path} has no vdev_type", source=_SOURCE)
        return named
    vdev_type = _TYPES.get(node.text("vdev_type"))
    if vdev_type is None:
        raise node.error(f"vdev_type {node.text('vdev_type')!r} is not known")
    if vdev_type in ("raidz", "draid") and not parity_of_name(name):
        raise node.error(f"a {vdev_type} whose name does not tell its parity")
    return vdev_type


def _remark_and_state(node: _Node, *, leaf: bool) -> tuple[str, VdevState]:
    aux = node.text("aux", "NONE")
    if aux not in _REMARKS:
        raise node.error(f"aux {aux!r} is not known")
    state = _STATES.get(node.text("state"))
    if state is None:
        raise node.error(f"state {node.text('state')!r} is not known")
    if state == "UNAVAIL" and aux in _CORRUPT:
        state = "FAULTED"
    remark = _REMARKS[aux]
    if aux == "SPARED" and node.has("used_by"):
        remark = f"in use by pool '{node.text('used_by')}'"
    if leaf and not remark and node.has("configured_ashift"):
        configured, native = node.number("configured_ashift"), node.number("physical_ashift")
        if max(configured, native) > 63:
            raise node.error("an ashift above 63")
        remark = f"block size: {1 << configured}B configured, {1 << native}B native"
    return remark, state


def _whole(vdev: Vdev, node: _Node) -> Vdev:
    """The vdev, if no child of it got lost: ZFS keys children by name, and two missing disks may
    bear one. Raises TextNeeded."""
    if lacks_children(vdev.type, vdev.name, len(vdev.children)):
        raise TextNeeded(f"{node.path} lacks a child", source=_SOURCE)
    return vdev


def _checkpoint(pool: _Node) -> str:
    """NONE, EXISTS or DISCARDING."""
    stats = pool.optional("checkpoint_stats")
    state = "NONE" if stats is None else stats.text("state")
    if stats is not None and state not in ("NONE", "EXISTS", "DISCARDING"):
        raise stats.error(f"state {state!r} is not known")
    return state


def _activities(pool: _Node) -> tuple[Activity, ...]:
    found: list[Activity] = []
    scan = pool.optional("scan_stats")
    if scan is not None:
        found += (Activity(kind=kind, state=state) for kind, state in _scans(scan))
    removal = pool.optional("removal_stats")
    if removal is not None and (state := _progress(removal, _SCANNED)):
        found.append(Activity(kind="remove", state=state))
    expansion = pool.optional("raidz_expand_stats")
    if expansion is not None and (state := _progress(expansion, _SCANNED)):
        waits = state == "running" and expansion.number("waiting_for_resilver") != 0
        found.append(Activity(kind="expand", state="paused" if waits else state))
    if _checkpoint(pool) == "DISCARDING":
        found.append(Activity(kind="discard", state="running"))
    return distinct(found)


_SCANNED: dict[str, ActivityState | None] = {
    "NONE": None,
    "SCANNING": "running",
    "FINISHED": "finished",
    "CANCELED": "canceled",
}
_ERROR_SCRUBBED: dict[str, ActivityState | None] = {
    "ERRORSCRUBBING": "running",
    "FINISHED": "finished",
    "CANCELED": "canceled",
}
_REBUILT: dict[str, ActivityState | None] = {
    "NONE": None,
    "ACTIVE": "running",
    "CANCELED": "canceled",
    "COMPLETE": "finished",
}


def _progress(
    stats: _Node, states: dict[str, ActivityState | None], key: str = "state"
) -> ActivityState | None:
    state = stats.text(key)
    if state not in states:
        raise stats.error(f"{key} {state!r} is not known")
    return states[state]


def _scans(scan: _Node) -> Iterator[tuple[Literal["scrub", "resilver"], ActivityState]]:
    """What text prints of scrubs and resilvers (`print_scan_status`): the last scrub, and of
    resilvers and rebuilds the one that runs, else the one that ended last."""
    function = scan.text("function", "NONE")
    if function not in ("NONE", "SCRUB", "RESILVER"):
        raise scan.error(f"function {function!r} is not known")
    state = _progress(scan, _SCANNED) if function != "NONE" else None
    if scan.has("err_scrub_func"):
        # A scrub of the known errors alone, newer than the last scrub.
        error_scrub = _progress(scan, _ERROR_SCRUBBED, "err_scrub_state")
        if error_scrub is not None:
            yield "scrub", _paused(error_scrub, scan, "err_scrub_pause")
    elif function == "SCRUB" and state is not None:
        yield "scrub", _paused(state, scan, "scrub_pause")
    rebuilds = scan.optional("rebuild_stats")
    stats = [node for _, node in rebuilds.nodes()] if rebuilds is not None else []
    states = {found for node in stats if (found := _progress(node, _REBUILT))}
    rebuilt_at = max((node.number("end_time") for node in stats), default=0)
    resilver = state if function == "RESILVER" else None
    resilvered_at = scan.number("end_time") if resilver else 0
    if resilver == "running" or (
        resilver and "running" not in states and resilvered_at > rebuilt_at
    ):
        yield "resilver", resilver
    elif "running" in states or rebuilt_at > resilvered_at:
        yield from (("resilver", found) for found in sorted(states))


def _paused(state: ActivityState, scan: _Node, key: str) -> ActivityState:
    return "paused" if state == "running" and scan.number(key) != 0 else state
