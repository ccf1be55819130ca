"""The simulated host held against a real one: from one state, one config leads both to the same
actions and to the same end, but for GUIDs, times and what space things take.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from phoenix_plan.model.datasets import KEPT_UNTIL
from tests.lab.errors import LabError

Json = dict[str, Any]


def differences(
    before: str, config: str, after: str, applied: Sequence[str], folder: Path
) -> list[str]:
    """Where a simulated host ends elsewhere than the real one did, one line each.

    `before` and `after` are states of the real host, as text, between which `applied` were run.
    `folder` is for the simulated host's files. Raises LabError where phoenix fails on it.
    """
    (folder / "before.json").write_text(before)
    (folder / "config.json").write_text(config)
    _phoenix(folder, "simulate", "before.json", "--output", "host.json")
    host = ("--host", "sim:host.json", "-c", "config.json")
    _phoenix(folder, "apply", *host, "--yes", "--mode", "force-destructive")
    _phoenix(folder, "refresh", *host, "--output", "after.json")
    (journal,) = (folder / "host.json.phoenix/runs").glob("*.jsonl")
    events = map(json.loads, journal.read_text().splitlines())
    ran = [event["id"] for event in events if event["event"] == "result" and event["ok"]]
    wrong = []
    if ran != list(applied):
        wrong.append(f"simulated: applied {ran}, not {list(applied)}")
    real = outcome(json.loads(after))
    simulated = outcome(json.loads((folder / "after.json").read_text()))
    return wrong + [f"simulated: {line}" for line in unlike("", simulated, real)]


def _phoenix(folder: Path, *arguments: str) -> None:
    argv = [sys.executable, "-m", "phoenix_plan", *arguments]
    done = subprocess.run(argv, cwd=folder, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise LabError(
            f"on the simulated host, phoenix {' '.join(arguments)}: exit {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )


def outcome(state: Json) -> Json:
    """Of a state, what has to be the same on both hosts."""
    return {
        # A state holds a digest of the machine's id; the simulated host takes that for its own id.
        "host": {key: value for key, value in state["host"].items() if key != "machine"},
        "pools": {pool["name"]: _pool(pool) for pool in state["pools"]},
        "idle pools": sorted(f"{pool['name']} {pool['state']}" for pool in state["idle_pools"]),
        "datasets": {dataset["name"]: _dataset(dataset) for dataset in state["datasets"]},
        "storages": {
            one["id"]: {"type": one["type"], **one["properties"]}
            for one in state["storages"]["storages"]
        },
        "arc": state["arc_max"],
        "disks": {disk["path"]: _disk(disk) for disk in state["disks"]},
        "unknown": state.get("unknown", []),
    }


def _pool(pool: Json) -> Json:
    local = {
        name: found["value"]
        for name, found in pool["properties"].items()
        if found["source"] == "local"
    }
    return {"state": pool["state"], "set": local, "vdevs": list(map(_vdev, pool["vdevs"]))}


def _vdev(vdev: Json) -> Json:
    known = ("name", "type", "vdev_class", "state", "parity")
    children = list(map(_vdev, vdev.get("children", [])))
    return {key: vdev[key] for key in known if key in vdev} | {"children": children}


def _dataset(dataset: Json) -> Json:
    known = ("type", "set", "inherited", "mountpoint", "mounted", "clone_of", "mounts", "users")
    snapshots = list(dataset.get("snapshots", {}))
    found = {key: dataset[key] for key in known if key in dataset} | {"snapshots": snapshots}
    if KEPT_UNTIL in found.get("set", {}):  # each counts from its own apply
        found["set"] = {**found["set"], KEPT_UNTIL: "30 days later"}
    return found


def _disk(disk: Json) -> Json:
    known = ("identity", "aliases", "size", "emptiness", "table")
    parts = [
        {key: part.get(key) for key in ("number", "start", "size", "type")}
        for part in disk.get("partitions", [])
    ]
    labels = {
        f"{label['part']} {label.get('pool')} {label['state']}" for label in disk.get("labels", [])
    }
    found = {key: disk[key] for key in known if key in disk}
    users = [f"{user['kind']}: {user['detail']}" for user in disk.get("users", [])]
    return found | {"partitions": parts, "labels": sorted(labels), "users": users}


def unlike(place: str, seen: Any, wanted: Any, word: str = "really") -> Iterator[str]:
    """Where two outcomes differ, below `place`, one line each; `word` says what is wanted."""
    if isinstance(seen, dict) and isinstance(wanted, dict):
        for key in sorted({*seen, *wanted}):
            yield from unlike(f"{place}/{key}", seen.get(key), wanted.get(key), word)
    elif seen != wanted:
        yield f"{place}: {seen!r}, {word} {wanted!r}"
