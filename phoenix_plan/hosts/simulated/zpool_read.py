"""`zpool get` and `zpool list` of a simulated host, and the properties of its pools."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.commands import Output
from phoenix_plan.hosts.simulated import space, vdevs
from phoenix_plan.hosts.simulated.tool import Refused, options, said, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Pool, World

# Name, or name>version where it is newer than 2.1 | default | words, or what its value is.
_TABLE = """
size|
capacity|
altroot|-
health|
guid|
version|-
bootfs|-|text
delegation|on|on off
autoreplace|off|on off
cachefile|-|text
failmode|wait|wait continue panic
listsnapshots|off|on off
autoexpand|off|on off
dedupratio|1.00
free|
allocated|
readonly|off
ashift|0|ashift
comment|-|comment
expandsize|-
freeing|0
fragmentation|0
leaked|0
multihost|off|on off
checkpoint|-
load_guid|
autotrim|off|on off
compatibility|off|text
bcloneused>2.2|0
bclonesaved>2.2|0
bcloneratio>2.2|1.00
dedup_table_size>2.3|0
dedup_table_quota>2.3|auto|text
last_scrubbed_txg>2.3|0
"""

# In zpool-features(7)'s order of appearance; * is active in every new pool.
_FEATURES = """
async_destroy empty_bpobj lz4_compress* multi_vdev_crash_dump spacemap_histogram* enabled_txg*
hole_birth* extensible_dataset* embedded_data* bookmarks filesystem_limits large_blocks large_dnode
sha512 skein edonr userobj_accounting* encryption project_quota* device_removal obsolete_counts
zpool_checkpoint spacemap_v2* allocation_classes resilver_defer bookmark_v2 redaction_bookmarks
redacted_datasets bookmark_written log_spacemap* livelist device_rebuild zstd_compress draid
zilsaxattr>2.2 head_errlog>2.2* blake3>2.2 block_cloning>2.2 vdev_zaps_v2>2.2*
redaction_list_spill>2.3 raidz_expansion>2.3 fast_dedup>2.3 longname>2.3 large_microzap>2.3
"""


def _there(word: str, world: World) -> bool:
    first = word.partition(">")[2].rstrip("*")
    return not first or world.version >= tuple(int(part) for part in first.split("."))


def forms(world: World) -> dict[str, str]:
    """Settable pool properties, with their words or what their value is; empty for read-only."""
    rows = [f"{row}||".split("|")[:3] for row in _TABLE.strip().splitlines()]
    return {name.partition(">")[0]: form for name, _, form in rows if _there(name, world)}


def valid(world: World, name: str, value: str, *, create: bool = False) -> str:
    """A pool property's value as it reads back. Raises ValueError as libzfs says it."""
    form = forms(world).get(name)
    if ":" in name and world.version >= (2, 2):
        return value
    if name.startswith("feature@") and name.removeprefix("feature@") in feature_names(world):
        if value not in ("enabled", "disabled")[: 2 if create else 1]:
            raise ValueError(f"property '{name}' can only be set to 'enabled' or 'disabled'")
        return value
    if form is None:
        raise ValueError(f"invalid property '{name}'")
    if not form:
        raise ValueError(f"'{name}' is readonly")
    if form == "ashift":
        if not value.isdigit():
            raise ValueError(f"bad numeric value '{value}'")
        if value != "0" and not 9 <= int(value) <= 16:
            raise ValueError(
                f"property '{name}' number {value} is invalid, only values between 9 and 16 are"
                " allowed."
            )
    elif form == "comment" and len(value) > 32:
        raise ValueError("comment must not exceed 32 characters")
    elif form not in ("text", "comment") and value not in form.split():
        raise ValueError(f"'{name}' must be one of '{' | '.join(form.split())}'")
    return value


def feature_names(world: World) -> list[str]:
    """The features that this OpenZFS knows."""
    return [word.partition(">")[0].rstrip("*") for word in _FEATURES.split() if _there(word, world)]


def features(world: World, pool: Pool) -> dict[str, str]:
    """Every feature of this OpenZFS with its state in the pool."""
    values = {value for dataset in pool.datasets.values() for value in dataset.set.values()}
    used = {
        "zstd_compress": any(value.startswith("zstd") for value in values),
        "encryption": any("encryption" in dataset.fixed for dataset in pool.datasets.values()),
        "allocation_classes": any(one.vdev_class in ("special", "dedup") for one in pool.vdevs),
        "livelist": any(dataset.origin for dataset in pool.datasets.values()),
        "zpool_checkpoint": pool.checkpoint,
        "device_removal": any(scan.kind == "remove" for scan in pool.scans),
        "raidz_expansion": any(scan.kind == "expand" for scan in pool.scans),
    }
    found: dict[str, str] = {}
    for word in _FEATURES.split():
        name = word.partition(">")[0].rstrip("*")
        if _there(word, world):
            active = word.endswith("*") or used.get(name, False)
            found[name] = pool.features.get(name, "active" if active else "enabled")
    return found


def property_rows(world: World, pool: Pool) -> dict[str, tuple[str, str]]:
    """Every property of a pool: value as `-p` prints it, and source."""
    size, allocated = space.pool_size(world, pool), space.pool_allocated(world, pool)
    told = {
        "size": str(size),
        "capacity": str(allocated * 100 // size if size else 0),
        "health": vdevs.pool_state(world, pool),
        "guid": pool.guid,
        "free": str(size - allocated),
        "allocated": str(allocated),
        "load_guid": str(int(pool.guid) ^ 0x5A5A5A5A5A5A5A5A),
        "checkpoint": "79872" if pool.checkpoint else "-",
        "readonly": "on" if pool.readonly else "off",
    }
    found: dict[str, tuple[str, str]] = {}
    for row in _TABLE.strip().splitlines():
        word, default, form = f"{row}||".split("|")[:3]
        name = word.partition(">")[0]
        if not _there(word, world):
            continue
        if name in pool.set:
            found[name] = (pool.set[name] or "-", "local")
        else:
            settable = form or name in ("altroot", "version")
            found[name] = (told.get(name, default), "default" if settable else "-")
    states = features(world, pool)
    found |= {f"feature@{name}": (state, "local") for name, state in states.items()}
    return found | {
        name: (value, "local") for name, value in sorted(pool.set.items()) if ":" in name
    }


def _pools(world: World, names: Sequence[str]) -> list[Pool]:
    found: list[Pool] = []
    for name in names:
        pool = world.pool(name)
        if pool is None:
            raise Refused(f"cannot open '{name}': no such pool")
        found.append(pool)
    return found or world.imported()


def get(world: World, words: Sequence[str]) -> Output:
    """zpool-get(8)."""
    given, rest = options(words, "Hpj", "o")
    if "H" not in given or "p" not in given:
        raise unmodelled(("zpool", "get", *words), "it prints exact values alone: add -Hp")
    if not rest:
        raise usage("missing property argument")
    columns = (given.get("o") or ["name,property,value,source"])[-1].split(",")
    lines = []
    for pool in _pools(world, rest[1:]):
        rows = property_rows(world, pool)
        wanted = list(rows) if rest[0] == "all" else rest[0].split(",")
        for name in wanted:
            if name not in rows:
                raise usage(f"bad property list: invalid property '{name}'")
            value, source = rows[name]
            cells = {"name": pool.name, "property": name, "value": value, "source": source}
            lines.append("\t".join(cells[column] for column in columns) + "\n")
    return said("".join(lines))


def list_pools(world: World, words: Sequence[str]) -> Output:
    """zpool-list(8), named columns."""
    given, names = options(words, "Hp", "o")
    if "H" not in given or "o" not in given:
        raise unmodelled(("zpool", "list", *words), "it prints named columns alone: add -H and -o")
    lines = []
    for pool in _pools(world, names):
        rows = {"name": (pool.name, "-"), **property_rows(world, pool)}
        cells = [rows[column][0] for column in given["o"][-1].split(",") if column in rows]
        lines.append("\t".join(cells) + "\n")
    if not lines:
        return said(stderr="no pools available\n")
    return said("".join(lines))
