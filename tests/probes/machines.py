"""Block devices for tests: trees as lsblk prints them, written short."""

from __future__ import annotations

import json
from typing import Any

from phoenix_plan.commands import Output
from phoenix_plan.probes.lsblk import COLUMNS, BlockDevice, parse_lsblk

_FIELDS: dict[str, Any] = {
    "type": "disk",
    "size": 1 << 40,
    "rota": True,
    "ro": False,
    "rm": False,
    "log-sec": 512,
    "phy-sec": 4096,
    "mountpoints": [],
}


def row(name: str, *children: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One device; underscores in the names of fields stand for hyphens, `number` is MAJ:MIN."""
    given = {key.replace("_", "-"): value for key, value in fields.items()}
    if "number" in given:
        given["maj:min"] = given.pop("number")
    own: dict[str, Any] = {column.lower(): None for column in COLUMNS}
    path = f"/dev/{name}"
    own |= _FIELDS | {"name": path, "kname": path, "path": path, "maj:min": f"8:{ord(name[-1])}"}
    own |= given
    if children:
        own["children"] = [child | {"pkname": own["kname"]} for child in children]
    return own


def printed(*rows: dict[str, Any]) -> Output:
    """lsblk's output of these devices."""
    text = json.dumps({"blockdevices": list(rows)})
    return Output(exit_code=0, stdout=text.encode(), stderr=b"")


def trees(*rows: dict[str, Any]) -> tuple[BlockDevice, ...]:
    """The same, parsed."""
    return parse_lsblk(printed(*rows))
