"""Files of a simulated host: those of its file, and those that the kernel and pmxcfs make up."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

from phoenix_plan.commands import Output, WriteFile
from phoenix_plan.hosts.simulated import block, directories, media
from phoenix_plan.hosts.simulated.tool import said
from phoenix_plan.hosts.simulated.world import World

_ARC = "/sys/module/zfs/parameters/zfs_arc_max"
_OPTIONS = {"zfs": "rw,relatime,xattr,noacl,casesensitive"}
_KERNEL = """\
sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
proc /proc proc rw,relatime 0 0
udev /dev devtmpfs rw,nosuid,relatime 0 0
"""
_PMXCFS = "/dev/fuse /etc/pve fuse rw,nosuid,nodev,relatime 0 0\n"


def has_pmxcfs(world: World) -> bool:
    """Whether /etc/pve is mounted: where PVE is installed it is, unless the file says otherwise."""
    return bool(world.pve) if world.pmxcfs is None else world.pmxcfs


def all_files(world: World) -> dict[str, bytes]:
    """Every file, by path."""
    found = {
        path: text.encode()
        for path, text in world.files.items()
        if has_pmxcfs(world) or not path.startswith("/etc/pve/")
    }
    found["/etc/machine-id"] = f"{world.machine_id}\n".encode()
    found["/proc/sys/kernel/hostname"] = f"{world.hostname}\n".encode()
    found["/proc/self/mounts"] = _mounts(world).encode()
    found["/proc/swaps"] = _swaps(world).encode()
    if int(world.hostid, 16):
        found["/etc/hostid"] = int(world.hostid, 16).to_bytes(4, "little")
    if world.zfs:
        found["/sys/module/spl/parameters/spl_hostid"] = b"0\n"
        found.setdefault(_ARC, b"0\n")
    if has_pmxcfs(world):
        found["/etc/pve/.members"] = _members(world).encode()
    if mdstat := _mdstat(world):
        found["/proc/mdstat"] = mdstat.encode()
    return found


def _mounts(world: World) -> str:
    lines = []
    if has_pmxcfs(world):
        lines.append(_PMXCFS)
    for mount in world.mounts:
        if not mount.namespace:
            options = _OPTIONS.get(mount.type, "rw,relatime")
            lines.append(_mount_line(mount.source, mount.target, mount.type, options))
    for target, (source, kind) in directories.mounted(world).items():
        if kind == "zfs" and not any(mount.target == target for mount in world.mounts):
            lines.append(_mount_line(source, target, kind, _OPTIONS["zfs"]))
    return _KERNEL + "".join(lines)


def _mount_line(source: str, target: str, kind: str, options: str) -> str:
    return f"{_escaped(source)} {_escaped(target)} {kind} {options} 0 0\n"


def _escaped(text: str) -> str:
    for char in "\\ \t\n":
        text = text.replace(char, f"\\{ord(char):03o}")
    return text


def _swaps(world: World) -> str:
    lines = ["Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"]
    for path in world.swaps:
        known = block.kernel_name(world, path)
        name = f"/dev/{known}" if known else path
        lines.append(f"{_escaped(name):<39} partition\t1048572\t\t0\t\t-2\n")
    return "".join(lines)


def _members(world: World) -> str:
    node = world.node or world.hostname.partition(".")[0]
    members: dict[str, object] = {"nodename": node, "version": 1}
    if world.quorate is not None:
        cluster = {"name": "lab", "version": 1, "nodes": 1, "quorate": int(world.quorate)}
        members |= {"cluster": cluster, "nodelist": {node: {"id": 1, "online": 1}}}
    return json.dumps(members) + "\n"


def _mdstat(world: World) -> str:
    arrays = {name: one for name, one in world.devices.items() if one.type.startswith("raid")}
    if not arrays:
        return ""
    lines = [f"Personalities : [{']['.join(sorted({one.type for one in arrays.values()}))}]"]
    for name, device in arrays.items():
        members = " ".join(f"{member}[{at}]" for at, member in enumerate(device.on))
        lines += [f"{name} : active {device.type} {members}"]
        lines += [f"      {device.size >> 10} blocks super 1.2", ""]
    return "\n".join([*lines, "unused devices: <none>", ""])


def all_paths(world: World) -> dict[str, str]:
    """Every path that a pattern can match, with what it resolves to."""
    found = {path: path for path in (*all_files(world), *media.nodes(world), *world.directories)}
    return {**found, **media.links(world)}


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern matches a path, part by part; a leading dot has to be asked for."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatchcase(part, one) and (not part.startswith(".") or one.startswith("."))
        for part, one in zip(parts, wanted, strict=True)
    )


def write(world: World, asked: WriteFile) -> Output:
    """Replace a file whole, if what it replaces is what stands there."""
    before = all_files(world).get(asked.path)
    if before != (None if asked.replaces is None else asked.replaces.encode()):
        return said(stderr=f"{asked.path} is not what was to be replaced\n", exit_code=1)
    made_up = asked.path.startswith(("/proc/", "/sys/")) and asked.path != _ARC
    if made_up or asked.path in ("/etc/machine-id", "/etc/hostid", "/etc/pve/.members"):
        return said(stderr=f"{asked.path}: Permission denied\n", exit_code=1)
    if asked.path.startswith("/etc/pve/") and world.quorate is False:
        return said(stderr=f"{asked.path}: Permission denied\n", exit_code=1)
    if asked.path == _ARC and not asked.content.strip().isdigit():
        return said(stderr=f"{asked.path}: Invalid argument\n", exit_code=1)
    world.files[asked.path] = asked.content
    return said()
