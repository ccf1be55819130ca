"""Declared pools against what is there: the old script's flow, and every fault that it had."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from phoenix_plan.model.desired import DesiredDataset, Removed, RemovedPool
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.pools import Activity, Property
from phoenix_plan.model.sizes import Guid
from tests.builders import (
    GIB,
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
    used,
    want_pool,
)

MIRROR = want_pool("tank", "mirror", "A", "B")
RAIDZ = want_pool("tank", "raidz1", "A", "B")
"""What a mirror can't become."""


def mirror_host(**changes: Any) -> Any:
    """A host whose pool `tank` is a mirror of A and B."""
    tank = pool("tank", top("mirror", "tank", "A", "B"), **changes.pop("tank", {}))
    disks = (member("A", "tank"), member("B", "tank"))
    return actual(*disks, *changes.pop("disks", ()), pools=[tank], **changes)


class TestMatches:
    def test_a_pool_that_matches_is_said_to_be_configured(self) -> None:
        plan = planned(desired(MIRROR), mirror_host())
        assert ids(plan) == []
        assert [str(one.subject) for one in plan.unchanged] == ["pool tank"]
        assert plan.unchanged[0].detail == "mirror of 2, ONLINE"

    def test_the_order_of_disks_does_not_matter(self) -> None:
        plan = planned(desired(want_pool("tank", "mirror", "B", "A")), mirror_host())
        assert (ids(plan), codes(plan)) == ([], [])

    def test_another_alias_of_the_same_disk_is_no_change(self) -> None:
        a = member("A", "tank", aliases=(by_id("A"), "/dev/disk/by-id/wwn-0x5000a"))
        there = actual(
            a, member("B", "tank"), pools=[pool("tank", top("mirror", "tank", "A", "B"))]
        )
        wanted = want_pool("tank", "mirror", "B")
        wanted = attrs.evolve(
            wanted, vdevs=layout("mirror", "/dev/disk/by-id/wwn-0x5000a", by_id("B"))
        )
        plan = planned(desired(wanted), there)
        assert (ids(plan), codes(plan)) == ([], [])

    def test_log_cache_and_spare_that_nobody_declared_are_left_alone(self) -> None:
        spare = leaf("C", "AVAIL")
        tank = pool(
            "tank",
            top("mirror", "tank", "A", "B"),
            type(spare)(
                guid=spare.guid, name=spare.name, path=spare.path, type="disk",
                vdev_class="spare", state="AVAIL",
            ),
        )  # fmt: skip
        there = actual(*(member(name, "tank") for name in "ABC"), pools=[tank])
        plan = planned(desired(MIRROR), there)
        assert (ids(plan), codes(plan)) == ([], [])

    def test_a_dead_member_is_a_warning_and_not_the_end_of_the_plan(self) -> None:
        tank = pool(
            "tank", top("mirror", "tank", "A", "B", children=(leaf("A"), leaf("B", "FAULTED"))),
            state="DEGRADED",
        )  # fmt: skip
        plan = planned(desired(MIRROR), actual(member("A", "tank"), pools=[tank]))
        assert (ids(plan), codes(plan)) == ([], [])
        assert codes(plan, "warning") == ["pool-degraded"]
        assert "virtio-B-part1 FAULTED" in plan.findings[0].message

    @pytest.mark.parametrize("name", ["tank2", "tan", "tankard"])
    def test_names_are_never_matched_by_prefix(self, name: str) -> None:
        """The old script took `tank2` for `tank`."""
        there = actual(
            member("A", name), member("B", name), disk("C"), disk("D"),
            pools=[pool(name, top("mirror", name, "A", "B"))],
        )  # fmt: skip
        plan = planned(desired(want_pool("tank", "mirror", "C", "D")), there)
        assert ids(plan) == ["create-pool:tank"]


class TestMismatch:
    def test_what_zfs_has_no_way_to_is_a_recreate_explained_vdev_by_vdev(self) -> None:
        """The old script never compared an existing pool with the config."""
        there = mirror_host(datasets=[dataset("tank/data")])
        plan = planned(desired(RAIDZ), there)
        rows = {row.id: row for row in plan.actions}
        assert rows["destroy-pool:tank"].safety == "destructive"
        said = rows["destroy-pool:tank"].reason
        assert "mirror-0 (mirror of 2" in said
        assert "a mirror cannot become a raidz1" in said
        assert rows["destroy-pool:tank"].evidence.datasets == ("tank", "tank/data")
        assert rows["destroy-pool:tank"].evidence.used == GIB // 4
        assert ids(plan)[0] == "destroy-pool:tank"
        assert ids(plan)[-1] == "create-pool:tank"

    def test_every_member_is_wiped_between_destroy_and_create(self) -> None:
        plan = planned(desired(RAIDZ), mirror_host())
        assert ids(plan) == [
            "destroy-pool:tank", f"wipe-disk:{by_id('A')}", f"wipe-disk:{by_id('B')}",
            "create-pool:tank",
        ]  # fmt: skip
        assert plan.actions[3].safety == "safe"

    def test_a_declared_ashift_that_differs_is_a_recreate(self) -> None:
        plan = planned(desired(want_pool("tank", "mirror", "A", "B", ashift=9)), mirror_host())
        assert "ashift 9" in plan.actions[0].reason
        assert ids(plan)[0] == "destroy-pool:tank"

    def test_the_boot_pool_is_refused_whatever_the_config_says(self) -> None:
        there = mirror_host(host=host(boot_pools=("tank",)))
        plan = planned(desired(RAIDZ), there)
        assert ids(plan) == []
        assert "boot-chain" in codes(plan)
        assert {one.id for one in plan.blocked} == {
            "destroy-pool:tank", f"wipe-disk:{by_id('A')}", f"wipe-disk:{by_id('B')}",
            "create-pool:tank",
        }  # fmt: skip

    def test_nothing_is_destroyed_for_a_pool_that_could_not_be_created(self) -> None:
        """What a create needs is validated before a destroy runs."""
        plan = planned(desired(want_pool("tank", "raidz1", "A", "B", "Z")), mirror_host())
        assert (ids(plan), codes(plan)) == ([], ["disk-missing"])
        destroy = next(one for one in plan.blocked if one.id == "destroy-pool:tank")
        assert destroy.because == ("only prepares create-pool:tank",)

    def test_protected_in_the_config_is_refused(self) -> None:
        wanted = attrs.evolve(RAIDZ, protected=True)
        plan = planned(desired(wanted), mirror_host())
        assert (ids(plan), set(codes(plan))) == ([], {"protected"})

    @pytest.mark.parametrize("level", ["stripe", "raidz1"])
    def test_protected_on_a_descendant_protects_pool_and_disks(self, level: str) -> None:
        there = mirror_host(datasets=[dataset("tank/a", set={"phoenix:protected": "on"})])
        plan = planned(
            desired(want_pool("tank", level, *("A" if level == "stripe" else "AB"))), there
        )
        assert (ids(plan), set(codes(plan))) == ([], {"protected"})

    def test_storages_on_it_are_disabled_before_and_enabled_last_where_they_live_on(self) -> None:
        there = mirror_host(
            storages=[storage("vm", pool="tank"), storage("old", pool="tank/old")],
            datasets=[dataset("tank/old")],
            references=[reference("qemu/100", "vm")],
        )
        plan = planned(desired(RAIDZ), there)
        assert ids(plan) == [
            "disable-storage:old", "disable-storage:vm", "destroy-pool:tank",
            f"wipe-disk:{by_id('A')}", f"wipe-disk:{by_id('B')}", "create-pool:tank",
            "enable-storage:vm",
        ]  # fmt: skip
        assert codes(plan, "warning") == ["storage-loses-home"]
        destroy = next(row for row in plan.actions if row.id == "destroy-pool:tank")
        assert destroy.evidence.guests == ("qemu/100 on pve1: scsi0 vm:vm-100-disk-0",)


class TestCreate:
    def test_blank_disks_make_a_safe_create_with_what_the_old_script_gave(self) -> None:
        plan = planned(desired(MIRROR), actual(disk("A"), disk("B")))
        assert ids(plan) == ["create-pool:tank"]
        row = plan.actions[0]
        assert row.safety == "safe"
        assert row.commands[0].argv == (
            "zpool", "create", "-o", "ashift=12", "-o", "autotrim=on", "-O", "atime=off",
            "-O", "compression=lz4", "tank", "mirror", by_id("A"), by_id("B"),
        )  # fmt: skip

    def test_the_config_overrides_what_the_old_script_gave(self) -> None:
        wanted = want_pool(
            "tank", "stripe", "A", ashift=13, properties={"autotrim": "off"},
            filesystem={"atime": "on"},
        )  # fmt: skip
        row = planned(desired(wanted), actual(disk("A"))).actions[0]
        assert row.commands[0].argv[2:9:2] == ("-o", "-o", "-O", "-O")
        assert row.after["ashift"] == "13"
        assert row.after["autotrim"] == "off"
        assert row.after["atime (root filesystem)"] == "on"

    @pytest.mark.parametrize(
        "held",
        [
            occupied("B"),
            occupied("B", "crypto_LUKS"),
            occupied("B", "LVM2_member"),
            disk("B", emptiness="residual", residue="data at byte 5"),
            disk("B", emptiness="occupied", table="backup-gpt"),
        ],
        ids=["ext4", "luks", "lvm", "raw data", "backup GPT alone"],
    )
    def test_an_occupied_disk_is_wiped_by_a_destructive_action_of_its_own(self, held: Disk) -> None:
        """The old script's safe mode ran `wipefs -a` on every disk without zfs_member."""
        plan = planned(desired(MIRROR), actual(disk("A"), held))
        assert ids(plan) == [f"wipe-disk:{by_id('B')}", "create-pool:tank"]
        assert [row.safety for row in plan.actions] == ["destructive", "safe"]
        assert plan.actions[1].requires == (f"wipe-disk:{by_id('B')}",)
        assert plan.actions[0].serves == ("create-pool:tank",)

    def test_the_disk_of_an_exported_pool_is_named_and_its_content_unknown(self) -> None:
        """The old script overwrote the disks of exported pools: their labels are on partition 1."""
        b = member("B", "gone", users=())
        there = actual(disk("A"), b, idle=[idle_pool("gone", leaf("B"), disks=[b.path])])
        row = planned(desired(MIRROR), there).actions[0]
        assert row.safety == "destructive"
        assert "pool gone" in row.reason
        assert "can't be read without importing" in row.evidence.unknown[0]

    @pytest.mark.parametrize(
        ("bad", "code"),
        [
            (used("B"), "disk-in-use"),
            (used("B", "swap"), "disk-in-use"),
            (used("B", "guest"), "disk-in-use"),
            (used("B", "boot"), "boot-chain"),
            (disk("B", holders=("dm-0",)), "disk-in-use"),
            (member("B", "other"), "disk-in-pool"),
            (disk("B", read_only=True), "disk-read-only"),
            (disk("B", size=63 << 20), "disk-too-small"),
            (disk("B", size=2 * GIB), "disk-sizes-differ"),
            (disk("B", identity=None), "disk-without-identity"),
            (disk("B", unknown=("Input/output error",)), "probe-failed"),
            (disk("B", emptiness="unread"), "disk-unread"),
            (disk("C"), "disk-missing"),
            (disk("B", aliases=(by_id("B"), by_id("A"))), "disk-ambiguous"),
        ],
    )
    def test_a_disk_that_is_not_fit_is_an_error_and_nothing_is_planned(
        self, bad: Disk, code: str
    ) -> None:
        there = actual(disk("A"), bad, pools=[pool("other", leaf("B"))])
        plan = planned(desired(MIRROR), there)
        assert ids(plan) == []
        assert code in codes(plan)

    def test_a_disk_that_cannot_be_read_is_not_to_be_refreshed_again(self) -> None:
        """Nobody read it across, and another refresh would not do so either."""
        bad = disk("B", emptiness="unread", unknown=("/dev/sdb: can't be read at 0: I/O error",))
        plan = planned(desired(MIRROR), actual(disk("A"), bad))
        (unread,) = [one for one in plan.findings if one.code == "disk-unread"]
        assert "can't be read" in unread.hint
        assert "phoenix refresh" not in unread.hint

    def test_two_disks_with_one_identity_are_refused(self) -> None:
        twin = disk("B", identity=disk("A").identity)
        plan = planned(desired(MIRROR), actual(disk("A"), twin))
        assert (ids(plan), set(codes(plan))) == ([], {"disk-ambiguous"})

    def test_two_names_of_one_disk_are_refused(self) -> None:
        a = disk("A", aliases=(by_id("A"), by_id("B")))
        plan = planned(desired(MIRROR), actual(a))
        assert (ids(plan), codes(plan)) == ([], ["disk-twice"])

    def test_no_disk_is_wiped_for_a_pool_that_cannot_be_created(self) -> None:
        plan = planned(desired(MIRROR), actual(occupied("A"), used("B")))
        assert ids(plan) == []
        assert {one.id for one in plan.blocked} == {
            f"wipe-disk:{by_id('A')}", f"wipe-disk:{by_id('B')}", "create-pool:tank",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("state", "code"),
        [("occupied", "mountpoint-occupied"), ("not-a-directory", "mountpoint-occupied"),
         ("mounted", "mountpoint-taken")],
    )  # fmt: skip
    def test_a_mountpoint_that_is_taken_is_refused(self, state: str, code: str) -> None:
        there = actual(disk("A"), disk("B"), directories={"/tank": state})
        plan = planned(desired(MIRROR), there)
        assert (ids(plan), codes(plan)) == ([], [code])

    def test_a_mountpoint_that_nobody_looked_at_is_refused(self) -> None:
        plan = planned(desired(MIRROR), actual(disk("A"), disk("B"), directories={}))
        assert codes(plan) == ["mountpoint-unread"]

    @pytest.mark.parametrize(
        "source", ["references", "exports", "pools", "idle-pools", "disks", "samples", "datasets"]
    )
    def test_a_failed_probe_is_never_an_empty_answer(self, source: str) -> None:
        plan = planned(desired(MIRROR), actual(disk("A"), disk("B"), unknown=[source]))
        assert (ids(plan), set(codes(plan))) == ([], {"probe-failed"})


class TestImport:
    A, B = member("A", "tank", users=()), member("B", "tank", users=())

    def idle(self, **changes: Any) -> Any:
        tank = idle_pool(
            "tank", top("mirror", "tank", "A", "B"), disks=[self.A.path, self.B.path], **changes
        )
        return actual(self.A, self.B, idle=[tank])

    def test_a_declared_pool_that_is_exported_is_imported_and_never_overwritten(self) -> None:
        plan = planned(desired(MIRROR), self.idle())
        assert ids(plan) == ["import-pool:tank"]
        assert plan.actions[0].safety == "safe"
        assert plan.actions[0].commands[0].argv == (
            "zpool", "import", "-N", "-d", "/dev/disk/by-id", guid_of("tank"),
        )  # fmt: skip
        assert codes(plan, "note") == ["plan-again-after-import"]

    def test_a_pool_that_another_host_exported_is_destructive_to_import(self) -> None:
        plan = planned(desired(MIRROR), self.idle(hostid="aaaaaaaa", hostname="pve2"))
        row = plan.actions[0]
        assert (row.safety, row.code) == ("destructive", "imports-foreign-pool")

    def test_a_pool_of_ours_that_was_never_exported_is_destructive_to_import(self) -> None:
        row = planned(desired(MIRROR), self.idle(state="active")).actions[0]
        assert (row.safety, row.code) == ("destructive", "imports-unexported-pool")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"state": "active", "hostid": "aaaaaaaa"}, "pool-in-use-elsewhere"),
            ({"state": "active", "hostid": ""}, "pool-in-use-elsewhere"),
            ({"complete": False}, "pool-incomplete"),
        ],
    )
    def test_what_is_refused_whatever_the_consent(self, changes: Any, code: str) -> None:
        plan = planned(desired(MIRROR), self.idle(**changes))
        assert ids(plan) == []
        assert code in codes(plan)

    def test_a_pool_that_zpool_import_does_not_see_may_never_have_been_one(self) -> None:
        """Labels of a `zpool create` that lost its power, with none of its uberblocks."""
        unseen = self.idle(complete=False, importable="", note="zpool import does not list it")
        plan = planned(desired(MIRROR), unseen)
        assert ids(plan) == []
        (finding,) = plan.errors
        assert finding.code == "pool-incomplete"
        assert "can't be imported: zpool import does not list it" in finding.message
        assert "lacks" not in finding.message
        assert "If you know that zpool create was cut short there" in finding.hint

    def test_a_tree_that_is_not_as_declared_is_neither_imported_nor_wiped(self) -> None:
        """disko created over a pool whose import had failed (issue 798)."""
        plan = planned(desired(want_pool("tank", "stripe", "A")), self.idle())
        assert (ids(plan), codes(plan)) == ([], ["pool-could-be-imported"])

    def test_two_pools_of_one_name_are_refused(self) -> None:
        first = idle_pool("tank", top("mirror", "tank", "A", "B"), disks=[self.A.path])
        second = idle_pool(
            "tank", top("mirror", "tank", "A", "B"), disks=[self.B.path], guid=Guid("5")
        )
        plan = planned(desired(MIRROR), actual(self.A, self.B, idle=[first, second]))
        assert (ids(plan), codes(plan)) == ([], ["pool-name-shared"])

    def test_without_a_host_id_nobody_can_say_who_was_last(self) -> None:
        tank = idle_pool("tank", top("mirror", "tank", "A", "B"), disks=[self.A.path])
        there = actual(self.A, self.B, idle=[tank], host=host(hostid="00000000"))
        plan = planned(desired(MIRROR), there)
        assert "hostid-missing" in codes(plan)
        assert ids(plan) == []

    def test_a_destroyed_pool_is_only_residue(self) -> None:
        plan = planned(desired(MIRROR), self.idle(state="destroyed"))
        assert ids(plan) == [
            f"wipe-disk:{by_id('A')}", f"wipe-disk:{by_id('B')}", "create-pool:tank",
        ]  # fmt: skip

    def test_its_declared_datasets_wait_for_the_next_plan(self) -> None:
        wanted = desired(MIRROR, datasets=[DesiredDataset(name="tank/data")])
        assert ids(planned(wanted, self.idle())) == ["import-pool:tank"]


class TestForeignPools:
    @pytest.mark.parametrize("hostid", ["aaaaaaaa", ""])
    def test_a_disk_of_a_pool_that_another_host_has_in_use_is_refused(self, hostid: str) -> None:
        b = member("B", "theirs", users=())
        theirs = idle_pool("theirs", leaf("B"), disks=[b.path], state="active", hostid=hostid)
        plan = planned(desired(MIRROR), actual(disk("A"), b, idle=[theirs]))
        assert ids(plan) == []
        assert "pool-in-use-elsewhere" in codes(plan)


class TestProperties:
    def test_pool_properties_are_set_one_command_each(self) -> None:
        wanted = want_pool("tank", "mirror", "A", "B", properties={"autotrim": "off"})
        plan = planned(desired(wanted), mirror_host())
        assert ids(plan) == ["set-pool-properties:tank"]
        assert plan.actions[0].safety == "safe"
        assert plan.actions[0].commands[0].argv == ("zpool", "set", "autotrim=off", "tank")
        assert plan.actions[0].before == {"autotrim": "on"}

    @pytest.mark.parametrize("name", ["autoreplace", "cachefile", "failmode", "multihost"])
    def test_what_the_table_does_not_list_is_destructive(self, name: str) -> None:
        wanted = want_pool("tank", "mirror", "A", "B", properties={name: "on"})
        row = planned(desired(wanted), mirror_host()).actions[0]
        assert (row.safety, row.code) == ("destructive", "property-not-listed")

    def test_an_empty_value_reads_back_as_a_dash(self) -> None:
        properties = {"comment": Property(value="-", source="default")}
        wanted = want_pool("tank", "mirror", "A", "B", properties={"comment": ""})
        plan = planned(desired(wanted), mirror_host(tank={"properties": properties}))
        assert ids(plan) == []

    @pytest.mark.parametrize("state", ["SUSPENDED", "FAULTED", "UNAVAIL"])
    def test_a_pool_that_takes_no_changes_gets_none(self, state: str) -> None:
        wanted = want_pool("tank", "mirror", "A", "B", properties={"autotrim": "off"})
        plan = planned(desired(wanted), mirror_host(tank={"state": state}))
        assert (ids(plan), codes(plan)) == ([], ["pool-unavailable"])

    def test_health_is_told(self) -> None:
        tank = {
            "checkpoint": True,
            "errors": "2 data errors",
            "activities": (Activity(kind="resilver", state="running"),),
        }
        plan = planned(desired(MIRROR), mirror_host(tank=tank))
        assert codes(plan, "warning") == ["pool-checkpoint", "pool-errors"]
        assert codes(plan, "note") == ["pool-busy"]


class TestRemoval:
    def removed(self, guid: str) -> Any:
        pools = (RemovedPool(name="tank", guid=Guid(guid)),)
        return desired(removed=Removed(pools=pools))

    def test_absence_from_the_config_destroys_nothing(self) -> None:
        plan = planned(desired(arc_max=0), mirror_host(datasets=[dataset("tank/a")]))
        assert ids(plan) == []
        assert plan.unmanaged.pools == ("tank",)
        assert plan.unmanaged.datasets == ("tank", "tank/a")

    def test_a_declared_removal_destroys_by_guid(self) -> None:
        plan = planned(self.removed(guid_of("tank")), mirror_host())
        assert ids(plan) == ["destroy-pool:tank"]
        assert plan.actions[0].commands[0].argv == ("zpool", "destroy", "tank")

    def test_another_guid_is_another_pool(self) -> None:
        plan = planned(self.removed("1"), mirror_host())
        assert (ids(plan), codes(plan)) == ([], ["removed-is-another"])

    def test_what_is_gone_already_is_as_declared(self) -> None:
        plan = planned(self.removed("1"), actual())
        assert ids(plan) == []
        assert plan.unchanged[0].detail == "is gone, as declared"
