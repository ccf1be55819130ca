"""What a simulated host is made of, as its file has it. Everything here changes in place: this is
the state of a machine, and a command works on it until it is written back whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import attrs

FORMAT_VERSION = "1.0"


@attrs.define(kw_only=True)
class Partition:
    """An entry of a partition table; start and size in bytes."""

    number: int
    start: int
    size: int
    type: str = "0fc63daf-8483-4772-8e79-3d69d8477de4"
    partuuid: str = ""
    label: str = ""


@attrs.define(kw_only=True)
class Signature:
    """What `wipefs` would show, tables and ZFS labels aside. `offset` counts from the start of
    partition `part`, or of the disk where that is 0."""

    offset: int
    type: str
    part: int = 0
    label: str = ""
    uuid: str = ""


@attrs.define(kw_only=True)
class LabelVdev:
    """A vdev as a label describes it."""

    type: str
    guid: str
    index: int = 0
    path: str = ""
    parity: int = 0
    is_log: bool = False
    allocation: str = ""
    children: list[LabelVdev] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class Label:
    """The ZFS labels of one device: up to four copies of the same words."""

    guid: str
    part: int = 1
    copies: list[int] = attrs.field(factory=lambda: [0, 1, 2, 3])
    state: str = "active"
    pool: str = ""
    pool_guid: str = ""
    top_guid: str = ""
    txg: str = ""
    hostid: str = ""
    hostname: str = ""
    ashift: int | None = None
    top_level: int = 0
    tree: LabelVdev | None = None


@attrs.define(kw_only=True)
class Extent:
    """Bytes that nobody recognises, from `offset` on, a pattern in hex over and over."""

    offset: int
    length: int
    bytes: str = "5a"


@attrs.define(kw_only=True)
class Disk:
    """A whole disk. `table` is gpt, `gpt-primary` (its copy at the end is gone), `backup-gpt` (only
    that copy is left), mbr or empty. `unreadable` is what the kernel says to whoever reads it."""

    name: str = ""
    size: int
    by_id: list[str] = attrs.field(factory=list)
    links: list[str] = attrs.field(factory=list)
    model: str = ""
    serial: str = ""
    wwn: str = ""
    transport: str = ""
    hctl: str = ""
    sector: int = 512
    physical_sector: int = 512
    rotational: bool = False
    read_only: bool = False
    removable: bool = False
    unreadable: str = ""
    table: str = ""
    partitions: list[Partition] = attrs.field(factory=list)
    signatures: list[Signature] = attrs.field(factory=list)
    labels: list[Label] = attrs.field(factory=list)
    data: list[Extent] = attrs.field(factory=list)

    @property
    def path(self) -> str:
        """The kernel's name of it."""
        return f"/dev/{self.name}"

    def partition(self, number: int) -> Partition | None:
        """The partition of that number."""
        return next((part for part in self.partitions if part.number == number), None)

    def span(self, part: int) -> tuple[int, int]:
        """Where a partition, or the disk for 0, starts and how long it is."""
        partition = self.partition(part)
        return (partition.start, partition.size) if partition else (0, self.size)


@attrs.define(kw_only=True)
class Device:
    """A block device that stands on others: md, device-mapper. `on` are kernel names."""

    name: str = ""
    on: list[str]
    type: str
    size: int
    path: str = ""
    fstype: str = ""
    label: str = ""
    uuid: str = ""


@attrs.define(kw_only=True)
class Mount:
    """A mount of something that is no ZFS dataset, or of a dataset elsewhere. `namespace` is empty
    for this program's own, else a name for another one, in which process `pid` lives."""

    source: str
    target: str
    type: str
    namespace: str = ""
    pid: int = 1000


@attrs.define(kw_only=True)
class Opened:
    """A file that a process has open: a block device, or one below a mountpoint."""

    path: str
    pid: int = 1000
    command: str = "cat"


@attrs.define(kw_only=True)
class Failure:
    """What a command says instead of doing its work; with exit code 0, what stands in a file
    instead is `stdout` too."""

    exit_code: int = 1
    stderr: str = ""
    stdout: str = ""


@attrs.define(kw_only=True)
class Vdev:
    """A vdev. A leaf has a `path`; `class` counts on top-level ones. `asize` is what it brings,
    0 where that follows from its members; `index` its place among the pool's top-level vdevs. A
    FAULTED leaf that is `forced` was said to be so by somebody; one that is `resilvering` does not
    hold all of its data yet; `removing` is a top-level vdev whose data is moved to the others."""

    type: str
    guid: str = ""
    path: str = ""
    state: str = "ONLINE"
    forced: bool = False
    resilvering: bool = False
    removing: bool = False
    vdev_class: str = "normal"
    index: int = 0
    parity: int = 0
    ashift: int = 0
    children: list[Vdev] = attrs.field(factory=list)

    def leaves(self) -> Iterator[Vdev]:
        """Devices, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def all(self) -> Iterator[Vdev]:
        """This one and all below."""
        yield self
        for child in self.children:
            yield from child.all()


@attrs.define(kw_only=True)
class Snapshot:
    """A snapshot. `holds` are the tags that keep it."""

    name: str = ""
    guid: str = ""
    used: int = 0
    referenced: int = 0
    txg: int = 0
    holds: list[str] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class Dataset:
    """A filesystem or volume. `set` is what somebody set here, `fixed` what was fixed when it was
    created and differs from the default. `mounted` is null for as ZFS would have it."""

    name: str = ""
    type: str = "filesystem"
    guid: str = ""
    referenced: int = 98304
    origin: str = ""
    mounted: bool | None = None
    creation: int = 0
    txg: int = 1
    set: dict[str, str] = attrs.field(factory=dict)
    fixed: dict[str, str] = attrs.field(factory=dict)
    snapshots: dict[str, Snapshot] = attrs.field(factory=dict)

    @property
    def parent(self) -> str:
        """The name of the dataset above; empty for a pool's root."""
        return self.name.rpartition("/")[0]


@attrs.define(kw_only=True)
class Scan:
    """What a pool is or was busy with: scrub, resilver, remove or expand.

    `at` is when it began, and once it is over when it ended. While it runs, `left` of `span` looks
    at `zpool status` are to come; with none to come it stands still until somebody waits for it.
    `vdev` is the place of the top-level vdev that is removed or expanded.
    """

    kind: str
    state: str = "finished"
    at: int = 0
    span: int = 0
    left: int = 0
    vdev: int | None = None


@attrs.define(kw_only=True)
class Pool:
    """A pool, imported or not, as long as a label of it is left.

    `state` is imported, exported, active (never exported, and not imported here) or destroyed.
    `hostid` and `hostname` are those that its labels hold. `suspended` and `errors` are as
    zpool-status(8) tells them; `readonly` says that it was imported so.
    """

    name: str
    guid: str = ""
    state: str = "imported"
    hostid: str = ""
    hostname: str = ""
    txg: int = 4
    vdevs: list[Vdev]
    set: dict[str, str] = attrs.field(factory=dict)
    features: dict[str, str] = attrs.field(factory=dict)
    scans: list[Scan] = attrs.field(factory=list)
    checkpoint: bool = False
    suspended: bool = False
    readonly: bool = False
    errors: int = 0
    datasets: dict[str, Dataset] = attrs.field(factory=dict)

    def leaves(self) -> Iterator[Vdev]:
        """Every device of every class."""
        for vdev in self.vdevs:
            yield from vdev.leaves()


@attrs.define(kw_only=True)
class World:
    """A whole host. `hostid` is 8 hex digits, all 0 where none is set. `zfs` and `pve` are empty
    where they are not installed. `quorate` is null outside a cluster. `now` counts seconds since
    1970; `made` counts GUIDs that were made up, so that every run makes the same ones. `pace` is
    how many looks at `zpool status` a resilver, scrub, removal or expansion takes, 0 for none.
    Where `zed` runs, a spare takes over from a member that fails."""

    format_version: str = FORMAT_VERSION
    hostname: str
    machine_id: str
    hostid: str = "00000000"
    zfs: str = "2.3.9"
    pve: str = ""
    pve_storage: str = ""
    pmxcfs: bool | None = None
    node: str = ""
    quorate: bool | None = None
    now: int = 1795420800
    made: int = 0
    pace: int = 0
    zed: bool = False
    initramfs: dict[str, str] = attrs.field(factory=dict)
    disks: dict[str, Disk] = attrs.field(factory=dict)
    devices: dict[str, Device] = attrs.field(factory=dict)
    volume_groups: dict[str, list[str]] = attrs.field(factory=dict)
    mounts: list[Mount] = attrs.field(factory=list)
    swaps: list[str] = attrs.field(factory=list)
    opened: list[Opened] = attrs.field(factory=list)
    directories: dict[str, str] = attrs.field(factory=dict)
    files: dict[str, str] = attrs.field(factory=dict)
    pools: list[Pool] = attrs.field(factory=list)
    fails: dict[str, Failure | str] = attrs.field(factory=dict)

    def imported(self) -> list[Pool]:
        """Pools that are imported, by name."""
        found = [pool for pool in self.pools if pool.state == "imported"]
        return sorted(found, key=lambda pool: pool.name)

    def pool(self, name: str) -> Pool | None:
        """The imported pool of that name."""
        return next((pool for pool in self.imported() if pool.name == name), None)

    def dataset(self, name: str) -> Dataset | None:
        """The dataset of that name in an imported pool."""
        pool = self.pool(name.partition("/")[0])
        return pool.datasets.get(name) if pool else None

    def datasets(self) -> Iterator[tuple[Pool, Dataset]]:
        """Datasets of all imported pools, by name."""
        for pool in self.imported():
            for name in sorted(pool.datasets):
                yield pool, pool.datasets[name]

    def new_guid(self) -> str:
        """A GUID that no run of this world has made before."""
        self.made += 1
        digest = hashlib.sha256(f"{self.machine_id}/{self.made}".encode()).digest()
        return str(int.from_bytes(digest[:8], "big") | 1)

    @property
    def version(self) -> tuple[int, ...]:
        """OpenZFS's version, to compare."""
        return tuple(int(part) for part in self.zfs.split("."))
