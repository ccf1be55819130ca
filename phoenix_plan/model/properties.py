"""Property tables: what ZFS knows of its properties that a plan has to know too.

Sources: zfsprops(7) and zpoolprops(7) of OpenZFS 2.1 and 2.3.
"""

from __future__ import annotations

from phoenix_plan.model.sizes import parse_size

CREATE_ONLY = frozenset(
    {"normalization", "casesensitivity", "utf8only", "encryption", "volblocksize"}
)
"""Set when a dataset is created, never after. `keyformat` and `pbkdf2iters` change only with
`zfs change-key`, and count as such here."""

KEY_PROPERTIES = frozenset({"keyformat", "keylocation", "pbkdf2iters"})

SIZES = frozenset(
    {
        "quota",
        "refquota",
        "reservation",
        "refreservation",
        "recordsize",
        "volblocksize",
        "volsize",
        "special_small_blocks",
    }
)
"""Read back in bytes; `none` is 0."""

NOT_INHERITED = frozenset(
    {
        "quota",
        "refquota",
        "reservation",
        "refreservation",
        "volsize",
        "canmount",
        "filesystem_limit",
        "snapshot_limit",
    }
    | CREATE_ONLY
)
"""A child does not take these from its parent (zfsprops(7)); encryption is taken at creation."""

FILESYSTEM_ONLY = frozenset(
    {
        "mountpoint",
        "canmount",
        "atime",
        "relatime",
        "recordsize",
        "quota",
        "refquota",
        "sharenfs",
        "sharesmb",
        "snapdir",
        "aclmode",
        "aclinherit",
        "acltype",
        "devices",
        "exec",
        "setuid",
        "xattr",
        "dnodesize",
        "zoned",
        "nbmand",
        "vscan",
        "overlay",
        "special_small_blocks",
        "filesystem_limit",
        "casesensitivity",
        "normalization",
        "utf8only",
    }
)
VOLUME_ONLY = frozenset({"volsize", "volblocksize"})
"""`volmode` and `snapdev` stand on filesystems too, for the volumes below (zfsprops(7))."""

SETTABLE = (
    "aclinherit",
    "aclmode",
    "acltype",
    "atime",
    "canmount",
    "casesensitivity",
    "checksum",
    "compression",
    "copies",
    "dedup",
    "devices",
    "dnodesize",
    "encryption",
    "exec",
    "filesystem_limit",
    "keyformat",
    "keylocation",
    "logbias",
    "mountpoint",
    "nbmand",
    "normalization",
    "overlay",
    "primarycache",
    "quota",
    "readonly",
    "recordsize",
    "redundant_metadata",
    "refquota",
    "refreservation",
    "relatime",
    "reservation",
    "secondarycache",
    "setuid",
    "sharenfs",
    "sharesmb",
    "snapdev",
    "snapdir",
    "snapshot_limit",
    "special_small_blocks",
    "sync",
    "utf8only",
    "volblocksize",
    "volmode",
    "volsize",
    "vscan",
    "xattr",
    "zoned",
)
"""Every native dataset property that can be declared, on every version from 2.1: the columns that
a refresh asks for. Newer ones (`direct`, `prefetch`, `longname`, `volthreading`) are seen only
where somebody has set them."""

READ_ONLY = frozenset(
    {
        "available",
        "clones",
        "compressratio",
        "createtxg",
        "creation",
        "defer_destroy",
        "encryptionroot",
        "filesystem_count",
        "guid",
        "keystatus",
        "logicalreferenced",
        "logicalused",
        "mounted",
        "name",
        "objsetid",
        "origin",
        "receive_resume_token",
        "redact_snaps",
        "refcompressratio",
        "referenced",
        "snapshot_count",
        "snapshots_changed",
        "type",
        "used",
        "usedbychildren",
        "usedbydataset",
        "usedbyrefreservation",
        "usedbysnapshots",
        "userrefs",
        "version",
        "written",
    }
)

POOL_SETTABLE = frozenset(
    {
        "ashift",
        "autoexpand",
        "autoreplace",
        "autotrim",
        "bootfs",
        "cachefile",
        "comment",
        "compatibility",
        "dedup_table_quota",
        "delegation",
        "failmode",
        "listsnapshots",
        "multihost",
    }
)
"""Pool properties that can be declared (zpoolprops(7)); `ashift` has a key of its own."""

POOL_READ_ONLY = frozenset(
    {
        "allocated",
        "altroot",
        "bcloneratio",
        "bclonesaved",
        "bcloneused",
        "capacity",
        "checkpoint",
        "dedup_table_size",
        "dedupratio",
        "expandsize",
        "fragmentation",
        "free",
        "freeing",
        "guid",
        "health",
        "last_scrubbed_txg",
        "leaked",
        "load_guid",
        "readonly",
        "size",
        "version",
    }
)

CREATED_POOL = {"autotrim": "on"}
"""What the shell script gave every pool it created, unless the config says otherwise."""

CREATED_FILESYSTEM = {"atime": "off", "compression": "lz4"}
"""Likewise, on the root filesystem."""

CREATED_ASHIFT = 12

_SYNONYMS = {
    ("encryption", "on"): "aes-256-gcm",
    ("compression", "gzip-6"): "gzip",
    ("filesystem_limit", "18446744073709551615"): "none",  # how 2.1 prints it with -p
    ("snapshot_limit", "18446744073709551615"): "none",
    ("volmode", "geom"): "full",
    ("compression", "zstd-fast-1"): "zstd-fast",
    ("acltype", "noacl"): "off",
    ("acltype", "posixacl"): "posix",
    ("dedup", "on"): "on",
}


def is_user_property(name: str) -> bool:
    """Whether a property is a user's own (zfsprops(7): it holds a colon)."""
    return ":" in name


def canonical(name: str, value: str) -> str:
    """A property's value as `zfs get -p` would read it back, so that equals compare equal.

    Sizes become bytes and `none` 0 where the property is a size; synonyms take one form. Raises
    ValueError for a size that is none.
    """
    if name in SIZES:
        return str(int(parse_size(value)))
    return _SYNONYMS.get((name, value), value)
