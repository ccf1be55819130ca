"""modprobe.d as text: which files count, in which order, and how one is edited.

Sources: modprobe.d(5) and `libkmod-config.c` of kmod 30 to 34. Proxmox VE documents
/etc/modprobe.d/zfs.conf with `options zfs zfs_arc_max=N`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from phoenix_plan.model.sizes import Bytes

BOOT_FILE = "/etc/modprobe.d/zfs.conf"
"""The file that Proxmox VE documents, and that this program writes."""

_FOLDERS = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
)
# The kernel splits options at white space outside quotes, and takes - for _ (kernel/params.c).
_PARAMETER = re.compile(r'(?<![^\s"])(zfs[-_]arc[-_]max=)(?:"([^"]*)"|([^\s"]*))', re.ASCII)
_LOGICAL_LINE = re.compile(r"((?:[^\\\n]|\\[\s\S]?)*)(\n?)")
_ESCAPE = re.compile(r"\\([\s\S]?)")


@attrs.frozen(kw_only=True)
class Line:
    """A logical line: `text` as modprobe reads it, `raw` as it stands in the file, with its end.

    `number` counts physical lines from 1.
    """

    number: int
    text: str
    raw: str

    @property
    def command(self) -> tuple[str, str]:
        """The command and its module, empty where it is a comment or has none."""
        if self.text.startswith("#"):
            return ("", "")
        words = [word for word in re.split("[\t ]+", self.text, maxsplit=3) if word]
        return (words[0], words[1]) if len(words) > 1 else ("", "")


def lines(text: str) -> Iterator[Line]:
    """Lines as kmod's `getline_wrapped` makes them: a backslash before a newline joins two lines,
    before anything else it is dropped. A comment goes on likewise."""
    number = 1
    for match in _LOGICAL_LINE.finditer(text):
        if raw := match[0]:
            yield Line(number=number, text=_ESCAPE.sub(_unescaped, match[1]), raw=raw)
            number += raw.count("\n")


def arc_max_values(line: Line) -> tuple[str, ...]:
    """The values that a line gives to zfs_arc_max, as text, whatever its command is."""
    found = _PARAMETER.finditer(line.text)
    return tuple(match[3] if match[2] is None else match[2] for match in found)


def modprobe_order(paths: Iterable[str]) -> tuple[str, ...]:
    """The files that modprobe reads, in its order: by name over all folders, in byte order.

    Of two files with one name, that of the first folder counts alone (/etc, /run, /usr/local/lib,
    /usr/lib, /lib). All `options` lines of a module add up, and the kernel takes the last value.
    """
    chosen: dict[str, str] = {}
    for path in sorted(paths, key=_folder_rank):
        chosen.setdefault(path.rpartition("/")[2], path)
    return tuple(chosen[name] for name in sorted(chosen, key=str.encode))


def _folder_rank(path: str) -> tuple[int, str]:
    folder = path.rpartition("/")[0]
    return (_FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS), path)


def boot_value(boot: Mapping[str, Bytes]) -> Bytes:
    """What the module gets at the next boot: the last file's word, 0 (ZFS's default) without one.

    The kernel's command line can say otherwise; it is not read here.
    """
    return boot[modprobe_order(boot)[-1]] if boot else Bytes(0)


def with_arc_max(text: str, value: Bytes) -> str:
    """The file's new text: its other lines and options as they are, zfs_arc_max as wanted.

    Where the file sets it already, every such place takes the new value; else a line is added.
    Comments stay, also those that hold an old value.
    """
    new = ""
    found = False
    for line in lines(text):
        if line.command == ("options", "zfs") and arc_max_values(line):
            found = True
            whole = line.raw
            if "\\" in whole:
                whole = line.text.replace("\\", "\\\\") + "\n"
            new += _PARAMETER.sub(rf"\g<1>{int(value)}", whole)
        else:
            new += line.raw
    if found:
        return new
    while not _is_ended(new):
        new += "\n"
    return f"{new}options zfs zfs_arc_max={int(value)}\n"


def _unescaped(escape: re.Match[str]) -> str:
    """At the end of the file, kmod reads a character that is none behind the backslash."""
    return "" if escape[1] == "\n" else escape[1] or "\xff"


def _is_ended(text: str) -> bool:
    """Whether what is added to a file starts a line of its own."""
    ends = [match[2] for match in _LOGICAL_LINE.finditer(text) if match[0]]
    return not ends or ends[-1] == "\n"
