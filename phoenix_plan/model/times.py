"""Moments and durations as our documents write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from phoenix_plan.errors import UsageError

LONGEST = timedelta(days=366)

_DURATION = re.compile(r"([1-9][0-9]{0,9})([mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """`30m`, `24h`, `7d`, `2w`. Raises UsageError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no duration", hint="As in 30m, 24h, 7d or 2w.")
    try:
        found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        found = timedelta.max
    if found > LONGEST:
        raise UsageError(f"{text} is too long: a year at most")
    return found


def timestamp(moment: datetime) -> str:
    """A moment as documents have it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """A moment of a document. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def is_moment(text: str) -> bool:
    """Whether `parse_timestamp` takes it: a pattern lets the 30th of February pass."""
    try:
        parse_timestamp(text)
    except ValueError:
        return False
    return True
