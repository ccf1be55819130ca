"""Who uses a disk: every rule, on the disk and on anything that is built on it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.disks import Label, Partition, Signature
from phoenix_plan.model.pools import Pool, Vdev, VdevState
from phoenix_plan.model.proxmox import Reference
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.probes.devices import Devices
from phoenix_plan.probes.inspection import Mount, OpenDevice
from phoenix_plan.probes.tables import CryptEntry, MountEntry
from phoenix_plan.probes.usage import Content, Sightings, boot_pools, holders_of, users_by_disk
from phoenix_plan.probes.volumes import Member
from tests.probes.machines import row, trees

ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
BIOS_BOOT = "21686148-6449-6e6f-744e-656564454649"
CEPH_BLOCK = "cafecafe-9b03-4f30-b4c6-b4b80ceff106"
BY_ID = "/dev/disk/by-id/"
BY_PATH = "/dev/disk/by-path/"

# sda: plain, a partition; sdb: LUKS on a partition, LVM on that; sdc, sdd: the legs of one
# multipath device; sde, sdf: a mirror of md; sdg, sdh: one btrfs.
MULTIPATH = row("dm-2", row("dm-3", type="part"), type="mpath", path="/dev/mapper/mpatha")
VOLUME = row("dm-1", type="lvm", path="/dev/mapper/vg--x-lv", number="253:1")
SECRET = row("dm-0", VOLUME, type="crypt", path="/dev/mapper/secret")
MACHINE = trees(
    row("sda", row("sda1", type="part", number="8:1", uuid="0a-1", label="data")),
    row("sdb", row("sdb1", SECRET, type="part", uuid="AB-CD", partuuid="EF-01")),
    row("sdc", MULTIPATH),
    row("sdd", MULTIPATH),
    row("sde", row("md0", type="raid1")),
    row("sdf", row("md0", type="raid1")),
    row("sdg", fstype="btrfs", uuid="b-1"),
    row("sdh", fstype="btrfs", uuid="b-1"),
    row("loop0", type="loop"),
)
ALIASES = {
    "/dev/sda": (f"{BY_ID}ata-A", f"{BY_PATH}pci-0000:01:00.0-ata-1"),
    "/dev/sda1": (f"{BY_ID}ata-A-part1",),
    "/dev/sdb": (f"{BY_PATH}pci-0000:01:00.1-ata-1",),
}
DEVICES = Devices(MACHINE, ALIASES)

# What the tree itself tells, before anything else was seen.
BUILT = {
    "sdb dm /dev/mapper/secret",
    "sdb dm /dev/mapper/vg--x-lv",
    "sdc multipath /dev/mapper/mpatha",
    "sdd multipath /dev/mapper/mpatha",
    "sde md md0",
    "sdf md md0",
}


def users(seen: Sightings) -> set[str]:
    """`disk kind subject` of each user, beyond what is built on the disks."""
    found = {
        f"{path.removeprefix('/dev/')} {user.kind} {user.subject}"
        for path, own in users_by_disk(DEVICES, seen).items()
        for user in own
    }
    assert found >= BUILT
    return found - BUILT


def mount(source: str, target: str, fstype: str = "ext4") -> Sightings:
    """One mount of this namespace."""
    return Sightings(mounts=(MountEntry(source=source, target=target, fstype=fstype),))


def elsewhere(device: str, source: str, *, own: bool = False) -> Sightings:
    """One mount in some namespace, at /mnt."""
    return Sightings(
        namespaces=(
            Mount(
                namespace="mnt:[4026532000]",
                own=own,
                pid=77,
                device=device,
                source=source,
                mountpoint="/mnt",
                fstype="ext4",
            ),
        )
    )


def pool(path: str, state: VdevState = "ONLINE", name: str = "tank") -> Pool:
    """A pool of one leaf, whose vdev GUID is 11."""
    leaf = Vdev(
        guid=Guid("11"), name=path, type="disk", vdev_class="normal", state=state, path=path
    )
    return Pool(
        name=name,
        guid=Guid("99"),
        state="ONLINE",
        size=Bytes(0),
        allocated=Bytes(0),
        free=Bytes(0),
        vdevs=(leaf,),
        properties={},
        features={},
    )


def labelled(guid: str, pool_guid: str = "99") -> Content:
    """A disk with a ZFS label."""
    label = Label(
        part=1, copies=(0,), state="active", pool="tank", pool_guid=Guid(pool_guid), guid=Guid(guid)
    )
    return Content(labels=(label,))


def part(kind: str) -> Content:
    """A disk with one partition of a type."""
    return Content(
        partitions=(
            Partition(number=1, start=Bytes(0), size=Bytes(0), type=kind, path="/dev/sda1"),
        )
    )


def passed(volume: str, node: str = "pve1", storage: str = "") -> Sightings:
    """A guest's reference, seen on node pve1."""
    reference = Reference(owner="qemu/100", node=node, key="scsi1", storage=storage, volume=volume)
    return Sightings(references=(reference,), node="pve1")


CASES: list[tuple[set[str], Sightings]] = [
    (set(), Sightings()),
    # mounted, by whatever name
    ({"sda mounted /mnt"}, mount("/dev/sda1", "/mnt")),
    ({"sda mounted /mnt"}, mount(f"{BY_ID}ata-A-part1", "/mnt")),
    ({"sdb mounted /mnt"}, mount("/dev/mapper/vg--x-lv", "/mnt")),
    ({"sdb mounted /mnt"}, mount("/dev/vg-x/lv", "/mnt")),
    ({"sdg mounted /mnt", "sdh mounted /mnt"}, mount("/dev/sdg", "/mnt", "btrfs")),
    ({"sda mounted /mnt", "sdb mounted /mnt"}, mount("/dev/sda:/dev/sdb", "/mnt", "bcachefs")),
    ({f"sd{leg} mounted /mnt" for leg in "cd"} | {"dm-2 mounted /mnt"}, mount("/dev/dm-3", "/mnt")),
    (set(), mount("/dev/loop0", "/mnt")),
    (set(), mount("/dev/fuse", "/etc/pve", "fuse")),
    (set(), mount("tank/data", "/mnt", "zfs")),
    # in another namespace, by number where the name says nothing
    ({"sda mounted /mnt"}, elsewhere("8:1", "/dev/root")),
    ({"sdb mounted /mnt"}, elsewhere("253:1", "/dev/mapper/vg--x-lv")),
    # swap
    ({"sda swap /dev/sda1"}, Sightings(swaps=("/dev/sda1",))),
    # LVM: a volume group makes the difference
    ({"sda lvm vg0"}, Sightings(physical_volumes=(Member(device="/dev/sda1", owner="vg0"),))),
    (set(), Sightings(physical_volumes=(Member(device="/dev/sda1", owner=""),))),
    (
        {
            "sda lvm ceph-5e0e0a4a-0f4b-4b44-8f3a-3d1b6f5f1c11",
            "sda ceph ceph-5e0e0a4a-0f4b-4b44-8f3a-3d1b6f5f1c11",
        },
        Sightings(
            physical_volumes=(
                Member(device="/dev/sda", owner="ceph-5e0e0a4a-0f4b-4b44-8f3a-3d1b6f5f1c11"),
            )
        ),
    ),
    # md, running or not
    ({"sda md md7"}, Sightings(arrays=(Member(device="/dev/sda1", owner="md7"),))),
    # Ceph without LVM
    ({"sda ceph partition 1"}, Sightings(contents={"/dev/sda": part(CEPH_BLOCK)})),
    (
        {"sda ceph the disk"},
        Sightings(
            contents={
                "/dev/sda": Content(
                    signatures=(Signature(part=0, offset=Bytes(0), type="ceph_bluestore"),)
                )
            }
        ),
    ),
    # a holder that lsblk's tree does not show
    ({"sda dm /dev/drbd0"}, Sightings(contents={"/dev/sda": Content(holders=("drbd0",))})),
    # pools: by path, by label
    ({"sda pool 99"}, Sightings(pools=(pool("/dev/sda1"),))),
    ({"sda pool 99"}, Sightings(pools=(pool(f"{BY_ID}ata-A-part1", "OFFLINE"),))),
    ({"sdb pool 99"}, Sightings(pools=(pool("/dev/mapper/secret"),))),
    (set(), Sightings(pools=(pool("/dev/sda1", "UNAVAIL"),))),
    (set(), Sightings(pools=(pool("/dev/sda1", "REMOVED"),))),
    (
        {"sdb pool 99"},
        Sightings(pools=(pool("/dev/gone", "OFFLINE"),), contents={"/dev/sdb": labelled("11")}),
    ),
    (
        {"sdb pool 99"},
        Sightings(pools=(pool("/dev/sda1", "UNAVAIL"),), contents={"/dev/sdb": labelled("11")}),
    ),
    (set(), Sightings(pools=(pool("/dev/gone"),), contents={"/dev/sdb": labelled("12")})),
    (set(), Sightings(contents={"/dev/sdb": labelled("11")})),
    # open in a process, or by the kernel
    (
        {"sda open 4711", "sdb open loop1"},
        Sightings(
            opened=(
                OpenDevice(device="8:1", pid=4711, command="qemu-system-x86"),
                OpenDevice(device="253:1", pid=0, command="loop1"),
            )
        ),
    ),
    # passed through, by any alias, on this node
    ({"sda guest qemu/100"}, passed(f"{BY_ID}ata-A")),
    ({"sda guest qemu/100"}, passed("/dev/block/8:1")),
    ({"sda guest qemu/100"}, passed("/sys/bus/pci/devices/0000:01:00.0")),
    (
        {"sda guest qemu/100", "sdb guest qemu/100"},
        passed("/sys/bus/pci/devices/0000:01:00"),
    ),
    ({"sda guest qemu/100"}, passed("/dev/sda", node="")),
    (set(), passed("/dev/sda", node="pve2")),
    (set(), passed("/dev/sda", storage="local")),
    (set(), passed("/mnt/bind")),
    # exported: the device, or a path on its filesystem
    ({"sda export /dev/sda1"}, Sightings(shares={"/dev/sda1": "iscsi iblock_0/a"})),
    (
        {"sda mounted /mnt", "sda export /mnt/share/deep"},
        attrs.evolve(mount("/dev/sda1", "/mnt"), shares={"/mnt/share/deep": "nfs *"}),
    ),
    (
        {"sda mounted /mnt"},
        attrs.evolve(mount("/dev/sda1", "/mnt"), shares={"/mntx": "nfs *"}),
    ),
    # at boot, by tag in any case that counts
    (
        {"sda fstab UUID=0A-1"},
        Sightings(fstab=(MountEntry(source="UUID=0A-1", target="/d", fstype="ext4"),)),
    ),
    (
        {"sda fstab LABEL=data"},
        Sightings(fstab=(MountEntry(source="LABEL=data", target="/d", fstype="ext4"),)),
    ),
    (set(), Sightings(fstab=(MountEntry(source="LABEL=DATA", target="/d", fstype="ext4"),))),
    (set(), Sightings(fstab=(MountEntry(source="nas:/x", target="/d", fstype="nfs"),))),
    (
        {"sdb crypttab secret", "sda crypttab secret"},
        Sightings(
            crypttab=(CryptEntry(name="secret", devices=("PARTUUID=ef-01", "/dev/sda1", "luks")),)
        ),
    ),
    # the boot chain
    ({"sda boot /dev/sda1"}, Sightings(contents={"/dev/sda": part(ESP)})),
    ({"sda boot /dev/sda1"}, Sightings(contents={"/dev/sda": part("0xef")})),
    ({"sda boot /dev/sda1"}, Sightings(contents={"/dev/sda": part(BIOS_BOOT)})),
    ({"sdb mounted /", "sdb boot /"}, mount("/dev/mapper/vg--x-lv", "/")),
    ({"sda mounted /boot/efi", "sda boot /boot/efi"}, mount("/dev/sda1", "/boot/efi", "vfat")),
    ({"sda mounted /usr", "sda boot /usr"}, mount("/dev/sda1", "/usr")),
    ({"sda mounted /var", "sda boot /var"}, mount("/dev/sda1", "/var")),
    ({"sda mounted /var/lib/vz"}, mount("/dev/sda1", "/var/lib/vz")),
    (
        {"sda pool 99", "sda boot rpool"},
        attrs.evolve(
            mount("rpool/ROOT/pve-1", "/", "zfs"), pools=(pool("/dev/sda1", name="rpool"),)
        ),
    ),
    (
        {"sda pool 99"},
        attrs.evolve(mount("tank", "/tank", "zfs"), pools=(pool("/dev/sda1"),)),
    ),
]


@pytest.mark.parametrize(("expected", "seen"), CASES)
def test_users(expected: set[str], seen: Sightings) -> None:
    """One sighting each, and the disks that it counts on."""
    assert expected == users(seen)


def test_the_running_root_is_found_by_number() -> None:
    """A kernel that mounted it itself calls it /dev/root."""
    seen = attrs.evolve(
        mount("/dev/root", "/"), namespaces=elsewhere("8:1", "", own=True).namespaces
    )
    at_root = attrs.evolve(
        seen, namespaces=tuple(attrs.evolve(space, mountpoint="/") for space in seen.namespaces)
    )
    assert users(at_root) == {"sda mounted /", "sda boot /"}


def test_an_mbr_of_another_system_is_told_by_lsblk_alone() -> None:
    """A partition that the kernel knows and the inspection could not read."""
    tree = trees(row("sda", row("sda1", type="part", parttype=ESP.upper())))
    found = users_by_disk(Devices(tree, {}), Sightings())
    assert [user.kind for user in found["/dev/sda"]] == ["boot"]


@pytest.mark.parametrize(
    "seen",
    [
        Sightings(swaps=("/dev/sdz2",)),
        Sightings(arrays=(Member(device="/dev/sdz", owner="md0"),)),
        Sightings(physical_volumes=(Member(device="/dev/sdz", owner="vg0"),)),
    ],
)
def test_a_device_that_lsblk_does_not_list_raises(seen: Sightings) -> None:
    """The lists were read at two moments, or one of them is incomplete."""
    with pytest.raises(ProbeError, match="no device that lsblk lists"):
        users_by_disk(DEVICES, seen)


def test_boot_pools() -> None:
    """rpool holds /, bpool /boot; data that is mounted below / is no boot chain."""
    pairs = [
        ("rpool/ROOT/pve-1", "/"),
        ("bpool/BOOT", "/boot"),
        ("tank", "/tank"),
        ("d/v", "/var/x"),
    ]
    mounts = [MountEntry(source=source, target=target, fstype="zfs") for source, target in pairs]
    other = MountEntry(source="/dev/sda1", target="/usr", fstype="ext4")
    assert boot_pools([*mounts, other]) == ("bpool", "rpool")


def test_holders_are_paths_of_all_that_is_built() -> None:
    """From the tree and from the device's own folder, each once; partitions are none."""
    disk = DEVICES.whole[1]
    content = Content(holders=("dm-0", "sdb1", "drbd3"))
    assert holders_of(DEVICES, disk, content) == (
        "/dev/drbd3",
        "/dev/mapper/secret",
        "/dev/mapper/vg--x-lv",
    )


def test_users_come_in_one_order() -> None:
    """By kind, then by subject, whatever was seen first."""
    names: list[Any] = ["/dev/sda1", "/dev/sda"]
    for swaps in (names, names[::-1]):
        found = users_by_disk(DEVICES, Sightings(swaps=tuple(swaps)))
        assert [user.subject for user in found["/dev/sda"]] == ["/dev/sda", "/dev/sda1"]
