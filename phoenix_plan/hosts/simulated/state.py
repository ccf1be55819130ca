"""From a state document to a simulated host: JSON in, JSON out.

The state is taken as the schema has it. What it does not tell is made up: the machine-id (only a
digest of it is told, so no plan of the real host fits), the content of exported pools, what stands
in files beside the lines that matter. What this simulation can't be raises HostError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from phoenix_plan.errors import HostError
from phoenix_plan.hosts.simulated.document import BadDocument
from phoenix_plan.hosts.simulated.world_file import WORLD

Json = dict[str, Any]

_MIB = 1 << 20
_TABLES = ("gpt", "PMBR", "dos")
_ONCE = ("casesensitivity", "normalization", "utf8only", "encryption", "keyformat", "pbkdf2iters")
_RESIDUE = re.compile(r"unknown data, first at offset (\d+): ([0-9a-f ]+)")
_MOUNTED = re.compile(r"(?:.* )?mounted at .* \((\S+)\).*")
_HELD = re.compile(r"held by \S+ \((\S+)\)")
_FSTAB = re.compile(r"fstab has \S+ on (\S+ \(\S+\))")
_SOURCES = {
    "disks": "inspect",
    "samples": "inspect",
    "labels": "inspect",
    "pools": "zpool status",
    "idle-pools": "zpool import",
    "datasets": "zfs list -Hp -t filesystem,volume",
    "snapshots": "zfs list -Hp -t snapshot",
    "storages": "/etc/pve/storage.cfg",
    "references": "/etc/pve/nodes/*/qemu-server/*.conf",
    "exports": "/etc/exports",
    "arc": "/sys/module/zfs/parameters/zfs_arc_max",
}


def from_state(state: Json) -> Json:
    """The host's file, as JSON values, of a state document's.

    Raises HostError for what can't be simulated: file vdevs, draid.
    """
    host = state["host"]
    kernel = {disk["path"]: disk["path"].removeprefix("/dev/") for disk in state["disks"]}
    world: Json = {
        "hostname": host["hostname"],
        "machine_id": host["machine"],
        "hostid": host["hostid"],
        "zfs": host["zfs"],
        **{key: host[key] for key in ("pve", "pve_storage", "node", "pmxcfs") if key in host},
        "quorate": host.get("quorate"),
        "disks": {kernel[disk["path"]]: _disk(disk) for disk in state["disks"]},
        "devices": _devices(state["disks"]),
        "volume_groups": _volume_groups(state["disks"]),
        "swaps": _swaps(state),
        "opened": _opened(state),
        "mounts": _mounts(state),
        "directories": {
            path: found
            for path, found in state.get("directories", {}).items()
            if found not in ("absent", "mounted")
        },
        "files": _files(state),
        "pools": [
            *(_pool(pool, state) for pool in state["pools"]),
            *map(_idle, state["idle_pools"]),
        ],
        "fails": {
            _SOURCES[unknown["source"]]: {"stderr": f"{unknown['message']}\n"}
            for unknown in state.get("unknown", [])
            if unknown["source"] in _SOURCES
        },
    }
    try:
        found: Json = WORLD.write(WORLD.read(world, "host"))
    except BadDocument as error:
        raise HostError(f"this state can't be simulated: {error}") from error
    return found


# Disks


def _disk(disk: Json) -> Json:
    size, sector = int(disk["size"]), disk["logical_sector"]
    identity = disk.get("identity") or {}
    signatures = disk.get("signatures", [])
    aliases = disk["aliases"]
    plain = ("model", "serial", "wwn", "transport", "rotational", "read_only", "removable")
    found = {key: disk[key] for key in plain if key in disk}
    if not found.get("wwn") and identity.get("kind") in ("wwn", "eui", "nguid"):
        prefix = "" if identity["kind"] == "wwn" else "eui."
        found["wwn"] = prefix + identity["value"]
    unit = identity.get("unit", "")
    if unit and not disk["path"].startswith("/dev/nvme"):
        found["hctl"] = f"0:0:0:{unit}"
    last = any(int(one["offset"]) == size - sector for one in signatures if one["type"] == "gpt")
    table = disk.get("table", "")
    return {
        **found,
        "size": size,
        "sector": sector,
        "physical_sector": disk["physical_sector"],
        "by_id": [one.rpartition("/")[2] for one in aliases if one.startswith("/dev/disk/by-id/")],
        "links": [one for one in aliases if not one.startswith(("/dev/disk/by-id/",))],
        "table": "gpt-primary" if table == "gpt" and not last else table,
        "partitions": [_partition(part) for part in disk.get("partitions", [])],
        "signatures": [one for one in signatures if one["part"] or one["type"] not in _TABLES],
        "labels": disk.get("labels", []),
        "data": _data(disk, size),
        "unreadable": "; ".join(
            one.partition(": ")[2] or one for one in disk.get("unknown", [])[:1]
        ),
    }


def _partition(part: Json) -> Json:
    known = ("number", "start", "size", "type", "partuuid", "label")
    return {key: part[key] for key in known if key in part}


def _data(disk: Json, size: int) -> list[Json]:
    match = _RESIDUE.fullmatch(disk.get("residue", ""))
    if disk["emptiness"] != "residual" or match is None:
        return []
    offset = int(match[1])
    length = min(size - offset, max(_MIB, size // 2048))
    return [{"offset": offset, "length": length, "bytes": match[2].replace(" ", "")}]


def _users(disks: Iterable[Json], kind: str) -> list[tuple[Json, Json]]:
    return [
        (disk, user) for disk in disks for user in disk.get("users", []) if user["kind"] == kind
    ]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _devices(disks: Iterable[Json]) -> Json:
    """Kernel names of what stands on disks; a mapping's own name is its path."""
    found: Json = {}
    names: dict[str, str] = {}
    for disk in disks:
        kinds = {user["subject"]: _HELD.fullmatch(user["detail"]) for user in disk.get("users", [])}
        for holder in disk.get("holders", []):
            mapped = holder.startswith("/dev/mapper/")
            name = names.setdefault(holder, f"dm-{len(names)}" if mapped else _name(holder))
            told = kinds.get(holder)
            kind = told[1] if told else "raid1" if name.startswith("md") else "lvm"
            one = found.setdefault(name, {"on": [], "type": kind, "size": disk["size"]})
            one["on"].append(_member(disk))
            one["path"] = holder if mapped else ""
    return found


def _member(disk: Json) -> str:
    """The device of a disk that something stands on: the partition that carries a signature."""
    types = ("LVM2_member", "linux_raid_member", "crypto_LUKS")
    parts = [one["part"] for one in disk.get("signatures", []) if one["type"] in types]
    name = _name(disk["path"])
    if not parts or not parts[0]:
        return name
    return f"{name}{'p' if name[-1].isdigit() else ''}{parts[0]}"


def _volume_groups(disks: Iterable[Json]) -> Json:
    found: Json = {}
    for disk, user in _users(disks, "lvm"):
        found.setdefault(user["subject"], []).append(_member(disk))
    return found


def _swaps(state: Json) -> list[str]:
    found = [user["subject"] for _, user in _users(state["disks"], "swap")]
    return found + [_volume(one) for one, _ in _users(state["datasets"], "swap")]


def _opened(state: Json) -> list[Json]:
    found = [disk["path"] for disk, _ in _users(state["disks"], "open")]
    found += [_volume(one) for one, _ in _users(state["datasets"], "open")]
    return [{"path": path} for path in found]


def _volume(dataset: Json) -> str:
    """By its link: the number of its device is this host's own."""
    return f"/dev/zvol/{dataset['name']}"


# Mounts and files


def _mounts(state: Json) -> list[Json]:
    datasets = {dataset["name"] for dataset in state["datasets"]}
    types = dict(_words(state["disks"], "mounted", _MOUNTED))
    found = [
        {"source": source, "target": target, "type": types.get(target, "tmpfs")}
        for target, source in state.get("mounts", {}).items()
        if target != "/etc/pve" and source not in datasets
    ]
    for dataset in state["datasets"]:
        found += [
            {"source": dataset["name"], "target": at, "type": "zfs", "namespace": "elsewhere"}
            for at in dataset.get("mounts", [])
            if at != dataset.get("mountpoint")
        ]
    here = {mount["target"] for mount in found}
    for disk, user in _users(state["disks"], "mounted"):
        if user["subject"] not in here:
            kind = types.get(user["subject"], "ext4")
            mount = {"source": disk["path"], "target": user["subject"], "type": kind}
            found.append({**mount, "namespace": "elsewhere"})
    return found


def _words(disks: Iterable[Json], kind: str, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """What the words for a person tell beside the subject, by subject."""
    matches = ((user, pattern.fullmatch(user["detail"])) for _, user in _users(disks, kind))
    return [(user["subject"], match[1]) for user, match in matches if match is not None]


def _files(state: Json) -> Json:
    files: Json = {}
    arc = state["arc_max"]
    files["/sys/module/zfs/parameters/zfs_arc_max"] = f"{arc['live']}\n"
    for path, value in arc.get("boot", {}).items():
        files[path] = f"options zfs zfs_arc_max={value}\n"
    if arc.get("file_text"):
        files["/etc/modprobe.d/zfs.conf"] = arc["file_text"]
    fstab = [
        f"{source} {place.replace(' (', ' ').rstrip(')')} defaults 0 0"
        for source, place in _words(state["disks"], "fstab", _FSTAB)
    ]
    if fstab:
        files["/etc/fstab"] = "".join(f"{line}\n" for line in fstab)
    for disk, user in _users(state["disks"], "crypttab"):
        files["/etc/crypttab"] = f"{user['subject']} {disk['path']} none luks\n"
    shares = [f"{path} *(ro)\n" for path in state.get("shares", {}) if not path.startswith("/dev/")]
    if shares:
        files["/etc/exports"] = "".join(shares)
    for at, path in enumerate(one for one in state.get("shares", {}) if one.startswith("/dev/")):
        files[f"/sys/kernel/config/target/core/iblock_{at}/disk/udev_path"] = f"{path}\n"
    storages = state["storages"]
    if storages.get("digest"):
        files["/etc/pve/storage.cfg"] = "".join(map(_section, storages["storages"]))
    return files | _references(state["references"])


def _section(storage: Json) -> str:
    lines = [f"{storage['type']}: {storage['id']}"]
    lines += [f"\t{key} {value}" for key, value in storage["properties"].items()]
    return "\n".join([*lines, "", ""])


def _references(references: Iterable[Json]) -> Json:
    """Guest configs and jobs that refer to storages as the state says."""
    sections: dict[str, dict[str, list[str]]] = {}
    for reference in references:
        kind, _, name = reference["owner"].partition("/")
        storage, volume = reference.get("storage", ""), reference.get("volume", "")
        target = f"{storage}:{volume}" if storage and volume else storage or volume
        section, _, key = reference["key"].rpartition(" ")
        if kind in ("qemu", "lxc"):
            folder = "qemu-server" if kind == "qemu" else "lxc"
            path = f"/etc/pve/nodes/{reference['node']}/{folder}/{name}.conf"
            sections.setdefault(path, {}).setdefault(section, []).append(f"{key}: {target}\n")
        elif kind == "job":
            first = sections.setdefault("/etc/pve/jobs.cfg", {}).setdefault(f"vzdump: {name}", [])
            first.append(f"\t{key} {target}\n")
        elif kind == "vzdump.conf":
            sections.setdefault("/etc/vzdump.conf", {}).setdefault("", []).append(
                f"{key}: {target}\n"
            )
    return {path: _joined(parts) for path, parts in sections.items()}


def _joined(parts: Mapping[str, list[str]]) -> str:
    """Sections one after the other, those of guests in brackets, a blank line before each."""
    first = "".join(parts.get("", ()))
    rest = (f"{title}\n{''.join(lines)}" for title, lines in parts.items() if title)
    return "\n".join(part for part in (first, *rest) if part)


# Pools


def _vdev(vdev: Json, ashifts: Mapping[str, int], at: int, *, top: bool) -> Json:
    if vdev["type"] not in ("disk", "mirror", "raidz", "spare", "replacing"):
        raise HostError(f"a {vdev['type']} vdev ({vdev['name']}) can't be simulated")
    number = vdev["name"].rpartition("-")[2]
    state = vdev["state"]
    found: Json = {
        "type": vdev["type"],
        "guid": vdev["guid"],
        "path": vdev.get("was") or vdev.get("path", ""),
        "parity": vdev.get("parity", 0),
        "state": state if state in ("OFFLINE", "FAULTED", "REMOVED") else "ONLINE",
        "children": [
            _vdev(child, ashifts, place, top=False)
            for place, child in enumerate(vdev.get("children", []))
        ],
    }
    if found["children"]:
        found["state"] = "ONLINE"
    if top:
        named = found["children"] and number.isdigit()
        found |= {"class": vdev["vdev_class"], "index": int(number) if named else at}
        found["ashift"] = ashifts.get(vdev["guid"], 12)
    return found


def _ashifts(state: Json) -> dict[str, int]:
    return {
        label["top_guid"]: label["ashift"]
        for disk in state["disks"]
        for label in disk.get("labels", [])
        if label.get("top_guid") and label.get("ashift")
    }


def _pool(pool: Json, state: Json) -> Json:
    ashifts = _ashifts(state)
    own = {
        name: found["value"]
        for name, found in pool["properties"].items()
        if found["source"] == "local"
    }
    named = {name: found for name, found in pool["features"].items() if found == "disabled"}
    txgs = [
        int(label["txg"])
        for disk in state["disks"]
        for label in disk.get("labels", [])
        if label.get("pool_guid") == pool["guid"] and label.get("txg")
    ]
    return {
        "name": pool["name"],
        "guid": pool["guid"],
        "set": own,
        "features": {name.removeprefix("feature@"): value for name, value in named.items()},
        "vdevs": [_vdev(vdev, ashifts, at, top=True) for at, vdev in enumerate(pool["vdevs"])],
        "scans": [
            {"kind": one["kind"], "state": "running" if one["state"] == "paused" else one["state"]}
            for one in pool.get("activities", [])
        ],
        "checkpoint": pool.get("checkpoint", False),
        "suspended": pool["state"] == "SUSPENDED",
        "readonly": pool["properties"].get("readonly", {}).get("value") == "on",
        "errors": int(pool.get("errors", "0").partition(" ")[0] or 0),
        "txg": max(txgs, default=4),
        "datasets": {
            dataset["name"]: _dataset(dataset)
            for dataset in state["datasets"]
            if dataset["name"].partition("/")[0] == pool["name"]
        },
    }


def _dataset(dataset: Json) -> Json:
    holds = dataset.get("holds", {})
    snapshots = {
        short: {
            "guid": guid,
            "holds": [f"hold-{at}" for at in range(holds.get(short, 0))],
            "txg": at,
        }
        for at, (short, guid) in enumerate(dataset.get("snapshots", {}).items())
    }
    if snapshots:
        list(snapshots.values())[-1]["used"] = dataset.get("used_by_snapshots", 0)
    inherited = dataset.get("inherited", {})
    found: Json = {
        "type": dataset["type"],
        "guid": dataset["guid"],
        "referenced": dataset["referenced"],
        "origin": dataset.get("clone_of", ""),
        "set": {key: value for key, value in dataset.get("set", {}).items() if key not in _ONCE},
        "fixed": {key: value for key, value in inherited.items() if key in _ONCE},
        "snapshots": snapshots,
    }
    if dataset["type"] == "filesystem":
        found["mounted"] = dataset.get("mounted", False)
    return found


def _idle(pool: Json) -> Json:
    return {
        "name": pool["name"],
        "guid": pool["guid"],
        "state": pool["state"],
        "hostid": pool["hostid"] or "00000000",
        "hostname": pool["hostname"],
        "vdevs": [_vdev(vdev, {}, at, top=True) for at, vdev in enumerate(pool["vdevs"])],
    }
