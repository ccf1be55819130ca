"""Findings about pools."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code
from phoenix_plan.model.codes.vdevs import VDEVS

POOLS: dict[str, Code] = {
    **VDEVS,
    "pool-not-at-boot": Code(
        kind="error",
        means="A pool is to be made with cachefile=none.",
        why="Such a pool is in no list that the boot imports from: it is gone after a reboot.",
        do="Leave cachefile to ZFS.",
    ),
    "pool-exists": Code(
        kind="error",
        means="A pool of the name that is to be created or imported is imported already.",
        why="Two pools can't have one name, and the one that is there is not touched for it.",
        do="Look at zpool list. Rename one of the two in the config, or export the other.",
    ),
    "pool-missing": Code(
        kind="error",
        means="A pool that a change rests on is neither imported nor made by this plan.",
        why="There is nothing to change. A pool that was there yesterday and is not now may have "
        "lost its disks or was not imported at boot.",
        do="Look at zpool import: it lists what could be imported, and what is missing.",
    ),
    "pool-is-another": Code(
        kind="error",
        means="The pool of that name has another GUID than the one that was looked at.",
        why="Somebody has made or imported another pool under the same name meanwhile. What was "
        "decided about the old one says nothing about this one.",
        do="Refresh and plan again.",
    ),
    "pool-could-be-imported": Code(
        kind="error",
        means="A pool of the declared name lies on disks of this host, not imported, and it is "
        "not the pool that is declared.",
        why="It may hold everything you are looking for. Creating a second pool of that name "
        "beside it, or over it, is how such pools are lost, so neither is done.",
        do="Look at zpool import. Declare the pool as it is built, and it will be imported. If it "
        "really is in the way, import it under another name and look into it first.",
    ),
    "pool-name-shared": Code(
        kind="error",
        means="Several pools have the same name: two that could be imported, or one beside the "
        "pool that is to be destroyed.",
        why="Nobody but you can say which of them is meant. Copies of disks (clones, storage "
        "snapshots) look so too, and importing one of two halves damages both.",
        do="Import the one you mean yourself, by its GUID: zpool import -N GUID. Take the disks of "
        "the other away if it is a copy.",
    ),
    "vdev-guid-twice": Code(
        kind="error",
        means="Two devices carry the label of one and the same member of a pool.",
        why="One is a copy of the other: a dd, a clone of a virtual disk, a snapshot of a storage. "
        "Which of them ZFS takes changes from boot to boot, and each holds another state of the "
        "pool. Nobody can say which of the two is to be kept.",
        do="Find out which is the copy, and disconnect it. If nothing on it is wanted, wipe its "
        "labels: zpool labelclear.",
    ),
    "pool-incomplete": Code(
        kind="error",
        means="A pool that is to be imported lacks some of its disks, or zpool import does not see "
        "it.",
        why="Imported like this it would be degraded, and the missing disk out of date from the "
        "first write on.",
        do="Find the missing disks first: cables, power, the controller. If they are gone for "
        "good, import it yourself and replace them. If they are all there, the power may have gone "
        "while zpool create wrote its labels: zpool import does not list such a pool, and nothing "
        "was ever in it. If you know that it was so, clear its disks yourself: zpool labelclear.",
    ),
    "pool-in-use-elsewhere": Code(
        kind="error",
        means="A pool on these disks was never exported by another host, or by a host that can't "
        "be told.",
        why="That machine may be writing to it at this moment. A pool that two machines write to "
        "is lost, and force is what does it. This is refused whatever the consent.",
        do="Export the pool there: zpool export. If that machine is gone for good, import it once "
        "by hand, after making sure of that.",
    ),
    "pool-unavailable": Code(
        kind="error",
        means="A pool is suspended, faulted or otherwise takes no changes.",
        why="ZFS has stopped it to keep it from harm. A change now would hang or fail half-way.",
        do="Look at zpool status -v: it says what is wrong and what to do. Bring its disks back "
        "first, then zpool clear.",
    ),
    "pool-read-only": Code(
        kind="error",
        means="A pool is imported read-only.",
        why="Somebody wanted it so, often to rescue data, and nothing can be changed in it.",
        do="When the rescue is done, export it and import it again without readonly=on.",
    ),
    "pool-members-differ": Code(
        kind="error",
        means="A pool has the declared level and width, but other disks, or one is just being "
        "replaced.",
        why="A hot spare that stepped in or a disk that was replaced by hand looks so. The pool "
        "is sound, and destroying it over that would be absurd. Changes of members are not "
        "planned yet, so nothing is done.",
        do="Write the disks that the pool has into the config, or finish the replacement "
        "(zpool status names both disks), then plan again.",
    ),
    "removed-is-another": Code(
        kind="error",
        means="A pool or dataset is declared removed by name and GUID, and what has that name now "
        "has another GUID.",
        why="It is not the thing that somebody decided to lose: it was made later, under the same "
        "name. It is left alone.",
        do="Take the entry out of `removed`: what it meant is gone. If you mean the new one, give "
        "its GUID.",
    ),
    "removed-not-imported": Code(
        kind="error",
        means="A pool that is declared removed is there, but not imported.",
        why="What is in it can't be seen, so nobody could say what would be lost.",
        do="Import it, plan again and look at the evidence; or take the entry out.",
    ),
    "pool-degraded": Code(
        kind="warning",
        means="A pool works with less redundancy than it was built with.",
        why="A disk is missing or failing. One more, and the pool may be gone.",
        do="Replace the disk that the message names (zpool replace). Check the backups before, "
        "since a resilver is hard work for old disks.",
    ),
    "pool-unhealthy": Code(
        kind="warning",
        means="A pool is neither online nor merely degraded.",
        why="It may be suspended or have lost too many disks, and its data may not be reachable.",
        do="Look at zpool status -v, at the kernel's log and at the cabling before anything else. "
        "Don't force anything.",
    ),
    "pool-errors": Code(
        kind="warning",
        means="ZFS has found data in the pool that it can't read or repair.",
        why="Those files or volumes are damaged, and their good copies are only in backups.",
        do="zpool status -v names them. Restore them, then find the cause: a disk, memory, a "
        "cable.",
    ),
    "pool-checkpoint": Code(
        kind="warning",
        means="A pool has a checkpoint.",
        why="While it stands, ZFS can't remove, attach, detach or replace a disk, and no hot spare "
        "steps in: a failing disk can't be dealt with. Freed space stays taken. Going back to "
        "the checkpoint loses everything that was written after it.",
        do="If whatever it was made for went well, discard it: zpool checkpoint -d POOL.",
    ),
    "idle-pool-overwritten": Code(
        kind="warning",
        means="Disks that this plan wipes carry a pool that is not imported.",
        why="It may be whole, and hold what somebody is looking for. What is in it can't be seen "
        "without importing it, so the evidence can't say what would be lost.",
        do="Look at zpool import. If anything on it might be wanted, import it read-only under "
        "another name (zpool import -o readonly=on GUID NAME) and look into it first.",
    ),
    "pool-busy": Code(
        kind="note",
        means="ZFS is scrubbing, resilvering, removing or expanding something.",
        why="Some changes wait until it is done, and all of them are slower meanwhile. A resilver "
        "means that redundancy is not whole yet.",
        do="Watch it with zpool status. It is usually best to let it finish.",
    ),
    "idle-pool": Code(
        kind="note",
        means="Disks of this host carry a pool that is not imported and not declared.",
        why="It may be an old pool, another machine's, or one that failed to import at boot. It is "
        "left alone, and its disks are not taken for blank.",
        do="Nothing, if you know it. Otherwise look at zpool import.",
    ),
    "plan-again-after-import": Code(
        kind="note",
        means="What is declared inside a pool is not planned yet, because the pool is imported "
        "first.",
        why="What is in a pool is known once it is imported. Planning its datasets before would be "
        "guessing.",
        do="Plan again when the import is done.",
    ),
}
