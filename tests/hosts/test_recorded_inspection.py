"""A recording's wipefs, zdb and lsblk as the device script's answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Sample
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.recorded_inspection import answer_inspection
from phoenix_plan.hosts.recorded_labels import labels_of
from phoenix_plan.hosts.recording import Recording
from tests.recordings import (
    NEW,
    RECORDINGS,
    SERIES,
    hostid_of,
    label_txg,
    name_of,
    pool_guid,
    vdev_guid,
)

DISKS = tuple(f"/dev/vd{letter}" for letter in "abcdefghi")


def answer(
    folder: Path,
    *,
    devices: tuple[str, ...] = DISKS,
    deep: tuple[str, ...] = (),
    directories: tuple[str, ...] = (),
) -> dict[str, Any]:
    read = Sample(
        devices=devices,
        deep=tuple((path, "x") for path in deep),
        directories=directories,
        script=b"",
    )
    output = answer_inspection(Recording(folder), read)
    assert (output.exit_code, output.stderr) == (0, b"")
    document: dict[str, Any] = json.loads(output.stdout)
    return document


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_every_recorded_label_is_read(folder: Path) -> None:
    """As many labels as zdb printed, and one for each copy that it says it stands for."""
    printed = {
        path.name.removeprefix("zdb-l-vd").removesuffix(".out"): path.read_text().count("\nLABEL")
        for path in folder.glob("zdb-l-*.out")
    }
    found = [label for disk in answer(folder)["devices"].values() for label in disk["labels"]]
    assert len(found) == sum(printed.values())
    assert all(label["copies"] == [0, 1, 2, 3] for label in found)


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) == 30


IMPORTED = NEW / "06-checkpoint"
"""The same pool, a moment before: what its label says is compared with what the tools said."""
MIRROR = vdev_guid(IMPORTED, "quickOS", "mirror-0")
DISK1 = vdev_guid(IMPORTED, "quickOS", "mirror-0", "virtio-DISK1")

EXPORTED = {
    "part": 1,
    "copies": [0, 1, 2, 3],
    "state": "exported",
    "pool": "quickOS",
    "pool_guid": pool_guid(IMPORTED, "quickOS"),
    "guid": DISK1,
    "top_guid": MIRROR,
    "txg": label_txg(NEW / "07-exported", "vdb1"),
    "hostid": hostid_of(IMPORTED),
    "hostname": "lab-trixie",
    "ashift": 9,
    "top_level": 1,
    "tree": {
        "type": "mirror",
        "guid": MIRROR,
        "index": 0,
        "path": "",
        "parity": 0,
        "is_log": False,
        "allocation": "",
        "children": [
            {
                "type": "disk",
                "guid": DISK1,
                "index": 0,
                "path": "/dev/disk/by-id/virtio-DISK1-part1",
                "parity": 0,
                "is_log": False,
                "allocation": "",
                "children": [],
            },
            {
                "type": "disk",
                "guid": vdev_guid(IMPORTED, "quickOS", "mirror-0", "virtio-DISK2"),
                "index": 1,
                "path": "/dev/disk/by-id/virtio-DISK2-part1",
                "parity": 0,
                "is_log": False,
                "allocation": "",
                "children": [],
            },
        ],
    },
}


def test_a_label_whole() -> None:
    disk = answer(NEW / "07-exported")["devices"]["/dev/vdb"]
    assert disk["labels"] == [EXPORTED]
    assert [(one["number"], one["path"]) for one in disk["partitions"]] == [
        (1, "/dev/vdb1"),
        (9, "/dev/vdb9"),
    ]
    assert disk["partitions"][0]["start"] == 2048 * 512
    assert (disk["table"], disk["emptiness"]) == ("gpt", "occupied")


@pytest.mark.parametrize("series", SERIES, ids=lambda path: path.name)
def test_foreign_signatures(series: Path) -> None:
    """Each disk of that recording holds what its README says; 17's md array stands on vdh."""
    disks = answer(series / "17-foreign-signatures")["devices"]
    kinds = {
        path: sorted({row["type"] for row in disk["signatures"] if row["part"] == 0})
        for path, disk in disks.items()
    }
    assert kinds == {
        "/dev/vda": ["ext4"],
        "/dev/vdb": ["ext4"],
        "/dev/vdc": ["xfs"],
        "/dev/vdd": ["PMBR", "gpt"],
        "/dev/vde": ["LVM2_member"],
        "/dev/vdf": ["swap"],
        "/dev/vdg": ["btrfs"],
        "/dev/vdh": ["linux_raid_member"],
        "/dev/vdi": ["crypto_LUKS"],
    }
    inside = {(row["part"], row["type"]) for row in disks["/dev/vdd"]["signatures"] if row["part"]}
    assert inside == {(1, "vfat"), (2, "ext4")}
    assert disks["/dev/vdh"]["holders"] == ["md0"]


def test_mounts_of_a_recording() -> None:
    document = answer(NEW / "02-mirror-and-single")
    mounts = {one["mountpoint"]: one for one in document["mounts"]}
    assert (mounts["/"]["device"], mounts["/"]["source"]) == ("254:0", "/dev/vda")
    assert {one["fstype"] for one in mounts.values()} == {"ext4", "zfs"}
    assert any(" " in one["source"] for one in mounts.values())


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    """01-blank, with supplements of its own."""
    (tmp_path / "own" / "made-up").mkdir(parents=True)
    target = NEW / "01-blank"
    (tmp_path / "own" / "recording").write_text(str(target))
    return tmp_path / "own"


def test_samples_are_made_up(blank: Path) -> None:
    """Only for disks that were asked for, and only where nothing is recognised."""
    (blank / "made-up" / "samples.json").write_text('{"/dev/vdc": "data at 5", "*": ""}')
    disks = answer(blank, deep=("/dev/vda", "/dev/vdb", "/dev/vdc"))["devices"]
    assert {path: (disks[path]["emptiness"], disks[path]["residue"]) for path in DISKS[:4]} == {
        "/dev/vda": ("occupied", ""),
        "/dev/vdb": ("blank", ""),
        "/dev/vdc": ("residual", "data at 5"),
        "/dev/vdd": ("unread", ""),
    }


def test_samples_that_were_not_made_up(blank: Path) -> None:
    """Not known is not blank."""
    (blank / "made-up" / "samples.json").write_text("{}")
    disk = answer(blank, deep=("/dev/vdb",))["devices"]["/dev/vdb"]
    assert disk["emptiness"] == "unread"
    assert disk["unknown"] == ["/dev/vdb: reads across the disk were not recorded"]


def test_directories_are_made_up(blank: Path) -> None:
    (blank / "made-up" / "directories.json").write_text('{"/tank": "occupied"}')
    document = answer(blank, directories=("/tank", "/other"))
    assert document["directories"] == {"/tank": "occupied"}
    assert document["unknown"] == [
        {"source": "directories", "message": "/other: its state was not recorded"}
    ]


def test_disk_that_was_not_recorded(blank: Path) -> None:
    with pytest.raises(HostError, match="/dev/sdz was not recorded"):
        answer(blank, devices=("/dev/sdz",))


LABEL = """------------------------------------
LABEL 0~
------------------------------------
    version: 5000
    state: 3
    guid: 15131347964418940932
    path: '/dev/disk/by-id/virtio-DISK5-part1'
    labels = 0 1~
------------------------------------
LABEL 2~
------------------------------------
    version: 5000
    state: 4
    guid: 5
    labels = 2~
failed to unpack label 3
""".replace("~", " ")


def test_labels_that_differ() -> None:
    """zdb prints each kind once, with the copies that are like it."""
    rows = labels_of(LABEL, 1, "zdb")
    assert [(row["copies"], row["state"], row["guid"]) for row in rows] == [
        ([0, 1], "spare", "15131347964418940932"),
        ([2], "l2cache", "5"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("    state: 3", "state: 3", "zdb:5: "),
        ("    state: 3", "            state: 3", "zdb:5: "),
        ("failed to unpack label 3", "something new", "zdb:16: "),
        ("    labels = 0 1 \n", "", "zdb:9: "),
        ("    labels = 2 \n", "", "zdb: "),
    ],
)
def test_text_that_is_not_known(old: str, new: str, place: str) -> None:
    text = LABEL.replace(old, new)
    assert text != LABEL
    with pytest.raises(HostError, match=f"^{place}"):
        labels_of(text, 1, "zdb")
