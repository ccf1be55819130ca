"""Small simulated hosts for tests, and short ways to talk to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from phoenix_plan.commands import Output, Query, Run
from phoenix_plan.hosts.simulated import SimulatedHost

BY_ID = "/dev/disk/by-id/virtio-"


def eight_disks(zfs: str = "2.3.9", **changes: Any) -> dict[str, Any]:
    """The machine of the recordings: eight blank disks of 512 MiB, and the one that it runs on."""
    disks: dict[str, Any] = {
        "vda": {
            "size": 2306867200,
            "by_id": ["virtio-ROOT"],
            "serial": "ROOT",
            "transport": "virtio",
            "signatures": [{"offset": 1080, "type": "ext4", "uuid": "9032b178"}],
        }
    }
    for number in range(1, 9):
        name = f"DISK{number}"
        disks["vd" + "abcdefghi"[number]] = {
            "size": "512M",
            "by_id": [f"virtio-{name}"],
            "serial": name,
            "transport": "virtio",
            "rotational": True,
        }
    return {
        "hostname": "lab",
        "machine_id": "0123456789abcdef0123456789abcdef",
        "hostid": "37487e0c",
        "zfs": zfs,
        "disks": disks,
        "mounts": [{"source": "/dev/vda", "target": "/", "type": "ext4"}],
        **changes,
    }


def host_of(folder: Path, world: dict[str, Any]) -> SimulatedHost:
    """The host of a world, in a file of its own."""
    path = folder / "host.json"
    path.write_text(json.dumps(world), "utf-8")
    return SimulatedHost(path)


def saved(host: SimulatedHost) -> dict[str, Any]:
    """What stands in the host's file."""
    found: dict[str, Any] = json.loads(host.path.read_text("utf-8"))
    return found


def run(host: SimulatedHost, *argv: str) -> Output:
    """Run a command that changes something; words that start with DISK stand for by-id paths."""
    return host.run(Run(argv=spelled(argv)))


def done(host: SimulatedHost, *argv: str) -> None:
    """Run a command that has to work."""
    output = run(host, *argv)
    assert output.exit_code == 0, output.stderr.decode()


def ask(host: SimulatedHost, *argv: str, env: tuple[tuple[str, str], ...] = ()) -> Output:
    """Ask a command that only looks."""
    answer = host.answer("test", Query(argv=argv, env=env))
    assert isinstance(answer, Output)
    return answer


def spelled(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command line with the whole paths of disks."""
    return tuple(BY_ID + word if word.startswith("DISK") else word for word in argv)


SITUATION_02 = (
    "zpool create quickOS mirror DISK1 DISK2",
    "zpool create fastData DISK3",
    "zfs create -o recordsize=128K -o compression=lz4 -o quota=200M quickOS/vm-disks",
    "zfs create -o recordsize=16K -o quota=100M quickOS/lxc-disks",
    "zfs create -o recordsize=1M -o compression=zstd fastData/shared-backups",
    "zfs create -V 32M quickOS/vm-disks/vm-100-disk-0",
    "zfs create -o refquota=32M quickOS/lxc-disks/subvol-101-disk-0",
    "zfs snapshot quickOS/vm-disks@daily",
    "zfs clone quickOS/vm-disks@daily quickOS/clone1",
    "zfs set phoenix:owner=me quickOS/vm-disks",
)
"""How the recordings' situation 02 came about, but for a name with a space."""


def situation_02(folder: Path, zfs: str) -> SimulatedHost:
    """The recordings' situation 02, made by the same commands."""
    host = host_of(folder, eight_disks(zfs))
    for line in SITUATION_02:
        done(host, *line.split())
    done(host, "zfs", "create", "fastData/with space")
    return host
