"""Rows run one by one, without a command line around them: what is asked before each, what is
written down, and what is said of a run that stops."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from phoenix_plan.actions import DestroyPool, SetDatasetProperties, VdevAction, WipeDisk
from phoenix_plan.apply import executor
from phoenix_plan.apply.after import not_ready
from phoenix_plan.apply.errors import ConsentError, InterruptedRun, StaleError, StoppedError
from phoenix_plan.apply.executor import Before, Runner, cleared_by, consent_now, let_go_by, run
from phoenix_plan.apply.interrupt import CutShortError, Signals
from phoenix_plan.apply.journal import Journal, JournalError
from phoenix_plan.commands import Output, Run, Write, WriteFile, Zero
from phoenix_plan.consent.modes import Grant
from phoenix_plan.errors import HostError, PhoenixError
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.actual import Actual
from phoenix_plan.plan import Plan, Row
from phoenix_plan.probes.zpool_progress import Progress
from phoenix_plan.refresh import refresh
from tests.apply.machine import PHOTOS, Watched, by_id, host, pool, want, words
from tests.properties.test_applying import NOW, case_of
from tests.render.samples import KINDS, plan_of, planned

Json = dict[str, Any]
See = Callable[[Write], Output | None]

DESTROY, SET = "destroy-dataset:keep/old", "set-dataset-properties:keep/some"
WIPE, CREATE = f"wipe-disk:{by_id('E')}", "create-pool:cold"
ORDER = [DESTROY, SET, WIPE, CREATE]
COMMANDS = ["zfs destroy keep/old@monday", "zfs destroy keep/old", "zfs set atime=on keep/some",
            f"zero {by_id('E')}", "zpool create"]  # fmt: skip
CONSENT = Grant(source="approval", by="alice", detail="d", expires="2026-11-23T09:00:00Z")


class Quiet(Signals):
    """Somebody asks to stop after so many rows, or has the next command cut short."""

    def __init__(self, after: int = 1000) -> None:
        super().__init__(lambda _text: None)
        self.after = after
        self.cuts_at = 1000
        self.rows = 0

    def __call__(self) -> str:
        self.rows += 1
        return "SIGTERM" if self.rows > self.after else ""

    @contextmanager
    def running(self) -> Iterator[None]:
        if self.rows > self.cuts_at:
            raise CutShortError("cut short")
        yield


class Stage:
    """A dataset to destroy, a disk to wipe for a new pool, and safe changes around them."""

    def __init__(self, folder: Path, there: Json, wanted: Json) -> None:
        self.case = case_of(there, wanted, folder)
        self.plan: Plan = self.case.plan
        self.ran: list[str] = []
        self.told: list[tuple[str, bool]] = []
        self.looks: list[tuple[list[str], tuple[str, ...]]] = []
        self.watched: list[tuple[str, str]] = []
        self.slept: list[float] = []
        self.stopping = Quiet()
        self.moment = NOW
        self.grants = {row.id: CONSENT for row in self.plan.destructive}
        self.journal = Journal.open(str(folder / "state"), "r")
        self.before = Before()
        self.see: See = lambda _write: None

    def look(self, rows: Sequence[Row], directories: tuple[str, ...]) -> Actual:
        self.looks.append(([row.id for row in rows], directories))
        return self.seen(directories)

    def seen(self, directories: tuple[str, ...] = ()) -> Actual:
        from phoenix_plan.apply.session import interests_of  # noqa: PLC0415 - one use

        wanted = interests_of(self.plan.desired, self.plan.actions, directories)
        return refresh(self.case.host, wanted, now=lambda: NOW)

    def _seen(self, write: Write) -> Output | None:
        self.ran.append(words(write))
        return self.see(write)

    def run(self, rows: Sequence[Row] | None = None) -> None:
        runner = Runner(
            host=Watched(self.case.host, self._seen),
            look=self.look,
            journal=self.journal,
            now=lambda: self.moment,
            tell=lambda row, ended: self.told.append((row.id, ended)),
            watch=lambda row, running: self.watched.append((row.id, str(running))),
            stopping=self.stopping,
            sleep=self.slept.append,
        )
        rows = self.plan.actions if rows is None else rows
        run(rows, self.plan.desired, self.grants, self.seen(), runner, before=self.before)

    def stops(self) -> StoppedError:
        with pytest.raises(StoppedError) as caught:
            self.run()
        assert caught.value.journal == str(self.journal.path)
        return caught.value

    @property
    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self.journal.path.read_text().splitlines()]

    def events(self, row: str) -> list[str]:
        return [line["event"] for line in self.lines if line["id"] == row]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    datasets: Json = {"old": {"guid": "4711", "snapshots": {"monday": {}}}, "some": {}}
    there = host(pool("keep", "mirror", "B", "C", **datasets))
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    made = Stage(
        tmp_path,
        there,
        {
            "pools": [want("keep", "mirror", "B", "C"), want("cold", "single", "E")],
            "datasets": [{"name": "some", "pool": "keep", "properties": "atime=on"}],
            "removed": {"datasets": ["keep/old"]},
        },
    )
    with made.journal:
        yield made


def started(ran: list[str], expected: list[str]) -> bool:
    return len(ran) == len(expected) and all(map(str.startswith, ran, expected))


def test_rows_run_in_order_and_each_step_is_written_down(stage: Stage) -> None:
    stage.run()
    assert started(stage.ran, COMMANDS)
    assert stage.told == [(row, ended) for row in ORDER for ended in (False, True)]
    once = ["intent", "command", "output", "result"]
    assert stage.events(DESTROY) == ["intent", *["command", "output"] * 2, "result"]
    assert [stage.events(row) for row in ORDER[1:]] == [once] * 3
    intents = {line["id"]: line for line in stage.lines if line["event"] == "intent"}
    assert [one["safety"] for one in intents.values()] == [
        "destructive", "safe", "destructive", "safe",
    ]  # fmt: skip
    assert intents[WIPE]["evidence"]["contents"], "what was agreed to"
    assert intents[SET]["evidence"] == {}
    assert intents[SET]["action"]["type"] == "set-dataset-properties"
    assert intents[SET]["action"]["arguments"]["dataset"] == "keep/some"
    results = [(line["ok"], line["why"]) for line in stage.lines if line["event"] == "result"]
    assert results == [(True, "")] * 4


def test_the_host_is_looked_at_behind_each_row_and_between_its_commands(stage: Stage) -> None:
    """Only the disks of what is still to run are read across."""
    stage.run()
    behind = [(ORDER[at:], ()) for at in range(4)]
    assert stage.looks == [([DESTROY], ()), *behind]


@pytest.mark.parametrize(
    ("why", "grants", "now"),
    [
        ("", {WIPE: CONSENT}, NOW),
        ("nobody consented to it", {}, NOW),
        ("nobody consented to it", {DESTROY: CONSENT}, NOW),
        ("", {WIPE: CONSENT}, datetime(2026, 11, 23, 8, 59, 59, tzinfo=UTC)),
        ("the consent by alice expired at 2026-11-23T09:00:00Z", {WIPE: CONSENT},
            datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("", {WIPE: attrs.evolve(CONSENT, expires="")}, datetime(2099, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_consent_counts_until_it_expires(
    why: str, grants: dict[str, Grant], now: datetime, stage: Stage
) -> None:
    (wipe,) = (row for row in stage.plan.actions if row.id == WIPE)
    assert consent_now(wipe, grants, now) == why


def test_without_consent_nothing_begins(stage: Stage) -> None:
    del stage.grants[DESTROY]
    with pytest.raises(ConsentError, match="nobody consented") as caught:
        stage.run()
    consent = caught.value.consent
    assert (consent.refused, consent.said) == ((DESTROY,), ("nobody consented to it",))
    assert consent.grants == stage.grants
    assert (stage.ran, stage.lines, stage.told) == ([], [], [])


def test_without_consent_to_a_later_one_the_run_stops_before_it(stage: Stage) -> None:
    del stage.grants[WIPE]
    error = stage.stops()
    assert "nobody consented" in error.why
    assert (error.done, error.left) == ((DESTROY, SET), (WIPE, CREATE))
    assert (error.failed, error.running) == ("", "")
    assert WIPE not in {line["id"] for line in stage.lines}


def test_a_safe_row_needs_none(stage: Stage) -> None:
    stage.grants.clear()
    row = attrs.evolve(stage.plan.actions[1], evidence=Evidence(guests=("qemu/100",)))
    stage.run([row])
    assert started(stage.ran, COMMANDS[2:3])
    assert stage.lines[0]["evidence"] == {}, "nothing was agreed to"


def test_who_asks_to_stop_is_heard_between_two_rows(stage: Stage) -> None:
    stage.stopping.after = 2
    error = stage.stops()
    assert error.why == f"interrupted by SIGTERM before {WIPE}"
    assert (error.done, error.left, error.failed) == ((DESTROY, SET), (WIPE, CREATE), "")
    assert stage.told[-1] == (SET, True)


def test_who_asks_to_stop_before_the_first_one_has_stopped_it(stage: Stage) -> None:
    stage.stopping.after = 0
    with pytest.raises(InterruptedRun, match=f"SIGTERM before {DESTROY}"):
        stage.run()
    assert stage.lines == []


def test_what_has_moved_or_grown_stops_before_its_row(stage: Stage) -> None:
    """Also before the first one, and then nothing was run."""
    rows = stage.plan.actions
    action = rows[1].action
    assert isinstance(action, SetDatasetProperties)
    change = attrs.evolve(action.properties[0], after="off")
    other = attrs.evolve(rows[1], action=attrs.evolve(action, properties=(change,)))
    with pytest.raises(StaleError, match=r"what it changes has moved: .*off, is on"):
        stage.run([other])
    less = attrs.evolve(rows[2], evidence=attrs.evolve(rows[2].evidence, contents=()))
    with pytest.raises(StaleError, match=r"would take more than was agreed to.*photos"):
        stage.run([less])
    with pytest.raises(StaleError, match=CREATE):  # its disk is not blank yet
        stage.run([rows[3]])
    assert (stage.ran, stage.lines) == ([], [])


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize(
    ("how", "why", "unknown", "code"),
    [
        (Output(exit_code=3, stdout=b"", stderr=b"  b\xff\n"), "exit 3: b\ufffd", [], [3]),
        (Output(exit_code=0, stdout=b"", stderr=b""), "its commands ended well, but", [], [0]),
        (HostError("gone"), "nobody can say what happened: gone", ["gone"], []),
        (None, "nobody can say what happened: cut short", ["cut short"], []),
    ],
    ids=["fails", "does nothing", "has no end", "is cut short"],
)
def test_one_that_does_not_end_well_stops_it(
    *, turn: int, how: Any, why: str, unknown: list[str], code: list[int], stage: Stage
) -> None:
    """It counts as failed, and nobody says of a command without an end what it did."""

    def see(write: Write) -> Output | None:
        if "@" in words(write) or not words(write).startswith(COMMANDS[turn + 1]):
            return None
        if isinstance(how, HostError):
            raise how
        return how  # type: ignore[no-any-return]  # or None

    stage.see = see
    if how is None:
        stage.stopping.cuts_at = turn
    stage.before = Before(done=("a:b",))
    error = stage.stops()
    assert error.done == ("a:b", *ORDER[:turn])
    assert (error.failed, error.running) == (ORDER[turn], "")
    assert error.left == tuple(ORDER[turn + 1 :])
    lines = [line for line in stage.lines if line["id"] == ORDER[turn]]
    assert (lines[-1]["ok"], lines[-1]["why"]) == (False, error.why)
    assert error.why.startswith(f"{ORDER[turn]}: {why}")
    assert stage.slept == [], "nothing will come of itself"
    assert [line["why"] for line in lines if line["event"] == "unknown"] == unknown
    codes = [line["exit_code"] for line in lines if line["event"] == "output"]
    assert codes == [0] * (turn == 0 and how is not None) + code


def test_what_went_wrong_outweighs_that_it_can_not_be_written_down(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = stage.journal.write

    def full(event: str, **fields: Any) -> None:
        if event == "result":
            raise JournalError("no space")
        write(event, **fields)

    monkeypatch.setattr(stage.journal, "write", full)
    stage.see = lambda _write: Output(exit_code=1, stdout=b"", stderr=b"busy")
    error = stage.stops()
    assert error.why == f"{DESTROY}: exit 1: busy"
    assert error.failed == DESTROY


@pytest.mark.parametrize(("event", "failed"), [("intent", ""), ("command", ""), ("output", SET)])
def test_a_journal_that_is_full_stops_it(
    event: str, failed: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a row's first command nothing of it was run, and it has not failed."""
    write = stage.journal.write

    def full(name: str, **fields: Any) -> None:
        if name == event and fields["id"] == SET:
            raise JournalError("no space")
        write(name, **fields)

    monkeypatch.setattr(stage.journal, "write", full)
    error = stage.stops()
    assert (error.why, error.failed, error.done) == ("no space", failed, (DESTROY,))
    assert error.left == tuple(one for one in ORDER[1:] if one != failed)
    assert len(stage.ran) == 2 + bool(failed)


@pytest.mark.parametrize("event", ["intent", "command"])
def test_a_journal_that_is_full_from_the_beginning_runs_nothing(
    event: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, **_: Any) -> None:
        if name == event:
            raise JournalError("no space")

    monkeypatch.setattr(stage.journal, "write", full)
    with pytest.raises(JournalError, match="no space"):
        stage.run()
    assert stage.ran == []


def test_what_has_been_done_of_the_first_row_is_not_done_again(tmp_path: Path) -> None:
    """So many of its commands; of the others all are run. Between two, the filesystems of the pool
    are known, and the folders are looked at where they mount."""
    there = pool("tank", "mirror", "A", "B", a={})
    there |= {"state": "exported", "hostid": host()["hostid"], "hostname": "pve1"}
    there["datasets"]["tank"]["set"].update(atime="on", mountpoint="/srv/tank")
    wanted = {"pools": [want("tank", "mirror", "A", "B"), want("cold", "single", "E")],
              "removed": {}}  # fmt: skip
    stage = Stage(tmp_path, host(there), wanted)
    create, back = stage.plan.actions
    (first, *_) = back.action.writes()
    assert words(first).startswith("zpool import")
    stage.case.host.run(first)
    stage.before = Before(skip=1)
    stage.run([back, create])
    assert started(stage.ran, ["zfs mount tank", "zfs mount tank/a", "zpool create"])
    asked = [(["import-pool:tank"], ()), (["import-pool:tank"], ("/srv/tank", "/srv/tank/a"))]
    assert stage.looks[:2] == asked


def test_a_disk_that_this_run_has_wiped_is_blank_enough(stage: Stage) -> None:
    """Before it was broken off, as well: what nobody can name on it is what the wipe has left."""
    seen: list[tuple[str, set[str]]] = []
    ready = not_ready

    def asked(action: Any, index: Any, cleared: Any, **more: Any) -> str:
        seen.append((action.TYPE, set(cleared)))
        return ready(action, index, cleared, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "not_ready", asked)
        stage.before = Before(cleared=frozenset({"/dev/x"}))
        stage.run()
    assert seen[-1] == ("create-pool", {"/dev/x", by_id("E")})
    assert seen[0] == ("destroy-dataset", {"/dev/x"})


def test_each_command_is_written_down_as_it_is_run(tmp_path: Path) -> None:
    """An argv, a file with its content, a disk with the ranges that are zeroed: enough to do it by
    hand."""
    there = host()
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    wanted = {"pools": [want("cold", "single", "E")], "arc_max_gb": 4, "removed": {}}
    stage = Stage(tmp_path, there, wanted)
    ran: list[Write] = []
    stage.see = ran.append
    stage.run()
    told = [line for line in stage.lines if line["event"] == "command"]
    assert {type(write) for write in ran} == {Run, WriteFile, Zero}
    assert len(told) == len(ran)
    for line, write in zip(told, ran, strict=True):
        said = {name: value for name, value in line.items() if name not in ("event", "at", "id")}
        match write:
            case Run():
                assert said == {"argv": list(write.argv)}
            case WriteFile():
                assert said == {"write": write.path, "content": write.content}
            case Zero():
                assert said == {"zero": write.path, "ranges": [list(one) for one in write.ranges]}


def wider(tmp_path: Path, **changes: Any) -> Stage:
    """A mirror to make wider by a disk."""
    there = host(pool("tank", "mirror", "A", "B"), **changes)
    wanted = {"pools": [want("tank", "mirror", "A", "B", "C")], "removed": {}}
    return Stage(tmp_path, there, wanted)


ATTACH = f"attach-disk:{by_id('C')}"


def test_how_far_it_is_is_shown_each_time_and_written_down_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A percent that stands still for hours fills no disk."""
    seen = [("resilver", 5), ("resilver", 5), ("resilver", 6), ("remove", 6), ("remove", None)]
    looks = [Progress(kind=kind, percent=percent, left="soon") for kind, percent in seen]
    monkeypatch.setattr(executor, "waits", lambda *_, **__: iter(looks))
    stage = wider(tmp_path)
    stage.run()
    assert stage.watched == [(ATTACH, str(one)) for one in looks]
    told = [line for line in stage.lines if line["event"] == "progress"]
    assert [(line["kind"], line["percent"]) for line in told] == [seen[0], *seen[2:]]
    assert {(line["id"], line["left"]) for line in told} == {(ATTACH, "soon")}


def test_what_has_worked_at_once_is_looked_at_once(tmp_path: Path) -> None:
    stage = wider(tmp_path)
    stage.run()
    assert (stage.slept, stage.looks) == ([], [([ATTACH], ())])


def test_what_zfs_goes_on_with_is_running_and_not_failed(tmp_path: Path) -> None:
    stage = wider(tmp_path, pace=12)
    stage.stopping.after = 1
    error = stage.stops()
    assert (error.running, error.failed, error.left) == (ATTACH, "", ())
    assert "interrupted by SIGTERM while resilver" in error.why
    assert stage.lines[-1]["ok"] is False


def test_what_the_run_itself_has_let_go_is_no_news_of_a_disk(tmp_path: Path) -> None:
    """The label of a pool that it destroyed is there still when the disk is wiped. In a run that
    goes on, the pool was destroyed before."""
    there = host(pool("tank", "mirror", "A", "B", data={}))
    wanted = {"pools": [want("tank", "raidz1", "A", "B", "C")], "removed": {}}
    stage = Stage(tmp_path, there, wanted)
    destroy, first, *others = stage.plan.actions
    stage.run([destroy, first])
    assert started(stage.ran, ["zpool destroy tank", f"zero {by_id('A')}"])
    stage.before = Before(let_go=let_go_by([destroy]), cleared=cleared_by([first]))
    stage.run(others)
    assert started(stage.ran[2:], [f"zero {by_id('B')}", "zpool create"])


def test_what_rows_wipe_and_let_go() -> None:
    rows = plan_of(*(planned(action, cost) for action, cost in KINDS.values())).actions
    wiped = {row.action.disk for row in rows if isinstance(row.action, WipeDisk)}
    assert cleared_by(rows) == wiped
    assert len(wiped) == 1
    guids = {row.action.guid for row in rows if isinstance(row.action, DestroyPool | VdevAction)}
    assert let_go_by(rows) == guids
    assert let_go_by([row for row in rows if row.id.startswith("destroy-pool")]) == guids
    assert let_go_by([row for row in rows if row.id.startswith("detach-disk")]) == guids
    assert let_go_by([row for row in rows if "dataset" in row.id]) == set()


def test_whatever_is_no_trouble_of_phoenix_comes_through(stage: Stage) -> None:
    """A mistake in the code is none that a run may make a story of."""

    def see(_write: Write) -> None:
        raise ZeroDivisionError

    stage.see = see
    with pytest.raises(ZeroDivisionError):
        stage.run()
    assert stage.events(DESTROY) == ["intent", "command"]
    assert issubclass(StoppedError, PhoenixError)
