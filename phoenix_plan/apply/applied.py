"""I8: a plan is applied at most once. Which plans were, from the journals, and from the index of
those that were thrown away since."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from phoenix_plan.apply.journal import JournalError, journals, sync_folder
from phoenix_plan.apply.records import read_record
from phoenix_plan.plan import Plan


@attrs.frozen(kw_only=True)
class PlanKey:
    """What a plan is known by: its file's bytes, or the look at the host and the config that it was
    made of, so that a plan that is saved anew is no other plan. `taken_at` is when that look was.
    """

    digest: str
    state: str
    config: str
    taken_at: str = ""


def key_of(plan: Plan, digest: str) -> PlanKey:
    """What the plan is known by whose file's bytes have this SHA-256."""
    return PlanKey(
        digest=digest,
        state=plan.state.id,
        config=plan.desired.digest,
        taken_at=plan.state.taken_at,
    )


@attrs.frozen(kw_only=True)
class Applied:
    """An earlier run of a plan: a plan is applied at most once, so it is in the way."""

    run: str
    at: str
    journal: str
    ending: str
    resumable: bool


def applied_before(state_dir: str, plan: PlanKey) -> Applied | None:
    """The earlier run that keeps a plan from being applied, None where there is none. Raises as
    `runs_of` does."""
    found = next(runs_of(state_dir, plan), None)
    if found is None:
        return None
    journal, at, run = found
    if journal == str(index_path(state_dir)):
        return Applied(run=run, at=at, journal=journal, ending="", resumable=False)
    record = read_record(Path(journal))
    return Applied(
        run=run, at=at, journal=journal, ending=record.ending, resumable=record.resumable
    )


def runs_of(state_dir: str, plan: PlanKey) -> Iterator[tuple[str, str, str]]:
    """(path, when, run's id) of every earlier run of a plan that got as far as an intent.

    What can't be read is taken for one of them, be it a line or how a journal begins: nobody can
    say that it was not. Only a journal that ends with its first line has no intent behind it, and
    what was planned after somebody had given up an unreadable one is not what it ran. Raises
    JournalError for a journal, or an index, that can't be read at all.
    """
    for path in journals(state_dir):
        begin, *others = [_event(line) for line in _lines(path)]
        acts = [one for one in others if one.get("event", "intent") == "intent"]
        if acts and _is_of(begin, plan) and not _given_up_before(plan, begin, others):
            yield str(path), str(acts[0].get("at", "an unknown time")), path.stem
    for one in _index(state_dir):
        if _is_of({**one, "event": "begin"}, plan):
            when, run = one.get("at", "an unknown time"), one.get("run", "")
            yield str(index_path(state_dir)), str(when), str(run)


def _is_of(begin: Mapping[str, Any], plan: PlanKey) -> bool:
    if begin.get("event") != "begin":
        return True
    made_of = (begin.get("state"), begin.get("config"))
    return begin.get("plan") == plan.digest or made_of == (plan.state, plan.config)


def _given_up_before(plan: PlanKey, begin: Mapping[str, Any], others: list[dict[str, Any]]) -> bool:
    if begin.get("event") == "begin" or others[-1].get("event") != "abandon":
        return False
    try:
        given_up = datetime.fromisoformat(str(others[-1].get("at")))
        return datetime.fromisoformat(plan.taken_at) > given_up
    except (ValueError, TypeError):
        return False


def _event(line: str) -> dict[str, Any]:
    """A line, with the id of its state; empty for one that can't be read (torn in a crash)."""
    try:
        found = json.loads(line)
        return {**found, "state": found.get("state", {}).get("id")}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n").split("\n")
    except OSError as error:
        raise JournalError(
            f"{path} can't be read: {error.strerror}; nothing was run",
            hint="Without it nobody can say whether this plan was applied before.",
        ) from error


def index_path(state_dir: str) -> Path:
    """The index of runs whose journals are gone."""
    return Path(state_dir) / "applied.jsonl"


def _index(state_dir: str) -> Iterator[Mapping[str, Any]]:
    path = index_path(state_dir)
    if not path.exists():
        return
    for number, line in enumerate(_lines(path), 1):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("plan"), str):
            raise JournalError(
                f"{path}:{number} can't be read; nothing was run",
                hint="Without it nobody can say whether this plan was applied before. It is never "
                "written in part: something else has changed it.",
            )
        yield found


def remember(state_dir: str, journals: list[Path]) -> None:
    """Put what these journals ran into the index: whole or not at all, on disk before they go.

    Raises JournalError where it can't be written.
    """
    kept = [json.dumps(dict(one)) for one in _index(state_dir)]
    for path in journals:
        begin, *others = [_event(line) for line in _lines(path)]
        acts = [one for one in others if one.get("event") == "intent"]
        if acts and begin.get("event") == "begin":
            fields = ("plan", "state", "config", "run")
            known = {name: begin.get(name) for name in fields} | {"at": acts[0].get("at")}
            kept.append(json.dumps(known))
    path = index_path(state_dir)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write("".join(f"{line}\n" for line in kept).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise JournalError(f"{path}: can't be written: {error.strerror}") from error
