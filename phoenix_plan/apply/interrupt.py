"""Signals that ask to stop, while something is being changed: noted, never obeyed in the middle,
unless somebody insists."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from phoenix_plan.errors import HostError

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

INSISTING = (signal.SIGINT, signal.SIGTERM)
"""A terminal that goes away sends SIGHUP more than once, its shell does too: nobody insists."""

INSISTS_AFTER_S = 1.0
"""Seconds after the first signal from which on another one is no key that was held down."""


class CutShortError(HostError):
    """A second signal came while a command ran: it was ended, and nobody can say what it did."""


class Signals:
    """What has come so far. Calling it says which signal came first, empty where none did."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._first = ""
        self._since = 0.0
        self._insists = ""
        self._running = False

    def __call__(self) -> str:
        return self._first

    @contextmanager
    def running(self) -> Iterator[None]:
        """A command runs: who insists meanwhile has it cut short. Raises CutShortError."""
        self._running = True
        try:
            if self._insists:
                raise self._cut()
            yield
        finally:
            self._running = False

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The handler of a signal."""
        name = signal.Signals(number).name
        now = time.monotonic()
        if not self._first:
            self._first, self._since = name, now
            self._say(
                f"{name}: stopping after the action that is under way. Again, after a second: "
                "stopping in its middle"
            )
        elif number in INSISTING and now - self._since >= INSISTS_AFTER_S and not self._insists:
            self._insists = name
            self._say(f"{name} again: stopping now, in the middle of what is under way")
            if self._running:
                raise self._cut()

    def _say(self, text: str) -> None:
        # A terminal that has gone is why there is a signal, and no reason to leave the middle.
        with suppress(OSError):
            self._tell(text)

    def _cut(self) -> CutShortError:
        return CutShortError(f"it was cut short by a second signal ({self._insists})")


@contextmanager
def noted(tell: Callable[[str], None]) -> Iterator[Signals]:
    """While the block runs, signals that ask to stop are noted. `tell` is called with what is to be
    said of them, from within a handler.

    A signal that is ignored (nohup(1)) stays ignored. Outside the main thread nothing can be noted.
    """
    signals = Signals(tell)
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {}
    try:
        for number in ASKING:
            was = signal.getsignal(number)
            if was is not signal.SIG_IGN:
                before[number] = was
                signal.signal(number, signals.note)
        yield signals
    finally:
        for number, was in before.items():
            signal.signal(number, was if was is not None else signal.SIG_DFL)
