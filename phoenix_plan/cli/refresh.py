"""phoenix refresh"""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from phoenix_plan.cli.options import ConfigOption, HostOption, QuietOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def refresh(
    context: typer.Context,
    *,
    host: HostOption = None,
    config: ConfigOption = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the state there; - is stdout."),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Look at a host: disks, pools, datasets, storages, and who uses them. Changes nothing.

    The config only says which disks and mountpoints to look at more closely.
    """
    from phoenix_plan.cli.files import check_target, write_document  # noqa: PLC0415 - as used
    from phoenix_plan.cli.inputs import ask, interests  # noqa: PLC0415 - likewise

    console = console_of(context, quiet=quiet, verbose=verbose)
    if output is not None:
        check_target(output, "state")
    actual = ask(host or "local", interests(config), console, meanwhile=_load)
    from phoenix_plan.render.state import state_text, summary  # noqa: PLC0415 - loaded meanwhile

    if output is None:
        console.result(state_text(actual, console.style))
        return 0
    from phoenix_plan.codec import state_to_json  # noqa: PLC0415 - loaded meanwhile

    write_document(output, state_to_json(actual), "state")
    console.say(summary(actual))
    if output != "-":
        given = [] if config is None else ["-c", config]
        step = shlex.join(["phoenix", "plan", "--state", output, *given])
        console.say(f"Wrote {output}. Next: {step}")
    return 0


def _load() -> None:
    import phoenix_plan.codec  # noqa: PLC0415 - loads cattrs
    import phoenix_plan.render.state  # noqa: F401, PLC0415 - used once the state is there
