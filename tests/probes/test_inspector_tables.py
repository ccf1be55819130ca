"""Partition tables: GPT, its copies, MBR and what lies between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_plan.probes.inspector import inspect_disk
from tests.probes.devices import LINUX, MIB, device, gpt, image, mbr_entry

SIZE = 64 * MIB
ONE = [(1, MIB, 8 * MIB, LINUX, "first"), (128, 9 * MIB, MIB, LINUX, "zuletzt — ü")]


def look(path: Path) -> dict[str, Any]:
    return inspect_disk(str(path), None)


def rows(disk: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (part["number"], part["start"], part["size"], part["type"], part["label"])
        for part in disk["partitions"]
    ]


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize(
    ("copies", "table"), [("both", "gpt"), ("primary", "gpt"), ("backup", "backup-gpt")]
)
def test_gpt(sector: int, copies: str, table: str, tmp_path: Path) -> None:
    content = gpt(SIZE, ONE, sector=sector, copies=copies, protective=copies != "backup")
    disk = look(device(tmp_path / "disk", SIZE, content))
    assert disk["table"] == table
    assert rows(disk) == [
        (1, MIB, 8 * MIB, LINUX, "first"),
        (128, 9 * MIB, MIB, LINUX, "zuletzt — ü"),
    ]
    assert disk["partitions"][0]["partuuid"] == "00000000-0000-0000-0000-000000000001"


def test_damaged_primary_leaves_the_backup(tmp_path: Path) -> None:
    """A checksum that does not fit is no table; the copy at the end is one."""
    content = gpt(SIZE, ONE)
    content[512] = content[512][:40] + b"\xff" + content[512][41:]
    disk = look(device(tmp_path / "disk", SIZE, content))
    assert (disk["table"], len(disk["partitions"])) == ("backup-gpt", 2)
    assert (512, "gpt") in {(row["offset"], row["type"]) for row in disk["signatures"]}


def test_damaged_entries_are_no_table(tmp_path: Path) -> None:
    content = gpt(SIZE, ONE, copies="primary")
    content[1024] = content[1024][:60] + b"\xff" + content[1024][61:]
    disk = look(device(tmp_path / "disk", SIZE, content))
    assert disk["table"] == "mbr"
    assert [row["type"] for row in disk["signatures"]] == ["PMBR", "gpt"]


def test_backup_of_a_disk_that_has_grown(tmp_path: Path) -> None:
    """The backup stays where the end was; the primary says where."""
    disk = look(device(tmp_path / "disk", 2 * SIZE, gpt(SIZE, ONE)))
    assert disk["table"] == "gpt"
    assert SIZE - 512 in {row["offset"] for row in disk["signatures"]}


def test_as_sfdisk_made_it(tmp_path: Path) -> None:
    """sfdisk's own GPT; and its MBR with two logical partitions."""
    size, content, _ = image("gpt")
    disk = look(device(tmp_path / "gpt", size, content))
    assert rows(disk) == [
        (1, 2048 * 512, 40960 * 512, LINUX, "first"),
        (2, 43008 * 512, 20480 * 512, LINUX, "second"),
    ]
    size, content, _ = image("mbr")
    disk = look(device(tmp_path / "mbr", size, content))
    assert [(part[0], part[3]) for part in rows(disk)] == [
        (1, "0x83"),
        (2, "0x05"),
        (5, "0x83"),
        (6, "0x82"),
    ]
    assert rows(disk)[2][1:3] == (24576 * 512, 20480 * 512)
    assert disk["partitions"][2]["partuuid"].endswith("-05")


def test_backup_as_sfdisk_made_it(tmp_path: Path) -> None:
    size, content, _ = image("gptbackup")
    disk = look(device(tmp_path / "disk", size, content))
    assert (disk["table"], len(disk["partitions"])) == ("backup-gpt", 2)


def test_extended_chain_that_loops(tmp_path: Path) -> None:
    """A chain that leads back to itself ends."""
    content = {446: mbr_entry(0x05, 2048, 4096), 510: b"\x55\xaa"}
    at = 2048 * 512
    content[at + 446] = mbr_entry(0x83, 8, 16)
    content[at + 462] = mbr_entry(0x05, 0, 16)
    content[at + 510] = b"\x55\xaa"
    assert [row[0] for row in rows(look(device(tmp_path / "disk", SIZE, content)))] == [1, 5]


def test_hybrid_mbr_is_searched_too(tmp_path: Path) -> None:
    """What an MBR names beside a GPT is looked into, though it is no partition of the GPT's."""
    content = gpt(SIZE, ONE)
    content[462] = mbr_entry(0x83, 40 * 2048, 8 * 2048)
    content[40 * MIB] = b"XFSB"
    disk = look(device(tmp_path / "disk", SIZE, content))
    assert disk["table"] == "gpt"
    found = {(row["part"], row["offset"], row["type"]) for row in disk["signatures"]}
    assert {(0, 0x1FE, "PMBR"), (0, 0x1FE, "dos"), (0, 40 * MIB, "xfs")} <= found


def test_boot_sector_of_a_file_system_is_no_table(tmp_path: Path) -> None:
    size, content, _ = image("vfat")
    disk = look(device(tmp_path / "disk", size, content))
    assert (disk["table"], disk["partitions"]) == ("", [])
    assert "dos" not in {row["type"] for row in disk["signatures"]}


def test_boot_code_without_partitions_is_a_signature(tmp_path: Path) -> None:
    disk = look(device(tmp_path / "disk", SIZE, {0: b"\xfa\x33\xc0", 510: b"\x55\xaa"}))
    assert [(row["offset"], row["type"]) for row in disk["signatures"]] == [(0x1FE, "dos")]
    assert disk["emptiness"] == "occupied"


def test_partition_beyond_the_end_does_no_harm(tmp_path: Path) -> None:
    """A table of a larger disk, as a clone on a smaller one has it."""
    content = gpt(2 * SIZE, [(1, MIB, 100 * MIB, LINUX, ""), (2, 110 * MIB, MIB, LINUX, "")])
    front = {at: data for at, data in content.items() if at < SIZE}
    disk = look(device(tmp_path / "disk", SIZE, front))
    assert len(disk["partitions"]) == 2
    assert disk["unknown"] == []


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=446, max_size=510),
    st.dictionaries(st.integers(512, 18000), st.binary(min_size=1, max_size=64), max_size=8),
)
def test_hostile_tables_never_crash(
    tmp_path_factory: pytest.TempPathFactory, boot: bytes, noise: dict[int, bytes]
) -> None:
    content = gpt(SIZE, ONE) | {0: boot.ljust(510, b"\0") + b"\x55\xaa"} | noise
    disk = look(device(tmp_path_factory.mktemp("disk") / "disk", SIZE, content))
    assert disk["emptiness"] == "occupied"
    assert disk["unknown"] == []
