"""What each kind of action needs before it runs: a need that is dropped turns this red."""

from __future__ import annotations

import attrs
import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import (
    ACTIONS,
    AddVdev,
    AttachDisk,
    DestroyDataset,
    DestroyPool,
    ExpandRaidz,
    RemoveVdev,
    ReplaceDisk,
    VdevAction,
)
from phoenix_plan.conditions import TAGS, DiskFits, Known, Turn, Uncloned
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.layout import CLASSES
from phoenix_plan.model.pools import VdevClass
from phoenix_plan.model.sizes import Guid
from phoenix_plan.safety import SAFE_DATASET_PROPERTIES, SAFE_POOL_PROPERTIES, verdict

_NEW = "disk-blank disk-fits disk-is disk-sound disk-unpooled disk-unprotected disk-unused"

_NEEDS = {
    "create-pool": "disk-blank disk-is disk-sound disk-unpooled disk-unprotected disk-unused "
    "disks-alike disks-distinct mountpoint-free pool-absent pool-name-free sectors-fit",
    "destroy-pool": "dataset-unused known pool-not-boot pool-present pool-unmistakable "
    "pool-writable unprotected",
    "import-pool": "disk-sound disk-unprotected disk-unused pool-absent pool-importable",
    "set-pool-properties": "pool-not-boot pool-present pool-writable",
    "attach-disk": f"{_NEW} member no-checkpoint pool-not-boot pool-present pool-settled "
    "pool-unmistakable pool-writable",
    "replace-disk": f"{_NEW} member no-checkpoint pool-not-boot pool-present pool-settled "
    "pool-unmistakable pool-writable",
    "detach-disk": "member no-checkpoint others-online pool-not-boot pool-present pool-settled "
    "pool-unmistakable pool-writable unprotected",
    "expand-raidz": f"{_NEW} feature-ready member no-checkpoint pool-not-boot pool-present "
    "pool-settled pool-unmistakable pool-whole pool-writable unprotected",
    "add-vdev": "disk-blank disk-is disk-sound disk-unpooled disk-unprotected disk-unused "
    "disks-alike disks-distinct pool-not-boot pool-present pool-settled pool-unmistakable "
    "pool-whole pool-writable sectors-fit unprotected",
    "remove-vdev": "member no-checkpoint pool-not-boot pool-present pool-settled "
    "pool-unmistakable pool-whole pool-writable unprotected",
    "online-disk": "member pool-not-boot pool-present pool-unmistakable pool-writable",
    "offline-disk": "member others-online pool-not-boot pool-present pool-settled "
    "pool-unmistakable pool-writable unprotected",
    "create-checkpoint": "no-checkpoint pool-not-boot pool-present pool-settled "
    "pool-unmistakable pool-writable unprotected",
    "discard-checkpoint": "pool-not-boot pool-present pool-unmistakable pool-writable unprotected",
    "wipe-disk": "disk-is disk-sound disk-unpooled disk-unprotected disk-unused",
    "create-dataset": "dataset-absent dataset-present mountpoint-free pool-present pool-writable",
    "set-dataset-properties": "dataset-not-boot dataset-present fits-used mountpoint-free "
    "pool-writable snapshotted",
    "snapshot-dataset": "dataset-present known pool-writable",
    "retire-dataset": "dataset-absent dataset-not-boot dataset-present dataset-unused known "
    "pool-writable storage-disabled unprotected",
    "rename-dataset": "dataset-absent dataset-not-boot dataset-present dataset-unused known "
    "pool-writable unprotected",
    "destroy-dataset": "dataset-not-boot dataset-present dataset-unused known pool-writable "
    "unheld unprotected",
    "add-storage": "dataset-present dataset-settled quorate storage-absent",
    "update-storage": "known quorate storage-present",
    "remove-storage": "known quorate storage-present",
    "disable-storage": "known quorate storage-present",
    "enable-storage": "dataset-present quorate storage-present",
    "set-arc-max": "known",
}


@pytest.mark.parametrize("kind", sorted(ACTIONS))
def test_an_action_needs_what_the_contract_says(kind: str) -> None:
    needs = {TAGS[type(need)] for one in EXAMPLES if kind == one.TYPE for need in one.needs()}
    assert sorted(needs) == _NEEDS[kind].split()


@pytest.mark.parametrize("kind", ["add-vdev", "remove-vdev"])
def test_only_a_vdev_that_holds_data_needs_a_whole_pool(kind: str) -> None:
    """A spare is added to a degraded pool too: that is when it is wanted."""
    of_data = {"pool-whole"}
    for one in EXAMPLES:
        if isinstance(one, AddVdev | RemoveVdev) and kind == one.TYPE:
            needs = {TAGS[type(need)] for need in one.needs()}
            assert (of_data if one.is_data else set()) == needs & of_data


@pytest.mark.parametrize("one", [one for one in EXAMPLES if isinstance(one, VdevAction)], ids=str)
def test_steps_on_one_pool_wait_for_each_other(one: VdevAction) -> None:
    """The first waits for none; each says that its turn is over."""
    assert not [need for need in one.needs() if isinstance(need, Turn)]
    third = attrs.evolve(one, turn=3)
    assert Turn(pool="tank", number=2) in third.needs()
    assert Turn(pool="tank", number=3) in third.gives()


def test_a_replacement_may_be_larger_and_a_new_mirror_side_not() -> None:
    """Only a replacement lets a vdev grow, and each is held against the member that it is about."""
    fits = {
        one.TYPE: [(need.beside, need.larger) for need in one.needs() if isinstance(need, DiskFits)]
        for one in EXAMPLES
        if isinstance(one, AttachDisk | ReplaceDisk | ExpandRaidz)
    }
    member, vdev = "17210485520135906523", "2295301274470110846"
    assert fits == {
        "attach-disk": [(member, False)],
        "replace-disk": [(member, True)],
        "expand-raidz": [(vdev, False)],
    }


def test_a_destruction_needs_to_know_who_could_be_hurt() -> None:
    sources = {"storages", "references", "snapshots"}
    pool = DestroyPool(pool="tank", guid=Guid("1"), disks=())
    dataset = DestroyDataset(dataset="tank/a", guid=Guid("1"), clones=("tank/c",))
    for action in (pool, dataset):
        assert {need.source for need in action.needs() if isinstance(need, Known)} == sources
    assert Uncloned(dataset="tank/a", clone="tank/c") in dataset.needs()


def test_nothing_is_safe_but_what_the_table_lists() -> None:
    """The verdict of each example; a kind that turns safe turns this red."""
    safe = {
        "create-pool", "create-dataset", "import-pool", "set-pool-properties",
        "set-dataset-properties", "add-storage", "update-storage", "enable-storage", "set-arc-max",
        "attach-disk", "replace-disk", "add-vdev", "remove-vdev", "online-disk",
    }  # fmt: skip
    seen = {one.TYPE for one in EXAMPLES if verdict(one, Evidence()).safety == "safe"}
    assert seen <= safe
    assert {"atime", "quota", "sync"} <= SAFE_DATASET_PROPERTIES.keys()
    assert {"autotrim", "comment"} == SAFE_POOL_PROPERTIES


@pytest.mark.parametrize("of", CLASSES)
def test_what_holds_data_is_never_safe_to_add_or_remove(of: VdevClass) -> None:
    """By class of vdev; a log that is not mirrored is not safe to remove either."""
    for one in EXAMPLES:
        if isinstance(one, AddVdev | RemoveVdev):
            single = verdict(attrs.evolve(one, vdev_class=of, kind="disk"), Evidence())
            mirror = verdict(attrs.evolve(one, vdev_class=of, kind="mirror"), Evidence())
            unsafe = of in ("normal", "special", "dedup")
            assert ("destructive" if unsafe else "safe") == mirror.safety
            lone_log = of == "log" and isinstance(one, RemoveVdev)
            assert ("destructive" if unsafe or lone_log else "safe") == single.safety
