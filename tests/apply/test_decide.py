"""What became of an action that was under way: each verdict, for what can be seen on the host.

Pure: a state, what would be planned on it, and how many commands were seen to end. tests/faults
kills whole runs; here each thing that could be seen is seen, or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import (
    Action,
    Change,
    CreateCheckpoint,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    EnableStorage,
    ImportPool,
    OfflineDisk,
    RenameDataset,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    VdevAction,
    WipeDisk,
    action_id,
)
from phoenix_plan.apply.after import not_ready
from phoenix_plan.apply.decide import Decision, decide
from phoenix_plan.model.actual import Actual, ArcMax
from phoenix_plan.model.datasets import KEPT_UNTIL, RETIRED_FROM
from phoenix_plan.model.index import Index
from phoenix_plan.model.pools import Pool, Property
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.model.subjects import Subject
from phoenix_plan.plan import make_plan
from phoenix_plan.planner import Outcome, Unmanaged
from phoenix_plan.planner.order import Blocked
from tests.builders import (
    actual,
    by_id,
    dataset,
    desired,
    disk,
    guid_of,
    idle_pool,
    member,
    occupied,
    pool,
    storage,
    top,
    want_pool,
)
from tests.render.samples import planned

TANK = Guid(guid_of("tank"))
DATA = Guid(guid_of("tank/a"))


def tank(*more: Any, **changes: Any) -> Actual:
    """A host with the pool `tank` on A and B, and whatever else."""
    there: Pool = pool("tank", top("mirror", "tank", "A", "B"), **changes.pop("pool", {}))
    return actual(member("A", "tank"), member("B", "tank"), *more, pools=(there,), **changes)


def decided(
    action: Action,
    there: Actual,
    *again: Action,
    blocked: tuple[Blocked, ...] = (),
    cleared: Iterable[str] = (),
    ended: int = 0,
) -> Decision:
    """What became of it; `again` is what would be planned now, and `blocked`."""
    now = Outcome(
        actions=tuple(planned(one) for one in again), blocked=blocked, findings=(), unchanged=(),
        unmanaged=Unmanaged(),
    )  # fmt: skip
    return decide(action, now, Index(there), cleared=frozenset(cleared), ended=ended)


@pytest.mark.parametrize("action", EXAMPLES, ids=action_id)
def test_where_nothing_is_in_sight_nothing_has_happened(action: Action) -> None:
    """But what takes away what is named in a file, or sets what is known."""
    free = action.TYPE in ("remove-storage", "set-arc-max")
    assert decided(action, actual()).verdict == ("done" if free else "unknown")
    assert decided(action, actual(idle=[idle_pool("x", disks=())])).verdict == (
        "done" if free else "unknown"
    )


@pytest.mark.parametrize(
    "action", [one for one in EXAMPLES if isinstance(one, VdevAction)], ids=action_id
)
def test_what_is_seen_of_another_pool_is_no_proof(action: VdevAction) -> None:
    """It has the name, and another GUID."""
    for state in ({}, {"checkpoint": Bytes(1)}):
        assert decided(action, tank(pool=state)).verdict == "unknown"


DESTROY = DestroyDataset(
    dataset="tank/a", guid=DATA, snapshots={"x": Guid("8"), "y": Guid("9")}
)  # fmt: skip


def test_a_dataset_is_destroyed_snapshot_by_snapshot() -> None:
    """What is left of it can be run; a pool that is out of sight holds no dataset, and proves
    nothing."""
    whole = dataset("tank/a", snapshots={"x": "8", "y": "9"})
    found = decided(DESTROY, tank(datasets=[whole]), DESTROY)
    assert (found.verdict, found.action) == ("not-done", DESTROY)
    half = attrs.evolve(whole, snapshots={"y": "9"})
    found = decided(DESTROY, tank(datasets=[half]), DESTROY)
    assert (found.verdict, found.why) == ("partly", "what is left of it can be run")
    assert found.action == attrs.evolve(DESTROY, snapshots={"y": Guid("9")})
    assert decided(DESTROY, tank()).verdict == "done"
    assert decided(DESTROY, tank(), DESTROY).verdict == "unknown", "planned again all the same"
    waits = Blocked(
        id=action_id(DESTROY), subject=Subject(kind="dataset", name="tank/a"), because=()
    )
    assert decided(DESTROY, tank(), blocked=(waits,)).verdict == "unknown", "or wanted again"
    assert decided(DESTROY, actual()).verdict == "unknown"
    other = attrs.evolve(whole, guid=Guid("815"))
    assert decided(DESTROY, tank(datasets=[other]), DESTROY).verdict == "unknown"


def test_a_folder_counts_where_somebody_looked_at_it() -> None:
    """The destruction frees it; folders that nobody needs are not looked at."""
    action = attrs.evolve(DESTROY, mountpoint="/tank/a")
    assert decided(action, tank(directories={})).verdict == "done"
    assert decided(action, tank(directories={"/tank/a": "absent"})).verdict == "done"
    assert decided(action, tank(directories={"/tank/a": "occupied"})).verdict == "unknown"


B = Guid(guid_of("tank/a/b"))
RETIRE = RetireDataset(
    dataset="tank/a", guid=DATA, kind="filesystem", to="tank/kept", keep="30d",
    below={"tank/a/b": B}, automounts=("tank/a", "tank/a/b"), writable=("tank/a/b",),
    mountpoints={"tank/a": "/tank/a", "tank/a/b": "/tank/a/b"},
)  # fmt: skip
MARKS = {KEPT_UNTIL: "2026-12-23T08:00:00Z", RETIRED_FROM: "tank/a", "readonly": "on"}


def aside(**changes: Any) -> Actual:
    """As it leaves the host, but for some fields of the dataset."""
    kept = dataset("tank/kept", guid=DATA, mounted=False, set=MARKS)
    below = dataset("tank/kept/b", guid=B, mounted=changes.pop("below", False))
    return tank(datasets=[attrs.evolve(kept, **changes), below])


@pytest.mark.parametrize(
    ("verdict", "why", "changes"),
    [
        ("done", "", {}),
        ("unknown", "tank/kept has no phoenix:retired-from",
            {"set": {**MARKS, RETIRED_FROM: None}}),
        ("unknown", "tank/kept is not read-only", {"set": {**MARKS, "readonly": "off"}}),
        ("unknown", "tank/kept is mounted", {"mounted": True}),
        ("unknown", "tank/kept/b is mounted", {"below": True}),
        ("unknown", "", {"guid": Guid("1")}),
        ("unknown", "", {"guid": Guid("1"), "set": {}}),
    ],
)  # fmt: skip
def test_a_dataset_is_put_aside_with_its_marks(
    verdict: str, why: str, changes: dict[str, Any]
) -> None:
    """Read-only, unmounted with all that is below it, and known for what it is."""
    if "set" in changes:
        changes["set"] = {name: one for name, one in changes["set"].items() if one is not None}
    found = decided(RETIRE, aside(**changes))
    assert (found.verdict, found.skip) == (verdict, 0)
    assert why in found.why


def test_the_marks_of_what_is_put_aside_come_last() -> None:
    """They are set where its rename was seen, and nothing before that is run again."""
    found = decided(RETIRE, aside(set={"readonly": "off"}))
    assert (found.verdict, found.skip) == ("partly", len(RETIRE.writes()) - 1)
    assert found.why == "its last command is still to be run"
    taken = attrs.evolve(aside(set={"readonly": "off"}), directories={"/tank/a": "occupied"})
    assert decided(RETIRE, taken).verdict == "unknown", "somebody is where it was mounted"


def test_what_is_put_aside_is_changed_as_far_as_it_is_not_yet() -> None:
    """What mounts by itself no more, and what is read-only by now, is left as it is."""
    whole, below = dataset("tank/a"), dataset("tank/a/b", guid=B)
    assert decided(RETIRE, tank(datasets=[whole, below]), RETIRE).verdict == "not-done"
    for automounts, writable, datasets in (
        (("tank/a/b",), ("tank/a/b",), [attrs.evolve(whole, set={"canmount": "off"}), below]),
        (("tank/a", "tank/a/b"), (), [whole, attrs.evolve(below, set={"readonly": "on"})]),
        (("tank/a",), (), [whole]),
    ):
        found = decided(RETIRE, tank(datasets=datasets), RETIRE)
        assert found.verdict == "partly"
        assert found.action == attrs.evolve(RETIRE, automounts=automounts, writable=writable)
    assert decided(RETIRE, actual()).verdict == "unknown"


def test_a_snapshot_is_taken_where_it_is_there() -> None:
    """Of that dataset, though the next plan would take one more."""
    action = SnapshotDataset(dataset="tank/a", guid=DATA, snapshot="net")
    there = tank(datasets=[dataset("tank/a", snapshots={"net": "5"})])
    assert decided(action, there).verdict == "done"
    assert decided(action, there, action).verdict == "done"
    assert decided(action, tank(datasets=[dataset("tank/a")]), action).verdict == "not-done"
    other = dataset("tank/a", guid=Guid("1"), snapshots={"net": "5"})
    assert decided(action, tank(datasets=[other])).verdict == "unknown"
    assert decided(action, tank()).verdict == "unknown"


@pytest.mark.parametrize(
    ("ready", "partly", "given", "there"),
    [
        (True, False, False, tank(datasets=[dataset("tank/a", snapshots={})])),
        (False, False, False, tank()),
        (True, False, True, tank()),
        (False, True, True, tank(datasets=[dataset("tank/a", snapshots={})])),
        (True, True, False, tank()),
    ],
)
def test_what_a_row_rests_on(*, ready: bool, partly: bool, given: bool, there: Actual) -> None:
    """What it needs and no earlier row of the rest gives; where a part of it is done, what it
    gives has to be there."""
    action = attrs.evolve(DESTROY, snapshots={})
    known = action.needs() if given else ()
    found = not_ready(action, Index(there), (), partly=partly, given=known)
    assert (found == "") is ready


def test_a_disk_that_this_run_has_cleared_is_one_to_build_on() -> None:
    """Though nobody can recognise what its middle holds."""
    wanted = desired(want_pool("tank", "mirror", "A", "B"))
    (row,) = make_plan(wanted, actual(disk("A"), disk("B"))).actions
    there = Index(actual(disk("A", emptiness="residual"), disk("B")))
    assert not_ready(row.action, there, [by_id("A")], partly=False) == ""
    assert not_ready(row.action, there, [by_id("B")], partly=False)
    wiped = next(one for one in EXAMPLES if isinstance(one, WipeDisk))
    wiped = attrs.evolve(wiped, disk=by_id("A"))
    assert not_ready(wiped, there, [by_id("A")], partly=True) == ""
    assert not_ready(wiped, there, (), partly=True)


def test_a_pool_is_destroyed_where_its_disks_say_so() -> None:
    """Not where it was only exported, where its disks are gone, or nobody could look."""
    action = DestroyPool(pool="tank", guid=TANK, disks=(by_id("A"), by_id("B")), datasets={})
    free = (occupied("A"), occupied("B"))

    def idle(state: Any, name: str = "tank") -> Actual:
        return actual(*free, idle=(idle_pool(name, disks=(), state=state),))

    assert decided(action, actual(*free)).verdict == "done"
    assert decided(action, idle("destroyed")).verdict == "done"
    assert decided(action, idle("exported", "other")).verdict == "done"
    found = decided(action, idle("exported"))
    assert found.verdict == "unknown"
    assert f"pool tank ({TANK}) is exported, and not destroyed" in found.why
    assert decided(action, actual(*free, unknown=["idle-pools"])).verdict == "unknown"
    assert decided(action, actual(*free[:1])).verdict == "unknown"
    assert decided(action, tank(), action).verdict == "not-done"


def test_a_dataset_is_renamed_where_its_guid_is_at_the_new_name() -> None:
    action = RenameDataset(dataset="tank/a", guid=DATA, to="tank/b")
    moved = dataset("tank/b", guid=DATA)
    assert decided(action, tank(datasets=[moved])).verdict == "done"
    assert (
        decided(action, tank(datasets=[attrs.evolve(moved, guid=Guid("1"))])).verdict == "unknown"
    )
    assert decided(action, tank(datasets=[dataset("tank/a")]), action).verdict == "not-done"
    assert decided(action, tank()).verdict == "unknown"


def changes(**values: str) -> tuple[Change, ...]:
    return tuple(Change(name=name, before="x", after=value) for name, value in values.items())


def test_of_several_values_those_are_left_that_are_still_others() -> None:
    """As the planner sees it; where it would plan nothing of them, all are set."""
    action = SetDatasetProperties(
        dataset="tank/a", guid=DATA, properties=changes(atime="off", relatime="on")
    )
    rest = attrs.evolve(action, properties=action.properties[1:])
    there = tank(datasets=[dataset("tank/a")])
    assert decided(action, there).verdict == "done"
    assert decided(action, there, action).verdict == "not-done"
    found = decided(action, there, rest)
    assert (found.verdict, found.action) == ("partly", rest)
    more = attrs.evolve(action, properties=changes(atime="off", sync="disabled"))
    assert decided(action, there, more).action == action, "never what nobody agreed to"
    other = tank(datasets=[dataset("tank/a", guid=Guid("1"))])
    assert decided(action, other).verdict == "unknown"
    for elsewhere in (action, rest):
        moved = attrs.evolve(elsewhere, guid=Guid("1"))
        assert decided(action, other, moved).verdict == "unknown", "nor what is another by now"
    netted, anew = attrs.evolve(action, net="one"), attrs.evolve(rest, net="two")
    taken = tank(datasets=[dataset("tank/a", snapshots={"one": "5"})])
    assert decided(netted, taken, anew).action == attrs.evolve(rest, net="one"), "that was taken"
    beside = attrs.evolve(rest, dataset="tank/b")
    assert decided(action, there, beside).verdict == "done"
    assert decided(action, there, beside, action).verdict == "not-done"
    assert decided(action, actual()).verdict == "unknown"


def test_a_pools_values_are_not_seen_where_it_is_not() -> None:
    action = SetPoolProperties(pool="tank", guid=TANK, properties=changes(autotrim="on"))
    assert decided(action, tank()).verdict == "done"
    assert decided(action, tank(), action).verdict == "not-done"
    assert decided(action, actual()).verdict == "unknown"
    assert decided(action, tank(pool={"guid": Guid("1")})).verdict == "unknown"
    two = attrs.evolve(action, properties=changes(autotrim="on", comment="ours"))
    assert decided(two, tank(), action).action == action


VM = storage("vm", pool="tank/a", content="images")
OFF = storage("vm", pool="tank/a", content="images", disable="1")


@pytest.mark.parametrize(
    "action",
    [
        UpdateStorage(storage="vm", kind="zfspool", properties=changes(content="images")),
        DisableStorage(storage="vm", kind="zfspool"),
        EnableStorage(storage="vm"),
    ],
)
def test_a_storage_that_is_not_there_was_not_changed(action: Action) -> None:
    enabled = not isinstance(action, DisableStorage)
    there = tank(storages=[VM if enabled else OFF])
    assert decided(action, there).verdict == "done"
    assert decided(action, there, action).verdict == "not-done"
    assert decided(action, tank()).verdict == "unknown"


def test_of_several_settings_of_a_storage_those_are_left_that_are_still_others() -> None:
    both = UpdateStorage(storage="vm", kind="zfspool", properties=changes(content="x", sparse="1"))
    rest = attrs.evolve(both, properties=both.properties[:1])
    found = decided(both, tank(storages=[VM]), rest)
    assert (found.verdict, found.action) == ("partly", rest)


def test_a_storage_that_is_still_disabled_was_not_enabled() -> None:
    """Though nothing would plan it: what disabled it has not planned it either."""
    action = EnableStorage(storage="vm")
    assert decided(action, tank(storages=[OFF])).verdict == "not-done"


def test_a_pool_is_imported_once_all_of_it_is_mounted() -> None:
    """The mounts are commands of their own; another pool of that name is not it."""
    action = ImportPool(
        pool="tank", guid=TANK, state="exported", last_hostid="", last_hostname="", ours=True,
        disks=(by_id("A"), by_id("B")),
    )  # fmt: skip
    assert decided(action, tank(datasets=[dataset("tank/a")])).verdict == "done"
    found = decided(action, tank(datasets=[dataset("tank/a", mounted=False)]))
    assert (found.verdict, found.skip) == ("partly", 1)
    found = decided(
        action, tank(datasets=[dataset("tank/a", mounted=False, set={"canmount": "off"})])
    )
    assert (found.verdict, found.skip) == ("done", 0)
    other: dict[str, Any] = {"pool": {"guid": Guid("1")}}
    assert decided(action, tank(**other)).verdict == "unknown"
    unmounted = decided(action, tank(datasets=[dataset("tank/a", mounted=False)], **other))
    assert (unmounted.verdict, unmounted.skip) == ("unknown", 0)
    for cachefile, verdict in (("none", "unknown"), ("/etc/zfs/zpool.cache", "done")):
        kept = {"cachefile": Property(value=cachefile, source="local")}
        assert decided(action, tank(pool={"properties": kept})).verdict == verdict
    idle = idle_pool("tank", top("mirror", "tank", "A", "B"), disks=("/dev/vda", "/dev/vdb"))
    disks = (member("A", "tank", users=()), member("B", "tank", users=()))
    assert decided(action, actual(*disks, idle=[idle]), action).verdict == "not-done"


def test_a_pool_that_no_boot_imports_is_not_made() -> None:
    """zpoolprops(7): cachefile=none."""
    (create,) = (one for one in EXAMPLES if one.TYPE == "create-pool")
    none = {"cachefile": Property(value="none", source="local")}
    found = decided(create, tank(pool={"properties": none}))
    assert found.verdict == "unknown"
    assert "will not be imported at boot" in found.why


def test_a_step_on_vdevs_is_not_seen_where_the_pool_is_not() -> None:
    action = OfflineDisk(
        pool="tank", guid=TANK, member=Guid(guid_of("A")), disk=f"{by_id('A')}-part1", others=1,
        turn=1,
    )  # fmt: skip
    assert decided(action, tank(), action).verdict == "not-done"
    assert decided(action, actual()).verdict == "unknown"
    assert decided(action, tank(pool={"guid": Guid("1")})).verdict == "unknown"


def test_a_checkpoint_is_there_or_not() -> None:
    action = CreateCheckpoint(pool="tank", guid=TANK, turn=1)
    assert decided(action, tank()).verdict == "not-done"
    assert decided(action, tank(pool={"checkpoint": Bytes(1)})).verdict == "done"


def test_a_disk_is_wiped_where_it_is_seen_to_be() -> None:
    """One that was pulled holds no signature either. What nobody can recognise may stay on one
    that this run has cleared."""
    blank = disk("C")
    action = WipeDisk(
        disk=by_id("C"), identity="serial:C:1073741824", emptiness="occupied", contents=("ext4",),
        ranges=(),
    )  # fmt: skip
    assert decided(action, actual(blank)).verdict == "done"
    assert decided(action, actual(occupied("C")), action).verdict == "not-done"
    assert decided(action, actual()).verdict == "unknown"
    other = disk("C", identity=disk("D").identity)
    assert decided(action, actual(other)).verdict == "unknown"
    residual = attrs.evolve(blank, emptiness="residual")
    assert decided(action, actual(residual)).verdict == "partly", "what it held has no name now"
    unnamed = attrs.evolve(action, emptiness="residual")
    assert decided(unnamed, actual(residual)).verdict == "not-done"
    assert decided(action, actual(residual), action, ended=1).verdict == "done"
    assert decided(action, actual(residual), action, cleared=[by_id("C")]).verdict == "done"
    assert decided(action, actual(), cleared=[by_id("C")]).verdict == "unknown"
    assert decided(action, actual(occupied("C")), cleared=[by_id("C")]).verdict == "not-done"


def test_only_the_journal_tells_of_an_initramfs() -> None:
    """It is made anew once more, unless its command was seen to end."""
    whole = SetArcMax(
        value=Bytes(5), live=Bytes(0), boot="x", boot_text="options zfs zfs_arc_max=5\n",
        initramfs=True,
    )  # fmt: skip
    there = actual(arc_max=ArcMax(live=Bytes(5)))
    assert len(whole.writes()) == 3
    for ended in range(3):
        found = decided(whole, there, ended=ended)
        assert (found.verdict, found.skip, found.action) == ("partly", 2, whole)
        assert found.why == "its last command is still to be run"
    assert decided(whole, there, ended=3).verdict == "done"
    assert decided(whole, there, whole, ended=1).verdict == "not-done"
    plain = attrs.evolve(whole, initramfs=False)
    boot = attrs.evolve(plain, live=None)
    found = decided(plain, there, boot)
    assert (found.verdict, found.action) == ("partly", boot)
    assert decided(plain, there, ended=1).verdict == "done"
    assert decided(plain, actual(unknown=["arc"])).verdict == "unknown"
