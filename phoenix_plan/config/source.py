"""The config as it was read, with what the schema found wrong already known.

What crosses fields is checked even where the schema complained elsewhere, so that all errors of a
file are reported together: an entry with a fault of its own is left out, but its name still
counts, or the entries that refer to it would be blamed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from phoenix_plan.documents import Fault
from phoenix_plan.places import Path


@attrs.frozen(kw_only=True)
class Entry:
    """One entry of a list: `raw` as the schema describes it."""

    raw: dict[str, Any]
    path: Path


class Source:
    """The raw config, and which of its parts can be built on."""

    def __init__(self, value: object, faults: Iterable[Fault]) -> None:
        self._value = value
        self._refused = {fault.path for fault in faults}
        self._broken = {path[:length] for path in self._refused for length in range(len(path) + 1)}

    def get(self, *path: str) -> Any:
        """What stands at a path, None where nothing does, or where the schema refused it."""
        if self.is_refused(*path):
            return None
        value = self._value
        for step in path:
            if not isinstance(value, dict) or step not in value:
                return None
            value = value[step]
        return value

    def is_refused(self, *path: str) -> bool:
        """Whether the schema refused what stands at a path, as a whole."""
        return path in self._refused

    def entries(self, *path: str) -> Iterator[Entry]:
        """The entries of a list that the schema found nothing wrong with."""
        listed = self.get(*path)
        if not isinstance(listed, list):
            return
        for index, raw in enumerate(listed):
            place: Path = (*path, index)
            if place not in self._broken:
                yield Entry(raw=raw, path=place)

    def names(self, *path: str) -> Iterator[str]:
        """The names of all entries of a list, whatever else is wrong with them."""
        listed = self.get(*path)
        for raw in listed if isinstance(listed, list) else ():
            if isinstance(raw, dict) and isinstance(raw.get("name"), str):
                yield raw["name"]

    def texts(self, *path: str) -> Iterator[tuple[str, str]]:
        """The members of an object of strings that the schema found nothing wrong with."""
        members = self.get(*path)
        for key, value in members.items() if isinstance(members, dict) else ():
            if isinstance(value, str) and (*path, key) not in self._broken:
                yield key, value
