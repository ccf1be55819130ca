"""What is made from the code is current, complete, and its links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from docs.generate import FILES, ROOT
from docs.generator.examples import EXAMPLES
from docs.generator.fields import FIELDS
from docs.generator.pages import EXIT_CODES, error_kinds
from docs.generator.schemas import document_schema
from phoenix_plan import safety, shapes
from phoenix_plan.actions import ACTIONS
from phoenix_plan.apply.history import History
from phoenix_plan.cli import app as cli
from phoenix_plan.cli import plan as plan_command
from phoenix_plan.cli.answers import Demanded, Verified
from phoenix_plan.consent.approval import Approval
from phoenix_plan.consent.policy import Policy
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.actual import Actual
from phoenix_plan.plan import Plan
from phoenix_plan.schema_check import load_schema

DOCUMENTS = (Actual, Plan, Approval, Policy, History, Verified, Demanded)

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_LINK = re.compile(r"(?<!!)\[(?:[^\]]|\\\])+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.MULTILINE)
_FENCED = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", [path for path in FILES if not path.endswith("tutorial.md")])
def test_what_is_made_from_the_code_is_current(path: str) -> None:
    """`python -m docs.generate` would change nothing."""
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path]()


def test_no_reference_page_is_left_over() -> None:
    """A page that is no longer made is removed."""
    there = {f"docs/reference/{path.name}" for path in (ROOT / "docs/reference").iterdir()}
    assert there == {path for path in FILES if path.startswith("docs/reference/")}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_described_class_is_in_a_document(kind: type) -> None:
    """A description of a class or field that is gone is removed."""
    documents = [document_schema(one) for one in DOCUMENTS]
    classes = {kind.__name__ for kind in (*ACTIONS.values(), *DOCUMENTS)} | {"Identity"}
    classes |= {name for one in documents for name in one["$defs"] if name[0].isupper()}
    assert FIELDS.keys() == classes
    assert FIELDS[kind.__name__].keys() == {field.name for field in attrs.fields(kind)}


def test_no_field_that_is_gone_is_described() -> None:
    """In any class."""
    for schema in map(document_schema, DOCUMENTS):
        for name, part in schema["$defs"].items():
            if name in FIELDS:
                assert FIELDS[name].keys() == part["properties"].keys(), name
    for kind in ACTIONS.values():
        assert FIELDS[kind.__name__].keys() == {field.name for field in attrs.fields(kind)}


@pytest.mark.parametrize("tag", sorted(ACTIONS))
def test_every_kind_of_action_has_an_example(tag: str) -> None:
    """With what is run for it."""
    examples = [example for example in EXAMPLES if tag == example.TYPE]
    assert examples
    assert all(example.writes() for example in examples)


def test_the_examples_show_both_verdicts_where_there_are_two() -> None:
    """A kind that can be either is shown as either."""
    seen: dict[str, set[str]] = {}
    for example in EXAMPLES:
        found = safety.verdict(example, Evidence())
        seen.setdefault(example.TYPE, set()).add(found.safety)
    both = {tag for tag, verdicts in seen.items() if len(verdicts) == 2}
    assert both == {"import-pool", "set-pool-properties", "set-dataset-properties",
                    "update-storage", "add-vdev", "remove-vdev"}  # fmt: skip


def test_every_exit_code_of_an_error_is_listed() -> None:
    """And every one that the command line has of its own."""
    raised = {kind.exit_code for kind in error_kinds()}
    own = {
        0,
        cli.BUG,
        cli.INTERRUPTED,
        plan_command.FAILED,
        plan_command.SAFE_CHANGES,
        plan_command.DESTRUCTIVE_CHANGES,
    }
    assert EXIT_CODES.keys() == raised | own


STORED = ["state", "plan", "approval", "policy", "history"]
ANSWERED = ["verify", "policy-check"]


@pytest.mark.parametrize("name", ["config", *STORED, *ANSWERED])
def test_the_quick_check_knows_every_keyword_of_our_schemas(name: str) -> None:
    """Else every document would take the slow way: the compiler raises for one it lacks."""
    check = shapes._Compiler(load_schema(name)).check(load_schema(name))
    assert check({"zfs": 5, "format_version": 5}) is False


@pytest.mark.parametrize("name", [*STORED, *ANSWERED])
def test_every_object_of_a_document_is_closed(name: str) -> None:
    """A field that nobody knows is an error in each of them."""
    assert list(_open_objects(load_schema(name), name)) == []


def _open_objects(schema: object, path: str) -> Iterator[str]:
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema and path.rpartition("/")[2] != "properties":
            described = all("description" in part for part in schema["properties"].values())
            if schema.get("additionalProperties") is not False or not described:
                yield path
        for key, part in schema.items():
            yield from _open_objects(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from _open_objects(part, f"{path}/{index}")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    found = (match["text"].lower() for match in _HEADING.finditer(text))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in found}


def links(page: Path) -> list[str]:
    """The targets of a page's links."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return [match["target"] for match in _LINK.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """To a file of ours, and to a heading of it."""
    broken = []
    for target in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_links_are_found() -> None:
    """The test above looks at something."""
    assert sum(len(links(page)) for page in PAGES) > 50


def test_every_page_can_be_reached_from_the_index() -> None:
    """By following links from docs/README.md."""
    reached: set[Path] = set()
    waiting = [ROOT / "docs/README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = (target.partition("#")[0] for target in links(page))
        waiting += [(page.parent / path).resolve() for path in targets if path and ":" not in path]
    assert set((ROOT / "docs").rglob("*.md")) - reached == set()


def test_the_licence_is_the_one_that_is_declared() -> None:
    """pyproject.toml names it, LICENSE holds it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] in ({"text": "Apache-2.0"}, "Apache-2.0")
    assert "Apache License\n                           Version 2.0, January 2004" in text
