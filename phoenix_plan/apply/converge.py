"""What is left once everything has run: an applied plan leaves no change."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_plan.actions import AddStorage
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.datasets import within
from phoenix_plan.plan import Plan, Row, make_plan


def opened(plan: Plan) -> set[str]:
    """Pools and datasets of which more is known once this plan is done."""
    return {
        finding.subject.name
        for finding in plan.findings
        if finding.code in ("plan-again-after-import", "plan-again-after-rename")
    }


def left(plan: Plan, actual: Actual, left_out: Sequence[str]) -> tuple[str, ...]:
    """Ids of what would still be planned, or be wanted and refused, but for what was left out on
    purpose, and what only shows once a pool is imported or a dataset renamed."""
    again = make_plan(plan.desired, actual)
    known = {*left_out, *(blocked.id for blocked in plan.blocked)}
    shown = opened(plan)
    found = [
        row.id
        for row in again.actions
        if not any(
            within(name, one)
            for one in shown
            for name in (row.action.subject, _home(row))
            if row.action.ABOUT in ("pool", "dataset") or isinstance(row.action, AddStorage)
        )
    ]
    found += [
        blocked.id
        for blocked in again.blocked
        if not any(within(blocked.subject.name, one) for one in shown)
    ]
    return tuple(one for one in found if one not in known)


def _home(row: Row) -> str:
    return row.action.dataset if isinstance(row.action, AddStorage) else ""
