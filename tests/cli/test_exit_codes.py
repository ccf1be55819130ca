"""Every exit code of the architecture that the reading half of the program has."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_plan.model.actual import Actual
from tests.cli.calls import BLANK, MISSING, OCCUPIED, THERE, call, config, state

Out = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("plain", "detailed", "actual"),
    [(0, 0, THERE), (0, 2, BLANK), (0, 3, OCCUPIED), (1, 1, MISSING)],
    ids=["as declared", "safe", "destructive", "errors"],
)
def test_a_plan_exits_with_what_it_holds(
    plain: int, detailed: int, actual: Actual, tmp_path: Path, capsys: Out
) -> None:
    """2 and 3 only where they were asked for; an error is 1 either way."""
    argv = ("plan", "--state", state(tmp_path, actual), "-c", config(tmp_path))
    assert plain == call(capsys, *argv).code
    assert detailed == call(capsys, *argv, "--detailed-exitcode").code


@pytest.mark.parametrize(
    ("word", "argv"),
    [
        ("No such command", ["destroy-everything"]),
        ("No such option", ["plan", "--force"]),
        ("Missing argument", ["show"]),
        ("exclude each other", ["plan", "--host", "local", "--state", "x"]),
        ("can't both be stdin", ["plan", "--state", "-", "-c", "-"]),
        ("no such host", ["refresh", "--host", "simulated:x"]),
        ("there is no code", ["explain", "disk-missin"]),
        ("there is no schema", ["schema", "plans"]),
        ("yaml", ["plan", "--format", "yaml"]),
    ],
)
def test_wrong_usage_is_64(word: str, argv: list[str], capsys: Out) -> None:
    """A line that can't be understood says so on stderr, and prints nothing else."""
    called = call(capsys, *argv)
    assert (called.code, called.out) == (64, "")
    assert word in called.err
    assert "Traceback" not in called.err


@pytest.mark.parametrize("content", [None, "", "{", "{}", '{"zfs": {"pool": []}}', "[]"])
@pytest.mark.parametrize(
    "argv", [["validate", "-c"], ["plan", "--state", "x", "-c"], ["show"], ["plan", "--state"]]
)
def test_an_invalid_or_unreadable_file_is_65(
    argv: list[str], content: str | None, tmp_path: Path, capsys: Out
) -> None:
    """Config, plan and state alike."""
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    rest = ["-c", config(tmp_path)] if argv[-1] == "--state" else []
    called = call(capsys, *argv, str(path), *rest)
    assert (called.code, called.out) == (65, "")
    assert "file.json" in called.err


def test_an_interrupt_is_130(tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("phoenix_plan.config.load_config", interrupted)
    called = call(capsys, "validate", "-c", config(tmp_path))
    assert (called.code, called.out) == (130, "")
    assert "interrupted" in called.err
    assert "Nothing on the host was changed." in called.err


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("by \x1b[31mzero")


def test_a_bug_is_told_not_spilt(
    tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One apology, no traceback, and how to get it."""
    monkeypatch.setattr("phoenix_plan.config.load_config", broken)
    called = call(capsys, "validate", "-c", config(tmp_path))
    assert (called.code, called.out) == (1, "")
    assert "bug, sorry: ZeroDivisionError" in called.err
    assert "Traceback" not in called.err
    assert "--verbose" in called.err
    assert "\x1b" not in called.err


@pytest.mark.parametrize("argv", [["-v", "validate"], ["validate", "--verbose"]])
def test_verbose_shows_a_bugs_traceback(
    argv: list[str], tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phoenix_plan.config.load_config", broken)
    called = call(capsys, *argv, "-c", config(tmp_path))
    assert called.code == 1
    assert "Traceback" in called.err
    assert "\x1b" not in called.err
