"""What people see, whole: one golden file per kind of action, and some of everything."""

from __future__ import annotations

import pytest

from phoenix_plan.actions import ACTIONS
from tests.render.goldens import FOLDER, GOLDENS
from tests.render.samples import KINDS


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_looks_as_it_did(name: str) -> None:
    """A change in how a plan looks is seen, and meant (see goldens.py for how to renew)."""
    assert (FOLDER / name).read_text(encoding="utf-8") == GOLDENS[name]()


def test_every_kind_of_action_has_a_golden() -> None:
    """An action that nobody has looked at in a plan is not shown to an admin."""
    assert set(ACTIONS) == {action.TYPE for action, _ in KINDS.values()}
    assert set(ACTIONS) == {kind for kind in ACTIONS if (FOLDER / f"{kind}.txt").is_file()}


def test_every_sample_is_of_the_kind_it_stands_for() -> None:
    """No golden shows another kind of action than its name says."""
    for name, (action, _) in KINDS.items():
        assert name == action.TYPE or name.startswith(f"{action.TYPE}-")


def test_every_golden_is_held_against_something() -> None:
    """No file lies in the folder that no test reads."""
    assert sorted(GOLDENS) == sorted(path.name for path in FOLDER.iterdir())
