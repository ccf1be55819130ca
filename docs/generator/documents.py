"""The pages about documents, from their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from docs.generator.markdown import code, page, table

Schema = dict[str, Any]


def config_page(schema: Schema) -> str:
    """Every key of the config: what it is, and an example."""
    intro = (
        "A JSON file. By default `$PHOENIX_CONFIG`, else `./phoenix_hypervisor_config.json`. "
        "`phoenix validate` checks it, `phoenix schema config` prints its schema. An unknown key "
        "inside what belongs to this program is an error that names the nearest known one."
    )
    sections = [intro, schema["description"], *_keys(schema, schema, "")]
    return page("Config", *sections)


def _keys(schema: Schema, root: Schema, path: str) -> Iterator[str]:
    rows: list[tuple[str, str, str]] = []
    below: list[tuple[str, Schema]] = []
    required = schema.get("required", ())
    for name, raw in schema.get("properties", {}).items():
        part = _resolved(raw, root)
        needed = " Required." if name in required else ""
        example = raw.get("examples", part.get("examples", [None]))[0]
        inner = _inner(part, root)
        shown = "" if inner or example is None else code(json.dumps(example, ensure_ascii=False))
        about = raw.get("description", part.get("description", ""))
        rows.append((code(name), about + needed, shown))
        if inner:
            mark = "[]" if part.get("type") == "array" else ""
            below.append((f"{path}{name}{mark}", inner))
    if rows:
        if path:
            yield f"## {path.rstrip('.')}"
        yield table(("key", "what it is", "example"), rows)
    for name, inner in below:
        yield from _keys(inner, root, f"{name}.")


def _resolved(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}


def _inner(schema: Schema, root: Schema) -> Schema | None:
    """The object that a key holds, or holds a list of, where its keys are known."""
    if "items" in schema:
        schema = _resolved(schema["items"], root)
    return schema if schema.get("properties") else None


_LENIENT = (
    "Readers take a newer minor version and leave out of account what they don't know; a newer "
    "major version is refused."
)
STRICT = (
    "A newer minor version is read as long as it says nothing that is not known here: what a rule "
    "forbids is never left out of account. Everything is refused by a host whose policy can't be "
    "understood in full."
)


_STORED = (
    "A field that holds its default (nothing, 0, false, null) is left out. Sizes are bytes, and "
    "sizes and GUIDs are strings of digits: JSON numbers of 64 bits break in other tools."
)
ANSWERED = (
    "Every field is always there, but for those that are called optional. A newer minor version "
    "may have more fields; in a newer major version, one that is here may be gone, or mean "
    "something else."
)


def document_page(schema: Schema, title: str, written_by: str, newer: str = _LENIENT) -> str:
    """A document of ours: a section for each kind of object that it holds. `newer` says what
    becomes of a newer version."""
    return _document_page(schema, title, written_by, f"{_STORED} {newer}")


def answer_page(schema: Schema, title: str, written_by: str) -> str:
    """What a command answers to a program, and no command reads, likewise."""
    return _document_page(schema, title, written_by, ANSWERED)


def _document_page(schema: Schema, title: str, written_by: str, about: str) -> str:
    name = schema["$id"].removesuffix(".schema.json")
    intro = (
        f"{schema['description']} Written by {written_by}; `phoenix schema {name}` prints its "
        f"JSON Schema. {about}"
    )
    parts = [intro, _fields(schema)]
    tagged = []
    for key, part in schema["$defs"].items():
        if "const" in part["properties"].get("type", {}):
            tagged.append(key)
            continue
        parts += [f"## {key}", part["description"], _fields(part)]
    if tagged:
        parts += [
            "## Kinds of action",
            "An action is its `type` and its `arguments`, which [actions](actions.md) lists: "
            + ", ".join(f"[`{tag}`](actions.md#{tag})" for tag in tagged)
            + ".",
        ]
    return page(title, *parts)


def journal_page(schema: Schema) -> str:
    """The lines of a journal, by their event."""
    intro = (
        f"{schema['description']} `phoenix schema journal` prints its JSON Schema. `local` keeps "
        "it below /var/lib/phoenix, `sim:FILE` below FILE.phoenix."
    )
    tags = [branch["$ref"].rpartition("/")[2] for branch in schema["oneOf"]]
    others = [name for name in schema["$defs"] if name not in tags]
    parts = [intro]
    for name in (*tags, *others):
        part = schema["$defs"][name]
        parts += [f"## {name}", part["description"], _fields(part)]
    return page("The journal", *parts)


def _fields(schema: Schema) -> str:
    required = schema.get("required", ())
    return table(
        ("field", "holds", "what it is"),
        [
            (code(name) + ("" if name in required else " (optional)"), _kind(part), _about(part))
            for name, part in schema["properties"].items()
        ],
    )


def _about(schema: Schema) -> str:
    described: str = schema.get("description", "")
    words = ", ".join(code(word) for word in schema.get("enum", ()))
    return f"{described} One of {words}." if words else described


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "x-tag" in schema:
        return "[an action](#kinds-of-action)"
    if schema.get("pattern", "").startswith("^[0-9]") and "digits" in schema.get("x-rule", ""):
        return "digits"
    kind = schema.get("type", "string")
    if kind == "object" and "additionalProperties" not in schema:
        return "object"
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    if kind == "object" and schema["additionalProperties"]:
        return f"map to {_kind(schema['additionalProperties'])}"
    return " or ".join([kind] if isinstance(kind, str) else kind)
