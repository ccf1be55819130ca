"""An apply from beginning to end: checks, lock, fresh state, consent, run, convergence.

Nothing is written before all of the checks have passed.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from phoenix_plan.apply.applied import applied_before, key_of
from phoenix_plan.apply.clock import SLACK, steady
from phoenix_plan.apply.converge import left, opened
from phoenix_plan.apply.earlier import close_stopped, make_room, settle_earlier
from phoenix_plan.apply.errors import (
    ConsentError,
    NotConverged,
    PlanHasErrors,
    PolicyError,
    StaleError,
)
from phoenix_plan.apply.executor import Before, Runner, run
from phoenix_plan.apply.interrupt import Signals, noted
from phoenix_plan.apply.journal import JOURNAL_VERSION, Journal, JournalError, keep_plan
from phoenix_plan.apply.lock import locked
from phoenix_plan.apply.stale import differences, rows_now
from phoenix_plan.apply.verify import verify
from phoenix_plan.codec import as_dict
from phoenix_plan.consent.bars import bars, known_of, resting, too_old
from phoenix_plan.consent.modes import Consent, Grant, Rules, gather
from phoenix_plan.consent.presented import Presented
from phoenix_plan.errors import DocumentError, PhoenixError
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.model.actual import Actual, Interests
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.times import timestamp
from phoenix_plan.plan import Plan, Row, make_plan
from phoenix_plan.probes.zpool_progress import Progress
from phoenix_plan.refresh import refresh

OLDEST = timedelta(days=30)
"""Whoever signs off what nobody has looked at for so long does not sign off what is there."""


@attrs.frozen(kw_only=True)
class Options:
    """What the command line asked for, and the rules that consent goes by."""

    rules: Rules
    safe_only: bool = False
    approved_only: bool = False
    partial: bool = False
    check: bool = False


@attrs.frozen(kw_only=True)
class Talk:
    """How apply talks to people: `ask` puts a row to somebody (None: nobody is there), `tell` says
    that a row begins or has ended, `watch` how far a resilver or its like has come, `say` is for
    remarks, `granted` shows what will run by which
    consent before the first write, `signalled` is called from within a signal's handler,
    `progress` names what is awaited, `event` is given each line of the journal."""

    ask: Callable[[Row], str] | None
    tell: Callable[[Row, bool], None]
    watch: Callable[[Row, Progress], None]
    say: Callable[[str], None]
    granted: Callable[[Sequence[Row], Consent], None]
    signalled: Callable[[str], None]
    progress: Callable[[str], None] | None = None
    event: Callable[[str], None] = lambda _line: None


@attrs.frozen(kw_only=True)
class Report:
    """What an apply did: rows that ran (or would, with --check), and rows that were left out, with
    the reason where there is more to say than that they are destructive.

    `again` says that more will show once this is done: a pool was imported, a dataset renamed.
    """

    ran: tuple[str, ...]
    left_out: tuple[str, ...]
    because: Mapping[str, str] = attrs.field(factory=dict)
    journal: str = ""
    again: bool = False


def interests_of(
    desired: Desired, rows: Iterable[Row] | None = None, directories: tuple[str, ...] = ()
) -> Interests:
    """What a refresh has to look at more closely: all that is declared, or what `rows` touch, and
    `directories` besides."""
    disks = dict.fromkeys(path for pool in desired.pools for path in pool.disks)
    if rows is not None:
        named = {path for row in rows for path in _disks(row)}
        disks = {path: None for path in disks if path in named}
    return Interests(disks=tuple(disks), mountpoints=desired.mountpoints, directories=directories)


def _disks(row: Row) -> tuple[str, ...]:
    disks = getattr(row.action, "disks", ())
    return (*disks, getattr(row.action, "disk", ""))


@attrs.frozen(kw_only=True)
class Session:
    """One plan to be applied. `source` is the file it was read from, `document` that file's bytes,
    `digest` their SHA-256."""

    plan: Plan
    source: str
    document: bytes
    digest: str
    host: WritableHost
    options: Options
    talk: Talk
    now: Callable[[], datetime]

    def look(self, rows: Iterable[Row] | None = None, directories: tuple[str, ...] = ()) -> Actual:
        """The host as it is now; with `rows`, only their disks are read across."""
        wanted = interests_of(self.plan.desired, rows, directories)
        return refresh(self.host, wanted, progress=self.talk.progress, now=self.now)


def apply_plan(session: Session, approvals: Iterable[Presented]) -> Report:
    """Apply a plan, or with --check do everything but write.

    Raises DocumentError (65) where the file is not what it derives to, is another host's or was
    applied before, LockedError (6), UnfinishedError (7) where an earlier run was broken off,
    StaleError (5), ConsentError (4), PlanHasErrors, PolicyError and NotConverged (1), StoppedError
    (7), InterruptedRun (130).
    """
    plan, options = session.plan, session.options
    verify(plan, session.source)
    not_too_old(session)
    since = timestamp(session.now())
    holder = f"{options.rules.user}: apply {session.source} ({session.digest[:12]}) since {since}"
    with locked(session.host.state_dir, holder) as lock:
        session.host.lend(lock)
        _not_again(session)
        settle_earlier(session.host.state_dir, session.talk.say)
        actual = session.look()
        same_host(session, actual)
        rows = _still_true(session, actual)
        barred = _barred(session, actual)
        consent = _consent(session, actual, approvals, barred)
        rows, because = select(rows, consent, barred, options)
        if any(grant.source == "interactive" for grant in consent.grants.values()):
            # A person takes their time, and the host goes on meanwhile.
            actual = session.look()
            same_host(session, actual)
            barred = _barred(session, actual)
            because = {**because, **barred}
            chosen = {row.id for row in rows} - barred.keys()
            rows = tuple(row for row in _still_true(session, actual) if row.id in chosen)
        session.talk.granted(rows, consent)
        left_out = tuple(sorted({row.id for row in plan.actions} - {row.id for row in rows}))
        if options.check or not rows:
            return Report(ran=tuple(row.id for row in rows), left_out=left_out, because=because)
        report = _run(session, rows, consent, actual, left_out)
        return attrs.evolve(report, because=because)


def not_too_old(session: Session) -> None:
    """A plan's age counts from the look at the host that it was made of. Raises StaleError, and
    DocumentError for a time that is none."""
    taken_at = session.plan.state.taken_at
    try:
        age = session.now() - datetime.fromisoformat(taken_at)
    except ValueError as error:
        raise DocumentError(
            f"{session.source}: state.taken_at is no time ({error}): nothing was run"
        ) from error
    if age > OLDEST:
        raise StaleError(
            f"{session.source} was made of what was seen at {taken_at}, {age.days} days ago; "
            f"{OLDEST.days} days are the most: nothing was run",
            hint="Plan again, and have the new plan reviewed.",
        )
    why = too_old(session.plan, session.options.rules.policy, session.now())
    if why:
        raise StaleError(
            f"{session.source}: {why}: nothing was run",
            hint="Plan again, and have the new plan reviewed.",
        )
    if age < -SLACK:
        raise StaleError(
            f"{session.source} was made of what was seen at {taken_at}, and here it is only "
            f"{timestamp(session.now())}: nothing was run",
            hint="One of the two clocks is wrong. Approvals expire by this one: set it right.",
        )


def _not_again(session: Session) -> None:
    """I8. Asked under the lock: whoever held it may have applied this very plan."""
    earlier = applied_before(session.host.state_dir, key_of(session.plan, session.digest))
    if earlier is not None:
        hint = "phoenix resume goes on with that run." if earlier.resumable else "Plan again."
        raise DocumentError(
            f"{session.source} was applied before, at {earlier.at}: nothing was run",
            hint=f"A plan is applied at most once. {hint} Its journal: {earlier.journal}",
        )


def _still_true(session: Session, actual: Actual) -> tuple[Row, ...]:
    """The rows as they are now. Raises StaleError where what the plan rests on has moved,
    PlanHasErrors where it has any."""
    plan = session.plan
    fresh = make_plan(plan.desired, actual)
    moved = differences(plan, fresh)
    if moved:
        raise StaleError(
            "the plan is stale, nothing was run. What has moved:\n  " + "\n  ".join(moved),
            hint="Plan again, and have the new plan reviewed.",
        )
    errors = tuple(dict.fromkeys((*plan.errors, *fresh.errors)))
    if errors and not session.options.partial:
        raise PlanHasErrors(
            "the plan holds errors, nothing was run:\n  "
            + "\n  ".join(f"{one.subject}: {one.message}" for one in errors),
            hint="Mend them and plan again, or --partial runs what depends on none of them.",
        )
    return rows_now(plan, fresh)


def same_host(session: Session, actual: Actual) -> None:
    """Machine and host id decide; another hostname alone is only told."""
    planned, there = session.plan.host, actual.host
    if (planned.machine, planned.hostid) != (there.machine, there.hostid):
        raise DocumentError(
            f"{session.source} is a plan for {planned.hostname} ({planned.machine[:12]}…, host id "
            f"{planned.hostid}); this is {there.hostname} ({there.machine[:12]}…, host id "
            f"{there.hostid}): nothing was run",
            hint="Apply it on its own host, or plan for this one.",
        )
    if planned.hostname != there.hostname:
        session.talk.say(
            f"{session.source} was made when this host was called {planned.hostname}; it is "
            f"{there.hostname} now, and the same machine"
        )


def _barred(session: Session, actual: Actual) -> dict[str, str]:
    """What the host's policy lets nobody consent to, and what does not run for that, by id with the
    reason. Raises PolicyError where there is any, unless less than the plan may run."""
    plan, options = session.plan, session.options
    found = bars(plan, options.rules.policy, known_of(plan, actual))
    if found and not (options.partial or options.safe_only or options.approved_only):
        raise PolicyError(
            "the policy of this host bars what the plan holds, nothing was run:\n  "
            + "\n  ".join(f"{one}: {why}" for one, whys in found.items() for why in whys),
            hint="No consent lifts that. Plan without it, or --partial runs what depends on none "
            "of it.",
        )
    return resting(plan.actions, {one: "; ".join(whys) for one, whys in found.items()})


def _consent(
    session: Session, actual: Actual, approvals: Iterable[Presented], barred: Iterable[str]
) -> Consent:
    plan, options, talk = session.plan, session.options, session.talk
    if options.safe_only:
        return Consent(grants={}, refused=tuple(row.id for row in plan.destructive))
    consent = gather(
        plan,
        digest=session.digest,
        machine=actual.host.machine,
        rules=options.rules,
        approvals=approvals,
        now=session.now(),
        ask=talk.ask,
        without=barred,
    )
    for said in consent.said if not consent.refused or options.approved_only else ():
        talk.say(said)
    return consent


def select(
    rows: Sequence[Row], consent: Consent, barred: Mapping[str, str], options: Options
) -> tuple[tuple[Row, ...], dict[str, str]]:
    """The rows that may run, and by id why others do not. Raises ConsentError where one is refused;
    with `safe_only` and `approved_only` those are left out, and what rests on them."""
    count = len(consent.refused)
    if count and not (options.safe_only or options.approved_only):
        raise ConsentError(
            f"{count} destructive action{'s' * (count != 1)} without consent: nothing was run",
            consent=consent,
        )
    why = "is destructive" if options.safe_only else "is not approved"
    out = {one: consent.lacking.get(one, why) for one in consent.refused} | dict(barred)
    because = resting(rows, out)
    return tuple(row for row in rows if row.id not in because), because


def _run(
    session: Session,
    rows: tuple[Row, ...],
    consent: Consent,
    actual: Actual,
    left_out: tuple[str, ...],
) -> Report:
    plan, talk, state_dir = session.plan, session.talk, session.host.state_dir
    author = session.options.rules.author
    identifier = f"{session.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    make_room(state_dir, talk.say)
    keep_plan(state_dir, identifier, session.document)
    with (
        Journal.open(state_dir, identifier, talk.event) as journal,
        noted(talk.signalled) as stopping,
    ):
        journal.write(
            "begin",
            format_version=JOURNAL_VERSION,
            run=identifier,
            plan=session.digest,
            source=session.source,
            host=as_dict(plan.host),
            state=as_dict(plan.state),
            config=plan.desired.digest,
            user=session.options.rules.user,
            mode=session.options.rules.mode,
            rules=session.options.rules.digest,
            author=author.who if author is not None else "",
            consent={one: as_dict(grant) for one, grant in sorted(consent.grants.items())},
            rows=[row.id for row in rows],
            left_out=list(left_out),
        )
        close_stopped(state_dir, session.options.rules.user, identifier)
        return carry_out(
            session,
            journal,
            stopping,
            rows=rows,
            grants=consent.grants,
            actual=actual,
            left_out=left_out,
        )


_NOTHING_BEFORE = Before()


def carry_out(
    session: Session,
    journal: Journal,
    stopping: Signals,
    *,
    rows: Sequence[Row],
    grants: Mapping[str, Grant],
    actual: Actual,
    left_out: tuple[str, ...],
    before: Before = _NOTHING_BEFORE,
) -> Report:
    """Run rows into a journal that has begun, and see that the host is as declared then."""
    plan, talk = session.plan, session.talk
    runner = Runner(
        host=session.host,
        look=session.look,
        journal=journal,
        now=steady(session.now),
        tell=talk.tell,
        watch=talk.watch,
        stopping=stopping,
    )
    try:
        run(rows, plan.desired, grants, actual, runner, before=before)
        remains = left(plan, _afterwards(session, str(journal.path)), left_out)
    except BaseException as error:
        # The account of the run outweighs its last line.
        with contextlib.suppress(JournalError):
            journal.write("end", ok=False, why=getattr(error, "message", repr(error)))
        raise
    journal.write("end", ok=not remains, why="; ".join(remains))
    if remains:
        raise NotConverged(
            "everything ran, and these changes remain: " + ", ".join(remains),
            left=remains,
            hint=f"Plan again and look at them. The journal: {journal.path}",
        )
    return Report(
        ran=tuple(row.id for row in rows),
        left_out=left_out,
        journal=str(journal.path),
        again=bool(opened(plan)),
    )


def _afterwards(session: Session, journal: str) -> Actual:
    try:
        return session.look()
    except PhoenixError as error:
        raise NotConverged(
            f"everything ran, but whether the host is as declared can't be seen: {error.message}",
            left=(),
            hint=f"Plan again. The journal: {journal}",
        ) from error
