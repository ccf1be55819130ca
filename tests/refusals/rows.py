"""A row of the contract's refusals, and what the command line has to make of it.

Every host here also wants something harmless that rests on nothing else (zfs_arc_max), so that
`--partial` has something to run, and what it leaves alone is left alone for a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from tests.apply.machine import Json, Machine

ARC = "/sys/module/zfs/parameters/zfs_arc_max"
GIB = 1 << 30
"""What the limit of the cache is to be; the next boot has it so already."""


@attrs.frozen(kw_only=True)
class Row:
    """A host, what is wanted of it, and the refusal: `code` about `subject` (empty: about anything
    that rests on it), with the words `says` in its message. `stops` are the ids of the actions that
    would do harm, empty where none is even wanted any more; `runs` are those that do none and stay
    planned, with their commands."""

    case: str
    code: str
    subject: str
    says: str
    there: Json
    pools: tuple[Json, ...] = ()
    zfs: Mapping[str, Any] = attrs.field(factory=dict)
    stops: tuple[str, ...] = ()
    runs: Mapping[str, str] = attrs.field(factory=dict)

    def __str__(self) -> str:
        return self.case


def ids(rows: Iterable[Row]) -> list[str]:
    """The rows' names for pytest."""
    return [row.case for row in rows]


def prepare(machine: Machine, there: Json, pools: Iterable[Json], zfs: Mapping[str, Any]) -> None:
    """Put the host and its config there, with the harmless wish."""
    files = {**there["files"], "/etc/modprobe.d/zfs.conf": [f"options zfs zfs_arc_max={GIB}"]}
    machine.has({**there, "files": files}).wants(*pools, **{"arc_max_gb": 1, **zfs})


def check_refused(machine: Machine, row: Row) -> None:
    """The whole of a refusal: said by `plan`, kept by every `apply`, and open to no consent."""
    prepare(machine, row.there, row.pools, row.zfs)
    before = machine.there
    called = machine.plan()
    assert called.code == 1, called.out + called.err
    plan = json.loads(machine.plan_path.read_text(encoding="utf-8"))
    errors = [one for one in plan["findings"] if one["severity"] == "error"]
    own = [
        one
        for one in errors
        if one["code"] == row.code and row.subject in ("", _name(one["subject"]))
        and row.says in one["message"]
    ]  # fmt: skip
    assert own, errors
    assert _words(own[0]["message"]) in _words(called.out)
    planned = {one["id"] for one in plan["actions"]}
    assert planned == {"set-arc-max:zfs_arc_max", *row.runs}, plan["actions"]
    blocked = {one["id"] for one in plan.get("blocked", [])}
    assert blocked >= set(row.stops)

    # Nobody can approve what is no action.
    named = ("--action", min(row.stops or blocked)) if blocked else ("--all",)
    refused = machine.approve(*named)
    assert refused.code == 64, refused
    assert ("the plan has no action" if blocked else "nothing to approve") in refused.err
    assert not machine.approval.exists()

    for called in (
        machine.apply("--mode", "force-destructive"),
        machine.just_apply("--mode", "force-destructive", "--yes"),
    ):
        assert called.code == 1, called.err
        assert "the plan holds errors, nothing was run" in called.err
        assert _words(own[0]["message"]) in _words(called.out + called.err)
    assert machine.untouched()
    assert machine.there == before

    called = machine.apply("--partial", "--mode", "force-destructive")
    assert called.code == 0, called.err
    assert sorted(machine.commands()) == sorted([ARC, *row.runs.values()])
    if not row.runs:
        assert _but_harmless(machine.there) == _but_harmless(before)


def check_planned(machine: Machine, there: Json, pools: Iterable[Json], zfs: Any, ran: Any) -> None:
    """The sound host: the same wish is planned, and by force it runs these commands."""
    prepare(machine, there, pools, zfs)
    called = machine.plan()
    assert called.code == 0, called.out
    called = machine.apply("--mode", "force-destructive")
    assert called.code == 0, called.err
    commands = [one for one in machine.commands() if one != ARC]
    assert len(commands) == len(ran), commands
    for command, begins in zip(commands, ran, strict=True):
        assert command.startswith(begins)


def _name(subject: Json) -> str:
    return f"{subject['kind']} {subject['name']}"


def _words(text: str) -> str:
    """Text without the places at which it was broken into lines."""
    return "".join(text.split())


def _but_harmless(there: Json) -> Json:
    files = {path: text for path, text in there["files"].items() if path != ARC}
    return {**there, "files": files, "now": 0}
