"""Flags that more than one command has, and what they mean together."""

from __future__ import annotations

import enum
import os
from typing import Annotated

import typer

from phoenix_plan.cli.console import Console

DEFAULT_CONFIG = "phoenix_hypervisor_config.json"


class Format(enum.StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


ConfigOption = Annotated[
    str | None,
    typer.Option(
        "-c",
        "--config",
        metavar="CONFIG",
        help=f"What is declared; - is stdin. [default: $PHOENIX_CONFIG, else ./{DEFAULT_CONFIG}]",
        show_default=False,
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST",
        help="The host to look at: local, sim:FILE or recorded:DIR. [default: local]",
        show_default=False,
    ),
]
RunHostOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST",
        help="The host that plans are run on: local, or sim:FILE. [default: local]",
        show_default=False,
    ),
]
RulesHostOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST",
        help="The host whose rules count: local, or sim:FILE. [default: local]",
        show_default=False,
    ),
]
EventsOption = Annotated[
    bool,
    typer.Option(
        "--json", help="Print each line of the journal on stdout as it is written, as JSON."
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="How to print it.", case_sensitive=False)
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Results and errors only.")]
VerboseOption = Annotated[
    bool, typer.Option("-v", "--verbose", help="Everything: no list is shortened.")
]


def console(context: typer.Context, *, quiet: bool, verbose: bool) -> Console:
    """The console for a command: `--quiet` and `--verbose` count before its name and after it."""
    before = context.obj if isinstance(context.obj, Console) else Console()
    return Console(quiet=quiet or before.quiet, verbose=verbose or before.verbose)


def config_path(given: str | None) -> str:
    """The config to read."""
    return given or os.environ.get("PHOENIX_CONFIG") or DEFAULT_CONFIG
