"""zfs-version(8): two lines, or no answer."""

from __future__ import annotations

import pytest

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.zfs_version import parse_versions
from tests.probes.zfs_recordings import printed

MISSING = Output(exit_code=127, stdout=b"", stderr=b"", missing=True)


@pytest.mark.parametrize(
    ("versions", "text"),
    [
        (("2.1.11", "2.1.11"), "zfs-2.1.11-1+deb12u1\nzfs-kmod-2.1.11-1+deb12u1\n"),
        (("2.3.4", "2.3.3"), "zfs-2.3.4-pve1\nzfs-kmod-2.3.3-pve1\n"),
        (("2.4.0", "2.4.0"), "zfs-2.4.0-rc4\nzfs-kmod-2.4.0-rc4\n"),
    ],
)
def test_versions(versions: tuple[str, str], text: str) -> None:
    """Tools and module may differ; a packager's suffix is left out."""
    assert versions == parse_versions(printed(text))


@pytest.mark.parametrize(
    ("said", "output"),
    [
        ("not installed", MISSING),
        (
            "modules are not loaded",
            printed("", exit_code=1, stderr="The ZFS modules are not loaded.\n"),
        ),
        ("printed nothing", printed("")),
        ("two lines", printed("zfs-2.3.9\n")),
        ("zfs version:1: no version", printed("zfs 2.3.9\nzfs-kmod-2.3.9\n")),
        ("zfs version:2: no version", printed("zfs-2.3.9\nzfs-2.3.9\n")),
        ("no UTF-8", Output(exit_code=0, stdout=b"zfs-\xff\nzfs\n", stderr=b"")),
        ("on stderr: hm", printed("zfs-2.3.9\nzfs-kmod-2.3.9\n", stderr="hm")),
    ],
)
def test_no_answer(said: str, output: Output) -> None:
    """A failed command is an error, never a version."""
    with pytest.raises(ProbeError, match=said):
        parse_versions(output)


def test_hint_where_zfs_is_missing() -> None:
    """A host without ZFS hears what to install."""
    with pytest.raises(ProbeError) as caught:
        parse_versions(MISSING)
    assert "zfsutils-linux" in caught.value.hint
