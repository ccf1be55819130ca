"""phoenix plan"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_plan.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    HostOption,
    QuietOption,
    VerboseOption,
)
from phoenix_plan.cli.options import console as console_of
from phoenix_plan.errors import UsageError

if TYPE_CHECKING:
    from phoenix_plan.cli.console import Console
    from phoenix_plan.plan import Plan

FAILED, SAFE_CHANGES, DESTRUCTIVE_CHANGES = 1, 2, 3


def plan(
    context: typer.Context,
    *,
    host: HostOption = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Plan on this state instead of a host; - is stdin."),
    ] = None,
    config: ConfigOption = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the plan there; - is stdout."),
    ] = None,
    form: FormatOption = Format.TEXT,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode", help="2: safe changes are pending, 3: some are destructive."
        ),
    ] = False,
    net: Annotated[
        list[str] | None,
        typer.Option(
            "--net",
            metavar="NET",
            help="Keep a way back: snapshot, checkpoint, retire=30d. As often as wanted.",
        ),
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Sign the plan as its author with this SSH key. The signature goes beside it, as "
            ".sig; it approves nothing.",
        ),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say what would be done to make a host as the config declares. Changes nothing.

    What the host's policy bars and asks for is told at the end. It is no part of the plan.
    """
    from phoenix_plan.cli.inputs import ask, load_config, read_state  # noqa: PLC0415 - as used
    from phoenix_plan.cli.nets import asked_for, nets_of_policy, with_nets  # noqa: PLC0415 - too

    console = console_of(context, quiet=quiet, verbose=verbose)
    if host is not None and state is not None:
        raise UsageError("--host and --state exclude each other", hint="Plan on one of them.")
    if state == "-" and config == "-":
        raise UsageError("the state and the config can't both be stdin")
    nets = asked_for(net or ())
    if output is not None or sign is not None:
        _check_targets(output, sign)
    loaded = load_config(config)
    as_json = output is not None or form is Format.JSON
    actual = (
        read_state(state)
        if state is not None
        else ask(
            host or "local",
            loaded.interests,
            console,
            meanwhile=_load_with_json if as_json else _load,
        )
    )
    from phoenix_plan.plan import make_plan  # noqa: PLC0415 - loaded while the host was asked

    policy_nets = () if state is not None else (nets_of_policy(host or "local"),)
    made = make_plan(with_nets(loaded.desired, nets, *policy_nets), actual)
    if output is not None:
        _save(made, output, sign, console)
    told = None
    if state is None:
        from phoenix_plan.cli.foretelling import foretell  # noqa: PLC0415 - likewise

        told = foretell(made, actual, host=host or "local", saved=output)
    says = told.says if told is not None else None
    on_stdout = output == "-"
    if not (on_stdout and form is Format.JSON):
        from phoenix_plan.cli.printing import plan_as, plan_next  # noqa: PLC0415 - likewise

        again = _again(host, state, config, net or ())
        text = plan_as(
            made,
            form,
            console.style,
            source="" if output in (None, "-") else str(output),
            next_step=plan_next(made, saved=output, again=again),
            policy=says,
        )
        if on_stdout:
            # stdout is the document alone, so that it can be piped on.
            console.say(text.rstrip("\n"))
        else:
            console.result(text)
    if output is not None and not on_stdout:
        console.say(f"Wrote {output}.")
    if says is not None and form is Format.JSON and not console.quiet:
        console.show(says.as_text(console.talk_style))
    if told is not None and told.fault is not None:
        console.error(told.fault)
    return exit_code(made, detailed=detailed_exitcode)


def _check_targets(output: str | None, sign: str | None) -> None:
    """Before a host is looked at. Raises UsageError."""
    from phoenix_plan.cli.files import check_target  # noqa: PLC0415 - as used
    from phoenix_plan.consent.signatures import SUFFIX  # noqa: PLC0415 - likewise

    if output is None or (output == "-" and sign is not None):
        raise UsageError(
            "--sign signs a plan's file, and puts the signature beside it", hint="-o FILE"
        )
    check_target(output, "plan")
    if sign is not None:
        check_target(output + SUFFIX, "signature")


def _save(made: Plan, output: str, sign: str | None, console: Console) -> None:
    """Write the plan, with its author's signature beside it where there is a key."""
    from phoenix_plan.cli.files import holds, write_document, write_signed  # noqa: PLC0415 - as used
    from phoenix_plan.codec import plan_to_json  # noqa: PLC0415 - loaded while the host was asked
    from phoenix_plan.consent.signatures import AUTHOR, SUFFIX  # noqa: PLC0415 - as used

    text, signature = plan_to_json(made), f"{output}{SUFFIX}"
    if sign is not None:
        from phoenix_plan.cli.signing import sign_it  # noqa: PLC0415 - as used

        signed = sign_it(text, sign, AUTHOR)
        write_signed(output, text, "plan", signed.text)
        console.say(f"Signed with {signed.key}: {signature}.")
        return
    stays = output != "-" and os.path.lexists(signature) and not holds(output, text)
    write_document(output, text, "plan")
    if stays:
        console.say(f"{signature} stays as it is, and is no signature of this plan.")


def exit_code(made: Plan, *, detailed: bool) -> int:
    """What a plan exits with."""
    if made.errors:
        return FAILED
    if not detailed or not made.actions:
        return 0
    return DESTRUCTIVE_CHANGES if made.destructive else SAFE_CHANGES


def _again(host: str | None, state: str | None, config: str | None, nets: Iterable[str]) -> str:
    """The command line that makes this plan again."""
    given = (
        ("--host", host), ("--state", state), ("-c", config), *(("--net", net) for net in nets),
    )  # fmt: skip
    return shlex.join(
        ["phoenix", "plan", *(part for flag, value in given if value for part in (flag, value))]
    )


def _load() -> None:
    import phoenix_plan.plan  # noqa: PLC0415 - used once the state is there
    import phoenix_plan.render.text  # noqa: F401, PLC0415 - likewise


def _load_with_json() -> None:
    import phoenix_plan.codec  # noqa: F401, PLC0415 - loads cattrs

    _load()
