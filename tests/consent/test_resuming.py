"""A run that was broken off goes on by the rules that it began by, or not at all."""

from __future__ import annotations

import pytest

from tests.apply.machine import Machine, break_off
from tests.consent.conftest import DESTROY
from tests.consent.signing import Rules

Patch = pytest.MonkeyPatch


@pytest.fixture
def broken_off(rules: Rules, planned: Machine, monkeypatch: Patch) -> Machine:
    """alice has signed; the power fails before the first destructive command."""
    rules.approve("alice", output="plan.approval.json")
    break_off(planned, monkeypatch, "zfs destroy")
    return planned


def test_it_goes_on_where_the_rules_are_the_same(broken_off: Machine) -> None:
    called = broken_off.resume()
    assert called.code == 0, called.err


@pytest.mark.parametrize("change", ["policy", "signers", "revoked"])
def test_it_does_not_where_they_are_others(change: str, broken_off: Machine, rules: Rules) -> None:
    """What counted then may not count by now: whose key was stolen, what became protected."""
    match change:
        case "policy":
            rules.policy(signatures=True, protected={"datasets": ["keep/old"]})
        case "signers":
            rules.allow(("bob@example.org", "bob"))
        case _:
            rules.revoke("alice")
    before = broken_off.path.read_bytes()
    called = broken_off.resume()
    assert called.code == 5
    assert "the rules of this host have changed since the run" in called.err
    assert "phoenix abandon" in called.err
    assert broken_off.path.read_bytes() == before
    assert DESTROY.partition(":")[2] in broken_off.pools["keep"]["datasets"]
