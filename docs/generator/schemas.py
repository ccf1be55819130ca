"""The JSON Schemas of our documents, from the classes that the codec makes them of.

Only keywords that `phoenix_plan/shapes.py` knows: a valid document is then seen to be valid without
jsonschema. Every object is closed, and every field is described.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from docs.generator.fields import FIELDS, KEYS
from phoenix_plan.actions import ACTIONS, Action
from phoenix_plan.apply.history import History
from phoenix_plan.cli.answers import Demanded, Verified
from phoenix_plan.consent.approval import Approval
from phoenix_plan.consent.policy import Policy
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.plan import Plan

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DIGITS = {"type": "string", "pattern": "^[0-9]+$", "x-rule": "must be a string of digits"}
_DIGITS_OR_NONE = {**_DIGITS, "pattern": "^[0-9]*$"}

_PLAIN: dict[type, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}

_MOMENT: Schema = {
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    "x-rule": "must be a time in UTC, to the second, as in 2026-03-01T12:00:00Z",
}

_COUNT: Schema = {"minimum": 0}

_SPECIAL: dict[str, Schema] = {
    "approvers": _COUNT,
    "days": {"minItems": 1},
    "hours": {"minItems": 1},
    "most_destructive": _COUNT,
    "created": _MOMENT,
    "expires": _MOMENT,
    "format_version": {
        "pattern": "^1\\.(0|[1-9][0-9]*)$",
        "x-rule": "must be a version of this format: 1.0 or a newer minor one",
    },
    "taken_at": {
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|\+00:00)$",
        "x-rule": "must be a time in UTC, as in 2026-03-01T12:00:00Z",
    },
}
"""Fields of which more is known than their type."""

TITLES: dict[type, tuple[str, str]] = {
    Actual: ("state", "phoenix state"),
    Plan: ("plan", "phoenix plan"),
    Approval: ("approval", "phoenix approval"),
    Policy: ("policy", "phoenix policy"),
    History: ("history", "phoenix history"),
    Verified: ("verify", "phoenix verify"),
    Demanded: ("policy-check", "phoenix policy check"),
}


def document_schema(document: type) -> Schema:
    """The schema of a whole document; every class that it holds stands under `$defs` by its name,
    every kind of action by its tag."""
    name, title = TITLES[document]
    definitions: dict[str, Schema] = {}
    root = _object(document, definitions, required=("format_version",))
    return {
        "$schema": DIALECT,
        "$id": f"{name}.schema.json",
        "title": title,
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type, definitions: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    hints = typing.get_type_hints(kind)
    fields = attrs.fields(kind)
    needed = {field.name for field in fields if field.default is attrs.NOTHING} | set(required)
    return {
        "description": docstring(kind),
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields if field.name in needed],
        "properties": {
            field.name: _field(kind, field.name, hints[field.name], field, definitions)
            for field in fields
        },
    }


def _field(
    kind: type, name: str, hint: Any, field: attrs.Attribute[Any], definitions: dict[str, Schema]
) -> Schema:
    schema = _type(hint, definitions)
    if "$ref" in schema and field.default is attrs.NOTHING and type(None) in get_args(hint):
        # Written as null, which a reference has no room for: the object stands here itself.
        schema = dict(definitions[schema["$ref"].rpartition("/")[2]], type=["object", "null"])
    if hint is Guid and field.default is not attrs.NOTHING:
        schema = _DIGITS_OR_NONE
    return {**schema, "description": describe(kind, name), **_SPECIAL.get(name, {})}


def describe(kind: type, field: str) -> str:
    """What a field holds. Raises LookupError for one that nobody has described."""
    try:
        return FIELDS[kind.__name__][field]
    except KeyError:
        raise LookupError(f"{kind.__name__}.{field} is described nowhere") from None


def docstring(thing: object) -> str:
    """A docstring's first paragraph on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _type(hint: Any, definitions: dict[str, Schema]) -> Schema:
    if hint == Action:
        return _tagged(definitions)
    if hint in (Bytes, Guid):
        return dict(_DIGITS)
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple and arguments[1:] == (...,):
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin is tuple and len(set(arguments)) == 1:
        items = _type(arguments[0], definitions)
        return {
            "type": "array",
            "items": items,
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        values = _type(arguments[1], definitions)
        if get_origin(arguments[0]) is Literal:
            return {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    word: {**values, "description": KEYS[word]} for word in get_args(arguments[0])
                },
            }
        return {"type": "object", "additionalProperties": values}
    if origin in (types.UnionType, Union):
        return _optional(arguments, definitions)
    if attrs.has(hint):
        return _reference(hint, definitions)
    raise TypeError(f"no schema for {hint!r}")


def _optional(arguments: tuple[Any, ...], definitions: dict[str, Schema]) -> Schema:
    inner = [argument for argument in arguments if argument is not types.NoneType]
    if len(inner) != 1 or len(arguments) != 2:
        raise TypeError(f"no schema for a union of {arguments!r}")
    schema = _type(inner[0], definitions)
    # Where None is the default it is left out, so a reference needs no null.
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema


def _reference(kind: type, definitions: dict[str, Schema]) -> Schema:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # a vdev holds vdevs
        definitions[kind.__name__] = _object(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _tagged(definitions: dict[str, Schema]) -> Schema:
    """The union of actions: `type` is the branch's name, `arguments` what it is made of."""
    for tag, kind in ACTIONS.items():
        if tag not in definitions:
            definitions[tag] = {
                "description": docstring(kind),
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "arguments"],
                "properties": {
                    "type": {"description": "The kind of action.", "const": tag},
                    "arguments": _object(kind, definitions),
                },
            }
    return {"oneOf": [{"$ref": f"#/$defs/{tag}"} for tag in ACTIONS], "x-tag": "type"}
