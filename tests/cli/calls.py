"""Calling the command line in this process."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from phoenix_plan.__main__ import main
from phoenix_plan.codec import state_to_json
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.pools import Pool
from tests import builders


@attrs.frozen(kw_only=True)
class Called:
    """What a command line gave."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> Called:
    """Run the command line, and take what it printed."""
    code = main(list(argv))
    captured = capsys.readouterr()
    return Called(code=code, out=captured.out, err=captured.err)


class Stdin(io.TextIOWrapper):
    """A stdin of these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")


TANK = {"name": "tank", "raid_level": "mirror", "disks": [builders.by_id("A"), builders.by_id("B")]}


def config(folder: Path, *pools: dict[str, Any], name: str = "config.json", **zfs: Any) -> str:
    """A config file, by its path: these pools, or the pool tank."""
    path = folder / name
    path.write_text(json.dumps({"zfs": {"pools": list(pools) or [TANK], **zfs}}), encoding="utf-8")
    return str(path)


def state(folder: Path, actual: Actual, name: str = "state.json") -> str:
    """A state file, by its path."""
    path = folder / name
    path.write_text(state_to_json(actual), encoding="utf-8")
    return str(path)


def _actual(*disks: Disk, pools: tuple[Pool, ...] = ()) -> Actual:
    """The builders answer for any directory; a document names those that were looked at."""
    return builders.actual(*disks, pools=pools, directories={"/tank": "absent"})


BLANK = _actual(builders.disk("A"), builders.disk("B"))
"""Two blank disks: the pool tank can be created."""

OCCUPIED = _actual(builders.disk("A"), builders.occupied("B"))
"""One of the disks holds something: it is wiped first."""

MISSING = _actual(builders.disk("A"))
"""One of the disks is not there."""

THERE = _actual(
    builders.member("A", "tank"),
    builders.member("B", "tank"),
    pools=(builders.pool("tank", builders.top("mirror", "tank", "A", "B")),),
)
"""The pool is as declared."""
