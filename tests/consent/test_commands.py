"""verify, policy check, and what a policy does to apply, from the command line."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Write
from tests.apply.machine import Machine, by_id, typing, watch
from tests.cli.calls import Called
from tests.consent.conftest import DESTROY, WIPE
from tests.consent.signing import Rules

SAFE = "set-dataset-properties:keep/some"


def check(machine: Machine, *argv: str) -> Called:
    given = argv or ("--host", machine.sim)
    return machine.call("policy", "check", str(machine.plan_path), *given)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_verify_says_what_is_missing(rules: Rules) -> None:
    """Who approved what, whether it counts, until when, and what nobody agreed to."""
    rules.approve("alice", "--action", WIPE, "--expires", "2h")
    rules.machine.approve("--all", "--approver", "eve")
    said = rules.verify()
    assert said.code == 4
    text = flat(said.out)
    assert "by alice@example.org (calls themselves" in text
    assert "by eve (unsigned)" in text
    assert "NO it does not count: it is not signed, and the policy of this host asks" in text
    assert "counts until 20" in text
    assert "Not consented to: 1 of 2 destructive actions. apply would run nothing." in text
    assert str(rules.folder / "policy.json") in text


def test_verify_as_json(rules: Rules) -> None:
    rules.approve("alice", "--action", WIPE)
    found = json.loads(rules.verify("--json").out)
    assert found["enough"] is False
    (given,) = found["approvals"]
    assert (given["signers"], given["counts"], given["actions"]) == (
        ["alice@example.org"], True, [WIPE],
    )  # fmt: skip
    assert {one["id"]: one["consented"] for one in found["actions"]} == {WIPE: True, DESTROY: False}
    rules.approve("bob")
    assert json.loads(rules.verify("--json").out)["enough"] is True


def test_verify_without_rules_and_without_approvals(planned: Machine) -> None:
    argv = ("verify", str(planned.plan_path), "--host", planned.sim)
    said = planned.call(*argv)
    assert said.code == 4
    assert "No approval was found." in said.out
    assert "none on this host" in said.out
    planned.approve()
    assert planned.call(*argv).code == 0


def test_verify_finds_what_apply_finds(rules: Rules) -> None:
    """Those beside the plan, those that are named, each once; none of another plan's."""
    elsewhere = rules.machine.folder / "far"
    elsewhere.mkdir()
    rules.approve("alice", "--action", WIPE, output="far/a.json")
    rules.approve("bob", "--action", DESTROY, output="plan.bob.approval.json")
    other = rules.machine.folder / "planb.approval.json"
    other.write_text("{}")
    assert rules.verify().code == 4
    named = ("--approval", str(elsewhere / "a.json"))
    twice = ("--approval", str(rules.machine.folder / "plan.bob.approval.json"))
    said = rules.verify(*named, *twice)
    assert said.code == 0, said
    assert said.out.count("bob.approval.json") == 1
    assert rules.machine.apply("--check").code == 4
    assert rules.machine.apply("--check", *named, *twice).code == 0


def test_a_policy_from_a_repository(rules: Rules) -> None:
    """--policy FILE: whoever asks says which, and nobody asks who may write it. Its signers stand
    beside it. apply goes by the host's own all the same."""
    repository = rules.machine.folder / "repository"
    shutil.copytree(rules.folder, repository)
    rules.policy(sources=[])
    repository.chmod(0o777)
    rules.approve("alice")
    path = ("--policy", str(repository / "policy.json"))
    plan = str(rules.machine.plan_path)
    assert rules.machine.call("verify", plan, *path).code == 0
    assert check(rules.machine, *path).code == 0
    assert rules.verify().code == 4
    assert check(rules.machine).code == 4
    assert rules.machine.apply().code == 4
    (repository / "allowed_signers").unlink()
    assert rules.machine.call("verify", plan, *path).code == 4


@pytest.mark.parametrize(
    ("code", "word", "argv"),
    [
        (64, "exclude each other", ["verify", "plan.json", "--host", "local", "--policy", "x"]),
        (64, "exclude each other", ["policy", "check", "plan.json", "--host", "local",
                                    "--policy", "x"]),
        (64, "not of stdin", ["verify", "-"]),
        (64, "not of stdin", ["policy", "check", "-"]),
        (64, "no such host", ["verify", "plan.json", "--host", "recorded:x"]),
        (64, "Missing", ["policy"]),
        (65, "can't be read", ["verify", "none.json"]),
        (65, "can't be read", ["policy", "check", "plan.json", "--policy", "none.json"]),
        (65, "can't be read", ["verify", "plan.json", "--host", "sim:host.json",
                               "--approval", "none.json"]),
        (65, "is a plan document", ["policy", "check", "plan.json", "--policy", "plan.json"]),
        (64, "exclude each other", ["apply", "plan.json", "--safe-only", "--approved-only"]),
    ],
)  # fmt: skip
def test_what_can_not_be_told(
    code: int, word: str, argv: list[str], planned: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(planned.folder)
    called = planned.call(*argv)
    assert (called.code, called.out) == (code, "")
    assert word in called.err


@pytest.mark.parametrize("command", [["verify"], ["policy", "check"]])
def test_a_plan_that_was_edited_is_65(command: list[str], planned: Machine) -> None:
    """Neither says anything about a plan that phoenix did not make."""
    plan = json.loads(planned.plan_path.read_text())
    next(one for one in plan["actions"] if one["id"] == DESTROY)["safety"] = "safe"
    planned.plan_path.write_text(json.dumps(plan))
    called = planned.call(*command, str(planned.plan_path), "--host", planned.sim)
    assert called.code == 65
    assert "is not what phoenix made" in called.err


def test_policy_check_names_the_rules(rules: Rules) -> None:
    rules.policy(
        signatures=True,
        approvers=1,
        kinds={"wipe-disk": {"approvers": 2}},
        plan_age="7d",
        approval_age="3d",
        hours=[{"days": ["mon", "tue"], "begin": "08:00", "end": "18:00"}],
        protected={"datasets": ["keep/old"]},
    )
    said = check(rules.machine)
    assert said.code == 4
    text = flat(said.out)
    assert "takes signed approvals by 2 different people (kinds.wipe-disk.approvers)" in text
    assert "BARRED the policy of this host protects keep/old" in text
    assert "mon, tue from 08:00 to 18:00 (UTC)" in text
    assert "may be 7d old" in text
    assert "count for 3d at most" in text
    assert "1 destructive action of 2 barred" in text
    rules.policy(sources=["approval", "interactive"])
    said = check(rules.machine)
    assert said.code == 0
    assert "takes an approval or interactive" in flat(said.out)


BARS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("protects keep/old", {"protected": {"datasets": ["keep/o*"]}}, {DESTROY}),
    ("protects keep", {"protected": {"pools": ["keep"]}}, {DESTROY}),
    ("protects /dev/disk", {"protected": {"disks": ["ata-DISK_E"]}}, {WIPE}),
    # A name of the disk that the plan does not use: only the host knows it.
    ("protects /dev/sde", {"protected": {"disks": ["/dev/sde"]}}, {WIPE}),
    ("allows 1 in one plan", {"most_destructive": 1}, {WIPE, DESTROY}),
]


@pytest.mark.parametrize(("why", "policy", "barred"), BARS, ids=[why for why, _, _ in BARS])
def test_what_is_barred_is_barred_whatever_the_consent(
    why: str,
    policy: dict[str, Any],
    barred: set[str],
    rules: Rules,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 1, as for what is protected otherwise: approved, forced, or typed. --partial leaves it
    out with what rests on it, and nobody is asked about it."""
    rules.policy(**policy)
    rules.approve("alice")
    for argv in ((), ("--mode", "force-destructive"), ("--mode", "interactive"), ("--check",)):
        called = rules.machine.apply(*argv)
        assert called.code == 1, called
        assert why in called.err
        assert "No consent lifts that" in called.err
    assert rules.machine.just_apply("--yes", "--mode", "force-destructive").code == 1
    assert rules.machine.untouched()
    Path(f"{rules.machine.folder}/plan.alice.approval.json").unlink()
    with typing(monkeypatch, "keep/old" if DESTROY not in barred else "ata-DISK_E"):
        called = rules.machine.apply("--partial", "--mode", "interactive")
    assert called.code == 0, called
    assert called.err.count("type its name") == 2 - len(barred)
    done = rules.machine.journals()[0][0]["rows"]
    assert SAFE in done
    assert not barred & set(done)
    assert ("create-pool:cold" in done) is (WIPE not in barred)


def test_policy_check_sees_what_is_barred_without_the_host(rules: Rules) -> None:
    """But for names that the plan does not hold."""
    for why, policy, barred in BARS:
        rules.policy(**policy)
        said = check(rules.machine)
        known = "/dev/sde" not in why
        assert said.code == (4 if known else 0)
        assert said.out.count("BARRED") == (len(barred) if known else 0)
        assert rules.verify().code == 4


def test_a_plan_that_is_too_old_for_the_policy(rules: Rules) -> None:
    rules.policy(plan_age="1h")
    rules.approve("alice")
    assert rules.machine.apply("--check").code == 0
    plan = json.loads(rules.machine.plan_path.read_text())
    then = datetime.now(UTC) - timedelta(minutes=61)
    plan["state"]["taken_at"] = f"{then:%Y-%m-%dT%H:%M:%SZ}"
    rules.machine.plan_path.write_text(json.dumps(plan))
    rules.machine.approve("--all", "-o", str(rules.machine.folder / "plan.alice.approval.json"))
    called = rules.machine.apply()
    assert called.code == 5
    assert "lets a plan be 1h old: nothing was run" in called.err
    for said in (rules.verify(), check(rules.machine)):
        assert said.code == 4
        assert "The plan is too old" in said.out
    rules.policy(plan_age="2h")
    assert rules.machine.apply("--check").code == 0


def test_outside_the_hours_nothing_destructive_begins(rules: Rules) -> None:
    """Told with the next time; --safe-only runs all the same."""
    now = datetime.now(UTC)
    begin, end = (now + timedelta(hours=hours) for hours in (2, 3))
    rules.policy(hours=[{"begin": f"{begin:%H:%M}", "end": f"{end:%H:%M}"}])
    rules.approve("alice")
    called = rules.machine.apply("--mode", "force-destructive")
    assert called.code == 4
    assert f"the next that it allows begins at {begin:%Y-%m-%dT%H:%M}:00Z" in called.err
    assert rules.verify().code == 4
    assert rules.machine.untouched()
    assert rules.machine.apply("--safe-only").code == 0


def test_hours_that_end_during_a_run_stop_it(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the next destructive action, with a true account; forced consent ends, too."""
    later = [timedelta()]
    begin, end = (datetime.now(UTC) + timedelta(minutes=m) for m in (-60, 60))
    rules.policy(hours=[{"begin": f"{begin:%H:%M}", "end": f"{end:%H:%M}"}])
    monkeypatch.setattr("phoenix_plan.cli.applying._now", lambda: datetime.now(UTC) + later[0])

    def see(_write: Write) -> None:
        later[0] = timedelta(hours=2)

    watch(monkeypatch, see)
    called = rules.machine.apply("--mode", "force-destructive")
    assert called.code == 7
    assert "expired at" in called.err
    assert f"done      {DESTROY}" in called.err
    assert f"not run   {WIPE}" in called.err


def test_the_policy_outweighs_the_config(rules: Rules) -> None:
    """allow_destructive_operations: true in the config is a source as any other."""
    config = json.loads(rules.machine.config.read_text())
    config["zfs"]["settings"] = {"allow_destructive_operations": True}
    rules.machine.config.write_text(json.dumps(config))
    rules.policy(sources=["approval"])
    called = rules.machine.just_apply("--yes")
    assert called.code == 4
    assert "allow_destructive_operations: true does not count: the policy" in called.err
    assert "WITHOUT ASKING ANYONE" not in called.err
    rules.policy()
    assert rules.machine.just_apply("--yes").code == 0


def test_no_variable_moves_the_rules(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither HOME nor XDG nor one of our own: the host says where they are."""
    empty = rules.machine.folder / "empty"
    empty.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "PHOENIX_POLICY", "PHOENIX_RULES", "TMPDIR"):
        monkeypatch.setenv(name, str(empty))
    assert rules.machine.apply("--mode", "force-destructive").code == 0
    from phoenix_plan.hosts.open import rules_of  # noqa: PLC0415 - beside what is asserted

    local = rules_of("local")
    assert (local.path, local.owners) == ("/etc/phoenix", frozenset({0}))


def test_rules_of_somebody_else_are_none(rules: Rules) -> None:
    """Of a user who is neither root nor, on a simulated host, the one who runs this."""
    from phoenix_plan.errors import DocumentError  # noqa: PLC0415 - beside what is asserted
    from phoenix_plan.hosts.trusted import TrustedFolder  # noqa: PLC0415 - likewise

    folder = TrustedFolder(path=str(rules.folder), owners=frozenset({4294967294}))
    with pytest.raises(DocumentError, match="and must be root's"):
        folder.read("policy.json")
    absent = TrustedFolder(path=f"{rules.folder}/none", owners=frozenset({4294967294}))
    with pytest.raises(DocumentError, match="and must be root's"):
        absent.read("policy.json")


def test_approved_only_runs_what_was_agreed_to(rules: Rules) -> None:
    """What is safe and what was approved; what is left out is named, with the reason."""
    rules.policy()
    rules.approve("alice", "--action", DESTROY)
    called = rules.machine.apply("--approved-only")
    assert called.code == 0, called
    assert rules.machine.journals()[0][0]["rows"] == [DESTROY, SAFE]
    assert f"left out: {WIPE}: is not approved" in called.out
    assert f"left out: create-pool:cold: rests on {WIPE}" in called.out
    assert "left out: create-dataset:cold/data: rests on create-pool:cold" in called.out
    assert not any(one.startswith("zero") for one in rules.machine.commands())
    assert "cold" not in rules.machine.pools
    assert rules.machine.apply().code == 65


def test_approved_only_says_what_the_policy_wants(rules: Rules) -> None:
    rules.policy(signatures=True, kinds={"wipe-disk": {"approvers": 2}})
    rules.approve("alice")
    called = rules.machine.apply("--approved-only", "--check")
    assert called.code == 0
    assert f"left out: {WIPE}: the policy of this host asks for 2 approvers, and 1" in called.out


def test_approved_only_without_an_approval_is_safe_only(rules: Rules) -> None:
    called = rules.machine.apply("--approved-only")
    assert called.code == 0
    assert rules.machine.journals()[0][0]["rows"] == [SAFE]


def test_approved_only_does_no_half_of_what_belongs_together(rules: Rules) -> None:
    """A disk is not wiped for a pool that is not made."""
    there = rules.machine.there
    there["disks"]["sdd"]["signatures"] = there["disks"]["sde"]["signatures"]
    rules.machine.path.write_text(json.dumps(there))
    config = json.loads(rules.machine.config.read_text())
    config["zfs"]["pools"][1] |= {"raid_level": "mirror", "disks": [by_id("D"), by_id("E")]}
    rules.machine.config.write_text(json.dumps(config))
    assert rules.machine.plan().code == 0
    rules.approve("alice", "--action", WIPE)
    called = rules.machine.apply("--approved-only")
    assert called.code == 0, called
    assert rules.machine.journals()[0][0]["rows"] == [SAFE]
    assert f"left out: {WIPE}: only prepares create-pool:cold" in called.out


def test_what_is_barred_is_left_out_of_what_was_approved(rules: Rules) -> None:
    rules.policy(protected={"disks": ["ata-DISK_E"]})
    rules.approve("alice")
    called = rules.machine.apply("--approved-only")
    assert called.code == 0
    assert rules.machine.journals()[0][0]["rows"] == [DESTROY, SAFE]
    assert f"left out: {WIPE}: the policy of this host protects" in called.out
