"""Plans to render: one for every kind of action, and some of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from phoenix_plan.actions import (
    Action,
    AddStorage,
    AddVdev,
    AttachDisk,
    Change,
    CreateCheckpoint,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DetachDisk,
    DisableStorage,
    DiscardCheckpoint,
    EnableStorage,
    ExpandRaidz,
    ImportPool,
    OfflineDisk,
    OnlineDisk,
    RemoveStorage,
    RemoveVdev,
    RenameDataset,
    ReplaceDisk,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
    action_id,
)
from phoenix_plan.evidence import CHECKPOINT_PRICE, SNAPSHOT_PRICE, Evidence
from phoenix_plan.model.actual import Actual, ArcMax, Host
from phoenix_plan.model.desired import Desired, Notice
from phoenix_plan.model.pools import Activity
from phoenix_plan.model.proxmox import StorageConfig
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.model.subjects import Kind, Subject
from phoenix_plan.plan import Plan, from_outcome
from phoenix_plan.planner import Outcome, Planned, Unmanaged
from phoenix_plan.planner.items import Finding, Unchanged
from phoenix_plan.planner.order import Blocked, Ordered
from phoenix_plan.safety import verdict
from tests import builders
from tests.builders import layout

BY_ID = "/dev/disk/by-id/"
DISK1, DISK2, DISK3 = (f"{BY_ID}virtio-DISK{number}" for number in (1, 2, 3))

DESIRED = Desired(digest="0123456789abcdef" * 4)

ACTUAL = Actual(
    id="5f1e2d3c4b5a69788796a5b4c3d2e1f0",
    taken_at="2026-11-23T09:00:00Z",
    host=Host(
        hostname="pve1",
        machine="89abcdef01234567" * 4,
        hostid="00bab10c",
        zfs="2.3.9",
        zfs_kernel="2.3.9",
    ),
    disks=(),
    pools=(),
    idle_pools=(),
    defaults={},
    datasets=(),
    storages=StorageConfig(digest="", storages=()),
    references=(),
    mounts={},
    shares={},
    directories={},
    arc_max=ArcMax(live=Bytes(0)),
)

CREATE_POOL = CreatePool(
    pool="tank",
    vdevs=layout("mirror", DISK1, DISK2),
    identities=("serial:DISK1:1073741824", "serial:DISK2:1073741824"),
    ashift=12,
    properties={"autotrim": "on"},
    filesystem={"atime": "off", "compression": "lz4"},
)

DESTROY_POOL = DestroyPool(
    pool="tank",
    guid=Guid("1234567890123456789"),
    disks=("/dev/vdb", DISK1, "/dev/disk/by-path/pci-0000:00:05.0"),
    datasets={"tank": "/tank", "tank/vm-disks": "/tank/vm-disks"},
    storages=("tank-vm",),
    because=(
        "mirror-0: declared are 3 disks, there are 2: mirror-0 (mirror of 2: "
        f"{DISK1}-part1, {DISK2}-part1)",
    ),
)

DESTROY_POOL_COST = Evidence(
    used=Bytes(536870912 + 12345),
    datasets=("tank", "tank/vm-disks", "tank/vm-disks/vm-100-disk-0"),
    snapshots=tuple(f"tank/vm-disks@autosnap_2026-11-{day:02}_00:00:01_daily" for day in (1, 2, 3)),
    clones=("other/clone",),
    holds=("tank/vm-disks@autosnap_2026-11-01_00:00:01_daily",),
    guests=("qemu/100 on pve1: scsi0 tank-vm:vm-100-disk-0",),
    jobs=("job/backup-1 on pve1: storage tank-vm:",),
    shares=("/tank: NFS to 192.0.2.0/24",),
    unknown=("what pve2's guests use: /etc/pve/nodes/pve2 can't be read",),
)

WIPE_DISK = WipeDisk(
    disk=DISK3,
    identity="serial:DISK3:1073741824",
    emptiness="occupied",
    contents=(
        "a GPT with 1 partition",
        "partition 1 'data': 1022M at 1M, type 0fc63daf-8483-4772-8e79-3d69d8477de4",
        "partition 1: ext4 'photos', UUID 6a7b8c9d-0000-4000-8000-000000000001 (at byte 1080)",
    ),
    ranges=((Bytes(0), Bytes(5 << 20)), (Bytes(1069547520), Bytes(4 << 20))),
)

IN_TANK: Mapping[str, Any] = {"pool": "tank", "guid": Guid("1234567890123456789"), "turn": 1}
MEMBER, VDEV = Guid("17210485520135906523"), Guid("2295301274470110846")

KINDS: Mapping[str, tuple[Action, Evidence]] = {
    "create-pool": (CREATE_POOL, Evidence()),
    "destroy-pool": (DESTROY_POOL, DESTROY_POOL_COST),
    "import-pool": (
        ImportPool(
            pool="archive",
            guid=Guid("987654321"),
            state="exported",
            last_hostid="deadbeef",
            last_hostname="oldhost",
            ours=False,
            disks=(DISK1, DISK2),
        ),
        Evidence(unknown=("whether oldhost (deadbeef) still counts on pool archive",)),
    ),
    "attach-disk": (
        AttachDisk(
            **IN_TANK,
            beside=MEMBER,
            beside_name=f"{DISK1}-part1",
            disk=DISK3,
            identity="serial:DISK3:1073741824",
        ),
        Evidence(),
    ),
    "replace-disk": (
        ReplaceDisk(
            **IN_TANK,
            old=MEMBER,
            old_name=f"{DISK1}-part1",
            old_state="FAULTED",
            released=("/dev/vda", DISK1),
            disk=DISK3,
            identity="serial:DISK3:1073741824",
        ),
        Evidence(),
    ),
    "detach-disk": (
        DetachDisk(
            **IN_TANK,
            member=MEMBER,
            mirror="mirror-0",
            others=2,
            instead="",
            released=("/dev/vda", DISK1),
            disk=f"{DISK1}-part1",
        ),
        Evidence(),
    ),
    "expand-raidz": (
        ExpandRaidz(
            **IN_TANK,
            vdev=VDEV,
            vdev_name="raidz1-0",
            disk=DISK3,
            identity="serial:DISK3:1073741824",
        ),
        Evidence(),
    ),
    "add-vdev": (
        AddVdev(
            **IN_TANK,
            vdev_class="normal",
            kind="mirror",
            disks=(DISK2, DISK3),
            identities=("serial:DISK2:1073741824", "serial:DISK3:1073741824"),
            ashift=12,
        ),
        Evidence(),
    ),
    "add-vdev-spare": (
        AddVdev(
            **IN_TANK,
            vdev_class="spare",
            kind="disk",
            disks=(DISK3,),
            identities=("serial:DISK3:1073741824",),
            ashift=None,
        ),
        Evidence(),
    ),
    "remove-vdev": (
        RemoveVdev(
            **IN_TANK,
            vdev=VDEV,
            vdev_name="mirror-1",
            vdev_class="normal",
            kind="mirror",
            state="ONLINE",
            disks=(f"{DISK2}-part1", f"{DISK3}-part1"),
            others=2,
            released=(DISK2, DISK3),
        ),
        Evidence(),
    ),
    "remove-vdev-log": (
        RemoveVdev(
            **IN_TANK,
            vdev=VDEV,
            vdev_name=f"{DISK3}-part1",
            vdev_class="log",
            kind="disk",
            state="ONLINE",
            disks=(f"{DISK3}-part1",),
            others=0,
            released=(DISK3,),
        ),
        Evidence(),
    ),
    "remove-vdev-spare": (
        RemoveVdev(
            **IN_TANK,
            vdev=VDEV,
            vdev_name=f"{DISK3}-part1",
            vdev_class="spare",
            kind="disk",
            state="ONLINE",
            disks=(f"{DISK3}-part1",),
            others=0,
            released=(DISK3,),
        ),
        Evidence(),
    ),
    "online-disk": (
        OnlineDisk(**IN_TANK, member=MEMBER, disk=f"{DISK1}-part1", state="OFFLINE"),
        Evidence(),
    ),
    "offline-disk": (
        OfflineDisk(**IN_TANK, member=MEMBER, disk=f"{DISK1}-part1", others=2),
        Evidence(),
    ),
    "create-checkpoint": (CreateCheckpoint(**IN_TANK), Evidence(price=CHECKPOINT_PRICE)),
    "discard-checkpoint": (DiscardCheckpoint(**IN_TANK), Evidence()),
    "set-pool-properties": (
        SetPoolProperties(
            pool="tank",
            guid=Guid("1234567890123456789"),
            properties=(
                Change(name="autotrim", before="off", after="on"),
                Change(name="comment", before="-", after="rack 4, it's the left one"),
            ),
        ),
        Evidence(),
    ),
    "wipe-disk": (WIPE_DISK, Evidence(contents=WIPE_DISK.contents)),
    "create-dataset": (
        CreateDataset(
            dataset="tank/vm-disks",
            kind="volume",
            volsize=Bytes(10 << 30),
            properties={"compression": "lz4", "volblocksize": "16384"},
        ),
        Evidence(),
    ),
    "set-dataset-properties": (
        SetDatasetProperties(
            dataset="tank/vm-disks",
            guid=Guid("42"),
            properties=(
                Change(name="quota", before="0", after="107374182"),
                Change(name="recordsize", before="131072", after="1048576"),
                Change(name="sync", before="standard", after="disabled"),
            ),
        ),
        Evidence(guests=("qemu/100 on pve1: scsi0 tank-vm:vm-100-disk-0",)),
    ),
    "rename-dataset": (
        RenameDataset(dataset="tank/old", guid=Guid("43"), to="tank/new"),
        Evidence(guests=("lxc/101 on pve1: rootfs tank-lxc:subvol-101-disk-0",)),
    ),
    "snapshot-dataset": (
        SnapshotDataset(dataset="tank/old", guid=Guid("43"), snapshot="phoenix-net-1"),
        Evidence(price=SNAPSHOT_PRICE),
    ),
    "retire-dataset": (
        RetireDataset(
            dataset="tank/old",
            guid=Guid("43"),
            kind="filesystem",
            to="tank/phoenix-retired-43",
            keep="30d",
            below={"tank/old/b c": Guid("44")},
            automounts=("tank/old",),
            writable=("tank/old/b c",),
            mountpoints={"tank/old": "/tank/old"},
            storages=("tank-old",),
        ),
        Evidence(
            datasets=("tank/old", "tank/old/b c"),
            guests=("qemu/100 on pve1: [before] scsi1 tank-old:vm-100-disk-1",),
        ),
    ),
    "destroy-dataset": (
        DestroyDataset(
            dataset="tank/old",
            guid=Guid("43"),
            snapshots={"a": Guid("1"), "b c": Guid("2")},
            storages=("tank-old",),
        ),
        Evidence(
            used=Bytes(3 << 30),
            snapshots=("tank/old@a", "tank/old@b c"),
            guests=("qemu/100 on pve1: [before] scsi1 tank-old:vm-100-disk-1",),
        ),
    ),
    "add-storage": (
        AddStorage(
            storage="tank-vm",
            kind="zfspool",
            properties={"pool": "tank/vm-disks", "content": "images,rootdir", "sparse": "1"},
            dataset="tank/vm-disks",
        ),
        Evidence(),
    ),
    "update-storage": (
        UpdateStorage(
            storage="tank-vm",
            kind="zfspool",
            properties=(
                Change(name="content", before="images", after="images,rootdir"),
                Change(name="nodes", before="pve1", after=""),
            ),
        ),
        Evidence(guests=tuple(f"qemu/{n} on pve1: scsi0 tank-vm:vm-{n}" for n in range(100, 105))),
    ),
    "remove-storage": (
        RemoveStorage(
            storage="old",
            kind="dir",
            properties={"path": "/mnt/pve/old", "content": "backup,iso"},
            because="declared removed",
        ),
        Evidence(jobs=("vzdump.conf on pve1: storage old:",)),
    ),
    "disable-storage": (
        DisableStorage(storage="tank-vm", kind="zfspool"),
        Evidence(guests=("qemu/100 on pve1: scsi0 tank-vm:vm-100-disk-0",)),
    ),
    "enable-storage": (EnableStorage(storage="tank-vm", dataset="tank/vm-disks"), Evidence()),
    "set-arc-max": (
        SetArcMax(
            value=Bytes(1 << 30),
            live=Bytes(0),
            boot="ZFS's default",
            boot_text="# keep it small\noptions zfs zfs_arc_max=1073741824\n",
            boot_replaces="# keep it small\n",
            initramfs=True,
        ),
        Evidence(),
    ),
}
"""An action of each kind with what it would cost, by its wire tag; with a word behind it where one
of the kind reads otherwise."""


def planned(
    action: Action,
    cost: Evidence | None = None,
    *,
    requires: tuple[str, ...] = (),
    serves: tuple[str, ...] = (),
) -> Planned:
    """An action as the planner hands it on, with the verdict that it really gets."""
    cost = cost if cost is not None else Evidence()
    return Planned(
        ordered=Ordered(id=action_id(action), action=action, requires=requires, serves=serves),
        verdict=verdict(action, cost),
        evidence=cost,
    )


def plan_of(
    *actions: Planned,
    desired: Desired = DESIRED,
    blocked: tuple[Blocked, ...] = (),
    findings: tuple[Finding, ...] = (),
    unchanged: tuple[Unchanged, ...] = (),
    unmanaged: Unmanaged | None = None,
    hostname: str = "pve1",
) -> Plan:
    """A plan of these parts, on the sample host."""
    actual = attrs.evolve(ACTUAL, host=attrs.evolve(ACTUAL.host, hostname=hostname))
    return from_outcome(
        desired,
        actual,
        Outcome(
            actions=actions,
            blocked=blocked,
            findings=findings,
            unchanged=unchanged,
            unmanaged=unmanaged if unmanaged is not None else Unmanaged(),
        ),
    )


def subject(kind: Kind, name: str) -> Subject:
    return Subject(kind=kind, name=name)


NO_CHANGE = plan_of(
    unchanged=(
        Unchanged(subject=subject("dataset", "quickOS/vm-disks")),
        Unchanged(subject=subject("pool", "quickOS"), detail="mirror of 2, ONLINE"),
        Unchanged(subject=subject("storage", "gone"), detail="is gone, as declared"),
    ),
    unmanaged=Unmanaged(
        pools=("rpool",),
        datasets=tuple(f"rpool/data/vm-{number}-disk-0" for number in range(100, 125)),
        storages=("local", "local-zfs"),
    ),
)

EVERYTHING = plan_of(
    planned(*KINDS["set-arc-max"]),
    planned(*KINDS["disable-storage"], serves=("destroy-pool:tank",)),
    planned(*KINDS["destroy-pool"], requires=("disable-storage:tank-vm",)),
    planned(
        WIPE_DISK,
        Evidence(contents=WIPE_DISK.contents),
        requires=("destroy-pool:tank",),
        serves=("create-pool:tank",),
    ),
    planned(
        attrs.evolve(
            CREATE_POOL,
            vdevs=layout("raidz1", DISK1, DISK2, DISK3),
            identities=(*CREATE_POOL.identities, "serial:DISK3:1073741824"),
        ),
        requires=("destroy-pool:tank", f"wipe-disk:{DISK3}"),
    ),
    planned(*KINDS["enable-storage"], requires=("create-pool:tank",)),
    planned(*KINDS["update-storage"]),
    desired=attrs.evolve(
        DESIRED,
        allow_destructive=True,
        notices=(
            Notice(
                code="storage-class-ignored",
                path="zfs.datasets[0].storage_class",
                line=17,
                message="6 datasets have a storage_class, which does nothing",
            ),
        ),
    ),
    blocked=(
        Blocked(
            id="create-pool:fast",
            subject=subject("pool", "fast"),
            because=(f"{BY_ID}virtio-DISK9 is not there",),
        ),
        *(
            Blocked(
                id=f"create-dataset:fast/{name}",
                subject=subject("dataset", f"fast/{name}"),
                because=("rests on create-pool:fast",),
            )
            for name in ("a", "b")
        ),
    ),
    findings=(
        Finding(
            severity="error",
            code="disk-missing",
            subject=subject("pool", "fast"),
            message=f"{BY_ID}virtio-DISK9 is not there",
            hint="Check cabling and the name (ls -l /dev/disk/by-id). A disk under a new name is "
            "not assumed to be the old one.",
        ),
        Finding(
            severity="warning",
            code="pool-degraded",
            subject=subject("pool", "old"),
            message="is DEGRADED: /dev/vdz OFFLINE",
        ),
        *(
            Finding(
                severity="note",
                code="pool-busy",
                subject=subject("pool", name),
                message="scrub is running",
            )
            for name in ("old", "older")
        ),
    ),
    unchanged=NO_CHANGE.unchanged,
    unmanaged=NO_CHANGE.unmanaged,
)

STATE = builders.actual(
    builders.member("DISK1", "quickOS"),
    builders.member("DISK2", "quickOS"),
    builders.occupied("DISK3"),
    builders.disk("DISK4", identity=None, unknown=("its bytes can't be read: I/O error",)),
    builders.used("DISK5", "lvm"),
    pools=[
        builders.pool(
            "quickOS",
            builders.top("mirror", "quickOS", "DISK1", "DISK2", state="DEGRADED"),
            attrs.evolve(builders.leaf("DISK7", "UNAVAIL"), vdev_class="log", was="/dev/vdz1"),
            state="DEGRADED",
            checkpoint=True,
            activities=(Activity(kind="scrub", state="running"),),
            errors="2 data errors",
        )
    ],
    idle=[
        builders.idle_pool(
            "archive", builders.top("mirror", "archive", "DISK5", "DISK6"), disks=("/dev/vdf",)
        )
    ],
    datasets=[
        builders.dataset("quickOS/vm-disks", used=Bytes(2 << 30), snapshots={"a": "1", "b": "2"}),
        *(
            builders.dataset(f"quickOS/vm-disks/vm-{n}-disk-0", type="volume", mountpoint="")
            for n in range(100, 115)
        ),
    ],
    storages=[
        builders.storage("quickOS-vm", pool="quickOS/vm-disks", content="images"),
        builders.storage("local", "dir", path="/var/lib/vz", content="backup,iso,vztmpl"),
    ],
    references=[
        builders.reference("qemu/100", "quickOS-vm"),
        builders.reference("qemu/101", "quickOS-vm", "vm-101-disk-0"),
    ],
    unknown=["exports"],
)
"""A state with something of everything."""

HOSTILE = "tank\x1b]0;owned\x07\x1b[2J\n\u202e@everyone <script> `x` ```"
"""What somebody may have written into a label, a comment or a volume's name."""
