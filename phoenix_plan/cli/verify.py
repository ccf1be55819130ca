"""phoenix verify"""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_plan.cli.options import QuietOption, RulesHostOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def verify(
    context: typer.Context,
    *,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's file.")],
    approval: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="An approval of the plan; those beside the plan are found. Can be repeated.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Go by this policy, with allowed_signers and revoked_keys beside it. "
            "[default: the host's own]",
            show_default=False,
        ),
    ] = None,
    host: RulesHostOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for a program.")] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say who approved what of a plan, whether it counts here, and whether it is enough.

    A plan is applied at most once: one that was applied here before, or begun and broken off, is
    told with its run, and no approval is enough for it. Exit codes: 0 apply would go by these
    approvals alone, 4 it would not, for whatever reason. Changes nothing.
    """
    from phoenix_plan.cli.verifying import look  # noqa: PLC0415 - loaded where used

    console = console_of(context, quiet=quiet, verbose=verbose)
    found = look(plan, approvals=approval or (), policy=policy, host=host)
    console.result(found.as_json() if json else found.as_text(console.style))
    return 0 if found.enough else 4
