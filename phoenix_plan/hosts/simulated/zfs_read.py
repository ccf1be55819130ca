"""`zfs list`, `zfs get` and `zfs version` of a simulated host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import properties, space
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Dataset, Pool, Snapshot, World


def version(world: World) -> Output:
    """zfs-version(8): tools and module."""
    return said(f"zfs-{world.zfs}-pve1\nzfs-kmod-{world.zfs}-pve1\n")


def rows(
    world: World, pool: Pool, dataset: Dataset, usage: space.Usage
) -> dict[str, tuple[str, str]]:
    """Every property that applies, in ZFS's order: value as -p prints it, and source."""
    told = _told(world, dataset, usage)
    found: dict[str, tuple[str, str]] = {}
    for name, prop in properties.table(world).items():
        if prop.kind in ("read", "count"):
            if prop.on(dataset.type) and name in told:
                found[name] = (told[name], "default" if prop.kind == "count" else "-")
        elif prop.on(dataset.type):
            found[name] = properties.effective(world, pool, dataset, name)
    return found | properties.user_properties(pool, dataset)


def _told(world: World, dataset: Dataset, usage: space.Usage) -> dict[str, str]:
    own = dataset.referenced
    told = {
        "type": dataset.type,
        "creation": str(dataset.creation),
        "used": str(usage.used(dataset)),
        "available": str(usage.available(dataset)),
        "referenced": str(own),
        "mounted": "yes" if dataset.mounted else "no",
        "createtxg": str(dataset.txg),
        "version": "5",
        "guid": dataset.guid,
        "usedbysnapshots": str(space.by_snapshots(dataset)),
        "usedbydataset": str(own),
        "usedbychildren": str(usage.by_children(dataset)),
        "usedbyrefreservation": str(space.by_refreservation(dataset)),
        "objsetid": str(50 + dataset.txg),
        **dict.fromkeys(("compressratio", "refcompressratio"), "1.00"),
        **dict.fromkeys(("written", "logicalused", "logicalreferenced"), str(own)),
        **dict.fromkeys(
            ("filesystem_count", "snapshot_count"),
            properties.table(world)["snapshot_limit"].default,
        ),
    }
    return told | ({"origin": dataset.origin} if dataset.origin else {})


def _snapshot_rows(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    told = {
        "type": "snapshot",
        "used": str(snapshot.used),
        "referenced": str(snapshot.referenced),
        "guid": snapshot.guid,
        "userrefs": str(len(snapshot.holds)),
        "createtxg": str(snapshot.txg),
    }
    return {name: (value, "-") for name, value in told.items()}


Item = tuple[str, str, dict[str, tuple[str, str]]]
"""Name, type, properties."""


def _items(world: World, types: set[str], names: Sequence[str], *, deep: bool) -> Iterator[Item]:
    for name in names:
        if not _exists(world, name):
            raise Refused(f"cannot open '{name}': dataset does not exist")
    usage = {pool.name: space.Usage(world, pool) for pool in world.imported()}
    for pool, dataset in world.datasets():
        wanted = _wanted(dataset.name, names, deep=deep)
        if wanted and dataset.type in types:
            yield dataset.name, dataset.type, rows(world, pool, dataset, usage[pool.name])
        for snapshot in sorted(dataset.snapshots.values(), key=lambda one: one.txg):
            full = f"{dataset.name}@{snapshot.name}"
            if "snapshot" in types and ((wanted and deep) or full in names):
                yield full, "snapshot", _snapshot_rows(snapshot)


def _exists(world: World, name: str) -> bool:
    dataset = world.dataset(name.partition("@")[0])
    short = name.partition("@")[2]
    return dataset is not None and (not short or short in dataset.snapshots)


def _wanted(name: str, names: Sequence[str], *, deep: bool) -> bool:
    if not names:
        return True
    return any(name == one or (deep and name.startswith(f"{one}/")) for one in names)


def _types(given: dict[str, list[str]], default: str) -> set[str]:
    words = (given.get("t") or [default])[-1].split(",")
    everything = {"filesystem", "volume", "snapshot", "bookmark"}
    if "all" in words:
        return everything
    known = {"snap": "snapshot", "fs": "filesystem", "vol": "volume"}
    types = {known.get(word, word) for word in words}
    if types - everything:
        raise usage(f"invalid type '{(types - everything).pop()}'")
    return types


def list_datasets(world: World, words: Sequence[str]) -> Output:
    """zfs-list(8), named columns and exact values alone."""
    given, names = options(words, "Hpr", "dotsS")
    if not {"H", "p", "o"} <= set(given) or "s" in given or "S" in given or "d" in given:
        raise unmodelled(("zfs", "list", *words), "it prints named columns, exactly: add -Hp -o")
    columns = given["o"][-1].split(",")
    for column in columns:
        if ":" not in column and column not in ("name", "userrefs", *properties.table(world)):
            raise usage(f"bad property list: invalid property '{column}'")
    deep = not names or "r" in given
    lines = []
    for name, _, cells in _items(world, _types(given, "filesystem,volume"), names, deep=deep):
        shown = (name if column == "name" else cells.get(column, ("-",))[0] for column in columns)
        lines.append("\t".join(shown) + "\n")
    return said("".join(lines))


def get(world: World, words: Sequence[str]) -> Output:
    """zfs-get(8), exact values alone."""
    given, rest = options(words, "Hpr", "dots")
    if not {"H", "p"} <= set(given):
        raise unmodelled(("zfs", "get", *words), "it prints exact values alone: add -Hp")
    if not rest:
        raise usage("missing property argument")
    columns = (given.get("o") or ["name,property,value,source"])[-1].split(",")
    sources = (given.get("s") or [""])[-1].split(",")
    names = rest[1:]
    deep = not names or "r" in given
    lines = []
    types = _types(given, "filesystem,volume,snapshot" if not names else "all")
    for name, _, cells in _items(world, types, names, deep=deep):
        wanted = list(cells) if rest[0] == "all" else rest[0].split(",")
        for prop in wanted:
            value, source = cells.get(prop, ("-", "-"))
            if sources != [""] and source.partition(" ")[0] not in (
                "inherited" if word == "inherited" else word for word in sources
            ):
                continue
            shown = {"name": name, "property": prop, "value": value, "source": source}
            lines.append("\t".join(shown[column] for column in columns) + "\n")
    return said("".join(lines))
