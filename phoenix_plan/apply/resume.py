"""Going on with a run that was broken off: what was under way is looked at, the rest is run.

It is the same run: the same plan, by the bytes that were kept, the same rows, the same consent, the
same journal. Nothing is written before everything that the rest rests on holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import attrs

from phoenix_plan.actions import CreatePool, VdevAction, WipeDisk, pool_of
from phoenix_plan.apply.after import nameless, not_ready
from phoenix_plan.apply.clock import SLACK
from phoenix_plan.apply.decide import Decision, decide, rest_of
from phoenix_plan.apply.errors import ConsentError, PolicyError, StaleError, UncertainError
from phoenix_plan.apply.executor import Before, cleared_by, consent_now, let_go_by
from phoenix_plan.apply.interrupt import Signals, noted
from phoenix_plan.apply.journal import JOURNAL_VERSION, Journal
from phoenix_plan.apply.lock import locked
from phoenix_plan.apply.records import Record, Step, read_record, records
from phoenix_plan.apply.session import Report, Session, carry_out, not_too_old, same_host
from phoenix_plan.apply.settle import seconds_of_grace, waits
from phoenix_plan.apply.stale import beyond_now, changed_since
from phoenix_plan.apply.verify import verify
from phoenix_plan.codec import converter
from phoenix_plan.conditions import Condition
from phoenix_plan.consent.bars import bars, known_of
from phoenix_plan.consent.modes import Consent, Grant
from phoenix_plan.errors import DocumentError, PhoenixError
from phoenix_plan.evidence import evidence
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.index import Index
from phoenix_plan.model.times import timestamp
from phoenix_plan.plan import Row
from phoenix_plan.planner import Outcome, make
from phoenix_plan.planner.contents import TABLES, contents


@attrs.frozen(kw_only=True)
class _Seen:
    """The host as it is, what would be planned on it, and what became of the open action."""

    actual: Actual
    now: Outcome
    decision: Decision | None


def resume_run(session: Session, journal: Path) -> Report:
    """Go on with the run of that journal, or with `check` do everything but write.

    Raises what `apply_plan` raises, and UncertainError (7) where nobody can tell what became of the
    action that was under way.
    """
    verify(session.plan, session.source)
    user = session.options.rules.user
    holder = f"{user}: resume {journal.stem} since {timestamp(session.now())}"
    with locked(session.host.state_dir, holder) as lock, noted(session.talk.signalled) as stopping:
        session.host.lend(lock)
        record = read_record(journal)
        rows = _rows(record, session)
        grants = _grants(record)
        not_too_old(session)
        _not_earlier(record, session.now())
        actual = session.look()
        same_host(session, actual)
        _by_the_same_rules(record, rows, session, actual)
        before = _before(record, rows)
        step = _open(record)
        seen = _look_at(step, rows, before, session, stopping=stopping, actual=actual)
        decision = seen.decision
        if step is not None and decision is not None:
            session.talk.say(f"{step.id} was under way: {WORDS[decision.verdict]}; {decision.why}")
        todo, before = _todo(rows, step, seen, before)
        _check(todo, grants, seen, before, session.now())
        left_out = tuple(record.begin["left_out"])
        if session.options.check:
            return Report(ran=tuple(row.id for row in todo), left_out=left_out)
        with Journal.reopen(journal, session.talk.event) as log:
            log.write(
                "resume",
                format_version=JOURNAL_VERSION,
                run=record.id,
                user=user,
                open="" if step is None else step.id,
                verdict="" if decision is None else decision.verdict,
                why="" if decision is None else decision.why,
                rows=[row.id for row in todo],
            )
            if step is not None and decision is not None and decision.verdict == "done":
                log.write("result", id=step.id, ok=True, why="")
            return carry_out(
                session,
                log,
                stopping,
                rows=todo,
                grants=grants,
                actual=seen.actual,
                left_out=left_out,
                before=before,
            )


WORDS = {
    "done": "it has happened",
    "not-done": "it has not happened",
    "partly": "a part of it has happened",
}
"""What is said of each verdict; where it is unknown, nothing runs, and the error has the words."""


def _rows(record: Record, session: Session) -> tuple[Row, ...]:
    """The rows of the run, as the plan has them. Raises PhoenixError where there is nothing to go
    on with, DocumentError where the plan is not the run's."""
    if not record.resumable:
        why = record.unaccounted or f"it is over ({record.ending})"
        raise PhoenixError(
            f"the run {record.id} can't be resumed: {why}",
            hint="phoenix abandon gives it up." if record.unaccounted else "Plan again.",
        )
    known_runs = records(session.host.state_dir)
    own = [one.id for one in known_runs].index(record.id)
    later = [one.id for one in known_runs[own + 1 :] if one.steps]
    if later:
        raise PhoenixError(
            f"the run {record.id} can't be resumed: {later[-1]} came after it", hint="Plan again."
        )
    if record.begin["plan"] != session.digest:
        raise DocumentError(
            f"{session.source} is not the plan of the run {record.id} "
            f"({record.begin['plan'][:12]}…, this is {session.digest[:12]}…): nothing was run"
        )
    known = {row.id: row for row in session.plan.actions}
    return tuple(known[one] for one in record.rows)


def _grants(record: Record) -> Mapping[str, Grant]:
    given = record.begin["consent"]
    return {one: converter().structure(grant, Grant) for one, grant in given.items()}


def _not_earlier(record: Record, now: datetime) -> None:
    """Approvals expire by this clock: one that was set back would let them count again."""
    if now < datetime.fromisoformat(record.last_at) - SLACK:
        raise StaleError(
            f"the run {record.id} was at work at {record.last_at}, and here it is only "
            f"{timestamp(now)}: nothing was run",
            hint="The clock was set back, or is wrong. Set it right, then resume again.",
        )


def _by_the_same_rules(
    record: Record, rows: Sequence[Row], session: Session, actual: Actual
) -> None:
    """What was consented to was so by the rules of the host at that time: policy, signers, revoked
    keys. Raises StaleError where they are others by now, PolicyError where they bar what is left:
    the host may know more names of it than it did."""
    rules = session.options.rules
    if record.begin.get("rules", "") != rules.digest:
        raise StaleError(
            f"the rules of this host have changed since the run {record.id} began: nothing was run",
            hint="Give the run up (phoenix abandon), plan again, and have the new plan approved by "
            "the rules of now.",
        )
    left = {row.id for row in rows} - set(record.done)
    barred = bars(session.plan, rules.policy, known_of(session.plan, actual))
    why = [f"{one}: {said}" for one, whys in barred.items() if one in left for said in whys]
    if why:
        raise PolicyError(
            "the policy of this host bars what is left of the plan, nothing was run:\n  "
            + "\n  ".join(why),
            hint="No consent lifts that. phoenix abandon gives the run up.",
        )


def _before(record: Record, rows: Sequence[Row]) -> Before:
    done = set(record.done)
    ran = [row for row in rows if row.id in done]
    return Before(done=record.done, cleared=cleared_by(ran), let_go=let_go_by(ran))


def _open(record: Record) -> Step | None:
    """The action of which a command may have run; what was only intended is just not done."""
    step = record.open
    return step if step is not None and (step.begun or record.torn) else None


def _look_at(
    step: Step | None,
    rows: Sequence[Row],
    before: Before,
    session: Session,
    *,
    stopping: Signals,
    actual: Actual,
) -> _Seen:
    """What became of the open action. What it started is waited for. Raises UncertainError."""
    desired = session.plan.desired
    if step is None:
        return _Seen(actual=actual, now=make(desired, Index(actual)), decision=None)
    row = next(row for row in rows if row.id == step.id)
    if pool_of(row.action) in Index(actual).pools:
        for running in waits(row.action, session.host, sleep=time.sleep, stopping=stopping):
            session.talk.watch(row, running)
    for _ in seconds_of_grace(time.sleep):
        actual = session.look()
        index = Index(actual)
        now = make(desired, index)
        found = decide(row.action, now, index, cleared=before.cleared, ended=step.ended)
        if found.verdict != "unknown" or not isinstance(row.action, VdevAction):
            break
    if found.verdict == "unknown":
        raise UncertainError(
            f"nobody can tell what became of {row.id}: {found.why}. Nothing was run now.",
            hint=_by_hand(row),
        )
    return _Seen(actual=actual, now=now, decision=found)


def _by_hand(row: Row) -> str:
    """What a person can do where nobody can tell what became of an action."""
    if isinstance(row.action, CreatePool):
        return (
            "Its disks were blank when zpool create began. Look at what they hold by now: where "
            "that is a half-made pool of this name and nothing else, phoenix abandon, then plan "
            "again. The new plan names it, and clears it only with an approval of its own."
        )
    return (
        "Look at it by hand; phoenix history shows what its commands said. Once it is as it was "
        "before, or as it was to become, resume again. Or phoenix abandon, and plan again."
    )


def _todo(
    rows: Sequence[Row], step: Step | None, seen: _Seen, before: Before
) -> tuple[tuple[Row, ...], Before]:
    """What is left to be run, as much of it as there still is to do."""
    index, decision = Index(seen.actual), seen.decision
    done = set(before.done)
    if step is not None and decision is not None and decision.verdict == "done":
        ran = [row for row in rows if row.id == step.id]
        done.add(step.id)
        before = attrs.evolve(
            before,
            done=(*before.done, step.id),
            cleared=before.cleared | cleared_by(ran),
            let_go=before.let_go | let_go_by(ran),
        )
    elif decision is not None:
        before = attrs.evolve(before, skip=decision.skip)
    left = (row for row in rows if row.id not in done)
    todo = tuple(attrs.evolve(row, action=rest_of(row.action, seen.now, index)) for row in left)
    if todo and step is not None and step.begun and todo[0].id == step.id:
        todo = (_with_remains(todo[0], index), *todo[1:])
    return todo, before


def _with_remains(row: Row, index: Index) -> Row:
    """A wipe that was begun, with what it has left agreed to: the backup copy of a GPT that was to
    go, and, once nothing on the disk has a name, what nobody can recognise: the rest of what stood
    there. In a run that was not broken off the next action builds on that as well. Whatever else
    has a name, and none that the plan knew, has come since."""
    if not isinstance(row.action, WipeDisk):
        return row
    agreed, action = row.evidence, row.action
    device = index.device(action.disk)
    held = contents(device.disk) if device is not None else ()
    if any(one.startswith(TABLES["gpt"]) for one in action.contents):
        left = tuple(one for one in held if one.startswith(TABLES["backup-gpt"]))
        action = attrs.evolve(action, contents=(*action.contents, *left))
        agreed = attrs.evolve(agreed, contents=(*agreed.contents, *left))
    if nameless(action.disk, index):
        now = evidence(action, index)
        agreed = attrs.evolve(
            agreed,
            contents=tuple(dict.fromkeys((*agreed.contents, *now.contents))),
            unknown=tuple(dict.fromkeys((*agreed.unknown, *now.unknown))),
        )
    return attrs.evolve(row, action=action, evidence=agreed)


def _check(
    todo: Sequence[Row],
    grants: Mapping[str, Grant],
    seen: _Seen,
    before: Before,
    moment: datetime,
) -> None:
    """All that the rest rests on, before the first write. Raises ConsentError, StaleError."""
    silent = [(row.id, consent_now(row, grants, moment)) for row in todo
              if row.safety == "destructive"]  # fmt: skip
    silent = [(one, why) for one, why in silent if why]
    if silent:
        consent = Consent(
            grants=grants,
            refused=tuple(one for one, _ in silent),
            said=tuple(f"{one}: {why}" for one, why in silent),
        )
        count = len(silent)
        raise ConsentError(
            f"{count} destructive action{'s' * (count != 1)} without consent: nothing was run",
            consent=consent,
        )
    moved = [f"{one}: {why}" for one, why in _moved(todo, seen, before)]
    if moved:
        raise StaleError(
            "what the rest of the plan rests on has moved, nothing was run:\n  "
            + "\n  ".join(moved),
            hint="Set it right and resume again, or phoenix abandon and plan again.",
        )


def _moved(todo: Sequence[Row], seen: _Seen, before: Before) -> Iterator[tuple[str, str]]:
    index = Index(seen.actual)
    let_go = before.let_go | let_go_by(todo)
    given: set[Condition] = set()
    for at, row in enumerate(todo):
        if row.safety == "destructive":
            yield from ((row.id, more) for more in beyond_now(row, seen.actual, let_go))
        partly = bool(before.skip) and not at
        unmet = not_ready(row.action, index, before.cleared, partly=partly, given=given)
        if unmet:
            yield row.id, unmet
        if not at:  # what an earlier row of the rest will do to it is not seen yet
            yield from ((row.id, one) for one in changed_since(row, seen.now))
        given |= set(row.action.gives())
