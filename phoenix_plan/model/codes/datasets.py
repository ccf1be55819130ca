"""Findings about datasets."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

DATASETS: dict[str, Code] = {
    "dataset-held": Code(
        kind="error",
        means="Snapshots of a dataset that is to go are held.",
        why="A hold says that somebody needs the snapshot (a replication, a backup). ZFS refuses "
        "to destroy it, and half of the plan would be done by then.",
        do="zfs holds SNAPSHOT says whose it is. Let it be released by whoever placed it.",
    ),
    "snapshot-missing": Code(
        kind="error",
        means="The snapshot that was to be the way back from a change is not there.",
        why="The change was agreed to with it.",
        do="Plan again: the new plan takes another one.",
    ),
    "kept-until-unreadable": Code(
        kind="error",
        means="A dataset was put aside, and nobody can tell until when it is to be kept.",
        why="phoenix:kept-until holds no time, such as 2026-03-31T12:00:00Z. Somebody has changed "
        "it, or the run that put the dataset aside broke off before it was set.",
        do="Set it to the time that is meant. A time in the past lets the next plan destroy the "
        "dataset.",
    ),
    "still-kept": Code(
        kind="error",
        means="A dataset would be destroyed that was put aside, or is below one that was, before "
        "its time is over.",
        why="It was promised to be kept until then, also where what it is in goes or is made anew.",
        do="Wait until then. If nobody needs it any more, set phoenix:kept-until on it to an "
        "earlier time yourself, and plan again. With --net retire, what it is in can be put aside "
        "with it.",
    ),
    "retired-name-too-long": Code(
        kind="error",
        means="A dataset can't be put aside, since names would get too long for ZFS.",
        why="It is put aside as phoenix-retired-GUID beside where it was, and a full name, with a "
        "snapshot's, has 255 bytes at most.",
        do="Rename the snapshot or the dataset to something shorter, or plan without --net retire.",
    ),
    "no-net-for-guest": Code(
        kind="note",
        means="A snapshot was asked for before a destructive change, and a guest's volume gets "
        "none.",
        why="Proxmox VE rolls a guest back to its newest snapshot only. A snapshot that it does "
        "not know of would be the newest, and be in the way.",
        do="Take a snapshot of the guest in Proxmox VE, or a backup, before the plan is applied.",
    ),
    "dataset-kept-and-lost": Code(
        kind="error",
        means="A plan would rename a dataset and destroy it, or what is below it.",
        why="What is to be kept under a new name must not be lost under the old one.",
        do="Rename it in a plan of its own; declare the rest gone afterwards.",
    ),
    "renamed-is-lost": Code(
        kind="error",
        means="A dataset is to be another one renamed, which is destroyed, or whose pool is.",
        why="A rename says that its data is wanted, and it would be lost. So it stays, and its "
        "pool.",
        do="Rename first, in a plan of its own, or take renamed_from out.",
    ),
    "key-change": Code(
        kind="error",
        means="keyformat or pbkdf2iters differ.",
        why="They belong to the key: only zfs change-key, which asks for it, changes them.",
        do="Run zfs change-key yourself, or put the property in `ignore`.",
    ),
    "dataset-exists": Code(
        kind="error",
        means="A dataset that must not be there is there: one of the new name, or one that has to "
        "go first and stays.",
        why="It is somebody's, and is not overwritten. Where a destruction waits for its children, "
        "one of them can't be destroyed.",
        do="Look at it: zfs list -r. Other errors of the plan say why a child stays.",
    ),
    "dataset-missing": Code(
        kind="error",
        means="A dataset that a change rests on is neither there nor made by this plan.",
        why="A dataset or a storage can't be made where its parent is missing.",
        do="Declare the parent too. If it should be there, look whether its pool is imported.",
    ),
    "dataset-is-another": Code(
        kind="error",
        means="The dataset of that name has another GUID than the one that was looked at.",
        why="Somebody has made another dataset under the same name meanwhile. What was decided "
        "about the old one says nothing about this one.",
        do="Refresh and plan again.",
    ),
    "dataset-in-use": Code(
        kind="error",
        means="Something outside ZFS uses a dataset, or one below it: a mount in another place or "
        "in a container, an NFS export, an iSCSI target.",
        why="Whoever uses it would lose their data under their hands. This is refused whatever "
        "the consent.",
        do="End that use yourself (unmount it there, take the export away), then plan again.",
    ),
    "dataset-cloned": Code(
        kind="error",
        means="Clones hang on snapshots of a dataset that is to go.",
        why="A clone shares its blocks with the snapshot. ZFS refuses to destroy the one while the "
        "other lives; linked clones of guests look so.",
        do="Declare the clones removed too, or make one of them independent: zfs promote CLONE.",
    ),
    "create-only-differs": Code(
        kind="error",
        means="A property that is fixed when a dataset is created differs from the config, or it "
        "is a volume where a filesystem is declared.",
        why="Only a new dataset can have it otherwise. On a pool's root filesystem this would take "
        "a new pool, so it is refused; elsewhere the plan holds the destruction and the new "
        "dataset, as destructive actions, and this code is a note beside them.",
        do="If it is not worth the data, declare the value that is there, or put the property in "
        "`ignore`. To keep the data, copy it to a new dataset with zfs send or rsync instead.",
    ),
    "key-from-prompt": Code(
        kind="error",
        means="A dataset is to be encrypted with a key that somebody would have to type.",
        why="A plan runs without anybody at a keyboard, and no document of this program ever "
        "holds a key.",
        do="Use keylocation=file:///… or https://…, and keep a copy of the key where the host's "
        "failure can't reach it. Or create the dataset by hand, and declare it then.",
    ),
    "quota-below-used": Code(
        kind="error",
        means="A quota or refquota is less than what the dataset uses already.",
        why="ZFS would take it, and then refuse every further write: guests on it stop with I/O "
        "errors.",
        do="Raise the quota, or free space first. Snapshots count for quota, not for refquota.",
    ),
    "reservation-above-free": Code(
        kind="error",
        means="A reservation is more than the dataset has and can get.",
        why="ZFS refuses it, and the room would be taken from all others in the pool.",
        do="Lower the reservation, or free space in the pool.",
    ),
    "mountpoint-system": Code(
        kind="error",
        means="A dataset is to be mounted over a folder of the system, such as /var or /etc.",
        why="Everything in that folder would be out of sight at once, and the host with it.",
        do="Choose a folder of its own, below /POOL or /srv for example.",
    ),
    "mountpoint-occupied": Code(
        kind="error",
        means="The folder on which a dataset is to be mounted is not empty, or is no folder.",
        why="What lies there would vanish under the mount, and programs that use it would write to "
        "the old place or to the new one, depending on when they started.",
        do="Look into it. Often it was written there while the dataset was not mounted: move it "
        "away, and put it back after the mount.",
    ),
    "mountpoint-taken": Code(
        kind="error",
        means="The folder on which a dataset is to be mounted is something else's mountpoint.",
        why="One of the two would hide the other, and which one can change from boot to boot.",
        do="Give one of them another mountpoint.",
    ),
    "mountpoint-unread": Code(
        kind="error",
        means="Nobody has looked whether the folder to mount on is empty.",
        why="Only folders that the config names are looked into, so a state that was refreshed "
        "without this config can't tell. Not known is not empty.",
        do="Refresh with the config that declares the dataset, and plan again.",
    ),
    "removed-has-children": Code(
        kind="error",
        means="A dataset is declared removed, and there are datasets below it.",
        why="They would go with it, and nobody has said that they may.",
        do="Look at them: zfs list -r. Say `recursive: true` to lose them too (each is then an "
        "action of its own), or move them elsewhere first.",
    ),
    "rename-across-pools": Code(
        kind="error",
        means="A dataset is declared renamed from one in another pool.",
        why="ZFS renames within a pool only. Creating an empty one under the new name would look "
        "as if the data were lost.",
        do="Copy it with zfs send and zfs receive, check the copy, then declare it without "
        "renamed_from.",
    ),
    "plan-again-after-rename": Code(
        kind="note",
        means="A dataset is renamed, and its properties are not compared yet.",
        why="The rename comes first; what else differs is told under the new name.",
        do="Plan again when the rename is done.",
    ),
}
