"""The file of a simulated host: read strictly, written whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import (
    Content,
    Contents,
    Glob,
    Output,
    ReadFile,
    ReadFiles,
    Run,
    Sample,
    WriteFile,
)
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.base import ReadableHost, WritableHost
from phoenix_plan.hosts.simulated import SimulatedHost
from tests.simulated.worlds import ask, done, eight_disks, host_of, run, saved

NO_SWAP = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
DEMO = Path(__file__).parents[2] / "fixtures/hosts/demo.host.json"


def test_it_is_a_host(tmp_path: Path) -> None:
    """It can be read and changed; its name and its state folder follow from the file."""
    host = host_of(tmp_path, eight_disks())
    readable: ReadableHost = host
    writable: WritableHost = host
    assert readable.name == f"sim:{tmp_path}/host.json"
    assert writable.state_dir == f"{tmp_path}/host.json.phoenix"


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("host.disc: no such field", {"disc": {}}),
        ("host: lacks 'hostname'", {"hostname": None}),
        ("host.machine_id: 'short' does not fit", {"machine_id": "short"}),
        ("host.hostid: 'GG' does not fit", {"hostid": "GG"}),
        ("host.format_version: '2.0' is not known here", {"format_version": "2.0"}),
        ("host.disks.sda: lacks 'size'", {"disks": {"sda": {}}}),
        ("host.disks.sda.size: 'big' is no size", {"disks": {"sda": {"size": "big"}}}),
        ("host.disks.sda.size: True is no size", {"disks": {"sda": {"size": True}}}),
        (
            "host.disks.sda.signatures[0].part: there is no partition 1",
            {"disks": {"sda": {"size": 9, "signatures": [{"part": 1, "offset": 0, "type": "x"}]}}},
        ),
        (
            "host.disks.sda.partitions: 1 ends behind the disk",
            {
                "disks": {
                    "sda": {
                        "size": "1M",
                        "table": "gpt",
                        "partitions": [{"number": 1, "start": 0, "size": "2M"}],
                    }
                }
            },
        ),
        ("host.directories./x: 'full' is no word of", {"directories": {"/x": "full"}}),
        (
            "host.pools[0].vdevs[0]: there is no device '/dev/sdz'",
            {"pools": [{"name": "p", "vdevs": [{"type": "disk", "path": "/dev/sdz"}]}]},
        ),
        (
            "host.pools[0].datasets.p/a/b: its parent 'p/a' is not there",
            {"pools": [{"name": "p", "vdevs": [], "datasets": {"p/a/b": {}}}]},
        ),
        (
            "host.pools[0].datasets.p.set.quota: bad numeric value 'lots'",
            {"pools": [{"name": "p", "vdevs": [], "datasets": {"p": {"set": {"quota": "lots"}}}}]},
        ),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, message: str, change: dict[str, Any]) -> None:
    """The error names file and field."""
    world = {key: one for key, one in {**eight_disks(), **change}.items() if one is not None}
    with pytest.raises(HostError) as caught:
        host_of(tmp_path, world)
    assert str(caught.value).startswith(f"{tmp_path}/host.json: {message}")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("line 2: ", '{\n"hostname": }'),
        ("'zfs' is there twice in one object", '{"zfs": "2.3", "zfs": "2.1"}'),
        ("host: [] is no object", "[]"),
    ],
)
def test_no_host(tmp_path: Path, message: str, text: str) -> None:
    """What is no such document is an error, with its line where there is one."""
    path = tmp_path / "host.json"
    path.write_text(text)
    with pytest.raises(HostError) as caught:
        SimulatedHost(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_missing_file(tmp_path: Path) -> None:
    """An error, not an empty host."""
    with pytest.raises(HostError, match="No such file"):
        SimulatedHost(tmp_path / "nothing.json")


def test_writing_what_was_read_changes_nothing(tmp_path: Path) -> None:
    """The file that a change leaves reads as the same host."""
    host = host_of(tmp_path, json.loads(DEMO.read_text()))
    done(host, "zpool", "scrub", "tank")
    first = saved(host)
    before = ask(host, "zpool", "status", "-j", "-P", "--json-int").stdout
    done(host, "zpool", "scrub", "tank")
    second = saved(host)
    for world in (first, second):
        world.pop("now")
        for scan in world["pools"][0]["scans"]:
            scan.pop("at")
    assert first == second
    assert json.loads(before)["pools"].keys() == {"tank"}


def test_a_write_replaces_the_file_in_one_step(tmp_path: Path, monkeypatch: Any) -> None:
    """A crash before the rename leaves the old file, and no other."""
    host = host_of(tmp_path, eight_disks())
    os.chmod(host.path, 0o600)
    before = host.path.read_text()

    def power_cut(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", power_cut)
        with pytest.raises(HostError, match="Input/output error"):
            run(host, "zpool", "create", "tank", "DISK1")
    assert (before, ["host.json"]) == (host.path.read_text(), os.listdir(tmp_path))
    assert ask(host, "zpool", "status").stderr == b"no pools available\n"
    done(host, "zpool", "create", "tank", "DISK1")
    assert host.path.stat().st_mode & 0o777 == 0o600


def test_a_hand_on_the_file_is_seen(tmp_path: Path) -> None:
    """Every answer reads the file as it is."""
    host = host_of(tmp_path, eight_disks())
    world = saved(host)
    world["hostname"] = "other"
    host.path.write_text(json.dumps(world))
    name = host.answer("hostname", ReadFile(path="/proc/sys/kernel/hostname"))
    assert name == Content(data=b"other\n")


def test_failures_on_demand(tmp_path: Path) -> None:
    """`fails` makes a command say no, or nobody know."""
    fails = {
        "zfs list": {"exit_code": 1, "stderr": "internal error\n"},
        "zpool create": "timed out",
        "/etc/fstab": {"stderr": "Input/output error"},
        "inspect": {"exit_code": 2, "stderr": "no python\n"},
        "zfs get": {"exit_code": 0, "stdout": "gibberish\n"},
        "/proc/swaps": {"exit_code": 0, "stdout": "gibberish\n"},
        "/etc/modprobe.d/*.conf": {"exit_code": 0, "stdout": "gibberish\n"},
        "/dev/disk/by-*/*": {"exit_code": 1, "stderr": "Input/output error"},
    }
    host = host_of(tmp_path, eight_disks(fails=fails))
    assert ask(host, "zfs", "list", "-Hp", "-o", "name").stderr == b"internal error\n"
    assert ask(host, "zfs", "version").exit_code == 0
    with pytest.raises(HostError, match=r"zpool create tank .*: timed out"):
        run(host, "zpool", "create", "tank", "DISK1")
    with pytest.raises(HostError, match="fstab: Input/output error"):
        host.answer("fstab", ReadFile(path="/etc/fstab"))
    look = host.answer("inspect", Sample(devices=(), deep=(), directories=(), script=b""))
    assert isinstance(look, Output)
    assert look.exit_code == 2
    assert ask(host, "zfs", "get", "all").stdout == b"gibberish\n"
    assert host.answer("s", ReadFile(path="/proc/swaps")) == Content(data=b"gibberish\n")
    files = host.answer("m", ReadFiles(pattern="/etc/modprobe.d/*.conf"))
    assert files == Contents(files=(("/etc/modprobe.d/one.conf", b"gibberish\n"),))
    with pytest.raises(HostError, match="Input/output error"):
        host.answer("links", Glob(pattern="/dev/disk/by-*/*"))


def test_tools_that_are_not_there(tmp_path: Path) -> None:
    """Without ZFS or Proxmox VE their tools are missing; what is not simulated is an error."""
    host = host_of(tmp_path, eight_disks(zfs=""))
    assert ask(host, "zpool", "status").missing
    assert run(host, "pvesm", "remove", "x").missing
    assert run(host, "mkfs.ext4", "/dev/vdb").missing
    host = host_of(tmp_path, eight_disks())
    with pytest.raises(HostError, match="can't do `zpool split a b`"):
        run(host, "zpool", "split", "a", "b")


@pytest.mark.parametrize(
    ("stderr", "write"),
    [
        ("", WriteFile(path="/etc/new", content="x\n", replaces=None)),
        ("", WriteFile(path="/etc/old", content="x\n", replaces="old\n")),
        (
            "/etc/old is not what was to be replaced\n",
            WriteFile(path="/etc/old", content="x\n", replaces="older\n"),
        ),
        (
            "/etc/old is not what was to be replaced\n",
            WriteFile(path="/etc/old", content="x\n", replaces=None),
        ),
        (
            "/proc/swaps: Permission denied\n",
            WriteFile(path="/proc/swaps", content="x", replaces=NO_SWAP),
        ),
    ],
)
def test_write_file(tmp_path: Path, stderr: str, write: WriteFile) -> None:
    """A file is replaced if it holds what it should; the kernel's own are not."""
    host = host_of(tmp_path, eight_disks(files={"/etc/old": ["old"]}))
    output = host.run(write)
    assert (stderr, bool(stderr)) == (output.stderr.decode(), output.exit_code == 1)
    now = host.answer("x", ReadFile(path=write.path))
    assert isinstance(now, Content)
    assert (now.data == write.content.encode()) is not bool(stderr)


def test_update_initramfs_takes_modprobe_along(tmp_path: Path) -> None:
    """The copy in the initramfs is as old as the last update."""
    files = {"/etc/modprobe.d/zfs.conf": ["options zfs zfs_arc_max=1"]}
    host = host_of(tmp_path, eight_disks(files=files))
    assert host.run(Run(argv=("update-initramfs", "-u", "-k", "all"))).exit_code == 0
    assert saved(host)["initramfs"] == files
