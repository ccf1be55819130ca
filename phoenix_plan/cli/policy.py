"""phoenix policy"""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_plan.cli.options import QuietOption, RulesHostOption, VerboseOption
from phoenix_plan.cli.options import console as console_of

policy = typer.Typer(name="policy", help="What a host's policy asks for.", rich_markup_mode=None)


@policy.callback()
def _policy() -> None:
    """What a host's policy asks for."""


@policy.command()
def check(
    context: typer.Context,
    *,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's file.")],
    file: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="Go by this policy. [default: the host's own]",
            show_default=False,
        ),
    ] = None,
    host: RulesHostOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for a program.")] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say what a policy asks for before each destructive action of a plan, and what it bars.

    Exit codes: 0 nothing is barred, 4 something is. Changes nothing.
    """
    from phoenix_plan.cli.verifying import demands  # noqa: PLC0415 - loaded where used

    console = console_of(context, quiet=quiet, verbose=verbose)
    found = demands(plan, policy=file, host=host)
    console.result(found.as_json() if json else found.as_text(console.style))
    return 0 if found.open else 4
