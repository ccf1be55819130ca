"""Power cuts that take along what a disk had not been told to flush: `make cuts LOSSY=20`.

A killed QEMU loses what the guest's kernel held, and never what it had written: this machine has
that. A real disk may lose all that was written to it since the last flush, or a part. So one apply
is run with every disk, the root's and the journal's among them, under a log of its writes
(writelog.py). Every few seconds the guest stands still, no request is under way, and the lengths
of all logs are taken. Where one log alone has grown between two of these times, the end of each of
its entries was a moment of all disks, too. Of these moments, some by chance are made into disks as
a power cut may have left them, each disk by its own last flush and by chance, and booted.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from attrs import evolve

from tests.lab.crash import BEGUN, JOURNAL, Cut, Whole, begin, finish, found, phoenix, prepare, told
from tests.lab.disks import copy_sparse
from tests.lab.errors import LabError
from tests.lab.machine import Machine
from tests.lab.writelog import entries, replay

PAUSE_S = 2.0
"""How far two of these times are apart at most. A guest that was stopped five times a second stood
still for good before long (QEMU 7.2)."""

Moment = tuple[float, dict[str, int]]
"""Seconds from the start of apply, and by disk how long its log was."""


def record(
    machine: Machine, base: Path, chance: random.Random, count: int, whole: Whole
) -> tuple[str, list[Moment]]:
    """Apply once under logs; the digest of the disk that is not to be touched, and the moments.

    `base` becomes the folder of the disks as they were before. The machine is ended.
    """
    untouched = prepare(machine)
    machine.kill()
    base.mkdir(exist_ok=True)
    for file in machine.files():
        copy_sparse(file, base / file.name)
    machine.boot(logged=True)
    phoenix(machine, "history")  # loads what apply needs
    moments: list[Moment] = []
    started = time.monotonic()
    with ThreadPoolExecutor(1) as aside:
        applied = aside.submit(begin, machine, "apply", "plan.json", lines=whole.lines)
        while not applied.done():
            time.sleep(chance.uniform(0, PAUSE_S))
            with machine.paused():
                lengths = {
                    file.name: file.with_suffix(".log").stat().st_size for file in machine.files()
                }
            moments.append((time.monotonic() - started, lengths))
        if not applied.result():
            said = machine.check(f"cat {BEGUN} {JOURNAL}")
            raise LabError(f"apply did not come to its end:\n{said}")
    machine.kill()
    logs = {file.name: file.with_suffix(".log") for file in machine.files()}
    found = tuple(within(moments, logs))
    chosen = chance.sample(found, min(count, len(found)))
    return untouched, sorted(chosen, key=lambda one: (one[0], sum(one[1].values())))


def within(moments: Sequence[Moment], logs: Mapping[str, Path]) -> Iterator[Moment]:
    """The moments between those that were taken: the end of each entry of a log that alone has
    grown from one to the next. What two disks wrote in the meantime has no known order."""
    ends = {
        name: [one.end for one in entries(log, log.stat().st_size)[1]] for name, log in logs.items()
    }
    for (after_s, before), (_, then) in pairwise(moments):
        grown = [name for name in then if then[name] != before[name]]
        if len(grown) == 1:
            name = grown[0]
            for end in ends[name]:
                if before[name] < end <= then[name]:
                    yield after_s, {**before, name: end}


def round_(
    machine: Machine, base: Path, moment: Moment, untouched: str, chance: random.Random
) -> Cut:
    """Boot one moment, and hold it to what every cut is held to."""
    machine.kill()
    after_s, lengths = moment
    lost = unsure = 0
    for file in machine.files():
        log = file.with_suffix(".log")
        one, all_ = replay(base / file.name, log, lengths[file.name], file, chance)
        lost, unsure = lost + one, unsure + all_
    machine.boot()
    cut = found(run := told(machine), "apply", after_s, lost=lost, unsure=unsure)
    return evolve(cut, helped=finish(machine, untouched, run))
