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

from attrs import asdict

from tests.lab import lossy
from tests.lab.crash import (
    BY_ID,
    NAMES,
    SIZE_MIB,
    UNPACK,
    Cut,
    account,
    begin,
    found_as,
    measure,
    prepare,
    summary,
)
from tests.lab.disks import Disk
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS
from tests.lab.machine import Machine
from tests.lab.roots import ensure_root

BEFORE = 0.1
"""The share of cuts before the journal begins: there is nothing to resume then."""
LONGER = 1.05
"""Of the time that an apply takes, how much of it is cut in."""


def round_(machine: Machine, *, begun: bool, after_s: float) -> Cut:
    """One round. Raises LabError where anything is not as it should be."""
    started = time.monotonic()
    untouched = prepare(machine)
    begin(machine, cue=begun)
    time.sleep(after_s)
    machine.cut()
    run = account(machine, untouched)
    return found_as(run, begun=begun, after_s=after_s, started=started)


def killed(machine: Machine, count: int, chance: random.Random) -> Iterator[Cut]:
    """Rounds that end by a kill, at random moments of their applies."""
    before_s, whole_s = measure(machine)
    print(f"an apply takes {before_s:.1f} s, then {whole_s:.1f} s", flush=True)
    for _ in range(count):
        begun = chance.random() >= BEFORE
        span_s = LONGER * whole_s if begun else before_s
        yield round_(machine, begun=begun, after_s=chance.uniform(0, span_s))


def replayed(machine: Machine, base: Path, count: int, chance: random.Random) -> Iterator[Cut]:
    """Moments of one apply, each with a part of its last writes."""
    span_s = LONGER * sum(measure(machine))
    untouched, moments = lossy.record(machine, base, chance, count, span_s)
    for moment in moments:
        yield lossy.round_(machine, base, moment, untouched, chance)


def counted(machine: Machine, what: str, rounds: Iterable[Cut]) -> None:
    """Print each cut and, whatever comes between, how all were found."""
    cuts: list[Cut] = []
    first = len(machine.transcript)
    try:
        for cut in rounds:
            cuts.append(cut)
            print(f"{len(cuts)}: {json.dumps(asdict(cut))}", flush=True)
            first = len(machine.transcript)
    except LabError as error:
        shown = "".join(str(answer) for answer in machine.transcript[first:])
        raise LabError(f"{error}\n\n--- cut {len(cuts) + 1}, what was run\n{shown}") from None
    finally:
        print("\n".join(summary(f"{machine.root.guest.name}, {what}", cuts)), flush=True)


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
        measure(machine)  # compiles and loads
        machine.keep_compiled()
        machine.check(UNPACK)  # each boot loads them
        if given.cuts:
            counted(machine, "killed", killed(machine, given.cuts, chance))
        if given.lossy:
            lossy_rounds = replayed(machine, Path(place) / "base", given.lossy, chance)
            counted(machine, "unflushed writes lost", lossy_rounds)


if __name__ == "__main__":
    main()
