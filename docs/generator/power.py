"""A power cut on a page: from one command of a plan on, nothing is written any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from phoenix_plan.apply.journal import Journal
from phoenix_plan.commands import Output, Run, Write
from phoenix_plan.hosts.simulated import SimulatedHost

POWER_FAILS = "  # the power fails at: "
"""What stands behind a command in a page, before how the plan's command begins."""


class PowerCut(BaseException):
    """Nothing catches it: the process is gone."""


@contextmanager
def power_failing_at(start: str) -> Iterator[None]:
    """Let the power fail when a command begins that starts so: it has its effect on the simulated
    host, and nobody is left to hear of it."""
    cut = False
    run, write = SimulatedHost.run, Journal.write

    def cut_run(host: SimulatedHost, asked: Write) -> Output:
        nonlocal cut
        said = run(host, asked)
        if isinstance(asked, Run) and " ".join(asked.argv).startswith(start):
            cut = True
            raise PowerCut
        return said

    def cut_write(journal: Journal, event: str, **fields: Any) -> None:
        if cut:
            raise PowerCut
        write(journal, event, **fields)

    with (
        mock.patch.object(SimulatedHost, "run", cut_run),
        mock.patch.object(Journal, "write", cut_write),
    ):
        yield
