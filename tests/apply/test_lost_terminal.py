"""A terminal that goes away in the middle: the tool under way is let finish, and all is told to the
journal. These spawn: signals, terminals and processes are what they are about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phoenix_plan.cli.console import Console
from phoenix_plan.errors import PhoenixError
from tests.apply.machine import Machine, host, pool, want

RUNS_A_TOOL = """
import sys
from phoenix_plan.apply.interrupt import noted
from phoenix_plan.cli.talking import _signalled
from phoenix_plan.commands import Run
from phoenix_plan.hosts.local_writes import WritableLocalHost

folder = sys.argv[1]
script = f"touch {folder}/begun; sleep 1; touch {folder}/ended"
with noted(_signalled) as stopping:
    output = WritableLocalHost().run(Run(argv=("sh", "-c", script)))
    open(f"{folder}/told", "w").write(f"{output.exit_code} {stopping()}")
"""


def wait_for(path: Path) -> None:
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path.name} never came")


def test_the_tool_under_way_ends_by_itself(tmp_path: Path) -> None:
    """SIGHUP comes, and what is said about it can't be written: the terminal has gone."""
    master, slave = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", RUNS_A_TOOL, str(tmp_path)], stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        wait_for(tmp_path / "begun")
        os.close(master)
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 0
    assert (tmp_path / "ended").exists()
    assert (tmp_path / "told").read_text() == "0 SIGHUP"


class Gone:
    """A terminal that has gone (write(2), EIO)."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return False

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_run_that_nobody_hears_goes_to_its_end(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(host(pool("tank", "mirror", "A", "B", a={}, b={}))).wants(
        want("tank", "mirror", "A", "B"),
        datasets=[{"name": name, "pool": "tank", "properties": "atime=on"} for name in "ab"],
    )
    assert machine.plan().code == 0
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Gone())
        assert machine.apply().code == 0
    (journal,) = machine.journals()
    assert [line["ok"] for line in journal if line["event"] == "result"] == [True, True]
    assert journal[-1]["event"] == "end"


def test_an_error_that_nobody_hears_is_none_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Gone())
    Console().error(PhoenixError("stopped", hint="look"))
