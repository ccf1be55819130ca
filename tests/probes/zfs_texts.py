"""Made-up `zpool status` texts and short views of what is made of them."""

from __future__ import annotations

import re

from phoenix_plan.model.pools import Vdev
from phoenix_plan.probes.zpool_status import PoolStatus
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.probes.zfs_recordings import DATA, printed

_ROW = re.compile(
    r"(\t(?:  )+)(\S.*?)(  +)((?:ONLINE|DEGRADED|FAULTED|OFFLINE|UNAVAIL|REMOVED|AVAIL|INUSE)"
    r"(?: .*|$))",
    re.MULTILINE,
)


def with_guids(text: str) -> str:
    """A text of `zpool status -P` as `-g` would print it: GUIDs from 2001 on for names."""
    guids: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        indent, name, gap, rest = match.groups()
        guid = name if name.isdigit() else guids.setdefault(name, str(2001 + len(guids)))
        return f"{indent}{guid.ljust(len(name))}{gap}{rest}"

    return _ROW.sub(numbered, text)


def parsed(text: str) -> tuple[PoolStatus, ...]:
    """A text of `zpool status -P`, with the GUIDs that `with_guids` makes up."""
    return parse_status_text(printed(text), printed(with_guids(text)))


def parsed_file(name: str) -> dict[str, PoolStatus]:
    """Pools of a made-up file by name."""
    return {pool.name: pool for pool in parsed((DATA / name).read_text(encoding="utf-8"))}


def one_pool(rows: str, *, fields: str = "", after: str = "errors: No known data errors") -> str:
    """The text of a pool `tank` with these rows below its own, fields and last line."""
    head = "\tNAME  STATE     READ WRITE CKSUM\n\ttank  ONLINE       0     0     0\n"
    tail = f"\n{after}\n" if after else ""
    return f"  pool: tank\n state: ONLINE\n{fields}config:\n\n{head}{rows}{tail}"


def view(vdevs: tuple[Vdev, ...], depth: int = 0) -> list[str]:
    """A tree as lines: class, type and parity, state, name or where it was, note."""
    lines: list[str] = []
    for vdev in vdevs:
        kind = f"{vdev.type}{vdev.parity or ''}"
        was = f" was {vdev.was}" if vdev.was else ""
        note = f" ({vdev.note})" if vdev.note else ""
        indent = "  " * depth
        lines.append(f"{indent}{vdev.vdev_class} {kind} {vdev.state} {vdev.name}{was}{note}")
        lines += view(vdev.children, depth + 1)
    return lines
