"""Plans in the form that was asked for, and the command to run next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from phoenix_plan.cli.options import Format
from phoenix_plan.plan import Plan
from phoenix_plan.render.facts import is_no_change
from phoenix_plan.render.style import Style
from phoenix_plan.render.visible import visible

if TYPE_CHECKING:
    from phoenix_plan.render.policy import PolicySays


def plan_as(
    made: Plan,
    form: Format,
    style: Style,
    *,
    source: str,
    next_step: str,
    policy: PolicySays | None = None,
) -> str:
    """A plan as text, JSON or markdown. `policy` is what the host's policy says to it; the plan's
    document has no room for that."""
    match form:
        case Format.TEXT:
            from phoenix_plan.render.text import plan_text  # noqa: PLC0415 - loaded where used

            said = policy.as_text(style) if policy else ()
            return plan_text(made, style, next_step=next_step, policy=said)
        case Format.MARKDOWN:
            from phoenix_plan.render.markdown import plan_markdown  # noqa: PLC0415 - likewise

            return plan_markdown(made, source=source, policy=policy.as_markdown() if policy else ())
        case Format.JSON:
            from phoenix_plan.codec import plan_to_json  # noqa: PLC0415 - loads cattrs

            return plan_to_json(made)


def plan_next(made: Plan, *, saved: str | None, again: str) -> str:
    """What to run after looking at a plan: see to its errors, keep it, or have it reviewed.

    `saved` is the plan's file, `again` the command that makes it.
    """
    if made.errors:
        return f"phoenix explain {visible(made.errors[0].code)}"
    if is_no_change(made) or saved == "-":
        return ""
    if saved is None:
        return visible(f"{again} -o plan.json")
    return visible(shlex.join(["phoenix", "show", saved, "--format", "markdown"]))
