"""Inputs that once raised another error than ours (`make fuzz`, November 2026), each kept small."""

from __future__ import annotations

import pytest

from phoenix_plan.apply.records import read_record
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.simulated.document import BadDocument
from tests.fuzz.readers import READERS, stored

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
        ("members", (b'{"nodename": ' + LONG,)),
        ("hostid", (LONG, b"")),
        ("modprobe", (LONG, b"")),
        ("config", (b"[" + LONG + b", x]",)),
        ("config", (b'{"a": ' + LONG + b', {"b": 1}: 2}',)),
        ("state", (b"[" + LONG + b', "x',)),
        ("policy", (b"[" + LONG,)),
        ("index", (DEEP,)),
        ("simulated-host", (DEEP,)),
        ("simulated-host", (LONG,)),
    ],
)
def test_it_is_refused(name: str, parts: tuple[bytes, ...]) -> None:
    with pytest.raises((PhoenixError, BadDocument)):
        READERS[name].read(*parts)


@pytest.mark.parametrize("line", [b'{"event": ' + DEEP, DEEP])
def test_a_bottomless_line_of_a_journal_is_a_fault(line: bytes) -> None:
    """No crash leaves one: it is not the beginning of a line of ours."""
    record = read_record(stored("runs/deep.jsonl", line + b"\n"))
    assert record.faults
    assert not record.torn
    assert READERS["journal"].read(line)
