"""phoenix show"""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_plan.cli.options import Format, FormatOption, QuietOption, VerboseOption
from phoenix_plan.cli.options import console as console_of


def show(
    context: typer.Context,
    *,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A plan, a state or an approval; - is stdin.")
    ],
    form: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Show a plan, a state or an approval that was written to a file."""
    from phoenix_plan.cli.inputs import read_ours  # noqa: PLC0415 - loaded where used

    console = console_of(context, quiet=quiet, verbose=verbose)
    opened = read_ours(file)
    document = opened.document
    source = "" if file == "-" else file
    if form is Format.JSON:
        console.result(document.text if document.text.endswith("\n") else document.text + "\n")
    elif opened.kind == "plan":
        from phoenix_plan.cli.printing import plan_as, plan_next  # noqa: PLC0415 - likewise
        from phoenix_plan.codec import plan_from_json  # noqa: PLC0415 - likewise

        made = plan_from_json(document.value, document.name)
        step = plan_next(made, saved=file, again="")
        console.result(plan_as(made, form, console.style, source=source, next_step=step))
    elif opened.kind == "approval":
        from phoenix_plan.render.consent import approval_text  # noqa: PLC0415 - likewise
        from phoenix_plan.render.markdown import state_markdown  # noqa: PLC0415 - likewise
        from phoenix_plan.stored import approval_of  # noqa: PLC0415 - likewise

        text = approval_text(approval_of(document), console.style)
        console.result(state_markdown(text, source=source) if form is Format.MARKDOWN else text)
    else:
        from phoenix_plan.codec import state_from_json  # noqa: PLC0415 - likewise
        from phoenix_plan.render.markdown import state_markdown  # noqa: PLC0415 - likewise
        from phoenix_plan.render.state import state_text  # noqa: PLC0415 - likewise
        from phoenix_plan.render.style import Style  # noqa: PLC0415 - likewise

        actual = state_from_json(document.value, document.name)
        if form is Format.MARKDOWN:
            text = state_text(actual, Style(everything=console.verbose))
            console.result(state_markdown(text, source=source))
        else:
            console.result(state_text(actual, console.style))
    return 0
