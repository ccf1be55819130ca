"""Findings about the host as a whole, and those that turn up about anything."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

HOST: dict[str, Code] = {
    "plan-circle": Code(
        kind="error",
        means="Each of several changes waits for another of them, so there is no order.",
        why="It happens where a dataset is a clone of its own child, after a zfs promote.",
        do="End the circle yourself (zfs promote), then plan again.",
    ),
    "probe-failed": Code(
        kind="error",
        means="Something that the change rests on could not be learnt: a tool failed, or said "
        "something that is not understood.",
        why="No answer is not the answer `nothing there`. Taking the one for the other is how "
        "disks in use get overwritten, so what rests on it is refused whatever the consent.",
        do="Run the command in the message yourself and see what it says. If the tool works and "
        "its output is not understood, report it together with that output.",
    ),
    "boot-chain": Code(
        kind="error",
        means="A disk, pool or dataset is part of what this machine boots from.",
        why="A mistake there can't be mended from the running system. Topology, pool properties, "
        "the running root and what lies above it are left alone, whatever the consent. Other "
        "datasets of the boot pool follow the normal rules.",
        do="If the config names it by mistake, mend the config. If you mean it, do it by hand from "
        "a rescue system.",
    ),
    "protected": Code(
        kind="error",
        means="A destructive change would hit something that is protected: in the config, or by "
        "the ZFS property phoenix:protected.",
        why="Somebody has said that this must not be lost. Protection covers what is below, and "
        "also the ancestors, the pool and its disks, since they would take it along. No consent "
        "overrides it.",
        do="Ask whoever set it. To lift it, take `protected` out of the config or set "
        "phoenix:protected=off, in a step of its own, and plan again.",
    ),
    "hostid-missing": Code(
        kind="error",
        means="This host has no host id, and a pool is to be imported.",
        why="ZFS writes the host id into every pool, to tell whose it is. Without one, all such "
        "hosts look alike, and a pool that another of them uses would look like ours.",
        do="Give it one with zgenhostid, then reboot.",
    ),
    "arc-max-elsewhere": Code(
        kind="warning",
        means="Another file in /etc/modprobe.d sets zfs_arc_max too, to another value.",
        why="modprobe takes the last one it reads, so the next boot may bring another limit than "
        "the declared one.",
        do="Take the line out of the file that the message names, then run update-initramfs -u.",
    ),
}
