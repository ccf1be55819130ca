"""A second signal: somebody does not want to wait for the end of what is under way."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from phoenix_plan.apply import interrupt
from phoenix_plan.apply.interrupt import CutShortError, noted
from phoenix_plan.commands import Run, Write
from phoenix_plan.hosts.local_writes import WritableLocalHost
from tests.apply.machine import Machine, host, pool, want, watch, words

Patch = pytest.MonkeyPatch


@pytest.fixture
def planned(machine: Machine, monkeypatch: Patch) -> Machine:
    """Two safe changes, and seconds that pass at once."""
    monkeypatch.setattr(interrupt, "INSISTS_AFTER_S", 0.0)
    machine.has(host(pool("tank", "mirror", "A", "B", a={}, b={}))).wants(
        want("tank", "mirror", "A", "B"),
        datasets=[{"name": name, "pool": "tank", "properties": "atime=on"} for name in "ab"],
    )
    assert machine.plan().code == 0
    return machine


def twice(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_in_the_middle_and_the_journal_says_so(
    number: signal.Signals, planned: Machine, monkeypatch: Patch
) -> None:
    """What the command did nobody can say: it is in the way of the next plan, and resumed."""

    def see(write: Write) -> None:
        if words(write).endswith("tank/a"):
            twice(number)

    with monkeypatch.context() as patch:
        watch(patch, see)
        called = planned.apply()
    assert called.code == 7
    assert f"it was cut short by a second signal ({number.name})" in called.err
    assert "FAILED    set-dataset-properties:tank/a" in called.err
    (journal,) = planned.journals()
    (unknown,) = (line for line in journal if line["event"] == "unknown")
    assert "cut short by a second signal" in unknown["why"]
    assert journal[-1]["event"] == "end"
    called = planned.resume()
    assert called.code == 0
    assert "tank/a was under way: it has not happened" in " ".join(called.err.split())


def test_a_terminal_that_goes_away_says_so_twice_and_does_not_insist(
    planned: Machine, monkeypatch: Patch
) -> None:
    """The kernel and the shell send SIGHUP each."""

    def see(write: Write) -> None:
        if words(write).endswith("tank/a"):
            twice(signal.SIGHUP)

    watch(monkeypatch, see)
    called = planned.apply()
    assert called.code == 7
    assert "done      set-dataset-properties:tank/a" in called.err
    assert "FAILED" not in called.err


def test_a_key_that_is_held_down_does_not_insist(planned: Machine, monkeypatch: Patch) -> None:
    monkeypatch.setattr(interrupt, "INSISTS_AFTER_S", 60.0)
    watch(monkeypatch, lambda write: twice(signal.SIGINT) if "tank/a" in words(write) else None)
    called = planned.apply()
    assert "done      set-dataset-properties:tank/a" in called.err


def test_a_second_signal_between_two_commands_cuts_the_next_one_short(monkeypatch: Patch) -> None:
    """Nothing but a command is cut: what the journal writes is whole."""
    monkeypatch.setattr(interrupt, "INSISTS_AFTER_S", 0.0)
    told: list[str] = []
    with noted(told.append) as signals:
        twice(signal.SIGINT)
        assert signals() == "SIGINT"
        with pytest.raises(CutShortError), signals.running():
            raise AssertionError("it runs")
    assert len(told) == 2


def test_the_tool_is_ended_with_its_children(tmp_path: Path, monkeypatch: Patch) -> None:
    """This spawns: it is about processes."""
    monkeypatch.setattr(interrupt, "INSISTS_AFTER_S", 0.2)
    script = (
        f"kill -INT {os.getpid()}; sleep 0.5; kill -INT {os.getpid()}; sleep 2; "
        f"touch {tmp_path}/late"
    )
    with noted(lambda _text: None) as signals, pytest.raises(CutShortError), signals.running():
        WritableLocalHost().run(Run(argv=("sh", "-c", script)))
    time.sleep(2.5)
    assert not (tmp_path / "late").exists()
