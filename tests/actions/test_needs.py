"""What each kind of action needs before it runs: a need that is dropped turns this red."""

from __future__ import annotations

import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import ACTIONS, DestroyDataset, DestroyPool
from phoenix_plan.conditions import TAGS, Known, Uncloned
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.sizes import Guid
from phoenix_plan.safety import SAFE_DATASET_PROPERTIES, SAFE_POOL_PROPERTIES, verdict

_NEEDS = {
    "create-pool": "disk-blank disk-is disk-sound disk-unpooled disk-unprotected disk-unused "
    "disks-alike disks-distinct mountpoint-free pool-absent pool-name-free",
    "destroy-pool": "dataset-unused known pool-not-boot pool-present pool-unmistakable "
    "pool-writable unprotected",
    "import-pool": "disk-sound disk-unprotected disk-unused pool-absent pool-importable",
    "set-pool-properties": "pool-not-boot pool-present pool-writable",
    "wipe-disk": "disk-is disk-sound disk-unpooled disk-unprotected disk-unused",
    "create-dataset": "dataset-absent dataset-present mountpoint-free pool-present pool-writable",
    "set-dataset-properties": "dataset-not-boot dataset-present fits-used mountpoint-free "
    "pool-writable",
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
    }  # fmt: skip
    seen = {one.TYPE for one in EXAMPLES if verdict(one, Evidence()).safety == "safe"}
    assert seen <= safe
    assert {"atime", "quota", "sync"} <= SAFE_DATASET_PROPERTIES.keys()
    assert {"autotrim", "comment"} == SAFE_POOL_PROPERTIES
