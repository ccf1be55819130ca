"""`zpool create`, `destroy`, `export` and `set` on a simulated host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import properties, vdev_spec, zpool_read
from phoenix_plan.hosts.simulated.busy import below, first_busy
from phoenix_plan.hosts.simulated.directories import mounted
from phoenix_plan.hosts.simulated.directories import state as directory_state
from phoenix_plan.hosts.simulated.media import write_labels
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Dataset, Pool, Vdev, World

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.: -]*")
_RESERVED = ("mirror", "raidz", "draid")


def open_pool(world: World, name: str) -> Pool:
    """The imported pool, or zpool's word for one that is not there."""
    pool = world.pool(name)
    if pool is None:
        raise Refused(f"cannot open '{name}': no such pool")
    return pool


def create(world: World, words: Sequence[str]) -> Output:
    """zpool-create(8), in the real order: devices are checked, then labelled one by one, and only
    then come mountpoint, properties and name."""
    given, rest = options(words, "fnd", "R:m:o:O:t".replace(":", ""))
    for option in ("n", "d", "R", "t"):
        if option in given:
            raise unmodelled(("zpool", "create", *words), f"-{option} is not simulated")
    pool_options = _pairs(given.get("o", []), "o")
    file_options = _pairs(given.get("O", []), "O")
    for name in pool_options:
        if name not in zpool_read.forms(world) and not name.startswith("feature@"):
            raise Refused(f"property '{name}' is not a valid pool or vdev property")
    if not rest:
        raise usage("missing pool name argument")
    if len(rest) < 2:
        raise usage("missing vdev specification")
    name = rest[0]
    if "/" in name:
        raise Refused(
            f"cannot create '{name}': invalid character '/' in pool name\n"
            "use 'zfs create' to create a dataset"
        )
    tops = vdev_spec.parse(rest[1:])
    vdev_spec.check(world, tops, None, force="f" in given)
    if not any(top.vdev_class == "normal" for top in tops):
        raise Refused("invalid vdev specification: at least one toplevel vdev must be specified")
    distinct = vdev_spec.label_all(world, tops)
    mountpoint = (given.get("m") or [file_options.get("mountpoint", "")])[-1]
    _check_mountpoint(world, mountpoint or f"/{name}")
    if mountpoint:
        file_options["mountpoint"] = mountpoint
    try:
        _make(world, name, tops, pool_options, file_options, distinct=distinct)
    except ValueError as error:
        raise Refused(f"cannot create '{name}': {error}") from error
    return said()


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise Refused(f"missing '=' for -{option} option")
        if key in found and key != "mountpoint":
            raise Refused(f"property '{key}' specified multiple times", 2)
        found[key] = value
    return found


def _check_mountpoint(world: World, path: str) -> None:
    if path in ("none", "legacy"):
        return
    if not path.startswith("/"):
        raise Refused(f"invalid mountpoint '{path}': must be an absolute path, 'legacy', or 'none'")
    state = directory_state(world, path)
    advice = "use '-m' option to provide a different default"
    if state == "not-a-directory":
        raise Refused(f"mountpoint '{path}' : Not a directory\n{advice}")
    if state == "occupied" or (state == "mounted" and not _is_empty(world, path)):
        raise Refused(f"mountpoint '{path}' exists and is not empty\n{advice}")


def _is_empty(world: World, path: str) -> bool:
    """Whether the filesystem that is mounted on a path holds nothing: a dataset as it was made."""
    source = mounted(world)[path][0]
    dataset = world.dataset(source)
    inner = [one for one in mounted(world) if one != path and below(one, path)]
    return dataset is not None and not inner and dataset.referenced <= 98304


def _make(
    world: World,
    name: str,
    tops: list[Vdev],
    pool_options: dict[str, str],
    file_options: dict[str, str],
    *,
    distinct: bool,
) -> None:
    """The part in libzfs and the kernel. Raises ValueError."""
    if name.startswith(_RESERVED) or name in ("log", "spare"):
        raise ValueError("name is reserved")
    if not _NAME.fullmatch(name):
        raise ValueError(f"invalid character in pool name '{name}'")
    kept = {
        key: zpool_read.valid(world, key, value, create=True) for key, value in pool_options.items()
    }
    states = {key: value for key, value in kept.items() if key.startswith("feature@")}
    own = {key: value for key, value in kept.items() if key not in states}
    values = {
        key: properties.canonical(world, "filesystem", key, value)
        for key, value in file_options.items()
    }
    if world.pool(name) is not None:
        raise ValueError("pool already exists")
    if not distinct:
        raise ValueError(
            "one or more vdevs refer to the same device, or one of\n"
            "the devices is part of an active md or lvm device"
        )
    if vdev_spec.too_small(world, tops):
        raise ValueError("one or more devices is less than the minimum size (64M)")
    pool = Pool(name=name, guid=world.new_guid(), vdevs=tops, set=own)
    pool.features = {key.removeprefix("feature@"): value for key, value in states.items()}
    adopt(world, pool, tops, ashift_option({}, pool))
    fixed = {key: value for key, value in values.items() if _is_once(world, key)}
    root = Dataset(
        name=name,
        guid=world.new_guid(),
        referenced=24576 if min(top.ashift or 12 for top in tops) == 9 else 98304,
        set={key: value for key, value in values.items() if key not in fixed},
        fixed=fixed,
        creation=world.now,
    )
    pool.datasets[name] = root
    root.mounted = properties.mounts_by_itself(world, pool, root)
    world.pools.append(pool)
    write_labels(world, pool, [leaf.guid for leaf in pool.leaves()])


def _is_once(world: World, name: str) -> bool:
    return ":" not in name and properties.table(world)[name].kind == "once"


def ashift_option(given: Mapping[str, list[str]], pool: Pool) -> int:
    """The ashift that a command line or else the pool asks for; 0 where neither does."""
    asked = _pairs(given.get("o", []), "o").get("ashift", "")
    return int(asked or pool.set.get("ashift", "0"))


def adopt(world: World, pool: Pool, tops: Sequence[Vdev], asked: int) -> None:
    """Give new top-level vdevs their GUIDs, places and sector sizes, as `asked` or as the devices
    have them."""
    last = max((top.index for top in pool.vdevs if top.guid), default=-1)
    for top in tops:
        if top.vdev_class not in ("cache", "spare"):
            top.ashift = asked or vdev_spec.default_ashift(world, top)
            last += 1
            top.index = last
        for vdev in top.all():
            vdev.guid = world.new_guid()


def destroy(world: World, words: Sequence[str]) -> Output:
    """zpool-destroy(8). The labels stay, and say that the pool was destroyed."""
    _, rest = options(words, "f")
    pool = _alone(world, rest)
    _unmount_all(world, pool, "destroy")
    pool.state = "destroyed"
    _note_user(world, pool)
    return said()


def export(world: World, words: Sequence[str]) -> Output:
    """zpool-export(8)."""
    given, rest = options(words, "af")
    names = [pool.name for pool in world.imported()] if "a" in given else rest
    if not names:
        raise usage("missing pool argument")
    for name in names:
        pool = open_pool(world, name)
        _unmount_all(world, pool, "export")
        pool.state = "exported"
        _note_user(world, pool)
    return said()


def _note_user(world: World, pool: Pool) -> None:
    pool.hostid, pool.hostname = world.hostid, world.hostname
    pool.txg += 10
    write_labels(world, pool)


def _alone(world: World, rest: Sequence[str]) -> Pool:
    if not rest:
        raise usage("missing pool argument")
    if len(rest) > 1:
        raise usage("too many arguments")
    return open_pool(world, rest[0])


def _unmount_all(world: World, pool: Pool, verb: str) -> None:
    busy = first_busy(world, pool)
    if busy is not None and busy.type == "volume":
        raise Refused(f"cannot {verb} '{pool.name}': pool is busy")
    if busy is not None:
        path = properties.mountpoint(world, pool, busy)
        said_first = f"cannot unmount '{path}': pool or dataset is busy"
        last = f"\ncould not destroy '{pool.name}': could not unmount datasets"
        raise Refused(said_first + (last if verb == "destroy" else ""))
    if pool.suspended:
        raise Refused(f"cannot {verb} '{pool.name}': pool I/O is currently suspended")
    for dataset in pool.datasets.values():
        dataset.mounted = False if dataset.type == "filesystem" else None


def set_property(world: World, words: Sequence[str]) -> Output:
    """zpool-set(8): one property of one pool."""
    _, rest = options(words, "")
    if not rest:
        raise usage("missing property=value argument")
    if len(rest) < 2:
        raise usage("missing pool name")
    if len(rest) > 2:
        raise usage("too many pool names")
    key, equals, value = rest[0].partition("=")
    if not equals:
        raise usage("missing value in property=value argument")
    pool = open_pool(world, rest[1])
    if pool.readonly:
        raise Refused(f"cannot set property for '{pool.name}': pool is read-only")
    try:
        value = zpool_read.valid(world, key, value)
    except ValueError as error:
        raise Refused(f"cannot set property for '{pool.name}': {error}") from error
    if key.startswith("feature@"):
        pool.features.pop(key.removeprefix("feature@"), None)
    elif value == "" and (":" in key or key in ("comment", "cachefile")):
        pool.set.pop(key, None)
    else:
        pool.set[key] = value
    return said()
