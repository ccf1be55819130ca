"""The rest of a simulated host's tools: packages, initramfs, storages, and the zeroing of disks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from phoenix_plan.commands import Output, Zero
from phoenix_plan.hosts.simulated import directories, files, media, properties
from phoenix_plan.hosts.simulated.pvesm import pvesm
from phoenix_plan.hosts.simulated.tool import options, said, unmodelled
from phoenix_plan.hosts.simulated.vdev_spec import is_claimed
from phoenix_plan.hosts.simulated.world import Disk, World

STORAGE_CFG = "/etc/pve/storage.cfg"

_MISSING = Output(exit_code=127, stdout=b"", stderr=b"", missing=True)
_FIELD = re.compile(r"\$\{([^}]+)\}")


def dpkg_query(world: World, words: Sequence[str]) -> Output:
    """dpkg-query(1) -W -f FORMAT PACKAGE..."""
    given, names = options(words, "W", "f")
    if "W" not in given or "f" not in given:
        raise unmodelled(("dpkg-query", *words), "it knows -W -f FORMAT alone")
    versions = {"pve-manager": world.pve, "libpve-storage-perl": world.pve_storage or world.pve}
    lines, complaints = "", ""
    for name in names:
        version = versions.get(name, "")
        if not version:
            complaints += f"dpkg-query: no packages found matching {name}\n"
            continue
        fields = {"Package": name, "Version": version, "db:Status-Status": "installed"}
        text = given["f"][-1]
        for field in set(_FIELD.findall(text)):
            text = text.replace(f"${{{field}}}", fields.get(field, ""))
        lines += text.replace("\\t", "\t").replace("\\n", "\n")
    return said(lines, complaints, 1 if complaints else 0)


def update_initramfs(world: World, words: Sequence[str]) -> Output:
    """update-initramfs(8): the initramfs takes a copy of modprobe.d."""
    if "-u" not in words:
        raise unmodelled(("update-initramfs", *words), "it knows -u alone")
    world.initramfs = {
        path: text for path, text in world.files.items() if path.startswith("/etc/modprobe.d/")
    }
    return said("update-initramfs: Generating /boot/initrd.img-6.14.8-2-pve\n")


def run_pvesm(world: World, argv: Sequence[str]) -> Output:
    """pvesm(1) on this host: what it writes, and the folders that it makes."""
    if not world.pve:
        return _MISSING
    if not files.has_pmxcfs(world):
        return said(stderr="ipcc_send_rec[1] failed: Connection refused\n", exit_code=255)
    if world.quorate is False:
        message = "error during cfs-locked 'file-storage_cfg' operation: no quorum!\n"
        return said(stderr=message, exit_code=255)
    seen = {
        "file": STORAGE_CFG,
        "node": world.node or world.hostname.partition(".")[0],
        "datasets": {
            dataset.name: properties.mountpoint(world, pool, dataset)
            for pool, dataset in world.datasets()
        },
        "mounted": list(directories.mounted(world)),
    }
    before = world.files.get(STORAGE_CFG)
    code, stdout, stderr, after = pvesm(argv, before, seen)
    if code == 0 and after is not None:
        world.files[STORAGE_CFG] = after
        if argv[1:3] == ("add", "dir") and "--disable" not in argv:
            _make_folders(world, argv)
    return said(stdout, stderr, code)


def _make_folders(world: World, argv: Sequence[str]) -> None:
    """A directory storage makes its path, and folders in it: where nothing is mounted there, they
    lie on what is below."""
    path = argv[argv.index("--path") + 1]
    if path not in directories.mounted(world):
        world.directories[path] = "occupied"


def identity(disk: Disk) -> str:
    """Who a disk is: kind, value and size, as text."""
    wwn = disk.wwn.lower()
    if re.fullmatch(r"eui\.[0-9a-f]{32}", wwn) and wwn.strip("eui.0"):
        return f"nguid:{wwn[4:]}:{disk.size}"
    if re.fullmatch(r"eui\.[0-9a-f]{16}", wwn) and wwn.strip("eui.0"):
        return f"eui:{wwn[4:]}:{disk.size}"
    if wwn.removeprefix("0x").strip("0-"):
        return f"wwn:{wwn}:{disk.size}"
    namespace = re.fullmatch(r"nvme\d+n(\d+)", disk.name)
    unit = namespace[1] if namespace else disk.hctl.rpartition(":")[2]
    return f"serial:{disk.serial}{'/' if unit else ''}{unit}:{disk.size}"


def zero(world: World, asked: Zero) -> Output:
    """Zero ranges of a disk that nobody uses and that is who it shall be."""
    node = media.find_node(world, asked.path)
    if node is None:
        return said(stderr=f"{asked.path}: No such file or directory\n", exit_code=1)
    disk, part = node
    if part:
        return said(stderr=f"{asked.path} is no whole disk\n", exit_code=1)
    if is_claimed(world, disk, 0):
        return said(stderr=f"{asked.path}: Device or resource busy\n", exit_code=1)
    if disk.read_only:
        return said(stderr=f"{asked.path}: Operation not permitted\n", exit_code=1)
    if identity(disk) != asked.identity:
        message = f"{asked.path} is {identity(disk)}, not {asked.identity}\n"
        return said(stderr=message, exit_code=1)
    for offset, length in asked.ranges:
        start = offset if offset >= 0 else disk.size + offset
        media.erase(disk, [(start, min(length, disk.size - start))])
    return said()
