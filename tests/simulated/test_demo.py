"""The demo: a host and a config whose plan, run to its end, leaves no change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from phoenix_plan.actions import (
    ACTIONS,
    Action,
    AddStorage,
    Change,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    EnableStorage,
    ImportPool,
    RemoveStorage,
    RenameDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    UpdateStorage,
    WipeDisk,
)
from phoenix_plan.actions.disks import wipe_ranges
from phoenix_plan.commands import ReadFile, Run, Write
from phoenix_plan.config.load import LoadedConfig, load_config
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.plan import Plan, make_plan
from phoenix_plan.probes.storage_cfg import parse_storage_cfg
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


def filled(host: SimulatedHost, write: Write) -> Write:
    """With storage.cfg's digest of now."""
    if not isinstance(write, Run):
        return write
    answer = host.answer("storage-cfg", ReadFile(path="/etc/pve/storage.cfg"))
    data = getattr(answer, "data", None)
    digest = parse_storage_cfg(data, "storage.cfg").digest
    argv = tuple(word.replace("{storage_cfg_digest}", digest) for word in write.argv)
    return attrs.evolve(write, argv=argv)


def perform(host: SimulatedHost, action: Action) -> None:
    """Every write of an action, in order; each has to work."""
    for write in action.writes():
        output = host.run(filled(host, write))
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

STEPS: tuple[Step, ...] = (
    (
        "create-pool",
        lambda _: CreatePool(
            pool="fast", vdevs=layout("mirror", *DISKS), identities=(), ashift=12
        ),
        names,
        ["fast", "tank"],
    ),
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
        "destroy-dataset",
        lambda state: DestroyDataset(dataset="fast/b", guid=guid(state, "fast/b")),
        lambda state: dataset(state, "fast/b"),
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


def test_every_kind_of_action_has_its_effect(host: SimulatedHost) -> None:
    """One after the other: each runs, and a refresh sees what it did."""
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


def test_no_kind_of_action_is_left_out() -> None:
    """Every member of the union stands in one of the two tests above."""
    assert set(ACTIONS) == {kind for kind, *_ in STEPS} | {ImportPool.TYPE}
