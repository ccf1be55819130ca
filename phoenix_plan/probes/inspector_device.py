"""The device script, part 1: a device opened for reading, and spaces on it.

The script is the modules inspector_*.py and inspector.py, one after another (inspector_script.py).
It runs on the host under its own python3, 3.9 or newer, with the standard library alone.
"""

from __future__ import annotations

import errno
import mmap
import os

PAGE = 4096
CHUNK = 64 * 1024
BUFFER = 1024 * 1024

# Where the kernel says what a device is: nodes by number, since names in /dev are anybody's.
SYS_BLOCK = "/sys/dev/block"


class Device:
    """A device (or a file in its place), opened read-only, past the page cache where that goes.

    Reads through a cache would show what a process is about to write, or has thrown away; O_DIRECT
    asks the device. Where the file system below has no O_DIRECT (tmpfs), cached pages are dropped
    first. Raises OSError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []
        self._direct = True
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._open_buffered()
        self._buffer = mmap.mmap(-1, BUFFER)
        self.size = os.lseek(self._fd, 0, os.SEEK_END)
        status = os.fstat(self._fd)
        self.number = ""
        if os.major(status.st_rdev) or os.minor(status.st_rdev):
            self.number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        self.sector = int(self.sysfs("queue/logical_block_size") or 512)

    def _open_buffered(self) -> None:
        self._direct = False
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._fd)
        self._buffer.close()

    def sysfs(self, name: str) -> str:
        """An attribute of this block device, empty where there is none."""
        if not self.number:
            return ""
        try:
            with open(f"{SYS_BLOCK}/{self.number}/{name}", encoding="utf-8") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly the bytes asked for, as far as the device goes. Raises OSError."""
        end = min(offset + length, self.size)
        if offset < 0 or end <= offset:
            return b""
        parts = []
        at = offset
        while at < end:
            start = at - at % PAGE
            got = self._fill(start, min(BUFFER, -(-(end - start) // PAGE) * PAGE))
            if start + got <= at:
                raise OSError(errno.EIO, "the device ends early")
            parts.append(self._buffer[at - start : min(got, end - start)])
            at = start + got
        return b"".join(parts)

    def _fill(self, offset: int, length: int) -> int:
        try:
            if not self._direct:
                os.posix_fadvise(self._fd, offset, length, os.POSIX_FADV_DONTNEED)
            return os.preadv(self._fd, [memoryview(self._buffer)[:length]], offset)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._direct:
                raise
        # O_DIRECT was taken at open and is refused now: a device that wants more than 4 KiB.
        os.close(self._fd)
        self._open_buffered()
        return self._fill(offset, length)


class Space:
    """A stretch of a device that something may be written on: the whole of it, or a partition.

    `peek` reads with a memory, so that all checks look at the same bytes. What can't be read
    stands in `problems`, and reads as nothing.
    """

    def __init__(self, device: Device, part: int, start: int, size: int) -> None:
        self.part = part
        self.start = start
        self.size = max(0, min(size, device.size - start))
        self._device = device
        self._chunks: dict[int, bytes] = {}
        self._failed: dict[str, list[int]] = {}

    @property
    def problems(self) -> list[str]:
        """What could not be read so far: one line for each error, however many places have it."""
        return [
            f"{self._device.path}: can't be read at "
            + (f"{places[0]}" if len(places) == 1 else f"{len(places)} places, as {min(places)}")
            + f": {text}"
            for text, places in self._failed.items()
        ]

    def peek(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes at `offset`; fewer at the end, none outside."""
        end = min(offset + length, self.size)
        if offset < 0 or end <= offset:
            return b""
        first = offset // CHUNK
        whole = b"".join(self._chunk(number) for number in range(first, -(-end // CHUNK)))
        return whole[offset - first * CHUNK : end - first * CHUNK]

    def _chunk(self, number: int) -> bytes:
        if number not in self._chunks:
            at = number * CHUNK
            length = min(CHUNK, self.size - at)
            try:
                self._chunks[number] = self._device.read(self.start + at, length)
            except OSError as error:
                self._chunks[number] = b"\0" * length
                self._failed.setdefault(error_text(error), []).append(self.start + at)
        return self._chunks[number]


def error_text(error: OSError) -> str:
    """What the system calls the error."""
    return error.strerror or str(error)


def kernel_partitions(device: Device) -> dict[int, tuple[int, int, str]]:
    """Partitions that the kernel knows: number to (start, size, node), in bytes. Raises OSError."""
    found: dict[int, tuple[int, int, str]] = {}
    if not device.number:
        return found
    base = f"{SYS_BLOCK}/{device.number}"
    for name in sorted(os.listdir(base)):
        if not os.path.exists(f"{base}/{name}/partition"):
            continue
        values = []
        for attribute in ("partition", "start", "size"):
            with open(f"{base}/{name}/{attribute}", encoding="utf-8") as file:
                values.append(int(file.read()))
        # sysfs counts in 512 bytes, whatever the sector (Documentation/ABI/stable/sysfs-block).
        node = "/dev/{}".format(name.replace("!", "/"))
        found[values[0]] = (values[1] * 512, values[2] * 512, node)
    return found


def kernel_holders(device: Device) -> list[str]:
    """Kernel names of what is built on the device or on a partition of it. Raises OSError."""
    if not device.number:
        return []
    base = f"{SYS_BLOCK}/{device.number}"
    places = [base]
    places += [f"{base}/{name}" for name in sorted(os.listdir(base))]
    found: list[str] = []
    for place in places:
        if place == base or os.path.exists(place + "/partition"):
            try:
                found += sorted(os.listdir(place + "/holders"))
            except FileNotFoundError:
                continue
    return sorted(set(found))
