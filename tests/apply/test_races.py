"""What somebody else does while a plan runs: a row is held against the host as it is by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phoenix_plan.commands import Run, Write
from tests.apply.machine import Machine, by_id, host, pool, want, watch

Json = dict[str, Any]

CFG = ["dir: local", "\tpath /var/lib/vz", "", "dir: tank-iso", "\tpath /tank/iso",
       "\tcontent iso", "\tis_mountpoint 1", "\tprune-backups keep-last=3", ""]  # fmt: skip


def planned(machine: Machine, **datasets: tuple[Json, str]) -> Machine:
    """Datasets as they are, and the properties that are declared for them. The first in order is
    `tank/a`, which turns atime on."""
    there = {"a": {}, **{name: made for name, (made, _) in datasets.items()}}
    machine.has(host(pool("tank", "mirror", "A", "B", **there), storage_cfg=CFG))
    declared: list[Json] = [{"name": "a", "pool": "tank", "properties": "atime=on"}]
    for name, (made, properties) in datasets.items():
        one: Json = {"name": name, "pool": "tank", "properties": properties}
        if made.get("type") == "volume":
            one |= {"type": "volume", "volsize": properties, "properties": ""}
        declared.append(one)
    machine.wants(want("tank", "mirror", "A", "B"), datasets=declared)
    assert machine.plan().code == 0
    return machine


def meanwhile(machine: Machine, edit: Callable[[Json], object]) -> Callable[[Write], None]:
    """Somebody does this while the first row runs."""

    def see(write: Write) -> None:
        if isinstance(write, Run) and write.argv[-1] == "tank/a":
            machine.change(edit)

    return see


def value(name: str, **values: str) -> Callable[[Json], None]:
    """Somebody sets properties of a dataset."""
    return lambda there: there["pools"][0]["datasets"][name]["set"].update(values)


VOLUME = {"type": "volume", "set": {"volsize": "4G"}}


def test_a_volume_that_was_grown_further_is_not_cut_off(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Growing was safe, from the size that it had."""
    planned(machine, vm=(VOLUME, "5G"))
    watch(monkeypatch, meanwhile(machine, value("tank/vm", volsize="9G")))
    called = machine.apply()
    assert called.code == 7
    assert "was safe, is destructive by now" in called.err
    assert machine.pools["tank"]["datasets"]["tank/vm"]["set"]["volsize"] == "9663676416"


def test_retention_that_was_raised_further_is_not_cut_off(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(machine)
    text = machine.config.read_text().replace(
        '{"zfs"',
        '{"proxmox": {"storages": [{"id": "tank-iso", "type": "dir", "path": "/tank/iso",'
        ' "content": "iso", "is_mountpoint": true, "prune-backups": "keep-last=5"}]}, "zfs"',
    )
    machine.config.write_text(text)
    assert machine.plan().code == 0

    def raised(there: Json) -> None:
        lines = there["files"]["/etc/pve/storage.cfg"]
        there["files"]["/etc/pve/storage.cfg"] = [
            one.replace("keep-last=3", "keep-last=100") for one in lines
        ]

    watch(monkeypatch, meanwhile(machine, raised))
    called = machine.apply()
    assert called.code == 7
    assert "was safe, is destructive by now" in called.err
    assert "keep-last=100" in machine.storage_cfg


def test_what_was_agreed_to_was_agreed_to_from_its_value(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cutting 4 GiB down to 2 is not cutting 9 down to 2."""
    planned(machine, vm=(VOLUME, "2G"))
    assert machine.approve().code == 0
    watch(monkeypatch, meanwhile(machine, value("tank/vm", volsize="9G")))
    called = machine.apply()
    assert called.code == 7
    assert "what it changes has moved" in called.err
    assert machine.pools["tank"]["datasets"]["tank/vm"]["set"]["volsize"] == "9663676416"


@pytest.mark.parametrize("edit", [value("tank/b", quota="50G"), value("tank/b", quota="20G")])
def test_another_value_that_is_as_safe_to_replace_is_replaced(
    edit: Callable[[Json], None], machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is declared is what is wanted; one that is set already is no matter."""
    planned(machine, b=({"set": {"quota": "10G"}}, "quota=20G"))
    watch(monkeypatch, meanwhile(machine, edit))
    assert machine.apply().code == 0
    assert machine.pools["tank"]["datasets"]["tank/b"]["set"]["quota"] in ("20G", "21474836480")


def test_what_a_row_of_the_plan_itself_sets_is_inherited(machine: Machine) -> None:
    """The child's row finds its value there already."""
    there = pool("tank", "mirror", "A", "B", p={"set": {"compression": "lz4"}}, p_c={})
    machine.has(host(there)).wants(
        want("tank", "mirror", "A", "B"),
        datasets=[
            {"name": name, "pool": "tank", "properties": "compression=zstd"}
            for name in ("p", "p/c")
        ],
    )
    assert machine.plan().code == 0
    called = machine.apply()
    assert called.code == 0, called.err
    assert "Applied 2 actions" in called.out


def test_a_snapshot_that_is_taken_anew_is_another(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotation takes one of the same name while an earlier row runs: nobody agreed to lose it."""
    gone = {"guid": "4711", "snapshots": {"daily": {"guid": "1000"}}}
    machine.has(host(pool("tank", "mirror", "A", "B", a={}, gone=gone))).wants(
        want("tank", "mirror", "A", "B"),
        want("first", "single", "C"),
        datasets=[{"name": "a", "pool": "tank", "properties": "atime=on"}],
        removed={"datasets": [{"name": "tank/gone", "guid": "4711"}]},
    )
    assert machine.plan().code == 0
    assert machine.approve().code == 0

    def rotated(there: Json) -> None:
        (tank,) = (one for one in there["pools"] if one["name"] == "tank")
        tank["datasets"]["tank/gone"]["snapshots"]["daily"]["guid"] = "2000"

    watch(
        monkeypatch,
        lambda write: (
            machine.change(rotated) if isinstance(write, Run) and "create" in write.argv else None
        ),
    )
    called = machine.apply()
    assert called.code == 7
    assert "tank/gone@daily was taken anew" in called.err
    assert "tank/gone" in machine.pools["tank"]["datasets"]


def test_a_mirror_that_somebody_made_smaller_is_not_made_smaller_still(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of four disks were to go, and two to stay; meanwhile a third one is detached by hand."""
    machine.has(host(pool("tank", "mirror", "A", "B", "C", "D"))).wants(
        want("tank", "mirror", "A", "B")
    )
    assert machine.plan().code == 0
    assert machine.approve().code == 0

    def by_hand(there: Json) -> None:
        (mirror,) = there["pools"][0]["vdevs"]
        mirror["children"] = [one for one in mirror["children"] if by_id("B") not in one["path"]]

    detached: list[Write] = []

    def see(write: Write) -> None:
        if isinstance(write, Run) and "detach" in write.argv:
            detached.append(write)
            if len(detached) == 1:
                machine.change(by_hand)

    watch(monkeypatch, see)
    called = machine.apply()
    assert called.code == 7
    assert "mirror-0 has 1 of the 2 others that it was to have" in called.err
    assert len(detached) == 1
