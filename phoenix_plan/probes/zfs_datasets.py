"""zfs-list(8) and zfs-get(8): every dataset, its properties and snapshots, in three commands.

`zfs list` prints what counts for a dataset, `zfs get -s local,received` what somebody set on it.
The same text on every version from 2.1, and fast: what thousands of datasets share is looked at
once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NoReturn

import attrs

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.properties import NOT_INHERITED, SETTABLE, is_user_property
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.probes.zfs_output import text_lines, zfs_text

_FIXED = (
    "name",
    "type",
    "guid",
    "used",
    "available",
    "referenced",
    "usedbysnapshots",
    "mounted",
    "origin",
    "mountpoint",
)
"""Columns of their own; `mountpoint` too, since hardly two datasets share one."""

_COLUMNS = tuple(name for name in SETTABLE if name != "mountpoint")

LISTING = Query(
    argv=(
        *("zfs", "list", "-Hp", "-t", "filesystem,volume"),
        *("-o", ",".join((*_FIXED, *_COLUMNS))),
    )
)
SET_HERE = Query(
    argv=(
        *("zfs", "get", "-Hp", "-t", "filesystem,volume", "-s", "local,received"),
        *("-o", "name,property,value", "all"),
    )
)
SNAPSHOTS = Query(argv=("zfs", "list", "-Hp", "-t", "snapshot", "-o", "name,guid,userrefs"))

Defaults = Mapping[str, Mapping[str, str]]
"""By dataset type: property to the value it has where nobody set it."""

_LIST = "zfs list"
_GET = "zfs get"
_SNAP = "zfs list -t snapshot"
_NONE = "no datasets available"

_PLACES = {name: place for place, name in enumerate(_COLUMNS)}
_DOES_NOT_APPLY = "-"

_NUMBER = re.compile(r"[0-9]{1,20}")
_PROPERTY = re.compile(r"[a-z0-9_:.+-]+")
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:% /-]*")

_Own = dict[str, dict[str, str]]


@attrs.frozen
class _Row:
    """A line of the listing: _FIXED and _COLUMNS. Equal `values` are one object."""

    fixed: list[str]
    values: tuple[str, ...]

    @property
    def mountpoint(self) -> str:
        return self.fixed[9]


@attrs.frozen
class _Unset:
    """What nobody set on a dataset: `values` of _COLUMNS, None where it is set here; `above` are
    the properties that reach it because an ancestor has them set. Thousands of datasets share
    one."""

    kind: str
    values: tuple[str | None, ...]
    above: frozenset[str]


def parse_datasets(
    listing: Output, set_: Output, snapshots: Output
) -> tuple[Defaults, tuple[Dataset, ...]]:
    """The defaults by type, and every filesystem and volume, parents first, as ZFS lists them.

    The three outputs are those of LISTING, SET_HERE and SNAPSHOTS. A default is the value seen
    most often where nobody set the property, neither on the dataset nor, if it is inherited, above
    it; the smallest of several. Raises ProbeError for text that it does not know, and where the
    three were read while datasets changed.
    """
    rows = _rows(listing)
    own = _set_here(set_, rows)
    points = _snapshots(snapshots, rows)
    unset = _unset(rows, own)
    defaults = _defaults(Counter(unset.values()))
    inherited: dict[_Unset, dict[str, str]] = {}
    nothing: dict[str, str] = {}
    datasets: list[Dataset] = []
    for name, row in rows.items():
        _, kind, guid, used, available, referenced, by_snapshots, mounted, origin, at = row.fixed
        seen = unset[name]
        if seen not in inherited:
            inherited[seen] = _inherited(seen, defaults[kind])
        snaps, holds = points.get(name, (nothing, nothing))
        datasets.append(
            Dataset(
                name=name,
                guid=Guid(guid),
                type=kind,
                used=Bytes(int(used)),
                available=Bytes(int(available)),
                referenced=Bytes(int(referenced)),
                used_by_snapshots=Bytes(int(by_snapshots)),
                mountpoint="" if at == _DOES_NOT_APPLY else at,
                mounted=mounted == "yes",
                clone_of="" if origin == _DOES_NOT_APPLY else origin,
                set=own.get(name, nothing),
                inherited=inherited[seen],
                snapshots=snaps,
                holds={short: int(count) for short, count in holds.items()},
            )
        )
    return defaults, tuple(datasets)


def _unknown(line: str, source: str, number: int) -> NoReturn:
    raise ProbeError(f"not known: {line!r}", source=source, line=number)


def _changed(name: str, source: str, number: int | None) -> NoReturn:
    raise ProbeError(
        f"{name} is not as zfs list had it",
        source=source,
        line=number,
        hint="datasets came, went or changed while they were read: refresh again",
    )


def _rows(listing: Output) -> dict[str, _Row]:
    text = zfs_text(listing, source=_LIST, none=_NONE, may_be_empty=True)
    rows: dict[str, _Row] = {}
    seen: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text_lines(text), start=1):
        *fixed, rest = line.split("\t", len(_FIXED))
        if rest not in seen:
            seen[rest] = tuple(rest.split("\t"))
        values = seen[rest]
        if len(fixed) != len(_FIXED) or len(values) != len(_COLUMNS):
            _unknown(line, _LIST, number)
        name, kind, mounted = fixed[0], fixed[1], fixed[7]
        if not (
            _DATASET.fullmatch(name)
            and kind in ("filesystem", "volume")
            and mounted in ("yes", "no", _DOES_NOT_APPLY)
            and all(map(_NUMBER.fullmatch, fixed[2:7]))
            and name not in rows
        ):
            _unknown(line, _LIST, number)
        rows[name] = _Row(fixed, values)
    return rows


def _set_here(output: Output, rows: Mapping[str, _Row]) -> _Own:
    own: _Own = {}
    last = ""
    for number, name, key, value in _settings(output, rows):
        mine = own.setdefault(name, {})
        if name != last and mine:
            # A dataset's lines stand together: this one would come out of another's value.
            _unknown(f"{name}\t{key}\t{value}", _GET, number)
        if key in mine or (not is_user_property(key) and any(map(is_user_property, mine))):
            _unknown(f"{name}\t{key}\t{value}", _GET, number)
        mine[key] = value
        last = name
    for name, mine in own.items():
        row = rows[name]
        for key, value in mine.items():
            seen = row.mountpoint if key == "mountpoint" else _value(row, key)
            if seen not in (None, value):
                _changed(f"{key} of {name}", _GET, None)
    return own


def _value(row: _Row, key: str) -> str | None:
    place = _PLACES.get(key)
    return None if place is None else row.values[place]


def _settings(output: Output, rows: Mapping[str, _Row]) -> Iterator[tuple[int, str, str, str]]:
    """(line, dataset, property, value).

    A user property's value may hold tabs and newlines (zfsprops(7) limits its length alone). A
    line that is no record goes on with the value before it, if that is a user property's. What
    looks like a record is one; that it belongs there, the caller checks.
    """
    lines = text_lines(zfs_text(output, source=_GET, none=_NONE, may_be_empty=True))
    pending: tuple[int, str, str, str] | None = None
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t", 2)
        if len(fields) == 3 and _PROPERTY.fullmatch(fields[1]) and _DATASET.fullmatch(fields[0]):
            name, key, value = fields
            if name not in rows:
                _changed(name, _GET, number)
            if "\t" in value and not is_user_property(key):
                _unknown(line, _GET, number)
            if pending is not None:
                yield pending
            pending = (number, name, key, value)
        elif pending is not None and is_user_property(pending[2]):
            start, name, key, value = pending
            pending = (start, name, key, f"{value}\n{line}")
        else:
            _unknown(line, _GET, number)
    if pending is not None:
        yield pending


def _snapshots(
    output: Output, rows: Mapping[str, _Row]
) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """By dataset: snapshots' short names to GUIDs, and those that are held to their holds."""
    text = zfs_text(output, source=_SNAP, none=_NONE, may_be_empty=True)
    found: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for number, line in enumerate(text_lines(text), start=1):
        fields = line.split("\t")
        if len(fields) != 3:
            _unknown(line, _SNAP, number)
        full, guid, holds = fields
        name, _, short = full.partition("@")
        if not (short and _NUMBER.fullmatch(guid) and _NUMBER.fullmatch(holds)):
            _unknown(line, _SNAP, number)
        if name not in rows:
            _changed(full, _SNAP, number)
        guids, held = found.setdefault(name, ({}, {}))
        if short in guids:
            _unknown(line, _SNAP, number)
        guids[short] = guid
        if holds != "0":
            held[short] = holds
    return found


def _unset(rows: Mapping[str, _Row], own: _Own) -> dict[str, _Unset]:
    """What nobody set, by dataset. Raises ProbeError for a child that comes before its parent."""
    nobody: frozenset[str] = frozenset()
    reaching: dict[str, frozenset[str]] = {}
    shared: dict[_Unset, _Unset] = {}
    found: dict[str, _Unset] = {}
    for number, (name, row) in enumerate(rows.items(), start=1):
        parent, _, _ = name.rpartition("/")
        if parent and parent not in reaching:
            _unknown(name, _LIST, number)
        above = reaching[parent] if parent else nobody
        mine = [key for key in own.get(name, ()) if key in _PLACES]
        values: list[str | None] = list(row.values)
        for key in mine:
            values[_PLACES[key]] = None
        passed_on = nobody.union(mine) - NOT_INHERITED - above
        reaching[name] = above | passed_on if passed_on else above
        unset = _Unset(row.fixed[1], tuple(values), above)
        found[name] = shared.setdefault(unset, unset)
    return found


def _defaults(seen: Counter[_Unset]) -> dict[str, dict[str, str]]:
    counts: dict[str, list[Counter[str]]] = {}
    for unset, times in seen.items():
        if unset.kind not in counts:
            counts[unset.kind] = [Counter() for _ in _COLUMNS]
        for name, value, counter in zip(_COLUMNS, unset.values, counts[unset.kind], strict=True):
            if value is not None and name not in unset.above and value != _DOES_NOT_APPLY:
                counter[value] += times
    return {
        kind: {
            name: _most_seen(counter)
            for name, counter in zip(_COLUMNS, counters, strict=True)
            if counter
        }
        for kind, counters in counts.items()
    }


def _most_seen(counter: Counter[str]) -> str:
    times = max(counter.values())
    return min(value for value, seen in counter.items() if seen == times)


def _inherited(unset: _Unset, defaults: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in zip(_COLUMNS, unset.values, strict=True)
        if value is not None and value != defaults.get(name, _DOES_NOT_APPLY)
    }
