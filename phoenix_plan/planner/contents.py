"""What is on a disk, in words: each thing named in full."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_plan.model.disks import Disk, Label, Signature
from phoenix_plan.model.sizes import human

TABLES = {
    "gpt": "a GPT",
    "mbr": "an MBR partition table",
    "backup-gpt": "the backup copy of a GPT (its primary is gone)",
}


def contents(disk: Disk) -> tuple[str, ...]:
    """Tables, partitions, signatures and labels of a disk, one line each; empty for a blank one."""
    return tuple(_lines(disk))


def _lines(disk: Disk) -> Iterator[str]:
    if disk.table:
        count = len(disk.partitions)
        yield f"{TABLES.get(disk.table, disk.table)} with {count} partition{'s' * (count != 1)}"
    for partition in disk.partitions:
        label = f" {partition.label!r}" if partition.label else ""
        yield (
            f"partition {partition.number}{label}: {human(partition.size)} at "
            f"{human(partition.start)}, type {partition.type}"
        )
    # The four uberblock arrays of one label set are one thing to a person.
    seen: set[tuple[int, str, str]] = set()
    for signature in disk.signatures:
        key = (signature.part, signature.type, signature.uuid)
        if signature.type in ("gpt", "PMBR", "dos") or key in seen:
            continue
        seen.add(key)
        yield f"{_where(signature.part)}{_signature(signature)}"
    for found in disk.labels:
        yield f"{_where(found.part)}{_label(found)}"


def _where(part: int) -> str:
    return f"partition {part}: " if part else ""


def _signature(signature: Signature) -> str:
    name = f" {signature.label!r}" if signature.label else ""
    uuid = f", UUID {signature.uuid}" if signature.uuid else ""
    return f"{signature.type}{name}{uuid} (at byte {signature.offset})"


def _label(label: Label) -> str:
    if label.state == "spare":
        return f"ZFS label: hot spare, vdev {label.guid}"
    if label.state == "l2cache":
        return f"ZFS label: cache device, vdev {label.guid}"
    if label.txg == "0":
        # zpool-detach(8) and zpool-remove(8) leave the label, without a transaction group.
        return f"ZFS label: no longer a member of pool {label.pool} ({label.pool_guid})"
    user = f", last used by {label.hostname or 'host'} ({label.hostid})" if label.hostid else ""
    return f"ZFS label: pool {label.pool} ({label.pool_guid}), {label.state}{user}"
