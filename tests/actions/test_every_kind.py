"""Every kind of action: its branch of the schema, a good and a bad case, its commands, its looks.

What each does to a host is in tests/simulated/test_demo.py, and on real OpenZFS in tests/lab.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import attrs
import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import ACTIONS, Action, ExpandRaidz, ImportPool
from phoenix_plan.codec import plan_from_json, plan_to_json
from phoenix_plan.commands import Run, Write, WriteFile, Zero
from phoenix_plan.documents import parse_document
from phoenix_plan.errors import DocumentError
from phoenix_plan.evidence import Evidence
from phoenix_plan.plan import Plan, derived_row
from phoenix_plan.safety import verdict
from phoenix_plan.schema_check import load_schema
from phoenix_plan.stored import checked
from tests.builders import actual, desired, planned
from tests.render.goldens import FOLDER
from tests.simulated.test_demo import STEPS

_A, _B = "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4", "/dev/disk/by-id/wwn-0x5000c500a1b2c3d5"
_MEMBER, _VDEV = "17210485520135906523", "2295301274470110846"
_DIGEST = "--digest '{storage_cfg_digest}'"


@attrs.frozen
class Kind:
    """What is run for the first example of a kind; a field that is spoilt, and what is said."""

    runs: tuple[str, ...]
    field: str
    spoilt: Any
    said: str


KINDS: dict[str, Kind] = {
    "create-pool": Kind(
        (f"zpool create -o ashift=12 -o autotrim=on -O atime=off -O compression=lz4 tank mirror "
         f"{_A} {_B}",),
        "vdevs", {"normal": [{"type": "mirror"}]}, "is missing",
    ),
    "attach-disk": Kind(
        (f"zpool attach tank {_MEMBER} {_B}",), "turn", "1", "must be a whole number",
    ),
    "replace-disk": Kind(
        (f"zpool replace tank {_MEMBER} {_B}",), "old", _A, "string of digits",
    ),
    "detach-disk": Kind((f"zpool detach tank {_MEMBER}",), "member", _A, "string of digits"),
    "expand-raidz": Kind(
        (f"zpool attach tank {_VDEV} {_B}",), "vdev", "raidz1-0", "string of digits",
    ),
    "add-vdev": Kind(
        (f"zpool add tank spare {_A}",), "vdev_class", "hot", "must be one of",
    ),
    "remove-vdev": Kind(
        (f"zpool remove tank {_VDEV}",), "vdev_class", "", "must be one of",
    ),
    "online-disk": Kind((f"zpool online tank {_A}-part1",), "member", "-f", "string of digits"),
    "offline-disk": Kind(
        (f"zpool offline tank {_MEMBER}",), "temporary", True, "is no key",
    ),
    "create-checkpoint": Kind(("zpool checkpoint tank",), "turn", 1.5, "must be a whole number"),
    "discard-checkpoint": Kind(
        ("zpool checkpoint -d tank",), "guid", "", "string of digits",
    ),
    "destroy-pool": Kind(("zpool destroy tank",), "guid", "tank", "string of digits"),
    "import-pool": Kind(
        ("zpool import -N -d /dev/disk/by-id 8523710966318265931", "zfs mount '{filesystem}'"),
        "state", "destroyed", "must be one of",
    ),
    "set-pool-properties": Kind(
        ("zpool set autotrim=on tank",), "properties", {"autotrim": "on"}, "must be an array",
    ),
    "wipe-disk": Kind(
        (f"zero {_A} as wwn:0x5000c500a1b2c3d4:4000787030016: "
         "4194304 at 0, 4194304 at 4000782835712",),
        "ranges", [["0"]], "2 entries or more",
    ),
    "create-dataset": Kind(
        ("zfs create -o recordsize=128K tank/data",), "kind", "snapshot", "must be one of",
    ),
    "set-dataset-properties": Kind(
        ("zfs set quota=1099511627776 tank/data",), "guid", 5, "must be a string",
    ),
    "snapshot-dataset": Kind(
        ("zfs snapshot tank/data@phoenix-net-1",), "guid", "", "string of digits",
    ),
    "retire-dataset": Kind(
        ("zfs unmount '{mounted}'", "zfs set canmount=off '{mounts}'",
         "zfs rename -u tank/old tank/phoenix-retired-8523710966318265931",
         "zfs set readonly=on 'phoenix:kept-until={kept_until}' phoenix:retired-from=tank/old "
         "tank/phoenix-retired-8523710966318265931"),
        "kind", "snapshot", "must be one of",
    ),
    "rename-dataset": Kind(("zfs rename tank/old tank/new",), "to", None, "must be a string"),
    "destroy-dataset": Kind(
        ("zfs destroy tank/old@daily-1,daily-2", "zfs destroy tank/old"),
        "snapshots", ["daily-1"], "must be an object",
    ),
    "add-storage": Kind(
        ("pvesm add zfspool tank-data --content images,rootdir --pool tank/data",),
        "properties", {"sparse": True}, "must be a string",
    ),
    "update-storage": Kind(
        (f"pvesm set backups --content backup,iso {_DIGEST}",), "force", "1", "is no key",
    ),
    "remove-storage": Kind(("pvesm remove old",), "because", 1, "must be a string"),
    "disable-storage": Kind(
        (f"pvesm set tank-data --disable 1 {_DIGEST}",), "storage", ["a"], "must be a string",
    ),
    "enable-storage": Kind(
        (f"pvesm set tank-data --disable 0 {_DIGEST}",), "kind", "zfspool", "is no key",
    ),
    "set-arc-max": Kind(
        ("write /sys/module/zfs/parameters/zfs_arc_max: 8589934592",
         "write /etc/modprobe.d/zfs.conf: options zfs zfs_arc_max=8589934592"),
        "value", 8589934592, "must be a string",
    ),
}  # fmt: skip


def example(kind: str) -> Action:
    """The first example of a kind."""
    return next(one for one in EXAMPLES if kind == one.TYPE)


def said(write: Write) -> str:
    """A write on one line."""
    match write:
        case Run(argv=argv):
            return shlex.join(argv)
        case WriteFile(path=path, content=content):
            return f"write {path}: {content.strip()}"
        case Zero(path=path, identity=identity, ranges=ranges):
            spans = ", ".join(f"{length} at {offset}" for offset, length in ranges)
            return f"zero {path} as {identity}: {spans}"


def document(action: Action) -> dict[str, Any]:
    """A plan of that action alone, as JSON."""
    row = derived_row(
        action, verdict=verdict(action, Evidence()), evidence=Evidence(), requires=(), serves=()
    )
    plan = attrs.evolve(planned(desired(), actual()), actions=(row,))
    found: dict[str, Any] = json.loads(plan_to_json(plan))
    return found


def read(value: dict[str, Any]) -> Plan:
    """As a plan's file is read."""
    parsed = parse_document(json.dumps(value, indent=1).encode(), name="plan.json", what="plan")
    return plan_from_json(checked(parsed, "plan").value, "plan.json")


def test_no_kind_is_left_out() -> None:
    """A new kind brings its branch, its cases, its commands, its looks and its effect."""
    branches = {name for name in load_schema("plan")["$defs"] if "-" in name}
    looks = {path.stem for path in Path(FOLDER).glob("*.txt")}
    effects = {kind for kind, *_ in STEPS} | {ImportPool.TYPE, ExpandRaidz.TYPE}
    assert set(ACTIONS) == branches == set(KINDS) == effects
    assert set(ACTIONS) <= looks


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_run(kind: str) -> None:
    assert KINDS[kind].runs == tuple(said(write) for write in example(kind).writes())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_good_one_is_read_back(kind: str) -> None:
    assert [row.action for row in read(document(example(kind))).actions] == [example(kind)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_bad_one_is_refused_with_its_field(kind: str) -> None:
    value = document(example(kind))
    value["actions"][0]["action"]["arguments"][KINDS[kind].field] = KINDS[kind].spoilt
    with pytest.raises(DocumentError) as caught:
        read(value)
    (problem,) = caught.value.problems
    assert problem.path.startswith(f"actions[0].action.arguments.{KINDS[kind].field}")
    assert KINDS[kind].said in problem.rule
    assert problem.line is not None


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_one_that_lacks_a_field_is_refused(kind: str) -> None:
    value = document(example(kind))
    arguments = value["actions"][0]["action"]["arguments"]
    gone = next(iter(arguments))
    del arguments[gone]
    with pytest.raises(DocumentError) as caught:
        read(value)
    assert gone in str(caught.value)
