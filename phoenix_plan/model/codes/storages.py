"""Findings about Proxmox VE's storages."""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code

STORAGES: dict[str, Code] = {
    "storage-exists": Code(
        kind="error",
        means="A storage of the id that is to be registered is registered already.",
        why="One id, one storage: what is there has its own users. Where the plan replaces it, the "
        "old one can't be unregistered, and another error says why.",
        do="Look at the section in /etc/pve/storage.cfg, and at the plan's other errors.",
    ),
    "storage-missing": Code(
        kind="error",
        means="A storage that is to be changed is not in storage.cfg.",
        why="There is nothing to change. Somebody may have removed it meanwhile.",
        do="Refresh and plan again.",
    ),
    "storage-is-another": Code(
        kind="error",
        means="The storage of that id is of another type than the one that was looked at.",
        why="Somebody has removed the storage and registered another under the same id. What was "
        "decided about the old one says nothing about this one.",
        do="Refresh and plan again.",
    ),
    "storage-enabled": Code(
        kind="error",
        means="A storage is enabled on something that is to be destroyed, and nothing in the plan "
        "disables it.",
        why="Proxmox VE imports, mounts and makes folders on every enabled storage every ten "
        "seconds. It would get in the way of the destruction, or fill the root filesystem.",
        do="Look at the plan's other errors about this storage: they say why it stays enabled.",
    ),
    "storage-value-refused": Code(
        kind="error",
        means="A storage has, or is to have, a value that Proxmox VE does not take.",
        why="PVE would refuse the change, or skip the line and go on with the default.",
        do="Mend the value that the message names: in the config, or in /etc/pve/storage.cfg.",
    ),
    "pve-missing": Code(
        kind="error",
        means="The config declares storages, and Proxmox VE is not installed on this host.",
        why="There is no storage.cfg to put them in. Perhaps this is not the host that the config "
        "was written for.",
        do="Check that you are on the right host. Otherwise leave the storages out of its config.",
    ),
    "no-quorum": Code(
        kind="error",
        means="The cluster has no quorum, so /etc/pve can't be written.",
        why="storage.cfg is shared by all nodes. What this node sees may be out of date: guests "
        "may have moved, and others may have changed the file.",
        do="Bring the other nodes back first: pvecm status. Don't lower the expected votes for "
        "the sake of a storage.",
    ),
    "storage-disabled": Code(
        kind="warning",
        means="A declared storage is disabled, and the config does not say that it should be.",
        why="Guests on it can't start and backups to it fail. Somebody may have had a reason, so "
        "it is left as it is.",
        do="Find out why. To use it again: pvesm set ID --disable 0; to have it so: declare "
        "`disable`.",
    ),
    "storage-loses-home": Code(
        kind="warning",
        means="A storage lives on a pool or dataset that goes away, and it is not declared "
        "removed.",
        why="It stays registered, and is disabled, so that Proxmox VE does not fill the root "
        "filesystem in its place. Guests that name it can't start.",
        do="Declare the storage removed, or declare the dataset that it shall live on.",
    ),
    "storage-cfg-loses-lines": Code(
        kind="warning",
        means="storage.cfg holds comments or sections that Proxmox VE itself drops when it next "
        "writes the file.",
        why="PVE writes the whole file anew, and only what it knows. This plan makes it write.",
        do="If they matter, keep a copy: cp /etc/pve/storage.cfg /root/. The message names the "
        "lines.",
    ),
}
