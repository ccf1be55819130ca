"""Between a plan and the same plan made now, or a row and the host right before it runs: each thing
that can have moved, on its own. test_stale.py asks the command line."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from phoenix_plan.actions import (
    Action,
    Change,
    DestroyDataset,
    DestroyPool,
    RemoveStorage,
    RetireDataset,
    SetDatasetProperties,
    SetPoolProperties,
    UpdateStorage,
    WipeDisk,
    action_id,
)
from phoenix_plan.apply.stale import (
    CONSEQUENCES,
    beyond_now,
    changed_since,
    differences,
    rows_now,
)
from phoenix_plan.evidence import Evidence, evidence
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.datasets import KEPT_UNTIL
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.model.subjects import Subject
from phoenix_plan.plan import Plan, Row
from phoenix_plan.planner import Outcome, Unmanaged
from phoenix_plan.planner.items import Finding
from phoenix_plan.planner.order import Blocked
from tests.builders import (
    actual,
    by_id,
    dataset,
    guid_of,
    idle_pool,
    member,
    occupied,
    pool,
    storage,
    top,
)
from tests.render.samples import plan_of, planned

DATA = Guid(guid_of("tank/a"))
DESTROY = DestroyDataset(dataset="tank/a", guid=DATA, snapshots={"x": Guid("8"), "y": Guid("9")})
SET = SetDatasetProperties(
    dataset="tank/b", guid=Guid("7"),
    properties=(Change(name="atime", before="on", after="off"),),
)  # fmt: skip
PLAN = plan_of(planned(DESTROY, Evidence(snapshots=("tank/a@x", "tank/a@y"))), planned(SET))
FIRST, SECOND = PLAN.actions


def with_rows(*rows: Row, **changes: Any) -> Plan:
    return attrs.evolve(PLAN, actions=rows, **changes)


def finding(code: str, severity: Any = "warning", message: str = "said") -> Finding:
    subject = Subject(kind="pool", name="tank")
    return Finding(severity=severity, code=code, subject=subject, message=message)


def test_what_is_as_it_was_has_not_moved() -> None:
    assert differences(PLAN, PLAN) == ()


def test_a_row_that_is_no_longer_planned_and_one_that_nobody_reviewed() -> None:
    """With why, where the planner says it of that row."""
    gone = f"{FIRST.id}: would no longer be planned"
    assert differences(PLAN, with_rows(SECOND)) == (gone,)
    why = Blocked(id=FIRST.id, subject=Subject(kind="dataset", name="tank/a"), because=("a", "b"))
    other = attrs.evolve(why, id="x:y", because=("c",))
    fresh = with_rows(SECOND, blocked=(other, why))
    assert differences(PLAN, fresh) == (f"{gone} (a b)",)
    new = f"{FIRST.id}: would be planned now, and was not reviewed"
    assert differences(with_rows(SECOND), PLAN) == (new,)


def test_an_error_that_the_plan_has_not_told_of() -> None:
    """One that it has is no news, whatever its words are by now."""
    fresh = attrs.evolve(PLAN, findings=(finding("pool-suspended", "error"),))
    assert differences(PLAN, fresh) == ("pool tank: said",)
    told = attrs.evolve(PLAN, findings=(finding("pool-suspended", "error", "in other words"),))
    assert differences(told, fresh) == ()
    elsewhere = attrs.evolve(told, findings=(finding("pool-unknown", "error"),))
    assert differences(elsewhere, fresh) == ("pool tank: said",)


@pytest.mark.parametrize("code", [*sorted(CONSEQUENCES), "backup-verified"])
def test_what_the_rows_will_do_was_reviewed_with_them(code: str) -> None:
    """What is said of the host's health is not."""
    told = attrs.evolve(PLAN, findings=(finding(code),))
    matters = code in (
        "idle-pool-overwritten", "storage-loses-home", "plan-again-after-import",
        "plan-again-after-rename",
    )  # fmt: skip
    assert differences(PLAN, told) == ("pool tank: is new: said",) * matters
    assert differences(told, PLAN) == ("pool tank: is no longer so: said",) * matters
    assert differences(told, told) == ()


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("was destructive, is safe now", {"safety": "safe"}),
        ("its place among the other actions has changed", {"serves": ("x:y",)}),
        ("its place among the other actions has changed", {"requires": ("x:y",)}),
        ("guests: qemu/100: not in the plan",
            {"evidence": attrs.evolve(FIRST.evidence, guests=("qemu/100",))}),
        ("guid: was " + DATA + ", is 5 now", {"action": attrs.evolve(DESTROY, guid=Guid("5"))}),
        ("snapshots.z: 1 is new",
            {"action": attrs.evolve(DESTROY, snapshots={**DESTROY.snapshots, "z": Guid("1")})}),
        ("snapshots.x: was 8, is 5 now",
            {"action": attrs.evolve(DESTROY, snapshots={"x": Guid("5"), "y": Guid("9")})}),
    ],
)  # fmt: skip
def test_a_row_that_is_another(said: str, changes: dict[str, Any]) -> None:
    moved = attrs.evolve(FIRST, **changes)
    assert differences(PLAN, with_rows(moved, SECOND)) == (f"{FIRST.id}: {said}",)


def test_less_is_not_beyond_what_was_agreed_to() -> None:
    """The rows take what is there now, and stay agreed to as they were."""
    less = attrs.evolve(DESTROY, snapshots={"y": Guid("9")})
    fresh = with_rows(attrs.evolve(FIRST, action=less, evidence=Evidence()), SECOND)
    assert differences(PLAN, fresh) == ()
    (row, _) = rows_now(PLAN, fresh)
    assert row.action == less
    assert row.evidence == FIRST.evidence
    whole = DestroyPool(pool="tank", guid=Guid("7"), disks=(), datasets={"tank": "/", "tank/a": ""})
    part = attrs.evolve(whole, datasets={"tank": "/"})
    more = attrs.evolve(whole, datasets={**whole.datasets, "tank/b": ""})
    other = attrs.evolve(whole, datasets={"tank": "/elsewhere"})
    plan = plan_of(planned(whole))
    for now, moved in ((part, 0), (more, 1), (other, 2)):
        assert len(differences(plan, plan_of(planned(now)))) == moved, now


RETIRE = RetireDataset(
    dataset="tank/a", guid=DATA, kind="filesystem", to="tank/kept", keep="30d",
    below={"tank/a/b": Guid("1"), "tank/a/c": Guid("2")}, automounts=("tank/a/b",),
)  # fmt: skip


def test_what_goes_aside_with_it_may_be_less() -> None:
    plan = plan_of(planned(RETIRE))
    less = attrs.evolve(RETIRE, below={"tank/a/c": Guid("2")}, automounts=())
    none = attrs.evolve(RETIRE, below={}, automounts=())
    other = attrs.evolve(RETIRE, below={**RETIRE.below, "tank/a/c": Guid("3")})
    more = attrs.evolve(RETIRE, below={**RETIRE.below, "tank/a/d": Guid("3")})
    for now, moved in ((RETIRE, 0), (less, 0), (none, 0), (other, 1), (more, 1)):
        assert len(differences(plan, plan_of(planned(now)))) == moved


def row_of(action: Action, there: Actual) -> Row:
    """As it was agreed to on that state."""
    return plan_of(planned(action, evidence(action, Index(there)))).actions[0]


def tank(*more: Any, **changes: Any) -> Actual:
    there = pool("tank", top("mirror", "tank", "A", "B"))
    return actual(member("A", "tank"), member("B", "tank"), *more, pools=(there,), **changes)


def test_right_before_a_wipe_the_disk_holds_no_more() -> None:
    """But for labels of pools that this run itself has let go."""
    bare = occupied("C")
    held = ("ext4, UUID uuid-of-C (at byte 1080)",)
    action = WipeDisk(disk=by_id("C"), identity="x", emptiness="occupied", contents=held, ranges=())
    row = row_of(action, actual(bare))
    assert beyond_now(row, actual(bare), ()) == ()
    more = attrs.evolve(bare, signatures=(*bare.signatures, *occupied("C", "btrfs").signatures))
    (said,) = [one for one in beyond_now(row, actual(more), ()) if one.startswith(by_id("C"))]
    assert "holds btrfs" in said
    assert said.endswith("not in the plan")
    labelled = attrs.evolve(bare, labels=member("C", "old").labels)
    guid = guid_of("old")
    assert any("not in the plan" in one for one in beyond_now(row, actual(labelled), ()))
    assert any("not in the plan" in one for one in beyond_now(row, actual(labelled), ["7"]))
    assert beyond_now(row, actual(labelled), [guid]) == ()
    idle = actual(bare, idle=[idle_pool("old", disks=(bare.path,))])
    (said,) = beyond_now(row, idle, ())
    assert said.startswith("unknown: what is on pool old")
    assert beyond_now(row, idle, ["7"]) == (said,)
    assert beyond_now(row, idle, [guid]) == ()
    assert beyond_now(row, actual(), ()) == (), "gone: its needs say so"
    (said,) = beyond_now(row, actual(bare, unknown=["labels"]), ())
    assert "could not be learnt" in said


def test_right_before_a_destruction_nobody_new_lives_there() -> None:
    """A storage on a child is the business of the child's own action, and of the pool's."""
    there = tank(datasets=[dataset("tank/a"), dataset("tank/a/b")])
    old = storage("old", pool="tank/a", content="images")
    new = storage("new", pool="tank/a", content="images")
    below = storage("below", pool="tank/a/b", content="images")
    agreed = attrs.evolve(DESTROY, snapshots={}, storages=("old",))
    row = row_of(agreed, there)
    for storages, said in (
        ([old], ()),
        ([old, below], ()),
        ([old, new], ("storage new lives on tank/a: not in the plan",)),
    ):
        assert beyond_now(row, attrs.evolve(there, **_storages(storages)), ()) == said
    whole = DestroyPool(pool="tank", guid=Guid(guid_of("tank")), disks=(), storages=("old",))
    row = row_of(whole, there)
    seen = beyond_now(row, attrs.evolve(there, **_storages([old, below])), ())
    assert seen == ("storage below lives on tank: not in the plan",)


def test_what_goes_aside_takes_all_storages_below_it_along() -> None:
    there = tank(datasets=[dataset("tank/a"), dataset("tank/a/b")])
    action = attrs.evolve(RETIRE, below={}, storages=("old",))
    row = row_of(action, there)
    old = storage("old", pool="tank/a", content="images")
    below = storage("below", pool="tank/a/b", content="images")
    assert beyond_now(row, attrs.evolve(there, **_storages([old])), ()) == ()
    seen = beyond_now(row, attrs.evolve(there, **_storages([old, below])), ())
    assert seen == ("storage below lives on tank/a: not in the plan",)


@pytest.mark.parametrize(
    ("kept", "until"),
    [(True, "2026-11-23T08:00:01Z"), (False, "2026-11-23T08:00:00Z"), (True, "soon")],
)
def test_what_was_put_aside_is_kept_until_its_time(*, kept: bool, until: str) -> None:
    """Whatever was agreed to: its mark is read again right before."""
    name = f"tank/phoenix-retired-{DATA}"
    there = tank(datasets=[dataset(name, guid=DATA, set={KEPT_UNTIL: until})])
    action = DestroyDataset(dataset=name, guid=DATA)
    said = beyond_now(row_of(action, there), there, ())
    assert said == ((f"{name} was put aside, and is to be kept until {until}",) if kept else ())


def _storages(storages: list[Any]) -> dict[str, Any]:
    return {"storages": tank(storages=storages).storages}


def test_right_before_a_destruction_its_snapshots_are_the_ones_that_were_agreed_to() -> None:
    """One that has gone is no matter, one that was taken anew is."""
    there = tank(datasets=[dataset("tank/a", snapshots={"x": "8", "y": "9"})])
    row = row_of(DESTROY, there)
    assert beyond_now(row, there, ()) == ()
    assert beyond_now(row, tank(datasets=[dataset("tank/a", snapshots={"x": "8"})]), ()) == ()
    assert beyond_now(row, tank(), ()) == ()
    held = dataset("tank/a", snapshots={"x": "8", "y": "9", "z": "1"})
    (said,) = beyond_now(row, tank(datasets=[held]), ())
    assert said == "snapshots: tank/a@z: not in the plan"
    anew = tank(datasets=[dataset("tank/a", snapshots={"x": "5", "y": "9"})])
    assert beyond_now(row, anew, ()) == ("snapshot tank/a@x was taken anew: not in the plan",)


def now(*actions: Action) -> Outcome:
    """What would be planned now."""
    return Outcome(
        actions=tuple(planned(one) for one in actions), blocked=(), findings=(), unchanged=(),
        unmanaged=Unmanaged(),
    )  # fmt: skip


def setting(name: str, before: str, after: str) -> SetDatasetProperties:
    change = Change(name=name, before=before, after=after)
    return attrs.evolve(SET, properties=(change,))


def of_pool(name: str, before: str, after: str) -> SetPoolProperties:
    change = Change(name=name, before=before, after=after)
    return SetPoolProperties(pool="tank", guid=Guid("7"), properties=(change,))


def retention(before: str) -> UpdateStorage:
    change = Change(name="prune-backups", before=before, after="keep-last=2")
    return UpdateStorage(storage="backups", kind="dir", properties=(change,))


@pytest.mark.parametrize(
    ("said", "agreed", "actions"),
    [
        ((), setting("atime", "on", "off"), (setting("atime", "on", "off"),)),
        # Set already, or by another row.
        ((), setting("atime", "on", "off"), ()),
        ((), setting("atime", "on", "off"), (DESTROY,)),
        # Safe from there too, and to the same value.
        ((), setting("atime", "x", "off"), (setting("atime", "y", "off"),)),
        (("properties.before: was on, is y now", "properties.after: was off, is z now"),
            setting("atime", "on", "off"), (setting("atime", "y", "z"),)),
        # Somebody has grown it further meanwhile.
        (("was safe, is destructive by now: what lies beyond 2048 bytes is lost",),
            setting("volsize", "1024", "2048"), (setting("volsize", "4096", "2048"),)),
        # What is destructive was agreed to from its value.
        ((), setting("sync", "standard", "disabled"), (setting("sync", "standard", "disabled"),)),
        (("properties.before: was standard, is always now",),
            setting("sync", "standard", "disabled"), (setting("sync", "always", "disabled"),)),
        (("was safe, is destructive by now: cachefile is not among the pool properties listed as "
          "safe",),
            of_pool("autotrim", "x", "on"), (of_pool("cachefile", "", "y"),)),
        (("properties.before: was keep-last=7, is keep-last=9 now",),
            retention("keep-last=7"), (retention("keep-last=9"),)),
        # Steps of other kinds have needs that see it.
        ((), DESTROY, (attrs.evolve(DESTROY, guid=Guid("5")),)),
    ],
)  # fmt: skip
def test_a_row_changes_the_values_that_it_was_planned_to(
    said: tuple[str, ...], agreed: Action, actions: tuple[Action, ...]
) -> None:
    row = plan_of(planned(agreed)).actions[0]
    assert sorted(changed_since(row, now(*actions))) == sorted(said)


def test_a_storage_is_forgotten_as_it_was_agreed_to() -> None:
    action = RemoveStorage(storage="vm", kind="dir", properties={"path": "/srv"}, because="")
    row = plan_of(planned(action)).actions[0]
    assert changed_since(row, now(action)) == ()
    moved = attrs.evolve(action, properties={"path": "/else"})
    assert action_id(moved) == row.id
    assert changed_since(row, now(moved)) == ("properties.path: was /srv, is /else now",)


def test_what_is_no_text_is_told_as_a_document_has_it() -> None:
    two = (*SET.properties, Change(name="our:owner", before="", after="Jürgen"))
    moved = attrs.evolve(SECOND, action=attrs.evolve(SET, properties=two))
    (said,) = differences(PLAN, with_rows(FIRST, moved))
    value = '{"name": "our:owner", "after": "Jürgen"}'
    assert said == f"{SECOND.id}: properties: {value} is new"
    (said,) = differences(with_rows(FIRST, moved), PLAN)
    assert said == f"{SECOND.id}: properties: {value} is gone"


def test_growth_is_told_in_words_for_people() -> None:
    agreed = attrs.evolve(FIRST, evidence=attrs.evolve(FIRST.evidence, used=Bytes(1 << 30)))
    grown = attrs.evolve(agreed, evidence=attrs.evolve(agreed.evidence, used=Bytes(2 << 30)))
    said = differences(with_rows(agreed, SECOND), with_rows(grown, SECOND))
    assert said == (f"{FIRST.id}: 2G are used, the plan said 1G",)
    untold = attrs.evolve(agreed, evidence=attrs.evolve(agreed.evidence, used=None))
    (only,) = differences(with_rows(untold, SECOND), with_rows(grown, SECOND))
    assert only == f"{FIRST.id}: 2G are used, which the plan did not say"
