"""What a section of storage.cfg means to Proxmox VE, and how a wanted one differs.

PVE writes lists in no fixed order, fills in defaults, and takes several spellings for one thing.
Everything here compares meanings, so that a storage that is right already is no change. Source:
pve-storage 9.1.7 (`PVE::Storage::Plugin`, `DirPlugin`) and the recorded `pvesm` of that version.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping

import attrs

from phoenix_plan.model.proxmox import Reference, Storage
from phoenix_plan.model.sizes import parse_size
from phoenix_plan.model.storage_types import (
    BOOLEANS,
    CONTENT_TYPES,
    STORAGE_TYPES,
    is_fixed,
    is_option,
)

_TRUE = frozenset({"1", "on", "yes", "true"})
_FALSE = frozenset({"0", "off", "no", "false"})
_SEPARATORS = re.compile(r"[,;\s]+")
_SLASHES = re.compile(r"/+")
_NODE = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?")
_NUMBER = re.compile(r"\d+(\.\d+)?")
# The volumes that PVE makes on a zfspool; before the slash, the base of a linked clone.
_ZFS_VOLUME = re.compile(r"(?:(?:base|basevol)-\d+-\S+/)?((?:base|basevol|vm|subvol)-\d+-\S+)")

_KEEP = ("keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly")
_LIMITS = frozenset({"clone", "default", "migration", "move", "restore"})
_SHOWN_CANONICAL = frozenset({"content", "nodes", *BOOLEANS})
_PATHS = frozenset({"path", "mountpoint", "subdir", "zfs-base-path"})


def is_guest_volume(dataset: str) -> bool:
    """Whether a dataset has the name of a volume that PVE makes for a guest."""
    return _ZFS_VOLUME.fullmatch(dataset.rpartition("/")[2]) is not None


class Direction(enum.Enum):
    """Which way a key moves. The safety table decides what that is worth.

    WIDER and NARROWER are of sets (`nodes`, `content`, without `nodes` being all of them), MORE and
    LESS of backups kept, ENABLING and DISABLING of the storage. MIXED gains some and loses some.
    OTHER is everything that has no direction.
    """

    WIDER = "wider"
    NARROWER = "narrower"
    MORE = "more"
    LESS = "less"
    ENABLING = "enabling"
    DISABLING = "disabling"
    MIXED = "mixed"
    OTHER = "other"


@attrs.frozen(kw_only=True)
class Difference:
    """One key that a storage holds otherwise than wanted.

    `before` is what the section says, `after` what `pvesm` is given, empty where the key is not
    there or has to be deleted. `content`, `nodes` and booleans are canonical on both sides, with
    the default where the section says nothing. `fixed` keys can't be set at all.
    """

    key: str
    before: str
    after: str
    direction: Direction
    fixed: bool


def split_list(text: str) -> tuple[str, ...]:
    """A list as PVE splits it: at commas, semicolons and blanks (`PVE::Tools::split_list`)."""
    return tuple(item for item in _SEPARATORS.split(text) if item)


def boolean(text: str) -> bool:
    """A boolean as `pvesm` takes it (`PVE::JSONSchema::parse_boolean`). Raises ValueError.

    storage.cfg itself holds 1, 0 or nothing at all behind the key: PVE ignores a line with a word.
    """
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{text!r} is not a boolean: 1, 0, yes, no, on, off, true or false")


def property_string(text: str) -> dict[str, str]:
    """`a=1,b=2` as a mapping. Raises ValueError where a part has no `=` or a key comes twice."""
    parts: dict[str, str] = {}
    for part in text.split(","):
        if not part:
            continue
        key, equals, value = part.partition("=")
        if not equals or not key or key in parts:
            raise ValueError(f"{text!r} is not a list of key=value, each key once")
        parts[key] = value
    return parts


def retention(text: str) -> Mapping[str, int]:
    """`prune-backups` as numbers to keep; nothing kept by number means keep all, an empty mapping.

    Raises ValueError for what `validate_prune_backups` refuses: unknown keys, numbers that are
    none, keep-all beside a number.
    """
    parts = property_string(text)
    keep_all = boolean(parts.pop("keep-all", "0"))
    numbers: dict[str, int] = {}
    for key, value in parts.items():
        if key not in _KEEP or not re.fullmatch("[0-9]+", value):
            raise ValueError(f"{text!r} is no retention: keep-all=1, or keep-last=N and the like")
        if int(value):
            numbers[key] = int(value)
    if keep_all and numbers:
        raise ValueError(f"{text!r}: keep-all can't stand beside another option")
    return numbers


def canonical(storage_type: str, key: str, value: str, *, path: str = "") -> str:
    """One form for all spellings of a value, so that what PVE takes as equal compares equal.

    An empty text is the default of a key that has one. `path` is the storage's own, which
    `is_mountpoint yes` stands for. A key that the type does not know stays as it is. Raises
    ValueError where PVE refuses the value.
    """
    if not is_option(storage_type, key):
        return value
    match key:
        case "content":
            return _content(storage_type, value)
        case "nodes":
            return ",".join(sorted(_nodes(value)))
        case "prune-backups":
            kept = retention(value)
            return ",".join(f"{name}={kept[name]}" for name in _KEEP if name in kept) or (
                "keep-all=1" if value else ""
            )
        case "bwlimit":
            return _bwlimit(value)
        case "content-dirs":
            return ",".join(f"{k}={v}" for k, v in sorted(property_string(value).items()))
        case "is_mountpoint":
            return _is_mountpoint(value, path)
        case "max-protected-backups":
            return str(int(value)) if value else ""
        case "blocksize":
            return str(int(parse_size(value))) if value else ""
        case _ if key in BOOLEANS:
            return BOOLEANS[key] if not value else str(int(boolean(value)))
        case _ if key in _PATHS:
            return _path(value)
        case _:
            return value


def content_of(storage: Storage) -> frozenset[str]:
    """What a storage may hold, its type's default where the section does not say.

    What the type can't hold is left out, as PVE leaves it out (with a warning).
    """
    known = STORAGE_TYPES.get(storage.type)
    written = frozenset(split_list(storage.properties.get("content", "")))
    if known is None:
        return written - {"none"}
    return ((written & known.content) if written else known.content_default) - {"none"}


def nodes_of(storage: Storage) -> frozenset[str] | None:
    """The nodes that a storage is restricted to, None where it is on all of them."""
    return _nodes(storage.properties.get("nodes", "")) or None


def is_enabled(storage: Storage, node: str) -> bool:
    """Whether PVE activates the storage on that node."""
    nodes = nodes_of(storage)
    return not is_disabled(storage) and (nodes is None or node in nodes)


def is_disabled(storage: Storage) -> bool:
    """Whether the section says `disable`."""
    return boolean(storage.properties.get("disable", "0"))


def meaning(storage: Storage) -> Mapping[str, str]:
    """The section as PVE means it: every key in its canonical form, what is default left out.

    Two sections with one meaning are one storage. Raises ValueError where PVE refuses a value.
    """
    path = storage.properties.get("path", "")
    meant = {}
    for key, value in storage.properties.items():
        form = canonical(storage.type, key, value, path=path)
        if form != canonical(storage.type, key, "", path=path):
            meant[key] = form
    return meant


def differences(
    storage: Storage, wanted: Mapping[str, str], *, ignore: Collection[str] = ()
) -> tuple[Difference, ...]:
    """What has to change for `storage` to be as wanted, by key; empty where nothing has.

    Keys that are not wanted are left alone (PVE records `mountpoint` by itself). Raises ValueError
    for a value that PVE refuses.
    """
    path = storage.properties.get("path", "")
    found = []
    for key in sorted(wanted):
        if key in ignore:
            continue
        before = canonical(storage.type, key, storage.properties.get(key, ""), path=path)
        after = canonical(storage.type, key, wanted[key], path=path)
        if before != after:
            found.append(
                Difference(
                    key=key,
                    before=before if key in _SHOWN_CANONICAL else storage.properties.get(key, ""),
                    after=after if key in _SHOWN_CANONICAL else wanted[key],
                    direction=direction(key, before, after),
                    fixed=is_fixed(storage.type, key),
                )
            )
    return tuple(found)


def direction(key: str, before: str, after: str) -> Direction:
    """Which way a key moves between two different canonical values."""
    match key:
        case "nodes":
            return _nodes_direction(before, after)
        case "content":
            old, new = set(split_list(before)) - {"none"}, set(split_list(after)) - {"none"}
            return _set_direction(lost=bool(old - new), gained=bool(new - old))
        case "disable":
            return Direction.DISABLING if after == "1" else Direction.ENABLING
        case "prune-backups":
            return _retention_direction(before, after)
        case "max-protected-backups":
            return _protected_direction(before, after)
        case _:
            return Direction.OTHER


def volume_dataset(reference: Reference, storage: Storage) -> str | None:
    """The dataset behind a volume of a zfspool, None where the reference names no such volume.

    A linked clone is written `base-100-disk-0/vm-101-disk-0`: the second is the dataset
    (`ZFSPoolPlugin::parse_volname`).
    """
    if storage.type != "zfspool" or reference.storage != storage.id:
        return None
    match = _ZFS_VOLUME.fullmatch(reference.volume)
    return None if match is None else f"{storage.properties['pool']}/{match[1]}"


def section_text(storage: Storage) -> str:
    """The section as PVE would write it: `disable` first, then what is required, then the rest,
    lists in alphabetical order (PVE has none)."""
    known = STORAGE_TYPES.get(storage.type)
    required = known.required if known else frozenset()
    lines = [f"{storage.type}: {storage.id}"]
    if is_disabled(storage):
        lines.append("\tdisable")
    for key in sorted(storage.properties, key=lambda name: (name not in required, name)):
        if key == "disable":
            continue
        value = storage.properties[key]
        if key in ("content", "nodes"):
            value = ",".join(sorted(split_list(value)))
        lines.append(f"\t{key} {value}" if value else f"\t{key}")
    return "\n".join(lines) + "\n"


def _content(storage_type: str, value: str) -> str:
    known = STORAGE_TYPES.get(storage_type)
    words = frozenset(split_list(value))
    if unknown := sorted(words - CONTENT_TYPES):
        raise ValueError(f"{unknown[0]!r} is not a content type")
    if not words:
        return ",".join(sorted(known.content_default)) if known else ""
    if known is not None:
        words &= known.content
    if "none" in words and len(words) > 1:
        raise ValueError("content none can't be combined with other content types")
    return ",".join(sorted(words)) or "none"


def _nodes(value: str) -> frozenset[str]:
    nodes = split_list(value)
    for node in nodes:
        if not _NODE.fullmatch(node):
            raise ValueError(f"{node!r} is not a node name")
    return frozenset(nodes)


def _bwlimit(value: str) -> str:
    limits = property_string(value)
    for key, limit in limits.items():
        if key not in _LIMITS or not _NUMBER.fullmatch(limit):
            raise ValueError(f"{value!r} is no bandwidth limit: default=KIB_PER_S and the like")
    return ",".join(f"{key}={_number(limits[key])}" for key in sorted(limits))


def _number(text: str) -> str:
    whole, point, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + fraction if fraction else "")


def _is_mountpoint(value: str, path: str) -> str:
    """A word or the path of the mount; yes is the storage's own path
    (`DirPlugin::parse_is_mountpoint`)."""
    if value.startswith("/"):
        return "yes" if _path(value) == _path(path) else _path(value)
    return "yes" if value and boolean(value) else ""


def _path(value: str) -> str:
    return _SLASHES.sub("/", value).rstrip("/") or ("/" if value else "")


def _set_direction(*, lost: bool, gained: bool) -> Direction:
    if lost:
        return Direction.MIXED if gained else Direction.NARROWER
    return Direction.WIDER if gained else Direction.OTHER


def _nodes_direction(before: str, after: str) -> Direction:
    if not before:
        return Direction.NARROWER
    if not after:
        return Direction.WIDER
    old, new = set(split_list(before)), set(split_list(after))
    return _set_direction(lost=bool(old - new), gained=bool(new - old))


def _retention_direction(before: str, after: str) -> Direction:
    """Without `prune-backups`, the node's vzdump.conf decides, which stands elsewhere: only
    keep-all is known to keep no less than that."""
    if not after:
        return Direction.OTHER
    kept = retention(after)
    if not kept:
        return Direction.MORE
    if not before:
        return Direction.OTHER
    old = retention(before)
    if not old:
        return Direction.LESS
    lost = any(old[key] > kept.get(key, 0) for key in old)
    gained = any(kept[key] > old.get(key, 0) for key in kept)
    if lost and gained:
        return Direction.MIXED
    return Direction.LESS if lost else Direction.MORE


def _protected_direction(before: str, after: str) -> Direction:
    """-1 is without limit; without the key, the limit depends on who asks."""
    if after == "-1":
        return Direction.MORE
    if not before or not after:
        return Direction.OTHER
    return Direction.LESS if before == "-1" or int(after) < int(before) else Direction.MORE
