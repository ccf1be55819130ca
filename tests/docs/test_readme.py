"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_plan_that_it_shows_is_a_real_one() -> None:
    """It is the golden plan of the situation that the README names."""
    found = re.search(r"`(fixtures/situations/[^`]+)`\):\n\n```text\n(.*?)```", README, re.DOTALL)
    assert found is not None
    assert found[2] == (ROOT / found[1] / "plan.txt").read_text(encoding="utf-8")


def test_its_make_targets_exist() -> None:
    """Each `make NAME` that it tells people to run."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)", README))
    assert named
    assert named <= targets
