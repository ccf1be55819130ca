"""Going on with a run that was broken off: what is said, what is run, and when nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Output, Write
from phoenix_plan.documents import parse_document
from phoenix_plan.errors import HostError
from phoenix_plan.schema_check import check
from tests.apply.machine import (
    PHOTOS,
    Machine,
    break_off,
    by_id,
    host,
    pool,
    want,
    watch,
    words,
)

Json = dict[str, Any]
Patch = pytest.MonkeyPatch

DESTROY, SET = "destroy-dataset:keep/old", "set-dataset-properties:keep/some"
WIPE, CREATE = f"wipe-disk:{by_id('E')}", "create-pool:cold"


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A dataset to destroy, a disk to wipe for a new pool, and a safe change between them."""
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
    assert machine.approve().code == 0
    return machine


def only(machine: Machine) -> Path:
    """The one journal."""
    (path,) = Path(f"{machine.path}.phoenix").glob("runs/*.jsonl")
    return path


@pytest.mark.parametrize(
    ("said", "at", "after", "under_way"),
    [
        ("it has not happened", "zfs destroy keep/old@", False, DESTROY),
        ("a part of it has happened", "zfs destroy keep/old@", True, DESTROY),
        ("it has not happened", "zfs set", False, SET),
        ("it has happened", "zfs set", True, SET),
        ("it has not happened", "zero", False, WIPE),
        ("it has happened", "zero", True, WIPE),
        ("it has not happened", "zpool create", False, CREATE),
        ("it has happened", "zpool create", True, CREATE),
    ],
)
def test_what_was_under_way_is_looked_at_and_the_rest_is_run(
    *, said: str, at: str, after: bool, under_way: str, planned: Machine, monkeypatch: Patch
) -> None:
    break_off(planned, monkeypatch, at, after=after)
    called = planned.resume()
    assert called.code == 0, called.err
    assert f"{under_way} was under way: {said}" in " ".join(called.err.split())
    assert "Applied" in called.out
    assert planned.there["pools"][0]["datasets"].keys() == {"keep", "keep/some"}
    assert "cold" in planned.pools
    (journal,) = planned.journals()
    assert [line["event"] for line in journal].count("resume") == 1
    assert journal[-1]["event"] == "end"
    assert journal[-1]["ok"] is True
    for line in journal:
        document = parse_document(json.dumps(line).encode(), name="journal", what="journal")
        assert check(document, "journal") == ()
    assert planned.resume().err == "Nothing to resume: every run is over.\n"


@pytest.fixture
def half_wiped(planned: Machine) -> Machine:
    """The disk's file system has data where no wipe gets to, as any has that was in use."""
    planned.change(middle)
    assert planned.plan().code == 0
    assert planned.approve().code == 0
    return planned


def middle(there: Json) -> None:
    there["disks"]["sde"]["data"] = [{"offset": "1G", "length": "1G", "bytes": "5a"}]


def ended(machine: Machine) -> None:
    """The last command of the journal has ended well, and that was written down."""
    path = only(machine)
    lines = path.read_bytes().splitlines(keepends=True)
    command = json.loads(lines[-1])
    assert command["event"] == "command"
    end = {"event": "output", "at": command["at"], "id": command["id"], "exit_code": 0,
           "stdout": "", "stderr": ""}  # fmt: skip
    path.write_bytes(b"".join([*lines, json.dumps(end).encode() + b"\n"]))


@pytest.mark.parametrize(
    ("after", "seen", "said", "zeroed"),
    [
        (False, False, "it has not happened; all is as it was before", 2),
        (True, False, "a part of it has happened; what is left of it can be run", 2),
        (True, True, "it has happened; the host is as it leaves it", 1),
    ],
)
def test_what_a_wipe_has_left_in_the_middle_was_agreed_to(
    *,
    after: bool,
    seen: bool,
    said: str,
    zeroed: int,
    half_wiped: Machine,
    monkeypatch: Patch,
) -> None:
    """Nothing on the disk has a name any more, and what nobody recognises is the rest of it."""
    break_off(half_wiped, monkeypatch, "zero", after=after)
    if seen:
        ended(half_wiped)
    called = half_wiped.resume()
    assert called.code == 0, called.err
    assert f"{WIPE} was under way: {said}" in " ".join(called.err.split())
    assert "cold" in half_wiped.pools
    assert sum(line["event"] == "command" and "zero" in line
               for line in half_wiped.journals()[0]) == zeroed  # fmt: skip


def cut_in_half(there: Json) -> None:
    """What the first range of a wipe leaves of a GPT."""
    there["disks"]["sde"].update(table="backup-gpt", signatures=[])


@pytest.mark.parametrize(("table", "code"), [("gpt", 0), ("mbr", 5)])
def test_the_backup_of_a_gpt_that_was_to_go_is_what_a_wipe_has_left(
    table: str, code: int, planned: Machine, monkeypatch: Patch
) -> None:
    planned.change(lambda there: there["disks"]["sde"].update(table=table))
    assert planned.plan().code == 0
    assert planned.approve().code == 0
    break_off(planned, monkeypatch, "zero")
    planned.change(cut_in_half)
    called = planned.resume()
    assert called.code == code, called.err
    assert ("cold" in planned.pools) is (code == 0)
    assert ("the backup copy of a GPT" in called.err) is (code == 5)


@pytest.mark.parametrize("seen", [False, True])
def test_what_has_come_onto_a_wiped_disk_since_is_no_rest_of_it(
    *, seen: bool, half_wiped: Machine, monkeypatch: Patch
) -> None:
    break_off(half_wiped, monkeypatch, "zero", after=True)
    if seen:
        ended(half_wiped)
    half_wiped.change(signature("e"))
    before = half_wiped.path.read_bytes(), only(half_wiped).read_bytes()
    called = half_wiped.resume()
    assert called.code == 5
    assert "btrfs" in called.err
    assert "not in the plan" in called.err
    assert (half_wiped.path.read_bytes(), only(half_wiped).read_bytes()) == before


@pytest.mark.parametrize("torn", [b"", b'{"event": "comm'])
def test_a_wipe_that_was_not_begun_has_left_nothing(
    torn: bytes, half_wiped: Machine, monkeypatch: Patch
) -> None:
    """The same bytes on a disk that nobody had begun to zero were agreed to by nobody."""
    break_off(half_wiped, monkeypatch, "zero")
    path = only(half_wiped)
    path.write_bytes(b"".join([*path.read_bytes().splitlines(keepends=True)[:-1], torn]))

    def overwritten(there: Json) -> None:
        there["disks"]["sde"]["signatures"] = []

    half_wiped.change(overwritten)
    called = half_wiped.resume()
    assert called.code == 5
    assert "unknown data" in called.err


def test_what_had_only_been_intended_is_just_run(planned: Machine, monkeypatch: Patch) -> None:
    """A command is on disk before it runs: without one, nothing has."""
    break_off(planned, monkeypatch, "zero")
    path = only(planned)
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"command"' in lines[-1]
    path.write_bytes(b"".join(lines[:-1]))
    called = planned.resume()
    assert called.code == 0
    assert "was under way" not in called.err


def test_a_run_that_failed_is_resumed_once_its_cause_is_gone(
    planned: Machine, monkeypatch: Patch
) -> None:
    """PVE's lock was held: pvesm and its like say so and end. Here a dataset was busy."""

    def busy(write: Write) -> Output | None:
        failed = Output(exit_code=1, stdout=b"", stderr=b"dataset is busy")
        return failed if words(write) == "zfs destroy keep/old" else None

    with monkeypatch.context() as patch:
        watch(patch, busy)
        called = planned.apply()
    assert called.code == 7
    assert f"Next: phoenix resume --host {planned.sim}\n" in called.err
    assert planned.resume().code == 0
    runs = [one for one in planned.commands() if one.startswith("zfs destroy")]
    assert runs == ["zfs destroy keep/old@monday", *["zfs destroy keep/old"] * 2]


def test_the_plan_is_the_one_that_was_kept(planned: Machine, monkeypatch: Patch) -> None:
    """Its file may be gone by then. What was kept is held against the journal's digest."""
    break_off(planned, monkeypatch, "zfs set")
    document = planned.plan_path.read_bytes()
    planned.plan_path.unlink()
    (copy,) = Path(f"{planned.path}.phoenix").glob("runs/*.plan.json")
    assert copy.read_bytes() == document
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.write_bytes(document + b"\n")
    assert "is not what was kept" in planned.resume().err
    copy.unlink()
    called = planned.resume()
    assert called.code == 65
    assert "--plan FILE" in called.err
    other = planned.folder / "other.json"
    other.write_bytes(document + b"\n")
    called = planned.resume("--plan", str(other))
    assert called.code == 65
    assert "is not the plan of the run" in called.err
    other.write_bytes(document)
    assert planned.resume("--plan", str(other)).code == 0


def test_a_check_writes_nothing(planned: Machine, monkeypatch: Patch) -> None:
    break_off(planned, monkeypatch, "zero")
    before = planned.path.read_bytes(), only(planned).read_bytes()
    called = planned.resume("--check")
    assert called.code == 0
    assert "Checked: 2 actions would run. Nothing was written." in called.out
    assert (planned.path.read_bytes(), only(planned).read_bytes()) == before


def test_lines_are_streamed_the_version_first(planned: Machine, monkeypatch: Patch) -> None:
    break_off(planned, monkeypatch, "zero")
    known = len(planned.journals()[0])
    called = planned.resume("--json")
    lines = [json.loads(line) for line in called.out.splitlines()]
    assert lines == planned.journals()[0][known:]
    assert lines[0]["event"] == "resume"
    assert lines[0]["format_version"] == "1.1"


def signature(letter: str) -> Callable[[Json], None]:
    """Somebody makes a filesystem on a disk."""
    found = {"offset": 65600, "type": "btrfs", "uuid": "x"}
    return lambda there: there["disks"][f"sd{letter}"].setdefault("signatures", []).append(found)


def other_disk(there: Json) -> None:
    there["disks"]["sde"]["serial"] = "ANOTHER"


def pulled(there: Json) -> None:
    del there["disks"]["sde"]


def used(there: Json) -> None:
    there["mounts"].append({"source": "/dev/sde", "target": "/mnt/x", "type": "ext4"})


def growth(there: Json) -> None:
    (keep,) = (one for one in there["pools"] if one["name"] == "keep")
    keep["datasets"]["keep/old"]["snapshots"]["today"] = {"guid": "99"}


@pytest.mark.parametrize(
    ("code", "at", "after", "edit", "said"),
    [
        (5, "zero", False, signature("e"), "would take more|not in the plan"),
        (7, "zero", False, other_disk, "nobody can tell what became of wipe-disk"),
        (7, "zero", False, pulled, "nobody can tell what became of wipe-disk"),
        (7, "zpool create", False, signature("e"), "nobody can tell what became of create-pool"),
        (7, "zpool create", False, used, "nobody can tell what became of create-pool"),
        (5, "zfs destroy keep/old@", False, growth, "keep/old@today: not in the plan"),
        (5, "zfs set", True, signature("e"), "not in the plan"),
        (5, "zfs set", True, pulled, "wipe-disk"),
    ],
)  # fmt: skip
def test_what_the_rest_rests_on_is_asked_before_anything_is_written(
    *,
    code: int,
    at: str,
    after: bool,
    edit: Callable[[Json], None],
    said: str,
    planned: Machine,
    monkeypatch: Patch,
) -> None:
    """Never blindly: where it can't be told, or more would go than was agreed to, nothing runs."""
    break_off(planned, monkeypatch, at, after=after)
    planned.change(edit)
    before = planned.path.read_bytes(), only(planned).read_bytes()
    called = planned.resume()
    assert called.code == code, called.err
    text = " ".join(called.err.split())
    assert any(one in text for one in said.split("|")), text
    assert "othing was run" in text
    assert (planned.path.read_bytes(), only(planned).read_bytes()) == before
    assert planned.apply().code == 65, "the plan is used up"


def test_an_approval_that_has_expired_does_not_count_any_more(
    planned: Machine, monkeypatch: Patch
) -> None:
    break_off(planned, monkeypatch, "zfs set")
    late = datetime.now(UTC) + timedelta(hours=25)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # as it is called
            return late.astimezone(tz)

    monkeypatch.setattr("phoenix_plan.cli.resuming.datetime", Later)
    before = planned.path.read_bytes()
    called = planned.resume()
    assert called.code == 4
    assert "expired at" in called.err
    assert "photos" in called.err, "what would be lost is shown"
    assert planned.path.read_bytes() == before


def test_a_clock_that_was_set_back_lets_nothing_count_again(
    planned: Machine, monkeypatch: Patch
) -> None:
    """Else an approval that has expired would. The run was an hour later than it is now."""
    late = datetime.now(UTC) + timedelta(hours=1)
    with monkeypatch.context() as patch:
        said = late.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        patch.setattr("phoenix_plan.apply.journal._now", lambda: said)
        break_off(planned, monkeypatch, "zfs set")
    text = only(planned).read_text()
    called = planned.resume()
    assert called.code == 5
    assert "The clock was set back" in called.err
    assert only(planned).read_text() == text


def test_another_machine_resumes_nothing(planned: Machine, monkeypatch: Patch) -> None:
    """The disk with the journal is in another host now. Another name alone is only said."""
    break_off(planned, monkeypatch, "zfs set")
    before = planned.path.read_bytes()
    planned.change(lambda there: there.update(machine_id="f" * 32))
    assert planned.resume().code == 65
    planned.path.write_bytes(before)
    planned.change(lambda there: there.update(hostname="renamed"))
    called = planned.resume()
    assert called.code == 0
    assert "it is renamed now, and the same machine" in " ".join(called.err.split())


def test_a_resume_that_fails_is_resumed_again(planned: Machine, monkeypatch: Patch) -> None:
    break_off(planned, monkeypatch, "zfs set")
    with monkeypatch.context() as patch:

        def hangs(write: Write) -> None:
            if words(write).startswith("zpool create"):
                raise HostError("apply: no end after 600 s, stopped")

        watch(patch, hangs)
        called = planned.resume()
    assert called.code == 7
    told = [line.split() for line in called.err.splitlines()]
    assert [line[1] for line in told if line[:1] == ["done"]] == [DESTROY, SET, WIPE]
    assert [line[1] for line in told if line[:1] == ["FAILED"]] == [CREATE]
    called = planned.resume()
    assert called.code == 0, called.err
    assert f"{CREATE} was under way: it has not happened" in " ".join(called.err.split())
    (journal,) = planned.journals()
    assert [line["event"] for line in journal].count("resume") == 2


def test_a_finished_run_is_not_resumed(planned: Machine) -> None:
    assert planned.apply().code == 0
    run = only(planned).stem
    called = planned.resume(run)
    assert called.code == 1
    assert "can't be resumed: it is over (done)" in called.err
    assert planned.resume("nothing-like-it").code == 1


def test_an_expansion_and_a_resilver_go_on_by_themselves(
    machine: Machine, monkeypatch: Patch
) -> None:
    """The command had its effect when the process was killed: what it started is waited for, and
    the next step begins only then."""
    from phoenix_plan.apply import settle  # noqa: PLC0415 - patched here

    for name in ("FIRST_LOOK_S", "SLOWEST_LOOK_S"):
        monkeypatch.setattr(settle, name, 0.001)
    machine.has(host(pool("tank", "mirror", "A", "B"), pace=9))
    machine.wants(want("tank", "mirror", "A", "B", "C", "D"))
    assert machine.plan().code == 0
    break_off(machine, monkeypatch, "zpool attach", after=True)
    seen: list[list[str]] = []

    def see(_write: Write) -> None:
        scans = machine.pools["tank"].get("scans", [])
        seen.append([scan["kind"] for scan in scans if scan.get("state") == "running"])

    watch(monkeypatch, see)
    called = machine.resume()
    assert called.code == 0, called.err
    assert "it has happened" in called.err
    assert seen == [[]], "one more attach, and no resilver when it began"


@pytest.fixture
def recreated(machine: Machine) -> Machine:
    """A mirror to be made anew as a raidz1: all of it is consented to."""
    machine.has(host(pool("tank", "mirror", "A", "B", data={})))
    machine.wants(want("tank", "raidz1", "A", "B", "C"))
    assert machine.plan().code == 0
    assert machine.approve().code == 0
    return machine


def not_imported(there: Json) -> None:
    """As after a reboot without its entry in the cachefile: nothing was exported."""
    there["pools"][0] |= {"state": "exported", "hostid": there["hostid"], "hostname": "pve1"}


def all_pulled(there: Json) -> None:
    del there["disks"]["sda"], there["disks"]["sdb"]


@pytest.mark.parametrize("edit", [not_imported, all_pulled])
def test_a_pool_that_is_out_of_sight_was_not_destroyed(
    edit: Callable[[Json], None], recreated: Machine, monkeypatch: Patch
) -> None:
    """It is not among the imported ones either way."""
    break_off(recreated, monkeypatch, "zpool destroy")
    recreated.change(edit)
    called = recreated.resume()
    assert called.code == 7, called.err
    assert "nobody can tell what became of destroy-pool:tank" in called.err
    assert len(recreated.commands()) == 1


def test_a_dataset_of_a_pool_that_is_out_of_sight_was_not_destroyed(
    planned: Machine, monkeypatch: Patch
) -> None:
    break_off(planned, monkeypatch, "zfs destroy keep/old@")
    planned.change(not_imported)
    called = planned.resume()
    assert called.code == 7, called.err
    assert "nobody can tell what became of destroy-dataset:keep/old" in called.err


def test_a_pool_that_is_not_imported_has_no_resilver_to_wait_for(
    machine: Machine, monkeypatch: Patch
) -> None:
    """The power failed in the middle of an attach, and the pool is not imported since."""
    monkeypatch.setattr("phoenix_plan.apply.settle.GRACE_S", 0.01)
    machine.has(host(pool("tank", "mirror", "A", "B")))
    machine.wants(want("tank", "mirror", "A", "B", "C"))
    assert machine.plan().code == 0
    break_off(machine, monkeypatch, "zpool attach", after=True)
    machine.change(not_imported)
    called = machine.resume()
    assert called.code == 7, called.err
    assert f"nobody can tell what became of attach-disk:{by_id('C')}" in called.err
    machine.change(lambda there: there["pools"][0].update(state="imported"))
    called = machine.resume()
    assert called.code == 0, called.err
    assert "it has happened" in called.err


def half_made(there: Json) -> None:
    """What zpool create writes first: a GPT, and no label yet."""
    there["disks"]["sde"]["table"] = "gpt"
    there["disks"]["sde"]["partitions"] = [
        {"number": 1, "start": "1M", "size": "7G", "type": "6a898cc3-1dd2-11b2-99a6-080020736631"}
    ]


def test_a_pool_that_was_cut_short_is_made_by_a_new_plan(
    planned: Machine, monkeypatch: Patch
) -> None:
    """As the hint says: the new plan names what is on the disk, and clears it with consent."""
    break_off(planned, monkeypatch, "zpool create")
    planned.change(half_made)
    called = planned.resume()
    assert called.code == 7
    assert "phoenix abandon, then plan again" in " ".join(called.err.split())
    assert planned.abandon("--reason", "cut short").code == 0
    planned.plan_path.unlink()
    planned.approval.unlink(missing_ok=True)
    assert planned.plan().code == 0
    assert planned.apply().code == 4
    assert planned.approve().code == 0
    called = planned.apply()
    assert called.code == 0, called.err
    assert "cold" in planned.pools
