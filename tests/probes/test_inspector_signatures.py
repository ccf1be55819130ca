"""Signatures, held against what wipefs said of devices that real tools made."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_plan.probes.inspector import inspect_disk
from phoenix_plan.probes.inspector_device import Device, Space
from phoenix_plan.probes.inspector_signatures import (
    MAGICS,
    Magic,
    find_signatures,
    md0_place,
    md1_end_place,
    place_of,
)
from tests.probes.devices import IMAGES, MIB, device, image

NAMES = sorted(path.stem for path in IMAGES.glob("*.json"))

# Second copies, which wipefs does not look at: what a wipe of the first leaves behind.
BACKUPS = {
    "btrfs": {(67108928, "btrfs")},
    "f2fs": {(5120, "f2fs")},
    "vfat": {(512, "vfat")},
    "ntfs": {(16776707, "ntfs")},
}
# wipefs calls the boot sector of these a partition table, too.
BOOT_SECTORS = {"exfat": {(510, "dos")}, "ntfs": {(510, "dos")}}
# Names that this program does not read.
UNNAMED = {"cramfs", "erofs", "gfs2", "iso9660", "nilfs2", "ocfs2", "reiserfs", "udf"}


def found_in(path: Path) -> list[tuple[int, str, str, str]]:
    disk = inspect_disk(str(path), None)
    assert disk["unknown"] == []
    return [
        (row["offset"], row["type"], row["label"], row["uuid"])
        for row in disk["signatures"]
        if row["part"] == 0
    ]


@pytest.mark.parametrize("name", NAMES)
def test_same_places_and_types_as_wipefs(name: str, tmp_path: Path) -> None:
    size, content, told = image(name)
    found = {(at, kind) for at, kind, _, _ in found_in(device(tmp_path / "disk", size, content))}
    expected = {(at, kind) for at, kind, _, _ in told}
    assert expected - BOOT_SECTORS.get(name, set()) | BACKUPS.get(name, set()) == found


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNNAMED])
def test_same_labels_and_uuids_as_wipefs(name: str, tmp_path: Path) -> None:
    size, content, told = image(name)
    found = found_in(device(tmp_path / "disk", size, content))
    places = {(at, kind) for at, kind, _, _ in told} - BOOT_SECTORS.get(name, set())
    expected = [row for row in told if (row[0], row[1]) in places]
    assert expected == [row for row in found if (row[0], row[1]) in places]


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("gpt", "gptbackup", "mbr")]
)
def test_found_inside_a_space(name: str, tmp_path: Path) -> None:
    """A partition's superblocks count from its start, and from its end."""
    size, content, _ = image(name)
    start = 3 * MIB
    alone = device(tmp_path / "alone", size, content)
    shifted = {at + start: data for at, data in content.items()}
    inside = device(tmp_path / "inside", start + size + MIB, shifted)
    results = []
    for path, at in ((alone, 0), (inside, start)):
        opened = Device(str(path))
        results.append(find_signatures(Space(opened, 1, at, size)))
        opened.close()
    assert results[0] == results[1] != []


# What no tool here makes: the magic at its place, and as much of a superblock as the check wants.
def gfs1() -> dict[int, bytes]:
    return {65536: struct.pack(">I20xI", 0x01161970, 1309)}


def xfs_log() -> dict[int, bytes]:
    return {1536: struct.pack(">IIII", 0xFEEDBABE, 7, 2, 512)}


def silicon() -> dict[int, bytes]:
    sector = bytearray(512)
    struct.pack_into("<I", sector, 0x60, 0x2F000000)
    words = struct.unpack("<256H", sector)
    struct.pack_into("<H", sector, 318, -sum(words[:159]) & 0xFFFF)
    return {-512: bytes(sector)}


def via() -> dict[int, bytes]:
    sector = bytearray(b"\x55\xaa\x01" + bytes(47))
    return {-512: bytes(sector) + bytes((sum(sector) & 0xFF,))}


def jmicron() -> dict[int, bytes]:
    return {-512: b"JM" + struct.pack("<H", 0x10000 - 0x4D4A)}


def sun() -> dict[int, bytes]:
    return {508: b"\xda\xbe\xda\xbe"}


def nilfs() -> dict[int, bytes]:
    block = bytearray(64)
    struct.pack_into("<IHHHHI", block, 0, 2, 0, 0x3434, 64, 0, 5)
    struct.pack_into("<I", block, 16, zlib.crc32(block, 5 ^ 0xFFFFFFFF) ^ 0xFFFFFFFF)
    return {1024: bytes(block)}


SIZE = 32 * MIB
MADE_UP: dict[str, dict[int, bytes]] = {
    "gfs": gfs1(),
    "xfs_external_log": xfs_log(),
    "silicon_medley_raid_member": silicon(),
    "via_raid_member": via(),
    "jmicron_raid_member": jmicron(),
    "sun": sun(),
    "nilfs2": nilfs(),
    "mac": {0: b"ER\x02\x00", 512: b"PM"},
    "hfs": {1024: b"BD".ljust(20, b"\0") + struct.pack(">I", 4096)},
    "hfsplus": {1024: b"H+\0\4"},
    "apfs": {32: b"NXSB" + struct.pack("<I", 4096)},
    "swsuspend": {4096 - 10: b"S1SUSPEND\0"},
    "LVM1_member": {0: b"HM\1\0"},
    "BitLocker": {3: b"-FVE-FS-", 510: b"\x55\xaa"},
    "bcachefs": {4096 + 24: bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")},
    "jfs": {32768: b"JFS1"},
    "ufs": {65536 + 1372: struct.pack("<I", 0x19540119)},
    "ceph_bluestore": {0: b"bluestore block device\n" + b"8a4e9ca5-9f0c-4e4b-8c69-1d0d9b1f9f4e"},
    "drbd": {-4096 + 60: struct.pack(">I", 0x8374026D)},
    "VMFS": {2 * MIB: b"\x5e\xf1\xab\x2f"},
    "VMFS_volume_member": {MIB: b"\x0d\xd0\x01\xc0"},
    "stratis": {516: b"!Stra0tis\x86\xff\x02^\x41rh"},
    "vdo": {0: b"dmvdo001"},
    "DM_integrity": {0: b"integrt\0"},
    "DM_verity_hash": {0: b"verity\0\0"},
    "DM_snapshot_cow": {0: b"SnAp"},
    "mpool": {0: b"mpoolDev"},
    "ubi": {0: b"UBI#"},
    "isw_raid_member": {-1024: b"Intel Raid ISM Cfg. Sig. "},
    "ddf_raid_member": {-512: b"\xde\x11\xde\x11"},
    "promise_fasttrack_raid_member": {-63 * 512: b"Promise Technology, Inc."},
    "adaptec_raid_member": {-512: b"\x37\xfc\x4d\x1e"},
    "nvidia_raid_member": {-1024: b"NVIDIA"},
    "lsi_mega_raid_member": {-512: b"$XIDE$"},
    "hpt45x_raid_member": {-11 * 512: b"\xf3\x16\x78\x5a"},
    "geom": {-512: b"GEOM::ELI"},
}


@pytest.mark.parametrize("kind", MADE_UP)
def test_made_up_superblock_is_found(kind: str, tmp_path: Path) -> None:
    """Each check says yes to what it was written for."""
    found = found_in(device(tmp_path / "disk", SIZE, MADE_UP[kind]))
    assert kind in {row[1] for row in found}


def test_every_type_is_tested() -> None:
    """A type in the table stands in a case here, or is told apart by its magic alone."""
    tested = set(MADE_UP) | {row[1] for name in NAMES for row in image(name)[2]}
    alone = {
        magic.type
        for magic in MAGICS
        if magic.check.__name__ == "anything" and len(magic.magic) > 3
    }
    assert {magic.type for magic in MAGICS} - tested - alone == {"gfs2", "jbd"} - tested


ONE_OF_EACH = {(magic.type, magic.magic): magic for magic in MAGICS}.values()


@pytest.mark.parametrize("magic", ONE_OF_EACH, ids=lambda one: f"{one.type}-{one.magic.hex()[:12]}")
def test_a_magic_alone_does_no_harm(magic: Magic, tmp_path: Path) -> None:
    """A magic with nothing around it, on the smallest device that holds it, is read to the end."""
    size = max(MIB, place_of(magic, MIB) + len(magic.magic)) if not callable(magic.place) else MIB
    if size > 1 << 30:
        size = (1 << 38) + (1 << 20)
    content = {place_of(magic, size): magic.magic}
    disk = inspect_disk(str(device(tmp_path / "disk", size, content)), "x")
    assert disk["unknown"] == []
    assert disk["emptiness"] in ("occupied", "residual")


@pytest.mark.parametrize(
    ("size", "old", "new"),
    [
        (512 * MIB, 536805376, 536862720),
        (512 * MIB + 1536, 536805376, 536862720),
        (1000204886016, 1000204795904, 1000204877824),
    ],
)
def test_md_superblocks_at_the_end(size: int, old: int, new: int) -> None:
    """md(4): 0.90 at 64 to 128 KiB from the end, 1.0 at 8 to 12 KiB."""
    assert (md0_place(size), md1_end_place(size)) == (old, new)
    assert 64 * 1024 <= size - old < 128 * 1024
    assert 8 * 1024 <= size - new < 12 * 1024


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MAGICS), st.binary(max_size=512)), max_size=6))
def test_hostile_superblocks_never_crash(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[Magic, bytes]]
) -> None:
    """Noise behind any magic is an answer or none, and no exception."""
    size = 4 * MIB + 512
    content = {}
    for magic, noise in parts:
        at = place_of(magic, size)
        if 0 <= at < size - len(magic.magic):
            content[at] = (magic.magic + noise)[: size - at]
    disk = inspect_disk(str(device(tmp_path_factory.mktemp("disk") / "disk", size, content)), "x")
    assert disk["unknown"] == []
    assert disk["emptiness"] == "occupied" or not any(content.values()) or disk["residue"]
