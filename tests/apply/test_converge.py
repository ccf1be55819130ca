"""What an applied plan may leave: only what was left out, was refused, or shows after an import."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from phoenix_plan.actions import (
    Action,
    AddStorage,
    CreateDataset,
    RemoveStorage,
    SetDatasetProperties,
    SetPoolProperties,
    UpdateStorage,
    action_id,
)
from phoenix_plan.apply import converge
from phoenix_plan.apply.converge import left, opened
from phoenix_plan.model.subjects import Kind, Subject
from phoenix_plan.plan import Plan
from phoenix_plan.planner.items import Finding
from phoenix_plan.planner.order import Blocked
from tests.render.samples import ACTUAL, KINDS, plan_of, planned


def sample(tag: str, kind: type[Any], **changes: Any) -> Action:
    found = KINDS[tag][0]
    assert isinstance(found, kind)
    made: Action = attrs.evolve(found, **changes)
    return made


def blocked(name: str, kind: Kind = "dataset") -> Blocked:
    return Blocked(id=f"x:{name}", subject=Subject(kind=kind, name=name), because=("y",))


def finding(code: str, kind: Kind, name: str) -> Finding:
    subject = Subject(kind=kind, name=name)
    return Finding(severity="warning", code=code, subject=subject, message="said")


IMPORTED = finding("plan-again-after-import", "pool", "archive")
RENAMED = finding("plan-again-after-rename", "dataset", "tank/new")
OTHER = finding("pool-health", "pool", "tank")


def remains(
    monkeypatch: pytest.MonkeyPatch, before: Plan, after: Plan, *left_out: str
) -> list[str]:
    """Ids of what is left, where `after` is what would be planned now."""
    monkeypatch.setattr(converge, "make_plan", lambda *_: after)
    return list(left(before, ACTUAL, left_out))


SET = sample("set-dataset-properties", SetDatasetProperties)
CREATE = sample("create-dataset", CreateDataset, dataset="tank/a")


def test_what_would_still_be_planned_or_is_refused_by_now_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But for what the plan had refused already, and what was left out of this run."""
    after = plan_of(planned(SET), planned(CREATE), blocked=(blocked("a"), blocked("b")))
    every = [action_id(SET), action_id(CREATE), "x:a", "x:b"]
    assert remains(monkeypatch, plan_of(), plan_of()) == []
    assert remains(monkeypatch, plan_of(), after) == every
    assert remains(monkeypatch, plan_of(), after, every[0], "x:b") == every[1:3]
    known = plan_of(blocked=(blocked("a"),))
    assert remains(monkeypatch, known, after, every[1]) == [every[0], "x:b"]


def test_the_plan_is_made_of_what_it_wants_and_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def made(*given: object) -> Plan:
        asked.extend(given)
        return plan_of()

    monkeypatch.setattr(converge, "make_plan", made)
    plan = plan_of()
    assert left(plan, ACTUAL, ()) == ()
    assert asked == [plan.desired, ACTUAL]


def test_of_what_more_is_known_by_now() -> None:
    assert opened(plan_of(findings=(IMPORTED, OTHER, RENAMED))) == {"archive", "tank/new"}
    assert opened(plan_of(findings=(OTHER,))) == set()


def storage(kind: str, name: str, dataset: str = "") -> Action:
    if kind == "add":
        return sample("add-storage", AddStorage, storage=name, dataset=dataset)
    if kind == "update":
        return sample("update-storage", UpdateStorage, storage=name)
    return sample("remove-storage", RemoveStorage, storage=name)


@pytest.mark.parametrize(
    ("action", "shows"),
    [
        (sample("create-dataset", CreateDataset, dataset="archive/a"), True),
        (sample("create-dataset", CreateDataset, dataset="archive"), True),
        (sample("create-dataset", CreateDataset, dataset="tank/new/a"), True),
        (sample("set-pool-properties", SetPoolProperties, pool="archive"), True),
        (sample("create-dataset", CreateDataset, dataset="archived/a"), False),
        (sample("create-dataset", CreateDataset, dataset="tank/newer"), False),
        (sample("create-dataset", CreateDataset, dataset="tank"), False),
        (storage("add", "backup", "archive/a"), True),
        (storage("add", "backup", "tank/a"), False),
        (storage("update", "archive"), False),
        (storage("remove", "archive"), False),
    ],
)
def test_what_shows_once_a_pool_is_imported_is_for_the_next_plan(
    action: Action, shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It, its datasets, and the storages that lie on them. A storage that has its name is none of
    it."""
    before = plan_of(findings=(IMPORTED, OTHER, RENAMED))
    found = remains(monkeypatch, before, plan_of(planned(action)))
    assert found == [] if shows else found == [action_id(action)]
    assert remains(monkeypatch, plan_of(findings=(OTHER,)), plan_of(planned(action)))


@pytest.mark.parametrize(
    ("name", "shows"), [("archive", True), ("archive/a", True), ("archived", False), ("a", False)]
)
def test_what_is_refused_of_it_as_well(
    name: str, shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan_of(findings=(IMPORTED,))
    found = remains(monkeypatch, before, plan_of(blocked=(blocked(name),)))
    assert found == [f"x:{name}"] * (not shows)
