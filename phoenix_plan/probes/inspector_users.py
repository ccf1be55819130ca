"""The device script, part 6: who uses block devices, and how full directories are.

Sources: proc(5), mount_namespaces(7). A process that ends meanwhile is no failure; one that may not
be looked at is.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Any, NamedTuple

from phoenix_plan.probes.inspector_device import error_text

PROC = "/proc"
SYS_CLASS_BLOCK = "/sys/class/block"
ZVOLS = "/dev/zvol"
ZVOL_NODE = re.compile(r"/dev/zd\d+")
# Looking at a file there can wait for a server forever, and there are no block devices.
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "fuse.sshfs", "glusterfs", "fuse.glusterfs")
NO_FILE = re.compile(r"^(?:[a-z_]+:|anon_inode:|/dmabuf:|/memfd:)")
ESCAPE = re.compile(r"\\([0-7]{3})")


class Report:
    """What is found, and what could not be looked at: one message for each kind of failure."""

    def __init__(self) -> None:
        self.mounts: list[dict[str, Any]] = []
        self.opened: list[dict[str, Any]] = []
        self.unknown: list[dict[str, str]] = []
        self._told: set[tuple[str, str]] = set()

    def failed(self, place: str, kind: str, error: OSError) -> None:
        key = kind, error_text(error)
        if key not in self._told:
            self._told.add(key)
            message = f"{place}: {error_text(error)} ({kind})"
            self.unknown.append({"source": "disks", "message": message})


class Mounted(NamedTuple):
    """One line of mountinfo; `number` is major:minor of the file system."""

    number: str
    mountpoint: str
    fstype: str
    source: str


def device_text(number: int) -> str:
    return f"{os.major(number)}:{os.minor(number)}"


def find_users(report: Report) -> None:
    """Mounts of every mount namespace, and every open block device."""
    remote: dict[str, tuple[str, ...]] = {}
    mine = os.getpid()
    own = ""
    try:
        own = os.readlink(f"{PROC}/self/ns/mnt")
        pids = sorted(int(name) for name in os.listdir(PROC) if name.isdigit())
    except OSError as error:
        report.failed(PROC, "processes", error)
        return
    # Its own namespace first: the mountpoints are then those that a person knows.
    for pid in [mine] + [pid for pid in pids if pid != mine]:
        base = f"{PROC}/{pid}"
        namespace = ""
        try:
            namespace = os.readlink(base + "/ns/mnt")
            if namespace not in remote:
                lines = _mount_lines(base)
                remote[namespace] = _below_remote(lines)
                here = {"namespace": namespace, "own": namespace == own, "pid": pid}
                report.mounts += [{**here, **mount} for mount in _device_mounts(base, lines)]
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError as error:
            report.failed(base, "mount namespaces of processes", error)
        if pid != mine:
            _open_devices(base, pid, remote.get(namespace, ()), report)
    _loop_devices(report)


def _mount_lines(base: str) -> list[Mounted]:
    """Every mount of a process. Raises OSError, also for a line that is not as proc(5) has it."""
    found = []
    with open(base + "/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            front, _, back = line.rstrip("\n").partition(" - ")
            fields, rest = front.split(" "), back.split(" ")
            if len(fields) < 6 or len(rest) < 2:
                raise OSError(errno.EBADMSG, f"mountinfo holds a line that is not known: {line!r}")
            found.append(Mounted(fields[2], _plain(fields[4]), rest[0], _plain(rest[1])))
    return found


def _plain(text: str) -> str:
    """Without the octal escapes of mountinfo; bytes that are no UTF-8 are shown as such."""
    text = ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _below_remote(lines: list[Mounted]) -> tuple[str, ...]:
    """Beginnings of paths that lead to a server."""
    return tuple(line.mountpoint.rstrip("/") + "/" for line in lines if line.fstype in REMOTE)


def _device_mounts(base: str, lines: list[Mounted]) -> list[dict[str, Any]]:
    """Mounts of block devices and of ZFS."""
    mounts = []
    for line in lines:
        device = "" if line.number.startswith("0:") else line.number
        if not device and line.fstype != "zfs":
            # btrfs and some others have no device number of their own, but name a device.
            if not line.source.startswith("/dev/"):
                continue
            found = _device_of(base, line.source)
            if found is None:
                continue
            device = found
        mounts.append(
            {
                "device": device,
                "source": line.source,
                "mountpoint": line.mountpoint,
                "fstype": line.fstype,
            }
        )
    return mounts


def _device_of(base: str, source: str) -> str | None:
    """major:minor of a block device, None for another thing, empty where the name leads nowhere."""
    for path in (base + "/root" + source, source):
        try:
            status = os.stat(path)
        except OSError:
            continue
        return device_text(status.st_rdev) if stat.S_ISBLK(status.st_mode) else None
    return ""


def _open_devices(base: str, pid: int, remote: tuple[str, ...], report: Report) -> None:
    found: set[str] = set()
    try:
        for name in os.listdir(base + "/fd"):
            link = f"{base}/fd/{name}"
            try:
                target = os.readlink(link)
                if NO_FILE.match(target) or target.startswith(remote):
                    continue
                status = os.stat(link)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if stat.S_ISBLK(status.st_mode):
                found.add(device_text(status.st_rdev))
    except (FileNotFoundError, ProcessLookupError):
        return
    except OSError as error:
        report.failed(base + "/fd", "open files of processes", error)
    if found:
        command = _command(base)
        for device in sorted(found):
            report.opened.append({"device": device, "pid": pid, "command": command})


def _command(base: str) -> str:
    try:
        with open(base + "/comm", encoding="utf-8", errors="backslashreplace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def _loop_devices(report: Report) -> None:
    """A loop device on a block device holds it open, and is in no process and among no holders."""
    try:
        names = sorted(os.listdir(SYS_CLASS_BLOCK))
    except FileNotFoundError:
        return
    except OSError as error:
        report.failed(SYS_CLASS_BLOCK, "loop devices", error)
        return
    for name in names:
        if not name.startswith("loop"):
            continue
        try:
            with open(f"{SYS_CLASS_BLOCK}/{name}/loop/backing_file", encoding="utf-8") as file:
                path = file.read().strip()
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            report.failed(name, "loop devices", error)
            continue
        if stat.S_ISBLK(status.st_mode):
            report.opened.append({"device": device_text(status.st_rdev), "pid": 0, "command": name})


def find_zvols(report: Report) -> dict[str, str]:
    """Block devices of volumes (/dev/zd0) to their names, by the links of udev.

    A snapshot's device has a name with `@`. A partition's link (`v-part1`) may be another volume's
    name too: only whole devices count.
    """

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            report.failed(error.filename or ZVOLS, "links of volumes", error)

    found = {}
    for folder, _, names in os.walk(ZVOLS, onerror=failed):
        for name in names:
            link = os.path.join(folder, name)
            device = os.path.realpath(link)
            if ZVOL_NODE.fullmatch(device):
                # zvol_id writes a plus for a blank, and no dataset's name has a plus.
                found[device] = os.path.relpath(link, ZVOLS).replace("+", " ")
    return dict(sorted(found.items()))


def directory_state(path: str, mountpoints: set[str]) -> str:
    """absent, empty, occupied, mounted or not-a-directory. Raises OSError."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return "absent"
    except NotADirectoryError:
        return "not-a-directory"
    real = os.path.realpath(path)
    try:
        status = os.stat(real)
    except FileNotFoundError:
        # A link that leads nowhere is there, and is no directory.
        return "not-a-directory"
    if not stat.S_ISDIR(status.st_mode):
        return "not-a-directory"
    if real in mountpoints or status.st_dev != os.stat(os.path.dirname(real)).st_dev:
        return "mounted"
    with os.scandir(real) as entries:
        return "occupied" if any(True for _ in entries) else "empty"


def own_mountpoints() -> set[str]:
    """Every mountpoint of this namespace. Raises OSError."""
    return {line.mountpoint for line in _mount_lines(f"{PROC}/self")}
