"""One action of a plan as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_plan.plan import Command
from phoenix_plan.render.facts import Cost, Value, after, costs, disks, values, why, zeroed
from phoenix_plan.render.layout import columns, field, names, padded, room, sentence, shell
from phoenix_plan.render.signs import TONES, Entry
from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.visible import visible

INDENT = 6
_FEW = 3
"""So much of an item's list is shown where nothing is lost, unless everything is asked for."""


def row_lines(entry: Entry, style: Style) -> Iterator[str]:
    """An action with why, what it would cost, what it changes, and its exact commands.

    Nothing of a destructive action is shortened, whatever the style.
    """
    row = entry.row
    destructive = row.safety == "destructive"
    full = destructive or style.everything
    yield from _title(entry, style)
    yield from _text("why", f"{why(row)} [{row.code}]", style)
    for cost in costs(row):
        yield from _cost(cost, style, full=full)
    yield from _values(values(row), style)
    found, left_out = disks(row)
    lines = [visible(disk) for disk in found] + sentence(left_out, room(style, INDENT))
    yield from field(style, "disks", lines, indent=INDENT)
    yield from _text("after", after(entry.after), style)
    for served in entry.serves:
        yield from _text("prepares", served, style)
    for command in row.commands:
        yield from _command(command, style)
    if full:
        yield from _text("undo", row.undo or "nothing brings it back", style)
        yield from _text("id", row.id, style)
    if style.everything:
        width = room(style, INDENT)
        needs = [line for need in row.needs for line in sentence(need, width)]
        yield from field(style, "needs", needs, indent=INDENT)


def _title(entry: Entry, style: Style) -> Iterator[str]:
    sign = style.paint(entry.sign, TONES[entry.sign])
    tone: Tone = "alarm" if entry.row.safety == "destructive" else "strong"
    indent = 6 + len(entry.sign)
    first, *rest = sentence(entry.title, style.width - indent)
    yield f"{entry.number:>3}. {sign} {style.paint(first, tone)}"
    yield from (" " * indent + style.paint(line, tone) for line in rest)


def _text(label: str, text: str, style: Style) -> list[str]:
    return field(style, label, sentence(text, room(style, INDENT)), indent=INDENT)


def _cost(cost: Cost, style: Style, *, full: bool) -> Iterator[str]:
    tone: Tone = "alarm" if cost.alarming else "plain"
    width = room(style, INDENT)
    items = cost.items if full else cost.items[:_FEW]
    lines = sentence(cost.head + ":" * bool(items), width)
    if cost.names:
        lines += [f"  {line}" for line in names(items, width - 2)]
    else:
        for item in items:
            first, *rest = sentence(item, width - 2) or [""]
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
    if len(items) < len(cost.items):
        lines.append(f"- and {len(cost.items) - len(items):,} more (--verbose shows them)")
    yield from field(style, cost.label, lines, indent=INDENT, tone=tone)


def _values(found: tuple[Value, ...], style: Style) -> Iterator[str]:
    """Before → after, aligned; a value of one side alone stands without an arrow."""
    if not found:
        return
    width = room(style, INDENT)
    shown = [
        Value(name=visible(v.name), before=visible(v.before), after=visible(v.after)) for v in found
    ]
    # One long value must not push all the others to the right.
    name_width = min(max(columns(value.name) for value in shown), width // 2)
    before_width = min(max(columns(value.before) for value in shown), width // 3)
    lines: list[str] = []
    for value in shown:
        name = padded(value.name, name_width)
        if value.before and value.after:
            line = f"{name}  {padded(value.before, before_width)} → {value.after}"
        else:
            line = f"{name}  {value.after or value.before}"
        if columns(line) <= width:
            lines.append(line)
            continue
        lines.append(name.rstrip())
        arrow = ""
        for side in (value.before, value.after):
            if side:
                first, *rest = sentence(side, width - 4)
                lines += [f"{arrow or '  '}{first}", *(f"    {line}" for line in rest)]
                arrow = "→ "
    yield from field(style, "values", lines, indent=INDENT)


def _command(command: Command, style: Style) -> Iterator[str]:
    width = room(style, INDENT)
    if command.argv:
        yield from field(style, "runs", shell(command.argv, width), indent=INDENT, tone="strong")
    elif command.write:
        diff = [f"  {visible(line)}" for line in command.diff]
        yield from field(style, "writes", [visible(command.write), *diff], indent=INDENT)
    elif command.zero:
        lines = [visible(command.zero), *(f"  {x}" for x in sentence(zeroed(command), width - 2))]
        yield from field(style, "zeroes", lines, indent=INDENT)
