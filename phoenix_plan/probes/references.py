"""Who names a storage, a volume on it, or a device: guests, backup jobs, other storages.

Guest configs are cluster-wide: those of all nodes are read, with their snapshot and pending
sections. Source: `parse_vm_config` of qemu-server 9.2.6, `parse_pct_config` of pve-container 6.0,
`parse_volume_id` of pve-storage 9.1.7. A line that PVE can't
read raises: a reference may stand on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from phoenix_plan.commands import ReadFile, ReadFiles
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.proxmox import Reference, StorageConfig
from phoenix_plan.probes.guest_keys import HARMLESS, kind_of
from phoenix_plan.probes.pci_mapping import PciMapping
from phoenix_plan.probes.section_config import decode, parse_sections

QEMU_CONFIGS = ReadFiles(pattern="/etc/pve/nodes/*/qemu-server/*.conf")
LXC_CONFIGS = ReadFiles(pattern="/etc/pve/nodes/*/lxc/*.conf")
JOBS_CFG = ReadFile(path="/etc/pve/jobs.cfg")
VZDUMP_CONF = ReadFile(path="/etc/vzdump.conf")

Guest = Literal["qemu", "lxc"]
Target = tuple[str, str]
"""What a value names: (storage, volume), or ("", path)."""

_FILE = re.compile(r".*/nodes/([^/]+)/(qemu-server|lxc)/([^/]+)\.conf")
_SECTION = re.compile(r"\[(pve:pending|special:(?:cloudinit|fleecing)|[a-z][a-z0-9_-]+)\]\s*", re.I)
_KEY = re.compile(r"[a-z][a-z_-]*\d*")
_LXC_KEY = re.compile(r"(lxc\.[a-z0-9_.-]+)(?::|\s*=)\s*(.*?)\s*")
_VOLUME_ID = re.compile(r"([a-z][a-z0-9\-_.]*[a-z0-9]):(.+)", re.IGNORECASE)
_VOLUME_IN_TEXT = re.compile(
    r"(?:^|[,;=\s])([a-z][a-z0-9\-_.]*[a-z0-9]):([^,;=\s]+)", re.IGNORECASE
)
_PATH_IN_TEXT = re.compile(r"""(?:^|[\s,;='"(\[:])(/[^\s,;'"()\[\]]+)""")
_DEVICE_RULE = re.compile(r"b\s+(\d+):(\d+)\s+\S+")
_PCI = re.compile(r"((?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-9a-f])?)", re.I)
_OCTAL = re.compile(r"\\([0-7]{3})")

_INCLUDED = "/usr/share/lxc/config/"
_NO_MAPPING: PciMapping = {}


def parse_guests(
    files: Iterable[tuple[str, bytes]], mapped: PciMapping = _NO_MAPPING
) -> tuple[Reference, ...]:
    """The references of guest configs, given as (path, content), in the order given.

    `mapped` are the PCI devices that the cluster has names for. Raises ProbeError with file and
    line for a line that PVE itself can't read or that names a mapping that is not there, and for a
    file that is no node's.
    """
    found: list[Reference] = []
    for path, data in files:
        match = _FILE.fullmatch(path)
        if match is None:
            raise ProbeError("this is no guest config of any node", source=path)
        node, folder, name = match.groups()
        guest: Guest = "lxc" if folder == "lxc" else "qemu"
        here = {name: nodes.get(node, ()) for name, nodes in mapped.items()}
        for key, storage, volume in _guest(guest, decode(data, path), path, here):
            found.append(
                Reference(
                    owner=f"{guest}/{name}", node=node, key=key, storage=storage, volume=volume
                )
            )
    return tuple(found)


def parse_jobs(data: bytes | None, source: str) -> tuple[Reference, ...]:
    """The references of jobs.cfg, disabled jobs too; None where there is no file."""
    if data is None:
        return ()
    sections, _ = parse_sections(decode(data, source), source)
    found = []
    for section in sections:
        values = {entry.key: entry.value or "" for entry in section.entries}
        found += [
            Reference(
                owner=f"job/{section.id}",
                node=values.get("node", ""),
                key=entry.key,
                storage=storage,
                volume=volume,
            )
            for entry in section.entries
            for storage, volume in _backup_option(entry.key, entry.value or "")
        ]
    return tuple(found)


def parse_vzdump(data: bytes | None, source: str, node: str) -> tuple[Reference, ...]:
    """The references of a node's vzdump.conf; None where there is no file.

    `key: value` lines, `#` at column 0 (`PVE::JSONSchema::parse_config`).
    """
    found = []
    for number, line in enumerate(decode(data or b"", source).split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon or not key or re.search(r"\s", key):
            raise ProbeError(
                f"{line.strip()!r} is no option: vzdump ignores the line",
                source=source,
                line=number,
            )
        found += [
            Reference(owner="vzdump.conf", node=node, key=key, storage=storage, volume=volume)
            for storage, volume in _backup_option(key, value.strip())
        ]
    return tuple(found)


def base_references(config: StorageConfig) -> tuple[Reference, ...]:
    """Storages that stand on a volume of another one: `base` of an lvm storage."""
    found = []
    for storage in config.storages:
        match = _VOLUME_ID.fullmatch(storage.properties.get("base", ""))
        if match is not None:
            found.append(
                Reference(
                    owner=f"storage/{storage.id}",
                    node="",
                    key="base",
                    storage=match[1],
                    volume=match[2],
                )
            )
    return tuple(found)


def _guest(
    guest: Guest, text: str, source: str, mapped: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, str, str]]:
    """(key, storage, volume) of every reference of one config; `mapped` holds for its node."""
    harmless = HARMLESS[guest]
    prefix = ""
    for number, line in enumerate(text.split("\n"), 1):
        key, colon, value = line.partition(":")
        if value and key in harmless:
            continue
        if not line or line[0] == "#" or not line.strip():
            continue
        try:
            if line[0] == "[":
                prefix = f"{_section(line)} "
            elif guest == "lxc" and line.startswith("lxc."):
                name, targets = _raw_lxc(line)
                yield from ((prefix + name, *target) for target in targets)
            elif not colon or not value or not _KEY.fullmatch(key):
                raise ValueError(f"{line.strip()!r} is no option")
            else:
                kind, value = kind_of(guest, key), value.strip()
                targets = _pci(value, mapped) if kind == "pci" else _VALUES[kind](value)
                yield from ((prefix + key, *target) for target in targets)
        except ValueError as error:
            raise ProbeError(str(error), source=source, line=number) from error


def _section(line: str) -> str:
    match = _SECTION.fullmatch(line)
    if match is None:
        raise ValueError(f"{line.strip()!r} is no section that Proxmox VE knows")
    return f"[{match[1]}]"


def _volume(text: str) -> tuple[Target, ...]:
    """A volume id, a path, or nothing (`none`, and `cdrom` for the host's own drive)."""
    if text in ("none", "cdrom"):
        return ()
    if text.startswith("/"):
        return (("", text),)
    match = _VOLUME_ID.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no volume id and no path")
    return ((match[1], match[2]),)


def _drive(value: str) -> tuple[Target, ...]:
    """A drive or mount point: the volume stands first, or behind `file=` or `volume=`."""
    for part in value.split(","):
        key, equals, rest = part.partition("=")
        if not equals:
            return _volume(part.strip())
        if key in ("file", "volume"):
            return _volume(rest.strip())
    raise ValueError(f"{value!r} names no volume")


def _device(value: str) -> tuple[Target, ...]:
    """`dev0` of a container: a path, or behind `path=`."""
    for part in value.split(","):
        key, equals, rest = part.partition("=")
        path = rest if key == "path" else part
        if (not equals or key == "path") and path.startswith("/"):
            return (("", path),)
    raise ValueError(f"{value!r} names no device")


def _storage(value: str) -> tuple[Target, ...]:
    return ((value, ""),) if value else ()


def _volumes(value: str) -> tuple[Target, ...]:
    return tuple(target for item in re.split(r"[,;\s]+", value) if item for target in _volume(item))


def _named_volumes(value: str) -> tuple[Target, ...]:
    """`user=local:snippets/a.yml,network=…`."""
    named = (part.partition("=")[2] for part in value.split(",") if part)
    return tuple(target for volume in named for target in _volume(volume))


def _paths(value: str) -> tuple[Target, ...]:
    """Every absolute path in a free text, such as qemu's `args`."""
    return tuple(("", path) for path in _PATH_IN_TEXT.findall(value))


def _pci(value: str, mapped: Mapping[str, tuple[str, ...]]) -> tuple[Target, ...]:
    """PCI addresses, as the paths of sysfs: which disks hang there is not for this probe.

    `[host=]ADDRESS[;ADDRESS]…` or `mapping=NAME` (`PVE::QemuServer::PCI`).
    """
    addresses: list[str] = []
    named = False
    for part in value.split(","):
        key, equals, text = part.strip().partition("=")
        if key == "mapping" and equals:
            if text not in mapped:
                raise ValueError(f"{text!r} is no mapping of a PCI device (mapping/pci.cfg)")
            addresses += mapped[text]
        elif not equals or key == "host":
            addresses += (text or key).split(";")
        named = named or not equals or key in ("host", "mapping")
    if not named:
        raise ValueError(f"{value!r} names no PCI device")
    return tuple(("", f"/sys/bus/pci/devices/{_address(one)}") for one in addresses)


def _address(text: str) -> str:
    match = _PCI.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no address of a PCI device")
    return match[1] if match[1].count(":") > 1 else f"0000:{match[1]}"


def _anything(value: str) -> tuple[Target, ...]:
    """A key that this program does not know: whatever looks like a volume or a path counts."""
    volumes = tuple((match[0], match[1]) for match in _VOLUME_IN_TEXT.findall(value))
    return volumes + _paths(value)


_VALUES: Mapping[str, Callable[[str], tuple[Target, ...]]] = {
    "drive": _drive,
    "volume": _volume,
    "volumes": _volumes,
    "named": _named_volumes,
    "storage": _storage,
    "device": _device,
    "paths": _paths,
    "anything": _anything,
}


def _raw_lxc(line: str) -> tuple[str, tuple[Target, ...]]:
    """A raw `lxc.` line (lxc.container.conf(5), LXC 6): mounts, devices, root filesystem."""
    match = _LXC_KEY.fullmatch(line)
    if match is None:
        raise ValueError(f"{line.strip()!r} is no option")
    key, value = match.groups()
    match key:
        case "lxc.include" | "lxc.mount" | "lxc.mount.fstab":
            if not value.startswith(_INCLUDED):
                raise ValueError(f"{key} names {value!r}, whose content is not read here")
            return key, ()
        case "lxc.mount.entry":
            return key, _mount_entry(value)
        case "lxc.cgroup.devices.allow" | "lxc.cgroup2.devices.allow":
            rule = _DEVICE_RULE.fullmatch(value)
            return key, (("", f"/dev/block/{rule[1]}:{rule[2]}"),) if rule else ()
        case _:
            return key, _paths(value)


def _mount_entry(value: str) -> tuple[Target, ...]:
    """A line of fstab(5): the source and the options may name paths, the target is the guest's."""
    fields = value.split()
    if len(fields) < 2:
        raise ValueError(f"{value!r} is no mount entry")
    source = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[0])
    own = (("", source),) if source.startswith("/") else ()
    return own + _paths(" ".join(fields[3:]))


def _backup_option(key: str, value: str) -> tuple[Target, ...]:
    match key:
        case "storage":
            return _storage(value)
        case "dumpdir" | "tmpdir" | "script":
            return _paths(value)
        case "fleecing":
            parts = (part.partition("=") for part in value.split(","))
            return tuple((name, "") for option, _, name in parts if option == "storage" and name)
        case _:
            return ()
