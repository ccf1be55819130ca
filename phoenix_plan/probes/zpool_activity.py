"""The `scan:`, `scrub:`, `remove:`, `expand:` and `checkpoint:` fields of zpool-status(8), in text.

Wording of `print_scan_scrub_resilver_status`, `print_err_scrub_status`, `print_rebuild_status`,
`print_removal_status`, `print_raidz_expand_status` and `print_checkpoint_status` in OpenZFS 2.1 to
2.4.
"""

from __future__ import annotations

import re
from typing import Literal

from phoenix_plan.model.pools import Activity
from phoenix_plan.probes.zpool_status import ActivityState

_Kind = Literal["scrub", "resilver", "remove", "expand", "discard"]

_NUMBER = r"[0-9]+(?:\.[0-9]+)?[BKMGTPEZ]?"
_RATE = rf"(?: (?:at )?{_NUMBER}/s)?"
_TOTAL = rf"(?: / {_NUMBER})?"
_LEFT = r"(?:, .+ to go|, no estimated completion time|, \(\w+ is slow, no estimated time\))?"

_FIRST: tuple[tuple[str, _Kind, ActivityState, str], ...] = (
    ("scan", "scrub", "finished", rf"scrub repaired {_NUMBER} in .+ with [0-9]+ errors on .+"),
    ("scan", "scrub", "canceled", r"scrub canceled on .+"),
    ("scan", "scrub", "running", r"scrub in progress since .+"),
    ("scan", "scrub", "paused", r"scrub paused since .+"),
    (
        "scan",
        "resilver",
        "finished",
        rf"resilvered (?:\(\S+\) )?{_NUMBER} in .+ with [0-9]+ errors on .+",
    ),
    ("scan", "resilver", "canceled", r"resilver (?:\(\S+\) )?canceled on .+"),
    ("scan", "resilver", "running", r"resilver (?:\(\S+\) )?in progress since .+"),
    ("scrub", "scrub", "finished", r"scrubbed [0-9]+ error blocks in .+ on .+"),
    ("scrub", "scrub", "canceled", r"error scrub canceled on .+"),
    ("scrub", "scrub", "running", r"error scrub in progress since .+"),
    ("scrub", "scrub", "paused", r"error scrub paused since .+"),
    (
        "remove",
        "remove",
        "finished",
        rf"Removal of vdev [0-9]+ copied {_NUMBER} in [0-9]+h[0-9]+m, completed on .+",
    ),
    ("remove", "remove", "canceled", r"Removal of .+ canceled on .+"),
    ("remove", "remove", "running", r"Evacuation of .+ in progress since .+"),
    ("expand", "expand", "finished", rf"expanded \S+ copied {_NUMBER} in .+, on .+"),
    ("expand", "expand", "running", r"expansion of \S+ in progress since .+"),
    ("checkpoint", "discard", "running", r"discarding, \S+ remaining\."),
)
"""Field, what it tells of, and the words."""

_MORE = {
    field: re.compile("|".join(patterns))
    for field, patterns in {
        "scan": (
            r"scrub started on .+",
            rf"{_NUMBER}{_TOTAL} scanned{_RATE}, {_NUMBER}{_TOTAL} issued{_RATE}"
            rf"(?:, {_NUMBER} total)?",
            rf"{_NUMBER} (?:resilvered|repaired), [0-9]+\.[0-9]+% done{_LEFT}",
        ),
        "scrub": (
            r"error scrub started on .+",
            r"[0-9]+\.[0-9]+% done, issued I/O for [0-9]+ error blocks",
        ),
        "remove": (
            rf"{_NUMBER} copied out of {_NUMBER} at {_NUMBER}/s, [0-9]+\.[0-9]+% done{_LEFT}",
            rf"{_NUMBER} memory used for removed device mappings",
        ),
        "expand": (
            rf"{_NUMBER} / {_NUMBER} copied at {_NUMBER}/s, [0-9]+\.[0-9]+% done"
            rf"(?:, paused for resilver or clear|{_LEFT})",
        ),
        "checkpoint": (),
    }.items()
}


def activity_of(field: str, value: str, more: tuple[str, ...]) -> Activity | None:
    """The activity that a field and the lines below it tell of; None for `none requested`, and
    for a checkpoint that stands.

    Raises ValueError for words that it does not know.
    """
    for line in more:
        if not _MORE[field].fullmatch(line):
            raise ValueError(f"not known below {field}: {line!r}")
    if field == "scan" and value == "none requested":
        return None
    if field == "checkpoint" and is_checkpoint(value):
        return None
    for of_field, kind, state, pattern in _FIRST:
        if of_field == field and re.fullmatch(pattern, value):
            waits = kind == "expand" and any("paused for resilver" in line for line in more)
            return Activity(kind=kind, state="paused" if waits else state)
    raise ValueError(f"{field} is not known: {value!r}")


def is_checkpoint(value: str) -> bool:
    """Whether the `checkpoint:` field tells of one that stands."""
    return re.fullmatch(r"created .+, consumes \S+", value) is not None
