"""The page about what zpool refuses, from the lab's table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from docs.generator.markdown import code, page, table
from tests.lab.verdicts import Phoenix, Row, load_table

_MEANS = {
    Phoenix.DOES: "All of its actions are safe: no consent is asked for.",
    Phoenix.ASKS: "An action is destructive: without consent, nothing runs.",
    Phoenix.REFUSES: "An error of the plan: nothing runs, whatever the consent.",
    Phoenix.UNDECLARABLE: "An error of the config, before any host is asked.",
    Phoenix.LEAVES: "Planned as safe. When it is applied, zpool refuses, as it would with `-f`, "
    "and no pool is made.",
    Phoenix.NOTHING: "The host is as declared.",
}


def verdicts_page() -> str:
    """Every row of the table, by area."""
    rows = load_table().rows
    versions = sorted({version for row in rows for version in row.zfs})
    intro = (
        "What `zpool` accepts and refuses without `-f`, and what phoenix says of the same wish. "
        "**Phoenix never does without consent what zpool wants force for.** Each row is tried on "
        f"real OpenZFS {' and '.join(versions)} by [the lab](../../tests/lab/README.md), which "
        "fails where one of the answers is another. The situations are those in which OpenZFS's "
        "own test suite has zpool refuse. `$POOL` is the pool that is wished for, `$PART-part1` a "
        "blank partition, the other capitals are disks; "
        "[the table](../../tests/lab/verdicts.toml) says what is on each."
    )
    parts = [intro, table(("phoenix", "means"), [(one.value, _MEANS[one]) for one in Phoenix])]
    for area, found in itertools.groupby(rows, key=lambda row: row.area):
        head = ("situation", "command", *(f"zpool {one}" for one in versions), "phoenix")
        parts += [f"## {area}", table(head, [_cells(row, versions) for row in found])]
    return page("What zpool refuses", *parts)


def _cells(row: Row, versions: Sequence[str]) -> tuple[str, ...]:
    pool = row.pool if len(row.pool) < 40 else ""
    command = row.zpool.strip().replace("$POOL", pool) if pool else row.zpool.strip()
    said = [row.zfs[version].value for version in versions]
    told = {version: _phoenix(row, version) for version in versions}
    if len({*told.values()}) == 1:
        return row.says, code(command), *said, told[versions[0]]
    return row.says, code(command), *said, "; ".join(f"{one}: {text}" for one, text in told.items())


def _phoenix(row: Row, version: str) -> str:
    answer = row.phoenix[version]
    told = row.because[version] if answer in (Phoenix.REFUSES, Phoenix.ASKS) else ()
    return f"{answer.value}{': ' if told else ''}{', '.join(code(one) for one in told)}"
