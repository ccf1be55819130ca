"""ZFS labels from bytes: those that real OpenZFS wrote, held against its own zdb."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_plan.hosts.recorded_labels import labels_of
from phoenix_plan.probes.inspector import inspect_disk
from phoenix_plan.probes.inspector_labels import Malformed, label_content, label_offsets, unpack
from tests.probes.devices import (
    LABEL,
    LABELS,
    MIB,
    device,
    label_places,
    label_with,
    pack_native,
    pack_xdr,
    real_label,
)

SIZE = 64 * MIB
REAL = sorted(
    (path.parent.name, path.name.removesuffix(".zdb.txt")) for path in LABELS.glob("*/*.zdb.txt")
)

LEAF = {"type": "disk", "id": 0, "guid": 11, "path": "/dev/sda1", "whole_disk": 1}
MIRROR = {
    "type": "mirror",
    "id": 1,
    "guid": 7,
    "ashift": 12,
    "is_log": 0,
    "children": [LEAF, {**LEAF, "id": 1, "guid": 2**64 - 1, "path": "/dev/sdb1"}],
}
NVLIST: dict[str, Any] = {
    "version": 5000,
    "name": "tänk",
    "state": 1,
    "txg": 63,
    "pool_guid": 2**64 - 2,
    "hostid": 0xABC,
    "hostname": "pve1",
    "top_guid": 7,
    "guid": 11,
    "vdev_children": 3,
    "hole_array": [1],
    "vdev_tree": MIRROR,
    "features_for_read": {"com.delphix:hole_birth": 0},
}
EXPECTED = {
    "state": "exported",
    "pool": "tänk",
    "pool_guid": str(2**64 - 2),
    "guid": "11",
    "top_guid": "7",
    "txg": "63",
    "hostid": "00000abc",
    "hostname": "pve1",
    "ashift": 12,
    "top_level": 2,
}


def on_disk(tmp_path: Path, label: bytes, copies: range = range(4)) -> dict[str, Any]:
    content = dict.fromkeys(label_places(0, SIZE, copies), label)
    return inspect_disk(str(device(tmp_path / "disk", SIZE, content)), None)


@pytest.mark.parametrize(("version", "what"), REAL)
def test_real_label_reads_as_zdb_reads_it(version: str, what: str, tmp_path: Path) -> None:
    """Bytes that OpenZFS wrote, through this parser and through zdb's text: the same."""
    text = (LABELS / version / f"{what}.zdb.txt").read_text()
    (expected,) = labels_of(text, 0, what)
    assert on_disk(tmp_path, real_label(version, what))["labels"] == [expected]


@pytest.mark.parametrize("version", ["2.3.9", "2.1.11"])
def test_spare_and_cache_are_labels(version: str, tmp_path: Path) -> None:
    """They name no pool, no transaction group, no tree; `zpool create` overwrites them."""
    for what in ("spare", "l2cache"):
        disk = on_disk(tmp_path, real_label(version, what))
        (label,) = disk["labels"]
        assert (label["state"], label["pool"], label["tree"]) == (what, "", None)
        assert label["guid"]
        assert disk["emptiness"] == "occupied"


@pytest.mark.parametrize(
    "packed",
    [pack_xdr(NVLIST), pack_native(NVLIST, "<"), pack_native(NVLIST, ">")],
    ids=["xdr", "native little", "native big"],
)
def test_made_up_label(packed: bytes, tmp_path: Path) -> None:
    """Both encodings, both byte orders; GUIDs of 64 bits; a name that is no ASCII."""
    (label,) = on_disk(tmp_path, label_with(packed))["labels"]
    tree = label["tree"]
    assert {key: label[key] for key in EXPECTED} == EXPECTED
    assert label["copies"] == [0, 1, 2, 3]
    assert (tree["type"], tree["index"], tree["guid"]) == ("mirror", 1, "7")
    assert [child["guid"] for child in tree["children"]] == ["11", str(2**64 - 1)]
    assert [child["path"] for child in tree["children"]] == ["/dev/sda1", "/dev/sdb1"]


def test_label_without_a_hostid(tmp_path: Path) -> None:
    """A host id of 0 is left out of labels: the last user is not known, and not host 0."""
    nvlist = {key: value for key, value in NVLIST.items() if key != "hostid"}
    (label,) = on_disk(tmp_path, label_with(pack_xdr(nvlist)))["labels"]
    assert label["hostid"] == ""


@pytest.mark.parametrize("copies", [range(1), range(1, 2), range(2, 3), range(3, 4), range(2, 4)])
def test_any_copy_is_found(copies: range, tmp_path: Path) -> None:
    (label,) = on_disk(tmp_path, real_label("2.3.9", "spare"), copies)["labels"]
    assert label["copies"] == list(copies)


@pytest.mark.parametrize(
    "size", [SIZE, SIZE + 512, SIZE + LABEL - 512], ids=["aligned", "one sector", "nearly a label"]
)
def test_labels_at_the_end_are_aligned_down(size: int) -> None:
    """ZFS rounds a vdev's size down to 256 KiB before it counts back (`vdev_open`)."""
    assert label_offsets(size)[2:] == [SIZE - 2 * LABEL, SIZE - LABEL]


DAMAGED = {
    "cut short": pack_xdr(NVLIST)[:200],
    "a pair longer than the label": pack_xdr({"state": 1}).replace(
        b"\0\0\0\x28", b"\x7f\xff\xff\xff", 1
    ),
    "a state that is not known": pack_xdr({**NVLIST, "state": 9}),
    "no guid": pack_xdr({"state": 1}),
    "a name that is a number": pack_xdr({**NVLIST, "name": 5}),
    "children that are numbers": pack_xdr({**NVLIST, "vdev_tree": {**MIRROR, "children": [5]}}),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_label_is_a_signature(damage: str, tmp_path: Path) -> None:
    """A label that does not parse is no silence: somebody's pool may be behind it."""
    disk = on_disk(tmp_path, label_with(DAMAGED[damage], uberblocks=False))
    assert disk["labels"] == []
    assert {row["type"] for row in disk["signatures"]} == {"zfs_member"}
    assert len(disk["signatures"]) == 4
    assert disk["emptiness"] == "occupied"


@pytest.mark.parametrize("at", [16384 - 40, 128 * 1024 - 40, 128 * 1024, 255 * 1024])
@pytest.mark.parametrize("order", ["little", "big"])
def test_traces_of_a_label(at: int, order: Any, tmp_path: Path) -> None:
    """Uberblocks and checksum trailers, in either byte order, are what a wipe can leave."""
    magic = 0x00BAB10C if at >= 128 * 1024 else 0x0210DA7AB10C7A11
    label = b"\0" * at + magic.to_bytes(8, order)
    disk = on_disk(tmp_path, label, range(3, 4))
    assert [row["type"] for row in disk["signatures"]] == ["zfs_member"]
    assert disk["signatures"][0]["offset"] == SIZE - LABEL + at


def nested(depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = dict(LEAF)
    for _ in range(depth):
        tree = {"type": "mirror", "guid": 1, "children": [tree]}
    return {**NVLIST, "vdev_tree": tree}


def test_deep_nesting_is_malformed() -> None:
    """Real trees are four deep; thousands of levels would exhaust the stack."""
    assert label_content(unpack(pack_xdr(nested(4))))["tree"]
    for depth in (13, 100):
        with pytest.raises(Malformed):
            unpack(pack_xdr(nested(depth)))


def test_lists_that_overlap_end_soon() -> None:
    """Pairs whose nested list runs past their end would have the bytes behind them read again at
    every level: twice as often for each of the levels, over thousands of pairs."""
    name = b"\0\0\0\1a\0\0\0"
    nested_list = b"\0\0\0\x20" * 2 + name + b"\0\0\0\x13\0\0\0\1" + b"\0" * 7 + b"\1"
    number = b"\0\0\0\x20" * 2 + name + b"\0\0\0\x08\0\0\0\1" + b"\0" * 8
    packed = b"\1\1\0\0" + b"\0" * 7 + b"\1" + nested_list * 11 + number * 3000 + b"\0" * 8
    started = time.monotonic()
    with pytest.raises(Malformed):
        unpack(packed)
    # Minutes, where every level is read again; the limit leaves room for a busy machine.
    assert time.monotonic() - started < 30


@settings(max_examples=300, deadline=500)
@given(st.sampled_from([b"\1\1\0\0", b"\0\1\0\0", b"\0\0\0\0", b""]), st.binary(max_size=2000))
def test_noise_never_crashes(head: bytes, noise: bytes) -> None:
    try:
        content = label_content(unpack(head + noise))
    except Malformed:
        return
    json.dumps(content)


@settings(max_examples=300, deadline=500)
@given(
    st.sampled_from([pack_xdr(NVLIST), pack_native(NVLIST, "<"), pack_native(NVLIST, ">")]),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_flipped_bytes_never_crash(packed: bytes, flips: list[tuple[int, int]]) -> None:
    """A label that is nearly right is read, or is malformed; its answer is always JSON."""
    data = bytearray(packed)
    for at, value in flips:
        data[at % len(data)] = value
    try:
        content = label_content(unpack(bytes(data)))
    except Malformed:
        return
    json.dumps(content)
