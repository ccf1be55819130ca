"""Signals that ask to stop, piece by piece: who counts as first, who insists, what is put back."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from phoenix_plan.apply.interrupt import ASKING, CutShortError, Signals, noted

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Seconds that pass when they are told to."""
    now = [100.0]

    def passes(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("phoenix_plan.apply.interrupt.time.monotonic", lambda: now[0])
    return passes


def cut(signals: Signals) -> bool:
    """Whether the next command is cut short before it begins."""
    try:
        with signals.running():
            return False
    except CutShortError:
        return True


def test_nobody_asked() -> None:
    signals = Signals(pytest.fail)
    assert signals() == ""
    assert not cut(signals)


@pytest.mark.parametrize("first", [INT, TERM, HUP])
@pytest.mark.parametrize(
    ("second", "after", "insists"),
    [
        (INT, 1.0, True),
        (TERM, 1.0, True),
        (INT, 60.0, True),
        (INT, 0.99, False),
        (TERM, 0.0, False),
        (HUP, 60.0, False),
    ],
)
def test_who_insists(
    first: signal.Signals,
    second: signal.Signals,
    after: float,
    insists: bool,
    clock: Callable[[float], None],
) -> None:
    """A second later, and by a key or a kill: a terminal that goes away says so more than once.
    The seconds count from the first signal."""
    told: list[str] = []
    signals = Signals(told.append)
    signals.note(first, None)
    assert (signals(), len(told)) == (first.name, 1)
    assert told[0].startswith(f"{first.name}: stopping after the action")
    clock(after / 2)
    signals.note(HUP, None)
    clock(after / 2)
    signals.note(second, None)
    assert signals() == first.name, "the first one is why"
    assert cut(signals) is insists
    assert (
        told[1:]
        == [f"{second.name} again: stopping now, in the middle of what is under way"] * insists
    )
    clock(60)
    signals.note(INT, None)
    assert cut(signals)
    assert len(told) == 2, "said once"


def test_a_command_is_cut_only_while_it_runs(clock: Callable[[float], None]) -> None:
    """What stands between two of them, the journal say, is whole."""
    signals = Signals(lambda _text: None)
    with signals.running():
        signals.note(TERM, None)
    clock(5)
    signals.note(TERM, None)  # nothing runs: noted, and no more
    signals = Signals(lambda _text: None)
    signals.note(INT, None)
    clock(5)
    with pytest.raises(CutShortError, match=r"a second signal \(SIGTERM\)"), signals.running():
        signals.note(TERM, None)
    signals.note(TERM, None)


def test_a_terminal_that_has_gone_keeps_nothing_from_being_noted() -> None:
    def gone(_text: str) -> None:
        raise OSError(5, "Input/output error")

    signals = Signals(gone)
    signals.note(HUP, None)
    assert signals() == "SIGHUP"


def test_each_signal_is_noted_within_and_put_back_behind() -> None:
    """Whatever was there: a handler of one's own, the default, one that Python does not know."""

    def own(_number: int, _frame: object) -> None:
        raise AssertionError

    before: dict[signal.Signals, Any] = {INT: own, TERM: signal.SIG_DFL, HUP: signal.SIG_IGN}
    for number, was in before.items():
        signal.signal(number, was)
    with suppress(ZeroDivisionError), noted(lambda _text: None) as signals:
        assert signal.getsignal(HUP) == signal.SIG_IGN, "nohup(1)"
        for number in (INT, TERM):
            assert signal.getsignal(number) == signals.note
        os.kill(os.getpid(), TERM)
        assert signals() == "SIGTERM"
        raise ZeroDivisionError
    assert {number: signal.getsignal(number) for number in ASKING} == before


def test_a_handler_that_is_not_pythons_becomes_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """signal.getsignal says None of it, and nobody can put it back."""
    with monkeypatch.context() as patch:
        patch.setattr("phoenix_plan.apply.interrupt.signal.getsignal", lambda _number: None)
        with noted(lambda _text: None):
            pass
    assert {signal.getsignal(number) for number in ASKING} == {signal.SIG_DFL}


def test_outside_of_the_main_thread_nothing_is_noted() -> None:
    """Python lets no other thread have a handler (signal.signal)."""
    before = [signal.getsignal(number) for number in ASKING]
    seen: list[object] = []

    def work() -> None:
        with noted(pytest.fail) as signals:
            seen.extend(signal.getsignal(number) for number in ASKING)
            seen.append(signals())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [*before, ""]
