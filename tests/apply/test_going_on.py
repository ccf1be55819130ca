"""Going on with a run, without a command line around it: what is asked before the first write, what
is taken over from the journal, and what is written into it."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from phoenix_plan.actions import DestroyPool
from phoenix_plan.apply import resume as under_test
from phoenix_plan.apply.errors import (
    ConsentError,
    PolicyError,
    StaleError,
    StoppedError,
    UncertainError,
)
from phoenix_plan.apply.executor import Before
from phoenix_plan.apply.journal import JOURNAL_VERSION
from phoenix_plan.apply.resume import WORDS, resume_run
from phoenix_plan.apply.session import Report
from phoenix_plan.commands import Write
from phoenix_plan.consent.policy import Policy, Protected
from phoenix_plan.errors import DocumentError, PhoenixError
from phoenix_plan.hosts.simulated import SimulatedHost
from tests.apply.direct import (
    CREATE,
    DESTROY,
    FAILED,
    ORDER,
    SET,
    WIPE,
    Broken,
    Json,
    fails,
    watched,
)
from tests.apply.machine import PHOTOS, by_id, host, pool, want
from tests.properties.test_applying import NOW, Case, case_of

pytestmark = pytest.mark.usefixtures("at_that_time")


@pytest.mark.parametrize(
    ("at", "after", "open_row", "verdict", "rows"),
    [
        ("zfs destroy keep/old@", False, DESTROY, "not-done", ORDER),
        ("zfs destroy keep/old@", True, DESTROY, "partly", ORDER),
        ("zfs set", False, SET, "not-done", ORDER[1:]),
        ("zfs set", True, SET, "done", ORDER[2:]),
        ("zero", False, WIPE, "not-done", ORDER[2:]),
        ("zero", True, WIPE, "done", ORDER[3:]),
        ("zpool create", False, CREATE, "not-done", ORDER[3:]),
        ("zpool create", True, CREATE, "done", ()),
    ],
)
def test_what_is_told_and_written_down(
    *, at: str, after: bool, open_row: str, verdict: str, rows: tuple[str, ...], case: Case
) -> None:
    """Who resumed it, what became of the open action, and what is still to run. What has happened
    has its result before anything else is run."""
    broken = Broken(case, at, after=after).rules(user="carol")
    report = broken.goes_on()
    assert (report.ran, report.left_out) == (rows, ())
    assert report.journal == str(broken.path)
    first, *others = broken.new
    assert first == {
        "event": "resume", "at": first["at"], "format_version": JOURNAL_VERSION,
        "run": broken.path.stem, "user": "carol", "open": open_row, "verdict": verdict,
        "why": first["why"], "rows": list(rows),
    }  # fmt: skip
    assert broken.said == [f"{open_row} was under way: {WORDS[verdict]}; {first['why']}"]
    done = {"event": "result", "id": open_row, "ok": True, "why": ""}
    assert ({**done, "at": others[0]["at"]} == others[0]) is (verdict == "done")
    assert [json.loads(line) for line in broken.events] == broken.new
    intents = [line["id"] for line in broken.new if line["event"] == "intent"]
    assert intents == list(rows)
    assert broken.lines[-1]["ok"] is True


def test_what_was_only_intended_was_not_begun(case: Case) -> None:
    """A command is on disk before it runs. Behind a torn line one may have run all the same."""
    broken = Broken(case, "zfs set").rewrite(list.pop)
    assert broken.lines[-1]["event"] == "intent"
    broken.known -= 1
    assert broken.goes_on().ran == ORDER[1:]
    assert broken.said == []
    first = broken.new[0]
    assert (first["open"], first["verdict"], first["why"]) == ("", "", "")


def test_behind_a_torn_line_a_command_may_have_run(case: Case) -> None:
    broken = Broken(case, "zfs set").rewrite(list.pop)
    with broken.path.open("a") as journal:
        journal.write('{"event": "comm')
    broken.goes_on()
    assert broken.said[0].startswith(f"{SET} was under way: it has not happened")


def test_a_run_that_ended_between_two_actions_has_nothing_open(case: Case) -> None:
    broken = Broken(case, "zfs set").rewrite(lambda lines: lines.__delitem__(slice(-2, None)))
    assert broken.lines[-1]["event"] == "result"
    assert broken.goes_on().ran == ORDER[1:]
    assert broken.said == []


def test_a_check_writes_nothing(case: Case) -> None:
    broken = Broken(case, "zero").options(check=True)
    before = case.host.path.read_bytes(), broken.path.read_bytes()
    report = broken.goes_on()
    assert (report.ran, report.left_out, report.journal) == (ORDER[2:], (), "")
    assert (case.host.path.read_bytes(), broken.path.read_bytes()) == before


def test_what_was_left_out_stays_so(case: Case) -> None:
    broken = Broken(case, "zfs set", safe_only=True)
    left_out = tuple(sorted({DESTROY, WIPE, CREATE}))
    assert broken.goes_on().left_out == left_out


def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[Before]:
    """What is known of a run before the rest of it begins."""
    given: list[Before] = []

    def carry_out(*_: Any, before: Before, **__: Any) -> Report:
        given.append(before)
        return Report(ran=(), left_out=())

    monkeypatch.setattr(under_test, "carry_out", carry_out)
    return given


def test_what_this_run_did_before_is_handed_on(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its last step is known by its result, or by the look at the host."""
    broken = Broken(case, "zero", after=True)
    given = handed_on(monkeypatch)
    broken.goes_on()
    assert given == [Before(done=(DESTROY, SET, WIPE), cleared=frozenset({by_id("E")}))]
    broken.goes_on()
    assert given[1] == given[0], "its result is in the journal by now"


def test_what_it_has_yet_to_do_is_not(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is still to be wiped is none that this run has wiped."""
    broken = Broken(case, "zfs set", after=True)
    given = handed_on(monkeypatch)
    broken.goes_on()
    assert given == [Before(done=(DESTROY, SET))]


@pytest.fixture
def anew(tmp_path: Path) -> Case:
    """A pool to be made anew on the disks that it has, and one more."""
    there = host(pool("tank", "mirror", "A", "B", data={}))
    wanted = {"pools": [want("tank", "raidz1", "A", "B", "C")], "removed": {}}
    return case_of(there, wanted, tmp_path)


@pytest.mark.parametrize(
    ("at", "cleared"),
    [("zpool destroy", ""), (f"zero {by_id('A')}", "A"), (f"zero {by_id('B')}", "AB"),
     ("zpool create", "AB")],
)  # fmt: skip
def test_a_pool_that_it_has_destroyed_and_each_disk_that_it_has_wiped(
    at: str, cleared: str, anew: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken(anew, at, after=True)
    action = broken.session.plan.actions[0].action
    assert isinstance(action, DestroyPool)
    given = handed_on(monkeypatch)
    for _ in range(2):
        broken.goes_on()
        assert given[-1].let_go == {action.guid}
        assert given[-1].cleared == {by_id(letter) for letter in cleared}
        assert given[-1].skip == 0


@pytest.mark.parametrize("at", ["zpool destroy", f"zero {by_id('A')}", f"zero {by_id('B')}"])
@pytest.mark.parametrize("after", [False, True])
def test_a_pool_is_made_anew_wherever_it_was_broken_off(at: str, after: bool, anew: Case) -> None:
    """The labels of what this run has destroyed are no news."""
    broken = Broken(anew, at, after=after)
    broken.goes_on()
    assert broken.ran[-1].startswith("zpool create")
    again = [one for one in broken.ran if one.startswith(at)]
    assert len(again) == (not after)


@pytest.mark.parametrize("at", ["zpool destroy", f"zero {by_id('A')}"])
def test_labels_that_go_with_their_pool_may_read_otherwise(at: str, anew: Case) -> None:
    """They say who had the pool last: a host that was renamed writes its name of now."""

    def renamed(there: Json) -> None:
        there["hostname"] = "renamed"
        for letter in "ab":
            for label in there["disks"][f"sd{letter}"].get("labels", []):
                label["hostname"] = "renamed"

    broken = Broken(anew, at).edit(renamed)
    broken.goes_on()
    assert broken.ran[-1].startswith("zpool create")


def test_what_is_over_is_not_gone_on_with(case: Case) -> None:
    broken = Broken(case, "zfs set")
    broken.goes_on()
    broken.log.writes.clear()
    error = broken.refuses(PhoenixError, r"can't be resumed: it is over \(done\)")
    assert error.hint == "Plan again."
    broken.rewrite(lambda lines: lines.insert(1, lines[0]))
    error = broken.refuses(PhoenixError, "can't be resumed: it holds the beginning of another")
    assert error.hint == "phoenix abandon gives it up."


def other_run(broken: Broken, name: str, *lines: Json) -> Path:
    """One more journal."""
    path = broken.folder / f"{name}.jsonl"
    begin = {**broken.lines[0], "run": name}
    path.write_text("".join(json.dumps(line) + "\n" for line in (begin, *lines)))
    return path


@pytest.mark.parametrize(
    ("name", "steps", "code"),
    [
        ("20261123T090000Z-aaaaaaaa", True, False),
        ("20261123T090000Z-aaaaaaaa", False, True),
        ("20261123T070000Z-aaaaaaaa", True, True),
    ],
)
def test_no_run_has_come_after_it(name: str, steps: bool, code: bool, case: Case) -> None:
    """One that ran something has: what this one was at is not what is there."""
    broken = Broken(case, "zfs set")
    own = broken.path
    intent = broken.lines[1]
    end = {"event": "end", "at": intent["at"], "ok": False, "why": "x"}
    other_run(broken, name, *([intent] if steps else []), end)
    if code:
        assert resume_run(broken.session, own).ran == ORDER[1:]
        return
    with pytest.raises(PhoenixError, match=f"{name} came after it") as caught:
        resume_run(broken.session, own)
    assert caught.value.hint == "Plan again."
    assert broken.log.writes == []


def test_the_plan_is_the_runs_own(case: Case) -> None:
    broken = Broken(case, "zfs set").change(digest="e" * 64)
    broken.refuses(
        DocumentError, "is not the plan of the run .*dddddddddddd…, this is eeeeeeeeeeee…"
    )


@pytest.mark.parametrize(("back", "stale"), [(300, False), (301, True), (-60, False)])
def test_a_clock_that_was_set_back(back: int, stale: bool, case: Case) -> None:
    """Five minutes are none."""
    broken = Broken(case, "zfs set")
    broken.change(now=lambda: NOW - timedelta(seconds=back))
    if stale:
        broken.rewrite(lambda lines: lines[-1].update(at="2026-11-23T08:00:00.000000Z"))
        broken.plan(state=attrs.evolve(broken.session.plan.state, taken_at="2026-11-23T07:50:00Z"))
        error = broken.refuses(StaleError, "was at work at .*, and here it is only .*T07:54:59Z")
        assert "The clock was set back" in error.hint
    else:
        assert broken.goes_on().ran == ORDER[1:]


def test_a_plan_grows_too_old_while_a_run_waits(case: Case) -> None:
    broken = Broken(case, "zfs set").change(now=lambda: NOW + timedelta(days=31))
    broken.refuses(StaleError, "31 days ago")


def test_another_machine_goes_on_with_nothing(case: Case) -> None:
    broken = Broken(case, "zfs set").edit(lambda there: there.update(machine_id="f" * 32))
    broken.refuses(DocumentError, "is a plan for")


def test_a_forged_plan_is_none(case: Case) -> None:
    broken = Broken(case, "zfs set")
    rows = broken.session.plan.actions
    broken.plan(actions=(attrs.evolve(rows[0], safety="safe"), *rows[1:]))
    broken.refuses(DocumentError, "^plan.json")


@pytest.mark.parametrize("missing", [False, True])
def test_the_rules_are_those_of_then(missing: bool, case: Case) -> None:
    """A journal of before there were rules says none."""
    broken = Broken(case, "zfs set")
    if missing:
        broken.rewrite(lambda lines: lines[0].pop("rules"))
    broken.rules(digest="r" * 64)
    error = broken.refuses(StaleError, "the rules of this host have changed since the run")
    assert "phoenix abandon" in error.hint
    broken.rules(digest="")
    assert broken.goes_on().ran == ORDER[1:]


def test_the_same_rules_as_then_are_no_others(case: Case) -> None:
    broken = Broken(case, "zfs set")
    broken.rewrite(lambda lines: lines[0].update(rules="r" * 64)).rules(digest="r" * 64)
    assert broken.goes_on().ran == ORDER[1:]


@pytest.mark.parametrize(("at", "barred"), [("zfs destroy keep/old@", True), ("zfs set", False)])
def test_what_the_policy_bars_by_now(at: str, barred: bool, case: Case) -> None:
    """What is done already is no matter."""
    broken = Broken(case, at).rules(policy=Policy(protected=Protected(datasets=("keep/old",))))
    if barred:
        error = broken.refuses(PolicyError, f"nothing was run:\n  {DESTROY}: .*protects keep/old")
        assert "No consent lifts that" in error.hint
    else:
        assert broken.goes_on().ran == ORDER[1:]


def test_the_policy_knows_a_disk_by_every_name_that_the_host_has_for_it(case: Case) -> None:
    broken = Broken(case, "zfs set").rules(policy=Policy(protected=Protected(disks=("/dev/sde",))))
    broken.refuses(PolicyError, f"{WIPE}: .*protects /dev/sde")


@pytest.mark.parametrize(
    ("at", "count", "names"),
    [("zfs destroy keep/old@", "2 destructive actions", (DESTROY, WIPE)),
     ("zfs set", "1 destructive action ", (WIPE,))],
)  # fmt: skip
def test_a_consent_that_has_expired(
    at: str, count: str, names: tuple[str, ...], case: Case
) -> None:
    """Of what is left. All are named, and why."""
    broken = Broken(case, at)
    expires = "2026-11-23T09:00:00Z"

    def expire(lines: list[Json]) -> None:
        for grant in lines[0]["consent"].values():
            grant["expires"] = expires

    broken.rewrite(expire).change(now=lambda: NOW + timedelta(hours=1))
    error = broken.refuses(ConsentError, f"{count}.*without consent: nothing was run")
    assert isinstance(error, ConsentError)
    assert error.consent.refused == names
    said = tuple(f"{one}: the consent by bob expired at {expires}" for one in names)
    assert error.consent.said == said
    assert set(error.consent.grants) == {DESTROY, WIPE}
    broken.change(now=lambda: NOW + timedelta(minutes=59))
    broken.goes_on()


def test_once_all_that_was_consented_to_is_done_nothing_expires(case: Case) -> None:
    broken = Broken(case, "zpool create")
    broken.rewrite(lambda lines: lines[0].update(consent={}))
    assert broken.goes_on().ran == (CREATE,)


def test_what_the_rest_rests_on(case: Case) -> None:
    """All that has moved is told at once, whichever row it is of."""
    broken = Broken(case, "zfs set")
    found = {"offset": 65600, "type": "btrfs", "uuid": "x"}
    broken.edit(lambda there: there["disks"]["sde"]["signatures"].append(found))
    error = broken.refuses(StaleError, f"nothing was run:\n  {WIPE}: .*btrfs.*not in the plan")
    assert "phoenix abandon and plan again" in error.hint
    broken.edit(lambda there: there["disks"]["sde"]["signatures"].pop())
    assert broken.goes_on().ran == ORDER[1:]


def test_only_of_the_next_row_it_is_asked_whether_its_values_have_moved(case: Case) -> None:
    """What an earlier one will do to the others is not seen yet."""
    broken = Broken(case, "zfs destroy keep/old@")
    some = "keep/some"
    broken.edit(
        lambda there: there["pools"][0]["datasets"][some].setdefault("set", {}).update(atime="off")
    )
    assert broken.goes_on().ran == ORDER


def test_what_nobody_can_tell_runs_nothing(case: Case) -> None:
    """With what a person can do: of a pool that was being made, and of anything else."""
    broken = Broken(case, "zero").edit(lambda there: there["disks"]["sde"].update(serial="OTHER"))
    error = broken.refuses(UncertainError, f"what became of {WIPE}: .*Nothing was run now")
    assert error.hint.startswith("Look at it by hand")
    assert broken.said == []


def test_what_nobody_can_tell_of_a_new_pool(case: Case) -> None:
    broken = Broken(case, "zpool create")
    broken.edit(lambda there: there["disks"]["sde"].update(signatures=[PHOTOS]))
    error = broken.refuses(UncertainError, f"what became of {CREATE}")
    assert error.hint.startswith("Its disks were blank when zpool create began")


def test_who_holds_the_lock(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    lent: list[int] = []
    monkeypatch.setattr(SimulatedHost, "lend", lambda _self, lock: lent.append(lock))
    broken = Broken(case, "zfs set").rules(user="carol")
    lent.clear()
    held: list[str] = []

    def see(_write: Write) -> None:
        held.append((broken.folder.parent / "lock").read_text())

    broken.log.instead = see
    broken.goes_on()
    name = f"carol: resume {broken.path.stem} since 2026-11-23T08:00:00Z\n"
    assert set(held) == {name}
    (lock,) = lent
    assert isinstance(lock, int)


def test_a_resumed_run_that_stops_tells_of_all_of_it(case: Case) -> None:
    broken = Broken(case, "zfs set")
    watched(broken, fails("zero", FAILED))
    with pytest.raises(StoppedError) as caught:
        broken.goes_on()
    assert caught.value.done == (DESTROY, SET)
    assert (caught.value.failed, caught.value.left) == (WIPE, (CREATE,))
    assert broken.lines[-1]["ok"] is False


def test_a_signal_is_told_and_stops_it_between_two_actions(case: Case) -> None:
    broken = Broken(case, "zfs set")
    told: list[str] = []
    broken.change(talk=attrs.evolve(broken.session.talk, signalled=told.append))
    broken.log.instead = lambda _write: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StoppedError, match=f"interrupted by SIGTERM before {WIPE}"):
        broken.goes_on()
    assert broken.ran == ["zfs set atime=on keep/some"]
    assert [one.split(":")[0] for one in told] == ["SIGTERM"]
