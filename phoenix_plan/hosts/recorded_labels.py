"""ZFS labels as zdb(8) prints them (`zdb -l`), as the device script would have read them.

Layout of `dump_label` in cmd/zdb/zdb.c and `dump_nvlist` in libnvpair, OpenZFS 2.1 to 2.4: a
heading, the nvlist with four spaces for each level, and the copies that it stands for.
"""

from __future__ import annotations

import re
from typing import Any

from phoenix_plan.errors import HostError

_RULE = re.compile(r"-{20,}")
_HEADING = re.compile(r"LABEL ([0-3])\s*|(L2ARC device (?:header|log blocks))")
_UNREADABLE = re.compile(r"failed to (?:unpack|read) label [0-3]")
_COPIES = re.compile(r"    labels = ((?:[0-3] )+)")
_ENTRY = re.compile(r"((?:    )+)([^ ].*?)(?:\[(\d+)\])?(?:: ?(.*))?")
_STATES = {0: "active", 1: "exported", 2: "destroyed", 3: "spare", 4: "l2cache"}


def labels_of(text: str, part: int, source: str) -> list[dict[str, Any]]:
    """The labels that `zdb -l` printed, as rows of the script's answer.

    Raises HostError for a line that is not known.
    """
    labels: list[dict[str, Any]] = []
    tree: dict[str, Any] | None = None
    stack: list[dict[str, Any]] = []
    skipping = False
    for number, line in enumerate(text.split("\n"), start=1):
        heading = _HEADING.fullmatch(line)
        if heading:
            if tree is not None:
                raise HostError(f"{source}:{number}: a label without its copies")
            # What follows the labels of a cache device is no label.
            skipping = heading[2] is not None
            tree = None if skipping else {}
            stack = [] if tree is None else [tree]
        elif not line.strip() or _RULE.fullmatch(line) or _UNREADABLE.fullmatch(line) or skipping:
            continue
        elif tree is not None and (copies := _COPIES.fullmatch(line)):
            labels.append(_label(tree, part, [int(copy) for copy in copies[1].split()]))
            tree = None
        elif tree is None or not _read_entry(line, stack):
            raise HostError(f"{source}:{number}: not known: {line!r}")
    if tree is not None:
        raise HostError(f"{source}: a label without its copies")
    return labels


def _read_entry(line: str, stack: list[dict[str, Any]]) -> bool:
    """Put one line into the innermost open list that its indent leaves open."""
    match = _ENTRY.fullmatch(line)
    if match is None or len(match[1]) // 4 > len(stack):
        return False
    indent, key, index, value = match.groups()
    del stack[len(indent) // 4 :]
    here = stack[-1]
    if value is None or value:
        plain: Any = True if value is None else _value(value)
        if index is None:
            here[key] = plain
        else:
            here.setdefault(key, []).append(plain)
        return True
    nested: dict[str, Any] = {}
    if index is None:
        here[key] = nested
    else:
        here.setdefault(key, []).append(nested)
    stack.append(nested)
    return True


def _value(text: str) -> Any:
    if text.startswith("'") and text.endswith("'"):
        return text[1:-1]
    return int(text) if text.isdigit() else text


def _label(tree: dict[str, Any], part: int, copies: list[int]) -> dict[str, Any]:
    vdev = tree.get("vdev_tree")
    hostid = tree.get("hostid", 0)
    holes = len(tree.get("hole_array", []))
    return {
        "part": part,
        "copies": copies,
        "state": _STATES[tree["state"]],
        "pool": str(tree.get("name", "")),
        "pool_guid": str(tree.get("pool_guid", "")),
        "guid": str(tree["guid"]),
        "top_guid": str(tree.get("top_guid", "")),
        "txg": str(tree.get("txg", "")),
        "hostid": f"{hostid:08x}" if hostid else "",
        "hostname": str(tree.get("hostname", "")),
        "ashift": vdev["ashift"] if vdev and "ashift" in vdev else tree.get("ashift"),
        "top_level": tree.get("vdev_children", 0) - holes,
        "tree": _vdev(vdev) if vdev else None,
    }


def _vdev(tree: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": tree["type"],
        "guid": str(tree["guid"]),
        "index": tree["id"],
        "path": tree.get("path", ""),
        "parity": tree.get("nparity", 0),
        "is_log": bool(tree.get("is_log", 0)),
        "allocation": tree.get("alloc_bias", ""),
        "children": [_vdev(child) for child in tree.get("children", [])],
    }
