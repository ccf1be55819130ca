"""A host that was recorded: it answers by probe, from a folder.

A probe that asks more narrowly than was recorded gets what it would have seen. What recordings
lack is made up beside them, in a folder that says so; what is nowhere was not recorded, which is
an error and never an empty answer.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from phoenix_plan.commands import Answer, Content, Contents, Output, Paths, Query, Read, Sample
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.recorded_inspection import answer_inspection
from phoenix_plan.hosts.recorded_zfs import ZFS_ANSWERS
from phoenix_plan.hosts.recording import Recording

_LINK = re.compile(r"l\S+ +\d+ .* \S+ +\d+ +[\d:]+ (\S+) -> (\S+)")
_BY_ID = "/dev/disk/by-id"
_NO_SUCH_FILE = b"No such file or directory"
_PATHS = ("name", "kname", "path", "pkname")

_FILES: Mapping[str, str] = {
    "machine-id": "machine-id",
    "hostname": "hostname",
    "fstab": "fstab",
    "crypttab": "crypttab",
    "storage-cfg": "storage.cfg",
    "pci-mapping": "pci.cfg",
    "jobs": "jobs.cfg",
    "vzdump": "vzdump.conf",
    "members": "members",
    "exports": "exports",
    "etab": "etab",
}
"""Probes of one file to the made-up file that answers."""

_FOLDERS: Mapping[str, tuple[str, str]] = {
    "qemu-configs": ("guests/*/qemu-server/*.conf", "/etc/pve/nodes/"),
    "lxc-configs": ("guests/*/lxc/*.conf", "/etc/pve/nodes/"),
    "modprobe": ("modprobe.d/*.conf", "/etc/modprobe.d/"),
    "exports-d": ("exports.d/*.exports", "/etc/exports.d/"),
    "iscsi": ("iscsi/*/*/udev_path", "/sys/kernel/config/target/core/"),
}
"""Probes of many files to the made-up files that answer, and the folder that they stand for."""


class RecordedHost:
    """A recording, asked as a host is. See hosts/recording.py for where it looks."""

    def __init__(self, folder: Path) -> None:
        """Raises HostError where there is no such recording."""
        self.name = f"recorded:{folder}"
        self._recording = Recording(folder)

    def answer(self, probe: str, read: Read) -> Answer:
        """See `ReadableHost.answer`. Raises HostError for what was not recorded."""
        if probe in _FILES:
            return self._file(_FILES[probe])
        if probe in _FOLDERS:
            return self._folder(*_FOLDERS[probe])
        if isinstance(read, Sample):
            return answer_inspection(self._recording, read)
        if isinstance(read, Query) and probe in ZFS_ANSWERS:
            return ZFS_ANSWERS[probe](self._recording, read)
        if isinstance(read, Query) and probe == "lsblk":
            return _narrow_lsblk(self._recording.required("lsblk-json"), read)
        if probe in _OTHERS:
            return _OTHERS[probe](self._recording)
        raise self._recording.missing(probe)

    def _file(self, name: str) -> Content:
        supplied = self._recording.supplied(name)
        if supplied is None:
            raise self._recording.missing(name)
        return supplied

    def _folder(self, pattern: str, real: str) -> Contents:
        supplied = self._recording.supplied_files(pattern)
        if supplied is None:
            raise self._recording.missing(pattern.partition("/")[0])
        return Contents(
            files=tuple((real + path.partition("/")[2], data) for path, data in supplied)
        )


def _narrow_lsblk(wide: Output, query: Query) -> Output:
    """`lsblk -J -b -O` as `-p -o COLUMNS` would have printed it."""
    if "-o" not in query.argv[:-1]:
        raise HostError("a recording answers named columns of lsblk alone")
    columns = query.argv[query.argv.index("-o") + 1].lower().split(",")
    document = json.loads(wide.stdout)
    rows = [_narrow_row(row, columns) for row in document["blockdevices"]]
    text = json.dumps({"blockdevices": rows}, indent=3)
    return Output(exit_code=wide.exit_code, stdout=text.encode(), stderr=wide.stderr)


def _narrow_row(row: Mapping[str, object], columns: list[str]) -> dict[str, object]:
    narrow: dict[str, object] = {}
    for column in columns:
        if column not in row:
            raise HostError(f"column {column} of lsblk was not recorded")
        value = row[column]
        if column in _PATHS and isinstance(value, str) and not value.startswith("/"):
            # With -p, lsblk prints the path that people use for a device-mapper name.
            value = row["path"] if column == "name" else f"/dev/{value}"
        narrow[column] = value
    children = row.get("children")
    if isinstance(children, list):
        narrow["children"] = [_narrow_row(child, columns) for child in children]
    return narrow


def _links(recording: Recording) -> Paths:
    """`ls -l /dev/disk/by-id`; the other folders were not recorded."""
    entries = []
    text = recording.required("by-id").stdout.decode()
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("total "):
            continue
        match = _LINK.fullmatch(line)
        if match is None:
            raise HostError(f"{recording.folder}: by-id.out:{number}: {line!r} is no link")
        real = posixpath.normpath(posixpath.join(_BY_ID, match[2]))
        entries.append((f"{_BY_ID}/{match[1]}", real))
    return Paths(entries=tuple(sorted(entries)))


def _mounts(recording: Recording) -> Content:
    """What was recorded, and the made-up mounts (`mounts-extra`) that a Proxmox VE host has too."""
    data = recording.required("mounts").stdout
    extra = recording.supplied("mounts-extra")
    return Content(data=data + (extra.data or b"" if extra is not None else b""))


def _cat(name: str) -> Callable[[Recording], Content]:
    """A file that was recorded through cat(1)."""

    def answer(recording: Recording) -> Content:
        output = recording.required(name)
        if output.exit_code == 1 and _NO_SUCH_FILE in output.stderr:
            return Content(data=None)
        if output.exit_code != 0:
            raise HostError(f"{recording.folder}: {name}.err: {output.stderr.decode()}")
        return Content(data=output.stdout)

    return answer


def _hostid(recording: Recording) -> Content:
    """hostid(1) prints what /etc/hostid holds, as one number in the machine's order."""
    supplied = recording.supplied("hostid")
    if supplied is not None:
        return supplied
    text = recording.required("hostid").stdout.decode().strip()
    return Content(data=bytes.fromhex(text.zfill(8))[::-1])


def _packages(recording: Recording) -> Output:
    supplied = recording.supplied("dpkg.tsv")
    if supplied is None:
        raise recording.missing("dpkg.tsv")
    if supplied.data is None:
        return Output(exit_code=127, stdout=b"", stderr=b"", missing=True)
    return Output(exit_code=0, stdout=supplied.data, stderr=b"")


_OTHERS: Mapping[str, Callable[[Recording], Answer]] = {
    "dev-links": _links,
    "mounts": _mounts,
    "swaps": _cat("swaps"),
    "mdstat": _cat("mdstat"),
    "arc-live": _cat("arc_max"),
    "hostid": _hostid,
    "spl-hostid": lambda _recording: Content(data=b"0\n"),
    "pvs": lambda recording: recording.required("pvs"),
    "dpkg": _packages,
}
