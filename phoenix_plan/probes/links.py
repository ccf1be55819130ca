"""The links under /dev/disk: every name that a device goes by."""

from __future__ import annotations

from collections.abc import Mapping

from phoenix_plan.commands import Glob, Paths

LINKS = Glob(pattern="/dev/disk/by-*/*")

# Links named after what is written on a device: they move with the content (udev's rules
# 13-dm-disk, 60-persistent-storage-dm, 69-lvm and 63-md-raid-arrays).
_CONTENT = ("dm-name-", "lvm-pv-uuid-", "md-name-", "md-uuid-")


def aliases_by_device(links: Paths) -> Mapping[str, tuple[str, ...]]:
    """Real path to the links that lead to it, those a person would use first.

    by-id comes before the rest, names after content last, World Wide Names after model and serial.
    """
    found: dict[str, list[str]] = {}
    for link, real in links.entries:
        found.setdefault(real, []).append(link)
    return {real: tuple(sorted(aliases, key=_rank)) for real, aliases in found.items()}


def _rank(alias: str) -> tuple[int, str]:
    folder, _, name = alias.rpartition("/")
    if folder != "/dev/disk/by-id":
        return (3, alias)
    if name.startswith(_CONTENT):
        return (2, alias)
    return (1 if name.startswith(("wwn-", "nvme-eui.", "nvme-uuid.")) else 0, alias)
