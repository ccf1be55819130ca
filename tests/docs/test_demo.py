"""The demo tells the whole story, and notices where it does not come out.

It is a script that people run, so it is run here as a process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import ROOT


def demo(folder: Path, script: Path = ROOT / "docs/demo.sh") -> subprocess.CompletedProcess[str]:
    """The script, with the phoenix of this checkout in its PATH."""
    programs = folder / "bin"
    programs.mkdir()
    phoenix = programs / "phoenix"
    phoenix.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m phoenix_plan "$@"\n', "utf-8")
    phoenix.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        ["sh", str(script), str(folder / "demo")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )


def test_the_demo_ends_without_a_change(tmp_path: Path) -> None:
    """Refused, approved, applied, and nothing left; the fixtures stay as they are."""
    before = (ROOT / "fixtures/hosts/demo.host.json").read_bytes()
    done = demo(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 destructive actions without consent: nothing was run" in done.stderr
    assert "Applied 11 actions on pve1." in done.stdout
    assert "No changes." in done.stdout
    assert before == (ROOT / "fixtures/hosts/demo.host.json").read_bytes()
    assert before != (tmp_path / "demo/demo.host.json").read_bytes()


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        ("exit code 4, expected 0", "step 4", "step 0"),
        ("exit code 0, expected 4", "phoenix apply demo.plan.json $host", "true"),
        ("exit code 3, expected 0", "again after it.' \\\n    \"phoenix apply", "' \\\n    \"true"),
    ],
)
def test_the_demo_fails_where_a_step_ends_otherwise(
    said: str, right: str, wrong: str, tmp_path: Path
) -> None:
    """Not refused, or a change that is left."""
    scripts = tmp_path / "docs"
    scripts.mkdir()
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    text = (ROOT / "docs/demo.sh").read_text(encoding="utf-8")
    assert right in text
    (scripts / "demo.sh").write_text(text.replace(right, wrong, 1), encoding="utf-8")
    done = demo(tmp_path, scripts / "demo.sh")
    assert done.returncode == 1
    assert said in done.stderr
