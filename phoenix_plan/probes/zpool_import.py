"""zpool-import(8): what could be imported here. There is no JSON for it, in any version.

Wording of `show_import` and `print_import_config` in `cmd/zpool/zpool_main.c` of OpenZFS 2.1 to
2.4. Leaves have full paths where ZPOOL_VDEV_NAME_PATH is set, short names where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import attrs

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import VdevClass, VdevState, VdevType
from phoenix_plan.model.sizes import Guid
from phoenix_plan.probes.zfs_output import text_lines, zfs_text
from phoenix_plan.probes.zpool_status import one_line
from phoenix_plan.probes.zpool_words import (
    REMARKS,
    SECTIONS,
    STATES,
    parity_of_name,
    remark_in_words,
    type_of_name,
    type_of_path,
)

IMPORT = Query(argv=("zpool", "import"), env=(("ZPOOL_VDEV_NAME_PATH", "1"),), timeout_s=300)

_SOURCE = "zpool import"
_NONE = "no pools available to import"

Obstacle = Literal[
    "missing-devices",
    "corrupt-label",
    "corrupt-data",
    "corrupt-pool",
    "offline-device",
    "faulted-device",
    "bad-log",
    "resilvering",
    "version-older",
    "version-newer",
    "features-disabled",
    "compatibility-unreadable",
    "features-beyond-compatibility",
    "features-unreadable",
    "features-read-only",
    "imported-elsewhere",
    "hostid-required",
    "last-used-elsewhere",
    "errata",
    "block-size",
]
"""What the `status:` of a pool that could be imported says (`zpool_import_status`)."""

_STATUSES: tuple[tuple[str, Obstacle], ...] = (
    (r"One or more devices are missing from the system\.", "missing-devices"),
    (r"One or more devices contains corrupted data\.", "corrupt-label"),
    (r"The pool data is corrupted\.", "corrupt-data"),
    (r"The pool metadata is (?:incomplete or )?corrupted\.", "corrupt-pool"),
    (r"One or more devices are offlined\.", "offline-device"),
    (r"One or more devices are faulted\.", "faulted-device"),
    (r"An intent log record cannot be read\.", "bad-log"),
    (r"One or more devices were being resilvered\.", "resilvering"),
    (r"The pool is formatted using a legacy on-disk version\.", "version-older"),
    (r"The pool is formatted using an incompatible version\.", "version-newer"),
    (
        r"Some supported (?:and requested )?features are not enabled on the pool\."
        r"(?: \(Note that they may be intentionally disabled if the 'compatibility' property is"
        r" set\.\))?",
        "features-disabled",
    ),
    (
        r"Error reading or parsing the file\(s\) indicated by the 'compatibility' property\.",
        "compatibility-unreadable",
    ),
    (
        r"One or more features are enabled on the pool despite not being requested by the"
        r" 'compatibility' property\.",
        "features-beyond-compatibility",
    ),
    (
        r"The pool uses the following feature\(s\) not supported on this system:.*",
        "features-unreadable",
    ),
    (
        r"The pool can only be accessed in read-only mode on this system\. It cannot be accessed"
        r" in read-write mode because it uses the following feature\(s\) not supported on this"
        r" system:.*",
        "features-read-only",
    ),
    (r"The pool is currently imported by another system\.", "imported-elsewhere"),
    (
        r"The pool has the multihost property on\. It cannot be safely imported when the system"
        r" hostid is not set\.",
        "hostid-required",
    ),
    (r"The pool was last accessed by another system\.", "last-used-elsewhere"),
    (r"Errata #[0-9]+ detected\.", "errata"),
    (
        r"One or more devices are configured to use a non-native block size\. Expect reduced"
        r" performance\.",
        "block-size",
    ),
)

_ACTIONS = re.compile(
    r"The pool can(?:not)? be imported.*|The pool must be exported from .+|"
    r"Set a unique system hostid .+|Existing encrypted .+"
)
_DESTROYED_HINT = "The pool was destroyed, but can be imported using the '-Df' flags."
_ACTIVE_HINT = "The pool may be active on another system, but can be imported using the '-f' flag."
_MORE_DEVICES = (
    "Additional devices are known to be part of this pool, though their exact configuration"
    " cannot be determined."
)

_FIELD = re.compile(r" *(pool|id|state|status|action|comment|see|config): ?(.*)")
_STATE = re.compile(r"([A-Z]+)( \(DESTROYED\))?")
_ROW = re.compile(rf"\t((?:  )*)(\S.*?) +({'|'.join(STATES)})(?: {{2}}(\S.*\S))?")
_PLAIN = re.compile(r"\t  (\S.*)")
_GUID = re.compile(r"[0-9]+")


@attrs.frozen(kw_only=True)
class ImportVdev:
    """A vdev of a pool that is not imported.

    `name` is ZFS's own; `path` is empty where it was printed short, or as a GUID, since the device
    is missing. `state` is None for caches and spares: none is printed.
    """

    name: str
    type: VdevType
    vdev_class: VdevClass
    state: VdevState | None
    parity: int = 0
    path: str = ""
    note: str = ""
    children: tuple[ImportVdev, ...] = ()


@attrs.frozen(kw_only=True)
class ImportCandidate:
    """A pool that `zpool import` lists.

    `obstacle` is None where nothing is said against it. `maybe_active` says that ZFS takes another
    system for its user. `more_devices` says that `vdevs` are not all. `status`, `action` and
    `comment` are as printed, on one line.
    """

    name: str
    guid: Guid
    state: VdevState
    destroyed: bool
    obstacle: Obstacle | None
    maybe_active: bool
    status: str
    action: str
    comment: str
    see: str
    more_devices: bool
    vdevs: tuple[ImportVdev, ...]


def parse_import(output: Output) -> tuple[ImportCandidate, ...]:
    """Every pool that could be imported, as listed.

    Raises ProbeError, with the line, for text that it does not know.
    """
    lines = text_lines(zfs_text(output, source=_SOURCE, none=_NONE))
    starts = [number for number, line in enumerate(lines) if _name_of(line) == "pool"]
    if not lines:
        return ()
    if starts[:1] != [0]:
        raise _unknown(lines, 0)
    ends = [*starts[1:], len(lines)]
    return tuple(_candidate(lines, start, end) for start, end in zip(starts, ends, strict=True))


def _name_of(line: str) -> str | None:
    match = _FIELD.fullmatch(line)
    return match[1] if match else None


def _unknown(lines: list[str], at: int) -> ProbeError:
    return ProbeError(f"not known: {lines[at]!r}", source=_SOURCE, line=at + 1)


def _candidate(lines: list[str], start: int, end: int) -> ImportCandidate:
    fields, places, at = _fields(lines, start, end)
    for required in ("pool", "id", "state", "config"):
        if required not in fields:
            raise ProbeError(f"no {required} of a pool", source=_SOURCE, line=start + 1)
    state = _STATE.fullmatch(fields["state"])
    if state is None or state[1] not in STATES:
        raise _unknown(lines, places["state"])
    if not _GUID.fullmatch(fields["id"]):
        raise _unknown(lines, places["id"])
    if fields["config"] or at >= end or lines[at]:
        raise _unknown(lines, min(at, end - 1))
    action, maybe_active = _without_hints(fields.get("action", ""))
    if action and not _ACTIONS.fullmatch(action):
        raise _unknown(lines, places["action"])
    vdevs, more_devices = _tree(lines, at + 1, end, fields["pool"])
    obstacle = _obstacle(fields.get("status", ""))
    if "status" in fields and obstacle is None:
        raise _unknown(lines, places["status"])
    return ImportCandidate(
        name=fields["pool"],
        guid=Guid(fields["id"]),
        state=STATES[state[1]],
        destroyed=state[2] is not None,
        obstacle=obstacle,
        maybe_active=maybe_active or obstacle in ("imported-elsewhere", "last-used-elsewhere"),
        status=fields.get("status", ""),
        action=fields.get("action", ""),
        comment=fields.get("comment", ""),
        see=fields.get("see", ""),
        more_devices=more_devices,
        vdevs=vdevs,
    )


def _fields(lines: list[str], start: int, end: int) -> tuple[dict[str, str], dict[str, int], int]:
    """The fields above the tree, the line of each, and where they end.

    What goes on below the comment belongs to the action: a comment is one line of 32 printable
    characters at most (zpoolprops(7)), and ZFS prints two hints after it.
    """
    fields: dict[str, str] = {}
    places: dict[str, int] = {}
    at = start
    name = ""
    while at < end and name != "config":
        line = lines[at]
        match = _FIELD.fullmatch(line)
        if match is not None and match[1] not in fields:
            name = match[1]
            fields[name] = match[2] if name in ("pool", "comment") else one_line(match[2])
            places[name] = at
        elif line.startswith("\t") and name in ("status", "action", "comment"):
            goes_on = "action" if name == "comment" and "action" in fields else name
            fields[goes_on] = one_line(f"{fields[goes_on]} {line}")
        else:
            raise _unknown(lines, at)
        at += 1
    return fields, places, at


def _without_hints(action: str) -> tuple[str, bool]:
    """An action without the hints that may follow it, and whether one speaks of another host."""
    maybe_active = action.endswith(_ACTIVE_HINT)
    return action.removesuffix(_ACTIVE_HINT).removesuffix(_DESTROYED_HINT).strip(), maybe_active


def _obstacle(status: str) -> Obstacle | None:
    for pattern, obstacle in _STATUSES:
        if re.fullmatch(pattern, status):
            return obstacle
    return None


@attrs.frozen
class _Row:
    line: int
    depth: int
    name: str
    vdev_class: VdevClass
    state: VdevState | None
    note: str


def _tree(lines: list[str], at: int, end: int, pool: str) -> tuple[tuple[ImportVdev, ...], bool]:
    """The top-level vdevs, and whether more devices are known to exist."""
    stop = at
    while stop < end and lines[stop]:
        stop += 1
    rows = list(_rows(lines, at, stop))
    if not rows or (rows[0].depth, rows[0].name) != (0, pool):
        raise _unknown(lines, min(at, len(lines) - 1))
    more = one_line(" ".join(lines[stop:end]))
    if more not in ("", _MORE_DEVICES):
        raise _unknown(lines, min(stop + 1, end - 1))
    vdevs: list[ImportVdev] = []
    row = 1
    while row < len(rows):
        vdev, row = _vdev(rows, row, 1)
        vdevs.append(vdev)
    return tuple(vdev for vdev in vdevs if vdev.type not in ("indirect", "hole")), bool(more)


def _rows(lines: list[str], at: int, stop: int) -> Iterator[_Row]:
    vdev_class: VdevClass = "normal"
    for number in range(at, stop):
        line = lines[number]
        title = line.strip()
        if number > at and title in SECTIONS and not line.startswith("\t "):
            vdev_class = SECTIONS[title]
            continue
        match = _ROW.fullmatch(line)
        if match is not None:
            indent, name, state, remark = match.groups(default="")
            if remark and remark not in REMARKS:
                raise _unknown(lines, number)
            depth = len(indent) // 2
            note = remark_in_words(remark)
            yield _Row(number, depth, name, vdev_class, STATES[state], note)
            continue
        plain = _PLAIN.fullmatch(line)
        if plain is None or vdev_class not in ("cache", "spare"):
            raise _unknown(lines, number)
        yield _Row(number, 1, plain[1], vdev_class, None, "")


def _vdev(rows: list[_Row], at: int, depth: int) -> tuple[ImportVdev, int]:
    """The vdev whose row is `at`, and the row where the next one starts."""
    row = rows[at]
    if row.depth != depth:
        raise ProbeError(
            f"{row.name}: an indent that fits nothing", source=_SOURCE, line=row.line + 1
        )
    end = at + 1
    children: list[ImportVdev] = []
    while end < len(rows) and rows[end].depth > depth and rows[end].vdev_class == row.vdev_class:
        child, end = _vdev(rows, end, depth + 1)
        children.append(child)
    path = row.name if row.name.startswith("/") else ""
    # A short name or a GUID tells no file from a disk, and files hide below no short name.
    vdev_type = type_of_name(row.name) or (type_of_path(path) if path else "disk")
    if children and vdev_type in ("disk", "file"):
        raise ProbeError(f"{row.name!r} is no type of vdev", source=_SOURCE, line=row.line + 1)
    return (
        ImportVdev(
            name=row.name,
            type=vdev_type,
            vdev_class=row.vdev_class,
            state=row.state,
            parity=parity_of_name(row.name),
            path=path,
            note=row.note,
            children=tuple(children),
        ),
        end,
    )
