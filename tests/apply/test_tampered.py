"""A plan's file that was changed after it was made: each field that can be derived is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from phoenix_plan.apply.session import interests_of
from phoenix_plan.apply.verify import verify
from phoenix_plan.codec import plan_from_json, plan_to_json
from phoenix_plan.config import load_config
from phoenix_plan.errors import DocumentError
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.model.desired import Desired, DesiredDataset, DesiredStorage, RemovedPool
from phoenix_plan.model.sizes import Guid
from phoenix_plan.plan import derived_row, make_plan
from phoenix_plan.refresh import refresh
from phoenix_plan.safety import verdict
from phoenix_plan.stored import load_plan_file
from tests.apply.machine import MIB, PHOTOS, Machine, by_id, host, pool, want
from tests.builders import layout

Json = dict[str, Any]


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A recreated pool: destroy, wipes, create, a dataset, another pool and a storage."""
    data = {"referenced": 700 * MIB, "snapshots": {"old": {"used": "20M"}}}
    there = host(pool("tank", "mirror", "A", "B", data=data))
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("tank", "raidz1", "A", "B", "C"),
        want("cold", "single", "E"),
        datasets=[{"name": "data", "pool": "tank"}],
        arc_max_gb=4,
    )
    assert machine.plan().code == 0
    return machine


def row(plan: Json, kind: str) -> Json:
    """The first row of that kind."""
    found: Json = next(one for one in plan["actions"] if one["action"]["type"] == kind)
    return found


def flip(plan: Json) -> None:
    row(plan, "destroy-pool")["safety"] = "safe"


def code(plan: Json) -> None:
    row(plan, "destroy-pool")["code"] = "creates-pool"


def edge(plan: Json) -> None:
    del row(plan, "create-pool")["requires"]


def no_such_edge(plan: Json) -> None:
    first, last = plan["actions"][0], plan["actions"][-1]
    last["requires"] = sorted([*last.get("requires", []), first["id"]])


def identifier(plan: Json) -> None:
    row(plan, "wipe-disk")["id"] = "set-arc-max:zfs_arc_max"


def argv(plan: Json) -> None:
    row(plan, "create-pool")["commands"][0]["argv"].insert(2, "-f")


def ranges(plan: Json) -> None:
    row(plan, "wipe-disk")["commands"][0]["ranges"] = [[0, 512]]


def diff(plan: Json) -> None:
    row(plan, "set-arc-max")["commands"][0]["diff"] = ["-0", "+1"]


def lost_datasets(plan: Json) -> None:
    row(plan, "destroy-pool")["evidence"]["datasets"] = ["tank"]


def more_datasets(plan: Json) -> None:
    row(plan, "destroy-pool")["evidence"]["datasets"].append("tank/new")


def another_snapshot(plan: Json) -> None:
    row(plan, "destroy-pool")["evidence"]["snapshots"].append("tank/other@new")


def evidence_of_nothing(plan: Json) -> None:
    row(plan, "create-dataset")["evidence"] = {"guests": ["qemu/100"]}


def contents(plan: Json) -> None:
    wipes = (one for one in plan["actions"] if one["action"]["type"] == "wipe-disk")
    wipe = next(one for one in wipes if one["action"]["arguments"]["disk"] == by_id("E"))
    wipe["evidence"]["contents"] = ["nothing of worth"]


def reason(plan: Json) -> None:
    row(plan, "destroy-pool")["reason"] = "routine"


def before(plan: Json) -> None:
    row(plan, "destroy-pool")["before"]["guid"] = "1"


def after(plan: Json) -> None:
    row(plan, "set-arc-max")["after"]["running"] = "1"


def needs(plan: Json) -> None:
    row(plan, "destroy-pool")["needs"].pop()


def undo(plan: Json) -> None:
    row(plan, "destroy-pool")["undo"] = "easy"


def order(plan: Json) -> None:
    """Two rows that do not rest on each other: only the rule about ties tells."""
    names = [one["id"] for one in plan["actions"]]
    at = names.index("set-arc-max:zfs_arc_max")
    plan["actions"].append(plan["actions"].pop(at))


def edges_broken(plan: Json) -> None:
    plan["actions"].reverse()


def twice(plan: Json) -> None:
    plan["actions"].append(row(plan, "set-arc-max"))


def serves_nobody(plan: Json) -> None:
    row(plan, "wipe-disk")["serves"] = ["create-pool:elsewhere"]


def right_already(plan: Json) -> None:
    plan["unchanged"] = [{"subject": {"kind": "pool", "name": "tank"}, "detail": "as configured"}]


def left_alone(plan: Json) -> None:
    plan.setdefault("unmanaged", {})["datasets"] = ["tank/data"]


def not_planned(plan: Json) -> None:
    one = {"id": "destroy-pool:tank", "subject": {"kind": "pool", "name": "tank"}, "because": ["x"]}
    plan["blocked"] = [one]


def soothed(plan: Json) -> None:
    finding = {"severity": "note", "code": "backup-verified", "message": "an empty test pool",
               "subject": {"kind": "pool", "name": "tank"}}  # fmt: skip
    plan["findings"] = [finding]


DERIVABLE: dict[Callable[[Json], None], str] = {
    flip: ".safety", code: ".code", edge: ".requires", no_such_edge: ".requires",
    identifier: ".id", argv: ".commands", ranges: ".commands", diff: ".commands",
    lost_datasets: ".evidence.datasets", more_datasets: ".evidence.datasets",
    another_snapshot: ".evidence.snapshots", evidence_of_nothing: ".evidence.guests",
    contents: ".evidence.contents", reason: ".reason", before: ".before", after: ".after",
    needs: ".needs", undo: ".undo", order: "actions: do not stand in the order",
    edges_broken: "actions: do not stand in the order", twice: "is there twice",
    serves_nobody: ".serves", right_already: "unchanged[0]", left_alone: "unmanaged.datasets",
    not_planned: "blocked[0]", soothed: "findings[0].code",
}  # fmt: skip


def tamper(machine: Machine, change: Callable[[Json], None]) -> None:
    plan = json.loads(machine.plan_path.read_text(encoding="utf-8"))
    change(plan)
    machine.plan_path.write_text(json.dumps(plan), encoding="utf-8")


@pytest.mark.parametrize("change", DERIVABLE, ids=lambda change: change.__name__)
def test_what_can_be_derived_is(change: Callable[[Json], None], planned: Machine) -> None:
    """Refused by apply and by approve, with the field named, and even where all is forced."""
    tamper(planned, change)
    for called in (planned.apply("--mode", "force-destructive"), planned.approve()):
        assert called.code == 65
        assert DERIVABLE[change] in called.err
    assert planned.untouched()
    assert not planned.approval.exists()


def test_an_untouched_plan_is_what_it_derives_to(planned: Machine) -> None:
    """The test above would see nothing else."""
    tamper(planned, lambda _plan: None)
    stored = load_plan_file(str(planned.plan_path))
    verify(stored.plan, "plan.json")


def test_a_circle_is_no_order(planned: Machine) -> None:
    """Two actions that give what the other needs: no crash, a refusal."""
    plan = load_plan_file(str(planned.plan_path)).plan
    destroy = next(one for one in plan.actions if one.id == "destroy-pool:tank")
    create = next(one for one in plan.actions if one.id == "create-pool:tank")
    circle = attrs.evolve(plan, actions=(create, destroy))
    with pytest.raises(DocumentError, match="not what"):
        verify(circle, "plan.json")


def other_machine(plan: Json) -> None:
    plan["host"]["machine"] = "0" * 32


def other_hostid(plan: Json) -> None:
    plan["host"]["hostid"] = "00000001"


@pytest.mark.parametrize("change", [other_machine, other_hostid])
def test_another_host_is_refused(change: Callable[[Json], None], planned: Machine) -> None:
    """I11."""
    tamper(planned, change)
    called = planned.apply("--mode", "force-destructive")
    assert called.code == 65
    assert "is a plan for pve1" in called.err
    assert planned.untouched()


def test_another_hostname_alone_is_only_told(planned: Machine) -> None:
    planned.change(lambda there: there.update(hostname="renamed"))
    called = planned.apply("--mode", "force-destructive", "--check")
    assert called.code == 0
    assert "it is renamed now" in called.err


def another_wish(plan: Json) -> None:
    plan["desired"]["pools"][1]["vdevs"]["normal"][0]["disks"] = [by_id("D")]


def nothing_wished(plan: Json) -> None:
    del plan["desired"]["pools"][1]


def less_used(plan: Json) -> None:
    row(plan, "destroy-pool")["evidence"]["used"] = "1"


def other_target(plan: Json) -> None:
    plan["actions"] = [one for one in plan["actions"] if one["id"] != "set-arc-max:zfs_arc_max"]


def no_warning(plan: Json) -> None:
    """Of a storage that loses its home."""
    plan["findings"] = [one for one in plan["findings"] if one["code"] != "storage-loses-home"]


def another_warning(plan: Json) -> None:
    (finding,) = (one for one in plan["findings"] if one["code"] == "storage-loses-home")
    finding["message"] = "nothing to see here"


@pytest.mark.parametrize("change", [no_warning, another_warning])
def test_what_a_plan_warns_of_is_held_against_the_host(
    change: Callable[[Json], None], machine: Machine
) -> None:
    """What a reviewer was not told, they have not agreed to."""
    cfg = ["dir: local", "\tpath /var/lib/vz", "", "zfspool: tank-vm", "\tpool tank/data", ""]
    there = host(pool("tank", "mirror", "A", "B", data={}), storage_cfg=cfg)
    machine.has(there)
    guid = machine.there["pools"][0]["guid"]
    machine.wants(want("new", "single", "C"), removed={"pools": [{"name": "tank", "guid": guid}]})
    assert machine.plan().code == 0
    tamper(machine, change)
    assert machine.approve().code == 0
    called = machine.apply()
    assert called.code == 5
    assert "storage tank-vm" in called.err
    assert machine.untouched()


@pytest.mark.parametrize("change", [another_wish, nothing_wished, less_used, other_target])
def test_what_only_the_host_can_tell_is_held_against_it(
    change: Callable[[Json], None], planned: Machine
) -> None:
    """A plan that is sound in itself, but is not what this desired state gives on this host."""
    tamper(planned, change)
    called = planned.apply("--mode", "force-destructive")
    assert called.code == 5
    assert planned.untouched()


def forced_pool(wish: Desired) -> Desired:
    """zpool would read the name as -f, and call the pool after its vdev."""
    pools = (attrs.evolve(wish.pools[0], name="-f"), *wish.pools[1:])
    return attrs.evolve(wish, pools=pools, datasets=())


def kernel_name(wish: Desired) -> Desired:
    first = attrs.evolve(wish.pools[0], vdevs=layout("mirror", "/dev/sda", wish.pools[0].disks[1]))
    return attrs.evolve(wish, pools=(first, *wish.pools[1:]))


def hidden_dataset(wish: Desired) -> Desired:
    one = DesiredDataset(name="cold/../tank")
    return attrs.evolve(wish, datasets=(*wish.datasets, one))


def strange_property(wish: Desired) -> Desired:
    one = DesiredDataset(name="cold/x", properties={"compression=off\n-o quota": "1G"})
    return attrs.evolve(wish, datasets=(*wish.datasets, one))


def option_for_an_id(wish: Desired) -> Desired:
    one = DesiredStorage(id="--delete", type="dir", properties={"path": "/srv"})
    return attrs.evolve(wish, storages=(one,))


def secret(wish: Desired) -> Desired:
    properties = {"server": "x", "share": "y", "password": "z"}
    one = DesiredStorage(id="smb", type="cifs", properties=properties)
    return attrs.evolve(wish, storages=(one,))


def wanted_and_gone(wish: Desired) -> Desired:
    gone = RemovedPool(name="cold", guid=Guid("1"))
    return attrs.evolve(wish, removed=attrs.evolve(wish.removed, pools=(gone,)))


def unnamed_content(wish: Desired) -> Desired:
    """In no form in which a config is read."""
    properties = {"path": "/srv", "content": "iso, backup"}
    one = DesiredStorage(id="srv", type="dir", properties=properties)
    return attrs.evolve(wish, storages=(one,))


FORGED: dict[Callable[[Desired], Desired], str] = {
    forced_pool: "desired: zfs.pools[0].name: a pool's name begins with a letter",
    kernel_name: "desired: zfs.pools[0].vdevs[0].disks[0]: the kernel's names move",
    hidden_dataset: "desired: zfs.datasets[1].name: no part of a dataset's name is",
    strange_property: "desired: zfs.datasets[1].properties",
    option_for_an_id: "desired: proxmox.storages[0].id: a storage's id begins with a letter",
    secret: "desired: proxmox.storages[0].password",
    wanted_and_gone: "wanted, or gone?",
    unnamed_content: "desired: is not as a config that declares it would be read",
}


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_a_wish_is_one_that_a_config_can_declare(
    forge: Callable[[Desired], Desired], planned: Machine
) -> None:
    """The whole plan is made of it, so nothing else in the file gives it away."""
    wish = forge(load_config(str(planned.config)).desired)
    forged = make_plan(wish, refresh(SimulatedHost(planned.path), interests_of(wish)))
    planned.plan_path.write_text(plan_to_json(forged), encoding="utf-8")
    called = planned.apply("--mode", "force-destructive")
    assert called.code == 65, called.err
    assert FORGED[forge] in called.err
    assert planned.untouched()


def test_another_wish_is_seen_at_once_where_the_config_is_given(planned: Machine) -> None:
    tamper(planned, another_wish)
    called = planned.apply("-c", str(planned.config))
    assert called.code == 65
    assert "desired" in called.err


@pytest.mark.parametrize(
    ("expected", "spoil"),
    [
        ("is no JSON", lambda text: text[:-20]),
        ("a second time", lambda text: text.replace('"host":', '"host": {}, "host":', 1)),
        ("no number that JSON knows", lambda text: text.replace('"1.0"', "NaN", 1)),
        ("byte order mark", lambda text: "\ufeff" + text),
        ("is empty", lambda _text: ""),
        ("format 2.0", lambda text: text.replace('"1.0"', '"2.0"', 1)),
        ("extra", lambda text: text.replace('"host":', '"extra": 1, "host":', 1)),
        ("is a state document", None),
    ],
)
def test_a_plan_is_read_strictly(
    expected: str, spoil: Callable[[str], str] | None, planned: Machine, tmp_path: Path
) -> None:
    if spoil is None:
        state = str(tmp_path / "plan.json")
        planned.plan_path.unlink()
        planned.call("refresh", "--host", planned.sim, "-c", str(planned.config), "-o", state)
    else:
        text = spoil(planned.plan_path.read_text(encoding="utf-8"))
        planned.plan_path.write_text(text, encoding="utf-8")
    called = planned.apply("--mode", "force-destructive")
    assert called.code == 65
    assert expected in called.err
    assert planned.untouched()


def test_a_plan_of_no_rows_is_sound(planned: Machine) -> None:
    plan = json.loads(planned.plan_path.read_text(encoding="utf-8"))
    plan["actions"] = []
    verify(plan_from_json(plan, "plan.json"), "plan.json")


@pytest.fixture
def wider(machine: Machine) -> Machine:
    """A pool whose vdevs change: one member replaced, one attached, a spare added."""
    machine.has(host(pool("tank", "mirror", "A", "B"))).wants(
        want("tank", "mirror", "A", "C", "D", spare=[by_id("E")])
    )
    assert machine.plan().code == 0
    return machine


ARGUMENTS: dict[tuple[str, str], Any] = {
    ("attach-disk", "beside"): "7",
    ("attach-disk", "beside_name"): "/dev/disk/by-id/ata-DISK_X-part1",
    ("attach-disk", "disk"): by_id("E"),
    ("attach-disk", "identity"): "serial:OTHER:1",
    ("attach-disk", "turn"): 5,
    ("attach-disk", "guid"): "7",
    ("replace-disk", "old"): "7",
    ("replace-disk", "old_name"): "/dev/disk/by-id/ata-DISK_X-part1",
    ("replace-disk", "old_state"): "UNAVAIL",
    ("replace-disk", "released"): [by_id("A")],
    ("add-vdev", "vdev_class"): "normal",
    ("add-vdev", "kind"): "mirror",
    ("add-vdev", "disks"): [by_id("D")],
    ("add-vdev", "ashift"): 9,
}


@pytest.mark.parametrize(("kind", "field"), ARGUMENTS, ids=" ".join)
def test_what_a_step_on_vdevs_is_made_of_can_not_be_changed(
    kind: str, field: str, wider: Machine
) -> None:
    """Either the row no longer follows from it, or the host says that this is not the step; made
    consistent again, it is held against the host all the same."""
    value = ARGUMENTS[kind, field]
    tamper(wider, lambda plan: row(plan, kind)["action"]["arguments"].update({field: value}))
    called = wider.apply("--mode", "force-destructive")
    assert called.code in (5, 65), called.err
    assert wider.untouched()


@pytest.mark.parametrize(("kind", "field"), ARGUMENTS, ids=" ".join)
def test_nor_where_all_that_follows_from_it_is_changed_too(
    kind: str, field: str, wider: Machine
) -> None:
    def change(plan: Json) -> None:
        row(plan, kind)["action"]["arguments"][field] = ARGUMENTS[kind, field]

    tamper(wider, change)
    text = json.loads(wider.plan_path.read_text(encoding="utf-8"))
    plan = plan_from_json(text, "plan.json")
    rows = tuple(
        derived_row(
            one.action, verdict=verdict(one.action, one.evidence), evidence=one.evidence,
            requires=one.requires, serves=one.serves,
        )
        for one in plan.actions
    )  # fmt: skip
    wider.plan_path.write_text(plan_to_json(attrs.evolve(plan, actions=rows)), encoding="utf-8")
    called = wider.apply("--mode", "force-destructive")
    assert called.code in (5, 65), called.err
    assert wider.untouched()


def test_the_plan_of_vdevs_is_sound_where_nobody_changed_it(wider: Machine) -> None:
    """The tests above would see nothing else."""
    assert wider.apply().code == 0
    assert [one.split()[1] for one in wider.commands()] == ["attach", "replace", "add"]


SHARED = pool(
    "tank", "mirror", "A", "B",
    old={"guid": "88", "set": {"sharenfs": "on"}, "snapshots": {"monday": {}}}, old_in={},
)  # fmt: skip
GONE = {"removed": {"datasets": [{"name": "tank/old", "guid": "88", "recursive": True}]}}


@pytest.mark.parametrize(
    "zfs",
    [
        {"datasets": [{"name": "old", "pool": "tank", "properties": "sync=disabled"}]},
        {"datasets": [{"name": "new", "pool": "tank", "renamed_from": "tank/old"}]},
        GONE,
        GONE | {"settings": {"nets": {"retire": "30d"}}},
    ],
    ids=["changed", "renamed", "destroyed", "put aside"],
)
def test_what_others_see_of_a_dataset_is_no_forgery(machine: Machine, zfs: Json) -> None:
    """It is shared, and a guest's storage is on it: that stands in the evidence, and may."""
    cfg = ["zfspool: vms", "\tpool tank/old", "\tcontent images", ""]
    machine.has(host(SHARED, storage_cfg=cfg)).wants(want("tank", "mirror", "A", "B"), **zfs)
    machine.plan()
    plan = json.loads(machine.plan_path.read_text(encoding="utf-8"))
    assert any(row.get("evidence", {}).get("shares") for row in plan["actions"])
    called = machine.apply("--mode", "force-destructive", "--check")
    assert called.code == 0, called.out + called.err


def test_what_is_put_aside_with_another_is_not_left_alone(machine: Machine) -> None:
    machine.has(host(SHARED)).wants(
        want("tank", "mirror", "A", "B"), **GONE, settings={"nets": {"retire": "30d"}}
    )
    assert machine.plan().code == 0

    def change(plan: Json) -> None:
        plan.setdefault("unmanaged", {})["datasets"] = ["tank/old/in"]

    tamper(machine, change)
    called = machine.apply("--mode", "force-destructive")
    assert called.code == 65
    assert "unmanaged.datasets" in called.err
    assert machine.untouched()
