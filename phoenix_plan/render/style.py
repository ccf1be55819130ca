"""How text is to look: its width, its colours, how much of it."""

from __future__ import annotations

from typing import Literal

import attrs

Tone = Literal["plain", "strong", "dim", "good", "change", "bad", "alarm"]

_CODES: dict[Tone, str] = {
    "plain": "",
    "strong": "1",
    "dim": "2",
    "good": "32",
    "change": "33",
    "bad": "31",
    "alarm": "1;31",
}
"""SGR parameters (ECMA-48). Colour only underlines what the words say."""

DEFAULT_WIDTH = 100
MIN_WIDTH = 40


@attrs.frozen(kw_only=True)
class Style:
    """`width` is in columns. Without `everything`, long lists of what is harmless are shortened."""

    width: int = DEFAULT_WIDTH
    colour: bool = False
    everything: bool = False

    def paint(self, text: str, tone: Tone) -> str:
        """`text` in a tone, as it is where there are no colours."""
        code = _CODES[tone]
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text
