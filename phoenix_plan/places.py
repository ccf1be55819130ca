"""Where things stand in a JSON text.

`json` tells no positions, and keeping them for every value would cost more than reading. So the
text is walked once more, and only when there is something to report; what is not asked for is
skipped at the speed of `json` itself. Works on text that `json` has read without an error.
"""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Callable, Iterable

import attrs

Path = tuple[str | int, ...]
"""The way to a value: keys and indices from the top."""

MAX_DEPTH = 64
"""How deep arrays and objects may nest; the documents of this project nest less than 20."""

_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder()
_SKIPPING = json.JSONDecoder(parse_int=len)
"""Converts no integer: Python raises on one of some thousand digits."""


@attrs.frozen(kw_only=True)
class Oddity:
    """Something that `json` accepts and a document may not hold."""

    path: Path
    offset: int
    rule: str


def lines(text: str, paths: Iterable[Path]) -> dict[Path, int]:
    """The line of each path, counted from 1: of its key, or of its value in an array.

    A path that leads nowhere gets the line of the last step that exists.
    """
    paths = set(paths)
    wanted = {path[:length] for path in paths for length in range(len(path) + 1)}
    offsets: dict[Path, int] = {}

    def visit(path: Path, start: int, offset: int) -> int | None:
        if path not in wanted:
            return _end(text, offset)
        offsets[path] = start
        return None if text[offset] in "{[" else _end(text, offset)

    _walk(text, visit)
    newlines = [match.start() for match in re.finditer("\n", text)]
    found = {}
    for path in paths:
        known = path
        while known not in offsets:
            known = known[:-1]
        found[path] = bisect.bisect_left(newlines, offsets[known]) + 1
    return found


def is_deep(value: object) -> bool:
    """Whether arrays and objects nest deeper than MAX_DEPTH."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(child for child in item.values() if isinstance(child, dict | list))
            elif isinstance(item, list):
                below.extend(child for child in item if isinstance(child, dict | list))
        if not below:
            return False
        level = below
    return True


def deepest(text: str) -> Oddity:
    """Where the nesting first passes MAX_DEPTH, in a text that nests so deep."""
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("{", "["):
            depth += 1
        elif token in ("}", "]"):
            depth -= 1
        if depth > MAX_DEPTH:
            break
    return Oddity(path=(), offset=match.start(), rule=f"nests deeper than {MAX_DEPTH} levels")


def oddities(text: str) -> tuple[Oddity, ...]:
    """Every key given twice, number out of range and half surrogate, in the text's order.

    The text must not nest deeper than MAX_DEPTH.
    """
    found: list[Oddity] = []
    seen: set[Path] = set()

    def visit(path: Path, start: int, offset: int) -> int | None:
        def odd(rule: str) -> None:
            found.append(Oddity(path=path, offset=start, rule=rule))

        if path in seen:
            odd("stands here a second time: which of the two is meant?")
            return _end(text, offset)
        seen.add(path)
        if path and _is_half(path[-1]):
            odd("the key holds half a surrogate pair, which is no character")
        if text[offset] in "{[":
            return None
        try:
            value, end = _DECODER.raw_decode(text, offset)
        except ValueError:
            odd("is a number of too many digits")
            return _end(text, offset)
        if isinstance(value, float) and not math.isfinite(value):
            odd("is no number that JSON knows")
        elif _is_half(value):
            odd("holds half a surrogate pair, which is no character")
        return end

    _walk(text, visit)
    return tuple(found)


def _walk(text: str, visit: Callable[[Path, int, int], int | None]) -> None:
    """Call `visit(path, start, offset)` for every value, parents first.

    `start` is where its key stands, or itself in an array; `offset` where the value does. It
    returns the offset behind the value, or None for the walk to go into it.
    """

    def value(path: Path, start: int, offset: int) -> int:
        end = visit(path, start, offset)
        if end is not None:
            return end
        is_object = text[offset] == "{"
        offset = _skip(text, offset + 1)
        index = 0
        while text[offset] not in "}]":
            start = offset
            step: str | int = index
            if is_object:
                step, offset = _DECODER.raw_decode(text, offset)
                offset = _skip(text, _skip(text, offset) + 1)
            index += 1
            offset = _skip(text, value((*path, step), start, offset))
            if text[offset] == ",":
                offset = _skip(text, offset + 1)
        return offset + 1

    offset = _skip(text, 0)
    value((), offset, offset)


def _end(text: str, offset: int) -> int:
    return _SKIPPING.raw_decode(text, offset)[1]


def _skip(text: str, offset: int) -> int:
    """The offset of the next thing that is no white space."""
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _is_half(value: object) -> bool:
    """Whether a string holds a surrogate without its other half: no encoding can write it."""
    return isinstance(value, str) and _HALF.search(value) is not None
