"""Tables of what is mounted and swapped to, now and at boot: /proc/self/mounts, /proc/swaps,
fstab(5), crypttab(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from phoenix_plan.commands import ReadFile
from phoenix_plan.errors import ProbeError

MOUNTS = ReadFile(path="/proc/self/mounts")
SWAPS = ReadFile(path="/proc/swaps")
FSTAB = ReadFile(path="/etc/fstab")
CRYPTTAB = ReadFile(path="/etc/crypttab")

_ESCAPE = re.compile(r"\\([0-7]{3})")
_SWAPS_HEADING = ["Filename", "Type", "Size", "Used", "Priority"]
_DELETED = " (deleted)"


@attrs.frozen(kw_only=True)
class MountEntry:
    """A mount, or one that fstab asks for. `source` is a device, a tag, or the file system's own
    word, `target` a path (`none` or `swap` for swap)."""

    source: str
    target: str
    fstype: str


@attrs.frozen(kw_only=True)
class CryptEntry:
    """An encrypted device that crypttab opens: `devices` are its own, its key's and its header's,
    as far as they look like devices."""

    name: str
    devices: tuple[str, ...]


def parse_mounts(data: bytes | None, source: str = MOUNTS.path) -> tuple[MountEntry, ...]:
    """Mounts of this process's namespace, in order: a later one covers an earlier one.

    Raises ProbeError for a line that has not six fields, and where there is no such file.
    """
    if data is None:
        raise ProbeError("there is no such file: is /proc mounted?", source=source)
    entries = []
    for number, line in _lines(data):
        fields = line.split(" ")
        if len(fields) != 6:
            raise ProbeError(f"{line!r} is no mount", source=source, line=number)
        device, target, fstype = (_unescape(field) for field in fields[:3])
        entries.append(MountEntry(source=device, target=target, fstype=fstype))
    if not entries:
        raise ProbeError("nothing is mounted, not even /proc", source=source)
    return tuple(entries)


def mounts_by_target(entries: tuple[MountEntry, ...]) -> Mapping[str, str]:
    """Mountpoint to the source on top of it, sorted."""
    return dict(sorted((entry.target, entry.source) for entry in _topmost(entries)))


def _topmost(entries: tuple[MountEntry, ...]) -> tuple[MountEntry, ...]:
    return tuple({entry.target: entry for entry in entries}.values())


def parse_swaps(data: bytes | None, source: str = SWAPS.path) -> tuple[str, ...]:
    """Devices that are swapped to; swap files are no devices. None: a kernel without swap.

    Format of `swap_show` in the kernel's mm/swapfile.c (Linux 6.12). Raises ProbeError for a
    line that it does not print.
    """
    if data is None:
        return ()
    lines = list(_lines(data))
    if not lines or lines[0][1].split() != _SWAPS_HEADING:
        raise ProbeError("does not start with the heading of /proc/swaps", source=source, line=1)
    devices = []
    for number, line in lines[1:]:
        fields = line.split()
        if len(fields) != 5 or fields[1] not in ("partition", "file"):
            raise ProbeError(f"{line!r} is no swap", source=source, line=number)
        if fields[1] == "partition":
            devices.append(_unescape(fields[0]).removesuffix(_DELETED))
    return tuple(devices)


def parse_fstab(data: bytes | None, source: str = FSTAB.path) -> tuple[MountEntry, ...]:
    """What fstab(5) mounts or swaps to, in order; None where there is no fstab.

    Raises ProbeError for a line without source, target and type.
    """
    entries = []
    for number, line in _lines(data or b""):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 3:
            raise ProbeError(f"{line!r} is no entry of fstab", source=source, line=number)
        device, target, fstype = (_unescape(field) for field in fields[:3])
        entries.append(MountEntry(source=device.replace('"', ""), target=target, fstype=fstype))
    return tuple(entries)


def parse_crypttab(data: bytes | None, source: str = CRYPTTAB.path) -> tuple[CryptEntry, ...]:
    """What crypttab(5) opens, in order; None where there is no crypttab.

    The key file may stand on a device (`/key:UUID=…`), and options may name one (`header=`).
    Raises ProbeError for a line without name and device.
    """
    entries = []
    for number, line in _lines(data or b""):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 2:
            raise ProbeError(f"{line!r} is no entry of crypttab", source=source, line=number)
        devices = [_unescape(fields[1]).replace('"', "")]
        if len(fields) > 2:
            devices += fields[2].split(":", 1)
        if len(fields) > 3:
            options = (option.partition("=") for option in fields[3].split(","))
            devices += [value for _, equals, value in options if equals]
        entries.append(CryptEntry(name=fields[0], devices=tuple(devices)))
    return tuple(entries)


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    text = data.decode("utf-8", errors="backslashreplace")
    for number, line in enumerate(text.split("\n"), start=1):
        if line:
            yield number, line


def _unescape(text: str) -> str:
    """Blanks, newlines and backslashes are written in octal (`\\040`; getmntent(3))."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
