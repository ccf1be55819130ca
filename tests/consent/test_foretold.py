"""What `plan` says of the host's policy, held against what apply says of it later."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.render.policy import PolicySays
from phoenix_plan.render.style import Style
from phoenix_plan.stored import load_state
from tests.apply.machine import ROOT, Machine, host, pool, want
from tests.cli.calls import Called
from tests.consent.conftest import DESTROY, WIPE
from tests.consent.signing import Rules

SAYS = "The policy of this host"


def plan(machine: Machine, *argv: str) -> Called:
    """phoenix plan, in place of the one before."""
    return machine.call("plan", "--host", machine.sim, "-c", str(machine.config), *argv)


def flat(text: str) -> str:
    return " ".join(text.split())


def document(text: str) -> dict[str, Any]:
    """A plan without what is another at each look."""
    found: dict[str, Any] = json.loads(text)
    found.pop("state")
    return found


ASKS: list[tuple[dict[str, Any], list[str]]] = [
    ({"signatures": True}, ["2 of these actions take a signed approval or interactive or"]),
    (
        {"sources": ["approval"], "approvers": 1},
        ["2 of these actions take an approval (approvers)"],
    ),
    (
        {"signatures": True, "approvers": 1, "kinds": {"wipe-disk": {"approvers": 2}}},
        [
            "1 of these actions takes a signed approval (approvers)",
            "1 of these actions takes signed approvals by 2 different people "
            "(kinds.wipe-disk.approvers)",
        ],
    ),
    (
        {"protected": {"datasets": ["keep/old"]}},
        [
            "BARRED destroy dataset keep/old is never run here: the policy of this host protects "
            "keep/old",
            "1 of these actions takes an approval or interactive",
        ],
    ),
    (
        {"most_destructive": 1},
        ["BARRED 2 of these actions are never run here: the plan has 2 destructive actions"],
    ),
    (
        {"sources": []},
        ["BARRED 2 of these actions are never run here: the policy of this host lets no source"],
    ),
    (
        {
            "plan_age": "7d",
            "approval_age": "3d",
            "hours": [{"days": ["mon"], "begin": "08:00", "end": "18:00"}],
        },
        ["may be 7d old", "count for 3d at most", "mon from 08:00 to 18:00 (UTC)"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "said"), ASKS, ids=[said[0] for _, said in ASKS])
def test_plan_says_what_will_be_asked_for(
    policy: dict[str, Any], said: list[str], rules: Rules
) -> None:
    """At its end, with the command that says it in full. The plan and its exit code are as without
    a policy."""
    machine = rules.machine
    (rules.folder / "policy.json").unlink()
    before = document(plan(machine, "--format", "json").out)
    code = plan(machine, "--detailed-exitcode").code
    rules.policy(**policy)
    called = plan(machine, "--detailed-exitcode")
    assert (called.code, called.err) == (code, "")
    legend, _, end = called.out.partition(SAYS)
    assert "What a [code] means" in legend
    for words in (str(rules.folder / "policy.json"), *said):
        assert words in flat(end)
    assert f"In full: phoenix policy check plan.json --host {machine.sim}\n" in end
    assert end.rstrip().splitlines()[-1].startswith("Next: ")
    assert document(plan(machine, "--format", "json").out) == before


@pytest.mark.parametrize(
    ("policy", "known"),
    [
        ({"datasets": ["keep/o*"]}, True),
        ({"pools": ["keep"]}, True),
        ({"disks": ["ata-DISK_E"]}, True),
        # A name of the disk that the plan does not use: apply knows it, and so does plan.
        ({"disks": ["/dev/sde"]}, False),
    ],
)
def test_plan_says_barred_where_apply_will(
    policy: dict[str, Any], known: bool, rules: Rules
) -> None:
    """For the same reason, by all the names that the host knows."""
    rules.policy(protected=policy)
    called = plan(rules.machine)
    assert called.code == 0
    assert called.out.count("BARRED") == 1
    refused = rules.machine.apply("--mode", "force-destructive")
    assert refused.code == 1
    why = next(
        line for line in refused.err.splitlines() if line.startswith(("  destroy", "  wipe"))
    )
    assert why.partition(": ")[2] in flat(called.out)
    named = called.out.partition("In full: phoenix ")[2].splitlines()[0]
    argv = named.replace("plan.json", str(rules.machine.plan_path)).split()
    assert rules.machine.call(*argv).code == (4 if known else 0)


def writable(rules: Rules) -> None:
    (rules.folder / "policy.json").chmod(0o666)


def in_a_writable_folder(rules: Rules) -> None:
    rules.folder.chmod(0o777)


def a_link(rules: Rules) -> None:
    path = rules.folder / "policy.json"
    path.rename(rules.folder / "real.json")
    path.symlink_to(rules.folder / "real.json")


def a_folder(rules: Rules) -> None:
    (rules.folder / "policy.json").unlink()
    (rules.folder / "policy.json").mkdir()


def text(content: str) -> Callable[[Rules], object]:
    return lambda rules: rules.write("policy.json", content)


def with_signers_of_others(rules: Rules) -> None:
    (rules.folder / "allowed_signers").chmod(0o666)


UNTRUSTED: dict[str, Callable[[Rules], object]] = {
    "writable": writable,
    "in a writable folder": in_a_writable_folder,
    "a link": a_link,
    "a folder": a_folder,
    "no JSON": text("{"),
    "nothing": text(""),
    "no object": text("[]"),
    "bottomless": text("[" * 100_000),
    "an unknown key": text('{"format_version": "1.0", "allow": "all"}'),
    "a newer version": text('{"format_version": "2.0"}'),
    "no time zone": text('{"format_version": "1.0", "hours": '
                         '[{"begin": "08:00", "end": "09:00", "timezone": "Nowhere"}]}'),
    "signers of others": with_signers_of_others,
}  # fmt: skip


@pytest.mark.parametrize("how", UNTRUSTED)
def test_a_policy_that_can_not_be_trusted_is_a_warning(how: str, rules: Rules) -> None:
    """In its own words, which are those that apply refuses with, however quiet plan shall be; the
    plan is written, whole, and exits as without it."""
    machine = rules.machine
    before = document(machine.plan_path.read_text())
    UNTRUSTED[how](rules)
    refused = machine.apply("--mode", "force-destructive")
    assert refused.code == 65
    machine.plan_path.unlink()
    argv = ("--detailed-exitcode", "-o", str(machine.plan_path))
    called = plan(machine, "--quiet", *argv)
    assert called.code == 3
    assert SAYS not in called.out
    assert "what the policy of this host says to it is not known" in called.err
    assert refused.err.removeprefix("phoenix: ") in called.err
    assert "bug" not in called.err
    assert document(machine.plan_path.read_text()) == before
    for form in ("json", "markdown"):
        again = plan(machine, "--format", form)
        assert (again.code, again.err) == (0, called.err)
    assert document(plan(machine, "--format", "json").out) == before


@pytest.mark.parametrize("given", [[], ["-o", "-"]])
def test_a_document_on_stdout_is_that_alone(given: list[str], rules: Rules) -> None:
    """What the policy says is talk then."""
    called = plan(rules.machine, "--format", "json", *given)
    assert "policy" not in document(called.out)
    assert flat(called.err).startswith(f"{SAYS}, ")
    assert "2 of these actions take a signed approval" in flat(called.err)
    assert plan(rules.machine, "--format", "json", "--quiet", *given).err == ""
    assert SAYS in plan(rules.machine, "-o", "-").err


def test_markdown_has_it_too(rules: Rules) -> None:
    rules.policy(protected={"datasets": ["keep/old"]})
    target = str(rules.machine.folder / "other.json")
    out = plan(rules.machine, "--format", "markdown", "-o", target).out
    part = out.partition("### What the policy of the host says to it\n\n")[2].partition("\n### ")[0]
    assert "- **BARRED**: destroy dataset keep/old is never run here" in part
    assert f"`phoenix policy check {target} --host {rules.machine.sim}`" in part


def test_without_a_policy_nothing_is_said(rules: Rules) -> None:
    assert SAYS in plan(rules.machine).out
    (rules.folder / "policy.json").unlink()
    called = plan(rules.machine)
    assert (SAYS in called.out, called.err) == (False, "")


def test_of_a_state_and_a_recording_nothing_is_said(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is applied to those, and this machine's rules may not be theirs."""
    in_a_writable_folder(rules)
    monkeypatch.setattr("phoenix_plan.hosts.open.RULES", str(rules.folder))
    state = str(rules.machine.folder / "state.json")
    config = ("-c", str(rules.machine.config))
    seen = rules.machine.call("refresh", "--host", rules.machine.sim, *config, "-o", state)
    assert seen.code == 0
    recording = ROOT / "fixtures/situations/pool-matches"
    for argv in (
        ("--state", state, *config),
        ("--host", f"recorded:{recording}", "-c", str(recording / "config.json")),
    ):
        called = rules.machine.call("plan", *argv)
        assert (called.code, SAYS in called.out, called.err) == (0, False, "")
    monkeypatch.setattr("phoenix_plan.cli.inputs.ask", lambda *_, **__: load_state(state))
    called = rules.machine.call("plan", *config)
    assert "what the policy of this host says to it is not known" in called.err


def test_a_plan_that_needs_no_consent_is_told_of_no_rules(machine: Machine) -> None:
    """A policy is about what is destructive. That it can't be trusted is said all the same: apply
    refuses whatever it is given."""
    machine.has(host(pool("tank", "mirror", "A", "B", a={})))
    machine.wants(
        want("tank", "mirror", "A", "B"),
        datasets=[{"name": "a", "pool": "tank", "properties": "atime=on"}],
    )
    rules = Rules(machine)
    rules.policy(signatures=True, plan_age="7d")
    called = plan(machine)
    assert ("SAFE: 1 action" in called.out, SAYS in called.out, called.err) == (True, False, "")
    writable(rules)
    assert "can be written by others" in plan(machine).err


def test_many_reasons_are_shortened() -> None:
    """Unless everything is asked for; what is asked for is never left out."""
    says = PolicySays(
        source="/etc/phoenix/policy.json",
        points=(*(("BARRED", f"this {one}") for one in range(12)), ("consent", "an approval")),
        more="phoenix policy check plan.json",
    )
    short = "\n".join(says.as_text(Style()))
    assert ("this 9" in short, "this 10" in short, "and 2 more" in short) == (True, False, True)
    assert "an approval" in short
    full = "\n".join(says.as_text(Style(everything=True)))
    assert ("this 11" in full, "more" in full) == (True, False)
    assert "- **BARRED**: and 2 more" in says.as_markdown()


def test_names_do_nothing_to_a_terminal_or_a_page() -> None:
    says = PolicySays(
        source="/etc/\x1b[2Jphoenix", points=(("BARRED", "destroy <b>\x1b[2J"),), more="x\x1b[2J"
    )
    for lines in (says.as_text(Style()), says.as_markdown()):
        assert "\x1b" not in "".join(lines)
    assert "- **BARRED**: destroy `<b>\\x1b[2J`" in says.as_markdown()


def test_the_ids_that_the_tests_rest_on(planned: Machine) -> None:
    """Two destructive actions, and something safe."""
    rows = json.loads(Path(planned.plan_path).read_text())["actions"]
    assert {one["id"] for one in rows if one["safety"] == "destructive"} == {WIPE, DESTROY}
