"""How empty is a disk: every hazard that other tools overwrite is seen, and blank is blank.

The table of hazards is "Measured: who overwrites what" of the facts on OpenZFS.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.probes import inspector, inspector_device, inspector_signatures
from phoenix_plan.probes.inspector import inspect_disk, residue, sample_offsets
from phoenix_plan.probes.inspector_device import Device
from phoenix_plan.probes.inspector_script import inspector_script
from phoenix_plan.probes.inspector_signatures import superblock_places
from tests.probes.devices import (
    LABEL,
    LINUX,
    MIB,
    device,
    gpt,
    image,
    label_places,
    mbr_entry,
    real_label,
)

SIZE = 64 * MIB
PART = (MIB, 32 * MIB)
RAW = b"not a file system, but somebody's" * 100
ONE_PART = [(1, *PART, LINUX, "data")]


def in_gpt(content: dict[int, bytes]) -> dict[int, bytes]:
    """The content moved into a GPT partition."""
    return gpt(SIZE, ONE_PART) | {PART[0] + at: data for at, data in content.items()}


def in_mbr(content: dict[int, bytes]) -> dict[int, bytes]:
    table = {446: mbr_entry(0x83, PART[0] // 512, PART[1] // 512), 510: b"\x55\xaa"}
    return table | {PART[0] + at: data for at, data in content.items()}


def made(name: str) -> Callable[[], dict[int, bytes]]:
    """A device that a real tool made, its end at the end of ours."""

    def content() -> dict[int, bytes]:
        size, found, _ = image(name)
        front = {at: data for at, data in found.items() if at < min(size, SIZE) // 2}
        return front | {at - size: data for at, data in found.items() if at > size - MIB}

    return content


def labels(
    what: str, start: int = 0, size: int = SIZE, copies: range = range(4)
) -> dict[int, bytes]:
    label = real_label("2.3.9", what)
    return dict.fromkeys(label_places(start, size, copies), label)


def pool_disk(what: str) -> dict[int, bytes]:
    """As ZFS takes a whole disk: GPT, and the vdev in partition 1."""
    return gpt(SIZE, ONE_PART) | labels(what, *PART)


def after_wipefs(content: dict[int, bytes]) -> dict[int, bytes]:
    """`wipefs -a` on the whole disk: the magic of both GPT headers and of the MBR are zeroed."""
    wiped = dict(content)
    for at in (512, SIZE - 512):
        wiped[at] = b"\0" * 8 + wiped[at][8:]
    wiped[510] = b"\0\0"
    return wiped


def nvlist_alone(label: bytes) -> bytes:
    """A label of which the uberblocks are gone, and the first label's magic with them."""
    return label[: 128 * 1024] + b"\0" * (128 * 1024)


HAZARDS: dict[str, Callable[[], dict[int, bytes]]] = {
    "ext4": made("ext4"),
    "btrfs": made("btrfs"),
    "vfat": made("vfat"),
    "swap": made("swap"),
    "LUKS": made("luks1"),
    "LUKS2": made("luks2"),
    "LUKS2, the second header alone": lambda: {
        at: data for at, data in made("luks2")().items() if at >= 16384 - 1024
    },
    "md 0.90": made("md090"),
    "md 1.0": made("md10"),
    "md 1.1": made("md11"),
    "md 1.2": made("md12"),
    "LVM PV": made("lvm"),
    "GPT with ext4 on its partition": lambda: in_gpt(made("ext4")()),
    "GPT, untyped partition with raw data": lambda: in_gpt({5 * MIB: RAW}),
    "GPT with nothing on its partition": lambda: in_gpt({}),
    "GPT without a partition": lambda: gpt(SIZE, []),
    "GPT, the backup alone": lambda: gpt(SIZE, ONE_PART, copies="backup", protective=False),
    "GPT, the primary alone": lambda: gpt(SIZE, ONE_PART, copies="primary", protective=False),
    "GPT of 4096-byte sectors": lambda: gpt(SIZE, ONE_PART, sector=4096),
    "MBR with ext4 on its partition": lambda: in_mbr(made("ext4")()),
    "MBR with nothing on its partition": lambda: in_mbr({}),
    "MBR without a partition": lambda: {510: b"\x55\xaa"},
    "exported pool, whole disk": lambda: labels("single-exported"),
    "exported pool, partition": lambda: pool_disk("single-exported"),
    "spare of an exported pool": lambda: pool_disk("spare"),
    "cache of an exported pool": lambda: pool_disk("l2cache"),
    "destroyed pool": lambda: pool_disk("single-destroyed"),
    "exported pool, then wipefs -a on the whole disk": lambda: after_wipefs(
        pool_disk("single-exported")
    ),
    "labels, the front two zeroed": lambda: labels("spare", copies=range(2, 4)),
    "labels, the last alone": lambda: labels("spare", copies=range(3, 4)),
    "labels, the uberblocks zeroed": lambda: {
        at: nvlist_alone(data) for at, data in labels("single-exported").items()
    },
    "labels, the nvlist zeroed": lambda: {
        at + 128 * 1024: data[128 * 1024 :] for at, data in labels("single-exported").items()
    },
}

RAW_DATA: dict[str, dict[int, bytes]] = {
    "at its start": {0: RAW},
    "early": {3 * MIB + 17: b"x"},
    "in the middle": {SIZE // 2: RAW},
    "late": {SIZE - 4096: RAW},
    "in its last byte": {SIZE - 1: b"x"},
}


def look(path: Path) -> dict[str, Any]:
    return inspect_disk(str(path), "serial:TEST")


@pytest.mark.parametrize("hazard", HAZARDS)
def test_hazard_is_occupied(hazard: str, tmp_path: Path) -> None:
    """What can be recognised is named, so that it is not blank and its loss can be consented to."""
    disk = look(device(tmp_path / "disk", SIZE, HAZARDS[hazard]()))
    assert (disk["emptiness"], disk["unknown"]) == ("occupied", [])
    assert disk["signatures"] or disk["labels"]


@pytest.mark.parametrize("where", RAW_DATA)
def test_raw_data_is_residual(where: str, tmp_path: Path) -> None:
    """Raw data without a signature is seen wherever it stands on a disk that is read whole."""
    disk = look(device(tmp_path / "disk", SIZE, RAW_DATA[where]))
    offset = next(iter(RAW_DATA[where]))
    assert disk["emptiness"] == "residual"
    assert f"offset {offset}:" in str(disk["residue"])


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_all_zero_or_all_one_is_blank(byte: bytes, tmp_path: Path) -> None:
    """What a new disk or an erased flash says."""
    disk = look(device(tmp_path / "disk", 4 * MIB, {0: byte * (4 * MIB)}))
    assert (disk["emptiness"], disk["residue"]) == ("blank", "")


@pytest.mark.parametrize("other", [1, 1 << 20, (4 << 20) - 1])
def test_zeros_and_ones_mixed_are_residual(other: int, tmp_path: Path) -> None:
    """Half of each is a pattern, and a pattern is data."""
    content = {0: b"\xff" * (4 * MIB), other: b"\0"}
    assert look(device(tmp_path / "disk", 4 * MIB, content))["emptiness"] == "residual"


def test_unasked_disk_is_unread(tmp_path: Path) -> None:
    """A disk that nothing is recognised on and that was not asked for is not said to be blank."""
    path = device(tmp_path / "disk", SIZE)
    assert inspect_disk(str(path), None)["emptiness"] == "unread"


def test_erased_pool_is_named(tmp_path: Path) -> None:
    """wipefs zeroes the magic of the tables; the pool behind them is found all the same."""
    content = after_wipefs(pool_disk("single-exported"))
    disk = inspect_disk(str(device(tmp_path / "disk", SIZE, content)), None)
    (label,) = disk["labels"]
    assert (label["pool"], label["state"], label["part"]) == ("wip", "exported", 0)
    assert (disk["table"], disk["partitions"]) == ("", [])


BIG = 5 << 40


def test_large_disk_is_sampled_across() -> None:
    """64 MiB at both ends, every superblock's place, and 4,096 strides that cover the rest."""
    reads = list(sample_offsets(BIG, "serial:A"))
    assert reads == sorted(reads)
    assert reads == list(sample_offsets(BIG, "serial:A"))
    assert reads != list(sample_offsets(BIG, "serial:B"))
    assert (0, 64 * MIB) in reads
    assert (BIG - 64 * MIB, 64 * MIB) in reads
    starts = {offset for offset, _ in reads}
    assert all(place // 4096 * 4096 in starts for place in superblock_places(BIG))
    blocks = [offset for offset, _ in reads if offset % 4096 == 0]
    assert len(blocks) >= 4096
    assert max(b - a for a, b in itertools.pairwise(blocks)) <= BIG // 4096 + 64 * MIB


@pytest.mark.parametrize(
    "where", [64 * MIB - 1, 256 << 30, 128 * MIB, BIG - 64 * MIB, BIG - 1, BIG // 3]
)
def test_residue_on_a_large_disk(where: str, tmp_path: Path) -> None:
    """Data at an edge, or a stretch as long as a stride, is found on a disk of 5 TiB."""
    at = int(where)
    long = BIG // 4096 + 64 * 1024 if at == BIG // 3 else 1
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(BIG)
        # One byte in each block of the stretch is enough, and keeps the file sparse.
        for block in range(at, at + long, 64 * 1024):
            file.seek(block)
            file.write(b"x")
    opened = Device(str(path))
    try:
        assert "unknown data" in residue(opened, "serial:A")
    finally:
        opened.close()


def test_missing_device_is_unknown(tmp_path: Path) -> None:
    """A device that can't be opened is told with the system's words, never left out."""
    path = str(tmp_path / "none")
    disk = inspect_disk(path, "x")
    assert disk["unknown"] == [f"{path}: No such file or directory"]
    assert disk["emptiness"] == "unread"


def test_device_without_a_size_is_unknown(tmp_path: Path) -> None:
    disk = inspect_disk(str(device(tmp_path / "disk", 0)), "x")
    assert disk["unknown"]
    assert disk["emptiness"] == "unread"


@pytest.fixture
def bad_sector(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Reads that touch an offset fail with EIO."""
    bad: list[int] = []
    real = os.preadv

    def preadv(fd: int, buffers: list[memoryview], offset: int) -> int:
        if any(offset <= at < offset + len(buffers[0]) for at in bad):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    return bad.append


@pytest.mark.parametrize("where", [0, 70000, SIZE // 2, SIZE - 5000])
def test_unreadable_disk_is_never_blank(
    where: int, bad_sector: Callable[[int], None], tmp_path: Path
) -> None:
    """A place that can't be read is not empty, be it a superblock's or a sample's."""
    bad_sector(where)
    disk = look(device(tmp_path / "disk", SIZE))
    assert disk["emptiness"] == "unread"
    assert any("Input/output error" in said for said in disk["unknown"])


def test_place_that_was_unreadable_once_is_not_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A superblock was looked for and could not be read; that the next read goes well is luck."""
    failed: list[int] = []
    real = os.preadv

    def preadv(fd: int, buffers: list[memoryview], offset: int) -> int:
        if not failed:
            failed.append(offset)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    disk = look(device(tmp_path / "disk", SIZE))
    assert (disk["emptiness"], len(disk["unknown"])) == ("unread", 1)


def test_unreadable_disk_tells_what_was_seen(
    bad_sector: Callable[[int], None], tmp_path: Path
) -> None:
    bad_sector(SIZE - 5000)
    disk = look(device(tmp_path / "disk", SIZE, made("xfs")()))
    assert disk["emptiness"] == "occupied"
    assert disk["unknown"]


def test_a_dead_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place that is looked at fails; how many, and one of them, are enough to know."""

    def preadv(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", preadv)
    path = device(tmp_path / "disk", SIZE)
    disk = look(path)
    assert disk["emptiness"] == "unread"
    (said,) = disk["unknown"]
    assert re.fullmatch(
        rf"{re.escape(str(path))}: can't be read at \d\d places, as 0: Input/output error", said
    )


class Sysfs:
    """A made-up /sys/dev/block for a file that stands for a disk."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.disk = folder / "7:0"
        (self.disk / "queue").mkdir(parents=True)
        (self.disk / "queue" / "logical_block_size").write_text("512\n")
        (self.disk / "holders").mkdir()
        monkeypatch.setattr(inspector_device, "SYS_BLOCK", str(folder))
        real = os.fstat

        def fstat(fd: int) -> object:
            status = list(real(fd))
            return os.stat_result(status, {"st_rdev": os.makedev(7, 0)})

        monkeypatch.setattr(os, "fstat", fstat)

    def partition(self, number: int, start: int, size: int) -> None:
        part = self.disk / f"nosuch{number}"
        (part / "holders").mkdir(parents=True)
        for name, value in (("partition", number), ("start", start), ("size", size)):
            (part / name).write_text(f"{value}\n")

    def holder(self, name: str, part: str = "") -> None:
        (self.disk / part / "holders" / name).mkdir()


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sysfs:
    return Sysfs(tmp_path / "sys", monkeypatch)


def test_kernel_partition_without_a_table_is_occupied(sysfs: Sysfs, tmp_path: Path) -> None:
    """The table was zeroed below a mounted partition: the kernel still writes there."""
    sysfs.partition(1, 2048, 2048)
    disk = look(device(tmp_path / "disk", SIZE))
    assert disk["emptiness"] == "occupied"
    assert disk["partitions"] == [
        {
            "number": 1,
            "start": MIB,
            "size": MIB,
            "type": "",
            "partuuid": "",
            "label": "",
            "path": "/dev/nosuch1",
        }
    ]


def test_signature_in_a_kernel_partition_is_found(sysfs: Sysfs, tmp_path: Path) -> None:
    sysfs.partition(3, PART[0] // 512, PART[1] // 512)
    content = {PART[0] + at: data for at, data in made("ext4")().items() if at >= 0}
    disk = look(device(tmp_path / "disk", SIZE, content))
    assert [(s["part"], s["type"]) for s in disk["signatures"]] == [(3, "ext4")]


@pytest.mark.parametrize("part", ["", "nosuch1"])
def test_holder_is_occupied(part: str, sysfs: Sysfs, tmp_path: Path) -> None:
    """What stands on the disk or on its partition holds it, whatever its bytes say."""
    sysfs.partition(1, 2048, 2048)
    sysfs.holder("dm-3", part)
    disk = look(device(tmp_path / "disk", SIZE))
    assert (disk["emptiness"], disk["holders"]) == ("occupied", ["dm-3"])


def test_what_lies_in_a_partition_is_the_partition_s_alone(tmp_path: Path) -> None:
    """The trailing labels of a partition that ends with the disk are the disk's by place, too."""
    content = gpt(SIZE, [(1, MIB, SIZE - 2 * MIB, LINUX, "")])
    end = [(1, MIB, SIZE - MIB, LINUX, "")]
    content = gpt(SIZE, end, copies="primary") | labels("spare", MIB, SIZE - MIB)
    disk = inspect_disk(str(device(tmp_path / "disk", SIZE, content)), None)
    assert [(one["part"], one["copies"]) for one in disk["labels"]] == [(1, [0, 1, 2, 3])]


def test_labels_that_differ_stand_apart(tmp_path: Path) -> None:
    """A label that was written later than its copies is one of its own."""
    content = labels("mirror-active") | {LABEL: real_label("2.1.11", "mirror-active")}
    disk = inspect_disk(str(device(tmp_path / "disk", SIZE, content)), None)
    assert [one["copies"] for one in disk["labels"]] == [[0, 2, 3], [1]]


def test_device_is_never_opened_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every open of the script is read-only, by its flags."""
    flags: list[int] = []
    real = os.open

    def recording_open(path: str, mode: int) -> int:
        flags.append(mode)
        return real(path, mode)

    monkeypatch.setattr(os, "open", recording_open)
    look(device(tmp_path / "disk", SIZE, pool_disk("spare")))
    assert flags
    assert all(mode & os.O_ACCMODE == os.O_RDONLY for mode in flags)


def test_no_part_of_the_script_can_write() -> None:
    """Neither a mode nor a call that changes anything stands in its text."""
    text = inspector_script().decode()
    for word in ("O_WRONLY", "O_RDWR", "O_CREAT", "os.write", "unlink", "subprocess", "system("):
        assert word not in text
    opens = re.findall(r"\bopen\((?:[^()]|\([^()]*\))*\)", text)
    assert len(opens) > 4
    assert not [one for one in opens if re.search(r"[\"'][rwax]?[wax+]", one)]


def test_script_is_one_program_without_the_package() -> None:
    """It compiles on its own, and imports the standard library alone."""
    text = inspector_script().decode()
    compile(text, "inspector", "exec")
    assert "phoenix_plan" not in text
    imported = {
        line.split()[1].partition(".")[0]
        for line in text.splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names


def test_script_runs_as_the_host_runs_it(tmp_path: Path) -> None:
    """`python3 -I - REQUEST` with the script on stdin; a request may come in pieces."""
    path = device(tmp_path / "disk", SIZE)
    request = f'{{"devices": ["{path}"], "deep": [["{path}", "a"]], "directories": ["/proc"]}}'
    done = subprocess.run(
        [sys.executable, "-I", "-", request[:20], request[20:]],
        input=inspector_script(),
        capture_output=True,
        check=True,
    )
    assert b'"emptiness": "blank"' in done.stdout
    assert b'"/proc": "mounted"' in done.stdout


def test_buffered_where_there_is_no_direct_io(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tmpfs refuses O_DIRECT at open, some devices at the first read."""
    real = os.open

    def refuse(path: str, mode: int) -> int:
        if mode & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(path, mode)

    monkeypatch.setattr(os, "open", refuse)
    disk = look(device(tmp_path / "disk", SIZE, made("xfs")()))
    assert [s["type"] for s in disk["signatures"]] == ["xfs"]


def test_odd_sizes_are_read_to_their_last_byte(tmp_path: Path) -> None:
    """A disk of 512-byte sectors need not end on 4 KiB."""
    size = 5 * MIB + 1536
    disk = look(device(tmp_path / "disk", size, {-512: struct.pack("<I", 1)}))
    assert disk["size"] == size
    assert f"offset {size - 512}:" in str(disk["residue"])


def test_answer_covers_every_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails in a way that nobody thought of fails alone, and is told."""
    good, bad = device(tmp_path / "good", SIZE), device(tmp_path / "bad", SIZE)
    real = inspector_signatures.find_signatures

    def find(space: Any) -> object:
        if space._device.path == str(bad):
            raise ValueError("a fault of ours")
        return real(space)

    monkeypatch.setattr(inspector, "find_signatures", find)
    request = {
        "devices": [str(good), str(bad)],
        "deep": [[str(good), "a"], [str(bad), "b"]],
        "directories": [],
    }
    disks = inspector.answer(request)["devices"]
    assert disks[str(good)]["emptiness"] == "blank"
    assert disks[str(bad)]["emptiness"] == "unread"
    assert disks[str(bad)]["unknown"] == [f"{bad}: a fault of ours"]
