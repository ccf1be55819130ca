"""Markdown, as the reference pages use it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Made from the code by `python -m docs.generate`: changes here are lost. -->"


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", GENERATED, *(part for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def code(text: str) -> str:
    """Text in code font; nothing for none."""
    return f"`{text}`" if text else ""


def codes(words: Iterable[str]) -> str:
    """Words in code font, in order."""
    return ", ".join(code(word) for word in sorted(words))


def block(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def link(name: str, target: str) -> str:
    """A link with its text in code font."""
    return f"[`{name}`]({target})"
