"""phoenix abandon"""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_plan.cli.options import QuietOption, RunHostOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def abandon(
    context: typer.Context,
    *,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The run, or how its id begins. [default: the one that is in the way]",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why it is given up, for the journal.")
    ] = None,
    host: RunHostOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:  # fmt: skip
    """Give up a run that was broken off or has stopped. Undoes nothing, and runs nothing.

    It is not resumed any more, and another plan can be applied.
    """
    from phoenix_plan.cli.resuming import abandon_on  # noqa: PLC0415 - as used

    console = console_of(context, quiet=quiet, verbose=verbose)
    return abandon_on(host or "local", run, console, reason=reason or "")
