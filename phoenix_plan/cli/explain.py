"""phoenix explain"""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from phoenix_plan.cli.options import QuietOption, VerboseOption
from phoenix_plan.cli.options import console as console_of
from phoenix_plan.errors import UsageError


def explain(
    context: typer.Context,
    *,
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="As it stands in [brackets] in a plan.")
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say what a reason or finding code means, why, and what to do. Without CODE: list them all."""
    from phoenix_plan.model.codes import CODES, SUBJECTS  # noqa: PLC0415 - loaded where used
    from phoenix_plan.render.layout import field, padded, room, sentence  # noqa: PLC0415 - likewise

    console = console_of(context, quiet=quiet, verbose=verbose)
    style = console.style
    lines: list[str] = []
    if code is None:
        width = max(len(name) for name in CODES) + 2
        for subject, codes in SUBJECTS.items():
            lines += ["", style.paint(subject, "strong")]
            for name, known in codes.items():
                first, *rest = sentence(known.means, max(style.width - width - 2, 20))
                lines += [f"  {padded(name, width)}{first}", *(f"  {' ' * width}{x}" for x in rest)]
        console.result("\n".join(lines[1:]) + "\n")
        return 0
    wanted = code.strip("[]").lower()
    found = CODES.get(wanted)
    if found is None:
        close = difflib.get_close_matches(wanted, CODES, n=3, cutoff=0.4)
        raise UsageError(
            f"there is no code {code!r}",
            hint=f"Did you mean {' or '.join(close)}?"
            if close
            else "phoenix explain lists all codes.",
        )
    lines.append(style.paint(f"{wanted} ({found.kind})", "strong"))
    for label, text in (("means", found.means), ("why", found.why), ("to do", found.do)):
        lines += field(style, label, sentence(text, room(style, 2)), indent=2)
    console.result("\n".join(lines) + "\n")
    return 0
