"""Declared storages against storage.cfg."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from phoenix_plan.model.desired import DesiredDataset, DesiredStorage, Removed
from phoenix_plan.model.proxmox import StorageConfig
from tests.builders import (
    actual,
    codes,
    dataset,
    desired,
    disk,
    host,
    ids,
    member,
    planned,
    pool,
    reference,
    storage,
    top,
    want_pool,
)

POOL = want_pool("tank", "mirror", "A", "B")


def tank(**changes: Any) -> Any:
    """A host with the pool `tank`, a dataset `tank/vm`, and these storages."""
    there = pool("tank", top("mirror", "tank", "A", "B"))
    datasets = [dataset("tank/vm"), *changes.pop("datasets", ())]
    disks = (member("A", "tank"), member("B", "tank"))
    return actual(*disks, pools=[there], datasets=datasets, **changes)


def want(kind: str = "zfspool", **changes: Any) -> Any:
    """The storage `vm`, on the declared dataset `tank/vm`."""
    properties = changes.pop("properties", {"pool": "tank/vm", "content": "images,rootdir"})
    wanted = DesiredStorage(id="vm", type=kind, properties=properties, dataset="tank/vm", **changes)
    return desired(POOL, datasets=[DesiredDataset(name="tank/vm")], storages=[wanted])


class TestAdd:
    def test_a_missing_storage_is_registered_after_its_dataset(self) -> None:
        plan = planned(want(), actual(disk("A"), disk("B")))
        assert ids(plan) == ["create-pool:tank", "create-dataset:tank/vm", "add-storage:vm"]
        assert plan.actions[2].safety == "safe"
        assert plan.actions[2].commands[0].argv == (
            "pvesm", "add", "zfspool", "vm", "--content", "images,rootdir", "--pool", "tank/vm",
        )  # fmt: skip

    def test_a_dir_storage_takes_its_path_from_the_datasets_mountpoint(self) -> None:
        there = tank(datasets=[dataset("tank/vm", mountpoint="/srv/vm")])
        plan = planned(want("dir", properties={"content": "iso"}), there)
        assert plan.actions[0].after["path"] == "/srv/vm"

    def test_without_proxmox_a_declared_storage_is_an_error(self) -> None:
        plan = planned(want(), tank(host=host(pve="")))
        assert (ids(plan), codes(plan)) == ([], ["pve-missing"])

    def test_without_quorum_storage_cfg_cannot_be_written(self) -> None:
        plan = planned(want(), tank(host=host(quorate=False)))
        assert (ids(plan), codes(plan)) == ([], ["no-quorum"])

    def test_an_unknown_storage_cfg_is_no_empty_one(self) -> None:
        plan = planned(want(), tank(unknown=["storages"]))
        assert (ids(plan), codes(plan)) == ([], ["probe-failed"])


class TestUpdate:
    def test_a_storage_that_is_right_is_said_to_be_so(self) -> None:
        there = tank(storages=[storage("vm", pool="tank/vm", content="rootdir,images")])
        plan = planned(want(), there)
        assert ids(plan) == []
        assert "storage vm" in [str(one.subject) for one in plan.unchanged]

    def test_content_is_compared_as_a_set_and_changed_safely(self) -> None:
        there = tank(storages=[storage("vm", pool="tank/vm", content="images")])
        plan = planned(want(), there)
        assert ids(plan) == ["update-storage:vm"]
        row = plan.actions[0]
        assert (row.safety, row.before, row.after) == (
            "safe", {"content": "images"}, {"content": "images,rootdir"},
        )  # fmt: skip
        assert row.commands[0].argv == (
            "pvesm", "set", "vm", "--content", "images,rootdir",
            "--digest", "{storage_cfg_digest}",
        )  # fmt: skip

    def test_what_pve_records_by_itself_is_no_difference(self) -> None:
        there = tank(
            storages=[
                storage("vm", pool="tank/vm", content="images,rootdir", mountpoint="/tank/vm")
            ]
        )
        assert ids(planned(want(), there)) == []

    @pytest.mark.parametrize(
        ("before", "after", "safety"),
        [
            ({"nodes": "pve1"}, {"nodes": "pve1,pve2"}, "safe"),
            ({"nodes": "pve1,pve2"}, {"nodes": "pve1"}, "destructive"),
            ({}, {"nodes": "pve1"}, "destructive"),
            ({"disable": "1"}, {"disable": "0"}, "safe"),
            ({}, {"disable": "1"}, "destructive"),
            ({"bwlimit": "default=1"}, {"bwlimit": "default=2"}, "safe"),
            ({"sparse": "0"}, {"sparse": "1"}, "destructive"),
        ],
    )
    def test_directions_of_change(self, before: Any, after: Any, safety: str) -> None:
        there = tank(storages=[storage("vm", pool="tank/vm", **before)])
        wanted = want(properties={"pool": "tank/vm", **after})
        assert [row.safety for row in planned(wanted, there).actions] == [safety]

    @pytest.mark.parametrize(
        ("before", "after", "safety"),
        [
            ("keep-last=3", "keep-last=5", "safe"),
            ("keep-last=3", "keep-all=1", "safe"),
            ("keep-last=5", "keep-last=3", "destructive"),
            ("keep-all=1", "keep-last=3", "destructive"),
        ],
    )
    def test_less_retention_is_destructive(self, before: str, after: str, safety: str) -> None:
        there = tank(
            storages=[storage("vm", "dir", path="/tank/vm", content="backup", prune_backups=before)]
        )
        wanted = want("dir", properties={"content": "backup", "prune-backups": after})
        assert [row.safety for row in planned(wanted, there).actions] == [safety]

    def test_an_ignored_key_is_left_alone(self) -> None:
        there = tank(storages=[storage("vm", pool="tank/vm", content="images")])
        assert ids(planned(want(ignore=("content",)), there)) == []

    def test_what_pve_would_drop_from_the_file_is_told(self) -> None:
        section = storage("vm", pool="tank/vm", content="images")
        there = tank(
            storages=[section],
        )
        config = StorageConfig(digest="0" * 40, storages=(section,), lost=("a comment, line 3",))
        plan = planned(want(), evolve(there, storages=config))
        assert codes(plan, "warning") == ["storage-cfg-loses-lines"]


class TestFixed:
    @pytest.mark.parametrize(
        ("there", "kind", "properties"),
        [
            (storage("vm", pool="tank/old"), "zfspool", {"pool": "tank/vm"}),
            (storage("vm", "dir", path="/elsewhere"), "dir", {}),
            (storage("vm", "dir", path="/tank/vm"), "zfspool", {"pool": "tank/vm"}),
        ],
        ids=["pool", "path", "type"],
    )
    def test_another_fixed_property_is_remove_and_add_and_destructive(
        self, there: Any, kind: str, properties: Any
    ) -> None:
        host_ = tank(storages=[there], references=[reference("qemu/100", "vm")])
        plan = planned(want(kind, properties=properties), host_)
        assert ids(plan) == ["remove-storage:vm", "add-storage:vm"]
        assert plan.actions[0].safety == "destructive"
        assert plan.actions[0].evidence.guests == ("qemu/100 on pve1: scsi0 vm:vm-100-disk-0",)


class TestRemoval:
    def test_a_storage_that_the_config_does_not_name_is_left_alone(self) -> None:
        """The old script removed every storage that the config did not name, three aside."""
        there = tank(storages=[storage("other", "dir", path="/srv"), storage("local", "dir")])
        plan = planned(desired(POOL), there)
        assert ids(plan) == []
        assert plan.unmanaged.storages == ("local", "other")

    def test_a_declared_removal_unregisters_and_says_who_refers(self) -> None:
        there = tank(
            storages=[storage("old", "dir", path="/srv")],
            references=[reference("job/backup-1", "old", "")],
        )
        plan = planned(desired(POOL, removed=Removed(storages=("old", "gone"))), there)
        assert ids(plan) == ["remove-storage:old"]
        assert plan.actions[0].evidence.jobs == ("job/backup-1 on pve1: scsi0 old",)
        assert plan.actions[0].commands[0].argv == ("pvesm", "remove", "old")

    def test_a_protected_storage_is_not_pointed_elsewhere(self) -> None:
        there = tank(storages=[storage("vm", pool="tank/old")])
        plan = planned(want(protected=True), there)
        assert ids(plan) == []
        assert "protected" in codes(plan)
