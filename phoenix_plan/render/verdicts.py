"""What approvals come to here, and what a policy asks for, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from phoenix_plan.consent.modes import Consent
from phoenix_plan.consent.policy import DAYS, Hours, Policy
from phoenix_plan.consent.presented import Judged
from phoenix_plan.plan import Plan
from phoenix_plan.render.layout import field, names, room, sentence, title
from phoenix_plan.render.signs import Entry, entries
from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.visible import visible

_INDENT = 6


def consent_text(
    plan: Plan,
    *,
    digest: str,
    policy: str,
    author: str,
    judged: Sequence[Judged],
    consent: Consent,
    barred: Mapping[str, Sequence[str]],
    too_old: str,
    applied: str,
    enough: bool,
    next_step: str,
    style: Style,
) -> str:
    """Each approval with whether it counts, each destructive action with who agreed to it, and
    whether that is enough. `policy` is the path of the policy, empty where there is none; `author`
    who made the plan, or that nobody can say, empty where the policy does not ask; `applied` says
    that the plan was applied before, or that nobody knows, and is empty where it was not; `enough`
    is whether apply would run it; `next_step` is the command to run next, if any."""
    lines = [
        *title(style, f"Consent to the plan for {plan.host.hostname}"),
        *_field(style, "plan", f"SHA-256 {digest}", indent=2),
        *_field(style, "seen", plan.state.taken_at, indent=2),
        *_field(style, "policy", policy or "none on this host", indent=2),
        *(_field(style, "author", author, indent=2) if author else ()),
    ]
    for one in judged:
        lines += ["", *_approval(one, style)]
    if not judged:
        lines += ["", "No approval was found."]
    for entry in _destructive(plan):
        lines += ["", *_head(entry, style), *_consent(entry.row.id, consent, barred, style)]
    lines += [""]
    if too_old:
        lines += sentence(f"The plan is too old: {too_old}.", style.width)
    if applied:
        lines += sentence(applied, style.width)
    lines += sentence(_sum(plan, consent, barred, enough=enough), style.width)
    if next_step:
        lines.append(f"Next: {visible(next_step)}")
    return "\n".join(lines) + "\n"


def demands_text(
    plan: Plan,
    policy: Policy,
    *,
    source: str,
    barred: Mapping[str, Sequence[str]],
    too_old: str,
    style: Style,
) -> str:
    """What a policy asks for before each destructive action of a plan, and what it bars."""
    lines = [
        *title(style, f"What the policy says to the plan for {plan.host.hostname}"),
        *_field(style, "policy", source or "none on this host", indent=2),
    ]
    for label, text in limits(policy):
        lines += _field(style, label, text, indent=2)
    for entry in _destructive(plan):
        lines += ["", *_head(entry, style)]
        whys = barred.get(entry.row.id, ())
        for why in whys:
            lines += _field(style, "BARRED", why, tone="alarm")
        if not whys:
            lines += _field(style, "takes", policy.demand(entry.row.action.TYPE))
        lines += _field(style, "id", entry.row.id)
    count = len(barred)
    lines += [""]
    if too_old:
        lines += sentence(f"The plan is too old: {too_old}.", style.width)
    if count:
        said = f"{_actions(count)} of {len(plan.destructive)} barred, whatever the consent."
    elif plan.destructive:
        said = f"Nothing is barred: {_actions(len(plan.destructive))} to be consented to."
    else:
        said = "The plan has no destructive action: nothing has to be consented to."
    return "\n".join([*lines, *sentence(said, style.width)]) + "\n"


def limits(policy: Policy) -> Iterator[tuple[str, str]]:
    """What a policy says to every plan: a label, and words."""
    if policy.plan_age:
        yield "plan", f"may be {policy.plan_age} old"
    if policy.approval_age:
        yield "approvals", f"count for {policy.approval_age} at most"
    if not policy.author_counts:
        yield "author", "signs the plan (phoenix plan --sign), and does not count as its approver"
    for hours in policy.hours:
        yield "hours", _hours(hours)
    if policy.nets.snapshot:
        yield "nets", "a snapshot before a destructive change of a dataset"
    if policy.nets.checkpoint:
        yield "nets", "a checkpoint before a step of a pool without a way back"
    if policy.nets.retire:
        yield "nets", f"a dataset that goes is put aside for {policy.nets.retire} first"


def _destructive(plan: Plan) -> Iterator[Entry]:
    return (entry for entry in entries(plan.actions) if entry.row.safety == "destructive")


def _head(entry: Entry, style: Style) -> Iterator[str]:
    first, *rest = sentence(f"{entry.sign} {entry.title}", style.width - 5)
    yield f"{entry.number:>3}. {style.paint(first, 'strong')}"
    yield from (f"     {style.paint(line, 'strong')}" for line in rest)


def _approval(one: Judged, style: Style) -> Iterator[str]:
    approval, signed = one.given.approval, one.given.signature
    yield from title(style, one.given.source)
    yield from _field(style, "by", one.given.by)
    if signed is not None and signed.key:
        yield from _field(style, "key", signed.key)
    yield from _field(style, "reason", approval.reason)
    yield from _field(style, "given", approval.created)
    if one.why:
        yield from _field(style, "NO", f"it does not count: {one.why}", tone="bad")
    else:
        yield from _field(style, "counts", f"until {one.until}", tone="good")
    ids = [line for identifier in approval.actions for line in names([identifier], 1)]
    yield from field(style, "approves", ids, indent=_INDENT)


def _consent(
    identifier: str, consent: Consent, barred: Mapping[str, Sequence[str]], style: Style
) -> Iterator[str]:
    grant = consent.grants.get(identifier)
    if identifier in barred:
        for why in barred[identifier]:
            yield from _field(style, "BARRED", why, tone="alarm")
    elif grant is not None:
        yield from _field(style, "agreed", f"by {grant.by}, until {grant.expires}", tone="good")
    else:
        why = consent.lacking.get(identifier, "nobody has agreed to it in a way that counts here")
        yield from _field(style, "NO", why, tone="bad")
    yield from _field(style, "id", identifier)


def _sum(plan: Plan, consent: Consent, barred: Mapping[str, Sequence[str]], *, enough: bool) -> str:
    count = len(plan.destructive)
    open_ones = len({*consent.refused, *barred})
    if open_ones:
        return f"Not consented to: {open_ones} of {_actions(count)}. apply would run nothing."
    if not enough:
        return "apply would run nothing, whatever was consented to."
    if not count:
        return "The plan has no destructive action: nothing has to be consented to."
    return f"Consented to: {_actions(count)}, all that is destructive in it."


def _actions(count: int) -> str:
    return f"{count} destructive action{'s' * (count != 1)}"


def _hours(hours: Hours) -> str:
    days = "every day" if set(hours.days) == set(DAYS) else ", ".join(hours.days)
    return f"{days} from {hours.begin} to {hours.end} ({hours.timezone})"


def _field(
    style: Style, label: str, text: str, *, indent: int = _INDENT, tone: Tone = "plain"
) -> Iterable[str]:
    return field(style, label, sentence(text, room(style, indent)), indent=indent, tone=tone)
