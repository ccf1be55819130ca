"""What keeps a way back: snapshots before changes, checkpoints, datasets put aside for a while."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from phoenix_plan.actions import DestroyDataset, RetireDataset, SetDatasetProperties
from phoenix_plan.model.datasets import KEPT_UNTIL, Dataset
from phoenix_plan.model.desired import Desired, DesiredDataset, Nets, Removed, RemovedDataset
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.plan import Plan
from tests.builders import (
    actual,
    codes,
    dataset,
    desired,
    disk,
    guid_of,
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
SNAPSHOT, CHECKPOINT, RETIRE = Nets(snapshot=True), Nets(checkpoint=True), Nets(retire="30d")


def tank(*datasets: Dataset, **changes: Any) -> Any:
    """A host with the pool `tank` as declared, and these datasets on it."""
    there = pool("tank", top("mirror", "tank", "A", "B"), **changes.pop("pool", {}))
    disks = (member("A", "tank"), member("B", "tank"))
    return actual(*disks, *changes.pop("disks", ()), pools=[there], datasets=datasets, **changes)


def with_nets(wanted: Desired, nets: Nets) -> Desired:
    return evolve(wanted, nets=nets)


class TestSnapshot:
    VOLUME = dataset("tank/lun", type="volume", set={"volsize": str(2 << 30)}, mountpoint="")

    def shrunk(self, there: Dataset = VOLUME, nets: Nets = SNAPSHOT, **host: Any) -> Plan:
        wanted = DesiredDataset(name=there.name, type="volume", volsize=Bytes(1 << 30))
        return planned(with_nets(desired(POOL, datasets=[wanted]), nets), tank(there, **host))

    def test_one_is_taken_before_a_volume_shrinks(self) -> None:
        plan = self.shrunk()
        assert ids(plan) == [
            "snapshot-dataset:tank/lun", "set-dataset-properties:tank/lun",
        ]  # fmt: skip
        net, change = plan.actions
        assert net.commands[0].argv == ("zfs", "snapshot", "tank/lun@phoenix-net-1")
        assert (net.safety, net.code) == ("destructive", "takes-snapshot")
        assert net.serves == (change.id,)
        assert change.requires == (net.id,)

    def test_the_change_needs_it(self) -> None:
        change = self.shrunk().actions[1]
        assert "snapshotted tank/lun phoenix-net-1" in change.needs

    def test_none_is_taken_where_none_is_asked_for(self) -> None:
        assert ids(self.shrunk(nets=Nets())) == ["set-dataset-properties:tank/lun"]

    def test_its_number_is_one_that_no_other_has_had(self) -> None:
        names = {"phoenix-net-3": "1", "phoenix-net-11": "2", "phoenix-net-x": "3", "monday": "4"}
        there = evolve(self.VOLUME, snapshots=names)
        assert ids(self.shrunk(there))[0] == "snapshot-dataset:tank/lun"
        assert self.shrunk(there).actions[0].after == {"snapshot": "phoenix-net-12"}

    @pytest.mark.parametrize("name", ["tank/vm-100-disk-0", "tank/base-9000-disk-1"])
    def test_a_guests_volume_gets_none_and_that_is_said(self, name: str) -> None:
        plan = self.shrunk(evolve(self.VOLUME, name=name))
        assert ids(plan) == [f"set-dataset-properties:{name}"]
        assert codes(plan, "note") == ["no-net-for-guest"]

    def test_a_volume_that_a_guest_refers_to_gets_none(self) -> None:
        there = evolve(self.VOLUME, name="tank/vm-7-data")
        plan = self.shrunk(
            there,
            storages=[storage("vms", pool="tank")],
            references=[reference("qemu/7", "vms", "vm-7-data")],
        )
        assert codes(plan, "note") == ["no-net-for-guest"]

    def test_a_safe_change_gets_none(self) -> None:
        wanted = DesiredDataset(name="tank/a", properties={"compression": "zstd"})
        plan = planned(with_nets(desired(POOL, datasets=[wanted]), SNAPSHOT),
                       tank(dataset("tank/a")))  # fmt: skip
        assert ids(plan) == ["set-dataset-properties:tank/a"]

    def test_lifting_protection_changes_no_data(self) -> None:
        wanted = DesiredDataset(name="tank/a", properties={"phoenix:protected": "off"})
        there = dataset("tank/a", set={"phoenix:protected": "on"})
        plan = planned(with_nets(desired(POOL, datasets=[wanted]), SNAPSHOT), tank(there))
        assert ids(plan) == ["set-dataset-properties:tank/a"]

    def test_a_change_that_is_refused_leaves_no_snapshot(self) -> None:
        wanted = DesiredDataset(name="tank/a", properties={"mountpoint": "/etc"})
        plan = planned(with_nets(desired(POOL, datasets=[wanted]), SNAPSHOT),
                       tank(dataset("tank/a")))  # fmt: skip
        assert (ids(plan), codes(plan)) == ([], ["mountpoint-system"])


class TestCheckpoint:
    def grown(self, declared: bool | None, nets: Nets = CHECKPOINT) -> Plan:
        wanted = want_pool("tank", "mirror", "A", "B")
        more = want_pool("tank", "mirror", "C", "D").vdevs["normal"]
        wanted = evolve(
            wanted, vdevs={"normal": (*wanted.vdevs["normal"], *more)}, checkpoint=declared
        )
        there = tank(disks=(disk("C"), disk("D")))
        return planned(with_nets(desired(wanted), nets), there)

    def test_one_is_made_before_a_step_without_a_way_back(self) -> None:
        kinds = [row.action.TYPE for row in self.grown(None).actions]
        assert kinds == ["create-checkpoint", "add-vdev"]

    def test_none_is_made_where_the_config_says_so_or_nobody_asks(self) -> None:
        for plan in (self.grown(False), self.grown(None, Nets())):
            assert [row.action.TYPE for row in plan.actions] == ["add-vdev"]


class TestRetire:
    OLD = dataset("tank/old", snapshots={"monday": "1"}, set={"canmount": "on"})

    def removed(
        self, *there: Dataset, nets: Nets = RETIRE, recursive: bool = True, **host: Any
    ) -> Plan:
        gone = RemovedDataset(name="tank/old", guid=Guid(guid_of("tank/old")), recursive=recursive)
        wanted = desired(POOL, removed=Removed(datasets=(gone,)))
        return planned(with_nets(wanted, nets), tank(*there, **host))

    def test_a_dataset_that_goes_is_put_aside(self) -> None:
        (row,) = self.removed(self.OLD).actions
        aside = f"tank/phoenix-retired-{guid_of('tank/old')}"
        assert (row.id, row.safety, row.code) == (
            "retire-dataset:tank/old", "destructive", "retires-dataset",
        )  # fmt: skip
        assert [command.argv for command in row.commands] == [
            ("zfs", "unmount", "{mounted}"),
            ("zfs", "set", "canmount=off", "{mounts}"),
            ("zfs", "rename", "-u", "tank/old", aside),
            ("zfs", "set", "readonly=on", "phoenix:kept-until={kept_until}",
             "phoenix:retired-from=tank/old", aside),
        ]  # fmt: skip
        assert "zfs rename" in row.undo

    def test_what_is_below_goes_along_in_one_action(self) -> None:
        below = (
            dataset("tank/old/a", set={"canmount": "on", "readonly": "off"}),
            dataset("tank/old/a/vol", type="volume", mountpoint="", set={"volsize": "1048576"}),
            dataset("tank/old/b", set={"canmount": "noauto"}),
        )
        (row,) = self.removed(self.OLD, *below).actions
        action = row.action
        assert isinstance(action, RetireDataset)
        assert list(action.below) == ["tank/old/a", "tank/old/a/vol", "tank/old/b"]
        assert action.automounts == ("tank/old", "tank/old/a")
        assert action.writable == ("tank/old/a",)
        assert "tank/old/a/vol" not in action.mountpoints
        assert row.evidence.datasets == ("tank/old", *action.below)

    def test_a_volume_is_renamed_as_volumes_are(self) -> None:
        there = dataset("tank/old", type="volume", mountpoint="", set={"volsize": "1048576"})
        (row,) = self.removed(there).actions
        assert [command.argv[1:3] for command in row.commands] == [
            ("rename", "tank/old"), ("set", "readonly=on"),
        ]  # fmt: skip

    def test_what_is_below_has_to_be_meant(self) -> None:
        plan = self.removed(self.OLD, dataset("tank/old/a"), recursive=False)
        assert (ids(plan), codes(plan)) == ([], ["removed-has-children"])

    def test_storages_on_it_are_disabled_first(self) -> None:
        plan = self.removed(
            self.OLD, dataset("tank/old/vm"), storages=[storage("old", pool="tank/old/vm")]
        )
        assert ids(plan) == ["disable-storage:old", "retire-dataset:tank/old"]

    def test_a_protected_one_stays(self) -> None:
        there = dataset("tank/old/a", set={"phoenix:protected": "on"})
        plan = self.removed(self.OLD, there)
        assert (ids(plan), codes(plan)) == ([], ["protected"])

    def test_a_name_that_gets_too_long_is_refused(self) -> None:
        plan = self.removed(evolve(self.OLD, snapshots={"s" * 240: "1"}))
        assert (ids(plan), codes(plan)) == ([], ["retired-name-too-long"])

    def test_something_made_anew_is_put_aside_first(self) -> None:
        wanted = DesiredDataset(name="tank/a", properties={"casesensitivity": "insensitive"})
        there = tank(dataset("tank/a", set={"casesensitivity": "sensitive"}), dataset("tank/a/b"))
        plan = planned(with_nets(desired(POOL, datasets=[wanted]), RETIRE), there)
        assert ids(plan) == ["retire-dataset:tank/a", "create-dataset:tank/a"]
        assert plan.actions[0].serves == ("create-dataset:tank/a",)

    def test_what_is_removed_below_it_goes_along_and_is_no_action_of_its_own(self) -> None:
        """It would no longer be there under its name: the run would stop between the two."""
        names = ("tank/old", "tank/old/a")
        gone = tuple(
            RemovedDataset(name=name, guid=Guid(guid_of(name)), recursive=True) for name in names
        )
        wanted = with_nets(desired(POOL, removed=Removed(datasets=gone)), RETIRE)
        assert ids(planned(wanted, tank(self.OLD, dataset("tank/old/a")))) == [
            "retire-dataset:tank/old"
        ]

    def test_what_is_removed_below_something_made_anew_goes_along(self) -> None:
        other = DesiredDataset(name="tank/old", properties={"casesensitivity": "insensitive"})
        gone = RemovedDataset(name="tank/old/a", guid=Guid(guid_of("tank/old/a")))
        wanted = desired(POOL, datasets=[other], removed=Removed(datasets=(gone,)))
        there = dataset("tank/old", set={"casesensitivity": "sensitive"})
        plan = planned(with_nets(wanted, RETIRE), tank(there, dataset("tank/old/a")))
        assert ids(plan) == ["retire-dataset:tank/old", "create-dataset:tank/old"]

    def kept(self, until: str, **changes: Any) -> Dataset:
        name = f"tank/phoenix-retired-{guid_of('tank/old')}"
        marks = {KEPT_UNTIL: until, "phoenix:retired-from": "tank/old", "readonly": "on"}
        return dataset(name, guid=guid_of("tank/old"), set=marks, **changes)

    @pytest.mark.parametrize("nets", [RETIRE, Nets()])
    def test_it_is_left_alone_until_then(self, nets: Nets) -> None:
        plan = self.removed(self.kept("2099-01-01T00:00:00Z"), nets=nets)
        assert ids(plan) == codes(plan) == []
        assert "until 2099-01-01T00:00:00Z" in plan.unchanged[0].detail
        assert plan.unmanaged.datasets == ()

    @pytest.mark.parametrize("nets", [RETIRE, Nets()])
    def test_after_that_it_is_destroyed_by_an_action_of_its_own(self, nets: Nets) -> None:
        kept = self.kept("2020-01-01T00:00:00Z", snapshots={"monday": "1"})
        plan = self.removed(kept, dataset(f"{kept.name}/a"), nets=nets)
        assert ids(plan) == [f"destroy-dataset:{kept.name}/a", f"destroy-dataset:{kept.name}"]
        row = plan.actions[1]
        assert (row.safety, row.code) == ("destructive", "purges-dataset")
        assert isinstance(row.action, DestroyDataset)
        assert row.action.kept_until == "2020-01-01T00:00:00Z"

    def inner(self, until: str, above: str) -> Dataset:
        """One that was put aside below `above`, before that went, too."""
        marks = {KEPT_UNTIL: until, "phoenix:retired-from": "tank/old/a"}
        return dataset(f"{above}/phoenix-retired-7", guid=Guid("7"), set=marks)

    @pytest.mark.parametrize(
        ("until", "purged"), [("2099-01-01T00:00:00Z", False), ("2020-06-01T00:00:00Z", True)]
    )
    def test_what_is_kept_longer_below_it_keeps_it(self, until: str, purged: bool) -> None:
        kept = self.kept("2020-01-01T00:00:00Z")
        plan = self.removed(kept, self.inner(until, kept.name))
        assert codes(plan) == []
        assert bool(ids(plan)) is purged
        assert purged or f"until {until}" in plan.unchanged[0].detail

    def test_what_is_made_anew_waits_for_what_is_kept_below_it(self) -> None:
        other = DesiredDataset(name="tank/old", properties={"casesensitivity": "insensitive"})
        there = dataset("tank/old", set={"casesensitivity": "sensitive"})
        inner = self.inner("2099-01-01T00:00:00Z", "tank/old")
        plan = planned(desired(POOL, datasets=[other]), tank(there, inner))
        assert (ids(plan), codes(plan)) == ([], ["still-kept"])

    def test_a_time_that_is_none_is_an_error(self) -> None:
        plan = self.removed(self.kept("soon"))
        assert (ids(plan), codes(plan)) == ([], ["kept-until-unreadable"])

    def test_one_that_a_run_left_without_its_mark_is_not_gone(self) -> None:
        plan = self.removed(evolve(self.kept(""), set={}))
        assert (ids(plan), codes(plan)) == ([], ["kept-until-unreadable"])

    def test_one_that_was_renamed_back_and_has_its_mark_still_is_put_aside_again(self) -> None:
        plan = self.removed(evolve(self.kept("2020-01-01T00:00:00Z"), name="tank/old"))
        assert [row.code for row in plan.actions] == ["retires-dataset"]

    def test_one_in_another_pool_is_another_with_the_same_guid(self) -> None:
        """As zpool split leaves it."""
        kept = self.kept("2020-01-01T00:00:00Z")
        plan = self.removed(self.OLD, evolve(kept, name=kept.name.replace("tank", "back", 1)))
        assert ids(plan) == ["retire-dataset:tank/old"]

    def test_a_mark_on_what_was_received_puts_nothing_aside(self) -> None:
        """zfs receive sets what zfs send -p has sent, and the new dataset has a GUID of its own."""
        there = evolve(self.kept("2020-01-01T00:00:00Z"), guid=Guid("77"))
        gone = RemovedDataset(name=there.name, guid=Guid("77"))
        wanted = desired(POOL, removed=Removed(datasets=(gone,)))
        plan = planned(with_nets(wanted, RETIRE), tank(there))
        assert [row.code for row in plan.actions] == ["retires-dataset"]

    def test_one_that_nobody_declares_any_more_stays(self) -> None:
        kept = self.kept("2020-01-01T00:00:00Z")
        plan = planned(desired(POOL), tank(kept))
        assert ids(plan) == []
        assert kept.name in plan.unmanaged.datasets

    def test_its_mountpoint_is_free_for_another(self) -> None:
        kept = self.kept("2099-01-01T00:00:00Z", mountpoint="/srv/data", mounted=False)
        wanted = DesiredDataset(name="tank/new", properties={"mountpoint": "/srv/data"})
        plan = planned(desired(POOL, datasets=[wanted]),
                       tank(kept, directories={"/srv/data": "empty"}))  # fmt: skip
        assert (ids(plan), codes(plan)) == (["create-dataset:tank/new"], [])


def test_the_change_is_the_same_with_and_without_a_net() -> None:
    """What is asked for is a way back, and nothing else."""
    with_net = TestSnapshot().shrunk().actions[1].action
    without = TestSnapshot().shrunk(nets=Nets()).actions[0].action
    assert isinstance(with_net, SetDatasetProperties)
    assert evolve(with_net, net="") == without
