"""A step that starts a resilver or its like is over when that is, and not before."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import Action, AttachDisk, CreateDataset, DiscardCheckpoint, ExpandRaidz
from phoenix_plan.apply import settle
from phoenix_plan.apply.settle import StillRunningError, seconds_of_grace, waits
from phoenix_plan.commands import Answer, Content, Output, Query, Read
from phoenix_plan.documents import parse_document
from phoenix_plan.errors import HostError, ProbeError
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.schema_check import check
from tests.apply.machine import Json, Machine, Watched, by_id, host, pool, want

Patch = pytest.MonkeyPatch

ATTACH_C, ATTACH_D = (f"attach-disk:{by_id(letter)}" for letter in "CD")
REPLACE = f"replace-disk:{by_id('C')}"

IDLE = b"  pool: tank\n state: ONLINE\nconfig:\n\n\ttank  ONLINE\n"
BUSY = (
    b"  pool: tank\n state: ONLINE\n"
    b"  scan: resilver in progress since Mon Mar  2 10:00:00 2026\n"
    b"\t1.05G / 1.05G scanned, 612M / 1.05G issued at 38.3M/s\n"
    b"\t612M resilvered, %d.00%% done, 00:00:12 to go\nconfig:\n\n\ttank  ONLINE\n"
)


def printed(text: bytes) -> Output:
    return Output(exit_code=0, stdout=text, stderr=b"")


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: Patch) -> None:
    """The pauses between two looks are as good as none."""
    monkeypatch.setattr(settle, "FIRST_LOOK_S", 0.001)
    monkeypatch.setattr(settle, "SLOWEST_LOOK_S", 0.001)
    monkeypatch.setattr(settle, "GRACE_S", 0.02)


@pytest.fixture
def slow(machine: Machine) -> Machine:
    """A mirror to make wider by two, on a host where a resilver takes a dozen looks."""
    machine.has(host(pool("tank", "mirror", "A", "B"), pace=12))
    machine.wants(want("tank", "mirror", "A", "B", "C", "D"))
    assert machine.plan().code == 0
    return machine


def running(machine: Machine) -> list[str]:
    """What runs in the pool now."""
    scans = machine.pools["tank"].get("scans", [])
    return [scan["kind"] for scan in scans if scan.get("state") == "running"]


def events(machine: Machine, identifier: str) -> list[Json]:
    """What the journal says of one row."""
    (journal,) = machine.journals()
    return [line for line in journal if line.get("id") == identifier]


class Answering(Watched):
    """A host whose answers on how far a pool is can be others."""

    def __init__(self, inner: SimulatedHost, say: Callable[[Answer], Answer]) -> None:
        super().__init__(inner, lambda _write: None)
        self._say = say

    def answer(self, probe: str, read: Read) -> Answer:
        said = super().answer(probe, read)
        asked = isinstance(read, Query) and read.argv == ("zpool", "status", "tank")
        return self._say(said) if asked else said


def saying(monkeypatch: Patch, say: Callable[[Answer], Answer]) -> None:
    """Have apply open its hosts so."""

    def opened(name: str) -> Answering:
        return Answering(SimulatedHost(name.removeprefix("sim:")), say)

    monkeypatch.setattr("phoenix_plan.cli.applying.open_writable", opened)


def test_the_next_step_waits_for_the_resilver(slow: Machine, monkeypatch: Patch) -> None:
    """Each percent is written down between the command's output and the result."""
    when: list[list[str]] = []

    def opened(name: str) -> Watched:
        inner = SimulatedHost(name.removeprefix("sim:"))
        return Watched(inner, lambda _write: when.append(running(slow)))

    monkeypatch.setattr("phoenix_plan.cli.applying.open_writable", opened)
    called = slow.apply()
    assert called.code == 0, called.err
    assert when == [[], []], "a resilver ran when a step began"
    assert running(slow) == []
    for identifier in (ATTACH_C, ATTACH_D):
        lines = events(slow, identifier)
        names = [line["event"] for line in lines]
        assert names[:3] == ["intent", "command", "output"]
        assert names[-1] == "result"
        assert set(names[3:-1]) == {"progress"}
        seen = [line["percent"] for line in lines if line["event"] == "progress"]
        assert seen == sorted(set(seen)), "each percent once"
        assert len(seen) > 3
        for line in lines:
            document = parse_document(json.dumps(line).encode(), name="journal", what="journal")
            assert check(document, "journal") == ()


def test_a_signal_in_the_middle_leaves_it_to_the_kernel(slow: Machine, monkeypatch: Patch) -> None:
    """The step is neither done nor failed; nothing behind it has begun, nothing is undone."""

    def say(said: Answer) -> Answer:
        os.kill(os.getpid(), signal.SIGTERM)
        return said

    saying(monkeypatch, say)
    called = slow.apply()
    assert called.code == 7
    assert "interrupted by SIGTERM while resilver" in called.err
    assert f"RUNNING   {ATTACH_C}" in called.err
    assert f"not run   {ATTACH_D}" in called.err
    assert "FAILED" not in called.err
    assert running(slow) == ["resilver"]
    assert len(slow.commands()) == 1
    (journal,) = slow.journals()
    assert journal[-1]["event"] == "end"
    assert journal[-1]["ok"] is False
    # Planned again, what runs is no change, and what is left waits for its end.
    monkeypatch.undo()
    called = slow.plan()
    assert called.code == 1
    assert "a resilver is running" in called.out


@pytest.mark.parametrize(
    "answer",
    [
        Output(exit_code=1, stdout=b"", stderr=b"cannot open 'tank': no such pool\n"),
        printed(IDLE.replace(b"config:", b"  scan: thinking\nconfig:")),
    ],
    ids=["no answer", "unknown words"],
)
def test_a_look_that_fails_is_no_end(answer: Output, slow: Machine, monkeypatch: Patch) -> None:
    """I3: the run stops, and says that the step was begun, and ends by itself."""
    saying(monkeypatch, lambda _said: answer)
    called = slow.apply()
    assert called.code == 7
    assert f"RUNNING   {ATTACH_C}" in called.err
    assert "can't be seen" in called.err
    assert f"not run   {ATTACH_D}" in called.err
    assert len(slow.commands()) == 1


def replaced(machine: Machine, pace: int) -> Machine:
    """A member is to be replaced; the old one leaves the tree when the resilver is over."""
    machine.has(host(pool("tank", "mirror", "A", "B"), pace=pace))
    machine.wants(want("tank", "mirror", "A", "C"))
    assert machine.plan().code == 0
    return machine


def test_the_old_disk_may_leave_a_moment_later(machine: Machine, monkeypatch: Patch) -> None:
    """zpool status says nothing of a resilver any more, and the tree is not tidied up yet."""
    replaced(machine, pace=6)
    saying(monkeypatch, lambda _said: printed(IDLE))
    called = machine.apply()
    assert called.code == 0, called.err
    assert [line["event"] for line in events(machine, REPLACE)] == [
        "intent", "command", "output", "result",
    ]  # fmt: skip


def test_one_that_never_leaves_is_a_failure(machine: Machine, monkeypatch: Patch) -> None:
    """The postcondition is what counts, not that a command ended well."""
    replaced(machine, pace=100_000)
    saying(monkeypatch, lambda _said: printed(IDLE))
    called = machine.apply()
    assert called.code == 7
    assert f"FAILED    {REPLACE}" in called.err
    assert "its commands ended well, but no-member tank" in called.err
    assert "pool tank still has vdev" in called.err


# The pieces, with a clock of their own.


class Looked:
    """A host that says one thing after the other of one pool."""

    name = "fake"

    def __init__(self, *texts: bytes) -> None:
        self.texts = list(texts)
        self.asked = 0

    def answer(self, _probe: str, read: Read) -> Answer:
        assert isinstance(read, Query)
        assert read.argv == ("zpool", "status", "tank")
        self.asked += 1
        return printed(self.texts.pop(0))


def of(kind: type[Action]) -> Action:
    return next(one for one in EXAMPLES if type(one) is kind)


def looks(
    fake: ReadableHost, action: Action, pauses: list[float], stop: Iterator[str]
) -> list[str]:
    running = waits(action, fake, sleep=pauses.append, stopping=lambda: next(stop))
    return [str(one) for one in running]


def nobody() -> Iterator[str]:
    while True:
        yield ""


def test_looks_are_close_at_first_and_then_rare(monkeypatch: Patch) -> None:
    monkeypatch.undo()
    fake = Looked(*(BUSY % percent for percent in range(8)), IDLE)
    pauses: list[float] = []
    seen = looks(fake, of(AttachDisk), pauses, nobody())
    assert [f"resilver {percent}% done, 00:00:12 to go" for percent in range(8)] == seen
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_what_starts_nothing_that_lasts_is_not_waited_for() -> None:
    fake = Looked()
    assert looks(fake, of(CreateDataset), [], nobody()) == []
    assert fake.asked == 0


def test_a_signal_is_heeded_between_two_looks() -> None:
    fake = Looked(BUSY % 1, BUSY % 2, BUSY % 3)
    with pytest.raises(
        StillRunningError, match=r"SIGINT while resilver 2% done.*goes on"
    ) as caught:
        looks(fake, of(AttachDisk), [], iter(["", "SIGINT"]))
    assert "zpool status tank shows how far it is" in caught.value.hint
    assert fake.asked == 2


@pytest.mark.parametrize("error", [ProbeError("x", source="y"), HostError("gone")])
def test_what_can_not_be_asked_is_said(error: Exception) -> None:
    """The command has ended well: what it began goes on, seen or not."""

    class Silent(Looked):
        def answer(self, _probe: str, _read: Read) -> Answer:
            raise error

    with pytest.raises(StillRunningError, match=f"can't be seen: {error}"):
        looks(Silent(), of(AttachDisk), [], nobody())


RAIDZ = (
    b"expand: expansion of raidz1-0 in progress since Mon Mar  2 10:00:00 2026\n"
    b"\t100M / 1000M copied at 50M/s, 10.00%% done, %s\nconfig:"
)
EXPANDS, PAUSED = RAIDZ % b"00:00:18 to go", RAIDZ % b"paused for resilver or clear"


def test_what_waits_for_somebody_is_not_waited_for() -> None:
    """zpool-attach(8): an expansion pauses where a disk is missing, until somebody clears that.
    While a resilver runs it pauses for that one, which ends by itself."""
    paused = IDLE.replace(b"config:", PAUSED)
    fake = Looked(IDLE.replace(b"config:", EXPANDS), paused)
    pauses: list[float] = []
    with pytest.raises(StillRunningError, match=r"expand 10% done.*it is paused") as caught:
        looks(fake, of(ExpandRaidz), pauses, nobody())
    assert "zpool status tank says what it waits for" in caught.value.hint
    assert len(pauses) == 1
    both = (BUSY % 5).replace(b"config:", PAUSED)
    seen = looks(Looked(both, both, IDLE), of(ExpandRaidz), [], nobody())
    assert [one.split()[0] for one in seen] == ["resilver", "expand"] * 2


def test_an_answer_of_another_kind_is_none() -> None:
    class Odd(Looked):
        def answer(self, _probe: str, _read: Read) -> Answer:
            return Content(data=b"")

    with pytest.raises(StillRunningError, match="answered with no output") as caught:
        looks(Odd(), of(AttachDisk), [], nobody())
    assert "ZFS goes on with it by itself: zpool status tank" in caught.value.hint
    assert caught.value.exit_code == 7


def test_the_discarding_of_a_checkpoint_is_waited_for() -> None:
    """zpool-checkpoint(8): it takes as long as there is to free, and no percentage is told."""
    busy = IDLE.replace(b"config:", b"checkpoint: discarding, 1.20G remaining.\nconfig:")
    fake = Looked(busy, busy, IDLE)
    seen = looks(fake, of(DiscardCheckpoint), [], nobody())
    assert seen == ["discard", "discard"]


def test_grace_is_a_minute(monkeypatch: Patch) -> None:
    """A look at once, then more and more rarely; it ends by itself."""
    monkeypatch.undo()
    pauses: list[float] = []
    assert len(list(seconds_of_grace(pauses.append))) == len(pauses) + 1
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert 60 <= sum(pauses) < 70
