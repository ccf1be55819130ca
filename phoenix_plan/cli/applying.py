"""What `phoenix apply` does: with a plan's file, and with a config alone."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import attrs

from phoenix_plan.apply.errors import ConsentError, NotConverged, PlanHasErrors, StoppedError
from phoenix_plan.apply.session import Options, Report, Session, apply_plan
from phoenix_plan.cli.console import Console
from phoenix_plan.cli.inputs import ask, load_config
from phoenix_plan.cli.nets import with_nets
from phoenix_plan.cli.options import Format
from phoenix_plan.cli.people import question, terminal, user
from phoenix_plan.cli.printing import plan_as
from phoenix_plan.cli.rules import HostRules, people_of, rules_for
from phoenix_plan.cli.talking import Talker
from phoenix_plan.codec import plan_to_json
from phoenix_plan.config import LoadedConfig
from phoenix_plan.consent.modes import Consent, Mode, Rules
from phoenix_plan.consent.policy import Policy
from phoenix_plan.consent.presented import Presented, author_unknown
from phoenix_plan.consent.signatures import AUTHOR, Signature
from phoenix_plan.errors import DocumentError
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.hosts.open import open_writable
from phoenix_plan.plan import Plan, make_plan
from phoenix_plan.render.back import ways_back
from phoenix_plan.render.consent import rows_text
from phoenix_plan.render.facts import is_no_change
from phoenix_plan.render.visible import visible
from phoenix_plan.stored import load_plan_file


@attrs.frozen(kw_only=True)
class Asked:
    """The command line."""

    host: str
    config: str | None
    mode: Mode
    approvals: tuple[str, ...]
    safe_only: bool
    partial: bool
    check: bool
    yes: bool
    approved_only: bool = False
    json: bool = False


def apply_file(path: str, asked: Asked, console: Console) -> int:
    """Apply the plan of a file."""
    stored = load_plan_file(path, stdin=sys.stdin.buffer if path == "-" else None)
    plan = stored.plan
    loaded = None if asked.config is None else load_config(asked.config)
    allow = _allowed(plan, loaded, stored.name, console)
    host = open_writable(asked.host)
    rules = rules_for(asked.host)
    author, approvals = people_of(path, stored.document, asked.approvals, rules)
    session = _session(
        plan, host, asked, console, rules,
        source=stored.name, document=stored.document, allow=allow, author=author,
    )  # fmt: skip
    # Nothing that the plan says of itself: whether it is true is seen later.
    count = len(plan.actions)
    console.say(
        f"{path}: {count} action{'s' * (count != 1)} for {plan.host.hostname}, "
        f"as seen at {plan.state.taken_at}."
    )
    approve = ["phoenix", "approve", path, "--all", "--reason", "WHY"]
    approve += ["--sign", "KEY"] * rules.policy.signatures
    first = _first(path, author, rules.policy) or f"Review them, then: {shlex.join(approve)}"
    advice = (
        f"{first}"
        "\n  Or run less: --safe-only what is safe alone, --approved-only what was approved, too."
    )
    # A plan does not say in which file its config was: whoever plans again fills it in.
    asked = attrs.evolve(asked, config=asked.config or "CONFIG")
    return _finish(session, approvals, asked, console, advice)


def _first(path: str, author: Signature | None, policy: Policy) -> str:
    """What comes before any approval, empty where nothing does."""
    if not author_unknown(policy, author):
        return ""
    if path == "-":
        return "Name the plan's file: beside it stands the signature of its author."
    sign = shlex.join(["ssh-keygen", "-Y", "sign", "-n", AUTHOR, "-f", "KEY", path])
    return f"Have its author sign it, which leaves its approvals as they are: {sign}"


def apply_config(asked: Asked, console: Console) -> int:
    """Plan a config, show the plan, ask once, and apply it."""
    loaded = load_config(asked.config)
    host = open_writable(asked.host)  # first: a recording is not worth a look
    rules = rules_for(asked.host)
    actual = ask(asked.host, loaded.interests, console)
    plan = make_plan(with_nets(loaded.desired, rules.policy.nets), actual)
    text = plan_as(plan, Format.TEXT, console.style, source="", next_step="")
    if asked.json:
        console.show(text.rstrip("\n").split("\n"))
    else:
        console.result(text)
    if is_no_change(plan):
        return 0
    if plan.errors and not asked.partial:
        raise PlanHasErrors(
            "the plan holds errors, nothing was run",
            hint="Mend them, or --partial runs what depends on none of them.",
        )
    if plan.actions and not asked.yes:
        _ask_once(plan)
    document = plan_to_json(plan).encode("utf-8")
    allow = loaded.desired.allow_destructive
    session = _session(
        plan, host, asked, console, rules, source="the plan", document=document, allow=allow
    )
    asks = "interactive" in rules.policy.sources and not any(
        rules.policy.needed(row.action.TYPE) for row in plan.destructive
    )
    sign = "" if rules.policy.author_counts else " --sign KEY"
    advice = (
        f"{'--mode interactive asks for each of them. Or phoenix' if asks else 'phoenix'} plan "
        f"-o plan.json{sign}, and have it approved.\n  Or run what is safe alone: --safe-only."
    )
    return _finish(session, (), asked, console, advice)


def _ask_once(plan: Plan) -> None:
    """Raises ConsentError where nobody says yes."""
    nothing = Consent(grants={}, refused=())
    if not terminal():
        raise ConsentError(
            "nobody can be asked whether to run this plan, there is no terminal: nothing was run",
            consent=nothing,
            hint="--yes answers for them. It consents to nothing destructive.",
        )
    count = len(plan.actions)
    typed = question(f"Run {'this action' if count == 1 else f'these {count} actions'}? [yes/no] ")
    if typed != "yes":
        raise ConsentError("not answered with yes: nothing was run", consent=nothing)


def _session(
    plan: Plan,
    host: WritableHost,
    asked: Asked,
    console: Console,
    rules: HostRules,
    *,
    source: str,
    document: bytes,
    allow: bool | None,
    author: Signature | None = None,
) -> Session:
    talker = Talker(plan, console, asked.host, events=asked.json)
    if rules.source:
        console.say(f"Consent goes by {rules.source}.")
    return Session(
        plan=plan,
        source=source,
        document=document,
        digest=hashlib.sha256(document).hexdigest(),
        host=host,
        options=Options(
            rules=Rules(
                mode=asked.mode,
                allow_destructive=allow,
                user=user(),
                policy=rules.policy,
                digest=rules.digest,
                author=author,
            ),
            safe_only=asked.safe_only,
            approved_only=asked.approved_only,
            partial=asked.partial,
            check=asked.check,
        ),
        talk=talker.talk(),
        now=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _allowed(plan: Plan, loaded: LoadedConfig | None, source: str, console: Console) -> bool | None:
    """What allow_destructive_operations comes to, for a plan from a file.

    `true` counts only in a config that apply itself is given and that is the plan's; `false` counts
    wherever it stands. Raises DocumentError where the plan's config is not what the plan says.
    """
    if loaded is not None and loaded.digest == plan.desired.digest:
        if loaded.desired != plan.desired:
            raise DocumentError(
                f"{source}: desired is not what its config declares: nothing was run",
                hint="Plan again; a plan is never edited by hand.",
            )
        return loaded.desired.allow_destructive
    given = None if loaded is None else loaded.desired.allow_destructive
    if given is False or plan.desired.allow_destructive is False:
        return False
    if given or plan.desired.allow_destructive:
        why = "apply was not given it" if loaded is None else "the plan was made of another config"
        console.say(
            f"allow_destructive_operations: true in the config does not count: {why} (-c CONFIG)",
            "change",
        )
    return None


def _finish(
    session: Session,
    approvals: tuple[Presented, ...],
    asked: Asked,
    console: Console,
    advice: str,
) -> int:
    plan = session.plan
    rules = session.options.rules
    by_config = rules.allow_destructive is True and "config" in rules.policy.sources
    unasked = [row for row in plan.destructive if not rules.policy.needed(row.action.TYPE)]
    if by_config and unasked and not asked.safe_only:
        console.show(
            [
                console.talk_style.paint(
                    "!!! The config says allow_destructive_operations: true. Destructive actions "
                    "run WITHOUT ASKING ANYONE.",
                    "alarm",
                )
            ]
        )
    try:
        report = _applied(session, approvals)
    except ConsentError as error:
        console.show([*rows_text(plan, error.consent.refused, console.talk_style), ""])
        said = "".join(f"\n  {one}" for one in error.consent.said)
        raise ConsentError(error.message + said, consent=error.consent, hint=advice) from error
    except StoppedError as error:
        back = "".join(f"\n  {line}" for line in ways_back(plan, error.done, error.failed))
        error.hint = f"{error.hint}{back}\n  Next: {resume_next(asked.host)}"
        raise
    except NotConverged as error:
        error.hint = f"{error.hint}\n  Next: {plan_again(asked.host, asked.config)}"
        raise
    report_on(report, session, console, json=asked.json,
              again=plan_again(asked.host, asked.config))  # fmt: skip
    return 0


def _applied(session: Session, approvals: tuple[Presented, ...]) -> Report:
    """What `apply_plan` gives or raises, with nothing left on the live line."""
    try:
        return apply_plan(session, approvals)
    finally:
        if session.talk.progress is not None:
            session.talk.progress("")


def report_on(
    report: Report, session: Session, console: Console, *, json: bool, again: str
) -> None:
    """Say what was done. `again` is the command that shows what is left."""
    count, check = len(report.ran), session.options.check
    actions = f"{count} action{'s' * (count != 1)}"
    left = ""
    if report.left_out:
        left = f" Left out: {', '.join(map(visible, report.left_out))}."
    reasons = [
        f"  left out: {one}: {report.because[one]}"
        for one in report.left_out
        if session.options.approved_only and one in report.because
    ]
    say: Callable[[str], None] = _beside(console) if json else console.result
    if check:
        say(f"Checked: {actions} would run. Nothing was written.{left}\n")
    elif not report.journal:
        say(f"Nothing to run.{left}\n")
    else:
        say(f"Applied {actions} on {session.plan.host.hostname}.{left}\n")
        for line in ways_back(session.plan, report.ran):
            say(f"{line}\n")
        say(f"Journal: {visible(report.journal)}\n")
    for reason in reasons:
        say(f"{visible(reason)}\n")
    if report.again:
        say("More shows now that this is done: plan again.\n")
    if report.journal and not check:
        say(f"Next: {again}\n")


def _beside(console: Console) -> Callable[[str], None]:
    """stdout is for the events alone."""
    return lambda text: console.say(text.rstrip("\n"))


def plan_again(host: str, config: str | None) -> str:
    """The command that shows what is left."""
    given = (("--host", host if host != "local" else None), ("-c", config))
    flags = (part for flag, value in given if value for part in (flag, value))
    return visible(shlex.join(["phoenix", "plan", *flags]))


def resume_next(host: str) -> str:
    """The command that goes on with a run that stopped."""
    flags = [] if host == "local" else ["--host", host]
    return visible(shlex.join(["phoenix", "resume", *flags]))
