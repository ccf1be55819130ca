"""The journal's file and the lock's: what is written, what was torn, what can't be."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply.journal import Journal, JournalError, journals, keep_plan, said, sync_folder
from phoenix_plan.apply.lock import LockedError, is_held, locked
from phoenix_plan.commands import Output
from phoenix_plan.errors import PhoenixError

Patch = pytest.MonkeyPatch


def lines(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


def test_a_line_is_told_once_it_is_on_disk(tmp_path: Path, monkeypatch: Patch) -> None:
    """As it stands there, without its end; in UTC, wherever the host is."""
    told: list[str] = []
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    with Journal.open(str(tmp_path / "a/b"), "r", told.append) as journal:
        journal.write("begin", run="ü")
        assert journal.path == tmp_path / "a/b/runs/r.jsonl"
        assert journal.path.read_text() == f"{told[0]}\n"
    monkeypatch.undo()
    time.tzset()
    assert told[0].isascii()
    moment = datetime.fromisoformat(json.loads(told[0])["at"])
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_the_folder_is_there_or_is_made(tmp_path: Path) -> None:
    for run in ("a", "b"):
        with Journal.open(str(tmp_path / "deep/er"), run) as journal:
            journal.write("begin")
        keep_plan(str(tmp_path / f"{run}/deep/er"), run, b"x")
        keep_plan(str(tmp_path / f"{run}/deep/er"), f"{run}2", b"x")
    folder = tmp_path / "deep/er/runs"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert journals(str(tmp_path / "deep/er")) == [folder / "a.jsonl", folder / "b.jsonl"]
    assert journals(str(tmp_path / "a/deep/er"), ".plan.json") == [
        tmp_path / "a/deep/er/runs/a.plan.json", tmp_path / "a/deep/er/runs/a2.plan.json",
    ]  # fmt: skip
    assert journals(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ("", '{"event": "end"'),
        ('{"event": "begin"}\n', '{"event": "begin"}\n{"event": "end"'),
        ('{"event": "beg', '{"event": "beg\n{"event": "end"'),
        ("{", '{\n{"event": "end"'),
    ],
)
def test_behind_a_torn_line_the_next_one_stands_on_its_own(
    there: str, found: str, tmp_path: Path
) -> None:
    """And no line is empty."""
    path = tmp_path / "r.jsonl"
    path.write_text(there)
    told: list[str] = []
    with Journal.reopen(path, told.append) as journal:
        assert journal.path == path
        journal.write("end")
        journal.write("end")
    text = path.read_text()
    assert text.startswith(found)
    assert text.count("\n") == found.count("\n") + 2
    assert told == text.splitlines()[-2:]


def test_two_who_write_overwrite_nothing(tmp_path: Path) -> None:
    with Journal.open(str(tmp_path), "r") as first:
        first.write("begin")
        with Journal.reopen(first.path) as second:
            second.write("abandon")
            first.write("a")
            second.write("b")
            first.write("c")
        assert lines(first.path) == ["begin", "abandon", "a", "b", "c"]
    for journal in (first, second):
        with pytest.raises(JournalError):
            journal.write("late")


def test_a_write_that_comes_in_parts_is_one_line(tmp_path: Path, monkeypatch: Patch) -> None:
    """write(2) may write less; where it fails, what is there is a torn line."""
    real = os.write
    full = False

    def write(descriptor: int, data: bytes) -> int:
        if full and len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:7])

    with Journal.open(str(tmp_path), "r") as journal:
        monkeypatch.setattr(os, "write", write)
        journal.write("begin")
        full = True
        with pytest.raises(JournalError, match="No space left") as caught:
            journal.write("intent")
        assert "phoenix resume" in caught.value.hint
        full = False
        journal.write("end")
        journal.write("end")
    text = journal.path.read_text().splitlines()
    assert [len(line) > 5 for line in text] == [True] * 4
    assert [json.loads(text[at])["event"] for at in (0, 2, 3)] == ["begin", "end", "end"]


def test_what_a_tool_said_is_kept_up_to_a_length() -> None:
    """And what is cut off is counted; bytes that are no text end nothing."""
    limit = 16 * 1024
    whole = Output(exit_code=3, stdout=b"x" * limit, stderr=b"\xff!")
    assert said(whole) == {"exit_code": 3, "stdout": "x" * limit, "stderr": "\ufffd!"}
    long = said(Output(exit_code=0, stdout=b"x" * (limit + 5), stderr=b""))
    assert long["stdout"] == "x" * limit + "… and 5 characters more"


def refuse(monkeypatch: Patch, name: str, error: OSError) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(os, name, refused)


@pytest.mark.parametrize(
    ("hint", "error"),
    [("Run it as root.", PermissionError(13, "denied")), ("", OSError(5, "i/o error"))],
)
def test_what_can_not_be_opened_is_said(
    hint: str, error: OSError, tmp_path: Path, monkeypatch: Patch
) -> None:
    """With what helps where anything does; never as if nothing were there."""
    with monkeypatch.context() as patch:
        refuse(patch, "listdir", error)
        with pytest.raises(JournalError, match="can't be read") as caught:
            journals(str(tmp_path))
        assert caught.value.hint == hint
    with monkeypatch.context() as patch:
        refuse(patch, "open", error)
        with pytest.raises(PhoenixError, match="no lock") as locking, locked(str(tmp_path), "me"):
            pass
        assert locking.value.hint == hint
        for attempt in (
            lambda: Journal.open(str(tmp_path), "r"), lambda: keep_plan(str(tmp_path), "r", b""),
        ):  # fmt: skip
            with pytest.raises(JournalError, match="nothing was run") as opening:
                attempt()
            assert "then apply again" in opening.value.hint
        with pytest.raises(JournalError, match="nothing was run"):
            Journal.reopen(tmp_path / "r.jsonl")


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    sync_folder(tmp_path)
    keep_plan(str(tmp_path), "r", b"x")
    with Journal.open(str(tmp_path), "r") as journal:
        journal.write("begin")
    with Journal.reopen(journal.path), locked(str(tmp_path), "me"):
        pass
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(NotADirectoryError):
        sync_folder(journal.path)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (b"nobody left a name", b""),
        ("ann\ufffd: apply".encode(), b"ann\xff: apply\n"),
        (b"ann", b"ann" + b" " * 5000 + b"more"),
    ],
)
def test_who_holds_the_lock_is_told(told: bytes, name: bytes, tmp_path: Path) -> None:
    """As far as they have said so."""
    with locked(str(tmp_path / "a/b"), "p\udcff") as _:
        path = tmp_path / "a/b/lock"
        assert path.read_bytes() == b"p?\n"
        path.write_bytes(name)
        with pytest.raises(LockedError) as caught, locked(str(tmp_path / "a/b"), "me"):
            pass
        assert caught.value.message == f"another apply holds {path}: {told.decode()}"
        assert "the kernel frees the lock" in caught.value.hint
        assert caught.value.exit_code == 6
        assert path.read_bytes() == name


@pytest.mark.parametrize(
    ("held", "line"),
    [
        (True, "1: FLOCK  ADVISORY  WRITE 4711 08:01:{inode} 0 EOF"),
        (True, "0: x\n1: FLOCK  ADVISORY  WRITE \udcff 4711 00:2f:{inode} 0 EOF\n2: y"),
        (False, "1: FLOCK  ADVISORY  READ  4711 08:01:{inode} 0 EOF"),
        (False, "1: POSIX  ADVISORY  WRITE 4711 08:01:{inode} 0 EOF"),
        (False, "1: FLOCK  ADVISORY  WRITE 4711 08:01:1{inode} 0 EOF"),
        (
            False,
            "1: FLOCK  ADVISORY  WRITE 4711 08:01:5 0 EOF\n2: POSIX  ADVISORY  READ 1 :{inode}",
        ),
        (False, ""),
    ],
)
def test_the_kernels_table_tells_whether_the_lock_is_held(
    held: bool, line: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    """proc_locks(5): a lock of flock(2), to write, on that very file."""
    assert is_held(str(tmp_path)) is False, "no lock was ever taken"
    path = tmp_path / "lock"
    path.touch()
    table = line.format(inode=path.stat().st_ino).encode(errors="surrogateescape")

    def read(path: Path, encoding: str, errors: str) -> str:
        assert path == Path("/proc/locks")
        return table.decode(encoding, errors)

    monkeypatch.setattr(Path, "read_text", read)
    assert is_held(str(tmp_path)) is held
