"""The device script, part 5: the table of signatures, and the search for them.

Types are those of libblkid 2.41 where it knows them. An offset below 0 counts from the end of the
space; a function takes the size of the space and gives the offset.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, Union

from phoenix_plan.probes.inspector_checks import (
    Found,
    anything,
    check_apfs,
    check_bcache,
    check_bcachefs,
    check_bluestore,
    check_btrfs,
    check_exfat,
    check_ext,
    check_f2fs,
    check_fat,
    check_gfs,
    check_hfs,
    check_hfsplus,
    check_jmicron,
    check_luks,
    check_lvm2,
    check_mac,
    check_md0,
    check_md1,
    check_minix,
    check_nilfs,
    check_ntfs,
    check_silicon,
    check_sun,
    check_swap,
    check_udf,
    check_via,
    check_xfs,
    check_xfs_log,
)
from phoenix_plan.probes.inspector_device import Space

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

Place = Union[int, Callable[[int], int]]  # noqa: UP007 - evaluated, and Python 3.9 has no `|`


class Magic(NamedTuple):
    """Bytes at a place that mean a type, unless the check says that they are chance."""

    type: str
    magic: bytes
    place: Place
    check: Callable[[Space, int], Found] = anything


def md0_place(size: int) -> int:
    """64 KiB from the end, rounded down to 64 KiB (md(4), version 0.90)."""
    return size // (64 * KIB) * 64 * KIB - 64 * KIB


def md1_end_place(size: int) -> int:
    """8 to 12 KiB from the end, on 4 KiB (md(4), version 1.0)."""
    return (size // 512 - 16) // 8 * 8 * 512


def nilfs_end_place(size: int) -> int:
    """The last whole 4 KiB of the device, and the magic in it."""
    return (size // 4096 - 1) * 4096 + 6


def sectors_from_end(count: int, inside: int = 0) -> Callable[[int], int]:
    """`count` sectors of 512 bytes before the end, `inside` bytes on."""
    return lambda size: (size // 512 - count) * 512 + inside


MD = b"\xfc\x4e\x2b\xa9"
BCACHE = bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")
BCACHEFS = bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")
STRATIS = b"!Stra0tis\x86\xff\x02^\x41rh"
PROMISE = (16, 63, 255, 256, 399, 591, 675, 735, 911, 951, 974, 991, 3087)
SWAPS = (
    ("swap", b"SWAP-SPACE"),
    ("swap", b"SWAPSPACE2"),
    ("swsuspend", b"S1SUSPEND"),
    ("swsuspend", b"S2SUSPEND"),
    ("swsuspend", b"ULSUSPEND"),
    ("swsuspend", b"LINHIB0001"),
)
UFS_MAGICS = (0x00011954, 0x19540119, 0x00095014, 0x00612195, 0x05231994, 0x7C269D38)


def _families() -> Iterator[Magic]:
    """Those that stand at several places."""
    for place in (64 * KIB, 64 * MIB, 256 * GIB):
        yield Magic("btrfs", b"_BHRfS_M", place + 0x40, check_btrfs)
    for page in (4, 8, 16, 32, 64):
        for kind, magic in SWAPS:
            yield Magic(kind, magic, page * KIB - 10, check_swap)
    for sector in range(4):
        yield Magic("LVM2_member", b"LVM2 001", sector * 512 + 24, check_lvm2)
    for power in range(9):
        # All offsets that LUKS2 allows for the second header (LUKS2 On-Disk Format 1.1.1, 2.1).
        yield Magic("crypto_LUKS", b"SKUL\xba\xbe", 16 * KIB << power, check_luks)
    for place in (1024, 4096 + 1024):
        yield Magic("f2fs", b"\x10\x20\xf5\xf2", place, check_f2fs)
    for place in (4096, 2 * MIB, -MIB):
        yield Magic("bcachefs", BCACHEFS, place + 24, check_bcachefs)
    for place in (1, 2, 4, 8):
        yield Magic("ocfs2", b"OCFSV2", place * KIB)
    for place in (8 * KIB, 64 * KIB):
        for magic in (b"ReIsErFs", b"ReIsEr2Fs", b"ReIsEr3Fs"):
            yield Magic("reiserfs", magic, place + 52)
        yield Magic("reiserfs", b"ReIsErFs", place + 20)
    for place in (32 * KIB, 60 * KIB):
        yield Magic("jfs", b"JFS1", place)
    for place in (0, 8 * KIB, 64 * KIB, 256 * KIB):
        for number in UFS_MAGICS:
            for order in "<>":
                yield Magic("ufs", struct.pack(order + "I", number), place + 1372)
    for number in (0x137F, 0x138F, 0x2468, 0x2478):
        for order in "<>":
            yield Magic("minix", struct.pack(order + "H", number), 1024 + 16, check_minix)
    for magic in (b"BEA01", b"BOOT2", b"CD001", b"CDW02", b"NSR02", b"NSR03"):
        yield Magic("udf", magic, 32769, check_udf)
    for place in range(0, 256 * KIB, 512):
        yield Magic("xfs_external_log", b"\xfe\xed\xba\xbe", place, check_xfs_log)
    for count in PROMISE:
        yield Magic(
            "promise_fasttrack_raid_member", b"Promise Technology, Inc.", sectors_from_end(count)
        )
    for count in (1, 257):
        for magic in (b"\xde\x11\xde\x11", b"\x11\xde\x11\xde"):
            yield Magic("ddf_raid_member", magic, sectors_from_end(count))
    for count in (2, 16):
        yield Magic("isw_raid_member", b"Intel Raid ISM Cfg. Sig. ", sectors_from_end(count))
    for number in (0x8374026B, 0x8374026C, 0x8374026D):
        yield Magic("drbd", struct.pack(">I", number), lambda size: size // 4096 * 4096 - 4096 + 60)


MAGICS: tuple[Magic, ...] = (
    Magic("jbd", b"\x53\xef", 0x438, check_ext),
    Magic("xfs", b"XFSB", 0, check_xfs),
    Magic("vfat", b"MSWIN", 0x52, check_fat),
    Magic("vfat", b"FAT32   ", 0x52, check_fat),
    Magic("vfat", b"MSDOS", 0x36, check_fat),
    Magic("vfat", b"FAT16   ", 0x36, check_fat),
    Magic("vfat", b"FAT12   ", 0x36, check_fat),
    Magic("vfat", b"FAT     ", 0x36, check_fat),
    Magic("vfat", b"\xeb", 0, check_fat),
    Magic("vfat", b"\xe9", 0, check_fat),
    Magic("vfat", b"\x55\xaa", 0x1FE, check_fat),
    Magic("vfat", b"RRaA", 512),
    Magic("exfat", b"EXFAT   ", 3, check_exfat),
    Magic("ntfs", b"NTFS    ", 3, check_ntfs),
    Magic("ntfs", b"NTFS    ", sectors_from_end(1, 3), check_ntfs),
    Magic("BitLocker", b"-FVE-FS-", 3),
    Magic("BitLocker", bytes.fromhex("3bd66749292ed84a8399f6a339e3d001"), 424),
    Magic("ReFS", b"\0\0\0ReFS\0", 0),
    Magic("hpfs", b"\x49\xe8\x95\xf9", 8 * KIB),
    Magic("swsuspend", b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c", 0),
    Magic("LVM1_member", b"HM\x01\0", 0),
    Magic("LVM1_member", b"HM\x02\0", 0),
    Magic("linux_raid_member", MD, 0, check_md1),
    Magic("linux_raid_member", MD, 4096, check_md1),
    Magic("linux_raid_member", MD, md1_end_place, check_md1),
    Magic("linux_raid_member", MD, md0_place, check_md0),
    Magic("linux_raid_member", MD[::-1], md0_place, check_md0),
    Magic("crypto_LUKS", b"LUKS\xba\xbe", 0, check_luks),
    Magic("bcache", BCACHE, 4096 + 24, check_bcache),
    Magic("bcachefs", BCACHEFS, 3584),
    Magic("ceph_bluestore", b"bluestore block device", 0, check_bluestore),
    Magic("stratis", STRATIS, 516),
    Magic("stratis", STRATIS, 4608 + 4),
    Magic("vdo", b"dmvdo001", 0),
    Magic("mpool", b"mpoolDev", 0),
    Magic("DM_integrity", b"integrt\0", 0),
    Magic("DM_verity_hash", b"verity\0\0", 0),
    Magic("DM_snapshot_cow", b"SnAp", 0),
    Magic("VMFS_volume_member", b"\x0d\xd0\x01\xc0", MIB),
    Magic("VMFS", b"\x5e\xf1\xab\x2f", 2 * MIB),
    Magic("nilfs2", b"\x34\x34", 1024 + 6, check_nilfs),
    Magic("nilfs2", b"\x34\x34", nilfs_end_place, check_nilfs),
    Magic("gfs2", b"\x01\x16\x19\x70", 64 * KIB, check_gfs),
    Magic("ocfs", b"OracleCFS", 8),
    Magic("oracleasm", b"ORCLDISK", 32),
    Magic("reiser4", b"ReIsEr4", 64 * KIB),
    Magic("iso9660", b"CD001", 32769),
    Magic("iso9660", b"CDROM", 32777),
    Magic("squashfs", b"hsqs", 0),
    Magic("squashfs", b"sqsh", 0),
    Magic("erofs", b"\xe2\xe1\xf5\xe0", 1024),
    Magic("cramfs", b"\x45\x3d\xcd\x28", 0),
    Magic("cramfs", b"\x28\xcd\x3d\x45", 0),
    Magic("romfs", b"-rom1fs-", 0),
    Magic("zonefs", b"SFOZ", 0),
    Magic("hfs", b"BD", 1024, check_hfs),
    Magic("hfsplus", b"H+", 1024, check_hfsplus),
    Magic("hfsplus", b"HX", 1024, check_hfsplus),
    Magic("hfsplus", b"H+", sectors_from_end(2), check_hfsplus),
    Magic("hfsplus", b"HX", sectors_from_end(2), check_hfsplus),
    Magic("apfs", b"NXSB", 32, check_apfs),
    Magic("minix", b"\x5a\x4d", 1024 + 24, check_minix),
    Magic("ubi", b"UBI#", 0),
    Magic("ubifs", b"\x31\x18\x10\x06", 0),
    Magic("vxfs", b"\xf5\xfc\x01\xa5", 1024),
    Magic("vxfs", b"\xa5\x01\xfc\xf5", 8 * KIB),
    Magic("befs", b"1SFB", 32),
    Magic("befs", b"1SFB", 544),
    Magic("exfs", b"EXFS", 0),
    Magic("netware", b"SPB5", 4 * KIB),
    Magic("nvidia_raid_member", b"NVIDIA", sectors_from_end(2)),
    Magic("adaptec_raid_member", b"\x37\xfc\x4d\x1e", sectors_from_end(1)),
    Magic("lsi_mega_raid_member", b"$XIDE$", sectors_from_end(1)),
    Magic("silicon_medley_raid_member", b"\0\0\0\x2f", sectors_from_end(1, 0x60), check_silicon),
    Magic("via_raid_member", b"\x55\xaa", sectors_from_end(1), check_via),
    Magic("jmicron_raid_member", b"JM", sectors_from_end(1), check_jmicron),
    Magic("hpt37x_raid_member", b"\xf0\x16\x78\x5a", 9 * 512 + 32),
    Magic("hpt37x_raid_member", b"\xfd\x16\x78\x5a", 9 * 512 + 32),
    Magic("hpt45x_raid_member", b"\xf3\x16\x78\x5a", sectors_from_end(11)),
    Magic("hpt45x_raid_member", b"\xfd\x16\x78\x5a", sectors_from_end(11)),
    # FreeBSD's mirror, stripe, eli and label keep their metadata in the last sector.
    Magic("geom", b"GEOM::", sectors_from_end(1)),
    Magic("geom", b"GEOM::", sectors_from_end(8)),
    Magic("mac", b"ER", 0, check_mac),
    Magic("sun", b"\xda\xbe", 508, check_sun),
    Magic("sgi", b"\x0b\xe5\xa9\x41", 0),
    Magic("aix", b"\xc9\xc2\xd4\xc1", 0),
    Magic("bsd", b"\x57\x45\x56\x82", 64),
    Magic("bsd", b"\x57\x45\x56\x82", 512),
    Magic("ldm", b"PRIVHEAD", 3072),
    *_families(),
)


def place_of(magic: Magic, size: int) -> int:
    """Where the magic would stand in a space of that size."""
    if callable(magic.place):
        return magic.place(size)
    return magic.place if magic.place >= 0 else size + magic.place


def find_signatures(space: Space) -> list[tuple[int, str, str, str]]:
    """(offset, type, label, uuid) of everything recognised, sorted, each place and type once."""
    found: dict[tuple[int, str], tuple[int, str, str, str]] = {}
    for magic in MAGICS:
        at = place_of(magic, space.size)
        if at < 0 or space.peek(at, len(magic.magic)) != magic.magic:
            continue
        try:
            answer = magic.check(space, at)
        except (struct.error, IndexError):
            # The device ends within the superblock: the magic is there all the same.
            answer = "", "", ""
        if answer is not None:
            kind = answer[0] or magic.type
            found.setdefault((at, kind), (at, kind, answer[1], answer[2]))
    return sorted(found.values())


def superblock_places(size: int) -> list[int]:
    """Every place where something known would stand, for the reads across a device. Backup
    superblocks of ext are among them: they are what is left when the first is wiped."""
    places = {place_of(magic, size) for magic in MAGICS}
    for block in (1024, 2048, 4096):
        for group in (1, 3, 5, 7, 9, 25, 27, 49):
            places.add((group * block * 8 + (1 if block == 1024 else 0)) * block)
    return sorted(place for place in places if 0 <= place < size)
