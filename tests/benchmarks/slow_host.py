"""phoenix on a recorded host whose tools take 0.1 s each, as real ones do at least.

`python -m tests.benchmarks.slow_host ARGUMENT...` takes phoenix's own arguments. All first
questions are asked at the same time, and the look at the disks follows: the probes by themselves
take twice that long.
"""

from __future__ import annotations

import sys
import time

from phoenix_plan.__main__ import main as phoenix
from phoenix_plan.commands import Answer, Query, Read, Sample
from phoenix_plan.hosts import open as hosts
from phoenix_plan.hosts.base import ReadableHost

TOOL_S = 0.1


class Slow:
    """A host that waits before it answers, where a tool would run."""

    def __init__(self, host: ReadableHost) -> None:
        self.name = host.name
        self._host = host

    def answer(self, probe: str, read: Read) -> Answer:
        """What the host says, after a while."""
        if isinstance(read, Query | Sample):
            time.sleep(TOOL_S)
        return self._host.answer(probe, read)


def main(argv: list[str]) -> int:
    """Run phoenix with every host made slow."""
    opened = hosts.open_host

    def slow(name: str) -> ReadableHost:
        return Slow(opened(name))

    hosts.open_host = slow
    return phoenix(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
