"""Rules of the text that a golden file shows only by example."""

from __future__ import annotations

import re

import attrs
import pytest

from phoenix_plan.actions import RemoveStorage
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.model.subjects import Subject
from phoenix_plan.plan import Plan
from phoenix_plan.planner import Unmanaged
from phoenix_plan.planner.items import Finding, Unchanged
from phoenix_plan.render.layout import columns, flowed, shell
from phoenix_plan.render.progress import LiveLine
from phoenix_plan.render.style import Style
from phoenix_plan.render.text import plan_text
from tests.render.samples import DESIRED, EVERYTHING, KINDS, NO_CHANGE, plan_of, planned

DESTROY, COST = KINDS["destroy-dataset"]


def test_all_evidence_of_a_destructive_action_is_enumerated() -> None:
    """No snapshot, guest or dataset that would be lost is folded away, however many there are."""
    cost = Evidence(
        used=Bytes(1),
        datasets=tuple(f"tank/d{n}" for n in range(500)),
        snapshots=tuple(f"tank/old@s{n}" for n in range(500)),
        guests=tuple(f"qemu/{n} on pve1: scsi0 x" for n in range(500)),
        contents=tuple(f"content number {n}." for n in range(500)),
        unknown=tuple(f"unknown number {n}." for n in range(500)),
    )
    text = plan_text(plan_of(planned(DESTROY, cost)), Style())
    words = set(re.split(r"[\s,]+", text))
    missing = [n for n in (*cost.datasets, *cost.snapshots) if n not in words]
    missing += [said for said in (*cost.guests, *cost.contents, *cost.unknown) if said not in text]
    assert missing == []


def test_destructive_actions_come_first_with_their_turn() -> None:
    """What could lose data stands above all else, and says at which turn it would run."""
    text = plan_text(EVERYTHING, Style())
    turns = [int(number) for number in re.findall(r"^ *(\d+)\. ", text, flags=re.MULTILINE)]
    assert turns == [2, 3, 4, 1, 5, 6, 7]
    assert text.index("DESTRUCTIVE") < text.index("SAFE") < text.index("ERRORS")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_lines_keep_to_the_width(width: int) -> None:
    """Only what can't be broken is longer than the terminal is wide."""
    text = plan_text(EVERYTHING, Style(width=width, everything=True))
    wide = [line for line in text.splitlines() if columns(line) > width]
    # The label, then one piece that can't be broken: a path, a placeholder, an id.
    assert [line for line in wide if len(line[17:].removesuffix(" \\").split()) > 2] == []


def test_colour_only_adds_escapes() -> None:
    """Without its colours a coloured plan is the plain one: colour says nothing of its own."""
    coloured = plan_text(EVERYTHING, Style(colour=True))
    assert plan_text(EVERYTHING, Style()) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert "\x1b[" in coloured


def test_no_changes_is_said_plainly() -> None:
    text = plan_text(NO_CHANGE, Style())
    assert "No changes. The storage of pve1 is as declared." in text


def error(code: str, *names: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(severity="error", code=code, subject=Subject(kind="pool", name=name), message="so")
        for name in names
    )


def test_errors_are_never_no_changes() -> None:
    """A plan that could do nothing because of an error does not say that all is well."""
    text = plan_text(plan_of(findings=error("disk-missing", "tank")), Style())
    assert "No changes" not in text
    assert "Plan: 0 safe, 0 destructive, 1 error;" in text


def test_errors_that_say_the_same_stand_together() -> None:
    """A probe that failed is told once, with all that it stops."""
    text = plan_text(plan_of(findings=error("probe-failed", "a", "b", "c")), Style())
    assert "    pool a, pool b, pool c\n" in text
    assert text.count("[probe-failed]") == 1
    assert "3 errors" in text


MANY = plan_of(
    unchanged=tuple(
        Unchanged(subject=Subject(kind="dataset", name=f"tank/d{n:04}")) for n in range(1000)
    ),
    unmanaged=Unmanaged(datasets=tuple(f"tank/u{n:04}" for n in range(1234))),
)


def test_long_lists_of_what_stays_are_shortened_with_an_honest_count() -> None:
    text = plan_text(MANY, Style())
    shown = len(re.findall(r"tank/d\d{4}", text)), len(re.findall(r"tank/u\d{4}", text))
    assert f"and {1000 - shown[0]:,} more (--verbose lists them)" in text
    assert f"and {1234 - shown[1]:,} more (--verbose lists them)" in text
    assert "1000 as configured, 1234 unmanaged" in text


def test_verbose_lists_all() -> None:
    text = plan_text(MANY, Style(everything=True))
    assert len(re.findall(r"tank/d\d{4}", text)) == 1000
    assert len(re.findall(r"tank/u\d{4}", text)) == 1234
    assert "more (" not in text


def with_permission(allow: bool | None, plan: Plan = EVERYTHING) -> str:
    desired = attrs.evolve(plan.desired, allow_destructive=allow)
    return plan_text(attrs.evolve(plan, desired=desired), Style(width=1000))


def test_permission_in_the_config_is_said_loudly() -> None:
    """`allow_destructive_operations: true` stands above everything, even with nothing to allow."""
    text = with_permission(True)
    assert text.index("!!!") < text.index("DESTRUCTIVE")
    assert "runs the 3 destructive actions below WITHOUT ASKING ANYONE" in text
    assert "WITHOUT ASKING ANYONE" in with_permission(True, NO_CHANGE)


def test_a_bar_in_the_config_is_said() -> None:
    assert "only an approval of this very plan" in with_permission(False)
    assert "allow_destructive" not in with_permission(None)
    assert "allow_destructive" not in with_permission(False, NO_CHANGE)


def test_the_legend_explains_the_signs_that_are_used_and_no_others() -> None:
    text = plan_text(plan_of(planned(*KINDS["create-pool"])), Style())
    assert "Signs: + create, add or register. Numbers" in text
    assert "Signs" not in plan_text(NO_CHANGE, Style())


def test_a_storage_that_is_registered_anew_has_the_sign_for_both() -> None:
    """Destroy and create of one thing are -/+, of two things they are not."""
    add, _ = KINDS["add-storage"]
    remove, cost = KINDS["remove-storage"]
    assert isinstance(remove, RemoveStorage)
    both = plan_of(planned(attrs.evolve(remove, storage="tank-vm"), cost), planned(add))
    text = plan_text(both, Style())
    assert "-/+ unregister storage tank-vm (step 2 creates it again)" in text
    assert "-/+ register storage tank-vm again (after step 1)" in text
    assert "-/+" not in plan_text(plan_of(planned(remove, cost), planned(add)), Style())


def test_a_command_is_broken_so_that_it_can_be_pasted() -> None:
    """Between arguments, with a backslash: never within one."""
    argv = ("zpool", "create", "tank", *(f"/dev/disk/by-id/disk number {n}" for n in range(5)))
    lines = shell(argv, 60)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert len(lines) > 3
    joined = " ".join(line.removesuffix("\\").strip() for line in lines)
    expected = " ".join(f"'{a}'" if " " in a else a for a in argv)
    assert expected == joined


@pytest.mark.parametrize(
    ("expected", "pieces", "glue", "tail"),
    [
        ([], [], " ", ""),
        (["aa bb", "cc"], ["aa", "bb", "cc"], " ", ""),
        (["aa,", "bb,", "cc"], ["aa", "bb", "cc"], ", ", ""),
        (["aaaaaaaaaa", "b"], ["aaaaaaaaaa", "b"], " ", ""),
        (["aa \\", "bb \\", "cc"], ["aa", "bb", "cc"], " ", " \\"),
        (["日本", "日本"], ["日本", "日本"], " ", ""),
    ],
)
def test_pieces_flow_into_lines(
    expected: list[str], pieces: list[str], glue: str, tail: str
) -> None:
    """Of six columns here; what is longer stands alone, uncut; wide characters count twice."""
    assert expected == flowed(pieces, 6, glue=glue, tail=tail)


class Screen:
    """A stream that remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def write(self, text: str) -> int:
        self.sent.append(text)
        return len(text)

    def flush(self) -> None:
        pass


def test_progress_stays_on_one_line_and_goes_away() -> None:
    """Each message replaces the last, cut to the terminal, and the line is cleared at the end."""
    screen = Screen()
    with LiveLine(screen, 20) as line:  # type: ignore[arg-type]  # a stream's two methods will do
        line("zpool status")
        line("a message far too long for it\x1b[2J")
    line("too late")
    clear = "\r\x1b[K"
    assert [f"{clear}zpool status", f"{clear}a message far too …", clear] == screen.sent


def test_a_destroyed_datasets_own_words_are_not_said_twice() -> None:
    """Snapshots stand among the evidence, not among the values as well."""
    text = plan_text(plan_of(planned(DESTROY, COST), desired=DESIRED), Style())
    assert text.count("tank/old@a,") - text.count("'tank/old@a,") == 1
