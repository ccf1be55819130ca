"""Pools that lie on disks, put together from labels and from what zpool-import(8) lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from phoenix_plan.commands import Output
from phoenix_plan.hosts.recorded_inspection import answer_inspection
from phoenix_plan.hosts.recording import Recording
from phoenix_plan.model.disks import Disk, Identity, Label, LabelVdev, Partition
from phoenix_plan.model.pools import IdlePool
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.probes.idle_pools import idle_pools
from phoenix_plan.probes.inspection import inspection_read, parse_inspection
from phoenix_plan.probes.zpool_import import ImportCandidate, parse_import
from tests.recordings import NEW, OLD, SERIES, hostid_of, pool_guid


def recorded(folder: Path) -> tuple[list[Disk], tuple[ImportCandidate, ...]]:
    recording = Recording(folder)
    read = inspection_read([f"/dev/vd{letter}" for letter in "bcdefghi"])
    inspection = parse_inspection(answer_inspection(recording, read), read)
    disks = []
    for number, (path, seen) in enumerate(inspection.disks.items(), start=1):
        by_id = f"/dev/disk/by-id/virtio-DISK{number}"
        disks.append(
            Disk(
                path=path,
                identity=None,
                aliases=(by_id,),
                size=seen.size,
                logical_sector=512,
                physical_sector=512,
                partitions=tuple(
                    attrs.evolve(part, aliases=(f"{by_id}-part{part.number}",))
                    for part in seen.partitions
                ),
                labels=seen.labels,
                emptiness=seen.emptiness,
            )
        )
    return disks, parse_import(recording.required("zpool-import"))


def shape(pool: IdlePool) -> list[tuple[str, str, str, list[str]]]:
    return [
        (vdev.name, vdev.vdev_class, vdev.state, [leaf.path for leaf in vdev.leaves()])
        for vdev in pool.vdevs
    ]


def part(number: int) -> str:
    return f"/dev/disk/by-id/virtio-DISK{number}-part1"


@pytest.mark.parametrize("series", SERIES, ids=lambda path: path.name)
def test_exported_pool(series: Path) -> None:
    """quickOS is listed by `zpool import` and whole; fastData is imported and left out."""
    disks, listed = recorded(series / "07-exported")
    guid = pool_guid(series / "06-checkpoint", "quickOS")
    hostid = hostid_of(series / "06-checkpoint")
    fast = {label.pool_guid for disk in disks for label in disk.labels if label.pool == "fastData"}
    (pool,) = idle_pools(disks, listed, fast)
    assert (pool.name, pool.guid, pool.state, pool.hostid) == ("quickOS", guid, "exported", hostid)
    assert shape(pool) == [("mirror-0", "normal", "ONLINE", [part(1), part(2)])]
    assert pool.disks == ("/dev/vdb", "/dev/vdc")
    assert (pool.complete, pool.note) == (True, "")
    assert pool.importable.startswith("ONLINE The pool can be imported")


@pytest.mark.parametrize(("series", "raidz"), [(NEW, 4), (OLD, 3)])
def test_destroyed_pool(series: Path, raidz: int) -> None:
    """`zpool import` does not list it; its labels are whole, and it could be brought back."""
    disks, listed = recorded(series / "12-destroyed-not-cleared")
    (pool,) = idle_pools(disks, listed, ())
    assert listed == ()
    assert (pool.name, pool.state, pool.complete, pool.importable) == (
        "tank",
        "destroyed",
        True,
        "",
    )
    assert [(vdev.name, len(vdev.children)) for vdev in pool.vdevs] == [
        ("raidz1-0", raidz),
        ("mirror-1", 2),
    ]
    assert pool.vdevs[0].parity == 1
    assert len(pool.disks) == raidz + 2


def test_imported_pools_are_not_idle() -> None:
    disks, listed = recorded(NEW / "04-log-cache-spare")
    guids = {label.pool_guid for disk in disks for label in disk.labels}
    assert len(guids) > 1
    assert idle_pools(disks, listed, guids) == ()


def test_removed_vdev_leaves_no_vdev() -> None:
    """15-draid's tank had a vdev removed: its disks were members once, and lack nowhere."""
    disks, listed = recorded(NEW / "15-draid")
    tank = next(pool for pool in idle_pools(disks, listed, ()) if pool.name == "tank")
    assert [vdev.name for vdev in tank.vdevs] == ["mirror-0"]
    assert "/dev/vdd was a member once" in tank.note


# A made-up mirror of two, beside what zpool import says of it.
def leaf(number: int) -> LabelVdev:
    return LabelVdev(
        type="disk", guid=Guid(str(number)), index=number - 1, path=f"/dev/old{number}1"
    )


MIRROR = LabelVdev(type="mirror", guid=Guid("90"), children=(leaf(1), leaf(2)))


def label(number: int, **changes: Any) -> Label:
    base = Label(
        part=1,
        copies=(0, 1, 2, 3),
        state="exported",
        pool="tank",
        pool_guid=Guid("100"),
        guid=Guid(str(number)),
        top_guid=Guid("90"),
        txg="10",
        hostid="0000abcd",
        top_level=1,
        tree=MIRROR,
    )
    return attrs.evolve(base, **changes)


def disk(name: str, *labels: Label, serial: str = "") -> Disk:
    return Disk(
        path=f"/dev/{name}",
        identity=Identity(kind="serial", value=serial or name, unit="", size=Bytes(1)),
        aliases=(f"/dev/disk/by-id/ata-{name}",),
        size=Bytes(1),
        logical_sector=512,
        physical_sector=512,
        partitions=(
            Partition(number=1, start=Bytes(0), size=Bytes(1), type="", path=f"/dev/{name}1"),
        ),
        labels=labels,
        emptiness="occupied",
    )


LISTING = """  pool: tank
    id: 100
 state: {state}
action: The pool can be imported using its name or numeric identifier.
config:

\ttank          {state}
\t  mirror-0    {state}
\t    /dev/a1   ONLINE
\t    /dev/b1   {other}
\tspares
\t  /dev/c1
"""


def listing(state: str = "ONLINE", other: str = "ONLINE") -> tuple[ImportCandidate, ...]:
    text = LISTING.format(state=state, other=other)
    return parse_import(Output(exit_code=0, stdout=text.encode(), stderr=b""))


A, B = disk("a", label(1)), disk("b", label(2))
SPARE = disk("c", Label(part=1, copies=(0,), state="spare", guid=Guid("3")))


def only(disks: list[Disk], listed: tuple[ImportCandidate, ...] = ()) -> IdlePool:
    (pool,) = idle_pools(disks, listed, ())
    return pool


def test_listed_and_whole() -> None:
    """A spare is known by the listing, its GUID by its label; leaves have today's paths."""
    pool = only([A, B, SPARE], listing())
    assert pool.complete
    assert shape(pool) == [
        ("mirror-0", "normal", "ONLINE", ["/dev/a1", "/dev/b1"]),
        ("/dev/c1", "spare", "AVAIL", ["/dev/c1"]),
    ]
    assert pool.vdevs[1].guid == "3"
    assert pool.disks == ("/dev/a", "/dev/b", "/dev/c")


def test_member_that_is_missing() -> None:
    pool = only([A], listing("DEGRADED", "UNAVAIL"))
    assert not pool.complete
    first, second = pool.vdevs[0].children
    assert (pool.vdevs[0].state, first.state, second.state) == ("DEGRADED", "ONLINE", "UNAVAIL")
    assert (second.path, second.was) == ("", "/dev/old21")
    assert "no disk answers for /dev/old21" in pool.note


def test_listed_degraded_is_not_complete() -> None:
    """All labels are there, and ZFS still finds a member unusable."""
    pool = only([A, B], listing("DEGRADED", "OFFLINE"))
    assert not pool.complete
    assert "zpool import says DEGRADED" in pool.note


def test_listed_whole_and_a_label_is_missing() -> None:
    """ZFS finds a member on something that is no disk here: not the tree that a plan rests on."""
    assert not only([A], listing()).complete


def test_pool_that_zfs_does_not_list() -> None:
    """Labels in an erased partition, or on a disk that ZFS can't see: no pool to import."""
    pool = only([A, B])
    assert not pool.complete
    assert (pool.importable, pool.state) == ("", "exported")
    assert "zpool import does not list it" in pool.note


def test_newest_label_is_believed() -> None:
    """A member that was offline while the pool was exported still says active."""
    stale = disk("b", label(2, state="active", txg="9", hostid="00000001"))
    assert (only([stale, A]).state, only([stale, A]).hostid) == ("exported", "0000abcd")


def test_labels_of_one_age_that_differ_are_active() -> None:
    """Of two readings, the one that refuses."""
    assert only([A, disk("b", label(2, state="active"))]).state == "active"
    assert only([disk("a", label(1, state="active")), B]).state == "active"


def test_top_level_vdev_that_is_missing() -> None:
    """The labels say how many there are: a destroyed pool that lacks one can't come back whole."""
    gone = [
        disk(name, label(n, state="destroyed", top_level=2)) for n, name in ((1, "a"), (2, "b"))
    ]
    pool = only(gone)
    assert not pool.complete
    assert "1 of 2 top-level vdevs are known" in pool.note


def test_two_devices_with_one_guid() -> None:
    """A clone of a member; two paths to one disk are no clone."""
    assert "several devices carry the vdev GUID 2" in only([A, B, disk("x", label(2))]).note
    assert "several devices" not in only([A, B, disk("x", label(2), serial="b")]).note


def test_two_pools_of_one_name() -> None:
    other = disk("x", label(7, pool_guid=Guid("200"), tree=leaf(7), top_guid=Guid("7")))
    assert [pool.guid for pool in idle_pools([other, A, B], (), ())] == ["100", "200"]


def test_listed_pool_without_a_label_here() -> None:
    """On LVM, md or files: it is told, and not taken for importable."""
    pool = only([], listing())
    assert (pool.state, pool.complete, pool.disks) == ("active", False, ())
    assert shape(pool)[0] == ("mirror-0", "normal", "ONLINE", ["/dev/a1", "/dev/b1"])


def test_class_comes_from_the_listing() -> None:
    """Labels do not tell a special vdev from a data vdev, logs they do."""
    text = LISTING.replace("\tspares\n\t  /dev/c1\n", "").replace(
        "\t  mirror-0", "\t  /dev/d1    ONLINE\n\tspecial\n\t  mirror-1"
    )
    text = text.format(state="ONLINE", other="ONLINE")
    listed = parse_import(Output(exit_code=0, stdout=text.encode(), stderr=b""))
    mirror = attrs.evolve(MIRROR, index=1)
    single = attrs.evolve(leaf(4), path="/dev/d1", index=0)
    disks = [
        disk("a", label(1, tree=mirror, top_level=2)),
        disk("b", label(2, tree=mirror, top_level=2)),
        disk("d", label(4, tree=single, top_guid=Guid("4"), top_level=2)),
    ]
    assert [(vdev.name, vdev.vdev_class) for vdev in only(disks, listed).vdevs] == [
        ("/dev/d1", "normal"),
        ("mirror-1", "special"),
    ]
    log = attrs.evolve(mirror, is_log=True)
    logs = [disk("a", label(1, tree=log)), disk("b", label(2, tree=log))]
    assert only(logs).vdevs[0].vdev_class == "log"
