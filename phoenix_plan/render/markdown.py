"""A plan as a comment on a pull request: within GitHub's limit, the least important cut first.

Destructive actions are never folded, and never cut without being named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from phoenix_plan.plan import Command, Plan
from phoenix_plan.render.escape import block, code, prose
from phoenix_plan.render.facts import (
    Said,
    after,
    blocked_groups,
    costs,
    counts,
    disks,
    findings,
    is_no_change,
    values,
    why,
    zeroed,
)
from phoenix_plan.render.layout import shell
from phoenix_plan.render.signs import Entry, entries
from phoenix_plan.render.text import SHORT_DIGEST, as_configured, permission
from phoenix_plan.render.visible import visible

LIMIT = 65_536
"""GitHub takes comments of fewer characters than this."""

_COMMAND_WIDTH = 100


@attrs.frozen(kw_only=True)
class _Item:
    """Something in a list: `full`, and `brief`, which is what is left of it where room is short."""

    full: str
    brief: str = ""


@attrs.frozen(kw_only=True)
class _Section:
    """A part of the comment. The higher `weight`, the later it is cut. `cut` says how many items
    are not there in full."""

    title: str
    items: tuple[_Item, ...]
    weight: int
    folded: bool
    cut: Callable[[int], str]

    def text(self, items: Sequence[str], cut: int) -> str:
        """The section of these items, with the note on what was cut."""
        body = "\n".join([*items, *([f"\n_{self.cut(cut)}_"] if cut else [])])
        if self.folded:
            return f"<details><summary>{self.title}</summary>\n\n{body}\n\n</details>\n"
        return f"### {self.title}\n\n{body}\n"

    @property
    def least(self) -> str:
        """What stays, however short room is."""
        return self.text([item.brief for item in self.items if item.brief], len(self.items))

    def fitted(self, room: int) -> str:
        """As many items in full as fit into `room` characters, from the first on."""
        whole = self.text([item.full for item in self.items], 0)
        if len(whole) <= room:
            return whole
        shown = [item.brief for item in self.items]
        used = len(self.least) + len(str(len(self.items)))
        full = 0
        for at, item in enumerate(self.items):
            more = len(item.full) - len(item.brief) + 1
            if used + more > room:
                continue
            shown[at] = item.full
            used += more
            full += 1
        return self.text([text for text in shown if text], len(self.items) - full)


def plan_markdown(
    plan: Plan, *, source: str = "", next_step: str = "", policy: Sequence[str] = ()
) -> str:
    """The comment. `source` is the plan's file, for the notes on what was cut; `next_step` the
    command to run next; `policy` are items on what the host's policy says to it. Shorter than
    LIMIT, however large the plan is."""
    see = f"phoenix show {visible(source)}" if source else "phoenix plan"
    head, foot = _head(plan), _foot(plan, next_step)
    sections = [section for section in _sections(plan, see, policy) if section.items]
    room = LIMIT - 1 - len(head) - len(foot) - len(sections) - 2
    parts = {section.title: section.least for section in sections}
    for section in sorted(sections, key=lambda section: -section.weight):
        others = sum(len(text) for title, text in parts.items() if title != section.title)
        parts[section.title] = section.fitted(room - others)
    text = "\n".join([head, *parts.values(), foot])
    return text if len(text) < LIMIT else _overflow(plan, head, foot, see)


def _overflow(plan: Plan, head: str, foot: str, see: str) -> str:
    """Not even the names fit: as many destructive ones as do, and how many do not."""
    warning = (
        "### Too large for a comment\n\n**{0} of {1} destructive actions are not even named "
        f"here. Do not judge this plan by this comment:** see all of it with {code(see)}.\n\n"
    )
    total = len(plan.destructive)
    room = LIMIT - 1 - len(head) - len(foot) - len(warning) - 100
    shown: list[str] = []
    for row in plan.destructive:
        line = f"- {code(row.id)}\n"
        if len(line) > room:
            break
        shown.append(line)
        room -= len(line)
    return "\n".join([head, warning.format(total - len(shown), total) + "".join(shown), foot])


def _head(plan: Plan) -> str:
    host = plan.host
    lines = [
        f"## Storage plan for {code(host.hostname)}",
        "",
        f"Machine {code(host.machine[:SHORT_DIGEST])}, seen {code(plan.state.taken_at)}, "
        f"config {code(plan.desired.digest[:SHORT_DIGEST])}.",
        "",
        f"**{counts(plan)}**",
        "",
    ]
    said = permission(plan)
    if said:
        kind = "CAUTION" if plan.desired.allow_destructive else "NOTE"
        lines += [f"> [!{kind}]", f"> {prose(said)}", ""]
    if is_no_change(plan):
        lines += [f"No changes. The storage of {code(host.hostname)} is as declared.", ""]
    return "\n".join(lines)


def _foot(plan: Plan, next_step: str) -> str:
    lines = []
    if plan.actions or plan.findings:
        lines.append(f"What a code means: {code('phoenix explain CODE')}.")
    if next_step:
        lines.append(f"Next: {code(next_step)}")
    return "\n\n".join(lines) + "\n"


def _sections(plan: Plan, see: str, policy: Sequence[str]) -> Iterator[_Section]:
    """In the order of the comment; `weight` is the order in which they keep their room."""
    see = code(see)
    steps = entries(plan.actions)
    destructive = [step for step in steps if step.row.safety == "destructive"]
    safe = [step for step in steps if step.row.safety == "safe"]
    yield _Section(
        title=f"Destructive: {len(destructive)}, only with consent",
        items=tuple(_Item(full=_row(step), brief=_brief(step)) for step in destructive),
        weight=9,
        folded=False,
        cut=lambda n: (
            f"{n} of these destructive actions are named here without their details, "
            f"for lack of room. Read all of them before you consent: {see}."
        ),
    )
    yield _Section(
        title="What the policy of the host says to it",
        items=tuple(_Item(full=item) for item in policy),
        weight=8,
        folded=False,
        cut=lambda n: f"{n} more, cut for lack of room.",
    )
    yield _Section(
        title=f"Errors: {len(plan.errors)}",
        items=tuple(_Item(full=_said(said)) for said in findings(plan, "error")),
        weight=8,
        folded=False,
        cut=lambda n: f"{n} more, cut for lack of room: {see}.",
    )
    yield _Section(
        title=f"Not planned: {len(plan.blocked)}",
        items=tuple(_Item(full=line) for line in _blocked(plan)),
        weight=6,
        folded=False,
        cut=lambda n: f"{n} more reasons, cut for lack of room: {see}.",
    )
    warnings = (*findings(plan, "warning"), *findings(plan, "note"))
    yield _Section(
        title="Warnings and notes",
        items=(
            *(_Item(full=_said(said)) for said in warnings),
            *(
                _Item(
                    full=f"- {code(notice.path)}"
                    + (f" (line {notice.line})" if notice.line is not None else "")
                    + f": {prose(notice.message)} ({code(notice.code)})"
                )
                for notice in plan.notices
            ),
        ),
        weight=7,
        folded=False,
        cut=lambda n: f"{n} more, cut for lack of room: {see}.",
    )
    yield _Section(
        title=f"Safe: {len(safe)}",
        items=tuple(_Item(full=_row(step)) for step in safe),
        weight=5,
        folded=True,
        cut=lambda n: f"{n} safe actions are cut for lack of room: {see}.",
    )
    yield _Section(
        title=f"As configured: {len(plan.unchanged)}",
        items=tuple(
            _Item(full=f"- {one.subject.kind} {prose(as_configured(one))}")
            for one in plan.unchanged
        ),
        weight=4,
        folded=True,
        cut=lambda n: f"{n} more, cut for lack of room: {see}.",
    )
    unmanaged = plan.unmanaged
    things = (
        *(("pool", name) for name in unmanaged.pools),
        *(("storage", name) for name in unmanaged.storages),
        *(("dataset", name) for name in unmanaged.datasets),
    )
    yield _Section(
        title=f"Unmanaged, left alone: {len(things)}",
        items=tuple(_Item(full=f"- {kind} {code(name)}") for kind, name in things),
        weight=3,
        folded=True,
        cut=lambda n: f"{n} more, cut for lack of room: {see}.",
    )


def _nested(line: str) -> str:
    """A line of a tree as an item of a list, as deep as it stands."""
    text = line.lstrip(" ")
    return f"{line[: len(line) - len(text)]}- {code(text) if text.startswith('/') else prose(text)}"


def _row(entry: Entry) -> str:
    """An action with all there is to say."""
    row = entry.row
    lines = [f"#### {entry.number}. {code(entry.sign)} {prose(entry.title)}", ""]
    lines.append(f"- why: {prose(why(row))} ({code(row.code)})")
    for cost in costs(row):
        head = f"**{cost.label}**" if cost.alarming else cost.label
        lines.append(f"- {head}: {prose(cost.head)}" + ":" * bool(cost.items))
        if cost.names:
            lines.append("  " + ", ".join(code(item) for item in cost.items))
        else:
            lines += [f"  - {prose(item)}" for item in cost.items]
    lines += [f"- {prose(value.name)}: {prose(value.line())}" for value in values(row)]
    found, left_out = disks(row)
    if any(line.startswith(" ") for line in found):
        lines += ["- disks:", *(f"  {_nested(line)}" for line in found)]
    elif found:
        lines.append(f"- disks: {', '.join(code(disk) for disk in found)} {left_out}".rstrip())
    lines += [f"- after {after(entry.after)}"] * bool(entry.after)
    lines += [f"- prepares {prose(served)}" for served in entry.serves]
    if row.safety == "destructive":
        lines.append(f"- undo: {code(row.undo) if row.undo else 'nothing brings it back'}")
        lines.append(f"- id: {code(row.id)}")
    for command in row.commands:
        lines += ["", _command(command)]
    return "\n".join(lines) + "\n"


def _brief(entry: Entry) -> str:
    """A destructive action by its name alone."""
    return f"- step {entry.number}: {code(entry.row.id)}"


def _command(command: Command) -> str:
    if command.argv:
        return block(shell(command.argv, _COMMAND_WIDTH), "sh")
    if command.write:
        return f"Writes {code(command.write)}:\n\n" + block(list(command.diff), "diff")
    return f"Zeroes {code(command.zero)}: {prose(zeroed(command))}"


def _said(said: Said) -> str:
    lines = [
        f"- {', '.join(code(name) for name in said.subjects)}: {prose(said.message)} "
        f"({code(said.code)})"
    ]
    if said.stops:
        lines.append("  - stops " + ", ".join(code(identifier) for identifier in said.stops))
    if said.hint:
        lines.append(f"  - to do: {prose(said.hint)}")
    return "\n".join(lines)


def _blocked(plan: Plan) -> Iterator[str]:
    for because, group in blocked_groups(plan):
        whom = ", ".join(code(blocked.id) for blocked in group)
        yield f"- {whom}: " + "; ".join(prose(why) for why in because)


def state_markdown(text: str, *, source: str = "") -> str:
    """A state's text as a code block, shorter than LIMIT, with an honest note where it was cut."""
    lines = text.splitlines()
    kept: list[str] = []
    room = LIMIT - 1 - 300
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    body = block(kept)
    if len(kept) == len(lines):
        return f"{body}\n"
    see = code(f"phoenix show {source}" if source else "phoenix show")
    return f"{body}\n\n_{len(lines) - len(kept)} more lines are cut for lack of room: {see}._\n"
