"""Disks of a guest, seen from both sides: a sparse file outside, a by-id name inside."""

import hashlib
import os
from enum import Enum
from pathlib import Path

from attrs import frozen

from tests.lab.errors import LabError
from tests.lab.hosttools import run

MIB = 1024 * 1024
BLOCK = 64 * 1024
"""Bytes that are compared with zero at a time when a disk is hashed."""


class Kind(Enum):
    """How a disk is attached. The value stands in case files."""

    VIRTIO = "virtio"
    SCSI = "scsi"
    ATA = "ata"
    NVME = "nvme"


@frozen(kw_only=True)
class Disk:
    """One disk of a case. `name` is its serial number, and so part of its by-id name."""

    name: str
    size_mib: int = 512
    kind: Kind = Kind.VIRTIO
    legs: int = 1
    """How many paths lead to a scsi disk, each a device of its own with the same serial and WWN."""
    unreadable_mib: int | None = None
    """Where a sector can't be read, in MiB from the start."""
    unreadable: bool = False
    """Whether nothing of the disk can be read."""

    @property
    def wwn(self) -> str:
        """The world-wide name of a disk of several paths, made of its name."""
        return f"0x5000c500{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def by_id(self) -> str:
        """The path that udev of both guests gives the disk."""
        if self.legs > 1:
            return f"/dev/disk/by-id/wwn-{self.wwn}"
        prefix = {
            Kind.VIRTIO: "virtio-",
            Kind.SCSI: "scsi-0QEMU_QEMU_HARDDISK_",
            Kind.ATA: "ata-QEMU_HARDDISK_",
            Kind.NVME: "nvme-QEMU_NVMe_Ctrl_",
        }[self.kind]
        return f"/dev/disk/by-id/{prefix}{self.name}"

    def file(self, folder: Path) -> Path:
        """Where the disk's bytes are, outside the guest."""
        return folder / f"{self.name}.raw"

    def create(self, folder: Path) -> None:
        """Make the disk anew: all zero, taking no space."""
        with self.file(folder).open("wb") as file:
            file.truncate(self.size_mib * MIB)


def source(file: Path, *, logged: bool) -> str:
    """Where a drive's bytes are, as QEMU's options say it: a file and, with `logged`, a log of what
    is written to it (writelog.py), beside it in NAME.log. Only then do flushes reach the file."""
    if not logged:
        return f"driver=raw,cache=unsafe,file.driver=file,file.filename={file}"
    log = file.with_suffix(".log")
    log.write_bytes(b"")
    return (
        "driver=blklogwrites,cache=writeback"
        f",file.driver=raw,file.file.driver=file,file.file.filename={file}"
        f",log.driver=file,log.filename={log}"
    )


PLAIN = ",discard=off,write-zeroes=off"
"""Options of a virtio disk under a log: QEMU 7.2 may log another write between the entry of a
request to write zeroes and its sectors (blk_log_writes_co_do_log gives up the processor there)."""


def drive_arguments(disks: tuple[Disk, ...], folder: Path, *, logged: bool = False) -> list[str]:
    """QEMU's arguments for these disks.

    Eight virtio disks share a PCI slot as its functions, since a shared boot has more disks than
    slots. IDE takes four disks; more is a LabError.
    """
    arguments: list[str] = []
    if any(disk.kind is Kind.SCSI for disk in disks):
        arguments += ["-device", "virtio-scsi-pci,id=scsi,addr=0x5"]
    counts = dict.fromkeys(Kind, 0)
    for disk in disks:
        nth = counts[disk.kind]
        counts[disk.kind] += 1
        for leg in range(disk.legs):
            arguments += _attached(disk, leg, nth, folder, logged=logged)
    return arguments


def _attached(disk: Disk, leg: int, nth: int, folder: Path, *, logged: bool) -> list[str]:
    """The arguments for one path to a disk, the `nth` of its kind."""
    drive = f"drive-{disk.name}-{leg}"
    parts = [source(disk.file(folder), logged=logged)]
    if disk.unreadable or disk.unreadable_mib is not None:
        parts = [
            "driver=raw,cache=unsafe",
            f"file.driver=blkdebug,file.image.driver=file,file.image.filename={disk.file(folder)}",
            "file.inject-error.0.event=read_aio,file.inject-error.0.errno=5",
        ]
    if disk.unreadable_mib is not None:
        parts.append(f"file.inject-error.0.sector={disk.unreadable_mib * MIB // 512}")
    options = ["if=none", f"id={drive}", *parts]
    device = {
        Kind.VIRTIO: f"virtio-blk-pci,addr={0x8 + nth // 8:#x}.{nth % 8},multifunction=on"
        + PLAIN * logged,
        Kind.SCSI: f"scsi-hd,bus=scsi.0,scsi-id={nth}",
        Kind.ATA: f"ide-hd,bus=ide.{nth // 2},unit={nth % 2}",
        Kind.NVME: "nvme",
    }[disk.kind]
    if disk.legs > 1:
        if disk.kind is not Kind.SCSI:
            raise LabError(f"disk {disk.name}: only a scsi disk has several paths")
        options.append("file.locking=off")
        device = f"scsi-hd,bus=scsi.0,scsi-id={nth},lun={leg},share-rw=on,wwn={disk.wwn}"
    elif disk.kind is Kind.ATA and nth > 3:
        raise LabError("a guest takes at most four ata disks")
    return ["-drive", ",".join(options), "-device", f"{device},drive={drive},serial={disk.name}"]


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a disk's file; what is a hole, or zero, becomes a hole."""
    run(["cp", "--sparse=always", str(source), str(target)])


def content_digest(path: Path) -> str:
    """SHA-256 of a disk's content, read outside the guest.

    What goes into the hash is the size, and the offset and bytes of every 64 KiB block that is not
    all zero: two disks have one digest where, and only where, they hold the same bytes. Holes of
    the sparse file are known to be zero and are not read.
    """
    zero = bytes(BLOCK)
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        digest.update(size.to_bytes(8, "big"))
        offset = _next_data(file.fileno(), 0, size)
        while offset < size:
            file.seek(offset)
            block = file.read(BLOCK)
            if block == zero[: len(block)]:
                offset = _next_data(file.fileno(), offset + len(block), size)
                continue
            digest.update(offset.to_bytes(8, "big"))
            digest.update(block)
            offset += len(block)
    return digest.hexdigest()


def _next_data(descriptor: int, offset: int, size: int) -> int:
    """The offset of the first block from `offset` on that is no hole; `size` if there is none."""
    if offset >= size:
        return size
    try:
        found = os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:  # ENXIO: nothing but a hole from here to the end
        return size
    return max(offset, found - found % BLOCK)
