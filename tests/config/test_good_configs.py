"""What a config declares: expected models on the left."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from phoenix_plan.config import load_config
from phoenix_plan.model.actual import Interests
from phoenix_plan.model.codes import CODES
from phoenix_plan.model.desired import (
    Desired,
    DesiredDataset,
    DesiredPool,
    DesiredStorage,
    Notice,
    Removed,
    RemovedDataset,
    RemovedPool,
)
from phoenix_plan.model.layout import CLASSES, DesiredVdev
from phoenix_plan.model.mountpoints import new_directories
from phoenix_plan.model.sizes import Bytes, Guid
from tests.builders import layout
from tests.config.texts import TANK, config, dataset, loaded, pool

FIXTURES = Path(__file__).parents[2] / "fixtures" / "configs"
DISK = "/dev/disk/by-id/virtio-DISK{}".format


def vdev(kind: str, *ends: str) -> DesiredVdev:
    """A vdev of every_key.json, by the ends of its disks' names."""
    return DesiredVdev(
        type=kind, disks=tuple(f"/dev/disk/by-id/wwn-0x5000c500a1b2c4{end}" for end in ends)
    )


def digest(name: str) -> str:
    return hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest()


def test_the_users_config() -> None:
    """Today's config loads as it is: ids derived as the old script did, what does nothing said."""

    def data(name: str, quota: str, recordsize: str, sync: str, compression: str) -> DesiredDataset:
        return DesiredDataset(
            name=name,
            properties={
                "recordsize": recordsize,
                "compression": compression,
                "sync": sync,
                "quota": quota,
            },
        )

    def zfspool(name: str, full: str, content: str) -> DesiredStorage:
        return DesiredStorage(
            id=name, type="zfspool", properties={"pool": full, "content": content}
        )

    def folder(name: str, full: str, content: str) -> DesiredStorage:
        return DesiredStorage(id=name, type="dir", properties={"content": content}, dataset=full)

    expected = Desired(
        digest=digest("phoenix_hypervisor_config.json"),
        pools=(
            DesiredPool(name="quickOS", vdevs=layout("mirror", DISK(1), DISK(2))),
            DesiredPool(name="fastData", vdevs=layout("stripe", DISK(3))),
        ),
        datasets=(
            data("quickOS/vm-disks", "200M", "128K", "standard", "lz4"),
            data("quickOS/lxc-disks", "100M", "16K", "standard", "lz4"),
            data("quickOS/shared-prod-data-sync", "50M", "16K", "always", "lz4"),
            data("quickOS/vm-persistent-data", "10M", "128K", "standard", "lz4"),
            data("fastData/shared-backups", "0.1G", "1M", "standard", "zstd"),
            data("fastData/shared-iso", "100M", "1M", "standard", "lz4"),
        ),
        storages=(
            zfspool("quickOS-vm", "quickOS/vm-disks", "images"),
            zfspool("quickOS-lxc-disks", "quickOS/lxc-disks", "images,rootdir"),
            zfspool("quickOS-shared-prod-data-sync", "quickOS/shared-prod-data-sync", "images"),
            folder("quickOS-vm-persistent-data", "quickOS/vm-persistent-data", "images,rootdir"),
            folder("fastData-backups", "fastData/shared-backups", "backup"),
            folder("fastData-shared-iso", "fastData/shared-iso", "iso,vztmpl"),
        ),
        arc_max=Bytes(1 << 30),
        allow_destructive=False,
        notices=(
            Notice(
                code="storage-class-ignored",
                path="zfs.datasets[0].storage_class",
                line=18,
                message="6 datasets have a storage_class, which does nothing",
            ),
            Notice(
                code="dir-without-is-mountpoint",
                path="zfs.datasets[3].proxmox_storage_type",
                line=24,
                message="quickOS-vm-persistent-data, fastData-backups, fastData-shared-iso: "
                "nothing tells Proxmox VE that the folder is a mountpoint, so it would write to "
                "the root filesystem while the dataset is not mounted",
            ),
            Notice(
                code="storage-id-unused",
                path="proxmox_storage_ids.quickos_lxc",
                line=33,
                message="no dataset with a storage goes by the key quickos_lxc, so the id "
                "quickOS-lxc is used by none; did you mean quickOS_lxc_disks?",
            ),
            Notice(
                code="mount-point-base-ignored",
                path="mount_point_base",
                line=36,
                message="mount_point_base does nothing: a dataset is mounted where ZFS says",
            ),
        ),
    )
    config = load_config(str(FIXTURES / "phoenix_hypervisor_config.json"))
    assert expected == config.desired
    assert config.interests == Interests(
        disks=(DISK(1), DISK(2), DISK(3)),
        mountpoints={
            "quickOS": "",
            "fastData": "",
            "quickOS/vm-disks": "",
            "quickOS/lxc-disks": "",
            "quickOS/shared-prod-data-sync": "",
            "quickOS/vm-persistent-data": "",
            "fastData/shared-backups": "",
            "fastData/shared-iso": "",
        },
    )


def test_an_older_config() -> None:
    """Properties as an object, and the ARC's limit in bytes."""
    expected = Desired(
        digest=digest("older_config.json"),
        pools=(DesiredPool(name="tank", vdevs=layout("raidz1", DISK(1), DISK(2), DISK(3))),),
        datasets=(
            DesiredDataset(
                name="tank/data",
                properties={"recordsize": "128K", "compression": "lz4", "atime": "off"},
            ),
        ),
        arc_max=Bytes(1073741824),
    )
    assert expected == load_config(str(FIXTURES / "older_config.json")).desired


def test_every_key() -> None:
    """Each key that a config can hold ends up where it belongs."""
    config = load_config(str(FIXTURES / "every_key.json"))
    expected = Desired(
        digest=digest("every_key.json"),
        pools=(
            DesiredPool(
                name="tank",
                vdevs=layout(
                    "raidz2",
                    "/dev/disk/by-id/wwn-0x5000c500a1b2c3d1",
                    "/dev/disk/by-id/wwn-0x5000c500a1b2c3d2",
                    "/dev/disk/by-id/wwn-0x5000c500a1b2c3d3",
                    "/dev/disk/by-path/pci-0000:00:17.0-ata-4",
                ),
                properties={"autotrim": "on", "comment": "rack 4"},
                filesystem={
                    "compression": "zstd",
                    "canmount": "off",
                    "org:owner": "storage team",
                },
                ashift=13,
                protected=True,
                ignore=("autotrim",),
            ),
            DesiredPool(
                name="rpool",
                vdevs=layout("stripe", "/dev/disk/by-id/nvme-eui.0025388b01b2c3d4-part3"),
                properties={"autotrim": "off"},
                filesystem={"atime": "off"},
            ),
            DesiredPool(
                name="big",
                vdevs={
                    "normal": (
                        vdev("mirror", "01", "02"),
                        vdev("draid2:4d:7c:1s", "11", "12", "13", "14", "15", "16", "17"),
                        vdev("disk", "21"),
                        vdev("disk", "22"),
                    ),
                    "special": (vdev("mirror", "31", "32"),),
                    "dedup": (vdev("mirror", "41", "42"),),
                    "log": (vdev("mirror", "51", "52"), vdev("disk", "53")),
                    "cache": (vdev("disk", "61"), vdev("disk", "62")),
                    "spare": (),
                },
                checkpoint=True,
                offline=("/dev/disk/by-id/wwn-0x5000c500a1b2c402",),
            ),
        ),
        datasets=(
            DesiredDataset(
                name="tank/guests", properties={"mountpoint": "/guests", "recordsize": "64K"}
            ),
            DesiredDataset(
                name="tank/guests/ct",
                properties={"quota": "1.4T", "copies": "2"},
                protected=True,
                ignore=("quota",),
            ),
            DesiredDataset(name="tank/iso", properties={"mountpoint": "/srv/iso"}),
            DesiredDataset(
                name="rpool/swap-1",
                type="volume",
                volsize=Bytes(8 << 30),
                properties={"volblocksize": "16K", "refreservation": "auto"},
            ),
            DesiredDataset(name="rpool/archive", renamed_from="rpool/old-archive"),
        ),
        storages=(
            DesiredStorage(
                id="ct",
                type="zfspool",
                properties={"pool": "tank/guests/ct", "content": "rootdir,images"},
                protected=True,
            ),
            DesiredStorage(
                id="tank-iso",
                type="dir",
                properties={"path": "/srv/iso", "content": "iso"},
                dataset="tank/iso",
            ),
            DesiredStorage(
                id="backups",
                type="dir",
                properties={
                    "path": "/srv/backups",
                    "content": "backup",
                    "is_mountpoint": "1",
                    "prune-backups": "keep-last=3",
                    "nodes": "pve1,pve2",
                },
                ignore=("nodes",),
            ),
            DesiredStorage(
                id="thin",
                type="lvmthin",
                properties={"vgname": "pve", "thinpool": "data", "disable": "1"},
                protected=True,
            ),
            DesiredStorage(
                id="archive",
                type="pbs",
                properties={
                    "server": "192.0.2.10",
                    "datastore": "main",
                    "username": "backup@pbs",
                    "port": "8007",
                },
            ),
        ),
        removed=Removed(
            pools=(RemovedPool(name="scratch", guid=Guid("1234567890123456789")),),
            datasets=(
                RemovedDataset(name="tank/old", guid=Guid("9876543210987654321"), recursive=True),
            ),
            storages=("old-backups",),
        ),
        arc_max=Bytes(3 << 29),
        allow_destructive=True,
        notices=config.desired.notices,
    )
    assert expected == config.desired
    codes = [notice.code for notice in config.desired.notices]
    assert codes == [
        "disk-by-path",
        "storage-class-ignored",
        "dir-without-is-mountpoint",
        "mount-point-base-ignored",
    ]
    assert set(codes) <= CODES.keys()
    assert new_directories(config.interests.mountpoints, lambda _: None) == (
        "/tank",
        "/rpool",
        "/big",
        "/guests",
        "/guests/ct",
        "/srv/iso",
        "/rpool/archive",
    )


def test_removals_alone_are_a_wish() -> None:
    """A config may declare nothing but what shall be gone."""
    removed = load_config(str(FIXTURES / "removals.json")).desired.removed
    assert removed == Removed(
        pools=(RemovedPool(name="scratch", guid=Guid("1234567890123456789")),),
        storages=("scratch-vm",),
    )


A, B, C, D = (f"/dev/disk/by-id/wwn-0x{digit}" for digit in "1234")


@pytest.mark.parametrize(
    ("level", "spelling", "disks"),
    [
        ("stripe", "single", (A,)),
        ("stripe", "SINGLE", (A,)),
        ("stripe", "stripe", (A,)),
        ("stripe", "Stripe", (A, B)),
        ("mirror", "Mirror", (A, B, C)),
        ("raidz1", "raidz", (A, B)),
        ("raidz1", "RAIDZ-1", (A, B, C)),
        ("raidz1", "RAID-Z1", (A, B, C)),
        ("raidz2", "raid-z2", (A, B, C)),
        ("raidz2", "raidz_2", (A, B, C)),
        ("raidz3", "RaidZ 3", (A, B, C, D)),
    ],
)
def test_spellings_of_a_level(level: str, spelling: str, disks: tuple[str, ...]) -> None:
    """The levels in any case and the common spellings."""
    [declared] = loaded(config(pools=(pool("tank", spelling, *disks),))).desired.pools
    assert layout(level, *disks) == declared.vdevs


@pytest.mark.parametrize(
    "disk",
    [
        "/dev/disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0000000",
        "/dev/disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0000000-part4",
        "/dev/disk/by-id/nvme-eui.0025388b01b2c3d4",
        "/dev/disk/by-id/scsi-35000c500a1b2c3d4",
        "/dev/disk/by-id/dm-uuid-mpath-35000c500a1b2c3d4",
        "/dev/disk/by-vdev/shelf1-slot4",
    ],
)
def test_disks_that_last(disk: str) -> None:
    """Links that neither a reboot nor the disk's content changes."""
    assert loaded(config(pools=(pool("tank", "single", disk),))).interests.disks == (disk,)


@pytest.mark.parametrize(
    "properties",
    [
        "compression=zstd-19",
        "compression=zstd-fast-1000",
        "compression=gzip-9",
        "checksum=blake3",
        "dedup=verify",
        "recordsize=512",
        "recordsize=16M",
        "recordsize=131072",
        "quota=none",
        "quota=0",
        "quota=1.4T",
        "quota=10g",
        "special_small_blocks=64K",
        "snapshot_limit=none",
        "mountpoint=legacy",
        "mountpoint=/",
        "canmount=noauto",
        "dnodesize=auto",
        "sharenfs=rw=@192.0.2.0/24",
        "org.example:note=any thing",
        "direct=always",
        "volmode=none",
        "encryption=on,keyformat=passphrase,keylocation=file:///root/key",
        " atime=off , relatime=on ",
        "",
    ],
)
def test_values_that_zfs_takes(properties: str) -> None:
    """Values from zfsprops(7) are accepted as they are written."""
    text = config(datasets=(dataset("data", f'"properties": "{properties}"'),))
    expected = dict(part.strip().split("=", 1) for part in properties.split(",") if part)
    assert expected == loaded(text).desired.datasets[0].properties


def test_values_with_commas_stand_in_an_object() -> None:
    """sharenfs and dedup may hold commas."""
    more = '"properties": {"sharenfs": "rw,no_root_squash", "dedup": "sha256,verify"}'
    [declared] = loaded(config(datasets=(dataset("data", more),))).desired.datasets
    assert declared.properties == {"sharenfs": "rw,no_root_squash", "dedup": "sha256,verify"}


@pytest.mark.parametrize(
    ("expected", "name", "ids"),
    [
        ("tank-vm-disks", "vm-disks", "{}"),
        ("tank-a-b", "a/b", "{}"),
        ("other", "vm-disks", '{"tank_vm_disks": "other"}'),
        ("tank-vm-disks", "vm-disks", '{"tank_vm-disks": "other"}'),
        ("tank-vm-disks", "vm-disks", '{"Tank_vm_disks": "other"}'),
        ("tank-vm-disks", "vm-disks", '{"tank_vm": "other"}'),
    ],
)
def test_ids_of_datasets_storages(expected: str, name: str, ids: str) -> None:
    """Exactly the key of the old script, or pool and dataset; no prefix, no other case."""
    text = config(
        datasets=(dataset(name, '"proxmox_storage_type": "zfspool"'),),
        top=f'"proxmox_storage_ids": {ids}',
    )
    [storage] = loaded(text).desired.storages
    assert expected == storage.id


def test_a_dataset_that_repeats_its_pool_is_noticed() -> None:
    """tank/tank/data is possible, and seldom meant."""
    [notice] = loaded(config(datasets=(dataset("tank/data"),))).desired.notices
    assert (notice.code, notice.line) == ("dataset-name-repeats-pool", 7)


@pytest.mark.parametrize(
    ("expected", "members"),
    [
        (None, '"settings": {}'),
        (0, '"arc_max_gb": 0'),
        (8 << 30, '"arc_max_gb": 8'),
        (1 << 29, '"arc_max_gb": 0.5'),
        (1 << 30, '"arc_max": 1073741824'),
    ],
)
def test_arc_max(expected: int | None, members: str) -> None:
    """In GiB or in bytes; 0 is ZFS's own default, and silence is silence."""
    assert expected == loaded(config(zfs=members)).desired.arc_max


@pytest.mark.parametrize(
    ("expected", "pool_properties", "properties"),
    [
        (("/tank", "/tank/data"), "atime=off", "atime=off"),
        (("/tank", "/data"), "atime=off", "mountpoint=/data"),
        (("/srv", "/srv/data"), "mountpoint=/srv", "atime=off"),
        (("/", "/data"), "mountpoint=/", "atime=off"),
        ((), "mountpoint=none", "atime=off"),
        (("/data",), "mountpoint=none", "mountpoint=/data"),
        (("/tank", "/tank/data"), "canmount=off", "atime=off"),
        (("/tank",), "atime=off", "mountpoint=legacy"),
    ],
)
def test_folders_of_interest(
    expected: tuple[str, ...], pool_properties: str, properties: str
) -> None:
    """Where filesystems would be mounted, if they were created: inherited as ZFS does."""
    text = config(
        pools=(pool("tank", "mirror", A, B, more=f', "properties": "{pool_properties}"'),),
        datasets=(dataset("data", f'"properties": "{properties}"'),),
    )
    assert expected == new_directories(loaded(text).interests.mountpoints, lambda _: None)


def test_stdin_and_digest() -> None:
    """`-` is stdin, and the digest is that of the bytes."""
    text = config(pools=(TANK,))
    config_read = loaded(text)
    assert hashlib.sha256(text.encode()).hexdigest() == config_read.digest
    assert config_read.digest == config_read.desired.digest
    assert config_read.path == "-"


@pytest.mark.parametrize(
    ("expected", "word", "disks"),
    [
        # zpoolconcepts(7): parity 1, 8 data disks a group or as many as there are, no spares
        ("draid1:1d:2c:0s", "draid", 2),
        ("draid1:8d:9c:0s", "draid", 9),
        ("draid1:8d:20c:0s", "draid1", 20),
        ("draid2:4d:11c:1s", "draid2:4d:1s", 11),
        ("draid2:4d:11c:1s", "draid2:4d:11c:1s", 11),
        ("draid3:3d:9c:3s", "draid3:3s", 9),
        ("raidz1", "RAIDZ", 3),
        ("raidz3", "raidz-3", 4),
        ("mirror", "Mirror", 3),
    ],
)
def test_a_type_of_vdev(expected: str, word: str, disks: int) -> None:
    """As it is kept: in full, so that two spellings of one thing are one."""
    named = ", ".join(f'"{DISK(number)}"' for number in range(disks))
    text = f'{{"name": "tank", "vdevs": [{{"type": "{word}", "disks": [{named}]}}]}}'
    (found,) = loaded(config(pools=(text,))).desired.pools[0].vdevs["normal"]
    assert (expected, disks) == (found.type, len(found.disks))


def test_a_class_that_is_not_named_is_left_alone_and_an_empty_one_is_none() -> None:
    """Absence removes nothing (I10); an empty list says that there shall be none."""
    silent = loaded(config()).desired.pools[0]
    assert {"normal"} == silent.vdevs.keys()
    empty = ", ".join(f'"{key}": []' for key in ("special", "dedup", "log", "cache", "spare"))
    text = config(pools=(pool("tank", "mirror", DISK(1), DISK(2), more=f", {empty}"),))
    said = loaded(text).desired.pools[0].vdevs
    assert {**dict.fromkeys(CLASSES, ()), "normal": said["normal"]} == said


def test_both_forms_say_the_same() -> None:
    """`raid_level` and `disks` are short for `vdevs`."""
    both = (
        pool("tank", "mirror", DISK(1), DISK(2)),
        f'{{"name": "tank", "vdevs": [{{"type": "mirror", "disks": ["{DISK(1)}", "{DISK(2)}"]}}]}}',
    )
    short, long = (loaded(config(pools=(text,))).desired.pools for text in both)
    assert short == long
