"""Whatever a reader is given, it comes to an end, with a value or an error of ours that says where.

`make fuzz EXAMPLES=20000` gives each reader so many inputs; guided.py does by coverage.
"""

from __future__ import annotations

import inspect
import os
import pkgutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import CodeType, FrameType

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from phoenix_plan import probes
from phoenix_plan.errors import PhoenixError, ProbeError
from tests.fuzz.inputs import Parts, damaged, pack, unpack
from tests.fuzz.readers import PROBES, READERS, Reader

EXAMPLES = os.environ.get("PHOENIX_EXAMPLES")
SECONDS = 2.0
"""Of the processor, for one input."""


class Hang(BaseException):
    """An input takes longer than it may. No `except Exception` swallows it."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise Hang after so many seconds of this process's own time: a busy machine is no hang."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Hang(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def check(reader: Reader, parts: Parts) -> None:
    """The property. What is wrong with it raises."""
    refused: PhoenixError | None = None
    try:
        with at_most(SECONDS):
            reader.read(*parts)
    except reader.own:
        return
    except PhoenixError as error:
        refused = error
    if refused is not None:
        assert refused.message.strip(), "an error without a word"
        assert reader.names in refused.message, f"{refused.message!r} does not name {reader.names}"
        assert not isinstance(refused, ProbeError) or refused.source, "an error without a source"


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_input_is_read_or_refused(name: str) -> None:
    reader = READERS[name]

    @settings(
        max_examples=int(EXAMPLES or 15),
        derandomize=EXAMPLES is None,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(reader.seeds(), reader.fixed))
    def run(parts: Parts) -> None:
        check(reader, parts)

    run()


@pytest.mark.parametrize("name", READERS)
def test_what_is_not_damaged_is_read(name: str) -> None:
    """Else the inputs would be refused at once, and nothing behind that be tried."""
    reader = READERS[name]
    read = 0
    for parts in reader.seeds():
        try:
            reader.read(*parts)
            read += 1
        except reader.refusals:
            continue
    assert read


def parsers() -> Mapping[CodeType, str]:
    """Every public function of the probes that takes an output, bytes, or files."""
    found: dict[CodeType, str] = {}
    for module in pkgutil.iter_modules(probes.__path__):
        loaded = import_module(f"{probes.__name__}.{module.name}")
        for name, one in inspect.getmembers(loaded, inspect.isfunction):
            takes = [kind for of, kind in one.__annotations__.items() if of != "return"]
            reads = name.startswith("parse_") or any(
                word in kind for kind in takes for word in ("Output", "bytes")
            )
            if reads and one.__module__ == loaded.__name__ and not name.startswith("_"):
                found[one.__code__] = f"{module.name}.{name}"
    return found


def called_by(read: Callable[[], object]) -> set[CodeType]:
    """The functions that are entered."""
    entered: set[CodeType] = set()
    sys.setprofile(lambda frame, event, _of: entered.add(frame.f_code) if event == "call" else None)
    try:
        read()
    finally:
        sys.setprofile(None)
    return entered


def test_every_parser_of_the_probes_is_read_with() -> None:
    """Beside `refresh`, which calls them all, and might never come to one."""
    entered: set[CodeType] = set()
    for name, reader in PROBES.items():
        if not name.startswith("refresh"):
            for parts in reader.seeds():

                def read(reader: Reader = reader, parts: Parts = parts) -> None:
                    try:
                        reader.read(*parts)
                    except reader.refusals:
                        return

                entered |= called_by(read)
    assert sorted(name for code, name in parsers().items() if code not in entered) == []


@pytest.mark.parametrize("wrong", [KeyError("x"), ProbeError("", source=""), RecursionError()])
def test_the_property_can_fail(wrong: Exception) -> None:
    def read(_data: bytes) -> object:
        raise wrong

    with pytest.raises((type(wrong), AssertionError)):
        check(Reader(read=read, seeds=tuple), (b"",))


def test_a_hang_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.SECONDS", 0.05)

    def read(_data: bytes) -> object:
        while True:
            pass

    with pytest.raises(Hang):
        check(Reader(read=read, seeds=tuple), (b"",))


@pytest.mark.parametrize("parts", [(), (b"",), (b"x", b"", b"\0" * 300)])
def test_what_is_packed_is_unpacked(parts: Parts) -> None:
    assert unpack(pack(parts)) == parts
