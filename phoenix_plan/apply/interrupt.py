"""Signals that ask to stop, while something is being changed: noted, never obeyed in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def noted(tell: Callable[[str], None]) -> Iterator[Callable[[], str]]:
    """While the block runs, signals that ask to stop are noted: what is yielded says which came
    first, empty where none did. `tell` is called with the name of each, from within its handler.

    A signal that is ignored (nohup(1)) stays ignored. Outside the main thread nothing can be noted.
    """
    seen: list[str] = []

    def note(number: int, _frame: FrameType | None) -> None:
        seen.append(signal.Signals(number).name)
        # A terminal that has gone is why there is a signal, and no reason to leave the middle.
        with suppress(OSError):
            tell(seen[-1])

    if threading.current_thread() is not threading.main_thread():
        yield lambda: ""
        return
    before = {}
    try:
        for number in ASKING:
            was = signal.getsignal(number)
            if was is not signal.SIG_IGN:
                before[number] = was
                signal.signal(number, note)
        yield lambda: seen[0] if seen else ""
    finally:
        for number, was in before.items():
            signal.signal(number, was if was is not None else signal.SIG_DFL)
