"""Dataset properties as zfsprops(7) of OpenZFS 2.1 to 2.3 has them: defaults, values, inheritance.

Values are kept as `zfs get -p` prints them. Messages are those of libzfs (`zfs_valid_proplist`).
"""

from __future__ import annotations

import re

from phoenix_plan.hosts.simulated.world import Dataset, Pool, World

_ZSTD = " ".join(f"zstd-{level}" for level in range(1, 20))
_FAST = " ".join(f"zstd-fast-{n}" for n in (*range(1, 11), *range(20, 101, 10), 500, 1000))
_SUMS = "fletcher2 fletcher4 sha256 sha512 skein edonr"

# Name | default | on filesystems, volumes | how it is set: i inherited, o own, once, read | values
# A default or a word behind `>` counts from that version on, one behind `<` before it.
_TABLE = f"""
type||fv|read|
creation||fv|read|
used||fv|read|
available||fv|read|
referenced||fv|read|
compressratio||fv|read|
mounted||f|read|
origin||fv|read|
quota|0|f|o|size
reservation|0|fv|o|size
volsize||v|o|size
volblocksize|16384<8192|v|volume|size
recordsize|131072|f|i|block
mountpoint||f|i|mountpoint
sharenfs|off|f|i|text
checksum|on|fv|i|on off {_SUMS} blake3>2.2 noparity
compression|on<off|fv|i|on off lzjb gzip {" ".join(f"gzip-{n}" for n in range(1, 10))} zle lz4 zstd zstd-fast {_ZSTD} {_FAST}
atime|on|f|i|on off
devices|on|f|i|on off
exec|on|f|i|on off
setuid|on|f|i|on off
readonly|off|fv|i|on off
zoned|off|f|i|on off
snapdir|hidden|f|i|disabled>2.3 hidden visible
aclmode|discard|f|i|discard groupmask passthrough restricted
aclinherit|restricted|f|i|discard noallow restricted passthrough passthrough-x
createtxg||fv|read|
canmount|on|f|o|on off noauto
xattr|on|f|i|on off dir sa
copies|1|fv|i|1 2 3
version|5|f|read|
utf8only|off|f|once|on off
normalization|none|f|once|none formC formD formKC formKD
casesensitivity|sensitive|f|once|sensitive insensitive mixed
vscan|off|f|i|on off
nbmand|off|f|i|on off
sharesmb|off|f|i|text
refquota|0|f|o|size
refreservation|0|fv|o|size
guid||fv|read|
primarycache|all|fv|i|all none metadata
secondarycache|all|fv|i|all none metadata
usedbysnapshots||fv|read|
usedbydataset||fv|read|
usedbychildren||fv|read|
usedbyrefreservation||fv|read|
logbias|latency|fv|i|latency throughput
objsetid||fv|read|
dedup|off|fv|i|on off verify sha256 sha256,verify sha512 sha512,verify skein skein,verify edonr,verify
mlslabel|none|fv|i|text
sync|standard|fv|i|standard always disabled
dnodesize|legacy|f|i|legacy auto 1k 2k 4k 8k 16k
refcompressratio||fv|read|
written||fv|read|
logicalused||fv|read|
logicalreferenced||fv|read|
volmode|default|fv|i|default full geom dev none
filesystem_limit|none<18446744073709551615|f|o|limit
snapshot_limit|none<18446744073709551615|fv|o|limit
filesystem_count||f|count|
snapshot_count||fv|count|
snapdev|hidden|fv|i|hidden visible
acltype|off|f|i|off posix noacl posixacl nfsv4
context|none|fv|i|text
fscontext|none|fv|i|text
defcontext|none|fv|i|text
rootcontext|none|fv|i|text
relatime|on<off|f|i|on off
redundant_metadata|all|fv|i|all most some>2.2 none>2.2
overlay|on|f|i|on off
encryption|off|fv|once|on off aes-128-ccm aes-192-ccm aes-256-ccm aes-128-gcm aes-192-gcm aes-256-gcm
keylocation|none|fv|o|text
keyformat|none|fv|once|none raw hex passphrase
pbkdf2iters|0|fv|once|number
special_small_blocks|0|f|i|block
prefetch>2.2|all|fv|i|none metadata all
direct>2.3|standard|f|i|disabled standard always
longname>2.3|off|f|i|on off
volthreading>2.3|on|v|i|on off
"""  # noqa: E501 - a table, a line for each property

_READ_BACK = {
    ("compression", "gzip-6"): "gzip",
    ("compression", "zstd-3"): "zstd",
    ("compression", "zstd-fast-1"): "zstd-fast",
    ("acltype", "noacl"): "off",
    ("acltype", "posixacl"): "posix",
    ("encryption", "on"): "aes-256-gcm",
    ("volmode", "geom"): "full",
}
_SIZE = re.compile(r"(\d+)(\.\d+)?([KMGTPEZ]?)B?", re.IGNORECASE | re.ASCII)
_USER = re.compile(r"[a-z0-9_.:+-]+")
_NO_LIMIT = ("none", "18446744073709551615")


def _since(text: str, version: tuple[int, ...]) -> str | None:
    """A word without its version; None where that version is another."""
    word, mark, first = text.partition(">")
    if mark and version < tuple(int(part) for part in first.split(".")):
        return None
    return word


class Property:
    """One property on one version. `kind` is inherited `i`, own `o`, `once`, `volume` (set once,
    and told like the rest), `read` or `count`; `form` is what its value is."""

    def __init__(self, row: str, version: tuple[int, ...]) -> None:
        name, default, self.applies, self.kind, form = row.split("|")
        self.name = _since(name, version)
        newer, mark, older = default.partition("<")
        self.default = older if mark and version < (2, 2) else newer
        words = [word for text in form.split() if (word := _since(text, version)) is not None]
        self.form = (
            form if form in ("size", "block", "limit", "text", "mountpoint", "number") else ""
        )
        self.words = [] if self.form else words

    def on(self, dataset_type: str) -> bool:
        """Whether it applies to a filesystem or volume."""
        return dataset_type[0] in self.applies


_KNOWN: dict[tuple[int, ...], dict[str, Property]] = {}


def table(world: World) -> dict[str, Property]:
    """The properties of this host's OpenZFS, by name, in the order that `zfs get all` prints."""
    version = world.version[:2]
    if version not in _KNOWN:
        rows = (Property(row, version) for row in _TABLE.strip().splitlines())
        _KNOWN[version] = {row.name: row for row in rows if row.name is not None}
    return _KNOWN[version]


def parse_size(text: str) -> int:
    """Bytes of `128K`, as zfs_nicestrtonum reads them. Raises ValueError as libzfs says it."""
    match = _SIZE.fullmatch(text)
    if match is None or (match[2] and not match[3]):
        raise ValueError(f"bad numeric value '{text}'")
    shift = 10 * (" KMGTPEZ".index(match[3].upper()) if match[3] else 0)
    if match[2]:
        return int(float(match[1] + match[2]) * (1 << shift))
    return int(match[1]) << shift


def canonical(world: World, dataset_type: str, name: str, value: str) -> str:
    """A value as `zfs get -p` reads it back. Raises ValueError with what libzfs says of it."""
    if ":" in name:
        if not _USER.fullmatch(name):
            raise ValueError(f"invalid property '{name}'")
        return value
    prop = table(world).get(name)
    if prop is None:
        raise ValueError(f"invalid property '{name}'")
    if prop.kind in ("read", "count"):
        raise ValueError(f"'{name}' is readonly")
    if not prop.on(dataset_type):
        raise ValueError(f"'{name}' does not apply to datasets of this type")
    if prop.words and value not in prop.words:
        raise ValueError(f"'{name}' must be one of '{' | '.join(prop.words)}'")
    return _formed(world, prop, name, value)


def _formed(world: World, prop: Property, name: str, value: str) -> str:
    if prop.form == "size":
        return "0" if value == "none" else str(parse_size(value))
    if prop.form == "block":
        return str(_block(world, name, parse_size(value)))
    if prop.form == "limit":
        return prop.default if value in _NO_LIMIT else str(parse_size(value))
    if prop.form == "number":
        return str(parse_size(value))
    if prop.form == "mountpoint" and value not in ("none", "legacy") and not value.startswith("/"):
        raise ValueError(f"'{name}' must be an absolute path, 'none', or 'legacy'")
    return _READ_BACK.get((name, value), value)


def _block(world: World, name: str, size: int) -> int:
    most = (16 << 20) if world.version >= (2, 2) else (1 << 20)
    least = 0 if name == "special_small_blocks" else 512
    if size & (size - 1) or not least <= size <= most:
        shown = f"{most >> 20}M" if most > 1 << 20 else f"{most >> 10}KB"
        raise ValueError(f"'{name}' must be power of 2 from {least or '0 or 512'}B to {shown}")
    return size


def effective(world: World, pool: Pool, dataset: Dataset, name: str) -> tuple[str, str]:
    """Value and source of a settable property, as `zfs get -p` prints them.

    Where a mountpoint is inherited, the rest of the name is added to it.
    """
    prop = table(world)[name]
    if name in dataset.fixed:
        return dataset.fixed[name], "-"
    if name in dataset.set:
        return dataset.set[name], "local"
    if prop.kind == "once":
        return prop.default, "default" if name in (
            "encryption",
            "keyformat",
            "pbkdf2iters",
        ) else "-"
    above = _above(pool, dataset, name) if prop.kind == "i" else None
    if name == "mountpoint":
        return _mountpoint(dataset, above)
    if above is not None:
        return above.set[name], f"inherited from {above.name}"
    return prop.default, "default"


def _above(pool: Pool, dataset: Dataset, name: str) -> Dataset | None:
    """The nearest dataset above that sets a property."""
    parent = dataset.parent
    while parent:
        found = pool.datasets[parent]
        if name in found.set:
            return found
        parent = found.parent
    return None


def _mountpoint(dataset: Dataset, above: Dataset | None) -> tuple[str, str]:
    if above is None:
        return f"/{dataset.name}", "default"
    value = above.set["mountpoint"]
    if value.startswith("/"):
        value = value.rstrip("/") + dataset.name.removeprefix(above.name)
    return value, f"inherited from {above.name}"


def user_properties(pool: Pool, dataset: Dataset) -> dict[str, tuple[str, str]]:
    """User properties that reach a dataset, with their source."""
    found: dict[str, tuple[str, str]] = {}
    at: Dataset | None = dataset
    while at is not None:
        source = "local" if at is dataset else f"inherited from {at.name}"
        for name, value in at.set.items():
            if ":" in name:
                found.setdefault(name, (value, source))
        at = pool.datasets[at.parent] if at.parent else None
    return dict(sorted(found.items()))


def mountpoint(world: World, pool: Pool, dataset: Dataset) -> str:
    """Where a filesystem mounts: a path, `none` or `legacy`."""
    return effective(world, pool, dataset, "mountpoint")[0]


def may_mount(world: World, pool: Pool, dataset: Dataset) -> bool:
    """Whether it mounts by itself, as soon as its key is there."""
    if dataset.type != "filesystem" or dataset.set.get("canmount", "on") != "on":
        return False
    return mountpoint(world, pool, dataset).startswith("/")


def mounts_by_itself(world: World, pool: Pool, dataset: Dataset) -> bool:
    """Whether `zfs mount -a` would mount it: nobody has loaded a key."""
    locked = dataset.fixed.get("encryption", "off") != "off"
    return not locked and may_mount(world, pool, dataset)
