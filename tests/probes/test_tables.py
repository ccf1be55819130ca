"""Mounts, swaps, fstab, crypttab, physical volumes and md arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phoenix_plan.commands import Content, Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.probes.tables import (
    MOUNTS,
    SWAPS,
    CryptEntry,
    MountEntry,
    mounts_by_target,
    parse_crypttab,
    parse_fstab,
    parse_mounts,
    parse_swaps,
)
from phoenix_plan.probes.volumes import MDSTAT, PVS, Member, parse_mdstat, parse_pvs
from tests.recordings import NEW, RECORDINGS, name_of

IN_USE = NEW / "18-foreign-in-use"
MIRROR = NEW / "02-mirror-and-single"


def content(folder: Path, probe: str) -> bytes | None:
    """What a recorded host says of a file."""
    answer = RecordedHost(folder).answer(probe, MOUNTS)
    assert isinstance(answer, Content)
    return answer.data


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_recorded_tables_parse(folder: Path) -> None:
    """Every recording, both versions."""
    mounts = parse_mounts(content(folder, "mounts"))
    assert MountEntry(source="/dev/vda", target="/", fstype="ext4") in mounts
    used = folder.name == "18-foreign-in-use"
    assert parse_swaps(content(folder, "swaps")) == (("/dev/vdf",) if used else ())
    arrays = (Member(device="/dev/vdh", owner="md0"),) if used else ()
    if folder.name != "17-foreign-signatures":  # there, too, mdadm had started it
        assert parse_mdstat(content(folder, "mdstat")) == arrays
    answer = RecordedHost(folder).answer("pvs", PVS)
    assert isinstance(answer, Output)
    assert [member.owner for member in parse_pvs(answer)] in ([], ["vg0"])


def test_a_blank_in_a_mountpoint() -> None:
    """Blanks are written in octal."""
    mounts = mounts_by_target(parse_mounts(content(MIRROR, "mounts")))
    assert mounts["/fastData/with space"] == "fastData/with space"


def test_the_last_mount_is_on_top() -> None:
    """A mountpoint that is mounted over shows what is seen there."""
    mounts = parse_mounts(b"/dev/sda1 /mnt ext4 rw 0 0\n/dev/sdb1 /mnt xfs rw 0 0\n")
    assert mounts_by_target(mounts) == {"/mnt": "/dev/sdb1"}
    assert len(mounts) == 2


def test_swaps() -> None:
    """Files are no devices; a deleted device is one still."""
    text = (
        b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        b"/swap.img                               file\t\t524284\t\t0\t\t-2\n"
        b"/dev/sdb2\\040(deleted)                 partition\t524284\t0\t-3\n"
    )
    assert parse_swaps(text) == ("/dev/sdb2",)
    assert parse_swaps(None) == ()


def test_fstab() -> None:
    """Tags, quotes, escapes, comments, short lines."""
    text = (
        b"# a comment\n\nUUID=0a-1 / ext4 defaults 0 1\n"
        b'LABEL="my\\040disk"\t/data\txfs\n/dev/sda2 none swap sw 0 0\n'
    )
    assert parse_fstab(text) == (
        MountEntry(source="UUID=0a-1", target="/", fstype="ext4"),
        MountEntry(source="LABEL=my disk", target="/data", fstype="xfs"),
        MountEntry(source="/dev/sda2", target="none", fstype="swap"),
    )
    assert parse_fstab(None) == ()


def test_crypttab() -> None:
    """Keys and headers can stand on devices of their own."""
    text = (
        b"#\ncrypt0 UUID=aa\n"
        b"c1 /dev/sdb /key:UUID=bb luks,header=/dev/sdc1,discard\nc2 /dev/sdd -\n"
    )
    assert parse_crypttab(text) == (
        CryptEntry(name="crypt0", devices=("UUID=aa",)),
        CryptEntry(name="c1", devices=("/dev/sdb", "/key", "UUID=bb", "/dev/sdc1")),
        CryptEntry(name="c2", devices=("/dev/sdd", "-")),
    )
    assert parse_crypttab(None) == ()


def test_mdstat() -> None:
    """Degraded, spare, failed, inactive, read-only: members all."""
    text = (
        b"Personalities : [raid1] [raid6] [raid5] [raid4] \n"
        b"md127 : active (auto-read-only) raid5 sdc1[2](S) sdb1[1](F) nvme0n1p1[0](W)(J)\n"
        b"      1046528 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]\n"
        b"      [=>...................]  recovery =  9.1% (48000/523264) finish=0.1min\n\n"
        b"md1 : inactive sdd[0](S)\n      1046528 blocks super 1.2\n       \n"
        b"unused devices: <none>\n"
    )
    found = {(member.device, member.owner) for member in parse_mdstat(text)}
    assert found == {
        ("/dev/sdc1", "md127"),
        ("/dev/sdb1", "md127"),
        ("/dev/nvme0n1p1", "md127"),
        ("/dev/sdd", "md1"),
    }
    assert parse_mdstat(None) == ()


def test_lvm_that_is_not_installed_has_no_volumes() -> None:
    """A documented absence; a physical volume that is gone is no device."""
    assert parse_pvs(Output(exit_code=127, stdout=b"", stderr=b"", missing=True)) == ()
    text = b'{"report":[{"pv":[{"pv_name":"[unknown]","vg_name":"vg0","pv_uuid":"x"}]}]}'
    assert parse_pvs(Output(exit_code=0, stdout=text, stderr=b"WARNING: missing")) == ()


@pytest.mark.parametrize(
    ("message", "parse"),
    [
        ("/proc/self/mounts:1: ", lambda: parse_mounts(b"/dev/sda /\n")),
        ("no such file", lambda: parse_mounts(None)),
        ("nothing is mounted", lambda: parse_mounts(b"")),
        ("/proc/swaps:1: ", lambda: parse_swaps(b"")),
        ("/proc/swaps:2: ", lambda: parse_swaps(b"Filename Type Size Used Priority\n/dev/sda x\n")),
        ("/etc/fstab:2: ", lambda: parse_fstab(b"\n/dev/sda1 /\n")),
        ("/etc/crypttab:1: ", lambda: parse_crypttab(b"crypt0\n")),
        ("/proc/mdstat:1: ", lambda: parse_mdstat(b"array 0: sda\n")),
        ("/proc/mdstat:1: ", lambda: parse_mdstat(b"md0 : active raid1 sda[0] sdb{1}\n")),
        ("exit status 5: no", lambda: parse_pvs(Output(exit_code=5, stdout=b"", stderr=b"no"))),
        ("not what pvs", lambda: parse_pvs(Output(exit_code=0, stdout=b"", stderr=b""))),
        (
            "not what pvs",
            lambda: parse_pvs(Output(exit_code=0, stdout=b'{"report":[{}]}', stderr=b"")),
        ),
    ],
)
def test_what_is_not_known_raises(message: str, parse: Callable[[], object]) -> None:
    """With file and line: a user that is not seen is a disk that looks free."""
    with pytest.raises(ProbeError, match=message):
        parse()


def test_swaps_and_mdstat_are_read_from_proc() -> None:
    """The reads that stand behind these parsers."""
    assert (SWAPS.path, MDSTAT.path) == ("/proc/swaps", "/proc/mdstat")
