"""What zpool accepts or refuses without force, what phoenix says, and that it is never laxer.

verdicts.toml is the table. A boot has the disks of many rows; one plan answers for all that a
config can declare, then each row's command is run on its disks.
"""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.lab.guests import GUESTS
from tests.lab.machine import Machine
from tests.lab.roots import ensure_root
from tests.lab.verdicts import (
    SHARED,
    Phoenix,
    Row,
    Zpool,
    answers,
    config_refusal,
    load_rows,
)

FOLDER = "/root/verdicts"

MOST_DISKS = 45
"""Many more in one boot, and udev is not through with them in time on a machine that is busy."""


def batches() -> list[tuple[Row, ...]]:
    """The rows of each boot: whole areas, in the table's order."""
    found: list[list[Row]] = [[]]
    for _, area in itertools.groupby(load_rows(), key=lambda row: row.area):
        rows = [*area]
        if sum(len(row.disks) for row in (*found[-1], *rows)) > MOST_DISKS:
            found.append([])
        found[-1] += rows
    return [tuple(rows) for rows in found]


BATCHES = batches()


@frozen(kw_only=True)
class Tried:
    """A guest with the situation of each of these rows made on its disks."""

    machine: Machine
    rows: tuple[Row, ...]


@pytest.fixture(
    params=[
        pytest.param((guest, batch), id=f"{guest}-{number}")
        for guest in ([os.environ["GUEST"]] if os.environ.get("GUEST") else [*GUESTS])
        for number, batch in enumerate(BATCHES, start=1)
    ],
)
def tried(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tried]:
    """One boot with its rows."""
    guest, rows = request.param
    disks = [*SHARED, *(disk for row in rows for disk in row.disk_list)]
    with Machine(ensure_root(GUESTS[guest]), disks, tmp_path / "guest") as machine:
        for row in rows:
            if row.prepare:
                machine.check(row.prepare, env=row.environment)
        machine.check("udevadm settle || udevadm settle")
        yield Tried(machine=machine, rows=rows)


def test_phoenix_then_zpool(tried: Tried, tmp_path: Path) -> None:
    """Every row comes out as the table says, and phoenix does nothing that wants force."""
    machine, rows = tried.machine, tried.rows
    declared = tuple(row for row in rows if config_refusal(row, tmp_path) is None)
    live = {disk.name for row in rows if row.live for disk in row.disk_list}
    planned = _planned(machine, declared, live)
    wrong = []
    for row in rows:
        answer, because = planned.get(row.name, (Phoenix.UNDECLARABLE, {*row.because}))
        zpool, said = _tried(machine, row, row.zpool)
        if answer is Phoenix.DOES and zpool is Zpool.REFUSED:
            forced, _ = _tried(machine, row, row.zpool.replace("zpool create", "zpool create -f"))
            if forced is Zpool.ACCEPTED:
                wrong.append(f"{row.name}: LAXER: phoenix does what zpool wants force for")
            answer = Phoenix.LEAVES
        if (answer, because) != (row.phoenix, {*row.because}):
            wrong.append(f"{row.name}: phoenix {answer.value}: {', '.join(sorted(because))}")
        if zpool is not row.zfs[machine.root.guest.zfs]:
            wrong.append(f"{row.name}: zpool {zpool.value}: {said.strip()}")
        elif zpool is Zpool.REFUSED and row.zfs_says not in said:
            wrong.append(f"{row.name}: zpool refused for another reason: {said.strip()}")
    assert not wrong, "\n".join(wrong)


def _planned(
    machine: Machine, rows: tuple[Row, ...], live: set[str]
) -> dict[str, tuple[Phoenix, set[str]]]:
    """What one plan of all these wishes says of each. Making it has to leave every disk as it is,
    but for those of imported pools."""
    config = {"zfs": {"pools": [row.declaration for row in rows]}}
    machine.write(f"{FOLDER}/config.json", json.dumps(config))
    before = machine.digests()
    answer = machine.run(
        ["phoenix", "plan", "-c", "config.json", "-o", "plan.json"], cwd=FOLDER, timeout_s=600
    )
    after = machine.digests()
    assert {name for name in after if after[name] != before[name]} <= live
    assert answer.status in (0, 1), str(answer)
    return answers(rows, json.loads(machine.read(f"{FOLDER}/plan.json") or ""))


def _tried(machine: Machine, row: Row, command: str) -> tuple[Zpool, str]:
    """What zpool does, and what it says; it is really run where the command has no -n."""
    answer = machine.run(command, env=row.environment)
    # attach and replace exit with 255 where the kernel refuses.
    assert answer.status in (0, 1, 2, 255), str(answer)
    return (Zpool.ACCEPTED if answer.status == 0 else Zpool.REFUSED), answer.stderr
