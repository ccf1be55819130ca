"""Who uses a device: mounts of every namespace, open nodes, loop devices; and directories."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.probes import inspector, inspector_users
from phoenix_plan.probes.inspector import answer
from phoenix_plan.probes.inspector_users import Report, directory_state, find_users, find_zvols

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
DATA = "30 22 8:17 / /mnt/a\\040b rw - ext4 /dev/sdb1 rw\n"
ZFS = "31 22 0:40 / /tank rw - zfs tank/data rw\n"
BTRFS = "32 22 0:41 / /b rw - btrfs /dev/sdc rw\n"
FUSE = "33 22 0:42 / /f rw - fuse /dev/null rw\n"
NFS = "34 22 0:43 / /srv rw - nfs4 server:/x rw\n"


class Proc:
    """A made-up /proc, with nodes that stat(2) takes for block devices."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.nodes: dict[str, int] = {}
        folder.mkdir()
        monkeypatch.setattr(inspector_users, "PROC", str(folder))
        monkeypatch.setattr(inspector_users, "SYS_CLASS_BLOCK", str(folder / "class"))
        real = os.stat

        def fake_stat(path: str, **how: Any) -> os.stat_result:
            if path in self.nodes or (os.path.islink(path) and os.readlink(path) in self.nodes):
                number = self.nodes.get(path) or self.nodes[os.readlink(path)]
                fields = [stat.S_IFBLK | 0o600, *real("/")[1:10]]
                return os.stat_result(fields, {"st_rdev": number})
            return real(path, **how)

        monkeypatch.setattr(os, "stat", fake_stat)
        self.process(os.getpid(), "mnt:[1]", ROOT, [])
        (folder / "self").symlink_to(str(os.getpid()))

    def process(self, pid: int, namespace: str, mountinfo: str, targets: list[str]) -> Path:
        base = self.folder / str(pid)
        (base / "ns").mkdir(parents=True)
        (base / "ns" / "mnt").symlink_to(namespace)
        (base / "fd").mkdir()
        (base / "mountinfo").write_text(mountinfo)
        (base / "comm").write_text(f"program{pid}\n")
        for number, target in enumerate(targets):
            (base / "fd" / str(number)).symlink_to(target)
        return base


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    return Proc(tmp_path / "proc", monkeypatch)


def users() -> Report:
    report = Report()
    find_users(report)
    return report


def test_mounts_of_every_namespace_once(proc: Proc) -> None:
    """A container that keeps a file system mounted uses its disk, though nobody here sees it."""
    other = 4000000
    proc.process(other, "mnt:[2]", ROOT + DATA, [])
    proc.process(other + 1, "mnt:[2]", ROOT + DATA, [])
    report = users()
    assert [
        (one["namespace"], one["own"], one["device"], one["mountpoint"]) for one in report.mounts
    ] == [
        ("mnt:[1]", True, "8:1", "/"),
        ("mnt:[2]", False, "8:1", "/"),
        ("mnt:[2]", False, "8:17", "/mnt/a b"),
    ]
    assert report.unknown == []


def test_mounts_without_a_device_number(proc: Proc) -> None:
    """ZFS has none; btrfs names its device, wherever that name leads; the character device of
    another file system is none."""
    proc.nodes["/dev/sdc"] = os.makedev(8, 32)
    proc.process(4000000, "mnt:[2]", ZFS + BTRFS + FUSE + NFS, [])
    assert [(one["device"], one["source"], one["fstype"]) for one in users().mounts[1:]] == [
        ("", "tank/data", "zfs"),
        ("8:32", "/dev/sdc", "btrfs"),
    ]


def test_open_devices_by_number(proc: Proc) -> None:
    """Any node counts, an alias or one made with mknod; two descriptors are one user."""
    proc.nodes |= {"/dev/sdb": os.makedev(8, 16), "/var/odd": os.makedev(8, 32)}
    targets = ["/dev/sdb", "/dev/sdb", "/var/odd", "pipe:[5]", "/etc/hostname"]
    proc.process(4000000, "mnt:[1]", ROOT, targets)
    assert users().opened == [
        {"device": "8:16", "pid": 4000000, "command": "program4000000"},
        {"device": "8:32", "pid": 4000000, "command": "program4000000"},
    ]


def test_own_descriptors_do_not_count(proc: Proc) -> None:
    """The script itself has every disk open while it looks."""
    proc.nodes["/dev/sdb"] = os.makedev(8, 16)
    (proc.folder / str(os.getpid()) / "fd" / "9").symlink_to("/dev/sdb")
    assert users().opened == []


def test_files_of_a_server_are_not_touched(proc: Proc) -> None:
    """stat(2) on an NFS that is gone waits forever."""
    proc.nodes["/srv/node"] = os.makedev(8, 16)
    proc.process(4000000, "mnt:[3]", ROOT + NFS, ["/srv/node"])
    assert users().opened == []


def test_process_that_vanishes_is_no_failure(proc: Proc) -> None:
    base = proc.process(4000000, "mnt:[2]", ROOT, ["/gone"])
    (base / "mountinfo").unlink()
    assert users().unknown == []


@pytest.mark.parametrize("what", ["ns", "fd"])
def test_process_that_may_not_be_looked_at_is_unknown(
    what: str, proc: Proc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No permission is not nobody."""
    for pid in (4000000, 4000001):
        proc.process(pid, "mnt:[2]", ROOT, ["/dev/null"])
    real_link, real_list = os.readlink, os.listdir

    def readlink(path: str) -> str:
        if path.startswith(f"{proc.folder}/400000") and path.endswith("ns/mnt") and what == "ns":
            raise PermissionError(13, "Permission denied")
        return real_link(path)

    def listdir(path: str) -> list[str]:
        if path.startswith(f"{proc.folder}/400000") and what == "fd":
            raise PermissionError(13, "Permission denied")
        return real_list(path)

    monkeypatch.setattr(os, "readlink", readlink)
    monkeypatch.setattr(os, "listdir", listdir)
    (unknown,) = users().unknown
    assert unknown["source"] == "disks"
    assert "Permission denied" in unknown["message"]
    assert "4000000" in unknown["message"]


def test_mountinfo_that_is_not_known_is_unknown(proc: Proc) -> None:
    proc.process(4000000, "mnt:[2]", "something else\n", [])
    assert "mountinfo" in users().unknown[0]["message"]


def test_loop_device_on_a_disk(proc: Proc) -> None:
    """losetup on a disk: no process has it open, and it is among no holders."""
    proc.nodes["/dev/sdd"] = os.makedev(8, 48)
    loop = proc.folder / "class" / "loop3" / "loop"
    loop.mkdir(parents=True)
    (loop / "backing_file").write_text("/dev/sdd\n")
    (proc.folder / "class" / "loop4").mkdir()
    assert users().opened == [{"device": "8:48", "pid": 0, "command": "loop3"}]


def test_volumes_by_their_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole devices; a snapshot's too; blanks as they are. A partition's link names no volume."""
    monkeypatch.setattr(inspector_users, "ZVOLS", str(tmp_path / "zvol"))
    report = Report()
    assert find_zvols(report) == {}, "no volume, no folder"
    folder = tmp_path / "zvol/tank/with+space"
    folder.mkdir(parents=True)
    links = {"v": "zd0", "v-part1": "zd0p1", "v@s": "zd16", "a+b": "zd32", "x": "sda"}
    for name, device in links.items():
        (folder / name).symlink_to(f"/dev/{device}")
    assert find_zvols(report) == {
        "/dev/zd0": "tank/with space/v",
        "/dev/zd16": "tank/with space/v@s",
        "/dev/zd32": "tank/with space/a b",
    }
    assert report.unknown == []


def test_volumes_that_can_not_be_listed_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "zvol"
    place.write_text("no folder")
    monkeypatch.setattr(inspector_users, "ZVOLS", str(place))
    report = Report()
    assert find_zvols(report) == {}
    assert [one["source"] for one in report.unknown] == ["disks"]


def test_directories(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").touch()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "link").symlink_to("full")
    (tmp_path / "bound").mkdir()
    states = {
        "empty": "empty",
        "full": "occupied",
        "file": "not-a-directory",
        "file/below": "not-a-directory",
        "dangling": "not-a-directory",
        "link": "occupied",
        "none": "absent",
        "none/below": "absent",
        "bound": "mounted",
    }
    mountpoints = {str(tmp_path / "bound")}
    assert states == {name: directory_state(str(tmp_path / name), mountpoints) for name in states}


def test_other_device_is_a_mount() -> None:
    """A mountpoint is known by its device too, where mountinfo does not name it."""
    assert directory_state("/proc", set()) == "mounted"


def test_unreadable_directory_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").mkdir()

    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(inspector, "find_users", lambda _report: None)
    monkeypatch.setattr(inspector, "find_zvols", lambda _report: {})
    path = str(tmp_path / "secret")
    document = answer({"devices": [], "deep": [], "directories": [path]})
    assert document["directories"] == {}
    assert document["unknown"] == [
        {"source": "directories", "message": f"{path}: Permission denied"}
    ]
