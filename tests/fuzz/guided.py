"""Inputs that reach new code are kept, and damaged further: `make fuzz-guided RUNS=20000`.

`python -m tests.fuzz.guided READER ... [--runs N] [--blind]`

The property, the readers and the edits are those of test_readers.py; libFuzzer (through atheris)
watches which branches of phoenix_plan an input takes. It ends its process, so each reader has one
of its own. `--blind` begins each input with a seed anew, which tells what the watching is worth.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import atheris

with (
    contextlib.redirect_stderr(io.StringIO()),  # a line for each module
    atheris.instrument_imports(include=["phoenix_plan"], enable_loader_override=False),
):
    from tests.fuzz.inputs import edit, pack, unpack
    from tests.fuzz.readers import READERS, Reader
    from tests.fuzz.test_readers import check

OUT = Path(__file__).parents[2] / "build/fuzz"
LONGEST = 1 << 20
"""Bytes of an input; the longest seed has a third of it."""

AFRESH = 0.5
"""The share of inputs that begin with a seed anew: else documents lose their form for good."""


class Guided:
    """One reader under libFuzzer."""

    def __init__(self, reader: Reader, *, blind: bool) -> None:
        self.reader = reader
        self.seeds = reader.seeds()
        self.blind = blind

    def read(self, data: bytes) -> None:
        """What libFuzzer calls. Its first input is empty: there are no parts to be read."""
        if parts := unpack(data):
            check(self.reader, parts)

    def damage(self, data: bytes, longest: int, number: int) -> bytes:
        """An input made of another: an edit of ours, or one of libFuzzer's."""
        draw = random.Random(number)  # noqa: S311 - no secret
        anew = self.blind or draw.random() < AFRESH
        parts = list(() if anew else unpack(data)) or list(draw.choice(self.seeds))
        for _ in range(draw.randint(1, 5)):
            if draw.random() < 0.3:
                at = draw.randrange(self.reader.fixed, len(parts))
                parts[at] = atheris.Mutate(parts[at], max(len(parts[at]) * 2, 64))
            else:
                edit(draw, parts, self.seeds, self.reader.fixed)
        made = pack(tuple(parts))
        return made if len(made) <= longest else data


def fuzz(name: str, runs: int, *, blind: bool) -> None:
    """Does not return: libFuzzer ends the process, with 77 where an input broke the property."""
    corpus = OUT / name
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    guided = Guided(READERS[name], blind=blind)
    for at, seed in enumerate(guided.seeds):
        (corpus / f"seed-{at}").write_bytes(pack(seed))
    options = [
        f"-runs={runs}", f"-max_len={LONGEST}", "-len_control=0", "-cross_over=0",
        "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={OUT}/{name}-", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], guided.read, custom_mutator=guided.damage)
    atheris.Fuzz()


def told(stderr: str) -> str:
    """Of what libFuzzer prints: branches taken by the seeds and in the end, and how many inputs."""
    reached = re.findall(r"(INITED|DONE) .*?cov: (\d+)", stderr)
    count = re.search(r"number_of_executed_units: (\d+)", stderr)
    first, last = (
        next((int(n) for at, n in reached if at == word), 0) for word in ("INITED", "DONE")
    )
    return f"{int(count[1]) if count else 0:8,} inputs, branches: {first} -> {last}"


def main(argv: Sequence[str]) -> int:
    """Fuzz readers one after another. The exit code is 1 where one broke the property."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", default=list(READERS))
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--here", action="store_true", help="one reader, in this process")
    given = parser.parse_args(argv)
    if given.here:
        (name,) = given.readers
        fuzz(name, given.runs, blind=given.blind)
    broke = 0
    for name in given.readers:
        more = ["--blind"] if given.blind else []
        ended = subprocess.run(
            [sys.executable, "-m", __spec__.name, "--here", name, "--runs", str(given.runs), *more],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        print(f"{name:20} {told(ended.stderr)}", flush=True)
        if ended.returncode:
            broke += 1
            print(ended.stdout[-2000:], ended.stderr[-6000:], flush=True)
    return min(broke, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
