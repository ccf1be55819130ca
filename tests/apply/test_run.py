"""While it runs: order, journal, what stops it, and the account that it gives."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Output, Write
from phoenix_plan.documents import parse_document
from phoenix_plan.errors import HostError
from phoenix_plan.schema_check import check
from tests.apply.direct import CREATE, DESTROY, SET, WIPE, fails
from tests.apply.direct import ORDER as IN_ORDER
from tests.apply.machine import (
    PHOTOS,
    Machine,
    host,
    pool,
    typing,
    want,
    watch,
    words,
)

Json = dict[str, Any]
Patch = pytest.MonkeyPatch
ORDER = list(IN_ORDER)  # as JSON has it


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A dataset to destroy, a disk to wipe for a new pool, and safe changes around them."""
    datasets: Json = {"old": {"guid": "4711", "snapshots": {"monday": {}}}, "some": {}}
    there = host(pool("keep", "mirror", "B", "C", **datasets))
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("keep", "mirror", "B", "C"),
        want("cold", "single", "E"),
        datasets=[{"name": "some", "pool": "keep", "properties": "atime=on"}],
        removed={"datasets": [{"name": "keep/old", "guid": "4711"}]},
    )
    assert machine.plan().code == 0
    return machine


def failed(stderr: str) -> Output:
    return Output(exit_code=1, stdout=b"", stderr=stderr.encode())


def test_every_step_is_in_the_journal(planned: Machine) -> None:
    """Intent, each command, what it said, the result; every line as the schema has it."""
    planned.approve()
    called = planned.apply()
    assert called.code == 0
    (journal,) = planned.journals()
    (path,) = Path(f"{planned.path}.phoenix").glob("runs/*.jsonl")
    assert str(path) in called.out
    assert path.stat().st_mode & 0o777 == 0o600
    begin, end = journal[0], journal[-1]
    assert begin["rows"] == ORDER
    assert begin["consent"].keys() == {DESTROY, WIPE}
    assert begin["consent"][WIPE]["detail"] == "agreed"
    assert end["ok"] is True
    for identifier in ORDER:
        events = [line["event"] for line in journal if line.get("id") == identifier]
        assert events[0] == "intent"
        assert events[-1] == "result"
        assert events[1:-1] == ["command", "output"] * ((len(events) - 2) // 2)
    (intent,) = (line for line in journal if line.get("id") == DESTROY and "evidence" in line)
    assert intent["evidence"]["snapshots"] == ["keep/old@monday"]
    for line in journal:
        document = parse_document(json.dumps(line).encode(), name="journal", what="journal")
        assert check(document, "journal") == ()


def test_the_journal_is_streamed_as_it_is_written(planned: Machine) -> None:
    """stdout holds the journal's lines and nothing else, the version first."""
    called = planned.apply("--json", "--mode", "force-destructive")
    assert called.code == 0
    [journal] = planned.journals()
    lines = [json.loads(line) for line in called.out.splitlines()]
    assert journal == lines
    assert lines[0]["format_version"] == "1.1"
    assert "Applied 4 actions" in called.err


def test_a_line_is_on_disk_before_it_is_streamed(planned: Machine, monkeypatch: Patch) -> None:
    def see(line: str) -> None:
        kept = [one for run in planned.journals() for one in run]
        assert kept[-1] == json.loads(line)

    monkeypatch.setattr("phoenix_plan.cli.talking._event", see)
    assert planned.apply("--json", "--mode", "force-destructive").code == 0


def test_a_reader_that_has_gone_stops_nothing(planned: Machine, monkeypatch: Patch) -> None:
    """stdout is a pipe that nobody reads any more."""

    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    assert planned.apply("--json", "--mode", "force-destructive").code == 0
    assert planned.journals()[0][-1]["ok"]


def test_a_line_of_the_journal_is_held_against_the_schema() -> None:
    """The test above would see a field that nobody described."""
    line = b'{"event": "end", "at": "2026-03-01T12:00:00.000000Z", "ok": true, "why": "", "x": 1}'
    assert check(parse_document(line, name="journal", what="journal"), "journal")


def test_the_intent_is_on_disk_before_the_command(planned: Machine, monkeypatch: Patch) -> None:
    """Each line is there, and was flushed to the disk, when the write begins."""
    synced: list[int] = []
    real = os.fsync

    def sync(handle: int) -> None:
        real(handle)
        synced.append(handle)

    monkeypatch.setattr(os, "fsync", sync)
    seen: list[tuple[str, str]] = []

    def see(write: Write) -> None:
        lines = planned.journals()[0]
        seen.append((lines[-1]["event"], words(write)))
        assert lines[-2]["event"] in ("intent", "output")
        assert synced
        synced.clear()

    watch(monkeypatch, see)
    planned.approve()
    assert planned.apply().code == 0
    assert len(seen) == 5
    assert {event for event, _ in seen} == {"command"}


def test_a_plan_is_applied_once(planned: Machine) -> None:
    """I8: not again, though the drift comes back and the approval still counts."""
    before = planned.path.read_text()
    planned.approve()
    assert planned.apply().code == 0
    planned.path.write_text(before)
    called = planned.apply()
    assert called.code == 65
    assert "was applied before" in called.err
    assert len(planned.journals()) == 1


def test_a_plan_that_is_saved_anew_is_no_other_plan(planned: Machine) -> None:
    """Its bytes are others, what it was made of is not."""
    before = planned.path.read_text()
    assert planned.apply("--mode", "force-destructive").code == 0
    planned.path.write_text(before)
    planned.plan_path.write_text(planned.plan_path.read_text() + "\n")
    called = planned.apply("--mode", "force-destructive")
    assert called.code == 65
    assert "was applied before" in called.err


def test_a_plan_of_the_same_look_and_another_config_is_another(planned: Machine) -> None:
    """As `plan --state` makes them."""
    state = str(planned.folder / "state.json")
    config = str(planned.config)
    planned.call("refresh", "--host", planned.sim, "-c", config, "-o", state)
    planned.call("plan", "--state", state, "-c", config, "-o", str(planned.plan_path))
    before = planned.path.read_text()
    assert planned.apply("--mode", "force-destructive").code == 0
    planned.path.write_text(before)
    planned.config.write_text(planned.config.read_text() + "\n")
    planned.call("plan", "--state", state, "-c", config, "-o", str(planned.plan_path))
    assert planned.apply("--mode", "force-destructive").code == 0


@pytest.mark.parametrize("word", ["\u2028", "\u2029", "\x85", "\n"])
def test_nothing_that_a_person_writes_ends_a_line_of_the_journal(
    word: str, planned: Machine
) -> None:
    """What ends a line for Python would hide whose run it was."""
    before = planned.path.read_text()
    planned.approve()
    approval = json.loads(planned.approval.read_text())
    planned.approval.write_text(json.dumps({**approval, "reason": f"agreed{word}by Ann"}))
    assert planned.apply().code == 0
    planned.path.write_text(before)
    assert planned.apply().code == 65
    (path,) = Path(f"{planned.path}.phoenix").glob("runs/*.jsonl")
    assert path.read_bytes().isascii()


def test_a_path_that_is_no_text_is_written_down_all_the_same(planned: Machine) -> None:
    planned.approve()
    plan = planned.folder / "pl\udcff.json"
    plan.write_bytes(planned.plan_path.read_bytes())
    called = planned.call("apply", str(plan), "--host", planned.sim, "--approval",
                          str(planned.approval))  # fmt: skip
    assert called.code == 0, called.err


def test_a_run_that_failed_counts_as_one(planned: Machine, monkeypatch: Patch) -> None:
    with monkeypatch.context() as patch:
        watch(patch, fails("zfs destroy keep/old@", failed("busy")))
        assert planned.apply("--mode", "force-destructive").code == 7
    assert planned.apply("--mode", "force-destructive").code == 65


def test_a_run_that_was_killed_counts_as_one(planned: Machine) -> None:
    """Its journal ends in a torn line."""
    planned.approve()
    digest = json.loads(planned.approval.read_text())["plan"]
    folder = Path(f"{planned.path}.phoenix/runs")
    folder.mkdir(parents=True)
    begin = json.dumps({"event": "begin", "plan": digest})
    (folder / "x.jsonl").write_text(f'{begin}\n{{"event": "int')
    assert planned.apply().code == 65


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, ""),
        (0, '{"event": "beg'),
        (65, '{"event": "beg\n{"event": "intent", "at": "some time"}\n'),
        (65, '{"event": "beg\n{"eve'),
        (7, '{"event": "begin", "plan": "x"}\n{"event": "intent", "at": "some time"}\n'),
    ],
)
def test_a_journal_that_does_not_say_whose_run_it_was(
    code: int, text: str, planned: Machine
) -> None:
    """Where anything could have been run, it is taken for this plan's; another plan's is in the
    way all the same."""
    planned.approve()
    folder = Path(f"{planned.path}.phoenix/runs")
    folder.mkdir(parents=True)
    (folder / "x.jsonl").write_text(text)
    assert planned.apply().code == code


def test_a_run_that_never_began_does_not_count(planned: Machine) -> None:
    assert planned.apply().code == 4
    planned.approve()
    assert planned.apply("--check").code == 0
    assert planned.apply().code == 0


def test_who_waited_for_the_lock_does_not_run_it_again(
    planned: Machine, monkeypatch: Patch
) -> None:
    """Whether a plan was applied is asked under the lock, not before it."""
    planned.approve()
    before = planned.path.read_text()
    from phoenix_plan.apply import session  # noqa: PLC0415 - patched here
    from phoenix_plan.apply.lock import locked  # noqa: PLC0415 - likewise

    real = locked

    def raced(state_dir: str, holder: str) -> Any:
        monkeypatch.setattr(session, "locked", real)
        assert planned.apply().code == 0
        planned.path.write_text(before)
        return real(state_dir, holder)

    monkeypatch.setattr(session, "locked", raced)
    assert planned.apply().code == 65


def test_a_lock_that_is_held_is_6(planned: Machine) -> None:
    planned.approve()
    folder = Path(f"{planned.path}.phoenix")
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        lock.write("alice: apply other.json")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        called = planned.apply()
        assert called.code == 6
        assert "alice: apply other.json" in called.err
        assert planned.apply("--check").code == 6
    assert planned.untouched()
    assert planned.apply().code == 0


@pytest.mark.parametrize(
    ("at", "turn"),
    [
        ("zfs destroy keep/old@monday", 0),
        ("zfs destroy keep/old", 0),
        ("zfs set", 1),
        ("zero", 2),
        ("zpool create", 3),
    ],
)
@pytest.mark.parametrize("how", [failed("no: \x1b[31mbusy"), HostError("apply: killed by SIGKILL")])
def test_a_failure_stops_the_run_with_a_true_account(
    at: str, turn: int, how: Output | Exception, planned: Machine, monkeypatch: Patch
) -> None:  # fmt: skip
    """Nothing behind it runs; what ran is told, on the screen and in the journal."""
    done, failed_at, left = ORDER[:turn], ORDER[turn], ORDER[turn + 1 :]
    watch(monkeypatch, fails(at, how))
    planned.approve()
    called = planned.apply()
    assert called.code == 7
    assert "\x1b" not in called.err
    told = [line.split() for line in called.err.splitlines()]
    assert [line[1] for line in told if line[:1] == ["done"]] == done
    assert [line[1] for line in told if line[:1] == ["FAILED"]] == [failed_at]
    assert [line[2] for line in told if line[:2] == ["not", "run"]] == left
    assert "plan again" in called.err
    (journal,) = planned.journals()
    results = {line["id"]: line["ok"] for line in journal if line["event"] == "result"}
    assert results == {**dict.fromkeys(done, True), failed_at: False}
    assert journal[-1]["event"] == "end"
    assert journal[-1]["ok"] is False
    assert any(line["event"] == "unknown" for line in journal) == isinstance(how, Exception)


@pytest.mark.parametrize(
    ("at", "failed_at"),
    [("zfs set", SET), ("zero", WIPE), ("zfs destroy", DESTROY), ("zpool create", CREATE)],
)
def test_an_exit_status_is_no_proof(
    at: str, failed_at: str, planned: Machine, monkeypatch: Patch
) -> None:
    """A tool that says it did what it did not do."""
    watch(monkeypatch, fails(at, Output(exit_code=0, stdout=b"", stderr=b"")))
    planned.approve()
    called = planned.apply()
    assert called.code == 7
    assert f"FAILED    {failed_at}" in called.err
    assert "its commands ended well, but" in called.err


def change_at(planned: Machine, at: str, edit: Callable[[Json], object]) -> Callable[[Write], None]:
    """Something happens on the host when a command is run."""

    def see(write: Write) -> None:
        if words(write).startswith(at):
            planned.change(edit)

    return see


def more_photos(there: Json) -> None:
    found = there["disks"]["sde"]["signatures"]
    found.append({"offset": 65600, "type": "btrfs", "uuid": "x"})


def swapped(there: Json) -> None:
    there["disks"]["sde"]["serial"] = "ANOTHER"


def in_use(there: Json) -> None:
    there["mounts"].append({"source": "/dev/sde", "target": "/mnt/x", "type": "ext4"})


@pytest.mark.parametrize("edit", [more_photos, swapped, in_use])
def test_each_action_looks_again_before_it_runs(
    edit: Callable[[Json], object], planned: Machine, monkeypatch: Patch
) -> None:
    """Between the first check and a wipe, a disk gets another content, is another, is used."""
    watch(monkeypatch, change_at(planned, "zfs set", edit))
    planned.approve()
    called = planned.apply()
    assert called.code == 7
    assert f"done      {SET}" in called.err
    assert f"not run   {WIPE}" in called.err
    assert "FAILED" not in called.err
    assert not any(one.startswith("zero") for one in planned.commands())


def test_a_host_that_can_no_longer_be_read_stops_it(planned: Machine, monkeypatch: Patch) -> None:
    """What ran is told even so."""

    def unreadable(there: Json) -> None:
        there["fails"] = {"zfs list": {"stderr": "internal error"}}

    watch(monkeypatch, change_at(planned, "zfs set", unreadable))
    planned.approve()
    called = planned.apply()
    assert called.code == 7
    assert f"done      {DESTROY}" in called.err


def test_an_unidentified_host_in_the_middle_stops_it(planned: Machine, monkeypatch: Patch) -> None:
    def unknown(there: Json) -> None:
        there["fails"] = {"/etc/machine-id": "no answer"}

    watch(monkeypatch, change_at(planned, "zfs set", unknown))
    planned.approve()
    called = planned.apply()
    assert called.code == 7
    assert f"done      {DESTROY}" in called.err


def test_an_approval_that_ends_in_the_middle_ends_the_run(
    planned: Machine, monkeypatch: Patch
) -> None:
    """It is looked at again before each destructive action."""
    planned.approve("--all", "--expires", "30m")
    late = timedelta()

    def see(write: Write) -> None:
        nonlocal late
        if words(write).startswith("zfs set"):
            late = timedelta(minutes=31)

    monkeypatch.setattr("phoenix_plan.cli.applying._now", lambda: datetime.now(UTC) + late)
    watch(monkeypatch, see)
    called = planned.apply()
    assert called.code == 7
    assert f"not run   {WIPE}" in called.err
    assert "expired at" in called.err
    assert not any(one.startswith("zero") for one in planned.commands())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_after_the_action_under_way(
    number: signal.Signals, planned: Machine, monkeypatch: Patch
) -> None:
    """Twice is as once."""

    def see(write: Write) -> None:
        if words(write) == "zfs destroy keep/old@monday":
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)

    watch(monkeypatch, see)
    planned.approve()
    called = planned.apply()
    assert called.code == 7
    assert f"done      {DESTROY}" in called.err
    assert f"interrupted by {number.name} before {SET}" in called.err
    assert "keep/old" not in planned.pools["keep"]["datasets"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_ignored_stays_ignored(planned: Machine, monkeypatch: Patch) -> None:
    """Under nohup(1) a terminal may go, and the run goes on."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def see(write: Write) -> None:
        if words(write) == "zfs destroy keep/old@monday":
            os.kill(os.getpid(), signal.SIGHUP)

    watch(monkeypatch, see)
    planned.approve()
    assert planned.apply().code == 0
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_signal_before_the_first_action_is_130(planned: Machine, monkeypatch: Patch) -> None:
    from phoenix_plan.apply.journal import Journal  # noqa: PLC0415 - patched here

    real = Journal.write

    def write(journal: Journal, event: str, **fields: Any) -> None:
        real(journal, event, **fields)
        if event == "begin":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Journal, "write", write)
    planned.approve()
    assert planned.apply().code == 130
    assert planned.untouched()


def test_an_interrupt_while_somebody_is_asked_is_130(planned: Machine, monkeypatch: Patch) -> None:
    def interrupted(_text: str) -> str:
        raise KeyboardInterrupt

    with typing(monkeypatch):
        monkeypatch.setattr("phoenix_plan.cli.talking.question", interrupted)
        called = planned.apply("--mode", "interactive")
    assert called.code == 130
    assert "Nothing on the host was changed." in called.err
    assert planned.untouched()


def test_what_moves_while_somebody_is_asked_makes_the_plan_stale(
    planned: Machine, monkeypatch: Patch
) -> None:
    """A person takes their time. The host is looked at again after the last answer."""
    answers = iter(["keep/old", "ata-DISK_E"])

    def slow(_text: str) -> str:
        planned.change(more_photos)
        return next(answers)

    with typing(monkeypatch):
        monkeypatch.setattr("phoenix_plan.cli.talking.question", slow)
        called = planned.apply("--mode", "interactive")
    assert called.code == 5
    assert planned.untouched()


def test_without_a_journal_nothing_runs(planned: Machine) -> None:
    planned.approve()
    folder = Path(f"{planned.path}.phoenix")
    folder.mkdir()
    (folder / "runs").write_text("in the way")
    called = planned.apply()
    assert called.code == 1
    assert "the journals can't be read: Not a directory; nothing was run" in called.err
    called = planned.history()
    assert called.code == 1, "not the same as nothing that was run"
    assert "the journals can't be read" in called.err
    assert "atime" not in str(planned.pools["keep"]["datasets"]["keep/some"])
    assert "keep/old" in planned.pools["keep"]["datasets"]


@pytest.mark.parametrize(
    ("event", "code", "count"),
    [("begin", 1, 0), ("intent", 1, 0), ("command", 1, 0), ("output", 7, 1), ("result", 7, 2)],
)
def test_a_journal_that_fills_up_stops_the_run(
    event: str, code: int, count: int, planned: Machine, monkeypatch: Patch
) -> None:
    """Before a command: it does not run. After it: what ran is told, though no line of it can be
    written any more."""
    from phoenix_plan.apply.journal import Journal, JournalError  # noqa: PLC0415 - patched here

    real = Journal.write
    full: list[str] = []

    def write(journal: Journal, name: str, **fields: Any) -> None:
        if name == event or full:
            full.append(name)
            raise JournalError("no space left")
        real(journal, name, **fields)

    monkeypatch.setattr(Journal, "write", write)
    ran: list[str] = []
    watch(monkeypatch, lambda write: ran.append(words(write)))
    planned.approve()
    called = planned.apply()
    assert called.code == code
    assert "no space left" in called.err
    assert len(ran) == count
    assert ("FAILED" in called.err) == (code == 7)


def test_there_can_be_no_lock_without_a_folder(planned: Machine) -> None:
    Path(f"{planned.path}.phoenix").write_text("in the way")
    called = planned.apply()
    assert called.code == 1
    assert "there can be no lock" in called.err
