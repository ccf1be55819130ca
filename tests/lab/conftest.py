"""Keeps the lab out of an ordinary `pytest` or `pytest tests`: name it to run it."""

from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore what lies here, unless the command line names this folder or something in it."""
    if not collection_path.is_relative_to(LAB):
        return None
    named = [
        (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        for argument in config.args
    ]
    return None if any(path.is_relative_to(LAB) for path in named) else True
