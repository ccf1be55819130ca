"""Rows that need consent, and approvals, as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from phoenix_plan.consent.approval import Approval
from phoenix_plan.plan import Plan
from phoenix_plan.render.layout import field, names, room, sentence, title
from phoenix_plan.render.rows import row_lines
from phoenix_plan.render.signs import entries
from phoenix_plan.render.style import Style
from phoenix_plan.render.visible import visible

SHORT_DIGEST = 12


def rows_text(plan: Plan, ids: Collection[str], style: Style) -> list[str]:
    """Those rows of a plan as the plan itself shows them, an empty line before each."""
    steps = (step for step in entries(plan.actions) if step.row.id in ids)
    return [line for step in steps for line in ("", *row_lines(step, style))]


def row_title(plan: Plan, identifier: str) -> str:
    """A row in one line: its turn, its sign, what it does."""
    step = next(step for step in entries(plan.actions) if step.row.id == identifier)
    return f"{step.number}/{len(plan.actions)} {step.sign} {step.title}"


def approval_text(approval: Approval, style: Style) -> str:
    """An approval: of what, for whom, by whom, why, how long."""
    return "\n".join(_approval(approval, style)) + "\n"


def _approval(approval: Approval, style: Style) -> Iterator[str]:
    yield from title(style, f"Approval by {approval.approver}")
    wide = room(style, 2)
    machine = approval.machine[:SHORT_DIGEST]
    for label, text in (
        ("reason", approval.reason),
        ("host", f"{approval.hostname}, machine {machine}"),
        ("plan", f"SHA-256 {approval.plan}"),
        ("given", approval.created),
        ("expires", approval.expires),
    ):
        yield from field(style, label, sentence(text, wide), indent=2)
    yield from field(style, "approves", _ids(approval), indent=2)


def _ids(approval: Approval) -> list[str]:
    return [line for one in approval.actions for line in names([visible(one)], 1)]
