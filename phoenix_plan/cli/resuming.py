"""What `phoenix resume` and `phoenix abandon` do."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import cast, get_args

from phoenix_plan.apply.earlier import abandon
from phoenix_plan.apply.errors import ConsentError, NotConverged, StoppedError
from phoenix_plan.apply.journal import plan_of, runs_folder
from phoenix_plan.apply.lock import locked
from phoenix_plan.apply.records import Record, find, read_record, records
from phoenix_plan.apply.resume import resume_run
from phoenix_plan.apply.session import Options, Session
from phoenix_plan.cli.applying import plan_again, report_on, resume_next
from phoenix_plan.cli.console import Console
from phoenix_plan.cli.people import user
from phoenix_plan.cli.rules import rules_for
from phoenix_plan.cli.talking import Talker
from phoenix_plan.consent.modes import Mode, Rules
from phoenix_plan.errors import DocumentError, PhoenixError, UsageError
from phoenix_plan.hosts.open import open_writable
from phoenix_plan.model.times import timestamp
from phoenix_plan.render.consent import rows_text
from phoenix_plan.render.visible import visible
from phoenix_plan.stored import StoredPlan, load_plan_file


def resume_on(
    name: str, run: str | None, console: Console, *, plan: str | None, check: bool, json: bool
) -> int:
    """Resume the run of that id, or the one that stopped last."""
    host = open_writable(name)
    record = _one(host.state_dir, run, "resumed")
    if record is None:
        console.say("Nothing to resume: every run is over.")
        return 0
    if not record.resumable:
        raise PhoenixError(
            f"the run {record.id} can't be resumed: "
            f"{record.unaccounted or f'it is over ({record.ending})'}",
            hint="phoenix abandon gives it up." if record.unaccounted else "",
        )
    stored = _plan(record, plan)
    rules = rules_for(name)
    session = Session(
        plan=stored.plan,
        source=stored.name,
        document=stored.document,
        digest=stored.digest,
        host=host,
        options=Options(
            rules=Rules(
                mode=_mode(record),
                allow_destructive=None,
                user=user(),
                policy=rules.policy,
                digest=rules.digest,
            ),
            check=check,
        ),
        talk=Talker(stored.plan, console, name, events=json).talk(),
        now=lambda: datetime.now(UTC),
    )
    count = len(record.rows)
    console.say(
        f"Run {record.id}, begun by {record.begin['user']}: {len(record.done)} of {count} "
        f"action{'s' * (count != 1)} done."
    )
    try:
        report = resume_run(session, record.path)
    except ConsentError as error:
        console.show([*rows_text(stored.plan, error.consent.refused, console.talk_style), ""])
        said = "".join(f"\n  {one}" for one in error.consent.said)
        hint = "Give the run up (phoenix abandon), plan again, and have the new plan approved."
        raise ConsentError(error.message + said, consent=error.consent, hint=hint) from error
    except StoppedError as error:
        error.hint = f"{error.hint}\n  Next: {resume_next(name)}"
        raise
    except NotConverged as error:
        error.hint = f"{error.hint}\n  Next: {plan_again(name, 'CONFIG')}"
        raise
    finally:
        if session.talk.progress is not None:
            session.talk.progress("")
    report_on(report, session, console, json=json, again=plan_again(name, "CONFIG"))
    return 0


def _mode(record: Record) -> Mode:
    mode = record.begin["mode"]
    return cast("Mode", mode) if mode in get_args(Mode) else "safe"


def _one(state_dir: str, run: str | None, what: str) -> Record | None:
    """The run that is meant: the newest that can be, where none is named."""
    if run is not None:
        return find(state_dir, run)
    found = [one for one in records(state_dir) if one.resumable or one.unaccounted]
    if what == "given up" and len(found) > 1:
        raise UsageError(
            f"{len(found)} runs could be {what}: " + ", ".join(one.id for one in found),
            hint="Name one.",
        )
    return found[-1] if found else None


def _plan(record: Record, given: str | None) -> StoredPlan:
    """The run's plan: the bytes that were kept when it began, or a file that holds the same."""
    path = given or str(plan_of(record.path))
    if given is None and not os.path.exists(path):
        raise DocumentError(
            f"{path} is gone: nothing was run",
            hint="--plan FILE names the plan that was applied; its digest stands in the journal.",
        )
    stored = load_plan_file(path)
    if given is None and stored.digest != record.begin["plan"]:
        raise DocumentError(
            f"{path} is not what was kept when the run began: nothing was run",
            hint="--plan FILE names the plan that was applied; its digest stands in the journal.",
        )
    return stored


def abandon_on(name: str, run: str | None, console: Console, *, reason: str) -> int:
    """Give up the run of that id, or the one that is in the way."""
    if not reason.strip() or not reason.isprintable():
        raise UsageError(
            "giving a run up needs a reason, on one line",
            hint="--reason says why, for the journal.",
        )
    host = open_writable(name)
    record = _one(host.state_dir, run, "given up")
    if record is None:
        console.say("Nothing to give up: every run is over.")
        return 0
    who = user()
    holder = f"{who}: abandon {record.id} since {timestamp(datetime.now(UTC))}"
    with locked(host.state_dir, holder):
        record = read_record(record.path)
        abandon(record, user=who, reason=reason)
    console.result(f"Gave up the run {record.id} in {visible(str(runs_folder(host.state_dir)))}.\n")
    step = record.open
    if step is not None and step.begun:
        console.result(f"Was under way, and nobody has looked at it: {visible(step.id)}\n")
    for one in record.left:
        if step is None or one != step.id or not step.begun:
            console.result(f"Not done: {visible(one)}\n")
    for storage in record.owed:
        console.result(
            f"Storage {visible(storage)} is still disabled. To use it again: "
            f"pvesm set {visible(storage)} --disable 0\n"
        )
    console.result(f"Nothing was undone. Next: {plan_again(name, 'CONFIG')}\n")
    return 0
