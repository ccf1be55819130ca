"""Logs of what was written to a disk, and the disk as a power cut may have left it.

QEMU's driver `blklogwrites` writes them in the format of Linux's dm-log-writes, little-endian: one
sector that begins with magic, version and number of entries (u64 each) and the sector's size
(u32); then the entries, each a sector that begins with sector, number of sectors, flags and length
of a mark (u64 each), followed by the sectors that were written. A discard has none.
Source: drivers/md/dm-log-writes.c and Documentation/admin-guide/device-mapper/log-writes.rst of
Linux 6.1, block/blklogwrites.c of QEMU 7.2.
"""

import random
import struct
from collections.abc import Iterator
from enum import Flag
from pathlib import Path

from attrs import evolve, frozen

from tests.lab.disks import copy_sparse
from tests.lab.errors import LabError

MAGIC = 0x6A736677736872
VERSION = 1
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
SECTOR = 512
"""Bytes of a sector, where nothing else was asked of QEMU."""


class Kind(Flag):
    """What an entry is besides a write."""

    WRITE = 0
    FLUSH = 1
    """All that was written before is on the disk for good."""
    FUA = 2
    """This write is, once it has ended."""
    DISCARD = 4
    MARK = 8
    METADATA = 16


@frozen(kw_only=True)
class Entry:
    """One request. Offsets and lengths are in bytes."""

    offset: int
    length: int
    kind: Kind
    data: int | None
    """Where in the log the bytes are that were written; None where there are none."""
    end: int
    """How long the log was after it."""


def entries(log: Path, length: int) -> tuple[int, tuple[Entry, ...]]:
    """The sector's size, and what the first `length` bytes of a log hold, in order.

    Raises LabError where that is no log, or ends in the middle of an entry.
    """
    with log.open("rb") as file:
        head = file.read(SUPER.size).ljust(SUPER.size, b"\0")
        magic, version, _, sector = SUPER.unpack(head)
        if not any(head):  # QEMU writes it with the first flush
            sector = SECTOR
        elif (magic, version) != (MAGIC, VERSION) or not sector:
            raise LabError(f"{log}: no log of writes")
        found = []
        at = sector
        while at < length:
            file.seek(at)
            head = file.read(ENTRY.size)
            if at + sector > length or len(head) < ENTRY.size:
                raise LabError(f"{log}: ends within the entry at {at}")
            start, count, flags, _ = ENTRY.unpack(head)
            kind = Kind(flags)
            if not count and not flags:
                raise LabError(f"{log}: no entry at {at}")
            at += sector
            data = None if Kind.DISCARD in kind or not count else at
            start *= sector
            written = count * sector
            at += written if data is not None else 0
            found.append(Entry(offset=start, length=written, kind=kind, data=data, end=at))
        if at > max(length, sector):
            raise LabError(f"{log}: ends within what the last entry wrote")
    return sector, tuple(found)


def survivors(
    found: tuple[Entry, ...], sector: int, chance: random.Random | None = None
) -> Iterator[Entry]:
    """The writes that a disk holds after a power cut, in order; a torn one is shortened.

    What a flush has followed is there. Of the others, all that were asked for with FUA and, by
    chance, some, all or none; without `chance`, none of them.
    """
    # A flush that comes with a write is done before it.
    flushed = max((at for at, one in enumerate(found) if Kind.FLUSH in one.kind), default=0)
    share = chance.choice((0.0, 0.5, chance.random(), 1.0)) if chance else 0.0
    for at, one in enumerate(found):
        if not one.length:
            continue
        if at < flushed or Kind.FUA in one.kind:
            yield one
        elif chance and chance.random() < share:
            sectors = one.length // sector
            # One write in eight is torn between two sectors; a sector is written whole or not.
            kept = chance.randrange(sectors) if chance.random() < 1 / 8 else sectors
            if kept:
                yield evolve(one, length=kept * sector)


def replay(
    base: Path, log: Path, length: int, target: Path, chance: random.Random | None = None
) -> tuple[int, int]:
    """Make `target` the disk that began as `base`, at the moment when its log was `length` long,
    after a power cut; how many of the writes after the last flush were lost, and how many there
    were."""
    sector, found = entries(log, length)
    copy_sparse(base, target)
    kept = tuple(survivors(found, sector, chance))
    with log.open("rb") as file, target.open("r+b") as disk:
        for one in kept:
            data = bytes(one.length)
            if one.data is not None:
                file.seek(one.data)
                data = file.read(one.length)
            disk.seek(one.offset)
            disk.write(data)
    sure = sum(1 for _ in survivors(found, sector))
    writes = sum(1 for one in found if one.length)
    return writes - len(kept), writes - sure
