"""What zpool and phoenix say of one wish: the rows of verdicts.toml, as classes.

A row is a situation on disks of its own, a command that OpenZFS accepts or refuses in it, and the
config that wishes for the same. README.md says how rows are tried, docs/reference/zpool-verdicts.md
shows them.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import cattrs
from attrs import field, frozen

from phoenix_plan.config.load import load_config
from phoenix_plan.errors import DocumentError
from tests.lab.disks import Disk, Kind
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS

TABLE = Path(__file__).parent / "verdicts.toml"

KIND = Kind.SCSI
"""A guest has not enough interrupts for so many virtio disks."""

SHARED = tuple(Disk(name=f"S{number}", size_mib=96, kind=KIND) for number in range(1, 9))
"""Blank disks for any row that writes to none: its command is refused or has -n, and its config
is refused too."""


class Zpool(Enum):
    """What zpool does without -f. The value stands in the table."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class Phoenix(Enum):
    """What phoenix makes of the same wish. The value stands in the table."""

    DOES = "does it"
    """Without consent: all actions are safe."""
    ASKS = "asks"
    """With consent only: an action is destructive."""
    REFUSES = "refuses"
    """Whatever the consent: an error of the plan."""
    UNDECLARABLE = "cannot be declared"
    """An error of the config, before any host is asked."""
    LEAVES = "leaves it to zpool"
    """Planned as safe; zpool then refuses, would with force too, and no pool is made."""
    NOTHING = "nothing to do"


@frozen(kw_only=True)
class Row:
    """One wish."""

    name: str
    area: str
    says: str
    """The situation, as a sentence without its end."""
    disks: dict[str, int] = field(factory=dict)
    """MiB of each disk that is this row's own; $NAME is its by-id path."""
    prepare: str = ""
    """Shell text that makes the situation. $POOL is the pool that is wished for, $OTHER one of
    another name."""
    live: bool = False
    """Whether the situation has an imported pool on the row's disks, which writes by itself."""
    pool: str = ""
    """The pool's name, where the name is what the row is about."""
    zpool: str
    """The command, as shell text."""
    zfs: dict[str, Zpool]
    """What the command comes to, by OpenZFS version."""
    zfs_says: str = ""
    """Text that the refusal holds, so that it is this refusal and no other."""
    config: dict[str, Any]
    """The pool's entry in the config, without its name."""
    phoenix: Phoenix
    because: tuple[str, ...] = ()
    """Codes of the errors, kinds of the actions (the destructive ones where it asks), or text that
    the config's error holds."""

    @property
    def pool_name(self) -> str:
        return self.pool or f"row-{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What the row's shell text can name."""
        disks = {name: disk.by_id for name, disk in zip(self.disks, self.disk_list, strict=True)}
        shared = {disk.name: disk.by_id for disk in SHARED}
        return {**shared, **disks, "POOL": self.pool_name, "OTHER": f"other-{self.name}"}

    @property
    def disk_list(self) -> tuple[Disk, ...]:
        serial = re.sub(r"[^A-Z0-9]", "", self.name.upper())[:17]
        return tuple(
            Disk(name=f"{serial}{name}", size_mib=size, kind=KIND)
            for name, size in self.disks.items()
        )

    @property
    def declaration(self) -> dict[str, Any]:
        """The pool's entry in a config, with the paths of the disks."""
        return {"name": self.pool_name, **_filled(self.config, self.environment)}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(one, names) for key, one in value.items()}
        case list():
            return [_filled(one, names) for one in value]
        case str():
            return re.sub(r"\$([A-Z0-9]+)", lambda found: names[found[1]], value)
        case _:
            return value


def load_rows(path: Path = TABLE) -> tuple[Row, ...]:
    """Every row, in the table's order. Raises LabError that says what is wrong with it."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    versions = sorted(guest.zfs for guest in GUESTS.values())
    raw = tomllib.loads(path.read_text())["rows"]
    for one in raw:
        if isinstance(one.get("zfs"), str):
            one["zfs"] = dict.fromkeys(versions, one["zfs"])
    try:
        rows = tuple(converter.structure(raw, list[Row]))
    except cattrs.BaseValidationError as error:
        raise LabError(f"{path}: {'; '.join(cattrs.transform_error(error))}") from error
    problems = []
    serials = [disk.name for row in rows for disk in row.disk_list]
    names = [row.name for row in rows]
    problems += [f"{name} stands there twice" for name in {*names} if names.count(name) > 1]
    problems += [f"two disks are called {name}" for name in {*serials} if serials.count(name) > 1]
    problems += [
        f"{row.name}: a refusal, and no zfs_says"
        for row in rows
        if Zpool.REFUSED in row.zfs.values() and not row.zfs_says
    ]
    for row in rows:
        problems += [f"{row.name}: no answer of {one}" for one in versions if one not in row.zfs]
    problems += [
        f"{row.name}: writes to disks that are shared"
        for row in rows
        if not row.disks and Zpool.ACCEPTED in row.zfs.values() and " -n " not in row.zpool
    ]
    if problems:
        raise LabError("\n".join(f"{path}: {problem}" for problem in problems))
    return rows


def config_refusal(row: Row, folder: Path) -> str | None:
    """What the config's error says of a row's wish; None where it can be declared."""
    path = folder / f"{row.name}.json"
    path.write_text(json.dumps({"zfs": {"pools": [row.declaration]}}))
    try:
        load_config(str(path))
    except DocumentError as error:
        return str(error)
    return None


def answers(rows: tuple[Row, ...], plan: dict[str, Any]) -> dict[str, tuple[Phoenix, set[str]]]:
    """What a plan of these rows' wishes says of each, by the row's name.

    Raises LabError for an action or an error of the plan that is no row's.
    """
    owners = {name: row.name for row in rows for name in _subjects(row)}
    errors: dict[str, set[str]] = {row.name: set() for row in rows}
    safe: dict[str, set[str]] = {row.name: set() for row in rows}
    destructive: dict[str, set[str]] = {row.name: set() for row in rows}
    stray = []
    for finding in plan.get("findings", ()):
        if finding["severity"] == "error":
            owner = owners.get(finding["subject"]["name"])
            if owner is None:
                stray.append(f"{finding['code']} {finding['subject']}")
            else:
                errors[owner].add(finding["code"])
    for action in plan.get("actions", ()):
        kind, _, subject = action["id"].partition(":")
        owner = owners.get(subject)
        if owner is None:
            stray.append(action["id"])
        else:
            (destructive if action["safety"] == "destructive" else safe)[owner].add(kind)
    if stray:
        raise LabError(f"the plan holds what belongs to no row: {', '.join(stray)}")
    return {
        name: (Phoenix.REFUSES, errors[name])
        if errors[name]
        else (Phoenix.ASKS, destructive[name])
        if destructive[name]
        else (Phoenix.DOES, safe[name])
        if safe[name]
        else (Phoenix.NOTHING, set())
        for name in errors
    }


def _subjects(row: Row) -> set[str]:
    """Names in a plan that are this row's: its pool, and each device that it declares."""
    return {row.pool_name, *(text for text in _texts(row.declaration) if text.startswith("/dev/"))}


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from _texts([*value.values()])
        case list():
            for one in value:
                yield from _texts(one)
        case str():
            yield value
        case _:
            pass
