"""Proxmox VE's section files (storage.cfg, jobs.cfg), read line by line as PVE reads them.

Source: `PVE::SectionConfig::parse_config` of pve-common 9.2.1. A header stands at column 0, its
keys are indented, an empty line ends the section, `#` starts a comment line wherever it is
indented to. A line of blanks ends nothing. What PVE would warn about and leave out raises here.
"""

from __future__ import annotations

import re

import attrs

from phoenix_plan.errors import ProbeError

# Perl's \s and \S, on ASCII.
_HEADER = re.compile(r"(\S+):\s*(\S+)\s*", re.ASCII)
_KEY = re.compile(r"\s+(\S+)(?:\s+(.*\S))?\s*", re.ASCII)
_COMMENT = re.compile(r"\s*#", re.ASCII)
_BLANKS = " \t\r\f\v"


@attrs.frozen(kw_only=True)
class Entry:
    """One key of a section, with its line; `value` is None where nothing stands behind the key."""

    key: str
    value: str | None
    line: int


@attrs.frozen(kw_only=True)
class Section:
    """A section as written. `line` is the header's."""

    type: str
    id: str
    line: int
    entries: tuple[Entry, ...]


def decode(data: bytes, source: str) -> str:
    """The text of a file. Raises ProbeError where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProbeError("the file is not UTF-8", source=source, line=line) from error


def parse_sections(text: str, source: str) -> tuple[tuple[Section, ...], tuple[int, ...]]:
    """The sections of a file, and the lines on which comments stand.

    Raises ProbeError at every line that PVE would leave out: a key outside a section, a line at
    column 0 inside one (a header that no empty line precedes, most often).
    """
    sections: list[Section] = []
    comments: list[int] = []
    entries: list[Entry] = []
    header: tuple[str, str, int] | None = None

    def close() -> None:
        nonlocal header
        if header is not None:
            kind, name, line = header
            sections.append(Section(type=kind, id=name, line=line, entries=tuple(entries)))
            entries.clear()
            header = None

    for number, line in enumerate(text.split("\n"), 1):
        if not line:
            close()
        elif _COMMENT.match(line):
            comments.append(number)
        elif not line.strip(_BLANKS):
            continue
        elif header is not None:
            entries.append(_entry(line, number, header[1], source))
        elif match := _HEADER.fullmatch(line):
            header = (match[1], match[2], number)
        else:
            raise ProbeError(
                f"{line.strip()!r} stands in no section: Proxmox VE ignores it",
                source=source,
                line=number,
            )
    close()
    return tuple(sections), tuple(comments)


def _entry(line: str, number: int, section: str, source: str) -> Entry:
    match = _KEY.fullmatch(line)
    if match is not None:
        return Entry(key=match[1], value=match[2], line=number)
    hint = "put an empty line before each header"
    if line.endswith("\r"):
        hint += "; the lines of this file end with CR LF, and PVE takes no such line as empty"
    raise ProbeError(
        f"Proxmox VE ignores {line.strip()!r}: to it, section {section!r} goes on here",
        source=source,
        line=number,
        hint=hint,
    )
