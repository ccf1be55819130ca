"""Evidence in a plan's file that can't be what it was: what the action says itself is held against
it, and what only the host can tell is left to `stale.py`."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import (
    Action,
    CreateCheckpoint,
    DestroyDataset,
    DestroyPool,
    ImportPool,
    RemoveStorage,
    RetireDataset,
    SetArcMax,
    SnapshotDataset,
    WipeDisk,
    action_id,
)
from phoenix_plan.apply.verify import verify
from phoenix_plan.errors import DocumentError
from phoenix_plan.evidence import CHECKPOINT_PRICE, SNAPSHOT_PRICE, Evidence
from phoenix_plan.model.desired import DesiredStorage
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.model.subjects import Subject
from phoenix_plan.plan import Plan
from phoenix_plan.planner import Unmanaged
from phoenix_plan.planner.items import Finding, Unchanged
from phoenix_plan.planner.order import Blocked
from tests.builders import desired, want_pool
from tests.render.samples import plan_of, planned


def forged(action: Action, evidence: Evidence) -> set[str]:
    """Names of the parts of the evidence for which the plan is refused."""
    try:
        verify(plan_of(planned(action, evidence)), "plan.json")
    except DocumentError as error:
        places = [f"{one.file}: {one.path}".partition(".evidence.") for one in error.problems]
        return {name for place, part, name in places if part and place == "plan.json: actions[0]"}
    return set()


FOREIGN: dict[str, Any] = {
    "used": Bytes(5),
    "datasets": ("else",),
    "snapshots": ("else@x",),
    "clones": ("else/c",),
    "holds": ("else@x",),
    "guests": ("qemu/100",),
    "jobs": ("nightly",),
    "shares": ("nfs",),
    "contents": ("ext4",),
    "price": ("time",),
    "unknown": ("nobody knows",),
}
"""Something that follows from no action, for each part."""

FREE = {
    "destroy-pool": "used clones guests jobs shares",
    "destroy-dataset": "used guests jobs shares",
    "wipe-disk": "unknown",
    "import-pool": "unknown",
    "rename-dataset": "guests jobs shares",
    "retire-dataset": "guests jobs shares",
    "set-dataset-properties": "guests jobs shares",
    "update-storage": "guests jobs",
    "remove-storage": "guests jobs",
    "disable-storage": "guests jobs",
}
"""What only the host can tell, by kind. Of all others nothing is."""


def own(action: Action) -> Evidence:
    """What follows from an action alone."""
    match action:
        case DestroyPool(datasets=datasets):
            return Evidence(datasets=tuple(datasets))
        case DestroyDataset(dataset=dataset, snapshots=snapshots, clones=clones):
            return Evidence(snapshots=tuple(f"{dataset}@{x}" for x in snapshots), clones=clones)
        case WipeDisk(contents=contents):
            return Evidence(contents=contents)
        case CreateCheckpoint():
            return Evidence(price=CHECKPOINT_PRICE)
        case SnapshotDataset():
            return Evidence(price=SNAPSHOT_PRICE)
        case RetireDataset(dataset=dataset, below=below):
            return Evidence(datasets=(dataset, *below))
        case ImportPool(ours=False):
            return Evidence(unknown=("what is on it",))
        case _:
            return Evidence()


@pytest.mark.parametrize("action", EXAMPLES, ids=action_id)
def test_what_follows_from_no_action_is_forged(action: Action) -> None:
    """Part by part; an import of this host's own pool leaves nothing unknown."""
    free = set(FREE.get(action.TYPE, "").split())
    if isinstance(action, ImportPool) and action.ours:
        free = set()
    assert {field.name for field in attrs.fields(Evidence)} == FOREIGN.keys()
    assert forged(action, own(action)) == set()
    for name, value in FOREIGN.items():
        found = forged(action, attrs.evolve(own(action), **{name: value}))
        assert found == ({name} - free), name


POOL = DestroyPool(
    pool="tank", guid=Guid("7"), disks=(), datasets={"tank": "/tank", "tank/a": "/tank/a"}
)
DATASET = DestroyDataset(
    dataset="tank/a", guid=Guid("7"), snapshots={"x": Guid("8"), "y": Guid("9")},
    clones=("tank/c", "tank/d"),
)  # fmt: skip
WIPE = next(one for one in EXAMPLES if isinstance(one, WipeDisk))
WIPE = attrs.evolve(WIPE, contents=("ext4", "btrfs"))
CHECKPOINT = next(one for one in EXAMPLES if isinstance(one, CreateCheckpoint))
SNAPSHOT = next(one for one in EXAMPLES if isinstance(one, SnapshotDataset))
RETIRED = next(one for one in EXAMPLES if isinstance(one, RetireDataset))
RETIRED = attrs.evolve(RETIRED, dataset="tank/old", below={"tank/old/b": Guid("44")})
FOREIGN_POOL = next(one for one in EXAMPLES if isinstance(one, ImportPool) and not one.ours)


@pytest.mark.parametrize(
    ("action", "wrong", "changes"),
    [
        (POOL, "", {"datasets": ("tank/a", "tank")}),
        (POOL, "datasets", {"datasets": ("tank",)}),
        (POOL, "datasets", {"datasets": ("tank", "tank/a", "tank/b")}),
        (POOL, "", {"snapshots": ("tank/a@x",)}),
        (POOL, "", {"snapshots": ("tank/a@x", "tank@y"), "holds": ("tank@y",)}),
        (POOL, "holds", {"snapshots": ("tank/a@x",), "holds": ("tank/a@y",)}),
        (POOL, "snapshots", {"snapshots": ("tank/a@x", "tank/b@x")}),
        (POOL, "clones", {"clones": ("tank/a/c",)}),
        (POOL, "clones", {"clones": ("other/c", "tank")}),
        (POOL, "", {"clones": ("tanker/c",)}),
        (DATASET, "snapshots", {"snapshots": ("tank/a@x",)}),
        (DATASET, "snapshots", {"snapshots": ("tank/a@x", "tank/a@y", "tank/a@z")}),
        (DATASET, "snapshots", {"snapshots": ("tank/b@x", "tank/b@y")}),
        (DATASET, "", {"holds": ("tank/a@x",)}),
        (DATASET, "", {"holds": ("tank/a@x", "tank/a@y")}),
        (DATASET, "holds", {"holds": ("tank/a@x", "tank/a@z")}),
        (DATASET, "clones", {"clones": ("tank/c",)}),
        (DATASET, "", {"clones": ("tank/d", "tank/c")}),
        (WIPE, "", {"contents": ("ext4", "btrfs", "a part of an old pool")}),
        (WIPE, "contents", {"contents": ("ext4",)}),
        (WIPE, "contents", {"contents": ("btrfs", "ext4")}),
        (CHECKPOINT, "price", {"price": CHECKPOINT_PRICE[1:]}),
        (FOREIGN_POOL, "unknown", {"unknown": ()}),
        (SNAPSHOT, "price", {"price": ()}),
        (RETIRED, "datasets", {"datasets": ("tank/old",)}),
        (RETIRED, "", {"datasets": ("tank/old/b", "tank/old")}),
    ],
)
def test_a_part_of_what_it_takes_is_no_evidence(
    action: Action, wrong: str, changes: dict[str, Any]
) -> None:
    """Neither less than the action says, nor more."""
    assert forged(action, attrs.evolve(own(action), **changes)) == set(wrong.split())


SEQUENCE = ["destroy-pool:tank", "remove-storage:old", "set-arc-max:zfs_arc_max"]


def paths(plan: Plan) -> list[str]:
    """Where a plan is not what it derives to."""
    try:
        verify(plan, "plan.json")
    except DocumentError as error:
        return [one.path if one.file == "plan.json" else "nowhere" for one in error.problems]
    return []


SET_ARC = next(one for one in EXAMPLES if isinstance(one, SetArcMax))
STORAGE = next(one for one in EXAMPLES if isinstance(one, RemoveStorage))
PLAN = plan_of(
    *sorted(
        (planned(SET_ARC), planned(POOL, own(POOL)), planned(STORAGE)),
        key=lambda one: SEQUENCE.index(one.ordered.id),
    ),
    desired=desired(want_pool("tank", "mirror", "A", "B")),
)


def test_the_plan_of_these_tests_is_sound() -> None:
    verify(PLAN, "plan.json")
    verify(attrs.evolve(PLAN, actions=()), "plan.json")


def test_a_plan_that_is_not_is_refused_as_a_whole() -> None:
    """With every place that is wrong."""
    wrong = attrs.evolve(PLAN, unmanaged=Unmanaged(pools=("tank",), storages=("old",)))
    with pytest.raises(DocumentError, match="nothing was run") as caught:
        verify(wrong, "plan.json")
    assert [one.path for one in caught.value.problems] == ["unmanaged.pools", "unmanaged.storages"]
    assert "never edited by hand" in caught.value.hint


def test_a_wish_that_no_config_can_declare() -> None:
    """By its place, or, where it is in no form in which a config is read, as a whole."""
    forced = desired(want_pool("-f", "mirror", "A", "B"))
    (place, *_) = paths(attrs.evolve(PLAN, desired=forced))
    assert place == "desired: zfs.pools[0].name"
    with pytest.raises(DocumentError) as caught:
        verify(attrs.evolve(PLAN, desired=forced), "plan.json")
    assert {one.line for one in caught.value.problems} == {None}
    properties = {"path": "/srv", "content": "iso, backup"}
    odd = desired(storages=[DesiredStorage(id="srv", type="dir", properties=properties)])
    assert paths(attrs.evolve(PLAN, desired=odd)) == ["desired"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "x:y"), ("before", {"a": "b"}), ("after", {"a": "b"}), ("commands", ()),
        ("undo", "easy"), ("needs", ("nothing",)), ("safety", "safe"), ("code", "creates-pool"),
        ("reason", "routine"), ("requires", ("x:y",)), ("serves", ("x:y",)),
    ],
)  # fmt: skip
def test_each_field_of_a_row_is_what_it_derives_to(field: str, value: Any) -> None:
    """Whatever else is right. A row that only prepares may say so of any row that is there."""
    at = [row.id for row in PLAN.actions].index(action_id(POOL))
    rows = list(PLAN.actions)
    rows[at] = attrs.evolve(rows[at], **{field: value})
    assert paths(attrs.evolve(PLAN, actions=tuple(rows))) == [f"actions[{at}].{field}"]
    rows[at] = attrs.evolve(PLAN.actions[at], serves=tuple(SEQUENCE))
    assert paths(attrs.evolve(PLAN, actions=tuple(rows))) == []


def test_rows_stand_once_and_in_their_order() -> None:
    first, *others = PLAN.actions
    assert paths(attrs.evolve(PLAN, actions=(*others, first))) == ["actions"]
    twice = paths(attrs.evolve(PLAN, actions=(*PLAN.actions, first)))
    assert twice == [f"actions[{len(PLAN.actions)}]"]


def unchanged(kind: Any, name: str) -> Unchanged:
    return Unchanged(subject=Subject(kind=kind, name=name))


def blocked(action: Action) -> Blocked:
    return Blocked(id=action_id(action), subject=Subject(kind="host", name="x"), because=())


def finding(code: str) -> Finding:
    subject = Subject(kind="pool", name="tank")
    return Finding(severity="note", code=code, subject=subject, message="")


@pytest.mark.parametrize("tag", ["pool", "dataset"])
def test_what_goes_along_is_not_left_alone_either(tag: str) -> None:
    """With a pool that is destroyed, or a dataset that is put aside."""
    action = POOL if tag == "pool" else attrs.evolve(RETIRED, below={"tank/a": Guid("5")})
    plan = attrs.evolve(PLAN, actions=plan_of(planned(action, own(action))).actions)
    assert paths(plan) == []
    assert paths(attrs.evolve(plan, unchanged=(unchanged("dataset", "tank/a"),))) == [
        "unchanged[0]"
    ]
    assert paths(attrs.evolve(plan, unchanged=(unchanged("dataset", "tank/b"),))) == []


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        ("unchanged[1]", {"unchanged": (unchanged("pool", "x"), unchanged("pool", "tank"))}),
        ("unchanged[0]", {"unchanged": (unchanged("dataset", "tank/a"),)}),
        ("unchanged[0]", {"unchanged": (unchanged("storage", "old"),)}),
        ("", {"unchanged": (unchanged("dataset", "old"), unchanged("storage", "tank"))}),
        ("unmanaged.pools", {"unmanaged": Unmanaged(pools=("x", "tank"))}),
        ("unmanaged.datasets", {"unmanaged": Unmanaged(datasets=("tank/a",))}),
        ("unmanaged.storages", {"unmanaged": Unmanaged(storages=("old",))}),
        ("", {"unmanaged": Unmanaged(pools=("old",), storages=("tank",), datasets=("x",))}),
        ("blocked[1]", {"blocked": (blocked(DATASET), blocked(POOL))}),
        ("findings[1].code", {"findings": (finding("probe-failed"), finding("all-is-well"))}),
    ],
)
def test_what_is_changed_is_not_said_to_be_left_alone(place: str, changes: dict[str, Any]) -> None:
    """Nor right already, nor not planned; and no code is made up."""
    assert paths(attrs.evolve(PLAN, **changes)) == ([place] if place else [])
