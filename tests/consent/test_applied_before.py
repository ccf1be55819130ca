"""What verify says of a plan that was applied before, held against what apply says of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply import earlier
from phoenix_plan.apply.lock import locked
from phoenix_plan.commands import Output, Write
from tests.apply.machine import Machine, break_off, host, pool, want, watch, words
from tests.cli.calls import Called

Patch = pytest.MonkeyPatch
Make = Callable[[Machine, Patch], object]

DESTROYS = "zfs destroy keep/old"


def verify(machine: Machine, *argv: str) -> Called:
    given = argv or ("--host", machine.sim)
    return machine.call("verify", str(machine.plan_path), *given)


def answer(machine: Machine, *argv: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(verify(machine, "--host", machine.sim, "--json", *argv).out)
    return found


def flat(text: str) -> str:
    return " ".join(text.split())


def runs(machine: Machine) -> Path:
    return Path(f"{machine.path}.phoenix/runs")


def run_of(machine: Machine) -> str:
    (journal,) = runs(machine).glob("*.jsonl")
    return journal.stem


def applied(machine: Machine, _: Patch) -> None:
    assert machine.apply().code == 0


def applied_in_part(machine: Machine, _: Patch) -> None:
    assert machine.apply("--safe-only").code == 0


def saved_anew(machine: Machine, _: Patch) -> None:
    assert machine.apply().code == 0
    machine.plan_path.write_text(machine.plan_path.read_text() + "\n")


def broken_off(machine: Machine, monkeypatch: Patch) -> None:
    break_off(machine, monkeypatch, DESTROYS)


def failed(machine: Machine, monkeypatch: Patch) -> None:
    def see(write: Write) -> Output | None:
        no = Output(exit_code=1, stdout=b"", stderr=b"no")
        return no if words(write).startswith(DESTROYS) else None

    with monkeypatch.context() as patch:
        watch(patch, see)
        assert machine.apply().code == 7


def given_up(machine: Machine, monkeypatch: Patch) -> None:
    broken_off(machine, monkeypatch)
    assert machine.abandon("--reason", "no more").code == 0


def resumed(machine: Machine, monkeypatch: Patch) -> None:
    broken_off(machine, monkeypatch)
    assert machine.resume().code == 0


def only_in_the_index(machine: Machine, monkeypatch: Patch) -> None:
    assert machine.apply().code == 0
    monkeypatch.setattr(earlier, "KEEP", 0)
    earlier.make_room(str(runs(machine).parent), pytest.fail)
    assert not list(runs(machine).iterdir())


def garbled(machine: Machine, _: Patch) -> None:
    assert machine.apply().code == 0
    (journal,) = runs(machine).glob("*.jsonl")
    journal.write_text("garbage\n" * 3)


BEFORE: list[tuple[Make, str, str, bool]] = [
    (applied, "done", "was applied before, at 20", False),
    (applied_in_part, "done", "was applied before, at 20", False),
    (saved_anew, "done", "was applied before, at 20", False),
    (broken_off, "killed", "and is not over", True),
    (failed, "failed", "and is not over", True),
    (given_up, "abandoned", "(given up)", False),
    (resumed, "done", "was applied before, at 20", False),
    (only_in_the_index, "", "was applied before, at 20", False),
    (garbled, "unreadable", "counts as one of this plan", False),
]


@pytest.mark.parametrize(
    ("make", "ending", "said", "resumable"), BEFORE, ids=[one[0].__name__ for one in BEFORE]
)
def test_a_plan_that_was_applied_is_not_enough(
    *, make: Make, ending: str, said: str, resumable: bool, planned: Machine, monkeypatch: Patch
) -> None:
    """Whoever agreed to it: with the run, what became of it, and how to go on, in text and as JSON.
    apply refuses it for the same run, and says the same of going on."""
    planned.approve()
    assert verify(planned).code == 0
    make(planned, monkeypatch)
    run = "" if ending == "" else run_of(planned)
    planned.approve("--all", "-o", str(planned.folder / "plan.again.approval.json"))
    called = verify(planned)
    assert called.code == 4, called
    assert said in flat(called.out)
    assert run in called.out
    assert "A plan is applied at most once. apply would run nothing" in flat(called.out)
    resume = f"Next: phoenix resume {run} --host {planned.sim}\n"
    assert called.out.endswith(resume) is resumable
    assert ("Next:" in called.out) is resumable
    found = answer(planned)
    assert (found["enough"], found["applied_unknown"]) == (False, "")
    assert found["applied"]["ending"] == ending
    assert found["applied"]["resumable"] is resumable
    assert found["applied"]["run"].startswith(run or "20")
    refused = planned.apply()
    assert refused.code == 65
    assert f"was applied before, at {found['applied']['at']}" in refused.err
    assert f"Its journal: {found['applied']['journal']}" in refused.err
    assert ("phoenix resume goes on" in refused.err) is resumable


def test_the_command_that_is_named_goes_on(planned: Machine, monkeypatch: Patch) -> None:
    """What stands behind Next: can be pasted."""
    planned.approve()
    broken_off(planned, monkeypatch)
    told = verify(planned).out.splitlines()[-1].split()
    assert told[:2] == ["Next:", "phoenix"]
    assert planned.call(*told[2:]).code == 0
    assert answer(planned)["applied"]["ending"] == "done"


def test_a_run_that_goes_on_now_is_not_to_be_resumed(planned: Machine, monkeypatch: Patch) -> None:
    """Its last word is missing because it has not been said."""
    planned.approve()
    broken_off(planned, monkeypatch)
    with locked(str(runs(planned).parent), "somebody"):
        called = verify(planned)
        found = answer(planned)
    assert called.code == 4
    assert f"is being applied now: the run {run_of(planned)}" in flat(called.out)
    assert "resume" not in called.out
    assert (found["applied"]["ending"], found["applied"]["resumable"]) == ("running", False)
    assert answer(planned)["applied"]["resumable"] is True


def test_another_plans_runs_are_none_of_this_one(planned: Machine) -> None:
    """Nor is a look that ran nothing, or an apply that was refused."""
    first = planned.folder / "first.json"
    shutil.copyfile(planned.plan_path, first)
    assert planned.apply().code == 4
    planned.approve()
    assert planned.apply("--check").code == 0
    assert verify(planned).code == 0
    assert planned.apply("--safe-only").code == 0
    planned.plan_path.unlink()
    planned.approval.unlink()
    assert planned.plan().code == 0
    planned.approve()
    called = verify(planned)
    assert (called.code, "applied" in called.out) == (0, False)
    assert planned.call("verify", str(first), "--host", planned.sim).code == 4


def test_a_plan_without_anything_destructive(machine: Machine) -> None:
    """Nothing has to be consented to, and it runs once all the same."""
    machine.has(host(pool("tank", "mirror", "A", "B", a={})))
    machine.wants(
        want("tank", "mirror", "A", "B"),
        datasets=[{"name": "a", "pool": "tank", "properties": "atime=on"}],
    )
    assert machine.plan().code == 0
    assert verify(machine).code == 0
    assert machine.apply().code == 0
    called = verify(machine)
    assert called.code == 4
    assert "nothing has to be consented to" not in called.out


@pytest.mark.parametrize("name", ["runs", "applied.jsonl"])
def test_journals_that_can_not_be_read_are_not_none(name: str, planned: Machine) -> None:
    """verify says what it knows, and that it does not know this; apply runs nothing either."""
    planned.approve()
    state_dir = runs(planned).parent
    state_dir.mkdir()
    (state_dir / name).write_text("garbage\n")
    called = verify(planned)
    assert called.code == 4
    assert "agreed by" in flat(called.out)
    assert "Whether the plan was applied before is not known" in flat(called.out)
    assert name in called.out
    found = answer(planned)
    assert (found["enough"], found["applied"]) == (False, None)
    assert name in found["applied_unknown"]
    assert planned.apply().code == 1


def test_who_names_a_policy_asks_no_host(planned: Machine) -> None:
    """As in a pull request: what was run is nothing that CI could know, and it says so."""
    planned.approve()
    policy = planned.folder / "policy.json"
    policy.write_text('{"format_version": "1.0"}')
    assert planned.apply().code == 0
    called = verify(planned, "--policy", str(policy))
    assert called.code == 0
    assert "is not known: no host was asked" in flat(called.out)
    found = json.loads(verify(planned, "--policy", str(policy), "--json").out)
    assert (found["enough"], found["applied"]) == (True, None)
    assert "no host was asked" in found["applied_unknown"]
    assert verify(planned).code == 4
