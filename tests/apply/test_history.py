"""What was run on a host, as the journals tell it: also those that a crash, a full disk or somebody
else has left."""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply.records import Ending, read_record
from phoenix_plan.commands import Output, Write
from phoenix_plan.documents import parse_document
from phoenix_plan.schema_check import check
from tests.apply.machine import PHOTOS, Machine, break_off, by_id, host, pool, want, watch, words

Json = dict[str, Any]
Patch = pytest.MonkeyPatch
WIPE = f"wipe-disk:{by_id('E')}"


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A disk to be wiped for a new pool, and a safe change."""
    there = host(pool("keep", "mirror", "B", "C", some={}))
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("keep", "mirror", "B", "C"),
        want("cold", "single", "E"),
        datasets=[{"name": "some", "pool": "keep", "properties": "atime=on"}],
    )
    assert machine.plan().code == 0
    assert machine.approve().code == 0
    return machine


def runs(machine: Machine, *argv: str) -> list[Json]:
    """`phoenix history --json`, held against its schema."""
    called = machine.history(*argv, "--json")
    assert called.code == 0, called.err
    document = parse_document(called.out.encode(), name="history", what="history")
    assert check(document, "history") == ()
    found: Json = json.loads(called.out)
    assert next(iter(found)) == "format_version"
    return found["runs"]  # type: ignore[no-any-return]  # of its own


def only(machine: Machine) -> Path:
    (path,) = Path(f"{machine.path}.phoenix").glob("runs/*.jsonl")
    return path


def test_nothing_was_run_yet(machine: Machine) -> None:
    machine.has(host())
    called = machine.history()
    assert called.code == 0
    assert "Nothing was run yet" in called.out
    assert runs(machine) == []


def test_a_run_in_full(planned: Machine) -> None:
    """Who, when, by whose consent, each command with what it said, and how it ended."""
    assert planned.apply().code == 0
    run = only(planned).stem
    listed = planned.history().out
    assert f"{run}  done" in listed
    assert "3 of 3 done" in listed
    assert "Next:" not in listed
    text = " ".join(planned.history(run[:20]).out.split())
    assert f"Run {run}: done" in text
    assert f"{WIPE}, destructive: done, seen on the host" in text
    assert "zfs set atime=on keep/some" in text
    assert f"zeroed places of {by_id('E')}" in text
    assert f"consent {WIPE}: approval, " in text
    assert "agreed, until " in text
    (found,) = runs(planned, run)
    assert found["ending"] == "done"
    assert [one["ok"] for one in found["actions"]] == [True] * 3
    assert found["actions"][0]["commands"][0]["exit_code"] == 0
    assert found["actions"][0]["commands"][0]["runs"][:2] == ["zfs", "set"]
    assert found["consent"][WIPE]["source"] == "approval"
    assert planned.history("no-such").code == 1


def test_a_run_that_failed_says_what_the_tool_said(planned: Machine, monkeypatch: Patch) -> None:
    def fails(write: Write) -> Output | None:
        said = Output(exit_code=2, stdout=b"\x1b[31mout", stderr=b"no luck\nat all\n")
        return said if words(write).startswith("zpool create") else None

    with monkeypatch.context() as patch:
        watch(patch, fails)
        planned.apply()
    called = planned.history(only(planned).stem)
    assert "create-pool:cold, safe: FAILED" in called.out
    assert "\x1b" not in called.out
    for said in ("no luck", "at all", "exit       2"):
        assert said in called.out
    assert f"Next: phoenix resume {only(planned).stem} --host {planned.sim}\n" in called.out


def test_a_run_that_was_broken_off_says_where(planned: Machine, monkeypatch: Patch) -> None:
    """A torn last line is known as one."""
    break_off(planned, monkeypatch, "zero")
    with only(planned).open("ab") as journal:
        journal.write(b'{"event": "output", "at": "2026-')
    text = " ".join(planned.history().out.split())
    assert "BROKEN OFF" in text
    assert f"it was broken off while {WIPE} was under way" in text
    text = " ".join(planned.history(only(planned).stem).out.split())
    assert "was written in part (a power cut, a full disk): passed over" in text
    assert "unknown: nobody saw it end" in text
    assert "Not begun create-pool:cold" in text
    assert planned.resume().code == 0
    (found,) = runs(planned)
    assert found["torn"] == [8]
    assert found["resumed"][0]["verdict"] == "not-done"
    text = " ".join(planned.history(only(planned).stem).out.split())
    assert f"{WIPE} was under way, not-done" in text


def test_a_run_that_is_on_is_seen_to_be(planned: Machine, monkeypatch: Patch) -> None:
    """Asked from the side, without taking its lock."""
    seen: list[str] = []

    def see(_write: Write) -> None:
        seen.append(runs(planned)[0]["ending"])

    watch(monkeypatch, see)
    assert planned.apply().code == 0
    assert seen == ["running"] * 3
    monkeypatch.undo()
    with Path(f"{planned.path}.phoenix/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert runs(planned)[0]["ending"] == "done"


BEGIN = (
    '{"event": "begin", "at": "2026-11-23T08:00:00.000000Z", "format_version": "1.1", "run": "r",'
    ' "plan": "p", "source": "s", "host": {"hostname": "h", "machine": "m", "hostid": "i"},'
    ' "state": {"id": "i", "taken_at": "t"}, "config": "c", "user": "u", "mode": "safe",'
    ' "consent": {}, "rows": ["a:b", "c:d"], "left_out": []}\n'
)
LINE = '{"event": "%s", "at": "2026-11-23T08:00:00.000000Z", '
INTENT = LINE % "intent" + (
    '"id": "a:b", "safety": "safe", "action": {"type": "a", "arguments": {}}, "evidence": {}}\n'
)
COMMAND = LINE % "command" + '"id": "a:b", "argv": ["x"]}\n'
OUTPUT = LINE % "output" + '"id": "a:b", "exit_code": 0, "stdout": "", "stderr": ""}\n'
GOOD = LINE % "result" + '"id": "a:b", "ok": true, "why": ""}\n'
BAD = LINE % "result" + '"id": "a:b", "ok": false, "why": "w"}\n'
END = LINE % "end" + '"ok": false, "why": "w"}\n'
ABANDON = LINE % "abandon" + '"user": "u", "reason": "r", "by_run": ""}\n'
RUN = BEGIN + INTENT + COMMAND + OUTPUT


@pytest.mark.parametrize(
    ("ending", "accounted", "text"),
    [
        ("nothing", True, ""),
        ("nothing", True, '{"eve'),
        ("nothing", True, BEGIN),
        ("nothing", True, BEGIN + END),
        ("killed", False, BEGIN + '{"event": "inte'),
        ("killed", False, BEGIN + INTENT),
        ("killed", False, RUN),
        ("killed", False, RUN + GOOD),
        ("killed", False, RUN + GOOD[:-1]),
        ("killed", False, RUN + "\0\0\0\0"),
        ("killed", False, RUN + '{"event": "output", "at": "2026-11\0\0\0\n'),
        ("failed", True, RUN + BAD + END),
        ("failed", False, RUN + END),
        ("failed", False, BEGIN + INTENT + COMMAND + BAD + END),
        ("interrupted", True, RUN + GOOD + END),
        ("failed", True, RUN + BAD[:30] + "\n" + BAD + END),
        ("abandoned", True, RUN + ABANDON),
        ("abandoned", True, "garbage\n\xff\xfe\n" + ABANDON),
        ("unreadable", False, RUN + "garbage\n" + GOOD + END),
        ("unreadable", False, '{"eve\n' + INTENT),
        ("unreadable", False, RUN + '{"event": "boot", "at": "2026"}\n' + END),
        ("unreadable", False, RUN + GOOD.replace("a:b", "x:y") + END),
        ("unreadable", False, RUN + BEGIN + END),
        ("unreadable", False, RUN + '{"event": "end", "ok": true, "ok": false}\n'),
        ("unreadable", False, "[]\n[]\n"),
    ],
)  # fmt: skip
def test_how_a_journal_ends(ending: Ending, accounted: bool, text: str, tmp_path: Path) -> None:
    """Torn lines are ours; whatever else phoenix does not write makes the file unreadable."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(text.encode("latin-1"))
    record = read_record(path)
    assert record.ending == ending
    assert (record.unaccounted == "") == accounted


def test_what_can_not_be_read_is_named(planned: Machine) -> None:
    """Never a crash: a folder, a foreign file, one without its beginning."""
    assert planned.apply().code == 0
    folder = only(planned).parent
    (folder / "20200101T000000Z-aaaaaaaa.jsonl").mkdir()
    (folder / "20200102T000000Z-bbbbbbbb.jsonl").write_bytes(os.urandom(4096) + b"\n" * 3)
    (folder / "20200103T000000Z-cccccccc.jsonl").write_text("[1]\n{}\n")
    whole = next(folder.glob("2026*.jsonl")).read_text()
    thirteenth = re.sub(r'"at": "....-..', '"at": "2026-13', whole)
    assert thirteenth != whole
    (folder / "20200104T000000Z-dddddddd.jsonl").write_text(thirteenth)
    called = planned.history()
    assert called.code == 0
    assert called.out.count("UNREADABLE") == 4
    assert "it can't be read: Is a directory" in called.out
    assert "line 1 is not as phoenix writes it" in called.out
    assert [one["ending"] for one in runs(planned)] == ["unreadable"] * 4 + ["done"]
    called = planned.history("20200103")
    assert called.code == 0
    assert "phoenix abandon 20200103T000000Z-cccccccc --reason WHY" in called.out
