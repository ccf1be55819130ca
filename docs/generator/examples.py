"""Examples of every kind of action, for the reference page; several where the verdict differs."""

from __future__ import annotations

import attrs

from phoenix_plan.actions import (
    Action,
    AddStorage,
    AddVdev,
    AttachDisk,
    Change,
    CreateCheckpoint,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DetachDisk,
    DisableStorage,
    DiscardCheckpoint,
    EnableStorage,
    ExpandRaidz,
    ImportPool,
    OfflineDisk,
    OnlineDisk,
    RemoveStorage,
    RemoveVdev,
    RenameDataset,
    ReplaceDisk,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
)
from phoenix_plan.model.layout import DesiredVdev
from phoenix_plan.model.pools import VdevClass
from phoenix_plan.model.sizes import Bytes, Guid

_GUID = Guid("8523710966318265931")
_MEMBER, _VDEV = Guid("17210485520135906523"), Guid("2295301274470110846")
_DISKS = ("/dev/disk/by-id/wwn-0x5000c500a1b2c3d4", "/dev/disk/by-id/wwn-0x5000c500a1b2c3d5")
_IDENTITIES = ("wwn:0x5000c500a1b2c3d4:4000787030016", "wwn:0x5000c500a1b2c3d5:4000787030016")


def _set(name: str, before: str, after: str) -> SetDatasetProperties:
    return SetDatasetProperties(
        dataset="tank/data",
        guid=_GUID,
        properties=(Change(name=name, before=before, after=after),),
    )


def _import(*, hostid: str, hostname: str, ours: bool) -> ImportPool:
    return ImportPool(
        pool="tank", guid=_GUID, state="exported", last_hostid=hostid, last_hostname=hostname,
        ours=ours, disks=_DISKS,
    )  # fmt: skip


def _add(of: VdevClass, kind: str, *disks: str, ashift: int | None) -> AddVdev:
    return AddVdev(
        pool="tank", guid=_GUID, vdev_class=of, kind=kind, disks=disks,
        identities=_IDENTITIES[: len(disks)], ashift=ashift, turn=1,
    )  # fmt: skip


def _remove(of: VdevClass, kind: str, *disks: str) -> RemoveVdev:
    name = f"{disks[0]}-part1" if kind == "disk" else f"{kind}-1"
    return RemoveVdev(
        pool="tank", guid=_GUID, vdev=_VDEV, vdev_name=name, vdev_class=of, kind=kind,
        state="ONLINE", disks=tuple(f"{disk}-part1" for disk in disks),
        others=2 if of == "normal" else 0, released=disks, turn=1,
    )  # fmt: skip


def _update(name: str, before: str, after: str) -> UpdateStorage:
    return UpdateStorage(
        storage="backups", kind="dir", properties=(Change(name=name, before=before, after=after),)
    )


EXAMPLES: tuple[Action, ...] = (
    CreatePool(
        pool="tank", vdevs={"normal": (DesiredVdev(type="mirror", disks=_DISKS),)},
        identities=_IDENTITIES, ashift=12,
        properties={"autotrim": "on"}, filesystem={"atime": "off", "compression": "lz4"},
    ),
    DestroyPool(
        pool="tank", guid=_GUID, disks=_DISKS, datasets={"tank": "/tank"},
        because=("mirror-0: declared is a raidz1 of 3, there is a mirror of 2",),
    ),
    _import(hostid="5f1c2a77", hostname="pve1", ours=True),
    _import(hostid="0a0b0c0d", hostname="pve2", ours=False),
    SetPoolProperties(
        pool="tank", guid=_GUID, properties=(Change(name="autotrim", before="off", after="on"),)
    ),
    AttachDisk(
        pool="tank", guid=_GUID, beside=_MEMBER, beside_name=f"{_DISKS[0]}-part1", disk=_DISKS[1],
        identity=_IDENTITIES[1], turn=1,
    ),
    ReplaceDisk(
        pool="tank", guid=_GUID, old=_MEMBER, old_name=f"{_DISKS[0]}-part1", old_state="UNAVAIL",
        released=(), disk=_DISKS[1], identity=_IDENTITIES[1], turn=1,
    ),
    DetachDisk(
        pool="tank", guid=_GUID, member=_MEMBER, mirror="mirror-0", others=2,
        instead="", released=_DISKS[:1], disk=f"{_DISKS[0]}-part1", turn=1,
    ),
    ExpandRaidz(
        pool="tank", guid=_GUID, vdev=_VDEV, vdev_name="raidz1-0", disk=_DISKS[1],
        identity=_IDENTITIES[1], turn=1,
    ),
    _add("spare", "disk", *_DISKS[:1], ashift=None),
    _add("normal", "mirror", *_DISKS, ashift=12),
    _remove("cache", "disk", *_DISKS[:1]),
    _remove("log", "disk", *_DISKS[:1]),
    _remove("normal", "mirror", *_DISKS),
    OnlineDisk(
        pool="tank", guid=_GUID, member=_MEMBER, disk=f"{_DISKS[0]}-part1", state="OFFLINE", turn=1
    ),
    OfflineDisk(
        pool="tank", guid=_GUID, member=_MEMBER, disk=f"{_DISKS[0]}-part1", others=1, turn=1
    ),
    CreateCheckpoint(pool="tank", guid=_GUID, turn=1),
    DiscardCheckpoint(pool="tank", guid=_GUID, turn=1),
    SetPoolProperties(
        pool="tank", guid=_GUID, properties=(Change(name="autoreplace", before="off", after="on"),)
    ),
    WipeDisk(
        disk=_DISKS[0], identity=_IDENTITIES[0], emptiness="occupied",
        contents=("ext4, UUID 58e98b91-f4b8-4e14-bb39-4cfd34e1e5bd (at byte 1080)",),
        ranges=((Bytes(0), Bytes(4194304)), (Bytes(4000782835712), Bytes(4194304))),
    ),
    CreateDataset(
        dataset="tank/data", kind="filesystem", properties={"recordsize": "128K"},
        mountpoint="/tank/data",
    ),
    CreateDataset(dataset="tank/vm-100-disk-0", kind="volume", volsize=Bytes(34359738368)),
    _set("quota", "0", "1099511627776"),
    attrs.evolve(_set("volsize", "34359738368", "17179869184"), net="phoenix-net-1"),
    _set("sync", "standard", "disabled"),
    _set("mountpoint", "/tank/data", "/srv/data"),
    RenameDataset(dataset="tank/old", guid=_GUID, to="tank/new"),
    DestroyDataset(
        dataset="tank/old", guid=_GUID,
        snapshots={"daily-1": Guid("1706523"), "daily-2": Guid("1706524")},
    ),
    DestroyDataset(
        dataset=f"tank/phoenix-retired-{_GUID}", guid=_GUID, kept_until="2026-03-31T12:00:00Z"
    ),
    SnapshotDataset(dataset="tank/data", guid=_GUID, snapshot="phoenix-net-1"),
    RetireDataset(
        dataset="tank/old", guid=_GUID, kind="filesystem", to=f"tank/phoenix-retired-{_GUID}",
        keep="30d", automounts=("tank/old",), mountpoints={"tank/old": "/tank/old"},
        storages=("tank-old",),
    ),
    AddStorage(
        storage="tank-data", kind="zfspool", dataset="tank/data",
        properties={"pool": "tank/data", "content": "images,rootdir"},
    ),
    _update("content", "backup", "backup,iso"),
    _update("prune-backups", "keep-last=7", "keep-last=2"),
    RemoveStorage(
        storage="old", kind="dir", properties={"path": "/srv/old"}, because="declared removed"
    ),
    DisableStorage(storage="tank-data", kind="zfspool"),
    EnableStorage(storage="tank-data", dataset="tank/data"),
    SetArcMax(
        value=Bytes(8589934592), live=Bytes(0), boot="ZFS's default",
        boot_text="options zfs zfs_arc_max=8589934592\n",
    ),
)  # fmt: skip
