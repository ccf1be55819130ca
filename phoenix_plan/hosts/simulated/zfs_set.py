"""`zfs set`, `inherit`, `mount` and `unmount` on a simulated host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import directories, properties, space
from phoenix_plan.hosts.simulated.busy import is_busy
from phoenix_plan.hosts.simulated.tool import Refused, options, said, usage
from phoenix_plan.hosts.simulated.world import Dataset, Pool, World


def _open(world: World, name: str) -> tuple[Pool, Dataset]:
    pool, dataset = world.pool(name.partition("/")[0]), world.dataset(name)
    if pool is None or dataset is None:
        raise Refused(f"cannot open '{name}': dataset does not exist")
    return pool, dataset


def check_writable(pool: Pool, name: str) -> None:
    """zfs's word for a dataset of a pool that was imported read-only (EZFS_POOLREADONLY)."""
    if pool.readonly:
        raise Refused(f"cannot change '{name}': pool is read-only")


def check_space(
    world: World,
    pool: Pool,
    dataset: Dataset,
    values: Mapping[str, str],
    too_much: str,
    *,
    new: bool = False,
) -> None:
    """Refuse reservations that do not fit; of a new dataset, its parent has what is free."""
    asked = max(int(values.get(name, "0")) for name in ("reservation", "refreservation"))
    if not asked:
        return
    if new:
        free = space.Usage(world, pool).available(pool.datasets[dataset.parent])
    else:
        # Quotas of the same command count already: the kernel tries again what did not fit at first
        # (zfs_set_prop_nvlist).
        before = dict(dataset.set)
        dataset.set |= {key: values[key] for key in ("quota", "refquota") if key in values}
        usage = space.Usage(world, pool)
        free = usage.available(dataset) + usage.used(dataset)
        dataset.set = before
    if asked > free:
        raise Refused(too_much)


def set_properties(world: World, words: Sequence[str]) -> Output:
    """zfs-set(8): all values are checked before the first is set."""
    given, rest = options(words, "u")
    if not rest:
        raise usage("missing property=value argument")
    pairs = [word for word in rest if "=" in word]
    names = [word for word in rest if "=" not in word]
    if not pairs:
        raise usage("missing value in property=value argument")
    if not names:
        raise usage("missing dataset name")
    for name in names:
        pool, dataset = _open(world, name)
        check_writable(pool, name)
        _set(world, pool, dataset, pairs, mount="u" not in given)
    return said()


def _set(world: World, pool: Pool, dataset: Dataset, pairs: Sequence[str], *, mount: bool) -> None:
    what = f"cannot set property for '{dataset.name}'"
    values: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key in values:
            raise usage(f"property '{key}' specified multiple times")
        try:
            values[key] = properties.canonical(world, dataset.type, key, value)
            _settable(world, dataset, key, values[key])
        except ValueError as error:
            raise Refused(f"{what}: {error}") from error
    values |= _with_volume(world, dataset, values)
    _check_limits(world, pool, dataset, values, what)
    check_space(world, pool, dataset, values, f"{what}: size is greater than available space")
    before = {one.name: _place(world, pool, one) for one in _mounted_below(pool, dataset)}
    moves = mount and {"mountpoint", "canmount"} & set(values)
    # canmount=noauto or on leaves what is mounted alone (zfs_prop_set_list_flags).
    unmounts = moves and ("mountpoint" in values or values.get("canmount") == "off")
    if unmounts and any(is_busy(world, pool, pool.datasets[name]) for name in before):
        busy = next(name for name in before if is_busy(world, pool, pool.datasets[name]))
        raise Refused(f"cannot unmount '{before[busy]}': pool or dataset is busy")
    dataset.set |= values
    pool.txg += 1
    if moves:
        _remount(world, pool, dataset, set(before))


def _settable(world: World, dataset: Dataset, key: str, value: str) -> None:
    """Raises ValueError for what is set when a dataset is created, and never after."""
    if ":" in key:
        return
    prop = properties.table(world)[key]
    if prop.kind in ("once", "volume") and key not in ("volsize",):
        raise ValueError(f"'{key}' is readonly")
    if key == "volsize":
        default = properties.table(world)["volblocksize"].default
        block = int(dataset.set.get("volblocksize", default))
        if int(value) % block or not int(value):
            raise ValueError(f"'volsize' must be a multiple of volume block size ({block >> 10}K)")


def _with_volume(world: World, dataset: Dataset, values: Mapping[str, str]) -> dict[str, str]:
    """The reservation of a volume that is not sparse grows with it (zfs_add_synthetic_resv)."""
    if "volsize" not in values or "refreservation" in values:
        return {}
    default = properties.table(world)["volblocksize"].default
    block = int(dataset.set.get("volblocksize", default))
    copies = int(dataset.set.get("copies", "1"))
    had = space.volume_reservation(int(dataset.set["volsize"]), block, copies)
    if int(dataset.set.get("refreservation", "0")) != had:
        return {}
    wanted = space.volume_reservation(int(values["volsize"]), block, copies)
    return {"refreservation": str(wanted)}


def _check_limits(
    world: World, pool: Pool, dataset: Dataset, values: Mapping[str, str], what: str
) -> None:
    if not {"quota", "refquota"} & set(values):
        return
    used_now = space.Usage(world, pool).used(dataset)
    for key, used in (("quota", used_now), ("refquota", dataset.referenced)):
        limit = int(values.get(key, "0"))
        promised = int(values.get("reservation", dataset.set.get("reservation", "0")))
        if limit and limit < max(used, promised if key == "quota" else 0):
            raise Refused(f"{what}: size is less than current used or reserved space")


def _mounted_below(pool: Pool, dataset: Dataset) -> list[Dataset]:
    start = f"{dataset.name}/"
    return [
        one
        for one in pool.datasets.values()
        if one.mounted and (one is dataset or one.name.startswith(start))
    ]


def _place(world: World, pool: Pool, dataset: Dataset) -> str:
    return properties.mountpoint(world, pool, dataset)


def _remount(world: World, pool: Pool, dataset: Dataset, mounted: set[str]) -> None:
    """What was mounted mounts at its new place, or nowhere; a filesystem that may mount now, does
    (changelist_postfix)."""
    for name in {dataset.name, *mounted}:
        one = pool.datasets[name]
        if one.type != "filesystem":
            continue
        may = properties.mounts_by_itself(world, pool, one)
        noauto = one.set.get("canmount") == "noauto" and name in mounted
        kept = noauto and _place(world, pool, one).startswith("/")
        one.mounted = kept or (may and (name in mounted or name == dataset.name))


def inherit(world: World, words: Sequence[str]) -> Output:
    """zfs-inherit(8)."""
    _, rest = options(words, "rS")
    if len(rest) < 2:
        raise usage("missing property argument" if not rest else "missing dataset argument")
    key = rest[0]
    for name in rest[1:]:
        pool, dataset = _open(world, name)
        check_writable(pool, name)
        if ":" not in key:
            prop = properties.table(world).get(key)
            if prop is None:
                raise usage(f"invalid property '{key}'")
            if prop.kind != "i":
                raise Refused(f"'{key}' property cannot be inherited\n"
                              f"use 'zfs set {key}=none' to clear", 1)  # fmt: skip
        mounted = {one.name for one in _mounted_below(pool, dataset)}
        dataset.set.pop(key, None)
        if key == "mountpoint":
            _remount(world, pool, dataset, mounted)
    return said()


def mount_one(world: World, pool: Pool, dataset: Dataset, also: str = "") -> None:
    """Mount a filesystem at its place. `also` is what the caller adds where that fails."""
    place = _place(world, pool, dataset)
    state = directories.state(world, place)
    overlay = properties.effective(world, pool, dataset, "overlay")[0] == "on"
    problem = ""
    if state == "not-a-directory":
        problem = "Not a directory"
    elif state in ("occupied", "mounted") and not overlay:
        problem = "directory is not empty"
    if problem:
        tail = f"\n{also}" if also else ""
        raise Refused(f"cannot mount '{place}': {problem}{tail}")
    dataset.mounted = True


def mount(world: World, words: Sequence[str]) -> Output:
    """zfs-mount(8): one filesystem, or with -a all that mount by themselves."""
    given, rest = options(words, "aflOv", "o")
    if "a" in given:
        for pool, dataset in world.datasets():
            if not dataset.mounted and properties.mounts_by_itself(world, pool, dataset):
                mount_one(world, pool, dataset)
        return said()
    if not rest:
        table = directories.mounted(world)
        lines = (f"{name:<30}  {at}\n" for at, (name, kind) in table.items() if kind == "zfs")
        return said("".join(lines))
    if len(rest) > 1:
        raise usage("too many arguments")
    pool, dataset = _open(world, rest[0])
    what = f"cannot mount '{dataset.name}'"
    if dataset.type != "filesystem":
        raise Refused(
            f"cannot open '{dataset.name}': operation not applicable to datasets of this type"
        )
    place = _place(world, pool, dataset)
    if dataset.mounted:
        raise Refused(f"{what}: filesystem already mounted")
    if place == "legacy":
        raise Refused(f"{what}: legacy mountpoint\nuse mount(8) to mount this filesystem")
    if place == "none":
        raise Refused(f"{what}: no mountpoint set")
    if dataset.set.get("canmount") == "off":
        raise Refused(f"{what}: 'canmount' property is set to 'off'")
    if dataset.fixed.get("encryption", "off") != "off":
        raise Refused(f"{what}: encryption key not loaded")
    mount_one(world, pool, dataset)
    return said()


def unmount(world: World, words: Sequence[str]) -> Output:
    """zfs-unmount(8)."""
    given, rest = options(words, "afu")
    if not rest or "a" in given:
        raise usage("missing filesystem argument")
    pool, dataset = _open(world, rest[0])
    if not dataset.mounted:
        raise Refused(f"cannot unmount '{dataset.name}': not currently mounted")
    if is_busy(world, pool, dataset) and "f" not in given:
        raise Refused(f"cannot unmount '{_place(world, pool, dataset)}': pool or dataset is busy")
    dataset.mounted = False
    return said()
