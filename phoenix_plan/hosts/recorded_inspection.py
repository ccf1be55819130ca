"""What the device script would have answered on a host that was recorded.

From `wipefs -J`, `zdb -l` and `lsblk -J -O` of every disk. Whether a disk on which nothing is
recognised is blank can't be told from those: the made-up `samples.json` says it, by kernel path,
`*` for all others, as the residue that was seen (empty: blank). The made-up `directories.json`
says the state of directories, by path, `*` for all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_plan.commands import Output, Sample
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.recorded_labels import labels_of
from phoenix_plan.hosts.recording import Recording

SAMPLES = "samples.json"
DIRECTORIES = "directories.json"

_TABLES = {"gpt": "gpt", "dos": "mbr"}
# Where the magic stands, for partitions of which udev's word alone was recorded.
_MAGIC = {"ext2": 0x438, "ext3": 0x438, "ext4": 0x438, "btrfs": 0x10040, "swap": 0xFF6}


def answer_inspection(recording: Recording, read: Sample) -> Output:
    """The answer to `read`. Raises HostError for what was not recorded of a disk."""
    rows = {_kname(row): row for row in _devices(recording)}
    samples = _made_up(recording, SAMPLES)
    states = _made_up(recording, DIRECTORIES) or {}
    deep = {path for path, _ in read.deep}
    told = {path: states.get(path, states.get("*")) for path in read.directories}
    directories = {path: state for path, state in told.items() if state is not None}
    unknown = [
        {"source": "directories", "message": f"{path}: its state was not recorded"}
        for path in read.directories
        if path not in directories
    ]
    document = {
        "version": 1,
        "devices": {
            path: _disk(recording, path, rows, samples if path in deep else None, path in deep)
            for path in read.devices
        },
        "mounts": list(_mounts(recording, rows)),
        "open": [],
        "directories": directories,
        # Which volume a zd device is was not recorded: lsblk does not say it.
        "zvols": {},
        "unknown": unknown,
    }
    return Output(exit_code=0, stdout=json.dumps(document).encode(), stderr=b"")


def _made_up(recording: Recording, name: str) -> Mapping[str, str] | None:
    supplied = recording.supplied(name)
    if supplied is None or supplied.data is None:
        return None
    document: dict[str, str] = json.loads(supplied.data)
    return document


def _devices(recording: Recording) -> Iterator[dict[str, Any]]:
    """Every row of lsblk, children too."""
    rows = list(json.loads(recording.required("lsblk-json").stdout)["blockdevices"])
    while rows:
        row = rows.pop()
        rows += row.get("children", [])
        yield row


def _kname(row: Mapping[str, Any]) -> str:
    return f"/dev/{row['kname']}"


def _disk(
    recording: Recording,
    path: str,
    rows: Mapping[str, dict[str, Any]],
    samples: Mapping[str, str] | None,
    deep: bool,
) -> dict[str, Any]:
    if path not in rows:
        raise HostError(f"{path} was not recorded in {recording.folder}")
    row = rows[path]
    parts = [child for child in row.get("children", []) if child["type"] == "part"]
    holders = [child["kname"] for child in row.get("children", []) if child["type"] != "part"]
    holders += [below["kname"] for part in parts for below in part.get("children", [])]
    signatures = _signatures(recording, row, 0)
    labels = _labels(recording, row, 0)
    for part in parts:
        signatures += _signatures(recording, part, _number(row, part))
        labels += _labels(recording, part, _number(row, part))
    disk: dict[str, Any] = {
        "size": row["size"],
        "sector": row["log-sec"],
        "table": _TABLES.get(row["pttype"] or "", ""),
        "partitions": [_partition(row, part) for part in parts],
        "signatures": signatures,
        "labels": labels,
        "holders": sorted(set(holders)),
        "emptiness": "unread",
        "residue": "",
        "unknown": [],
    }
    if any(disk[key] for key in ("table", "partitions", "signatures", "labels", "holders")):
        disk["emptiness"] = "occupied"
    elif deep:
        residue = None if samples is None else samples.get(path, samples.get("*"))
        if residue is None:
            disk["unknown"] = [f"{path}: reads across the disk were not recorded"]
        else:
            disk["emptiness"], disk["residue"] = ("residual" if residue else "blank"), residue
    return disk


def _number(disk: Mapping[str, Any], part: Mapping[str, Any]) -> int:
    """The partition's number: lsblk has a column for it from 2.39, the kernel's name always."""
    return int(str(part["kname"]).removeprefix(str(disk["kname"])).removeprefix("p"))


def _partition(disk: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": _number(disk, part),
        # lsblk counts the start in 512 bytes, whatever the sector.
        "start": part["start"] * 512,
        "size": part["size"],
        "type": (part["parttype"] or "").lower(),
        "partuuid": part["partuuid"] or "",
        "label": part["partlabel"] or "",
        "path": _kname(part),
    }


def _signatures(recording: Recording, row: Mapping[str, Any], part: int) -> list[dict[str, Any]]:
    """From wipefs; where it was not run on a partition, from what udev saw there."""
    output = recording.output(f"wipefs-{row['kname']}")
    if output is None:
        kind = row["fstype"]
        found = [(_MAGIC.get(kind, 0), kind, row["label"], row["uuid"])] if kind else []
    else:
        document = json.loads(output.stdout) if output.stdout.strip() else {"signatures": []}
        found = [
            (int(one["offset"], 16), one["type"], one["label"], one["uuid"])
            for one in document["signatures"]
        ]
    return [
        {"part": part, "offset": at, "type": kind, "label": label or "", "uuid": uid or ""}
        for at, kind, label, uid in sorted(found)
    ]


def _labels(recording: Recording, row: Mapping[str, Any], part: int) -> list[dict[str, Any]]:
    name = f"zdb-l-{row['kname']}"
    output = recording.output(name)
    if output is None:
        return []
    text = output.stdout.decode()
    return labels_of(text, part, f"{recording.folder}: {name}.out")


def _mounts(
    recording: Recording, rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Mounts of block devices and of ZFS, from /proc/self/mounts: one namespace was recorded."""
    numbers = {row["path"]: row["maj:min"] for row in rows.values()}
    numbers |= {kname: row["maj:min"] for kname, row in rows.items()}
    for line in recording.required("mounts").stdout.decode().splitlines():
        source, mountpoint, fstype = line.split(" ")[:3]
        if fstype == "zfs" or source in numbers:
            yield {
                "namespace": "mnt:[4026531841]",
                "own": True,
                "pid": 1,
                "device": numbers.get(source, ""),
                "source": _plain(source),
                "mountpoint": _plain(mountpoint),
                "fstype": fstype,
            }


def _plain(text: str) -> str:
    """Without the octal escapes of proc(5)."""
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        text = text.replace(f"\\{code}", character)
    return text
