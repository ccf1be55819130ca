"""zfs_arc_max: what the running module has, and what it will be given at the next boot.

Sources: zfs(4) of OpenZFS 2.1 to 2.3, modprobe.d(5). Where the root filesystem is ZFS, Proxmox VE
documents `update-initramfs -u -k all` after a change of the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from phoenix_plan.commands import ReadFile, ReadFiles
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.actual import ArcMax
from phoenix_plan.model.modprobe import BOOT_FILE, arc_max_values, lines, modprobe_order
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.probes.section_config import decode

ARC_LIVE = ReadFile(path="/sys/module/zfs/parameters/zfs_arc_max")
MODPROBE = ReadFiles(pattern="/etc/modprobe.d/*.conf")

_VALUE = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_LIMIT = 1 << 64


def parse_arc_max(
    live: bytes | None, files: Iterable[tuple[str, bytes]], *, live_source: str = ARC_LIVE.path
) -> ArcMax:
    """zfs_arc_max now and at the next boot, from the module's parameter and modprobe's files.

    `live` is None where the module is not loaded: ZFS's default, 0. Raises ProbeError for a value
    that the kernel would refuse (the module would not load), and for an `install zfs` command that
    sets it.
    """
    contents = dict(files)
    boot: dict[str, Bytes] = {}
    for path in modprobe_order(contents):
        value = _last_value(decode(contents[path], path), path)
        if value is not None:
            boot[path] = value
    written = contents.get(BOOT_FILE)
    return ArcMax(
        live=_live(live, live_source),
        boot=boot,
        file_text="" if written is None else decode(written, BOOT_FILE),
        file_sha256="" if written is None else hashlib.sha256(written).hexdigest(),
    )


def _live(data: bytes | None, source: str) -> Bytes:
    if data is None:
        return Bytes(0)
    text = decode(data, source).strip()
    if not re.fullmatch("[0-9]{1,20}", text):
        raise ProbeError(f"{text!r} is no number of bytes", source=source, line=1)
    return Bytes(int(text))


def _last_value(text: str, source: str) -> Bytes | None:
    value = None
    for line in lines(text):
        found = arc_max_values(line)
        if found and line.command == ("install", "zfs"):
            raise ProbeError(
                "an install command sets zfs_arc_max: what it will be can't be said",
                source=source,
                line=line.number,
            )
        if line.command == ("options", "zfs"):
            for text_value in found:
                value = _value(text_value, line.number, source)
    return value


def _value(text: str, line: int, source: str) -> Bytes:
    """A number as the kernel's kstrtoull(…, 0) takes it: decimal, 0x hexadecimal, 0 octal."""
    try:
        if not _VALUE.fullmatch(text):
            raise ValueError
        base = 16 if text[:2].lower() == "0x" else 8 if text[0] == "0" and len(text) > 1 else 10
        number = int(text, base)
        if number >= _LIMIT:
            raise ValueError
    except ValueError as error:
        raise ProbeError(
            f"zfs_arc_max={text} is no number of bytes: the module would not load",
            source=source,
            line=line,
            hint="write it in bytes, without a unit",
        ) from error
    return Bytes(number)
