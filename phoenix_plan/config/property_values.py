"""What values ZFS takes for its properties, so that a typo is found before a host is asked.

Sources: zfsprops(7) and zpoolprops(7) of OpenZFS 2.1 to 2.3. What a version or a pool's features
forbid beyond that, ZFS says itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from phoenix_plan.config.names import mountpoint_fault, path_fault
from phoenix_plan.model.sizes import human, parse_size
from phoenix_plan.schema_check import nearest

_ON_OFF = ("on", "off")
_CACHE = ("all", "none", "metadata")
_HASHES = ("sha256", "sha512", "skein", "edonr", "blake3")
_LARGEST = 1 << 64
_LONGEST_SIZE = 40

WORDS: dict[str, tuple[str, ...]] = {
    "aclinherit": ("discard", "noallow", "restricted", "passthrough", "passthrough-x"),
    "aclmode": ("discard", "groupmask", "passthrough", "restricted"),
    "acltype": ("off", "noacl", "nfsv4", "posix", "posixacl"),
    "atime": _ON_OFF,
    "canmount": ("on", "off", "noauto"),
    "casesensitivity": ("sensitive", "insensitive", "mixed"),
    "checksum": ("on", "off", "fletcher2", "fletcher4", "noparity", *_HASHES),
    "compression": (
        *("on", "off", "lz4", "zstd", "gzip", "zle", "lzjb", "zstd-fast"),
        *(f"gzip-{level}" for level in range(1, 10)),
        *(f"zstd-{level}" for level in range(1, 20)),
        *(f"zstd-fast-{level}" for level in (*range(1, 11), *range(20, 101, 10), 500, 1000)),
    ),
    "copies": ("1", "2", "3"),
    "dedup": (
        *("on", "off", "verify", "sha256", "sha512", "skein", "blake3"),
        *(f"{name},verify" for name in _HASHES),
    ),
    "devices": _ON_OFF,
    "direct": ("standard", "always", "disabled"),
    "dnodesize": ("legacy", "auto", "1k", "2k", "4k", "8k", "16k"),
    "encryption": (
        *("on", "off", "aes-128-ccm", "aes-192-ccm", "aes-256-ccm"),
        *("aes-128-gcm", "aes-192-gcm", "aes-256-gcm"),
    ),
    "exec": _ON_OFF,
    "keyformat": ("raw", "hex", "passphrase"),
    "logbias": ("latency", "throughput"),
    "longname": _ON_OFF,
    "nbmand": _ON_OFF,
    "normalization": ("none", "formC", "formD", "formKC", "formKD"),
    "overlay": _ON_OFF,
    "prefetch": _CACHE,
    "primarycache": _CACHE,
    "readonly": _ON_OFF,
    "redundant_metadata": ("all", "most", "some", "none"),
    "relatime": _ON_OFF,
    "secondarycache": _CACHE,
    "setuid": _ON_OFF,
    "snapdev": ("hidden", "visible"),
    "snapdir": ("hidden", "visible", "disabled"),
    "sync": ("standard", "always", "disabled"),
    "utf8only": _ON_OFF,
    "volmode": ("default", "full", "geom", "dev", "none"),
    "volthreading": _ON_OFF,
    "vscan": _ON_OFF,
    "xattr": ("on", "off", "sa", "dir"),
    "zoned": _ON_OFF,
}
"""Dataset properties whose values are words."""

POOL_WORDS: dict[str, tuple[str, ...]] = {
    "autoexpand": _ON_OFF,
    "autoreplace": _ON_OFF,
    "autotrim": _ON_OFF,
    "delegation": _ON_OFF,
    "failmode": ("wait", "continue", "panic"),
    "listsnapshots": _ON_OFF,
    "multihost": _ON_OFF,
}
"""Pool properties whose values are words."""


@functools.lru_cache(maxsize=4096)
def value_fault(name: str, value: str) -> str:
    """What is wrong with a dataset property's value; empty where ZFS would take it.

    Of a property whose values are not known here (sharenfs, user properties) only what no
    property can hold is refused.
    """
    if name in WORDS:
        return _word_fault(value, WORDS[name])
    if name in _CHECKS:
        return _CHECKS[name](value)
    if value != value.strip() and ":" not in name:
        return "must neither begin nor end with a space"
    return _text_fault(value)


def pool_value_fault(name: str, value: str) -> str:
    """The same for a pool property."""
    if name in POOL_WORDS:
        return _word_fault(value, POOL_WORDS[name])
    match name:
        case "cachefile":
            return "" if value in ("", "none") else path_fault(value)
        case "comment":
            # zpool_set_prop_validate(): printable ASCII, ZPROP_MAX_COMMENT.
            fits = len(value) <= 32 and value.isascii() and value.isprintable()
            return "" if fits else "must have 32 printable ASCII characters at most"
        case "dedup_table_quota":
            return "" if value == "auto" else _size_fault(value)
        case _:
            return _text_fault(value)


def _word_fault(value: str, words: tuple[str, ...]) -> str:
    if value in words:
        return ""
    close = nearest(value, words)
    asked = f"; did you mean {close}?" if close else ""
    listed = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f"must be one of {listed}{asked}"


def _size(value: str) -> int | None:
    """Bytes, None for what is no size that ZFS can count."""
    if len(value) > _LONGEST_SIZE or value != value.strip() or not value.isascii():
        return None
    try:
        size = parse_size(value)
    except ValueError:
        return None
    return size if size < _LARGEST else None


def _size_fault(value: str) -> str:
    if _size(value) is not None:
        return ""
    return "must be a size: digits, then K, M, G, T, P or E, as in 128K or 1.4T; or none"


def _block_fault(value: str) -> str:
    """recordsize and volblocksize: a power of two from 512 bytes; 16M is the module's limit."""
    size = _size(value) or 0
    if 512 <= size <= 16 << 20 and size & (size - 1) == 0:
        return ""
    return "must be a power of two from 512 to 16M, as in 128K"


def _small_blocks_fault(value: str) -> str:
    size = _size(value)
    return "" if size is not None and size <= 16 << 20 else "must be a size of 16M at most"


def _volume_size_fault(value: str) -> str:
    if value == "none" or _size(value) is None:
        return "must be a size: digits, then K, M, G, T, P or E, as in 32G"
    return ""


def _refreservation_fault(value: str) -> str:
    return "" if value == "auto" else _size_fault(value)


def _count_fault(value: str) -> str:
    counts = value == "none" or (re.fullmatch(r"[0-9]{1,19}", value) is not None)
    return "" if counts else "must be a whole number, or none"


def _iterations_fault(value: str) -> str:
    """zfsprops(7): 100,000 at least."""
    counts = re.fullmatch(r"[0-9]{1,19}", value) is not None and int(value) >= 100_000
    return "" if counts else "must be a whole number, 100000 at least"


def _key_location_fault(value: str) -> str:
    if value == "prompt" or value.startswith(("file:///", "https://", "http://")):
        return ""
    return "must be prompt, or a location that begins with file:///, https:// or http://"


def _text_fault(value: str) -> str:
    """Any value is one argument of a command and one column of its output."""
    if len(value.encode()) > 8191:  # ZFS_MAXPROPLEN, zfsprops(7)
        return "must be shorter than 8 KiB"
    if any(character < " " or character == "\x7f" for character in value):
        return "must hold no control characters"
    return ""


_CHECKS: dict[str, Callable[[str], str]] = {
    "filesystem_limit": _count_fault,
    "keylocation": _key_location_fault,
    "mountpoint": mountpoint_fault,
    "pbkdf2iters": _iterations_fault,
    "quota": _size_fault,
    "recordsize": _block_fault,
    "refquota": _size_fault,
    "refreservation": _refreservation_fault,
    "reservation": _size_fault,
    "snapshot_limit": _count_fault,
    "special_small_blocks": _small_blocks_fault,
    "volblocksize": _block_fault,
    "volsize": _volume_size_fault,
}


def volume_size_fault(size: int, block: int) -> str:
    """zfsprops(7): a volume's size is a multiple of its volblocksize, and more than nothing."""
    if size <= 0:
        return "must be more than nothing"
    if size >= _LARGEST // 2:
        return "is more than ZFS can count"
    if size % block:
        return f"must be a multiple of the volume's block size, {human(block)}"
    return ""
