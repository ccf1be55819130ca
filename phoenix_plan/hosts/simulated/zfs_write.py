"""`zfs create`, `destroy`, `rename`, `snapshot`, `clone`, `hold`, `release` on a simulated host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import properties, space
from phoenix_plan.hosts.simulated.busy import is_busy
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Dataset, Pool, Snapshot, World
from phoenix_plan.hosts.simulated.zfs_set import check_space, check_writable, mount_one

_COMPONENT = re.compile(r"[A-Za-z0-9_.:% -]+")


def open_dataset(world: World, name: str) -> tuple[Pool, Dataset]:
    """A dataset and its pool, or zfs's word for one that is not there."""
    pool, dataset = world.pool(name.partition("/")[0]), world.dataset(name)
    if pool is None or dataset is None:
        raise Refused(f"cannot open '{name}': dataset does not exist")
    check_writable(pool, name)
    return pool, dataset


def _new_place(world: World, name: str, what: str) -> Pool:
    """The pool in which a name is free and has a parent."""
    for part in name.split("/"):
        if not _COMPONENT.fullmatch(part):
            raise Refused(
                f"{what}: invalid character in name" if part else f"{what}: empty component in name"
            )
    pool = world.pool(name.partition("/")[0])
    if "/" not in name:
        raise Refused(f"{what}: missing dataset name")
    if pool is None:
        raise Refused(f"{what}: no such pool '{name.partition('/')[0]}'")
    check_writable(pool, name)
    if name in pool.datasets:
        raise Refused(f"{what}: dataset already exists")
    parent = pool.datasets.get(name.rpartition("/")[0])
    if parent is None:
        raise Refused(f"{what}: parent does not exist")
    if parent.type == "volume":
        raise Refused(f"{what}: parent is not a filesystem")
    return pool


def create(world: World, words: Sequence[str]) -> Output:
    """zfs-create(8)."""
    given, rest = options(words, "psunvP", "Vbo")
    if "n" in given or "p" in given:
        raise unmodelled(("zfs", "create", *words), "-n and -p are not simulated")
    if not rest:
        raise usage(
            "missing filesystem argument" if "V" not in given else "missing volume argument"
        )
    if len(rest) > 1:
        raise usage("too many arguments")
    name = rest[0]
    what = f"cannot create '{name}'"
    kind = "volume" if "V" in given else "filesystem"
    try:
        asked = dict(_assignments(given.get("o", [])))
        if "V" in given:
            asked["volsize"] = given["V"][-1]
        if "b" in given:
            asked["volblocksize"] = given["b"][-1]
        values = {
            key: properties.canonical(world, kind, key, value) for key, value in asked.items()
        }
    except ValueError as error:
        raise Refused(f"{what}: {error}") from error
    pool = _new_place(world, name, what)
    dataset = _made(world, pool, name, kind, values)
    if kind == "volume":
        _size_volume(world, dataset, what, sparse="s" in given)
    _encrypt(pool, dataset, what)
    check_space(world, pool, dataset, dataset.set, f"{what}: out of space", new=True)
    pool.datasets[name] = dataset
    pool.txg += 1
    if kind == "filesystem":
        dataset.mounted = False
        if "u" not in given and properties.may_mount(world, pool, dataset):
            mount_one(world, pool, dataset, "filesystem successfully created, but not mounted")
    return said()


def _assignments(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise usage("missing '=' for property=value argument")
        if key in seen:
            raise usage(f"property '{key}' specified multiple times")
        seen.add(key)
        yield key, value


def _made(world: World, pool: Pool, name: str, kind: str, values: dict[str, str]) -> Dataset:
    once = {key for key in values if ":" not in key and properties.table(world)[key].kind == "once"}
    small = min(1 << (pool.vdevs[0].ashift or 12), 4096) == 512
    own = 12288 if kind == "volume" else 24576
    return Dataset(
        name=name,
        type=kind,
        guid=world.new_guid(),
        referenced=own if small else own * 4,
        creation=world.now,
        txg=pool.txg,
        set={key: value for key, value in values.items() if key not in once},
        fixed={key: value for key, value in values.items() if key in once},
    )


def _size_volume(world: World, dataset: Dataset, what: str, *, sparse: bool) -> None:
    block = int(dataset.set.get("volblocksize", properties.table(world)["volblocksize"].default))
    size = int(dataset.set["volsize"])
    if block & (block - 1) or not 512 <= block <= 16 << 20:
        raise Refused(f"{what}: 'volblocksize' must be power of 2 from 512B to 128K")
    if size % block or not size:
        raise Refused(f"{what}: volume size must be a multiple of volume block size")
    if not sparse and "refreservation" not in dataset.set:
        copies = int(dataset.set.get("copies", "1"))
        dataset.set["refreservation"] = str(space.volume_reservation(size, block, copies))


def _encrypt(pool: Pool, dataset: Dataset, what: str) -> None:
    """An encrypted child takes its parent's key; a root of its own needs a format."""
    above = pool.datasets[dataset.parent].fixed
    own = dataset.fixed.get("encryption")
    if own is None and above.get("encryption", "off") != "off":
        dataset.fixed["encryption"] = above["encryption"]
        return
    rootless = above.get("encryption", "off") == "off" and "keyformat" not in dataset.fixed
    if own not in (None, "off") and rootless:
        raise Refused(f"{what}: Keyformat required for new encryption root.")


# Destroy


def dependents(world: World, dataset: Dataset) -> tuple[list[str], list[str]]:
    """Names below a dataset, and names of clones of its snapshots that lie elsewhere."""
    pool = world.pool(dataset.name.partition("/")[0])
    assert pool is not None, "it was opened"
    below, clones = [], []
    for one in (dataset, *_descendants(pool, dataset)):
        below += [one.name] if one is not dataset else []
        below += [f"{one.name}@{name}" for name in one.snapshots]
        clones += [clone.name for name in one.snapshots for clone in _clones(pool, one, name)]
    return below, [name for name in clones if name not in below]


def _descendants(pool: Pool, dataset: Dataset) -> list[Dataset]:
    start = f"{dataset.name}/"
    return [pool.datasets[name] for name in sorted(pool.datasets) if name.startswith(start)]


def _clones(pool: Pool, dataset: Dataset, snapshot: str) -> list[Dataset]:
    origin = f"{dataset.name}@{snapshot}"
    return [one for one in pool.datasets.values() if one.origin == origin]


def destroy(world: World, words: Sequence[str]) -> Output:
    """zfs-destroy(8): a dataset, or snapshots `dataset@one,two` of one dataset."""
    given, rest = options(words, "dfnprRvs")
    if "n" in given or "R" in given or "d" in given:
        raise unmodelled(("zfs", "destroy", *words), "that option is not simulated")
    if not rest:
        raise usage("missing dataset argument")
    if len(rest) > 1:
        raise usage("too many arguments")
    name, at, snapshots = rest[0].partition("@")
    pool, dataset = open_dataset(world, name)
    if at:
        _destroy_snapshots(pool, dataset, snapshots)
        return said()
    if dataset.name == pool.name:
        raise Refused(
            f"cannot destroy '{name}': operation does not apply to pools\n"
            f"use 'zfs destroy -r {name}' to destroy all datasets in the pool\n"
            f"use 'zpool destroy {name}' to destroy the pool itself"
        )
    below, clones = dependents(world, dataset)
    if below and "r" not in given:
        kind = dataset.type
        listed = "\n".join(below)
        raise Refused(
            f"cannot destroy '{name}': {kind} has children\n"
            f"use '-r' to destroy the following datasets:\n{listed}"
        )
    if clones:
        listed = "\n".join(clones)
        raise Refused(
            f"cannot destroy '{name}': {dataset.type} has dependent clones\n"
            f"use '-R' to destroy the following datasets:\n{listed}"
        )
    for one in reversed([dataset, *_descendants(pool, dataset)]):
        _destroy_one(world, pool, one)
    return said()


def _destroy_one(world: World, pool: Pool, dataset: Dataset) -> None:
    if is_busy(world, pool, dataset):
        if dataset.type == "volume":
            raise Refused(f"cannot destroy '{dataset.name}': dataset is busy")
        path = properties.mountpoint(world, pool, dataset)
        raise Refused(f"cannot unmount '{path}': pool or dataset is busy")
    held = [name for name, one in dataset.snapshots.items() if one.holds]
    if held:
        raise Refused(f"cannot destroy snapshot {dataset.name}@{held[0]}: dataset is busy")
    del pool.datasets[dataset.name]
    pool.txg += 1


def _destroy_snapshots(pool: Pool, dataset: Dataset, listed: str) -> None:
    names = [name for name in listed.split(",") if name in dataset.snapshots]
    if not names:
        raise Refused("could not find any snapshots to destroy; check snapshot names.")
    for name in names:
        clones = _clones(pool, dataset, name)
        if clones:
            told = "\n".join(clone.name for clone in clones)
            raise Refused(
                f"cannot destroy '{dataset.name}@{name}': snapshot has dependent clones\n"
                f"use '-R' to destroy the following datasets:\n{told}"
            )
    busy = [name for name in names if dataset.snapshots[name].holds]
    if busy:
        raise Refused(f"cannot destroy snapshot {dataset.name}@{busy[0]}: dataset is busy")
    for name in names:
        del dataset.snapshots[name]
    pool.txg += 1


# The rest


def rename(world: World, words: Sequence[str]) -> Output:
    """zfs-rename(8), of datasets within their pool."""
    given, rest = options(words, "fpru")
    if "p" in given or "r" in given:
        raise unmodelled(("zfs", "rename", *words), "that option is not simulated")
    if len(rest) != 2:
        raise usage(
            "missing source dataset argument" if not rest else "missing target dataset argument"
        )
    old, new = rest
    pool, dataset = open_dataset(world, old)
    what = f"cannot rename '{old}'"
    if new.partition("/")[0] != pool.name:
        raise Refused(f"cannot rename to '{new}': datasets must be within same pool")
    if dataset.name == pool.name or f"{new}/".startswith(f"{old}/"):
        raise Refused(
            f"{what}: operation does not apply to pools"
            if dataset.name == pool.name
            else f"{what}: New dataset name cannot be a descendant of current dataset name"
        )
    if new not in pool.datasets and new.rpartition("/")[0] not in pool.datasets:
        raise Refused(f"cannot open '{new.rpartition('/')[0]}': dataset does not exist")
    _new_place(world, new, what)
    stays = "u" in given
    if stays and dataset.type != "filesystem":
        raise Refused(f"cannot open '{old}': operation not applicable to datasets of this type")
    moved = [dataset, *_descendants(pool, dataset)]
    busy = next((one for one in moved if is_busy(world, pool, one) and not stays), None)
    if busy is not None and busy.type == "filesystem":
        path = properties.mountpoint(world, pool, busy)
        raise Refused(f"cannot unmount '{path}': pool or dataset is busy")
    for one in moved:
        del pool.datasets[one.name]
        _rename_origins(pool, one.name, new + one.name.removeprefix(old))
        one.name = new + one.name.removeprefix(old)
        pool.datasets[one.name] = one
    for one in moved:
        if one.mounted and not stays:
            one.mounted = properties.mountpoint(world, pool, one).startswith("/")
    pool.txg += 1
    return said()


def _rename_origins(pool: Pool, old: str, new: str) -> None:
    for one in pool.datasets.values():
        if one.origin.startswith(f"{old}@"):
            one.origin = new + one.origin.removeprefix(old)


def snapshot(world: World, words: Sequence[str]) -> Output:
    """zfs-snapshot(8)."""
    given, rest = options(words, "r", "o")
    if "r" in given or "o" in given:
        raise unmodelled(("zfs", "snapshot", *words), "that option is not simulated")
    for full in rest:
        name, at, short = full.partition("@")
        if not at:
            raise Refused(f"invalid snapshot name '{full}'", 2)
        pool, dataset = open_dataset(world, name)
        if short in dataset.snapshots:
            raise Refused(f"cannot create snapshot '{full}': dataset already exists")
        pool.txg += 1
        dataset.snapshots[short] = Snapshot(
            name=short, guid=world.new_guid(), referenced=dataset.referenced, txg=pool.txg
        )
    return said()


def clone(world: World, words: Sequence[str]) -> Output:
    """zfs-clone(8)."""
    given, rest = options(words, "p", "o")
    if given:
        raise unmodelled(("zfs", "clone", *words), "that option is not simulated")
    if len(rest) != 2:
        raise usage(
            "missing source dataset argument" if not rest else "missing target dataset argument"
        )
    source, _, short = rest[0].partition("@")
    pool, dataset = open_dataset(world, source)
    if short not in dataset.snapshots:
        raise Refused(f"cannot open '{rest[0]}': dataset does not exist")
    _new_place(world, rest[1], f"cannot create '{rest[1]}'")
    made = _made(world, pool, rest[1], dataset.type, {})
    made.origin, made.referenced = rest[0], 0
    pool.datasets[made.name] = made
    if made.type == "filesystem":
        made.mounted = properties.mounts_by_itself(world, pool, made)
    else:
        made.set = {"volsize": dataset.set["volsize"]}
    return said()


def hold(world: World, words: Sequence[str], *, release: bool) -> Output:
    """zfs-hold(8) and zfs-release(8)."""
    _, rest = options(words, "r")
    if len(rest) < 2:
        raise usage("missing tag argument" if not rest else "missing snapshot argument")
    tag = rest[0]
    for full in rest[1:]:
        name, _, short = full.partition("@")
        _, dataset = open_dataset(world, name)
        found = dataset.snapshots.get(short)
        verb = "release" if release else "hold snapshot"
        if found is None:
            raise Refused(f"cannot {verb} '{full}': dataset does not exist")
        if (tag in found.holds) != release:
            told = (
                "tag already exists on this dataset"
                if not release
                else "no such tag on this dataset"
            )
            raise Refused(f"cannot {verb} '{full}': {told}")
        if release:
            found.holds.remove(tag)
        else:
            found.holds.append(tag)
    return said()
