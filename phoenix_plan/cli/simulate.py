"""phoenix simulate"""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any, cast

import typer

from phoenix_plan.cli.options import QuietOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def simulate(
    context: typer.Context,
    *,
    state: Annotated[
        str, typer.Argument(metavar="STATE", help="A state that refresh wrote; - is stdin.")
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Write the host there.")
    ],
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Make a simulated host of a state, to try a plan on: --host sim:FILE. Changes no host."""
    from phoenix_plan.cli.files import check_target, write_document  # noqa: PLC0415 - as used
    from phoenix_plan.hosts.simulated.document import dump_json  # noqa: PLC0415 - likewise
    from phoenix_plan.hosts.simulated.state import from_state  # noqa: PLC0415 - likewise
    from phoenix_plan.schema_check import load  # noqa: PLC0415 - likewise

    console = console_of(context, quiet=quiet, verbose=verbose)
    check_target(output, "simulated host")
    document = load(state, schema="state", stdin=sys.stdin.buffer if state == "-" else None)
    made = from_state(cast("dict[str, Any]", document.value))
    write_document(output, dump_json(made) + "\n", "simulated host")
    if output != "-":
        step = shlex.join(["phoenix", "plan", "--host", f"sim:{output}"])
        console.say(f"Wrote {output}. Next: {step} -c CONFIG")
    return 0
