"""Documents whose every free text was written by an enemy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from tests.render.samples import HOSTILE

_T = TypeVar("_T")

# Fields that a schema closes: an enemy can't choose them.
_CLOSED = {
    "severity", "safety", "kind", "level", "state", "emptiness", "type", "vdev_class",
    "before", "after",
}  # fmt: skip


def poisoned(value: _T) -> _T:
    """The same document with HOSTILE at the end of every free text, at any depth."""
    changed: _T = _poisoned(value)
    return changed


def _poisoned(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return value if name in _CLOSED else value + HOSTILE
    if isinstance(value, tuple):
        return tuple(_poisoned(member, name) for member in value)
    if isinstance(value, Mapping):
        return {_poisoned(key): _poisoned(member) for key, member in value.items()}
    if attrs.has(type(value)):
        fields = {
            field.name: _poisoned(getattr(value, field.name), field.name)
            for field in attrs.fields(type(value))
        }
        return attrs.evolve(value, **fields)
    return value
