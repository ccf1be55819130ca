"""The runs of a host as a document: who, when, by whose consent, what was run and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from phoenix_plan.apply.lock import is_held
from phoenix_plan.apply.records import Ending, Line, Record, Step, records
from phoenix_plan.codec import as_dict, dump

HISTORY_VERSION = "1.0"


@attrs.frozen(kw_only=True)
class PastCommand:
    """One command, and how it ended. `runs` is its argv; a file that was written and a disk that
    was zeroed have their path alone. `exit_code` is None where nobody saw it end."""

    at: str
    runs: tuple[str, ...] = ()
    write: str = ""
    zero: str = ""
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    unknown: str = ""


@attrs.frozen(kw_only=True)
class PastAction:
    """One action, each of its commands, and whether it was seen to have worked."""

    id: str
    safety: str
    kind: str
    began: str
    commands: tuple[PastCommand, ...] = ()
    ok: bool | None
    why: str = ""
    ended: str = ""


@attrs.frozen(kw_only=True)
class PastResume:
    """One time that the run was resumed."""

    at: str
    user: str
    open: str = ""
    verdict: str = ""
    why: str = ""


@attrs.frozen(kw_only=True)
class PastRun:
    """One run. `consent` is by action: source, who, in which words, until when."""

    id: str
    journal: str
    ending: Ending
    began: str = ""
    ended: str = ""
    user: str = ""
    mode: str = ""
    hostname: str = ""
    source: str = ""
    plan: str = ""
    author: str = ""
    consent: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    rows: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    actions: tuple[PastAction, ...] = ()
    resumed: tuple[PastResume, ...] = ()
    abandoned_by: str = ""
    reason: str = ""
    by_run: str = ""
    why: str = ""
    torn: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class History:
    """The runs of one host, the oldest first."""

    format_version: str = HISTORY_VERSION
    runs: tuple[PastRun, ...]


def history(state_dir: str) -> History:
    """All runs. One whose last word is missing runs now, where the lock is held."""
    found = records(state_dir)
    held = is_held(state_dir)
    open_runs = [one.id for one in found if one.ending == "killed"]
    return History(
        runs=tuple(
            past_run(one, running=held and one.id == open_runs[-1])
            if one.id in open_runs
            else past_run(one, running=False)
            for one in found
        )
    )


def past_run(record: Record, *, running: bool) -> PastRun:
    """What one journal tells."""
    begin = record.begin
    last = record.lines[-1] if record.lines else {}
    given_up = last if last.get("event") == "abandon" else {}
    over = [one for one in record.lines if one["event"] in ("end", "abandon")]
    ending: Ending = "running" if running else record.ending
    return PastRun(
        id=record.id,
        journal=str(record.path),
        ending=ending,
        began=begin.get("at", ""),
        ended=str(over[-1]["at"]) if over and over[-1] is last else "",
        user=begin.get("user", ""),
        mode=begin.get("mode", ""),
        hostname=begin.get("host", {}).get("hostname", ""),
        source=begin.get("source", ""),
        plan=begin.get("plan", ""),
        author=begin.get("author", ""),
        consent={
            one: {name: str(value) for name, value in grant.items()}
            for one, grant in begin.get("consent", {}).items()
        },
        rows=record.rows,
        left=record.left,
        left_out=tuple(begin.get("left_out", ())),
        actions=tuple(_action(step) for step in record.steps),
        resumed=tuple(_resume(one) for one in record.lines if one["event"] == "resume"),
        abandoned_by=given_up.get("user", ""),
        reason=given_up.get("reason", ""),
        by_run=given_up.get("by_run", ""),
        why=_why(record, ending),
        torn=record.torn,
        faults=record.faults,
    )


def _why(record: Record, ending: Ending) -> str:
    if ending in ("killed", "unreadable"):
        return record.unaccounted
    ends = [str(one["why"]) for one in record.lines if one["event"] == "end"]
    return ends[-1] if ends and ending in ("failed", "interrupted", "remains", "nothing") else ""


def _resume(line: Line) -> PastResume:
    names = ("at", "user", "open", "verdict", "why")
    return PastResume(**{name: line[name] for name in names})


def _action(step: Step) -> PastAction:
    intent: Mapping[str, Any] = next((x for x in step.lines if x["event"] == "intent"), {})
    results = [line["at"] for line in step.lines if line["event"] == "result"]
    return PastAction(
        id=step.id,
        safety=intent.get("safety", ""),
        kind=intent.get("action", {}).get("type", ""),
        began=str(step.lines[0]["at"]),
        commands=tuple(_commands(step.lines)),
        ok=step.ok,
        why=step.why,
        ended=str(results[-1]) if step.ok is not None else "",
    )


def _commands(lines: Sequence[Line]) -> Iterator[PastCommand]:
    told = [line for line in lines if line["event"] in ("command", "output", "unknown")]
    for at, line in enumerate(told):
        if line["event"] != "command":
            continue
        after: Line = told[at + 1] if at + 1 < len(told) else {}
        saw = after if after.get("event") == "output" else {}
        yield PastCommand(
            at=line["at"],
            runs=tuple(line.get("argv", ())),
            write=line.get("write", ""),
            zero=line.get("zero", ""),
            exit_code=saw.get("exit_code"),
            stdout=saw.get("stdout", ""),
            stderr=saw.get("stderr", ""),
            unknown=after.get("why", "") if after.get("event") == "unknown" else "",
        )


def history_to_json(found: History) -> str:
    """The document's text."""
    return dump({"format_version": found.format_version, **as_dict(found)})
