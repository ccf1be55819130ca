"""A plan as text for a terminal: what could lose data first, and never shortened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phoenix_plan.plan import Plan
from phoenix_plan.planner import Unmanaged
from phoenix_plan.planner.items import Unchanged
from phoenix_plan.render.facts import Said, blocked_groups, counts, findings, is_no_change
from phoenix_plan.render.layout import columns, field, names, padded, room, sentence, title
from phoenix_plan.render.rows import row_lines
from phoenix_plan.render.signs import LEGEND, Entry, entries
from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.visible import visible

SHORT_DIGEST = 12
_LISTED = 20
_NAMED = 10
"""So many lines, and names within lines, of what is left alone, unless everything is asked for."""


def plan_text(plan: Plan, style: Style, *, next_step: str = "", policy: Sequence[str] = ()) -> str:
    """The whole plan. `next_step` is the command to run next, empty where there is none; `policy`
    are lines on what the host's policy says to it."""
    lines = [line for part in _parts(plan, style, next_step, policy) for line in ("", *part)]
    return "\n".join(lines[1:]) + "\n"


def _parts(plan: Plan, style: Style, next_step: str, policy: Sequence[str]) -> Iterator[list[str]]:
    steps = entries(plan.actions)
    yield list(_head(plan, style))
    if is_no_change(plan):
        yield [style.paint(line, "good") for line in no_change(plan, style.width)]
    else:
        yield from _actions(steps, style)
    yield from _findings(plan, style)
    if plan.unchanged:
        yield list(_unchanged(plan.unchanged, style))
    if plan.unmanaged != Unmanaged():
        yield list(_unmanaged(plan.unmanaged, style))
    legend = list(_legend(plan, steps, style))
    if legend:
        yield legend
    if policy:
        yield list(policy)
    yield list(_foot(plan, style, next_step))


def no_change(plan: Plan, width: int) -> list[str]:
    """That there is nothing to do, in so many words."""
    return sentence(f"No changes. The storage of {plan.host.hostname} is as declared.", width)


def _head(plan: Plan, style: Style) -> Iterator[str]:
    host = plan.host
    yield from title(style, f"Plan for {host.hostname}")
    yield from field(
        style,
        "host",
        sentence(f"machine {host.machine[:SHORT_DIGEST]}, host id {host.hostid}", style.width - 13),
        indent=2,
    )
    seen = f"{plan.state.taken_at} (state {plan.state.id[:SHORT_DIGEST]})"
    yield from field(style, "seen", sentence(seen, style.width - 13), indent=2)
    digest = visible(plan.desired.digest[:SHORT_DIGEST])
    yield from field(style, "config", [f"SHA-256 {digest}"], indent=2)
    yield from _permission(plan, style)


def permission(plan: Plan) -> str:
    """What the config's allow_destructive_operations means for this plan; empty: nothing."""
    if plan.desired.allow_destructive is True:
        count = len(plan.destructive)
        now = (
            f"the {count} destructive action{'s' * (count != 1)} below"
            if count
            else "destructive actions (this plan has none)"
        )
        return (
            "The config says allow_destructive_operations: true. An apply that is given this "
            f"config runs {now} WITHOUT ASKING ANYONE, whatever --mode says."
        )
    if plan.desired.allow_destructive is False and plan.destructive:
        return (
            "The config says allow_destructive_operations: false. Neither a prompt nor force can "
            "allow the destructive actions below, only an approval of this very plan."
        )
    return ""


def _permission(plan: Plan, style: Style) -> Iterator[str]:
    said = permission(plan)
    if not said:
        return
    loud = plan.desired.allow_destructive is True
    yield ""
    for line in sentence(said, style.width - 4):
        yield style.paint(("!!! " if loud else "    ") + line, "alarm" if loud else "plain")


def _actions(steps: Sequence[Entry], style: Style) -> Iterator[list[str]]:
    destructive = [step for step in steps if step.row.safety == "destructive"]
    safe = [step for step in steps if step.row.safety == "safe"]
    if destructive:
        count = f"{len(destructive)} action{'s' * (len(destructive) != 1)}"
        said = f"DESTRUCTIVE: {count} that can lose data or service, only with consent"
        yield title(style, said, "alarm")
        for step in destructive:
            yield list(row_lines(step, style))
    elif safe:
        yield [style.paint("Destructive: none.", "good")]
    if safe:
        count = f"{len(safe)} action{'s' * (len(safe) != 1)}"
        yield title(style, f"SAFE: {count}")
        for step in safe:
            yield list(row_lines(step, style))


def _findings(plan: Plan, style: Style) -> Iterator[list[str]]:
    errors = findings(plan, "error")
    if errors:
        said = (
            f"ERRORS: {len(plan.errors)}. What rests on them is not planned, and apply refuses "
            "the plan, unless --partial tells it to run the rest."
        )
        yield title(style, said, "alarm")
        for error in errors:
            yield list(_said(error, style, "bad"))
    if plan.blocked:
        said = f"NOT PLANNED: {len(plan.blocked)} that the config asks for"
        yield [*title(style, said, "alarm"), *_blocked(plan, style)]
    warnings, notes = findings(plan, "warning"), findings(plan, "note")
    if warnings:
        yield [style.paint("Warnings", "change")]
        yield from (list(_said(said, style, "change")) for said in warnings)
    if notes:
        yield [style.paint("Notes", "strong")]
        yield from (list(_said(said, style, "plain")) for said in notes)
    if plan.notices:
        yield [style.paint("About the config", "strong"), *_notices(plan, style)]


def _said(said: Said, style: Style, tone: Tone) -> Iterator[str]:
    """A finding: who, what was seen, what is not done for it, what to do."""
    for line in names(said.subjects, style.width - 4):
        yield "    " + style.paint(line, tone)
    labels = ("seen", f"{said.message} [{said.code}]"), ("to do", said.hint)
    yield from _labelled(*labels[0], style)
    if said.stops:
        width = room(style, INDENT)
        shown, more = shortened(said.stops, style)
        yield from field(style, "stops", names([*shown, *more], width), indent=INDENT)
    if said.hint:
        yield from _labelled(*labels[1], style)


INDENT = 6


def _labelled(label: str, text: str, style: Style) -> list[str]:
    return field(style, label, sentence(text, room(style, INDENT)), indent=INDENT)


def _blocked(plan: Plan, style: Style) -> Iterator[str]:
    for because, group in blocked_groups(plan):
        shown, more = shortened([blocked.id for blocked in group], style)
        for line in names([*shown, *more], style.width - 4):
            yield f"    {line}"
        for why in because:
            yield from _labelled("why", why, style)


def _notices(plan: Plan, style: Style) -> Iterator[str]:
    for notice in plan.notices:
        line = "" if notice.line is None else f"line {notice.line}, "
        yield from (
            f"    {text}"
            for text in sentence(
                f"{line}{notice.path}: {notice.message} [{notice.code}]", style.width - 4
            )
        )


def as_configured(unchanged: Unchanged) -> str:
    """That a thing is as declared, with what was seen of it."""
    detail = unchanged.detail
    if detail.endswith("as declared"):
        return f"{unchanged.subject.name}: {detail}"
    seen = f": {detail}" if detail else ""
    return f"{unchanged.subject.name}{seen} — as configured"


def _unchanged(unchanged: Sequence[Unchanged], style: Style) -> Iterator[str]:
    yield style.paint(f"Already right: {len(unchanged)}", "strong")
    shown = unchanged if style.everything else unchanged[:_LISTED]
    kind_width = max(columns(one.subject.kind) for one in shown)
    for one in shown:
        lines = sentence(as_configured(one), style.width - kind_width - 6)
        for number, line in enumerate(lines):
            kind = "" if number else one.subject.kind
            yield f"    {padded(kind, kind_width)}  {line}"
    if len(shown) < len(unchanged):
        yield f"    and {len(unchanged) - len(shown):,} more (--verbose lists them)"


def _unmanaged(unmanaged: Unmanaged, style: Style) -> Iterator[str]:
    yield from title(style, "Unmanaged: there, not in the config, left alone")
    for kinds, found in (
        ("pools", unmanaged.pools),
        ("datasets", unmanaged.datasets),
        ("storages", unmanaged.storages),
    ):
        if found:
            shown, more = shortened(found, style)
            first, *rest = [*shown, *more]
            lines = names([f"{len(found):,}: {first}", *rest], room(style, 4))
            yield from field(style, kinds, lines, indent=4)


def shortened(items: Sequence[str], style: Style) -> tuple[Sequence[str], list[str]]:
    """The names to show, and how many there are more."""
    if style.everything or len(items) <= _NAMED:
        return items, []
    return items[:_NAMED], [f"and {len(items) - _NAMED:,} more (--verbose lists them)"]


def _legend(plan: Plan, steps: Sequence[Entry], style: Style) -> Iterator[str]:
    used = {step.sign for step in steps}
    if used:
        signs = ", ".join(f"{sign} {LEGEND[sign]}" for sign in LEGEND if sign in used)
        order = "Numbers are the order in which the actions run."
        yield from sentence(f"Signs: {signs}. {order}", style.width)
    arguments = (a for row in plan.actions for command in row.commands for a in command.argv)
    if any("{" in argument for argument in arguments):
        said = "{…} in a command is known only when it runs, and is filled in then."
        yield from sentence(said, style.width)
    if plan.actions or plan.findings or plan.notices:
        yield from sentence("What a [code] means: phoenix explain CODE.", style.width)


def _foot(plan: Plan, style: Style, next_step: str) -> Iterator[str]:
    tone: Tone = "bad" if plan.errors or plan.destructive else "good"
    yield from title(style, counts(plan), tone)
    if next_step:
        yield f"Next: {next_step}"
