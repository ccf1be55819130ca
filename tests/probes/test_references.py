"""Who names what: guests of all nodes, jobs, vzdump.conf, other storages."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.proxmox import Reference
from phoenix_plan.probes.references import (
    base_references,
    parse_guests,
    parse_jobs,
    parse_vzdump,
)
from phoenix_plan.probes.storage_cfg import parse_storage_cfg

PVE = Path(__file__).parents[2] / "fixtures/pve"
QEMU = "nodes/pve1/qemu-server/100.conf"
LXC = "nodes/pve2/lxc/101.conf"
MAPPED = {"gpu": {"pve1": ("0000:0b:00",)}}


def guest(path: str) -> list[tuple[str, str, str]]:
    found = parse_guests([(f"/etc/pve/{path}", (PVE / path).read_bytes())], MAPPED)
    return [(reference.key, reference.storage, reference.volume) for reference in found]


def values(kind: str, text: str) -> list[tuple[str, str, str]]:
    found = parse_guests([(f"/etc/pve/nodes/pve1/{kind}/1.conf", text.encode())])
    return [(reference.key, reference.storage, reference.volume) for reference in found]


def outcome(path: str, text: str) -> tuple[Reference, ...] | ProbeError:
    try:
        return parse_guests([(path, text.encode())], MAPPED)
    except ProbeError as error:
        return error


def test_a_virtual_machine() -> None:
    assert guest(QEMU) == [
        ("args", "", "/dev/disk/by-id/ata-EXAMPLE_SPARE_0001"),
        ("args", "", "/fastData/share"),
        ("cicustom", "local", "snippets/user.yml"),
        ("cicustom", "local", "snippets/net.yml"),
        ("efidisk0", "local-zfs", "vm-100-disk-1"),
        ("hookscript", "local", "snippets/hook.pl"),
        ("hostpci0", "", "/sys/bus/pci/devices/0000:03:00.0"),
        ("hostpci1", "", "/sys/bus/pci/devices/0000:0b:00"),
        ("sata0", "local", "iso/debian-13.iso"),
        ("scsi0", "quickOS-vm-disks", "vm-100-disk-0"),
        ("scsi1", "", "/dev/disk/by-id/ata-EXAMPLE_DISK_0002"),
        ("scsi2", "quickOS-vm-disks", "base-900-disk-0/vm-100-disk-2"),
        ("tpmstate0", "local-zfs", "vm-100-disk-3"),
        ("unused0", "local-zfs", "vm-100-disk-9"),
        ("vmstatestorage", "quickOS-vm-disks", ""),
        ("[PENDING] scsi3", "quickOS-vm-disks", "vm-100-disk-4"),
        ("[special:fleecing] fleecing-images", "local-zfs", "vm-100-fleece-0"),
        ("[special:fleecing] fleecing-images", "local-zfs", "vm-100-fleece-1"),
        ("[before-upgrade] scsi0", "quickOS-vm-disks", "vm-100-disk-0"),
        ("[before-upgrade] vmstate", "quickOS-vm-disks", "vm-100-state-before-upgrade"),
    ]


def test_a_container() -> None:
    assert guest(LXC) == [
        ("dev0", "", "/dev/sdb"),
        ("dev1", "", "/dev/dri/renderD128"),
        ("mp0", "", "/mnt/media"),
        ("mp1", "quickOS-vm-disks", "subvol-101-disk-1"),
        ("rootfs", "quickOS-vm-disks", "basevol-900-disk-0/subvol-101-disk-0"),
        ("lxc.cgroup2.devices.allow", "", "/dev/block/8:16"),
        ("lxc.mount.entry", "", "/fastData/my files"),
        ("[pve:pending] mp2", "", "/mnt/new"),
        ("[clean] rootfs", "quickOS-vm-disks", "basevol-900-disk-0/subvol-101-disk-0"),
    ]


def test_owner_and_node_come_from_the_path() -> None:
    files = [(f"/etc/pve/{path}", (PVE / path).read_bytes()) for path in (QEMU, LXC)]
    found = parse_guests(files, MAPPED)
    assert {(reference.owner, reference.node) for reference in found} == {
        ("qemu/100", "pve1"),
        ("lxc/101", "pve2"),
    }


@pytest.mark.parametrize(
    ("expected", "kind", "line"),
    [
        ([], "qemu-server", "ide2: none,media=cdrom"),
        ([], "qemu-server", "ide2: cdrom,media=cdrom"),
        ([("cdrom", "local", "iso/a.iso")], "qemu-server", "cdrom: local:iso/a.iso"),
        ([("virtio15", "", "/dev/sdx")], "qemu-server", "virtio15: volume=/dev/sdx,size=1G"),
        (
            [("hostpci0", "", "/sys/bus/pci/devices/0000:03:00")],
            "qemu-server",
            "hostpci0: host=03:00,x-vga=1",
        ),
        (
            [
                ("hostpci1", "", "/sys/bus/pci/devices/0000:01:00.0"),
                ("hostpci1", "", "/sys/bus/pci/devices/0001:02:00.1"),
            ],
            "qemu-server",
            "hostpci1: pcie=1,host=01:00.0;0001:02:00.1",
        ),
        ([("serial0", "", "/dev/ttyS0")], "qemu-server", "serial0: /dev/ttyS0"),
        (
            [("newdisk0", "tank", "vm-1-disk-0"), ("newdisk0", "", "/dev/sdz")],
            "qemu-server",
            "newdisk0: file=tank:vm-1-disk-0,log=/dev/sdz",
        ),
        (
            [("args", "", "/dev/sdb")],
            "qemu-server",
            """args: -blockdev '{"filename":"/dev/sdb","driver":"host_device"}'""",
        ),
        ([("args", "", "/dev/sdc")], "qemu-server", "args: -drive file=host_device:/dev/sdc"),
        ([], "qemu-server", "# scsi9: tank:vm-1-disk-9"),
        ([], "qemu-server", "description: scsi9: tank:vm-1-disk-9"),
        ([("rootfs", "", "/srv/ct")], "lxc", "rootfs: /srv/ct"),
        ([("lxc.rootfs.path", "", "/tank/ct")], "lxc", "lxc.rootfs.path = dir:/tank/ct"),
        (
            [("lxc.mount.entry", "", "/tank/low"), ("lxc.mount.entry", "", "/tank/up")],
            "lxc",
            "lxc.mount.entry: overlay /x overlay lowerdir=/tank/low,upperdir=/tank/up 0 0",
        ),
        ([], "lxc", "lxc.cgroup2.devices.allow: b *:* rwm"),
        ([("hookscript", "local", "snippets/h")], "lxc", "hookscript: local:snippets/h"),
    ],
)
def test_values(expected: list[tuple[str, str, str]], kind: str, line: str) -> None:
    assert values(kind, line + "\n") == expected


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("qemu-server", "scsi0"),
        ("qemu-server", "scsi0:"),
        ("qemu-server", " scsi0: tank:vm-1-disk-0"),
        ("qemu-server", "scsi0: size=32G"),
        ("qemu-server", "scsi0: nowhere"),
        ("qemu-server", "SCSI0: tank:vm-1-disk-0"),
        ("qemu-server", "lxc.mount.entry: /a b none bind"),
        ("qemu-server", "[special:unheard-of]"),
        ("qemu-server", "[no end"),
        ("qemu-server", "hostpci0: mapping=gone"),
        ("qemu-server", "hostpci0: 01:00.0;somewhere"),
        ("qemu-server", "hostpci0: pcie=1"),
        ("lxc", "mp0: mp=/y"),
        ("lxc", "dev0: mode=0666"),
        ("lxc", "lxc.mount.entry: /a"),
        ("lxc", "lxc.mount.fstab: /etc/guest.fstab"),
        ("lxc", "lxc.include: /srv/own.conf"),
        ("lxc", "lxc.mount.entry"),
    ],
)
def test_a_line_that_cannot_be_read_raises(kind: str, line: str) -> None:
    """Each may hold a reference: not to see it is not to say that there is none."""
    with pytest.raises(ProbeError) as caught:
        values(kind, f"arch: amd64\n\n{line}\n")
    assert caught.value.source == f"/etc/pve/nodes/pve1/{kind}/1.conf"
    assert caught.value.line == 3


def test_a_mapping_counts_on_the_guests_node() -> None:
    mapped = {"nic": {"pve1": ("0000:01:00.0", "0000:01:00.1"), "pve2": ("0000:0a:00.0",)}}
    files = [
        (f"/etc/pve/nodes/{node}/qemu-server/10{node[-1]}.conf", b"hostpci0: mapping=nic\n")
        for node in ("pve1", "pve2", "pve3")
    ]
    found = [(one.node, one.volume) for one in parse_guests(files, mapped)]
    assert found == [
        ("pve1", "/sys/bus/pci/devices/0000:01:00.0"),
        ("pve1", "/sys/bus/pci/devices/0000:01:00.1"),
        ("pve2", "/sys/bus/pci/devices/0000:0a:00.0"),
    ]


def test_a_file_of_no_node_raises() -> None:
    with pytest.raises(ProbeError):
        parse_guests([("/etc/pve/qemu-server/100.conf", b"memory: 1\n")])


def test_jobs() -> None:
    found = parse_jobs((PVE / "jobs.cfg").read_bytes(), "jobs.cfg")
    assert [(r.owner, r.node, r.key, r.storage, r.volume) for r in found] == [
        ("job/backup-nightly", "", "storage", "local", ""),
        ("job/backup-nightly", "", "fleecing", "local-zfs", ""),
        ("job/backup-weekly", "pve2", "dumpdir", "", "/fastData/dumps"),
    ]
    assert parse_jobs(None, "jobs.cfg") == ()


def test_a_job_that_pve_would_leave_out_raises() -> None:
    with pytest.raises(ProbeError):
        parse_jobs(b"vzdump: a\n\tstorage x\nvzdump: b\n\tstorage y\n", "jobs.cfg")


def test_vzdump() -> None:
    found = parse_vzdump((PVE / "vzdump.conf").read_bytes(), "vzdump.conf", "pve1")
    assert [(r.owner, r.node, r.key, r.storage, r.volume) for r in found] == [
        ("vzdump.conf", "pve1", "tmpdir", "", "/quickOS/tmp"),
        ("vzdump.conf", "pve1", "storage", "offsite", ""),
        ("vzdump.conf", "pve1", "fleecing", "local-zfs", ""),
    ]
    assert parse_vzdump(None, "vzdump.conf", "pve1") == ()
    with pytest.raises(ProbeError):
        parse_vzdump(b"storage offsite\n", "vzdump.conf", "pve1")


def test_a_storage_that_stands_on_another() -> None:
    config = parse_storage_cfg((PVE / "storage.cfg").read_bytes(), "storage.cfg")
    assert base_references(config) == (
        Reference(
            owner="storage/san-lvm",
            node="",
            key="base",
            storage="san",
            volume="0.0.1.scsi-36001405d1b2",
        ),
    )


CONFIGS = {path: (PVE / path).read_text() for path in (QEMU, LXC)}


@given(
    path=st.sampled_from(sorted(CONFIGS)),
    at=st.integers(0, 1500),
    cut=st.integers(0, 60),
    put=st.text(alphabet=" \t\n#:=,[]aZ/0-é", max_size=12),
)
def test_a_damaged_config_is_read_or_refused(path: str, at: int, cut: int, put: str) -> None:
    text = CONFIGS[path]
    found = outcome(f"/etc/pve/{path}", text[:at] + put + text[at + cut :])
    if isinstance(found, ProbeError):
        assert found.line is not None
        return
    assert all(reference.storage or reference.volume.startswith("/") for reference in found)


def test_5000_guests_are_read() -> None:
    kept = [line for line in CONFIGS[QEMU].split("\n[")[0].split("\n") if "hostpci" not in line]
    files = [
        (f"/etc/pve/nodes/pve1/qemu-server/{n}.conf", "\n".join(kept).encode()) for n in range(5000)
    ]
    assert len(parse_guests(files)) == 5000 * 13
