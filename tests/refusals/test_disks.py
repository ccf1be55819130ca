"""Disks that are refused, whatever the consent: by what they are, and by who uses them."""

from __future__ import annotations

import pytest

from tests.apply.machine import PHOTOS, Json, Machine, by_id, disk, host, pool, want
from tests.refusals.edits import Edit, config, edited, guest, has, mount, prints
from tests.refusals.rows import Row, check_planned, check_refused, ids

A, B = by_id("A"), by_id("B")
WANTED = want("tank", "mirror", "A", "B")
WIPE, CREATE = f"wipe-disk:{A}", "create-pool:tank"


def photos(there: Json) -> None:
    """Disk A holds something, so that the plan would wipe it."""
    there["disks"]["sda"]["signatures"] = [PHOTOS]


SOUND = edited(host(), photos)


def sda(**changes: object) -> Edit:
    """Disk A is otherwise."""
    return lambda there: there["disks"]["sda"].update(changes)


def row(
    case: str,
    code: str,
    says: str,
    *edits: Edit,
    subject: str = f"disk {A}",
    level: str = "mirror",
    wipes: bool = True,
) -> Row:
    """Disk A is to be wiped for a new pool on A and B, and that must not be."""
    return Row(
        case=case, code=code, subject=subject, says=says, there=edited(SOUND, *edits),
        pools=(want("tank", level, "A", "B"),), stops=(WIPE, CREATE) if wipes else (CREATE,),
    )  # fmt: skip


def used(case: str, says: str, *edits: Edit) -> Row:
    """Somebody uses disk A."""
    return row(case, "disk-in-use", says, *edits)


def gpt(*parts: Json) -> Edit:
    """Disk A has a partition table, with partitions of 1 GiB each."""
    listed = [
        {"number": at, "start": f"{at}G", "size": "1G", "partuuid": f"aaaa-{at}", **part}
        for at, part in enumerate(parts, 1)
    ]
    return sda(table="gpt", partitions=listed, signatures=[{**PHOTOS, "part": 1}])


MAPPING = "disks\n\tmap id=1000:0097,node=pve1,path=0000:05:00.0\n"
ON_CONTROLLER = sda(links=["/dev/disk/by-path/pci-0000:05:00.0-sas-phy0-lun-0"])

PART = Row(
    case="a partition", code="disk-is-partition", subject="pool tank", says="partition 1 of",
    there=edited(SOUND, gpt({})), pools=(want("tank", "mirror", "A-part1", "B"),), stops=(CREATE,),
)  # fmt: skip

BY_NATURE = [
    Row(
        case="missing", code="disk-missing", subject="pool tank", says=f"{B} is not there",
        there=edited(SOUND, lambda there: there["disks"].pop("sdb")),
        pools=(WANTED,), stops=(WIPE, CREATE),
    ),
    row("read-only", "disk-read-only", "(/dev/sda) is read-only", sda(read_only=True)),
    row("too small", "disk-too-small", "holds 32", sda(size="32M")),
    row(
        "unlike its siblings", "disk-sizes-differ", f"{A} holds 17179869184 bytes, {B} 17196646912",
        lambda there: there["disks"]["sdb"].update(size=(16 << 30) + (16 << 20) + 512),
        subject="pool tank",
    ),
    row(
        "unlike its raidz siblings", "disk-sizes-differ", f"{A} holds 17179869184 bytes, {B} 1719",
        lambda there: there["disks"]["sdb"].update(size=(16 << 30) + (16 << 20) + 512),
        subject="pool tank", level="raidz1",
    ),
    row(
        "named twice", "disk-twice", "are one disk (/dev/sda)",
        lambda there: there["disks"].pop("sdb"), sda(by_id=["ata-DISK_A", "ata-DISK_B"]),
        subject="pool tank",
    ),
    row(
        "two disks of one identity", "disk-ambiguous", "two disks answer with one identity",
        has(disks={"sdx": {**disk("A"), "by_id": ["ata-DISK_X"]}}),
    ),
    row(
        "without identity", "disk-without-identity", "neither WWN, EUI, NGUID nor serial",
        sda(serial=""),
    ),
    PART,
    row(
        "unreadable", "probe-failed", "Input/output error",
        sda(unreadable="Input/output error"), subject="pool tank", wipes=False,
    ),
]  # fmt: skip

TWO_POOLS = Row(
    case="claimed by two pools", code="disk-twice", subject=f"disk {A}",
    says=f"{by_id('Z')} (pool cold), {A} (pool tank)",
    there=edited(SOUND, sda(by_id=["ata-DISK_A", "ata-DISK_Z"])),
    pools=(WANTED, want("cold", "single", "Z")), stops=(WIPE, CREATE, "create-pool:cold"),
)  # fmt: skip

VG, CEPH = "vg0", "ceph-0b6ea9d4-7d6d-4a4e-8a3c-000000000001"
BTRFS = {"offset": 65600, "type": "btrfs", "uuid": "b7f5"}


def lvm(group: str) -> list[Edit]:
    """Disk A is a physical volume of a group."""
    member = {"offset": 536, "type": "LVM2_member", "uuid": "pv-1"}
    return [sda(signatures=[member]), has(volume_groups={group: ["sda"]})]


def stands(name: str, kind: str, *on: str, **more: object) -> Edit:
    """Something is built on disks."""
    return has(devices={name: {"on": list(on), "type": kind, "size": "16G", **more}})


IN_USE = [
    used("mounted", "mounted at /mnt/photos (ext4)", mount("/dev/sda", "/mnt/photos")),
    used("a partition mounted", "mounted at /mnt", gpt({}), mount("/dev/sda1", "/mnt/photos")),
    used("mounted by a link", "mounted at /mnt", mount(A, "/mnt/photos")),
    used(
        "mounted in another namespace", "in the mount namespace of process 4242",
        mount("/dev/sda", "/photos", namespace="ct", pid=4242),
    ),
    used(
        "mounted as a part of a btrfs", "mounted at /mnt/pair (ext4)", sda(signatures=[BTRFS]),
        lambda there: there["disks"]["sdc"].update(signatures=[BTRFS]),
        mount("/dev/sdc", "/mnt/pair"),
    ),
    used("swap", "swap on /dev/sda", has(swaps=["/dev/sda"])),
    used("swap on a partition", "swap on /dev/sda1", gpt({}), has(swaps=["/dev/sda1"])),
    used("LVM", "/dev/sda is in volume group vg0", *lvm(VG)),
    used("md", "a member of md0", stands("md0", "raid1", "sda", "sdc")),
    used(
        "md that does not run", "a member of md127",
        prints("/proc/mdstat", "Personalities : [raid1]\nmd127 : inactive sda[0](S)\n"),
    ),
    used("device mapper", "held by /dev/mapper/secret (crypt)",
         stands("dm-0", "crypt", "sda", path="/dev/mapper/secret")),
    row(
        "multipath", "disk-in-use", "a path of multipath device /dev/dm-0",
        has(disks={"sdx": {**disk("A"), "by_id": []}}), stands("dm-0", "mpath", "sda", "sdx"),
        subject="pool tank", wipes=False,
    ),
    used("Ceph by its volume group", f"volume group {CEPH} is one of ceph-volume", *lvm(CEPH)),
    used("Ceph by its partition", "partition 1 is part of a Ceph OSD",
         gpt({"type": "cafecafe-9b03-4f30-b4c6-b4b80ceff106"})),
    used("Ceph by its signature", "the disk is part of a Ceph OSD",
         sda(signatures=[{"offset": 0, "type": "ceph_bluestore"}])),
    used("open", "/dev/sda is open in process 77 (dd)",
         has(opened=[{"path": "/dev/sda", "pid": 77, "command": "dd"}])),
    used("a partition open", "/dev/sda1 is open in process 77 (dd)",
         gpt({}), has(opened=[{"path": "/dev/sda1", "pid": 77, "command": "dd"}])),
    used("a loop device", "/dev/sda is open in loop0",
         has(opened=[{"path": "/dev/sda", "pid": 0, "command": "loop0"}])),
    used("a guest by id", "passed through to guest qemu/100 scsi1", guest(f"scsi1: {A}")),
    used("a guest by another link", "passed through to guest qemu/100 scsi1",
         sda(by_id=["ata-DISK_A", "wwn-0x5000c500a1b2c3d1"]),
         guest("scsi1: /dev/disk/by-id/wwn-0x5000c500a1b2c3d1,backup=0")),
    used("a guest by the kernel's name", "passed through to guest qemu/100 sata0",
         guest("sata0: /dev/sda")),
    used("a guest by a partition", "passed through to guest qemu/100 virtio0",
         gpt({}), guest(f"virtio0: {A}-part1")),
    used("a guest in a snapshot", "passed through to guest qemu/100 [before] scsi1",
         guest(f"\n[before]\nscsi1: {A}")),
    used("a guest by its arguments", "passed through to guest qemu/100 args",
         guest("args: -drive file=/dev/sda,format=raw")),
    used("a guest by a controller", "passed through to guest qemu/100 hostpci0",
         ON_CONTROLLER, guest("hostpci0: 0000:05:00.0,pcie=1")),
    used("a guest by a mapped controller", "passed through to guest qemu/100 hostpci0",
         ON_CONTROLLER, config(MAPPING, "/etc/pve/mapping/pci.cfg"),
         guest("hostpci0: mapping=disks")),
    used("a container", "passed through to guest lxc/101 dev0",
         config("hostname: dns\ndev0: /dev/sda\n", "/etc/pve/nodes/pve1/lxc/101.conf")),
    used("exported by iSCSI", "/dev/sda is exported (iscsi",
         config("/dev/sda\n", "/sys/kernel/config/target/core/iblock_0/photos/udev_path")),
    used("exported by NFS", "/mnt/photos/shared is exported (nfs 10.0.0.0/24)",
         mount("/dev/sda", "/mnt/photos"),
         config("/mnt/photos/shared 10.0.0.0/24(rw)\n", "/etc/exports")),
    used("exported by hand", "/mnt/photos is exported (nfs *)", mount("/dev/sda", "/mnt/photos"),
         config("/mnt/photos *(rw)\n", "/var/lib/nfs/etab")),
    used("the journal", "mounted at /var/lib/phoenix", mount("/dev/sda", "/var/lib/phoenix")),
]  # fmt: skip

OTHER = pool("other", "mirror", "A", "C")


def offline(there: Json) -> None:
    """The pool's member on disk A is offline."""
    there["pools"][0]["vdevs"][0]["children"][0]["state"] = "OFFLINE"


def renamed(there: Json) -> None:
    """The pool's path leads elsewhere by now; only the label says whose disk A is."""
    there["disks"]["sda"] = {**disk("A"), "by_id": ["ata-OLD"], "serial": "OLD"}


def in_pool(
    case: str, *edits: Edit, code: str = "disk-in-pool", says: str = "is a member of pool other"
) -> Row:
    """Disk A is a member of an imported pool."""
    return Row(
        case=case, code=code, subject="pool tank", says=f"{A} {says}",
        there=edited(host(OTHER), *edits), pools=(WANTED,), stops=(CREATE,),
    )  # fmt: skip


POOLED = [
    in_pool("a member of an imported pool"),
    in_pool("a member, and so not blank", code="disk-not-blank", says="is occupied"),
    in_pool("an offline member of an imported pool", offline),
    in_pool(
        "a faulted one", lambda t: t["pools"][0]["vdevs"][0]["children"][0].update(state="FAULTED")
    ),
    in_pool(
        "a removed one", lambda t: t["pools"][0]["vdevs"][0]["children"][0].update(state="REMOVED")
    ),
]

ROWS = [*BY_NATURE, TWO_POOLS, *IN_USE, *POOLED]


def test_the_sound_disk_is_wiped_and_built_on(machine: Machine) -> None:
    """So what is refused below is refused for its own reason."""
    check_planned(machine, SOUND, [WANTED], {}, [f"zero {A}", "zpool create"])


def test_siblings_may_differ_by_16_mib(machine: Machine) -> None:
    there = edited(SOUND, lambda there: there["disks"]["sdb"].update(size=(16 << 30) + (16 << 20)))
    check_planned(machine, there, [WANTED], {}, [f"zero {A}", "zpool create"])


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_a_disk_that_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)
