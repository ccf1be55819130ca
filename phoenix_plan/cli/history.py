"""phoenix history"""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_plan.cli.options import QuietOption, RunHostOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def history(
    context: typer.Context,
    *,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="One run in full, by its id or how that begins.", show_default=False
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    host: RunHostOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:  # fmt: skip
    """Say what was run on a host: when, by whom, by whose consent, and how it ended."""
    import attrs  # noqa: PLC0415 - as used

    from phoenix_plan.apply.history import history as history_of  # noqa: PLC0415 - likewise
    from phoenix_plan.apply.history import history_to_json  # noqa: PLC0415 - likewise
    from phoenix_plan.apply.records import find  # noqa: PLC0415 - likewise
    from phoenix_plan.cli.past import history_text, run_text  # noqa: PLC0415 - likewise
    from phoenix_plan.hosts.open import open_writable  # noqa: PLC0415 - likewise

    console = console_of(context, quiet=quiet, verbose=verbose)
    name = host or "local"
    state_dir = open_writable(name).state_dir
    found = history_of(state_dir)
    if run is not None:
        wanted = find(state_dir, run).id
        found = attrs.evolve(found, runs=tuple(one for one in found.runs if one.id == wanted))
    if json:
        console.result(history_to_json(found))
    elif run is not None:
        console.result(run_text(found.runs[0], console.style, host=name))
    else:
        console.result(history_text(found, console.style, host=name, folder=state_dir))
    return 0
