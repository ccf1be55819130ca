"""What has to outlive a power cut is on disk before anything rests on it, and is root's alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix_plan.apply import earlier
from phoenix_plan.apply.journal import Journal, JournalError, keep_plan
from phoenix_plan.apply.lock import locked
from phoenix_plan.errors import PhoenixError
from tests.apply.machine import Machine, host, want, watch

Patch = pytest.MonkeyPatch


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A pool to be made on blank disks."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    assert machine.plan().code == 0
    return machine


def state_dir(machine: Machine) -> Path:
    return Path(f"{machine.path}.phoenix")


def on_disk(monkeypatch: Patch) -> list[str]:
    """What is flushed to the disk from now on, in order: names of files and folders."""
    names: list[str] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        real(descriptor)
        size = os.fstat(descriptor).st_size
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        assert path.is_dir() or size, f"{path} is flushed before it is written"
        names.append(str(path))

    monkeypatch.setattr(os, "fsync", sync)
    return names


def test_a_run_is_on_disk_before_its_first_command(planned: Machine, monkeypatch: Patch) -> None:
    """The journal and the plan, and the folders that lead to them: what a power cut took away
    would let a plan run twice, or nobody resume it."""
    flushed = on_disk(monkeypatch)
    seen: list[set[str]] = []
    watch(monkeypatch, lambda _write: seen.append(set(flushed)))
    assert planned.apply().code == 0
    there = state_dir(planned)
    (journal,) = there.glob("runs/*.jsonl")
    kept = journal.with_suffix(".plan.json")
    wanted = {journal, kept, there / "runs", there, there.parent}
    assert {str(one) for one in wanted} <= seen[0]


def test_the_index_is_on_disk_before_the_journals_go(planned: Machine, monkeypatch: Patch) -> None:
    """Whole, under its name, and the name too."""
    assert planned.apply().code == 0
    monkeypatch.setattr(earlier, "KEEP", 0)
    there = state_dir(planned)
    happened = on_disk(monkeypatch)
    replace, unlink = os.replace, Path.unlink

    def replaced(old: Path, new: Path) -> None:
        replace(old, new)
        happened.append(f"{new.name} replaced")

    def gone(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        happened.append(f"{path.suffix} gone")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replaced)
        patch.setattr(Path, "unlink", gone)
        earlier.make_room(str(there), pytest.fail)
    assert happened[0].startswith(str(there / ".applied.jsonl."))
    assert happened[1:] == ["applied.jsonl replaced", str(there), ".json gone", ".jsonl gone"]


def test_what_apply_leaves_is_for_root_alone(planned: Machine, monkeypatch: Patch) -> None:
    """Whatever the umask is: outputs of tools and names of guests stand there."""
    before = os.umask(0)
    try:
        for _ in range(2):
            planned.plan_path.unlink()
            assert planned.plan().code == 0
            assert planned.apply().code == 0
            planned.has(host())
            monkeypatch.setattr(earlier, "KEEP", 0)
    finally:
        os.umask(before)
    there = state_dir(planned)
    found = {str(one.relative_to(there)): one for one in (there, *there.rglob("*"))}
    assert {".", "lock", "runs", "applied.jsonl"} <= found.keys()
    for name, one in found.items():
        wanted = 0o700 if one.is_dir() else 0o600
        assert one.stat().st_mode & 0o777 == wanted, name


def test_no_run_writes_into_anothers_files(tmp_path: Path) -> None:
    """Ids are random; should two be the same, the second run does not begin."""
    keep_plan(str(tmp_path), "r", b"one")
    with Journal.open(str(tmp_path), "r"):
        pass
    with pytest.raises(JournalError, match="File exists"):
        keep_plan(str(tmp_path), "r", b"two")
    with pytest.raises(JournalError, match="File exists"):
        Journal.open(str(tmp_path), "r")
    assert (tmp_path / "runs/r.plan.json").read_bytes() == b"one"


def test_no_link_leads_elsewhere(tmp_path: Path) -> None:
    """Neither the lock nor a journal is written through one."""
    elsewhere = tmp_path / "passwd"
    elsewhere.write_text("root\n")
    (tmp_path / "lock").symlink_to(elsewhere)
    (tmp_path / "r.jsonl").symlink_to(elsewhere)
    with pytest.raises(PhoenixError, match="there can be no lock"), locked(str(tmp_path), "me"):
        pass
    with pytest.raises(JournalError, match="can't be written"):
        Journal.reopen(tmp_path / "r.jsonl")
    assert elsewhere.read_text() == "root\n"


def test_the_lock_names_its_holder_and_nobody_else(tmp_path: Path) -> None:
    """On one line, without what a longer name before it has left."""
    with locked(str(tmp_path), "somebody with a long name"):
        pass
    with locked(str(tmp_path), "me:\n apply"):
        assert (tmp_path / "lock").read_text() == "me: apply\n"
