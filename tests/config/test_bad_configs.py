"""What is wrong with a config is said with its line, its path and its rule, all of it at once."""

from __future__ import annotations

import pytest

from tests.config.texts import TANK, config, dataset, pool, problems, storages

A, B, C, D = (f"/dev/disk/by-id/wwn-0x{digit}" for digit in "1234")

Expected = tuple[int, str, str]


def one_pool(level: str, *disks: str, more: str = "") -> str:
    return config(pools=(pool("tank", level, *disks, more=more),))


def vdev(kind: str, *disks: str) -> str:
    named = ", ".join(f'"{disk}"' for disk in disks)
    return f'{{"type": "{kind}", "disks": [{named}]}}'


def long_pool(*vdevs: str, more: str = "") -> str:
    return config(pools=(f'{{"name": "tank", "vdevs": [{", ".join(vdevs)}]{more}}}',))


def one_dataset(more: str, *, name: str = "data") -> str:
    return config(datasets=(dataset(name, more),))


def removing(text: str) -> str:
    return config(datasets=(dataset("data"),), zfs=f'"removed": {{{text}}}')


DS = "zfs.datasets[0]"
P = "zfs.pools[0]"
S = "proxmox.storages[0]"

ONE: list[tuple[Expected, str]] = [
    # unknown keys, at every depth, name the nearest
    ((8, "zfs.dataset", "no key"), config(zfs='"dataset": []')),
    ((4, f"{P}.raidlevel", "no key"), one_pool("mirror", A, B, more=', "raidlevel": "x"')),
    ((7, f"{DS}.proxmox_storage_typ", "no key"), one_dataset('"proxmox_storage_typ": "dir"')),
    (
        (8, "zfs.settings.allow_destructive", "no key"),
        config(zfs='"settings": {"allow_destructive": true}'),
    ),
    ((9, "zfs.removed.dataset", "no key"), removing('"dataset": []')),
    ((9, f"{S}.contents", "no key"), config(top=storages('{"id": "st", "type": "dir", '
        '"path": "/x", "contents": "iso"}'))),
    # types, missing keys
    ((4, f"{P}.disks", "must not be empty"), one_pool("mirror")),
    ((4, f"{P}.raid_level", "is missing"),
        config(pools=(f'{{"name": "tank", "disks": ["{A}"]}}',))),
    ((4, f"{P}.ashift", "must be 9 or more"), one_pool("mirror", A, B, more=', "ashift": 8')),
    ((4, f"{P}.ashift", "must be 16 or less"), one_pool("mirror", A, B, more=', "ashift": 17')),
    ((4, f"{P}.protected", "must be true or false"),
        one_pool("mirror", A, B, more=', "protected": "on"')),
    ((8, "zfs.settings.allow_destructive_operations", "must be true or false, not a string"),
        config(zfs='"settings": {"allow_destructive_operations": "false"}')),
    ((7, f"{DS}.type", "must be one of filesystem, volume"), one_dataset('"type": "zvol"')),
    # redundancy: unknown is an error, never a stripe
    ((4, f"{P}.raid_level", "must be single, stripe, mirror"), one_pool("raidz4", A, B)),
    ((4, f"{P}.raid_level", "must be single, stripe, mirror"), one_pool("raid10", A, B)),
    ((4, f"{P}.raid_level", "must be single, stripe, mirror"), one_pool("z1", A, B)),
    ((4, f"{P}.raid_level", "must be single, stripe, mirror"), one_pool("mirrored", A, B)),
    ((4, f"{P}.raid_level", "must be single, stripe, mirror"), one_pool("raidz1x", A, B)),
    ((4, f"{P}.disks", "single is exactly one disk, not 2"), one_pool("single", A, B)),
    ((4, f"{P}.disks", "a mirror has 2 disks at least, not 1"), one_pool("mirror", A)),
    ((4, f"{P}.disks", "a raidz1 has 2 disks at least, not 1"), one_pool("raidz", A)),
    ((4, f"{P}.disks", "a raidz2 has 3 disks at least, not 2"), one_pool("raidz2", A, B)),
    ((4, f"{P}.disks", "a raidz3 has 4 disks at least, not 3"), one_pool("RAIDZ-3", A, B, C)),
    # the long form
    ((4, f"{P}.vdevs", "is missing"), config(pools=('{"name": "tank"}',))),
    ((4, f"{P}.disks", "is missing"),
        config(pools=('{"name": "tank", "raid_level": "mirror"}',))),
    ((4, f"{P}.vdevs", "must not be empty"), config(pools=('{"name": "tank", "vdevs": []}',))),
    ((4, f"{P}.vdevs[0].disks", "is missing"),
        config(pools=('{"name": "tank", "vdevs": [{"type": "mirror"}]}',))),
    ((4, f"{P}.vdevs[0].raid_level", "no key"),
        long_pool(vdev("mirror", A, B).replace("}", ', "raid_level": "mirror"}'))),
    ((4, f"{P}.vdevs[0].type", "must be single, stripe, mirror, raidz1, raidz2, raidz3 or a draid"),
        long_pool(vdev("raidz4", A, B))),
    ((4, f"{P}.vdevs[1].disks", "a mirror has 2 disks at least, not 1"),
        long_pool(vdev("mirror", A, B), vdev("mirror", C))),
    ((4, f"{P}.vdevs[0].disks", "single is exactly one disk, not 2"),
        long_pool(vdev("single", A, B))),
    ((4, f"{P}.vdevs[0].disks", "a raidz3 has 4 disks at least, not 3"),
        long_pool(vdev("raidz3", A, B, C))),
    ((4, f"{P}.vdevs[0].disks", "a raidz1 has 255 disks at most"),
        long_pool(vdev("raidz1", *(f"{A}{number:03}" for number in range(256))))),
    ((4, f"{P}.vdevs[0].type", "is no draid that 3 disks can be"),
        long_pool(vdev("draid2:2d", A, B, C))),
    ((4, f"{P}.vdevs[0].type", "is no draid that 3 disks can be"),
        long_pool(vdev("draid:4c", A, B, C))),
    ((4, f"{P}.vdevs[0].type", "is no draid that 3 disks can be"),
        long_pool(vdev("draid1:1d:2s", A, B, C))),
    ((4, f"{P}.vdevs[0].type", "is no draid that 3 disks can be"),
        long_pool(vdev("draid4", A, B, C))),
    ((4, f"{P}.vdevs[0].type", "is no draid that 3 disks can be"),
        long_pool(vdev("draid1:0d", A, B, C))),
    # classes
    ((4, f"{P}.log[0].type", "a log vdev is a stripe of disks or a mirror"),
        long_pool(vdev("mirror", A, B), more=f', "log": [{vdev("raidz1", C, D)}]')),
    ((4, f"{P}.special[0].type", "a special vdev is a stripe of disks or a mirror"),
        long_pool(vdev("mirror", A, B), more=f', "special": [{vdev("draid1:1d", C, D)}]')),
    ((4, f"{P}.dedup[0].type", "a dedup vdev is a stripe of disks or a mirror"),
        long_pool(vdev("mirror", A, B), more=f', "dedup": [{vdev("draid1:1d", C, D)}]')),
    ((4, f"{P}.spare[1]", f"names this disk twice (at {P}.spare[0])"),
        one_pool("mirror", A, B, more=f', "spare": ["{C}", "{C}"]')),
    ((4, f"{P}.spare[0]", f"names this disk twice (at {P}.disks[1])"),
        one_pool("mirror", A, B, more=f', "spare": ["{B}"]')),
    ((4, f"{P}.cache[0]", f"names this disk twice (at {P}.log[0].disks[0])"),
        one_pool("mirror", A, B, more=f', "log": [{vdev("stripe", C)}], "cache": ["{C}"]')),
    ((5, "zfs.pools[1].spare[0]", "is a disk of pool tank already"),
        config(pools=(TANK, pool("b", "single", C, more=f', "spare": ["{A}"]')))),
    ((4, f"{P}.cache[0]", "kernel's names move"),
        one_pool("mirror", A, B, more=', "cache": ["/dev/sdc"]')),
    ((4, f"{P}.vdevs[1].disks[0]", "part of a disk that pool tank takes whole"),
        long_pool(vdev("stripe", A), vdev("stripe", f"{A}-part1"))),
    ((4, f"{P}.spare[0]", "must be a string"), one_pool("mirror", A, B, more=', "spare": [{}]')),
    ((4, f"{P}.log", "must be an array"), one_pool("mirror", A, B, more=f', "log": "{C}"')),
    # what shall be offline, and the checkpoint
    ((4, f"{P}.offline[0]", "is no disk of this pool, or a spare or cache"),
        one_pool("mirror", A, B, more=f', "offline": ["{C}"]')),
    ((4, f"{P}.offline[1]", "is no disk of this pool, or a spare or cache"),
        one_pool("mirror", A, B, more=f', "spare": ["{C}"], "offline": ["{A}", "{C}"]')),
    ((4, f"{P}.offline[0]", "is no disk of this pool, or a spare or cache"),
        one_pool("mirror", A, B, more=f', "cache": ["{C}"], "offline": ["{C}"]')),
    ((4, f"{P}.checkpoint", "must be true or false"),
        one_pool("mirror", A, B, more=', "checkpoint": "yes"')),
    # disks
    ((4, f"{P}.disks[1]", "names this disk twice"), one_pool("mirror", A, A)),
    ((5, "zfs.pools[1].disks[0]", "is a disk of pool tank already"),
        config(pools=(TANK, pool("b", "single", B)))),
    ((5, "zfs.pools[1].disks[0]", "part of a disk that pool tank takes whole"),
        config(pools=(TANK, pool("b", "single", f"{B}-part1")))),
    ((4, f"{P}.disks[1]", "kernel's names move"), one_pool("mirror", A, "/dev/sdb")),
    ((4, f"{P}.disks[1]", "kernel's names move"), one_pool("mirror", A, "/dev/nvme0n1")),
    ((4, f"{P}.disks[1]", "absolute path"), one_pool("mirror", A, "sdb")),
    ((4, f"{P}.disks[1]", "by-uuid names the UUID"), one_pool("mirror", A, "/dev/disk/by-uuid/1")),
    ((4, f"{P}.disks[1]", "by-label names the label"),
        one_pool("mirror", A, "/dev/disk/by-label/1")),
    ((4, f"{P}.disks[1]", "by-partuuid"), one_pool("mirror", A, "/dev/disk/by-partuuid/1")),
    ((4, f"{P}.disks[1]", "by-diskseq"), one_pool("mirror", A, "/dev/disk/by-diskseq/1")),
    ((4, f"{P}.disks[1]", "lvm-pv-uuid"), one_pool("mirror", A, "/dev/disk/by-id/lvm-pv-uuid-x")),
    ((4, f"{P}.disks[1]", "md names"), one_pool("mirror", A, "/dev/disk/by-id/md-uuid-1:2")),
    ((4, f"{P}.disks[1]", "dm names"), one_pool("mirror", A, "/dev/disk/by-id/dm-name-pve-root")),
    ((4, f"{P}.disks[1]", "dm names"), one_pool("mirror", A, "/dev/disk/by-id/dm-uuid-LVM-x")),
    ((4, f"{P}.disks[1]", "no link to a disk"), one_pool("mirror", A, "/dev/disk/by-id/../../sda")),
    ((4, f"{P}.disks[1]", "no link to a disk"), one_pool("mirror", A, "/dev/disk/by-id/")),
    # names
    ((4, f"{P}.name", "begins with a letter"), config(pools=(pool("1tank", "mirror", A, B),))),
    ((4, f"{P}.name", "ZFS's own"), config(pools=(pool("mirror1", "mirror", A, B),))),
    ((4, f"{P}.name", "ZFS's own"), config(pools=(pool("log", "mirror", A, B),))),
    ((4, f"{P}.name", "reserved for disks"), config(pools=(pool("c0t0", "mirror", A, B),))),
    ((4, f"{P}.name", "holds only letters"), config(pools=(pool("ta/nk", "mirror", A, B),))),
    ((5, "zfs.pools[1].name", "declared already, at zfs.pools[0]"),
        config(pools=(TANK, pool("tank", "single", C)))),
    ((7, f"{DS}.name", "snapshots"), one_dataset("", name="da@ta")),
    ((7, f"{DS}.name", "neither begins nor ends with '/'"), one_dataset("", name="/data")),
    ((7, f"{DS}.name", "neither begins nor ends with '/'"), one_dataset("", name="data/")),
    ((7, f"{DS}.name", "'.' or '..'"), one_dataset("", name="a/../b")),
    ((7, f"{DS}.name", "holds only letters"), one_dataset("", name="dät")),
    ((7, f"{DS}.name", "255 characters at most"), one_dataset("", name="x" * 251)),
    ((7, f"{DS}.name", "50 levels"), one_dataset("", name="/".join("x" * 50))),
    # datasets and their pools, parents and siblings
    ((7, f"{DS}.pool", "no pool tonk is declared"), config(datasets=(dataset(of="tonk"),))),
    ((8, "zfs.datasets[1].name", "tank/data is declared already, at zfs.datasets[0]"),
        config(datasets=(dataset(), dataset()))),
    ((7, f"{DS}.name", "comes before its parent tank/data, at zfs.datasets[1]"),
        config(datasets=(dataset("data/below"), dataset("data")))),
    ((8, "zfs.datasets[1].name", "tank/vol is a volume: it has no children"),
        config(datasets=(dataset("vol", '"type": "volume", "volsize": "1G"'), dataset("vol/x")))),
    ((8, "zfs.datasets[1].properties", "mountpoint: tank/a has it too"),
        config(datasets=(dataset("a", '"properties": "mountpoint=/x"'),
            dataset("b", '"properties": "mountpoint=/x"')))),
    # volumes
    ((7, f"{DS}.volsize", "is missing"), one_dataset('"type": "volume"')),
    ((7, f"{DS}.volsize", "only a volume has a volsize"), one_dataset('"volsize": "1G"')),
    ((7, f"{DS}.volsize", "must be a multiple of the volume's block size, 8K"),
        one_dataset('"type": "volume", "volsize": 1000000')),
    ((7, f"{DS}.volsize", "must be a multiple of the volume's block size, 64K"),
        one_dataset('"type": "volume", "volsize": "96K", "properties": "volblocksize=64K"')),
    ((7, f"{DS}.volsize", "must be more than nothing"),
        one_dataset('"type": "volume", "volsize": 0')),
    ((7, f"{DS}.volsize", "must be a size"), one_dataset('"type": "volume", "volsize": "none"')),
    ((7, f"{DS}.properties", "quota: quota is a property of filesystems"),
        one_dataset('"type": "volume", "volsize": "1G", "properties": "quota=2G"')),
    ((7, f"{DS}.properties", "volblocksize is a property of volumes"),
        one_dataset('"properties": "volblocksize=16K"')),
    ((7, f"{DS}.properties", "volsize is a property of volumes"),
        one_dataset('"properties": "volsize=16K"')),
    ((7, f"{DS}.proxmox_storage_type", "a volume is no storage"),
        one_dataset('"type": "volume", "volsize": "1G", "proxmox_storage_type": "zfspool"')),
    # properties
    ((7, f"{DS}.properties", "no property is called compresion"),
        one_dataset('"properties": "compresion=lz4"')),
    ((7, f"{DS}.properties.compresion", "no property is called compresion"),
        one_dataset('"properties": {"compresion": "lz4"}')),
    ((7, f"{DS}.properties", "used is read-only"), one_dataset('"properties": "used=1G"')),
    ((7, f"{DS}.properties", "autotrim is a property of pools"),
        one_dataset('"properties": "autotrim=on"')),
    ((7, f"{DS}.properties", "'lz4' is no name=value"), one_dataset('"properties": "lz4"')),
    ((7, f"{DS}.properties", "'no_root_squash' is no name=value"),
        one_dataset('"properties": "sharenfs=rw,no_root_squash"')),
    ((7, f"{DS}.properties", "'' is no name=value"), one_dataset('"properties": "atime=off,"')),
    ((7, f"{DS}.properties", "atime stands here twice"),
        one_dataset('"properties": "atime=off,atime=on"')),
    ((7, f"{DS}.properties", "compression: must be one of"),
        one_dataset('"properties": "compression=LZ4"')),
    ((7, f"{DS}.properties", "compression: must be one of"),
        one_dataset('"properties": "compression=zstd-20"')),
    ((7, f"{DS}.properties", "recordsize: must be a power of two from 512 to 16M"),
        one_dataset('"properties": "recordsize=100K"')),
    ((7, f"{DS}.properties", "recordsize: must be a power of two"),
        one_dataset('"properties": "recordsize=32M"')),
    ((7, f"{DS}.properties", "recordsize: must be a power of two"),
        one_dataset('"properties": "recordsize=none"')),
    ((7, f"{DS}.properties", "quota: must be a size"), one_dataset('"properties": "quota=lots"')),
    ((7, f"{DS}.properties", "quota: must be a size"), one_dataset('"properties": "quota=99Z"')),
    ((7, f"{DS}.properties", "sync: must be one of standard, always, disabled"),
        one_dataset('"properties": "sync=on"')),
    ((7, f"{DS}.properties", "canmount: must be one of on, off, noauto"),
        one_dataset('"properties": "canmount=yes"')),
    ((7, f"{DS}.properties", "mountpoint: must be an absolute path"),
        one_dataset('"properties": "mountpoint=data"')),
    ((7, f"{DS}.properties", "mountpoint: must be a plain path"),
        one_dataset('"properties": "mountpoint=/data/"')),
    ((7, f"{DS}.properties", "refreservation: auto is for volumes"),
        one_dataset('"properties": "refreservation=auto"')),
    ((7, f"{DS}.properties", "Upper:x: a user property's name"),
        one_dataset('"properties": "Upper:x=1"')),
    ((7, f'{DS}.properties["phoenix:kept-until"]', "phoenix's own mark"),
        one_dataset('"properties": {"phoenix:kept-until": "2020-01-01T00:00:00Z"}')),
    ((7, f"{DS}.properties", "phoenix:retired-from is phoenix's own mark"),
        one_dataset('"properties": "phoenix:retired-from=tank/a"')),
    ((7, f"{DS}.properties.copies", "must be one of 1, 2, 3"),
        one_dataset('"properties": {"copies": 4}')),
    ((7, f"{DS}.properties.atime", "must be a string or a whole number, not false"),
        one_dataset('"properties": {"atime": false}')),
    ((7, f"{DS}.ignore[0]", "no property is called quotaa"), one_dataset('"ignore": ["quotaa"]')),
    ((4, f"{P}.properties", "ashift has a key of its own"),
        one_pool("mirror", A, B, more=', "properties": "ashift=12"')),
    ((4, f"{P}.properties", "feature@edonr: features are not declared"),
        one_pool("mirror", A, B, more=', "properties": "feature@edonr=enabled"')),
    ((4, f"{P}.properties", "health: health is read-only"),
        one_pool("mirror", A, B, more=', "properties": "health=ONLINE"')),
    ((4, f"{P}.properties", "autotrim: must be one of on, off"),
        one_pool("mirror", A, B, more=', "properties": "autotrim=yes"')),
    ((4, f"{P}.properties", "no property is called autotrimm"),
        one_pool("mirror", A, B, more=', "properties": "autotrimm=on"')),
    ((4, f"{P}.properties", "volsize is a property of volumes"),
        one_pool("mirror", A, B, more=', "properties": "volsize=1G"')),
    ((4, f"{P}.properties", "comment: must have 32"),
        one_pool("mirror", A, B, more=f', "properties": "comment={"x" * 33}"')),
    # renames
    ((7, f"{DS}.renamed_from", "must be a full name"), one_dataset('"renamed_from": "old"')),
    ((7, f"{DS}.renamed_from", "is the dataset's own name"),
        one_dataset('"renamed_from": "tank/data"')),
    ((7, f"{DS}.renamed_from", "no rename leads from one pool to another"),
        one_dataset('"renamed_from": "pond/data"')),
    ((7, f"{DS}.renamed_from", "below itself"),
        one_dataset('"renamed_from": "tank/a"', name="a/b")),
    ((7, f"{DS}.renamed_from", "is declared itself, at zfs.datasets[1]"),
        config(datasets=(dataset("a", '"renamed_from": "tank/b"'), dataset("b")))),
    ((8, "zfs.datasets[1].renamed_from", "is what zfs.datasets[0] is renamed from"),
        config(datasets=(dataset("a", '"renamed_from": "tank/c"'),
            dataset("b", '"renamed_from": "tank/c"')))),
    # storages of datasets
    ((7, f"{DS}.proxmox_content_type", "type zfspool can't hold backup"),
        one_dataset('"proxmox_storage_type": "zfspool", "proxmox_content_type": "images,backup"')),
    ((7, f"{DS}.proxmox_content_type", "'image' is no kind of content"),
        one_dataset('"proxmox_storage_type": "zfspool", "proxmox_content_type": "image"')),
    ((7, f"{DS}.proxmox_content_type", "images stands here twice"),
        one_dataset('"proxmox_storage_type": "zfspool", "proxmox_content_type": "images,images"')),
    ((7, f"{DS}.proxmox_content_type", "the dataset has no proxmox_storage_type"),
        one_dataset('"proxmox_content_type": "images"')),
    ((7, f"{DS}.proxmox_storage_type", "must be one of zfspool, dir"),
        one_dataset('"proxmox_storage_type": "nfs"')),
    ((7, f"{DS}.proxmox_storage_type", "needs a dataset that is mounted"),
        one_dataset('"proxmox_storage_type": "dir", "properties": "mountpoint=none"')),
    ((7, f"{DS}.proxmox_storage_type", "needs a dataset that is mounted"),
        one_dataset('"proxmox_storage_type": "dir", "properties": "canmount=off"')),
    ((7, f"{DS}.name", "would be called 'tank-da:ta'"),
        one_dataset('"proxmox_storage_type": "dir"', name="da:ta")),
    ((10, "proxmox_storage_ids.tank_data", "a storage's id begins with a letter"),
        config(datasets=(dataset("data", '"proxmox_storage_type": "dir"'),),
            top='"proxmox_storage_ids": {"tank_data": "1st"}')),
    ((8, "zfs.datasets[1]", "two storages are called tank-a-b: this one, and zfs.datasets[0]"),
        config(datasets=(dataset("a-b", '"proxmox_storage_type": "zfspool"'),
            dataset("a/b", '"proxmox_storage_type": "zfspool"')))),
    # explicit storages
    ((10, S, "two storages are called tank-data"),
        config(datasets=(dataset("data", '"proxmox_storage_type": "dir"'),),
            top=storages('{"id": "tank-data", "type": "zfspool", "pool": "tank/data"}'))),
    ((9, f"{S}.type", "must be one of"), config(top=storages('{"id": "st", "type": "glusterfs"}'))),
    ((9, f"{S}.path", "is missing: type dir needs it"),
        config(top=storages('{"id": "st", "type": "dir"}'))),
    ((9, f"{S}.shared", "no key of type zfspool"),
        config(top=storages('{"id": "st", "type": "zfspool", "pool": "tank", "shared": true}'))),
    ((9, f"{S}.content", "can't hold iso"),
        config(top=storages('{"id": "st", "type": "lvmthin", "vgname": "v", "thinpool": "t",'
            ' "content": "iso"}'))),
    ((9, f"{S}.content", "none stands alone"),
        config(top=storages('{"id": "st", "type": "dir", "path": "/x", "content": "none,iso"}'))),
    ((9, f"{S}.path", "must be an absolute path"),
        config(top=storages('{"id": "st", "type": "dir", "path": "x"}'))),
    ((9, f"{S}.nodes", "must be names of nodes"),
        config(top=storages('{"id": "st", "type": "dir", "path": "/x", "nodes": "a b"}'))),
    ((9, f"{S}.id", "a storage's id begins"),
        config(top=storages('{"id": "s", "type": "dir", "path": "/x"}'))),
    ((9, f"{S}.ignore[0]", "is no key of such a storage"),
        config(top=storages('{"id": "st", "type": "dir", "path": "/x", "ignore": ["contents"]}'))),
    # removals
    ((9, "zfs.removed.pools[0].name", "is declared as well, at zfs.pools[0]: wanted, or gone?"),
        removing('"pools": [{"name": "tank", "guid": "1"}]')),
    ((9, "zfs.removed.pools[1].name", "is removed twice"),
        removing('"pools": [{"name": "a", "guid": "1"}, {"name": "a", "guid": "1"}]')),
    ((9, "zfs.removed.pools[0].guid", "is missing"), removing('"pools": [{"name": "a"}]')),
    ((9, "zfs.removed.pools[0].guid", "must be a string, not a number"),
        removing('"pools": [{"name": "a", "guid": 1}]')),
    ((9, "zfs.removed.pools[0].guid", "must be a GUID as ZFS prints it"),
        removing('"pools": [{"name": "a", "guid": "0x1"}]')),
    ((9, "zfs.removed.pools[0].guid", "must be a GUID as ZFS prints it"),
        removing('"pools": [{"name": "a", "guid": "1\\n"}]')),
    ((9, "zfs.removed.pools[0].guid", "more than 64 bits"),
        removing('"pools": [{"name": "a", "guid": "99999999999999999999"}]')),
    ((9, "zfs.removed.pools[0].name", "is a dataset, not a pool"),
        removing('"pools": [{"name": "tank/x", "guid": "1"}]')),
    ((9, "zfs.removed.datasets[0].name", "is a pool, not a dataset"),
        removing('"datasets": [{"name": "pond", "guid": "1"}]')),
    ((9, "zfs.removed.datasets[0].name", "is declared as well, at zfs.datasets[0]"),
        removing('"datasets": [{"name": "tank/data", "guid": "1"}]')),
    ((9, "zfs.removed.datasets[1].name", "is removed twice"),
        removing('"datasets": [{"name": "tank/x", "guid": "1"}, {"name": "tank/x", "guid": "1"}]')),
    ((9, "zfs.removed.datasets[0].name", "its pool is removed as well"),
        removing('"pools": [{"name": "pond", "guid": "1"}],'
            ' "datasets": [{"name": "pond/x", "guid": "1"}]')),
    ((10, "zfs.removed.datasets[0].name", "tank/a/b below it is declared"),
        config(datasets=(dataset("a/b"),),
            zfs='\n"removed": {"datasets": [{"name": "tank/a", "guid": "1", "recursive": true}]}')),
    ((10, "zfs.removed.datasets[0].name", "is declared and protected as well"),
        config(datasets=(dataset("a", '"protected": true'),),
            zfs='\n"removed": {"datasets": [{"name": "tank/a", "guid": "1"}]}')),
    ((10, "zfs.removed.datasets[0].name", "takes along what zfs.datasets[0] is renamed from"),
        config(datasets=(dataset("a", '"renamed_from": "tank/b"'),),
            zfs='\n"removed": {"datasets": [{"name": "tank/b", "guid": "1"}]}')),
    ((10, "zfs.removed.storages[0]", "is declared as well, at zfs.datasets[0]"),
        config(datasets=(dataset("a", '"proxmox_storage_type": "dir"'),),
            zfs='\n"removed": {"storages": ["tank-a"]}')),
    ((9, "zfs.removed.storages[1]", "is removed twice"), removing('"storages": ["st", "st"]')),
    # the ARC
    ((8, "zfs.arc_max", "is declared twice"), config(zfs='"arc_max_gb": 1, "arc_max": 1073741824')),
    ((8, "zfs.arc_max_gb", "must be 0 or more"), config(zfs='"arc_max_gb": -1')),
    ((8, "zfs.arc_max_gb", "less than 64 MiB"), config(zfs='"arc_max_gb": 0.01')),
    ((8, "zfs.arc_max", "must be a whole number, not a number"), config(zfs='"arc_max": 1.5')),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "text"), ONE, ids=[f"{one[0][2]}" for one in ONE])
def test_one_fault(expected: Expected, text: str) -> None:
    """Each fault alone gives one problem: its line, its path, the words of its rule."""
    line, path, words = expected
    [problem] = problems(text)
    assert (line, path) == (problem.line, problem.path)
    assert words in problem.rule


@pytest.mark.parametrize("short", [(f'"disks": ["{A}"]',), ('"raid_level": "mirror"',), (
    '"raid_level": "mirror"', f'"disks": ["{C}", "{D}"]')])  # fmt: skip
def test_a_pool_has_one_form_or_the_other(short: tuple[str, ...]) -> None:
    """Each key of the short form beside the long one is a fault of its own."""
    text = long_pool(vdev("mirror", A, B), more="".join(f", {one}" for one in short))
    said = sorted(one.partition(":")[0].strip('"') for one in short)
    found = sorted(problems(text), key=lambda one: one.path)
    assert [f"{P}.{key}" for key in said] == [one.path for one in found]
    assert {one.rule for one in found} == {
        "is the short form of `vdevs`: declare the one or the other"
    }


def test_disks_of_a_vdev_that_is_none_are_looked_at_too() -> None:
    """Everything that is wrong is said at once, and what is right is not called wrong."""
    text = long_pool(vdev("raidz4", A, "/dev/sdb", A), more=f', "offline": ["{A}"]')
    assert {
        (f"{P}.vdevs[0].type", "must be single, stripe, mirror, raidz1, raidz2, raidz3 or a draid"),
        (f"{P}.vdevs[0].disks[2]", f"names this disk twice (at {P}.vdevs[0].disks[0])"),
    } <= {(one.path, one.rule) for one in problems(text)}
    assert {one.path.rpartition(".")[2] for one in problems(text)} == {
        "type", "disks[1]", "disks[2]",
    }  # fmt: skip
