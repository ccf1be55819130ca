"""The tutorial and the how-tos: every command in it runs, and prints what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import FILES, ROOT
from docs.generator.tutorial import commands, with_outputs

PAGES = [path for path in FILES if "/how-to/" in path or path.endswith("tutorial.md")]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def renewed() -> str:
    """The tutorial with its commands run again."""
    return with_outputs(TUTORIAL, ROOT / "fixtures")


def test_every_command_prints_what_stands_there(renewed: str) -> None:
    """Its output, its exit code where that is not 0, and the files that are shown."""
    assert renewed == TUTORIAL


@pytest.mark.parametrize(
    "name", ["validate", "refresh", "plan", "show", "explain", "approve", "apply"]
)
def test_the_tutorial_shows_each_command(name: str) -> None:
    """So that a reader has seen them all."""
    assert any(command.split()[:2] == ["phoenix", name] for command in commands(TUTORIAL))


@pytest.mark.parametrize("page", PAGES)
def test_every_console_block_is_run(page: str) -> None:
    """None is written otherwise, and so left out."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count("```console\n") == len(commands(text)) > 0


def test_a_wrong_output_is_seen(tmp_path: Path) -> None:
    """The comparison compares."""
    text = "```console\n$ phoenix explain boot-chain\nsomething else\n```"
    assert "boot-chain (error)" in with_outputs(text, tmp_path)


def test_an_exit_code_is_told(tmp_path: Path) -> None:
    """Where it is not 0."""
    text = "```console\n$ phoenix explain no-such-code\n```"
    assert with_outputs(text, tmp_path).endswith("(exit code 64)\n```")


HOST = "```console\n$ cp fixtures/hosts/demo.host.json pve1.host.json\n```\n"


def test_a_command_on_the_simulated_host_is_run() -> None:
    """And changes it: what is run next sees it."""
    tools = "".join(
        f"```console\npve1# {command}\n```\n"
        for command in ("zfs destroy tank/vm/nothing", "zpool offline tank ata-DISK_B")
    )
    found = with_outputs(f"{HOST}{tools}```console\npve1# zpool status\n```", ROOT / "fixtures")
    assert "dataset does not exist\n(exit code 1)" in found
    assert "DEGRADED" in found


def test_times_and_ids_of_the_moment_are_told_as_fixed_ones() -> None:
    """But a day later stays a day later."""
    config = "fixtures/hosts/review.config.json"
    calls = (
        f"plan --host sim:pve1.host.json -c {config} -o plan.json",
        "approve plan.json --all --reason tried --expires 2d",
        "show plan.approval.json",
        "apply plan.json --host sim:pve1.host.json",
    )
    blocks = "".join(f"```console\n$ phoenix {call}\n```\n" for call in calls)
    found = with_outputs(HOST + blocks, ROOT / "fixtures")
    assert "given      2026-11-23T08:00:00Z\n  expires    2026-11-25T08:00:00Z\n" in found
    assert "(state 0123456789ab)" in found
    assert "runs/20261123T080000Z-01234567.jsonl" in found
    assert "SHA-256 0123456789abcdef0123456789abcdef" in found


def test_another_program_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rm"):
        with_outputs("```console\n$ rm -r /tmp/nothing\n```", tmp_path)
