"""What verify and policy check print for programs, held against the schemas of their answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phoenix_plan.documents import parse_document
from phoenix_plan.schema_check import check
from tests.apply.machine import Machine, break_off
from tests.consent.conftest import DESTROY, WIPE
from tests.consent.signing import Rules

Json = dict[str, Any]
Make = Callable[[Rules], object]

LATER = datetime.now(UTC) + timedelta(hours=2)
CLOSED = {"begin": f"{LATER:%H:%M}", "end": f"{LATER + timedelta(hours=1):%H:%M}"}

POLICIES: dict[str, Json | None] = {
    "none": None,
    "empty": {},
    "no source": {"sources": []},
    "no approval": {"sources": ["interactive", "config"]},
    "two people": {"signatures": True, "kinds": {"wipe-disk": {"approvers": 2}}},
    "the author apart": {"signatures": True, "approvers": 1, "author_counts": False},
    "ages and hours": {"plan_age": "7d", "approval_age": "3d", "hours": [CLOSED]},
    "hours in full": {"hours": [{**CLOSED, "days": ["mon"], "timezone": "Europe/Berlin"}]},
    "protected": {"protected": {"datasets": ["keep/old"]}, "most_destructive": 1},
    "unknown cost": {"unknown_evidence": False},
}


def nobody(_: Rules) -> None:
    pass


def one_signed(rules: Rules) -> None:
    rules.approve("alice", "--action", WIPE)


def two_signed(rules: Rules) -> None:
    rules.approve("alice")
    rules.approve("bob")


def stranger(rules: Rules) -> None:
    rules.approve("eve")


def unsigned(rules: Rules) -> None:
    made = rules.machine.approve("--all", "--approver", "\N{LATIN SMALL LETTER E WITH ACUTE}ve")
    assert made.code == 0


def of_another_plan(rules: Rules) -> None:
    path = rules.approve("alice")
    rules.forge(path, "alice", plan="0" * 64)


def expired(rules: Rules) -> None:
    path = rules.approve("alice")
    rules.forge(path, "alice", expires="2026-01-01T00:00:00Z", created="2025-12-31T00:00:00Z")


APPROVALS: list[Make] = [
    nobody, one_signed, two_signed, stranger, unsigned, of_another_plan, expired
]  # fmt: skip


def printed(machine: Machine, schema: str, *command: str, policy: str = "") -> Json:
    """The answer of a command, valid by its schema, with the exit code that belongs to it."""
    rules = ("--policy", policy) if policy else ("--host", machine.sim)
    called = machine.call(*command, str(machine.plan_path), *rules, "--json")
    assert called.out.isascii()
    document = parse_document(called.out.encode(), name="the answer", what="answer")
    assert list(check(document, schema)) == []
    found: Json = json.loads(called.out)
    assert called.code == (0 if found["enough" if schema == "verify" else "open"] else 4)
    assert found["format_version"] == "1.0"
    return found


def verified(machine: Machine, policy: str = "") -> Json:
    return printed(machine, "verify", "verify", policy=policy)


def demanded(machine: Machine, policy: str = "") -> Json:
    return printed(machine, "policy-check", "policy", "check", policy=policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_answers_are_as_their_schemas_say(policy: str, rules: Rules) -> None:
    """Under every kind of rule; what only text tells otherwise stands in neither."""
    said = POLICIES[policy]
    if said is None:
        (rules.folder / "policy.json").unlink()
    else:
        rules.policy(**said)
    one_signed(rules)
    unsigned(rules)
    asked, found = demanded(rules.machine), verified(rules.machine)
    assert [one["id"] for one in asked["actions"]] == [one["id"] for one in found["actions"]]
    assert {WIPE, DESTROY} == {one["id"] for one in found["actions"]}
    assert asked["plan"] == found["plan"]
    assert bool(asked["policy"]) is bool(found["policy"]) is (said is not None)
    assert len(found["approvals"]) == 2
    for one in asked["actions"]:
        assert bool(one["barred"]) is not bool(one["takes"])
        assert bool(one["sources"]) is bool(one["takes"])


@pytest.mark.parametrize("make", APPROVALS)
def test_every_kind_of_approval_fits_the_schema(make: Make, rules: Rules) -> None:
    """Whoever gave it, whether it counts or not."""
    make(rules)
    found = verified(rules.machine)
    for one in found["approvals"]:
        assert one["counts"] is not bool(one["why_not"])
        assert one["counts"] is bool(one["until"])
    assert found["enough"] is (make is two_signed)


def test_what_became_of_the_plan_fits_the_schema(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not begun, begun, done; not known; no host asked."""
    machine = rules.machine
    two_signed(rules)
    assert verified(machine)["applied"] is None
    break_off(machine, monkeypatch, "zfs destroy")
    assert verified(machine)["applied"]["ending"] == "killed"
    policy = str(rules.folder / "policy.json")
    assert verified(machine, policy)["applied"] is None
    assert demanded(machine, policy)["open"] is True
    assert machine.resume().code == 0
    assert verified(machine)["applied"]["ending"] == "done"


def test_the_words_of_policy_check_and_their_numbers_agree(rules: Rules) -> None:
    """How many, by which sources, signed or not."""
    rules.policy(signatures=True, kinds={"wipe-disk": {"approvers": 2}},
                 sources=["approval", "interactive"])  # fmt: skip
    found = demanded(rules.machine)
    assert found["signatures"] is True
    by_id = {one["id"]: one for one in found["actions"]}
    assert by_id[WIPE] == {
        "id": WIPE,
        "kind": "wipe-disk",
        "barred": [],
        "takes": "signed approvals by 2 different people (kinds.wipe-disk.approvers)",
        "sources": ["approval"],
        "approvers": 2,
    }
    assert (by_id[DESTROY]["sources"], by_id[DESTROY]["approvers"]) == (
        ["approval", "interactive"], 0,
    )  # fmt: skip


def test_an_answer_that_is_not_as_its_schema_says_is_seen(rules: Rules) -> None:
    """Else the tests above would hold nothing."""
    found = verified(rules.machine)
    for wrong in ({**found, "more": 1}, {**found, "enough": "no"}, {**found, "applied": {}},
                  {name: one for name, one in found.items() if name != "applied"}):  # fmt: skip
        document = parse_document(json.dumps(wrong).encode(), name="a", what="answer")
        assert list(check(document, "verify"))
