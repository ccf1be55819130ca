"""What sections of storage.cfg mean, and which way a change goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_plan.model.proxmox import Reference, Storage
from phoenix_plan.model.storage_semantics import (
    Direction,
    boolean,
    canonical,
    content_of,
    differences,
    direction,
    is_enabled,
    meaning,
    nodes_of,
    property_string,
    retention,
    section_text,
    split_list,
    volume_dataset,
)
from phoenix_plan.model.storage_types import (
    CONTENT_TYPES,
    STORAGE_TYPES,
    is_fixed,
    is_option,
)
from phoenix_plan.probes.storage_cfg import parse_storage_cfg

RECORDINGS = Path(__file__).parents[2] / "fixtures/recordings"
PVESM: list[dict[str, Any]] = json.loads((RECORDINGS / "pvesm-9.1.7/transcript.json").read_text())


def storage(storage_type: str, **properties: str) -> Storage:
    return Storage(
        id="aa",
        type=storage_type,
        properties={key.replace("_", "-"): value for key, value in properties.items()},
    )


def options(argv: list[str]) -> dict[str, str]:
    """`--key value` pairs of a recorded command, `--digest` and `--delete` aside."""
    pairs = [(word[2:], argv[at + 1]) for at, word in enumerate(argv) if word.startswith("--")]
    return {key: value for key, value in pairs if key not in ("digest", "delete")}


DONE = [
    entry
    for entry in PVESM
    if entry["rc"] == 0 and entry["argv"][1] in ("add", "set") and options(entry["argv"])
]


@pytest.mark.parametrize("entry", DONE, ids=lambda entry: str(entry["note"]))
def test_what_pvesm_was_told_is_no_difference_afterwards(entry: dict[str, Any]) -> None:
    """Orders, defaults and recorded mountpoints aside; before a `set`, each was one."""
    argv = entry["argv"]
    name = argv[3] if argv[1] == "add" else argv[2]
    wanted = options(argv)
    after = parse_storage_cfg(entry["after"].encode(), "after")
    assert differences(next(s for s in after.storages if s.id == name), wanted) == ()
    if argv[1] == "set" and entry["before"] is not None:
        before = parse_storage_cfg(entry["before"].encode(), "before")
        found = differences(next(s for s in before.storages if s.id == name), wanted)
        assert {difference.key for difference in found} == set(wanted)


def test_the_types_are_those_that_pvesm_names() -> None:
    entry = next(entry for entry in PVESM if entry["note"] == "unknown type")
    named = entry["stderr"].partition("enumeration '")[2].partition("'")[0]
    assert set(split_list(named)) == set(STORAGE_TYPES)


@pytest.mark.parametrize("name", sorted(STORAGE_TYPES))
def test_a_type_is_in_itself_consistent(name: str) -> None:
    known = STORAGE_TYPES[name]
    assert known.required <= known.fixed | known.changeable
    assert known.content_default <= known.content <= CONTENT_TYPES


@pytest.mark.parametrize(
    ("fixed", "storage_type", "key"),
    [
        (True, "zfspool", "pool"),
        (False, "zfspool", "sparse"),
        (False, "zfspool", "nodes"),
        (True, "dir", "path"),
        (True, "lvm", "base"),
        (False, "rbd", "pool"),
        (True, "acme", "anything"),
    ],
)
def test_fixed_properties(fixed: bool, storage_type: str, key: str) -> None:
    assert is_fixed(storage_type, key) is fixed


def test_no_shared_zfspool() -> None:
    """As recorded: `unexpected property 'shared'`."""
    assert not is_option("zfspool", "shared")
    assert is_option("dir", "shared")
    assert is_option("acme", "nodes")
    assert not is_option("acme", "pool")


@pytest.mark.parametrize(
    ("expected", "storage_type", "key", "value"),
    [
        ("backup,iso", "dir", "content", "iso,backup"),
        ("backup,iso", "dir", "content", " iso; backup iso"),
        ("images,rootdir", "dir", "content", ""),
        ("images", "nfs", "content", ""),
        ("backup", "cephfs", "content", ""),
        ("none", "iscsi", "content", "none"),
        ("images", "zfspool", "content", "images,backup"),
        ("", "acme", "content", ""),
        ("a,b", "dir", "nodes", "b a"),
        ("", "dir", "nodes", ""),
        ("1", "dir", "disable", "yes"),
        ("0", "dir", "disable", "off"),
        ("0", "dir", "disable", ""),
        ("1", "dir", "mkdir", ""),
        ("0", "dir", "shared", ""),
        ("keep-last=3,keep-daily=7", "dir", "prune-backups", "keep-daily=7,keep-last=3"),
        ("keep-all=1", "dir", "prune-backups", "keep-last=0"),
        ("keep-all=1", "dir", "prune-backups", "keep-all=yes"),
        ("", "dir", "prune-backups", ""),
        ("default=1000000,move=20.5", "dir", "bwlimit", "move=20.50,default=1000000.0"),
        ("16384", "zfspool", "blocksize", "16k"),
        ("16384", "zfspool", "blocksize", "16384"),
        ("/tank/iso", "dir", "path", "/tank//iso/"),
        ("/", "dir", "path", "/"),
        ("iso=/i,snippets=/s", "dir", "content-dirs", "snippets=/s,iso=/i"),
        ("-1", "dir", "max-protected-backups", "-1"),
        ("vers=4.2", "nfs", "options", "vers=4.2"),
        ("as it is", "acme", "whatever", "as it is"),
    ],
)
def test_one_form_for_all_spellings(expected: str, storage_type: str, key: str, value: str) -> None:
    assert canonical(storage_type, key, value) == expected


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("yes", "yes"),
        ("yes", "1"),
        ("yes", "/tank/iso/"),
        ("/tank", "/tank"),
        ("", "no"),
        ("", ""),
    ],
)
def test_is_mountpoint_is_a_word_or_a_path(expected: str, value: str) -> None:
    assert canonical("dir", "is_mountpoint", value, path="/tank/iso") == expected


@pytest.mark.parametrize(
    ("storage_type", "key", "value"),
    [
        ("dir", "content", "isos"),
        ("dir", "content", "none,iso"),
        ("dir", "nodes", "a_b"),
        ("dir", "disable", "maybe"),
        ("dir", "prune-backups", "keep-all=1,keep-last=3"),
        ("dir", "prune-backups", "keep-last=-1"),
        ("dir", "prune-backups", "3"),
        ("dir", "bwlimit", "100"),
        ("dir", "bwlimit", "read=1"),
        ("dir", "is_mountpoint", "perhaps"),
        ("zfspool", "blocksize", "17q"),
        ("dir", "content-dirs", "iso=/a,iso=/b"),
    ],
)
def test_what_pve_refuses(storage_type: str, key: str, value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical(storage_type, key, value)


@pytest.mark.parametrize(
    ("expected", "key", "before", "after"),
    [
        (Direction.WIDER, "nodes", "a", "a,b"),
        (Direction.WIDER, "nodes", "a,b", ""),
        (Direction.NARROWER, "nodes", "a,b", "b"),
        (Direction.NARROWER, "nodes", "", "a,b"),
        (Direction.MIXED, "nodes", "a", "b"),
        (Direction.WIDER, "content", "images", "images,rootdir"),
        (Direction.WIDER, "content", "none", "images"),
        (Direction.NARROWER, "content", "images", "none"),
        (Direction.NARROWER, "content", "images,iso", "iso"),
        (Direction.MIXED, "content", "images", "iso"),
        (Direction.DISABLING, "disable", "0", "1"),
        (Direction.ENABLING, "disable", "1", "0"),
        (Direction.MORE, "prune-backups", "keep-last=3", "keep-last=4"),
        (Direction.MORE, "prune-backups", "keep-last=3", "keep-last=3,keep-daily=1"),
        (Direction.MORE, "prune-backups", "keep-last=3", "keep-all=1"),
        (Direction.MORE, "prune-backups", "", "keep-all=1"),
        (Direction.LESS, "prune-backups", "keep-all=1", "keep-last=99"),
        (Direction.LESS, "prune-backups", "keep-last=3,keep-daily=1", "keep-last=3"),
        (Direction.MIXED, "prune-backups", "keep-last=3", "keep-daily=30"),
        (Direction.OTHER, "prune-backups", "", "keep-last=99"),
        (Direction.OTHER, "prune-backups", "keep-last=1", ""),
        (Direction.OTHER, "prune-backups", "keep-all=1", ""),
        (Direction.MORE, "max-protected-backups", "5", "-1"),
        (Direction.MORE, "max-protected-backups", "5", "6"),
        (Direction.LESS, "max-protected-backups", "-1", "6"),
        (Direction.LESS, "max-protected-backups", "6", "5"),
        (Direction.OTHER, "max-protected-backups", "", "5"),
        (Direction.OTHER, "max-protected-backups", "5", ""),
        (Direction.OTHER, "path", "/a", "/b"),
        (Direction.OTHER, "sparse", "0", "1"),
    ],
)
def test_directions(expected: Direction, key: str, before: str, after: str) -> None:
    assert direction(key, before, after) is expected


NODES = st.frozensets(st.sampled_from("abcd")).map(lambda nodes: ",".join(sorted(nodes)))
NUMBERS = st.dictionaries(
    st.sampled_from(["keep-last", "keep-daily", "keep-yearly"]), st.integers(0, 4), min_size=1
)
OPPOSITE = {
    Direction.WIDER: Direction.NARROWER,
    Direction.NARROWER: Direction.WIDER,
    Direction.MIXED: Direction.MIXED,
}


@given(NODES, NODES)
def test_the_way_back_of_nodes_is_the_opposite(one: str, other: str) -> None:
    if one != other:
        assert direction("nodes", other, one) is OPPOSITE[direction("nodes", one, other)]


@given(NUMBERS, NUMBERS)
def test_retention_is_less_where_any_number_falls(
    one: dict[str, int], other: dict[str, int]
) -> None:
    """Never MORE where some number of backups is kept no longer; keep-all is the most."""
    before, after = (
        canonical("dir", "prune-backups", ",".join(f"{key}={n}" for key, n in kept.items()))
        for kept in (one, other)
    )
    if before == after:
        return
    old, new = retention(before), retention(after)
    falls = bool(new) and (not old or any(new.get(key, 0) < old[key] for key in old))
    found = direction("prune-backups", before, after)
    assert (found in (Direction.LESS, Direction.MIXED)) is falls
    assert (found is Direction.MORE) is not falls


def test_differences_name_the_key_the_way_and_whether_it_can_be_set() -> None:
    found = differences(
        storage("zfspool", pool="tank/a", content="rootdir,images", nodes="a,b"),
        {
            "blocksize": "16k",
            "content": "images,rootdir",
            "nodes": "b",
            "pool": "tank/b",
            "sparse": "yes",
            "bwlimit": "default=1",
        },
        ignore=("bwlimit",),
    )
    assert [(d.key, d.before, d.after, d.direction, d.fixed) for d in found] == [
        ("blocksize", "", "16k", Direction.OTHER, False),
        ("nodes", "a,b", "b", Direction.NARROWER, False),
        ("pool", "tank/a", "tank/b", Direction.OTHER, True),
        ("sparse", "0", "1", Direction.OTHER, False),
    ]


def test_what_is_not_wanted_is_left_alone() -> None:
    found = differences(storage("zfspool", pool="tank/a", mountpoint="/x"), {"pool": "tank/a"})
    assert found == ()


def test_content_and_nodes_of_a_storage() -> None:
    assert content_of(storage("dir", path="/a")) == {"images", "rootdir"}
    assert content_of(storage("zfspool", pool="a", content="images,backup")) == {"images"}
    assert content_of(storage("iscsi", content="none")) == frozenset()
    assert content_of(storage("acme", content="iso")) == {"iso"}
    assert nodes_of(storage("dir", path="/a")) is None
    assert nodes_of(storage("dir", path="/a", nodes="b;a")) == frozenset("ab")
    assert is_enabled(storage("dir", path="/a", nodes="b"), "b")
    assert not is_enabled(storage("dir", path="/a", nodes="b"), "a")
    assert not is_enabled(storage("dir", path="/a", disable="1"), "a")


def test_the_meaning_leaves_defaults_out() -> None:
    assert meaning(storage("dir", path="/a/", content="rootdir,images", disable="0")) == {
        "path": "/a"
    }


def test_the_text_of_a_section_is_as_pve_orders_it() -> None:
    """As recorded after `set --nodes … --disable 1`."""
    shown = storage("dir", path="/a", content="rootdir,images", nodes="pve2,pve1", disable="1")
    assert section_text(shown) == (
        "dir: aa\n\tdisable\n\tpath /a\n\tcontent images,rootdir\n\tnodes pve1,pve2\n"
    )


@pytest.mark.parametrize(("expected", "text"), [(True, "YES"), (True, "1"), (False, "False")])
def test_booleans_of_the_command_line(expected: bool, text: str) -> None:
    assert boolean(text) is expected


def test_property_strings() -> None:
    assert property_string("a=1,b=,c=2=3") == {"a": "1", "b": "", "c": "2=3"}
    assert property_string("") == {}


ZFS = Storage(id="vms", type="zfspool", properties={"pool": "tank/vms"})


@pytest.mark.parametrize(
    ("expected", "volume"),
    [
        ("tank/vms/vm-100-disk-0", "vm-100-disk-0"),
        ("tank/vms/vm-100-state-before", "vm-100-state-before"),
        ("tank/vms/subvol-101-disk-0", "subvol-101-disk-0"),
        ("tank/vms/base-900-disk-0", "base-900-disk-0"),
        ("tank/vms/vm-101-disk-0", "base-900-disk-0/vm-101-disk-0"),
        ("tank/vms/subvol-102-disk-0", "basevol-900-disk-0/subvol-102-disk-0"),
        (None, "iso/debian.iso"),
        (None, ""),
    ],
)
def test_the_dataset_behind_a_volume(expected: str | None, volume: str) -> None:
    reference = Reference(owner="qemu/1", node="a", key="scsi0", storage="vms", volume=volume)
    assert volume_dataset(reference, ZFS) == expected


def test_another_storage_or_a_directory_has_no_dataset_of_that_name() -> None:
    other = Reference(owner="q", node="a", key="scsi0", storage="x", volume="vm-1-disk-0")
    assert volume_dataset(other, ZFS) is None
    folder = Storage(id="x", type="dir", properties={"path": "/tank"})
    assert volume_dataset(other, folder) is None
