"""phoenix approve"""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from phoenix_plan.cli.options import QuietOption, VerboseOption
from phoenix_plan.cli.options import console as console_of
from phoenix_plan.errors import UsageError


def approve(
    context: typer.Context,
    *,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's file.")],
    action: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Approve this action, by its id in the plan. Can be repeated."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Approve every destructive action of the plan.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why what would be lost may be lost.")
    ] = None,
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long it counts: 30m, 24h, 7d. [default: 24h]")
    ] = "24h",
    approver: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who approves. [default: you]")
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Sign it with this SSH key: a private key's file, or a .pub whose private half "
            "ssh-agent or a hardware token holds. The signature goes beside it, as .sig.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE",
            help="Write the approval there; - is stdout. [default: beside the plan]",
        ),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:  # fmt: skip
    """Consent to destructive actions of one plan, for one host, for a while. Changes no host."""
    from datetime import UTC, datetime  # noqa: PLC0415 - as used

    from phoenix_plan.apply.verify import verify  # noqa: PLC0415 - likewise
    from phoenix_plan.cli import files  # noqa: PLC0415 - likewise
    from phoenix_plan.cli.approving import not_over_anothers  # noqa: PLC0415 - likewise
    from phoenix_plan.cli.people import user  # noqa: PLC0415 - likewise
    from phoenix_plan.cli.rules import approvals_of  # noqa: PLC0415 - likewise
    from phoenix_plan.cli.signing import sign_it  # noqa: PLC0415 - likewise
    from phoenix_plan.codec import approval_to_json  # noqa: PLC0415 - likewise
    from phoenix_plan.consent import approval as approvals  # noqa: PLC0415 - likewise
    from phoenix_plan.consent.signatures import NAMESPACE, SUFFIX  # noqa: PLC0415 - likewise
    from phoenix_plan.model.times import parse_duration  # noqa: PLC0415 - likewise
    from phoenix_plan.render.consent import rows_text  # noqa: PLC0415 - likewise
    from phoenix_plan.stored import load_plan_file  # noqa: PLC0415 - likewise

    console = console_of(context, quiet=quiet, verbose=verbose)
    if bool(action) == everything:
        raise UsageError(
            "say what is approved: --action ID, once or more, or --all",
            hint=f"phoenix show {shlex.quote(plan)} lists the destructive actions with their ids.",
        )
    if plan == "-":
        raise UsageError("an approval is of a plan's file, not of stdin")
    valid_for = parse_duration(expires)
    target = approvals.beside(plan) if output is None else output
    if target == "-" and sign is not None:
        raise UsageError("-o - has no place for a signature beside it", hint="-o FILE")
    files.check_target(target, "approval")
    if target != "-":
        files.check_target(target + SUFFIX, "signature")
    stored = load_plan_file(plan)
    verify(stored.plan, stored.name)
    made = approvals.approve(
        stored.plan,
        stored.digest,
        actions=None if everything else action,
        approver=user() if approver is None else approver,
        reason=reason or "",
        now=datetime.now(UTC),
        valid_for=valid_for,
    )
    not_over_anothers(target, made, plan)
    if not console.quiet:
        console.show(rows_text(stored.plan, made.actions, console.talk_style)[1:])
    text = approval_to_json(made)
    signed = None if sign is None else sign_it(text, sign, NAMESPACE)
    if target == "-":
        files.write_document(target, text, "approval")
    else:
        files.write_signed(target, text, "approval", None if signed is None else signed.text)
    count = len(made.actions)
    console.say(
        f"\n{made.approver} approves {count} destructive action{'s' * (count != 1)} on "
        f"{made.hostname} until {made.expires}."
    )
    if signed is not None:
        console.say(
            f"Signed with {signed.key}: {target}{SUFFIX}.\n"
            f"Whose key that is, allowed_signers on {made.hostname} says; {made.approver} is only "
            "what the approval calls itself."
        )
    if target != "-":
        found = target in approvals_of(plan, ())
        flag = [] if found else ["--approval", target]
        step = shlex.join(["phoenix", "apply", plan, *flag])
        console.say(f"Wrote {target}. Next: {step}")
    return 0
