"""The demo: a host and a config whose plan, run to its end, leaves no change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from phoenix_plan.actions import (
    ACTIONS,
    Action,
    AddStorage,
    AddVdev,
    AttachDisk,
    Change,
    CreateCheckpoint,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DetachDisk,
    DisableStorage,
    DiscardCheckpoint,
    EnableStorage,
    ExpandRaidz,
    ImportPool,
    OfflineDisk,
    OnlineDisk,
    RemoveStorage,
    RemoveVdev,
    RenameDataset,
    ReplaceDisk,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
)
from phoenix_plan.actions.disks import wipe_ranges
from phoenix_plan.apply.fill import fill
from phoenix_plan.commands import Run
from phoenix_plan.config.load import LoadedConfig, load_config
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.layout import type_of
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.plan import Plan, make_plan
from phoenix_plan.refresh import refresh
from tests.builders import layout

FIXTURES = Path(__file__).parents[2] / "fixtures/hosts"


@pytest.fixture(params=["2.3.9", "2.1.11"])
def host(tmp_path: Path, request: pytest.FixtureRequest) -> SimulatedHost:
    """The demo host in a file of its own, with JSON and without."""
    text = (FIXTURES / "demo.host.json").read_text("utf-8")
    (tmp_path / "host.json").write_text(text.replace('"2.3.9"', f'"{request.param}"'), "utf-8")
    return SimulatedHost(tmp_path / "host.json")


@pytest.fixture
def config() -> LoadedConfig:
    """The demo config."""
    return load_config(str(FIXTURES / "demo.config.json"))


def planned(host: SimulatedHost, config: LoadedConfig) -> Plan:
    """Refresh and plan."""
    return make_plan(config.desired, refresh(host, config.interests))


def perform(host: SimulatedHost, action: Action) -> None:
    """Every write of an action, in order; each has to work."""
    for write in action.writes():
        for concrete in fill(action, write, Index(refresh(host))):
            output = host.run(concrete)
            assert (output.exit_code, output.stderr) == (0, b"")


def test_the_plan(host: SimulatedHost, config: LoadedConfig) -> None:
    """Safe and destructive actions, and no error."""
    plan = planned(host, config)
    assert plan.errors == ()
    assert [row.id for row in plan.destructive] == [
        "destroy-dataset:tank/old",
        "wipe-disk:/dev/disk/by-id/ata-DISK_E",
    ]
    assert {row.action.TYPE for row in plan.safe} == {
        "create-pool", "create-dataset", "add-storage", "set-arc-max", "set-dataset-properties",
        "update-storage",
    }  # fmt: skip


def test_an_applied_plan_leaves_no_change(host: SimulatedHost, config: LoadedConfig) -> None:
    """plan, run, plan: the second plan is empty (I5)."""
    for row in planned(host, config).actions:
        perform(host, row.action)
    second = planned(host, config)
    assert (second.actions, second.errors) == ((), ())


def test_undeclared_disks_are_untouched(host: SimulatedHost, config: LoadedConfig) -> None:
    """What the plan does not name is as it was (I2)."""

    def system_disk() -> object:
        state = refresh(host)
        return next(disk for disk in state.disks if disk.serial == "SYSTEM_1")

    before = system_disk()
    for row in planned(host, config).actions:
        perform(host, row.action)
    assert before == system_disk()


Step = tuple[str, Callable[[Actual], Action], Callable[[Actual], object], object]
"""A kind of action, one of it on a state, what is looked at afterwards, what is expected there."""


def dataset(state: Actual, name: str) -> Dataset | None:
    """A dataset by name."""
    return next((one for one in state.datasets if one.name == name), None)


def guid(state: Actual, name: str) -> Guid:
    """A dataset's GUID."""
    found = dataset(state, name)
    assert found is not None
    return found.guid


def pool_guid(state: Actual, name: str) -> Guid:
    """A pool's GUID, imported or not."""
    guids = {pool.name: pool.guid for pool in state.pools}
    return (guids | {pool.name: pool.guid for pool in state.idle_pools})[name]


def names(state: Actual) -> list[str]:
    """Imported pools."""
    return [pool.name for pool in state.pools]


def storage(state: Actual, key: str) -> str | None:
    """A property of the storage that is added here; None where there is no such storage."""
    found = [one for one in state.storages.storages if one.id == "fast-b"]
    return found[0].properties.get(key, "") if found else None


def old_disk(state: Actual) -> Disk:
    """The disk with somebody's photos."""
    return next(disk for disk in state.disks if disk.serial == "DISK_E")


def wipe(state: Actual) -> WipeDisk:
    """A wipe of that disk."""
    disk = old_disk(state)
    return WipeDisk(
        disk=disk.name, identity=str(disk.identity), emptiness="occupied", contents=("ext4",),
        ranges=wipe_ranges(disk),
    )  # fmt: skip


DISKS = ("/dev/disk/by-id/ata-DISK_C", "/dev/disk/by-id/ata-DISK_D")
ON = Change(name="autoexpand", before="off", after="on")
QUOTA = Change(name="quota", before="0", after="1073741824")
SPARSE = Change(name="sparse", after="1")

MORE = tuple(f"/dev/disk/by-id/ata-MORE_{letter}" for letter in "ABCDE")
"""Blank disks that the demo has not, of the size of DISKS."""


def tree(state: Actual) -> list[str]:
    """What the pool fast is built of, as zpool-create(8) would have it, with states that are not
    well: its disks by the last letter of their names."""
    (pool,) = (one for one in state.pools if one.name == "fast")
    found = []
    for top in pool.vdevs:
        disks = [
            leaf.path.removesuffix("-part1")[-1]
            + ("" if leaf.state in ("ONLINE", "AVAIL") else f" {leaf.state}")
            for leaf in top.leaves()
        ]
        of = "" if top.vdev_class == "normal" else f"{top.vdev_class} "
        found.append(f"{of}{type_of(top)} {', '.join(disks)}")
    return found


def vdev_guid(state: Actual, path: str) -> Guid:
    """The GUID of the pool fast's vdev that is, or holds, a disk."""
    (pool,) = (one for one in state.pools if one.name == "fast")
    (found,) = (
        one for top in pool.vdevs for one in (top, *top.children)
        if not one.children and one.path.removesuffix("-part1") == path
    )  # fmt: skip
    return found.guid


def top_guid(state: Actual, path: str) -> Guid:
    """The GUID of the top-level vdev of the pool fast that a disk is in."""
    (pool,) = (one for one in state.pools if one.name == "fast")
    (found,) = (
        top for top in pool.vdevs
        if path in {leaf.path.removesuffix("-part1") for leaf in top.leaves()}
    )  # fmt: skip
    return found.guid


def in_fast(state: Actual) -> dict[str, Any]:
    """What every change of the pool fast's vdevs holds."""
    return {"pool": "fast", "guid": pool_guid(state, "fast"), "turn": 1}


def checkpoint(state: Actual) -> bool:
    """Whether the pool fast has one."""
    (pool,) = (one for one in state.pools if one.name == "fast")
    return pool.checkpoint


VDEV_STEPS: tuple[Step, ...] = (
    (
        "attach-disk",
        lambda state: AttachDisk(
            **in_fast(state), beside=vdev_guid(state, DISKS[1]), beside_name=DISKS[1],
            disk=MORE[0], identity="",
        ),
        tree,
        ["mirror C, D, A"],
    ),
    (
        "replace-disk",
        lambda state: ReplaceDisk(
            **in_fast(state), old=vdev_guid(state, MORE[0]), old_name=MORE[0], old_state="ONLINE",
            released=(), disk=MORE[1], identity="",
        ),
        tree,
        ["mirror C, D, B"],
    ),
    (
        "offline-disk",
        lambda state: OfflineDisk(
            **in_fast(state), member=vdev_guid(state, MORE[1]), disk=f"{MORE[1]}-part1",
            others=2,
        ),
        tree,
        ["mirror C, D, B OFFLINE"],
    ),
    (
        "online-disk",
        lambda state: OnlineDisk(
            **in_fast(state), member=vdev_guid(state, MORE[1]), disk=f"{MORE[1]}-part1",
            state="OFFLINE",
        ),
        tree,
        ["mirror C, D, B"],
    ),
    (
        "detach-disk",
        lambda state: DetachDisk(
            **in_fast(state), member=vdev_guid(state, MORE[1]), mirror="mirror-0", others=2,
            instead="", released=(), disk=MORE[1],
        ),
        tree,
        ["mirror C, D"],
    ),
    (
        "create-checkpoint",
        lambda state: CreateCheckpoint(**in_fast(state)),
        checkpoint,
        True,
    ),
    (
        "add-vdev",
        lambda state: AddVdev(
            **in_fast(state), vdev_class="normal", kind="mirror", disks=MORE[2:4], identities=(),
            ashift=12,
        ),
        tree,
        ["mirror C, D", "mirror C, D"],
    ),
    (
        "discard-checkpoint",
        lambda state: DiscardCheckpoint(**in_fast(state)),
        checkpoint,
        False,
    ),
    (
        "remove-vdev",
        lambda state: RemoveVdev(
            **in_fast(state), vdev=top_guid(state, MORE[2]), vdev_name="mirror-1",
            vdev_class="normal", kind="mirror", state="ONLINE",
            disks=MORE[2:4], others=2, released=(),
        ),
        tree,
        ["mirror C, D"],
    ),
    (
        "add-vdev",
        lambda state: AddVdev(
            **in_fast(state), vdev_class="spare", kind="disk", disks=MORE[4:], identities=(),
            ashift=None,
        ),
        tree,
        ["mirror C, D", "spare disk E"],
    ),
    (
        "remove-vdev",
        lambda state: RemoveVdev(
            **in_fast(state), vdev=vdev_guid(state, MORE[4]), vdev_name=MORE[4],
            vdev_class="spare", kind="disk", state="ONLINE", disks=MORE[4:],
            others=0, released=(),
        ),
        tree,
        ["mirror C, D"],
    ),
)  # fmt: skip
"""On a pool fast that is a mirror of two."""

STEPS: tuple[Step, ...] = (
    (
        "create-pool",
        lambda _: CreatePool(
            pool="fast", vdevs=layout("mirror", *DISKS), identities=(), ashift=12
        ),
        names,
        ["fast", "tank"],
    ),
    *VDEV_STEPS,
    (
        "set-pool-properties",
        lambda state: SetPoolProperties(
            pool="fast", guid=pool_guid(state, "fast"), properties=(ON,)
        ),
        lambda state: state.pools[0].properties["autoexpand"].value,
        "on",
    ),
    (
        "create-dataset",
        lambda _: CreateDataset(dataset="fast/a", kind="filesystem", mountpoint="/fast/a"),
        lambda state: dataset(state, "fast/a") is not None,
        True,
    ),
    (
        "rename-dataset",
        lambda state: RenameDataset(dataset="fast/a", guid=guid(state, "fast/a"), to="fast/b"),
        lambda state: (dataset(state, "fast/a"), guid(state, "fast/b") != ""),
        (None, True),
    ),
    (
        "set-dataset-properties",
        lambda state: SetDatasetProperties(
            dataset="fast/b", guid=guid(state, "fast/b"), properties=(QUOTA,)
        ),
        lambda state: getattr(dataset(state, "fast/b"), "set", None),
        {"quota": "1073741824"},
    ),
    (
        "add-storage",
        lambda _: AddStorage(
            storage="fast-b", kind="zfspool", properties={"pool": "fast/b"}, dataset="fast/b"
        ),
        lambda state: storage(state, "mountpoint"),
        "/fast/b",
    ),
    (
        "update-storage",
        lambda _: UpdateStorage(storage="fast-b", kind="zfspool", properties=(SPARSE,)),
        lambda state: storage(state, "sparse"),
        "1",
    ),
    (
        "disable-storage",
        lambda _: DisableStorage(storage="fast-b", kind="zfspool"),
        lambda state: storage(state, "disable"),
        "1",
    ),
    (
        "enable-storage",
        lambda _: EnableStorage(storage="fast-b"),
        lambda state: storage(state, "disable"),
        "",
    ),
    (
        "remove-storage",
        lambda _: RemoveStorage(storage="fast-b", kind="zfspool", properties={}),
        lambda state: storage(state, "pool"),
        None,
    ),
    (
        "snapshot-dataset",
        lambda state: SnapshotDataset(dataset="fast/b", guid=guid(state, "fast/b"), snapshot="net"),
        lambda state: list(getattr(dataset(state, "fast/b"), "snapshots", ())),
        ["net"],
    ),
    (
        "retire-dataset",
        lambda state: RetireDataset(
            dataset="fast/b", guid=guid(state, "fast/b"), kind="filesystem", to="fast/aside",
            keep="30d", automounts=("fast/b",), mountpoints={"fast/b": "/fast/b"},
        ),
        lambda state: (
            dataset(state, "fast/b"), getattr(dataset(state, "fast/aside"), "mounted", None),
            dict(getattr(dataset(state, "fast/aside"), "set", {})),
        ),
        (None, False, {
            "quota": "1073741824", "canmount": "off", "readonly": "on",
            "phoenix:kept-until": ANY, "phoenix:retired-from": "fast/b",
        }),
    ),
    (
        "destroy-dataset",
        lambda state: DestroyDataset(
            dataset="fast/aside", guid=guid(state, "fast/aside"), snapshots={"net": Guid("")},
        ),
        lambda state: dataset(state, "fast/aside"),
        None,
    ),
    (
        "destroy-pool",
        lambda state: DestroyPool(pool="fast", guid=pool_guid(state, "fast"), disks=DISKS),
        lambda state: (names(state), [(one.name, one.state) for one in state.idle_pools]),
        (["tank"], [("fast", "destroyed")]),
    ),
    ("wipe-disk", wipe, lambda state: old_disk(state).signatures, ()),
    (
        "set-arc-max",
        lambda state: SetArcMax(
            value=Bytes(1 << 30), live=state.arc_max.live, boot="8589934592",
            boot_text="options zfs zfs_arc_max=1073741824\n",
            boot_replaces=state.arc_max.file_text, initramfs=True,
        ),
        lambda state: (state.arc_max.live, dict(state.arc_max.boot)),
        (1 << 30, {"/etc/modprobe.d/zfs.conf": 1 << 30}),
    ),
)  # fmt: skip


def with_more_disks(host: SimulatedHost) -> None:
    """MORE, into the host's file."""
    there = json.loads(host.path.read_text(encoding="utf-8"))
    there["disks"] |= {
        f"sd{kernel}": {
            "size": "32G", "by_id": [path.rpartition("/")[2]], "serial": path[-6:],
            "transport": "sata",
        }
        for kernel, path in zip("fghij", MORE, strict=True)
    }  # fmt: skip
    host.path.write_text(json.dumps(there), encoding="utf-8")


def test_every_kind_of_action_has_its_effect(host: SimulatedHost) -> None:
    """One after the other: each runs, and a refresh sees what it did."""
    with_more_disks(host)
    for kind, act, look, expected in STEPS:
        action = act(refresh(host))
        perform(host, action)
        assert (kind, expected) == (action.TYPE, look(refresh(host)))


def test_an_import_has_its_effect(host: SimulatedHost) -> None:
    """An exported pool comes back by GUID, mounted, with all that it held."""
    before = refresh(host)
    for line in ("pvesm set tank-vm --disable 1", "zpool export tank"):
        assert host.run(Run(argv=tuple(line.split()))).exit_code == 0
    idle = refresh(host)
    action = ImportPool(
        pool="tank", guid=pool_guid(idle, "tank"), state="exported", last_hostid="37487e0c",
        last_hostname="pve1", ours=True, disks=idle.idle_pools[0].disks,
    )  # fmt: skip
    import_, mount = action.writes()
    assert host.run(import_).exit_code == 0
    assert isinstance(mount, Run)
    for one in ("tank", "tank/old", "tank/vm"):
        argv = tuple(word.replace("{filesystem}", one) for word in mount.argv)
        assert (host.run(Run(argv=argv)).exit_code, b"") == (0, b"")
    after = refresh(host)
    assert before.datasets == after.datasets
    assert before.pools[0].vdevs == after.pools[0].vdevs


def test_a_raidz_is_expanded(host: SimulatedHost) -> None:
    """From OpenZFS 2.3 on; before, the simulated zpool refuses as the real one does."""
    with_more_disks(host)
    perform(host, CreatePool(
        pool="fast", vdevs=layout("raidz1", *DISKS, MORE[0]), identities=(), ashift=12
    ))  # fmt: skip
    state = refresh(host)
    action = ExpandRaidz(
        **in_fast(state),
        vdev=top_guid(state, DISKS[0]),
        vdev_name="raidz1-0",
        disk=MORE[1],
        identity="",
    )
    if state.host.zfs == "2.1.11":
        (write,) = action.writes()
        assert b"can only attach to mirrors and top-level disks" in host.run(write).stderr
        assert tree(refresh(host)) == ["raidz1 C, D, A"]
    else:
        perform(host, action)
        assert tree(refresh(host)) == ["raidz1 C, D, A, B"]


def test_no_kind_of_action_is_left_out() -> None:
    """Every member of the union stands in one of the three tests above."""
    apart: set[str] = {ImportPool.TYPE, ExpandRaidz.TYPE}
    assert set(ACTIONS) == {kind for kind, *_ in STEPS} | apart
