"""What the document of a host's runs says of a journal, field by field."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply.history import (
    HISTORY_VERSION,
    History,
    PastAction,
    PastCommand,
    PastResume,
    PastRun,
    history,
    history_to_json,
    past_run,
)
from phoenix_plan.apply.records import Record
from phoenix_plan.documents import parse_document
from phoenix_plan.schema_check import check
from tests.apply.test_records import (
    OFF,
    ON,
    WIPE,
    at,
    begin,
    command,
    done,
    end,
    intent,
    output,
    record,
    result,
    text,
    unknown,
)

Json = dict[str, Any]
GRANT = {"source": "approval", "by": "alice", "detail": "d", "expires": "2026-11-24T08:00:00Z"}
ABANDON = {"event": "abandon", "user": "bob", "reason": "no more", "by_run": "r2"}
RESUME = {
    "event": "resume", "format_version": "1.1", "run": "r", "user": "carol", "open": WIPE,
    "verdict": "partly", "why": "half of it", "rows": [WIPE],
}  # fmt: skip


def test_a_run_field_by_field(tmp_path: Path) -> None:
    """Resumed once, then given up; a write and a zeroing have their path alone."""
    zero = {"event": "command", "id": WIPE, "zero": "/dev/x", "ranges": [[0, 512]]}
    write = {"event": "command", "id": WIPE, "write": "/etc/x", "content": "y"}
    said = {"event": "output", "id": WIPE, "exit_code": 3, "stdout": "out", "stderr": "err"}
    found = record(
        tmp_path,
        begin(OFF, WIPE, consent={WIPE: GRANT}, left_out=[ON], author="dave (k)"),
        *done(OFF),
        {**intent(WIPE), "safety": "destructive"},
        zero,
        unknown(WIPE),
        result(WIPE, ok=False),
        end(ok=False),
        RESUME,
        write,
        said,
        command(WIPE),
        ABANDON,
    )
    assert past_run(found, running=False) == PastRun(
        id="r",
        journal=str(tmp_path / "r.jsonl"),
        ending="abandoned",
        began=at(0),
        ended=at(14),
        user="u",
        mode="safe",
        hostname="h",
        source="s",
        plan="p",
        author="dave (k)",
        consent={WIPE: GRANT},
        rows=(OFF, WIPE),
        left=(WIPE,),
        left_out=(ON,),
        actions=(
            PastAction(
                id=OFF,
                safety="safe",
                kind="disable-storage",
                began=at(1),
                commands=(PastCommand(at=at(2), runs=("x",), exit_code=0),),
                ok=True,
                ended=at(4),
            ),
            PastAction(
                id=WIPE,
                safety="destructive",
                kind="wipe-disk",
                began=at(5),
                commands=(
                    PastCommand(at=at(6), zero="/dev/x", exit_code=None, unknown="killed"),
                    PastCommand(at=at(11), write="/etc/x", exit_code=3, stdout="out", stderr="err"),
                    PastCommand(at=at(13), runs=("x",), exit_code=None),
                ),
                ok=False,
                why="it did not",
                ended=at(8),
            ),
        ),
        resumed=(
            PastResume(at=at(10), user="carol", open=WIPE, verdict="partly", why="half of it"),
        ),
        abandoned_by="bob",
        reason="no more",
        by_run="r2",
    )


def test_an_action_that_was_begun_again_has_not_ended(tmp_path: Path) -> None:
    """Its result is that of the time before."""
    lines = [intent(WIPE), command(WIPE), output(WIPE, 1), result(WIPE, ok=False)]
    found = record(tmp_path, begin(WIPE), *lines, end(ok=False), RESUME, intent(WIPE))
    (action,) = past_run(found, running=False).actions
    assert (action.began, action.ended, action.ok, action.why) == (at(1), "", None, "")
    found = record(tmp_path, begin(WIPE), *lines, end(ok=False), RESUME, *lines)
    (action,) = past_run(found, running=False).actions
    assert (action.ended, action.ok, len(action.commands)) == (at(10), False, 2)


@pytest.mark.parametrize(
    ("ending", "ended", "why", "lines"),
    [
        ("nothing", 1, "w", [begin(), end(ok=False)]),
        ("nothing", None, "", [begin()]),
        ("done", 5, "", [begin(WIPE), *done(WIPE), end(ok=True)]),
        ("remains", 5, "w", [begin(WIPE), *done(WIPE), end(ok=False)]),
        ("interrupted", 5, "w", [begin(), *done(OFF), end(ok=False)]),
        ("failed", 3, "w", [begin(WIPE), intent(WIPE), result(WIPE, ok=False), end(ok=False)]),
        ("failed", 6, "other", [begin(WIPE), intent(WIPE), result(WIPE, ok=False), end(ok=False),
            {**RESUME, "why": "x"}, result(WIPE, ok=False), {**end(ok=False), "why": "other"}]),
        ("killed", None, f"it was broken off while {WIPE} was under way",
            [begin(WIPE), intent(WIPE), result(WIPE, ok=False), end(ok=False), RESUME]),
        ("unreadable", 2, "it holds the beginning of another run",
            [begin(), begin(), end(ok=False)]),
        ("abandoned", 2, "", [begin(), end(ok=False), ABANDON]),
    ],
)  # fmt: skip
def test_how_it_ended_and_why(
    ending: str, ended: int | None, why: str, lines: list[Json], tmp_path: Path
) -> None:
    """A run that has begun again has not ended; what stands in its way is told of it instead."""
    found = past_run(record(tmp_path, *lines), running=False)
    moment = "" if ended is None else at(ended)
    assert (found.ending, found.ended, found.why) == (ending, moment, why)
    given_up = ("bob", "no more", "r2") if ending == "abandoned" else ("", "", "")
    assert (found.abandoned_by, found.reason, found.by_run) == given_up
    running = past_run(record(tmp_path, *lines), running=True)
    assert (running.ending, running.why) == ("running", "")


def test_a_journal_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    found = Record(path=path, torn=(2,), faults=("it can't be read",))
    assert past_run(found, running=False) == PastRun(
        id="x", journal=str(path), ending="unreadable", why="it can't be read", torn=(2,),
        faults=("it can't be read",),
    )  # fmt: skip
    headless = record(tmp_path, output(WIPE, 1))
    (action,) = past_run(headless, running=False).actions
    assert action == PastAction(id=WIPE, safety="", kind="", began=at(0), ok=None)
    later = record(tmp_path, output(WIPE, 1), intent(WIPE))
    (action,) = past_run(later, running=False).actions
    assert (action.kind, action.safety) == ("wipe-disk", "safe")


def test_what_is_empty_is_left_out_of_the_document(tmp_path: Path) -> None:
    nothing = {**RESUME, "open": "", "verdict": "", "why": ""}
    found = past_run(record(tmp_path, begin(WIPE), nothing), running=False)
    document = json.loads(history_to_json(History(runs=(found,))))
    (run,) = document["runs"]
    assert run["resumed"] == [{"at": at(1), "user": "carol"}]
    assert {"abandoned_by", "reason", "by_run", "torn", "faults", "ended"}.isdisjoint(run)
    assert (
        check(parse_document(json.dumps(document).encode(), name="x", what="history"), "history")
        == ()
    )


@pytest.mark.parametrize("held", [True, False])
def test_of_those_without_a_last_word_only_the_last_one_runs(held: bool, tmp_path: Path) -> None:
    """While the lock is held. Those before were killed."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for name, lines in (("a", [intent(OFF)]), ("b", [intent(OFF)]), ("c", [end(ok=False)])):
        (folder / f"20261123T080000Z-{name}.jsonl").write_text(text(begin(), *lines))
    with (tmp_path / "lock").open("w") as lock:
        if held:
            fcntl.flock(lock, fcntl.LOCK_EX)
        found = history(str(tmp_path))
    second = "running" if held else "killed"
    assert [one.ending for one in found.runs] == ["killed", second, "nothing"]
    document = json.loads(history_to_json(found))
    assert list(document) == ["format_version", "runs"]
    assert document["format_version"] == HISTORY_VERSION
    assert [one["id"][-1] for one in document["runs"]] == ["a", "b", "c"]
