"""Plan and apply for the storage of a hypervisor: ZFS pools, datasets and Proxmox storages."""

__version__ = "0.1.0"
