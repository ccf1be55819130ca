"""Which plans were applied before, as journals and the index tell it: every doubt is a yes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply.applied import (
    Applied,
    PlanKey,
    applied_before,
    index_path,
    key_of,
    remember,
    runs_of,
)
from phoenix_plan.apply.journal import JournalError
from tests.render.samples import NO_CHANGE

PLAN = PlanKey(digest="p", state="s", config="c", taken_at="2026-11-23T08:00:00Z")


def line(event: str, **fields: Any) -> str:
    return json.dumps({"event": event, "at": "2026-11-23T09:00:00.000000Z", **fields}) + "\n"


def begin(plan: str, state: Any = "other", config: str = "other") -> str:
    return line("begin", plan=plan, state={"id": state}, config=config, run="r")


def abandoned(at: str) -> str:
    return f'{{"eve\n{line("intent")}' + line("abandon").replace("2026-11-23T09:00:00.000000Z", at)


INTENT = line("intent", id="a:b")
AT = "2026-11-23T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (AT, begin("p") + INTENT),
        (AT, begin("q", "s", "c") + INTENT),
        (None, begin("q", "s") + INTENT),
        (None, begin("q", config="c") + INTENT),
        (None, begin("q") + INTENT),
        (None, begin("p")),
        (None, begin("p") + line("end", ok=False)),
        (AT, begin("p") + line("end") + INTENT),
        ("an unknown time", begin("p") + '{"event": "int'),
        ("an unknown time", begin("p") + "[" * 100_000 + "\n"),
        ("an unknown time", begin("p") + "[1]\n"),
        (AT, begin("p") + INTENT + line("abandon")),
        # Whose run it was can't be read: it may have been this plan's.
        (AT, '{"event": "beg\n' + INTENT),
        (AT, line("resume") + INTENT),
        (AT, begin("q").replace('{"id": "other"}', '"other"') + INTENT),
        (None, '{"event": "beg\n'),
        # Somebody has given it up, and only what was planned after that is another plan.
        (None, abandoned("2026-11-23T07:59:59Z")),
        (AT, abandoned("2026-11-23T08:00:00Z")),
        (AT, abandoned("some time")),
        (AT, abandoned("2026-11-23T07:00:00")),
        (AT, abandoned("2026-11-23T07:00:00Z") + line("end").replace(AT, "2026-11-23T07:00:00Z")),
        (AT, begin("p") + INTENT + line("abandon").replace(AT, "2026-11-23T07:00:00Z")),
        (None, begin("q") + INTENT + line("abandon")),
    ],
)
def test_a_journal_tells_of_a_run_of_this_plan(
    found: str | None, text: str, tmp_path: Path
) -> None:
    """With when it began to act."""
    path = tmp_path / "runs/r.jsonl"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    expected = [] if found is None else [(str(path), found, "r")]
    assert list(runs_of(str(tmp_path), PLAN)) == expected


def test_a_plan_that_does_not_say_when_it_was_made_is_none_that_came_later(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/r.jsonl").write_text(abandoned("2026-11-23T07:00:00Z"))
    key = PlanKey(digest="p", state="s", config="c")
    assert key.taken_at == ""
    assert list(runs_of(str(tmp_path), key))


def test_bytes_that_are_no_text_are_a_run(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/r.jsonl").write_bytes(begin("p").encode() + b"\xff\xfe\n")
    assert list(runs_of(str(tmp_path), PLAN))
    (tmp_path / "runs/s.jsonl").mkdir()
    with pytest.raises(JournalError, match=r"s\.jsonl can't be read: Is a directory") as caught:
        list(runs_of(str(tmp_path), PLAN))
    assert "applied before" in caught.value.hint


@pytest.mark.parametrize(
    ("found", "entry"),
    [
        ([AT], {"plan": "p", "state": "x", "config": "y", "at": AT}),
        ([AT], {"plan": "q", "state": "s", "config": "c", "at": AT}),
        ([], {"plan": "q", "state": "s", "config": "y", "at": AT}),
        (["an unknown time"], {"plan": "p"}),
    ],
)
def test_the_index_outlives_the_journals(
    found: list[str], entry: dict[str, str], tmp_path: Path
) -> None:
    assert list(runs_of(str(tmp_path), PLAN)) == [], "neither a folder nor an index"
    path = index_path(str(tmp_path))
    path.write_text(json.dumps({"plan": "z"}) + "\n" + json.dumps(entry) + "\n")
    assert list(runs_of(str(tmp_path), PLAN)) == [(str(path), at, "") for at in found]


@pytest.mark.parametrize("bad", ["", "{", "[]", '{"plan": 5}', "{}", "[" * 100_000])
def test_an_index_that_can_not_be_read_is_not_passed_over(bad: str, tmp_path: Path) -> None:
    """It is written as a whole: a line that is none was changed by somebody else."""
    index_path(str(tmp_path)).write_text(f'{{"plan": "z"}}\n{bad}\n{{"plan": "y"}}\n')
    with pytest.raises(JournalError, match=r"applied\.jsonl:2 can't be read") as caught:
        list(runs_of(str(tmp_path), PLAN))
    assert "something else has changed it" in caught.value.hint


def test_an_index_that_can_not_even_be_begun_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"applied\.jsonl: can't be written: No such file"):
        remember(str(tmp_path / "nowhere"), [])


def test_what_ran_is_remembered(tmp_path: Path) -> None:
    """What acted and says whose it is, beside what was remembered before."""
    runs = tmp_path / "runs"
    runs.mkdir()
    texts = {
        "a": begin("p", "s", "c") + INTENT + INTENT.replace("09:00", "10:00"),
        "b": begin("q"),
        "c": "garbage\n" + INTENT,
        "d": begin("q", "ü") + line("end") + "torn",
        "e": line("resume") + INTENT,
    }
    for name, text in texts.items():
        (runs / f"{name}.jsonl").write_text(text, encoding="utf-8")
    path = index_path(str(tmp_path))
    path.write_text('{"plan": "z"}\n')
    remember(str(tmp_path), sorted(runs.iterdir()))
    known = {"plan": "p", "state": "s", "config": "c", "run": "r", "at": AT}
    assert [json.loads(one) for one in path.read_text().splitlines()] == [{"plan": "z"}, known]
    for journal in runs.iterdir():
        journal.unlink()
    assert list(runs_of(str(tmp_path), PLAN)) == [(str(path), AT, "r")]


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    """Its journal, and whether it can be resumed; of the index alone, neither."""
    state = str(tmp_path)
    assert applied_before(state, PLAN) is None
    index = index_path(state)
    index.write_text(json.dumps({"plan": "p", "run": "old", "at": AT}) + "\n")
    kept = Applied(run="old", at=AT, journal=str(index), ending="", resumable=False)
    assert applied_before(state, PLAN) == kept
    runs = tmp_path / "runs"
    runs.mkdir()
    there = {"hostname": "h", "machine": "m", "hostid": "i"}
    first = {
        **json.loads(begin("p")), "format_version": "1.1", "source": "s", "host": there,
        "state": {"id": "x", "taken_at": "t"}, "user": "u", "mode": "safe", "consent": {},
        "rows": ["a:b"], "left_out": [],
    }  # fmt: skip
    more = {"safety": "safe", "action": {"type": "a", "arguments": {}}, "evidence": {}}
    second = {**json.loads(INTENT), **more}
    (runs / "r.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    found = applied_before(state, PLAN)
    assert found == Applied(
        run="r", at=AT, journal=str(runs / "r.jsonl"), ending="killed", resumable=True
    )


def test_a_plan_is_known_by_its_bytes_and_by_what_it_was_made_of() -> None:
    assert key_of(NO_CHANGE, "d") == PlanKey(
        digest="d", state=NO_CHANGE.state.id, config=NO_CHANGE.desired.digest,
        taken_at=NO_CHANGE.state.taken_at,
    )  # fmt: skip
