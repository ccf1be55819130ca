"""What a journal says of its run: how far it came, how it ended, what is open.

Nothing is taken for granted about the file: a line that a power cut has torn is known as one, and
whatever phoenix does not write is a fault of the file, by its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from phoenix_plan.apply.journal import JournalError, journals, runs_folder
from phoenix_plan.documents import parse_document
from phoenix_plan.errors import DocumentError
from phoenix_plan.schema_check import check

Line = Mapping[str, Any]

Ending = Literal[
    "done", "remains", "failed", "interrupted", "killed", "running", "abandoned", "nothing",
    "unreadable",
]  # fmt: skip
"""How a run ended. `done`: as declared. `remains`: everything ran, and changes are left. `failed`:
an action did not end well. `interrupted`: between two actions, by a signal or because the next one
had to be refused. `killed`: its last word is missing. `running`: it runs now. `abandoned`: somebody
gave it up. `nothing`: it ended before its first action. `unreadable`: the file does not say."""

_TORN = re.compile(rb'\{("(event("(: ?("[a-z]*("(,.*)?)?)?)?)?)?)?', re.DOTALL)


@attrs.frozen(kw_only=True)
class Step:
    """One action of a run: its lines, each time that it was begun. `ok` is None where no result
    was written."""

    id: str
    lines: tuple[Line, ...]

    @property
    def last(self) -> tuple[Line, ...]:
        """The lines since it was begun for the last time."""
        starts = [at for at, line in enumerate(self.lines) if line["event"] == "intent"]
        return self.lines[starts[-1] :] if starts else self.lines

    @property
    def ok(self) -> bool | None:
        results = [line for line in self.last if line["event"] == "result"]
        return results[-1]["ok"] if results else None

    @property
    def why(self) -> str:
        """What the result says beside that."""
        results = [line for line in self.last if line["event"] == "result"]
        return results[-1]["why"] if results else ""

    @property
    def begun(self) -> bool:
        """Whether a command of it may have run, now or before: each is on disk before it does."""
        return any(line["event"] == "command" for line in self.lines)

    @property
    def ended(self) -> int:
        """How many of its commands ended with 0."""
        return sum(one["event"] == "output" and one["exit_code"] == 0 for one in self.lines)

    @property
    def untold(self) -> bool:
        """Whether nobody saw how its last command ended."""
        told = [x["event"] for x in self.lines if x["event"] in ("command", "output", "unknown")]
        return bool(told) and told[-1] != "output"


@attrs.frozen(kw_only=True)
class Record:
    """One journal: its valid lines, and what is wrong with the others. `torn` are numbers of lines
    of which only a part was written."""

    path: Path
    lines: tuple[Line, ...] = ()
    torn: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()
    count: int = 0

    @property
    def id(self) -> str:
        return self.path.name.removesuffix(".jsonl")

    @property
    def begin(self) -> Line:
        """The first line; empty where it can't be read."""
        first = self.lines[0] if self.lines else {}
        return first if first.get("event") == "begin" else {}

    @property
    def rows(self) -> tuple[str, ...]:
        """Ids of the actions that were to run, in order."""
        return tuple(self.begin.get("rows", ()))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The actions that were begun, in order."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            if "id" in line:
                found.setdefault(line["id"], []).append(line)
        return tuple(Step(id=one, lines=tuple(lines)) for one, lines in found.items())

    @property
    def done(self) -> tuple[str, ...]:
        """Ids of the actions that were seen to have worked."""
        return tuple(step.id for step in self.steps if step.ok)

    @property
    def left(self) -> tuple[str, ...]:
        """Ids of the others, in order."""
        done = set(self.done)
        return tuple(one for one in self.rows if one not in done)

    @property
    def open(self) -> Step | None:
        """The action that was begun and not seen to have worked, where there is one."""
        return next((step for step in self.steps if not step.ok), None)

    @property
    def last_at(self) -> str:
        """When its last line was written."""
        return str(self.lines[-1]["at"]) if self.lines else ""

    @property
    def ending(self) -> Ending:
        last = self.lines[-1]["event"] if self.lines else ""
        if last == "abandon":
            return "abandoned"
        if self.count <= 1 and not self._unread:
            return "nothing"
        if self.faults or not self.begin:
            return "unreadable"
        if last != "end":
            return "killed"
        if self.lines[-1]["ok"]:
            return "done"
        if not self.left:
            return "remains"
        if self.open is not None:
            return "failed"
        return "interrupted" if self.steps else "nothing"

    @property
    def _unread(self) -> bool:
        """Whether the file itself could not be read."""
        return not self.count and bool(self.faults)

    @property
    def owed(self) -> tuple[str, ...]:
        """Storages that it has disabled and not enabled again."""
        done = {one.partition(":")[2] for one in self.done if one.startswith("disable-storage:")}
        ids = (one.partition(":") for one in self.left)
        return tuple(name for kind, _, name in ids if kind == "enable-storage" and name in done)

    @property
    def unaccounted(self) -> str:
        """Why nobody can say how the host was left, empty where the journal says it."""
        match self.ending:
            case "unreadable":
                return self.faults[0] if self.faults else "its first line can't be read"
            case "killed":
                step = self.open
                if step is not None:
                    return f"it was broken off while {step.id} was under way"
                where = "between two actions" if self.left else "after its last action"
                return f"it was broken off {where}"
            case "failed" if self.open is not None and (self.open.untold or self.open.ok is None):
                return f"nobody saw how {self.open.id} ended"
            case "failed" | "interrupted" if self.owed:
                return f"it has disabled {', '.join(self.owed)} and not enabled it again"
            case _:
                return ""

    @property
    def resumable(self) -> bool:
        return self.ending in ("failed", "interrupted", "killed")


def records(state_dir: str) -> tuple[Record, ...]:
    """Every run of a host, in the order in which they began. Raises JournalError where the folder
    can't be read."""
    found = [read_record(path) for path in journals(state_dir)]
    # A name tells the second; of two in one second the first line tells which came first.
    return tuple(sorted(found, key=lambda one: (one.id[:16], one.begin.get("at", ""), one.id)))


def find(state_dir: str, wanted: str) -> Record:
    """The run of that id, or whose id alone begins so. Raises JournalError."""
    found = [one for one in records(state_dir) if one.id.startswith(wanted)]
    found = [one for one in found if one.id == wanted] or found
    if len(found) != 1:
        what = f"several runs are called {wanted}…" if found else f"there is no run {wanted!r}"
        raise JournalError(
            f"{runs_folder(state_dir)}: {what}", hint="phoenix history lists them with their ids."
        )
    return found[0]


def read_record(path: Path) -> Record:
    """What one journal says."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Record(path=path, faults=(f"it can't be read: {error.strerror}",))
    lines: list[Line] = []
    torn: list[int] = []
    faults: list[str] = []
    count = 0
    for number, data in enumerate(raw.split(b"\n"), 1):
        if not data.strip():
            continue
        count += 1
        line = _line(data)
        if line is not None:
            lines.append(line)
        elif _is_torn(data):
            torn.append(number)
        else:
            faults.append(f"line {number} is not as phoenix writes it")
    faults += _out_of_place(lines)
    return Record(path=path, lines=tuple(lines), torn=tuple(torn), faults=tuple(faults),
                  count=count)  # fmt: skip


def _line(data: bytes) -> Line | None:
    try:
        document = parse_document(data, name="journal", what="journal")
    except DocumentError:
        return None
    if check(document, "journal"):
        return None
    value: Line = document.value  # type: ignore[assignment]  # the schema has seen that it is one
    try:
        datetime.fromisoformat(value["at"])
    except ValueError:  # a 13th month: the schema knows only what a time looks like
        return None
    return value


def _is_torn(data: bytes) -> bool:
    """The beginning of a line of ours, or what a file system leaves of one: zeros."""
    if not data.strip(b"\0"):
        return True
    if _TORN.fullmatch(data.rstrip(b"\0")) is None:
        return False
    try:
        json.loads(data)
    except ValueError:
        return True
    except RecursionError:
        return False
    return False


def _out_of_place(lines: list[Line]) -> Iterator[str]:
    """What valid lines do not add up to."""
    begins = [line["event"] for line in lines].count("begin")
    if begins > 1 or (begins and lines[0]["event"] != "begin"):
        yield "it holds the beginning of another run"
    known = set(lines[0].get("rows", ())) if lines else set()
    for line in lines:
        if "id" in line and begins and line["id"] not in known:
            yield f"it tells of {line['id']}, which was not to run"
            return
