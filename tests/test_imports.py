"""The direction of imports: which room may know which.

A functional core with a thin shell: data flows one way, and so do imports. The table is the one of
docs/explanation/architecture.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import phoenix_plan

PACKAGE = Path(phoenix_plan.__file__).parent

ROOMS: dict[str, str] = {
    "__init__": "",
    "errors": "",
    "commands": "errors",
    "model": "errors",
    "conditions": "model",
    "actions": "model commands conditions",
    "evidence": "model actions",
    "safety": "model actions evidence",
    "planner": "model conditions actions evidence safety",
    "plan": "model commands conditions actions evidence safety planner",
    # The names that an action touches are model and actions; what ssh-keygen said is an Output.
    "consent": "errors commands model actions safety plan",
    "codec": "errors model actions plan consent",
    # Documents from outside: strict JSON with lines, then their schemas.
    "places": "errors",
    "documents": "errors places",
    "shapes": "",
    "schema_check": "errors places documents shapes",
    "stored": "errors model plan consent codec documents schema_check",
    "config": "errors model places documents schema_check",
    # The host's side.
    "probes": "errors model commands",
    "hosts": "errors commands",
    "refresh": "errors model commands probes hosts",
    # Doing, and telling.
    "apply": "__init__ errors commands model conditions actions evidence safety planner plan codec "
    "places documents shapes schema_check stored config probes hosts refresh consent",
    "render": "model conditions actions evidence safety planner plan consent",
    "cli": "*",
    "__main__": "__init__ cli",
}
"""Each room, and the rooms that it may import besides itself; `*` is every room."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "attrs": ("*",),
    "cattrs": ("codec",),
    "typer": ("cli",),
    "jsonschema": ("schema_check",),
    "referencing": ("schema_check",),
    "deepdiff": ("apply",),
    "subprocess": ("hosts.local", "hosts.keygen"),
}
"""Libraries, and who may import them. What is not here and not of the standard library, nobody."""

SLOW = frozenset({"jsonschema", "referencing", "deepdiff"})
"""Imported where they are used, never when a module is loaded."""

STANDARD_BUT_GUARDED = frozenset({"subprocess"})


@attrs.frozen(kw_only=True)
class Import:
    """One import: by which module, of what, on which line; `nested` is inside a function."""

    importer: str
    imported: str
    line: int
    nested: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def module_name(path: Path) -> str:
    """A module's dotted name below the package: `model.disks`, `__init__` for the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def imports_of(source: str, importer: str) -> Iterator[Import]:
    """Every import of a module, those inside functions too."""
    tree = ast.parse(source)
    outside = {id(node) for node in _statements(tree.body)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer}:{node.lineno}: a relative import"
            module = node.module or ""
            # `from phoenix_plan import codec` imports the room, not the package alone.
            is_package = module == "phoenix_plan"
            names = [f"{module}.{one.name}" for one in node.names] if is_package else [module]
        else:
            continue
        for name in names:
            yield Import(
                importer=importer,
                imported=name.replace("phoenix_plan.__version__", "phoenix_plan"),
                line=node.lineno,
                nested=id(node) not in outside,
            )


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What runs when a module is loaded."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))


def all_imports() -> list[Import]:
    """Every import of the package."""
    return [
        found
        for path in sorted(PACKAGE.rglob("*.py"))
        for found in imports_of(path.read_text(encoding="utf-8"), module_name(path))
    ]


def room(module: str) -> str:
    """The room that a module is in."""
    return module.split(".", maxsplit=1)[0]


def room_of_import(imported: str) -> str | None:
    """The room that an import leads to, None where it leads out of the package."""
    if imported == "phoenix_plan":
        return "__init__"
    return room(imported.removeprefix("phoenix_plan.")) if _is_ours(imported) else None


def _is_ours(imported: str) -> bool:
    return imported.startswith("phoenix_plan.")


def wrong_room(found: Import) -> bool:
    """Whether an import goes against the table."""
    target = room_of_import(found.imported)
    if target is None or target == room(found.importer):
        return False
    allowed = ROOMS.get(room(found.importer), "").split()
    return "*" not in allowed and target not in allowed


def wrong_library(found: Import) -> bool:
    """Whether an import brings a library to where it does not belong."""

    name = found.imported.split(".")[0]
    if name == "phoenix_plan" or (
        name in sys.stdlib_module_names and name not in STANDARD_BUT_GUARDED
    ):
        return False
    allowed = LIBRARIES.get(name, ())
    fits = any(place in ("*", room(found.importer), found.importer) for place in allowed)
    return not fits or (name in SLOW and not found.nested)


def test_every_module_is_in_a_room() -> None:
    """A new room is drawn before it is built."""
    modules = {room(module_name(path)) for path in PACKAGE.rglob("*.py")}
    assert modules - ROOMS.keys() == set()


def test_no_import_goes_against_the_table() -> None:
    """Each with its place."""
    assert [str(found) for found in all_imports() if wrong_room(found)] == []


def test_no_library_is_where_it_does_not_belong() -> None:
    """click nowhere, cattrs in the codec alone, subprocess where commands are run."""
    assert [str(found) for found in all_imports() if wrong_library(found)] == []


def test_the_table_has_no_circle() -> None:
    """What a room may import never leads back to it."""
    done: set[str] = set()
    while ready := {
        name
        for name, allowed in ROOMS.items()
        if name not in done and (set(allowed.split()) - {"*"}) <= done
    }:
        done |= ready
    assert ROOMS.keys() - done == set()


@pytest.mark.parametrize(
    ("expected", "importer", "statement"),
    [
        (True, "model.disks", "from phoenix_plan.plan import Plan"),
        (True, "planner.pools", "from phoenix_plan import codec"),
        (True, "probes.lsblk", "import phoenix_plan.hosts.local"),
        (True, "hosts.local", "def f():\n    from phoenix_plan.model.disks import Disk"),
        (True, "model.disks", "if TYPE_CHECKING:\n    from phoenix_plan.actions import Action"),
        (False, "planner.pools", "from phoenix_plan.model.index import Index"),
        (False, "cli.plan", "from phoenix_plan.render.text import plan_text"),
    ],
)
def test_a_wrong_room_is_seen(expected: bool, importer: str, statement: str) -> None:
    """However it is written, and wherever it stands."""
    (found,) = imports_of(statement, importer)
    assert wrong_room(found) is expected


@pytest.mark.parametrize(
    ("expected", "importer", "statement"),
    [
        (True, "cli.app", "import click"),
        (True, "planner.pools", "import typer"),
        (True, "plan", "from cattrs import Converter"),
        (True, "probes.lsblk", "import subprocess"),
        (True, "hosts.recorded", "from subprocess import run"),
        (True, "schema_check", "import jsonschema"),
        (True, "schema_check", "try:\n    import jsonschema\nexcept ImportError: pass"),
        (False, "schema_check", "def f():\n    import jsonschema"),
        (False, "hosts.local", "import subprocess"),
        (False, "model.disks", "import attrs"),
        (False, "model.disks", "from pathlib import Path"),
    ],
)
def test_a_wrong_library_is_seen(expected: bool, importer: str, statement: str) -> None:
    """Likewise."""
    (found,) = imports_of(statement, importer)
    assert wrong_library(found) is expected


PROGRAMS = ("cli", "__main__", "probes.inspector")
"""What ends a process: the command line, and the script that runs in one of its own."""


def test_only_programs_exit() -> None:
    """Library code raises."""
    found = [
        f"{module_name(path)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if not module_name(path).startswith(PROGRAMS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.exit", "exit", "os._exit")
    ]
    assert found == []
