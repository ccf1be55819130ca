"""What a power cut is held to, and how the cuts are counted."""

import json
from typing import Any

import pytest

from tests.lab import crash
from tests.lab.crash import Cut

BELOW, OLD, WIPE, NEW, DATA = crash.SEEN
ALL = "has keep\nhas keep/old\nhas keep/old/below\nhas ext4\n"


def test_a_command_that_ends_well_twice_is_noticed() -> None:
    """One that failed, or of which nobody saw the end, may be run again."""
    lines: list[dict[str, Any]] = [
        {"event": "command", "argv": ["zfs", "destroy", "keep/old"]},
        {"event": "command", "argv": ["zfs", "destroy", "keep/old"]},
        {"event": "output", "exit_code": 1},
        {"event": "command", "argv": ["zfs", "destroy", "keep/old"]},
        {"event": "output", "exit_code": 0},
        {"event": "command", "zero": "/dev/vda"},
        {"event": "output", "exit_code": 0},
        {"event": "command", "zero": "/dev/vda"},
        {"event": "output", "exit_code": 0},
    ]
    found = crash.commands_that_ended_well(
        "\n".join([*map(json.dumps, lines[:3]), '{"event": "outp', *map(json.dumps, lines[3:])])
    )
    assert found == {"zfs destroy keep/old": 1, "/dev/vda": 2}


def _run(done: list[str], open_: str = "", intended: str = "") -> dict[str, Any]:
    """A run as history has it: some actions done, one under way, one of which no command ran."""
    actions = [{"id": one, "ok": True, "commands": ["c"]} for one in done]
    actions += [{"id": one, "ok": None, "commands": ["c"]} for one in [open_] if one]
    actions += [{"id": one, "ok": None, "commands": []} for one in [intended] if one]
    return {"ending": "killed", "actions": actions}


@pytest.mark.parametrize(
    ("run", "look"),
    [
        (_run([]), ALL),
        (_run([], open_=BELOW), ALL),
        (_run([], open_=BELOW), "has keep\nhas keep/old\nhas ext4\n"),
        (_run([BELOW]), "has keep\nhas keep/old\nhas ext4\n"),
        (_run([BELOW], intended=OLD), "has keep\nhas keep/old\nhas ext4\n"),
        (_run([BELOW, OLD, WIPE, NEW]), "has keep\nhas new\n"),
        (_run([BELOW, OLD, WIPE, NEW, DATA]), "has keep\nhas new\nhas new/data\n"),
    ],
)
def test_a_true_history_is_believed(run: dict[str, Any], look: str) -> None:
    assert crash.untrue(run, look) == []


@pytest.mark.parametrize(
    ("run", "look", "wrong"),
    [
        (_run([BELOW]), ALL, f"{BELOW} is done, and keep/old/below is there"),
        (_run([]), "has keep\n", f"{WIPE} is not begun, and ext4 is not there"),
        (
            _run([], intended=BELOW),
            "has keep\n",
            f"{BELOW} is not begun, and keep/old/below is not",
        ),
        (_run([BELOW, OLD, WIPE, NEW]), "has keep\n", f"{NEW} is done, and new is not there"),
        (_run([BELOW], open_=OLD), "has keep\nhas new\n", f"{NEW} is not begun, and new is there"),
    ],
)
def test_an_untrue_history_is_found_out(run: dict[str, Any], look: str, wrong: str) -> None:
    assert any(one.startswith(wrong) for one in crash.untrue(run, look))


@pytest.mark.parametrize(
    ("action", "verdict", "look", "right"),
    [
        (BELOW, "done", "has keep\nhas keep/old\n", True),
        (BELOW, "done", ALL, False),
        (BELOW, "not-done", ALL, True),
        (BELOW, "not-done", "has keep\nhas keep/old\n", False),
        (BELOW, "partly", ALL, True),
        (BELOW, "unknown", ALL, False),
        (WIPE, "done", "has ext4\n", False),
        (WIPE, "not-done", "has keep\n", True),
        (NEW, "done", "has keep\n", False),
        (NEW, "not-done", "has keep\nhas new\n", False),
        ("", "", ALL, True),
    ],
)
def test_what_a_resume_says_is_held_against_the_host(
    action: str, verdict: str, look: str, *, right: bool
) -> None:
    assert (crash.misjudged({"open": action, "verdict": verdict}, look) == "") is right


def test_cuts_are_counted_by_how_the_runs_were_found() -> None:
    def cut(ending: str, done: int = 0, open_: str = "", during: str = "apply") -> Cut:
        return Cut(during=during, after_s=1, lines=9, ending=ending, done=done, open=open_)

    cuts = [
        cut("killed", open_=BELOW),
        cut("not begun"),
        cut("killed", 1, OLD),
        cut("killed", open_=BELOW),
        cut("killed", 1),
        cut("done", 5, during="resume"),
    ]
    assert crash.summary("bookworm", cuts, 300.0) == [
        "bookworm: 6 cuts, 1 of them of a resume, all went on to the end, 50 s for each; "
        "found 1 done, 4 killed, 1 not begun",
        "  1 between two, 1 done",
        f"  1 {OLD}",
        f"  2 {BELOW}",
    ]
