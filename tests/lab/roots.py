"""Build a guest's root once per machine, and keep it outside the checkout.

A root is a folder of the cache: `root.img` (ext4), `vmlinuz`, `modules/` (the drivers that the
initramfs loads to reach the root) and `built.json` (what it holds and how long it took).
"""

import argparse
import fcntl
import json
import lzma
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from tests.lab.errors import LabError
from tests.lab.guests import GUESTS, Guest
from tests.lab.hosttools import apt_settings, debian_mirror, ensure_tools, run

ROOT_IMAGE_SIZE = "4G"
"""Sparse: what is not used costs no space on this machine."""

BOOT_DRIVERS = ("virtio_pci", "virtio_blk")

UNNEEDED = (
    "usr/src",
    "usr/lib/gcc",
    "usr/include",
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
)
"""What only the build of the ZFS module needs, or nobody: left out of the image."""


@frozen(kw_only=True)
class Root:
    """A built root: everything that a boot of this guest reads from the cache."""

    guest: Guest
    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def drivers(self) -> Path:
        """A folder of kernel modules; `order` in it lists them as they have to be loaded."""
        return self.folder / "modules"


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/phoenix-lab, by default ~/.cache/phoenix-lab."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "phoenix-lab"


def ensure_root(guest: Guest) -> Root:
    """The guest's root, built now where the cache does not hold it (five minutes on two cores).

    Raises LabError when a host program is missing or a step of the build fails; a failed build
    leaves its log beside where the root would be, and nothing that a later call takes for a root.
    """
    ensure_tools()
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / f"{guest.name}-{guest.digest}"
    with _locked(cache / f"{guest.name}.lock"):
        if not final.exists():
            partial = cache / f"{final.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _build(guest, partial, cache / f"{final.name}.log")
            partial.rename(final)
            _drop_older(cache, guest, keep=final)
    return Root(guest=guest, folder=final)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One build of a guest at a time; a second caller waits for the first one's result."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _drop_older(cache: Path, guest: Guest, *, keep: Path) -> None:
    """Roots of the same guest from older recipes: gigabytes that nobody asks for again."""
    for old in cache.glob(f"{guest.name}-*"):
        if old.is_dir() and old != keep:
            shutil.rmtree(old)


def _build(guest: Guest, folder: Path, log: Path) -> None:
    if os.geteuid() != 0:
        raise LabError(
            "building a guest needs root (it mounts and chroots): run `make lab` as root once"
        )
    started = time.monotonic()
    log.write_text("")
    tree = folder / "tree"
    _bootstrap(guest, tree, folder / "apt.conf", log)
    if guest.wheels:
        _install_wheels(guest, tree, log)
    release = _kernel_release(tree)
    _copy_boot_files(tree, release, folder)
    for path in UNNEEDED:
        shutil.rmtree(tree / path, ignore_errors=True)
    run(
        [
            "/usr/sbin/mke2fs",
            "-q",
            "-t",
            "ext4",
            "-d",
            str(tree),
            str(folder / "root.img"),
            ROOT_IMAGE_SIZE,
        ],
        log=log,
    )
    shutil.rmtree(tree)
    built = {"guest": guest.name, "kernel": release, "seconds": round(time.monotonic() - started)}
    (folder / "built.json").write_text(json.dumps(built) + "\n")


def _bootstrap(guest: Guest, tree: Path, apt_conf: Path, log: Path) -> None:
    """A minimal Debian with the guest's packages; dkms compiles its ZFS module on the way."""
    apt_conf.write_text("\n".join(apt_settings()) + "\n")
    # The distribution's initramfs is never booted, and making it takes longer than unpacking the
    # kernel.
    no_initramfs = (
        'chroot "$1" dpkg-divert --local --rename --add /usr/sbin/update-initramfs'
        ' && ln -s /bin/true "$1/usr/sbin/update-initramfs"'
    )
    # In a mount namespace of its own: what mmdebstrap binds into the tree (/dev, /sys) is gone with
    # it, so that a build that was killed leaves a tree that can be deleted without harm to this
    # machine.
    run(
        [
            "unshare", "--mount", "mmdebstrap", "--variant=minbase", "--format=directory",
            "--components=main,contrib",
            f"--include={','.join(guest.packages)}",
            f"--aptopt={apt_conf}",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            f"--essential-hook={no_initramfs}",
            guest.suite, str(tree), debian_mirror(),
        ],
        log=log,
    )  # fmt: skip


def _install_wheels(guest: Guest, tree: Path, log: Path) -> None:
    """The program's dependencies for the guest's Python, fetched by this machine's own pip."""
    target = tree / f"usr/local/lib/python{guest.python}/dist-packages"
    run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-compile",
            "--only-binary=:all:",
            f"--python-version={guest.python}", f"--target={target}", *guest.wheels,
        ],
        log=log,
    )  # fmt: skip
    # Compiled now, once: every boot starts from the image as it is, and would compile them again.
    run(["chroot", str(tree), "python3", "-m", "compileall", "-q", f"/{target.relative_to(tree)}"])


def _kernel_release(tree: Path) -> str:
    """The one kernel that has a ZFS module built. Raises LabError where there is none."""
    modules = tree / "usr/lib/modules"
    releases = sorted(path.name for path in modules.iterdir())
    with_zfs = [name for name in releases if any((modules / name).glob("**/zfs.ko*"))]
    if len(with_zfs) != 1:
        raise LabError(f"wanted one kernel with zfs in {modules}; {releases}, with zfs {with_zfs}")
    return with_zfs[0]


def _copy_boot_files(tree: Path, release: str, folder: Path) -> None:
    """The kernel, and the drivers of BOOT_DRIVERS with what they need, in order of loading."""
    shutil.copyfile(tree / f"boot/vmlinuz-{release}", folder / "vmlinuz")
    drivers = folder / "modules"
    drivers.mkdir()
    order: list[str] = []
    for driver in BOOT_DRIVERS:
        listed = run(
            ["chroot", str(tree), "modprobe", "--set-version", release, "--show-depends", driver]
        )
        for line in listed.splitlines():
            kind, _, path = line.strip().partition(" ")
            if kind == "insmod" and path not in order:
                order.append(path)
    names = []
    for path in order:
        packed = Path(path)
        name = packed.name.removesuffix(".xz")
        with (drivers / name).open("wb") as file:
            file.write(_unpacked(tree / packed.relative_to("/")))
        names.append(name)
    (drivers / "order").write_text("".join(f"{name}\n" for name in names))


def _unpacked(module: Path) -> bytes:
    """A module's bytes as busybox' insmod takes them: trixie's are packed with xz."""
    data = module.read_bytes()
    return lzma.decompress(data) if module.suffix == ".xz" else data


def main() -> None:
    """`python -m tests.lab.roots [GUEST …]`: build what is missing, and say where it is."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "guests", nargs="*", metavar="GUEST", help=f"one of {', '.join(GUESTS)}; default: all"
    )
    for name in parser.parse_args().guests or GUESTS:
        root = ensure_root(GUESTS[name])
        print(root.folder, (root.folder / "built.json").read_text().strip())


if __name__ == "__main__":
    main()
