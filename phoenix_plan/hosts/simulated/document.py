"""Between a JSON document that people write and the classes of a simulated world: strict both ways.

A table says of each class which JSON stands for each field. Reading names the field that is wrong;
what equals its default is not written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

_SIZE = re.compile(r"(\d+)([KMGTP]?)")
_UNITS = "KMGTP"


class BadDocument(ValueError):
    """A field of the document is wrong; the message starts with its place."""


@attrs.frozen
class Codec:
    """How one kind of value is read from JSON (value, place) and written back."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any]


Table = Mapping[str, Codec]
"""By a field's name. `vdev_class` stands in documents as `class`."""

_NAMES = {"vdev_class": "class"}


def _wrong(place: str, value: object, wanted: str) -> BadDocument:
    return BadDocument(f"{place}: {value!r:.80} is no {wanted}")


def _of_type(kind: type, wanted: str) -> Callable[[Any, str], Any]:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _wrong(place, value, wanted)
        return value

    return read


def _same(value: Any) -> Any:
    return value


TEXT = Codec(_of_type(str, "text"), _same)
FLAG = Codec(_of_type(bool, "true or false"), _same)
NUMBER = Codec(_of_type(int, "number"), _same)


def _read_size(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _wrong(place, value, "size: a number of bytes, or as in 8G")
    return int(match[1]) << 10 * (_UNITS.find(match[2]) + 1 if match[2] else 0)


def _write_size(size: int) -> int | str:
    for power in range(len(_UNITS), 0, -1):
        if size and size % (1 << 10 * power) == 0:
            return f"{size >> 10 * power}{_UNITS[power - 1]}"
    return size


SIZE = Codec(_read_size, _write_size)


def _read_guid(value: Any, place: str) -> str:
    if not isinstance(value, str) or not (value == "" or (value.isascii() and value.isdigit())):
        raise _wrong(place, value, "GUID: digits, as text")
    return value


GUID = Codec(_read_guid, _same)


def _read_lines(value: Any, place: str) -> str:
    if isinstance(value, list):
        lines = [TEXT.read(line, f"{place}[{at}]") for at, line in enumerate(value)]
        return "".join(f"{line}\n" for line in lines)
    read: str = TEXT.read(value, place)
    return read


def _write_lines(text: str) -> str | list[str]:
    return text[:-1].split("\n") if text.endswith("\n") and text != "\n" else text


LINES = Codec(_read_lines, _write_lines)
"""The text of a file: a list of its lines, or one text where its last line has no end."""


def choice(*words: str) -> Codec:
    """One of these words."""

    def read(value: Any, place: str) -> Any:
        if value not in words:
            raise _wrong(place, value, f"word of {', '.join(word or '(empty)' for word in words)}")
        return value

    return Codec(read, _same)


def optional(codec: Codec) -> Codec:
    """null, or what the codec says."""
    return Codec(
        lambda value, place: None if value is None else codec.read(value, place),
        lambda value: None if value is None else codec.write(value),
    )


def list_of(codec: Codec) -> Codec:
    """A list."""

    def read(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(place, value, "list")
        return [codec.read(one, f"{place}[{at}]") for at, one in enumerate(value)]

    return Codec(read, lambda values: [codec.write(value) for value in values])


def map_of(codec: Codec, *, name: str = "") -> Codec:
    """An object with values of one kind. `name` is the field that takes the key."""

    def read(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(place, value, "object")
        found = {key: codec.read(one, f"{place}.{key}") for key, one in value.items()}
        for key, one in found.items() if name else ():
            setattr(one, name, key)
        return found

    return Codec(read, lambda values: {key: codec.write(one) for key, one in values.items()})


def record(kind: type, table: Callable[[], Table]) -> Codec:
    """An object with the fields of a class. The table is looked up when it is needed."""

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(place, value, "object")
        fields: dict[str, Any] = {}
        known = {_NAMES.get(field, field): field for field in table()}
        for key, one in value.items():
            if key not in known:
                raise BadDocument(f"{place}.{key}: no such field; known are {', '.join(known)}")
            fields[known[key]] = table()[known[key]].read(one, f"{place}.{key}")
        for field in attrs.fields(kind):
            if field.default is attrs.NOTHING and field.name not in fields:
                raise BadDocument(f"{place}: lacks {_NAMES.get(field.name, field.name)!r}")
        return kind(**fields)

    def write(value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in attrs.fields(kind):
            one = getattr(value, field.name)
            if field.name in table() and one != _default(field):
                found[_NAMES.get(field.name, field.name)] = table()[field.name].write(one)
        return found

    return Codec(read, write)


def _default(field: Any) -> Any:
    made = getattr(field.default, "factory", None)
    return field.default if made is None else made()


def load_json(text: str) -> Any:
    """The value of a JSON text. Raises BadDocument with the line, also for a key that is twice."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise BadDocument(f"line {error.lineno}: {error.msg}") from error
    except BadDocument:
        raise
    except (ValueError, RecursionError) as error:
        raise BadDocument(f"no JSON that can be read: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadDocument(f"{twice!r} is there twice in one object")
    return found


def dump_json(value: Any, indent: str = "") -> str:
    """JSON as a person would write it: what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    inner = indent + "  "
    if len(flat) + len(indent) <= 96 or not isinstance(value, dict | list) or not value:
        return flat
    if isinstance(value, dict):
        rows = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {dump_json(one, inner)}"
            for key, one in value.items()
        ]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{dump_json(one, inner)}" for one in value) + f"\n{indent}]"
