"""Reasons: why an action is safe, or destructive. One stands on every action of a plan."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

SAFE: dict[str, Code] = {
    "attaches-disk": Code(
        kind="reason",
        means="A blank disk is attached to a single disk or a mirror.",
        why="Everything that the vdev holds is copied to it; nothing is taken from anywhere. Until "
        "the resilver has ended, the vdev is as redundant as it was before.",
        do="Nothing. A resilver of a full disk takes hours; it goes on by itself, also when "
        "phoenix is gone.",
    ),
    "replaces-disk": Code(
        kind="reason",
        means="A member of a vdev is replaced by a blank disk.",
        why="The new disk gets what the old one held, from the old one and from the rest of the "
        "vdev. An old disk that still works serves until all of it is there. Of several disks "
        "of one pool, each waits for the resilver of the one before.",
        do="Keep the old disk until the resilver has ended without errors (zpool status).",
    ),
    "adds-vdev": Code(
        kind="reason",
        means="A hot spare, a cache or a log is added, on blank disks.",
        why="None of them holds anything that the pool could not do without, and each can be "
        "removed again.",
        do="A log that is not mirrored may lose the last seconds of synchronous writes, when "
        "it fails together with the machine.",
    ),
    "removes-vdev": Code(
        kind="reason",
        means="A hot spare that is not in use, a cache or a mirrored log is removed.",
        why="What it holds is held elsewhere too, or is only a copy.",
        do="Nothing. It can be added again.",
    ),
    "brings-online": Code(
        kind="reason",
        means="A member that was taken offline, or that has come back, is brought online.",
        why="It carries the label of that very member. ZFS resilvers what it has missed.",
        do="If the disk was taken offline because it fails, replace it, or declare it in "
        "`offline`.",
    ),
    "creates-pool": Code(
        kind="reason",
        means="A new pool is made, on disks that are blank.",
        why="Nothing is lost where nothing is. Every disk was read for signatures, ZFS labels and "
        "data, and is blank, or an earlier action of the same plan (with a verdict of its own) "
        "clears it.",
        do="Check that level, disks and ashift are what you want: none of them can be changed "
        "later without making the pool anew.",
    ),
    "creates-dataset": Code(
        kind="reason",
        means="A new dataset is made. No dataset of that name is there.",
        why="It adds a filesystem or a volume and changes none. The mountpoint is empty, so that "
        "nothing vanishes under the mount.",
        do="Check the properties that are fixed at creation: volblocksize, encryption, "
        "casesensitivity, normalization, utf8only.",
    ),
    "imports-own-pool": Code(
        kind="reason",
        means="A declared pool that was exported is imported again.",
        why="The labels on its disks say that it is whole, that it was exported properly, and that "
        "this very host used it last. No other machine can be writing to it.",
        do="Nothing before. Plan again afterwards: what is in the pool is known only then.",
    ),
    "property-safe": Code(
        kind="reason",
        means="Only properties change that are listed as safe.",
        why="None of them loses data, hides it, or weakens how it is written. Data that is there "
        "already stays as it was written (a new compression counts for new blocks only).",
        do="Nothing. The value before stands in the plan, and setting it takes the change back.",
    ),
    "grows-volume": Code(
        kind="reason",
        means="A volume gets larger.",
        why="What is in it stays where it is. The guest sees more room behind its last byte.",
        do="Grow the partition and the filesystem in the guest afterwards. A volume is not made "
        "smaller again without losing what lies at its end.",
    ),
    "registers-storage": Code(
        kind="reason",
        means="A storage is added to storage.cfg.",
        why="No storage of that id is there, and what it points to is not changed by registering "
        "it. Proxmox VE will make its folders in a directory storage.",
        do="Check `nodes` in a cluster: storage.cfg is the same on all nodes.",
    ),
    "enables-storage": Code(
        kind="reason",
        means="A disabled storage is enabled.",
        why="Proxmox VE uses it again. Nothing on it changes.",
        do="Nothing, where this follows a recreation of what the storage lives on.",
    ),
    "storage-setting-safe": Code(
        kind="reason",
        means="Settings of a storage change, each in a direction that takes nothing away.",
        why="What is on the storage stays, and so does everybody's way to it. A content type that "
        "is taken out only keeps new content of that type off the storage.",
        do="Nothing. The value before stands in the plan.",
    ),
    "sets-arc-max": Code(
        kind="reason",
        means="The limit of ZFS's cache in memory is set, now and for the next boot.",
        why="The cache holds copies only. A smaller one makes reads slower, and loses nothing.",
        do="Leave the guests enough memory: the limit is no promise, the cache takes what is free "
        "up to it.",
    ),
}
"""Nothing can be lost."""

DESTRUCTIVE: dict[str, Code] = {
    "detaches-disk": Code(
        kind="reason",
        means="A disk leaves its mirror, or the place that a spare stood in for it.",
        why="The vdev has one copy fewer. When the last one fails, the pool is lost.",
        do="Approve it only where the other disks of the vdev are healthy. The detached disk "
        "can't simply be put back: attaching it copies everything again.",
    ),
    "expands-raidz": Code(
        kind="reason",
        means="A raidz becomes wider by one disk.",
        why="No data is lost, but there is no way back: a raidz is never made narrower, and "
        "nothing can be removed from a pool that has one. What was written before keeps its "
        "old ratio of data to parity.",
        do="Make sure that this is the disk, and that one more disk, rather than a wider parity, "
        "is what you want.",
    ),
    "adds-data-vdev": Code(
        kind="reason",
        means="A data, special or dedup vdev is added to a pool.",
        why="The pool spreads over it at once, and is lost when this vdev is. Beside a raidz or "
        "draid it can never be removed, and else only by copying everything away.",
        do="Check disks and redundancy twice. `checkpoint: true` on the pool makes a checkpoint "
        "right before.",
    ),
    "removes-data-vdev": Code(
        kind="reason",
        means="A data, special or dedup vdev is removed from a pool.",
        why="All that is on it is copied to the other vdevs, whose redundancy it has from then "
        "on, and who have to hold it. A table of what moved stays in memory for good.",
        do="Make sure that the others have room for it (zpool list -v), and that the disks that "
        "come free are the ones you mean.",
    ),
    "removes-log": Code(
        kind="reason",
        means="A log that is not mirrored is removed.",
        why="ZFS writes out what it holds first. If the disk fails while it does so, the last "
        "seconds of synchronous writes are lost.",
        do="Approve it where the disk is healthy.",
    ),
    "takes-offline": Code(
        kind="reason",
        means="A member is taken offline.",
        why="The vdev does without it, and is degraded: it can lose one disk fewer.",
        do="Bring it online again, or replace it, as soon as possible.",
    ),
    "makes-checkpoint": Code(
        kind="reason",
        means="A checkpoint of the whole pool is made.",
        why="It is a net under a step without a way back: the pool could be rewound to it. While "
        "it stands, ZFS can neither remove, attach, detach nor replace a disk, nor use a spare; "
        "freed space stays taken; and a rewind loses everything written since.",
        do="Look at the pool after the change, then declare `checkpoint: false` to have it "
        "discarded. Don't let it stand.",
    ),
    "discards-checkpoint": Code(
        kind="reason",
        means="The checkpoint of a pool is discarded.",
        why="The pool can't be rewound to it any more.",
        do="Approve it when what was done since is seen to be right.",
    ),
    "wipes-disk": Code(
        kind="reason",
        means="A disk that holds something is cleared, so that a pool can be built on it.",
        why="Signatures, labels and both ends of the disk and of every partition are zeroed. What "
        "was on it can't be reached afterwards, and nothing brings it back.",
        do="Read what the plan found on the disk, and compare serial number and slot with the "
        "machine. If anything there might matter, copy it off, or take the disk out of the "
        "config. Where the plan says that it can't tell whose data it is, ask around first.",
    ),
    "destroys-pool": Code(
        kind="reason",
        means="A pool is destroyed with every dataset, snapshot and volume on it.",
        why="The config declares it removed, or it is built otherwise than declared in a way that "
        "ZFS can't change (level, width, ashift). The plan names each difference and everything "
        "that would be lost.",
        do="If the pool is right and the config is wrong, mend the config: that is the usual case. "
        "Otherwise copy the data off (zfs send), check the copy, and only then go on. As long as "
        "its labels are not overwritten, zpool import -D can bring a destroyed pool back.",
    ),
    "destroys-dataset": Code(
        kind="reason",
        means="A dataset is destroyed, with its snapshots.",
        why="ZFS frees its blocks at once; there is no way back but a backup. It goes because the "
        "config declares it removed, or because a property that is fixed at creation differs.",
        do="Look at the space used, the snapshots and the guests named in the evidence. To keep "
        "it, take the entry out of `removed`, or put the differing property in `ignore`. To keep "
        "its data only, zfs send it elsewhere first.",
    ),
    "purges-dataset": Code(
        kind="reason",
        means="A dataset is destroyed that was put aside earlier and has been kept long enough.",
        why="It had its time, in which nobody came for it. ZFS frees its blocks at once; there is "
        "no way back but a backup.",
        do="phoenix:retired-from says which dataset it was. To keep it for longer, set "
        "phoenix:kept-until to a later time; to keep it for good, rename it and take its entry out "
        "of `removed`.",
    ),
    "retires-dataset": Code(
        kind="reason",
        means="A dataset is put aside instead of being destroyed, with all that is below it.",
        why="No data is lost: it stays as it is, unmounted, read-only and under another name, "
        "until another plan may destroy it. But whatever uses it stops finding it, and its space "
        "is not free.",
        do="Approve it where nobody needs it any more. If somebody does after all, the commands "
        "under `undo` bring it back.",
    ),
    "takes-snapshot": Code(
        kind="reason",
        means="A snapshot of a dataset is taken before it is changed.",
        why="It is a way back from the change, and was asked for. Space that is overwritten or "
        "freed from then on stays taken, and zfs rollback to an older snapshot needs this one "
        "destroyed.",
        do="Approve it with the change. When that has gone well, destroy the snapshot: "
        "zfs destroy DATASET@phoenix-net-N.",
    ),
    "renames-dataset": Code(
        kind="reason",
        means="A dataset gets another name, and usually another mountpoint.",
        why="Its data stays, but whatever knows the old name no longer finds it: guests' disks, "
        "storages, backup jobs, replication, fstab, scripts.",
        do="Look for the old name in all of them before you go on. Renaming it back restores it.",
    ),
    "imports-foreign-pool": Code(
        kind="reason",
        means="A pool is imported that another host used last.",
        why="It was exported properly, so nobody should be writing to it. But the other host may "
        "count on it: on shared disks, two machines that import one pool destroy it.",
        do="Make sure that the other host is gone for good, or no longer sees these disks, and "
        "that it does not import the pool when it boots.",
    ),
    "imports-unexported-pool": Code(
        kind="reason",
        means="A pool is imported that was in use when it was last seen, and never exported.",
        why="This host used it last, as its host id in the labels says, but a crash or a pulled "
        "disk ended it. The last seconds of writes may be missing.",
        do="Make sure that no other machine has this host's id (cloned systems do) and sees these "
        "disks. After the import, look at zpool status and run a scrub.",
    ),
    "property-not-listed": Code(
        kind="reason",
        means="A property changes that is not on the list of safe ones.",
        why="Some of these hide data or move it out of sight (mountpoint, canmount, overlay), stop "
        "writes (readonly), open it to others (shares) or can lose a key. The rest were never "
        "judged, and what nobody has judged counts as destructive.",
        do="Read up on the property in zfsprops(7) or zpoolprops(7), and think of the guests and "
        "services that use the dataset at this moment.",
    ),
    "property-unsafe-value": Code(
        kind="reason",
        means="A property that is safe as such is set to a value that risks data.",
        why="sync=disabled loses acknowledged writes when the power fails, which breaks databases "
        "and guests' filesystems. checksum=off lets ZFS return damaged data without noticing.",
        do="Choose another value unless all that is on the dataset can be thrown away.",
    ),
    "shrinks-volume": Code(
        kind="reason",
        means="A volume gets smaller, or its new size can't be compared with the old one.",
        why="What lies beyond the new size is cut off. A guest's filesystem that reaches there is "
        "broken afterwards, its partition table's backup copy is gone.",
        do="Shrink the filesystem and the partition in the guest first, take a snapshot, or "
        "declare the size that is there.",
    ),
    "lifts-protection": Code(
        kind="reason",
        means="phoenix:protected is set to off on a dataset.",
        why="Nothing is lost by that alone. But somebody put the protection there, and without it "
        "the next plan may destroy the dataset, its pool or its disks.",
        do="Ask whoever set it. It takes a plan of its own: none lifts a protection and uses that.",
    ),
    "unregisters-storage": Code(
        kind="reason",
        means="A storage is taken out of storage.cfg. The data on it stays where it is.",
        why="Proxmox VE forgets it on all nodes, with its permissions and its place in resource "
        "pools. Guests with disks on it can't start, and its backups are not listed any more. "
        "Where a fixed property differs (pool, path), registering it anew is the only way.",
        do="Look at the guests and jobs in the evidence. If the storage.cfg is right and the "
        "config is wrong, mend the config.",
    ),
    "disables-storage": Code(
        kind="reason",
        means="A storage is disabled while what it lives on is destroyed.",
        why="Proxmox VE looks at every enabled storage every ten seconds: it imports pools, mounts "
        "and makes folders, in the middle of the work. While it is disabled, guests on it can't "
        "start, and jobs on it fail.",
        do="Shut down the guests that the evidence names. It is enabled again at the end, where "
        "the plan makes its dataset anew.",
    ),
    "storage-setting-narrows": Code(
        kind="reason",
        means="A setting of a storage changes in a direction that takes something away.",
        why="Less retention lets the next backup job delete old backups. Fewer nodes, or none, "
        "keep guests there from their disks.",
        do="Compare both values in the plan, and look at the guests and jobs in the evidence.",
    ),
    "storage-setting-not-listed": Code(
        kind="reason",
        means="A setting of a storage changes that is not on the list of safe ones.",
        why="Some of these point the storage elsewhere (namespace, subdir, content-dirs), so that "
        "what it held is out of sight and new data lands in another place. The rest were never "
        "judged, and what nobody has judged counts as destructive.",
        do="Read what the setting does in pvesm(1), and look at the guests and jobs that use the "
        "storage.",
    ),
}
"""Something can be lost, or somebody can lose sight of it: it takes consent."""
