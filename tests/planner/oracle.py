"""The best way from one topology to another, by trying every move that ZFS has: slow, and simple.

A topology is a set of vdevs, each a type and its disks; `free` are the disks outside the pool. What
a way risks is counted as `phoenix_plan.planner.ways.risk` counts it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import combinations, count

Vdev = tuple[str, frozenset[str]]
Pool = frozenset[Vdev]
Risk = tuple[int, int, int, int]
"""Steps without a way back; steps that take something away; steps that copy; steps."""

ADD, TAKE, COPY, EVACUATE = (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0, 1, 1, 1)
EXPAND = (1, 0, 1, 1)


def best(there: Pool, wanted: Pool, disks: frozenset[str], *, may_expand: bool) -> Risk | None:
    """What the best way risks, None where there is none."""
    tie = count()
    seen: set[Pool] = set()
    queue: list[tuple[Risk, int, Pool]] = [((0, 0, 0, 0), next(tie), there)]
    while queue:
        risk, _, pool = heapq.heappop(queue)
        if pool == wanted:
            return risk
        if pool in seen:
            continue
        seen.add(pool)
        for more, after in _moves(pool, wanted, disks, may_expand=may_expand):
            if after not in seen:
                total = (risk[0] + more[0], risk[1] + more[1], risk[2] + more[2], risk[3] + more[3])
                heapq.heappush(queue, (total, next(tie), after))
    return None


def _moves(
    pool: Pool, wanted: Pool, disks: frozenset[str], *, may_expand: bool
) -> Iterator[tuple[Risk, Pool]]:
    free = sorted(disks - {disk for _, members in pool for disk in members})
    striped = any(kind.startswith("raidz") for kind, _ in pool)
    for vdev in pool:
        kind, members = vdev
        rest = pool - {vdev}
        for disk in free:
            if kind in ("disk", "mirror"):
                yield COPY, rest | {("mirror", members | {disk})}
            elif may_expand:
                yield EXPAND, rest | {(kind, members | {disk})}
            for old in members:
                yield COPY, rest | {(kind, members - {old} | {disk})}
        if kind == "mirror":
            for old in members:
                left = members - {old}
                yield TAKE, rest | {("mirror" if len(left) > 1 else "disk", left)}
        if rest and not striped:
            yield EVACUATE, rest
    for kind, width in {(kind, len(members)) for kind, members in wanted}:
        alike = all((kind, width) == (one, len(members)) for one, members in pool)
        for chosen in combinations(free, width) if alike else ():
            yield ADD, pool | {(kind, frozenset(chosen))}
