"""Findings about disks."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

DISKS: dict[str, Code] = {
    "disk-sectors-too-large": Code(
        kind="error",
        means="A disk has larger sectors than the vdev that it is to join was made for.",
        why="A vdev's ashift is fixed for good. On larger sectors, each write would read and write "
        "its neighbours too, and ZFS refuses the disk.",
        do="Take a disk with smaller sectors, or build a new vdev with a larger ashift.",
    ),
    "disk-missing": Code(
        kind="error",
        means="A declared disk is not there under the name that the config gives it.",
        why="A disk that is not there may be pulled, dead, on a loose cable, or called otherwise. "
        "Another disk is never taken in its place: it could be anybody's.",
        do="Look at ls -l /dev/disk/by-id and at the cabling. If the disk has a new name after an "
        "upgrade, compare its serial number, then write the new name into the config.",
    ),
    "disk-is-another": Code(
        kind="error",
        means="The disk behind a name is not the disk that was looked at.",
        why="Its identity (WWN, serial number, size) is another one. Somebody has swapped disks, "
        "or names have changed after a reboot. What was decided about the old one says nothing "
        "about this one, which may hold anything.",
        do="Compare the serial number with the machine, then refresh and plan again.",
    ),
    "disk-ambiguous": Code(
        kind="error",
        means="A name leads to several devices, or two devices say that they are the same disk.",
        why="Writing to one of them could be writing to the other. Two devices with one identity "
        "are usually two paths to one disk; a pool built on both would destroy itself.",
        do="Set up multipath, and declare the dm-uuid-mpath device. If they are different disks "
        "(some USB adapters and virtual disks repeat a serial number), give each its own.",
    ),
    "disk-is-partition": Code(
        kind="error",
        means="The config names a partition where a whole disk is wanted.",
        why="The other partitions of that disk belong to somebody, and a pool on a part of a disk "
        "depends on a table that others may write.",
        do="Declare the whole disk (the by-id name without -part). A pool that stands on "
        "partitions already is left as it is.",
    ),
    "disk-without-identity": Code(
        kind="error",
        means="A disk tells neither WWN, EUI, NGUID nor serial number.",
        why="Kernel names such as sda change from boot to boot. Without an identity, nobody can "
        "say at the time of writing that this is still the disk that was looked at.",
        do="Give it one. For a virtual disk, set a serial in its definition; for a USB or RAID "
        "adapter that hides it, attach the disk directly.",
    ),
    "disk-read-only": Code(
        kind="error",
        means="A disk takes no writes.",
        why="A write-protect switch, a disk that has failed into read-only mode, or somebody who "
        "wanted it so. Half of a pool's creation would fail on it.",
        do="Find out which: smartctl -a, and the kernel's log. blockdev --setrw lifts what "
        "blockdev --setro has set.",
    ),
    "disk-too-small": Code(
        kind="error",
        means="A disk is smaller than ZFS wants: 64 MiB and its partition table. Or it is "
        "smaller than the smallest disk of the vdev that it is to join.",
        why="A tiny one is hardly the disk that was meant: adapters and card readers show up so. "
        "One that is a little too small can't hold what its siblings hold.",
        do="Check the name in the config against lsblk, and the sizes that the message gives.",
    ),
    "disk-in-use": Code(
        kind="error",
        means="Something uses the disk at this moment: a mount, swap, LVM, RAID, device mapper, "
        "Ceph, a process, a guest, or an export.",
        why="Writing to a disk under its user destroys what that user holds, and what it writes "
        "next destroys what was built. This is refused whatever the consent.",
        do="Decide whether that use is still wanted. If not, end it yourself (umount, swapoff, "
        "vgchange -an, mdadm --stop, cryptsetup close, detach it from the guest) and plan again. "
        "If it is, declare another disk.",
    ),
    "disk-in-pool": Code(
        kind="error",
        means="A disk that one pool is to get is a member of another pool that is imported here.",
        why="Taking it would damage that pool, and a degraded mirror looks healthy to whoever does "
        "not look twice. This is refused whatever the consent.",
        do="Check which of the two pools the disk belongs to. It leaves a pool by a change to that "
        "pool, never by being named in another.",
    ),
    "disk-not-blank": Code(
        kind="error",
        means="A disk holds something and nothing in the plan clears it first.",
        why="A pool is only built on disks that are blank, or that an action of the same plan has "
        "cleared. Here the clearing is not in the plan, or is itself blocked.",
        do="Look at the other errors about this disk: one of them says why it is not cleared.",
    ),
    "disk-unread": Code(
        kind="error",
        means="A disk carries no signature that is known, but nobody has read it across.",
        why="A disk without signatures can still hold data: a guest's raw disk, a database's "
        "device. Only disks that the config names are read across, since it takes time, so a "
        "state that was refreshed without this config can't tell.",
        do="Refresh with the config that names the disk, and plan again.",
    ),
    "disk-twice": Code(
        kind="error",
        means="Two names in the config are one and the same disk.",
        why="A disk has many names under /dev/disk. A mirror of a disk with itself would protect "
        "nothing.",
        do="Compare the names with ls -l /dev/disk/by-id, and give each disk once.",
    ),
    "disk-sizes-differ": Code(
        kind="error",
        means="The disks of one mirror or raidz differ by more than 16 MiB.",
        why="ZFS uses only as much of each as the smallest has, and refuses such a vdev without "
        "force. Different sizes often mean that one of the disks is the wrong one.",
        do="Compare both sizes with what you expect to be in the machine. Use disks of one size.",
    ),
}
