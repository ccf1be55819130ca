"""Waiting for what a command only starts: a resilver, the removal of a vdev, an expansion, the
discarding of a checkpoint.

The kernel does these by itself, for hours maybe, whether phoenix waits or not. It waits, because
the next step on the pool must not begin before, and because only then can it be seen that the step
did what it was to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phoenix_plan.actions import Action, VdevAction
from phoenix_plan.commands import Output
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.probes.zpool_progress import Progress, parse_progress, progress_query

FIRST_LOOK_S = 0.5
SLOWEST_LOOK_S = 10.0
"""Seconds between two looks at a pool: short at first, for what is over soon."""

GRACE_S = 60.0
"""Seconds for ZFS to tidy up after a resilver: the old disk leaves the tree a moment later."""


class StillRunningError(PhoenixError):
    """A signal asked to stop while the kernel was at it, it waits for something itself, or nobody
    can see how far it is: the step is begun, and ends without phoenix."""

    exit_code = 7


def waits(
    action: Action,
    host: ReadableHost,
    *,
    sleep: Callable[[float], None],
    stopping: Callable[[], str],
) -> Iterator[Progress]:
    """What runs in the action's pool, look by look, until nothing does any more.

    Nothing at all for an action that starts nothing that lasts. Raises StillRunningError where a
    signal asks to stop, and where the pool can't be looked at.
    """
    if not isinstance(action, VdevAction):
        return
    pause = FIRST_LOOK_S
    while running := _running(action.pool, host):
        yield from running
        if all(one.paused for one in running):
            raise StillRunningError(
                f"{running[0]} in pool {action.pool}: it is paused, and nobody can say until when",
                hint=f"zpool status {action.pool} says what it waits for. Plan again when it has "
                "ended.",
            )
        sleep(pause)
        pause = min(pause * 2, SLOWEST_LOOK_S)
        signal = stopping()
        if signal:
            raise StillRunningError(
                f"interrupted by {signal} while {running[0]} in pool {action.pool}: ZFS goes on "
                "with it by itself",
                hint=f"zpool status {action.pool} shows how far it is. Plan again when it has "
                "ended.",
            )


def _running(pool: str, host: ReadableHost) -> tuple[Progress, ...]:
    try:
        answer = host.answer("zpool-status-text", progress_query(pool))
        if not isinstance(answer, Output):
            raise PhoenixError(f"zpool status {pool}: the host answered with no output")
        return parse_progress(answer)
    except PhoenixError as error:
        raise StillRunningError(
            f"whether what was begun in pool {pool} has ended can't be seen: {error.message}",
            hint=f"ZFS goes on with it by itself: zpool status {pool}. Plan again when it has "
            "ended.",
        ) from error


def seconds_of_grace(sleep: Callable[[float], None]) -> Iterator[None]:
    """One look after another for as long as ZFS may need to tidy up."""
    yield None
    waited, pause = 0.0, FIRST_LOOK_S
    while waited < GRACE_S:
        sleep(pause)
        waited += pause
        pause = min(pause * 2, SLOWEST_LOOK_S)
        yield None
