"""The reader of QEMU's logs of writes, on logs made by hand."""

import random
import struct
from pathlib import Path

import pytest

from tests.lab.errors import LabError
from tests.lab.lossy import within
from tests.lab.writelog import Kind, entries, replay, survivors

SECTOR = 512
SIZE = 8 * SECTOR


def _log(path: Path, *requests: tuple[int, bytes, int]) -> int:
    """Write a log of (first sector, bytes, flags), and return its length."""
    data = struct.pack("<QQQI", 0x6A736677736872, 1, len(requests), SECTOR).ljust(SECTOR, b"\0")
    for sector, written, flags in requests:
        count = 2 if flags == 4 else len(written) // SECTOR
        data += struct.pack("<QQQQ", sector, count, flags, 0).ljust(SECTOR, b"\0") + written
    path.write_bytes(data)
    return len(data)


def _sectors(text: str) -> bytes:
    """A sector of each letter."""
    return b"".join(letter.encode() * SECTOR for letter in text)


def _disk(tmp_path: Path, length: int, chance: random.Random | None = None) -> str:
    """The disk at that moment, a letter for each sector; a zero is a dot."""
    base, target = tmp_path / "base", tmp_path / "target"
    base.write_bytes(_sectors("........").replace(b".", b"\0"))
    replay(base, tmp_path / "log", length, target, chance)
    data = target.read_bytes()
    assert len(data) == SIZE
    return "".join(chr(data[at] or ord(".")) for at in range(0, SIZE, SECTOR))


def test_a_log_is_read_entry_by_entry(tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (3, _sectors("ab"), 0), (0, b"", 1), (1, b"", 4))
    sector, (write, flush, discard) = entries(tmp_path / "log", length)
    assert sector == 512
    assert (write.offset, write.length, write.kind) == (3 * 512, 2 * 512, Kind.WRITE)
    assert (flush.length, flush.kind) == (0, Kind.FLUSH)
    assert (discard.offset, discard.length, discard.data) == (512, 1024, None)


def test_a_moment_lies_within_what_one_disk_wrote_alone(tmp_path: Path) -> None:
    """From one time to the next: A wrote twice, then A and B once, then B once."""
    a, b = tmp_path / "a", tmp_path / "b"
    _log(a, (0, _sectors("a"), 0), (1, _sectors("bc"), 0), (0, b"", 1))
    _log(b, (0, _sectors("a"), 0), (0, b"", 1))
    times = [(0.0, 512, 512), (1.0, 3072, 512), (2.0, 3584, 1536), (3.0, 3584, 2048)]
    moments = [(after_s, {"A": first, "B": second}) for after_s, first, second in times]
    assert list(within(moments, {"A": a, "B": b})) == [
        (0.0, {"A": 1536, "B": 512}),
        (0.0, {"A": 3072, "B": 512}),
        (2.0, {"A": 3584, "B": 2048}),
    ]


def test_what_a_flush_has_followed_is_there_and_the_rest_is_not(tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (0, _sectors("abc"), 0), (0, b"", 1), (2, _sectors("de"), 0))
    assert _disk(tmp_path, length) == "abc....."


def test_a_moment_is_a_length_of_the_log(tmp_path: Path) -> None:
    """A flush that comes later makes nothing sure."""
    early = _log(tmp_path / "log", (0, _sectors("a"), 0), (0, b"", 1), (1, _sectors("b"), 0))
    late = _log(
        tmp_path / "log",
        (0, _sectors("a"), 0), (0, b"", 1), (1, _sectors("b"), 0), (0, b"", 1),
    )  # fmt: skip
    assert _disk(tmp_path, early) == "a......."
    assert _disk(tmp_path, late) == "ab......"


def test_a_write_with_fua_is_there_without_those_before_it(tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (0, _sectors("a"), 0), (1, _sectors("b"), 2))
    assert _disk(tmp_path, length) == ".b......"


def test_a_flush_with_a_write_leaves_that_write_unsure(tmp_path: Path) -> None:
    """The flush comes before what it is asked for with."""
    length = _log(tmp_path / "log", (0, _sectors("a"), 0), (1, _sectors("b"), 1))
    assert _disk(tmp_path, length) == "a......."


def test_a_discard_reads_as_zero(tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (0, _sectors("abcd"), 0), (1, b"", 4), (0, b"", 1))
    assert _disk(tmp_path, length) == "a..d...."


def test_writes_after_the_last_flush_are_lost_kept_and_torn_by_chance(tmp_path: Path) -> None:
    length = _log(
        tmp_path / "log",
        (0, _sectors("A"), 0), (0, b"", 1), (1, _sectors("bcd"), 0), (5, _sectors("e"), 0),
    )  # fmt: skip
    chance = random.Random(1)  # noqa: S311 - which, and no secret
    sector, found = entries(tmp_path / "log", length)
    seen = {
        tuple((one.offset // 512, one.length // 512) for one in survivors(found, sector, chance))
        for _ in range(3000)
    }
    a, e = (0, 1), (5, 1)
    assert seen == {
        (a,), (a, e),
        (a, (1, 1)), (a, (1, 2)), (a, (1, 3)),
        (a, (1, 1), e), (a, (1, 2), e), (a, (1, 3), e),
    }  # fmt: skip


def test_a_torn_write_is_replayed_up_to_its_tear(tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (1, _sectors("bcd"), 0))
    chance = random.Random(1)  # noqa: S311 - which, and no secret
    seen = {_disk(tmp_path, length, chance) for _ in range(100)}
    assert seen == {"........", ".b......", ".bc.....", ".bcd...."}


@pytest.mark.parametrize(
    ("less", "said"),
    [(1, "ends within what"), (512 + 8, "ends within the entry")],
)
def test_half_a_log_is_no_log(less: int, said: str, tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (0, _sectors("a"), 0))
    data = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(data[: length - less])
    with pytest.raises(LabError, match=said):
        entries(tmp_path / "log", length - less)


def test_a_hole_is_no_entry(tmp_path: Path) -> None:
    length = _log(tmp_path / "log", (0, _sectors("a"), 0), (0, b"", 0))
    with pytest.raises(LabError, match="no entry at 1536"):
        entries(tmp_path / "log", length)


def test_a_disk_that_was_not_flushed_yet_has_a_log_without_a_beginning(tmp_path: Path) -> None:
    """QEMU writes that with the first flush."""
    (tmp_path / "log").write_bytes(b"")
    assert _disk(tmp_path, 0) == "........"
    length = _log(tmp_path / "log", (0, _sectors("a"), 2))
    data = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(bytes(SECTOR) + data[SECTOR:])
    assert _disk(tmp_path, length) == "a......."


def test_another_file_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 4096)
    with pytest.raises(LabError, match="no log of writes"):
        entries(tmp_path / "log", 4096)


def test_what_could_be_lost_and_what_was_is_counted(tmp_path: Path) -> None:
    log, base = tmp_path / "log", tmp_path / "base"
    length = _log(log, (0, _sectors("a"), 0), (0, b"", 1), (1, _sectors("b"), 0))
    base.write_bytes(bytes(SIZE))
    assert replay(base, log, length, tmp_path / "target") == (1, 1)
    assert replay(base, log, length - 1024, tmp_path / "target") == (0, 0)
