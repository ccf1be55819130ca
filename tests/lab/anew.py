"""New recordings held against those of fixtures/recordings: does a host read as it did there?

What is compared is the state that a refresh makes of both. GUIDs, UUIDs, times, transaction groups
and what space things take are chosen anew each time. A GUID of a pool or vdev is compared by the
name of what has it, so that a label still has to be of the same vdev. The version of OpenZFS is
not compared: a newer one that says the same is no difference.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phoenix_plan import codec
from phoenix_plan.hosts.recorded import RecordedHost
from tests.lab.errors import LabError
from tests.lab.guests import Guest
from tests.lab.simulation import unlike
from tests.recorded_states import comparable, state_of

RECORDINGS = Path(__file__).parents[2] / "fixtures/recordings"

Json = dict[str, Any]


def stored(guest: Guest) -> Path:
    """The stored recordings of the guest's series of OpenZFS. Raises LabError where there are none.

    They may be of another patch version than the guest has today.
    """
    found = RECORDINGS / f"zfs-{guest.zfs}"
    if not found.is_dir():
        raise LabError(f"no recordings of OpenZFS {guest.zfs}: {found} is not there")
    return found


def add_made_up(target: Path, source: Path) -> None:
    """Give the new recording `target` what is made up for the stored one of the same situation."""
    for place, made_up in (
        (target / "made-up", source / "made-up"),
        (target.parent / "made-up", source.parent / "made-up"),
    ):
        if made_up.is_dir() and not place.exists():
            shutil.copytree(made_up, place)


def differences(new: Path, old: Path) -> list[str]:
    """Where a new recording of a situation reads otherwise than the stored one, one line each."""
    return list(unlike("", _reading(new), _reading(old), "as recorded"))


def _reading(folder: Path) -> Json:
    """The state of a recorded host, without what is the guest's own or is chosen anew."""
    text = codec.state_to_json(state_of(RecordedHost(folder)))
    state = json.loads(text)
    for pool in (*state["pools"], *state["idle_pools"]):
        for guid, name in _named(pool, ""):
            text = text.replace(f'"{guid}"', f'"GUID of {name}"')
    for key in ("guid", "pool_guid", "top_guid"):
        text = text.replace(f'"{key}":', f'"its {key}":')  # or they would be left out
    text = text.replace(state["host"]["hostid"], "HOSTID")
    reading: Json = comparable(json.loads(text))
    for name in ("zfs", "zfs_kernel"):
        del reading["host"][name]
    # Which tmpfs is where is the guest's init's business, and how large the root is the build's.
    datasets = {dataset["name"] for dataset in reading["datasets"]}
    reading["mounts"] = {
        path: source
        for path, source in reading["mounts"].items()
        if source.startswith("/dev/") or source in datasets
    }
    for disk in reading["disks"]:
        if disk["serial"] == "ROOT":
            del disk["size"], disk["identity"]["size"]
    labels = [label for disk in reading["disks"] for label in disk.get("labels", ())]
    for named in (*reading["idle_pools"], *labels):
        named.pop("hostname", None)
    for disk in reading["disks"]:
        if "signatures" in disk:
            disk["signatures"] = _signatures(disk["signatures"])
    for part, key in (("disks", "path"), ("pools", "name"), ("datasets", "name")):
        reading[part] = {one[key]: one for one in reading[part]}
    spread: Json = _spread(reading)
    return spread


def _signatures(signatures: list[Json]) -> list[Json]:
    """Without UUIDs, the host's name and places that are chosen anew."""
    plain = []
    for signature in signatures:
        # UUIDs of LVM and FAT have forms of their own; an array is named after its host.
        uuid = signature.get("uuid", "")
        label = re.sub(r"^.+(?=:\d+$)", "HOST", signature.get("label", ""))
        one = signature | {"uuid": uuid if uuid.startswith("GUID of ") else "…", "label": label}
        if signature["type"] == "zfs_member":
            # util-linux 2.38 has one for each uberblock, and so for each transaction group.
            del one["offset"]
        if one not in plain:
            plain.append(one)
    return plain


def _named(vdev: Json, above: str) -> Iterator[tuple[str, str]]:
    """The GUIDs of a pool or a vdev and all below it, with names that two hosts share."""
    name = f"{above} {vdev['name']}".strip()
    yield vdev["guid"], name
    for child in (*vdev.get("vdevs", ()), *vdev.get("children", ())):
        yield from _named(child, name)


def _spread(value: Any) -> Any:
    """Lists as mappings by place, so that a difference is told where it is."""
    if isinstance(value, list):
        return {str(place): _spread(one) for place, one in enumerate(value)}
    if isinstance(value, dict):
        return {key: _spread(one) for key, one in value.items()}
    return value
