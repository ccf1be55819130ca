"""Hosts and plans that together hold every kind of action."""

from __future__ import annotations

from typing import Any

from tests.apply.machine import MIB, PHOTOS, by_id, disk, host, pool, want
from tests.faults.kills import Scene

Json = dict[str, Any]


def _cfg(*blocks: tuple[str, ...]) -> list[str]:
    lines = ["dir: local", "\tpath /var/lib/vz", ""]
    for head, *rest in blocks:
        lines += [head, *(f"\t{one}" for one in rest), ""]
    return lines


def _recreate() -> Json:
    there = pool("tank", "mirror", "A", "B", vm={}, data={"referenced": 700 * MIB})
    cfg = _cfg(
        ("zfspool: tank-vm", "pool tank/vm", "content images"),
        ("dir: files", "path /tank/data", "content iso", "is_mountpoint 1"),
    )
    return host(there, storage_cfg=cfg)


def _datasets() -> Json:
    keep = pool(
        "keep", "mirror", "A", "B",
        old={"snapshots": {"monday": {}, "friday": {}}},
        old_child={"snapshots": {"monday": {}}},
        was={}, iso={}, some={"set": {"quota": "1G"}},
    )  # fmt: skip
    keep["set"] = {"ashift": "12"}
    cfg = _cfg(
        ("zfspool: gone", "pool keep/some", "content images"),
        ("zfspool: keep-some", "pool keep/some", "content images"),
    )
    made = host(keep, storage_cfg=cfg)
    made["disks"]["sde"]["signatures"] = [PHOTOS]
    return made


def _kept() -> Json:
    keep = pool(
        "keep", "mirror", "A", "B",
        old={"snapshots": {"monday": {}}}, lun={"type": "volume", "set": {"volsize": "2G"}},
        was={"set": {"casesensitivity": "sensitive"}},
    )  # fmt: skip
    keep["datasets"]["keep/old/child"] = {"set": {"readonly": "off"}}
    keep["datasets"]["keep/old/vol"] = {"type": "volume", "set": {"volsize": "1G"}}
    cfg = _cfg(("dir: files", "path /keep/old/child", "content iso", "is_mountpoint 1"))
    return host(keep, storage_cfg=cfg)


def _imported() -> Json:
    cold = pool("cold", "mirror", "C", "D", a={}, a_b={}, c={})
    cold |= {"state": "exported", "hostid": host()["hostid"], "hostname": "pve1"}
    return host(pool("keep", "mirror", "A", "B"), cold)


def _unrecognised() -> Json:
    made = host()
    made["disks"]["sde"]["data"] = [{"offset": "1G", "length": "1G", "bytes": "5a"}]
    return made


def _file_system() -> Json:
    made = _unrecognised()
    made["disks"]["sde"]["signatures"] = [{"offset": 1080, "type": "ext4", "uuid": "u"}]
    return made


def _boots_from_zfs() -> Json:
    made = host(pool("rpool", "mirror", "A", "B", ROOT={"set": {"mountpoint": "/"}}))
    made["mounts"] = [
        *(one for one in made["mounts"] if one["target"] != "/"),
        {"source": "rpool/ROOT", "target": "/", "type": "zfs"},
    ]
    return made


def _vdevs(made: Json, *, pace: int = 2, **changes: Any) -> Json:
    made |= changes
    there = host(made, pace=pace)
    there["disks"] |= {f"sd{letter.lower()}": disk(letter) for letter in "FGH"}
    return there


def _mirror_and_cache() -> Json:
    made = pool("tank", "mirror", "A", "B")
    made["vdevs"].append({"type": "disk", "path": by_id("C"), "class": "cache"})
    return _vdevs(made)


def _three_wide() -> Json:
    return _vdevs(pool("tank", "mirror", "A", "B", "C"))


def _one_offline() -> Json:
    made = pool("tank", "mirror", "A", "B")
    made["vdevs"][0]["children"][1]["state"] = "OFFLINE"
    return _vdevs(made)


def _raidz() -> Json:
    made = pool("tank", "raidz", "A", "B", "C")
    made["vdevs"][0]["parity"] = 1
    return _vdevs(made)


def _vdev(kind: str, letters: str) -> Json:
    return {"type": kind, "disks": [by_id(letter) for letter in letters]}


SCENES: dict[str, Scene] = {
    "a pool made anew": Scene(
        _recreate,
        {
            "pools": [want("tank", "raidz1", "A", "B", "C")],
            "datasets": [
                {"name": "vm", "pool": "tank", "proxmox_storage_type": "zfspool",
                 "proxmox_content_type": "images"},
                {"name": "data", "pool": "tank"},
            ],
        },
        frozenset({"disable-storage", "destroy-pool", "wipe-disk", "create-pool",
                   "create-dataset", "enable-storage"}),
    ),
    "datasets and storages": Scene(
        _datasets,
        {
            "pools": [
                want("keep", "mirror", "A", "B", properties="autotrim=on,autoexpand=on"),
                want("new", "single", "E"),
            ],
            "datasets": [
                {"name": "now", "pool": "keep", "renamed_from": "keep/was"},
                {"name": "some", "pool": "keep", "properties": "atime=on,quota=2G",
                 "proxmox_storage_type": "zfspool", "proxmox_content_type": "images,rootdir"},
                {"name": "iso", "pool": "keep", "proxmox_storage_type": "dir",
                 "proxmox_content_type": "iso"},
                {"name": "vol", "pool": "keep", "type": "volume", "volsize": "1G"},
            ],
            "arc_max_gb": 8,
            "removed": {
                "datasets": [{"name": "keep/old", "guid": "guid of keep/old", "recursive": True}],
                "storages": ["gone"],
            },
        },
        frozenset({"destroy-dataset", "rename-dataset", "set-dataset-properties",
                   "set-pool-properties", "create-dataset", "add-storage", "update-storage",
                   "remove-storage", "set-arc-max", "wipe-disk", "create-pool"}),
    ),
    "with nets under it": Scene(
        _kept,
        {
            "pools": [want("keep", "mirror", "A", "B")],
            "datasets": [
                {"name": "lun", "pool": "keep", "type": "volume", "volsize": "1G"},
                {"name": "was", "pool": "keep", "properties": "casesensitivity=insensitive"},
            ],
            "removed": {
                "datasets": [{"name": "keep/old", "guid": "guid of keep/old", "recursive": True}],
                "storages": ["files"],
            },
            "settings": {"nets": {"snapshot": True, "checkpoint": True, "retire": "30d"}},
        },
        frozenset({"snapshot-dataset", "set-dataset-properties", "retire-dataset",
                   "create-dataset", "remove-storage"}),
    ),
    "an import": Scene(
        _imported,
        {"pools": [want("keep", "mirror", "A", "B"), want("cold", "mirror", "C", "D")]},
        frozenset({"import-pool"}),
    ),
    "a host that boots from ZFS": Scene(
        _boots_from_zfs,
        {"pools": [want("data", "single", "C")], "arc_max_gb": 8},
        frozenset({"set-arc-max", "create-pool"}),
        again=frozenset({"update-initramfs -u -k all"}),
    ),
    "a disk with data that nobody recognises": Scene(
        _unrecognised,
        {"pools": [want("data", "single", "E")]},
        frozenset({"wipe-disk", "create-pool"}),
        again=frozenset({f"zero {by_id('E')}"}),
    ),
    "a disk with a file system that was in use": Scene(
        _file_system,
        {"pools": [want("data", "single", "E")]},
        frozenset({"wipe-disk", "create-pool"}),
        again=frozenset({f"zero {by_id('E')}"}),
    ),
    "a mirror wider, and another one under a checkpoint": Scene(
        lambda: _vdevs(pool("tank", "mirror", "A", "B")),
        {"pools": [{"name": "tank", "checkpoint": True,
                    "vdevs": [_vdev("mirror", "ABE"), _vdev("mirror", "CDF")]}]},
        frozenset({"attach-disk", "create-checkpoint", "add-vdev"}),
    ),
    "a checkpoint discarded, and a disk replaced": Scene(
        lambda: _vdevs(pool("tank", "mirror", "A", "B"), checkpoint=True),
        {"pools": [{"name": "tank", "checkpoint": False, "vdevs": [_vdev("mirror", "AD")]}]},
        frozenset({"discard-checkpoint", "replace-disk"}),
    ),
    "a cache that becomes a spare": Scene(
        _mirror_and_cache,
        {"pools": [{"name": "tank", "vdevs": [_vdev("mirror", "AB")], "cache": [],
                    "spare": [by_id("D")]}]},
        frozenset({"remove-vdev", "add-vdev"}),
    ),
    "a data vdev that goes": Scene(
        lambda: _vdevs(pool("tank", "stripe", "A", "B")),
        {"pools": [{"name": "tank", "vdevs": [_vdev("stripe", "A")]}]},
        frozenset({"remove-vdev"}),
    ),
    "a mirror less wide, one of it offline": Scene(
        _three_wide,
        {"pools": [{"name": "tank", "vdevs": [_vdev("mirror", "AB")], "offline": [by_id("B")]}]},
        frozenset({"detach-disk", "offline-disk"}),
    ),
    "a disk that comes back": Scene(
        _one_offline,
        {"pools": [{"name": "tank", "vdevs": [_vdev("mirror", "AB")]}]},
        frozenset({"online-disk"}),
    ),
    "a raidz wider": Scene(
        _raidz,
        {"pools": [{"name": "tank", "vdevs": [_vdev("raidz1", "ABCD")]}]},
        frozenset({"expand-raidz"}),
    ),
}  # fmt: skip
