"""Any document that our classes can hold, made from their types: for property tests."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from phoenix_plan.model.sizes import Bytes, Guid

BEYOND_DOUBLE = 1 << 53
"""From here on, a JSON number is no longer exact in many tools."""

_DEPTH = 2

_STAMPS = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2099, 1, 1),
).map(lambda at: at.isoformat(timespec="seconds") + "Z")

_NAMED: dict[str, st.SearchStrategy[Any]] = {
    "format_version": st.just("1.0"),
    "taken_at": _STAMPS,
}

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    bool: st.booleans(),
    int: st.integers(0, BEYOND_DOUBLE - 1),
    Bytes: st.integers(BEYOND_DOUBLE, (1 << 64) - 1),
    Guid: st.integers(0, (1 << 64) - 1).map(str),
}


def documents(kind: type) -> st.SearchStrategy[Any]:
    """Instances of one of our classes, whatever it holds."""
    return _of(kind, _DEPTH)


@functools.cache
def _of(hint: Any, depth: int) -> st.SearchStrategy[Any]:
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(_of(arguments[0], depth), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(_of(argument, depth) for argument in arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        keys = st.text(max_size=6) if arguments[0] is str else _of(arguments[0], depth)
        return st.dictionaries(keys, _of(arguments[1], depth), max_size=2)
    if origin in (types.UnionType, Union):
        return st.one_of(*(_of(argument, depth) for argument in arguments))
    if hint is types.NoneType:
        return st.none()
    return _class(hint, depth)


def _class(kind: type[attrs.AttrsInstance], depth: int) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in attrs.fields(kind):
        hint = hints[field.name]
        deeper = depth - 1 if _holds(hint, kind) else depth
        if deeper < 0:
            continue  # a vdev holds vdevs; the default holds none
        fields[field.name] = _NAMED[field.name] if field.name in _NAMED else _of(hint, deeper)
    return st.builds(kind, **fields)


def _holds(hint: Any, kind: type) -> bool:
    return hint is kind or any(_holds(argument, kind) for argument in get_args(hint))
