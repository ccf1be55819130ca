"""zpool-get(8): pool properties and features, the same text on every version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Property
from phoenix_plan.probes.zfs_output import text_lines, zfs_text
from phoenix_plan.probes.zpool_status import NO_POOLS, PoolProperties

POOL_PROPERTIES = Query(argv=("zpool", "get", "-Hp", "-o", "name,property,value,source", "all"))

_SOURCE = "zpool get"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.: -]*")
_PROPERTY = re.compile(r"[a-z0-9_@:.+-]+")
_SOURCES = frozenset({"-", "default", "local", "temporary", "received", "none"})


def _records(lines: list[str]) -> Iterator[tuple[int, str, str, str, str]]:
    """(line, pool, property, value, source) of every record.

    A user property's value may hold tabs and newlines (zpoolprops(7) sets no limit but length);
    the source is the last field, so it says where the value ends.
    """
    number = 0
    while number < len(lines):
        start = number
        fields = lines[number].split("\t", 2)
        number += 1
        if len(fields) != 3 or not _NAME.fullmatch(fields[0]) or not _PROPERTY.fullmatch(fields[1]):
            raise ProbeError(
                f"not a pool, a property, a value and a source: {lines[start]!r}",
                source=_SOURCE,
                line=start + 1,
            )
        pool, name, rest = fields
        value, tab, source = rest.rpartition("\t")
        while ":" in name and not (tab and source in _SOURCES) and number < len(lines):
            rest = f"{rest}\n{lines[number]}"
            number += 1
            value, tab, source = rest.rpartition("\t")
        if not tab or source not in _SOURCES or ("\t" in value and ":" not in name):
            raise ProbeError(
                f"no source of {name} that is known: {rest!r}", source=_SOURCE, line=start + 1
            )
        yield start + 1, pool, name, value, source


def parse_pool_properties(output: Output) -> PoolProperties:
    """Properties and features (`feature@name`) of every imported pool, by its name.

    Raises ProbeError for text that it does not know, and for a property that is told twice.
    """
    text = zfs_text(output, source=_SOURCE, none=NO_POOLS, may_be_empty=True)
    pools: dict[str, tuple[dict[str, Property], dict[str, str]]] = {}
    for line, pool, name, value, source in _records(text_lines(text)):
        properties, features = pools.setdefault(pool, ({}, {}))
        if name in properties or name in features:
            raise ProbeError(f"{pool}: {name} is told twice", source=_SOURCE, line=line)
        if name.startswith("feature@"):
            features[name] = value
        else:
            properties[name] = Property(value=value, source=source)
    return pools
