"""What zpool accepts or refuses without force, what phoenix says, and that it is never laxer.

verdicts.toml is the table. One boot has all its situations. phoenix refreshes in it once, and
plans each row's wish outside, on that state: a plan rests on nothing else. Then the row's command
is run.
"""

import json
import os
import tempfile
from pathlib import Path

import pytest

from phoenix_plan.stored import load_state
from tests.lab.guests import GUESTS
from tests.lab.machine import Machine
from tests.lab.retry import once_more
from tests.lab.roots import ensure_root
from tests.lab.verdicts import Phoenix, Row, Table, Zpool, answer, load_table

FOLDER = "/root/verdicts"
TABLE = load_table()


@pytest.mark.filterwarnings("default::tests.lab.retry.BootedAnew")
@pytest.mark.parametrize("guest", [os.environ["GUEST"]] if os.environ.get("GUEST") else [*GUESTS])
def test_phoenix_and_zpool(guest: str, tmp_path: Path) -> None:
    """Every row comes out as the table says, and phoenix does nothing that wants force."""
    once_more(lambda: _compare(guest, Path(tempfile.mkdtemp(dir=tmp_path))))


def _compare(guest: str, folder: Path) -> None:
    with Machine(ensure_root(GUESTS[guest]), TABLE.disks, folder / "guest") as machine:
        _prepare(machine, TABLE)
        said = _planned(machine, TABLE, folder)
        wrong = [line for row in TABLE.rows for line in _wrong(machine, row, *said[row.name])]
    assert not wrong, "\n".join(wrong)


def _prepare(machine: Machine, table: Table) -> None:
    """Make every situation. Raises LabError where one can't be made."""
    for situation in table.situations:
        if situation.prepare:
            machine.check(situation.prepare, env=table.shared)
    for row in table.rows:
        if row.prepare:
            machine.check(row.prepare, env=table.names(row))
    machine.check("udevadm settle || udevadm settle")


def _planned(machine: Machine, table: Table, folder: Path) -> dict[str, tuple[Phoenix, set[str]]]:
    """What phoenix says of every row, by name. To look has to leave every disk as it is, but for
    those of imported pools."""
    machine.write(f"{FOLDER}/config.json", json.dumps(table.looked_at(folder)))
    before = machine.digests()
    machine.check(
        ["phoenix", "refresh", "-c", f"{FOLDER}/config.json", "-o", f"{FOLDER}/state.json"],
        timeout_s=600,
    )
    after = machine.digests()
    assert {name for name in after if after[name] != before[name]} - table.live == set()
    (folder / "state.json").write_text(machine.read(f"{FOLDER}/state.json") or "")
    actual = load_state(str(folder / "state.json"))
    said = {}
    for row in table.rows:
        loaded = table.declared(row, folder)
        # What the config's error holds is compared without a guest: tests/config.
        undeclarable = (Phoenix.UNDECLARABLE, {*row.because[machine.root.guest.zfs]})
        said[row.name] = undeclarable if isinstance(loaded, str) else answer(loaded, actual)
    return said


def _wrong(machine: Machine, row: Row, phoenix: Phoenix, because: set[str]) -> list[str]:
    """Where a row comes out otherwise than the table says; its command is run."""
    wrong = []
    version = machine.root.guest.zfs
    zpool, told = _tried(machine, row, row.zpool)
    if phoenix is Phoenix.DOES and zpool is Zpool.REFUSED:
        if _tried(machine, row, row.forced)[0] is Zpool.ACCEPTED:
            wrong.append(f"{row.name}: LAXER: phoenix does what zpool wants force for")
        phoenix = Phoenix.LEAVES
    if (phoenix, because) != (row.phoenix[version], {*row.because[version]}):
        wrong.append(f"{row.name}: phoenix {phoenix.value}: {', '.join(sorted(because))}")
    if zpool is not row.zfs[version]:
        wrong.append(f"{row.name}: zpool {zpool.value}: {told.strip()}")
    elif zpool is Zpool.REFUSED and row.zfs_says not in told:
        wrong.append(f"{row.name}: zpool refused for another reason: {told.strip()}")
    return wrong


def _tried(machine: Machine, row: Row, command: str) -> tuple[Zpool, str]:
    """What zpool does, and what it says. What it did is taken back."""
    names = TABLE.names(row)
    ran = machine.run(command, env=names)
    # attach and replace exit with 255 where the kernel refuses.
    assert ran.status in (0, 1, 2, 255), str(ran)
    if ran.status != 0:
        return Zpool.REFUSED, ran.stderr
    if row.after:
        machine.check(row.after, env=names)
    elif "zpool create" in command and " -n " not in command:
        machine.check('zpool destroy "$POOL"', env=names)
    return Zpool.ACCEPTED, ran.stderr
