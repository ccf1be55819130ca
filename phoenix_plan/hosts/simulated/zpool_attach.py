"""`zpool attach`, `replace` and `detach` on a simulated host.

The order is the real one: the new device is checked and labelled before the kernel says yes or no
(zpool_do_attach_or_replace, spa_vdev_attach, spa_vdev_detach). Seen on OpenZFS 2.1.11 and 2.3.9.
"""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import operations, space, vdev_spec, vdevs, zpool_read
from phoenix_plan.hosts.simulated.media import find_node, forget_leaf, write_labels
from phoenix_plan.hosts.simulated.replication import FUZZ
from phoenix_plan.hosts.simulated.tool import Refused, options, said, usage
from phoenix_plan.hosts.simulated.world import Disk, Pool, Vdev, World
from phoenix_plan.hosts.simulated.zpool_write import ashift_option, open_pool

REFUSED = 255
"""The exit code of the three where the kernel says no: -1."""

_NOT_REPLACED = "already in replacing/spare config; wait for completion or use 'zpool detach'"
_NOT_ATTACHED = "can only attach to mirrors and top-level disks"
"""What libzfs says where the kernel only says that this is not supported. Before 2.3 that is for
sectors too."""


def attach(world: World, words: Sequence[str]) -> Output:
    """zpool-attach(8): a disk to a disk or mirror, or, from 2.3, to a raidz."""
    given, rest = options(words, "fsw", "o")
    if len(rest) != 3:
        raise usage("missing pool name argument" if not rest else "missing <device> specification")
    return _attach(world, rest, given, replacing=False)


def replace(world: World, words: Sequence[str]) -> Output:
    """zpool-replace(8)."""
    given, rest = options(words, "fsw", "o")
    if len(rest) not in (2, 3):
        raise usage("missing pool name argument" if not rest else "missing <device> specification")
    return _attach(world, [*rest, rest[1]][:3], given, replacing=True)


def _attach(
    world: World, words: Sequence[str], given: dict[str, list[str]], *, replacing: bool
) -> Output:
    name, old, new = words
    pool = open_pool(world, name)
    what = f"cannot replace {old} with {new}" if replacing else f"cannot attach {new} to {old}"
    (fresh,) = vdev_spec.parse([new])
    spare = _own_spare(world, pool, new) if replacing else None
    if spare is None:
        vdev_spec.check(world, [fresh], pool=None, force="f" in given)
        vdev_spec.label_all(world, [fresh])
        fresh.guid = world.new_guid()
    else:
        fresh = Vdev(type="disk", guid=spare.guid, path=spare.path)
    found = vdevs.find(world, pool, old)
    if found is None:
        raise Refused(f"{what}: no such device in pool", REFUSED)
    target, parent = found
    if target.vdev_class == "spare" and parent is None:
        raise Refused(f"{what}: device is reserved as a hot spare", REFUSED)
    settled(pool, what)
    if operations.running(pool, "remove"):
        raise Refused(f"{what}: device removal in progress", REFUSED)
    if spare is not None and vdevs.spare_in_use(pool, spare):
        also = ", or device removal is in progress" if world.version < (2, 3) else ""
        raise Refused(f"{what}: {new} is busy{also}", REFUSED)
    _check_place(world, target, parent, what, replacing=replacing)
    if target.type == "raidz":
        _check_expansion(world, pool, target, what)
    other = _NOT_REPLACED if replacing else _NOT_ATTACHED
    _check_size(world, pool, target, fresh, what)
    top = next(top for top in pool.vdevs if target in top.all())
    _check_sectors(world, top.ashift, fresh, ashift_option(given, pool), f"{what}: {other}")
    if target.type == "raidz":
        target.children.append(fresh)
        write_labels(world, pool, [fresh.guid])
        operations.start(world, pool, "expand", vdev=target.index)
    else:
        fresh.resilvering = True
        kind = "mirror" if not replacing else "spare" if spare else "replacing"
        _place(world, target, parent, fresh, kind)
        write_labels(world, pool, [fresh.guid])
        operations.start(world, pool, "resilver")
    if "w" in given:
        operations.finish_all(world, pool, ("expand", "resilver"))
    return said()


def stand_in(world: World, pool: Pool, leaf: Vdev, spare: Vdev) -> None:
    """A spare of the pool takes over from a member."""
    parent = next((one for top in pool.vdevs for one in top.all() if leaf in one.children), None)
    fresh = Vdev(type="disk", guid=spare.guid, path=spare.path, resilvering=True)
    _place(world, leaf, parent, fresh, "spare")
    write_labels(world, pool, [fresh.guid])
    operations.start(world, pool, "resilver")


def settled(pool: Pool, what: str, exit_code: int = REFUSED) -> None:
    """Refuse what a checkpoint bars."""
    if pool.checkpoint:
        raise Refused(f"{what}: checkpoint exists", exit_code)


def _own_spare(world: World, pool: Pool, path: str) -> Vdev | None:
    """The spare of the pool that a path leads to, by its disk or by its partition."""
    nodes = [find_node(world, path), find_node(world, f"{path}-part1")]
    spares = (top for top in pool.vdevs if top.vdev_class == "spare")
    return next((top for top in spares if find_node(world, top.path) in nodes), None)


def _check_place(
    world: World, target: Vdev, parent: Vdev | None, what: str, *, replacing: bool
) -> None:
    """Only a leaf is replaced; one is attached to a leaf at the top or in a mirror, and from 2.3 to
    a raidz."""
    if replacing and target.children:
        raise Refused(f"{what}: {_NOT_REPLACED}", REFUSED)
    if replacing or (target.type == "raidz" and world.version >= (2, 3)):
        return
    beside = parent is None or parent.type == "mirror"
    if target.children or not beside or target.vdev_class == "cache":
        raise Refused(f"{what}: {_NOT_ATTACHED}", REFUSED)


def _check_expansion(world: World, pool: Pool, target: Vdev, what: str) -> None:
    if zpool_read.features(world, pool)["raidz_expansion"] == "disabled":
        raise Refused(
            f"{what}: raidz_expansion feature must be enabled in order to attach a device to raidz",
            REFUSED,
        )
    if operations.running(pool, "expand"):
        raise Refused(f"{what}: raidz expansion in progress", REFUSED)
    if any(one.children or vdevs.state(world, one) != "ONLINE" for one in target.children):
        why = "raidz vdev has devices that are are offline or being replaced"
        raise Refused(f"{what}: {why}", REFUSED)


def _check_size(world: World, pool: Pool, target: Vdev, fresh: Vdev, what: str) -> None:
    top = next(top for top in pool.vdevs if target in top.all())
    alike = target if not target.children and space.device_size(world, target) else top
    sizes = [space.device_size(world, leaf) for leaf in alike.leaves()]
    needed = min((size for size in sizes if size), default=0)
    disk, part = _device(world, fresh)
    if disk.span(part)[1] + FUZZ < needed:
        raise Refused(f"{what}: device is too small", REFUSED)


def _device(world: World, fresh: Vdev) -> tuple[Disk, int]:
    node = find_node(world, fresh.path)
    assert node is not None, "labelled before"
    return node


def _check_sectors(world: World, ashift: int, fresh: Vdev, asked: int, before: str) -> None:
    """No larger sectors than the vdev's. 2.1 goes by what the device would like, or by what was
    asked for, and has no words for it (`before`); 2.3 by what the device can't be addressed below.
    """
    disk, _ = _device(world, fresh)
    least, liked = (size.bit_length() - 1 for size in (disk.sector, disk.physical_sector))
    if world.version >= (2, 3):
        if least > ashift:
            why = "The new device cannot have a higher alignment requirement than the top-level"
            raise Refused(f"{before.rpartition(': ')[0]}: {why} vdev.", REFUSED)
    elif (asked or max(least, liked)) > ashift:
        raise Refused(before, REFUSED)


def _place(world: World, target: Vdev, parent: Vdev | None, fresh: Vdev, kind: str) -> None:
    """Beside the target, below a vdev of that kind: the one that is there, or a new one."""
    if parent is not None and parent.type == kind:
        parent.children.append(fresh)
        return
    leaf = Vdev(type="disk")
    operations.become(world, leaf, target, top=False)
    leaf.forced, target.forced = target.forced, False
    target.type, target.guid, target.path = kind, world.new_guid(), ""
    target.state, target.resilvering, target.children = "ONLINE", False, [leaf, fresh]


def detach(world: World, words: Sequence[str]) -> Output:
    """zpool-detach(8): a mirror of one becomes that one, and a spare whose member is detached
    becomes that member for good."""
    _, rest = options(words, "")
    if len(rest) < 2:
        raise usage("missing pool name argument" if not rest else "missing <device> specification")
    pool = open_pool(world, rest[0])
    what = f"cannot detach {rest[1]}"
    found = vdevs.find(world, pool, rest[1])
    if found is None:
        raise Refused(f"{what}: no such device in pool", REFUSED)
    leaf, parent = found
    if leaf.vdev_class == "spare" and parent is None:
        raise Refused(f"{what}: device is reserved as a hot spare", REFUSED)
    settled(pool, what)
    inner = ("mirror", "replacing", "spare")
    if leaf.children or parent is None or parent.type not in inner:
        raise Refused(f"{what}: only applicable to mirror and replacing vdevs", REFUSED)
    if vdevs.required(world, pool, leaf):
        raise Refused(f"{what}: no valid replicas", REFUSED)
    stays = parent.type == "spare" and leaf is parent.children[0]
    spare = vdevs.spare_of(pool, parent.children[-1]) if stays else None
    if spare is not None:
        pool.vdevs.remove(spare)
    forget_leaf(world, leaf)
    parent.children = [child for child in parent.children if child is not leaf]
    if len(parent.children) == 1:
        operations.become(world, parent, parent.children[0], top=parent in pool.vdevs)
    write_labels(world, pool)
    return said()
