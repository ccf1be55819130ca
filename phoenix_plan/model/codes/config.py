"""Notices about a config: it is valid, and does less than its writer may think."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

CONFIG: dict[str, Code] = {
    "storage-class-ignored": Code(
        kind="note",
        means="A dataset has a `storage_class`. It does nothing.",
        why="Older configs have it, and no tool has ever acted on it.",
        do="Nothing, or take it out. What a storage shares is said by its type and `nodes`.",
    ),
    "mount-point-base-ignored": Code(
        kind="note",
        means="The config has a `mount_point_base`. It does nothing.",
        why="A dataset is mounted where its mountpoint property says, and a directory storage's "
        "path is taken from there.",
        do="Nothing, or take it out. To mount a dataset elsewhere, declare its mountpoint.",
    ),
    "storage-id-unused": Code(
        kind="warning",
        means="A key of `proxmox_storage_ids` belongs to no declared dataset.",
        why="The key is POOL_DATASET with each - of the dataset written as _, exactly. Where none "
        "fits, the dataset's storage gets the default id, POOL-DATASET, and a storage of the "
        "id you wrote is not what this config manages.",
        do="Mend the key; the message names the nearest one. Check which id storage.cfg has for "
        "that dataset before you change it: guests name it.",
    ),
    "dir-without-is-mountpoint": Code(
        kind="warning",
        means="A directory storage on a dataset does not say that its folder is a mountpoint.",
        why="When the dataset is not mounted (a failed import, a wrong key), Proxmox VE takes the "
        "empty folder for the storage and fills the root filesystem with backups and images.",
        do="Declare the storage under proxmox.storages with is_mountpoint set to yes.",
    ),
    "disk-by-path": Code(
        kind="warning",
        means="A disk is named by the slot or port that it is in (/dev/disk/by-path).",
        why="Whatever disk is put into that slot answers to the name. A change of cabling makes "
        "another disk the declared one.",
        do="Use the name under /dev/disk/by-id: it belongs to the disk itself.",
    ),
    "dataset-name-repeats-pool": Code(
        kind="warning",
        means="A dataset's `name` begins with its pool's name.",
        why="The pool's name is put before it anyway, so that tank with tank/data becomes "
        "tank/tank/data: a new, empty dataset beside the one that was meant.",
        do="Leave the pool's name out of `name`, unless the dataset is really called so.",
    ),
}
