"""Proxmox VE's storage types: which properties a section may hold, which of them are fixed.

Source: the plugins of pve-storage 9.1.7 (`options` and `plugindata` of each). A type that stands
here is PVE's own; a plugin on the host can bring others, and what they hold is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

CONTENT_TYPES = frozenset(
    {"images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"}
)
"""Every word that `content` may hold; PVE ignores a line that holds another."""

IMPLIED_ID = "local"
IMPLIED_PATH = "/var/lib/vz"
IMPLIED_PROPERTIES: Mapping[str, str] = {
    "path": IMPLIED_PATH,
    "content": "backup,images,iso,rootdir,snippets,vztmpl",
    "prune-backups": "keep-all=1",
}
"""The `dir` storage that PVE assumes where the file does not name `local`."""

BOOLEANS: Mapping[str, str] = {
    "create-base-path": "1",
    "create-subdirs": "1",
    "disable": "0",
    "fuse": "0",
    "krbd": "0",
    "mkdir": "1",
    "nocow": "0",
    "nowritecache": "0",
    "saferemove": "0",
    "shared": "0",
    "skip-cert-verification": "0",
    "snapshot-as-volume-chain": "0",
    "sparse": "0",
    "tagged_only": "0",
}
"""Boolean properties and what they are where the section does not say. `is_mountpoint` is none: it
holds a path or a word."""

COMMON = frozenset({"content", "nodes", "disable", "shared", "prune-backups"})
"""Keys that mean the same in every type, in those that a plugin brings too."""


@attrs.frozen(kw_only=True)
class StorageType:
    """What a type's sections may hold.

    `required` are keys without which PVE skips the section, `fixed` those that never change after
    `add`, `changeable` the rest. `content` is what it can hold, `content_default` what it holds
    where the section does not say.
    """

    required: frozenset[str]
    fixed: frozenset[str]
    changeable: frozenset[str]
    content: frozenset[str]
    content_default: frozenset[str]


def _type(
    *, required: str = "", fixed: str = "", may: str, holds: str, default: str
) -> StorageType:
    return StorageType(
        required=frozenset(required.split()),
        fixed=frozenset(f"{required} {fixed}".split()),
        changeable=frozenset(f"{may} nodes disable content".split()),
        content=frozenset(holds.split()),
        content_default=frozenset(default.split()),
    )


_DISKS = "images rootdir"
_FILES = f"{_DISKS} vztmpl iso backup snippets import"
_BACKUPS = "prune-backups max-protected-backups"
_FOLDERS = "mkdir create-base-path create-subdirs"
_CHAIN = "snapshot-as-volume-chain"

STORAGE_TYPES: Mapping[str, StorageType] = {
    "zfspool": _type(
        required="pool", may="blocksize sparse bwlimit mountpoint", holds=_DISKS, default=_DISKS
    ),
    "dir": _type(
        required="path",
        fixed=_CHAIN,
        may=f"content-dirs shared {_BACKUPS} format {_FOLDERS} is_mountpoint bwlimit preallocation",
        holds=f"{_FILES} none",
        default=_DISKS,
    ),
    "lvm": _type(
        required="vgname",
        fixed="base",
        may=f"shared saferemove saferemove-stepsize saferemove_throughput tagged_only bwlimit"
        f" {_CHAIN}",
        holds=_DISKS,
        default="images",
    ),
    "lvmthin": _type(required="vgname thinpool", may="bwlimit", holds=_DISKS, default=_DISKS),
    "nfs": _type(
        required="server export",
        fixed=f"path {_CHAIN}",
        may=f"content-dirs {_BACKUPS} options format {_FOLDERS} bwlimit preallocation",
        holds=_FILES,
        default="images",
    ),
    "cifs": _type(
        required="server share",
        fixed=f"path {_CHAIN}",
        may=f"content-dirs subdir {_BACKUPS} format username password domain smbversion"
        f" {_FOLDERS} bwlimit preallocation options",
        holds=_FILES,
        default="images",
    ),
    "btrfs": _type(
        required="path",
        may=f"shared {_BACKUPS} format is_mountpoint nocow {_FOLDERS} preallocation",
        holds=f"{_FILES} none",
        default=_DISKS,
    ),
    "cephfs": _type(
        fixed="path",
        may=f"content-dirs monhost subdir options username format {_FOLDERS} fuse bwlimit keyring"
        f" {_BACKUPS} fs-name",
        holds="vztmpl iso backup snippets import",
        default="backup",
    ),
    "pbs": _type(
        required="server datastore",
        may=f"namespace port username password encryption-key master-pubkey {_BACKUPS} fingerprint",
        holds="backup none",
        default="backup",
    ),
    "iscsi": _type(required="portal target", may="bwlimit", holds="images none", default="images"),
    "iscsidirect": _type(
        required="portal target", may="bwlimit", holds="images none", default="images"
    ),
    "zfs": _type(
        required="portal target pool blocksize iscsiprovider",
        may="nowritecache sparse comstar_hg comstar_tg lio_tpg bwlimit zfs-base-path",
        holds="images",
        default="images",
    ),
    "rbd": _type(
        may="monhost pool data-pool namespace username krbd keyring bwlimit",
        holds=_DISKS,
        default="images",
    ),
    "esxi": _type(
        may="shared server username password skip-cert-verification port",
        holds="import",
        default="import",
    ),
}
"""By type. `pvesm add` names the same fourteen when asked for another."""


def is_option(storage_type: str, key: str) -> bool:
    """Whether PVE reads that key in a section of that type, as far as is known here."""
    known = STORAGE_TYPES.get(storage_type)
    if known is None:
        return key in COMMON
    return key in known.changeable or key in known.fixed


def is_fixed(storage_type: str, key: str) -> bool:
    """Whether `pvesm set` refuses to change that key. Of an unknown type, every key counts as
    fixed: nobody here can say otherwise."""
    known = STORAGE_TYPES.get(storage_type)
    return known is None or key not in known.changeable


SECRETS = frozenset({"password", "keyring", "encryption-key", "master-pubkey"})
"""Kept in /etc/pve/priv, never in storage.cfg: no config, plan, state, log or journal holds one."""

_SECRET_KEY = re.compile(
    r"pass|secret|token|api.?key|chap|keyring|encryption-key|master-pubkey|private|credential",
    re.IGNORECASE,
)
_SECRET_OPTION = re.compile(r"(^|,)\s*(pass|passwd|password2?|cred|credentials)\s*=", re.IGNORECASE)


def is_secret(key: str, value: str) -> bool:
    """Whether a setting holds a credential: by its key (plugins of others keep theirs in
    storage.cfg), or among mount options, where mount.cifs(8) takes a password."""
    return bool(_SECRET_KEY.search(key)) or (
        key == "options" and bool(_SECRET_OPTION.search(value))
    )


STORAGE_ID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]", re.IGNORECASE | re.ASCII)
"""What a storage's id may be (pve-storage-id): match it whole. Two characters at least."""
