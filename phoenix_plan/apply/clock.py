"""A clock that may be set back while a run is on: what has expired stays expired."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

SLACK = timedelta(minutes=5)
"""How far two looks at a clock, or two clocks, may disagree."""


def steady(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """`now`, but never earlier than it was at first plus the time that has passed since
    (clock_gettime(2), CLOCK_MONOTONIC)."""
    first, since = now(), time.monotonic()

    def at() -> datetime:
        return max(now(), first + timedelta(seconds=time.monotonic() - since))

    return at
