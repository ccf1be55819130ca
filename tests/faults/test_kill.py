"""Real processes, really killed. These spawn."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.apply.machine import ROOT, Machine, host, pool, want

LAST = ["begin", "intent", "command", "output", "result"]


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    """A pool to be made anew."""
    made = Machine(tmp_path, capsys)
    made.has(host(pool("tank", "mirror", "A", "B", data={})))
    made.wants(want("tank", "raidz1", "A", "B", "C"))
    assert made.plan().code == 0
    assert made.approve().code == 0
    return made


def apply_until(machine: Machine, event: str, count: int) -> None:
    """`phoenix apply --json`, killed once that many lines of that event have been printed."""
    argv = [sys.executable, "-m", "phoenix_plan", "apply", str(machine.plan_path), "--json",
            "--host", machine.sim]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            count -= f'{{"event": "{event}"' in line
            if not count:
                process.kill()
                break
        assert process.wait(60) == -signal.SIGKILL


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("event", LAST)
def test_a_killed_process_is_resumed(event: str, count: int, machine: Machine) -> None:
    """Wherever it was by then: it is not stopped between two lines, but somewhere behind one."""
    apply_until(machine, event, 1 if event == "begin" else count)
    commands = machine.commands()
    called = machine.resume()
    assert called.code == 0, called.err
    if "Nothing to resume" in called.err:
        assert commands == []
        called = machine.apply()
        assert called.code == 0, called.err
    vdev = machine.pools["tank"]["vdevs"][0]
    assert vdev["type"] == "raidz"
    assert len(vdev["children"]) == 3
    assert [one for one in machine.commands() if "destroy" in one][:1] == ["zpool destroy tank"]


HOLDS = """
import sys
from phoenix_plan.apply.lock import locked
from phoenix_plan.commands import Run
from phoenix_plan.hosts.local_writes import WritableLocalHost

host = WritableLocalHost()
with locked(sys.argv[1], "bob: apply plan.json") as lock:
    host.lend(lock)
    print("begun", flush=True)
    host.run(Run(argv=("sleep", "2")))
"""


def test_a_tool_that_outlives_phoenix_keeps_the_lock(tmp_path: Path) -> None:
    """Nobody looks at the host, or changes it, while a `zpool` is still at it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        time.sleep(0.5)
        process.kill()
        process.wait(10)
    with (tmp_path / "lock").open() as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        began = time.monotonic()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert 0.1 < time.monotonic() - began < 10
