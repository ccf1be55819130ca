"""Changes to bare disks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change, disk_needs
from phoenix_plan.commands import Write, Zero
from phoenix_plan.conditions import Condition, DiskBlank, DiskIs, DiskUnpooled
from phoenix_plan.model.disks import Disk, Emptiness
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.model.subjects import Kind

EDGE = 4 << 20
"""Bytes zeroed at both ends of the disk and of every partition."""


@attrs.frozen(kw_only=True)
class WipeDisk:
    """Zero every signature found, and the first and last 4 MiB of the disk and its partitions.

    `identity` is checked again on the opened descriptor; `ranges` are (offset, length) in bytes.
    """

    TYPE: ClassVar[Literal["wipe-disk"]] = "wipe-disk"
    ABOUT: ClassVar[Kind] = "disk"
    disk: str
    identity: str
    emptiness: Emptiness
    contents: tuple[str, ...]
    ranges: tuple[tuple[Bytes, Bytes], ...]

    @property
    def subject(self) -> str:
        return self.disk

    def needs(self) -> tuple[Condition, ...]:
        return (
            *disk_needs((self.disk,)),
            DiskIs(disk=self.disk, identity=self.identity),
            DiskUnpooled(disk=self.disk),
        )

    def gives(self) -> tuple[Condition, ...]:
        return (DiskBlank(disk=self.disk),)

    def writes(self) -> tuple[Write, ...]:
        return (Zero(path=self.disk, identity=self.identity, ranges=self.ranges),)

    def undo(self) -> str:
        return ""

    def changes(self) -> tuple[Change, ...]:
        held = "; ".join(self.contents) or self.emptiness
        return (Change(name="contents", before=held, after="nothing"),)


def wipe_ranges(disk: Disk) -> tuple[tuple[Bytes, Bytes], ...]:
    """What a wipe of this disk zeroes: (offset, length), sorted and merged."""
    spans = [(0, EDGE), (disk.size - EDGE, EDGE)]
    starts = {0: 0}
    for partition in disk.partitions:
        starts[partition.number] = partition.start
        last = partition.start + partition.size - EDGE
        spans += [(partition.start, EDGE), (max(last, partition.start), EDGE)]
    # Every signature lies within 4 KiB of the offset that blkid names it by.
    spans += [
        (starts.get(signature.part, 0) + signature.offset, 4096) for signature in disk.signatures
    ]
    return merged(spans, disk.size)


def merged(spans: Iterable[tuple[int, int]], size: int) -> tuple[tuple[Bytes, Bytes], ...]:
    """Ranges cut to a disk of `size` bytes, sorted, overlapping ones joined."""
    joined: list[tuple[int, int]] = []
    for offset, length in sorted(spans):
        start, end = max(offset, 0), min(offset + length, size)
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple((Bytes(start), Bytes(end - start)) for start, end in joined)
