"""What every simulated tool has: its answer, its refusals, its options."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from phoenix_plan.commands import Output
from phoenix_plan.errors import HostError


def said(stdout: str = "", stderr: str = "", exit_code: int = 0) -> Output:
    """What a tool printed, and how it ended."""
    return Output(exit_code=exit_code, stdout=stdout.encode(), stderr=stderr.encode())


class Refused(Exception):
    """The tool ends with a message and an exit code. What it did before stays done."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def output(self) -> Output:
        """As the tool says it."""
        return said(stderr=f"{self}\n", exit_code=self.exit_code)


def usage(message: str) -> Refused:
    """A command line that the tool does not take."""
    return Refused(f"{message}\nusage:\n", 2)


def unmodelled(argv: Iterable[str], why: str) -> HostError:
    """A command that the real tool would run, and this simulation does not know."""
    return HostError(f"the simulated host can't do `{' '.join(argv)}`: {why}")


def options(
    words: Sequence[str], flags: str, valued: str = "", long: Iterable[str] = ()
) -> tuple[dict[str, list[str]], list[str]]:
    """Options and operands, as getopt_long(3) takes them apart.

    `flags` and `valued` are letters; options by letter or long name, each with its values. Raises
    Refused (2) for another option.
    """
    known = set(long)
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    todo = list(words)
    while todo:
        word = todo.pop(0)
        if word == "--":
            rest += todo
            break
        if word.startswith("--"):
            if word[2:] not in known:
                raise usage(f"invalid option '{word[2:]}'")
            found.setdefault(word[2:], []).append("")
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter in flags:
                    found.setdefault(letter, []).append("")
                elif letter in valued:
                    if not letters and not todo:
                        raise usage(f"missing argument for '{letter}' option")
                    found.setdefault(letter, []).append(letters or todo.pop(0))
                    letters = ""
                else:
                    raise usage(f"invalid option '{letter}'")
        else:
            rest.append(word)
    return found, rest


def date(seconds: int) -> str:
    """As ctime(3) has it, in UTC."""
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(seconds))


def nice(size: int) -> str:
    """A size as zfs_nicenum prints it: `512B`, `5.28M`."""
    value, unit = float(size), "B"
    for unit in "BKMGTPE":
        if value < 1024 or unit == "E":
            break
        value /= 1024
    if value == int(value):
        return f"{int(value)}{unit}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}{unit}"
