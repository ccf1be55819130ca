"""Each way of breaking a module, on the smallest code that has it."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.operators import mutants

_CHANGES: list[tuple[str, list[str]]] = [
    ("a < b", ["a <= b"]),
    ("a == b", ["a != b"]),
    ("a in b", ["a not in b"]),
    ("a and b", ["a", "b"]),
    ("a or b or c", ["b or c", "a or c", "a or b"]),
    ("not a", ["a"]),
    ("a | b", ["a", "b"]),
    ("a if b else c", ["a", "c"]),
    ("True", ["False"]),
    ("5", ["6"]),
    ("'word'", ["'XX'"]),
    ("f'{a}.sig'", ["'XX'"]),
    ("'words that a person reads'", []),
    ("f'about {a}'", []),
    ("f(a, b=c)", ["f(None, b=c)", "f(a)"]),
    ("int(a)", []),
    ("[a, b]", ["[b]", "[a]"]),
    ("{a: b}", ["{}"]),
    ("[a for a in b if c if d]", ["[a for a in b if d]", "[a for a in b if c]"]),
]


@pytest.mark.parametrize(("code", "expected"), _CHANGES, ids=[code for code, _ in _CHANGES])
def test_an_expression(code: str, expected: list[str]) -> None:
    """One change at a time, and the rest as it was."""
    changed = [_unparsed(one.tree) for one in mutants(f"x = {code}")]
    assert changed == [f"x = {one}" for one in expected]


_STATEMENTS: list[tuple[str, list[str]]] = [
    ("if a:\n    pass", ["if True:\n    pass", "if False:\n    pass"]),
    ("while a:\n    pass", ["while False:\n    pass"]),
    ("raise a", ["if False:\n    raise a"]),
    ("a.b = c", ["if False:\n    a.b = c"]),
    ("a += b", ["if False:\n    a += b"]),
    ("for a in b:\n    continue", ["for a in b:\n    pass"]),
    ("try:\n    a = b\nexcept C:\n    pass",
     ["try:\n    a = b\nexcept ZeroDivisionError:\n    pass"]),
    ("match a:\n    case B():\n        pass\n    case C():\n        pass",
     ["match a:\n    case C():\n        pass", "match a:\n    case B():\n        pass"]),
    ("match a:\n    case B() if c:\n        pass", ["match a:\n    case B():\n        pass"]),
    ("match a:\n    case B() | C():\n        pass",
     ["match a:\n    case B():\n        pass", "match a:\n    case C():\n        pass"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), _STATEMENTS, ids=[code for code, _ in _STATEMENTS])
def test_a_statement(code: str, expected: list[str]) -> None:
    """Likewise."""
    assert [_unparsed(one.tree) for one in mutants(code)] == expected


def test_what_nothing_runs_is_left_alone() -> None:
    """Imports, annotations, decorators, base classes, docstrings, what can't be."""
    source = '"""Doc."""\nimport a\n@b(1)\nclass C(d[1]):\n    """Doc."""\n    e: f[1]\n'
    source += "assert_never(a)\n"
    assert list(mutants(source)) == []


def test_a_mutant_says_where_it_is() -> None:
    """By its function, its lines, and what was changed."""
    source = "def f(a):\n    g(\n        a,\n    )\n"
    source += "class C:\n    b = 1\n    def h(self, i=2):\n        return 5\n"
    found = [(one.place, one.line, one.run, one.top, one.change) for one in mutants(source)]
    assert found == [
        ("f", 2, range(2, 5), 0, "`g(a)` is not run"),
        ("f", 2, range(2, 5), 0, "`g(a)` → `g(None)`"),
        ("C", 6, range(0), 1, "`1` → `2`"),
        ("C.h", 7, range(0), 1, "`2` → `3`"),
        ("C.h", 8, range(8, 9), 1, "`5` → `6`"),
    ]


def test_the_lines_of_a_condition_are_its_own() -> None:
    """What it guards is reached more seldom."""
    source = "def f():\n    if (a\n        and b):\n        pass"
    assert {one.run for one in mutants(source)} == {range(2, 4)}


def test_every_mutant_is_a_program() -> None:
    """Python takes each, and each is another than the source."""
    source = "def f(a):\n    if a and not a.b:\n        yield {'c': [a, 1]}\n    yield f'{a}/d'\n"
    found = [_unparsed(one.tree) for one in mutants(source)]
    assert len(found) > 10
    for one in found:
        compile(one, "mutant", "exec")
        assert one != _unparsed(ast.parse(source))


def _unparsed(tree: ast.Module) -> str:
    return ast.unparse(tree)
