"""An apply without a command line around it: what is asked before the first write, in which order,
what is written down, and what is told at the end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from phoenix_plan.apply import session as under_test
from phoenix_plan.apply.errors import (
    ConsentError,
    NotConverged,
    PlanHasErrors,
    PolicyError,
    StaleError,
    StoppedError,
    UnfinishedError,
)
from phoenix_plan.apply.journal import JOURNAL_VERSION
from phoenix_plan.apply.records import read_record
from phoenix_plan.apply.session import (
    OLDEST,
    Options,
    apply_plan,
    interests_of,
    not_too_old,
    same_host,
    select,
)
from phoenix_plan.codec import as_dict
from phoenix_plan.commands import Write
from phoenix_plan.consent.modes import Consent, Rules
from phoenix_plan.consent.policy import Policy, Protected
from phoenix_plan.consent.signatures import Signature
from phoenix_plan.errors import DocumentError, HostError
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.refresh import refresh
from tests.apply.direct import (
    CREATE,
    DESTROY,
    FAILED,
    ORDER,
    SET,
    WIPE,
    Called,
    Json,
    fails,
    watched,
)
from tests.apply.machine import by_id, host, pool, want, words
from tests.apply.test_given_up import FAILED as FAILED_BEFORE
from tests.apply.test_given_up import KILLED, NOTHING, shelf
from tests.properties.test_applying import NOW, Case, approvals_of, case_of

HOUR = timedelta(hours=1)


def test_a_run_from_beginning_to_end(case: Case) -> None:
    """Its journal begins with all that was agreed, its plan is kept beside it."""
    dave = Signature(key="k", names=("dave",))
    called = Called(case).rules(digest="r" * 64, user="carol", author=dave)
    called = called.change(source="the.json")
    report = apply_plan(called.session, [])
    assert report.ran == ORDER
    assert (report.left_out, dict(report.because), report.again) == ((), {}, False)
    (journal,) = called.folder.glob("*.jsonl")
    assert report.journal == str(journal)
    assert journal.stem.startswith("20261123T080000Z-")
    assert len(journal.stem) == len("20261123T080000Z-") + 8
    document = called.session.document
    assert (called.folder / f"{journal.stem}.plan.json").read_bytes() == document
    begin, *_, end = called.lines
    grants = called.granted[0][1].grants
    plan = case.plan
    assert begin == {
        "event": "begin", "at": begin["at"], "format_version": JOURNAL_VERSION,
        "run": journal.stem, "plan": called.session.digest, "source": "the.json",
        "host": as_dict(plan.host), "state": as_dict(plan.state), "config": plan.desired.digest,
        "user": "carol", "mode": "force-destructive", "rules": "r" * 64,
        "author": "dave (k)", "consent": {one: as_dict(grants[one]) for one in (DESTROY, WIPE)},
        "rows": list(ORDER), "left_out": [],
    }  # fmt: skip
    assert (end["event"], end["ok"], end["why"]) == ("end", True, "")
    assert [json.loads(line) for line in called.events] == called.lines
    assert called.granted[0][0] == ORDER
    assert "another plan" not in str(called.said)


def test_a_check_does_all_but_write(case: Case) -> None:
    called = Called(case).options(check=True, approved_only=True).rules(mode="safe")
    report = apply_plan(called.session, approvals_of(case.plan, frozenset({0})))
    assert report.ran == (DESTROY, SET)
    assert report.left_out == (CREATE, WIPE)
    assert report.because == {WIPE: "is not approved", CREATE: f"rests on {WIPE}"}
    assert (report.journal, report.again, called.log.writes) == ("", False, [])
    assert not called.folder.exists()
    assert called.granted[0][0] == (DESTROY, SET)


def test_where_nothing_may_run_there_is_no_run(tmp_path: Path) -> None:
    there = host(pool("keep", "mirror", "B", "C", old={"guid": "4711"}))
    wanted = {"pools": [want("keep", "mirror", "B", "C")], "removed": {"datasets": ["keep/old"]}}
    called = Called(case_of(there, wanted, tmp_path), "safe").options(approved_only=True)
    report = apply_plan(called.session, [])
    assert (report.ran, report.left_out) == ((), (DESTROY,))
    assert not called.folder.exists()


def test_only_what_is_safe(case: Case) -> None:
    """And rests on nothing destructive. Nobody is asked, and no approval counts."""
    called = Called(case, "interactive", "yes", "yes").options(safe_only=True)
    report = apply_plan(called.session, approvals_of(case.plan, frozenset({0})))
    assert report.ran == (SET,)
    assert report.because == {
        DESTROY: "is destructive", WIPE: "is destructive", CREATE: f"rests on {WIPE}",
    }  # fmt: skip
    (begin, *_) = called.lines
    assert (begin["rows"], begin["left_out"]) == ([SET], sorted({DESTROY, WIPE, CREATE}))
    assert begin["consent"] == {}
    assert begin["author"] == ""


@pytest.mark.parametrize(
    ("age", "word"),
    [
        (timedelta(0), ""),
        (OLDEST, ""),
        (OLDEST + timedelta(seconds=1), "30 days ago; 30 days are the most"),
        (timedelta(minutes=-5), ""),
        (timedelta(minutes=-5, seconds=-1), "here it is only 2026-11-23T07:54:59Z"),
    ],
)
def test_a_plan_is_neither_too_old_nor_of_tomorrow(age: timedelta, word: str, case: Case) -> None:
    called = Called(case).change(now=lambda: NOW + age)
    if not word:
        not_too_old(called.session)
        return
    with pytest.raises(StaleError, match=word) as caught:
        not_too_old(called.session)
    assert ("one of the two clocks" in caught.value.hint.lower()) is (age < timedelta(0))
    assert "plan again" in caught.value.hint.lower() or age < timedelta(0)
    called.refused(StaleError, word)


def test_the_policy_may_let_a_plan_live_shorter(case: Case) -> None:
    called = Called(case).rules(policy=Policy(plan_age="1h"))
    not_too_old(called.change(now=lambda: NOW + HOUR).session)
    error = called.change(now=lambda: NOW + HOUR * 1.5).refused(StaleError, "be 1h old")
    assert "Plan again" in error.hint
    state = attrs.evolve(case.plan.state, taken_at="2026-13-23T08:00:00Z")
    with pytest.raises(DocumentError, match="is no time"):
        not_too_old(called.plan(state=state).session)


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({"machine": "f" * 64}, True),
        ({"hostid": "00000001"}, True),
        ({"hostname": "renamed"}, False),
        ({}, False),
    ],
)
def test_whose_plan_it_is(change: Json, other: bool, case: Case) -> None:
    """Machine and host id decide. Another name alone is told."""
    called = Called(case)
    there = called.session.look()
    there = attrs.evolve(there, host=attrs.evolve(there.host, **change))
    if other:
        with pytest.raises(DocumentError, match="is a plan for") as caught:
            same_host(called.session, there)
        assert "its own host" in caught.value.hint
        return
    same_host(called.session, there)
    assert len(called.said) == len(change)
    assert all("it is renamed now, and the same machine" in one for one in called.said)


def test_another_host_runs_nothing(case: Case) -> None:
    called = Called(case).plan(host=attrs.evolve(case.plan.host, hostid="00000001"))
    called.refused(DocumentError, "is a plan for")


def test_what_is_looked_at(case: Case) -> None:
    """All disks that are declared, or those that rows touch; no other disk at all."""
    desired, rows = case.plan.desired, case.plan.actions
    declared = tuple(by_id(letter) for letter in "BCE")
    assert interests_of(desired).disks == declared
    assert interests_of(desired, rows).disks == (by_id("E"),)
    for row in rows[2:]:
        assert interests_of(desired, [row]).disks == (by_id("E"),), row.id
    assert interests_of(desired, rows[:2]).disks == ()
    assert interests_of(desired, [], ("/srv",)).directories == ("/srv",)
    assert interests_of(desired).directories == ()
    assert interests_of(desired).mountpoints == desired.mountpoints
    assert desired.mountpoints


def test_a_look_is_told_how_far_it_is_and_when(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what rows touch is looked at more closely, by the clock of the session."""
    asked: list[Any] = []

    def look(*given: Any, **more: Any) -> Any:
        asked.append((*given, more))
        return refresh(*given, **more)

    monkeypatch.setattr(under_test, "refresh", look)
    called = Called(case)
    told: list[str] = []
    called.change(talk=attrs.evolve(called.session.talk, progress=told.append))
    rows = case.plan.actions[2:]
    seen = called.session.look(rows, ("/srv",))
    more = {"progress": called.session.talk.progress, "now": called.session.now}
    assert asked == [(called.session.host, interests_of(case.plan.desired, rows, ("/srv",)), more)]
    assert seen.taken_at == "2026-11-23T08:00:00Z"
    assert told
    called.session.look()
    assert asked[1][1] == interests_of(case.plan.desired)


def test_a_forged_plan_is_none(case: Case) -> None:
    """Before anything else, and the file is named."""
    first, *rows = case.plan.actions
    called = Called(case).plan(actions=(attrs.evolve(first, safety="safe"), *rows))
    called.refused(DocumentError, "^plan.json")


def test_what_has_moved_makes_it_stale(case: Case) -> None:
    called = Called(case)
    there = json.loads(case.host.path.read_text())
    there["pools"][0]["datasets"]["keep/old"]["snapshots"]["today"] = {"guid": "99"}
    case.host.path.write_text(json.dumps(there))
    error = called.refused(StaleError, "the plan is stale, nothing was run.*moved:\n  destroy")
    assert "Plan again" in error.hint


def errors(tmp_path: Path) -> Case:
    """A pool that can't be made, and one that can."""
    there = host()
    del there["disks"]["sda"]
    wanted = {"pools": [want("tank", "mirror", "A", "B"), want("cold", "single", "E")],
              "removed": {}}  # fmt: skip
    return case_of(there, wanted, tmp_path)


def test_a_plan_with_errors_runs_only_in_part(tmp_path: Path) -> None:
    """Each error is told once, though the plan of now has it as well."""
    called = Called(errors(tmp_path))
    assert called.session.plan.errors
    error = called.refused(PlanHasErrors, "the plan holds errors, nothing was run:\n  ")
    first = called.session.plan.errors[0].message
    assert error.message.count(first) == 1
    assert "--partial" in error.hint
    assert apply_plan(called.options(partial=True).session, []).ran == (CREATE,)


def test_an_error_that_has_gone_since_counts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reviewed the plan saw it with that."""
    called = Called(errors(tmp_path))
    fresh = attrs.evolve(called.session.plan, findings=())
    monkeypatch.setattr(under_test, "make_plan", lambda *_: fresh)
    called.refused(PlanHasErrors, "the plan holds errors")


PROTECTED = Policy(protected=Protected(datasets=("keep/old",)))


def test_what_the_policy_bars_runs_only_without_it(case: Case) -> None:
    """The others run with a flag that says so, and nobody is asked about what is barred."""
    called = Called(case).rules(policy=PROTECTED)
    error = called.refused(PolicyError, f"nothing was run:\n  {DESTROY}: ")
    assert "No consent lifts that" in error.hint
    report = apply_plan(called.options(partial=True).session, [])
    assert report.ran == (SET, WIPE, CREATE)
    assert report.left_out == (DESTROY,)
    assert "protects keep/old" in report.because[DESTROY]


def test_the_policy_knows_a_disk_by_every_name_that_the_host_has_for_it(case: Case) -> None:
    called = Called(case).rules(policy=Policy(protected=Protected(disks=("/dev/sde",))))
    called.refused(PolicyError, f"{WIPE}: .*protects /dev/sde")


@pytest.mark.parametrize("flag", ["safe_only", "approved_only"])
def test_less_than_the_plan_may_run_beside_what_is_barred(flag: str, case: Case) -> None:
    called = Called(case, "safe").rules(policy=PROTECTED).options(**{flag: True})
    report = apply_plan(called.session, [])
    assert report.ran == (SET,)
    assert "protects keep/old" in report.because[DESTROY]


def test_without_consent_nothing_runs(case: Case) -> None:
    """All or nothing, and each is named."""
    called = Called(case, "safe")
    error = called.refused(ConsentError, "2 destructive actions without consent: nothing was run")
    assert isinstance(error, ConsentError)
    assert error.consent.refused == (DESTROY, WIPE)
    assert called.said == [], "it is told with the error"
    called.refused(ConsentError, "1 destructive action without consent", approved=1)


def test_approvals_count_for_the_plan_and_the_machine_that_they_name(case: Case) -> None:
    called = Called(case, "safe").change(digest="e" * 64)
    called.refused(ConsentError, "2 destructive", approved=2)
    called = Called(case, "safe").change(now=lambda: NOW + 2 * HOUR)
    error = called.refused(ConsentError, "2 destructive", approved=2)
    assert isinstance(error, ConsentError)
    assert any("does not count" in one for one in error.consent.said)
    assert called.said == [], "once is enough"
    report = apply_plan(Called(case, "safe").session, approvals_of(case.plan, frozenset({0, 1})))
    assert report.ran == ORDER


def test_what_is_said_of_consent_that_is_not_needed(case: Case) -> None:
    """Where all the same all is consented to, or only the approved runs."""
    said = "does not count"
    late = approvals_of(case.plan, frozenset({0}))
    called = Called(case).change(now=lambda: NOW + 2 * HOUR)
    apply_plan(called.session, late)
    assert any(said in one for one in called.said)


def test_only_the_approved_says_what_does_not_count(case: Case) -> None:
    called = Called(case, "safe").options(approved_only=True)
    called.change(now=lambda: NOW + 2 * HOUR)
    report = apply_plan(called.session, approvals_of(case.plan, frozenset({0})))
    assert report.ran == (SET,)
    assert any("does not count" in one for one in called.said)


def test_what_is_lacking_is_why_a_row_is_left_out(case: Case) -> None:
    rows = case.plan.actions
    consent = Consent(grants={}, refused=(DESTROY, WIPE), lacking={WIPE: "two are asked for"})
    rules = Rules(mode="safe", allow_destructive=None, user="bob")
    chosen, because = select(
        rows, consent, {SET: "barred"}, Options(rules=rules, approved_only=True)
    )
    assert chosen == ()
    assert because == {
        DESTROY: "is not approved", WIPE: "two are asked for", SET: "barred",
        CREATE: f"rests on {WIPE}",
    }  # fmt: skip
    for flag in ({}, {"partial": True}):
        with pytest.raises(ConsentError):
            select(rows, consent, {}, Options(rules=rules, **flag))


def meanwhile(called: Called, edit: Callable[[Json], object]) -> None:
    """Something happens on the host while a person is asked."""

    def ask(_row: Any) -> str:
        path = called.case.host.path
        there = json.loads(path.read_text())
        edit(there)
        path.write_text(json.dumps(there))
        return "yes"

    called.change(talk=attrs.evolve(called.session.talk, ask=ask))


def test_what_moves_while_a_person_is_asked(case: Case) -> None:
    """The host is looked at again, and whose it is as well."""
    called = Called(case, "interactive")
    meanwhile(called, lambda there: there["pools"][0]["datasets"]["keep/old"].update(guid="5"))
    with pytest.raises(StaleError, match="nothing was run"):
        apply_plan(called.session, [])
    assert called.log.writes == []


def test_a_host_that_is_another_by_then(case: Case) -> None:
    called = Called(case, "interactive")
    meanwhile(called, lambda there: there.update(machine_id="f" * 32))
    with pytest.raises(DocumentError, match="is a plan for"):
        apply_plan(called.session, [])
    assert called.log.writes == []


@pytest.mark.parametrize("partial", [False, True])
def test_a_disk_that_is_protected_by_then(partial: bool, case: Case) -> None:
    """By a name that it did not have when the person was asked."""
    policy = Policy(protected=Protected(disks=("/dev/disk/by-id/ata-KEEP",)))
    called = Called(case, "interactive").rules(policy=policy).options(partial=partial)
    meanwhile(called, lambda there: there["disks"]["sde"]["by_id"].append("ata-KEEP"))
    if partial:
        report = apply_plan(called.session, [])
        assert report.ran == called.granted[0][0] == (DESTROY, SET)
        assert "protects" in report.because[WIPE]
        return
    with pytest.raises(PolicyError, match=f"{WIPE}: .*protects"):
        apply_plan(called.session, [])
    assert called.log.writes == []


def test_only_what_was_chosen_runs_after_a_person_was_asked(case: Case) -> None:
    called = Called(case, "interactive", "yes").rules(policy=PROTECTED)
    # There is one row to ask about: what is barred is none.
    report = apply_plan(called.options(partial=True).session, [])
    assert report.ran == (SET, WIPE, CREATE)
    assert called.granted[0][0] == report.ran


def test_an_earlier_run_that_was_broken_off_is_in_the_way(case: Case) -> None:
    called = Called(case)
    (journal,) = shelf(Path(case.host.state_dir), a=KILLED).glob("*.jsonl")
    before = journal.read_text()
    with pytest.raises(UnfinishedError, match="was under way"):
        apply_plan(called.session, [])
    assert (called.log.writes, journal.read_text()) == ([], before)


def test_an_earlier_run_that_stopped_makes_way_once_this_one_begins(case: Case) -> None:
    """It is said before, and written into its journal then, and not by a check."""
    called = Called(case).rules(user="carol").options(check=True)
    (journal,) = shelf(Path(case.host.state_dir), a=FAILED_BEFORE).glob("*.jsonl")
    before = journal.read_text()
    apply_plan(called.session, [])
    assert called.said == [
        f"the run {journal.stem} stopped with 1 action not done; this plan takes its place"
    ]
    assert journal.read_text() == before
    report = apply_plan(called.options(check=False).session, [])
    last = json.loads(journal.read_text().splitlines()[-1])
    assert (last["event"], last["user"], last["by_run"]) == (
        "abandon", "carol", Path(report.journal).stem,
    )  # fmt: skip
    assert read_record(Path(report.journal)).ending == "done"


def test_room_is_made_and_what_can_not_be_is_said(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phoenix_plan.apply.earlier.KEEP", 0)
    folder = shelf(Path(case.host.state_dir), a=NOTHING, b=NOTHING)
    first, second = sorted(folder.glob("*.plan.json"))
    second.unlink()
    second.mkdir()
    called = Called(case)
    report = apply_plan(called.session, [])
    kept = {Path(report.journal).name, second.name.replace(".plan.json", ".jsonl")}
    assert {path.name for path in folder.glob("*.jsonl")} == kept
    assert "old runs could not be thrown away" in called.said[0]
    assert not first.exists()


def test_a_plan_is_applied_once(case: Case) -> None:
    apply_plan(Called(case).session, [])
    called = Called(case)
    with pytest.raises(DocumentError, match="was applied before, at ") as caught:
        apply_plan(called.session, [])
    assert "Plan again." in caught.value.hint
    (journal,) = called.folder.glob("*.jsonl")
    assert str(journal) in caught.value.hint
    assert called.log.writes == []


def test_a_plan_is_known_by_its_bytes(case: Case) -> None:
    """Whatever else the journal says of it."""
    called = Called(case)
    apply_plan(called.session, [])
    (journal,) = called.folder.glob("*.jsonl")
    begin, *lines = called.lines
    begin.update(state={**begin["state"], "id": "0" * 32}, config="0" * 64)
    journal.write_text("".join(json.dumps(line) + "\n" for line in (begin, *lines)))
    with pytest.raises(DocumentError, match="was applied before, at "):
        apply_plan(Called(case).session, [])


def test_a_run_that_stops_says_so_in_its_last_line(case: Case) -> None:
    """And is gone on with by resume, or gives way to the next plan."""
    called = watched(Called(case), fails("zfs set", FAILED))
    with pytest.raises(StoppedError) as caught:
        apply_plan(called.session, [])
    end = called.lines[-1]
    assert (end["event"], end["ok"], end["why"]) == ("end", False, caught.value.message)
    with pytest.raises(DocumentError) as again:
        apply_plan(called.session, [])
    assert "phoenix resume goes on with that run." in again.value.hint


def test_a_signal_is_told_and_stops_it_between_two_actions(case: Case) -> None:
    def see(write: Write) -> None:
        if words(write).startswith("zfs set"):
            os.kill(os.getpid(), signal.SIGTERM)

    told: list[str] = []
    called = watched(Called(case), see)
    called.change(talk=attrs.evolve(called.session.talk, signalled=told.append))
    with pytest.raises(StoppedError, match=f"interrupted by SIGTERM before {WIPE}"):
        apply_plan(called.session, [])
    assert [one.split(":")[0] for one in told] == ["SIGTERM"]


def test_a_mistake_of_phoenix_itself_is_written_down_as_well(case: Case) -> None:
    called = watched(Called(case), fails("zfs set", ZeroDivisionError("x")))
    with pytest.raises(ZeroDivisionError):
        apply_plan(called.session, [])
    assert called.lines[-1]["why"] == "ZeroDivisionError('x')"


def test_what_remains_is_no_success(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def left(_plan: object, _actual: object, left_out: tuple[str, ...]) -> tuple[str, ...]:
        asked.append(left_out)
        return ("a:b", "c:d")

    monkeypatch.setattr(under_test, "left", left)
    called = Called(case, "safe").options(safe_only=True)
    with pytest.raises(NotConverged, match="these changes remain: a:b, c:d") as caught:
        apply_plan(called.session, [])
    assert caught.value.left == ("a:b", "c:d")
    (journal,) = called.folder.glob("*.jsonl")
    assert str(journal) in caught.value.hint
    end = called.lines[-1]
    assert (end["event"], end["ok"], end["why"]) == ("end", False, "a:b; c:d")
    assert asked == [tuple(sorted({DESTROY, WIPE, CREATE}))]


def test_a_host_that_can_not_be_seen_at_the_end(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = Called(case, "safe").options(safe_only=True)
    looks: list[object] = []

    def look(*given: Any, **more: Any) -> Any:
        looks.append(given)
        if len(looks) == 3:
            raise HostError("gone")
        return refresh(*given, **more)

    monkeypatch.setattr(under_test, "refresh", look)
    with pytest.raises(NotConverged, match="can't be seen: gone") as caught:
        apply_plan(called.session, [])
    assert caught.value.left == ()
    (journal,) = called.folder.glob("*.jsonl")
    assert f"Plan again. The journal: {journal}" in caught.value.hint
    assert called.lines[-1]["ok"] is False


def test_more_shows_once_a_pool_is_imported(tmp_path: Path) -> None:
    there = pool("tank", "mirror", "A", "B")
    there |= {"state": "exported", "hostid": host()["hostid"], "hostname": "pve1"}
    wanted = {"pools": [want("tank", "mirror", "A", "B")], "removed": {}}
    called = Called(case_of(host(there), wanted, tmp_path))
    assert apply_plan(called.session, []).again


def test_the_lock_says_who_has_it_and_is_lent_to_the_tools(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent: list[int] = []
    monkeypatch.setattr(SimulatedHost, "lend", lambda _self, lock: lent.append(lock))
    held: list[str] = []

    def see(_write: Write) -> None:
        held.append((called.folder.parent / "lock").read_text())

    called = watched(Called(case).rules(user="carol"), see)
    apply_plan(called.session, [])
    digest = called.session.digest[:12]
    assert set(held) == {f"carol: apply plan.json ({digest}) since 2026-11-23T08:00:00Z\n"}
    (lock,) = lent
    assert isinstance(lock, int)


def test_the_clock_of_a_run_does_not_go_back(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has expired stays so."""
    asked: list[datetime] = []

    def consent_now(_row: object, _grants: object, now: datetime) -> str:
        asked.append(now)
        return ""

    monkeypatch.setattr("phoenix_plan.apply.executor.consent_now", consent_now)
    times = [NOW] * 100
    called = Called(case).change(now=lambda: times.pop() if times else NOW)

    def see(_write: Write) -> None:
        times[:] = [NOW - timedelta(days=1)] * 100

    apply_plan(watched(called, see).session, [])
    assert min(asked) >= NOW
