"""Invariants of planning over random hosts and configs (docs/explanation/safety-model)."""

from __future__ import annotations

import os
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_plan.actions import ACTIONS, CreatePool, WipeDisk
from phoenix_plan.codec import plan_to_json
from phoenix_plan.conditions import unmet
from phoenix_plan.model.actual import Actual, ArcMax, Unknown
from phoenix_plan.model.desired import (
    Desired,
    DesiredDataset,
    DesiredStorage,
    Nets,
    Removed,
    RemovedDataset,
    RemovedPool,
)
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.plan import Plan, make_plan
from tests.builders import (
    actual,
    by_id,
    dataset,
    desired,
    disk,
    guid_of,
    host,
    idle_pool,
    leaf,
    member,
    occupied,
    pool,
    reference,
    storage,
    top,
    used,
    want_pool,
)

NAMES = "ABCDEFGH"
POOLS = ("tank", "fast")
DATASETS = ("a", "a/b", "a/b/c", "v")
SOURCES = (
    "samples",
    "labels",
    "pools",
    "idle-pools",
    "datasets",
    "snapshots",
    "storages",
    "references",
    "exports",
    "arc",
    "disks",
    "directories",
)
many = settings(max_examples=int(os.environ.get("PHOENIX_EXAMPLES", "150")), deadline=None)
"""PHOENIX_EXAMPLES asks for a soak."""

FORBIDDEN = {"-f", "-r", "-R", "-F", "--allow-in-use", "-rf", "-D"}


@st.composite
def hosts(draw: st.DrawFn) -> Actual:
    """A host: each disk blank, occupied, used, odd, or a member of one of two pools."""
    free = list(NAMES)
    pools, idle = [], []
    disks: dict[str, Disk] = {}
    datasets = []
    for name in POOLS:
        kind = draw(st.sampled_from(["none", "imported", "exported", "active", "destroyed"]))
        width = draw(st.integers(1, 3))
        if kind == "none" or len(free) < width:
            continue
        members = [free.pop(0) for _ in range(width)]
        level = "stripe" if width == 1 else draw(st.sampled_from(["mirror", "raidz1"]))
        vdev = leaf(members[0]) if width == 1 else top(level, name, *members)
        for one in members:
            disks[one] = member(one, name)
        if kind == "imported":
            state = draw(st.sampled_from(["ONLINE", "ONLINE", "DEGRADED", "SUSPENDED"]))
            pools.append(pool(name, vdev, state=state))
            for child in draw(st.lists(st.sampled_from(DATASETS), unique=True)):
                changes: dict[str, Any] = draw(
                    st.sampled_from(
                        [
                            {},
                            {"set": {"phoenix:protected": "on"}},
                            {"snapshots": {"s": "1"}},
                            {"set": {"atime": "off"}},
                            {"type": "volume", "mountpoint": ""},
                            {"clone_of": f"{name}/a@s"},
                        ]
                    )
                )
                datasets.append(dataset(f"{name}/{child}", **changes))
        else:
            for one in members:
                disks[one] = attrs.evolve(disks[one], users=())
            idle.append(
                idle_pool(
                    name,
                    vdev,
                    disks=[disks[one].path for one in members],
                    state=kind,
                    hostid=draw(st.sampled_from(["37487e0c", "aaaaaaaa", ""])),
                    complete=draw(st.booleans()),
                )
            )
    for name in free:
        make: Any = draw(
            st.sampled_from(
                [
                    disk,
                    disk,
                    disk,
                    occupied,
                    used,
                    lambda n: disk(n, emptiness="residual"),
                    lambda n: disk(n, emptiness="unread"),
                    lambda n: disk(n, read_only=True),
                    lambda n: disk(n, size=2 << 30),
                    lambda n: used(n, "boot"),
                    lambda n: disk(n, identity=None),
                ]
            )
        )
        disks[name] = make(name)
    storages = [
        storage(f"s{number}", pool=draw(st.sampled_from(["tank", "tank/a", "fast/v"])))
        for number in range(draw(st.integers(0, 2)))
    ]
    unknown = draw(st.lists(st.sampled_from(SOURCES), max_size=1))
    return actual(
        *disks.values(),
        pools=pools,
        idle=idle,
        datasets=datasets,
        storages=storages,
        references=[reference("qemu/100", "s0")],
        unknown=unknown,
        host=host(boot_pools=draw(st.sampled_from([(), ("tank",)]))),
        arc_max=ArcMax(live=Bytes(draw(st.sampled_from([0, 1 << 30])))),
    )


@st.composite
def configs(draw: st.DrawFn, *, removals: bool = True) -> Desired:
    """A config that could have been read from a file: names unique, parents before children."""
    pools = []
    datasets = []
    free = list(draw(st.permutations(NAMES)))
    removed_pools, removed_datasets = [], []
    for name in POOLS:
        if draw(st.booleans()):
            level = draw(st.sampled_from(["stripe", "mirror", "raidz1"]))
            width = draw(st.integers(2 if level != "stripe" else 1, 3))
            pools.append(
                want_pool(
                    name,
                    level,
                    *[free.pop() for _ in range(width)],
                    ashift=draw(st.sampled_from([None, 12, 9])),
                    protected=draw(st.integers(0, 5)) == 0,
                    filesystem=draw(st.sampled_from([{}, {"atime": "off"}])),
                )
            )
            for child in DATASETS:
                if draw(st.booleans()):
                    properties = draw(
                        st.sampled_from(
                            [
                                {},
                                {"atime": "off"},
                                {"sync": "disabled"},
                                {"utf8only": "on"},
                                {"quota": "1K"},
                            ]
                        )
                    )
                    datasets.append(DesiredDataset(name=f"{name}/{child}", properties=properties))
        elif removals and draw(st.booleans()):
            removed_pools.append(RemovedPool(name=name, guid=Guid(guid_of(name))))
        elif removals and draw(st.booleans()):
            removed_datasets.append(
                RemovedDataset(
                    name=f"{name}/a", guid=Guid(guid_of(f"{name}/a")), recursive=draw(st.booleans())
                )
            )
    storages = [
        DesiredStorage(id="s0", type="zfspool", properties={"pool": one.name}, dataset=one.name)
        for one in datasets[:1]
    ]
    return desired(
        *pools,
        datasets=datasets,
        storages=storages,
        removed=Removed(pools=tuple(removed_pools), datasets=tuple(removed_datasets)),
        arc_max=draw(st.sampled_from([None, Bytes(1 << 30)])),
        nets=draw(
            st.builds(
                Nets,
                snapshot=st.booleans(),
                checkpoint=st.booleans(),
                retire=st.sampled_from(["", "30d"]),
            )
        ),
    )


def argvs(plan: Plan) -> list[tuple[str, ...]]:
    """Every argv of a plan."""
    return [command.argv for row in plan.actions for command in row.commands if command.argv]


@many
@given(configs(), hosts())
def test_i4_the_same_two_give_the_same_bytes(wanted: Desired, there: Actual) -> None:
    assert plan_to_json(make_plan(wanted, there)) == plan_to_json(make_plan(wanted, there))


@many
@given(configs(), hosts())
def test_i9_no_command_forces_or_recurses(wanted: Desired, there: Actual) -> None:
    for argv in argvs(make_plan(wanted, there)):
        assert not FORBIDDEN & set(argv)


@many
@given(configs(), hosts())
def test_i2_no_disk_is_written_that_the_config_does_not_name(
    wanted: Desired, there: Actual
) -> None:
    named = {path for one in wanted.pools for path in one.disks}
    plan = make_plan(wanted, there)
    written = {command.zero for row in plan.actions for command in row.commands} - {""}
    written |= {
        part
        for argv in argvs(plan)
        if argv[:2] == ("zpool", "create")
        for part in argv
        if part.startswith("/dev/")
    }
    assert written <= named


@many
@given(configs(removals=False), hosts())
def test_i10_absence_from_the_config_destroys_nothing(wanted: Desired, there: Actual) -> None:
    pools = {one.name for one in wanted.pools}
    datasets = {one.name for one in wanted.datasets}
    for row in make_plan(wanted, there).actions:
        if row.action.TYPE == "destroy-pool":
            assert row.action.subject in pools
        elif row.action.TYPE == "destroy-dataset":
            name = row.action.subject
            assert any(name == one or name.startswith(one + "/") for one in datasets)
        elif row.action.TYPE == "remove-storage":
            assert row.action.subject in {one.id for one in wanted.storages}


@many
@given(configs(), hosts())
def test_every_need_holds_now_or_is_given_by_an_earlier_row(wanted: Desired, there: Actual) -> None:
    plan = make_plan(wanted, there)
    index = Index(there)
    given_by: dict[Any, set[str]] = {}
    seen: set[str] = set()
    for row in plan.actions:
        assert set(row.requires) <= seen
        for need in row.action.needs():
            before = given_by.get(need, set()) & seen
            assert before <= set(row.requires)
            assert before or unmet(need, index) is None
        seen.add(row.id)
        for condition in row.action.gives():
            given_by.setdefault(condition, set()).add(row.id)


@many
@given(configs(), hosts())
def test_a_pool_is_only_built_on_disks_that_are_blank_or_cleared_before(
    wanted: Desired, there: Actual
) -> None:
    index = Index(there)
    wiped: set[str] = set()
    for row in make_plan(wanted, there).actions:
        if isinstance(row.action, WipeDisk):
            assert row.safety == "destructive"
            wiped.add(row.action.disk)
        if isinstance(row.action, CreatePool):
            for path in row.action.disks:
                device = index.device(path)
                assert device is not None
                assert device.disk.emptiness == "blank" or path in wiped
                assert not [user for user in device.disk.users if user.kind != "pool"]


@many
@given(configs(), hosts())
def test_what_is_protected_is_in_no_destructive_row(wanted: Desired, there: Actual) -> None:
    protected = {one.name for one in wanted.pools if one.protected}
    protected |= {one.name for one in there.datasets if one.set.get("phoenix:protected") == "on"}
    for row in make_plan(wanted, there).actions:
        if row.action.TYPE in ("destroy-pool", "destroy-dataset"):
            name = row.action.subject
            assert not [one for one in protected if one == name or one.startswith(name + "/")]


@many
@given(
    configs(), hosts(), st.sampled_from(["pools", "datasets", "storages", "references", "disks"])
)
def test_i3_a_failed_probe_stops_every_destructive_row_that_rests_on_it(
    wanted: Desired, there: Actual, source: str
) -> None:
    there = attrs.evolve(there, unknown=(Unknown(source=source, message="no"),))
    for row in make_plan(wanted, there).actions:
        assert row.action.TYPE not in ("destroy-pool", "destroy-dataset") or source == "pools"
        if source in ("pools", "references", "disks"):
            assert row.action.TYPE not in ("wipe-disk", "create-pool")


@many
@given(configs(), hosts())
def test_every_error_blocks_something_or_names_its_subject(wanted: Desired, there: Actual) -> None:
    plan = make_plan(wanted, there)
    assert {row.id for row in plan.actions}.isdisjoint(one.id for one in plan.blocked)
    for finding in plan.errors:
        assert finding.subject.name
        assert finding.message
    assert {row.action.TYPE for row in plan.actions} <= set(ACTIONS)
    assert by_id("A").startswith("/dev/disk/by-id/")
