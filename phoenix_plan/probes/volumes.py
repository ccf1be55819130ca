"""Volume managers' own words for their members: LVM's pvs(8), the kernel's /proc/mdstat."""

from __future__ import annotations

import json
import re

import attrs

from phoenix_plan.commands import Output, Query, ReadFile, command_line
from phoenix_plan.errors import ProbeError

PVS = Query(
    argv=("pvs", "--readonly", "--reportformat", "json", "-o", "pv_name,vg_name,pv_uuid"),
)
MDSTAT = ReadFile(path="/proc/mdstat")

_ARRAY = re.compile(r"(md\S*) : (?:active|broken|inactive)((?: \S+)*) *")
_MEMBER = re.compile(r"(\S+)\[\d+\](?:\([A-Z]\))*")
_WORD = re.compile(r"\((?:auto-)?read-only\)|[a-z]+\d*")
_HEADINGS = ("Personalities :", "unused devices:", "read_ahead ")
_LOST = "[unknown]"


@attrs.frozen(kw_only=True)
class Member:
    """A device that belongs to a volume group or an array, whose name `owner` is. Empty for a
    physical volume of no group."""

    device: str
    owner: str


def parse_pvs(output: Output) -> tuple[Member, ...]:
    """Physical volumes with their groups, as LVM sees them; none where LVM is not installed.

    A physical volume that is gone (`[unknown]`) is no device. Raises ProbeError for a failed pvs
    and for another report.
    """
    source = command_line(PVS.argv)
    if output.missing:
        return ()
    if output.exit_code != 0:
        said = output.stderr.decode(errors="backslashreplace").strip()
        raise ProbeError(f"exit status {output.exit_code}: {said}", source=source)
    members = []
    try:
        for report in json.loads(output.stdout)["report"]:
            for row in report["pv"]:
                name, group = row["pv_name"], row["vg_name"]
                if not isinstance(name, str) or not isinstance(group, str):
                    raise ValueError(f"{row!r} is no physical volume")
                if name != _LOST:
                    members.append(Member(device=name, owner=group))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProbeError(f"not what pvs prints: {error}", source=source) from error
    return tuple(members)


def parse_mdstat(data: bytes | None, source: str = MDSTAT.path) -> tuple[Member, ...]:
    """Members of md arrays, running or not; none where the kernel has no md (no such file).

    Format of `md_seq_show` in drivers/md/md.c (Linux 6.12): an array's line, then indented ones.
    Raises ProbeError for a line that it does not print.
    """
    members = []
    text = (data or b"").decode(errors="backslashreplace")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith((" ", *_HEADINGS)):
            continue
        match = _ARRAY.fullmatch(line)
        if match is None:
            raise ProbeError(f"{line!r} is no md array", source=source, line=number)
        for word in match[2].split():
            if member := _MEMBER.fullmatch(word):
                members.append(Member(device=f"/dev/{member[1]}", owner=match[1]))
            elif not _WORD.fullmatch(word):
                raise ProbeError(f"{word!r} is no member of an array", source=source, line=number)
    return tuple(members)
