"""What a host is: something that answers reads, and for some, runs writes."""

from __future__ import annotations

from typing import Protocol

from phoenix_plan.commands import Answer, Output, Read, Write


class ReadableHost(Protocol):
    """A host that answers reads. It has no way to run a write.

    `name` is how the command line calls it (`local`, `recorded:DIR`).
    """

    name: str

    def answer(self, probe: str, read: Read) -> Answer:
        """What the host says to `read`, asked by the probe of that name.

        A tool that is not installed or a file that is not there is an answer. Raises HostError
        where the host itself fails: a time-out, an unreadable file, a tool that dies by a signal.
        """
        ...


class WritableHost(ReadableHost, Protocol):
    """A host that can be changed. Only apply is handed one.

    `state_dir` is where this program keeps its journal for the host, a path on this machine.
    """

    state_dir: str

    def run(self, write: Write) -> Output:
        """Do it, and say what the tool said. Exit codes other than 0 are answers.

        Raises HostError where nobody can say what happened: a time-out, a death by a signal.
        """
        ...

    def lend(self, descriptor: int) -> None:
        """Have the tools that are run from now on hold this descriptor open, too."""
        ...
