"""-o: a document is there whole or not at all, and takes no other file's place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix_plan.cli import files
from phoenix_plan.errors import PhoenixError
from tests.cli.calls import BLANK, OCCUPIED, Called, call, config, state

Out = pytest.CaptureFixture[str]


def plan_to(target: str, folder: Path, capsys: Out, *more: str, actual: object = BLANK) -> Called:
    assert actual in (BLANK, OCCUPIED)
    there = state(folder, BLANK if actual is BLANK else OCCUPIED)
    return call(capsys, "plan", "--state", there, "-c", config(folder), "-o", target, *more)


def test_the_plan_is_written_and_printed(tmp_path: Path, capsys: Out) -> None:
    target = tmp_path / "plan.json"
    called = plan_to(str(target), tmp_path, capsys)
    assert called.code == 0
    assert "create pool tank" in called.out
    assert f"Wrote {target}." in called.err
    assert target.read_text(encoding="utf-8").startswith('{\n  "format_version": "1.0"')


def test_no_temporary_file_stays(tmp_path: Path, capsys: Out) -> None:
    plan_to(str(tmp_path / "plan.json"), tmp_path, capsys)
    assert sorted(os.listdir(tmp_path)) == ["config.json", "plan.json", "state.json"]


def test_an_existing_plan_is_replaced_whole(tmp_path: Path, capsys: Out) -> None:
    """By a rename: a reader sees the old plan or the new one, and a hard link keeps the old."""
    target = tmp_path / "plan.json"
    plan_to(str(target), tmp_path, capsys, actual=OCCUPIED)
    before = target.read_bytes()
    os.link(target, tmp_path / "kept.json")
    assert plan_to(str(target), tmp_path, capsys).code == 0
    assert target.read_bytes() != before
    assert (tmp_path / "kept.json").read_bytes() == before


@pytest.mark.parametrize("content", ["my notes", '{"zfs": {"pools": []}}', "{}"])
def test_a_file_that_is_no_plan_is_not_replaced(content: str, tmp_path: Path, capsys: Out) -> None:
    """`-o` with the config's name by mistake costs nobody their config."""
    target = tmp_path / "mine.json"
    target.write_text(content, encoding="utf-8")
    assert plan_to(str(target), tmp_path, capsys).code == 64
    assert target.read_text(encoding="utf-8") == content


def test_a_state_is_not_replaced_by_a_plan(tmp_path: Path, capsys: Out) -> None:
    path = state(tmp_path, BLANK, "other-state.json")
    before = Path(path).read_bytes()
    called = plan_to(path, tmp_path, capsys)
    assert called.code == 64
    assert "is no plan of phoenix's" in called.err
    assert Path(path).read_bytes() == before


def test_a_symbolic_link_is_not_followed(tmp_path: Path, capsys: Out) -> None:
    """Neither written through nor replaced: who put it there meant something by it."""
    victim = tmp_path / "victim"
    victim.write_text("", encoding="utf-8")
    link = tmp_path / "plan.json"
    link.symlink_to(victim)
    called = plan_to(str(link), tmp_path, capsys)
    assert (called.code, called.out) == (64, "")
    assert victim.read_text(encoding="utf-8") == ""
    assert link.is_symlink()


def test_a_device_is_not_replaced(tmp_path: Path, capsys: Out) -> None:
    """A rename onto /dev/null, by root, would take it away from the whole machine."""
    os.mkfifo(tmp_path / "pipe")
    assert plan_to(str(tmp_path / "pipe"), tmp_path, capsys).code == 64
    assert plan_to("/dev/null", tmp_path, capsys).code == 64
    assert plan_to(str(tmp_path), tmp_path, capsys).code == 64


def test_a_missing_folder_is_said_before_any_work(
    tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked(*_: object, **__: object) -> None:
        raise AssertionError("the host was asked")

    monkeypatch.setattr("phoenix_plan.refresh.refresh", worked)
    called = call(capsys, "refresh", "-o", str(tmp_path / "no" / "state.json"))
    assert called.code == 64
    assert "there is no folder" in called.err


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails takes its temporary file along, and the old document stays."""
    target = tmp_path / "plan.json"
    old = '{"format_version": "1.0", "host": {}}'
    target.write_text(old, encoding="utf-8")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PhoenixError, match="No space left"):
        files.write_document(str(target), "new", "plan")
    assert os.listdir(tmp_path) == ["plan.json"]
    assert target.read_text(encoding="utf-8") == old


def test_json_on_stdout_stands_there_once(tmp_path: Path, capsys: Out) -> None:
    """`-o - --format json` prints one document, and `-o -` keeps the text out of it."""
    once = plan_to("-", tmp_path, capsys, "--format", "json")
    assert once.out.count('"format_version"') == 1
    assert once.err == ""
    both = plan_to("-", tmp_path, capsys)
    assert both.out == once.out
    assert "create pool tank" in both.err


def test_a_state_is_written_for_plan_to_read(
    tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    """refresh -o, then plan --state: the same plan as on the host."""
    there = Path(state(tmp_path, BLANK)).read_text(encoding="utf-8")
    monkeypatch.setattr("phoenix_plan.hosts.open.open_host", lambda _name: None)
    monkeypatch.setattr("phoenix_plan.refresh.refresh", lambda *_, **__: BLANK)
    target = tmp_path / "seen.json"
    called = call(capsys, "refresh", "-c", config(tmp_path), "-o", str(target))
    assert (called.code, called.out) == (0, "")
    assert "State of pve1: 2 disks" in called.err
    assert f"phoenix plan --state {target}" in called.err
    assert target.read_text(encoding="utf-8") == there
