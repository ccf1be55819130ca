"""Every situation gives the plan that is expected of it, as text and as JSON."""

from __future__ import annotations

import pytest

from tests.golden.situations import SITUATIONS, config_of, expected, names, plan_of, rendered


@pytest.mark.parametrize("name", names())
def test_a_situation_gives_its_plan(name: str) -> None:
    assert rendered(plan_of(name)) == expected(name)


def test_a_config_that_is_made_is_current() -> None:
    """It names the GUIDs of its recording."""
    made = {name: text for name in names() if (text := config_of(name)) is not None}
    assert made
    assert made == {name: (SITUATIONS / name / "config.json").read_text() for name in made}


def test_both_versions_of_zfs_give_the_same_plan_of_the_same_situation() -> None:
    new, old = plan_of("pool-matches"), plan_of("pool-matches-2.1")
    assert [row.id for row in new.actions] == [row.id for row in old.actions]
    assert new.unchanged == old.unchanged
