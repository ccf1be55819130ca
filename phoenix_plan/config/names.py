"""What names may be: of pools, datasets, mountpoints, storages, and of the disks of a pool.

Every function here says in words what is wrong with a name, and nothing where it is right.
"""

from __future__ import annotations

import re

from phoenix_plan.model.storage_types import STORAGE_ID

_CHARACTERS = re.compile(r"[A-Za-z0-9_.: -]+")
_LONGEST_DATASET = 255
_LONGEST_POOL = 239
_DEEPEST = 50
_STABLE_LINKS = frozenset({"by-id", "by-path", "by-vdev"})
_CONTENT_LINKS = {
    "by-uuid": "the UUID of what is on it",
    "by-label": "the label of what is on it",
    "by-partuuid": "an entry of its partition table",
    "by-partlabel": "an entry of its partition table",
    "by-diskseq": "the order in which this boot found it",
    "by-loop-ref": "the file behind it",
    "by-loop-inode": "the file behind it",
}


def pool_name_fault(name: str) -> str:
    """What breaks ZFS's rules for a pool's name.

    Source: pool_namecheck() and zpool_name_valid() of OpenZFS 2.1 to 2.3, zpool-create(8). Names
    like c0t0d0 are refused by older versions, and here.
    """
    if not _CHARACTERS.fullmatch(name):
        return "a pool's name holds only letters, digits, '_', '-', '.', ':' and spaces"
    if not name[0].isalpha():
        return "a pool's name begins with a letter"
    if name == "log" or name.startswith(("mirror", "raidz", "draid", "spare")):
        return "names that begin with mirror, raidz, draid or spare are ZFS's own, and so is log"
    if re.match(r"c[0-9]", name):
        return "names that begin with c and a digit are reserved for disks"
    if name.endswith(" "):
        return "a name ends with no space"
    if len(name) > _LONGEST_POOL:
        return f"a pool's name has {_LONGEST_POOL} characters at most"
    return ""


def dataset_name_fault(name: str) -> str:
    """What breaks ZFS's rules for a dataset's full name (`tank/data`), the pool's part aside.

    Source: dataset_namecheck() and dataset_nestcheck() of OpenZFS 2.1 to 2.3, zfs(8).
    """
    if len(name) > _LONGEST_DATASET:
        return f"with its pool's, a dataset's name has {_LONGEST_DATASET} characters at most"
    parts = name.split("/")
    if len(parts) > _DEEPEST:
        return f"datasets nest {_DEEPEST} levels deep at most"
    for part in parts[1:]:
        if not part:
            return "a dataset's name neither begins nor ends with '/', and never has two in a row"
        if part in (".", ".."):
            return "no part of a dataset's name is '.' or '..'"
        if "@" in part or "#" in part:
            return "names with '@' or '#' are snapshots and bookmarks, not datasets"
        if not _CHARACTERS.fullmatch(part):
            return "a dataset's name holds only letters, digits, '_', '-', '.', ':' and spaces"
        if part != part.strip():
            return "no part of a dataset's name begins or ends with a space"
    return ""


def mountpoint_fault(path: str) -> str:
    """What is wrong with a mountpoint: zfsprops(7) takes an absolute path, none or legacy.

    It has to be written as ZFS will print it back, or it would differ forever.
    """
    if path in ("none", "legacy"):
        return ""
    return path_fault(path)


def path_fault(path: str) -> str:
    """What keeps a path from being absolute and plain."""
    if not path.startswith("/"):
        return "must be an absolute path"
    if path != "/" and any(part in ("", ".", "..") for part in path.split("/")[1:]):
        return "must be a plain path: no '//', '.' or '..', and no '/' at the end"
    if not path.isprintable():
        return "must hold printable characters only"
    return ""


def storage_id_fault(name: str) -> str:
    """What breaks Proxmox VE's rule for a storage's id (pve-storage-id)."""
    if STORAGE_ID.fullmatch(name):
        return ""
    return (
        "a storage's id begins with a letter, ends with a letter or a digit, "
        "holds only letters, digits, '-', '_' and '.', and has two characters at least"
    )


def disk_fault(path: str) -> tuple[str, str]:
    """(what is wrong, what to do) with a disk's path; two empty strings where it is right.

    A config may only name a disk in a way that neither a reboot nor what is written on it
    changes (docs/explanation/safety-model, "Who a disk is").
    """
    by_id = "name it by its link under /dev/disk/by-id (ls -l /dev/disk/by-id)"
    if not path.startswith("/"):
        return "a disk is named by an absolute path under /dev/disk", by_id
    if not path.startswith("/dev/disk/"):
        return "the kernel's names move between disks from boot to boot", by_id
    folder, _, link = path.removeprefix("/dev/disk/").partition("/")
    if folder in _CONTENT_LINKS:
        return f"{folder} names {_CONTENT_LINKS[folder]}, not the disk", by_id
    if folder not in _STABLE_LINKS:
        return "only links under /dev/disk/by-id, by-path and by-vdev tell who a disk is", by_id
    if not re.fullmatch(r"[!-.0-~]+", link) or link in (".", ".."):
        return "is no link to a disk", by_id
    if folder == "by-id":
        return _alias_fault(link, by_id)
    return "", ""


def _alias_fault(link: str, by_id: str) -> tuple[str, str]:
    """Links under by-id that udev makes from what is on a disk, not from the disk."""
    if link.startswith("lvm-pv-uuid-"):
        return "lvm-pv-uuid names an LVM volume on the disk, not the disk", by_id
    if link.startswith("md-"):
        return "md names an array that is put together from disks, not a disk", by_id
    if link.startswith("dm-") and not link.startswith("dm-uuid-mpath-"):
        multipath = "of a multipath device take its dm-uuid-mpath link; else " + by_id
        return "dm names a mapping that is made on top of disks, not a disk", multipath
    return "", ""


def parent_disk(path: str) -> str:
    """The disk of a partition's link (`…-part1`), or the path itself."""
    return re.sub(r"-part[0-9]+$", "", path)
