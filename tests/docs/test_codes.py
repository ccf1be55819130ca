"""Codes: every one that the source uses is registered, and every one that is registered is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import phoenix_plan
from phoenix_plan.model.codes import CODES, SUBJECTS

PACKAGE = Path(phoenix_plan.__file__).parent

VERDICTS = frozenset({"_safe", "_destructive"})
"""Functions of safety.py whose first argument is a code."""

CONSTRUCTORS = frozenset({"Unmet", "Finding", "Remark", "Notice"})
"""Classes that carry a code, as `code=`."""

ORDER = ("note", "warning", "error")


def used(source: str) -> Iterator[tuple[str, str | None]]:
    """Each code in a module, with the severity or kind that stands beside it, where it does."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if name in VERDICTS:
            yield from ((word, "reason") for word in words(node.args[0]))
        elif name in CONSTRUCTORS and "code" in keywords:
            beside = "error" if name == "Unmet" else None
            severity = keywords.get("severity")
            if isinstance(severity, ast.Constant):
                beside = str(severity.value)
            yield from ((word, beside) for word in words(keywords["code"]))


def words(node: ast.expr) -> Iterator[str]:
    """The strings that an expression can be; one that is looked up elsewhere gives none."""
    match node:
        case ast.Constant(value=str(word)):
            yield word
        case ast.IfExp(body=body, orelse=orelse):
            yield from words(body)
            yield from words(orelse)
        case _:
            pass


def everywhere() -> list[tuple[str, str | None]]:
    return [
        found for path in PACKAGE.rglob("*.py") for found in used(path.read_text(encoding="utf-8"))
    ]


def test_every_code_in_the_source_is_registered() -> None:
    """So `phoenix explain` knows each that a plan can show."""
    assert {word for word, _ in everywhere()} - CODES.keys() == set()


def test_every_registered_code_is_used() -> None:
    """A code that nothing says any more is removed."""
    assert CODES.keys() - {word for word, _ in everywhere()} == set()


def test_a_code_is_registered_as_the_gravest_that_it_turns_up_as() -> None:
    """A reason as a reason, an error as an error."""
    found: dict[str, set[str]] = {}
    for word, beside in everywhere():
        if beside is not None:
            found.setdefault(word, set()).add(beside)
    for word, kinds in found.items():
        gravest = "reason" if "reason" in kinds else max(kinds, key=ORDER.index)
        assert CODES[word].kind == gravest, word


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        ([("a", "error")], "Unmet(code='a', message='m')"),
        ([("a", "note")], "Finding(severity='note', code='a')"),
        ([("a", None), ("b", None)], "Finding(severity=s, code='a' if x == 'y' else 'b')"),
        ([("a", "reason")], "_safe('a', 'because')"),
        ([("a", None)], "Remark(code='a', path=())"),
        ([], "Finding(severity='error', code=problem.code)"),
    ],
)
def test_codes_are_found(expected: list[tuple[str, str | None]], source: str) -> None:
    """However they are written."""
    assert expected == list(used(source))


def test_no_code_is_registered_twice() -> None:
    """Under two subjects."""
    assert sum(len(codes) for codes in SUBJECTS.values()) == len(CODES)


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_code_says_what_why_and_what_to_do(name: str) -> None:
    """In whole sentences."""
    one = CODES[name]
    for text in (one.means, one.why, one.do):
        assert len(text) > 15
        assert text.endswith(".")
        assert "  " not in text
