"""The device script, last part: one disk, all of them, and the answer.

Request, as JSON in the arguments (joined, where it is longer than the system takes for one):
{"devices": [path], "deep": [[path, identity]], "directories": [path]}. Answer, as JSON on stdout:
see `answer`. Nothing is ever opened for writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from phoenix_plan.probes.inspector_checks import boot_sector_of_fs
from phoenix_plan.probes.inspector_device import (
    BUFFER,
    CHUNK,
    PAGE,
    Device,
    Space,
    error_text,
    kernel_holders,
    kernel_partitions,
)
from phoenix_plan.probes.inspector_labels import NVLIST_AT, FoundLabel, read_labels
from phoenix_plan.probes.inspector_signatures import find_signatures, superblock_places
from phoenix_plan.probes.inspector_tables import Part, Table, read_table
from phoenix_plan.probes.inspector_users import (
    Report,
    directory_state,
    find_users,
    find_zvols,
    own_mountpoints,
)

VERSION = 1
THREADS = 64
WHOLE = 1024 * 1024 * 1024
EDGE = 64 * 1024 * 1024
SAMPLES = 4096
SAMPLE = 64 * 1024
SHOWN = 8


def inspect_disk(path: str, identity: str | None) -> dict[str, Any]:
    """What is on one disk; with an identity, read across where nothing is recognised."""
    disk: dict[str, Any] = {
        "size": 0,
        "sector": 0,
        "table": "",
        "partitions": [],
        "signatures": [],
        "labels": [],
        "holders": [],
        "emptiness": "unread",
        "residue": "",
        "unknown": [],
    }
    try:
        device = Device(path)
    except (OSError, ValueError) as error:
        disk["unknown"] = [_failure(path, error)]
        return disk
    try:
        _recognise(device, disk)
        if any(disk[key] for key in ("table", "partitions", "signatures", "labels", "holders")):
            disk["emptiness"] = "occupied"
        elif identity is not None and not disk["unknown"]:
            disk["residue"] = residue(device, identity)
            disk["emptiness"] = "residual" if disk["residue"] else "blank"
    except (OSError, ValueError) as error:
        disk["unknown"].append(_failure(path, error))
    finally:
        device.close()
    return disk


def _failure(path: str, error: Exception) -> str:
    said = error_text(error) if isinstance(error, OSError) else str(error)
    return f"{path}: {said}"


def _recognise(device: Device, disk: dict[str, Any]) -> None:
    disk["size"], disk["sector"] = device.size, device.sector
    if not device.size:
        raise ValueError("the device has no size")
    disk["holders"] = kernel_holders(device)
    kernel = kernel_partitions(device)
    whole = Space(device, 0, 0, device.size)
    table = read_table(whole, device.sector, boot_sector_of_fs(whole))
    disk["table"] = table.kind
    disk["partitions"] = _partitions(table, kernel)
    spaces, nodes = _spaces(device, whole, table, kernel, disk["unknown"])
    try:
        found = [(space, find_signatures(space), *read_labels(space)) for space in spaces]
    finally:
        for node in nodes:
            node.close()
    signatures = [(whole, at, kind, "", "") for at, kind in table.signatures]
    labels: list[tuple[Space, FoundLabel]] = []
    for space, seen, here, traces in found:
        signatures += [(space, at, kind, label, uid) for at, kind, label, uid in seen]
        signatures += [(space, at, "zfs_member", "", "") for at in traces]
        labels += [(space, label) for label in here]
        # blkid's word for a label, with the pool for its name.
        signatures += [
            (
                space,
                label.offset + NVLIST_AT,
                "zfs_member",
                label.content["pool"],
                label.content["pool_guid"],
            )
            for label in here
        ]
        disk["unknown"] += space.problems
    disk["signatures"] = _signatures(signatures)
    disk["labels"] = _labels(labels)


def _partitions(table: Table, kernel: dict[int, tuple[int, int, str]]) -> list[dict[str, Any]]:
    """Those of the table; those that the kernel alone knows have no type."""
    parts = list(table.parts)
    known = {part.number for part in parts}
    parts += [
        Part(number, start, size, "", "", "")
        for number, (start, size, _) in sorted(kernel.items())
        if number not in known
    ]
    return [
        {
            "number": part.number,
            "start": part.start,
            "size": part.size,
            "type": part.type,
            "partuuid": part.partuuid,
            "label": part.label,
            "path": kernel[part.number][2] if part.number in kernel else "",
        }
        for part in parts
    ]


def _spaces(
    device: Device,
    whole: Space,
    table: Table,
    kernel: dict[int, tuple[int, int, str]],
    problems: list[str],
) -> tuple[list[Space], list[Device]]:
    """Everything to be searched: the disk, each partition of the table and each of the kernel's.

    The latter through their own nodes: what was written through one is not in the disk's cache.
    """
    spaces = [whole]
    nodes: list[Device] = []
    ranges = {(part.start, part.size): part.number for part in table.parts}
    for start, size in table.also:
        ranges.setdefault((start, size), 0)
    for number, (start, size, path) in sorted(kernel.items()):
        try:
            node = Device(path)
        except FileNotFoundError:
            ranges.setdefault((start, size), number)
            continue
        except OSError as error:
            problems.append(_failure(path, error))
            continue
        nodes.append(node)
        spaces.append(_Moved(node, number, start, size))
        ranges.pop((start, size), None)
    spaces += [Space(device, number, start, size) for (start, size), number in ranges.items()]
    return spaces, nodes


class _Moved(Space):
    """A partition seen through its own node: reads count from its start, places from the disk's."""

    def __init__(self, node: Device, part: int, start: int, size: int) -> None:
        super().__init__(node, part, 0, size)
        self.on_disk = start


def _on_disk(space: Space, at: int) -> int:
    return at + (space.on_disk if isinstance(space, _Moved) else space.start)


def _signatures(found: list[tuple[Space, int, str, str, str]]) -> list[dict[str, Any]]:
    """Each place and type once: what lies in a partition is the partition's, not the disk's."""
    kept: dict[tuple[int, str], dict[str, Any]] = {}
    for space, at, kind, label, uid in sorted(found, key=lambda one: -one[0].part):
        # What a hybrid MBR alone names is no partition with a number: it counts from the disk.
        offset = at if space.part else _on_disk(space, at)
        kept.setdefault(
            (_on_disk(space, at), kind),
            {"part": space.part, "offset": offset, "type": kind, "label": label, "uuid": uid},
        )
    return sorted(kept.values(), key=lambda one: (one["part"], one["offset"], one["type"]))


def _labels(found: list[tuple[Space, FoundLabel]]) -> list[dict[str, Any]]:
    """Equal copies as one; each place once, as with signatures."""
    places = set()
    kept: list[dict[str, Any]] = []
    for space, label in sorted(found, key=lambda one: -one[0].part):
        place = _on_disk(space, label.offset)
        if place in places:
            continue
        places.add(place)
        for one in kept:
            if one["part"] == space.part and all(one[k] == v for k, v in label.content.items()):
                one["copies"].append(label.copy)
                break
        else:
            kept.append({"part": space.part, "copies": [label.copy], **label.content})
    return sorted(kept, key=lambda one: (one["part"], one["copies"]))


def sample_offsets(size: int, identity: str) -> Iterator[tuple[int, int]]:
    """(offset, length) of all reads across a device, in ascending order.

    Up to 1 GiB it is the whole device. Above: both edges, every place where a superblock would
    stand, and evenly strided blocks that start where the identity says, so that two plans look at
    the same bytes.
    """
    if size <= WHOLE:
        yield 0, size
        return
    stride = (size - 2 * EDGE - SAMPLE) // SAMPLES
    phase = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") % stride
    reads = [(0, EDGE), (size - EDGE, EDGE)]
    reads += [(place // PAGE * PAGE, CHUNK) for place in superblock_places(size)]
    reads += [
        ((EDGE + number * stride + phase) // PAGE * PAGE, SAMPLE) for number in range(SAMPLES)
    ]
    yield from sorted(set(reads))


def residue(device: Device, identity: str) -> str:
    """Empty where all reads are zero, or all are one; else what was seen first, and where.

    Raises OSError where one of the reads fails: a place that can't be read is not empty.
    """
    blank = b""
    for start, length in sample_offsets(device.size, identity):
        at, end = start, min(start + length, device.size)
        while at < end:
            data = device.read(at, min(BUFFER, end - at))
            if not blank:
                blank = data[:1]
                if blank not in (b"\0", b"\xff"):
                    return _seen(data, at)
            if len(blank) != BUFFER:
                blank = blank[:1] * BUFFER
            if data != (blank if len(data) == BUFFER else blank[: len(data)]):
                rest = data.lstrip(blank[:1])
                return _seen(rest, at + len(data) - len(rest))
            at += len(data)
    return ""


def _seen(data: bytes, at: int) -> str:
    return f"unknown data, first at offset {at}: {data[:SHOWN].hex(' ')}"


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The document that is printed: version, devices by path, mounts, open, directories by path,
    zvols by device, unknown; see probes/inspection.py for the fields."""
    deep = dict(request["deep"])
    devices: list[str] = list(request["devices"])
    report = Report()
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        jobs = {path: pool.submit(inspect_disk, path, deep.get(path)) for path in devices}
        find_users(report)
        zvols = find_zvols(report)
        directories = _directories(request["directories"], report)
        disks = {path: job.result() for path, job in jobs.items()}
    return {
        "version": VERSION,
        "devices": disks,
        "mounts": report.mounts,
        "open": report.opened,
        "directories": directories,
        "zvols": zvols,
        "unknown": report.unknown,
    }


def _directories(paths: list[str], report: Report) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        mountpoints = own_mountpoints()
    except OSError as error:
        report.unknown += [
            {"source": "disks", "message": f"{path}: {error_text(error)}"} for path in paths
        ]
        return found
    for path in paths:
        try:
            found[path] = directory_state(path, mountpoints)
        except OSError as error:
            report.unknown.append(
                {"source": "directories", "message": f"{path}: {error_text(error)}"}
            )
    return found


def main(arguments: list[str]) -> int:
    json.dump(answer(json.loads("".join(arguments))), sys.stdout)
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main(sys.argv[1:]))
