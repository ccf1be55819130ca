"""What the commands print, where, and for whom."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from phoenix_plan import __version__
from phoenix_plan.config import load_config
from phoenix_plan.model.actual import Interests
from phoenix_plan.model.codes import CODES
from phoenix_plan.refresh import refresh
from tests import builders
from tests.cli.calls import BLANK, MISSING, OCCUPIED, THERE, Stdin, call, config, state

Out = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def test_validate_says_what_is_declared(tmp_path: Path, capsys: Out) -> None:
    called = call(capsys, "validate", "-c", config(tmp_path))
    assert (called.code, called.err) == (0, "")
    assert called.out == f"{tmp_path}/config.json is valid: 1 pool, 0 datasets, 0 storages.\n"


def test_validate_says_what_does_less_than_it_seems(tmp_path: Path, capsys: Out) -> None:
    datasets = [{"name": "data", "pool": "tank", "storage_class": "direct"}]
    called = call(capsys, "validate", "-c", config(tmp_path, datasets=datasets))
    assert called.code == 0
    assert "[storage-class-ignored]" in called.out


def test_validate_reports_all_problems_at_once(tmp_path: Path, capsys: Out) -> None:
    path = config(tmp_path, {"name": "tank", "raid_level": "mirror", "disks": []}, arc_max=-1)
    called = call(capsys, "validate", "-c", path)
    assert (called.code, called.out) == (65, "")
    assert "disks" in called.err
    assert "arc_max" in called.err


def test_the_config_comes_from_the_environment(
    tmp_path: Path, capsys: Out, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("PHOENIX_CONFIG", config(tmp_path, name="elsewhere.json"))
    assert "elsewhere.json is valid" in call(capsys, "validate").out


def test_the_config_comes_from_the_folder(tmp_path: Path, capsys: Out, monkeypatch: Patch) -> None:
    monkeypatch.delenv("PHOENIX_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    none = call(capsys, "validate")
    assert none.code == 65
    assert "-c CONFIG" in none.err
    config(tmp_path, name="phoenix_hypervisor_config.json")
    assert "phoenix_hypervisor_config.json is valid" in call(capsys, "validate").out


def test_the_config_comes_from_stdin(tmp_path: Path, capsys: Out, monkeypatch: Patch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(Path(config(tmp_path)).read_bytes()))
    assert call(capsys, "validate", "-c", "-").out.startswith("stdin is valid")


def test_a_plan_from_stdins_state(tmp_path: Path, capsys: Out, monkeypatch: Patch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(Path(state(tmp_path, BLANK)).read_bytes()))
    assert "create pool tank" in call(capsys, "plan", "--state", "-", "-c", config(tmp_path)).out


def test_the_same_state_and_config_give_the_same_plan(tmp_path: Path, capsys: Out) -> None:
    """I4, byte for byte: not even a clock is read."""
    argv = ("plan", "--state", state(tmp_path, OCCUPIED), "-c", config(tmp_path))
    first = call(capsys, *argv, "--format", "json").out
    assert first == call(capsys, *argv, "--format", "json").out
    assert json.loads(first)["state"] == {"id": OCCUPIED.id, "taken_at": OCCUPIED.taken_at}


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_show_prints_a_plan_as_plan_does(form: str, tmp_path: Path, capsys: Out) -> None:
    target = str(tmp_path / "plan.json")
    argv = ("plan", "--state", state(tmp_path, OCCUPIED), "-c", config(tmp_path), "-o", target)
    printed = call(capsys, *argv, "--format", form)
    shown = call(capsys, "show", target, "--format", form)
    assert (printed.code, shown.code, shown.err) == (0, 0, "")
    assert shown.out == printed.out
    assert "wipe-disk" in shown.out


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_show_knows_a_state_by_its_content(form: str, tmp_path: Path, capsys: Out) -> None:
    path = state(tmp_path, THERE, name="plan.json")
    called = call(capsys, "show", path, "--format", form)
    assert (called.code, called.err) == (0, "")
    assert "mirror-0" in called.out
    if form == "json":
        assert called.out == Path(path).read_text(encoding="utf-8")


def test_show_of_something_else_says_so(tmp_path: Path, capsys: Out) -> None:
    called = call(capsys, "show", config(tmp_path))
    assert called.code == 65
    assert "neither a state nor a plan" in called.err


def test_a_plan_of_a_newer_format_is_refused_clearly(tmp_path: Path, capsys: Out) -> None:
    target = tmp_path / "plan.json"
    argv = ("plan", "--state", state(tmp_path, BLANK), "-c", config(tmp_path), "-o", str(target))
    assert call(capsys, *argv).code == 0
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace('"format_version": "1.0"', '"format_version": "2.0"'))
    called = call(capsys, "show", str(target))
    assert called.code == 65
    assert "format 2.0" in called.err


@pytest.mark.parametrize("code", sorted(CODES))
def test_explain_knows_every_code(code: str, capsys: Out, monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "5000")
    called = call(capsys, "explain", code)
    assert (called.code, called.err) == (0, "")
    assert CODES[code].means in called.out
    assert CODES[code].do in called.out


def test_explain_takes_a_code_as_a_plan_prints_it(capsys: Out) -> None:
    assert call(capsys, "explain", "[disk-missing]").out.startswith("disk-missing (error)\n")


def test_explain_lists_all(capsys: Out) -> None:
    words = set(call(capsys, "explain").out.split())
    assert [code for code in CODES if code not in words] == []


def test_explain_names_near_ones(capsys: Out) -> None:
    assert "disk-missing" in call(capsys, "explain", "disc-missing").err


def test_schema_prints_a_schema(capsys: Out) -> None:
    names = call(capsys, "schema").out.split()
    assert {"config", "state", "plan"} <= set(names)
    for name in names:
        called = call(capsys, "schema", name)
        assert json.loads(called.out)["$schema"].startswith("https://json-schema.org/")


def test_help_names_every_command(capsys: Out) -> None:
    out = call(capsys, "--help").out
    assert call(capsys).out == out
    for command in ("validate", "refresh", "plan", "show", "explain", "schema"):
        assert f"  {command} " in out
        assert call(capsys, command, "-h").code == 0


@pytest.mark.parametrize("argv", [["--version"], ["-q", "--version"]])
def test_the_version(argv: list[str], capsys: Out) -> None:
    assert call(capsys, *argv).out == f"phoenix {__version__}\n"


@pytest.mark.parametrize("flags", [(["-q"], []), ([], ["-q"]), ([], ["--quiet"])])
def test_quiet_leaves_results_and_errors(
    flags: tuple[list[str], list[str]], tmp_path: Path, capsys: Out
) -> None:
    """Before the command and after it."""
    before, after = flags
    target = ("-o", str(tmp_path / "plan.json"))
    argv = (*before, "plan", "--state", state(tmp_path, BLANK), "-c", config(tmp_path), *target)
    called = call(capsys, *argv, *after)
    assert "create pool tank" in called.out
    assert called.err == ""
    assert call(capsys, *before, "explain", "nonsense", *after).err != ""


@pytest.mark.parametrize("flags", [(["-v"], []), ([], ["--verbose"])])
def test_verbose_leaves_nothing_out(
    flags: tuple[list[str], list[str]], tmp_path: Path, capsys: Out
) -> None:
    before, after = flags
    argv = (*before, "plan", "--state", state(tmp_path, BLANK), "-c", config(tmp_path))
    assert "pool-absent tank" in call(capsys, *argv, *after).out


class Terminal(Stdin):
    """A terminal to print on."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.reconfigure(newline="")

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


def on_terminal(monkeypatch: Patch, *argv: str) -> tuple[str, str]:
    out, err = Terminal(), Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        from phoenix_plan.__main__ import main  # noqa: PLC0415 - beside what it prints on

        main(list(argv))
    return out.shown(), err.shown()


def test_colours_on_a_terminal_alone(tmp_path: Path, capsys: Out, monkeypatch: Patch) -> None:
    """And not with NO_COLOR, and not on a dumb one."""
    argv = ("plan", "--state", state(tmp_path, OCCUPIED), "-c", config(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" not in call(capsys, *argv).out
    assert "\x1b[1;31m" in on_terminal(monkeypatch, *argv)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal(monkeypatch, *argv)[0]
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_terminal(monkeypatch, *argv)[0]


def test_progress_on_a_terminal_alone(tmp_path: Path, capsys: Out, monkeypatch: Patch) -> None:
    """One live line that is gone in the end; nothing where nobody watches, or with --quiet."""

    def asked(_host: object, _wanted: Interests, *, progress: object) -> object:
        if callable(progress):
            progress("zpool-get")
        return BLANK

    monkeypatch.setattr("phoenix_plan.hosts.open.open_host", lambda _name: None)
    monkeypatch.setattr("phoenix_plan.refresh.refresh", asked)
    argv = ("plan", "-c", config(tmp_path))
    assert call(capsys, *argv).err == ""
    assert on_terminal(monkeypatch, *argv)[1].startswith("\r\x1b[KAsking local: zpool-get\r\x1b[K")
    assert on_terminal(monkeypatch, *argv, "--quiet")[1] == ""


def test_a_failed_probe_is_said_beside_the_plan(
    tmp_path: Path, capsys: Out, monkeypatch: Patch
) -> None:
    there = builders.actual(builders.disk("A"), unknown=["exports"], directories={})
    monkeypatch.setattr("phoenix_plan.hosts.open.open_host", lambda _name: None)
    monkeypatch.setattr("phoenix_plan.refresh.refresh", lambda *_, **__: there)
    called = call(capsys, "refresh", "-c", config(tmp_path))
    assert called.code == 0
    assert "could not be learnt: exports: said no" in called.err
    assert "COULD NOT BE LEARNT" in called.out


def test_refresh_looks_closer_at_what_the_config_names(
    tmp_path: Path, capsys: Out, monkeypatch: Patch
) -> None:
    """And does without a config where there is none."""
    seen: list[Interests] = []

    def asked(_host: object, wanted: Interests, *, progress: object) -> object:
        assert progress is None
        seen.append(wanted)
        return BLANK

    monkeypatch.setattr("phoenix_plan.hosts.open.open_host", lambda _name: None)
    monkeypatch.setattr("phoenix_plan.refresh.refresh", asked)
    monkeypatch.delenv("PHOENIX_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert call(capsys, "refresh").code == 0
    assert call(capsys, "refresh", "-c", config(tmp_path)).code == 0
    assert call(capsys, "refresh", "-c", "missing.json").code == 65
    assert seen == [Interests(), load_config(config(tmp_path)).interests]
    assert seen[1].disks == (builders.by_id("A"), builders.by_id("B"))


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        ("phoenix explain disk-missing", ()),
        ("phoenix explain disk-missing", ("-o", "plan.json")),
    ],
)
def test_the_next_command_after_errors(
    expected: str, argv: tuple[str, ...], tmp_path: Path, capsys: Out, monkeypatch: Patch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = ("--state", state(tmp_path, MISSING), "-c", config(tmp_path))
    assert call(capsys, "plan", *there, *argv).out.endswith(f"Next: {expected}\n")


def test_the_next_command(tmp_path: Path, capsys: Out, monkeypatch: Patch) -> None:
    """Keep the plan, then have it reviewed; nothing where there is nothing to do."""
    monkeypatch.chdir(tmp_path)
    state(tmp_path, BLANK)
    config(tmp_path)
    argv = ("plan", "--state", "state.json", "-c", "config.json")
    again = "phoenix plan --state state.json -c config.json -o plan.json"
    assert call(capsys, *argv).out.endswith(f"Next: {again}\n")
    review = "phoenix show plan.json --format markdown"
    assert call(capsys, *argv, "-o", "plan.json").out.endswith(f"Next: {review}\n")
    state(tmp_path, THERE)
    assert "Next:" not in call(capsys, *argv).out


def test_refresh_is_called_as_it_is_written() -> None:
    """The stand-ins above have the signature of the real one."""
    names = refresh.__code__.co_varnames[:3]
    assert names == ("host", "interests", "progress")
