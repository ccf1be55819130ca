"""The device script, part 2: partition tables.

GPT as in the UEFI specification 2.10, chapter 5, MBR and its chain of extended boot records as in
Linux (block/partitions/msdos.c). A table that is damaged is still a signature.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from typing import NamedTuple

from phoenix_plan.probes.inspector_device import Space

SECTORS = (512, 4096, 2048, 1024)
GPT_MAGIC = b"EFI PART"
# wipefs(8) zeroes the magic alone: all else, checksums too, is as it was.
ERASED = b"\0" * 8
GPT_ENTRIES_LIMIT = 1024 * 1024
MBR_EXTENDED = (0x05, 0x0F, 0x85)
MBR_PROTECTIVE = 0xEE
MBR_CHAIN_LIMIT = 256


class Part(NamedTuple):
    """An entry of a table; start and size in bytes."""

    number: int
    start: int
    size: int
    type: str
    partuuid: str
    label: str


class Table(NamedTuple):
    """What a disk's tables say. `kind` is gpt, mbr, backup-gpt or empty; `signatures` are (offset,
    blkid's type); `also` are (start, size) of hybrid entries that the GPT does not have."""

    kind: str
    parts: list[Part]
    signatures: list[tuple[int, str]]
    also: list[tuple[int, int]]


def read_table(space: Space, sector: int, boot_sector_of_fs: bool) -> Table:
    """The tables on a disk. `boot_sector_of_fs` says that sector 0 belongs to a file system, whose
    code stands where an MBR has its entries."""
    signatures: list[tuple[int, str]] = []
    kind, parts = _read_gpt(space, sector, signatures) or ("", [])
    also: list[tuple[int, int]] = []
    if kind == "erased":
        kind, parts, also = "", [], [(part.start, part.size) for part in parts]
    boot = space.peek(0, 512)
    if boot[510:] != b"\x55\xaa" or boot_sector_of_fs:
        return Table(kind, parts, signatures, also)
    entries = _entries(boot) if _flags_valid(boot) else []
    others = [entry for entry in entries if entry[0] != MBR_PROTECTIVE]
    signatures.append((0x1FE, "dos" if len(others) == len(entries) else "PMBR"))
    if not kind:
        parts = _mbr_parts(space, sector, boot, entries)
        return Table("mbr" if parts else "", parts, signatures, also)
    if others and len(others) < len(entries):
        signatures.append((0x1FE, "dos"))
    known = {(part.start, part.size) for part in parts}
    ranges = [(start * sector, size * sector) for _, start, size, _ in others]
    return Table(kind, parts, signatures, [one for one in ranges if one not in known])


def _read_gpt(
    space: Space, native: int, signatures: list[tuple[int, str]]
) -> tuple[str, list[Part]] | None:
    """The first copy that is whole: the primary, else a backup, else one whose magic was erased (no
    table any more, but what lay in its partitions still does). All that are seen are signed."""
    whole: dict[str, list[Part]] = {}
    for sector in (native, *(size for size in SECTORS if size != native)):
        last = space.size // sector - 1
        places = [(1, "gpt"), (last, "backup-gpt")]
        header = space.peek(sector, 92)
        if header[:8] == GPT_MAGIC:
            # A disk that has grown since keeps its backup where its end was.
            places.append((struct.unpack_from("<Q", header, 32)[0], "backup-gpt"))
        for lba, kind in places:
            offset = lba * sector
            magic = space.peek(offset, 8)
            if lba < 1 or magic not in (GPT_MAGIC, ERASED):
                continue
            parts = _gpt_parts(space, sector, lba)
            if magic == ERASED and parts is None:
                continue
            if (offset, "gpt") not in signatures:
                signatures.append((offset, "gpt"))
            if parts is not None:
                whole.setdefault("erased" if magic == ERASED else kind, parts)
    for kind in ("gpt", "backup-gpt", "erased"):
        if kind in whole:
            return kind, whole[kind]
    return None


def _gpt_parts(space: Space, sector: int, lba: int) -> list[Part] | None:
    """The entries that a header leads to; None where a checksum or a bound is wrong."""
    header = GPT_MAGIC + space.peek(lba * sector + 8, sector - 8)
    if len(header) < 92:
        return None
    length, crc = struct.unpack_from("<II", header, 12)
    own_lba, entries_lba, count, width, entries_crc = (
        *struct.unpack_from("<Q", header, 24),
        *struct.unpack_from("<QIII", header, 72),
    )
    if not 92 <= length <= len(header) or own_lba != lba:
        return None
    if zlib.crc32(header[:16] + b"\0\0\0\0" + header[20:length]) != crc:
        return None
    if width < 128 or width % 8 or count * width > GPT_ENTRIES_LIMIT:
        return None
    table = space.peek(entries_lba * sector, count * width)
    if len(table) != count * width or zlib.crc32(table) != entries_crc:
        return None
    parts = []
    for number in range(count):
        entry = table[number * width : number * width + 128]
        if entry[:16] == b"\0" * 16:
            continue
        first, last = struct.unpack_from("<QQ", entry, 32)
        parts.append(
            Part(
                number + 1,
                first * sector,
                max(0, last - first + 1) * sector,
                str(uuid.UUID(bytes_le=entry[:16])),
                str(uuid.UUID(bytes_le=entry[16:32])),
                entry[56:128].decode("utf-16-le", "replace").partition("\0")[0],
            )
        )
    return parts


def _flags_valid(boot: bytes) -> bool:
    return all(boot[446 + 16 * number] in (0, 0x80) for number in range(4))


def _entries(boot: bytes) -> list[tuple[int, int, int, int]]:
    """(type, start, size, index) of the entries in use, in sectors."""
    found = []
    for number in range(4):
        kind, start, size = struct.unpack_from("<4xB3xII", boot, 446 + 16 * number)
        if kind and size:
            found.append((kind, start, size, number))
    return found


def _mbr_parts(
    space: Space, sector: int, boot: bytes, entries: list[tuple[int, int, int, int]]
) -> list[Part]:
    disk_id = struct.unpack_from("<I", boot, 440)[0]
    parts: list[Part] = []

    def add(number: int, kind: int, start: int, size: int) -> None:
        parts.append(
            Part(
                number,
                start * sector,
                size * sector,
                f"0x{kind:02x}",
                f"{disk_id:08x}-{number:02x}" if disk_id else "",
                "",
            )
        )

    logical = 5
    for kind, start, size, index in entries:
        add(index + 1, kind, start, size)
    for kind, extended, _, _ in entries:
        if kind not in MBR_EXTENDED:
            continue
        record = extended
        seen: set[int] = set()
        while record and record not in seen and len(seen) < MBR_CHAIN_LIMIT:
            seen.add(record)
            boot = space.peek(record * sector, 512)
            if len(boot) < 512 or boot[510:] != b"\x55\xaa":
                break
            after = 0
            for kind_here, start, size, _ in _entries(boot):
                if kind_here in MBR_EXTENDED:
                    after = extended + start
                else:
                    add(logical, kind_here, record + start, size)
                    logical += 1
            record = after
    return parts
