"""phoenix validate"""

from __future__ import annotations

import typer

from phoenix_plan.cli.options import ConfigOption, QuietOption, VerboseOption, config_path
from phoenix_plan.cli.options import console as console_of


def validate(
    context: typer.Context,
    *,
    config: ConfigOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Check a config as far as a file can be checked, without looking at any host."""
    from phoenix_plan.cli.inputs import load_config  # noqa: PLC0415 - loaded where it is used
    from phoenix_plan.render.layout import sentence  # noqa: PLC0415 - likewise
    from phoenix_plan.render.visible import visible  # noqa: PLC0415 - likewise

    console = console_of(context, quiet=quiet, verbose=verbose)
    desired = load_config(config).desired
    said = ", ".join(
        f"{len(found)} {noun}{'s' * (len(found) != 1)}"
        for found, noun in (
            (desired.pools, "pool"),
            (desired.datasets, "dataset"),
            (desired.storages, "storage"),
        )
    )
    path = config_path(config)
    console.result(f"{'stdin' if path == '-' else visible(path)} is valid: {said}.\n")
    for notice in desired.notices:
        place = "" if notice.line is None else f"line {notice.line}, "
        text = f"{place}{notice.path}: {notice.message} [{notice.code}]"
        console.result("".join(f"  {x}\n" for x in sentence(text, console.style.width - 2)))
    return 0
