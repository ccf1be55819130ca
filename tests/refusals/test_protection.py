"""What is protected, in the config or on the object itself, and whatever would take it along."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.apply.machine import Json, Machine, by_id, host, pool, want
from tests.refusals.edits import edited
from tests.refusals.rows import Row, check_planned, check_refused, ids

IS = want("tank", "mirror", "A", "B")
RAIDZ = want("tank", "raidz1", "A", "B", "C")
REBUILD = (f"wipe-disk:{by_id('A')}", "destroy-pool:tank", "create-pool:tank")
CFG = ["zfspool: tank-data", "\tpool tank/data", "\tcontent images", ""]


def there(on: str = "", value: str = "yes", **changes: Any) -> Json:
    """The pool tank with data, data/in and more; `on` is the dataset that is protected."""
    made = host(
        pool("tank", "mirror", "A", "B", data={"guid": "88"}, data_in={"guid": "89"}, more={}),
        storage_cfg=CFG,
    )
    made["pools"][0]["guid"] = "11"
    if on:
        one = made["pools"][0]["datasets"][on]
        one["set"] = {**one.get("set", {}), "phoenix:protected": value}
    return edited(made, lambda host: host.update(changes))


def declared(name: str = "data", properties: str = "", **more: object) -> Json:
    """A declared dataset of the pool tank."""
    return {"name": name, "pool": "tank", "properties": properties, **more}


def gone(name: str, guid: str) -> Json:
    """A declared removal, with all that is below."""
    return {"datasets": [{"name": name, "guid": guid, "recursive": True}]}


def row(
    case: str, subject: str, says: str, stops: tuple[str, ...], here: Json, *pools: Json,
    **zfs: Any,
) -> Row:  # fmt: skip
    """A refusal, by the one code."""
    return Row(
        case=case, code="protected", subject=subject, says=says, there=here, pools=pools, zfs=zfs,
        stops=stops,
    )  # fmt: skip


SAFE_HERE = there()
SET = "set-dataset-properties:"
STORAGE = {**declared(), "proxmox_storage_type": "zfspool", "proxmox_content_type": "images"}
DIR = {**STORAGE, "proxmox_storage_type": "dir"}

IN_CONFIG = [
    row("a pool to build anew", "disk " + by_id("A"), "the config protects tank", REBUILD,
        SAFE_HERE, {**RAIDZ, "protected": True}),
    row("a pool's property", "pool tank", "the config protects tank",
        ("set-pool-properties:tank",), SAFE_HERE,
        {**want("tank", "mirror", "A", "B", properties="autoexpand=on"), "protected": True}),
    row("a descendant, and its pool to build anew", "disk " + by_id("A"),
        "the config protects tank/data", REBUILD, SAFE_HERE, RAIDZ,
        datasets=[declared(protected=True)]),
    row("a descendant, and its parent's property", "dataset tank",
        "the config protects tank/data", (f"{SET}tank",), SAFE_HERE,
        want("tank", "mirror", "A", "B", properties="canmount=off"),
        datasets=[declared(protected=True)]),
    row("a descendant, and its parent to rename", "dataset tank/data",
        "the config protects tank/data/in", ("rename-dataset:tank/data",), SAFE_HERE, IS,
        datasets=[declared("new", renamed_from="tank/data"), declared("data/in", protected=True)]),
    row("a dataset's property", "dataset tank/data", "the config protects tank/data",
        (f"{SET}tank/data",), SAFE_HERE, IS,
        datasets=[declared("data", "readonly=on", protected=True)]),
    row("a dataset to make anew", "dataset tank/data/in", "the config protects tank/data",
        ("destroy-dataset:tank/data", "create-dataset:tank/data"), SAFE_HERE, IS,
        datasets=[declared("data", "casesensitivity=insensitive", protected=True)]),
    row("below what is protected", "dataset tank/data/in", "the config protects tank/data",
        ("destroy-dataset:tank/data/in",), SAFE_HERE, IS, datasets=[declared(protected=True)],
        removed=gone("tank/data/in", "89")),
    row("the storage of a protected dataset", "storage tank-data",
        "the config protects storage tank-data",
        ("remove-storage:tank-data", "add-storage:tank-data"),
        SAFE_HERE, IS, datasets=[{**DIR, "protected": True}]),
    row("a protected storage's dataset", "dataset tank/data/in", "the config protects tank/data",
        ("destroy-dataset:tank/data",), SAFE_HERE, IS,
        datasets=[{**STORAGE, "properties": "casesensitivity=insensitive", "protected": True}]),
]  # fmt: skip

SAID = "protected (phoenix:protected): "
BOTH = ("destroy-dataset:tank/data", "destroy-dataset:tank/data/in")
ON_IT = [
    row("a dataset to destroy", "dataset tank/data/in", f"{SAID}tank/data/in",
        ("destroy-dataset:tank/data/in",), there("tank/data/in"), IS,
        removed=gone("tank/data/in", "89")),
    row("its parent to destroy", "dataset tank/data", f"{SAID}tank/data/in", BOTH,
        there("tank/data/in"), IS, removed=gone("tank/data", "88")),
    *(
        row(f"protected by the value {value}", "dataset tank/data", f"{SAID}tank/data", BOTH,
            there("tank/data", value), IS, removed=gone("tank/data", "88"))
        for value in ("on", "no", "0", "-")
    ),
    row("inherited", "dataset tank/data", f"{SAID}tank/data", BOTH, there("tank"), IS,
        removed=gone("tank/data", "88")),
    row("its pool to destroy", "pool tank", f"{SAID}tank/data/in", ("destroy-pool:tank",),
        there("tank/data/in"), removed={"pools": [{"name": "tank", "guid": "11"}]}),
    row("its pool to build anew", "pool tank", f"{SAID}tank/data/in", REBUILD,
        there("tank/data/in"), RAIDZ),
    row("its disks", f"disk {by_id('A')}", f"{by_id('A')} holds pool tank: {SAID}tank/data/in",
        REBUILD, there("tank/data/in"), RAIDZ),
    row("its pool's property", "pool tank", f"{SAID}tank/data/in", ("set-pool-properties:tank",),
        there("tank/data/in"), want("tank", "mirror", "A", "B", properties="autoexpand=on")),
    row("its property", "dataset tank/data", f"{SAID}tank/data", (f"{SET}tank/data",),
        there("tank/data"), IS, datasets=[declared("data", "readonly=on")]),
    row("its parent's property", "dataset tank/data", f"{SAID}tank/data/in",
        (f"{SET}tank/data",), there("tank/data/in"), IS,
        datasets=[declared("data", "canmount=off")]),
    row("its name", "dataset tank/data", f"{SAID}tank/data", ("rename-dataset:tank/data",),
        there("tank/data"), IS, datasets=[declared("new", renamed_from="tank/data")]),
    row("lifted, and another property with it", "dataset tank/data", f"{SAID}tank/data",
        (f"{SET}tank/data",), there("tank/data"), IS,
        datasets=[declared("data", "phoenix:protected=off,readonly=on")]),
    attrs.evolve(
        row("lifted and destroyed in one plan", "dataset tank/data/in",
            f"{SAID}tank/data/in", ("destroy-dataset:tank/data/in",), there("tank/data"), IS,
            datasets=[declared("data", "phoenix:protected=off")],
            removed=gone("tank/data/in", "89")),
        runs={f"{SET}tank/data": "zfs set phoenix:protected=off tank/data"}),
]  # fmt: skip

ROWS = [*IN_CONFIG, *ON_IT]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_what_is_protected_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)


@pytest.mark.parametrize(
    "here", [SAFE_HERE, there("tank/data", "off"), there("tank/more")], ids=["none", "off", "more"]
)
def test_what_is_not_protected_is_destroyed(here: Json, machine: Machine) -> None:
    """`off` protects nothing, and a sibling's protection is its own."""
    ran = ["zfs destroy tank/data/in", "pvesm set", "zfs destroy tank/data"]
    check_planned(machine, here, [IS], {"removed": gone("tank/data", "88")}, ran)
