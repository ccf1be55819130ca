"""phoenix apply"""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from phoenix_plan.cli.options import (
    ConfigOption,
    EventsOption,
    QuietOption,
    RunHostOption,
    VerboseOption,
)
from phoenix_plan.cli.options import console as console_of
from phoenix_plan.errors import UsageError


class Mode(enum.StrEnum):
    """Where consent to destructive actions may come from, besides approvals."""

    SAFE = "safe"
    INTERACTIVE = "interactive"
    FORCE = "force-destructive"


def apply(
    context: typer.Context,
    *,
    plan: Annotated[
        str | None,
        typer.Argument(
            metavar="PLAN", help="The plan's file; without one, the config is planned and applied."
        ),
    ] = None,
    approval: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="An approval of the plan; those beside the plan are found. Can be repeated.",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="safe: approvals alone count; interactive: each destructive action is asked; "
            "force-destructive: all of them run."
        ),
    ] = Mode.SAFE,
    safe_only: Annotated[
        bool,
        typer.Option("--safe-only", help="Run what is safe and rests on nothing destructive."),
    ] = False,
    approved_only: Annotated[
        bool,
        typer.Option(
            "--approved-only",
            help="Run what is safe or consented to, and rests on nothing that is neither.",
        ),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Run what depends on no error of the plan.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Everything but write, with the same exit codes."),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Without PLAN: do not ask whether to run the plan at all."),
    ] = False,
    json: EventsOption = False,
    host: RunHostOption = None,
    config: ConfigOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:  # fmt: skip
    """Make a host as planned. Nothing runs unless everything destructive was consented to.

    Exit codes: 4 consent is missing, 5 the plan is stale, 6 another apply runs, 7 stopped part-way.
    """
    from phoenix_plan.cli.applying import Asked, apply_config, apply_file  # noqa: PLC0415 - as used

    console = console_of(context, quiet=quiet, verbose=verbose)
    if safe_only and approved_only:
        raise UsageError("--safe-only and --approved-only exclude each other")
    asked = Asked(
        host=host or "local",
        config=config,
        mode=mode.value,
        approvals=tuple(approval or ()),
        safe_only=safe_only,
        approved_only=approved_only,
        partial=partial,
        check=check,
        yes=yes,
        json=json,
    )
    if plan is not None:
        if yes:
            raise UsageError(
                "--yes is for an apply without a plan file",
                hint="What is destructive in a plan takes an approval: phoenix approve.",
            )
        return apply_file(plan, asked, console)
    if approval:
        raise UsageError("--approval is of a plan's file, and no plan is given")
    return apply_config(asked, console)
