"""STAND-IN: what Proxmox VE does when it uses a storage (activate_storage of pve-storage 9.1.7's
ZFSPoolPlugin, DirPlugin and Plugin). Shared by the stand-ins for pvesm and for the status daemon.
"""

import os
import runpy
import socket
import subprocess

STORAGE_CFG = "/etc/pve/storage.cfg"

pvesm = runpy.run_path("/lab/src/phoenix_plan/hosts/simulated/pvesm.py")["pvesm"]

FOLDERS = {
    "images": "images", "rootdir": "private", "vztmpl": "template/cache", "iso": "template/iso",
    "backup": "dump", "snippets": "snippets", "import": "import",
}  # fmt: skip


def run(*argv: str) -> str:
    """stdout of a tool. Raises OSError with its complaint where it fails."""
    done = subprocess.run(argv, text=True, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def node() -> str:
    return socket.gethostname().partition(".")[0]


def datasets() -> dict[str, str]:
    """Every dataset that is imported, and its mountpoint."""
    lines = run("zfs", "list", "-H", "-o", "name,mountpoint").splitlines()
    return dict(line.split("\t") for line in lines)


def mounted() -> list[str]:
    lines = read("/proc/self/mounts").splitlines()
    return [line.split()[1].encode().decode("unicode_escape") for line in lines]


def sections(text: str) -> dict[str, dict[str, str]]:
    """Sections of storage.cfg as pvesm writes it, by id, each with its type."""
    found: dict[str, dict[str, str]] = {}
    for block in text.split("\n\n"):
        head, *lines = block.strip("\n").split("\n")
        kind, _, name = head.partition(": ")
        if name:
            pairs = (line.strip().partition(" ") for line in lines)
            found[name] = {"type": kind, **{key: value or "1" for key, _, value in pairs}}
    return found


def section(text: str, name: str) -> dict[str, str]:
    return sections(text)[name]


def activate(storage: dict[str, str]) -> None:
    """Import, mount and make folders. Raises OSError where the storage can't be used."""
    if storage["type"] == "zfspool":
        dataset = storage["pool"]
        for line in read("/proc/self/mounts").splitlines():
            what, _, kind, *_ = line.split()
            if kind == "zfs" and (what == dataset or what.startswith(f"{dataset}/")):
                return  # dataset_mounted_heuristic: it takes everything for imported and mounted
        pool = dataset.partition("/")[0]
        if pool not in run("zpool", "list", "-H", "-o", "name").split():
            run("zpool", "import", "-d", "/dev/disk/by-id/", "-o", "cachefile=none", pool)
        run("zfs", "mount", "-a")
    elif storage["type"] == "dir":
        where = storage.get("is_mountpoint", "no")
        expected = storage["path"] if where in ("1", "yes", "on", "true") else where
        if expected.startswith("/") and expected not in mounted():
            raise OSError(f"{expected} is expected to be a mount point but is not mounted")
        os.makedirs(storage["path"], exist_ok=True)
        for content in storage.get("content", "").split(","):
            if content in FOLDERS:
                os.makedirs(f"{storage['path']}/{FOLDERS[content]}", exist_ok=True)
