"""What narrow ZFS probes would have seen, from recordings of wide ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.recorded_zfs import ZFS_ANSWERS
from phoenix_plan.hosts.recording import Recording
from tests.recordings import NEW, OLD, RECORDINGS, name_of, snapshot_guid


def asked(folder: Path, probe: str, *columns: str) -> list[list[str]]:
    """The rows that a probe with these columns gets."""
    query = Query(argv=("zfs", "any", "-o", ",".join(columns), "all"))
    output = ZFS_ANSWERS[probe](Recording(folder), query)
    assert (output.exit_code, output.stderr) == (0, b"")
    return [line.split("\t") for line in output.stdout.decode().split("\n")[:-1]]


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_the_listing_is_the_recorded_one(folder: Path) -> None:
    """Asked for the columns that were recorded, it is `zfs list` to the byte."""
    columns = "name,type,used,available,referenced,mountpoint,mounted,origin,usedbysnapshots,guid"
    recorded = (folder / "zfs-list.out").read_text(encoding="utf-8")
    rows = asked(folder, "zfs-list", *columns.split(","))
    assert "".join("\t".join(row) + "\n" for row in rows) == recorded


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_what_is_set_agrees_with_the_source(folder: Path) -> None:
    """Local and received properties alone, user properties too."""
    recorded = [
        line.split("\t")
        for line in (folder / "zfs-get.out").read_text(encoding="utf-8").splitlines()
    ]
    assert asked(folder, "zfs-get-set", "name", "property", "value") == [
        row[:3] for row in recorded if row[3] in ("local", "received")
    ]


def test_columns_are_those_asked_for() -> None:
    """In the order of the command, `-` where a property does not apply."""
    folder = NEW / "02-mirror-and-single"
    rows = asked(folder, "zfs-list", "volsize", "name")
    assert ["33554432", "quickOS/vm-disks/vm-100-disk-0"] in rows
    assert ["-", "quickOS"] in rows


def test_snapshots_have_no_holds() -> None:
    """Holds were not recorded: 0 is made up."""
    folder = NEW / "02-mirror-and-single"
    assert asked(folder, "zfs-list-snapshots", "name", "guid", "userrefs") == [
        ["quickOS/vm-disks@daily", snapshot_guid(folder, "quickOS/vm-disks@daily"), "0"]
    ]


def test_bookmarks_are_no_snapshots(tmp_path: Path) -> None:
    """They were recorded in one list."""
    (tmp_path / "zfs-list-snap.out").write_text("tank@a\t0\t1\ntank#b\t-\t2\n")
    assert asked(tmp_path, "zfs-list-snapshots", "name", "guid") == [["tank@a", "1"]]


def test_json_where_it_was_recorded() -> None:
    """2.3 answers with its document, 2.1 refuses the option as the tool does."""
    query = Query(argv=("zpool", "status", "-j", "-P"))
    newer = Recording(NEW / "15-draid")
    assert "tank2" in json.loads(ZFS_ANSWERS["zpool-status-json"](newer, query).stdout)["pools"]
    older = Recording(OLD / "15-draid")
    assert ZFS_ANSWERS["zpool-status-json"](older, query) == Output(
        exit_code=2, stdout=b"", stderr=b"invalid option 'j'\nusage:\n"
    )


def test_none_is_as_recorded() -> None:
    """Where there is no pool, stderr and exit status are the tool's own."""
    blank = Recording(OLD / "01-blank")
    query = Query(argv=("zpool", "import"))
    assert ZFS_ANSWERS["zpool-import"](blank, query) == Output(
        exit_code=0, stdout=b"", stderr=b"no pools available to import\n"
    )


@pytest.mark.parametrize("probe", sorted(ZFS_ANSWERS))
def test_what_was_not_recorded(probe: str, tmp_path: Path) -> None:
    """An empty folder answers nothing: never an empty answer."""
    query = Query(argv=("zfs", "any", "-o", "name", "all"))
    with pytest.raises(HostError, match="was not recorded"):
        ZFS_ANSWERS[probe](Recording(tmp_path), query)


def test_a_damaged_recording(tmp_path: Path) -> None:
    """A line with another number of fields is an error with its place."""
    (tmp_path / "zfs-list.out").write_text("")
    (tmp_path / "zfs-get.out").write_text("tank\ttype\tfilesystem\t-\ntank\tused\n")
    with pytest.raises(HostError, match=r"zfs-get\.out:2: not 4 fields"):
        asked(tmp_path, "zfs-list", "name")


def test_a_command_without_columns() -> None:
    """Nothing is assumed of what a command prints by default."""
    folder = Recording(NEW / "02-mirror-and-single")
    with pytest.raises(HostError, match="named columns alone"):
        ZFS_ANSWERS["zfs-list"](folder, Query(argv=("zfs", "list")))
