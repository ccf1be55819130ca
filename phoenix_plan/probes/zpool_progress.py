"""How far a resilver, a removal, an expansion or a discarding has come, in the words of
`zpool status`.

ZFS knows best how long it will take: percentage and time to go are taken from its text
(zpool-status(8), OpenZFS 2.1 to 2.4), which both versions have.
"""

from __future__ import annotations

import re

import attrs

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Activity
from phoenix_plan.probes.zfs_output import text_lines, zfs_text
from phoenix_plan.probes.zpool_activity import activity_of

LASTING = frozenset({"resilver", "remove", "expand", "discard"})
"""Activities that a change of vdevs starts. A scrub is not one of them."""

_FIELD = re.compile(r" *(scan|remove|expand|checkpoint): (.+)")
_PERCENT = re.compile(r"([0-9]{1,3})\.[0-9]+% done(?:, (.+))?")


@attrs.frozen(kw_only=True)
class Progress:
    """What runs in a pool. `percent` is whole, None where ZFS does not say; `left` are ZFS's words
    on the time that it takes yet, empty where it has none. `paused` says that it waits."""

    kind: str
    percent: int | None
    left: str
    paused: bool = False

    def __str__(self) -> str:
        percent = "" if self.percent is None else f" {self.percent}% done"
        return f"{self.kind}{percent}" + (f", {self.left}" if self.left else "")


def progress_query(pool: str) -> Query:
    """What to ask about one pool."""
    return Query(argv=("zpool", "status", pool))


def parse_progress(output: Output) -> tuple[Progress, ...]:
    """What runs or is paused now, in the order of the text. Raises ProbeError."""
    found: list[Progress] = []
    lines = text_lines(zfs_text(output, source="zpool status"))
    for at, line in enumerate(lines):
        match = _FIELD.fullmatch(line)
        if match is None:
            continue
        more = []
        for below in lines[at + 1 :]:
            if not below.startswith("\t"):
                break
            more.append(below.strip())
        activity = _activity(match[1], match[2], tuple(more), at + 1)
        if activity is None or activity.kind not in LASTING:
            continue
        if activity.state in ("running", "paused"):
            found.append(_progress(activity, tuple(more)))
    return tuple(found)


def _activity(field: str, value: str, more: tuple[str, ...], line: int) -> Activity | None:
    try:
        return activity_of(field, value, more)
    except ValueError as error:
        raise ProbeError(str(error), source="zpool status", line=line) from None


def _progress(activity: Activity, more: tuple[str, ...]) -> Progress:
    paused = activity.state == "paused"
    for line in more:
        match = _PERCENT.search(line)
        if match is not None:
            left = (match[2] or "").strip("()")
            return Progress(kind=activity.kind, percent=int(match[1]), left=left, paused=paused)
    return Progress(kind=activity.kind, percent=None, left="", paused=paused)
