"""Why an apply ends early: the exit code of each, and what it says of what ran."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_plan.apply.errors import (
    ConsentError,
    InterruptedRun,
    NotConverged,
    PlanHasErrors,
    PolicyError,
    StaleError,
    StoppedError,
    UncertainError,
    UnfinishedError,
)
from phoenix_plan.apply.settle import StillRunningError
from phoenix_plan.consent.modes import Consent
from phoenix_plan.errors import PhoenixError

NOBODY = Consent(grants={}, refused=("a:b",))
ACCOUNT: dict[str, Any] = {"done": ("a:1", "a:2"), "failed": "", "left": (), "journal": "/j"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1, PlanHasErrors("x")),
        (1, PolicyError("x")),
        (1, NotConverged("x", left=["a:b"], hint="h")),
        (4, ConsentError("x", consent=NOBODY)),
        (5, StaleError("x")),
        (7, StoppedError("x", **ACCOUNT)),
        (7, UnfinishedError("x")),
        (7, UncertainError("x")),
        (7, StillRunningError("x")),
        (130, InterruptedRun("x")),
    ],
)
def test_each_has_its_exit_code(code: int, error: PhoenixError) -> None:
    """As the reference of the exit codes tells scripts."""
    assert error.exit_code == code


def test_each_carries_what_it_is_about() -> None:
    silent = ConsentError("x", consent=NOBODY, hint="h")
    assert (silent.message, silent.hint, silent.consent) == ("x", "h", NOBODY)
    assert ConsentError("x", consent=NOBODY).hint == ""
    remains = NotConverged("x", left=["a:b"], hint="h")
    assert (remains.message, remains.hint, remains.left) == ("x", "h", ("a:b",))


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, []),
        ({"failed": "a:3"}, ["  FAILED    a:3"]),
        ({"running": "a:3"}, ["  RUNNING   a:3"]),
        ({"left": ["a:4", "a:5"]}, ["  not run   a:4", "  not run   a:5"]),
        ({"failed": "a:3", "left": ["a:4"]}, ["  FAILED    a:3", "  not run   a:4"]),
    ],
)
def test_a_run_that_stopped_gives_an_account(changes: dict[str, Any], lines: list[str]) -> None:
    """Row by row, in its words and in its fields."""
    given = {**ACCOUNT, **changes}
    error = StoppedError("busy", **given)
    told = ["the run stopped: busy", "  done      a:1", "  done      a:2", *lines]
    assert error.message.splitlines() == [*told, "  journal   /j"]
    assert "phoenix resume" in error.hint
    fields = (error.why, error.done, error.failed, error.running, error.left, error.journal)
    running = given.get("running", "")
    assert fields == ("busy", given["done"], given["failed"], running, tuple(given["left"]), "/j")
