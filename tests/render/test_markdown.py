"""A comment on a pull request: complete where it fits, honest where it does not."""

from __future__ import annotations

import re

import attrs
import pytest

from phoenix_plan.actions import AddStorage, DestroyDataset
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.sizes import Guid
from phoenix_plan.model.subjects import Subject
from phoenix_plan.plan import Plan
from phoenix_plan.planner import Unmanaged
from phoenix_plan.planner.items import Finding, Unchanged
from phoenix_plan.render.escape import block, code, prose
from phoenix_plan.render.markdown import LIMIT, plan_markdown, state_markdown
from tests.render.samples import EVERYTHING, KINDS, plan_of, planned


def destroys(count: int, snapshots: int = 0) -> Plan:
    """A plan that destroys so many datasets, and changes a thousand harmless things."""
    action, _ = KINDS["destroy-dataset"]
    change, _ = KINDS["add-storage"]
    assert isinstance(action, DestroyDataset)
    assert isinstance(change, AddStorage)
    return plan_of(
        *(
            planned(
                attrs.evolve(action, dataset=f"tank/victim-{n:05}", guid=Guid(str(n))),
                Evidence(snapshots=tuple(f"tank/victim-{n:05}@s{s}" for s in range(snapshots))),
            )
            for n in range(count)
        ),
        *(planned(attrs.evolve(change, storage=f"storage-{n}")) for n in range(1000)),
        findings=tuple(
            Finding(
                severity=severity,
                code="pool-busy",
                subject=Subject(kind="pool", name=f"p{n}"),
                message=f"{severity} number {n}",
            )
            for severity in ("error", "warning")
            for n in range(3)
        ),
        unchanged=tuple(
            Unchanged(subject=Subject(kind="dataset", name=f"tank/d{n}")) for n in range(1000)
        ),
        unmanaged=Unmanaged(datasets=tuple(f"tank/u{n}" for n in range(1000))),
    )


def unfolded(text: str) -> str:
    return re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)


def named(text: str) -> int:
    return len(set(re.findall(r"`destroy-dataset:(tank/victim-\d{5})`", text)))


@pytest.mark.parametrize(
    ("count", "snapshots"),
    [(0, 0), (1, 0), (1, 5000), (20, 5), (20, 5000), (120, 5), (300, 5), (1200, 0), (5000, 0)],
)
def test_a_comment_always_fits(count: int, snapshots: int) -> None:
    """GitHub refuses 65,536 characters; a plan that posts nothing is not reviewed."""
    assert len(plan_markdown(destroys(count, snapshots), source="plan.json")) < LIMIT


def test_destructive_actions_are_never_folded() -> None:
    text = unfolded(plan_markdown(EVERYTHING))
    assert len(EVERYTHING.destructive) == 3
    assert [row.id for row in EVERYTHING.destructive if f"id: {code(row.id)}" not in text] == []


def test_what_is_harmless_is_folded() -> None:
    text = unfolded(plan_markdown(EVERYTHING))
    assert [name for name in EVERYTHING.unmanaged.datasets if name in text] == []
    assert "update-initramfs" not in text


@pytest.mark.parametrize("count", [1, 20, 120, 300, 1000])
def test_every_destructive_action_is_named_as_long_as_names_fit(count: int) -> None:
    assert count == named(unfolded(plan_markdown(destroys(count), source="plan.json")))


def test_the_least_important_is_cut_first() -> None:
    """Unmanaged things go before what is right, and that before safe actions; errors stay."""
    text = plan_markdown(destroys(20), source="plan.json")
    assert text.count("- id: `destroy-dataset:") == 20
    assert "destructive actions are named here without" not in text
    assert text.count("error number") == 3
    assert text.count("warning number") == 3
    safe = text.count("is registered") + len(re.findall(r"#### \d+\. `\+` register", text))
    assert re.search(rf"_{1000 - safe} safe actions are cut for lack of room", text)
    assert "`tank/u1`" not in text


def test_what_is_cut_is_counted() -> None:
    """The details that are missing and the ones that are there add up."""
    text = plan_markdown(destroys(600), source="plan.json")
    detailed = text.count("- id: `destroy-dataset:")
    cut = re.search(r"_(\d+) of these destructive actions are named here without", text)
    assert cut is not None
    assert detailed + int(cut[1]) == 600
    assert named(text) == 600
    assert "`phoenix show plan.json`" in text


def test_an_action_too_large_for_a_comment_is_named() -> None:
    """One dataset with 20,000 snapshots takes no other action's place."""
    text = plan_markdown(destroys(2, snapshots=20_000), source="plan.json")
    assert named(text) == 2
    assert "_2 of these destructive actions are named here without" in text


def test_where_not_even_names_fit_it_says_so() -> None:
    text = plan_markdown(destroys(5000), source="plan.json")
    cut = re.search(r"\*\*(\d+) of 5000 destructive actions are not even named", text)
    assert cut is not None
    assert named(text) + int(cut[1]) == 5000


def test_a_states_cut_is_counted() -> None:
    text = state_markdown("".join(f"line {n}\n" for n in range(20_000)), source="state.json")
    shown = len(re.findall(r"^line ", text, flags=re.MULTILINE))
    assert len(text) < LIMIT
    assert f"_{20_000 - shown} more lines are cut" in text
    assert "cut" not in state_markdown("short\n")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("the pool is whole, and this host used it last.", None),
        ("see `@somebody`", "see @somebody"),
        ("issue `#12`, `GH-12`.", "issue #12, GH-12."),
        ("`<b>bold</b>`", "<b>bold</b>"),
        ("at `https://example.org/x`", "at https://example.org/x"),
        ("at `www.example.org`", "at www.example.org"),
        ("commit `0123abc`", "commit 0123abc"),
        ("(`/dev/vdb`): gone", "(/dev/vdb): gone"),
        ("`f(x)`", "f(x)"),
        ("`*` `_a_` `[b](c)`", "* _a_ [b](c)"),
        ("``a`b``", "a`b"),
        (r"`\x1b[2J`", "\x1b[2J"),
        ("2.3.9 of 512M, 10% → all", None),
        ("pool's disks", None),
    ],
)
def test_prose_keeps_words_and_disarms_the_rest(expected: str, text: str | None) -> None:
    assert expected == prose(text if text is not None else expected)


@pytest.mark.parametrize(
    ("expected", "text"),
    [("`a`", "a"), ("`` ` ``", "`"), ("```a``b```", "a``b"), ("` `", ""), ("`  a `", " a")],
)
def test_code_spans_hold_anything(expected: str, text: str) -> None:
    assert expected == code(text)


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ("```sh\nzpool list\n```", "zpool list"),
        ("````sh\n ```\n````", " ```"),
        ("``````sh\n`````\n``````", "`````"),
        ("```sh\na\\nb\n```", "a\nb"),
    ],
)
def test_a_block_is_ended_by_nothing_in_it(expected: str, line: str) -> None:
    """A line of a file that is written may be a fence itself."""
    assert expected == block([line], "sh")
