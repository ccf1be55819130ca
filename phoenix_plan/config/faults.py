"""What is wrong with a config, or odd about it, collected.

Nobody likes to mend a file one error at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from phoenix_plan.documents import Fault, shown
from phoenix_plan.places import Path

_NOT_SHOWN = object()


@attrs.frozen(kw_only=True)
class Remark:
    """A notice in the making: its line is found when the config turns out to be valid."""

    code: str
    path: Path
    message: str


class Faults:
    """Faults in the order in which they were found."""

    def __init__(self, found: Iterable[Fault] = ()) -> None:
        self._found = list(found)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, path: Path, rule: str, *, hint: str = "", value: object = _NOT_SHOWN) -> None:
        """Record a fault at `path`; `value` is what stands there, left out where it is secret."""
        seen = None if value is _NOT_SHOWN else shown(value)
        self._found.append(Fault(path=path, rule=rule, hint=hint, value=seen))
