"""Who uses a volume's block device: each rule, and the dataset that it is."""

from __future__ import annotations

import pytest

from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import User
from phoenix_plan.model.proxmox import Reference
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.probes.devices import Devices
from phoenix_plan.probes.inspection import OpenDevice
from phoenix_plan.probes.lsblk import zvols
from phoenix_plan.probes.tables import MountEntry
from phoenix_plan.probes.usage import Sightings, users_by_disk, users_by_zvol
from phoenix_plan.probes.volumes import Member
from phoenix_plan.probes.zvols import with_users, with_zvol_links
from tests.probes.machines import row, trees
from tests.probes.test_usage import elsewhere, mount, pool

ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
NAMES = {"/dev/zd0": "tank/a b", "/dev/zd16": "tank/held", "/dev/zd32": "tank/a b@snap"}
MACHINE = trees(
    row("sda"),
    row("zd0", row("zd0p1", type="part", parttype=ESP, number="230:1"), number="230:0"),
    row("zd16", row("dm-0", type="crypt", path="/dev/mapper/x"), number="230:16"),
    row("zd32", number="230:32"),
)
LINKS = with_zvol_links({}, NAMES)
VOLUMES = Devices(MACHINE, LINKS, zvols)
HELD = "zd16 dm /dev/mapper/x"


def opened(pid: int, command: str) -> Sightings:
    return Sightings(opened=(OpenDevice(device="230:1", pid=pid, command=command),))


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        (set(), Sightings()),
        ({"zd0 swap /dev/zd0p1"}, Sightings(swaps=("/dev/zd0p1",))),
        ({"zd0 swap /dev/zvol/tank/a+b"}, Sightings(swaps=("/dev/zvol/tank/a+b",))),
        ({"zd0 mounted /mnt"}, mount("/dev/zvol/tank/a+b", "/mnt")),
        ({"zd0 mounted /mnt"}, elsewhere("230:1", "/dev/root")),
        (
            {"zd0 lvm vg"},
            Sightings(physical_volumes=(Member(device="/dev/zvol/tank/a+b", owner="vg"),)),
        ),
        ({"zd0 md md7"}, Sightings(arrays=(Member(device="/dev/zd0p1", owner="md7"),))),
        ({"zd0 pool 99"}, Sightings(pools=(pool("/dev/zd0p1"),))),
        ({"zd0 open 812"}, opened(812, "kvm")),
        ({"zd0 open loop0"}, opened(0, "loop0")),
        (set(), opened(9, "(udev-worker)")),
        ({"zd0 export /dev/zd0"}, Sightings(shares={"/dev/zd0": "iscsi iblock_0/v"})),
        (
            {"zd0 fstab /dev/zd0p1"},
            Sightings(fstab=(MountEntry(source="/dev/zd0p1", target="/x", fstype="ext4"),)),
        ),
        (
            set(),
            Sightings(
                node="pve1",
                references=(
                    Reference(
                        owner="qemu/1", node="pve1", key="scsi0", storage="", volume="/dev/zd0"
                    ),
                ),
            ),
        ),
    ],
)
def test_users(expected: set[str], seen: Sightings) -> None:
    """What a guest wrote on it (a boot partition) and a guest's config are no users."""
    found = {
        f"{path.removeprefix('/dev/')} {user.kind} {user.subject}"
        for path, own in users_by_zvol(VOLUMES, seen).items()
        for user in own
    }
    assert found == expected | {HELD}


def test_a_disk_is_not_used_by_what_uses_a_volume() -> None:
    """Nor is its name by link a device that lsblk does not list."""
    members = (Member(device="/dev/zvol/tank/a+b", owner="vg"),)
    assert users_by_disk(Devices(MACHINE, LINKS), Sightings(physical_volumes=members)) == {}


def test_users_of_a_snapshots_device_are_the_volumes() -> None:
    volume = Dataset(
        name="tank/a b",
        guid=Guid("1"),
        type="volume",
        used=Bytes(0),
        available=Bytes(0),
        referenced=Bytes(0),
    )
    swap = User(kind="swap", subject="/dev/zd0", detail="swap on /dev/zd0")
    process = User(kind="open", subject="7", detail="/dev/zd32 is open in process 7 (dd)")
    users = {"/dev/zd0": (swap,), "/dev/zd32": (process, swap)}
    (found,) = with_users([volume], NAMES, users)
    assert found.users == (swap, process)
