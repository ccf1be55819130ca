"""One live line on a terminal while the host is being asked."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import TextIO

from phoenix_plan.render.visible import visible

_CLEAR = "\r\x1b[K"
"""Back to the line's start, and clear it (ECMA-48, EL)."""


class LiveLine:
    """Shows what is awaited, each time in place of the last; gone when it is closed.

    May be called from several threads.
    """

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self._width = width
        self._lock = Lock()
        self._closed = False

    def __enter__(self) -> LiveLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            self._write("")

    def __call__(self, text: str) -> None:
        """Show `text`, cut to the line: it says what is going on, and is no result."""
        shown = visible(text)
        if len(shown) >= self._width:
            shown = shown[: self._width - 2] + "…"
        with self._lock:
            if not self._closed:
                self._write(shown)

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a terminal that has gone: nobody misses the line
            self._stream.write(_CLEAR + text)
            self._stream.flush()
