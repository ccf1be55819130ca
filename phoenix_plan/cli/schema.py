"""phoenix schema"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import phoenix_plan
from phoenix_plan.cli.options import QuietOption, VerboseOption
from phoenix_plan.cli.options import console as console_of
from phoenix_plan.errors import UsageError

_ENDING = ".schema.json"


def schema(
    context: typer.Context,
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="config, state, plan, approval, policy, history, journal, verify or policy-check.",
        ),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Print a document's JSON Schema. Without NAME: list them."""
    console = console_of(context, quiet=quiet, verbose=verbose)
    folder = Path(phoenix_plan.__file__).parent / "schemas"
    files = {path.name.removesuffix(_ENDING): path for path in sorted(folder.glob(f"*{_ENDING}"))}
    if name is None:
        console.result("".join(f"{known}\n" for known in files))
        return 0
    if name not in files:
        raise UsageError(f"there is no schema {name!r}", hint=f"There are: {', '.join(files)}.")
    console.result(files[name].read_text(encoding="utf-8"))
    return 0
