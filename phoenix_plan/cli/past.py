"""Past runs as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from phoenix_plan.apply.history import History, PastAction, PastCommand, PastRun
from phoenix_plan.render.consent import SHORT_DIGEST
from phoenix_plan.render.layout import field, room, sentence, shell, title
from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.visible import visible

ENDINGS: dict[str, tuple[str, Tone]] = {
    "done": ("done", "good"),
    "remains": ("everything ran, and changes remained", "change"),
    "failed": ("FAILED", "bad"),
    "interrupted": ("stopped between two actions", "change"),
    "killed": ("BROKEN OFF", "bad"),
    "running": ("running now", "strong"),
    "abandoned": ("given up", "dim"),
    "nothing": ("ended before its first action", "dim"),
    "unreadable": ("UNREADABLE", "bad"),
}
"""How a run ended, for people."""

IN_THE_WAY = ("failed", "interrupted", "killed")


def history_text(found: History, style: Style, *, host: str, folder: str) -> str:
    """All runs, the newest first, and what to do about one that is not over."""
    if not found.runs:
        return f"Nothing was run yet: there is no journal in {visible(folder)}.\n"
    lines = title(style, f"Runs on {host}, the newest first ({folder}/runs)")
    for run in reversed(found.runs):
        word, tone = ENDINGS[run.ending]
        lines += ["", f"  {visible(run.id)}  {style.paint(word, tone)}"]
        lines += _fields(_short(run), style)
    return "\n".join([*lines, *_next(found.runs, host)]) + "\n"


def run_text(run: PastRun, style: Style, *, host: str) -> str:
    """One run in full."""
    word, tone = ENDINGS[run.ending]
    lines = [f"Run {visible(run.id)}: {style.paint(word, tone)}"]
    lines += _fields(_long(run), style)
    for one in run.actions:
        lines += ["", *_action(one, style)]
    begun = {one.id for one in run.actions}
    untouched = [one for one in run.rows if one not in begun]
    if untouched:
        lines += ["", "  Not begun", *(f"    {visible(one)}" for one in untouched)]
    return "\n".join([*lines, *_next((run,), host)]) + "\n"


def _fields(pairs: Iterator[tuple[str, str]], style: Style) -> Iterator[str]:
    for label, text in pairs:
        if text:
            yield from field(style, label, sentence(text, room(style, 4)), indent=4)


def _short(run: PastRun) -> Iterator[tuple[str, str]]:
    if run.user:
        yield "by", f"{run.user}, plan {run.plan[:SHORT_DIGEST]} ({run.source})"
    if run.rows:
        done = len(run.rows) - len(run.left)
        yield "actions", f"{done} of {len(run.rows)} done"
    yield from _end(run)


def _end(run: PastRun) -> Iterator[tuple[str, str]]:
    yield "why", run.why
    if run.by_run:
        yield "given up", f"{run.reason}: {run.by_run}"
    elif run.abandoned_by:
        yield "given up", f"by {run.abandoned_by}: {run.reason}"
    for fault in run.faults[:3]:
        yield "fault", fault


def _long(run: PastRun) -> Iterator[tuple[str, str]]:
    yield "journal", run.journal
    if run.user:
        yield "by", f"{run.user}, on {run.hostname}, with --mode {run.mode}"
    yield "began", run.began
    yield "ended", run.ended
    if run.plan:
        yield "plan", f"{run.source}, SHA-256 {run.plan}"
    yield "author", run.author
    if run.rows:
        yield "actions", f"{len(run.rows) - len(run.left)} of {len(run.rows)} done"
    yield "left out", ", ".join(run.left_out)
    yield from _end(run)
    for number in run.torn:
        yield "torn", f"line {number} was written in part (a power cut, a full disk): passed over"
    for one in run.resumed:
        seen = f": {one.open} was under way, {one.verdict} ({one.why})" if one.open else ""
        yield "resumed", f"{one.at} by {one.user}{seen}"
    for action, grant in run.consent.items():
        until = f", until {grant['expires']}" if grant.get("expires") else ""
        said = f"{grant.get('source', '')}, {grant.get('by', '')}: {grant.get('detail', '')}"
        yield "consent", f"{action}: {said}{until}"


def _action(one: PastAction, style: Style) -> Iterator[str]:
    word, tone = _outcome(one)
    yield f"  {visible(one.id)}, {one.safety or 'of unknown safety'}: {style.paint(word, tone)}"
    yield from _fields(iter((("began", one.began), ("ended", one.ended))), style)
    for command in one.commands:
        yield from _command(command, style)
    yield from _fields(iter((("why", one.why),)), style)


def _outcome(one: PastAction) -> tuple[str, Tone]:
    if one.ok is None:
        return ("it was under way, and nobody saw how it ended" if one.commands
                else "it was to begin, and none of its commands ran"), "bad"  # fmt: skip
    return ("done, seen on the host", "good") if one.ok else ("FAILED", "bad")


def _command(one: PastCommand, style: Style) -> Iterator[str]:
    wide = room(style, 4)
    if one.runs:
        yield from field(style, "ran", shell(one.runs, wide), indent=4)
    else:
        did = f"wrote {one.write}" if one.write else f"zeroed places of {one.zero}"
        yield from field(style, "ran", sentence(did, wide), indent=4)
    if one.exit_code is None:
        said = one.unknown or "nobody saw it end"
        yield from field(style, "exit", sentence(f"unknown: {said}", wide), indent=4)
        return
    yield from field(style, "exit", [str(one.exit_code)], indent=4)
    for label, text in (("printed", one.stdout), ("errors", one.stderr)):
        for line in text.splitlines():
            yield from field(style, label, sentence(line, wide), indent=4)


def _next(runs: tuple[PastRun, ...], host: str) -> Iterator[str]:
    """What to do about runs that are not over."""
    flags = [] if host == "local" else ["--host", host]
    for run in runs:
        if run.ending in IN_THE_WAY:
            step = shlex.join(["phoenix", "resume", run.id, *flags])
            yield ""
            yield f"Next: {visible(step)}"
        elif run.ending == "unreadable":
            step = shlex.join(["phoenix", "abandon", run.id, "--reason", "WHY", *flags])
            yield ""
            yield f"Next: look at {visible(run.journal)}, then {visible(step)}"
