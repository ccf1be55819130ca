"""The exception tree: what went wrong, what was not done, and what to do next.

Each class knows its exit code (see docs/reference/exit-codes). Library code raises; only `cli/`
exits.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs


class PhoenixError(Exception):
    """What every error of ours is: a message for a person, a hint, an exit code."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PhoenixError):
    """The command line can't be understood."""

    exit_code = 64


class HostError(PhoenixError):
    """The host can't be reached, or a tool could not be run."""


class ProbeError(PhoenixError):
    """A probe failed, or printed something that its parser does not know.

    `source` names the file or command, `line` counts from 1 where it is known.
    """

    def __init__(
        self, message: str, *, source: str, line: int | None = None, hint: str = ""
    ) -> None:
        place = source if line is None else f"{source}:{line}"
        super().__init__(f"{place}: {message}", hint=hint)
        self.source = source
        self.line = line


class StateError(PhoenixError):
    """The whole host can't be planned for: no identity, no pmxcfs, an unreadable device list."""


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong in a document, with its place.

    `path` is the field as a person writes it (`zfs.pools[0].disks[1]`), `line` counts from 1,
    `value` is the offending value as JSON, `rule` what it breaks, `hint` what to do.
    """

    file: str
    line: int | None
    path: str
    value: str | None
    rule: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        seen = "" if self.value is None else f" (is {self.value})"
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{place}: {self.path or 'the document'}: {self.rule}{seen}{hint}"


class DocumentError(PhoenixError):
    """A config, state, plan or approval is invalid or unreadable: all its problems together."""

    exit_code = 65

    def __init__(self, message: str, *, problems: Iterable[Problem] = (), hint: str = "") -> None:
        self.problems = tuple(problems)
        lines = [message, *(f"  {problem}" for problem in self.problems)]
        super().__init__("\n".join(lines), hint=hint)
