"""This machine's writes: files that are replaced whole, and disks that have to say who they are."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from phoenix_plan.commands import Run, WriteFile, Zero
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.local_writes import WritableLocalHost, answers_otherwise

HOST = WritableLocalHost()
GIB = 1 << 30


def put(path: Path, content: str, replaces: str | None, mode: int = 0o644) -> tuple[int, bytes]:
    write = WriteFile(path=str(path), content=content, replaces=replaces, mode=mode)
    output = HOST.run(write)
    return output.exit_code, output.stderr


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "zfs.conf"
    assert put(path, "one\n", None, 0o640) == (0, b"")
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o600)
    assert put(path, "tw\u00f6\r\n", "one\n") == (0, b"")
    assert path.read_bytes() == "tw\u00f6\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600  # what an admin has closed stays closed
    assert os.listdir(tmp_path) == ["zfs.conf"]


@pytest.mark.parametrize(
    ("there", "replaces"),
    [("one\n", "two\n"), ("one\n", None), (None, "one\n"), ("one\r\n", "one\n"), ("", None)],
)
def test_a_file_that_was_changed_is_left_as_it_is(
    there: str | None, replaces: str | None, tmp_path: Path
) -> None:
    """A changed line end is a change, and an empty file is a file."""
    path = tmp_path / "zfs.conf"
    if there is not None:
        path.write_bytes(there.encode())
    code, said = put(path, "new\n", replaces)
    assert code == 1
    assert b"left as it is" in said
    assert (path.read_bytes().decode() if path.exists() else None) == there


def test_a_symbolic_link_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody keeps the file elsewhere; neither place is what the plan shows."""
    (tmp_path / "kept").write_text("one\n")
    (tmp_path / "zfs.conf").symlink_to(tmp_path / "kept")
    code, said = put(tmp_path / "zfs.conf", "new\n", "one\n")
    assert code == 1
    assert b"symbolic link" in said
    assert (tmp_path / "kept").read_text() == "one\n"
    assert (tmp_path / "zfs.conf").is_symlink()


def test_a_folder_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    code, said = put(tmp_path / "none" / "x", "new\n", None)
    assert code == 1
    assert b"No such file" in said


@pytest.mark.parametrize("content", [b"data" * 4096, None])
def test_what_is_no_block_device_is_not_zeroed(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    if content is not None:
        path.write_bytes(content)
    output = HOST.run(Zero(path=str(path), identity="serial:A:16384", ranges=((0, 4096),)))
    assert output.exit_code == 1
    assert b"nothing was written" in output.stderr
    assert content is None or path.read_bytes() == content


def sysfs(folder: Path, **files: bytes) -> Path:
    """A device's folder; `_` in a name stands for `/` once, as in device_serial."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        path = folder / name.replace("device_", "device/").replace("dm_", "dm/")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("same", "identity", "files"),
    [
        (True, "serial:DISK1", {"serial": b"DISK1"}),
        (False, "serial:DISK1", {"serial": b"DISK12"}),
        (False, "serial:DISK1", {"serial": b"XDISK1"}),
        (False, "serial:1", {"device_wwid": b"t10.ATA     QEMU HARDDISK   QM00001 "}),
        (True, "serial:QM00001", {"device_wwid": b"t10.ATA     QEMU HARDDISK   QM00001 "}),
        (True, "serial:Z1D5ABCD", {"device_vpd_pg80": b"\0\x80\0\x14            Z1D5ABCD"}),
        (True, "wwn:0x5000c500a1b2c3d1", {"device_wwid": b"naa.5000c500a1b2c3d1\n"}),
        (False, "wwn:0x5000c500a1b2c3d1", {"device_wwid": b"naa.5000c500a1b2c3d2\n"}),
        (
            True,
            "wwn:0x5000c500a1b2c3d1",
            {"device_vpd_pg83": b"\0\x83\0\x0c\x01\x03\0\x08" + bytes.fromhex("5000c500a1b2c3d1")},
        ),
        (True, "eui:0025385b11b2c3d4", {"wwid": b"eui.0025385b11b2c3d4\n"}),
        (True, "serial:S4EW/2", {"device_serial": b"S4EW                \n", "nsid": b"2\n"}),
        (False, "serial:S4EW/2", {"device_serial": b"S4EW                \n", "nsid": b"1\n"}),
        (False, "serial:S4EW/2", {"device_serial": b"S4EW                \n"}),
        (False, "serial:QM00000000000000001", {"serial": b"QM00000000000000001X"}),
        (True, "serial:A/B", {"serial": b"A/B"}),
        (True, "wwn:0x600140512345678a", {"dm_uuid": b"mpath-3600140512345678a\n"}),
        (False, "serial:DISK1", {}),
        (False, "serial:", {"serial": b""}),
        (False, "serial:--", {"serial": b"anything"}),
    ],
)
def test_a_disk_says_who_it_is(
    same: bool, identity: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    """By sysfs, on the opened device; a short serial is never found within another."""
    why = answers_otherwise(f"{identity}:{GIB}", GIB, sysfs(tmp_path, **files))
    assert (why == "") is same


def test_a_lun_tells_disks_of_one_serial_apart(tmp_path: Path) -> None:
    """The last number of the SCSI address that the device's link leads to."""
    device = sysfs(tmp_path / "block", serial=b"ARRAY")
    scsi = tmp_path / "2:0:0:3"
    scsi.mkdir()
    (device / "device").symlink_to(scsi)
    assert answers_otherwise(f"serial:ARRAY/3:{GIB}", GIB, device) == ""
    assert "another disk" in answers_otherwise(f"serial:ARRAY/1:{GIB}", GIB, device)


def test_another_size_is_another_disk(tmp_path: Path) -> None:
    place = sysfs(tmp_path, serial=b"DISK1")
    assert answers_otherwise(f"serial:DISK1:{GIB}", GIB, place) == ""
    assert "the plan says" in answers_otherwise(f"serial:DISK1:{GIB}", GIB + 512, place)


def test_a_tool_that_is_not_there_is_an_answer() -> None:
    output = HOST.run(Run(argv=("no-such-tool-of-ours",)))
    assert output.exit_code == 1
    assert b"not installed" in output.stderr


def test_a_tool_that_hangs_is_ended_with_its_children(
    tmp_path: Path,
) -> None:
    """Else a child goes on writing after the run was said to have stopped. This spawns."""
    script = f"(sleep 2; touch {tmp_path}/late) & wait"
    with pytest.raises(HostError, match="no end after"):
        HOST.run(Run(argv=("sh", "-c", script), timeout_s=0.5))
    time.sleep(2.5)
    assert not (tmp_path / "late").exists()


def test_ctrl_c_does_not_end_a_tool_that_changes_something() -> None:
    """A terminal sends SIGINT to the whole process group; the tool is in another. This spawns:
    process groups are what it is about."""
    output = HOST.run(Run(argv=("python3", "-c", "import os; print(os.getpgrp())")))
    assert output.exit_code == 0
    assert int(output.stdout) != os.getpgrp()
