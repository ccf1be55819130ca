"""Breaking text into lines. Nothing is ever cut: what is longer than a line stands on its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.visible import quoted, visible

LABEL = 11
"""Columns of the labels that stand before what is said about a thing."""


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes (Unicode TR 11, ambiguous ones are narrow)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def padded(text: str, width: int) -> str:
    """`text` with blanks to a width."""
    return text + " " * (width - columns(text))


def flowed(pieces: Iterable[str], width: int, *, glue: str = " ", tail: str = "") -> list[str]:
    """Pieces in lines of at most `width` columns; `tail` ends every line but the last.

    Pieces are kept whole. `glue` stands between two of them, without its last blank at a line's
    end.
    """
    room = width - columns(tail) - columns(glue.rstrip())
    lines: list[str] = []
    line = ""
    used = 0
    gap = columns(glue)
    for piece in pieces:
        size = columns(piece)
        if line and used + gap + size > room:
            lines.append(line + glue.rstrip() + tail)
            line, used = piece, size
        elif line:
            line += glue + piece
            used += gap + size
        else:
            line, used = piece, size
    return [*lines, line] if line else lines


def sentence(text: str, width: int) -> list[str]:
    """Words in lines, made visible."""
    return flowed(visible(text).split(), width)


def names(items: Sequence[str], width: int) -> list[str]:
    """Names in lines with commas between, none broken; ZFS names hold no comma."""
    return flowed((visible(item) for item in items), width, glue=", ")


def shell(argv: Sequence[str], width: int) -> list[str]:
    """A command in lines that can be pasted: broken between arguments, with backslashes."""
    first, *rest = flowed(_with_values(argv), width - 2, tail=" \\")
    return [first, *(f"  {line}" for line in rest)]


def _with_values(argv: Sequence[str]) -> Iterator[str]:
    """The arguments quoted, a flag and what follows it as one piece."""
    flag = ""
    for argument in argv:
        if flag and argument.startswith("-"):
            yield flag
            flag = ""
        text = quoted(argument)
        if argument.startswith("-"):
            flag = text
        else:
            yield f"{flag} {text}" if flag else text
            flag = ""
    if flag:
        yield flag


def title(style: Style, text: str, tone: Tone = "strong") -> list[str]:
    """What stands above a section, in lines."""
    return [style.paint(line, tone) for line in sentence(text, style.width)]


def field(
    style: Style, label: str, lines: Sequence[str], *, indent: int, tone: Tone = "plain"
) -> list[str]:
    """Lines with a label before the first, the others below it."""
    head = " " * indent + style.paint(padded(label, LABEL), "dim")
    rest = " " * (indent + LABEL)
    return [
        (rest if number else head) + style.paint(line, tone) for number, line in enumerate(lines)
    ]


def room(style: Style, indent: int) -> int:
    """Columns that are left for what a label stands before."""
    return max(style.width - indent - LABEL, 20)
