"""Held against the real tools: the same commands, and what was recorded after them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan import codec
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.hosts.simulated.state import from_state
from phoenix_plan.refresh import refresh
from tests.recorded_states import comparable
from tests.recordings import RECORDINGS, SERIES, name_of, version_of
from tests.simulated.worlds import ask, done, host_of, situation_02


def state_of(host: SimulatedHost | RecordedHost) -> dict[str, Any]:
    """A refresh, as a document."""
    state: dict[str, Any] = json.loads(codec.state_to_json(refresh(host)))
    return state


@pytest.mark.parametrize("series", SERIES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("situation", "commands"),
    [
        ("02-mirror-and-single", ()),
        ("03-single-became-mirror", ("zpool attach fastData DISK3 DISK4",)),
        (
            "04-log-cache-spare",
            (
                "zpool attach fastData DISK3 DISK4",
                "zpool add fastData log mirror DISK7 DISK8 cache DISK6 spare DISK5",
            ),
        ),
        (
            "05-degraded-offline",
            (
                "zpool attach fastData DISK3 DISK4",
                "zpool add fastData log mirror DISK7 DISK8 cache DISK6 spare DISK5",
                "zpool offline quickOS DISK2",
            ),
        ),
    ],
)
def test_status_is_the_recorded_text(
    tmp_path: Path, series: Path, situation: str, commands: tuple[str, ...]
) -> None:
    """`zpool status -P` prints what the real one printed, to the letter, times and sizes aside."""
    host = situation_02(tmp_path, version_of(series / "02-mirror-and-single"))
    for line in commands:
        done(host, *line.split())
    recorded = (series / situation / "zpool-status-P.out").read_text()
    text = ask(host, "zpool", "status", "-P").stdout.decode()
    assert undated(recorded) == undated(text)


def undated(text: str) -> str:
    """Without dates, how much was resilvered and how long that took."""
    return re.sub(r"resilvered \S+ in \d\d:\d\d:\d\d|on \w{3} \w{3} .*", "…", text)


@pytest.mark.parametrize("series", SERIES, ids=lambda path: path.name)
def test_a_rebuilt_situation_reads_as_the_recorded_one(tmp_path: Path, series: Path) -> None:
    """Pools, vdevs, properties, features, datasets, what is set on them and what they inherit."""
    recorded = comparable(state_of(RecordedHost(series / "02-mirror-and-single")))
    rebuilt = comparable(
        state_of(situation_02(tmp_path, version_of(series / "02-mirror-and-single")))
    )
    for part in ("pools", "idle_pools", "defaults"):
        assert recorded[part] == rebuilt[part]
    for expected, seen in zip(recorded["datasets"], rebuilt["datasets"], strict=True):
        assert expected == seen


@pytest.mark.parametrize("series", SERIES, ids=lambda path: path.name)
def test_an_exported_pool_is_listed_as_recorded(tmp_path: Path, series: Path) -> None:
    """`zpool import` of both versions, which indent differently."""
    host = situation_02(tmp_path, version_of(series / "02-mirror-and-single"))
    done(host, "zpool", "export", "quickOS")
    recorded = (series / "07-exported/zpool-import.out").read_text()
    text = ask(host, "zpool", "import").stdout.decode()
    assert re.sub(r"\d{12,}", "GUID", recorded) == re.sub(r"\d{12,}", "GUID", text)


CAN = [folder for folder in RECORDINGS if "draid" not in folder.name]


@pytest.mark.parametrize("folder", CAN, ids=name_of)
def test_a_recorded_host_simulated_reads_the_same(tmp_path: Path, folder: Path) -> None:
    """State to simulated host and back: nothing that a plan rests on has changed."""
    recorded = state_of(RecordedHost(folder))
    simulated = state_of(host_of(tmp_path, from_state(recorded)))
    assert guids(recorded) == guids(simulated)
    assert comparable(recorded) == comparable(simulated)


def guids(state: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and GUIDs of all pools and datasets."""
    return [
        (one["name"], one["guid"])
        for part in ("pools", "idle_pools", "datasets")
        for one in state[part]
    ]
