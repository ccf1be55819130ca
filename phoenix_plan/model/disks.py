"""Disks as a refresh saw them: who they are, what is on them, who uses them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

from phoenix_plan.model.sizes import Bytes, Guid

Emptiness = Literal["blank", "residual", "occupied", "unread"]
"""How empty a disk is (docs/explanation/safety-model).

`unread` is no answer: the disk carries nothing that is known, and was not read across, because no
config named it.
"""

UserKind = Literal[
    "boot",
    "mounted",
    "swap",
    "lvm",
    "md",
    "dm",
    "multipath",
    "ceph",
    "pool",
    "open",
    "guest",
    "export",
    "fstab",
    "crypttab",
    "journal",
]


@attrs.frozen(kw_only=True)
class Identity:
    """Who a disk is, whatever it is called today.

    `kind` is wwn, eui, nguid or serial, `value` what the disk says, `unit` its LUN or namespace
    where the value alone does not tell one from its siblings. `size` belongs to it: a disk that
    answers with another size is another disk.
    """

    kind: Literal["wwn", "eui", "nguid", "serial"]
    value: str
    unit: str
    size: Bytes

    def __str__(self) -> str:
        unit = f"/{self.unit}" if self.unit else ""
        return f"{self.kind}:{self.value}{unit}:{self.size}"


@attrs.frozen(kw_only=True)
class User:
    """Something that uses a disk or a part of it: `detail` says who, for a person.

    `subject` is what a program compares: a mountpoint, a volume group, a pool GUID, a guest id.
    """

    kind: UserKind
    subject: str
    detail: str


@attrs.frozen(kw_only=True)
class Signature:
    """Something recognised in a disk's bytes. `offset` counts from the start of `part`, or of the
    disk where `part` is 0. `type` is blkid's word for it (`ext4`, `LVM2_member`, `zfs_member`)."""

    part: int
    offset: Bytes
    type: str
    label: str = ""
    uuid: str = ""


@attrs.frozen(kw_only=True)
class Label:
    """A ZFS label, parsed from its bytes; equal copies of one device are one `Label`.

    `state` is the pool's state in the label: active, exported, destroyed, spare or l2cache.
    `hostid` is empty where the label holds none. `top_guid` is empty on spares and caches.
    `tree` is the label's own top-level vdev, see `LabelVdev`; `top_level` is how many of them the
    pool has, holes of removed logs not counted, traces of removed data vdevs (indirect) counted.
    """

    part: int
    copies: tuple[int, ...]
    state: Literal["active", "exported", "destroyed", "spare", "l2cache"]
    pool: str = ""
    pool_guid: Guid = Guid("")
    guid: Guid
    top_guid: Guid = Guid("")
    txg: str = ""
    hostid: str = ""
    hostname: str = ""
    ashift: int | None = None
    top_level: int = 0
    tree: LabelVdev | None = None


@attrs.frozen(kw_only=True)
class LabelVdev:
    """A vdev as a label describes it. `type` as in the label: disk, file, mirror, raidz, draid…
    `index` is its place among its parent's children, a top-level vdev's among the pool's."""

    type: str
    guid: Guid
    index: int = 0
    path: str = ""
    parity: int = 0
    is_log: bool = False
    allocation: str = ""
    children: tuple[LabelVdev, ...] = ()


@attrs.frozen(kw_only=True)
class Partition:
    """One partition, from the table on the disk. `type` is a GUID in lower case, or an MBR byte
    such as `0x83`."""

    number: int
    start: Bytes
    size: Bytes
    type: str
    partuuid: str = ""
    label: str = ""
    path: str = ""
    aliases: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Disk:
    """One whole disk.

    `path` is the kernel's name of the moment, for people and for the next read only; `aliases`
    are all the links under /dev/disk that lead to it. `table` is gpt, mbr, `backup-gpt` (only the
    copy at the end is left) or empty. `unknown` says what could not be learnt about this disk,
    and refuses whatever rests on it.
    """

    path: str
    identity: Identity | None
    aliases: tuple[str, ...]
    size: Bytes
    logical_sector: int
    physical_sector: int
    model: str = ""
    serial: str = ""
    wwn: str = ""
    transport: str = ""
    rotational: bool = False
    read_only: bool = False
    removable: bool = False
    table: str = ""
    partitions: tuple[Partition, ...] = ()
    signatures: tuple[Signature, ...] = ()
    labels: tuple[Label, ...] = ()
    holders: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    emptiness: Emptiness
    residue: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The alias a person would use: the first by-id link, else the kernel's name."""
        for alias in self.aliases:
            if alias.startswith("/dev/disk/by-id/"):
                return alias
        return self.path


def holds_another(vdev: Guid, signatures: Iterable[Signature], labels: Iterable[Label]) -> bool:
    """Whether what is on a disk is known, and is not that vdev: it is another disk than the one
    that the vdev was on. A trace of ZFS that names no vdev may be that one's."""
    guids = {label.guid for label in labels}
    return vdev not in guids and (
        bool(guids) or any(one.type != "zfs_member" for one in signatures)
    )
