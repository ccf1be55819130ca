"""Findings about what pools are built of."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

VDEVS: dict[str, Code] = {
    "pool-resilvering": Code(
        kind="error",
        means="A vdev is to change while a resilver, a removal or an expansion runs in its pool.",
        why="Until it has ended, what is on the disks is not what it shall be: a second change may "
        "start it anew, or take away the only good copy.",
        do="Let it end: zpool wait -t resilver,remove POOL. Then plan again.",
    ),
    "pool-not-whole": Code(
        kind="error",
        means="A step that can't be taken back is wanted in a pool that is not whole.",
        why="A disk of it is missing or fails. What hangs on the others alone is not put at risk "
        "for a new shape.",
        do="Replace the disk first: declare the new one in its place, and apply that.",
    ),
    "checkpoint-stands": Code(
        kind="error",
        means="The pool has a checkpoint, and ZFS does not do the wanted step under one.",
        why="While a checkpoint stands, no disk is removed, attached, detached or replaced "
        "(zpool-checkpoint(8)).",
        do="If it is not needed any more, declare `checkpoint: false` on the pool.",
    ),
    "feature-disabled": Code(
        kind="error",
        means="The wanted step rests on a feature that is not enabled in this pool.",
        why="Enabling it is for good: older versions of OpenZFS can't import the pool from then "
        "on, so phoenix does not do it by the way.",
        do="zpool set feature@NAME=enabled POOL, then plan again.",
    ),
    "feature-missing": Code(
        kind="error",
        means="The wanted step rests on a feature that this version of OpenZFS does not have.",
        why="There is a way that loses nothing, but not with this version. The pool is not "
        "destroyed for it.",
        do="Upgrade OpenZFS (Proxmox VE 9 has 2.3), or declare the pool as it is.",
    ),
    "member-missing": Code(
        kind="error",
        means="A member that a step is about is not in the pool any more.",
        why="Somebody has detached, replaced or removed it since.",
        do="Refresh and plan again.",
    ),
    "member-there": Code(
        kind="error",
        means="A member that a step was to take out is still in the pool.",
        why="The step did not do what it was to do. Nothing that rests on it is done.",
        do="Look at zpool status and zpool history.",
    ),
    "member-state": Code(
        kind="error",
        means="A member is not in the state that a step was to bring it into.",
        why="ZFS took the command, and the disk did not follow: it may be gone, or fail.",
        do="Look at zpool status -v, and at the kernel's log for the disk.",
    ),
    "redundancy-needed": Code(
        kind="error",
        means="A disk is to leave a vdev whose other disks are not all online.",
        why="This disk may be the only one that holds some of the data.",
        do="Make the rest of the vdev whole first.",
    ),
    "offline-too-early": Code(
        kind="error",
        means="A disk of a pool that is to be created is declared offline.",
        why="A pool starts with all its disks.",
        do="Take it out of `offline`, apply, and declare it offline then.",
    ),
    "vdev-not-removable": Code(
        kind="error",
        means="A data vdev is to be removed, and ZFS would refuse that.",
        why="ZFS removes a data vdev only where all of them have one ashift, and where what the "
        "pool holds fits on the others (zpool-remove(8)).",
        do="Make room first, or leave the vdev where it is.",
    ),
    "redundancy-mixed": Code(
        kind="error",
        means="A pool is to be created of data vdevs that are not alike.",
        why="zpool create refuses that without -f: the pool is as safe as its weakest vdev.",
        do="Declare vdevs of one type and one width.",
    ),
    "no-way-back": Code(
        kind="note",
        means="Steps of this plan can never be taken back.",
        why="A raidz is not made narrower, and a data vdev beside one is not removed. A checkpoint "
        "before an added vdev is the only net that ZFS has.",
        do="Declare `checkpoint: true` on the pool to have one made, where that is possible.",
    ),
    "stays-as-small": Code(
        kind="note",
        means="All disks of a vdev will be larger than they were, and the pool will not.",
        why="Only with autoexpand=on does a pool take the room that larger disks give it. A pool "
        "that has grown can't be made smaller again.",
        do="Declare autoexpand=on among the pool's properties, with the disks. Where they have "
        "been replaced already, `zpool online -e POOL DISK` lets the vdev of that disk grow.",
    ),
    "spare-in-use": Code(
        kind="warning",
        means="A hot spare has taken the place of a disk that failed.",
        why="The vdev is redundant again, but the pool has one spare fewer for the next failure.",
        do="Declare a new disk in the place of the failed one: the spare is free again once it "
        "has been filled. Or declare the spare itself there, to keep it for good.",
    ),
    "replacement-runs": Code(
        kind="note",
        means="A disk is being replaced already, by one that is declared.",
        why="It is what the config wants, whoever has begun it.",
        do="Nothing. It ends by itself.",
    ),
}
