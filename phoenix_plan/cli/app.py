"""The command line: which commands there are, and what becomes of their errors."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from phoenix_plan import __version__
from phoenix_plan.cli import (
    abandon,
    apply,
    approve,
    explain,
    history,
    plan,
    policy,
    refresh,
    resume,
    schema,
    show,
    simulate,
    validate,
    verify,
)
from phoenix_plan.cli.console import Console
from phoenix_plan.cli.options import QuietOption, VerboseOption
from phoenix_plan.cli.streams import finish
from phoenix_plan.errors import PhoenixError, UsageError

BUG, INTERRUPTED = 1, 130

# typer hands usage errors on as its own, or as click's where it stands on click: which of the two
# is nobody's business here, and click is not ours to import.
_USAGE_ERROR: type[BaseException] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    name="phoenix",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"phoenix {__version__}\n")
        raise typer.Exit


@app.callback()
def phoenix(
    context: typer.Context,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is.", callback=_show_version),
    ] = False,
) -> None:
    """Plan and apply the storage of a hypervisor: ZFS pools, datasets and Proxmox VE storages.

    Results go to stdout, talk to stderr. Exit codes: 0 done, 1 failed or a plan with errors,
    2 and 3 changes pending (only with --detailed-exitcode), 4 consent is missing, 5 stale plan,
    6 locked, 7 stopped part-way, 64 wrong usage, 65 invalid file, 130 interrupted.
    """
    _ = version  # answered by its callback
    context.obj = Console(quiet=quiet, verbose=verbose)


LOOKING = (
    validate.validate,
    refresh.refresh,
    plan.plan,
    show.show,
    approve.approve,
    verify.verify,
    history.history,
    simulate.simulate,
    explain.explain,
    schema.schema,
)
"""Commands that change nothing on any host."""

CHANGING = (apply.apply, resume.resume, abandon.abandon)

for command in (*LOOKING[:6], *CHANGING, *LOOKING[6:]):
    app.command()(command)
app.add_typer(policy.policy)


def run(argv: Sequence[str]) -> int:
    """Run a command line without the program's name, and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that can't show a character gets an escape, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    console = Console(verbose=bool({"-v", "--verbose"} & set(argv)))
    try:
        return finish(_invoke(argv))
    except PhoenixError as error:
        console.error(error)
        return finish(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        # While apply changes something, signals are only noted: it can't be interrupted there.
        console.error(PhoenixError("interrupted", hint="Nothing on the host was changed."))
        finish(INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:
        return finish(1)
    except SystemExit as error:
        # typer's answer to a broken pipe that it meets first.
        return error.code if isinstance(error.code, int) else BUG
    except Exception as error:  # noqa: BLE001 - the last resort: a bug is told, not spilt
        return _bug(error, console, _unharmed(argv))


def _invoke(argv: Sequence[str]) -> int:
    try:
        result = get_command(app).main(
            args=list(argv) or ["--help"], prog_name="phoenix", standalone_mode=False
        )
    except _USAGE_ERROR as error:
        raise _usage(error) from error
    if result == INTERRUPTED:
        # Older typer raises Abort for Ctrl-C, newer ones return this: no command of ours does.
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _usage(error: BaseException) -> UsageError:
    """typer's usage error as ours."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "phoenix")
    return UsageError(message, hint=f"See {path} --help.")


def _unharmed(argv: Sequence[str]) -> str:
    """That nothing was changed, where the command can't have changed anything."""
    names = {"policy", *(looking.__name__ for looking in LOOKING)}
    asked = next((argument for argument in argv if not argument.startswith("-")), "")
    return "Nothing on the host was changed." if asked in names else ""


def _bug(error: Exception, console: Console, unharmed: str) -> int:
    if console.verbose:
        import traceback  # noqa: PLC0415 - only for this

        console.say("".join(traceback.format_exception(error)).rstrip("\n"))
    what = "Please report it" if console.verbose else "Please report it with what --verbose prints"
    console.error(
        PhoenixError(
            f"this is a bug, sorry: {type(error).__name__}: {error}",
            hint=f"{unharmed} {what}.".strip(),
        )
    )
    return finish(BUG)
