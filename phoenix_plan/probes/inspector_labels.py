"""The device script, part 3: ZFS labels, parsed from their bytes.

A vdev has four labels of 256 KiB, two at its start and two at its end; in each, a packed nvlist at
16 KiB and an array of uberblocks at 128 KiB (OpenZFS 2.3: include/sys/vdev_impl.h, the comments at
the head of module/zfs/vdev_label.c and module/nvpair/nvpair.c). Nothing here trusts a length.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from phoenix_plan.probes.inspector_device import Space

LABEL = 256 * 1024
NVLIST_AT = 16 * 1024
NVLIST_SIZE = 112 * 1024
UBERBLOCKS_AT = 128 * 1024
UBERBLOCK_STEP = 1024
UBERBLOCK_MAGIC = 0x00BAB10C
CHECKSUM_MAGIC = 0x0210DA7AB10C7A11
CHECKSUM_MAGICS = (struct.pack("<Q", CHECKSUM_MAGIC), struct.pack(">Q", CHECKSUM_MAGIC))
UBERBLOCK_MAGICS = (struct.pack("<Q", UBERBLOCK_MAGIC), struct.pack(">Q", UBERBLOCK_MAGIC))
# Where checksum trailers end: the boot environment block and the nvlist.
TRAILERS = (NVLIST_AT, UBERBLOCKS_AT)

DEPTH_LIMIT = 12
STATES = {0: "active", 1: "exported", 2: "destroyed", 3: "spare", 4: "l2cache"}

NV_BOOLEAN, NV_STRING, NV_NVLIST, NV_NVLIST_ARRAY = 1, 9, 19, 20
# Type to struct format; XDR widens what is smaller than 32 bits.
NV_NUMBERS = {3: "h", 4: "H", 5: "i", 6: "I", 7: "q", 8: "Q", 18: "q", 21: "i", 22: "b", 23: "B"}
NV_NUMBER_ARRAYS = {13: "i", 14: "I", 15: "q", 16: "Q"}


class Malformed(Exception):
    """These bytes are no nvlist, or none that a label holds."""


class FoundLabel(NamedTuple):
    """One label that parsed: which of the four, where it starts, what it says."""

    copy: int
    offset: int
    content: dict[str, Any]


def label_offsets(size: int) -> list[int]:
    """Where the four labels of a vdev of that size start (`vdev_label_offset`)."""
    end = size - size % LABEL
    if end < 4 * LABEL:
        return []
    return [0, LABEL, end - 2 * LABEL, end - LABEL]


def read_labels(space: Space) -> tuple[list[FoundLabel], list[int]]:
    """Labels that parse, and the offsets of whatever is left of others: the start of an nvlist that
    does not parse, uberblocks, the trailer of a checksum."""
    labels: list[FoundLabel] = []
    traces: list[int] = []
    for copy, offset in enumerate(label_offsets(space.size)):
        packed = space.peek(offset + NVLIST_AT, NVLIST_SIZE)
        if _starts_like_nvlist(packed):
            try:
                labels.append(FoundLabel(copy, offset, label_content(unpack(packed))))
            except Malformed:
                traces.append(offset + NVLIST_AT)
            continue
        trace = _trace(space, offset)
        if trace is not None:
            traces.append(trace)
    return labels, traces


def _trace(space: Space, label: int) -> int | None:
    ring = space.peek(label + UBERBLOCKS_AT, LABEL - UBERBLOCKS_AT)
    for at in range(0, len(ring), UBERBLOCK_STEP):
        if ring[at : at + 8] in UBERBLOCK_MAGICS:
            return label + UBERBLOCKS_AT + at
    for end in TRAILERS:
        if space.peek(label + end - 40, 8) in CHECKSUM_MAGICS:
            return label + end - 40
    return None


def _starts_like_nvlist(packed: bytes) -> bool:
    """Encoding (0 native, 1 XDR), byte order, two zeros; then version 0, and unique names."""
    if len(packed) < 12 or packed[0] > 1 or packed[1] > 1 or packed[2:4] != b"\0\0":
        return False
    order = ">" if packed[0] == 1 or packed[1] == 0 else "<"
    version, flags = struct.unpack_from(order + "iI", packed, 4)
    return bool(version == 0 and 0 < flags <= 3)


def unpack(packed: bytes) -> dict[str, Any]:
    """A packed nvlist as a dict. Raises Malformed."""
    try:
        if packed[0] == 1:
            return _Xdr(packed).whole()
        return _Native(packed, "<" if packed[1] else ">").whole()
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise Malformed(str(error)) from error


class _Xdr:
    """XDR encoding: big-endian, each pair led by its encoded size, so unknown types are skipped."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def whole(self) -> dict[str, Any]:
        return self._list(4, len(self._data), DEPTH_LIMIT)[0]

    def _list(self, at: int, end: int, depth: int) -> tuple[dict[str, Any], int]:
        """The list at `at`, all of it before `end`: a nested one that left its pair would make
        bytes be read again and again, at every level."""
        if not depth:
            raise Malformed("nested too deeply")
        at += 8
        found: dict[str, Any] = {}
        while True:
            size, decoded = struct.unpack_from(">ii", self._data, at)
            if size == 0 and decoded == 0:
                if at + 8 > end:
                    raise Malformed("a list that leaves its pair")
                return found, at + 8
            if size < 20 or at + size > end:
                raise Malformed(f"a pair of {size} bytes")
            name, value_at = self._text(at + 8)
            kind, count = struct.unpack_from(">ii", self._data, value_at)
            value = self._value(kind, count, value_at + 8, at + size, depth)
            if value is not None:
                found[name] = value
            at += size

    def _text(self, at: int) -> tuple[str, int]:
        length = struct.unpack_from(">I", self._data, at)[0]
        end = at + 4 + length
        if end > len(self._data):
            raise Malformed(f"a text of {length} bytes")
        text = self._data[at + 4 : end].decode("utf-8", "backslashreplace")
        return text, at + 4 + -(-length // 4) * 4

    def _value(self, kind: int, count: int, at: int, end: int, depth: int) -> Any:
        if kind in NV_NUMBERS:
            wide = NV_NUMBERS[kind]
            wide = {"h": "i", "b": "i", "H": "I", "B": "I"}.get(wide, wide)
            return struct.unpack_from(">" + wide, self._data, at)[0]
        if kind == NV_STRING:
            return self._text(at)[0]
        if kind == NV_BOOLEAN:
            return True
        if kind in NV_NUMBER_ARRAYS:
            # An array is led by its length once more.
            return _numbers(self._data, at + 4, end, ">" + NV_NUMBER_ARRAYS[kind], count)
        if kind == NV_NVLIST:
            return self._list(at, end, depth - 1)[0]
        if kind == NV_NVLIST_ARRAY:
            if not 0 <= count <= (end - at) // 16:
                raise Malformed(f"{count} lists in {end - at} bytes")
            lists = []
            for _ in range(count):
                one, at = self._list(at, end, depth - 1)
                lists.append(one)
            return lists
        return None


class _Native:
    """Native encoding: C structs in the header's byte order; nested lists follow their pair."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order

    def whole(self) -> dict[str, Any]:
        return self._list(4, DEPTH_LIMIT)[0]

    def _list(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        if not depth:
            raise Malformed("nested too deeply")
        at += 8
        found: dict[str, Any] = {}
        while True:
            size = struct.unpack_from(self._order + "i", self._data, at)[0]
            if size == 0:
                return found, at + 4
            head = struct.unpack_from(self._order + "hhii", self._data, at + 4)
            name_size, _, count, kind = head
            value_at = at + -(-(16 + name_size) // 8) * 8
            end = at + size
            if name_size < 1 or end < value_at or end > len(self._data):
                raise Malformed(f"a pair of {size} bytes")
            name = self._data[at + 16 : at + 15 + name_size].decode("utf-8", "backslashreplace")
            at = end
            if kind == NV_NVLIST:
                found[name], at = self._list(at, depth - 1)
            elif kind == NV_NVLIST_ARRAY:
                if not 0 <= count <= (len(self._data) - at) // 12:
                    raise Malformed(f"{count} lists")
                lists = []
                for _ in range(count):
                    one, at = self._list(at, depth - 1)
                    lists.append(one)
                found[name] = lists
            else:
                value = self._value(kind, count, value_at, end)
                if value is not None:
                    found[name] = value

    def _value(self, kind: int, count: int, at: int, end: int) -> Any:
        if kind in NV_NUMBERS:
            return struct.unpack_from(self._order + NV_NUMBERS[kind], self._data, at)[0]
        if kind == NV_STRING:
            return self._data[at:end].partition(b"\0")[0].decode("utf-8", "backslashreplace")
        if kind == NV_BOOLEAN:
            return True
        if kind in NV_NUMBER_ARRAYS:
            return _numbers(self._data, at, end, self._order + NV_NUMBER_ARRAYS[kind], count)
        return None


def _numbers(data: bytes, at: int, end: int, letter: str, count: int) -> list[int]:
    if not 0 <= count <= (end - at) // struct.calcsize(letter):
        raise Malformed(f"{count} numbers in {end - at} bytes")
    return list(struct.unpack_from(f"{letter[0]}{count}{letter[1]}", data, at))


def label_content(nvlist: dict[str, Any]) -> dict[str, Any]:
    """The fields of a label that matter, GUIDs and txg as text. Raises Malformed."""
    if "state" not in nvlist or "guid" not in nvlist:
        raise Malformed("no label of a vdev")
    state = STATES.get(_number(nvlist, "state", 0))
    if state is None:
        raise Malformed("a state that is not known")
    hostid = _number(nvlist, "hostid", 0)
    tree = nvlist.get("vdev_tree")
    ashift = nvlist.get("ashift")
    if isinstance(tree, dict):
        ashift = tree.get("ashift", ashift)
    holes = nvlist.get("hole_array")
    top_level = _number(nvlist, "vdev_children", 0) - len(holes if isinstance(holes, list) else [])
    return {
        "state": state,
        "pool": _text(nvlist, "name"),
        "pool_guid": _guid(nvlist, "pool_guid"),
        "guid": _guid(nvlist, "guid"),
        "top_guid": _guid(nvlist, "top_guid"),
        "txg": str(_number(nvlist, "txg", 0)) if "txg" in nvlist else "",
        "hostid": f"{hostid:08x}" if hostid else "",
        "hostname": _text(nvlist, "hostname"),
        "ashift": ashift if isinstance(ashift, int) else None,
        "top_level": max(0, top_level),
        "tree": _tree(tree, DEPTH_LIMIT) if isinstance(tree, dict) else None,
    }


def _tree(nvlist: dict[str, Any], depth: int) -> dict[str, Any]:
    children = nvlist.get("children", [])
    if not depth or not isinstance(children, list):
        raise Malformed("no tree of vdevs")
    if not all(isinstance(child, dict) for child in children):
        raise Malformed("children that are no vdevs")
    return {
        "type": _text(nvlist, "type"),
        "guid": _guid(nvlist, "guid"),
        "index": _number(nvlist, "id", 0),
        "path": _text(nvlist, "path"),
        "parity": _number(nvlist, "nparity", 0),
        "is_log": bool(_number(nvlist, "is_log", 0)),
        "allocation": _text(nvlist, "alloc_bias"),
        "children": [_tree(child, depth - 1) for child in children],
    }


def _number(nvlist: dict[str, Any], name: str, default: int) -> int:
    value = nvlist.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Malformed(f"{name} is no number")
    return value


def _text(nvlist: dict[str, Any], name: str) -> str:
    value = nvlist.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    return value


def _guid(nvlist: dict[str, Any], name: str) -> str:
    return str(_number(nvlist, name, 0)) if name in nvlist else ""
