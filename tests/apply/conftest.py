"""What tests of apply share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apply.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    """An empty folder for a host."""
    return Machine(tmp_path, capsys)
