"""Damaged inputs: what a reader reads in earnest, changed in a few places; or plain noise."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

Parts = tuple[bytes, ...]
"""What one call reads: a file, or an output's stdout, stderr and exit code, one after another."""


def pack(parts: Parts) -> bytes:
    """All parts as one run of bytes: each after its length."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unpack(data: bytes) -> Parts:
    """The parts again."""
    return tuple(_parts(data))


def _parts(data: bytes) -> Iterator[bytes]:
    while data:
        size = int.from_bytes(data[:4], "big")
        yield data[4 : 4 + size]
        data = data[4 + size :]


DEEP = 2_000
ODD = (
    b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n", b"\n\n",
    b"\t", b" ", b"  ", b"-", b"@", b"/", b":", b"..", b"#", b"\\", b"\\040", b"\\999", b"\\x00",
    b"9" * 30, b"9" * 5_000, b"-1", b"0", b"00", b"1e999", b"1e400", b"0.5",
    b"18446744073709551616", b"NaN", b"Infinity", b"null", b"true", b"{}", b"[]", b'""',
    b'"\\ud800"', b'"\\u0000"', b"{", b"}", b"[" * DEEP, b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP, b'{"a":1,"a":2}', b'"', b"'", b",", b"=", "\u0660".encode(),
    "\u2028".encode(), "\u0085".encode(), "\u202e".encode(), "\u00b2".encode(),
    "\U0001f600".encode(), "\u0130".encode(), "\u00a0".encode(), b"\x1b[2J", b"\x1c", b"\x0b",
    b"\x0c", b"2026-13-45T99:99:99Z", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00Z",
)  # fmt: skip
"""What readers stumble over."""

JSON_VALUES = (
    b"null", b"true", b"0", b"-1", b"1e999", b"NaN", b"9" * 5_000, b'""', b'"x"', b"[]", b"{}",
    b"[[]]", b'"\\ud800"', b'"\\u0000"', b"0.5", b'[null]', b'{"a":null}',
)  # fmt: skip
"""What a value of a document may become."""


def _span(draw: random.Random, size: int) -> tuple[int, int]:
    begin = draw.randrange(size + 1)
    return begin, min(size, begin + draw.choice((1, 1, 4, 20, 200)))


def _flip(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    at = draw.randrange(len(data) + 1)
    return (
        data[:at]
        + bytes([(data[at : at + 1] or b"\0")[0] ^ 1 << draw.randrange(8)])
        + data[at + 1 :]
    )


def _odd(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    begin, end = _span(draw, len(data))
    return data[:begin] + draw.choice(ODD) + data[draw.choice((begin, end)) :]


def _cut(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    begin, end = _span(draw, len(data))
    return data[:begin] + data[end:] if draw.random() < 0.8 else data[:begin]


def _twice(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    begin, end = _span(draw, len(data))
    return data[:end] + data[begin:end] * draw.choice((1, 1, 50)) + data[end:]


def _splice(draw: random.Random, data: bytes, other: bytes) -> bytes:
    begin, end = _span(draw, len(data))
    first, last = _span(draw, len(other))
    return data[:begin] + other[first : draw.choice((last, len(other)))] + data[end:]


def _lines(draw: random.Random, data: bytes, other: bytes) -> bytes:
    """A line gone, twice, elsewhere, or one of another input."""
    lines = data.split(b"\n")
    at, to = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case _:
            lines.insert(at, draw.choice(other.split(b"\n")))
    return b"\n".join(lines)


def _word(draw: random.Random, data: bytes, other: bytes) -> bytes:
    """A word of the input in another's place."""
    words = data.split(b" ")
    words[draw.randrange(len(words))] = draw.choice([*other.split()[:200], *ODD])
    return b" ".join(words)


def _value(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    """What stands behind a colon, up to where a value may end."""
    colons = [at for at, byte in enumerate(data) if byte == 0x3A]
    if not colons:
        return _odd(draw, data, _other)
    begin = draw.choice(colons) + 1
    ends = [at for at in (data.find(mark, begin) for mark in (b",", b"}", b"\n")) if at >= 0]
    return data[:begin] + draw.choice(JSON_VALUES) + data[min(ends, default=len(data)) :]


def _crlf(_draw: random.Random, data: bytes, _other: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _marked(_draw: random.Random, data: bytes, _other: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


EDITS = (
    _flip, _flip, _odd, _odd, _cut, _twice, _splice, _lines, _lines, _word, _value, _value, _crlf,
    _marked,
)  # fmt: skip


def edit(draw: random.Random, parts: list[bytes], seeds: Sequence[Parts], fixed: int) -> None:
    """Change one of the parts behind the first `fixed`, with another input at hand."""
    at = draw.randrange(fixed, len(parts))
    other = draw.choice(seeds)
    change = draw.choice(EDITS)
    parts[at] = change(draw, parts[at], other[min(at, len(other) - 1)])


def damaged(seeds: Sequence[Parts], fixed: int) -> st.SearchStrategy[Parts]:
    """One of the seeds with up to five edits; the first `fixed` parts stay as they are.

    Each edit follows from one number, so that hypothesis leaves edits out when it shrinks.
    """

    def made(which: int, edits: list[int]) -> Parts:
        parts = list(seeds[which])
        for number in edits:
            edit(random.Random(number), parts, seeds, fixed)  # noqa: S311 - no secret
        return tuple(parts)

    def noise(which: int, parts: list[bytes]) -> Parts:
        seed = seeds[which]
        return (*seed[:fixed], *(parts * len(seed))[: len(seed) - fixed])

    which = st.integers(0, len(seeds) - 1)
    number = st.integers(0, (1 << 48) - 1)
    edited = st.builds(made, which, st.lists(number, min_size=1, max_size=5))
    return st.one_of(
        *[edited] * 9,
        st.builds(noise, which, st.lists(st.binary(max_size=300), min_size=1, max_size=3)),
    )
