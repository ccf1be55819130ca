"""State and plan documents from files: versions, strictness, and which of the two it is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan import codec, shapes
from phoenix_plan.documents import parse_document
from phoenix_plan.errors import DocumentError
from phoenix_plan.schema_check import load_schema
from phoenix_plan.stored import kind_of, load_plan, load_state
from tests.benchmarks.big_state import Scale, make
from tests.builders import actual, desired, disk, member, planned, pool, top, want_pool

STATE = actual(
    member("A", "tank"),
    disk("C"),
    pools=[pool("tank", top("mirror", "tank", "A", "B"))],
    directories={"/new": "absent"},
)
PLAN = planned(desired(want_pool("new", "stripe", "C")), STATE)


def changed(document: str, *path: str | int, to: object) -> str:
    """A document's text with one value changed, or added."""
    value = json.loads(document)
    at = value
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return json.dumps(value, indent=2)


def write(folder: Path, text: str, name: str = "it.json") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


STATE_TEXT = codec.state_to_json(STATE)
PLAN_TEXT = codec.plan_to_json(PLAN)


def test_a_state_and_a_plan_are_read_back(tmp_path: Path) -> None:
    """From a file, as they were."""
    assert load_state(write(tmp_path, STATE_TEXT)) == STATE
    assert load_plan(write(tmp_path, PLAN_TEXT)) == PLAN


def test_stdin_is_read_too() -> None:
    """As `-`."""
    assert load_state("-", stdin=io.BytesIO(STATE_TEXT.encode())) == STATE
    assert load_plan("-", stdin=io.BytesIO(PLAN_TEXT.encode())) == PLAN


def kind(text: str) -> str:
    return kind_of(parse_document(text.encode(), name="it.json", what="document"))


def test_the_two_are_told_apart() -> None:
    """By what is in them, not by their names."""
    assert kind(STATE_TEXT) == "state"
    assert kind(PLAN_TEXT) == "plan"


@pytest.mark.parametrize("text", ["{}", "[]", '{"zfs": {}}', '{"format_version": "1.0"}'])
def test_other_documents_are_neither(text: str) -> None:
    """A config, say."""
    with pytest.raises(DocumentError, match="is neither a state nor a plan"):
        kind(text)


def test_one_is_not_taken_for_the_other(tmp_path: Path) -> None:
    """And the message says what it is, not what it lacks."""
    with pytest.raises(DocumentError, match="is a plan document, wanted is a state"):
        load_state(write(tmp_path, PLAN_TEXT))
    with pytest.raises(DocumentError, match="is a state document, wanted is a plan"):
        load_plan(write(tmp_path, STATE_TEXT))


@pytest.mark.parametrize(
    ("expected", "version"),
    [
        ("is a state of format 2.0; this phoenix reads 1.x", "2.0"),
        ("is a state of format 10.4; this phoenix reads 1.x", "10.4"),
        ("is a state of format 0.9; this phoenix reads 1.x", "0.9"),
        ("must be a version of two numbers, such as 1.0", "1"),
        ("must be a version of two numbers, such as 1.0", "1.0.0"),
        ("must be a version of two numbers, such as 1.0", "01.0"),
        ("must be a version of two numbers, such as 1.0", "1.0\n"),
        ("must be a version of two numbers, such as 1.0", ""),
        ("must be a version of two numbers, such as 1.0", 1.0),
        ("must be a version of two numbers, such as 1.0", None),
    ],
)
def test_other_versions_are_refused(tmp_path: Path, expected: str, version: object) -> None:
    """Another major version, and what is no version at all."""
    path = write(tmp_path, changed(STATE_TEXT, "format_version", to=version))
    with pytest.raises(DocumentError) as caught:
        load_state(path)
    assert expected in str(caught.value)
    assert caught.value.exit_code == 65


def test_a_missing_version_is_refused(tmp_path: Path) -> None:
    """It is the first thing that a reader needs."""
    value = json.loads(STATE_TEXT)
    del value["format_version"]
    with pytest.raises(DocumentError, match="format_version: is missing"):
        load_state(write(tmp_path, json.dumps(value)))


NEW_FIELDS: list[tuple[str | int, ...]] = [
    ("colour",),
    ("host", "colour"),
    ("disks", 0, "colour"),
    ("disks", 0, "identity", "colour"),
    ("pools", 0, "vdevs", 0, "children", 0, "colour"),
    ("pools", 0, "properties", "autotrim", "colour"),
]


@pytest.mark.parametrize("path", NEW_FIELDS, ids=str)
def test_a_newer_minor_version_may_hold_more(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    """What a minor version adds can be left out of account."""
    text = changed(changed(STATE_TEXT, *path, to="red"), "format_version", to="1.7")
    assert load_state(write(tmp_path, text)) == STATE


@pytest.mark.parametrize("path", NEW_FIELDS, ids=str)
def test_our_own_version_may_not(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    """There, an unknown field is a mistake."""
    with pytest.raises(DocumentError, match="colour: is no key that is known here"):
        load_state(write(tmp_path, changed(STATE_TEXT, *path, to="red")))


def test_a_newer_plan_may_hold_more(tmp_path: Path) -> None:
    """In an action's arguments too."""
    text = changed(PLAN_TEXT, "actions", 0, "action", "arguments", "colour", to="red")
    assert load_plan(write(tmp_path, changed(text, "format_version", to="1.1"))) == PLAN


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_kind_of_action_that_is_not_known_is_refused(tmp_path: Path, version: str) -> None:
    """Of whatever version: nobody here knows what it would do."""
    text = changed(PLAN_TEXT, "actions", 0, "action", "type", to="melt-disk")
    path = write(tmp_path, changed(text, "format_version", to=version))
    with pytest.raises(DocumentError, match=r"actions\[0\]\.action\.type: must be one of "):
        load_plan(path)


@pytest.mark.parametrize(
    ("expected", "path", "to"),
    [
        ("disks[0].size: must be a string of digits", ("disks", 0, "size"), "1T"),
        ("disks[0].size: must be a string of digits", ("disks", 0, "size"), "-5"),
        ("disks[0].size: must be a string, not a number", ("disks", 0, "size"), 5),
        ("pools[0].guid: must be a string of digits", ("pools", 0, "guid"), "0xff"),
        ("disks[0].emptiness: must be one of ", ("disks", 0, "emptiness"), "probably"),
        ("taken_at: must be a time in UTC", ("taken_at",), "yesterday"),
        ("taken_at: must be a time in UTC", ("taken_at",), "2026-03-01T12:00:00+02:00"),
        ("datasets: must be an array, not null", ("datasets",), None),
    ],
)
def test_an_error_names_the_field(
    tmp_path: Path, expected: str, path: tuple[str | int, ...], to: object
) -> None:
    """With its line, before any of it is used."""
    with pytest.raises(DocumentError) as caught:
        load_state(write(tmp_path, changed(STATE_TEXT, *path, to=to)))
    assert expected in str(caught.value)
    assert caught.value.problems[0].line is not None


def test_an_error_in_an_action_names_a_field_of_its_kind(tmp_path: Path) -> None:
    """One branch of the union is looked at, and nothing is said about the others."""
    text = changed(PLAN_TEXT, "actions", 0, "action", "arguments", "ashift", to="12")
    with pytest.raises(DocumentError) as caught:
        load_plan(write(tmp_path, text))
    assert [problem.path for problem in caught.value.problems] == [
        "actions[0].action.arguments.ashift"
    ]


@pytest.mark.parametrize("name", ["state", "plan"])
def test_valid_documents_need_no_jsonschema(name: str) -> None:
    """The schemas use only what the quick check knows, so large documents are checked in time."""
    text = STATE_TEXT if name == "state" else PLAN_TEXT
    assert shapes.compiled(load_schema(name))(json.loads(text))


def test_the_quick_check_sees_every_fault_of_a_large_state() -> None:
    """A fault in any list of it, however many are right."""
    host = make(Scale(datasets=200, disks=40, storages=10))
    text = codec.state_to_json(host.actual)
    check = shapes.compiled(load_schema("state"))
    assert check(json.loads(text))
    faults: list[tuple[tuple[Any, ...], object]] = [
        (("datasets", 150, "guid"), 5),
        (("datasets", 150, "set", "atime"), None),
        (("disks", 30, "labels"), {}),
        (("storages", "storages", 9, "id"), 1),
    ]
    for path, to in faults:
        assert not check(json.loads(changed(text, *path, to=to))), path
