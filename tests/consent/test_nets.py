"""Ways back that a policy or a command line asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.apply.machine import Machine
from tests.consent.conftest import DESTROY
from tests.consent.signing import Rules

RETIRE = "retire-dataset:keep/old"


def ids(machine: Machine) -> list[str]:
    """The actions of the plan's file that are about the old dataset."""
    plan = json.loads(machine.plan_path.read_text(encoding="utf-8"))
    return [row["id"] for row in plan["actions"] if row["id"].endswith("keep/old")]


def plan(machine: Machine, *argv: str, state: bool = False) -> Any:
    """phoenix plan -o, on the host or on a state of it."""
    there = ["--host", machine.sim]
    if state:
        path = machine.folder / "state.json"
        path.unlink(missing_ok=True)
        assert machine.call("refresh", *there, "-c", str(machine.config), "-o", str(path)).code == 0
        there = ["--state", str(path)]
    machine.plan_path.unlink(missing_ok=True)
    return machine.call(
        "plan", *there, "-c", str(machine.config), "-o", str(machine.plan_path), *argv
    )


@pytest.fixture
def kept(planned: Machine) -> Machine:
    """Its host's policy has datasets put aside for 30 days, and asks for no more."""
    Rules(planned).policy(nets={"retire": "30d"})
    return planned


def test_a_plan_that_is_made_on_the_host_has_what_its_policy_asks_for(kept: Machine) -> None:
    called = plan(kept)
    assert called.code == 0, called.err
    assert ids(kept) == [RETIRE]
    assert "BARRED" not in called.out
    called = kept.apply("--mode", "force-destructive")
    assert called.code == 0, called.err
    assert "keep/phoenix-retired-4711" in kept.pools["keep"]["datasets"]


def test_one_that_is_made_elsewhere_without_it_is_barred(kept: Machine) -> None:
    assert plan(kept, state=True).code == 0
    assert ids(kept) == [DESTROY]
    assert kept.approve().code == 0
    called = kept.apply()
    assert called.code == 1
    assert "asks for datasets to be put aside for 30d first (nets.retire)" in called.err
    assert kept.untouched()


def test_one_that_is_made_elsewhere_with_it_is_not(kept: Machine) -> None:
    assert plan(kept, "--net", "retire=30d", state=True).code == 0
    assert ids(kept) == [RETIRE]
    assert kept.apply("--mode", "force-destructive").code == 0


def test_less_than_the_policy_asks_for_is_barred(kept: Machine) -> None:
    assert plan(kept, "--net", "retire=7d", state=True).code == 0
    called = kept.apply("--mode", "force-destructive")
    assert called.code == 1
    assert "asks for it to be kept for 30d" in called.err


@pytest.mark.parametrize(("keep", "asked"), [("30d", "7d"), ("60d", "60d")])
def test_the_longer_time_counts(kept: Machine, keep: str, asked: str) -> None:
    assert plan(kept, "--net", f"retire={asked}").code == 0
    document = json.loads(kept.plan_path.read_text(encoding="utf-8"))
    (row,) = [one for one in document["actions"] if one["id"] == RETIRE]
    assert row["action"]["arguments"]["keep"] == keep


def test_an_apply_of_a_config_has_it_too(kept: Machine) -> None:
    called = kept.just_apply("--mode", "force-destructive", "--yes")
    assert called.code == 0, called.err
    assert "keep/phoenix-retired-4711" in kept.pools["keep"]["datasets"]


def test_where_nobody_asks_a_dataset_is_destroyed(planned: Machine) -> None:
    assert plan(planned).code == 0
    assert ids(planned) == [DESTROY]


def test_a_policy_that_cant_be_trusted_asks_for_nothing_and_stops_apply(kept: Machine) -> None:
    Path(f"{kept.path}.rules", "policy.json").chmod(0o666)
    called = plan(kept)
    assert called.code == 0
    assert "is not known" in called.err
    assert ids(kept) == [DESTROY]
    assert kept.apply("--mode", "force-destructive").code == 65
    assert kept.untouched()


@pytest.mark.parametrize("net", ["retire", "retire=soon", "everything"])
def test_a_net_that_there_is_not_is_wrong_usage(planned: Machine, net: str) -> None:
    called = plan(planned, "--net", net)
    assert called.code == 64
    assert not planned.plan_path.exists()


def test_policy_check_tells_what_is_to_be_kept(kept: Machine) -> None:
    assert plan(kept, state=True).code == 0
    there = ("policy", "check", str(kept.plan_path), "--host", kept.sim)
    called = kept.call(*there)
    assert called.code == 4
    assert "a dataset that goes is put aside for 30d first" in " ".join(called.out.split())
    answer = json.loads(kept.call(*there, "--json").out)
    assert answer["nets"]["retire"] == "30d"
    assert [one["id"] for one in answer["actions"] if one["barred"]] == [DESTROY]
