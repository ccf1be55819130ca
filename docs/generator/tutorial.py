"""The outputs in the tutorial: every command in it is run, and what it prints put below it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from phoenix_plan.__main__ import main

_BLOCK = re.compile(r"^```console\n\$ (?P<command>[^\n]*)\n.*?^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^<!-- file: (?P<path>\S+) -->\n```json\n.*?^```$", re.MULTILINE | re.DOTALL)
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_STATE = re.compile(r"\bstate [0-9a-f]{12,}\b")


def with_outputs(text: str, fixtures: Path) -> str:
    """The text with each console block's command run and its output renewed, files likewise.

    The commands run one after the other, in a folder of their own in which `fixtures` is the
    fixtures folder. A block's first line is `$` and a phoenix command; an exit code that is not 0
    is told by a last line. Time and id of a state are replaced by fixed ones.
    """
    with tempfile.TemporaryDirectory() as folder, _inside(Path(folder)):
        Path("fixtures").symlink_to(fixtures)
        text = _FILE.sub(lambda match: _file(match["path"]), text)
        return _BLOCK.sub(lambda match: _renewed(match["command"]), text)


def commands(text: str) -> list[str]:
    """The commands in the text, in order."""
    return [match["command"] for match in _BLOCK.finditer(text)]


def _renewed(command: str) -> str:
    output, status = _run(command)
    output = _TIME.sub("2026-11-23T08:00:00Z", _STATE.sub("state 0123456789ab", output))
    told = f"(exit code {status})\n" if status else ""
    return f"```console\n$ {command}\n{output}{told}```"


def _file(path: str) -> str:
    return f"<!-- file: {path} -->\n```json\n{Path(path).read_text(encoding='utf-8').rstrip()}\n```"


def _run(command: str) -> tuple[str, int]:
    """What a command prints on a terminal without colours, and its exit code."""
    program, *arguments = shlex.split(command)
    if program != "phoenix":
        raise ValueError(f"the tutorial runs {program}, and not phoenix")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = main(arguments)
    return printed.getvalue(), status


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """In that folder, and without what the environment of the moment would change."""
    before, environment = Path.cwd(), dict(os.environ)
    os.environ.pop("PHOENIX_CONFIG", None)
    os.environ.pop("COLUMNS", None)
    os.environ["NO_COLOR"] = "1"
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
