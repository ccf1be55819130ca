"""Power is cut at random moments of an apply, and what is left is resumed: `make cuts CUTS=100`.

A cut is the end of QEMU's process (SIGKILL). Each round begins with everything as it was.
`LOSSY=20` adds cuts that take along what a disk had not been told to flush (lossy.py).
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import asdict, evolve

from tests.lab import lossy
from tests.lab.crash import (
    BY_ID,
    NAMES,
    SEEN,
    SIZE_MIB,
    UNPACK,
    Cut,
    Whole,
    begin,
    finish,
    found,
    measure,
    prepare,
    summary,
    told,
)
from tests.lab.disks import Disk
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS
from tests.lab.machine import Machine
from tests.lab.roots import ensure_root

BEFORE = 0.1
"""The share of applies that are cut before the journal begins: there is nothing to resume then."""
SOON = 5
"""How many lines a resume gets to write at most, before the time after them begins."""
AGAIN = 0.9
"""The share of resumes that are cut too."""


def killed(machine: Machine, whole: Whole, count: int, chance: random.Random) -> Iterator[Cut]:
    """Cut by a kill, so often, at random moments of applies and of their resumes."""
    while count > 0:
        cuts = round_(machine, whole, chance)
        yield from cuts
        count -= len(cuts)


def round_(machine: Machine, whole: Whole, chance: random.Random) -> tuple[Cut, ...]:
    """Apply, and cut it; resume, and cut that too, or not; in the end all is as it was wanted.

    The moment is some time after some line of the journal: how long an apply takes hangs on what
    else this machine does. Raises LabError where anything is not as it should be.
    """
    untouched = prepare(machine)
    started = time.monotonic()
    if chance.random() < BEFORE:
        begin(machine, "apply", "plan.json")
        time.sleep(chance.uniform(0, whole.before_s))
    else:
        begin(machine, "apply", "plan.json", lines=chance.randint(1, whole.lines))
        time.sleep(chance.uniform(0, 2 * whole.gap_s))
    cuts = []
    during, run = "apply", None
    while True:
        after_s = time.monotonic() - started
        machine.cut()
        cuts.append(found(run := told(machine, run), during, after_s))
        left = len(SEEN) - cuts[-1].done
        if run["ending"] != "killed" or not left or chance.random() >= AGAIN:
            break
        during = "resume"
        started = time.monotonic()
        # Soon: most of what a cut costs is what is run between two. That it goes on is a line, and
        # each action that is to begin has four at least.
        more = chance.randint(0, min(SOON, 1 + 4 * (left - 1)))
        if not begin(machine, "resume", lines=run["lines"] + more):
            break  # it would not go on: what it says is looked at below
        time.sleep(chance.uniform(0, 2 * whole.gap_s))
    helped = finish(machine, untouched, run)
    return (*cuts[:-1], evolve(cuts[-1], helped=helped))


def replayed(
    machine: Machine, whole: Whole, base: Path, count: int, chance: random.Random
) -> Iterator[Cut]:
    """Moments of one apply, each with a part of its last writes."""
    untouched, moments = lossy.record(machine, base, chance, count, whole)
    for moment in moments:
        yield lossy.round_(machine, base, moment, untouched, chance)


def counted(machine: Machine, what: str, rounds: Iterable[Cut]) -> None:
    """Print each cut and, whatever comes between, how all were found."""
    cuts: list[Cut] = []
    first = len(machine.transcript)
    started = time.monotonic()
    try:
        for cut in rounds:
            cuts.append(cut)
            print(f"{len(cuts)}: {json.dumps(asdict(cut))}", flush=True)
            first = len(machine.transcript)
    except LabError as error:
        shown = "".join(str(answer) for answer in machine.transcript[first:])
        raise LabError(f"{error}\n\n--- cut {len(cuts) + 1}, what was run\n{shown}") from None
    finally:
        print(
            "\n".join(
                summary(f"{machine.root.guest.name}, {what}", cuts, time.monotonic() - started)
            ),
            flush=True,
        )


def main() -> None:
    """Cut as often as asked for, and count how the runs were found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("guest", choices=sorted(GUESTS))
    parser.add_argument("cuts", type=int)
    parser.add_argument("--lossy", type=int, default=0, help="cuts that lose unflushed writes")
    parser.add_argument("--seed", type=int, default=time.time_ns())
    given = parser.parse_args()
    print(f"{given.guest}: --seed {given.seed}", flush=True)
    chance = random.Random(given.seed)  # noqa: S311 - when, and no secret
    disks = [Disk(name=name, size_mib=SIZE_MIB) for name in NAMES]
    root = ensure_root(GUESTS[given.guest])
    with (
        tempfile.TemporaryDirectory(prefix="phoenix-lab-") as place,
        Machine(root, disks, Path(place) / "machine", keeps_root=True) as machine,
    ):
        machine.check(f"mkfs.ext4 -qF {BY_ID}NOT")
        whole = measure(machine)
        print(f"an apply: {whole}", flush=True)
        machine.keep_compiled()
        machine.check(UNPACK)  # each boot loads them
        if given.cuts:
            counted(machine, "killed", killed(machine, whole, given.cuts, chance))
        if given.lossy:
            lossy_rounds = replayed(machine, whole, Path(place) / "base", given.lossy, chance)
            counted(machine, "unflushed writes lost", lossy_rounds)


if __name__ == "__main__":
    main()
