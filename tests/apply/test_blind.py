"""I3: what a probe fails to tell is never taken for nothing.

One host has one destructive action of most kinds. Each probe fails in turn, in each way: what is
still planned is only what rests on other probes, and a plan made with open eyes does not run.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phoenix_plan.commands import Answer, Content, Contents, Output, Paths, Read, Write
from phoenix_plan.config import load_config
from phoenix_plan.errors import HostError, PhoenixError
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.plan import make_plan
from phoenix_plan.refresh import FIRST, refresh
from tests.apply.machine import MIB, PHOTOS, Machine, by_id, host, pool, want

DATASET, POOL = "destroy-dataset:tank/gone", "destroy-pool:old"
RENAME, SET = "rename-dataset:tank/vm", "set-dataset-properties:tank/data"
STORAGE, WIPE = "remove-storage:gone", f"wipe-disk:{by_id('E')}"
EVERYTHING = {DATASET, POOL, RENAME, SET, STORAGE, WIPE}

CFG = ["dir: local", "\tpath /var/lib/vz", "", "zfspool: tank-vm", "\tpool tank/vm",
       "\tcontent images", "", "dir: gone", "\tpath /srv/gone", "\tcontent iso", ""]  # fmt: skip

LEFT: dict[str, set[str]] = {
    # A cache's size.
    "arc-live": EVERYTHING,
    "modprobe": EVERYTHING,
    # Pools that are not imported: a disk may belong to one, and one may share a pool's name.
    "zpool-import": EVERYTHING - {WIPE, POOL},
    # Pools and datasets. The data stays where a registration goes. Where the new pool would mount,
    # a dataset may be at home that is not mounted now: so its disk is not wiped either.
    "zpool-status-json": {STORAGE},
    "zpool-get": {STORAGE},
    "zfs-list": {STORAGE},
    "zfs-get-set": {STORAGE},
    "zfs-list-snapshots": {STORAGE},
    # Who uses disks and volumes. No property of a filesystem takes a device from anyone.
    "inspect": {STORAGE, SET},
    "pvs": {STORAGE, SET},
    "mdstat": {STORAGE, SET},
    "swaps": {STORAGE, SET},
    "fstab": {STORAGE, SET},
    "crypttab": {STORAGE, SET},
    # Who is served over the network.
    "exports": {STORAGE},
    "exports-d": {STORAGE},
    "etab": {STORAGE},
    "iscsi": {STORAGE},
    # Which storages there are, and who refers to them, and to disks.
    "storage-cfg": {WIPE},
    "qemu-configs": set(),
    "lxc-configs": set(),
    "pci-mapping": set(),
    "jobs": set(),
    "vzdump": set(),
    # Who this host is, what it is, and what devices it has: without that, no plan at all.
    "machine-id": set(), "hostname": set(), "hostid": set(), "spl-hostid": set(), "dpkg": set(),
    "members": set(), "zfs-version": set(), "lsblk": set(), "dev-links": set(), "mounts": set(),
}  # fmt: skip
"""A probe that fails, and which destructive actions are still planned."""


class Failing:
    """A host of which one probe fails: it can't be asked, or says what nobody understands."""

    def __init__(self, inner: WritableHost, probe: str, said: Callable[[Answer], Answer]) -> None:
        self.name = inner.name
        self.state_dir = inner.state_dir
        self.ran: list[Write] = []
        self._inner = inner
        self._probe = probe
        self._said = said

    def answer(self, probe: str, read: Read) -> Answer:
        answer = self._inner.answer(probe, read)
        return self._said(answer) if probe == self._probe else answer

    def run(self, write: Write) -> Output:
        self.ran.append(write)
        return self._inner.run(write)


GARBAGE = b"\xffnobody\tcan read{this\n"


def no_answer(_answer: Answer) -> Answer:
    raise HostError("no answer within 60 seconds")


def failure(answer: Answer) -> Answer:
    """A tool that fails; a file that can't be read."""
    if isinstance(answer, Output):
        return Output(exit_code=1, stdout=b"", stderr=b"it went wrong")
    raise HostError("input/output error")


def garbage(answer: Answer) -> Answer:
    """A tool or a file that says what nobody understands."""
    match answer:
        case Output():
            return Output(exit_code=0, stdout=GARBAGE, stderr=b"")
        case Content():
            return Content(data=GARBAGE)
        case Contents() | Paths():
            raise HostError("input/output error")


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A plan with everything that could be lost."""
    data = {"referenced": 700 * MIB, "snapshots": {"monday": {}}}
    gone = {"guid": "4711", **data}
    there = host(
        pool("tank", "mirror", "A", "B", data=data, gone=gone, vm={}),
        pool("old", "stripe", "C"),
        storage_cfg=CFG,
    )
    there["pools"][1]["guid"] = "4712"
    there["files"]["/etc/pve/nodes/pve1/qemu-server/100.conf"] = ["scsi0: tank-vm:vm-100-disk-0"]
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("tank", "mirror", "A", "B"),
        want("cold", "single", "E"),
        datasets=[
            {"name": "data", "pool": "tank", "properties": "sync=disabled"},
            {"name": "new", "pool": "tank", "renamed_from": "tank/vm"},
        ],
        removed={
            "pools": [{"name": "old", "guid": "4712"}],
            "datasets": [{"name": "tank/gone", "guid": "4711"}],
            "storages": ["gone"],
        },
    )
    assert machine.plan().code == 0
    return machine


def test_no_probe_is_left_out() -> None:
    assert LEFT.keys() == {*FIRST, "inspect"}


def test_with_open_eyes_everything_is_planned(planned: Machine) -> None:
    """The table below takes away from this."""
    loaded = load_config(str(planned.config))
    plan = make_plan(loaded.desired, refresh(SimulatedHost(planned.path), loaded.interests))
    assert {row.id for row in plan.destructive} == EVERYTHING
    assert plan.errors == ()


@pytest.mark.parametrize("said", [no_answer, failure, garbage], ids=lambda said: said.__name__)
@pytest.mark.parametrize("probe", sorted(LEFT))
def test_a_failed_probe_refuses(
    probe: str,
    said: Callable[[Answer], Answer],
    planned: Machine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At planning, and where it fails only when the plan is applied."""
    blind = Failing(SimulatedHost(planned.path), probe, said)
    understood = said is garbage and probe in ("hostid", "hostname", "fstab", "crypttab")
    loaded = load_config(str(planned.config))
    try:
        plan = make_plan(loaded.desired, refresh(blind, loaded.interests))
        left = {row.id for row in plan.destructive}
    except PhoenixError:
        left = set()
    if not understood:
        assert left == LEFT[probe]
    monkeypatch.setattr("phoenix_plan.cli.applying.open_writable", lambda _name: blind)
    called = planned.apply("--mode", "force-destructive")
    if left != EVERYTHING:
        assert called.code in (1, 5), called.err
        assert blind.ran == []
