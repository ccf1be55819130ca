"""What is exported, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.exports import merge_exports, parse_exports, parse_iscsi

PVE = Path(__file__).parents[2] / "fixtures/pve"
CORE = "/sys/kernel/config/target/core"


def outcome(text: str) -> Mapping[str, str] | ProbeError:
    try:
        return parse_exports(text.encode(), "exports")
    except ProbeError as error:
        return error


def test_exports() -> None:
    assert parse_exports((PVE / "exports").read_bytes(), "exports") == {
        "/srv/plain": "nfs 10.0.0.0/24, backup.example.org",
        "/srv/with space": "nfs *",
        "/srv/octal name": "nfs @trusted",
        "/srv/world": "nfs *",
        "/srv/defaults": "nfs alpha, beta",
        "/srv/long": "nfs 10.1.0.0/16, 10.2.0.0/16",
    }


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({}, ""),
        ({}, "# /srv/a *(rw)\n\n   \n"),
        ({"/srv/a": "nfs *"}, "/srv/a (rw)"),
        ({"/srv/a": "nfs x, y"}, "/srv/a x(rw)\n/srv/a y(ro) x(ro)\n"),
        ({"/srv/ä": "nfs *"}, "/srv/\\303\\244 *(rw)\n"),
        ({"/srv/a #b": "nfs *"}, '"/srv/a #b" *(rw) # c\n'),
        ({"/srv/a#b": "nfs x#y"}, "/srv/a#b x#y(rw)\n"),
        ({"/srv/a": "nfs x"}, "/srv/a\\\n x(rw)"),
        ({"/srv/a": "nfs x"}, "/srv/a x(rw)\\"),
    ],
)
def test_spellings(expected: dict[str, str], text: str) -> None:
    assert parse_exports(text.encode(), "exports") == expected


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (2, "/srv/a *(rw)\nsrv/b *(rw)\n"),
        (1, '"/srv/a *(rw)\n'),
        (1, '"" *(rw)\n'),
        (3, "# a\\\n b\n\\377/x\n"),
        (1, "/srv/\\377 *(rw)\n"),
    ],
)
def test_a_line_that_is_no_export_raises(line: int, text: str) -> None:
    with pytest.raises(ProbeError) as caught:
        parse_exports(text.encode(), "exports")
    assert caught.value.line == line


def test_no_file_is_no_export() -> None:
    assert parse_exports(None, "exports") == {}


def test_iscsi() -> None:
    files = [
        (f"{CORE}/iblock_0/vm-disk/udev_path", b"/dev/zvol/tank/lun0\n"),
        (f"{CORE}/fileio_1/image/udev_path", b"/tank/luns/a.img\n"),
        (f"{CORE}/rd_mcp_0/ram/udev_path", b"\n"),
    ]
    assert parse_iscsi(files) == {
        "/dev/zvol/tank/lun0": "iscsi iblock_0/vm-disk",
        "/tank/luns/a.img": "iscsi fileio_1/image",
    }


@pytest.mark.parametrize(
    ("path", "data"),
    [("/sys/somewhere/else", b"/dev/sda\n"), (f"{CORE}/iblock_0/a/udev_path", b"sda\n")],
)
def test_an_unknown_backstore_raises(path: str, data: bytes) -> None:
    with pytest.raises(ProbeError):
        parse_iscsi([(path, data)])


def test_all_together() -> None:
    parts = [
        parse_exports((PVE / name).read_bytes(), name)
        for name in ("etab", "exports", "zfs.exports")
    ]
    merged = merge_exports(*parts, {"/srv/plain": "iscsi fileio_0/x"})
    assert list(merged) == sorted(merged)
    assert merged["/srv/plain"] == (
        "nfs 10.0.0.0/24; nfs 10.0.0.0/24, backup.example.org; iscsi fileio_0/x"
    )
    assert merged["/srv/adhoc"] == "nfs 10.9.9.9"
    assert merged["/fastData/nfs"] == "nfs 10.0.0.0/24"


@given(st.text(alphabet=' \t\n\r#"\\(),37/a*', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = outcome(text)
    if isinstance(found, ProbeError):
        assert found.line is not None
        return
    assert all(path.startswith("/") and who.startswith("nfs ") for path, who in found.items())
