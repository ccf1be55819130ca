"""Every situation gives the plan that is expected of it, as text and as JSON."""

from __future__ import annotations

import pytest

from tests.golden.situations import expected, names, plan_of, rendered


@pytest.mark.parametrize("name", names())
def test_a_situation_gives_its_plan(name: str) -> None:
    assert rendered(plan_of(name)) == expected(name)


def test_both_versions_of_zfs_give_the_same_plan_of_the_same_situation() -> None:
    new, old = plan_of("pool-matches"), plan_of("pool-matches-2.1")
    assert [row.id for row in new.actions] == [row.id for row in old.actions]
    assert new.unchanged == old.unchanged
