"""phoenix resume"""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_plan.cli.options import EventsOption, QuietOption, RunHostOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def resume(
    context: typer.Context,
    *,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="The run, or how its id begins. [default: the one that stopped]",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The run's plan, where the copy beside its journal is gone.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Everything but write, with the same exit codes.")
    ] = False,
    json: EventsOption = False,
    host: RunHostOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:  # fmt: skip
    """Go on with a run that was broken off or has stopped, by the same plan and the same consent.

    What was under way is looked at first: it has happened, or not, or nobody can tell, and then
    nothing is run. Exit codes: 4 the consent has expired, 5 what the rest rests on has moved,
    6 another apply runs, 7 nobody can tell, or stopped again.
    """
    from phoenix_plan.cli.resuming import resume_on  # noqa: PLC0415 - as used

    console = console_of(context, quiet=quiet, verbose=verbose)
    return resume_on(host or "local", run, console, plan=plan, check=check, json=json)
