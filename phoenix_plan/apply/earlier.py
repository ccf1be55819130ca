"""Earlier runs of a host: those in the way of the next one, those given up, those kept no longer.

A run that was broken off is in the way: nobody has looked yet at what it was doing. One that
stopped with everything accounted for is not; the next run takes its place, and its journal says
so. Storages that it has disabled and not enabled again put it in the way, too: they would be
forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from phoenix_plan.apply.applied import remember
from phoenix_plan.apply.errors import UnfinishedError
from phoenix_plan.apply.journal import Journal, JournalError, journals, plan_of
from phoenix_plan.apply.records import Record, records
from phoenix_plan.errors import PhoenixError

KEEP = 100
"""Runs that are kept, the newest, with their plans. Those that are not closed are kept beside."""

SUPERSEDED = "another plan took its place"


def settle_earlier(state_dir: str, say: Callable[[str], None]) -> None:
    """Raise UnfinishedError where an earlier run is in the way, say which ones are not over."""
    for record in records(state_dir):
        why = record.unaccounted
        if why:
            raise UnfinishedError(
                f"the run {record.id} is not over: {why}. Nothing was run now.\n"
                f"  journal   {record.path}",
                hint=f"phoenix history {record.id} shows how far it came. Then phoenix resume goes "
                "on with it, or phoenix abandon gives it up.",
            )
        if record.resumable:
            count = len(record.left)
            say(
                f"the run {record.id} stopped with {count} action{'s' * (count != 1)} not done; "
                "this plan takes its place"
            )


def close_stopped(state_dir: str, user: str, run: str) -> None:
    """Write into the journal of each run that stopped that another one took its place."""
    for record in records(state_dir):
        if record.resumable and record.id != run:
            with Journal.reopen(record.path) as journal:
                journal.write("abandon", user=user, reason=SUPERSEDED, by_run=run)


def abandon(record: Record, *, user: str, reason: str) -> None:
    """Give a run up, with a reason. Raises PhoenixError where there is nothing to be given up."""
    if record.ending in ("done", "remains", "abandoned", "nothing"):
        raise PhoenixError(
            f"the run {record.id} is over ({record.ending}): there is nothing to give up"
        )
    with Journal.reopen(record.path) as journal:
        journal.write("abandon", user=user, reason=reason, by_run="")


def make_room(state_dir: str, say: Callable[[str], None]) -> None:
    """Throw away the oldest runs beyond `KEEP`, once the index knows what they ran. Never one that
    is not over. What can't be thrown away is said, and kept."""
    closed = [one for one in records(state_dir) if not one.resumable and not one.unaccounted]
    old = [one.path for one in closed[: max(len(closed) - KEEP, 0)]]
    try:
        if old:
            remember(state_dir, old)
        for path in (*old, *_left_over(state_dir)):
            plan_of(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
    except (OSError, JournalError) as error:
        say(f"old runs could not be thrown away: {error}")


def _left_over(state_dir: str) -> list[Path]:
    """Where a plan was kept for a run that never began."""
    ending = ".plan.json"
    plans = journals(state_dir, ending)
    runs = [path.with_name(path.name.removesuffix(ending) + ".jsonl") for path in plans]
    return [path for path in runs if not path.exists()]
