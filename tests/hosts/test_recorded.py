"""A recording answers as the host would have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_plan.commands import Content, Contents, Glob, Output, Paths, Query, ReadFile, ReadFiles
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.hosts.recording import Recording
from tests.recordings import NEW, RECORDINGS, name_of

FILE = ReadFile(path="/any")
NARROW = (
    "NAME,KNAME,PATH,TYPE,SIZE,MODEL,SERIAL,WWN,TRAN,ROTA,RO,RM,FSTYPE,LABEL,UUID,PARTTYPE,"
    "PARTLABEL,PARTUUID,PTTYPE,MOUNTPOINTS,PKNAME,LOG-SEC,PHY-SEC"
)


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_a_narrow_lsblk_is_the_recorded_one(folder: Path) -> None:
    """Both were recorded: every column as `-p -o` printed it, children too."""
    query = Query(argv=("lsblk", "-J", "-b", "-p", "-o", NARROW))
    answer = RecordedHost(folder).answer("lsblk", query)
    assert isinstance(answer, Output)
    recorded = json.loads((folder / "lsblk-narrow.out").read_bytes())
    assert json.loads(answer.stdout) == recorded


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_the_host_id_is_the_one_in_the_labels(folder: Path) -> None:
    """hostid(1) and what ZFS wrote agree, so its bytes may stand for /etc/hostid."""
    host = RecordedHost(folder)
    answer = host.answer("hostid", FILE)
    assert isinstance(answer, Content)
    assert answer.data is not None
    expected = int.from_bytes(answer.data, "little")
    labels = [path.read_text() for path in folder.glob("zdb-l-*.out")]
    seen = {line.split()[1] for text in labels for line in text.splitlines() if "hostid:" in line}
    assert seen <= {str(expected)}
    assert host.answer("spl-hostid", FILE) == Content(data=b"0\n")


def test_links_lead_to_devices() -> None:
    """Relative targets are resolved as the kernel would."""
    answer = RecordedHost(NEW / "01-blank").answer("dev-links", Glob(pattern="/dev/disk/by-*/*"))
    assert isinstance(answer, Paths)
    assert ("/dev/disk/by-id/virtio-DISK1", "/dev/vdb") in answer.entries
    assert len(answer.entries) == 10


def make(tmp_path: Path, files: dict[str, str]) -> Path:
    """A recording of these files; returns the folder `scenario`."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "scenario"


def test_made_up_files_are_looked_for_inside_first_then_beside(tmp_path: Path) -> None:
    """And then where `recording` leads, likewise."""
    folder = make(
        tmp_path,
        {
            "scenario/recording": "../base/one\n",
            "scenario/made-up/hostname": "inside\n",
            "made-up/hostname": "beside\n",
            "made-up/fstab": "beside\n",
            "base/one/made-up/fstab": "far\n",
            "base/one/made-up/crypttab": "far\n",
            "base/made-up/jobs.cfg": "farther\n",
            "base/one/swaps.out": "recorded\n",
        },
    )
    host = RecordedHost(folder)
    expected = {
        "hostname": b"inside\n",
        "fstab": b"beside\n",
        "crypttab": b"far\n",
        "jobs": b"farther\n",
        "swaps": b"recorded\n",
    }
    found = {probe: host.answer(probe, FILE) for probe in expected}
    assert found == {probe: Content(data=data) for probe, data in expected.items()}


def test_folders_of_made_up_files_do_not_mix(tmp_path: Path) -> None:
    """The first place that has guests has all of them."""
    folder = make(
        tmp_path,
        {
            "scenario/made-up/guests/pve1/qemu-server/100.conf": "a",
            "made-up/guests/pve1/lxc/101.conf": "b",
            "made-up/modprobe.d/zfs.conf": "c",
            "made-up/absent": "iscsi\nguests\n",
        },
    )
    host = RecordedHost(folder)
    files = ReadFiles(pattern="/any")
    assert host.answer("qemu-configs", files) == Contents(
        files=(("/etc/pve/nodes/pve1/qemu-server/100.conf", b"a"),)
    )
    assert host.answer("lxc-configs", files) == Contents(files=())
    assert host.answer("iscsi", files) == Contents(files=())
    assert host.answer("modprobe", files) == Contents(files=(("/etc/modprobe.d/zfs.conf", b"c"),))


def test_what_is_nowhere_was_not_recorded(tmp_path: Path) -> None:
    """Never an empty answer; absent is what is called so."""
    folder = make(tmp_path, {"scenario/made-up/absent": "fstab\ndpkg.tsv\n"})
    host = RecordedHost(folder)
    assert host.answer("fstab", FILE) == Content(data=None)
    package = host.answer("dpkg", FILE)
    assert isinstance(package, Output)
    assert package.missing
    for probe in (
        "crypttab",
        "qemu-configs",
        "mounts",
        "swaps",
        "dev-links",
        "lsblk",
        "unheard-of",
    ):
        with pytest.raises(HostError, match="was not recorded"):
            host.answer(probe, Query(argv=("lsblk", "-o", "NAME")))


def test_a_file_that_cat_did_not_find(tmp_path: Path) -> None:
    """No md in the kernel is an answer; any other failure is an error."""
    missing = "cat: /proc/mdstat: No such file or directory\n"
    folder = make(
        tmp_path,
        {
            "scenario/mdstat.out": "",
            "scenario/mdstat.err": missing,
            "scenario/swaps.out": "",
            "scenario/swaps.err": "cat: /proc/swaps: Permission denied\n",
            "scenario/commands.tsv": "mdstat\t1\tcat /proc/mdstat\nswaps\t1\tcat /proc/swaps\n",
        },
    )
    assert RecordedHost(folder).answer("mdstat", FILE) == Content(data=None)
    with pytest.raises(HostError, match="Permission denied"):
        RecordedHost(folder).answer("swaps", FILE)


def test_an_extra_mount_stands_behind_the_recorded_ones(tmp_path: Path) -> None:
    """pmxcfs is made up, the rest is as it was."""
    folder = make(tmp_path, {"scenario/mounts.out": "a\n", "scenario/made-up/mounts-extra": "b\n"})
    assert RecordedHost(folder).answer("mounts", FILE) == Content(data=b"a\nb\n")


def test_a_link_to_nowhere_or_in_a_circle(tmp_path: Path) -> None:
    """A circle ends, a wrong link is an error."""
    folder = make(tmp_path, {"scenario/recording": "../gone"})
    with pytest.raises(HostError, match="no such recording"):
        Recording(folder)
    (folder / "recording").write_text("../scenario")
    assert Recording(folder).output("x") is None


def test_a_broken_table_of_commands(tmp_path: Path) -> None:
    """The exit status of a recorded tool is never guessed."""
    folder = make(tmp_path, {"scenario/x.out": "", "scenario/commands.tsv": "x\tzero\n"})
    with pytest.raises(HostError, match=r"commands\.tsv:1"):
        Recording(folder).output("x")
