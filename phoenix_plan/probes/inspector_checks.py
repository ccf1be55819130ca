"""The device script, part 4: checks behind a magic number, and labels and UUIDs.

Each check takes the space and the offset of the magic; it returns None where the magic is chance,
else (type, label, uuid), the type empty where the table of signatures knows it. Layouts as read in
libblkid 2.41 (libblkid/src/superblocks).
"""

from __future__ import annotations

import itertools
import struct
import uuid
import zlib
from typing import Optional

from phoenix_plan.probes.inspector_device import Space

Found = Optional[tuple[str, str, str]]  # noqa: UP045 - evaluated, and Python 3.9 has no `|`

EXT_JOURNAL_DEVICE = 0x8
EXT_HAS_JOURNAL = 0x4
# What ext2 and ext3 drivers understand; the rest makes it ext4.
EXT2_RO_COMPAT = 0x7
EXT2_INCOMPAT = 0x12
EXT3_INCOMPAT = 0x16


def little(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")


def big(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "big")


def text_at(data: bytes, at: int, width: int, encoding: str = "utf-8") -> str:
    """A text of fixed width, as far as its first NUL, spaces at its end cut off."""
    return data[at : at + width].decode(encoding, "replace").partition("\0")[0].rstrip()


def uuid_at(data: bytes, at: int) -> str:
    raw = data[at : at + 16]
    return "" if len(raw) < 16 or raw == b"\0" * 16 else str(uuid.UUID(bytes=raw))


def anything(_space: Space, _at: int) -> Found:
    """The magic is long enough to be no chance, and nothing more is told."""
    return "", "", ""


def check_ext(space: Space, at: int) -> Found:
    block = space.peek(at - 0x38, 1024)
    if len(block) < 136 or little(block, 24, 4) > 8:
        return None
    compat, incompat, ro_compat = struct.unpack_from("<III", block, 92)
    label, uid = text_at(block, 120, 16), uuid_at(block, 104)
    if incompat & EXT_JOURNAL_DEVICE:
        return "jbd", label, uid
    if ro_compat & ~EXT2_RO_COMPAT or incompat & ~EXT3_INCOMPAT:
        return "ext4", label, uid
    if compat & EXT_HAS_JOURNAL:
        return "ext3", label, uid
    return "ext4" if incompat & ~EXT2_INCOMPAT else "ext2", label, uid


def check_xfs(space: Space, at: int) -> Found:
    block = space.peek(at, 512)
    return "", text_at(block, 108, 12), uuid_at(block, 32)


def check_btrfs(space: Space, at: int) -> Found:
    block = space.peek(at - 0x40, 1024)
    return "", text_at(block, 0x12B, 256), uuid_at(block, 0x20)


def _fat_like(boot: bytes) -> bool:
    """BIOS parameter block: sector and cluster sizes, reserved sectors, FATs, medium."""
    if len(boot) < 512:
        return False
    sector, cluster = little(boot, 11, 2), boot[13]
    return (
        sector in (512, 1024, 2048, 4096)
        and cluster > 0
        and cluster & (cluster - 1) == 0
        and little(boot, 14, 2) > 0
        and 1 <= boot[16] <= 4
        and (boot[21] >= 0xF8 or boot[21] == 0xF0)
    )


def check_fat(space: Space, at: int) -> Found:
    """Any of vfat's magics; all of them stand in the boot sector, the first 512 bytes."""
    boot = space.peek(0, 512) if at < 512 else b""
    if not _fat_like(boot) or boot[0] not in (0xEB, 0xE9):
        return None
    serial_at = 0x43 if boot[0x52:0x55] in (b"FAT", b"MSW") else 0x27
    serial = little(boot, serial_at, 4)
    label = text_at(boot, serial_at + 4, 11, "latin-1")
    uid = f"{serial >> 16:04X}-{serial & 0xFFFF:04X}" if serial else ""
    return "", "" if label == "NO NAME" else label, uid


def boot_sector_of_fs(space: Space) -> bool:
    """Whether sector 0 is a file system's own, so that its 0x55AA is no partition table's."""
    boot = space.peek(0, 512)
    known = (b"NTFS    ", b"EXFAT   ", b"-FVE-FS-")
    return boot[3:11] in known or check_fat(space, 0) is not None


def check_exfat(space: Space, at: int) -> Found:
    serial = little(space.peek(at - 3, 512), 100, 4)
    return "", "", f"{serial >> 16:04X}-{serial & 0xFFFF:04X}"


def check_ntfs(space: Space, at: int) -> Found:
    return "", "", f"{little(space.peek(at - 3, 512), 72, 8):016X}"


def check_swap(space: Space, at: int) -> Found:
    header = space.peek(1024, 512)
    if space.peek(at, 10) == b"SWAPSPACE2" and little(header, 0, 4) == 1:
        return "", text_at(header, 28, 16), uuid_at(header, 12)
    return "", "", ""


def check_lvm2(space: Space, at: int) -> Found:
    sector = space.peek(at - 24, 512)
    if sector[:8] != b"LABELONE":
        return None
    raw = text_at(sector, little(sector, 20, 4), 32, "latin-1")
    cuts = (0, 6, 10, 14, 18, 22, 26, 32)
    return "", "", "-".join(raw[a:b] for a, b in itertools.pairwise(cuts))


def check_md1(space: Space, at: int) -> Found:
    block = space.peek(at, 256)
    if little(block, 4, 4) != 1:
        return None
    return "", text_at(block, 32, 32), uuid_at(block, 16)


def check_md0(space: Space, at: int) -> Found:
    """Version 0.90, in the byte order of the machine that made it."""
    block = space.peek(at, 64)
    order = "<" if block[:4] == b"\xfc\x4e\x2b\xa9" else ">"
    if len(block) < 64 or struct.unpack_from(order + "I", block, 4)[0] != 0:
        return None
    words = struct.unpack_from(order + "I", block, 20) + struct.unpack_from(order + "3I", block, 52)
    return "", "", uuid_at(struct.pack(">4I", *words), 0)


def check_luks(space: Space, at: int) -> Found:
    header = space.peek(at, 512)
    version = big(header, 6, 2)
    if version not in (1, 2):
        return None
    return "", text_at(header, 24, 48) if version == 2 else "", text_at(header, 168, 40)


def check_bcache(space: Space, at: int) -> Found:
    return "", "", uuid_at(space.peek(at, 64), 16)


def check_bcachefs(space: Space, at: int) -> Found:
    block = space.peek(at, 128)
    return "", text_at(block, 48, 32), uuid_at(block, 32)


def check_f2fs(space: Space, at: int) -> Found:
    block = space.peek(at, 1200)
    return "", text_at(block, 124, 512, "utf-16-le"), uuid_at(block, 108)


def check_bluestore(space: Space, at: int) -> Found:
    return "", "", text_at(space.peek(at, 64), 23, 36, "latin-1")


def check_nilfs(space: Space, at: int) -> Found:
    """Two bytes of magic prove nothing: the checksum does."""
    block = space.peek(at - 6, 1024)
    length = little(block, 8, 2)
    if not 20 < length <= len(block):
        return None
    seed, expected = struct.unpack_from("<II", block, 12)
    data = block[:16] + b"\0\0\0\0" + block[20:length]
    # The kernel's crc32_le neither inverts its start nor its end.
    return ("", "", "") if zlib.crc32(data, seed ^ 0xFFFFFFFF) ^ 0xFFFFFFFF == expected else None


def check_gfs(space: Space, at: int) -> Found:
    kind = big(space.peek(at, 64), 24, 4)
    if kind == 1309:
        return "gfs", "", ""
    return ("gfs2", "", "") if 1800 <= kind < 1900 else None


def check_hfs(space: Space, at: int) -> Found:
    block = space.peek(at, 512)
    if block[0x7C:0x7E] in (b"H+", b"HX"):
        return "hfsplus", "", ""
    allocation = big(block, 20, 4)
    return ("", "", "") if allocation and allocation % 512 == 0 else None


def check_hfsplus(space: Space, at: int) -> Found:
    version = big(space.peek(at, 512), 2, 2)
    return ("", "", "") if version in (4, 5) else None


def check_apfs(space: Space, at: int) -> Found:
    size = little(space.peek(at, 64), 4, 4)
    return ("", "", "") if 4096 <= size <= 65536 and size & (size - 1) == 0 else None


def check_minix(space: Space, at: int) -> Found:
    """Two bytes of magic: the maps have to hold what the counts say."""
    block = space.peek(1024, 64)
    if at == 1024 + 24:
        inodes, imaps, zmaps, zones = (*struct.unpack_from("<I2xHH", block), little(block, 20, 4))
    else:
        inodes, imaps, zmaps = (little(block, place, 2) for place in (0, 4, 6))
        zones = little(block, 2, 2) or little(block, 20, 4)
    fits = imaps and zmaps and imaps * 8192 * 4 > inodes > 0 and zmaps * 8192 * 4 >= zones // 2 > 0
    return ("", "", "") if fits and imaps * 512 <= inodes + 8192 * 4 else None


def check_xfs_log(space: Space, at: int) -> Found:
    cycle, version, length = struct.unpack_from(">III", space.peek(at + 4, 12))
    return ("", "", "") if cycle and version in (1, 2) and length else None


def check_udf(space: Space, at: int) -> Found:
    """A volume recognition sequence: `BEA01`, or an `NSR0` behind the descriptors of an ISO."""
    if space.peek(at, 5) in (b"BEA01", b"NSR02", b"NSR03"):
        return "", "", ""
    for step in (2048, 4096):
        for number in range(64):
            if space.peek(32769 + number * step, 4) == b"NSR0":
                return "", "", ""
    return None


def check_mac(space: Space, _at: int) -> Found:
    size = big(space.peek(2, 2), 0, 2)
    return (
        ("", "", "") if size in (512, 1024, 2048, 4096) and space.peek(size, 2) == b"PM" else None
    )


def check_sun(space: Space, _at: int) -> Found:
    """The words of a Sun label give 0 when they are XORed."""
    result = 0
    for word in struct.unpack(">256H", space.peek(0, 512)):
        result ^= word
    return ("", "", "") if result == 0 else None


def check_silicon(space: Space, at: int) -> Found:
    sector = space.peek(at - 0x60, 512)
    words = struct.unpack_from("<160H", sector)
    return ("", "", "") if -sum(words[:159]) & 0xFFFF == words[159] else None


def check_via(space: Space, at: int) -> Found:
    sector = space.peek(at, 51)
    return ("", "", "") if sector[2] <= 2 and sum(sector[:50]) & 0xFF == sector[50] else None


def check_jmicron(space: Space, at: int) -> Found:
    total = sum(struct.unpack("<64H", space.peek(at, 128))) & 0xFFFF
    return ("", "", "") if total in (0, 1) else None
