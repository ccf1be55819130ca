"""Which devices `zpool create`, `add`, `attach` and `replace` take: the checks of
cmd/zpool/zpool_vdev.c and its Linux part, in their order and words (OpenZFS 2.1 to 2.3).

What they let pass is let pass here: MBR tables, GPT partitions that blkid knows nothing of,
destroyed pools' disks, spares and caches of exported pools, raw data.
"""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.hosts.simulated import replication
from phoenix_plan.hosts.simulated.media import (
    MIB,
    find_node,
    kernel_partitions,
    label_leaf,
    node_name,
)
from phoenix_plan.hosts.simulated.replication import device_size
from phoenix_plan.hosts.simulated.tool import Refused
from phoenix_plan.hosts.simulated.world import Disk, Pool, Vdev, World

SMALLEST = 64 * MIB

_GROUPS = {"mirror": ("mirror", 0), "raidz": ("raidz", 1)}
_GROUPS |= {f"raidz{parity}": ("raidz", parity) for parity in (1, 2, 3)}
_CLASSES = ("log", "special", "dedup", "cache", "spare")


def parse(words: Sequence[str]) -> list[Vdev]:
    """The top-level vdevs that a command line names, without GUIDs."""
    found: list[Vdev] = []
    vdev_class, seen = "normal", set[str]()
    todo = list(words)
    while todo:
        word = todo.pop(0)
        if word in _CLASSES:
            if word in seen:
                raise Refused(f"invalid vdev specification: '{word}' can be specified only once", 1)
            seen.add(word)
            vdev_class = word
        elif word in _GROUPS:
            kind, parity = _GROUPS[word]
            members: list[str] = []
            while todo and todo[0] not in _GROUPS and todo[0] not in _CLASSES:
                members.append(todo.pop(0))
            _check_group(vdev_class, word)
            least = 2 if kind == "mirror" else parity + 1
            if len(members) < least:
                raise Refused(
                    f"invalid vdev specification: {word} requires at least {least} devices"
                )
            children = [Vdev(type="disk", path=path) for path in members]
            found.append(Vdev(type=kind, parity=parity, vdev_class=vdev_class, children=children))
        else:
            found.append(Vdev(type="disk", path=word, vdev_class=vdev_class))
    return found


def _check_group(vdev_class: str, word: str) -> None:
    """Caches and spares are single devices, the other extra classes devices or mirrors."""
    if vdev_class in ("cache", "spare"):
        raise Refused(f"invalid vdev specification: {vdev_class} requires at least 1 devices")
    if vdev_class != "normal" and word != "mirror":
        raise Refused(f"invalid vdev specification: unsupported '{vdev_class}' device: {word}")


def check(world: World, tops: Sequence[Vdev], pool: Pool | None, *, force: bool) -> None:
    """Refuse what is not there, in use or unlike. Nothing is written."""
    for top in tops:
        for leaf in top.leaves():
            if find_node(world, leaf.path) is None:
                raise Refused(_not_there(leaf.path))
    complaints: list[str] = []
    for top in tops:
        for leaf in top.leaves():
            complaint = _in_use(world, leaf.path, spare=top.vdev_class == "spare", force=force)
            if complaint:
                complaints.append(complaint)
                break
    if not complaints and not force:
        complaints += replication.complaints(world, tops, pool)
    if complaints:
        how = (
            "the following errors must be manually repaired:"
            if force
            else "use '-f' to override the following errors:"
        )
        raise Refused("\n".join(("invalid vdev specification", how, *complaints)))


def _not_there(path: str) -> str:
    if path.startswith("/"):
        return f"cannot resolve path '{path}'"
    return (
        f"cannot open '{path}': no such device in /dev\n"
        "must be a full path or shorthand device name"
    )


def _in_use(world: World, path: str, *, spare: bool, force: bool) -> str:
    """Why a device can't be taken; empty where it can (check_disk, check_slice, check_file)."""
    node = find_node(world, path)
    assert node is not None, "looked for before"
    disk, part = node
    if disk.unreadable:
        raise Refused(f"cannot open '{path}': {disk.unreadable}")
    if is_claimed(world, disk, part) and not spare:
        seen = blkid_type(disk, part) or "unknown"
        raise Refused(f"{path} is in use and contains a {seen} filesystem.")
    if part or disk.table in ("", "mbr"):
        return _slice(world, disk, part, path, spare=spare, force=force)
    if disk.table == "backup-gpt":
        return "" if force else f"{path} contains a corrupt primary EFI label."
    for partition in kernel_partitions(disk):
        by_link = path.startswith("/dev/disk/")
        name = f"{path}-part{partition.number}" if by_link else ""
        name = name or f"/dev/{node_name(disk, partition.number)}"
        said = _slice(world, disk, partition.number, name, spare=spare, force=force)
        if said:
            return said
    return ""


def _slice(world: World, disk: Disk, part: int, path: str, *, spare: bool, force: bool) -> str:
    seen = blkid_type(disk, part)
    if seen != "zfs_member":
        return f"{path} contains a filesystem of type '{seen}'" if seen and not force else ""
    for label in disk.labels:
        if label.part != part:
            continue
        if label.state in ("spare", "l2cache"):
            owner = _aux_owner(world, label.guid)
            if owner and not spare:
                reserved = label.state == "spare"
                words = "reserved as a hot spare for pool" if reserved else "part of active pool"
                return (
                    f"{path} is {words} '{owner}'" if not reserved else f"{path} is {words} {owner}"
                )
            continue
        if label.state == "destroyed" or label.txg == "0":
            continue
        owner_pool = next((one for one in world.imported() if one.guid == label.pool_guid), None)
        active = owner_pool is not None
        if owner_pool and all(leaf.guid != label.guid for leaf in owner_pool.leaves()):
            continue  # detached while it was offline: the pool knows nothing of it any more
        state = "exported" if label.state == "exported" else "potentially active"
        state = "active" if active else state
        if active or not force:
            return f"{path} is part of {state} pool '{label.pool}'"
    return ""


def _aux_owner(world: World, guid: str) -> str:
    """The imported pool that has a spare or cache of that GUID."""
    for pool in world.imported():
        if any(vdev.guid == guid for vdev in pool.vdevs):
            return pool.name
    return ""


def blkid_type(disk: Disk, part: int) -> str:
    """What blkid calls a device's content; empty where it knows nothing."""
    if any(label.part == part for label in disk.labels):
        return "zfs_member"
    tables = ("gpt", "PMBR", "dos")
    types = [one.type for one in disk.signatures if one.part == part and one.type not in tables]
    return types[0] if types else ""


def is_claimed(world: World, disk: Disk, part: int) -> bool:
    """Whether the kernel refuses to open it exclusively: mounted, swap, or built upon. A claimed
    partition claims its disk, a claimed disk its partitions."""
    names = {node_name(disk, number.number) for number in disk.partitions} if not part else set()
    names |= {disk.name, node_name(disk, part)}
    paths = {f"/dev/{name}" for name in names}
    mounted = any(_real(world, mount.source) in paths for mount in world.mounts)
    swapped = any(_real(world, path) in paths for path in world.swaps)
    built = any(names & set(device.on) for device in world.devices.values())
    active = {leaf.guid for pool in world.imported() for leaf in pool.leaves()}
    member = any(label.guid in active and part in (0, label.part) for label in disk.labels)
    return mounted or swapped or built or member


def _real(world: World, path: str) -> str:
    node = find_node(world, path)
    return f"/dev/{node_name(*node)}" if node else path


def label_all(world: World, tops: Sequence[Vdev]) -> bool:
    """Partition and clear the devices, one by one. False where one is named twice: the kernel will
    find its own label on it."""
    seen = set[str]()
    for top in tops:
        for leaf in top.leaves():
            node = find_node(world, leaf.path)
            assert node is not None, "checked before"
            if node_name(*node) in seen:
                return False
            seen.add(node_name(*node))
            if node[0].read_only:
                raise Refused(
                    f"cannot label '{leaf.path.rpartition('/')[2]}': Read-only file system"
                )
            label_leaf(world, leaf)
    return True


def too_small(world: World, tops: Sequence[Vdev]) -> bool:
    """Whether a device is smaller than ZFS takes (SPA_MINDEVSIZE)."""
    return any(device_size(world, leaf) < SMALLEST for top in tops for leaf in top.leaves())


def default_ashift(world: World, top: Vdev) -> int:
    """The largest that a member asks for."""
    nodes = (find_node(world, leaf.path) for leaf in top.leaves())
    return max(
        (node[0].physical_sector.bit_length() - 1 for node in nodes if node is not None), default=9
    )
