"""The recordings of real OpenZFS, and what tests have to know of one: ids, by their owner's name.

They are read from the tools' own output, and not by what is tested. Ids are chosen anew with each
recording, so that no test holds one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
NEW = FIXTURES / "recordings/zfs-2.3"
"""The series with JSON."""
OLD = FIXTURES / "recordings/zfs-2.1"
"""The series without."""
SERIES = (NEW, OLD)
RECORDINGS = sorted(path.parent for path in FIXTURES.glob("recordings/zfs-*/*/zfs-version.out"))


def name_of(folder: Path) -> str:
    """A recording by its series and situation."""
    return f"{folder.parent.name}/{folder.name}"


def version_of(folder: Path) -> str:
    """The OpenZFS of a recording: 2.3.9."""
    return _only(r"^zfs-(\d+\.\d+\.\d+)", folder / "zfs-version.out")


def hostid_of(folder: Path) -> str:
    """The recorded host's id: 8 hex digits."""
    return _only(r"^([0-9a-f]{8})$", folder / "hostid.out")


def pool_guid(folder: Path, name: str) -> str:
    """The GUID of a pool that is imported there."""
    return _only(rf"^{re.escape(name)}\t(\d+)\t", folder / "zpool-list.out")


def dataset_guid(folder: Path, name: str) -> str:
    """The GUID of a filesystem or volume."""
    return _only(rf"^{re.escape(name)}\t.*\t(\d+)$", folder / "zfs-list.out")


def snapshot_guid(folder: Path, name: str) -> str:
    """The GUID of a snapshot."""
    return _only(rf"^{re.escape(name)}\t.*\t(\d+)$", folder / "zfs-list-snap.out")


def vdev_guid(folder: Path, pool: str, *names: str) -> str:
    """The GUID of a vdev of an imported pool, by the way there: `mirror-0`, `virtio-DISK1`.

    zpool-status(8) tells it beside a name in its JSON alone, so of the newer series.
    """
    document: Any = json.loads((folder / "zpool-status-json.out").read_text())
    vdev = document["pools"][pool]["vdevs"][pool]
    for name in names:
        vdev = vdev["vdevs"][name]
    return str(vdev["guid"])


def label_txg(folder: Path, device: str) -> str:
    """The transaction group of a vdev's label, as zdb(8) prints it."""
    return _only(r"^ {4}txg: (\d+)$", folder / f"zdb-l-{device}.out")


def physical_volume(folder: Path, device: str) -> str:
    """The UUID of LVM's physical volume on a device."""
    return _only(rf'"pv_name":"{device}".*"pv_uuid":"([^"]+)"', folder / "pvs.out")


def _only(pattern: str, path: Path) -> str:
    """The group of the one place that a pattern fits."""
    found = set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(found) == 1, f"{path.name}: {pattern} fits {len(found)} texts"
    return str(found.pop())
