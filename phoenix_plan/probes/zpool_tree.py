"""The tree of vdevs that zpool-status(8) prints: rows by indent, made into vdevs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Vdev, VdevClass, VdevState
from phoenix_plan.model.sizes import Guid
from phoenix_plan.probes.zpool_words import (
    BLOCK_SIZE,
    IN_USE_BY,
    REMARKS,
    STATES,
    lacks_children,
    note_of,
    parity_of_name,
    state_of,
    type_of_name,
    type_of_path,
)

_COUNT = r"[0-9]+(?:\.[0-9]+)?[KMGTPEZ]?"
_ROW = re.compile(
    rf"\t((?:  )*)(\S.*?) {{2,}}({'|'.join(STATES)})"
    rf"( +{_COUNT} +{_COUNT} +{_COUNT})?((?: +\S+)*) *"
)
_PROGRESS = re.compile(
    r"(?:  \((?:resilvering|repairing|awaiting resilver|initializing|trimming)\))+$"
)
_REMOVING = "  (removing)"
_NOT_ALLOCATING = "  (non-allocating)"


@attrs.frozen
class Row:
    """One line of the tree. `depth` is 0 for the pool, 1 for a top-level vdev."""

    line: int
    depth: int
    name: str
    vdev_class: VdevClass
    state: VdevState
    was: str
    note: str


def read_row(line: str, vdev_class: VdevClass, number: int, *, counted: bool) -> Row | None:
    """The row that a line is, None for one that is not known.

    `counted` says that error counts stand in it; spares have none.
    """
    match = _ROW.fullmatch(line)
    if match is None:
        return None
    indent, name, state, counts, remark = match.groups()
    if (counts is not None) != counted:
        return None
    # What a leaf is busy with is the pool's activity, and JSON does not tell it.
    remark = _PROGRESS.sub("", remark)
    removing = remark.endswith(_REMOVING)
    not_allocating = remark.endswith(_NOT_ALLOCATING)
    remark = remark.removesuffix(_REMOVING).removesuffix(_NOT_ALLOCATING).lstrip(" ")
    was = remark.removeprefix("was ") if remark.startswith("was /") else ""
    if was:
        remark = ""
    elif remark and not (
        remark in REMARKS or IN_USE_BY.fullmatch(remark) or BLOCK_SIZE.fullmatch(remark)
    ):
        return None
    return Row(
        line=number,
        depth=len(indent) // 2,
        name=name,
        vdev_class=vdev_class,
        state=state_of(STATES[state], missing=bool(was)),
        was=was,
        note=note_of(remark, removing=removing, not_allocating=not_allocating),
    )


def as_vdevs(rows: Sequence[Row], guids: Sequence[Guid], *, source: str) -> tuple[Vdev, ...]:
    """The top-level vdevs of a pool's rows, the pool's own first; `guids` are theirs, in order.

    Indirect and hole vdevs are left out, as JSON does. Raises ProbeError for an indent that
    leads nowhere, a device without a path, an inner vdev without children.
    """
    end = 1
    vdevs: list[Vdev] = []
    while end < len(rows):
        vdev, end = _vdev(rows, guids, end, 1, source)
        vdevs.append(vdev)
    return tuple(vdev for vdev in vdevs if vdev.type not in ("indirect", "hole"))


def _vdev(
    rows: Sequence[Row], guids: Sequence[Guid], at: int, depth: int, source: str
) -> tuple[Vdev, int]:
    """The vdev whose row is `at`, and where the next one starts."""
    row = rows[at]
    if row.depth != depth:
        raise ProbeError(f"{row.name}: an indent that fits nothing", source=source, line=row.line)
    end = at + 1
    children: list[Vdev] = []
    while end < len(rows) and rows[end].depth > depth and rows[end].vdev_class == row.vdev_class:
        child, end = _vdev(rows, guids, end, depth + 1, source)
        children.append(child)
    path = row.was or (row.name if row.name.startswith("/") else "")
    vdev_type = type_of_name(row.name)
    if vdev_type is None:
        if not path or children:
            raise ProbeError(
                f"{row.name!r} is no type of vdev and no device", source=source, line=row.line
            )
        vdev_type = type_of_path(path)
    if lacks_children(vdev_type, row.name, len(children)):
        raise ProbeError(f"{row.name} lacks a child", source=source, line=row.line)
    return (
        Vdev(
            guid=guids[at],
            name=row.name,
            type=vdev_type,
            vdev_class=row.vdev_class,
            state=row.state,
            parity=parity_of_name(row.name),
            path=path if vdev_type in ("disk", "file") else "",
            was=row.was,
            note=row.note,
            children=tuple(children),
        ),
        end,
    )
