"""What may go wrong around a run, each with what is known and what is done then.

Elsewhere: a host that is another (test_tampered), drift between plan and apply (test_stale),
between two actions (test_races), a host that can't be read (test_blind), two applies at once, a
tool that fails, lies or is killed (test_run), a clock or a host that changed before a resume
(test_resume).
"""

from __future__ import annotations

import json
import os
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply import clock
from phoenix_plan.apply.journal import Journal, JournalError
from phoenix_plan.apply.records import read_record
from phoenix_plan.commands import Output, Write
from phoenix_plan.hosts.simulated import SimulatedHost
from tests.apply.machine import Machine, by_id, host, pool, want, watch, words

Json = dict[str, Any]
Patch = pytest.MonkeyPatch
START = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_clock_that_is_set_back_during_a_run_is_not_believed(monkeypatch: Patch) -> None:
    """What has expired stays expired. One that is set forward is: then more has expired."""
    wall = [START]
    passed = [100.0]
    monkeypatch.setattr("phoenix_plan.apply.clock.time.monotonic", lambda: passed[0])
    now = clock.steady(lambda: wall[0])
    wall[0] -= timedelta(hours=2)
    passed[0] += 60
    assert now() == START + timedelta(seconds=60)
    wall[0] = START + timedelta(hours=1)
    assert now() == START + timedelta(hours=1)


def test_an_approval_does_not_come_back_to_life(machine: Machine, monkeypatch: Patch) -> None:
    """It expires while an action runs, and the clock is set back then."""
    there = host(pool("keep", "mirror", "B", "C", some={}))
    there["disks"]["sde"]["signatures"] = [{"offset": 1080, "type": "ext4"}]
    machine.has(there).wants(
        want("keep", "mirror", "B", "C"),
        want("cold", "single", "E"),
        datasets=[{"name": "some", "pool": "keep", "properties": "atime=on"}],
    )
    machine.plan()
    machine.approve("--all", "--expires", "30m")
    passed = [0.0]
    monkeypatch.setattr("phoenix_plan.apply.clock.time.monotonic", lambda: passed[0])

    def see(write: Write) -> None:
        if words(write).startswith("zfs set"):
            passed[0] += 31 * 60

    watch(monkeypatch, see)
    called = machine.apply()
    assert called.code == 7
    assert "expired at" in called.err
    assert not any(one.startswith("zero") for one in machine.commands())


@pytest.mark.parametrize(
    ("code", "late"),
    [(5, timedelta(hours=-1)), (0, timedelta(minutes=-2)), (5, timedelta(days=31))],
)
def test_a_clock_that_jumped_between_plan_and_apply(
    code: int, late: timedelta, machine: Machine, monkeypatch: Patch
) -> None:
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    monkeypatch.setattr("phoenix_plan.cli.applying._now", lambda: datetime.now(UTC) + late)
    assert machine.apply().code == code


def test_an_approval_from_a_clock_that_is_ahead(machine: Machine, monkeypatch: Patch) -> None:
    """It is not valid yet, says who refuses it."""
    there = host()
    there["disks"]["sda"]["signatures"] = [{"offset": 1080, "type": "ext4"}]
    machine.has(there).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    machine.approve()
    late = timedelta(minutes=-4)
    monkeypatch.setattr("phoenix_plan.cli.applying._now", lambda: datetime.now(UTC) + late)
    called = machine.apply()
    assert called.code == 4
    assert "it is not valid before" in called.err


def exported() -> Json:
    return {
        **pool("cold", "mirror", "A", "B"),
        "state": "exported", "hostid": host()["hostid"], "hostname": "pve1",
    }  # fmt: skip


def elsewhere(there: Json) -> None:
    """Another host imports it: its id is in the labels from then on (multihost or not)."""
    there["pools"][0] |= {"hostid": "0badcafe", "hostname": "pve9", "state": "exported"}
    for label in (label for one in there["disks"].values() for label in one.get("labels", ())):
        label |= {"hostid": "0badcafe", "hostname": "pve9", "state": "active"}


def test_a_pool_that_another_host_has_imported_meanwhile(machine: Machine) -> None:
    machine.has(host(exported())).wants(want("cold", "mirror", "A", "B"))
    machine.plan()
    machine.change(elsewhere)
    called = machine.apply()
    assert called.code == 5
    assert "cold" in called.err
    assert machine.untouched()


def pulled(there: Json) -> None:
    del there["disks"]["sdb"]


def test_a_disk_that_is_pulled_before_the_check(machine: Machine) -> None:
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    machine.change(pulled)
    called = machine.apply()
    assert called.code == 5
    assert f"{by_id('B')} is not there" in " ".join(called.err.split())


def test_a_disk_that_is_pulled_between_check_and_use(machine: Machine, monkeypatch: Patch) -> None:
    """The tool says so, the run stops, and a resume says what is missing."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    before = machine.path.read_bytes()
    with monkeypatch.context() as patch:
        watch(patch, lambda _write: machine.change(pulled))
        called = machine.apply()
    assert called.code == 7
    assert "FAILED    create-pool:tank" in called.err
    assert machine.pools == {}
    called = machine.resume()
    assert called.code == 7
    assert f"{by_id('B')} is not there" in " ".join(called.err.split())
    machine.path.write_bytes(before)
    assert machine.resume().code == 0


def test_a_disk_that_is_pulled_before_a_wipe_is_over(machine: Machine, monkeypatch: Patch) -> None:
    """A disk that is not there holds no signature: that is no proof of a wipe."""
    there = host()
    there["disks"]["sdb"]["signatures"] = [{"offset": 1080, "type": "ext4"}]
    machine.has(there).wants(want("tank", "mirror", "A", "B"))
    machine.plan()

    def see(write: Write) -> Output | None:
        if not words(write).startswith("zero"):
            return None
        machine.change(pulled)
        return Output(exit_code=0, stdout=b"", stderr=b"")

    watch(monkeypatch, see)
    called = machine.apply("--mode", "force-destructive")
    assert called.code == 7
    assert f"FAILED    wipe-disk:{by_id('B')}" in called.err


def storage(machine: Machine) -> None:
    vm = {"name": "vm", "pool": "tank", "proxmox_storage_type": "zfspool",
          "proxmox_content_type": "images"}  # fmt: skip
    machine.has(host(pool("tank", "mirror", "A", "B", vm={})))
    machine.wants(want("tank", "mirror", "A", "B"), datasets=[vm])
    machine.plan()


# PVE::Cluster::cfs_lock, pve-cluster 8: it waits ten seconds by itself.
CFS_LOCKED = (
    b"trying to acquire cfs lock 'file-storage_cfg' ...\n" * 9
    + b"cfs-lock 'file-storage_cfg' error: got lock request timeout\n"
)


def test_pve_holds_its_own_lock(machine: Machine, monkeypatch: Patch) -> None:
    """pvesm says so and ends: the run stops, and is resumed when the lock is free."""
    storage(machine)
    with monkeypatch.context() as patch:
        watch(patch, lambda _write: Output(exit_code=255, stdout=b"", stderr=CFS_LOCKED))
        called = machine.apply()
    assert called.code == 7
    assert "got lock request timeout" in called.err
    assert "tank-vm" not in machine.storage_cfg
    assert machine.resume().code == 0
    assert "zfspool: tank-vm" in machine.storage_cfg


def test_the_lock_is_lent_to_the_tools(machine: Machine, monkeypatch: Patch) -> None:
    """Before the first of them runs, by apply and by resume."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    held: list[bool] = []

    def lend(_host: SimulatedHost, descriptor: int) -> None:
        lock = Path(f"{machine.path}.phoenix/lock").stat()
        held.append(os.fstat(descriptor).st_ino == lock.st_ino)

    def see(_write: Write) -> Output:
        assert held.pop()
        return Output(exit_code=1, stdout=b"", stderr=b"no")

    monkeypatch.setattr(SimulatedHost, "lend", lend)
    watch(monkeypatch, see)
    assert machine.apply().code == 7
    assert machine.resume().code == 7
    assert held == []
    assert len(machine.commands()) == 2


def test_a_refresh_and_a_plan_while_an_apply_runs(machine: Machine, monkeypatch: Patch) -> None:
    """They take no lock and write nothing. A plan from the middle of a run is held against the
    host like any other."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"), want("cold", "single", "C"))
    machine.plan()
    codes: list[int] = []
    between = machine.folder / "between.json"

    def see(write: Write) -> None:
        codes.append(machine.call("refresh", "--host", machine.sim).code)
        if "tank" in words(write):
            argv = ("--host", machine.sim, "-c", str(machine.config), "-o", str(between))
            codes.append(machine.call("plan", *argv).code)
        codes.append(machine.history().code)

    with monkeypatch.context() as patch:
        watch(patch, see)
        assert machine.apply().code == 0
    assert codes == [0] * len(codes)
    assert len(codes) == 5
    called = machine.call("apply", str(between), "--host", machine.sim)
    assert called.code == 5, "what it wanted is there by now"


def test_a_tool_that_prints_garbage(machine: Machine, monkeypatch: Patch) -> None:
    """What a tool prints is kept and shown, and believed in nothing: the host is looked at."""
    storage(machine)
    garbage = bytes(range(256)) * 2000

    def see(write: Write) -> Output:
        said = SimulatedHost(machine.path).run(write)
        return Output(exit_code=said.exit_code, stdout=garbage, stderr=garbage)

    watch(monkeypatch, see)
    assert machine.apply().code == 0
    (journal,) = machine.journals()
    (output,) = (line for line in journal if line["event"] == "output")
    assert "characters more" in output["stdout"]
    assert len(json.dumps(output)) < 300_000
    shown = machine.history(str(json.loads(json.dumps(journal[0]))["run"])).out
    assert not any(ord(one) < 32 and one != "\n" for one in shown)


@pytest.mark.parametrize("room", [0, 1, 30])
def test_a_full_disk_leaves_a_journal_that_can_be_read(room: int, tmp_path: Path) -> None:
    """A line of which only a part could be written does not spoil the next one."""
    with Journal.open(str(tmp_path), "r") as journal:
        journal.write("end", ok=True, why="")
        size = journal.path.stat().st_size
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
        try:
            with pytest.raises(JournalError, match="can't be written"):
                journal.write("end", ok=True, why="")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        journal.write("end", ok=False, why="")
    record = read_record(tmp_path / "runs/r.jsonl")
    assert [line["ok"] for line in record.lines] == [True, False]
    assert len(record.torn) == bool(room)


def test_a_plan_that_can_not_be_kept_is_not_run(machine: Machine) -> None:
    """Who would resume it would not have it."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    size = machine.plan_path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        called = machine.apply()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert called.code == 1
    assert "nor its plan kept" in called.err
    assert "nothing was run" in " ".join(called.err.split())
    assert machine.pools == {}
    assert machine.apply().code == 0


def test_a_copy_is_on_disk_before_its_run_begins(machine: Machine, monkeypatch: Patch) -> None:
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    order: list[str] = []
    real = Journal.write

    def write(journal: Journal, event: str, **fields: Any) -> None:
        copy = journal.path.with_suffix(".plan.json")
        order.append(event if copy.read_bytes() == machine.plan_path.read_bytes() else "missing")
        real(journal, event, **fields)

    monkeypatch.setattr(Journal, "write", write)
    assert machine.apply().code == 0
    assert order[0] == "begin"
    assert "missing" not in order
