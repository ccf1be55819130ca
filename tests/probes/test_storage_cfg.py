"""storage.cfg, against what the real pvesm made of it and against what PVE would leave out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.proxmox import Storage, StorageConfig
from phoenix_plan.model.storage_semantics import content_of, meaning, section_text
from phoenix_plan.probes.storage_cfg import HIDDEN, parse_storage_cfg

FIXTURES = Path(__file__).parents[2] / "fixtures"
PVESM: list[dict[str, Any]] = json.loads(
    (FIXTURES / "recordings/pvesm-9.1.7/transcript.json").read_text()
)
STATES = sorted(
    {text for entry in PVESM for text in (entry["before"], entry["after"]) if text is not None}
)
LOCAL = "backup,images,iso,rootdir,snippets,vztmpl"


def read(text: str) -> StorageConfig:
    return parse_storage_cfg(text.encode(), "storage.cfg")


def outcome(text: str) -> StorageConfig | ProbeError:
    try:
        return read(text)
    except ProbeError as error:
        return error


def by_id(config: StorageConfig) -> dict[str, Storage]:
    return {storage.id: storage for storage in config.storages}


@pytest.mark.parametrize("text", STATES)
def test_every_recorded_file_means_the_same_after_it_was_written_again(text: str) -> None:
    """What is read, written as PVE writes and read again, is the same storages."""
    config = read(text)
    again = read("\n".join(section_text(storage) for storage in config.storages))
    assert {s.id: (s.type, meaning(s)) for s in config.storages} == {
        s.id: (s.type, meaning(s)) for s in again.storages
    }
    assert config.lost == ()


@pytest.mark.parametrize("entry", PVESM, ids=lambda entry: str(entry["note"]))
def test_a_command_that_pvesm_refused_changed_nothing(entry: dict[str, Any]) -> None:
    """37 commands: the files before and after parse, and differ where the command succeeded."""
    before = parse_storage_cfg(None if entry["before"] is None else entry["before"].encode(), "f")
    after = read(entry["after"])
    same = {s.id: meaning(s) for s in before.storages} == {s.id: meaning(s) for s in after.storages}
    # Recorded where only the line ends and the missing newline made the difference.
    assert same is (entry["rc"] != 0)


def test_the_digest_is_the_one_that_pvesm_took() -> None:
    """The recording was made with /tmp where its text says /srv; the digest tells."""
    entry = next(entry for entry in PVESM if entry["note"] == "right digest")
    before = entry["before"].replace("/srv/pvd", "/tmp/pvd")  # noqa: S108 (text, not a file)
    assert read(before).digest == entry["argv"][entry["argv"].index("--digest") + 1]


def test_what_stands_in_the_file() -> None:
    data = (FIXTURES / "pve/storage.cfg").read_bytes()
    config = parse_storage_cfg(data, "storage.cfg")
    assert config.digest == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    storages = by_id(config)
    assert list(storages) == [
        "local",
        "local-zfs",
        "quickOS-vm-disks",
        "fastData-shared-iso",
        "san",
        "san-lvm",
        "offsite",
        "shelf7",
    ]
    assert storages["local-zfs"].properties == {
        "pool": "rpool/data",
        "sparse": "1",
        "content": "images,rootdir",
    }
    assert storages["fastData-shared-iso"].properties["disable"] == "1"
    assert content_of(storages["san"]) == frozenset()
    assert storages["shelf7"].properties == {
        "pool": "shelf7",
        "acmesan_password": HIDDEN,
        "thin": "",
    }
    assert config.lost == (
        "line 1: a comment",
        "line 41: timeout of storage offsite, unknown to type pbs",
        "line 43: storage shelf7 of the unknown type acmesan",
    )


@pytest.mark.parametrize(
    ("data", "digest"), [(None, ""), (b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709")]
)
def test_local_exists_where_no_file_names_it(data: bytes | None, digest: str) -> None:
    config = parse_storage_cfg(data, "storage.cfg")
    (local,) = config.storages
    assert config.digest == digest
    assert (local.id, local.type) == ("local", "dir")
    assert meaning(local) == {
        "path": "/var/lib/vz",
        "content": LOCAL,
        "prune-backups": "keep-all=1",
    }


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({"path": "/a"}, "dir: aa\n\tpath /a"),
        ({"path": "/a"}, "DIR:aa  \n  path   /a  \n"),
        ({"path": "/a", "content": "iso"}, "dir: aa\r\n\tpath /a\r\n\tcontent iso\r\n\r\n"),
        ({"path": "/a", "disable": "1"}, "dir: aa\n\tpath /a\n   # note\n\tdisable\n"),
        ({"path": "/a", "shared": "0"}, "\n\ndir: aa\n\tpath /a\n \t \n\tshared 0\n"),
        ({"path": "/a b"}, "dir: aa\n\tpath /a b\n"),
    ],
)
def test_spellings_that_pve_takes(expected: dict[str, str], text: str) -> None:
    """Comments may be indented, a line of blanks ends no section, the last newline may lack."""
    storage = by_id(read(text))["aa"]
    assert (storage.type, dict(storage.properties)) == ("dir", expected)


@pytest.mark.parametrize(
    ("line", "says", "text"),
    [
        (3, "section 'aa' goes on here", "dir: aa\n\tpath /a\ndir: bb\n\tpath /b\n"),
        (4, "CR LF", "dir: aa\r\n\tpath /a\r\n\r\ndir: bb\r\n\tpath /b\r\n"),
        (4, "stands in no section", "dir: aa\n\tpath /a\n\n\tcontent iso\n"),
        (1, "stands in no section", " dir: aa\n"),
        (1, "stands in no section", "0\n"),
        (3, "there twice", "dir: aa\n\tpath /a\n\tpath /b\n"),
        (4, "'aa' is there twice", "dir: aa\n\tpath /a\n\nzfspool: aa\n\tpool tank\n"),
        (1, "no storage id", "dir: a\n\tpath /a\n"),
        (1, "no storage id", "dir: 1bad\n\tpath /a\n"),
        (1, "has no 'path'", "dir: aa\n\tcontent iso\n"),
        (1, "has no 'pool'", "zfspool: aa\n"),
        (3, "neither 0 nor 1", "dir: aa\n\tpath /a\n\tdisable yes\n"),
        (3, "neither 0 nor 1", "acme: aa\n\tpath /a\n\tdisable yes\n"),
        (2, "has no value", "dir: aa\n\tpath\n"),
        (2, "no absolute path", "dir: aa\n\tpath rel/x\n"),
        (3, "not a content type", "dir: aa\n\tpath /a\n\tcontent isos\n"),
        (3, "can't be combined", "dir: aa\n\tpath /a\n\tcontent iso,none\n"),
        (3, "keep-all can't", "dir: aa\n\tpath /a\n\tprune-backups keep-all=1,keep-last=3\n"),
        (3, "no retention", "dir: aa\n\tpath /a\n\tprune-backups keep-first=3\n"),
        (3, "not a node name", "dir: aa\n\tpath /a\n\tnodes pve_1\n"),
        (3, "not a size", "zfspool: aa\n\tpool tank\n\tblocksize 17q\n"),
        (1, "always of type dir", "dir: local\n\tpath /srv\n"),
        (1, "always of type dir", "zfspool: local\n\tpool tank\n"),
        (2, "not UTF-8", "dir: aa\n\tpath /\udcff\n"),
    ],
)
def test_what_pve_would_leave_out_raises(line: int, says: str, text: str) -> None:
    """Each of these, PVE reads otherwise than a person does."""
    with pytest.raises(ProbeError) as caught:
        parse_storage_cfg(text.encode(errors="surrogateescape"), "storage.cfg")
    assert caught.value.line == line
    assert says in f"{caught.value} {caught.value.hint}"


def test_local_is_on_every_node() -> None:
    local = by_id(read("dir: local\n\tnodes pve1\n"))["local"]
    assert local.properties == {"path": "/var/lib/vz"}


@given(
    text=st.sampled_from(STATES),
    at=st.integers(0, 400),
    cut=st.integers(0, 40),
    put=st.text(alphabet=" \t\n\r#:=,aZ/0é", max_size=12),
)
def test_a_damaged_file_is_read_or_refused(text: str, at: int, cut: int, put: str) -> None:
    """Never another exception, and what is read has unique ids and keeps to its types."""
    config = outcome(text[:at] + put + text[at + cut :])
    if isinstance(config, ProbeError):
        assert config.source == "storage.cfg"
        assert config.line is not None
        return
    assert len(by_id(config)) == len(config.storages)
    assert "local" in by_id(config)
    for storage in config.storages:
        meaning(storage)


def test_500_storages_are_read() -> None:
    text = "".join(
        f"zfspool: pool-{number}\n\tpool tank/{number}\n\tcontent images,rootdir\n\tnodes a,b\n\n"
        for number in range(500)
    )
    assert len(read(text).storages) == 501
