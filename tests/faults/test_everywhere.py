"""I7: a kill at any instant loses nothing and repeats nothing.

Every scene is run once. At each line of the journal (before it, in its middle, after it) and at
each command (before it, after it) what a killed process would leave is resumed.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from phoenix_plan.actions import ACTIONS
from phoenix_plan.apply import settle
from phoenix_plan.apply.session import Report
from tests.apply.machine import ROOT
from tests.faults.kills import AT, Moment, Resumed, Stage
from tests.faults.scenes import SCENES


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "FIRST_LOOK_S", 0.0001)
    monkeypatch.setattr(settle, "SLOWEST_LOOK_S", 0.0001)
    monkeypatch.setattr(settle, "GRACE_S", 0.01)
    monkeypatch.setattr("phoenix_plan.apply.journal._now", lambda: AT)


def test_every_kind_of_action_is_killed() -> None:
    """A new kind brings a scene that holds it."""
    assert set().union(*(scene.kinds for scene in SCENES.values())) == set(ACTIONS)


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_holds_what_it_is_for(name: str, tmp_path: Path) -> None:
    plan = Stage.of(SCENES[name], tmp_path).plan
    assert {row.action.TYPE for row in plan.actions} >= SCENES[name].kinds
    assert plan.errors == ()


@pytest.mark.parametrize("name", SCENES)
def test_whenever_it_is_killed_it_is_resumed_to_the_end(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command has its effect once, in the order of the plan, and the host is as wanted."""
    stage = Stage.of(SCENES[name], tmp_path)
    moments = stage.moments(tmp_path / "whole", monkeypatch)
    whole = moments[-1].ran
    known: dict[tuple[bytes, bytes], Resumed] = {}
    for at, moment in enumerate(moments):
        found = known.get(moment.left)
        if found is None:
            found = known[moment.left] = stage.resumed(moment, tmp_path / str(at))
        assert _is_right(found, moment, whole, SCENES[name].again), (
            moment.place,
            moment.what,
            found,
        )
    assert len(known) > len(moments) // 2


def _is_right(
    found: Resumed, moment: Moment, whole: tuple[str, ...], again: frozenset[str]
) -> bool:
    if found.outcome is None:  # it had not begun, or was over
        return found.ending == ("done" if moment.ran else "nothing")
    twice = {one for one, count in Counter(found.ran).items() if count > 1}
    once = tuple(dict.fromkeys(found.ran))
    return (
        isinstance(found.outcome, Report)
        and found.ending == "done"
        and twice <= again
        and once == whole
        and found.host.path.read_bytes().count(b"\\tdisable") == 0
    )


@pytest.mark.parametrize(
    "name", ["a mirror less wide, one of it offline", "an import", "a host that boots from ZFS"]
)
def test_a_resume_is_killed_and_resumed_as_well(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with the first command's effect and without its answer, then at every moment of the
    resume."""
    stage = Stage.of(SCENES[name], tmp_path)
    moments = stage.moments(tmp_path / "whole", monkeypatch)
    first = next(one for one in moments if one.place == "command-after")
    again = stage.resume_moments(first, tmp_path / "again", monkeypatch)
    assert len(again) > 10
    known: dict[tuple[bytes, bytes], Resumed] = {}
    for at, moment in enumerate(again):
        if moment.left not in known:
            known[moment.left] = stage.resumed(moment, tmp_path / str(at))
        assert _is_right(known[moment.left], moment, moments[-1].ran, SCENES[name].again), (
            moment.place,
            moment.what,
        )


def test_the_number_in_the_docs_is_the_number_of_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    for at, scene in enumerate(SCENES.values()):
        (tmp_path / str(at)).mkdir()
        stage = Stage.of(scene, tmp_path / str(at))
        count += len(stage.moments(tmp_path / str(at) / "whole", monkeypatch))
    page = (ROOT / "docs/explanation/safety-model.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"at (\d+) moments in (\d+) plans", page)
    assert told == (str(count), str(len(SCENES)))
