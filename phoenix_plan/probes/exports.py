"""What this host exports to others: NFS exports and iSCSI backing devices.

Sources: exports(5) of nfs-utils 2.6 to 2.8 for the files and for the kernel's table
(/var/lib/nfs/etab holds what exportfs(8) was told, in the same form), the kernel's
drivers/target/target_core_configfs.c (Linux 6.1 to 6.14) for iSCSI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from phoenix_plan.commands import ReadFile, ReadFiles
from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.section_config import decode

EXPORTS = ReadFile(path="/etc/exports")
EXPORTS_D = ReadFiles(pattern="/etc/exports.d/*.exports")
ETAB = ReadFile(path="/var/lib/nfs/etab")
ISCSI = ReadFiles(pattern="/sys/kernel/config/target/core/*/*/udev_path")

_ESCAPES = re.compile(rb"((?:\\[0-7]{3})+)")
_TOKEN = re.compile(r'"([^"]*)"(?=[ \t\r]|$)|([^ \t\r"]+)(?=[ \t\r]|$)')
_BLANKS = " \t\r"
_BACKSTORE = re.compile(r".*/target/core/([^/]+)/([^/]+)/udev_path")


def parse_exports(data: bytes | None, source: str) -> Mapping[str, str]:
    """Exported paths to the clients they are exported to (`nfs 10.0.0.0/24, *`).

    Takes /etc/exports, a file of /etc/exports.d or etab; None where there is no file. A path
    without clients is exported to everyone, as exports(5) says. Raises ProbeError for a line that
    is no export.
    """
    exported: dict[str, list[str]] = {}
    for number, line in _logical_lines(decode(data or b"", source)):
        tokens = _tokens(line, number, source)
        if not tokens:
            continue
        path, *clients = tokens
        if not path.startswith("/"):
            raise ProbeError(f"{path!r} is no exported path", source=source, line=number)
        names = [client.partition("(")[0] or "*" for client in clients if client[0] != "-"]
        exported.setdefault(path, []).extend(names or ["*"])
    return {path: f"nfs {', '.join(dict.fromkeys(who))}" for path, who in exported.items()}


def parse_iscsi(files: Iterable[tuple[str, bytes]]) -> Mapping[str, str]:
    """Backing devices and files of the kernel's iSCSI target to the backstore that holds them.

    `files` are the backstores' `udev_path`, as (path, content); one that is empty has no device
    (rd_mcp).
    """
    exported = {}
    for path, data in files:
        match = _BACKSTORE.fullmatch(path)
        if match is None:
            raise ProbeError("this is no backstore of the iSCSI target", source=path)
        device = decode(data, path).strip("\n\0")
        if not device:
            continue
        if not device.startswith("/"):
            raise ProbeError(f"{device!r} is no path", source=path, line=1)
        exported[device] = f"iscsi {match[1]}/{match[2]}"
    return exported


def merge_exports(*parts: Mapping[str, str]) -> Mapping[str, str]:
    """All exports in one mapping, sorted by path; who exports is said once each."""
    merged: dict[str, list[str]] = {}
    for part in parts:
        for path, who in part.items():
            merged.setdefault(path, []).append(who)
    return {path: "; ".join(dict.fromkeys(merged[path])) for path in sorted(merged)}


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with the number of their first physical line: a backslash at the end joins two."""
    start, held = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield start, held + line
        start, held = number + 1, ""
    if held:
        yield start, held


def _tokens(line: str, number: int, source: str) -> list[str]:
    """The words of a line, quotes and escapes undone; `#` at the start of a word ends them."""
    tokens: list[str] = []
    position = 0
    while position < len(line):
        if line[position] in _BLANKS:
            position += 1
            continue
        if line[position] == "#":
            break
        match = _TOKEN.match(line, position)
        word = (match[1] or match[2]) if match else None
        if match is None or not word:
            raise ProbeError(f"{line[position:]!r} is no export", source=source, line=number)
        try:
            tokens.append(_unescape(word))
        except ValueError as error:
            raise ProbeError(f"{word!r} is not UTF-8", source=source, line=number) from error
        position = match.end()
    return tokens


def _unescape(text: str) -> str:
    """Octal escapes name bytes, not characters: `\\303\\244` is one letter."""
    raw = _ESCAPES.sub(
        lambda match: bytes(int(code, 8) & 255 for code in match[1].split(b"\\")[1:]),
        text.encode(),
    )
    return raw.decode()
