"""Every code of an error is met by a host in one of the tables, or stands here with a reason."""

from __future__ import annotations

import pytest

from phoenix_plan.model.codes import CODES
from tests.refusals import (
    test_boot,
    test_datasets,
    test_disks,
    test_host,
    test_pools,
    test_protection,
    test_vdevs,
)

TABLES = (test_boot, test_datasets, test_disks, test_host, test_pools, test_protection, test_vdevs)

_MOVED = (
    "what was looked at has become another under its name: a plan is made of one look, so only "
    "apply can meet it, which calls the plan stale before the first write (tests/apply)"
)
_REPLACED = (
    "what has to go first goes in the same plan, and where it can't, its own error stands there"
)
_AFTERWARDS = (
    "what a step has to have done: only apply can meet it, once the step has run (tests/apply)"
)
_REFRESHED = "plan and apply refresh with the config; only a state's file can lack it"

UNMET = {
    "disk-is-another": _MOVED,
    "pool-is-another": _MOVED,
    "dataset-is-another": _MOVED,
    "storage-is-another": _MOVED,
    "storage-missing": _MOVED,
    "member-missing": _MOVED,
    "member-there": _AFTERWARDS,
    "snapshot-missing": "a change and its snapshot are planned together: only while a run is on "
    "can it be lacking (tests/apply/test_nets.py)",
    "member-state": _AFTERWARDS,
    "pool-exists": _REPLACED,
    "dataset-exists": _REPLACED,
    "storage-exists": _REPLACED,
    "storage-enabled": _REPLACED,
    "disk-unread": _REFRESHED,
    "mountpoint-unread": _REFRESHED,
    "storage-value-refused": "a value that PVE refuses makes the config invalid where it stands "
    "there, and storage.cfg unknown where it stands in that (test_host)",
    "rename-across-pools": "a config that wants it is invalid, and makes no plan (test_datasets)",
}
"""Codes that no simulated host meets, and why."""


def met() -> set[str]:
    """The codes of all rows."""
    return {row.code for table in TABLES for row in table.ROWS}


def test_every_code_of_an_error_has_a_row() -> None:
    """A new one needs a host that has it, or a reason why there is none."""
    errors = {name for name, code in CODES.items() if code.kind == "error"}
    assert errors - met() == UNMET.keys()


def test_every_row_is_about_an_error() -> None:
    assert {code for code in met() if CODES[code].kind != "error"} == set()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.__name__).rpartition(".")[2])
def test_no_two_rows_have_one_name(table: object) -> None:
    names = [row.case for row in getattr(table, "ROWS", ())]
    assert names
    assert len(names) == len(set(names))
