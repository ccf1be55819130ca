"""Pools in a short notation, as they are and as they are declared, for tables of transitions.

`mirror ABC; mirror DE; log F; cache G; spare H`: a type and the disks, one letter each, `;` between
vdevs; a class in front. A type that is not named is one disk, or several disks each by itself.
"""

from __future__ import annotations

import attrs

from phoenix_plan.model.actual import Actual, ArcMax, Host
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.desired import Desired, DesiredPool
from phoenix_plan.model.disks import Disk, Identity, Label, Partition, User
from phoenix_plan.model.layout import CLASSES, DesiredVdev, Layout, draid_type
from phoenix_plan.model.pools import Pool, Vdev, VdevClass, VdevState
from phoenix_plan.model.proxmox import StorageConfig
from phoenix_plan.model.sizes import Bytes, Guid

POOL = "tank"
SIZE = Bytes(1 << 40)


def layout(text: str) -> Layout:
    """A declaration in the short notation. Classes that it does not name are not declared; a class
    with nothing behind it (`spare`) is declared to be empty."""
    found: dict[VdevClass, list[DesiredVdev]] = {"normal": []}
    for part in text.split(";"):
        words = part.split()
        name: VdevClass = "normal"
        if words[0] in CLASSES:
            name, words = next(one for one in CLASSES if one == words[0]), words[1:]
        vdevs = found.setdefault(name, [])
        if not words:
            continue
        kind, letters = words if len(words) > 1 else ("disk", words[0])
        disks = tuple(path(letter) for letter in letters)
        if kind == "disk":
            vdevs += [DesiredVdev(type="disk", disks=(disk,)) for disk in disks]
        else:
            full = draid_type(kind, len(disks)) or kind
            vdevs.append(DesiredVdev(type=full, disks=disks))
    return {name: tuple(vdevs) for name, vdevs in found.items()}


def path(letter: str) -> str:
    """The by-id path of a disk."""
    return f"/dev/disk/by-id/{letter}"


def vdevs(text: str) -> tuple[Vdev, ...]:
    """The vdevs of a pool that is built so."""
    return tuple(
        _vdev(vdev, name, number)
        for number, (name, vdev) in enumerate(
            (name, vdev) for name, vdevs in layout(text).items() for vdev in vdevs
        )
    )


def _vdev(vdev: DesiredVdev, name: VdevClass, number: int) -> Vdev:
    state: VdevState = "AVAIL" if name == "spare" else "ONLINE"
    leaves = tuple(
        Vdev(
            guid=Guid(str(ord(disk[-1]))), name=f"{disk}-part1", path=f"{disk}-part1",
            type="disk", vdev_class=name, state=state,
        )
        for disk in vdev.disks
    )  # fmt: skip
    if vdev.type == "disk":
        return leaves[0]
    plain = vdev.type.partition(":")[0].rstrip("123")
    return Vdev(
        guid=Guid(str(1000 + number)), name=f"{vdev.type}-{number}", vdev_class=name,
        type=next(one for one in ("mirror", "raidz", "draid") if one == plain),
        parity=int(vdev.type[5]) if plain in ("raidz", "draid") else 0, state="ONLINE",
        children=leaves,
    )  # fmt: skip


def pool(text: str) -> Pool:
    """A pool that is built so, and well."""
    return Pool(
        name=POOL, guid=Guid("1"), state="ONLINE", size=SIZE, allocated=Bytes(SIZE // 4),
        free=Bytes(3 * SIZE // 4), vdevs=vdevs(text), properties={},
        features={"feature@raidz_expansion": "enabled"},
    )  # fmt: skip


def disk(letter: str, member: Vdev | None = None, top: Vdev | None = None) -> Disk:
    """A disk: blank, or a member of the pool."""
    plain = Disk(
        path=f"/dev/{letter}", size=SIZE, logical_sector=512, physical_sector=4096,
        identity=Identity(kind="serial", value=letter, unit="", size=SIZE),
        aliases=(path(letter),), emptiness="blank",
    )  # fmt: skip
    if member is None:
        return plain
    label = Label(
        part=1, copies=(0, 1, 2, 3), state="active", pool=POOL, pool_guid=Guid("1"),
        guid=member.guid, top_guid=Guid("") if top is None else top.guid, ashift=12,
        hostid="0a0b0c0d", hostname="pve1",
    )  # fmt: skip
    part = Partition(
        number=1, start=Bytes(1 << 20), size=Bytes(SIZE - (9 << 20)), type="bf01",
        path=f"/dev/{letter}1", aliases=(f"{path(letter)}-part1",),
    )  # fmt: skip
    user = User(kind="pool", subject="1", detail=f"member of pool {POOL}")
    return attrs.evolve(
        plain, emptiness="occupied", table="gpt", partitions=(part,), labels=(label,),
        users=(user,),
    )  # fmt: skip


def host_with(there: Pool, letters: str) -> Actual:
    """A host with that pool, and further blank disks by their letters."""
    members = {leaf.guid: (leaf, top) for top in there.vdevs for leaf in top.leaves() if leaf.path}
    disks = [
        disk(leaf.path.removesuffix("-part1")[-1], leaf, top) for leaf, top in members.values()
    ]
    root = Dataset(
        name=POOL, guid=Guid("2"), type="filesystem", used=Bytes(1), available=SIZE,
        referenced=Bytes(1), mountpoint=f"/{POOL}", mounted=True,
    )  # fmt: skip
    taken = {one.path[-1] for one in disks}
    disks += [disk(letter) for letter in letters if letter not in taken]
    return Actual(
        id="0" * 32, taken_at="2026-01-01T00:00:00Z",
        host=Host(
            hostname="pve1", machine="0" * 64, hostid="0a0b0c0d", zfs="2.3.9", zfs_kernel="2.3.9"
        ),
        disks=tuple(disks), pools=(there,), idle_pools=(), defaults={}, datasets=(root,),
        storages=StorageConfig(digest="0" * 40, storages=()), references=(), mounts={}, shares={},
        directories={f"/{POOL}": "absent"}, arc_max=ArcMax(live=Bytes(0)),
    )  # fmt: skip


def declared(text: str) -> Desired:
    """A config that wants the pool to be built so."""
    return Desired(digest="0" * 64, pools=(DesiredPool(name=POOL, vdevs=layout(text)),))
