"""The guests: which Debian, which OpenZFS, where the program's dependencies come from."""

import hashlib
import json

from attrs import asdict, frozen

ESSENTIAL = (
    "linux-image-cloud-amd64", "linux-headers-cloud-amd64", "zfs-dkms", "zfsutils-linux", "zfs-zed",
    "udev", "kmod", "procps", "util-linux", "fdisk", "gdisk", "lvm2", "mdadm", "cryptsetup-bin",
    "dmsetup", "bindfs",
    "e2fsprogs", "xfsprogs", "btrfs-progs", "dosfstools", "openssh-client", "jq", "python3",
)  # fmt: skip
"""Packages of every guest: the kernel, ZFS, whatever can put data on a disk or show it, and bindfs,
the file system that stands in for pmxcfs."""

BUILD_REVISION = 1
"""Counted up when `roots.py` makes something else of the same packages."""


@frozen(kw_only=True)
class Guest:
    """One kind of guest. Its root is built from these fields, and nothing of the working tree."""

    name: str
    suite: str
    zfs: str
    """OpenZFS major and minor, as `zfs version` prints it first."""
    python: str
    packages: tuple[str, ...] = ESSENTIAL
    wheels: tuple[str, ...] = ()
    """What pip installs into the root, from the index that this machine's pip is configured for."""

    @property
    def digest(self) -> str:
        """What the cached root is named by: changes with whatever the root is built from."""
        recipe = json.dumps([BUILD_REVISION, asdict(self)], sort_keys=True)
        return hashlib.sha256(recipe.encode()).hexdigest()[:16]


TRIXIE = Guest(
    name="trixie",
    suite="trixie",
    zfs="2.3",
    python="3.13",
    packages=(
        *ESSENTIAL,
        "python3-typer", "python3-attr", "python3-cattr", "python3-jsonschema",
        "python3-deepdiff", "python3-rich",
    ),
)  # fmt: skip
BOOKWORM = Guest(
    name="bookworm",
    suite="bookworm",
    zfs="2.1",
    python="3.11",
    wheels=("typer", "attrs", "cattrs", "jsonschema", "deepdiff"),
)
GUESTS = {guest.name: guest for guest in (TRIXIE, BOOKWORM)}
