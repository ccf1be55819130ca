"""Runs that are in the way of the next one, that are given up, that are kept no longer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply import earlier
from phoenix_plan.commands import Output, Write
from phoenix_plan.errors import HostError
from tests.apply.machine import Machine, break_off, host, pool, want, watch, words

Json = dict[str, Any]
Patch = pytest.MonkeyPatch


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """Two safe changes."""
    machine.has(host(pool("tank", "mirror", "A", "B", a={}, b={})))
    return again(machine, "on")


def again(machine: Machine, atime: str) -> Machine:
    """Another plan for it."""
    machine.wants(
        want("tank", "mirror", "A", "B"),
        datasets=[{"name": x, "pool": "tank", "properties": f"atime={atime}"} for x in "ab"],
    )
    machine.plan_path.unlink(missing_ok=True)
    assert machine.plan().code == 0
    return machine


def folder(machine: Machine) -> Path:
    return Path(f"{machine.path}.phoenix/runs")


def fails(monkeypatch: Patch, machine: Machine, how: Output | Exception) -> None:
    """The second change fails."""

    def see(write: Write) -> Output | None:
        if not words(write).endswith("tank/b"):
            return None
        if isinstance(how, Exception):
            raise how
        return how

    with monkeypatch.context() as patch:
        watch(patch, see)
        assert machine.apply().code == 7


FAILED = Output(exit_code=1, stdout=b"", stderr=b"no")


def test_a_run_that_was_broken_off_is_in_the_way(planned: Machine, monkeypatch: Patch) -> None:
    """Of every other plan, with --check too, until it is resumed or given up."""
    break_off(planned, monkeypatch, "zfs set")
    again(planned, "on")
    for flags in ((), ("--check",)):
        called = planned.apply(*flags)
        assert called.code == 7
        text = " ".join(called.err.split())
        assert "is not over: it was broken off while set-dataset-properties:tank/a" in text
        assert "Nothing was run now" in text
        assert "phoenix resume" in text
        assert "phoenix abandon" in text
    assert len(planned.journals()) == 1
    assert planned.resume().code == 0
    again(planned, "off")
    assert planned.apply().code == 0


def test_a_run_that_is_given_up_is_in_nobodys_way(planned: Machine, monkeypatch: Patch) -> None:
    break_off(planned, monkeypatch, "zfs set atime=on tank/b")
    assert planned.abandon().code == 64, "without a reason"
    assert planned.abandon("--reason", "a\nb").code == 64
    called = planned.abandon("--reason", "the new plan is better")
    assert called.code == 0
    assert "Was under way, and nobody has looked at it: set-dataset-properties:tank/b" in called.out
    assert "Nothing was undone." in called.out
    (journal,) = planned.journals()
    assert journal[-1]["event"] == "abandon"
    assert journal[-1]["reason"] == "the new plan is better"
    assert planned.resume().err == "Nothing to resume: every run is over.\n"
    assert "given up" in planned.history().out
    assert planned.abandon("--reason", "x").err == "Nothing to give up: every run is over.\n"
    assert planned.abandon(planned.history().out.split("  ")[1].split()[0]).code == 64
    assert planned.apply().code == 65, "I8 holds still"
    again(planned, "on")
    assert planned.apply().code == 0


def test_a_run_that_stopped_with_a_true_account_makes_way(
    planned: Machine, monkeypatch: Patch
) -> None:
    fails(monkeypatch, planned, FAILED)
    first = sorted(folder(planned).glob("*.jsonl"))[0]
    again(planned, "on")
    called = planned.apply()
    assert called.code == 0
    assert f"the run {first.stem} stopped with 1 action not done" in " ".join(called.err.split())
    last = json.loads(first.read_text().splitlines()[-1])
    (second,) = {one.stem for one in folder(planned).glob("*.jsonl")} - {first.stem}
    assert (last["event"], last["by_run"]) == ("abandon", second)
    assert planned.resume(first.stem).code == 1


def test_a_run_of_which_nobody_knows_how_it_ended_does_not(
    planned: Machine, monkeypatch: Patch
) -> None:
    """A tool that was killed, or that hung."""
    fails(monkeypatch, planned, HostError("apply: no end after 600 s, stopped"))
    again(planned, "on")
    called = planned.apply()
    assert called.code == 7
    assert "nobody saw how set-dataset-properties:tank/b ended" in " ".join(called.err.split())


CFG = ["dir: local", "\tpath /var/lib/vz", "", "zfspool: tank-vm", "\tpool tank/vm",
       "\tcontent images", ""]  # fmt: skip


def test_a_storage_that_was_left_disabled_is_not_forgotten(
    machine: Machine, monkeypatch: Patch
) -> None:
    """The next plan would not know that it was enabled before."""
    machine.has(host(pool("tank", "mirror", "A", "B", vm={}), storage_cfg=CFG))
    vm = {"name": "vm", "pool": "tank", "proxmox_storage_type": "zfspool",
          "proxmox_content_type": "images"}  # fmt: skip
    machine.wants(want("tank", "raidz1", "A", "B", "C"), datasets=[vm])
    assert machine.plan().code == 0
    with monkeypatch.context() as patch:
        watch(patch, lambda write: FAILED if words(write).startswith("zpool destroy") else None)
        called = machine.apply("--mode", "force-destructive")
        assert called.code == 7, called.err
    assert machine.plan().code == 0
    called = machine.apply("--mode", "force-destructive")
    assert called.code == 7
    text = " ".join(called.err.split())
    assert "it has disabled tank-vm and not enabled it again" in text
    called = machine.abandon("--reason", "x")
    assert "pvesm set tank-vm --disable 0" in called.out


def test_only_so_many_runs_are_kept(planned: Machine, monkeypatch: Patch) -> None:
    """I8 outlives them: what they ran stands in an index. One that is not over stays."""
    monkeypatch.setattr(earlier, "KEEP", 2)
    plans = []
    before = planned.path.read_bytes()
    for number in range(4):
        again(planned, "off" if number % 2 else "on")
        plans.append(planned.plan_path.read_bytes())
        assert planned.apply().code == 0
    assert len(planned.journals()) == 3, "room is made before the next one"
    assert len(list(folder(planned).glob("*.plan.json"))) == 3
    index = folder(planned).parent / "applied.jsonl"
    assert len(index.read_text().splitlines()) == 1
    planned.path.write_bytes(before)
    planned.plan_path.write_bytes(plans[0])
    called = planned.apply()
    assert called.code == 65
    assert "was applied before" in called.err
    assert "applied.jsonl" in called.err
    index.write_text("garbage\n")
    called = planned.apply()
    assert called.code == 1
    assert "applied.jsonl:1 can't be read" in called.err


def test_a_run_that_is_not_over_is_never_thrown_away(planned: Machine, monkeypatch: Patch) -> None:
    monkeypatch.setattr(earlier, "KEEP", 0)
    fails(monkeypatch, planned, FAILED)
    (stopped,) = folder(planned).glob("*.jsonl")
    earlier.make_room(str(folder(planned).parent), pytest.fail)
    assert stopped.exists()
    assert stopped.with_suffix(".plan.json").exists()
    (folder(planned) / "20200101T000000Z-aaaaaaaa.plan.json").write_text("{}")
    earlier.make_room(str(folder(planned).parent), pytest.fail)
    assert len(list(folder(planned).iterdir())) == 2, "a plan whose run never began goes"


def test_an_index_that_can_not_be_written_keeps_the_journals(
    planned: Machine, monkeypatch: Patch
) -> None:
    """A full disk: better too many journals than a plan that could be applied twice."""
    assert planned.apply().code == 0
    monkeypatch.setattr(earlier, "KEEP", 0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("phoenix_plan.apply.applied.os.replace", full)
        earlier.make_room(str(folder(planned).parent), told.append)
    assert len(planned.journals()) == 1
    assert "No space left on device" in told[0]
    assert [one.name for one in folder(planned).parent.iterdir() if one.name[0] == "."] == []


def test_an_unreadable_journal_is_given_up_for_good(planned: Machine) -> None:
    """It may be any plan's, so it bars them all, but for those that are made after that."""
    runs = folder(planned)
    runs.mkdir(parents=True)
    (runs / "20200101T000000Z-aaaaaaaa.jsonl").write_text("garbage\nand more\n")
    called = planned.apply()
    assert called.code == 65
    assert planned.abandon("--reason", "the disk was bad").code == 0
    assert planned.apply().code == 65, "planned before: it may be this one's"
    shutil.copy(planned.path, planned.folder / "copy.json")
    import time  # noqa: PLC0415 - one use

    time.sleep(1.1)
    again(planned, "on")
    assert planned.apply().code == 0
