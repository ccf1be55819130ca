"""The outputs in the tutorial and the how-tos: every command in them is run, and what it prints
put below it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from docs.generator.power import POWER_FAILS, PowerCut, power_failing_at
from phoenix_plan.__main__ import main
from phoenix_plan.commands import Output, Query, Run
from phoenix_plan.hosts.simulated import SimulatedHost

_BLOCK = re.compile(
    r"^(?P<fence>`{3,})console\n(?P<prompt>\$|[a-z0-9]+#) (?P<command>[^\n]*)\n.*?^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"^<!-- file: (?P<path>\S+) -->\n```json\n.*?^```$", re.MULTILINE | re.DOTALL)

_MOMENT = datetime(2026, 11, 23, 8, tzinfo=UTC)
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_CHANGING = (
    (re.compile(r"\bstate [0-9a-f]{12,}\b"), "state 0123456789ab"),
    (re.compile(r"\bplan [0-9a-f]{12}\b"), "plan 0123456789ab"),
    (re.compile(r"\bSHA-256 [0-9a-f]{64}\b"), f"SHA-256 {'0123456789abcdef' * 4}"),
    (re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}"), f"SHA256:{'0123456789' * 4}abc"),
    (re.compile(r"\b(ssh-ed25519) AAAA[A-Za-z0-9+/]+"), r"\1 AAAAC3NzaC1lZDI1NTE5AAAAI…"),
    (re.compile(r"/[^ \n]*(?=/pve1\.host\.json\.rules/)"), "/root"),
    (re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{8}\b"), "20261123T080000Z-01234567"),
)
"""What is another each time: a state's id, the digest of a plan that holds it, keys and their
fingerprints, the folder that the page is run in, a run's id."""


def with_outputs(text: str, fixtures: Path) -> str:
    """The text with each console block's command run and its output renewed, files likewise.

    The commands run one after the other, in a folder of their own in which `fixtures` is the
    fixtures folder. A block's first line is `$` and a command of phoenix or of one of a few small
    tools (in a shell, so that they can write to a file), or `NAME#` and a
    command on the simulated host in NAME.host.json; an exit code that is not 0 is told by a last
    line. `> /dev/null` hides what is printed. Behind `  # the power fails at` stands how the
    command of a plan begins with which all ends. Times are told as if the page had been run at a
    fixed one, to the hour; random ids are replaced by fixed ones.
    """
    with tempfile.TemporaryDirectory() as folder, _inside(Path(folder)):
        Path("fixtures").symlink_to(fixtures)
        began = datetime.now(UTC)
        text = _FILE.sub(lambda match: _file(match["path"]), text)
        return _BLOCK.sub(lambda match: _renewed(match, began), text)


def commands(text: str) -> list[str]:
    """The commands in the text, in order."""
    return [match["command"] for match in _BLOCK.finditer(text)]


def _renewed(block: re.Match[str], began: datetime) -> str:
    command, _, cut = block["command"].partition(POWER_FAILS)
    command, quiet, _ = command.partition(" > /dev/null")
    local = block["prompt"] == "$"
    with power_failing_at(cut) if cut else contextlib.nullcontext():
        output, status = _run(command) if local else _there(block["prompt"], shlex.split(command))
    output = "" if quiet else output
    output = _TIME.sub(lambda match: _as_if(match[0], began), output)
    for pattern, fixed in _CHANGING:
        output = pattern.sub(fixed, output)
    told = f"(exit code {status})\n" if status else ""
    fence = block["fence"]
    return f"{fence}console\n{block['prompt']} {block['command']}\n{output}{told}{fence}"


def _as_if(time: str, began: datetime) -> str:
    """A time as it would have been, had the page been run at `_MOMENT`."""
    hours = round((datetime.fromisoformat(time) - began) / timedelta(hours=1))
    return f"{_MOMENT + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def _file(path: str) -> str:
    return f"<!-- file: {path} -->\n```json\n{Path(path).read_text(encoding='utf-8').rstrip()}\n```"


def _run(command: str) -> tuple[str, int]:
    """What a command prints on a terminal without colours, and its exit code."""
    match shlex.split(command):
        case ["cp", source, target]:
            shutil.copyfile(source, target)
            return "", 0
        case ["ssh-keygen" | "mkdir" | "sed" | "cat", *_]:
            done = subprocess.run(
                ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60
            )
            return done.stdout + done.stderr, done.returncode
        case ["phoenix", *arguments]:
            return _printed(lambda: main(arguments))
        case _:
            raise ValueError(f"the pages run phoenix and a few small tools, and not {command}")


def _printed(call: Callable[[], int]) -> tuple[str, int]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            status = call()
        except PowerCut:
            status = 137  # as a shell tells of SIGKILL
    return printed.getvalue(), status


def _there(prompt: str, words: Sequence[str]) -> tuple[str, int]:
    """What the tool of a simulated host answers, and its exit code."""
    host = SimulatedHost(f"{prompt.removesuffix('#')}.host.json")
    looks = words[1] in ("status", "list", "get")
    argv = tuple(words)
    answer = host.answer("page", Query(argv=argv)) if looks else host.run(Run(argv=argv))
    assert isinstance(answer, Output)
    return (answer.stdout + answer.stderr).decode(), answer.exit_code


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """In that folder, and without what the environment of the moment would change."""
    before, environment, umask = Path.cwd(), dict(os.environ), os.umask(0o022)
    os.environ.pop("PHOENIX_CONFIG", None)
    os.environ.pop("COLUMNS", None)
    os.environ |= {"NO_COLOR": "1", "SUDO_USER": "ada"}
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.umask(umask)
        os.environ.clear()
        os.environ.update(environment)
