"""`zpool status` as text: every wording of 2.1 to 2.4, and nothing else."""

from __future__ import annotations

import pytest

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Activity
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.probes.zfs_recordings import DATA, printed
from tests.probes.zfs_texts import one_pool, parsed, parsed_file, view, with_guids

OLD = parsed_file("status-2.1-wordings.txt")
NEW = parsed_file("status-2.4-wordings.txt")

DISK = "\t  /dev/a  ONLINE       0     0     0\n"


@pytest.mark.parametrize(
    ("activities", "pool"),
    [
        ([], "never"),
        ([("scrub", "paused")], "paused"),
        ([("scrub", "running")], "scrubbing"),
        ([("resilver", "running"), ("scrub", "finished")], "rebuilding"),
        ([("remove", "canceled"), ("resilver", "canceled"), ("resilver", "finished")], "rebuilt"),
        ([("scrub", "canceled")], "stopped"),
        ([("resilver", "canceled")], "hung"),
        ([("expand", "paused"), ("resilver", "finished")], "waiting"),
        ([("expand", "running"), ("scrub", "paused")], "slow"),
        ([("scrub", "running")], "errorscrub"),
        ([("scrub", "paused")], "errorscrubpaused"),
        ([("scrub", "finished")], "errorscrubbed"),
        ([("scrub", "canceled")], "errorscrubstopped"),
    ],
)
def test_activities(activities: list[tuple[str, str]], pool: str) -> None:
    """Scrubs, resilvers, rebuilds, removals and expansions, in every state."""
    found = (OLD | NEW)[pool].activities
    assert activities == [(activity.kind, activity.state) for activity in found]


@pytest.mark.parametrize(
    ("expected", "pool"),
    [
        (("ONLINE", True, ""), "scrubbing"),
        (("SUSPENDED", False, "2 data errors"), "hung"),
        (("FAULTED", False, ""), "lost"),
        (("ONLINE", False, ""), "my pool"),
    ],
)
def test_pool(expected: tuple[str, bool, str], pool: str) -> None:
    """Health, checkpoint and errors; a pool that can't be opened has no `errors:` line."""
    found = OLD[pool]
    assert expected == (found.state, found.checkpoint, found.errors)


def test_every_pool_is_read() -> None:
    """A pool without an `errors:` line does not swallow the next one."""
    listed = ["never", "paused", "scrubbing", "rebuilding", "rebuilt", "stopped", "hung", "lost"]
    assert [*listed, "my pool"] == list(OLD)


def test_distributed_spare() -> None:
    """A draid's spare is no device, in the tree and among the spares."""
    assert view(OLD["rebuilding"].vdevs) == [
        "normal draid1 DEGRADED draid1:2d:4c:1s-0",
        "  normal spare DEGRADED spare-0",
        "    normal disk UNAVAIL 1001 was /dev/disk/by-id/ata-A-part1",
        "    normal dspare ONLINE draid1-0-0",
        "  normal disk ONLINE /dev/disk/by-id/ata-B-part1",
        "  normal disk ONLINE /dev/disk/by-id/ata-C-part1",
        "  normal disk ONLINE /dev/disk/by-id/ata-D-part1",
        "spare dspare INUSE draid1-0-0 (currently in use)",
    ]
    assert OLD["rebuilding"].vdevs[0].children[0].children[1].path == ""


def test_a_missing_device() -> None:
    """Its name is its GUID, its path where it was last seen."""
    missing = OLD["rebuilding"].vdevs[0].children[0].children[0]
    where = "/dev/disk/by-id/ata-A-part1"
    assert (missing.guid, missing.path, missing.was) == ("1001", where, where)


def test_indirect_vdevs_are_left_out() -> None:
    """As JSON leaves them out; their neighbours keep their GUIDs."""
    assert [vdev.name for vdev in OLD["rebuilt"].vdevs] == ["mirror-0", "mirror-2"]
    trace = "\t  indirect-0  ONLINE       0     0     0\n"
    assert [vdev.guid for vdev in parsed(one_pool(trace + DISK))[0].vdevs] == ["2002"]


def test_scan_none_requested_is_no_activity() -> None:
    """Nor is a pool without a `scan:` line."""
    assert parsed(one_pool(DISK))[0].activities == ()


def test_one_form_for_slow_devices() -> None:
    """2.4 says `too many slow I/Os` where others say errors, and JSON tells them not apart."""
    assert NEW["slow"].vdevs[0].children[1].note == "too many errors"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, "huh\n"),
        (2, one_pool(DISK).replace("state: ONLINE", "state: PURPLE")),
        (2, "  pool: tank\nstatus: Fine.\n"),
        (3, one_pool(DISK, fields="mood: good\n")),
        (3, one_pool(DISK, fields="  scan: scrub pondered\n")),
        (3, one_pool(DISK, fields="  scan: scrub canceled on x\n\t12% mused\n")),
        (3, one_pool(DISK, fields="expand: resilver canceled on x\n")),
        (3, one_pool(DISK, fields="checkpoint: lost\n")),
        (4, one_pool(DISK, fields="status: a\nstatus: b\n")),
        (4, one_pool(DISK, fields="status: a\n    scan warning: beware\n")),
        (5, one_pool(DISK).replace("CKSUM", "CKSUM  SLOW")),
        (6, one_pool(DISK).replace("\ttank  ONLINE", "\tpond  ONLINE")),
        (7, one_pool(DISK.replace("ONLINE", "PURPLE"))),
        (7, one_pool(DISK.replace("     0     0     0", ""))),
        (7, one_pool(DISK.replace("     0\n", "     0  on fire\n"))),
        (7, one_pool(DISK.replace("     0\n", "     0  (musing)\n"))),
        (7, one_pool("\ttank  ONLINE       0     0     0\n" + DISK)),
        (7, one_pool("\ttoys\t\n" + DISK)),
        (7, one_pool(DISK.replace("  /dev", "      /dev"))),
        (7, one_pool(DISK.replace("/dev/a", "sda   "))),
        (7, one_pool(DISK.replace("/dev/a", "mirror-0"))),
        (8, one_pool(DISK + "  " + DISK)),
        (10, one_pool(DISK + "\tcache\n" + DISK + "\tlogs\t\n" + DISK)),
        (9, one_pool(DISK + "\tspares\n" + DISK.replace("ONLINE ", "AVAIL  "))),
        (9, one_pool(DISK, after="errors: many")),
        (9, one_pool(DISK, after="  pool")),
        (11, one_pool(DISK) + "\n dedup: 7\n"),
        (11, one_pool(DISK) + "\nhuh\n"),
        (6, "  pool: tank\n state: ONLINE\nconfig:\n\n\tNAME  STATE READ WRITE CKSUM\n\n"),
        (3, "  pool: tank\n state: ONLINE\nconfig: The configuration cannot be determined.\n"),
        (2, "  pool: tank\n state: ONLINE\n"),
    ],
)
def test_unknown_text(line: int, text: str) -> None:
    """Each line is known, or an error with its number."""
    with pytest.raises(ProbeError) as caught:
        parsed(text)
    assert (caught.value.line, caught.value.source) == (line, "zpool status -P")


@pytest.mark.parametrize(
    "change",
    [
        ("2002", "/dev/b"),
        ("1001", "1009"),
        ("\t  1001  ", "\t    1001"),
        ("UNAVAIL ", "OFFLINE "),
        ("/dev/c", "/dev/d"),
        ("tank", "pond"),
        ("\t  2001    ONLINE       0     0     0\n", ""),
        ("\tlogs\t\n", ""),
        ("\tlogs\t\n\t  2002    ONLINE       0     0     0\n", ""),
    ],
)
def test_two_trees_that_differ(change: tuple[str, str]) -> None:
    """GUIDs are taken from a tree of the same shape alone."""
    gone = "\t  1001  UNAVAIL      0     0     0  was /dev/c\n"
    text = one_pool(DISK + gone + "\tlogs\t\n" + DISK.replace("/dev/a", "/dev/l"))
    guids = with_guids(text)
    assert len(parse_status_text(printed(text), printed(guids))[0].vdevs) == 3
    assert change[0] in guids
    with pytest.raises(ProbeError, match="zpool status -g"):
        parse_status_text(printed(text), printed(guids.replace(*change)))


def test_no_pools() -> None:
    """Said on stderr, with exit status 0; silence is an error."""
    none = printed("", stderr="no pools available\n")
    assert parse_status_text(none, none) == ()
    with pytest.raises(ProbeError, match="printed nothing"):
        parse_status_text(printed(""), none)
    with pytest.raises(ProbeError, match="differ"):
        parse_status_text(none, printed(with_guids(one_pool(DISK))))
    with pytest.raises(ProbeError, match="differ"):
        parse_status_text(printed(one_pool(DISK)), none)


def test_status_is_prose() -> None:
    """On one line, without its indents."""
    text = (DATA / "status-degraded.paths.txt").read_text(encoding="utf-8")
    pool = parsed(text)[0]
    assert pool.status == (
        "One or more devices is currently being resilvered. The pool will continue to function,"
        " possibly in a degraded state."
    )
    assert pool.activities == (
        Activity(kind="discard", state="running"),
        Activity(kind="remove", state="running"),
        Activity(kind="resilver", state="running"),
    )
