"""The script's answer into the model: every field is checked, nothing may be left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Output, Sample
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.actual import Unknown
from phoenix_plan.model.disks import Label, LabelVdev, Partition, Signature
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.probes.inspection import (
    DiskInspection,
    Mount,
    OpenDevice,
    inspection_read,
    parse_inspection,
)
from phoenix_plan.probes.inspector import answer
from tests.probes.devices import LINUX, MIB, device, gpt, label_places, real_label

SIZE = 64 * MIB


def answered(document: object, *, exit_code: int = 0, stderr: bytes = b"") -> Output:
    return Output(exit_code=exit_code, stdout=json.dumps(document).encode(), stderr=stderr)


def ask(read: Sample) -> dict[str, Any]:
    """The script's own answer, without a process."""
    request = {
        "devices": list(read.devices),
        "deep": [list(pair) for pair in read.deep],
        "directories": list(read.directories),
    }
    document: dict[str, Any] = json.loads(json.dumps(answer(request)))
    return document | {"mounts": [], "open": [], "zvols": {}, "unknown": []}


@pytest.fixture
def read(tmp_path: Path) -> Sample:
    label = real_label("2.3.9", "mirror-active")
    content = gpt(SIZE, [(1, MIB, 32 * MIB, LINUX, "zfs-1")])
    content |= dict.fromkeys(label_places(MIB, 32 * MIB), label)
    pool = device(tmp_path / "pool", SIZE, content)
    blank = device(tmp_path / "blank", SIZE)
    paths = [str(pool), str(blank)]
    return inspection_read(paths, [(str(blank), "serial:A")], [str(tmp_path / "none")])


def test_answer_of_the_script(read: Sample) -> None:
    """What the script says of a pool's member and of a blank disk, as the model has it."""
    document = ask(read)
    document["mounts"] = [
        {
            "namespace": "mnt:[1]",
            "own": True,
            "pid": 7,
            "device": "8:1",
            "source": "/dev/sda1",
            "mountpoint": "/",
            "fstype": "ext4",
        }
    ]
    document["open"] = [{"device": "8:16", "pid": 9, "command": "dd"}]
    document["zvols"] = {"/dev/zd0": "tank/v"}
    document["unknown"] = [{"source": "disks", "message": "/proc/5: no"}]
    inspection = parse_inspection(answered(document), read)
    pool, blank = (inspection.disks[path] for path in read.devices)
    assert pool.partitions == (
        Partition(
            number=1,
            start=Bytes(MIB),
            size=Bytes(32 * MIB),
            type=LINUX,
            partuuid="00000000-0000-0000-0000-000000000001",
            label="zfs-1",
        ),
    )
    assert pool.labels == (
        Label(
            part=1,
            copies=(0, 1, 2, 3),
            state="active",
            pool="m",
            pool_guid=Guid("2388828789824500691"),
            guid=Guid("12926011703007900167"),
            top_guid=Guid("9335182850788885830"),
            txg="4",
            hostid="1abc0de5",
            hostname="lab-trixie",
            ashift=12,
            top_level=2,
            tree=LabelVdev(
                type="mirror",
                guid=Guid("9335182850788885830"),
                children=(
                    LabelVdev(
                        type="disk",
                        guid=Guid("12926011703007900167"),
                        path="/dev/disk/by-id/virtio-MIRA-part1",
                    ),
                    LabelVdev(
                        type="disk",
                        guid=Guid("3143655078273976421"),
                        index=1,
                        path="/dev/disk/by-id/virtio-MIRB-part1",
                    ),
                ),
            ),
        ),
    )
    assert Signature(part=0, offset=Bytes(512), type="gpt") in pool.signatures
    assert (pool.table, pool.emptiness, pool.unknown) == ("gpt", "occupied", ())
    assert inspection.zvols == {"/dev/zd0": "tank/v"}
    assert blank == DiskInspection(
        path=read.devices[1],
        size=Bytes(SIZE),
        sector=512,
        table="",
        partitions=(),
        signatures=(),
        labels=(),
        holders=(),
        emptiness="blank",
        residue="",
        unknown=(),
    )
    assert inspection.directories == {read.directories[0]: "absent"}
    assert inspection.mounts == (
        Mount(
            namespace="mnt:[1]",
            own=True,
            pid=7,
            device="8:1",
            source="/dev/sda1",
            mountpoint="/",
            fstype="ext4",
        ),
    )
    assert inspection.opened == (OpenDevice(device="8:16", pid=9, command="dd"),)
    assert inspection.unknown == (Unknown(source="disks", message="/proc/5: no"),)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (Output(exit_code=127, stdout=b"", stderr=b"", missing=True), "not installed"),
        (Output(exit_code=1, stdout=b"", stderr=b"SyntaxError: x"), "exit status 1: SyntaxError"),
        (Output(exit_code=0, stdout=b"", stderr=b""), "not JSON"),
        (Output(exit_code=0, stdout=b"[]", stderr=b""), "not an object"),
    ],
)
def test_failed_script(output: Output, said: str, read: Sample) -> None:
    with pytest.raises(ProbeError, match=said):
        parse_inspection(output, read)


def damage(path: str, value: object) -> Any:
    """A change of one field: `disk.labels.0.state`; None takes it away."""

    def apply(document: dict[str, Any], disk: str) -> None:
        *inner, last = [disk if step == "DISK" else step for step in path.split("/")]
        here: Any = document
        for step in inner:
            here = here[int(step)] if isinstance(here, list) else here[step]
        if value is None:
            del here[last]
        else:
            here[last] = value

    return apply


@pytest.mark.parametrize(
    "change",
    [
        damage("devices/DISK", None),
        damage("devices/DISK/emptiness", "empty"),
        damage("devices/DISK/emptiness", None),
        damage("devices/DISK/table", "dos"),
        damage("devices/DISK/news", 1),
        damage("devices/DISK/size", -1),
        damage("devices/DISK/size", "1"),
        damage("devices/DISK/labels/0/state", "5"),
        damage("devices/DISK/labels/0/guid", 12),
        damage("devices/DISK/labels/0/ashift", "12"),
        damage("devices/DISK/labels/0/tree/children", None),
        damage("devices/DISK/labels/0/tree/is_log", 1),
        damage("devices/DISK/partitions/0/number", True),
        damage("devices/DISK/unknown", [1]),
        damage("directories", {}),
        damage("version", 2),
        damage("open", None),
        damage("zvols", None),
        damage("zvols", []),
        damage("zvols", {"/dev/zd0": 1}),
        damage("zvols", {"/dev/zd0p1": "tank/v"}),
        damage("news", []),
    ],
)
def test_answer_that_is_not_known(change: Any, read: Sample) -> None:
    """A field too few, too many or of another kind is an error that says where."""
    document = ask(read)
    parse_inspection(answered(document), read)
    change(document, read.devices[0])
    with pytest.raises(ProbeError, match="inspect"):
        parse_inspection(answered(document), read)


def test_directory_that_could_not_be_read(read: Sample) -> None:
    """It has no state, and stands among what is unknown."""
    document = ask(read)
    document["directories"] = {}
    document["unknown"] = [
        {"source": "directories", "message": f"{read.directories[0]}: Permission denied"}
    ]
    inspection = parse_inspection(answered(document), read)
    assert inspection.directories == {}
    assert [unknown.source for unknown in inspection.unknown] == ["directories"]
