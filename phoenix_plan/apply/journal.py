"""The journal: one file of JSON lines a run, each line on disk before the next step.

An intent that is not on disk is no intent: every line is fsynced, and a journal that can't be
written stops the run before it acts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phoenix_plan.commands import Output
from phoenix_plan.errors import PhoenixError

JOURNAL_VERSION = "1.1"

_OUTPUT = 16 << 10
"""Characters kept of what a tool printed; the rest is counted."""


class JournalError(PhoenixError):
    """The journal can't be written or read. What was not yet run was not run."""


class Journal:
    """The journal of one run, open for writing: a context that closes it. `tell` is given each
    line, without its end, once it is on disk."""

    def __init__(
        self, path: Path, descriptor: int, tell: Callable[[str], None], *, torn: bool = False
    ) -> None:
        self.path = path
        self._descriptor = descriptor
        self._tell = tell
        self._torn = torn

    @classmethod
    def open(
        cls, state_dir: str, run: str, tell: Callable[[str], None] = lambda _line: None
    ) -> Journal:
        """Start the journal of the run of that id. Raises JournalError."""
        folder = runs_folder(state_dir)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / f"{run}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            # A journal that a crash takes away would let its plan run twice.
            for one in (folder, folder.parent, folder.parent.parent):
                sync_folder(one)
        except OSError as error:
            raise JournalError(
                f"{folder}: the journal can't be written: {error.strerror}; nothing was run",
                hint="Free space or mend permissions, then apply again.",
            ) from error
        return cls(path, descriptor, tell)

    @classmethod
    def reopen(cls, path: Path, tell: Callable[[str], None] = lambda _line: None) -> Journal:
        """Go on with a journal that is there. Raises JournalError."""
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(path, flags)
            size = os.lseek(descriptor, 0, os.SEEK_END)
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        except OSError as error:
            raise JournalError(
                f"{path}: the journal can't be written: {error.strerror}; nothing was run"
            ) from error
        return cls(path, descriptor, tell, torn=torn)

    def write(self, event: str, **fields: Any) -> None:
        """Append one event and have it on disk. `fields` are JSON values."""
        # ASCII alone: nothing that a person writes can end a line, or fail to be written.
        line = json.dumps({"event": event, "at": _now(), **fields})
        # Behind a line of which only a part was written, this one stands on its own.
        data = f"{chr(10) * self._torn}{line}\n".encode("ascii")
        self._torn = True
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise JournalError(
                f"{self.path}: the journal can't be written: {error.strerror}",
                hint="The run stopped before its next step. Free space, then: phoenix resume.",
            ) from error
        self._torn = False
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


def runs_folder(state_dir: str) -> Path:
    """Where a host's runs are kept."""
    return Path(state_dir) / "runs"


def journals(state_dir: str, ending: str = ".jsonl") -> list[Path]:
    """The journals of a host, by name; with another `ending`, what is kept beside them.

    Raises JournalError where the folder can't be read: that is not the same as no journal.
    """
    folder = runs_folder(state_dir)
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(ending))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(
            f"{folder}: the journals can't be read: {error.strerror}; nothing was run",
            hint="Run it as root." if isinstance(error, PermissionError) else "",
        ) from error


def plan_of(journal: Path) -> Path:
    """Where the plan of a run is kept, beside its journal."""
    return journal.with_suffix(".plan.json")


def keep_plan(state_dir: str, run: str, document: bytes) -> None:
    """Keep the exact bytes of the plan of a run, before the run begins: who resumes it may not have
    the file. Raises JournalError."""
    path = plan_of(runs_folder(state_dir) / f"{run}.jsonl")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise JournalError(
            f"{path}: the journal can't be written, nor its plan kept: {error.strerror}; nothing "
            "was run",
            hint="Free space or mend permissions, then apply again.",
        ) from error


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on disk (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
