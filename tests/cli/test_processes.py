"""From outside, as a process: what only the end of one can show.

These tests spawn, because start-up, exit and broken pipes are what they are about.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix_plan import __version__
from tests.cli.calls import BLANK, MISSING, OCCUPIED, config, state

PYTHON = [sys.executable, "-m", "phoenix_plan"]


def run(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # options are subprocess's
        [*PYTHON, *argv], capture_output=True, text=True, check=False, timeout=60, **options
    )


def test_the_version_is_told_before_anything_is_loaded() -> None:
    """`--version` answers at the speed of a bare Python: no typer, no attrs, none of our rooms."""
    asked = [sys.executable, "-X", "importtime", "-m", "phoenix_plan", "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.stdout == f"phoenix {__version__}\n"
    assert {name for name in loaded if name.startswith("phoenix_plan")} <= {
        "phoenix_plan",
        "phoenix_plan.__main__",
        "phoenix_plan.cli",
        "phoenix_plan.cli.streams",
    }
    assert {"typer", "attr", "attrs", "cattrs", "jsonschema", "rich", "json"} & loaded == set()


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("validate", {"cattrs", "jsonschema", "rich", "deepdiff", "phoenix_plan.planner"}),
        ("plan", {"jsonschema", "rich", "deepdiff"}),
    ],
)
def test_commands_load_what_they_use(command: str, unwanted: set[str], tmp_path: Path) -> None:
    """Start-up is measured: what a good config and a good state do not need is not loaded.

    What typer brings along by itself is its own (rich, in older ones).
    """
    there = ["--state", state(tmp_path, BLANK)] if command == "plan" else []
    argv = [command, *there, "-c", config(tmp_path)]
    code = (
        "import sys, typer; own = set(sys.modules); from phoenix_plan.__main__ import main; "
        "code = main(sys.argv[1:]); print('\\0'.join(set(sys.modules) - own), file=sys.stderr); "
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True, timeout=60
    )
    assert unwanted & set(done.stderr.strip().split("\0")) == set()


@pytest.mark.parametrize(
    ("code", "argv"),
    [(0, ["schema", "plan"]), (64, ["--nonsense"]), (65, ["validate", "-c", "/nonexistent"])],
)
def test_the_process_ends_with_the_exit_code(code: int, argv: list[str]) -> None:
    assert run(*argv).returncode == code


def test_a_plan_ends_the_process_with_its_exit_code(tmp_path: Path) -> None:
    for code, actual in ((1, MISSING), (3, OCCUPIED), (2, BLANK)):
        argv = ("--state", state(tmp_path, actual), "-c", config(tmp_path))
        assert run("plan", *argv, "--detailed-exitcode").returncode == code


def test_a_reader_that_leaves_is_no_drama() -> None:
    """`| head`: no traceback, no message, and an exit code that says it was not delivered."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PYTHON, "schema", "plan"], stdout=writing, stderr=subprocess.PIPE, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_behind_stdout_is_said() -> None:
    """A result that did not arrive is no success."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PYTHON, "schema", "plan"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert "stdout can't be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_without_unicode_is_printed_to(tmp_path: Path) -> None:
    """Arrows become escapes where they can't be shown, never a crash."""
    argv = ("plan", "--state", state(tmp_path, OCCUPIED), "-c", config(tmp_path))
    done = run(*argv, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "wipe disk" in done.stdout


def test_it_runs_from_anywhere(tmp_path: Path) -> None:
    """The schemas are found from another folder, too."""
    root = str(Path(__file__).parents[2])
    done = run("schema", cwd=tmp_path, env={**os.environ, "PYTHONPATH": root})
    assert (done.returncode, done.stderr) == (0, "")
    assert "plan" in done.stdout.split()
