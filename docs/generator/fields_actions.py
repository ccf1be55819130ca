"""What each argument of an action holds."""

from __future__ import annotations

_POOL = {"pool": "The pool's name.", "guid": "The pool's GUID, which is checked."}
_DATASET = {"dataset": "The dataset's full name.", "guid": "The dataset's GUID, which is checked."}
_STORAGE = {"storage": "The storage's id.", "kind": "The storage's type."}
_TURN = {"turn": "Which of the steps on the pool's vdevs it is, from 1."}
_NEW_DISK = {
    "disk": "The new disk, by the name that the config gives it.",
    "identity": "Who that disk is. It is checked again.",
    **_TURN,
}
_OTHERS = {"others": "How many disks that vdev has besides. They have to be there and ONLINE."}
_RELEASED = {"released": "All names of the disks that are free afterwards."}
_MEMBER = {"member": "The member's GUID, which is checked.", "disk": "Where the member is."}
_CHANGES = {"properties": "The values that change, each with the one before."}

ACTION_FIELDS: dict[str, dict[str, str]] = {
    "Change": {
        "name": "What changes.",
        "before": "The value before, empty where there is none.",
        "after": "The value after, empty where there is none.",
    },
    "CreatePool": {
        "pool": "The pool's name.",
        "vdevs": "What it is built of, by class, by the names that the config gives the disks.",
        "identities": "Who each of those disks is. It is checked again.",
        "ashift": "The sector size as a power of two. It is fixed for good.",
        "properties": "Pool properties (zpool create -o).",
        "filesystem": "Properties of the root filesystem (zpool create -O).",
    },
    "AttachDisk": {
        **_POOL,
        "beside": "The member that it joins: a GUID, or a disk that an earlier step brings in.",
        "beside_name": "Where that member is.",
        **_NEW_DISK,
    },
    "ReplaceDisk": {
        **_POOL,
        "old": "The GUID of the member that goes.",
        "old_name": "Where that member is or was.",
        "old_state": "Its state, as zpool status says it.",
        **_RELEASED,
        **_NEW_DISK,
    },
    "DetachDisk": {
        **_POOL,
        "member": "The GUID of the member that goes.",
        "mirror": "The vdev that it is in.",
        **_OTHERS,
        "instead": "The spare that has its place from then on, empty where none has.",
        **_RELEASED,
        "disk": "Where the member is or was.",
        **_TURN,
    },
    "ExpandRaidz": {
        **_POOL,
        "vdev": "The raidz's GUID.",
        "vdev_name": "Its name at the moment.",
        **_NEW_DISK,
    },
    "AddVdev": {
        **_POOL,
        "vdev_class": "normal, special, dedup, log, cache or spare.",
        "kind": "The type of the vdev: disk, mirror, raidz1 to raidz3, or a draid in full.",
        "disks": "Its disks, by the names that the config gives them.",
        "identities": "Who each of those disks is. It is checked again.",
        "ashift": "The sector size as a power of two, null where none is told.",
        **_TURN,
    },
    "RemoveVdev": {
        **_POOL,
        "vdev": "The vdev's GUID.",
        "vdev_name": "Its name at the moment.",
        "vdev_class": "normal, special, dedup, log, cache or spare.",
        "kind": "Its type.",
        "state": "Its state, as zpool status says it.",
        "others": "How many disks the other data vdevs have, 0 where no data has to move.",
        "disks": "Where its disks are or were.",
        **_RELEASED,
        **_TURN,
    },
    "OnlineDisk": {
        **_POOL,
        **_MEMBER,
        "state": "The state that it was in, as zpool status says it.",
        **_TURN,
    },
    "OfflineDisk": {**_POOL, **_MEMBER, **_OTHERS, **_TURN},
    "CreateCheckpoint": {**_POOL, **_TURN},
    "DiscardCheckpoint": {**_POOL, **_TURN},
    "DestroyPool": {
        **_POOL,
        "disks": "The members that are known here, by all their names.",
        "datasets": "Every dataset that would be lost, to its mountpoint.",
        "storages": "The storages that live on it. They are disabled before.",
        "because": "Why nothing less will do.",
    },
    "ImportPool": {
        **_POOL,
        "state": "What its labels say; active means that it was never exported.",
        "last_hostid": "The host id of its last user.",
        "last_hostname": "The name of its last user.",
        "ours": "Whether this host was the last user.",
        "disks": "Its disks.",
    },
    "SetPoolProperties": {**_POOL, **_CHANGES},
    "WipeDisk": {
        "disk": "The disk, by the name that the config gives it.",
        "identity": "Who it is. It is checked again on the opened device.",
        "emptiness": "How empty it is.",
        "contents": "What is on it, each thing named.",
        "ranges": "What is zeroed: offset and length in bytes.",
    },
    "CreateDataset": {
        "dataset": "The dataset's full name.",
        "kind": "filesystem or volume.",
        "volsize": "The size of a volume in bytes.",
        "properties": "Its properties (zfs create -o).",
        "mountpoint": "Where it will mount: a path, none or legacy.",
    },
    "SetDatasetProperties": {
        **_DATASET,
        **_CHANGES,
        "unset": "Those of them that nobody had set here before.",
        "net": "The snapshot that is taken before, empty where none is.",
    },
    "RenameDataset": {**_DATASET, "to": "The new full name."},
    "DestroyDataset": {
        **_DATASET,
        "snapshots": "Its snapshots: short name to GUID, which is checked. They are lost with it.",
        "children": "The datasets below it. Each is destroyed before, by an action of its own.",
        "clones": "Clones of its snapshots. Each is destroyed before, by an action of its own.",
        "origin": "The dataset that it is a clone of, empty for most.",
        "mountpoint": "Where it was mounted.",
        "storages": "The storages that live on it. They are disabled before.",
        "kept_until": "Until when it was to be kept, where it had been put aside; else empty.",
    },
    "SnapshotDataset": {**_DATASET, "snapshot": "The snapshot's short name."},
    "RetireDataset": {
        **_DATASET,
        "kind": "filesystem or volume.",
        "to": "The name that it has as long as it is kept.",
        "keep": "How long it is kept, from when it is put aside.",
        "below": "The datasets below it, name to GUID. They go along.",
        "automounts": "Those of the filesystems that mount by themselves. They no longer do.",
        "writable": "Those below it that set readonly=off. They become read-only.",
        "mountpoints": "Where its filesystems mount, by name.",
        "storages": "The storages that live on it or below it. They are disabled before.",
    },
    "AddStorage": {
        **_STORAGE,
        "properties": "Key to value, as storage.cfg will hold them.",
        "dataset": "The dataset that it lives on, empty where it is on none of ours.",
    },
    "UpdateStorage": {
        **_STORAGE,
        **_CHANGES,
        "dataset": "The dataset that it lives on, empty where it is on none of ours.",
    },
    "RemoveStorage": {
        **_STORAGE,
        "properties": "Key to value, as storage.cfg holds them.",
        "because": "Why it has to go.",
    },
    "DisableStorage": {**_STORAGE},
    "EnableStorage": {
        "storage": "The storage's id.",
        "dataset": "The dataset that it lives on, empty where it is on none of ours.",
    },
    "SetArcMax": {
        "value": "The limit in bytes, 0 for ZFS's own default.",
        "live": "The running module's limit before, null where it is right already.",
        "boot": "What that file said before, null where it is right already.",
        "boot_text": "The whole new /etc/modprobe.d/zfs.conf.",
        "boot_replaces": "The file before, null where there is none.",
        "initramfs": "Whether the initramfs is made anew, because it holds a copy of that file.",
    },
}
