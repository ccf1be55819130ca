"""What one part of a plan must not do to another: each was found by trying to lose data."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from phoenix_plan.model.desired import (
    DesiredDataset,
    DesiredPool,
    DesiredStorage,
    Removed,
    RemovedDataset,
    RemovedPool,
)
from phoenix_plan.model.disks import User
from phoenix_plan.model.proxmox import Reference
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.planner.pools import same_pool_value
from tests.builders import (
    actual,
    by_id,
    codes,
    dataset,
    desired,
    disk,
    guid_of,
    host,
    idle_pool,
    ids,
    layout,
    leaf,
    member,
    occupied,
    planned,
    pool,
    reference,
    storage,
    top,
    want_pool,
)

POOL = want_pool("tank", "mirror", "A", "B")
RAIDZ = want_pool("tank", "raidz1", "A", "B")
"""What a mirror can't become."""


def tank(*datasets: Any, **changes: Any) -> Any:
    """A host with the pool `tank` as declared."""
    there = pool("tank", top("mirror", "tank", "A", "B"), **changes.pop("pool", {}))
    disks = (member("A", "tank"), member("B", "tank"), *changes.pop("disks", ()))
    return actual(*disks, pools=[there], datasets=datasets, **changes)


def want(*datasets: DesiredDataset, **changes: Any) -> Any:
    """The declared pool with these datasets."""
    return desired(POOL, datasets=datasets, **changes)


def gone(*names: str, recursive: bool = True) -> Removed:
    """Declared removals of datasets."""
    return Removed(
        datasets=tuple(
            RemovedDataset(name=name, guid=Guid(guid_of(name)), recursive=recursive)
            for name in names
        )
    )


class TestDisksOfSeveralPools:
    def shared(self) -> Any:
        """Disks A and B hold `tank` on one partition and `fast` on another."""
        both = tuple(
            User(kind="pool", subject=guid_of(name), detail=f"member of {name}")
            for name in ("tank", "fast")
        )
        disks = (member("A", "tank", users=both), member("B", "tank", users=both))
        pools = [
            pool("tank", top("mirror", "tank", "A", "B")),
            pool("fast", top("mirror", "fast", "A", "B")),
        ]
        return actual(*disks, pools=pools)

    def test_recreating_one_never_wipes_the_other(self) -> None:
        plan = planned(desired(RAIDZ), self.shared())
        assert ids(plan) == []
        assert "disk-in-pool" in codes(plan)

    def test_where_both_go_the_disks_are_free_after_both(self) -> None:
        removed = Removed(pools=(RemovedPool(name="fast", guid=Guid(guid_of("fast"))),))
        plan = planned(desired(RAIDZ, removed=removed), self.shared())
        assert ids(plan) == [
            "destroy-pool:fast", "destroy-pool:tank", f"wipe-disk:{by_id('A')}",
            f"wipe-disk:{by_id('B')}", "create-pool:tank",
        ]  # fmt: skip

    def test_a_new_pool_takes_the_disks_of_a_removed_one(self) -> None:
        removed = Removed(pools=(RemovedPool(name="tank", guid=Guid(guid_of("tank"))),))
        plan = planned(desired(want_pool("new", "mirror", "A", "B"), removed=removed), tank())
        assert ids(plan)[0] == "destroy-pool:tank"
        assert ids(plan)[-1] == "create-pool:new"
        assert codes(plan) == []

    @pytest.mark.parametrize("held", [disk("A"), occupied("A")])
    def test_one_disk_for_two_pools_by_two_names_is_refused(self, held: Any) -> None:
        wwn = "/dev/disk/by-id/wwn-0x5000a"
        there = actual(evolve(held, aliases=(by_id("A"), wwn)))
        wanted = desired(
            want_pool("aa", "stripe", "A"), DesiredPool(name="bb", vdevs=layout("stripe", wwn))
        )
        plan = planned(wanted, there)
        assert (ids(plan), set(codes(plan))) == ([], {"disk-twice"})

    def test_the_disks_of_a_protected_pool_that_is_exported_are_not_wiped(self) -> None:
        a, b = member("A", "tank", users=()), member("B", "tank", users=())
        idle = idle_pool("tank", top("mirror", "tank", "A", "B"), disks=[a.path, b.path])
        wanted = desired(
            want_pool("tank", "mirror", "C", "D", protected=True),
            want_pool("new", "mirror", "A", "B"),
        )
        plan = planned(wanted, actual(a, b, disk("C"), disk("D"), idle=[idle]))
        assert not [one for one in ids(plan) if one.startswith("wipe-disk")]
        assert "protected" in codes(plan)

    def test_two_devices_with_one_vdev_guid_are_not_imported(self) -> None:
        parts = {"aliases": (by_id("A"), by_id("A") + "-part1")}
        a, b = member("A", "tank", users=(), **parts), member("B", "tank", users=())
        copy = member("C", "tank", users=(), labels=a.labels)
        idle = idle_pool("tank", top("mirror", "tank", "A", "B"), disks=[a.path, b.path, copy.path])
        plan = planned(desired(POOL), actual(a, b, copy, idle=[idle]))
        assert (ids(plan), codes(plan)) == ([], ["vdev-guid-twice"])


class TestWhatAPoolIs:
    def test_a_dead_members_old_name_is_not_the_disk_that_has_it_now(self) -> None:
        dead = evolve(leaf("B", "UNAVAIL"), path="/dev/vdc", was="/dev/vdc", name="17")
        there = pool("tank", top("mirror", "tank", "A", "B", children=(leaf("A"), dead)))
        blank = disk("C", path="/dev/vdc")
        wanted = want_pool("tank", "mirror", "A", "C")
        plan = planned(desired(wanted), actual(member("A", "tank"), blank, pools=[there]))
        assert ids(plan) == [f"replace-disk:{by_id('C')}"]
        assert plan.actions[0].commands[0].argv[-2:] == (dead.guid, by_id("C"))

    def test_what_lies_on_a_pool_that_somebody_is_changing_otherwise_waits(self) -> None:
        children = (leaf("A"), top("replacing", "x", "B", "C"))
        there = pool("tank", top("mirror", "tank", "A", "B", children=children))
        disks = [member(name, "tank") for name in "ABC"]
        plan = planned(want(DesiredDataset(name="tank/new")), actual(*disks, pools=[there]))
        assert (ids(plan), set(codes(plan))) == ([], {"pool-members-differ"})


class TestRenames:
    def test_what_is_renamed_is_not_destroyed_with_its_parent(self) -> None:
        kept = DesiredDataset(name="tank/keep", renamed_from="tank/old/x")
        there = tank(dataset("tank/old"), dataset("tank/old/x"))
        plan = planned(want(kept, removed=gone("tank/old")), there)
        assert "destroy-dataset:tank/old/x" not in ids(plan)
        assert "destroy-dataset:tank/old" not in ids(plan)
        assert "dataset-kept-and-lost" in codes(plan)

    def test_what_moves_along_is_not_created(self) -> None:
        wanted = want(
            DesiredDataset(name="tank/new", renamed_from="tank/old"),
            DesiredDataset(name="tank/new/child"),
        )
        plan = planned(wanted, tank(dataset("tank/old"), dataset("tank/old/child")))
        assert ids(plan) == ["rename-dataset:tank/old"]

    def test_a_rename_out_of_a_pool_that_is_recreated_is_an_error(self) -> None:
        wanted = desired(
            RAIDZ,
            datasets=[DesiredDataset(name="tank/new", renamed_from="tank/old")],
        )
        plan = planned(wanted, tank(dataset("tank/old")))
        assert "renamed-is-lost" in codes(plan)
        assert "create-dataset:tank/new" not in ids(plan)

    def test_a_suspended_pool_takes_no_rename(self) -> None:
        wanted = want(DesiredDataset(name="tank/new", renamed_from="tank/old"))
        plan = planned(wanted, tank(dataset("tank/old"), pool={"state": "SUSPENDED"}))
        assert (ids(plan), codes(plan)) == ([], ["pool-unavailable"])


class TestProtection:
    @pytest.mark.parametrize(
        "declared",
        [
            DesiredDataset(name="tank/a", properties={"readonly": "on"}),
            DesiredDataset(name="tank/a", properties={"mountpoint": "/b"}),
            DesiredDataset(
                name="tank/a", properties={"phoenix:protected": "off", "sync": "disabled"}
            ),
        ],
    )
    def test_what_is_protected_takes_no_destructive_change(self, declared: Any) -> None:
        there = tank(dataset("tank/a", set={"phoenix:protected": "on"}))
        plan = planned(want(declared), there)
        assert (ids(plan), codes(plan)) == ([], ["protected"])

    def test_a_protected_volume_does_not_shrink(self) -> None:
        volume = dataset(
            "tank/v", type="volume", mountpoint="",
            set={"volsize": str(2 << 30), "phoenix:protected": "on"},
        )  # fmt: skip
        wanted = want(DesiredDataset(name="tank/v", type="volume", volsize=Bytes(1 << 30)))
        assert codes(planned(wanted, tank(volume))) == ["protected"]

    def test_to_lift_the_protection_and_nothing_else_is_possible(self) -> None:
        there = tank(dataset("tank/a", set={"phoenix:protected": "on"}))
        wanted = want(DesiredDataset(name="tank/a", properties={"phoenix:protected": "off"}))
        plan = planned(wanted, there)
        assert [(row.id, row.safety) for row in plan.actions] == [
            ("set-dataset-properties:tank/a", "destructive")
        ]

    def test_one_plan_never_unprotects_and_destroys(self) -> None:
        there = tank(
            dataset("tank", set={"phoenix:protected": "on"}), dataset("tank/a"), dataset("tank/b")
        )
        wanted = desired(
            want_pool("tank", "mirror", "A", "B", filesystem={"phoenix:protected": "off"}),
            removed=gone("tank/a"),
        )
        plan = planned(wanted, there)
        assert ids(plan) == ["set-dataset-properties:tank"]
        assert "protected" in codes(plan)

    def test_a_protected_removed_pool_is_not_destroyed(self) -> None:
        removed = Removed(pools=(RemovedPool(name="tank", guid=Guid(guid_of("tank"))),))
        there = tank(dataset("tank/a", set={"phoenix:protected": "on"}))
        plan = planned(desired(removed=removed), there)
        assert (ids(plan), codes(plan)) == ([], ["protected"])

    def test_the_storage_of_a_protected_dataset_is_not_removed(self) -> None:
        there = tank(dataset("tank/a"), storages=[storage("s", pool="tank/a")])
        wanted = want(
            DesiredDataset(name="tank/a", protected=True), removed=Removed(storages=("s",))
        )
        assert codes(planned(wanted, there)) == ["protected"]


class TestBoot:
    @pytest.mark.parametrize("name", ["tank", "tank/ROOT", "tank/ROOT/pve-1"])
    @pytest.mark.parametrize("declared", [{"canmount": "off"}, {"atime": "off"}])
    def test_the_running_root_and_its_ancestors_take_no_change(
        self, name: str, declared: Any
    ) -> None:
        there = tank(
            dataset("tank/ROOT"),
            dataset("tank/ROOT/pve-1", mountpoint="/"),
            mounts={"/": "tank/ROOT/pve-1"},
            host=host(boot_pools=("tank",)),
        )
        wanted = (
            desired(want_pool("tank", "mirror", "A", "B", filesystem=declared))
            if name == "tank"
            else want(DesiredDataset(name=name, properties=declared))
        )
        plan = planned(wanted, there)
        assert (ids(plan), codes(plan)) == ([], ["boot-chain"])


class TestInUse:
    @pytest.mark.parametrize("path", ["/tank/a", "/tank/a/", "/tank/a/sub", "/tank/a/lun.img"])
    def test_an_export_of_it_or_of_a_folder_in_it_is_refused(self, path: str) -> None:
        there = tank(dataset("tank/a"), shares={path: "NFS export"})
        plan = planned(want(removed=gone("tank/a")), there)
        assert (ids(plan), codes(plan)) == ([], ["dataset-in-use"])

    def test_an_exported_volume_is_refused(self) -> None:
        there = tank(
            dataset("tank/v", type="volume", mountpoint=""),
            shares={"/dev/zvol/tank/v": "iSCSI target"},
        )
        assert codes(planned(want(removed=gone("tank/v")), there)) == ["dataset-in-use"]

    def test_the_journal_is_never_destroyed(self) -> None:
        there = tank(dataset("tank/var", mountpoint="/var/lib/phoenix"))
        plan = planned(want(removed=gone("tank/var")), there)
        assert (ids(plan), codes(plan)) == ([], ["dataset-in-use"])
        removed = Removed(pools=(RemovedPool(name="tank", guid=Guid(guid_of("tank"))),))
        assert codes(planned(desired(removed=removed), there)) == ["dataset-in-use"]

    def test_held_snapshots_are_refused_before_anything_is_destroyed(self) -> None:
        there = tank(dataset("tank/a", snapshots={"k": "1"}, holds={"k": 1}), dataset("tank/a/b"))
        plan = planned(want(removed=gone("tank/a")), there)
        assert codes(plan) == ["dataset-held"]
        assert "destroy-dataset:tank/a" not in ids(plan)

    def test_guests_that_get_it_by_path_are_named(self) -> None:
        bind = Reference(owner="lxc/101", node="pve1", key="mp0", storage="", volume="/tank/a/x")
        there = tank(dataset("tank/a"), references=[bind])
        plan = planned(want(removed=gone("tank/a")), there)
        assert "lxc/101" in plan.actions[0].evidence.guests[0]

    def test_of_a_pool_that_nobody_could_look_at_nothing_is_destroyed(self) -> None:
        """It may be suspended, or imported read-only."""
        there = actual(datasets=[dataset("tank"), dataset("tank/a")], unknown=["pools"])
        plan = planned(desired(removed=gone("tank/a")), there)
        assert (ids(plan), codes(plan)) == ([], ["probe-failed"])

    @pytest.mark.parametrize("source", ["exports", "datasets", "disks", "snapshots", "storages"])
    def test_where_somebody_could_be_unseen_nothing_is_destroyed(self, source: str) -> None:
        there = tank(dataset("tank/a"), unknown=[source])
        plan = planned(want(removed=gone("tank/a")), there)
        assert (ids(plan), set(codes(plan))) == ([], {"probe-failed"})


class TestGone:
    @pytest.mark.parametrize("source", ["pools", "idle-pools"])
    def test_a_pool_that_nobody_could_look_for_is_not_gone(self, source: str) -> None:
        removed = Removed(pools=(RemovedPool(name="x", guid=Guid("1")),))
        plan = planned(desired(removed=removed), actual(unknown=[source]))
        assert (plan.unchanged, codes(plan)) == ((), ["probe-failed"])

    def test_nor_a_dataset_of_a_pool_that_is_not_imported(self) -> None:
        idle = idle_pool("x", leaf("A"), disks=["/dev/vda"])
        plan = planned(desired(removed=gone("x/a")), actual(disk("A"), idle=[idle]))
        assert (plan.unchanged, codes(plan)) == ((), ["removed-not-imported"])

    def test_nor_a_storage_of_an_unknown_file(self) -> None:
        plan = planned(desired(removed=Removed(storages=("s",))), actual(unknown=["storages"]))
        assert (plan.unchanged, codes(plan)) == ((), ["probe-failed"])

    def test_nor_a_pool_that_goes_by_another_name_now(self) -> None:
        removed = Removed(pools=(RemovedPool(name="x", guid=Guid(guid_of("tank"))),))
        plan = planned(desired(removed=removed), tank())
        assert (plan.unchanged, codes(plan)) == ((), ["removed-is-another"])


class TestStorages:
    def test_a_storage_by_path_waits_for_the_dataset_that_mounts_there(self) -> None:
        wanted = want(
            DesiredDataset(name="tank/iso"),
            storages=[DesiredStorage(id="iso", type="dir", properties={"path": "/tank/iso/x"})],
        )
        assert ids(planned(wanted, tank())) == ["create-dataset:tank/iso", "add-storage:iso"]

    def test_a_storage_that_is_enabled_waits_for_its_new_dataset(self) -> None:
        wanted = desired(
            RAIDZ,
            datasets=[DesiredDataset(name="tank/vm")],
            storages=[
                DesiredStorage(
                    id="vm", type="zfspool", properties={"pool": "tank/vm", "disable": "0"}
                )
            ],
        )
        there = tank(dataset("tank/vm"), storages=[storage("vm", pool="tank/vm", disable="1")])
        order = ids(planned(wanted, there))
        assert order.index("update-storage:vm") > order.index("create-dataset:tank/vm")

    def test_the_storage_of_another_node_is_left_alone(self) -> None:
        there = tank(
            dataset("tank/a"), storages=[storage("s", pool="tank/a", nodes="pve2")],
            references=[reference("qemu/1", "s")],
        )  # fmt: skip
        assert ids(planned(want(removed=gone("tank/a")), there)) == ["destroy-dataset:tank/a"]

    def test_of_two_datasets_with_one_mountpoint_the_mounted_one_has_the_storage(self) -> None:
        there = tank(
            dataset("tank/d"),
            dataset("tank/d-old", mountpoint="/tank/d", mounted=False),
            storages=[storage("s", "dir", path="/tank/d")],
        )
        assert ids(planned(want(removed=gone("tank/d")), there)) == [
            "disable-storage:s", "destroy-dataset:tank/d",
        ]  # fmt: skip


class TestConsequences:
    def test_two_new_filesystems_never_share_a_mountpoint(self) -> None:
        wanted = want(
            DesiredDataset(name="tank/a", properties={"mountpoint": "/srv/x"}),
            DesiredDataset(name="tank/b", properties={"mountpoint": "/srv/x"}),
        )
        plan = planned(wanted, tank())
        assert (ids(plan), codes(plan)) == ([], ["mountpoint-taken"])

    def test_a_clone_of_its_own_child_is_a_circle_and_no_crash(self) -> None:
        there = tank(
            dataset("tank/a", clone_of="tank/a/b@s"), dataset("tank/a/b", snapshots={"s": "1"})
        )
        plan = planned(want(removed=gone("tank/a")), there)
        assert (ids(plan), codes(plan)) == ([], ["plan-circle"])

    def test_nothing_is_said_of_what_is_not_done(self) -> None:
        b = member("B", "gone", users=())
        there = actual(b, idle=[idle_pool("gone", leaf("B"), disks=[b.path])])
        plan = planned(desired(want_pool("new", "mirror", "B", "Z")), there)
        assert ids(plan) == []
        assert codes(plan, "warning") == []

    def test_a_pool_that_would_be_gone_after_a_reboot_is_not_made(self) -> None:
        wanted = want_pool("tank", "stripe", "A", properties={"cachefile": "none"})
        plan = planned(desired(wanted), actual(disk("A")))
        assert (ids(plan), codes(plan)) == ([], ["pool-not-at-boot"])


class TestValues:
    @pytest.mark.parametrize(
        ("declared", "seen"),
        [
            ({"refreservation": "auto"}, {"refreservation": "1090519040"}),
            ({"volmode": "geom"}, {"volmode": "full"}),
            ({"snapshot_limit": "none"}, {"snapshot_limit": "18446744073709551615"}),
            ({"compression": "zstd-fast-1"}, {"compression": "zstd-fast"}),
        ],
    )
    def test_what_reads_back_otherwise_is_no_change(self, declared: Any, seen: Any) -> None:
        there = tank(dataset("tank/v", type="volume", mountpoint="", set=seen))
        wanted = want(DesiredDataset(name="tank/v", type="volume", properties=declared))
        assert ids(planned(wanted, there)) == []

    def test_a_volume_that_zfs_rounded_up_does_not_shrink(self) -> None:
        there = tank(dataset("tank/v", type="volume", mountpoint="", set={"volsize": "32768"}))
        wanted = want(DesiredDataset(name="tank/v", type="volume", volsize=Bytes(24 << 10)))
        assert ids(planned(wanted, there)) == []

    def test_keyformat_changes_only_with_the_key(self) -> None:
        there = tank(dataset("tank/a", inherited={"keyformat": "raw"}))
        wanted = want(DesiredDataset(name="tank/a", properties={"keyformat": "passphrase"}))
        assert (ids(planned(wanted, there)), codes(planned(wanted, there))) == ([], ["key-change"])

    def test_the_default_cachefile_reads_back_as_a_dash(self) -> None:
        assert same_pool_value("cachefile", "-", "/etc/zfs/zpool.cache")
        assert not same_pool_value("comment", "-", "/etc/zfs/zpool.cache")
        assert same_pool_value("dedup_table_quota", "10737418240", "10G")
