"""Why an apply ends early: each with its exit code, and with what did and did not happen."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.consent.modes import Consent
from phoenix_plan.errors import PhoenixError


class StaleError(PhoenixError):
    """What the plan rests on has moved. Nothing was run."""

    exit_code = 5


class ConsentError(PhoenixError):
    """Destructive actions that nobody consented to: nothing was run. `consent` says which."""

    exit_code = 4

    def __init__(self, message: str, *, consent: Consent, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.consent = consent


class PlanHasErrors(PhoenixError):
    """The plan holds errors, and --partial was not given: nothing was run."""


class PolicyError(PhoenixError):
    """The plan holds what the host's policy bars whatever the consent: nothing was run."""


class StoppedError(PhoenixError):
    """The run stopped part-way. `done` are the ids of rows that ran and were seen to have worked,
    `failed` of the one that did not end well, `running` of one that the kernel goes on with by
    itself (both empty: it stopped between two), `left` of those that were not run. `journal` is
    the path of the run's journal."""

    exit_code = 7

    def __init__(
        self,
        why: str,
        *,
        done: Sequence[str],
        failed: str,
        left: Sequence[str],
        journal: str,
        running: str = "",
    ) -> None:
        lines = [f"the run stopped: {why}"]
        lines += [f"  done      {one}" for one in done]
        lines += [f"  FAILED    {failed}"] * bool(failed)
        lines += [f"  RUNNING   {running}"] * bool(running)
        lines += [f"  not run   {one}" for one in left]
        lines += [f"  journal   {journal}"]
        super().__init__(
            "\n".join(lines),
            hint="Nothing is rolled back, and what is done is not done twice. phoenix resume goes "
            "on from here; or give the rest up (phoenix abandon) and plan again.",
        )
        self.why = why
        self.done = tuple(done)
        self.failed = failed
        self.running = running
        self.left = tuple(left)
        self.journal = journal


class UnfinishedError(PhoenixError):
    """An earlier run was broken off, and nobody can say how it left the host. Nothing was run."""

    exit_code = 7


class UncertainError(PhoenixError):
    """What an action did that was under way can't be seen on the host. Nothing was run."""

    exit_code = 7


class InterruptedRun(PhoenixError):
    """A signal came before the first action: nothing was run."""

    exit_code = 130


class NotConverged(PhoenixError):
    """Everything ran, and the host is still not as declared. `left` are the ids of what remains."""

    def __init__(self, message: str, *, left: Sequence[str], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.left = tuple(left)
