"""`zpool import` on a simulated host: the pools that labels tell of, and taking one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import properties, vdevs, zpool_read
from phoenix_plan.hosts.simulated.media import (
    find_leaf,
    find_node,
    links,
    node_name,
    write_labels,
)
from phoenix_plan.hosts.simulated.tool import Refused, date, options, said, unmodelled
from phoenix_plan.hosts.simulated.world import Label, LabelVdev, Pool, Vdev, World

_NONE = "no pools available to import\n"


@attrs.define(kw_only=True)
class Candidate:
    """A pool as its labels tell it. `whole` says that every top-level vdev is known, `label` is the
    newest of its labels."""

    pool: Pool
    label: Label
    whole: bool


def candidates(world: World, *, destroyed: bool) -> list[Candidate]:
    """Pools that labels tell of and that are not imported; those that were destroyed, or the
    others."""
    here = {pool.guid for pool in world.imported()}
    found: dict[str, list[Label]] = {}
    for disk in world.disks.values():
        for label in disk.labels if not disk.unreadable else ():
            dead = label.state == "destroyed"
            plain = label.state in ("active", "exported", "destroyed") and label.txg != "0"
            if plain and label.pool_guid not in here and dead == destroyed:
                found.setdefault(label.pool_guid, []).append(label)
    return [_candidate(world, guid, labels) for guid, labels in found.items()]


def _candidate(world: World, guid: str, labels: list[Label]) -> Candidate:
    newest = max(labels, key=lambda label: int(label.txg or 0))
    known = next((pool for pool in world.pools if pool.guid == guid), None)
    if known is not None:
        return Candidate(pool=known, label=newest, whole=True)
    trees = {label.tree.guid: label.tree for label in labels if label.tree is not None}
    tops = sorted(
        (_vdev(tree, newest.ashift) for tree in trees.values()), key=lambda top: top.index
    )
    pool = Pool(
        name=newest.pool, guid=guid, vdevs=tops, state=newest.state, hostid=newest.hostid,
        hostname=newest.hostname,
    )  # fmt: skip
    return Candidate(pool=pool, label=newest, whole=len(tops) >= newest.top_level)


def _vdev(tree: LabelVdev, ashift: int | None) -> Vdev:
    vdev_class = "log" if tree.is_log else tree.allocation or "normal"
    return Vdev(
        type=tree.type, guid=tree.guid, path=tree.path, index=tree.index, parity=tree.parity,
        ashift=ashift or 12, vdev_class=vdev_class,
        children=[_vdev(child, ashift) for child in tree.children],
    )  # fmt: skip


def health(world: World, candidate: Candidate) -> str:
    """What importing it would bring."""
    return vdevs.pool_state(world, candidate.pool) if candidate.whole else "UNAVAIL"


def is_foreign(world: World, label: Label) -> bool:
    """Whether it was never exported, and another host was its last (zfs_force_import_required)."""
    return label.state != "exported" and (label.hostid or "00000000") != world.hostid


def run(world: World, words: Sequence[str], env: Mapping[str, str]) -> Output:
    """zpool-import(8): without a pool a list, else that pool."""
    given, rest = options(words, "aDfFlmNnXs", "cdoRtT")
    if any(option in given for option in "FnXRtTcm"):
        raise unmodelled(("zpool", "import", *words), "that option is not simulated")
    found = candidates(world, destroyed="D" in given)
    if not rest and "a" not in given:
        form = "path" if env.get("ZPOOL_VDEV_NAME_PATH") else "short"
        listing = "\n".join(_listed(world, one, form) for one in found)
        return said(listing) if found else said(stderr=_NONE)
    if rest:
        _take(world, _chosen(found, rest[0]), given, rest[1] if len(rest) > 1 else "")
        return said()
    if not found:
        return said(stderr=_NONE)
    for candidate in found:
        _take(world, candidate, given, "")
    return said()


def _chosen(found: list[Candidate], wanted: str) -> Candidate:
    by_guid = [one for one in found if one.pool.guid == wanted]
    matching = by_guid or [one for one in found if one.pool.name == wanted]
    if not matching:
        raise Refused(f"cannot import '{wanted}': no such pool available")
    if len(matching) > 1:
        raise Refused(
            f"cannot import '{wanted}': more than one matching pool\nimport by numeric ID instead"
        )
    return matching[0]


def _take(world: World, candidate: Candidate, given: Mapping[str, list[str]], new: str) -> None:
    pool, label = candidate.pool, candidate.label
    name = new or pool.name
    if is_foreign(world, label) and "f" not in given:
        hostid = int(label.hostid or "0", 16)
        raise Refused(
            f"cannot import '{pool.name}': pool was previously in use from another system.\n"
            f"Last accessed by {label.hostname or '<unknown>'} (hostid={hostid:x})"
            f" at {date(world.now)}\nThe pool can be imported, use 'zpool import -f' to import the"
            " pool."
        )
    if world.pool(name) is not None:
        raise Refused(
            f"cannot import '{name}': a pool with that name already exists\n"
            "use the form 'zpool import <pool | id> <newpool>' to give it a new name"
        )
    if health(world, candidate) == "UNAVAIL":
        raise Refused(f"cannot import '{name}': one or more devices is currently unavailable")
    own = dict(_own_options(world, name, given.get("o", [])))
    if pool not in world.pools:
        world.pools.append(pool)
    if not pool.datasets:
        raise unmodelled(("zpool", "import", name), "the file does not say what the pool holds")
    _rename(pool, name)
    pool.state, pool.hostid, pool.hostname = "imported", world.hostid, world.hostname
    pool.set |= own
    pool.txg += 10
    for leaf in pool.leaves():
        leaf.path = _path(world, leaf, (given.get("d") or [""])[-1])
    write_labels(world, pool)
    for dataset in pool.datasets.values():
        mounts = properties.mounts_by_itself(world, pool, dataset)
        if dataset.type == "filesystem":
            dataset.mounted = mounts and "N" not in given


def _own_options(world: World, name: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        key, _, value = text.partition("=")
        if key not in zpool_read.forms(world) or not zpool_read.forms(world)[key]:
            raise unmodelled(("zpool", "import", "-o", text, name), "not simulated")
        yield key, zpool_read.valid(world, key, value)


def _rename(pool: Pool, name: str) -> None:
    if name != pool.name:
        for dataset in list(pool.datasets.values()):
            del pool.datasets[dataset.name]
            dataset.name = name + dataset.name.removeprefix(pool.name)
            pool.datasets[dataset.name] = dataset
        pool.name = name


def _path(world: World, leaf: Vdev, folder: str) -> str:
    """Where the device of a leaf is found: in the folder that was searched, else where it was."""
    node = find_leaf(world, leaf)
    if node is None:
        return leaf.path
    kernel = f"/dev/{node_name(*node)}"
    found = [link for link, path in links(world).items() if path == kernel]
    for link in found:
        if folder and link.rpartition("/")[0] == folder.rstrip("/"):
            return link
    if find_node(world, leaf.path) == node:
        return leaf.path
    by_id = [link for link in found if link.startswith("/dev/disk/by-id/")]
    return by_id[0] if by_id else kernel


# The list


def _listed(world: World, candidate: Candidate, form: str) -> str:
    pool, label = candidate.pool, candidate.label
    state = health(world, candidate)
    told, action, message = _advice(world, candidate, state)
    comment = pool.set.get("comment", "")
    wide = " " if world.version < (2, 3) or comment else ""
    gone = " (DESTROYED)" if label.state == "destroyed" else ""
    lines = [
        f"{wide}  pool: {pool.name}",
        f"{wide}    id: {pool.guid}",
        f"{wide} state: {state}{gone}",
    ]
    lines += [f"{wide}status: {told}"] if told else []
    lines += [f"{wide}action: {action}"]
    lines += [f"comment: {comment}"] if comment else []
    if gone:
        lines.append("\tThe pool was destroyed, but can be imported using the '-Df' flags.")
    if message:
        lines.append(f"{wide}   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-{message}")
    lines += [f"{wide}config:", ""]
    rows = list(_rows(world, candidate, state, form))
    width = max(len(name) + 2 * depth for depth, name, _ in rows if depth >= 0)
    for depth, name, note in rows:
        if depth < 0:
            lines.append(f"\t{name}")
        elif note:
            lines.append(f"\t{'  ' * depth}{name:<{width - 2 * depth}}  {note}")
        else:
            lines.append(f"\t{'  ' * depth}{name}")
    if not candidate.whole:
        lines += [
            "",
            "\tAdditional devices are known to be part of this pool, though their",
            "\texact configuration cannot be determined.",
        ]
    return "\n".join([*lines, ""])


def _advice(world: World, candidate: Candidate, state: str) -> tuple[str, str, str]:
    """Status, action and message id (show_import)."""
    leaves = {vdevs.state(world, leaf) for leaf in candidate.pool.leaves()}
    able = "The pool can be imported"
    if is_foreign(world, candidate.label):
        told = "The pool was last accessed by another system."
        message = "EY"
    elif state == "UNAVAIL" or "UNAVAIL" in leaves:
        told = "One or more devices are missing from the system."
        message = "6X" if not candidate.whole else "3C" if state == "UNAVAIL" else "2Q"
    elif "OFFLINE" in leaves:
        told, message = "One or more devices are offlined.", ""
    else:
        return "", f"{able} using its name or numeric identifier.", ""
    if state == "UNAVAIL":
        action = "The pool cannot be imported. Attach the missing\n\tdevices and try again."
    elif message == "EY":
        action = f"{able} using its name or numeric identifier and\n\tthe '-f' flag."
    else:
        action = (
            f"{able} despite missing or damaged devices.  The\n\tfault tolerance of the pool may be"
            " compromised if imported."
        )
    return told, action, message


def _rows(
    world: World, candidate: Candidate, state: str, form: str
) -> Iterator[tuple[int, str, str]]:
    """Depth (below 0 for a heading), name, and what stands behind it."""
    pool = candidate.pool
    missing = "insufficient replicas" if candidate.whole else "missing device"
    yield 0, pool.name, f"{state}  {missing}" if state == "UNAVAIL" else state
    for vdev_class in ("normal", "cache", "spare", "dedup", "special", "log"):
        found = vdevs.of_class(pool, vdev_class)
        headings = {"cache": "cache", "spare": "spares", "log": "logs\t"}
        if found and vdev_class != "normal":
            yield -1, headings.get(vdev_class, f"{vdev_class}\t"), ""
        for vdev in found:
            if vdev_class in ("cache", "spare"):
                yield 1, vdevs.name(world, vdev, 0, form), ""
            else:
                yield from _vdev_rows(world, vdev, vdev.index, 1, form)


def _vdev_rows(
    world: World, vdev: Vdev, index: int, depth: int, form: str
) -> Iterator[tuple[int, str, str]]:
    state = vdevs.state(world, vdev)
    note = "cannot open" if vdevs.was(world, vdev) else vdevs.remark(world, vdev)
    yield depth, vdevs.name(world, vdev, index, form), f"{state}  {note}" if note else state
    for at, child in enumerate(vdev.children):
        yield from _vdev_rows(world, child, at, depth + 1, form)
