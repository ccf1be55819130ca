"""What a journal's lines add up to: what is done, what is left, what nobody saw the end of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply.journal import JournalError
from phoenix_plan.apply.records import Record, find, read_record, records

Json = dict[str, Any]
OFF, WIPE, ON = "disable-storage:vm", "wipe-disk:x", "enable-storage:vm"


def at(second: int) -> str:
    return f"2026-11-23T08:00:{second:02}.000000Z"


def begin(*rows: str, second: int = 0, **fields: Any) -> Json:
    return {
        "event": "begin", "at": at(second), "format_version": "1.1", "run": "r", "plan": "p",
        "source": "s", "host": {"hostname": "h", "machine": "m", "hostid": "i"},
        "state": {"id": "i", "taken_at": "t"}, "config": "c", "user": "u", "mode": "safe",
        "consent": {}, "rows": list(rows or (OFF, WIPE, ON)), "left_out": [], **fields,
    }  # fmt: skip


def intent(row: str) -> Json:
    action = {"type": row.partition(":")[0], "arguments": {}}
    return {"event": "intent", "id": row, "safety": "safe", "action": action, "evidence": {}}


def command(row: str) -> Json:
    return {"event": "command", "id": row, "argv": ["x"]}


def output(row: str, code: int = 0) -> Json:
    return {"event": "output", "id": row, "exit_code": code, "stdout": "", "stderr": ""}


def unknown(row: str) -> Json:
    return {"event": "unknown", "id": row, "why": "killed"}


def result(row: str, *, ok: bool = True) -> Json:
    return {"event": "result", "id": row, "ok": ok, "why": "" if ok else "it did not"}


def done(row: str) -> list[Json]:
    return [intent(row), command(row), output(row), result(row)]


def end(*, ok: bool) -> Json:
    return {"event": "end", "ok": ok, "why": "" if ok else "w"}


def text(*lines: Json) -> str:
    return "".join(json.dumps({"at": at(number), **one}) + "\n" for number, one in enumerate(lines))


def record(folder: Path, *lines: Json) -> Record:
    path = folder / "r.jsonl"
    path.write_text(text(*lines))
    return read_record(path)


def step_of(folder: Path, *lines: Json) -> Any:
    (step,) = record(folder, begin(WIPE), *lines).steps
    return step


def test_a_step_counts_from_where_it_was_begun_for_the_last_time(tmp_path: Path) -> None:
    """Its result does; its commands are all of them."""
    first = [intent(WIPE), command(WIPE), output(WIPE, 1), result(WIPE, ok=False)]
    step = step_of(tmp_path, *first)
    assert (step.ok, step.why, step.begun, step.ended) == (False, "it did not", True, 0)
    again = step_of(tmp_path, *first, intent(WIPE))
    assert (again.ok, again.why, again.begun, again.ended) == (None, "", True, 0)
    over = step_of(tmp_path, *first, *done(WIPE))
    assert (over.ok, over.why, over.ended) == (True, "", 1)
    only = step_of(tmp_path, result(WIPE))
    assert (only.ok, only.begun, only.ended) == (True, False, 0)
    assert [line["event"] for line in again.last] == ["intent"]
    assert over.last == over.lines[4:]


@pytest.mark.parametrize(
    ("untold", "lines"),
    [
        (False, []),
        (True, [command(WIPE)]),
        (False, [command(WIPE), output(WIPE, 1)]),
        (True, [command(WIPE), output(WIPE), command(WIPE)]),
        (True, [command(WIPE), output(WIPE), unknown(WIPE)]),
        (True, [command(WIPE), unknown(WIPE)]),
    ],
)
def test_a_command_of_which_nobody_saw_the_end(
    untold: bool, lines: list[Json], tmp_path: Path
) -> None:
    """A result behind it does not make it seen."""
    for more in ([], [result(WIPE, ok=False)]):
        assert step_of(tmp_path, intent(WIPE), *lines, *more).untold is untold


FAILED = [intent(WIPE), command(WIPE), output(WIPE, 1), result(WIPE, ok=False)]


@pytest.mark.parametrize(
    ("ending", "why", "lines"),
    [
        ("nothing", "", [begin()]),
        ("nothing", "", [begin(), end(ok=False)]),
        ("done", "", [begin(WIPE), *done(WIPE), end(ok=True)]),
        ("remains", "", [begin(WIPE), *done(WIPE), end(ok=False)]),
        ("failed", "", [begin(WIPE), *FAILED, end(ok=False)]),
        ("failed", "it has disabled vm and not enabled it again",
            [begin(), *done(OFF), *FAILED, end(ok=False)]),
        ("failed", f"nobody saw how {WIPE} ended",
            [begin(), *done(OFF), intent(WIPE), command(WIPE), end(ok=False)]),
        ("failed", f"nobody saw how {WIPE} ended",
            [begin(WIPE), intent(WIPE), command(WIPE), output(WIPE), end(ok=False)]),
        ("interrupted", "it has disabled vm and not enabled it again",
            [begin(), *done(OFF), end(ok=False)]),
        ("interrupted", "", [begin(WIPE, ON), *done(WIPE), end(ok=False)]),
        ("interrupted", "", [begin(OFF, WIPE), *done(OFF), end(ok=False)]),
        ("interrupted", "", [begin(), *done(OFF), *done(ON), end(ok=False)]),
        ("interrupted", "",
            [begin(OFF, "enable-storage:other"), *done(OFF), end(ok=False)]),
        ("interrupted", "", [begin(OFF, "remove-storage:vm"), *done(OFF), end(ok=False)]),
        ("interrupted", "",
            [begin("update-storage:vm", ON), *done("update-storage:vm"), end(ok=False)]),
        ("killed", f"it was broken off while {WIPE} was under way",
            [begin(), *done(OFF), intent(WIPE)]),
        ("killed", "it was broken off between two actions", [begin(), *done(OFF)]),
        ("killed", "it was broken off after its last action", [begin(WIPE), *done(WIPE)]),
        ("abandoned", "", [begin(), *done(OFF),
            {"event": "abandon", "user": "u", "reason": "r", "by_run": ""}]),
        ("unreadable", "it holds the beginning of another run", [begin(), begin()]),
        ("unreadable", "it holds the beginning of another run", [intent(WIPE), begin()]),
        ("unreadable", "its first line can't be read", [intent(WIPE), command(WIPE)]),
        ("unreadable", "it tells of a:b, which was not to run",
            [begin(), *done("a:b"), *done("c:d")]),
    ],
)  # fmt: skip
def test_how_a_run_ended_and_whether_the_host_is_accounted_for(
    ending: str, why: str, lines: list[Json], tmp_path: Path
) -> None:
    """What is in the way of the next run says why; what stopped in order can be resumed."""
    found = record(tmp_path, *lines)
    assert (found.ending, found.unaccounted) == (ending, why)
    assert found.resumable is (ending in ("failed", "interrupted", "killed"))
    if "was not to run" in why:
        assert len(found.faults) == 1, "told once"


def test_what_is_done_and_what_is_left(tmp_path: Path) -> None:
    found = record(tmp_path, begin(), *done(OFF), *FAILED)
    assert (found.id, found.rows) == ("r", (OFF, WIPE, ON))
    assert found.done == (OFF,)
    assert found.left == (WIPE, ON)
    assert found.open is not None
    assert found.open.id == WIPE
    assert found.last_at == at(8)
    nothing = Record(path=tmp_path / "x.jsonl")
    assert (nothing.last_at, nothing.ending, nothing.begin, nothing.rows) == ("", "nothing", {}, ())
    assert Record(path=tmp_path / "x.jsonl", faults=("it can't be read",)).ending == "unreadable"


def test_each_line_that_is_none_is_named_by_its_number(tmp_path: Path) -> None:
    """Torn by a power cut, or written by somebody else; the time of a line is one."""
    path = tmp_path / "r.jsonl"
    good = text(begin(WIPE), intent(WIPE))
    month = json.dumps({**command(WIPE), "at": "2026-13-23T08:00:00.000000Z"})
    deep = '{"event": "command", "id": ' + "[" * 100_000
    path.write_bytes(f'{good}\n{{"event": "comm\n{month}\n{deep}\n'.encode() + b"\0\0\n")
    found = read_record(path)
    assert found.torn == (4, 7)
    assert found.faults == tuple(f"line {number} is not as phoenix writes it" for number in (5, 6))
    assert found.count == 6
    (tmp_path / "folder.jsonl").mkdir()
    (fault,) = read_record(tmp_path / "folder.jsonl").faults
    assert fault == "it can't be read: Is a directory"
    assert read_record(tmp_path / "folder.jsonl").ending == "unreadable"


def test_runs_stand_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    """Of two in one second the first line tells; else the name."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for name, second in (
        ("T080001Z-aa", 5),
        ("T080001Z-bb", 4),
        ("T080001Z-cc", 4),
        ("T080000Z-dd", 9),
    ):
        (folder / f"20261123{name}.jsonl").write_text(text(begin(second=second)))
    (folder / "20261123T080001Z-zz.jsonl").write_text("")
    names = [one.id.partition("-")[2] for one in records(str(tmp_path))]
    assert names == ["dd", "zz", "bb", "cc", "aa"]
    assert find(str(tmp_path), "20261123T080000").id == "20261123T080000Z-dd"
    assert find(str(tmp_path), "20261123T080001Z-bb").id.endswith("bb")
    for wanted, why in (
        ("20261123T080001", "several runs are"),
        ("2025", "there is no run '2025'"),
    ):
        with pytest.raises(JournalError, match=why) as caught:
            find(str(tmp_path), wanted)
        assert "history lists them" in caught.value.hint
    (folder / "20261123T080001Z-b.jsonl").write_text("")
    assert find(str(tmp_path), "20261123T080001Z-b").id.endswith("-b")
