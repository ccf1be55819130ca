"""Small hands for building hosts in tests: a disk, a pool, a dataset, and what is around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from phoenix_plan.model.actual import Actual, ArcMax, Host, Unknown
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.desired import Desired, DesiredDataset, DesiredPool, DesiredStorage
from phoenix_plan.model.disks import Disk, Identity, Label, Signature, User
from phoenix_plan.model.layout import DesiredVdev
from phoenix_plan.model.pools import IdlePool, Pool, Property, Vdev, VdevClass
from phoenix_plan.model.proxmox import Reference, Storage, StorageConfig
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.plan import Plan, make_plan

GIB = 1 << 30
HOST_ID = "37487e0c"


def by_id(name: str) -> str:
    """The by-id path of a disk called `name`."""
    return f"/dev/disk/by-id/virtio-{name}"


def disk(name: str, **changes: Any) -> Disk:
    """A blank disk of 1 GiB; its kernel name is /dev/vd and the last letter of `name`."""
    size = Bytes(changes.pop("size", GIB))
    made = Disk(
        path=f"/dev/vd{name[-1].lower()}",
        identity=Identity(kind="serial", value=name, unit="", size=size),
        aliases=(by_id(name),),
        size=size,
        logical_sector=512,
        physical_sector=512,
        serial=name,
        emptiness="blank",
    )
    return attrs.evolve(made, **changes)


def occupied(name: str, kind: str = "ext4", **changes: Any) -> Disk:
    """A disk that holds a signature."""
    signature = Signature(part=0, offset=Bytes(0x438), type=kind, uuid=f"uuid-of-{name}")
    return disk(name, emptiness="occupied", signatures=(signature,), **changes)


def used(name: str, kind: str = "mounted", **changes: Any) -> Disk:
    """A disk that something uses."""
    user = User(kind=kind, subject="x", detail=f"{kind} by something")  # type: ignore[arg-type]
    return occupied(name, users=(user,), **changes)


def member(name: str, pool: str, **changes: Any) -> Disk:
    """A disk that an imported pool has."""
    guid = Guid(guid_of(pool))
    label = Label(
        part=1, copies=(0, 1, 2, 3), state="active", pool=pool, pool_guid=guid,
        guid=Guid(guid_of(name)), top_guid=Guid(guid_of(pool + "/0")), hostid=HOST_ID,
        hostname="pve1", ashift=12,
    )  # fmt: skip
    user = User(kind="pool", subject=guid, detail=f"member of pool {pool}")
    made = disk(name, emptiness="occupied", table="gpt", labels=(label,), users=(user,))
    return attrs.evolve(made, **changes)


def guid_of(name: str) -> str:
    """A GUID for a name, the same every time."""
    return str(int.from_bytes(name.encode()[:8].rjust(8, b"g"), "big"))


def leaf(name: str, state: Any = "ONLINE") -> Vdev:
    """A disk vdev, as ZFS names the data partition of a whole disk."""
    path = by_id(name) + "-part1"
    return Vdev(
        guid=Guid(guid_of(name)), name=path, path=path, type="disk", vdev_class="normal",
        state=state,
    )  # fmt: skip


def top(kind: str, pool: str, *names: str, **changes: Any) -> Vdev:
    """A top-level vdev: `mirror`, `raidz1`, …"""
    plain = kind.rstrip("0123456789")
    parity = int(kind[len(plain) :] or 0)
    made = Vdev(
        guid=Guid(guid_of(pool + "/0")),
        name=f"{kind}-0",
        type=plain,  # type: ignore[arg-type]
        vdev_class="normal",
        state="ONLINE",
        parity=parity,
        children=tuple(leaf(name) for name in names),
    )
    return attrs.evolve(made, **changes)


def pool(name: str, *vdevs: Vdev, **changes: Any) -> Pool:
    """An imported pool that is well."""
    made = Pool(
        name=name,
        guid=Guid(guid_of(name)),
        state="ONLINE",
        size=Bytes(GIB),
        allocated=Bytes(GIB // 4),
        free=Bytes(GIB - GIB // 4),
        vdevs=vdevs,
        properties={"autotrim": Property(value="on", source="local")},
        features={},
    )
    return attrs.evolve(made, **changes)


def idle_pool(name: str, *vdevs: Vdev, disks: Iterable[str], **changes: Any) -> IdlePool:
    """An exported pool whose last user is this host."""
    made = IdlePool(
        name=name, guid=Guid(guid_of(name)), state="exported", hostid=HOST_ID, hostname="pve1",
        vdevs=vdevs, disks=tuple(disks), complete=True, importable="ONLINE",
    )  # fmt: skip
    return attrs.evolve(made, **changes)


def dataset(name: str, **changes: Any) -> Dataset:
    """A filesystem of 1 MiB that mounts at its default place."""
    made = Dataset(
        name=name, guid=Guid(guid_of(name)), type="filesystem", used=Bytes(1 << 20),
        available=Bytes(GIB // 2), referenced=Bytes(1 << 20), mountpoint=f"/{name}", mounted=True,
    )  # fmt: skip
    return attrs.evolve(made, **changes)


DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "filesystem": {
        "atime": "on", "compression": "on", "recordsize": "131072", "quota": "0", "refquota": "0",
        "reservation": "0", "sync": "standard", "checksum": "on", "encryption": "off",
        "casesensitivity": "sensitive", "normalization": "none", "utf8only": "off",
        "readonly": "off", "canmount": "on",
    },
    "volume": {
        "compression": "on", "volblocksize": "16384", "sync": "standard", "encryption": "off",
    },
}  # fmt: skip


def storage(identifier: str, kind: str = "zfspool", **properties: str) -> Storage:
    """A section of storage.cfg; `_` in a key stands for `-`."""
    return Storage(
        id=identifier,
        type=kind,
        properties={key.replace("_", "-"): value for key, value in properties.items()},
    )


def reference(owner: str, storage_id: str, volume: str = "vm-100-disk-0") -> Reference:
    """A guest's or a job's reference to a volume."""
    return Reference(owner=owner, node="pve1", key="scsi0", storage=storage_id, volume=volume)


def host(**changes: Any) -> Host:
    """A standalone Proxmox host."""
    made = Host(
        hostname="pve1", machine="0" * 32, hostid=HOST_ID, zfs="2.3.9", zfs_kernel="2.3.9",
        pve="9.1.4", pve_storage="9.1.7", node="pve1", pmxcfs=True,
    )  # fmt: skip
    return attrs.evolve(made, **changes)


def actual(
    *disks: Disk,
    pools: Iterable[Pool] = (),
    idle: Iterable[IdlePool] = (),
    datasets: Iterable[Dataset] = (),
    storages: Iterable[Storage] = (),
    references: Iterable[Reference] = (),
    unknown: Iterable[str] = (),
    **changes: Any,
) -> Actual:
    """What is there. The root dataset of every pool is added where it is not given; directories
    that a test does not name were looked at and are absent."""
    pools, datasets = tuple(pools), list(datasets)
    names = {one.name for one in datasets}
    datasets += [dataset(one.name) for one in pools if one.name not in names]
    made = Actual(
        id="00000000-0000-4000-8000-000000000000",
        taken_at="2026-11-23T08:00:00Z",
        host=host(),
        disks=tuple(disks),
        pools=pools,
        idle_pools=tuple(idle),
        defaults=DEFAULTS,
        datasets=tuple(sorted(datasets, key=lambda one: one.name)),
        storages=StorageConfig(digest="0" * 40, storages=tuple(storages)),
        references=tuple(references),
        mounts={},
        shares={},
        directories=changes.pop("directories", _Absent()),
        arc_max=ArcMax(live=Bytes(0)),
        unknown=tuple(Unknown(source=source, message="said no") for source in unknown),
    )
    return attrs.evolve(made, **changes)


class _Absent(dict[str, Any]):
    """Every directory was looked at, and is not there."""

    def get(self, _key: str, _default: Any = None) -> Any:
        return "absent"


def desired(
    *pools: DesiredPool,
    datasets: Iterable[DesiredDataset] = (),
    storages: Iterable[DesiredStorage] = (),
    **changes: Any,
) -> Desired:
    """What is wanted."""
    return Desired(
        digest="d" * 64,
        pools=tuple(pools),
        datasets=tuple(datasets),
        storages=tuple(storages),
        **changes,
    )


def want_pool(name: str, level: Any, *disks: str, **changes: Any) -> DesiredPool:
    """A declared pool on disks by their short names."""
    vdevs = {**layout(level, *(by_id(d) for d in disks)), **changes.pop("vdevs", {})}
    return DesiredPool(name=name, vdevs=vdevs, **changes)


def layout(level: str, *disks: str) -> dict[VdevClass, tuple[DesiredVdev, ...]]:
    """The short form of a config: one data vdev, or a stripe of disks."""
    if level == "stripe":
        return {"normal": tuple(DesiredVdev(type="disk", disks=(disk,)) for disk in disks)}
    return {"normal": (DesiredVdev(type=level, disks=disks),)}


def planned(wanted: Desired, there: Actual) -> Plan:
    """The plan; short for tests."""
    return make_plan(wanted, there)


def ids(plan: Plan) -> list[str]:
    """The ids of the planned actions, in order."""
    return [row.id for row in plan.actions]


def codes(plan: Plan, severity: str = "error") -> list[str]:
    """The codes of the findings of one severity."""
    return [finding.code for finding in plan.findings if finding.severity == severity]
