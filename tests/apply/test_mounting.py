"""An imported pool is mounted where its own datasets say: only onto folders that are free."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apply.machine import Machine, host, pool, want
from tests.cli.calls import Called

Json = dict[str, Any]


def exported(**mountpoints: str) -> Json:
    """A pool that this host exported, with datasets that have mountpoints of their own."""
    datasets = {name: {"set": {"mountpoint": path}} for name, path in mountpoints.items()}
    found = pool("tank", "mirror", "A", "B", **datasets)
    return {**found, "state": "exported", "hostid": host()["hostid"], "hostname": "pve1"}


def imported(machine: Machine, folders: dict[str, str], **mountpoints: str) -> Called:
    machine.has(host(exported(**mountpoints), directories=folders)).wants(
        want("tank", "mirror", "A", "B")
    )
    assert machine.plan().code == 0
    return machine.apply()


def mounts(machine: Machine) -> list[str]:
    return [one for one in machine.commands() if one.startswith("zfs mount")]


def test_onto_free_folders(machine: Machine) -> None:
    called = imported(machine, {"/srv/empty": "empty"}, new="/srv/new", empty="/srv/empty")
    assert called.code == 0, called.err
    assert mounts(machine) == ["zfs mount tank", "zfs mount tank/empty", "zfs mount tank/new"]


@pytest.mark.parametrize(
    ("said", "folders", "mountpoints"),
    [
        ("/etc is a system path", {"/etc": "occupied"}, {"evil": "/etc"}),
        ("/srv/full is not empty", {"/srv/full": "occupied"}, {"vz": "/srv/full"}),
        ("is the mountpoint of tank/", {}, {"one": "/srv/one", "two": "/srv/one"}),
    ],
)
def test_onto_nothing_else(
    said: str, folders: dict[str, str], mountpoints: dict[str, str], machine: Machine
) -> None:
    """The pool is imported by then: the run stops before anything of it is mounted, and says so."""
    called = imported(machine, folders, **mountpoints)
    assert called.code == 7
    assert said in called.err
    assert "is imported, and nothing of it is mounted" in called.err
    assert mounts(machine) == []
