"""The config's schema: complete, self-contained, described, and told apart from nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from phoenix_plan.model.storage_types import SECRETS, STORAGE_TYPES
from phoenix_plan.schema_check import load_schema

ROOT = Path(__file__).parents[2]
SCHEMA = load_schema("config")


def keys(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a config may hold, with its schema."""
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}", part
        yield from keys(part, f"{path}.{name}")


def every_key() -> list[tuple[str, dict[str, Any]]]:
    found = list(keys(SCHEMA, "config"))
    for name, part in SCHEMA["$defs"].items():
        found += keys(part, name)
    return found


@pytest.mark.parametrize("part", [part for _, part in every_key()], ids=[n for n, _ in every_key()])
def test_each_key_is_described_and_exemplified(part: dict[str, Any]) -> None:
    """Each key has a description, and examples that its own schema accepts."""
    assert part["description"].endswith(".")
    assert part["examples"]
    checker = Draft202012Validator({**part, "$defs": SCHEMA["$defs"]}, registry=Registry())
    for example in part["examples"]:
        assert list(checker.iter_errors(example)) == []


def test_it_is_a_schema_that_needs_no_other() -> None:
    """Draft 2020-12, and every reference leads into the schema itself."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = set()

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                references.add(part["$ref"])
            for child in part.values():
                walk(child)
        elif isinstance(part, list):
            for child in part:
                walk(child)

    walk(SCHEMA)
    assert references == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


def test_every_object_of_ours_is_closed() -> None:
    """An unknown key is an error inside `zfs` and in a storage; elsewhere it is not ours."""
    closed = [SCHEMA["properties"]["zfs"], SCHEMA["properties"]["zfs"]["properties"]["settings"]]
    for part in (*closed, *SCHEMA["$defs"].values()):
        assert part["additionalProperties"] is False
    assert "additionalProperties" not in SCHEMA
    assert "additionalProperties" not in SCHEMA["properties"]["proxmox"]


def test_storages_have_the_keys_that_proxmox_has() -> None:
    """Every key of every type but the secrets, and our own four."""
    storage = SCHEMA["$defs"]["storage"]["properties"]
    known: set[str] = set()
    for kind in STORAGE_TYPES.values():
        known |= kind.fixed | kind.changeable
    assert known - SECRETS | {"id", "type", "protected", "ignore"} == storage.keys()
    assert storage["type"]["enum"] == list(STORAGE_TYPES)


@pytest.mark.parametrize("name", ["schemas", "phoenix_plan/schemas"])
def test_the_wheel_and_the_reader_see_the_same_documents(name: str) -> None:
    """One home for the schemas, visible at the top and as package data."""
    text = (ROOT / name / "config.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == SCHEMA
