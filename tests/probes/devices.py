"""Devices for the tests of the device script: sparse files with bytes where a test wants them."""

from __future__ import annotations

import json
import lzma
import struct
import uuid
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
IMAGES = HERE / "data" / "images"
LABELS = HERE.parent.parent / "fixtures" / "labels"
LABEL = 256 * 1024
MIB = 1024 * 1024

LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"


def device(path: Path, size: int, contents: Mapping[int, bytes] = {}) -> Path:
    """A sparse file of that size, with bytes at offsets; negative ones count from the end."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in contents.items():
            file.seek(offset if offset >= 0 else size + offset)
            file.write(data)
    assert path.stat().st_size == size
    return path


def image(name: str) -> tuple[int, dict[int, bytes], list[tuple[int, str, str, str]]]:
    """Size and content of a device that a real tool made, and what wipefs said of it."""
    document: dict[str, Any] = json.loads((IMAGES / f"{name}.json").read_text())
    content = {int(offset): bytes.fromhex(data) for offset, data in document["bytes"].items()}
    return document["size"], content, [tuple(row) for row in document["wipefs"]]


def real_label(version: str, what: str) -> bytes:
    """The 256 KiB that real OpenZFS wrote."""
    return lzma.decompress((LABELS / version / f"{what}.label.xz").read_bytes())


def label_places(start: int, size: int, copies: Iterable[int] = range(4)) -> list[int]:
    """Where ZFS puts the labels of a vdev that starts there."""
    end = size - size % LABEL
    places = (0, LABEL, end - 2 * LABEL, end - LABEL)
    return [start + places[copy] for copy in copies]


def gpt(
    size: int,
    parts: Iterable[tuple[int, int, int, str, str]],
    *,
    sector: int = 512,
    copies: str = "both",
    protective: bool = True,
) -> dict[int, bytes]:
    """A GPT: (number, start, size, type, name) in bytes, as UEFI 2.10 has it."""
    table = bytearray(128 * 128)
    for number, start, length, kind, name in parts:
        struct.pack_into(
            "<16s16sQQQ72s",
            table,
            (number - 1) * 128,
            uuid.UUID(kind).bytes_le,
            uuid.UUID(int=number).bytes_le,
            start // sector,
            (start + length) // sector - 1,
            0,
            name.encode("utf-16-le"),
        )
    last = size // sector - 1
    width = len(table) // sector
    content: dict[int, bytes] = {}

    def header(own: int, other: int, entries: int) -> bytes:
        fields = struct.pack(
            "<8sIIIIQQQQ16sQIII",
            b"EFI PART",
            0x10000,
            92,
            0,
            0,
            own,
            other,
            2 + width,
            last - 1 - width,
            uuid.UUID(int=99).bytes_le,
            entries,
            128,
            128,
            zlib.crc32(table),
        )
        return fields[:16] + struct.pack("<I", zlib.crc32(fields)) + fields[20:]

    if copies in ("both", "primary"):
        content[sector] = header(1, last, 2)
        content[2 * sector] = bytes(table)
    if copies in ("both", "backup"):
        content[last * sector] = header(last, 1, last - width)
        content[(last - width) * sector] = bytes(table)
    if protective:
        content[446] = mbr_entry(0xEE, 1, min(last, 0xFFFFFFFF))
        content[510] = b"\x55\xaa"
    return content


def mbr_entry(kind: int, start: int, size: int, *, flag: int = 0) -> bytes:
    """An entry of an MBR, in sectors."""
    return struct.pack("<B3xB3xII", flag, kind, start, size)


def pack_xdr(nvlist: Mapping[str, Any]) -> bytes:
    """An nvlist in XDR encoding, written from module/nvpair/nvpair.c alone, for made-up labels."""
    return b"\1\1\0\0" + _xdr_list(nvlist)


def _xdr_list(nvlist: Mapping[str, Any]) -> bytes:
    pairs = b"".join(_xdr_pair(name, value) for name, value in nvlist.items())
    return struct.pack(">iI", 0, 1) + pairs + b"\0" * 8


def _xdr_text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def _xdr_pair(name: str, value: Any) -> bytes:
    if isinstance(value, bool):
        kind, count, data = 1, 0, b""
    elif isinstance(value, int):
        kind, count, data = 8, 1, struct.pack(">Q", value)
    elif isinstance(value, str):
        kind, count, data = 9, 1, _xdr_text(value)
    elif isinstance(value, Mapping):
        kind, count, data = 19, 1, _xdr_list(value)
    elif value and isinstance(value[0], int):
        kind, count = 16, len(value)
        data = struct.pack(f">I{len(value)}Q", len(value), *value)
    else:
        kind, count, data = 20, len(value), b"".join(_xdr_list(one) for one in value)
    body = _xdr_text(name) + struct.pack(">ii", kind, count) + data
    return struct.pack(">ii", len(body) + 8, len(body) + 64) + body


def pack_native(nvlist: Mapping[str, Any], order: str) -> bytes:
    """The same in native encoding, little (`<`) or big-endian."""
    return bytes((0, order == "<", 0, 0)) + _native_list(nvlist, order)


def _native_list(nvlist: Mapping[str, Any], order: str) -> bytes:
    pairs = b"".join(_native_pair(name, value, order) for name, value in nvlist.items())
    return struct.pack(order + "iI", 0, 1) + pairs + b"\0" * 4


def _native_pair(name: str, value: Any, order: str) -> bytes:
    text = name.encode() + b"\0"
    after = b""
    if isinstance(value, int):
        kind, count, data = 8, 1, struct.pack(order + "Q", value)
    elif isinstance(value, str):
        kind, count, data = 9, 1, value.encode() + b"\0"
    elif isinstance(value, Mapping):
        kind, count, data, after = 19, 1, b"\0" * 24, _native_list(value, order)
    elif value and isinstance(value[0], int):
        kind, count = 16, len(value)
        data = struct.pack(f"{order}{len(value)}Q", *value)
    else:
        kind, count, data = 20, len(value), b"\0" * 32 * len(value)
        after = b"".join(_native_list(one, order) for one in value)
    head = 16 + len(text)
    head += -head % 8
    size = head + len(data) + -len(data) % 8
    body = struct.pack(order + "ihhii", size, len(text), 0, count, kind) + text
    return body.ljust(head, b"\0") + data.ljust(size - head, b"\0") + after


def label_with(nvlist: bytes, *, uberblocks: bool = True) -> bytes:
    """A label of 256 KiB that holds a packed nvlist, and an uberblock's magic."""
    ring = struct.pack("<Q", 0x00BAB10C) if uberblocks else b""
    return b"\0" * 16384 + nvlist.ljust(112 * 1024, b"\0") + ring.ljust(128 * 1024, b"\0")
