"""Which options of a guest's config can name a volume or a device, and how.

Source: the option tables of qemu-server 9.2.6 and pve-container 6.0. An option that stands in no
table here is looked through for anything that looks like a volume or a path.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

_DRIVES = re.compile(r"(?:ide|scsi|virtio|sata|unused)\d+|efidisk0|tpmstate0|cdrom|vmstate")
_MOUNTS = re.compile(r"rootfs|(?:mp|unused)\d+")

_QEMU_KINDS = {
    "args": "paths",
    "cicustom": "named",
    "fleecing-images": "volumes",
    "hookscript": "volume",
    "vmstatestorage": "storage",
}


_QEMU_HARMLESS = """
    acpi affinity agent allow-ksm amd-sev arch audio0 autostart balloon bios boot bootdisk ciupgrade
    cipassword citype ciuser cores cpu cpulimit cpuunits delete description freeze hotplug hugepages
    intel-tdx ivshmem keephugepages keyboard kvm localtime lock machine memory meta migrate_downtime
    migrate_speed name nameserver numa onboot ostype parent protection reboot rng0
    running-nets-host-mtu runningcpu runningmachine scsihw searchdomain shares smbios1 smp snapstate
    snaptime sockets spice_enhancements sshkeys startdate startup tablet tags tdf template vcpus vga
    vmgenid watchdog
"""
_LXC_HARMLESS = """
    arch cmode console cores cpulimit cpuunits debug delete description entrypoint env features
    hostname lock memory nameserver onboot ostype parent protection searchdomain snapstate snaptime
    startup swap tags template timezone tty unprivileged
"""


def _numbered(count: int, *names: str) -> frozenset[str]:
    return frozenset(f"{name}{number}" for name in names for number in range(count))


HARMLESS: Mapping[str, frozenset[str]] = {
    "qemu": frozenset(_QEMU_HARMLESS.split())
    | _numbered(32, "net", "ipconfig")
    | _numbered(16, "usb", "numa", "virtiofs"),
    "lxc": frozenset(_LXC_HARMLESS.split()) | _numbered(32, "net"),
}
"""Options that name neither. USB devices and virtiofs shares stand behind names that the config
does not resolve."""


@functools.cache
def kind_of(guest: str, key: str) -> str:
    """How to read the value of an option that is not harmless."""
    if guest == "qemu":
        if _DRIVES.fullmatch(key):
            return "drive"
        if key.startswith("hostpci"):
            return "pci"
        return _QEMU_KINDS.get(key, "anything")
    if _MOUNTS.fullmatch(key):
        return "drive"
    if key.startswith("dev"):
        return "device"
    return "volume" if key == "hookscript" else "anything"
