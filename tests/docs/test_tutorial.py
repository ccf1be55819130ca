"""The tutorial: every command in it runs, and prints what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import ROOT
from docs.generator.tutorial import commands, with_outputs

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def renewed() -> str:
    """The tutorial with its commands run again."""
    return with_outputs(TUTORIAL, ROOT / "fixtures")


def test_every_command_prints_what_stands_there(renewed: str) -> None:
    """Its output, its exit code where that is not 0, and the files that are shown."""
    assert renewed == TUTORIAL


@pytest.mark.parametrize("name", ["validate", "refresh", "plan", "show", "explain"])
def test_the_tutorial_shows_each_of_the_first_commands(name: str) -> None:
    """So that a reader has seen them all."""
    assert any(command.split()[:2] == ["phoenix", name] for command in commands(TUTORIAL))


def test_every_console_block_is_run() -> None:
    """None is written otherwise, and so left out."""
    assert TUTORIAL.count("```console") == len(commands(TUTORIAL))


def test_a_wrong_output_is_seen(tmp_path: Path) -> None:
    """The comparison compares."""
    text = "```console\n$ phoenix explain boot-chain\nsomething else\n```"
    assert "boot-chain (error)" in with_outputs(text, tmp_path)


def test_an_exit_code_is_told(tmp_path: Path) -> None:
    """Where it is not 0."""
    text = "```console\n$ phoenix explain no-such-code\n```"
    assert with_outputs(text, tmp_path).endswith("(exit code 64)\n```")
