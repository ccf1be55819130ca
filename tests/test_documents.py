"""Documents from outside: strict JSON, faults with their lines, schemas without a network."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from phoenix_plan import schema_check, shapes
from phoenix_plan.documents import (
    Document,
    Fault,
    parse_document,
    path_text,
    read_document,
    shown,
)
from phoenix_plan.errors import DocumentError, Problem
from phoenix_plan.places import MAX_DEPTH, lines


def refused(data: bytes) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        parse_document(data, name="x.json", what="plan")
    assert caught.value.exit_code == 65
    return caught.value.problems


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ((1, "", "is empty"), b""),
        ((1, "", "is empty"), b"\n \r\n\t"),
        ((1, "", "begins with a byte order mark"), b"\xef\xbb\xbf{}"),
        ((1, "", "is UTF-16"), '{"a": 1}'.encode("utf-16")),
        ((3, "", "byte 11 is no UTF-8"), b'{\n"a": 1,\n"\xff": 2}'),
        ((1, "", "is no UTF-8"), b'"\xed\xa0\x80"'),
        ((2, "", "is no JSON"), b'{"a": 1,\n"b" 2}'),
        ((2, "", "is no JSON"), b'{"a": 1}\n{"a": 1}'),
        ((2, "", "is no JSON"), b'{"a": 1}\nx'),
        ((1, "", "is no JSON"), b'{"a": 1'),
        ((1, "", "is no JSON"), b"{'a': 1}"),
        ((2, "", "is no JSON"), b'{\n// why\n"a": 1}'),
        ((1, "", "is no JSON"), b'{"a": "\n"}'),
        ((3, "a", "a second time"), b'{"a": 1,\n"b": 2,\n"a": 3}'),
        ((2, "a[1].b", "a second time"), b'{"a": [{"b": 1},\n{"b": 1, "b": 2}]}'),
        ((1, "", "is no number"), b"NaN"),
        ((2, "a.b", "is no number"), b'{"a":\n{"b": -Infinity}}'),
        ((2, "[1]", "is no number"), b"[1,\n1e999]"),
        ((2, "a", "too many digits"), b'{"b": 1,\n"a": ' + b"9" * 5000 + b"}"),
        ((2, "a", "half a surrogate pair"), b'{\n"a": "\\ud800"}'),
        ((1, '["\\udc00"]', "half a surrogate pair"), b'{"\\udc00": 1}'),
        ((2, "", "nests deeper"), b"\n" + b"[" * 65 + b"]" * 65),
        ((1, "", "nests deeper"), b"[" * 200_000 + b"]" * 200_000),
        ((1, "", "nests deeper"), b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    ],
    ids=lambda value: value[2] if isinstance(value, tuple) else "",
)
def test_what_is_no_strict_json(expected: tuple[int, str, str], data: bytes) -> None:
    """Each is refused with its line, and with its path where it has one."""
    line, path, words = expected
    [problem] = refused(data)
    assert (line, path) == (problem.line, problem.path)
    assert words in problem.rule


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("no comma stands behind the last entry", b'{"a": 1,}'),
        ("no comma stands behind the last entry", b"[1, 2,\n]"),
        ("JSON has no comments", b'{\n# why\n"a": 1}'),
        ("JSON strings stand in double quotes", b"{'a': 1}"),
        ("the file ends too early: was it cut?", b'{"a": [1, 2'),
        ("the document has ended before this", b"{} {}"),
        ("is a comma missing before it?", b'{"a": 1 "b": 2}'),
    ],
)
def test_hints_for_common_slips(expected: str, data: bytes) -> None:
    """What people get wrong in JSON is said in their words."""
    [problem] = refused(data)
    assert expected == problem.hint


def test_what_is_strict_json() -> None:
    """Depth up to the limit, long integers, escapes of whole characters, CRLF."""
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_document(deep, name="x", what="plan").text == deep.decode()
    text = b'{"a": 18446744073709551615,\r\n"b": "\\ud83d\\ude00", "c": 1.5, "d": null}'
    expected = {"a": 18446744073709551615, "b": "😀", "c": 1.5, "d": None}
    assert expected == parse_document(text, name="x", what="plan").value


def test_reading(tmp_path: Path) -> None:
    """A file or stdin, no larger than the limit; its digest is that of its bytes."""
    file = tmp_path / "a.json"
    file.write_bytes(b"{}")
    document = read_document(str(file), what="plan")
    assert document.name == str(file)
    assert document.digest == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert read_document("-", what="plan", stdin=io.BytesIO(b"{}"), limit=2).name == "stdin"
    with pytest.raises(DocumentError, match="larger than a plan may be"):
        read_document("-", what="plan", stdin=io.BytesIO(b"{} "), limit=2)
    for path in (tmp_path / "b.json", tmp_path, "\0"):
        with pytest.raises(DocumentError, match="can't be read"):
            read_document(str(path), what="plan")
    with pytest.raises(DocumentError, match="can't be read from stdin here"):
        read_document("-", what="plan")


TEXT = """{
  "a": 1, "b": [
    10,
    {"c": {}, "d e": [
      [], "x\\"]",
      true]}
  ],
  "f":
    "last"
}"""


@pytest.mark.parametrize(
    ("expected", "path"),
    [
        (1, ()),
        (2, ("a",)),
        (2, ("b",)),
        (3, ("b", 0)),
        (4, ("b", 1)),
        (4, ("b", 1, "c")),
        (4, ("b", 1, "d e")),
        (5, ("b", 1, "d e", 0)),
        (5, ("b", 1, "d e", 1)),
        (6, ("b", 1, "d e", 2)),
        (8, ("f",)),
        (1, ("nowhere", "at", "all")),
        (4, ("b", 1, "missing")),
        (2, ("b", 7)),
        (2, ("a", "below a number")),
    ],
)
def test_lines(expected: int, path: tuple[str | int, ...]) -> None:
    """The line of the key or of the array's entry; of what is missing, its parent's."""
    assert lines(TEXT, [path]) == {path: expected}


@given(
    st.recursive(
        st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=20,
    )
)
@settings(max_examples=100, deadline=None)
def test_lines_of_any_document(value: Any) -> None:
    """With one value a line, the lines of all paths are those of their values in order."""
    paths: list[tuple[str | int, ...]] = []
    rows: list[str] = []

    def write(value: Any, path: tuple[str | int, ...], key: str, end: str) -> None:
        paths.append(path)
        if isinstance(value, dict | list):
            members = value.items() if isinstance(value, dict) else enumerate(value)
            signs = "{}" if isinstance(value, dict) else "[]"
            rows.append(key + signs[0])
            for index, (step, child) in enumerate(members):
                name = json.dumps(step) + ":" if isinstance(value, dict) else ""
                write(child, (*path, step), name, "" if index == len(value) - 1 else ",")
            rows[-1] += signs[1] + end
        else:
            rows.append(key + json.dumps(value) + end)

    write(value, (), "", "")
    expected = {path: line for line, path in enumerate(paths, 1)}
    assert expected == lines("\n".join(rows), paths)


def test_paths_and_values_are_safe_to_print() -> None:
    """What a terminal would act on is escaped; long values are cut; containers are not shown."""
    assert path_text(("zfs", "pools", 0, "disks", 1)) == "zfs.pools[0].disks[1]"
    assert path_text(("a b", "\x1b[2J", "ü")) == '["a b"]["\\u001b[2J"]["ü"]'
    assert shown("\x9b2J\u202e") == '"\\x9b2J\\u202e"'
    assert shown("x" * 500) == '"' + "x" * 119 + "…"
    assert shown({"password": "x"}) is None
    assert shown(["x"]) is None
    assert [shown(True), shown(None), shown(1.5)] == ["true", "null", "1.5"]


def test_problems_stand_in_the_files_order() -> None:
    """However they were found."""
    document = parse_document(b'{"a": 1,\n"b": 2,\n"c": 3}', name="x.json", what="plan")
    faults = [Fault(path=(key,), rule=f"rule {key}") for key in "cab"]
    with pytest.raises(DocumentError) as caught:
        document.refuse(faults, what="plan")
    assert caught.value.message.splitlines() == [
        "x.json is no valid plan: 3 problems",
        "  x.json:1: a: rule a",
        "  x.json:2: b: rule b",
        "  x.json:3: c: rule c",
    ]


TAGGED: dict[str, Any] = {
    "type": "object",
    "required": ["actions"],
    "additionalProperties": False,
    "properties": {
        "actions": {
            "type": "array",
            "items": {
                "oneOf": [{"$ref": "#/$defs/wipe"}, {"$ref": "#/$defs/create"}],
                "x-tag": "type",
            },
        },
        "id": {"type": "string", "pattern": "^[0-9]+$", "x-rule": "must be digits"},
        "tree": {"$ref": "#/$defs/tree"},
    },
    "$defs": {
        "wipe": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "disk"],
            "properties": {"type": {"const": "wipe"}, "disk": {"type": "string"}},
        },
        "create": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "size"],
            "properties": {
                "type": {"const": "create"},
                "size": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
                "force": {"const": False},
                "words": {"type": "object", "minProperties": 1, "additionalProperties": {
                    "enum": ["a", "b"]}},
            },
        },
        "tree": {
            "type": "object",
            "properties": {"children": {"type": "array", "maxItems": 2, "items": {
                "$ref": "#/$defs/tree"}}, "name": {"type": "string", "minLength": 1,
                "maxLength": 3}},
        },
    },
}  # fmt: skip


@pytest.fixture
def tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema with a tagged union, under the name `tagged`."""
    plain = schema_check.load_schema
    monkeypatch.setattr(
        schema_check, "load_schema", lambda name: TAGGED if name == "tagged" else plain(name)
    )
    schema_check._shape.cache_clear()


def faults(value: object) -> list[tuple[str, str]]:
    document = Document(name="x", text=json.dumps(value), value=value, digest="")
    return [(path_text(one.path), one.rule) for one in schema_check.check(document, "tagged")]


@pytest.mark.usefixtures("tagged")
@pytest.mark.parametrize(
    ("expected", "actions"),
    [
        ([], [{"type": "wipe", "disk": "a"}, {"type": "create", "size": None}]),
        ([("actions[0].disk", "is missing")], [{"type": "wipe"}]),
        ([("actions[0].disk", "must be a string, not a number")], [{"type": "wipe", "disk": 1}]),
        ([("actions[0].size", "is no key that is known here")],
            [{"type": "wipe", "disk": "a", "size": 1}]),
        ([("actions[1].type", "must be one of wipe, create; did you mean wipe?")],
            [{"type": "wipe", "disk": "a"}, {"type": "wip", "disk": "a"}]),
        ([("actions[0].type", "is missing")], [{"disk": "a"}]),
        ([("actions[0].size", "must be 9 or less")], [{"type": "create", "size": 10}]),
        ([("actions[0].force", "must be False")], [{"type": "create", "size": 1, "force": True}]),
    ],
)  # fmt: skip
def test_tagged_unions_are_looked_up(expected: list[tuple[str, str]], actions: object) -> None:
    """An error names a field of the branch that the tag names, and no other branch."""
    assert expected == faults({"actions": actions})


@pytest.mark.usefixtures("tagged")
def test_a_patterns_end_is_the_end() -> None:
    """ECMA-262's `$`, unlike Python's, does not match before a last line end."""
    assert faults({"actions": [], "id": "12"}) == []
    assert faults({"actions": [], "id": "12\n"}) == [("id", "must be digits")]


KEYS = ["type", "disk", "size", "force", "words", "actions", "id", "tree", "children", "name"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 12)
    | st.sampled_from([1.0, 1.5, "", "a", "b", "wipe", "create", "12", "abcd"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, "a"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(VALUES, VALUES, st.lists(VALUES, max_size=2))
@settings(max_examples=400, deadline=None)
def test_shapes_agree_with_jsonschema(tree: Any, words: Any, actions: list[Any]) -> None:
    """The quick check says valid exactly where jsonschema does."""
    quick = shapes.compiled(TAGGED)
    slow = Draft202012Validator(TAGGED)
    action = {"type": "create", "size": 1, "words": words}
    for value in (
        tree,
        {"actions": actions},
        {"actions": [action], "tree": tree},
        {"actions": [{"type": "wipe", "disk": words}], "id": words},
    ):
        assert slow.is_valid(value) == quick(value)


def test_what_shapes_does_not_know_is_left_to_jsonschema() -> None:
    """A keyword that the quick check does not know makes nothing valid."""
    schemas: tuple[dict[str, Any], ...] = (
        {"type": "string", "format": "uri"},
        {"properties": {"a": {"not": {}}}},
        {"oneOf": [{"type": "string"}]},
        {"enum": ["a", 1]},
        {"$ref": "https://example.org/schema"},
        {"items": False},
    )
    for schema in schemas:
        assert not shapes.compiled(schema)("a")


def test_valid_documents_load_no_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    """jsonschema explains what is wrong; a valid config does without."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "jsonschema"]:
        monkeypatch.setitem(sys.modules, name, None)  # an import of it raises
    schema_check._validator_class.cache_clear()
    root = Path(__file__).parents[1]
    path = root / "fixtures" / "configs" / "phoenix_hypervisor_config.json"
    assert schema_check.load(str(path), schema="config").name == str(path)


def test_no_reference_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that leads outside fails; nothing opens a connection."""
    outside = {"$ref": "https://example.org/schema"}
    monkeypatch.setattr(schema_check, "load_schema", lambda _name: outside)

    def fetch(*_arguments: object, **_options: object) -> None:
        pytest.fail("something was fetched")

    monkeypatch.setattr("urllib.request.urlopen", fetch)
    schema_check._shape.cache_clear()
    document = parse_document(b"{}", name="x", what="plan")
    with pytest.raises(Exception, match=r"Unresolvable|PointerToNowhere"):
        schema_check.check(document, "outside")
