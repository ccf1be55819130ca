"""What a mutant is: a module with one thing broken that somebody wrote on purpose.

A condition is forced or loses a clause, a comparison turns, an operand, an element, a case or a
handler goes, an argument is None, a statement is not run, a literal is another. What only a person
reads (text with a blank) stays as it is; so do annotations, decorators, base classes and imports.
"""

from __future__ import annotations

import ast
import builtins
import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_LEFT_ALONE = frozenset({"annotation", "returns", "decorator_list", "bases", "patterns", "subject"})
_TYPES = frozenset({"Literal", "Callable", "Mapping"})
_RAISE_FOR_NONE = frozenset(dir(builtins)) | {"suppress", "field", "compile"}
"""Whoever calls these with None sees it at once, and so does mypy."""


@attrs.frozen
class Mutant:
    """`place` is the function or class that it is in, empty at the module's level; `run` are the
    lines of the statement that was changed, empty outside of a function; `top` is the number of the
    module's statement that holds it. `tree` is the whole module, until the next mutant is asked
    for."""

    place: str
    line: int
    run: range
    top: int
    change: str
    tree: ast.Module


@attrs.frozen
class _Place:
    """A node, what puts another in its stead, and where it stands."""

    node: ast.AST
    put: Callable[[Any], None]
    name: str
    statement: ast.stmt
    in_function: bool

    @property
    def run(self) -> range:
        """The lines of its statement, without what that holds; none outside of a function."""
        first = self.statement.lineno
        return range(first, _last(self.statement) + 1) if self.in_function else range(0)


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(source)
    for top, statement in enumerate(tree.body):
        for place in _places(statement, partial(tree.body.__setitem__, top)):
            for new in _instead(place.node):
                place.put(ast.fix_missing_locations(ast.copy_location(new, place.node)))
                change = _change(place.node, new)
                yield Mutant(place.name, place.statement.lineno, place.run, top, change, tree)
                place.put(place.node)


def _last(statement: ast.stmt) -> int:
    """The last line of a statement's own, without what it holds."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    first = body[0] if body else None
    if isinstance(first, ast.match_case):
        return first.pattern.lineno
    return statement.end_lineno or 0 if first is None else max(statement.lineno, first.lineno - 1)


def _places(
    node: ast.AST,
    put: Callable[[Any], None],
    name: str = "",
    statement: ast.stmt | None = None,
    in_function: bool = False,
) -> Iterator[_Place]:
    if isinstance(node, ast.Import | ast.ImportFrom) or _is_said(node):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        name = f"{name}.{node.name}".lstrip(".")
    statement = node if isinstance(node, ast.stmt) else statement
    if statement is not None:
        yield _Place(node, put, name, statement, in_function)
    for field, value in () if isinstance(node, ast.JoinedStr) else ast.iter_fields(node):
        if field in _LEFT_ALONE or (field == "slice" and _is_type(node)):
            continue
        inside = in_function or (isinstance(node, ast.FunctionDef) and field == "body")
        if isinstance(value, ast.AST):
            into = partial(setattr, node, field)
            yield from _places(value, into, name, statement, inside)
        for at, one in enumerate(value) if isinstance(value, list) else ():
            if isinstance(one, ast.AST):
                into = partial(value.__setitem__, at)
                yield from _places(one, into, name, statement, inside)


def _is_said(node: ast.AST) -> bool:
    """A docstring, or what mypy has proved that it is never run."""
    return isinstance(node, ast.Expr) and (
        isinstance(node.value, ast.Constant) or ast.unparse(node).startswith("assert_never(")
    )


def _is_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) in _TYPES


def _is_words(node: ast.AST | None) -> bool:
    """What only a person reads."""
    if isinstance(node, ast.JoinedStr):
        return any(map(_is_words, node.values))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _each_without(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """The node without one of the members of a list."""
    members = getattr(node, field)
    for at, one in enumerate(members):
        if not _is_words(one):
            yield _with(node, **{field: [*members[:at], *members[at + 1 :]]})


def _instead(node: ast.AST) -> Iterator[ast.AST]:
    """What is put in a node's stead, one after the other."""
    match node:
        case ast.Constant() | ast.JoinedStr():
            yield from _other_value(node)
        case ast.expr():
            yield from _other_expression(node)
        case ast.stmt():
            yield from _other_statement(node)
        case ast.comprehension():
            yield from _each_without(node, "ifs")
        case ast.match_case(guard=ast.AST()):
            yield _with(node, guard=None)
        case ast.MatchOr(patterns=[left, right]):
            yield from (left, right)
        case ast.MatchOr():
            yield from _each_without(node, "patterns")
        case ast.ExceptHandler(type=ast.Name() | ast.Attribute()):
            yield _with(node, type=ast.Name("ZeroDivisionError", ast.Load()))
        case _:
            pass


def _other_value(node: ast.Constant | ast.JoinedStr) -> Iterator[ast.AST]:
    value = node.value if isinstance(node, ast.Constant) else ""
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and not _is_words(node):
        yield ast.Constant("XX")


def _other_expression(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=ops):
            for at, one in enumerate(ops):
                yield _with(node, ops=[*ops[:at], _TURNED[type(one)](), *ops[at + 1 :]])
        case ast.BoolOp(values=[left, right]):
            yield from (left, right)
        case ast.BoolOp():
            yield from _each_without(node, "values")
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, right=right) if not _is_words(left):
            yield from (left, right)
        case ast.IfExp(body=body, orelse=orelse) if not (_is_words(body) or _is_words(orelse)):
            yield from (body, orelse)
        case ast.Call(func=func, args=args):
            if ast.unparse(func).split(".")[-1] not in _RAISE_FOR_NONE:
                for at, arg in enumerate(args):
                    if isinstance(arg, ast.Name | ast.Attribute | ast.Call):
                        yield _with(node, args=[*args[:at], ast.Constant(None), *args[at + 1 :]])
                yield from _each_without(node, "keywords")
        case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set():
            yield from _each_without(node, "elts")
        case ast.Dict(keys=keys, values=values):
            for at in range(len(keys)):
                kept = [n for n in range(len(keys)) if n != at]
                yield _with(node, keys=[keys[n] for n in kept], values=[values[n] for n in kept])
        case _:
            pass


def _other_statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If():
            yield _with(node, test=ast.Constant(True))
            yield _with(node, test=ast.Constant(False))
        case ast.While():
            yield _with(node, test=ast.Constant(False))
        case ast.Match(cases=[_, _, *_]):
            yield from _each_without(node, "cases")
        case ast.Return(value=None) | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Expr() | ast.Raise() | ast.AugAssign():
            yield _never(node)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield _never(node)
        case _:
            pass


def _never(statement: ast.stmt) -> ast.If:
    """Not run, and yet there: what is a generator stays one."""
    return ast.If(test=ast.Constant(False), body=[statement], orelse=[])


def _change(old: ast.AST, new: ast.AST) -> str:
    """In words: the code as it was, and as it is now."""
    was, now = (re.sub(r"\s+", " ", ast.unparse(one)) for one in (old, new))
    if isinstance(new, ast.If) and isinstance(new.test, ast.Constant):
        if new.body[0] is old:
            return f"`{was}` is not run"
        if isinstance(old, ast.If):
            test = re.sub(r"\s+", " ", ast.unparse(old.test))
            return f"`if {test}` is {new.test.value!r}"
    if isinstance(old, ast.Match) and isinstance(new, ast.Match):
        gone = next(case for case in old.cases if case not in new.cases)
        return f"`case {ast.unparse(gone.pattern)}` goes"
    if isinstance(old, ast.Dict) and isinstance(new, ast.Dict):
        gone_key = next(key for key in old.keys if key not in new.keys)
        return f"`{ast.unparse(gone_key) if gone_key else '**'}` goes from the dict"
    if isinstance(old, ast.ExceptHandler) and old.type is not None:
        return f"`except {ast.unparse(old.type)}` catches nothing"
    return f"`{was}` → `{now}`"
