"""Which machine this is, and what runs on it."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable

import attrs

from phoenix_plan.commands import Output, Query, ReadFile, command_line
from phoenix_plan.errors import ProbeError, StateError
from phoenix_plan.probes.tables import MountEntry

MACHINE_ID = ReadFile(path="/etc/machine-id")
HOSTNAME = ReadFile(path="/proc/sys/kernel/hostname")
HOSTID = ReadFile(path="/etc/hostid")
SPL_HOSTID = ReadFile(path="/sys/module/spl/parameters/spl_hostid")
MEMBERS = ReadFile(path="/etc/pve/.members")
PACKAGES = Query(
    argv=(
        "dpkg-query",
        "-W",
        "-f",
        "${Package}\\t${Version}\\t${db:Status-Status}\\n",
        "pve-manager",
        "libpve-storage-perl",
    )
)

_APPLICATION = bytes.fromhex("00e892acdb8e4a298d4543ae81bb954b")
"""Ours alone, random: what tells this program's digest of a machine-id from any other's."""

_MACHINE_ID = re.compile(rb"[0-9a-f]{32}\n?")
_NO_PACKAGE = re.compile(r"dpkg-query: no packages found matching \S+")
_ABSENT = frozenset({"not-installed", "config-files"})
_PRESENT = frozenset(
    {
        "installed",
        "half-installed",
        "unpacked",
        "half-configured",
        "triggers-awaited",
        "triggers-pending",
    }
)
_HOSTID_BYTES = 4


def machine_digest(data: bytes | None, source: str = MACHINE_ID.path) -> str:
    """The application-specific digest of a machine-id, 32 hex digits.

    As `sd_id128_get_machine_app_specific` makes it (machine-id(5), systemd 257): HMAC-SHA256 of
    the application's id keyed by the machine's, the first 128 bits, with the bits of a random
    UUID. Raises StateError where the host has no id (yet).
    """
    if data is None or not _MACHINE_ID.fullmatch(data):
        raise StateError(
            f"{source}: this host has no machine-id, so a plan could not name its host",
            hint="systemd-machine-id-setup makes one",
        )
    key = bytes.fromhex(data.decode().strip())
    digest = bytearray(hmac.digest(key, _APPLICATION, "sha256")[:16])
    digest[6] = (digest[6] & 0x0F) | 0x40
    digest[8] = (digest[8] & 0x3F) | 0x80
    return digest.hex()


def parse_hostname(data: bytes | None, source: str = HOSTNAME.path) -> str:
    """The hostname as the kernel has it. Raises ProbeError where it has none."""
    name = (data or b"").decode(errors="backslashreplace").strip()
    if not name:
        raise ProbeError("this host has no name", source=source)
    return name


def parse_hostid(parameter: bytes | None, file: bytes | None) -> str:
    """The host id that ZFS writes into labels, 8 hex digits, `00000000` where none is set.

    The module's parameter `spl_hostid` counts if it is not 0, else the first four bytes of
    /etc/hostid in the machine's order, here little-endian (`zone_get_hostid` in
    module/os/linux/spl/spl-zone.c and `hostid_read` in spl-generic.c, OpenZFS 2.1 to 2.3; spl(4)).
    A file that is too short is none. Raises ProbeError for a parameter that is no number.
    """
    text = (parameter or b"0").decode(errors="backslashreplace").strip()
    if not re.fullmatch("[0-9]{1,20}", text):
        raise ProbeError(f"{text!r} is no host id", source=SPL_HOSTID.path, line=1)
    hostid = int(text) & 0xFFFFFFFF
    if hostid == 0 and file is not None and len(file) >= _HOSTID_BYTES:
        hostid = int.from_bytes(file[:_HOSTID_BYTES], "little")
    return f"{hostid:08x}"


def parse_packages(output: Output) -> tuple[str, str]:
    """Versions of pve-manager and libpve-storage-perl, empty where they are not installed.

    A package in a state between (unpacked, half-configured) counts as installed. Without
    dpkg-query the host is no Debian, and has no Proxmox VE. Raises ProbeError for other output.
    """
    source = command_line(PACKAGES.argv)
    if output.missing:
        return "", ""
    complaints = output.stderr.decode(errors="backslashreplace").splitlines()
    if output.exit_code not in (0, 1) or not all(map(_NO_PACKAGE.fullmatch, complaints)):
        raise ProbeError(f"exit status {output.exit_code}: {'; '.join(complaints)}", source=source)
    if output.exit_code == 1 and not complaints:
        raise ProbeError("exit status 1 without a word", source=source)
    versions = {"pve-manager": "", "libpve-storage-perl": ""}
    text = output.stdout.decode(errors="backslashreplace")
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) != 3 or fields[0] not in versions or fields[2] not in _ABSENT | _PRESENT:
            raise ProbeError(f"{line!r} is no package's state", source=source, line=number)
        if fields[2] in _PRESENT:
            versions[fields[0]] = fields[1]
    return versions["pve-manager"], versions["libpve-storage-perl"]


def has_pmxcfs(mounts: Iterable[MountEntry]) -> bool:
    """Whether /etc/pve is a mounted pmxcfs: the last mount there is of fuse (pmxcfs(8))."""
    types = [mount.fstype for mount in mounts if mount.target == "/etc/pve"]
    return types[-1:] in (["fuse"], ["fuse.pmxcfs"])


@attrs.frozen(kw_only=True)
class Membership:
    """This node's name in the cluster, and whether there is quorum; None outside a cluster."""

    node: str
    quorate: bool | None


def parse_members(data: bytes | None, hostname: str, source: str = MEMBERS.path) -> Membership:
    """Who this node is, from pmxcfs's own file (`cfs_create_memberlist_msg`, pve-cluster 9).

    Without the file the node is called as Proxmox VE calls it, by the hostname up to the first
    dot, and there is no cluster. Raises ProbeError for another document.
    """
    if data is None:
        return Membership(node=hostname.partition(".")[0], quorate=None)
    try:
        document = json.loads(data)
        node = document["nodename"]
        quorate = document["cluster"]["quorate"] if "cluster" in document else None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProbeError(f"not pmxcfs's list of members: {error}", source=source) from error
    if not isinstance(node, str) or not node or quorate not in (None, 0, 1):
        raise ProbeError("not pmxcfs's list of members", source=source)
    return Membership(node=node, quorate=None if quorate is None else bool(quorate))
