"""Answers of the narrow ZFS probes, from what a recording holds of the wide commands.

What a recording lacks and this module makes up: the number of holds of snapshots (0), and that a
`zpool` before 2.3 refuses `-j`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.recording import Recording

_LISTED = (
    "name",
    "type",
    "used",
    "available",
    "referenced",
    "mountpoint",
    "mounted",
    "origin",
    "usedbysnapshots",
    "guid",
)
"""The columns that `zfs list` was recorded with."""

_SET_HERE = frozenset({"local", "received"})


def _columns(query: Query) -> list[str]:
    """The columns that a command asks for with -o. Raises HostError where it names none."""
    argv = query.argv
    if "-o" not in argv[:-1]:
        raise HostError(f"a recording answers named columns alone: {' '.join(argv)}")
    return argv[argv.index("-o") + 1].split(",")


def _rows(recording: Recording, name: str, width: int) -> list[list[str]]:
    """The tab-separated rows of a recorded output. Raises HostError for another width."""
    text = recording.required(name).stdout.decode("utf-8")
    rows = [line.split("\t") for line in text.split("\n") if line]
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise HostError(f"{recording.folder}: {name}.out:{number}: not {width} fields")
    return rows


def _printed(rows: list[list[str]]) -> Output:
    lines = ("\t".join(row) + "\n" for row in rows)
    return Output(exit_code=0, stdout="".join(lines).encode(), stderr=b"")


def _properties(recording: Recording) -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """By dataset, in the recorded order: property to (value, source), from `zfs get … all`."""
    datasets: dict[str, dict[str, tuple[str, str]]] = {}
    for name, property_name, value, source in _rows(recording, "zfs-get", 4):
        datasets.setdefault(name, {})[property_name] = (value, source)
    return datasets


def _list(recording: Recording, query: Query) -> Output:
    """What `zfs list` was recorded with, and for other columns what `zfs get all` says, which
    leaves out a property that does not apply, where `zfs list` prints `-`."""
    columns = _columns(query)
    properties = _properties(recording)
    rows: list[list[str]] = []
    for values in _rows(recording, "zfs-list", len(_LISTED)):
        listed = dict(zip(_LISTED, values, strict=True))
        own = properties[listed["name"]]
        rows.append([listed.get(column) or own.get(column, ("-", "-"))[0] for column in columns])
    return _printed(rows)


def _set_here(recording: Recording, query: Query) -> Output:
    columns = _columns(query)
    rows = [
        [{"name": name, "property": key, "value": value, "source": source}[c] for c in columns]
        for name, own in _properties(recording).items()
        for key, (value, source) in own.items()
        if source in _SET_HERE
    ]
    return _printed(rows)


def _snapshots(recording: Recording, query: Query) -> Output:
    columns = _columns(query)
    rows = [
        [{"name": name, "guid": guid, "used": used, "userrefs": "0"}[c] for c in columns]
        for name, used, guid in _rows(recording, "zfs-list-snap", 3)
        if "@" in name  # bookmarks were recorded with them
    ]
    return _printed(rows)


def _status_json(recording: Recording, query: Query) -> Output:
    output = recording.output("zpool-status-json-int")
    if output is not None:
        return output
    if recording.output("zpool-status-P") is None:
        raise recording.missing("zpool-status-json-int")
    option = next((word for word in query.argv if word.startswith("-")), "-j").removeprefix("-")
    return Output(exit_code=2, stdout=b"", stderr=f"invalid option '{option}'\nusage:\n".encode())


def _as_recorded(name: str) -> Callable[[Recording, Query], Output]:
    def answer(recording: Recording, _query: Query) -> Output:
        return recording.required(name)

    return answer


ZFS_ANSWERS: Mapping[str, Callable[[Recording, Query], Output]] = {
    "zfs-version": _as_recorded("zfs-version"),
    "zpool-status-json": _status_json,
    "zpool-status-text": _as_recorded("zpool-status-P"),
    "zpool-status-guids": _as_recorded("zpool-status-vgs"),
    "zpool-get": _as_recorded("zpool-get"),
    "zpool-import": _as_recorded("zpool-import"),
    "zfs-list": _list,
    "zfs-get-set": _set_here,
    "zfs-list-snapshots": _snapshots,
}
"""By probe name: how a recording answers it. Each raises HostError for what was not recorded.

`zpool import` was recorded without full paths, so its leaves have short names.
"""
