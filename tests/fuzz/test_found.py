"""Inputs that once raised another error than ours (`make fuzz`, November 2026), each kept small."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from phoenix_plan.apply.records import read_record
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.simulated.document import BadDocument
from tests.fuzz.inputs import Parts
from tests.fuzz.readers import READERS, stored
from tests.fuzz.test_readers import check

DEEP = b"[" * 100_000
LONG = b"9" * 5_000
OK = (b"", b"\0")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lsblk", (DEEP, *OK)),
        ("pvs", (DEEP, *OK)),
        ("inspection", (b"0", DEEP, *OK)),
        ("members", (DEEP,)),
        ("hostid", (LONG, b"")),
        ("modprobe", (LONG, b"")),
        ("config", (b"[" + LONG + b", x]",)),
        ("config", (b'{"a": ' + LONG + b', {"b": 1}: 2}',)),
        ("state", (b"[" + LONG + b', "x',)),
        ("policy", (b"[" + LONG,)),
        ("policy", (b'{"a": 1, "a": ' + LONG + b"}",)),
        ("plan", (b'{"a": 1, "a": {"b": ' + LONG + b"}}",)),
        ("index", (DEEP,)),
        ("simulated-host", (DEEP,)),
        ("simulated-host", (LONG,)),
    ],
)
def test_it_is_refused(name: str, parts: tuple[bytes, ...]) -> None:
    with pytest.raises((PhoenixError, BadDocument)):
        READERS[name].read(*parts)


def put_in(reader: str, pattern: bytes, text: bytes) -> Sequence[Parts]:
    """The real inputs of a reader in which something fits, with this in its place."""
    seeds = READERS[reader].seeds()
    changed = [tuple(re.sub(pattern, text, part) for part in parts) for parts in seeds]
    return [parts for parts, seed in zip(changed, seeds, strict=True) if parts != seed]


def test_a_time_that_is_none_names_the_file() -> None:
    for parts in put_in("approval", rb"T[0-9]+:[0-9]+", b"T04:82"):
        check(READERS["approval"], parts)
        with pytest.raises(PhoenixError, match="is no moment"):
            READERS["approval"].read(*parts)


@pytest.mark.parametrize(
    ("reader", "pattern", "text"),
    [
        ("zpool-progress", rb"[0-9]+(\.[0-9]+% done)", LONG + rb"\1"),
        ("zpool-status-text", rb":[0-9]+c:", b":" + LONG + b"c:"),
    ],
)
def test_a_number_without_end_is_none(reader: str, pattern: bytes, text: bytes) -> None:
    found = put_in(reader, pattern, text)
    assert found
    for parts in found:
        check(READERS[reader], parts)


@pytest.mark.parametrize("line", [b'{"event": ' + DEEP, DEEP])
def test_a_bottomless_line_of_a_journal_is_a_fault(line: bytes) -> None:
    """No crash leaves one: it is not the beginning of a line of ours."""
    record = read_record(stored("runs/deep.jsonl", line + b"\n"))
    assert record.faults
    assert not record.torn
    assert READERS["journal"].read(line)
