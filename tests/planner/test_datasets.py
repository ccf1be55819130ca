"""Declared datasets against what is there."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.desired import Desired, DesiredDataset, Removed, RemovedDataset
from phoenix_plan.model.sizes import Bytes, Guid
from tests.builders import (
    actual,
    codes,
    dataset,
    desired,
    disk,
    guid_of,
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


def tank(*datasets: Dataset, **changes: Any) -> Any:
    """A host with the pool `tank` as declared, and these datasets on it."""
    there = pool("tank", top("mirror", "tank", "A", "B"), **changes.pop("pool", {}))
    disks = (member("A", "tank"), member("B", "tank"))
    return actual(*disks, pools=[there], datasets=datasets, **changes)


def want(name: str = "tank/data", **changes: Any) -> Desired:
    """One declared dataset on the declared pool."""
    return desired(POOL, datasets=[DesiredDataset(name=name, **changes)])


class TestCreate:
    def test_a_missing_dataset_is_created_safely(self) -> None:
        plan = planned(want(properties={"recordsize": "128K", "atime": "off"}), tank())
        assert ids(plan) == ["create-dataset:tank/data"]
        row = plan.actions[0]
        assert row.safety == "safe"
        assert row.commands[0].argv == (
            "zfs", "create", "-o", "atime=off", "-o", "recordsize=128K", "tank/data",
        )  # fmt: skip

    def test_a_volume_has_its_size(self) -> None:
        row = planned(want(type="volume", volsize=Bytes(1 << 30)), tank()).actions[0]
        assert row.commands[0].argv == ("zfs", "create", "-V", "1073741824", "tank/data")

    def test_parents_come_before_children_and_pools_before_both(self) -> None:
        wanted = desired(
            POOL, datasets=[DesiredDataset(name="tank/a"), DesiredDataset(name="tank/a/b")]
        )
        plan = planned(wanted, actual(disk("A"), disk("B")))
        assert ids(plan) == ["create-pool:tank", "create-dataset:tank/a", "create-dataset:tank/a/b"]

    def test_a_parent_that_is_nowhere_is_an_error(self) -> None:
        plan = planned(want("tank/a/b"), tank())
        assert (ids(plan), codes(plan)) == ([], ["dataset-missing"])

    @pytest.mark.parametrize(
        ("mountpoint", "code"),
        [
            ("/etc", "mountpoint-system"),
            ("/usr/share/x", "mountpoint-system"),
            ("/", "mountpoint-system"),
            ("/tank", "mountpoint-taken"),
        ],
    )
    def test_a_mountpoint_of_the_system_or_of_another_is_refused(
        self, mountpoint: str, code: str
    ) -> None:
        plan = planned(want(properties={"mountpoint": mountpoint}), tank())
        assert (ids(plan), codes(plan)) == ([], [code])

    def test_the_default_mountpoint_follows_the_parents_own(self) -> None:
        there = tank(
            dataset("tank", mountpoint="/srv/tank", set={"mountpoint": "/srv/tank"}),
            directories={"/srv/tank/data": "occupied"},
        )
        assert codes(planned(want(), there)) == ["mountpoint-occupied"]

    def test_a_key_from_a_prompt_can_be_in_no_plan(self) -> None:
        properties = {"encryption": "on", "keyformat": "passphrase"}
        assert codes(planned(want(properties=properties), tank())) == ["key-from-prompt"]


class TestProperties:
    @pytest.mark.parametrize(
        ("declared", "seen"),
        [
            ({"recordsize": "128K"}, {}),
            ({"recordsize": "1M"}, {"set": {"recordsize": "1048576"}}),
            ({"quota": "1.5M"}, {"set": {"quota": "1572864"}}),
            ({"quota": "none"}, {}),
            ({"encryption": "on"}, {"inherited": {"encryption": "aes-256-gcm"}}),
            ({"compression": "gzip-6"}, {"set": {"compression": "gzip"}}),
            ({"atime": "off"}, {"inherited": {"atime": "off"}}),
        ],
    )
    def test_values_are_compared_as_zfs_means_them(self, declared: Any, seen: Any) -> None:
        plan = planned(want(properties=declared), tank(dataset("tank/data", **seen)))
        assert ids(plan) == []
        assert [str(one.subject) for one in plan.unchanged] == ["dataset tank/data", "pool tank"]

    def test_what_differs_is_set_in_one_command(self) -> None:
        properties = {"compression": "zstd", "recordsize": "1M"}
        row = planned(want(properties=properties), tank(dataset("tank/data"))).actions[0]
        assert row.id == "set-dataset-properties:tank/data"
        assert row.commands[0].argv == (
            "zfs", "set", "compression=zstd", "recordsize=1048576", "tank/data",
        )  # fmt: skip
        assert row.before == {"compression": "on", "recordsize": "131072"}
        assert row.safety == "safe"

    def test_what_is_not_declared_is_left_alone(self) -> None:
        there = tank(dataset("tank/data", set={"sync": "disabled", "copies": "2"}))
        assert ids(planned(want(properties={"atime": "on"}), there)) == []

    def test_an_ignored_property_is_left_alone(self) -> None:
        wanted = want(properties={"compression": "zstd"}, ignore=("compression",))
        assert ids(planned(wanted, tank(dataset("tank/data")))) == []

    @pytest.mark.parametrize(
        ("declared", "code"),
        [
            ({"sync": "disabled"}, "property-unsafe-value"),
            ({"checksum": "off"}, "property-unsafe-value"),
            ({"mountpoint": "/elsewhere"}, "property-not-listed"),
            ({"readonly": "on"}, "property-not-listed"),
            ({"canmount": "off"}, "property-not-listed"),
            ({"sharenfs": "on"}, "property-not-listed"),
            ({"copies": "2"}, "property-not-listed"),
            ({"made-up-property": "x"}, "property-not-listed"),
            ({"phoenix:protected": "off"}, "lifts-protection"),
        ],
    )
    def test_what_the_table_does_not_list_is_destructive(self, declared: Any, code: str) -> None:
        row = planned(want(properties=declared), tank(dataset("tank/data"))).actions[0]
        assert (row.safety, row.code) == ("destructive", code)

    @pytest.mark.parametrize(
        "declared",
        [
            {"sync": "always"}, {"checksum": "sha256"}, {"compression": "off"},
            {"org.example:owner": "me"}, {"phoenix:protected": "on"}, {"quota": "2M"},
            {"reservation": "2M"},
        ],
    )  # fmt: skip
    def test_what_the_table_lists_is_safe(self, declared: Any) -> None:
        row = planned(want(properties=declared), tank(dataset("tank/data"))).actions[0]
        assert row.safety == "safe"

    @pytest.mark.parametrize("name", ["quota", "refquota"])
    def test_a_quota_below_what_is_used_is_an_error_with_both_figures(self, name: str) -> None:
        plan = planned(want(properties={name: "1023K"}), tank(dataset("tank/data")))
        assert (ids(plan), codes(plan)) == ([], ["quota-below-used"])
        assert "1047552 bytes" in plan.errors[0].message
        assert "1048576 bytes" in plan.errors[0].message

    def test_a_reservation_beyond_what_is_free_is_an_error(self) -> None:
        plan = planned(want(properties={"reservation": "1T"}), tank(dataset("tank/data")))
        assert codes(plan) == ["reservation-above-free"]

    def test_the_root_filesystem_of_a_declared_pool_has_properties_too(self) -> None:
        wanted = desired(want_pool("tank", "mirror", "A", "B", filesystem={"atime": "off"}))
        assert ids(planned(wanted, tank())) == ["set-dataset-properties:tank"]

    def test_the_root_dataset_of_the_boot_pool_is_left_alone(self) -> None:
        wanted = desired(want_pool("tank", "mirror", "A", "B", filesystem={"atime": "off"}))
        there = tank(mounts={"/": "tank/ROOT/pve-1"}, host=host(boot_pools=("tank",)))
        plan = planned(wanted, there)
        assert (ids(plan), codes(plan)) == ([], ["boot-chain"])

    def test_other_datasets_of_the_boot_pool_follow_the_normal_rules(self) -> None:
        there = tank(
            dataset("tank/data"),
            mounts={"/": "tank/ROOT/pve-1"},
            host=host(boot_pools=("tank",)),
        )
        plan = planned(want(properties={"atime": "off"}), there)
        assert ids(plan) == ["set-dataset-properties:tank/data"]


class TestVolumes:
    def volume(self, size: int) -> Any:
        return tank(dataset("tank/v", type="volume", mountpoint="", set={"volsize": str(size)}))

    def test_a_volume_grows_safely(self) -> None:
        wanted = want("tank/v", type="volume", volsize=Bytes(2 << 30))
        row = planned(wanted, self.volume(1 << 30)).actions[0]
        assert (row.safety, row.code) == ("safe", "grows-volume")

    def test_a_volume_that_shrinks_is_destructive(self) -> None:
        wanted = want("tank/v", type="volume", volsize=Bytes(1 << 29))
        row = planned(wanted, self.volume(1 << 30)).actions[0]
        assert (row.safety, row.code) == ("destructive", "shrinks-volume")


class TestCreateOnly:
    @pytest.mark.parametrize(
        "declared",
        [{"casesensitivity": "insensitive"}, {"encryption": "on"}, {"normalization": "formD"}],
    )
    def test_another_create_only_value_is_destroy_and_create(self, declared: Any) -> None:
        there = tank(
            dataset("tank/data", snapshots={"daily": "7"}),
            dataset("tank/data/child"),
        )
        plan = planned(want(properties=declared), there)
        assert ids(plan) == [
            "destroy-dataset:tank/data/child",
            "destroy-dataset:tank/data",
            "create-dataset:tank/data",
        ]
        assert [row.safety for row in plan.actions] == ["destructive", "destructive", "safe"]
        assert plan.actions[1].evidence.snapshots == ("tank/data@daily",)

    def test_a_declared_child_is_created_again(self) -> None:
        wanted = desired(
            POOL,
            datasets=[
                DesiredDataset(name="tank/data", properties={"utf8only": "on"}),
                DesiredDataset(name="tank/data/child"),
            ],
        )
        plan = planned(wanted, tank(dataset("tank/data"), dataset("tank/data/child")))
        assert ids(plan)[-1] == "create-dataset:tank/data/child"

    def test_a_volume_in_the_place_of_a_filesystem_is_destroy_and_create(self) -> None:
        plan = planned(want(type="volume", volsize=Bytes(1 << 20)), tank(dataset("tank/data")))
        assert ids(plan) == ["destroy-dataset:tank/data", "create-dataset:tank/data"]

    def test_on_a_root_filesystem_it_is_an_error(self) -> None:
        wanted = desired(want_pool("tank", "mirror", "A", "B", filesystem={"utf8only": "on"}))
        plan = planned(wanted, tank())
        assert (ids(plan), codes(plan)) == ([], ["create-only-differs"])

    def test_nothing_is_destroyed_where_a_clone_hangs_on_it(self) -> None:
        there = tank(
            dataset("tank/data", snapshots={"s": "1"}),
            dataset("tank/clone", clone_of="tank/data@s"),
        )
        plan = planned(want(properties={"utf8only": "on"}), there)
        assert ids(plan) == []
        assert codes(plan) == ["dataset-cloned"]

    def test_a_clone_that_goes_too_goes_first(self) -> None:
        guids = {name: Guid(guid_of(name)) for name in ("tank/data", "tank/clone")}
        removed = tuple(RemovedDataset(name=name, guid=guid) for name, guid in guids.items())
        there = tank(
            dataset("tank/data", snapshots={"s": "1"}),
            dataset("tank/clone", clone_of="tank/data@s"),
        )
        plan = planned(desired(POOL, removed=Removed(datasets=removed)), there)
        assert ids(plan) == ["destroy-dataset:tank/clone", "destroy-dataset:tank/data"]

    def test_the_guest_whose_volume_goes_is_named(self) -> None:
        volume = "tank/vm-100-disk-0"
        entry = RemovedDataset(name=volume, guid=Guid(guid_of(volume)))
        there = tank(
            dataset(volume, type="volume", mountpoint=""),
            storages=[storage("vm", pool="tank")],
            references=[reference("qemu/100", "vm"), reference("qemu/7", "vm", "vm-7-disk-0")],
        )
        plan = planned(desired(POOL, removed=Removed(datasets=(entry,))), there)
        assert plan.actions[0].evidence.guests == ("qemu/100 on pve1: scsi0 vm:vm-100-disk-0",)


class TestRename:
    def test_a_rename_is_destructive_and_comes_before_all_else(self) -> None:
        there = tank(
            dataset("tank/old"),
            storages=[storage("vm", pool="tank/old")],
            references=[reference("lxc/101", "vm")],
        )
        plan = planned(want("tank/new", renamed_from="tank/old"), there)
        assert ids(plan) == ["rename-dataset:tank/old"]
        row = plan.actions[0]
        assert (row.safety, row.code) == ("destructive", "renames-dataset")
        assert row.evidence.guests == ("lxc/101 on pve1: scsi0 vm:vm-100-disk-0",)
        assert row.commands[0].argv == ("zfs", "rename", "tank/old", "tank/new")

    def test_once_renamed_it_is_as_declared(self) -> None:
        plan = planned(want("tank/new", renamed_from="tank/old"), tank(dataset("tank/new")))
        assert ids(plan) == []

    def test_where_neither_is_there_it_is_created(self) -> None:
        plan = planned(want("tank/new", renamed_from="tank/old"), tank())
        assert ids(plan) == ["create-dataset:tank/new"]

    def test_never_across_pools(self) -> None:
        there = tank(dataset("tank/data"), dataset("other/old"))
        there = evolve(there, pools=(*there.pools, pool("other")))
        plan = planned(want("tank/new", renamed_from="other/old"), there)
        assert (ids(plan), codes(plan)) == ([], ["rename-across-pools"])


class TestRemoval:
    def removed(self, **changes: Any) -> Any:
        entry = RemovedDataset(
            name="tank/a", guid=Guid(changes.pop("guid", guid_of("tank/a"))), **changes
        )
        return desired(POOL, removed=Removed(datasets=(entry,)))

    there = (
        dataset("tank/a", snapshots={"one": "1", "two": "2"}),
        dataset("tank/a/b"),
        dataset("tank/a/b/c"),
        dataset("tank/ab"),
    )

    def test_each_descendant_is_an_action_children_first(self) -> None:
        plan = planned(self.removed(recursive=True), tank(*self.there))
        assert ids(plan) == [
            "destroy-dataset:tank/a/b/c", "destroy-dataset:tank/a/b", "destroy-dataset:tank/a",
        ]  # fmt: skip
        assert {row.safety for row in plan.actions} == {"destructive"}
        assert [command.argv for command in plan.actions[2].commands] == [
            ("zfs", "destroy", "tank/a@one,two"),
            ("zfs", "destroy", "tank/a"),
        ]

    def test_children_are_an_error_unless_recursive(self) -> None:
        plan = planned(self.removed(), tank(*self.there))
        assert (ids(plan), codes(plan)) == ([], ["removed-has-children"])

    def test_another_guid_is_another_dataset(self) -> None:
        plan = planned(self.removed(guid="1"), tank(dataset("tank/a")))
        assert (ids(plan), codes(plan)) == ([], ["removed-is-another"])

    def test_what_is_gone_is_as_declared(self) -> None:
        assert ids(planned(self.removed(), tank())) == []

    def test_a_protected_descendant_stops_it(self) -> None:
        there = (dataset("tank/a"), dataset("tank/a/b", set={"phoenix:protected": "yes"}))
        plan = planned(self.removed(recursive=True), tank(*there))
        assert ids(plan) == []
        assert set(codes(plan)) == {"protected"}

    def test_where_it_stays_nothing_below_it_is_lost(self) -> None:
        """Neither what is fit to go, nor what stands above the one that can't."""
        there = (*self.there, dataset("tank/a/held", snapshots={"x": "9"}, holds={"x": 1}))
        plan = planned(self.removed(recursive=True), tank(*there))
        assert (ids(plan), codes(plan)) == ([], ["dataset-held"])

    def test_protection_that_is_inherited_counts(self) -> None:
        there = (dataset("tank", set={"phoenix:protected": "on"}), dataset("tank/a"))
        plan = planned(self.removed(), tank(*there))
        assert (ids(plan), set(codes(plan))) == ([], {"protected"})

    @pytest.mark.parametrize(
        "changes",
        [
            {"mounts": ("/tank/a", "/somewhere/else")},
            {"mounts": ("/tank/a",), "shares": {"/tank/a": "NFS export to 192.0.2.1"}},
        ],
    )
    def test_what_is_in_use_outside_zfs_is_refused(self, changes: Any) -> None:
        shares = changes.pop("shares", {})
        plan = planned(self.removed(), tank(dataset("tank/a", **changes), shares=shares))
        assert (ids(plan), codes(plan)) == ([], ["dataset-in-use"])

    def test_storages_on_it_are_disabled_first(self) -> None:
        there = tank(dataset("tank/a"), storages=[storage("s", pool="tank/a")])
        assert ids(planned(self.removed(), there)) == [
            "disable-storage:s", "destroy-dataset:tank/a",
        ]  # fmt: skip

    def test_ten_thousand_snapshots_fit_into_arguments(self) -> None:
        names = {f"autosnap_2026-11-23_{number:05}": "1" for number in range(10_000)}
        plan = planned(self.removed(), tank(dataset("tank/a", snapshots=names)))
        sizes = [len(part) for command in plan.actions[0].commands for part in command.argv]
        assert max(sizes) < 128 << 10
        spoken = ",".join(c.argv[2].partition("@")[2] for c in plan.actions[0].commands[:-1])
        assert set(spoken.split(",")) == set(names)
