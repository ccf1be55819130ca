"""What may run: --safe-only, --partial, --check, and which consent is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.apply.machine import PHOTOS, Machine, by_id, host, pool, typing, want

Json = dict[str, Any]


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A wiped disk for one pool, blank disks for another, a dataset on each."""
    there = host()
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    there["disks"]["sdd"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("tank", "mirror", "A", "B"),
        want("cold", "single", "E"),
        want("more", "single", "D"),
        datasets=[{"name": "data", "pool": "tank"}, {"name": "data", "pool": "cold"}],
    )
    assert machine.plan().code == 0
    return machine


def test_safe_only_runs_what_rests_on_nothing_destructive(planned: Machine) -> None:
    called = planned.apply("--safe-only")
    assert called.code == 0, called.err
    assert planned.pools.keys() == {"tank"}
    assert "tank/data" in planned.pools["tank"]["datasets"]
    assert not any(one.startswith("zero") for one in planned.commands())
    for left in ("create-pool:cold", "create-dataset:cold/data", f"wipe-disk:{by_id('E')}"):
        assert left in called.out


def test_safe_only_asks_nobody(planned: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with typing(monkeypatch):
        called = planned.apply("--safe-only", "--mode", "interactive")
    assert called.code == 0
    assert "type its name" not in called.err


def test_safe_only_outweighs_force(planned: Machine) -> None:
    planned.approve()
    assert planned.apply("--safe-only", "--mode", "force-destructive").code == 0
    assert planned.pools.keys() == {"tank"}


def test_an_approval_of_some_is_not_enough(planned: Machine) -> None:
    """Nothing runs, not even what was approved; what is missing is shown, and that alone."""
    assert planned.approve("--action", f"wipe-disk:{by_id('E')}").code == 0
    called = planned.apply()
    assert called.code == 4
    assert "1 destructive action without consent" in called.err
    assert f"wipe disk {by_id('D')}" in called.err
    assert f"wipe disk {by_id('E')}" not in called.err
    assert planned.untouched()


def test_two_approvals_add_up(planned: Machine) -> None:
    """One beside the plan, one that is named."""
    assert planned.approve("--action", f"wipe-disk:{by_id('E')}").code == 0
    other = str(planned.folder / "other.json")
    flags = ("--action", f"wipe-disk:{by_id('D')}", "-o", other)
    assert planned.approve(*flags).code == 0
    assert planned.apply("--approval", other).code == 0


def test_an_approval_and_a_person_add_up(planned: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    planned.approve("--action", f"wipe-disk:{by_id('E')}")
    with typing(monkeypatch, "ata-DISK_D"):
        called = planned.apply("--mode", "interactive")
    assert called.code == 0
    assert called.err.count("type its name") == 1
    consent = planned.journals()[0][0]["consent"]
    assert {one["source"] for one in consent.values()} == {"approval", "interactive"}
    assert consent[f"wipe-disk:{by_id('D')}"]["detail"] == "ata-DISK_D"


def test_no_terminal_is_no_consent(planned: Machine) -> None:
    called = planned.apply("--mode", "interactive")
    assert called.code == 4
    assert "needs a terminal" in called.err


def spoilt(planned: Machine, **changes: Any) -> None:
    text = json.loads(planned.approval.read_text())
    planned.approval.write_text(json.dumps({**text, **changes}))


def moment(**ago: int) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("it is for another plan", {"plan": "0" * 64}),
        ("it is for another host", {"machine": "0" * 32}),
        ("it expired at", {"created": moment(days=2), "expires": moment(days=1)}),
        ("it is not valid before", {"created": moment(days=-1)}),
    ],
)
def test_an_approval_that_does_not_count(why: str, changes: Json, planned: Machine) -> None:
    """Exit 4, and why it does not count."""
    planned.approve()
    spoilt(planned, **changes)
    called = planned.apply()
    assert called.code == 4
    assert why in called.err
    assert planned.untouched()


def test_a_changed_line_end_voids_an_approval(planned: Machine) -> None:
    """It is of the plan's exact bytes."""
    planned.approve()
    planned.plan_path.write_bytes(planned.plan_path.read_bytes().replace(b"\n", b"\r\n"))
    called = planned.apply()
    assert called.code == 4
    assert "it is for another plan" in called.err


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1}, {"actions": "all"}, {"created": "yesterday"}, {"format_version": "2.0"},
        {"expires": "2026-13-41T99:99:99Z"},
    ],
)  # fmt: skip
def test_an_approval_is_read_strictly(changes: Json, planned: Machine) -> None:
    planned.approve()
    spoilt(planned, **changes)
    assert planned.apply().code == 65
    assert planned.untouched()


def test_an_approval_of_a_newer_minor_version_is_read(planned: Machine) -> None:
    planned.approve()
    spoilt(planned, format_version="1.7", ticket="OPS-1")
    assert planned.apply().code == 0


def test_a_named_approval_that_is_not_there_is_65(planned: Machine) -> None:
    assert planned.apply("--approval", str(planned.folder / "none.json")).code == 65


def test_check_writes_nothing(planned: Machine) -> None:
    """And exits as the run would."""
    before = planned.path.read_text()
    assert planned.apply("--check").code == 4
    planned.approve()
    called = planned.apply("--check")
    assert called.code == 0
    assert "7 actions would run. Nothing was written." in called.out
    assert planned.path.read_text() == before
    assert planned.journals() == []


def broken(machine: Machine) -> None:
    """A disk that is not there, beside a pool that can be made."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"), want("lost", "single", "Z"))
    assert machine.plan().code == 1


def test_a_plan_with_errors_is_refused(machine: Machine) -> None:
    broken(machine)
    called = machine.apply()
    assert called.code == 1
    assert "DISK_Z is not there" in called.err
    assert machine.untouched()
    assert machine.just_apply("--yes").code == 1
    assert machine.untouched()


def test_partial_runs_what_depends_on_no_error(machine: Machine) -> None:
    broken(machine)
    assert machine.apply("--partial").code == 0
    assert machine.pools.keys() == {"tank"}


def test_partial_without_a_plans_file(machine: Machine) -> None:
    broken(machine)
    assert machine.just_apply("--partial", "--yes").code == 0
    assert machine.pools.keys() == {"tank"}


def test_nobody_to_ask_is_4(machine: Machine) -> None:
    """Without a plan's file, apply asks once; --yes answers."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    called = machine.just_apply()
    assert called.code == 4
    assert "--yes" in called.err
    assert machine.untouched()


@pytest.mark.parametrize(("code", "typed"), [(0, "yes"), (4, "no"), (4, ""), (4, "y")])
def test_the_one_question(
    code: int, typed: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    with typing(monkeypatch, typed):
        assert machine.just_apply().code == code
    assert ("tank" in machine.pools) == (code == 0)


@pytest.mark.parametrize(
    ("word", "argv"),
    [
        ("recording", ["apply", "plan.json", "--host", "recorded:x"]),
        ("no such host", ["apply", "plan.json", "--host", "ssh:x"]),
        ("--yes is for", ["apply", "plan.json", "--yes"]),
        ("no plan is given", ["apply", "--approval", "x"]),
        ("always", ["apply", "--mode", "always"]),
        ("--action ID", ["approve", "plan.json", "--reason", "x"]),
        ("--action ID", ["approve", "plan.json", "--reason", "x", "--all", "--action", "y"]),
        ("not of stdin", ["approve", "-", "--reason", "x", "--all"]),
        ("needs a reason", ["approve", "plan.json", "--all"]),
        ("needs a reason", ["approve", "plan.json", "--all", "--reason", " "]),
        ("approver", ["approve", "plan.json", "--all", "--reason", "x", "--approver", " "]),
        ("printable", ["approve", "plan.json", "--all", "--reason", "x\u2028y"]),
        ("printable", ["approve", "plan.json", "--all", "--reason", "x", "--approver", "a\x1b[2J"]),
        ("printable", ["approve", "plan.json", "--all", "--reason", "\udcff"]),
        ("no action", ["approve", "plan.json", "--action", "x", "--reason", "x"]),
        ("is safe", ["approve", "plan.json", "--action", "create-pool:tank", "--reason", "x"]),
        ("duration", ["approve", "plan.json", "--all", "--reason", "x", "--expires", "soon"]),
        ("too long", ["approve", "plan.json", "--all", "--reason", "x", "--expires", "9999999w"]),
        ("not overwritten", ["approve", "plan.json", "--all", "--reason", "x", "-o", "host.json"]),
    ],
)  # fmt: skip
def test_wrong_usage_is_64(
    word: str, argv: list[str], planned: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(planned.folder)
    called = planned.call(*argv)
    assert (called.code, called.out) == (64, "")
    assert word in called.err


def test_a_plan_of_safe_actions_has_nothing_to_approve(machine: Machine) -> None:
    machine.has(host(pool("tank", "mirror", "A", "B"))).wants(
        want("tank", "mirror", "A", "B"), datasets=[{"name": "new", "pool": "tank"}]
    )
    machine.plan()
    called = machine.approve()
    assert called.code == 64
    assert "nothing to approve" in called.err
    assert machine.apply().code == 0


def test_an_approval_says_what_is_approved(planned: Machine) -> None:
    called = planned.approve("--all", "--approver", "alice", "--expires", "30m")
    assert called.code == 0
    assert called.out == ""
    assert "ext4 'photos'" in called.err
    assert "alice approves 2 destructive actions on pve1" in called.err
    text = json.loads(planned.approval.read_text())
    lasts = datetime.fromisoformat(text["expires"]) - datetime.fromisoformat(text["created"])
    assert lasts == timedelta(minutes=30)
    shown = planned.call("show", str(planned.approval))
    assert shown.code == 0
    assert "Approval by alice" in shown.out
    assert f"wipe-disk:{by_id('E')}" in shown.out


def test_the_approver_is_whoever_logged_in(
    planned: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "bob")
    planned.approve()
    assert json.loads(planned.approval.read_text())["approver"] == "bob"


def test_an_applied_plan_leaves_no_change(planned: Machine) -> None:
    """I5."""
    planned.approve()
    assert planned.apply().code == 0
    assert "No changes." in planned.call(
        "plan", "--host", planned.sim, "-c", str(planned.config)
    ).out  # fmt: skip


def test_simulate_makes_a_host_of_a_state(planned: Machine) -> None:
    """Which a plan of its own can be applied to, and the other's can't (I11)."""
    state, twin = str(planned.folder / "state.json"), str(planned.folder / "twin.json")
    argv = ("--host", planned.sim, "-c", str(planned.config), "-o", state)
    assert planned.call("refresh", *argv).code == 0
    called = planned.call("simulate", state, "-o", twin)
    assert called.code == 0, called.err
    refused = planned.call("apply", str(planned.plan_path), "--host", f"sim:{twin}",
                           "--mode", "force-destructive")  # fmt: skip
    assert refused.code == 65
    there = ("--host", f"sim:{twin}", "-c", str(planned.config))
    assert planned.call("apply", *there, "--yes", "--mode", "force-destructive").code == 0
    assert planned.call("simulate", state, "-o", twin).code == 0
    assert planned.call("simulate", state, "-o", state).code == 64
