"""zfs_arc_max now and at the next boot, as modprobe and the kernel read it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.modprobe import BOOT_FILE, boot_value, modprobe_order, with_arc_max
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.probes.arc import parse_arc_max
from tests.recordings import FIXTURES, SERIES

MODPROBE = [
    (f"/etc/modprobe.d/{path.name}", path.read_bytes())
    for path in sorted((FIXTURES / "pve/modprobe.d").iterdir())
]
GIB = 1 << 30


def boot(text: str) -> int | None:
    found = parse_arc_max(b"0\n", [(BOOT_FILE, text.encode())]).boot
    return found.get(BOOT_FILE)


@pytest.mark.parametrize("series", SERIES, ids=lambda path: path.name)
def test_every_recorded_value(series: Path) -> None:
    """The recorded hosts run with ZFS's default."""
    recorded = sorted(series.glob("*/arc_max.out"))
    assert recorded
    for path in recorded:
        assert parse_arc_max(path.read_bytes(), []).live == 0


def test_all_files() -> None:
    found = parse_arc_max(b"8589934592\n", MODPROBE)
    text = dict(MODPROBE)[BOOT_FILE]
    assert found.live == 8 * GIB
    assert found.boot == {BOOT_FILE: 8 * GIB, "/etc/modprobe.d/zz-tuning.conf": 4 * GIB}
    assert boot_value(found.boot) == 4 * GIB
    assert found.file_text == text.decode()
    assert found.file_sha256 == hashlib.sha256(text).hexdigest()


def test_no_module_and_no_file() -> None:
    found = parse_arc_max(None, [])
    assert (found.live, found.boot, found.file_text, found.file_sha256) == (0, {}, "", "")
    assert boot_value(found.boot) == 0


def test_modprobe_reads_by_name_and_the_first_folder_hides_the_rest() -> None:
    assert modprobe_order(
        [
            "/lib/modprobe.d/zfs.conf",
            "/lib/modprobe.d/aaa.conf",
            "/etc/modprobe.d/zfs.conf",
            "/run/modprobe.d/zfs.conf",
            "/lib/modprobe.d/mmm.conf",
            "/usr/lib/modprobe.d/mmm.conf",
            "/etc/modprobe.d/Zfs.conf",
        ]
    ) == (
        "/etc/modprobe.d/Zfs.conf",
        "/lib/modprobe.d/aaa.conf",
        "/usr/lib/modprobe.d/mmm.conf",
        "/etc/modprobe.d/zfs.conf",
    )


def test_the_last_file_wins_in_whatever_order_the_document_holds_them() -> None:
    assert boot_value({"/etc/modprobe.d/z.conf": Bytes(2), "/etc/modprobe.d/a.conf": Bytes(1)}) == 2


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (None, ""),
        (None, "# options zfs zfs_arc_max=5\n"),
        (None, "# a comment that goes on \\\noptions zfs zfs_arc_max=5\n"),
        (None, " # options zfs zfs_arc_max=5\n"),
        (None, "options spl zfs_arc_max=5\n"),
        (None, "options zfs zfs_arc_min=5 my_zfs_arc_max=6\n"),
        (None, "softdep zfs pre: spl\nblacklist zfs\n"),
        (5, "options zfs zfs_arc_max=5"),
        (5, "options\tzfs   zfs_arc_max=5 zfs_arc_min=1\r\n"),
        (5, "options zfs zfs-arc-max=5\n"),
        (5, 'options zfs zfs_arc_max="5"\n'),
        (16, "options zfs zfs_arc_max=0x10\n"),
        (8, "options zfs zfs_arc_max=010\n"),
        (0, "options zfs zfs_arc_max=0\n"),
        (6, "options zfs zfs_arc_max=5 zfs_arc_max=6\n"),
        (6, "options zfs zfs_arc_max=5\noptions zfs zfs_arc_max=6 # seven\n"),
        (55, "options zfs zfs_arc_max=5\\\n5\n"),
        (5, "options \\\n zfs \\\n zfs_arc_max=5\n"),
        (5, "# two backslashes end no line \\\\\noptions zfs zfs_arc_max=5\n"),
        (None, "install zfs /sbin/modprobe -i zfs\n"),
    ],
)
def test_what_a_file_says(expected: int | None, text: str) -> None:
    assert boot(text) == expected


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, "options zfs zfs_arc_max=8G\n"),
        (1, "options zfs zfs_arc_max=\n"),
        (2, "\noptions zfs zfs_arc_max=-1\n"),
        (1, "options zfs zfs_arc_max=08\n"),
        (1, "options zfs zfs_arc_max=18446744073709551616\n"),
        (3, "# a\\\n b\noptions \\\n zfs zfs_arc_max=x\n"),
        (1, "install zfs /sbin/modprobe -i zfs zfs_arc_max=5\n"),
        (1, "options zfs zfs_arc_max=5\\"),
    ],
)
def test_a_value_that_would_keep_the_module_from_loading_raises(line: int, text: str) -> None:
    with pytest.raises(ProbeError) as caught:
        boot(text)
    assert (caught.value.source, caught.value.line) == (BOOT_FILE, line)


def test_a_live_value_that_is_no_number_raises() -> None:
    with pytest.raises(ProbeError):
        parse_arc_max(b"lots\n", [])


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("options zfs zfs_arc_max=7\n", ""),
        ("# note\noptions zfs zfs_arc_max=7\n", "# note"),
        ("# note \\\n\noptions zfs zfs_arc_max=7\n", "# note \\"),
        ("# note \\\n\noptions zfs zfs_arc_max=7\n", "# note \\\n"),
        ("# zfs_arc_max=5\noptions zfs zfs_arc_max=7\n", "# zfs_arc_max=5\n"),
        (
            "options zfs zfs_arc_min=1 zfs_arc_max=7 # five\noptions kvm x=1\n",
            "options zfs zfs_arc_min=1 zfs_arc_max=5 # five\noptions kvm x=1\n",
        ),
        (
            "options zfs zfs_arc_max=7\noptions zfs zfs_arc_max=7\n",
            "options zfs zfs_arc_max=5\noptions zfs zfs_arc_max=6\n",
        ),
        (
            "options zfs zfs_arc_min=1  zfs_arc_max=7\n",
            "options zfs zfs_arc_min=1 \\\n zfs_arc_max=5\n",
        ),
        ("options zfs zfs_arc_max=7\n", 'options zfs zfs_arc_max="5"\n'),
    ],
)
def test_the_new_file(expected: str, text: str) -> None:
    assert with_arc_max(text, Bytes(7)) == expected


LINES = st.lists(
    st.sampled_from(
        [
            "options zfs zfs_arc_max=5",
            "options zfs zfs_arc_min=1 zfs_arc_max=0x10 zfs_txg_timeout=5",
            "options zfs a=\\\\ zfs_arc_max=5",
            "options kvm ignore_msrs=1",
            "# zfs_arc_max=9",
            " \\",
            "\\",
            "\\\\",
            "",
            "\n",
            "\n",
        ]
    ),
    max_size=10,
).map("".join)


@given(
    text=st.one_of(LINES, st.text(alphabet='\\\n #"=ozx5 ', max_size=30)),
    value=st.integers(0, 1 << 63),
)
@example(text="options zfs zfs_arc_max=5\\", value=7)
@example(text="options zfs zfs_arc_max=5\\\noptions kvm ignore_msrs=1", value=0)
def test_what_is_written_is_what_modprobe_reads(text: str, value: int) -> None:
    """Whatever stood there, the new file sets the value, a second rendering changes nothing, and
    the lines that do not set it stay."""
    new = with_arc_max(text, Bytes(value))
    assert boot(new) == value
    assert with_arc_max(new, Bytes(value)) == new
    # Behind a line that ends in a backslash it may be no line of its own.
    physical = text.split("\n")
    kept = [
        line for before, line in zip(["", *physical], physical, strict=False)
        if line.startswith("options kvm") and not before.endswith("\\")
    ]  # fmt: skip
    assert all(line in new for line in kept)
