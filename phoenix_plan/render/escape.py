"""Text from outside in GitHub-flavoured markdown, without any power of its own.

A sentence stays a sentence; words in it that could be markup, HTML, a mention, a link or a
reference to an issue become code spans, in which all of that is inert (GFM specification 0.29,
"Code spans"; GitHub's mentions, references and autolinks leave code alone).
"""

from __future__ import annotations

import functools
import re

from phoenix_plan.render.visible import visible

_PLAIN = re.compile(r"[A-Za-z0-9]+(?:['/.%-][A-Za-z0-9]+)*%?|→|—")
_AUTOLINKED = re.compile(r"\b(?:www\.|GH-\d|[0-9a-f]{7,}\b)", re.IGNORECASE)
"""What GitHub makes a link of, though it holds plain characters only: addresses, issues, commits.
"""
_PUNCTUATION = re.compile(r"^(\(*)(.*?)([),.;:?]*)$", re.DOTALL)


def code(text: str) -> str:
    """`text` as a code span, whatever it holds: the fence is longer than any run of backticks."""
    shown = visible(text)
    if not shown.strip():
        return "` `"
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence: plain words as they are, all others as code spans."""
    return " ".join(_word(word) for word in visible(text).split())


def block(lines: list[str], language: str = "") -> str:
    """Lines as a fenced code block that nothing in them can end."""
    body = "\n".join(visible(line) for line in lines)
    fence = "`" * max(_longest_run(body) + 1, 3)
    return f"{fence}{language}\n{body}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


@functools.lru_cache(maxsize=4096)
def _word(word: str) -> str:
    match = _PUNCTUATION.match(word)
    before, core, after = match.groups() if match is not None else ("", word, "")
    if not core or (_PLAIN.fullmatch(core) and not _AUTOLINKED.search(core)):
        return word
    # Brackets of the word's own stay together.
    if core.count("(") != core.count(")"):
        return code(word)
    return f"{before}{code(core)}{after}"
