"""The words of zpool-status(8) and zpool-import(8): names, states and remarks of vdevs.

Read in `cmd/zpool/zpool_main.c` and `lib/libzfs/libzfs_pool.c` of OpenZFS 2.1 to 2.4
(`print_status_config`, `zpool_vdev_name`, `zpool_state_to_name`).
"""

from __future__ import annotations

import re

from phoenix_plan.model.pools import VdevClass, VdevState, VdevType

SECTIONS: dict[str, VdevClass] = {
    "dedup": "dedup",
    "special": "special",
    "logs": "log",
    "cache": "cache",
    "spares": "spare",
}
"""Headings of the tree, in the order that they are printed, and the class that stands below."""

STATES: dict[str, VdevState] = {
    "ONLINE": "ONLINE",
    "DEGRADED": "DEGRADED",
    "FAULTED": "FAULTED",
    "OFFLINE": "OFFLINE",
    "UNAVAIL": "UNAVAIL",
    "REMOVED": "REMOVED",
    "AVAIL": "AVAIL",
    "INUSE": "INUSE",
    "SPLIT": "UNAVAIL",
}
"""A vdev's state as text has it. SPLIT is a device that can't be opened, since it was split off."""

POOL_STATES = frozenset(
    {"ONLINE", "DEGRADED", "FAULTED", "OFFLINE", "UNAVAIL", "REMOVED", "SUSPENDED"}
)
"""A pool's health, `zpool_get_state_str`."""

REMARKS = frozenset(
    {
        "cannot open",
        "missing device",
        "insufficient replicas",
        "newer version",
        "unsupported feature(s)",
        "unsupported minimum blocksize",
        "currently in use",
        "too many errors",
        "too many slow I/Os",
        "experienced I/O failures",
        "bad intent log",
        "external device fault",
        "split into new pool",
        "all children offline",
        "invalid label",
        "corrupted data",
    }
)
"""Why a vdev is in its state, `VDEV_AUX_*` in words."""

IN_USE_BY = re.compile(r"in use by pool '.+'")
BLOCK_SIZE = re.compile(r"block size: [0-9]+B configured, [0-9]+B native")

_INNER = re.compile(r"(mirror|replacing|spare|missing|indirect|hole)-[0-9]+")
_RAIDZ = re.compile(r"raidz([123])(?:-[0-9]+)?")
_DRAID = re.compile(r"draid([123]):[0-9]+d:([0-9]{1,3})c:[0-9]+s-[0-9]+")
_DISTRIBUTED_SPARE = re.compile(r"draid[123]-[0-9]+-[0-9]+")
_INNER_TYPES: dict[str, VdevType] = {
    "mirror": "mirror",
    "replacing": "replacing",
    "spare": "spare",
    "missing": "missing",
    "indirect": "indirect",
    "hole": "hole",
}
_FEWEST: dict[VdevType, int] = {
    "mirror": 2,
    "replacing": 2,
    "spare": 2,
    "raidz": 2,
    "draid": 2,
}


def type_of_path(path: str) -> VdevType:
    """disk or file, as text output can tell: a disk's path is one below /dev."""
    return "disk" if path.startswith("/dev/") else "file"


def type_of_name(name: str) -> VdevType | None:
    """The type of a vdev that is named by type, None for a device's name."""
    if match := _INNER.fullmatch(name):
        return _INNER_TYPES[match[1]]
    if _RAIDZ.fullmatch(name):
        return "raidz"
    if _DRAID.fullmatch(name):
        return "draid"
    if _DISTRIBUTED_SPARE.fullmatch(name):
        return "dspare"
    return None


def parity_of_name(name: str) -> int:
    """How many devices a raidz or draid can lose; it stands only in the name. 0 for the rest."""
    match = _RAIDZ.fullmatch(name) or _DRAID.fullmatch(name)
    return int(match[1]) if match else 0


def lacks_children(vdev_type: VdevType, name: str, children: int) -> bool:
    """Whether a vdev was told with fewer children than one of its type and name has."""
    if match := _DRAID.fullmatch(name):
        return children != int(match[2])
    return children < _FEWEST.get(vdev_type, 0)


def remark_in_words(remark: str) -> str:
    """One form for a remark that versions word differently."""
    return "too many errors" if remark == "too many slow I/Os" else remark


def note_of(remark: str, *, removing: bool, not_allocating: bool) -> str:
    """A vdev's `note`: why it is in its state, and what it does not do."""
    parts = (
        remark_in_words(remark),
        "removing" if removing else "",
        "non-allocating" if not_allocating and not removing else "",
    )
    return ", ".join(part for part in parts if part)


def state_of(state: VdevState, *, missing: bool) -> VdevState:
    """One value for a missing device that is unusable.

    Text says FAULTED for a device that can't be opened because its data is corrupt; of a missing
    one JSON does not say why.
    """
    return "UNAVAIL" if missing and state == "FAULTED" else state
