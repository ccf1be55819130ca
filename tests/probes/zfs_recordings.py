"""What the ZFS recordings hold, and the model expected of each.

`python -m tests.probes.zfs_recordings` writes the expected models anew, after a change that was
meant; read the difference before it is committed. No test writes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from phoenix_plan.commands import Output, Query
from phoenix_plan.hosts.recorded_zfs import ZFS_ANSWERS
from phoenix_plan.hosts.recording import Recording
from phoenix_plan.model.pools import Property
from phoenix_plan.probes import zfs_datasets, zfs_version, zpool_get, zpool_import, zpool_status
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.recordings import FIXTURES, RECORDINGS

DATA = Path(__file__).resolve().parent / "data"

QUERIES: dict[str, Query] = {
    "zfs-version": zfs_version.VERSION,
    "zpool-status-json": zpool_status.STATUS_JSON,
    "zpool-status-text": zpool_status.STATUS_TEXT,
    "zpool-status-guids": zpool_status.STATUS_GUIDS,
    "zpool-get": zpool_get.POOL_PROPERTIES,
    "zpool-import": zpool_import.IMPORT,
    "zfs-list": zfs_datasets.LISTING,
    "zfs-get-set": zfs_datasets.SET_HERE,
    "zfs-list-snapshots": zfs_datasets.SNAPSHOTS,
}


def answer(folder: Path, probe: str) -> Output:
    """What the recording in a folder answers to a probe."""
    return ZFS_ANSWERS[probe](Recording(folder), QUERIES[probe])


def printed(text: str, *, exit_code: int = 0, stderr: str = "") -> Output:
    """A tool that printed a text."""
    return Output(exit_code=exit_code, stdout=text.encode(), stderr=stderr.encode())


def model_of(folder: Path) -> dict[str, Any]:
    """All that the ZFS probes make of a recording, as a document."""
    userland, kernel = zfs_version.parse_versions(answer(folder, "zfs-version"))
    status = parse_status_text(
        answer(folder, "zpool-status-text"), answer(folder, "zpool-status-guids")
    )
    properties = zpool_get.parse_pool_properties(answer(folder, "zpool-get"))
    defaults, datasets = zfs_datasets.parse_datasets(
        answer(folder, "zfs-list"),
        answer(folder, "zfs-get-set"),
        answer(folder, "zfs-list-snapshots"),
    )
    document = {
        "zfs": userland,
        "zfs_kernel": kernel,
        "pools": [_plain(pool) for pool in zpool_status.assemble_pools(status, properties)],
        "candidates": [
            _plain(candidate)
            for candidate in zpool_import.parse_import(answer(folder, "zpool-import"))
        ],
        "defaults": defaults,
        "datasets": [_plain(dataset) for dataset in datasets],
    }
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def expected_path(folder: Path) -> Path:
    """Where the expected model of a recording stands."""
    return FIXTURES / "expected" / folder.parent.name / folder.name / "zfs.json"


def _plain(value: Any) -> Any:
    """An attrs object without its empty fields, a pool property as `value [source]`."""
    if isinstance(value, Property):
        return f"{value.value} [{value.source}]"
    if attrs.has(type(value)):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in attrs.fields(type(value))
            if getattr(value, field.name) not in ("", None, 0, (), {}, False)
        }
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _renew() -> None:
    for folder in RECORDINGS:
        path = expected_path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(model_of(folder), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _renew()
