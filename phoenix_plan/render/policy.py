"""What a host's policy says to a plan, in short: below the plan, as text and as markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from phoenix_plan.consent.policy import Policy
from phoenix_plan.plan import Plan
from phoenix_plan.render.escape import code, prose
from phoenix_plan.render.layout import field, room, sentence, title
from phoenix_plan.render.signs import entries
from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.verdicts import limits
from phoenix_plan.render.visible import visible

_LISTED = 10
"""So many reasons why something is barred, unless everything is asked for."""

_BARRED = "BARRED"


@attrs.frozen(kw_only=True)
class PolicySays:
    """What a policy bars and asks for in one plan: `points` are a label and words each, what is
    barred first. `source` is the policy's path, `more` the command that tells it in full."""

    source: str
    points: tuple[tuple[str, str], ...]
    more: str

    def as_text(self, style: Style) -> list[str]:
        """Lines for a terminal."""
        lines = title(style, f"The policy of this host, {self.source}, says to this plan")
        listed = None if style.everything else " (--verbose lists them)"
        for label, text in self._shown(listed):
            tone: Tone = "alarm" if label == _BARRED else "plain"
            lines += field(style, label, sentence(text, room(style, 2)), indent=2, tone=tone)
        return [*lines, f"In full: {visible(self.more)}"]

    def as_markdown(self) -> list[str]:
        """Items of a list."""
        items = [
            f"- {f'**{label}**' if label == _BARRED else label}: {prose(text)}"
            for label, text in self._shown("")
        ]
        return [*items, f"- in full: {code(self.more)}"]

    def _shown(self, listed: str | None) -> Iterator[tuple[str, str]]:
        """The points, those that are barred shortened; `listed` says where the others are, None
        where all are wanted."""
        barred = [point for point in self.points if point[0] == _BARRED]
        shown = barred if listed is None else barred[:_LISTED]
        yield from shown
        if len(shown) < len(barred):
            yield _BARRED, f"and {len(barred) - len(shown):,} more{listed}"
        yield from (point for point in self.points if point[0] != _BARRED)


def policy_says(
    plan: Plan,
    policy: Policy,
    *,
    source: str,
    barred: Mapping[str, Sequence[str]],
    too_old: str,
    more: str,
) -> PolicySays | None:
    """What a policy says to a plan, None where it says nothing: there is nothing destructive."""
    points = tuple(_points(plan, policy, barred, too_old))
    return PolicySays(source=source, points=points, more=more) if points else None


def _points(
    plan: Plan, policy: Policy, barred: Mapping[str, Sequence[str]], too_old: str
) -> Iterator[tuple[str, str]]:
    never: dict[tuple[str, ...], list[str]] = {}
    takes: dict[str, int] = {}
    for entry in entries(plan.actions):
        row = entry.row
        if row.id in barred:
            never.setdefault(tuple(barred[row.id]), []).append(entry.title)
        elif row.safety == "destructive":
            demand = policy.demand(row.action.TYPE)
            takes[demand] = takes.get(demand, 0) + 1
    for whys, titles in never.items():
        what = titles[0] if len(titles) == 1 else f"{len(titles)} of these actions"
        verb = "is" if len(titles) == 1 else "are"
        yield _BARRED, f"{what} {verb} never run here: {'; '.join(whys)}"
    if too_old:
        yield "too old", f"the plan: {too_old}"
    for demand, count in takes.items():
        some = "1 of these actions takes" if count == 1 else f"{count} of these actions take"
        yield "consent", f"{some} {demand}"
    if plan.destructive:
        yield from limits(policy)
