"""The journal: one file of JSON lines a run, each line on disk before the next step.

An intent that is not on disk is no intent: every line is fsynced, and a journal that can't be
written stops the run before it acts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from phoenix_plan.commands import Output
from phoenix_plan.errors import PhoenixError

JOURNAL_VERSION = "1.0"

_OUTPUT = 16 << 10
"""Characters kept of what a tool printed; the rest is counted."""


class JournalError(PhoenixError):
    """The journal can't be written or read. What was not yet run was not run."""


class Journal:
    """The journal of one run, open for writing: a context that closes it. `tell` is given each
    line, without its end, once it is on disk."""

    def __init__(self, path: Path, descriptor: int, tell: Callable[[str], None]) -> None:
        self.path = path
        self._descriptor = descriptor
        self._tell = tell

    @classmethod
    def open(
        cls, state_dir: str, run: str, tell: Callable[[str], None] = lambda _line: None
    ) -> Journal:
        """Start the journal of the run of that id. Raises JournalError."""
        folder = Path(state_dir) / "runs"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / f"{run}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            # A journal that a crash takes away would let its plan run twice.
            for one in (folder, folder.parent, folder.parent.parent):
                _sync_folder(one)
        except OSError as error:
            raise JournalError(
                f"{folder}: the journal can't be written: {error.strerror}; nothing was run",
                hint="Free space or mend permissions, then apply again.",
            ) from error
        return cls(path, descriptor, tell)

    def write(self, event: str, **fields: Any) -> None:
        """Append one event and have it on disk. `fields` are JSON values."""
        # ASCII alone: nothing that a person writes can end a line, or fail to be written.
        line = json.dumps({"event": event, "at": _now(), **fields})
        data = f"{line}\n".encode("ascii")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise JournalError(
                f"{self.path}: the journal can't be written: {error.strerror}",
                hint="The run stopped before its next step. Free space, then plan again.",
            ) from error
        self._tell(line)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def said(output: Output) -> Mapping[str, Any]:
    """What a tool did, as a journal holds it."""
    return {
        "exit_code": output.exit_code,
        "stdout": _cut(output.stdout),
        "stderr": _cut(output.stderr),
    }


def _cut(data: bytes) -> str:
    text = data.decode(errors="replace")
    if len(text) <= _OUTPUT:
        return text
    return f"{text[:_OUTPUT]}… and {len(text) - _OUTPUT} characters more"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@attrs.frozen(kw_only=True)
class PlanKey:
    """What a plan is known by: its file's bytes, or the look at the host and the config that it was
    made of, so that a plan that is saved anew is no other plan."""

    digest: str
    state: str
    config: str


def runs_of(state_dir: str, plan: PlanKey) -> Iterator[tuple[str, str]]:
    """(path, when) of every earlier run of a plan that got as far as an intent.

    What can't be read is taken for one of them, be it a line or how a journal begins: nobody can
    say that it was not. Only a journal that ends with its first line has no intent behind it.
    Raises JournalError for a journal that can't be read at all.
    """
    folder = Path(state_dir) / "runs"
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.jsonl")):
        begin, *others = [_event(line) for line in _lines(path)]
        acts = [one for one in others if one.get("event", "intent") == "intent"]
        if acts and _is_of(begin, plan):
            yield str(path), str(acts[0].get("at", "an unknown time"))


def _is_of(begin: Mapping[str, Any], plan: PlanKey) -> bool:
    if begin.get("event") != "begin":
        return True
    made_of = (begin.get("state"), begin.get("config"))
    return begin.get("plan") == plan.digest or made_of == (plan.state, plan.config)


def _event(line: str) -> dict[str, Any]:
    """A line, with the id of its state; empty for one that can't be read (torn in a crash)."""
    try:
        found = json.loads(line)
        return {**found, "state": found.get("state", {}).get("id")}
    except (ValueError, AttributeError):
        return {}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n").split("\n")
    except OSError as error:
        raise JournalError(
            f"{path} can't be read: {error.strerror}; nothing was run",
            hint="Without it nobody can say whether this plan was applied before.",
        ) from error
