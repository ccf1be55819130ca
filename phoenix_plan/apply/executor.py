"""Run the rows of a plan one by one: needs, intent, writes, postcondition, result.

A failure stops the run. Nothing is rolled back by guess. A destructive row runs only with a grant
that still counts at that moment, and takes no more than was agreed to.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import attrs

from phoenix_plan.actions import DestroyPool, VdevAction, WipeDisk
from phoenix_plan.apply.after import missed, not_ready, unmet_now
from phoenix_plan.apply.errors import ConsentError, InterruptedRun, StaleError, StoppedError
from phoenix_plan.apply.fill import fill, mounts_of
from phoenix_plan.apply.interrupt import Signals
from phoenix_plan.apply.journal import Journal, JournalError, said
from phoenix_plan.apply.settle import StillRunningError, seconds_of_grace, waits
from phoenix_plan.apply.stale import beyond_now, changed_since
from phoenix_plan.codec import as_dict
from phoenix_plan.commands import Run, Write, WriteFile, Zero
from phoenix_plan.consent.modes import Consent, Grant
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index
from phoenix_plan.model.times import parse_timestamp
from phoenix_plan.plan import Row
from phoenix_plan.planner import Outcome, make
from phoenix_plan.probes.zpool_progress import Progress


@attrs.frozen(kw_only=True)
class Runner:
    """What running needs: a host to change, a way to look at it again, a journal, a clock.

    `look` takes the rows that are still to run, so that only their disks are read across, and
    folders that are to be looked at besides. `tell` is called with each row before it runs, and
    after it with True. `watch` is called while a resilver or its like runs, `sleep` waits for so
    many seconds. `stopping` says which signal asked to stop, and has a command cut short where
    somebody insists.
    """

    host: WritableHost
    look: Callable[[Sequence[Row], tuple[str, ...]], Actual]
    journal: Journal
    now: Callable[[], datetime]
    tell: Callable[[Row, bool], None]
    watch: Callable[[Row, Progress], None]
    stopping: Signals
    sleep: Callable[[float], None] = time.sleep


@attrs.frozen(kw_only=True)
class Before:
    """What a run did before it was broken off: ids of the rows that are done, disks that it has
    wiped, GUIDs of pools that it has destroyed or taken disks out of. `skip` are commands at the
    start of the first row that have done their work."""

    done: tuple[str, ...] = ()
    cleared: frozenset[str] = frozenset()
    let_go: frozenset[str] = frozenset()
    skip: int = 0


@attrs.define(kw_only=True)
class _Progress:
    """How far a run has come. `now` is what would be planned on `actual`; `cleared` are disks that
    it has wiped, `let_go` GUIDs of pools that it has destroyed or taken disks out of, `began` the
    id of the last row whose writes were begun."""

    actual: Actual
    now: Outcome
    before: Before
    cleared: set[str]
    let_go: set[str]
    done: list[str] = attrs.field(factory=list)
    began: str = ""


def run(
    rows: Sequence[Row],
    desired: Desired,
    grants: Mapping[str, Grant],
    actual: Actual,
    runner: Runner,
    *,
    before: Before,
) -> None:
    """Run `rows` in their order; `actual` is a state that was taken just now, `before` what this
    same run has done already.

    Raises StoppedError with a true account of what ran and what did not. Where nothing was run:
    StaleError, ConsentError, InterruptedRun, or whatever kept it from beginning.
    """
    progress = _Progress(
        actual=actual,
        now=make(desired, Index(actual)),
        before=before,
        cleared=set(before.cleared),
        let_go=set(before.let_go),
    )
    for at, row in enumerate(rows):
        skip = 0 if at else before.skip
        refusal = _refusal(row, grants, progress, runner, skip=skip)
        if refusal is not None:
            if not progress.done:
                raise refusal
            raise _stopped(refusal.message, rows[at:], progress, runner)
        try:
            _one(row, rows[at:], desired, progress, runner, skip=skip)
        except PhoenixError as error:
            if not progress.began:
                raise
            begun = row.id if progress.began == row.id else ""
            goes_on = isinstance(error, StillRunningError)
            raise _stopped(
                error.message, rows[at:], progress, runner, begun=begun, goes_on=goes_on
            ) from error
        progress.done.append(row.id)
        runner.tell(row, True)


def _stopped(
    why: str,
    rows: Sequence[Row],
    progress: _Progress,
    runner: Runner,
    *,
    begun: str = "",
    goes_on: bool = False,
) -> StoppedError:
    """`rows` are the one that the run stopped at, and all behind it. `begun` is the one whose
    writes were begun and that was not seen to have worked: it failed, or the kernel is at it."""
    return StoppedError(
        why,
        done=[*progress.before.done, *progress.done],
        failed="" if goes_on else begun,
        running=begun if goes_on else "",
        left=[row.id for row in rows if row.id != begun],
        journal=str(runner.journal.path),
    )


def _refusal(
    row: Row, grants: Mapping[str, Grant], progress: _Progress, runner: Runner, *, skip: int
) -> PhoenixError | None:
    """Why a row must not begin now, None where it may."""
    signal = runner.stopping()
    if signal:
        return InterruptedRun(f"interrupted by {signal} before {row.id}")
    if row.safety == "destructive":
        why = consent_now(row, grants, runner.now())
        if why:
            refused = Consent(grants=grants, refused=(row.id,), said=(why,))
            return ConsentError(f"{row.id}: {why}", consent=refused)
        more = beyond_now(row, progress.actual, progress.let_go)
        if more:
            return StaleError(f"{row.id} would take more than was agreed to: {'; '.join(more)}")
    moved = changed_since(row, progress.now)
    if moved:
        return StaleError(f"{row.id}: what it changes has moved: {'; '.join(moved)}")
    why = not_ready(row.action, Index(progress.actual), progress.cleared, partly=bool(skip))
    return StaleError(f"{row.id}: {why}") if why else None


def consent_now(row: Row, grants: Mapping[str, Grant], now: datetime) -> str:
    """Why the consent to a row does not count at this moment, empty where it does."""
    grant = grants.get(row.id)
    if grant is None:
        return "nobody consented to it"
    if grant.expires and now >= parse_timestamp(grant.expires):
        return f"the consent by {grant.by} expired at {grant.expires}"
    return ""


def _one(
    row: Row,
    remaining: Sequence[Row],
    desired: Desired,
    progress: _Progress,
    runner: Runner,
    *,
    skip: int,
) -> None:
    """Run one row, and see that it did what it was to do. Raises PhoenixError."""
    agreed = as_dict(row.evidence) if row.safety == "destructive" else {}
    named = {"type": row.action.TYPE, "arguments": as_dict(row.action)}
    runner.journal.write("intent", id=row.id, safety=row.safety, action=named, evidence=agreed)
    runner.tell(row, False)
    try:
        _write(row, progress, runner, skip=skip)
        _wait(row, runner)
        progress.cleared |= cleared_by([row])
        progress.let_go |= let_go_by([row])
        why = ""
        for _ in seconds_of_grace(runner.sleep) if isinstance(row.action, VdevAction) else (None,):
            progress.actual = runner.look(remaining, ())
            index = Index(progress.actual)
            progress.now = make(desired, index)
            why = missed(row.action, progress.now, index, progress.cleared)
            if not why:
                break
        if why:
            raise PhoenixError(f"{row.id}: its commands ended well, but {why}")
    except PhoenixError as error:
        # What went wrong outweighs that it can't be written down: it stops the run all the same.
        with contextlib.suppress(JournalError):
            runner.journal.write("result", id=row.id, ok=False, why=error.message)
        raise
    runner.journal.write("result", id=row.id, ok=True, why="")


def _wait(row: Row, runner: Runner) -> None:
    """Until what the row has started has ended. Each percent is written down once."""
    last = ""
    for running in waits(row.action, runner.host, sleep=runner.sleep, stopping=runner.stopping):
        runner.watch(row, running)
        known = f"{running.kind} {running.percent}"
        if known != last:
            last = known
            runner.journal.write(
                "progress", id=row.id, kind=running.kind, percent=running.percent, left=running.left
            )


def cleared_by(rows: Iterable[Row]) -> frozenset[str]:
    """Disks that these rows wipe."""
    return frozenset(row.action.disk for row in rows if isinstance(row.action, WipeDisk))


def let_go_by(rows: Iterable[Row]) -> frozenset[str]:
    """GUIDs of pools that these rows destroy, or take disks out of."""
    kinds = DestroyPool | VdevAction
    return frozenset(row.action.guid for row in rows if isinstance(row.action, kinds))


def _write(row: Row, progress: _Progress, runner: Runner, *, skip: int) -> None:
    """Do what the row says, command by command, without the first `skip`. Raises PhoenixError where
    one does not end well."""
    state = progress.actual
    for at, write in enumerate(row.action.writes()):
        if at < skip:
            continue
        if at:
            state = _seen_again(row, runner)
        for concrete in fill(row.action, write, Index(state)):
            runner.journal.write("command", id=row.id, **_shown(concrete))
            progress.began = row.id
            try:
                with runner.stopping.running():
                    output = runner.host.run(concrete)
            except PhoenixError as error:
                runner.journal.write("unknown", id=row.id, why=error.message)
                raise PhoenixError(
                    f"{row.id}: nobody can say what happened: {error.message}"
                ) from error
            runner.journal.write("output", id=row.id, **said(output))
            if output.exit_code:
                words = output.stderr.decode(errors="replace").strip()
                raise PhoenixError(f"{row.id}: exit {output.exit_code}: {words}")


def _seen_again(row: Row, runner: Runner) -> Actual:
    """The host between two commands of a row: the later one may rest on what the first one did.

    Raises PhoenixError where an imported pool would be mounted over something.
    """
    state = runner.look([row], ())
    mounts = mounts_of(row.action, Index(state))
    if mounts:
        state = runner.look([row], tuple(one.path for one in mounts))
        why = unmet_now(mounts, Index(state), ())
        if why:
            raise PhoenixError(f"{row.id}: is imported, and nothing of it is mounted: {why}")
    return state


def _shown(write: Write) -> dict[str, object]:
    match write:
        case Run(argv=argv):
            return {"argv": list(argv)}
        case WriteFile(path=path, content=content):
            return {"write": path, "content": content}
        case Zero(path=path, ranges=ranges):
            return {"zero": path, "ranges": [list(one) for one in ranges]}
