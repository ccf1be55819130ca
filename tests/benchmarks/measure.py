"""Time whole processes, one after the other in turns, so that noise meets all of them alike."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]


@attrs.frozen(kw_only=True)
class Sample:
    """One run: wall-clock time and processor time in seconds, peak memory in bytes."""

    wall_s: float
    cpu_s: float
    peak: int


@attrs.frozen(kw_only=True)
class Timing:
    """Several runs of one command. The minimum is what it costs, the rest is noise."""

    samples: tuple[Sample, ...]

    @property
    def wall_s(self) -> float:
        """The fastest run in seconds."""
        return min(sample.wall_s for sample in self.samples)

    @property
    def median_s(self) -> float:
        """The median run in seconds."""
        return statistics.median(sample.wall_s for sample in self.samples)

    @property
    def peak(self) -> int:
        """The least peak memory in bytes."""
        return min(sample.peak for sample in self.samples)


def run(argv: tuple[str, ...]) -> Sample:
    """Run a command once, its output thrown away. Raises RuntimeError where it fails."""
    nothing = os.open(os.devnull, os.O_RDWR)
    started = time.perf_counter()
    child = os.posix_spawn(
        argv[0],
        argv,
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 1), (os.POSIX_SPAWN_DUP2, nothing, 2)],
    )
    _, status, usage = os.wait4(child, 0)
    wall_s = time.perf_counter() - started
    os.close(nothing)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return Sample(wall_s=wall_s, cpu_s=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * 1024)


def turns(commands: Mapping[str, tuple[str, ...]], rounds: int) -> dict[str, Timing]:
    """Run each command `rounds` times, in turns, after one run that warms the caches."""
    for argv in commands.values():
        run(argv)
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            samples[name].append(run(argv))
    return {name: Timing(samples=tuple(found)) for name, found in samples.items()}


def python(*arguments: str) -> tuple[str, ...]:
    """This Python with these arguments."""
    return (sys.executable, *arguments)


def phoenix(*arguments: str) -> tuple[str, ...]:
    """phoenix with these arguments, as a process of its own."""
    return python("-m", "phoenix_plan", *arguments)
