"""Speed, as ratios: `python -m tests.benchmarks [start|scale|refresh]`, `make bench`.

B is a program of one command that imports typer, attrs, cattrs and jsonschema: what any program
on these libraries costs before it does anything. A figure that is clearly missed (by a tenth and
more) makes the exit code 1.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from phoenix_plan.codec import state_to_json
from phoenix_plan.commands import Answer, Output, Read
from phoenix_plan.config import load_config
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.hosts.open import open_host
from phoenix_plan.refresh import refresh
from tests.benchmarks import big_state
from tests.benchmarks.measure import ROOT, phoenix, python, run, turns
from tests.benchmarks.slow_host import TOOL_S
from tests.probes.test_zfs_datasets import host as zfs_texts

USERS = str(ROOT / "fixtures/configs/phoenix_hypervisor_config.json")
NO_CHANGE = ROOT / "fixtures/situations/pool-matches"

B = """
import attrs, cattrs, jsonschema, typer
app = typer.Typer(pretty_exceptions_enable=False)
@app.command()
def main() -> None:
    print(attrs, cattrs, jsonschema)
app()
"""

ROUNDS = 15
SLACK = 1.1


@attrs.frozen(kw_only=True)
class Figure:
    """One figure: what was seen, and what it may be. `unit` stands behind both."""

    name: str
    seen: float
    limit: float
    unit: str

    @property
    def verdict(self) -> str:
        """Whether it was reached, in a word."""
        if self.seen <= self.limit:
            return "reached"
        return "within noise" if self.seen <= self.limit * SLACK else "MISSED"


def start() -> Iterator[Figure]:
    """How long commands take to start, and a plan that changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "b.py"
        program.write_text(B)
        host = f"recorded:{NO_CHANGE}"
        seen = turns(
            {
                "bare": python("-c", "pass"),
                "b": python(str(program)),
                "version": phoenix("--version"),
                "validate": phoenix("validate", "-c", USERS),
                "plan": phoenix("plan", "--host", host, "-c", str(NO_CHANGE / "config.json")),
                "slow": python(
                    *("-m", "tests.benchmarks.slow_host", "plan"),
                    *("--host", host, "-c", str(NO_CHANGE / "config.json")),
                ),
            },
            ROUNDS,
        )
    b = seen["b"].wall_s
    print(f"bare python {seen['bare'].wall_s * 1000:.0f} ms, B {b * 1000:.0f} ms")
    yield Figure(
        name="--version", seen=seen["version"].wall_s / seen["bare"].wall_s, limit=2, unit="x bare"
    )
    yield Figure(name="validate", seen=seen["validate"].wall_s / b, limit=1.3, unit="x B")
    raw_s = raw_probes_s(host)
    yield Figure(
        name="plan, no change, beyond its raw probes (tools of 0.1 s, two rounds)",
        seen=(seen["slow"].wall_s - 2 * TOOL_S - raw_s) / b,
        limit=1.7,
        unit="x B",
    )
    yield Figure(
        name=f"the same where tools answer at once ({raw_s * 1000:.0f} ms), nothing overlaps",
        seen=(seen["plan"].wall_s - raw_s) / b,
        limit=1.7,
        unit="x B",
    )


def raw_probes_s(name: str) -> float:
    """What the answers of a recorded host cost by themselves, in seconds: its tools, so to say."""
    best = float("inf")
    interests = load_config(str(NO_CHANGE / "config.json")).interests
    for _ in range(5):
        counted = Counted(open_host(name))
        refresh(counted, interests)
        best = min(best, counted.spent_s)
    return best


class Counted:
    """A host that counts the time that its answers take, one after the other."""

    def __init__(self, host: ReadableHost) -> None:
        self.name = host.name
        self.spent_s = 0.0
        self._host = host

    def answer(self, probe: str, read: Read) -> Answer:
        """What the host says."""
        started = time.thread_time()
        try:
            return self._host.answer(probe, read)
        finally:
            self.spent_s += time.thread_time() - started


def scale() -> Iterator[Figure]:
    """Planning a large host from a state file, and one ten times as large."""
    costs = []
    for times in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            big = big_state.make(big_state.Scale().times(times))
            state, config = Path(folder) / "state.json", Path(folder) / "config.json"
            state.write_text(state_to_json(big.actual))
            config.write_text(json.dumps(big.config))
            argv = phoenix("plan", "--state", str(state), "-c", str(config))
            samples = [run(argv) for _ in range(5 if times == 1 else 2)]
            costs.append(min(sample.cpu_s for sample in samples))
            if times == 1:
                yield Figure(
                    name="plan of 10,000 datasets, 1,000 disks, 500 storages",
                    seen=min(sample.wall_s for sample in samples),
                    limit=3,
                    unit="s",
                )
                yield Figure(
                    name="its peak memory",
                    seen=min(sample.peak for sample in samples) / (1 << 20),
                    limit=200,
                    unit="MiB",
                )
    yield Figure(name="ten times the input", seen=costs[1] / costs[0], limit=12, unit="x the cost")


class Large:
    """A recorded host whose pools hold 10,000 datasets; its tools answer at once."""

    def __init__(self) -> None:
        listing, set_here, snapshots, _ = zfs_texts(10_000)
        self._host = open_host(f"recorded:{ROOT / 'fixtures/recordings/zfs-2.3/01-blank'}")
        self.name = self._host.name
        self._answers = {
            "zfs-list": listing,
            "zfs-get-set": set_here,
            "zfs-list-snapshots": snapshots,
        }

    def answer(self, probe: str, read: Read) -> Answer:
        """The large answer where there is one, else the recorded one."""
        text = self._answers.get(probe)
        if text is None:
            return self._host.answer(probe, read)
        return Output(exit_code=0, stdout=text.encode(), stderr=b"")


def live_refresh() -> Iterator[Figure]:
    """What a refresh costs beyond its tools, where those answer at once."""
    host = Large()
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        found = refresh(host)
        best = min(best, time.perf_counter() - started)
    if len(found.datasets) < 10_000:
        raise RuntimeError("the refresh did not see the large host")
    yield Figure(
        name="refresh of 10,000 datasets, 30,000 snapshots, beyond the tools",
        seen=best,
        limit=1,
        unit="s",
    )


SETS: dict[str, Callable[[], Iterator[Figure]]] = {
    "start": start,
    "scale": scale,
    "refresh": live_refresh,
}


def main(argv: list[str]) -> int:
    """Print a table of figures; 1 where one is clearly missed."""
    missed = False
    for name in argv or SETS:
        for figure in SETS[name]():
            missed = missed or figure.verdict == "MISSED"
            limit = f"{figure.limit:g} {figure.unit}"
            print(f"{figure.name:70} {figure.seen:8.2f}   at most {limit:14} {figure.verdict}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
