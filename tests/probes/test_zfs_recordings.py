"""Every ZFS recording gives the model that was agreed to, from JSON and from text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_plan.model.datasets import effective
from phoenix_plan.model.properties import SETTABLE
from phoenix_plan.probes.zfs_datasets import parse_datasets
from phoenix_plan.probes.zpool_status import TextNeeded
from phoenix_plan.probes.zpool_status_json import parse_status_json
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.probes.zfs_recordings import answer, expected_path, model_of
from tests.recordings import RECORDINGS, name_of

EACH = pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)


def test_all_recordings_are_there() -> None:
    """Both versions, every situation: a folder that is not found would test nothing."""
    versions = [folder.parent.name for folder in RECORDINGS]
    assert (versions.count("zfs-2.1"), versions.count("zfs-2.3")) == (14, 16)


@EACH
def test_model(folder: Path) -> None:
    """Pools, candidates, datasets and versions are as the expected model has them.

    Renewed by `python -m tests.probes.zfs_recordings`.
    """
    assert json.loads(expected_path(folder).read_text(encoding="utf-8")) == model_of(folder)


@EACH
def test_json_and_text_agree(folder: Path) -> None:
    """2.3 prints both; 2.1 refuses -j, and text is asked for."""
    text = parse_status_text(
        answer(folder, "zpool-status-text"), answer(folder, "zpool-status-guids")
    )
    output = answer(folder, "zpool-status-json")
    if folder.parent.name == "zfs-2.1":
        with pytest.raises(TextNeeded):
            parse_status_json(output)
    else:
        assert text == parse_status_json(output)


@EACH
def test_properties_lose_nothing(folder: Path) -> None:
    """For each dataset and property, `effective` is what `zfs get` printed, source aside."""
    defaults, datasets = parse_datasets(
        answer(folder, "zfs-list"),
        answer(folder, "zfs-get-set"),
        answer(folder, "zfs-list-snapshots"),
    )
    said: dict[tuple[str, str], str] = {}
    set_here: dict[str, dict[str, str]] = {}
    for line in (folder / "zfs-get.out").read_text(encoding="utf-8").splitlines():
        name, key, value, source = line.split("\t")
        said[name, key] = value
        if source in ("local", "received"):
            set_here.setdefault(name, {})[key] = value
    assert list(dict.fromkeys(name for name, _ in said)) == [each.name for each in datasets]
    assert {
        (dataset.name, key): said.get((dataset.name, key))
        for dataset in datasets
        for key in SETTABLE
    } == {
        (dataset.name, key): effective(dataset, key, defaults)
        for dataset in datasets
        for key in SETTABLE
    }
    assert set_here == {dataset.name: dict(dataset.set) for dataset in datasets if dataset.set}
