"""What can still be had back is told, and nothing that can't."""

from __future__ import annotations

from phoenix_plan.render.back import ways_back
from tests.builders import actual, dataset, desired, disk, member, planned, pool, top, want_pool

IS = actual(
    member("A", "tank"), member("B", "tank"), disk("C"),
    pools=[pool("tank", top("mirror", "tank", "A", "B"))], datasets=[dataset("tank")],
)  # fmt: skip
ANEW = planned(desired(want_pool("tank", "raidz1", "A", "B", "C")), IS)


def test_a_destroyed_pool_can_be_had_back_until_its_disks_are_written_to() -> None:
    ids = [row.id for row in ANEW.actions]
    destroy = "destroy-pool:tank"
    assert destroy in ids
    assert len(ids) > 1
    (line,) = ways_back(ANEW, [destroy])
    assert "zpool import -D" in line
    assert ways_back(ANEW, ids) == []
    assert ways_back(ANEW, []) == []
    begun = next(one for one in ids if one.startswith("create-pool"))
    assert ways_back(ANEW, [destroy], begun) == []
