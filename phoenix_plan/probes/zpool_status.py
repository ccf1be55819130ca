"""zpool-status(8): imported pools with their vdev trees, from JSON or from text.

OpenZFS 2.3 and newer print JSON (zpool_status_json.py), 2.1 and 2.2 text alone
(zpool_status_text.py). Both give the same `PoolStatus`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from phoenix_plan.commands import Query
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Activity, Pool, Property, Vdev
from phoenix_plan.model.sizes import Bytes, Guid

STATUS_JSON = Query(argv=("zpool", "status", "-j", "-P", "--json-int"))
STATUS_TEXT = Query(argv=("zpool", "status", "-P"))
STATUS_GUIDS = Query(argv=("zpool", "status", "-g"))
"""The same tree as STATUS_TEXT with GUIDs for names: text has no column for them."""

_NUMBER = re.compile(r"[0-9]{1,20}")

NO_POOLS = "no pools available"

PoolProperties = Mapping[str, tuple[Mapping[str, Property], Mapping[str, str]]]
"""By pool name: properties, and features to their state."""


ActivityState = Literal["running", "paused", "finished", "canceled"]
"""As `Activity.state`."""


class TextNeeded(ProbeError):
    """This JSON does not tell the whole tree, the text does: ask STATUS_TEXT and STATUS_GUIDS.

    Before 2.3 there is no JSON; some versions leave out what a draid is (OpenZFS issue 18431).
    """


@attrs.frozen(kw_only=True)
class PoolStatus:
    """What zpool-status(8) says of one pool. The pool's GUID is a property, text has it not.

    `vdevs` are top-level ones in ZFS's order: data, dedup, special, logs, cache, spares. Indirect
    and hole vdevs (traces of removed ones) are left out. A checkpoint that is being discarded is an
    activity, though what it blocks stays blocked. `errors` is empty or `N data errors`.
    """

    name: str
    state: str
    status: str
    vdevs: tuple[Vdev, ...]
    activities: tuple[Activity, ...]
    checkpoint: bool
    errors: str


def one_line(text: str) -> str:
    """Prose without the breaks and indents that it was printed with."""
    return " ".join(text.split())


def data_errors(count: int) -> str:
    """`Pool.errors` for a count of data errors."""
    return f"{count} data errors" if count else ""


def distinct(activities: Iterable[Activity]) -> tuple[Activity, ...]:
    """Activities in a fixed order, each once: two rebuilds at a time are one resilver."""
    return tuple(
        sorted(set(activities), key=lambda activity: (activity.kind, activity.state)),
    )


def _bytes_of(pool: str, properties: Mapping[str, Property], name: str, state: str) -> Bytes:
    found = properties.get(name)
    value = found.value if found is not None else ""
    if _NUMBER.fullmatch(value):
        return Bytes(int(value))
    if value == "-" and state in ("FAULTED", "UNAVAIL"):
        return Bytes(0)  # the pool could not be opened, so nobody knows
    raise ProbeError(f"{pool}: {name} is {value!r}, no number of bytes", source="zpool get")


def assemble_pools(status: tuple[PoolStatus, ...], properties: PoolProperties) -> tuple[Pool, ...]:
    """Pools from what zpool-status(8) and zpool-get(8) say.

    Raises ProbeError where the two do not speak of the same pools.
    """
    listed = {pool.name for pool in status}
    if listed != set(properties):
        differing = ", ".join(sorted(listed ^ set(properties)))
        raise ProbeError(
            f"zpool status and zpool get disagree on which pools there are: {differing}",
            source="zpool get",
            hint="pools came or went while they were read: refresh again",
        )
    pools: list[Pool] = []
    for pool in status:
        own, features = properties[pool.name]
        guid = own["guid"].value if "guid" in own else ""
        if not _NUMBER.fullmatch(guid):
            raise ProbeError(f"{pool.name}: guid is {guid!r}, no GUID", source="zpool get")
        pools.append(
            Pool(
                name=pool.name,
                guid=Guid(guid),
                state=pool.state,
                status=pool.status,
                size=_bytes_of(pool.name, own, "size", pool.state),
                allocated=_bytes_of(pool.name, own, "allocated", pool.state),
                free=_bytes_of(pool.name, own, "free", pool.state),
                vdevs=pool.vdevs,
                activities=pool.activities,
                checkpoint=pool.checkpoint,
                properties=own,
                features=features,
                errors=pool.errors,
            )
        )
    return tuple(pools)
