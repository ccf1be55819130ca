"""What tests of apply share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    """An empty folder for a host."""
    return Machine(tmp_path, capsys)


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
