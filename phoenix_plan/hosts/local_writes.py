"""This machine, for apply: the same reads, and the writes that a plan holds."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from phoenix_plan.commands import Output, Run, Write, WriteFile, Zero
from phoenix_plan.hosts.local import LocalHost

STATE_DIR = "/var/lib/phoenix"

_BLKGETSIZE64 = 0x80081272
_BLKRRPART = 0x125F
_CHUNK = 1 << 20
_TEXTS = ("serial", "wwid", "device/serial", "device/wwid", "dm/uuid")
_PAGES = ("device/vpd_pg80", "device/vpd_pg83")
"""What sysfs knows a disk by: words, and SCSI's vital product data (SPC-5, unit serial number and
device identification), each behind a header of 4 bytes."""

_WORLDWIDE = 16
"""Hex digits from which on a name is unlike any other, so that finding it within a longer word
says who a disk is; a serial may be as short as `1`."""

_SYSFS = re.compile(r"/sys/module/[a-z0-9_]+/parameters/[a-z0-9_]+")


class WritableLocalHost(LocalHost):
    """The machine that this program runs on, as apply may change it."""

    state_dir = STATE_DIR

    _process_group = 0
    """Tools in a process group of their own: Ctrl-C must not end a `zpool` half-way."""

    _lent: tuple[int, ...] = ()

    def lend(self, descriptor: int) -> None:
        """See `WritableHost.lend`."""
        self._lent = (descriptor,)

    def run(self, write: Write) -> Output:
        """See `WritableHost.run`."""
        match write:
            case Run(argv=argv, stdin=stdin):
                output = self._run(
                    "apply", argv, (), stdin.encode(), write.timeout_s, lent=self._lent
                )
                if output.missing:
                    return _failed(f"{argv[0]}: not installed")
                return output
            case WriteFile():
                return _write_file(write)
            case Zero():
                return _zero(write)
            case _:
                assert_never(write)


def _failed(message: str) -> Output:
    return Output(exit_code=1, stdout=b"", stderr=message.encode())


_DONE = Output(exit_code=0, stdout=b"", stderr=b"")


def _write_file(write: WriteFile) -> Output:
    """Replace a file whole and at once, if it still holds what it is to replace."""
    path = Path(write.path)
    if path.is_symlink():
        return _failed(f"{path}: is a symbolic link to {os.readlink(path)}; left as it is")
    try:
        before: bytes | None = path.read_bytes()
    except FileNotFoundError:
        before = None
    except OSError as error:
        return _failed(f"{path}: {error.strerror}")
    if before != (None if write.replaces is None else write.replaces.encode()):
        return _failed(f"{path}: was changed since the plan was made; left as it is")
    try:
        if _SYSFS.fullmatch(write.path):
            path.write_bytes(write.content.encode())  # a parameter of the kernel: no file
        else:
            _replace(path, write)
    except OSError as error:
        return _failed(f"{path}: {error.strerror}")
    return _DONE


def _replace(path: Path, write: WriteFile) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".phoenix-")
    try:
        with open(handle, "wb") as new:
            new.write(write.content.encode())
            new.flush()
            os.fchmod(new.fileno(), _mode(path, write.mode))
            os.fsync(new.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _mode(path: Path, otherwise: int) -> int:
    """The permissions that the file has, those of a new one where there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return otherwise


def _zero(write: Zero) -> Output:
    """Zero ranges of a disk that nobody else has open, after it was asked again who it is."""
    try:
        # O_EXCL on a block device: refused while anything holds it or a partition of it (open(2)).
        disk = os.open(write.path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        return _failed(f"{write.path}: {error.strerror}; nothing was written")
    try:
        why = _another(disk, write.identity)
        if why:
            return _failed(f"{write.path}: {why}; nothing was written")
        return _zero_all(disk, write)
    except OSError as error:
        return _failed(f"{write.path}: {error.strerror}; part of it may be zeroed")
    finally:
        os.close(disk)


def _zero_all(disk: int, write: Zero) -> Output:
    size = os.lseek(disk, 0, os.SEEK_END)
    for offset, length in write.ranges:
        _zero_range(disk, offset + size if offset < 0 else offset, length)
    os.fsync(disk)
    try:
        fcntl.ioctl(disk, _BLKRRPART)
    except OSError as error:
        # A device that takes no partitions has no table to read again (a multipath device).
        if error.errno not in (errno.EINVAL, errno.ENOTTY):
            return _failed(
                f"{write.path}: was zeroed, but the kernel did not read its table again: "
                f"{error.strerror}"
            )
    return _DONE


def _another(disk: int, identity: str) -> str:
    """Why an open descriptor is not the disk of that identity (`kind:value[/unit]:size`)."""
    found = os.fstat(disk)
    if not stat.S_ISBLK(found.st_mode):
        return "is no block device"
    (size,) = struct.unpack("Q", fcntl.ioctl(disk, _BLKGETSIZE64, b"\0" * 8))
    place = f"/sys/dev/block/{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return answers_otherwise(identity, size, Path(place))


def answers_otherwise(identity: str, size: int, place: Path) -> str:
    """Why a disk of `size` bytes, known to sysfs at `place`, is not the one of that identity; empty
    where it is."""
    kind_and_value, _, wanted = identity.rpartition(":")
    if str(size) != wanted:
        return f"holds {size} bytes, the plan says {wanted}"
    kind, _, text = kind_and_value.partition(":")
    bare, unit = _parted(text) if kind == "serial" else (text, "")
    value = _plain(bare)
    known = set(_said(place))
    # A serial is a whole word; a worldwide name also stands within longer ones (VPD, NAA).
    same = value in known or (
        kind != "serial" and len(value) >= _WORLDWIDE and any(value in one for one in known)
    )
    if value and same and (not unit or unit == _unit(place)):
        return ""
    return f"does not answer to {kind_and_value}: it is another disk than the plan's"


def _parted(value: str) -> tuple[str, str]:
    """A serial and its LUN or namespace, which is the number behind the last slash."""
    bare, slash, unit = value.rpartition("/")
    return (bare, unit) if slash and unit.isdigit() else (value, "")


def _unit(place: Path) -> str:
    """The namespace of an NVMe device, or the LUN at the end of a SCSI address; empty for others.
    A serial names the hardware: only this tells its disks apart."""
    with contextlib.suppress(OSError):
        return (place / "nsid").read_text(encoding="ascii").strip()
    address = os.path.basename(os.path.realpath(place / "device"))
    match = re.fullmatch(r"\d+:\d+:\d+:(\d+)", address)
    return match[1] if match else ""


def _said(place: Path) -> Iterator[str]:
    """All that sysfs knows a disk by, made plain: whole, and the last word of each (ATA's serial
    stands last in a T10 name)."""
    for name in _TEXTS:
        with contextlib.suppress(OSError):
            text = (place / name).read_bytes().decode("latin-1")
            yield _plain(text)
            yield from (_plain(word) for word in text.split()[-1:])
    for name in _PAGES:
        with contextlib.suppress(OSError):
            data = (place / name).read_bytes()[4:]
            yield _plain(data.decode("latin-1"))
            yield data.hex()


def _plain(text: str) -> str:
    """An identity without what tools decorate it with: prefixes, blanks, separators, case."""
    bare = re.sub(r"^(0x|eui\.|naa\.|nvme\.|uuid\.|t10\.)", "", text.strip(" \t\n\0").lower())
    return re.sub(r"[^0-9a-z]", "", bare)


def _zero_range(disk: int, offset: int, length: int) -> None:
    nothing = bytes(min(length, _CHUNK))
    end = offset + length
    while offset < end:
        offset += os.pwrite(disk, nothing[: end - offset], offset)
