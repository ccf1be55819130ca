"""What tests of apply share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply.direct import mixed
from tests.apply.machine import Machine
from tests.properties.test_applying import Case


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    """An empty folder for a host."""
    return Machine(tmp_path, capsys)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A dataset to destroy, a disk to wipe for a new pool, and safe changes around them."""
    return mixed(tmp_path)


@pytest.fixture
def at_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journals of these tests are written at the time of their plans, and nobody waits who does
    not say so."""
    monkeypatch.setattr("phoenix_plan.apply.journal._now", lambda: "2026-11-23T08:00:00.000000Z")
    monkeypatch.setattr("phoenix_plan.apply.resume.time.sleep", pytest.fail)


@pytest.fixture(autouse=True)
def from_a_terminal() -> Iterator[None]:
    """Signals as a program that is started from a terminal finds them, and its children with it:
    whoever runs the tests may ignore some (nohup(1), a shell's background jobs)."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, signal.SIG_DFL),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    }
    yield
    for number, was in before.items():
        signal.signal(number, was)
