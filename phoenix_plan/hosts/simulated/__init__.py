"""`sim:FILE`: a host that lives in one JSON file, for trying things out and for tests.

The file says what the machine is made of; what a person leaves out is as on a plain host:

    hostname, machine_id (32 hex digits), hostid (8 hex digits; all 0: none)
    zfs, pve, pve_storage       versions; empty: not installed
    pmxcfs, quorate, node       whether /etc/pve is mounted; quorum (null: no cluster); its name
    disks                       kernel name -> size, by_id, serial, wwn, table, partitions,
                                signatures, labels, data (bytes that nobody knows), ...
    devices, volume_groups      what stands on disks: md, device-mapper; LVM's groups
    mounts, swaps, opened       who uses devices
    pools                       imported ones and others, each with vdevs and datasets
    directories, files          folders (empty, occupied), and files by path, as lists of lines
    pace, zed                   how long resilvers and the like take; whether spares take over
    fails                       command line or path -> what it shall say instead

It speaks argv: `zpool`, `zfs`, `lsblk`, `pvs`, `dpkg-query`, `pvesm`, `update-initramfs`, with the
messages and exit codes of the real tools (OpenZFS 2.1 to 2.3, Proxmox VE 9). Nothing here knows
the probes, the planner or the model. fixtures/hosts/README.md has every field.
"""

from phoenix_plan.hosts.simulated.host import SimulatedHost

__all__ = ["SimulatedHost"]
