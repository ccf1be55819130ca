"""`zpool status` as text: all of 2.1 and 2.2, and what 2.3 and 2.4 print too.

Every line has to be known. The wording is that of `status_callback` and what it calls in
`cmd/zpool/zpool_main.c` of OpenZFS 2.1 to 2.4, without -v, -s, -t, -i or -c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Activity, Vdev, VdevClass
from phoenix_plan.model.sizes import Guid
from phoenix_plan.probes.zfs_output import text_lines, zfs_text
from phoenix_plan.probes.zpool_activity import activity_of, is_checkpoint
from phoenix_plan.probes.zpool_status import (
    NO_POOLS,
    PoolStatus,
    data_errors,
    distinct,
    one_line,
)
from phoenix_plan.probes.zpool_tree import Row, as_vdevs, read_row
from phoenix_plan.probes.zpool_words import POOL_STATES, SECTIONS

_PATHS = "zpool status -P"
_GUIDS = "zpool status -g"

_FIELD = re.compile(r" *([a-z]+): ?(.*)")
_PROSE = frozenset({"status", "action", "see"})
_ACTIVITIES = frozenset({"scan", "scrub", "remove", "expand", "checkpoint"})
_WARNING = re.compile(
    r"    scan warning: skipp(?:ed|ing) blocks that are only referenced by the checkpoint\."
)
_HEADING = re.compile(r"\tNAME +STATE +READ +WRITE +CKSUM")
_ERRORS = re.compile(r"([0-9]{1,20}) data errors, use '-v' for a list")
_DEDUP = re.compile(r" dedup: (?:no DDT entries|DDT entries [0-9]+, size .+)")
_EVEN = "No known data errors"
_GUID = re.compile(r"[0-9]{1,20}")


@attrs.frozen
class _Pool:
    """A pool as one of the two listings has it; rows instead of vdevs."""

    name: str
    state: str
    status: str
    activities: tuple[Activity, ...]
    checkpoint: bool
    errors: str
    rows: tuple[Row, ...]


def parse_status_text(paths: Output, guids: Output) -> tuple[PoolStatus, ...]:
    """Every imported pool, in ZFS's order, from `zpool status -P` and `zpool status -g`.

    The two trees are laid upon each other row by row. Raises ProbeError, with the line, for text
    that it does not know, and where the two differ in more than names.
    """
    named = _pools(paths, _PATHS)
    numbered = _pools(guids, _GUIDS)
    if [pool.name for pool in named] != [pool.name for pool in numbered]:
        raise _changed("pools", 1)
    return tuple(
        PoolStatus(
            name=pool.name,
            state=pool.state,
            status=pool.status,
            vdevs=_zipped(pool, other),
            activities=pool.activities,
            checkpoint=pool.checkpoint,
            errors=pool.errors,
        )
        for pool, other in zip(named, numbered, strict=True)
    )


def _changed(what: str, line: int) -> ProbeError:
    return ProbeError(
        f"{what} differ from those that {_PATHS} listed",
        source=_GUIDS,
        line=line,
        hint="the pool changed while it was read: refresh again",
    )


def _zipped(pool: _Pool, other: _Pool) -> tuple[Vdev, ...]:
    if len(pool.rows) != len(other.rows):
        raise _changed(f"vdevs of {pool.name}", other.rows[0].line)
    identities: list[Guid] = []
    for row, twin in zip(pool.rows, other.rows, strict=True):
        if (row.depth, row.vdev_class, row.state, row.was) != (
            twin.depth,
            twin.vdev_class,
            twin.state,
            twin.was,
        ):
            raise _changed(f"vdevs of {pool.name}", twin.line)
        if row.depth and not _GUID.fullmatch(twin.name):
            raise ProbeError(f"{twin.name!r} is no GUID", source=_GUIDS, line=twin.line)
        if _GUID.fullmatch(row.name) and row.depth and row.name != twin.name:
            raise _changed(f"vdevs of {pool.name}", twin.line)
        identities.append(Guid(twin.name))
    return as_vdevs(pool.rows, identities, source=_PATHS)


class _Lines:
    """A cursor over the lines of one listing."""

    def __init__(self, lines: list[str], source: str) -> None:
        self.lines = lines
        self.source = source
        self.at = 0

    @property
    def now(self) -> str | None:
        return self.lines[self.at] if self.at < len(self.lines) else None

    def next(self) -> str | None:
        line = self.now
        self.at += 1
        return line

    def unknown(self, line: str | None) -> ProbeError:
        """The error about the line that `next` gave last."""
        message = "ends too early" if line is None else f"not known: {line!r}"
        return ProbeError(message, source=self.source, line=max(min(self.at, len(self.lines)), 1))

    def blank(self) -> None:
        line = self.next()
        if line != "":
            raise self.unknown(line)

    def continued(self) -> Iterator[str]:
        """The indented lines that go on with the field before."""
        while self.now is not None and self.now.startswith("\t"):
            self.at += 1
            yield self.lines[self.at - 1].strip()


def _pools(output: Output, source: str) -> list[_Pool]:
    lines = _Lines(text_lines(zfs_text(output, source=source, none=NO_POOLS)), source)
    pools: list[_Pool] = []
    while lines.now is not None:
        if pools:
            lines.blank()
        pools.append(_pool(lines))
    return pools


def _value(lines: _Lines, name: str) -> str:
    line = lines.next()
    match = _FIELD.fullmatch(line) if line is not None else None
    if match is None or match[1] != name:
        raise lines.unknown(line)
    return match[2]


def _pool(lines: _Lines) -> _Pool:
    name = _value(lines, "pool")
    state = _value(lines, "state")
    if state not in POOL_STATES:
        raise lines.unknown(state)
    prose: dict[str, str] = {}
    activities: list[Activity] = []
    checkpoint = False
    while True:
        line = lines.next()
        if line is not None and _WARNING.fullmatch(line):
            continue
        match = _FIELD.fullmatch(line) if line is not None else None
        if match is None:
            raise lines.unknown(line)
        field, value = match.groups()
        if field in _PROSE and field not in prose:
            prose[field] = " ".join((value, *lines.continued()))
        elif field in _ACTIVITIES:
            activities += _activity(lines, field, value)
            checkpoint = checkpoint or (field == "checkpoint" and is_checkpoint(value))
        elif field == "config" and not value:
            break
        else:
            raise lines.unknown(line)
    lines.blank()
    rows = _rows(lines, name)
    return _Pool(
        name=name,
        state=state,
        status=one_line(prose.get("status", "")),
        activities=distinct(activities),
        checkpoint=checkpoint,
        errors=_errors(lines),
        rows=rows,
    )


def _activity(lines: _Lines, field: str, value: str) -> Iterator[Activity]:
    start = lines.at
    try:
        activity = activity_of(field, value, tuple(lines.continued()))
    except ValueError as error:
        raise ProbeError(str(error), source=lines.source, line=start) from error
    if activity is not None:
        yield activity


def _rows(lines: _Lines, name: str) -> tuple[Row, ...]:
    line = lines.next()
    if line is None or not _HEADING.fullmatch(line):
        raise lines.unknown(line)
    rows: list[Row] = []
    vdev_class: VdevClass = "normal"
    headings = iter(SECTIONS)
    while lines.now is not None and lines.now.startswith("\t"):
        line = lines.lines[lines.at]
        lines.at += 1
        title = line.strip()
        if rows and title in SECTIONS and not line.startswith("\t "):
            if title not in headings:  # each once, in their order
                raise lines.unknown(line)
            vdev_class = SECTIONS[title]
            continue
        row = read_row(line, vdev_class, lines.at, counted=vdev_class != "spare")
        if row is None or (not rows and (row.depth, row.name) != (0, name)):
            raise lines.unknown(line)
        rows.append(row)
    if not rows:
        raise lines.unknown(lines.next())
    return tuple(rows)


def _errors(lines: _Lines) -> str:
    """What stands after the tree; a pool that can't be opened has no `errors:` line."""
    if not _follows(lines, "errors: "):
        return ""
    lines.blank()
    said = _value(lines, "errors")
    if said == _EVEN:
        errors = ""
    elif match := _ERRORS.fullmatch(said):
        errors = data_errors(int(match[1]))
    else:
        raise lines.unknown(said)
    if _follows(lines, " dedup: "):
        lines.blank()
        line = lines.next()
        if line is None or not _DEDUP.fullmatch(line):
            raise lines.unknown(line)
    return errors


def _follows(lines: _Lines, start: str) -> bool:
    """Whether a blank line and then one that starts so come next."""
    after = lines.lines[lines.at : lines.at + 2]
    return len(after) == 2 and not after[0] and after[1].startswith(start)
