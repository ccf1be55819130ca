"""A made-up host of any size, and the config that describes it: the same every time.

`python -m tests.benchmarks.big_state DIR` writes `state.json` and `config.json` there. By default
10,000 datasets on 1,000 disks, 500 of them registered as storages, as on a large cluster node.
Nothing is to be done on it, unless `drift` datasets are declared otherwise than they are.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from phoenix_plan.codec import state_to_json
from phoenix_plan.model.actual import Actual, ArcMax, Host
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import Disk, Identity, Label, LabelVdev, Partition, Signature, User
from phoenix_plan.model.pools import Activity, Pool, Property, Vdev
from phoenix_plan.model.proxmox import Reference, Storage, StorageConfig
from phoenix_plan.model.sizes import Bytes, Guid

HOST_ID = "5f1c2a77"
NODE = "pve-storage-01"

_SECTOR = 512
_RESERVED = 8 << 20
_ZFS_DATA = "6a898cc3-1dd2-11b2-99a6-080020736631"
_ZFS_RESERVED = "6a945a3b-1dd2-11b2-99a6-080020736631"
_MODELS = (
    ("ST16000NM001G-2KK103", 16_000_900_661_248, True),
    ("WDC  WUH721818AL5204", 18_000_207_937_536, True),
    ("SAMSUNG MZ7LH3T8HMLT-00005", 3_840_755_982_336, False),
)
_LAYOUTS = (("raidz2", 10), ("raidz2", 8), ("mirror", 2), ("raidz1", 5))
_NAMES = ("tank", "vault", "nvme", "archive", "backup", "scratch")
_FOLDERS = ("vm-disks", "lxc-disks", "backups", "iso", "shared-prod-data", "home", "postgres")
_PROPERTIES = (
    {"recordsize": "131072", "compression": "lz4", "atime": "off"},
    {"recordsize": "16384", "compression": "zstd", "sync": "standard"},
    {"recordsize": "1048576", "compression": "zstd", "quota": "1099511627776"},
)
_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "filesystem": {
        "atime": "on", "canmount": "on", "casesensitivity": "sensitive", "checksum": "on",
        "compression": "on", "encryption": "off", "normalization": "none", "quota": "0",
        "readonly": "off", "recordsize": "131072", "refquota": "0", "refreservation": "0",
        "reservation": "0", "sync": "standard", "utf8only": "off", "xattr": "sa",
    },
    "volume": {
        "checksum": "on", "compression": "on", "encryption": "off", "readonly": "off",
        "refreservation": "0", "reservation": "0", "sync": "standard", "volblocksize": "16384",
    },
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Scale:
    """How large a host to make up. `drift` datasets get a property declared that they lack."""

    datasets: int = 10_000
    disks: int = 1_000
    storages: int = 500
    drift: int = 0
    seed: int = 2026

    def times(self, factor: int) -> Scale:
        """The same, larger."""
        return attrs.evolve(
            self,
            datasets=self.datasets * factor,
            disks=self.disks * factor,
            storages=self.storages * factor,
            drift=self.drift * factor,
        )


@attrs.frozen(kw_only=True)
class BigHost:
    """A state and a config that goes with it, as JSON values."""

    actual: Actual
    config: dict[str, Any]


def make(scale: Scale | None = None) -> BigHost:
    """The host of that scale; the same scale gives the same host."""
    scale = scale or Scale()
    chance = random.Random(scale.seed)  # noqa: S311 - made-up data, the same every time
    maker = _Maker(chance)
    shapes = list(_pool_shapes(scale.disks, chance))
    pools: list[Pool] = []
    disks: list[Disk] = []
    declared: list[dict[str, Any]] = []
    for name, level, width in shapes:
        pool, members = maker.pool(name, level, width)
        pools.append(pool)
        disks += members
        paths = [disk.aliases[0] for disk in members]
        declared.append({"name": name, "raid_level": level, "disks": paths})
    disks += [maker.disk()[0] for _ in range(scale.disks - len(disks))]
    datasets = list(_datasets([pool.name for pool in pools], scale.datasets, maker))
    wanted = [_declared(dataset) for dataset in datasets if "/" in dataset.name]
    homes = [one for one in wanted if one.get("type") != "volume"][: scale.storages]
    storages = [_register(one) for one in homes]
    for one in wanted[:: max(1, len(wanted) // scale.drift)] if scale.drift else []:
        one["properties"] = {**one["properties"], "logbias": "throughput"}
    actual = Actual(
        id=f"{scale.seed:032x}",
        taken_at="2026-03-01T03:00:00Z",
        host=_host(),
        disks=tuple(disks),
        pools=tuple(pools),
        idle_pools=(),
        defaults=_DEFAULTS,
        datasets=tuple(datasets),
        storages=StorageConfig(digest="ab" * 20, storages=(_local(), *storages)),
        references=tuple(_references(storages, chance)),
        mounts={"/": "/dev/mapper/pve-root"}
        | {dataset.mountpoint: dataset.name for dataset in datasets if dataset.mounted},
        shares={},
        directories={dataset.mountpoint: "mounted" for dataset in datasets if dataset.mounted},
        arc_max=ArcMax(live=Bytes(0)),
    )
    return BigHost(actual=actual, config={"zfs": {"pools": declared, "datasets": wanted}})


def _pool_shapes(disks: int, chance: random.Random) -> Iterator[tuple[str, str, int]]:
    """Names, levels and widths of pools that take all but a few of the disks."""
    left = disks - disks // 50
    number = 0
    while True:
        level, width = chance.choice(_LAYOUTS)
        if width > left:
            return
        left -= width
        yield f"{_NAMES[number % len(_NAMES)]}{number:02d}", level, width
        number += 1


class _Maker:
    """Makes disks and pools that nobody has seen before."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._made = 0

    def guid(self) -> Guid:
        """A GUID of 19 or 20 digits."""
        return Guid(str(self._chance.randrange(1 << 62, 1 << 64)))

    def disk(self) -> tuple[Disk, str]:
        """A blank disk, and its by-id name."""
        at = self._made
        self._made += 1
        model, size, rotational = _MODELS[at % len(_MODELS)]
        serial = f"ZL{self._chance.randrange(36**6):06X}{at:05d}"
        wwn = f"0x5000c500{at:08x}"
        names = (
            f"/dev/disk/by-id/wwn-{wwn}",
            f"/dev/disk/by-id/scsi-3{wwn[2:]}",
            f"/dev/disk/by-path/pci-0000:3b:00.0-sas-phy{at}-lun-0",
        )
        return Disk(
            path=f"/dev/sd{_letters(at)}",
            identity=Identity(kind="wwn", value=wwn, unit="0", size=Bytes(size)),
            aliases=names,
            size=Bytes(size),
            logical_sector=_SECTOR,
            physical_sector=4096,
            model=model,
            serial=serial,
            wwn=wwn,
            transport="sas",
            rotational=rotational,
            emptiness="blank",
        ), names[0]

    def pool(self, name: str, level: str, width: int) -> tuple[Pool, list[Disk]]:
        """A pool that is well, of one vdev, and its disks."""
        guid, top, txg = self.guid(), self.guid(), str(self._chance.randrange(1 << 24))
        kind = "mirror" if level == "mirror" else "raidz"
        parity = 0 if kind == "mirror" else int(level[-1])
        blank = [self.disk() for _ in range(width)]
        leaves = [(self.guid(), f"{path}-part1") for _, path in blank]
        tree = LabelVdev(
            type=kind,
            guid=top,
            parity=parity,
            children=tuple(
                LabelVdev(type="disk", guid=leaf, index=at, path=path)
                for at, (leaf, path) in enumerate(leaves)
            ),
        )
        label = Label(
            part=1, copies=(0, 1, 2, 3), state="active", pool=name, pool_guid=guid, guid=top,
            top_guid=top, txg=txg, hostid=HOST_ID, hostname=NODE, ashift=12, top_level=1, tree=tree,
        )  # fmt: skip
        members = [
            _member(disk, attrs.evolve(label, guid=leaf))
            for (disk, _), (leaf, _) in zip(blank, leaves, strict=True)
        ]
        vdev = Vdev(
            guid=top,
            name=f"{level}-0" if kind == "raidz" else "mirror-0",
            type="mirror" if kind == "mirror" else "raidz",
            vdev_class="normal",
            state="ONLINE",
            parity=parity,
            children=tuple(
                Vdev(guid=leaf, name=path, path=path, type="disk", vdev_class="normal",
                     state="ONLINE")
                for leaf, path in leaves
            ),
        )  # fmt: skip
        size = sum(disk.size for disk, _ in blank)
        used = int(size * self._chance.uniform(0.1, 0.8))
        made = Pool(
            name=name,
            guid=guid,
            state="ONLINE",
            size=Bytes(size),
            allocated=Bytes(used),
            free=Bytes(size - used),
            vdevs=(vdev,),
            activities=(Activity(kind="scrub", state="finished"),),
            properties={
                "ashift": Property(value="12", source="local"),
                "autotrim": Property(value="on", source="local"),
                "autoreplace": Property(value="off", source="default"),
                "failmode": Property(value="wait", source="default"),
            },
            features={"feature@async_destroy": "enabled", "feature@raidz_expansion": "enabled"},
        )
        return made, members

    def dataset(self, name: str, kind: str, properties: Mapping[str, str]) -> Dataset:
        """A dataset; one in five has a week of snapshots."""
        used = self._chance.randrange(1 << 20, 1 << 39)
        days = range(1, 8) if self._chance.random() < 0.2 else ()
        volume = {"volsize": str((used >> 30) + 1 << 30)} if kind == "volume" else {}
        return Dataset(
            name=name,
            guid=self.guid(),
            type=kind,
            used=Bytes(used),
            available=Bytes(1 << 41),
            referenced=Bytes(used - used // 8),
            used_by_snapshots=Bytes(used // 8 if days else 0),
            mountpoint=f"/{name}" if kind == "filesystem" else "",
            mounted=kind == "filesystem",
            set={**properties, **volume},
            snapshots={f"daily-2026-02-{22 + day}": self.guid() for day in days},
            mounts=(f"/{name}",) if kind == "filesystem" else (),
        )


def _member(disk: Disk, label: Label) -> Disk:
    """A blank disk as it is once ZFS has taken it whole."""
    start = 1 << 20
    end = disk.size - _RESERVED
    parts = (
        Partition(
            number=1, start=Bytes(start), size=Bytes(end - start), type=_ZFS_DATA,
            label=f"zfs-{label.guid[:16]}", path=f"{disk.path}1",
            aliases=tuple(f"{alias}-part1" for alias in disk.aliases),
        ),
        Partition(
            number=9, start=Bytes(end), size=Bytes(_RESERVED), type=_ZFS_RESERVED,
            path=f"{disk.path}9", aliases=tuple(f"{alias}-part9" for alias in disk.aliases),
        ),
    )  # fmt: skip
    signature = Signature(
        part=1, offset=Bytes(0x20000), type="zfs_member", label=label.pool, uuid=label.pool_guid
    )
    user = User(
        kind="pool", subject=label.pool_guid, detail=f"member of pool {label.pool} ({label.state})"
    )
    return attrs.evolve(
        disk,
        table="gpt",
        partitions=parts,
        signatures=(signature,),
        labels=(label,),
        users=(user,),
        emptiness="occupied",
    )


def _letters(number: int) -> str:
    """The kernel's letters for the disk of that number: a, b, …, z, aa."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def _datasets(pools: Sequence[str], count: int, maker: _Maker) -> Iterator[Dataset]:
    """Root filesystems, folders below them, and guests' disks in the folders; parents first."""
    for pool in pools:
        yield maker.dataset(pool, "filesystem", {"compression": "lz4", "atime": "off"})
    left = count - len(pools)
    guest = 100
    turn = 0
    while left > 0:
        pool = pools[turn % len(pools)]
        round_ = turn // len(pools)
        folder = f"{_FOLDERS[round_ % len(_FOLDERS)]}{round_ // len(_FOLDERS) or ''}"
        home = f"{pool}/{folder}"
        yield maker.dataset(home, "filesystem", _PROPERTIES[turn % len(_PROPERTIES)])
        left -= 1
        for disk in range(min(left, 12)):
            yield maker.dataset(f"{home}/vm-{guest}-disk-{disk % 3}", "volume", {})
            left -= 1
            guest += disk % 3 == 2
        guest += 1
        turn += 1


def _declared(dataset: Dataset) -> dict[str, Any]:
    """A dataset as a config declares it."""
    pool, _, name = dataset.name.partition("/")
    properties = dict(dataset.set)
    size = properties.pop("volsize", None)
    volume = {"type": "volume", "volsize": size} if size else {}
    return {"name": name, "pool": pool, **volume, "properties": properties}


def _register(declared: dict[str, Any]) -> Storage:
    """Declare a dataset as a storage, and the section that Proxmox VE then has for it."""
    declared["proxmox_storage_type"] = "zfspool"
    declared["proxmox_content_type"] = "images,rootdir"
    pool, name = declared["pool"], declared["name"]
    return Storage(
        id=f"{pool}-{name}",
        type="zfspool",
        properties={"pool": f"{pool}/{name}", "content": "images,rootdir", "mountpoint": "/"},
    )


def _local() -> Storage:
    return Storage(
        id="local", type="dir", properties={"path": "/var/lib/vz", "content": "iso,vztmpl,backup"}
    )


def _references(storages: Sequence[Storage], chance: random.Random) -> Iterator[Reference]:
    for number, storage in enumerate(storages):
        for disk in range(chance.randrange(4)):
            yield Reference(
                owner=f"qemu/{100 + number}",
                node=NODE,
                key=f"scsi{disk}",
                storage=storage.id,
                volume=f"vm-{100 + number}-disk-{disk}",
            )


def _host() -> Host:
    return Host(
        hostname=NODE, machine="c0ffee" * 10 + "cafe", hostid=HOST_ID, zfs="2.3.9",
        zfs_kernel="2.3.9", pve="9.1.4", pve_storage="9.1.7", node=NODE, pmxcfs=True, quorate=True,
    )  # fmt: skip


def main() -> None:
    """Write a state and its config to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=1, help="so many times as large")
    parser.add_argument("--drift", type=int, default=0, help="datasets declared otherwise")
    options = parser.parse_args()
    host = make(Scale(drift=options.drift).times(options.times))
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "state.json").write_text(state_to_json(host.actual), encoding="utf-8")
    (options.folder / "config.json").write_text(json.dumps(host.config), encoding="utf-8")


if __name__ == "__main__":
    main()
