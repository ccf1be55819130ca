"""Earlier runs by their journals alone: who is in the way, who makes way, who is kept no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.apply import earlier
from phoenix_plan.apply.earlier import SUPERSEDED, abandon, close_stopped, make_room, settle_earlier
from phoenix_plan.apply.errors import UnfinishedError
from phoenix_plan.apply.records import read_record, records
from phoenix_plan.errors import PhoenixError
from tests.apply.test_records import (
    OFF,
    WIPE,
    begin,
    command,
    done,
    end,
    intent,
    output,
    result,
    text,
)

Json = dict[str, Any]
DONE = [begin(WIPE), *done(WIPE), end(ok=True)]
REMAINS = [begin(WIPE), *done(WIPE), end(ok=False)]
FAILED = [
    begin(WIPE), intent(WIPE), command(WIPE), output(WIPE, 1), result(WIPE, ok=False),
    end(ok=False),
]  # fmt: skip
BETWEEN = [begin(OFF, WIPE, "create-pool:x"), *done(OFF), end(ok=False)]
KILLED = [begin(WIPE), intent(WIPE), command(WIPE)]
NOTHING = [begin(WIPE), end(ok=False)]
ABANDONED = [*KILLED, {"event": "abandon", "user": "u", "reason": "r", "by_run": ""}]


def shelf(folder: Path, **runs: list[Json]) -> Path:
    """A host's runs, in this order."""
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    for at, (name, lines) in enumerate(runs.items()):
        path = folder / f"runs/20261123T0800{at:02}Z-{name}.jsonl"
        path.write_text(text(*lines))
        path.with_suffix(".plan.json").write_text("{}")
    return folder / "runs"


def names(folder: Path, ending: str) -> list[str]:
    found = sorted(path.name for path in folder.iterdir() if path.name.endswith(ending))
    return [name.partition("-")[2].removesuffix(ending) for name in found]


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        (DONE, "done"),
        (REMAINS, "remains"),
        (ABANDONED, "abandoned"),
        (NOTHING, "nothing"),
        (FAILED, ""),
        (BETWEEN, ""),
        (KILLED, ""),
        ([intent(WIPE), intent(WIPE)], ""),
    ],
)
def test_what_is_over_is_not_given_up(lines: list[Json], over: str, tmp_path: Path) -> None:
    """Its journal stays as it is. What is given up is so for good, and says by whom."""
    (path,) = shelf(tmp_path, a=lines).glob("*.jsonl")
    before = path.read_text()
    if over:
        with pytest.raises(PhoenixError, match=rf"is over \({over}\)"):
            abandon(read_record(path), user="bob", reason="why")
        assert path.read_text() == before
        return
    abandon(read_record(path), user="bob", reason="why")
    record = read_record(path)
    assert (record.ending, record.faults[1:]) == ("abandoned", ())
    last = json.loads(path.read_text().splitlines()[-1])
    assert (last["user"], last["reason"], last["by_run"]) == ("bob", "why", "")


def test_those_that_stopped_make_way_for_the_next_run_and_no_others(tmp_path: Path) -> None:
    """It is not in its own way. What the closed ones say can be read."""
    folder = shelf(tmp_path, a=DONE, b=FAILED, c=NOTHING, d=ABANDONED, e=BETWEEN, f=FAILED)
    before = {path.name: path.read_text() for path in folder.glob("*.jsonl")}
    own = next(folder.glob("*-f.jsonl")).stem
    close_stopped(str(tmp_path), "bob", own)
    closed = []
    for record in records(str(tmp_path)):
        was = before[record.path.name]
        if record.path.read_text() == was:
            continue
        closed.append(record.id[-1])
        last = record.lines[-1]
        assert record.ending == "abandoned"
        assert (last["user"], last["reason"], last["by_run"]) == ("bob", SUPERSEDED, own)
    assert closed == ["b", "e"]


def test_what_stopped_is_told_and_what_is_not_accounted_for_is_in_the_way(tmp_path: Path) -> None:
    told: list[str] = []
    folder = shelf(tmp_path, a=DONE, b=FAILED, c=NOTHING, d=ABANDONED, e=BETWEEN)
    settle_earlier(str(tmp_path), told.append)
    one, two = (next(folder.glob(f"*-{name}.jsonl")).stem for name in "be")
    assert told == [
        f"the run {one} stopped with 1 action not done; this plan takes its place",
        f"the run {two} stopped with 2 actions not done; this plan takes its place",
    ]
    shelf(tmp_path, a=KILLED)
    with pytest.raises(UnfinishedError, match=f"it was broken off while {WIPE}") as caught:
        settle_earlier(str(tmp_path), pytest.fail)
    assert "phoenix resume" in caught.value.hint


@pytest.mark.parametrize(
    ("keep", "kept"),
    [(0, "cf"), (1, "cfg"), (2, "cefg"), (4, "bcdefg"), (5, "abcdefg"), (7, "abcdefg")],
)
def test_the_oldest_of_those_that_are_over_go(
    keep: int, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their plans. One that can be resumed, or is not accounted for, is none of them."""
    monkeypatch.setattr(earlier, "KEEP", keep)
    folder = shelf(
        tmp_path, a=DONE, b=ABANDONED, c=FAILED, d=NOTHING, e=REMAINS,
        f=[begin(), begin(), end(ok=False)], g=DONE,
    )  # fmt: skip
    make_room(str(tmp_path), pytest.fail)
    assert names(folder, ".jsonl") == list(kept)
    assert names(folder, ".plan.json") == list(kept)
    index = tmp_path / "applied.jsonl"
    assert index.exists() is (len(kept) < 7), "what they ran is known still"


def test_a_plan_is_kept_only_for_a_run_that_began(tmp_path: Path) -> None:
    folder = shelf(tmp_path, a=DONE)
    (folder / "20261123T090000Z-b.plan.json").write_text("{}")
    (folder / "other.json").write_text("{}")
    make_room(str(tmp_path), pytest.fail)
    assert names(folder, ".plan.json") == ["a"]
    assert (folder / "other.json").exists()
    assert not (tmp_path / "applied.jsonl").exists()


def test_what_can_not_be_thrown_away_is_said_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps no plan from being applied. A copy that is gone already is no trouble."""
    monkeypatch.setattr(earlier, "KEEP", 0)
    folder = shelf(tmp_path, a=DONE, b=DONE, c=DONE)
    first, second, third = sorted(folder.glob("*.plan.json"))
    first.unlink()
    second.unlink()
    second.mkdir()
    told: list[str] = []
    make_room(str(tmp_path), told.append)
    assert names(folder, ".jsonl") == ["b", "c"]
    assert third.exists()
    assert len(told) == 1
    assert told[0].startswith("old runs could not be thrown away: ")
