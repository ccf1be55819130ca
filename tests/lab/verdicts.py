"""What zpool and phoenix say of one wish: verdicts.toml, as classes.

A row is a command that OpenZFS accepts or refuses on disks in some state, and the config that
wishes for the same. README.md says how rows are tried, docs/reference/zpool-verdicts.md shows them.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import cattrs
from attrs import field, frozen

from phoenix_plan.config.load import LoadedConfig, load_config
from phoenix_plan.errors import DocumentError
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.mountpoints import new_directories
from phoenix_plan.plan import make_plan
from tests.lab.disks import Disk, Kind
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS

TABLE = Path(__file__).parent / "verdicts.toml"

KIND = Kind.SCSI
"""A guest has not enough interrupts for so many virtio disks."""

FORCEABLE = re.compile(r"\bzpool (create|add|attach|replace|import)\b")


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
class Situation:
    """Disks that rows share, and what is made on them before phoenix and zpool are asked."""

    name: str
    disks: dict[str, int]
    """MiB of each disk, by its serial number; $NAME is its by-id path, for every row."""
    prepare: str = ""
    """Shell text that makes the situation."""
    live: bool = False
    """Whether these disks are an imported pool's, which writes by itself."""

    @property
    def disk_list(self) -> tuple[Disk, ...]:
        return tuple(Disk(name=name, size_mib=mib, kind=KIND) for name, mib in self.disks.items())


@frozen(kw_only=True)
class Row:
    """One wish."""

    name: str
    area: str
    says: str
    """The wish, as a sentence without its end."""
    disks: dict[str, int] = field(factory=dict)
    """MiB of each disk that is this row's own; $NAME is its by-id path."""
    prepare: str = ""
    """Shell text that makes the situation on them."""
    pool: str = ""
    """The pool's name, where it is not one of the row's own."""
    zpool: str
    """The command, as shell text; $POOL is the pool."""
    after: str = ""
    """Shell text that takes back what the command did, for the rows that follow. A pool that was
    created is destroyed without it."""
    zfs: dict[str, Zpool]
    """What the command comes to, by OpenZFS version. A table's text holds for all of them."""
    zfs_says: str = ""
    """Text that the refusal holds, so that it is this refusal and no other."""
    config: dict[str, Any]
    """The pool's entry in the config, without its name."""
    phoenix: dict[str, Phoenix]
    """Likewise."""
    because: dict[str, tuple[str, ...]]
    """Codes of the errors, kinds of the actions (the destructive ones where it asks), or text that
    the config's error holds; likewise."""

    @property
    def pool_name(self) -> str:
        return self.pool or f"row-{self.name}"

    @property
    def forced(self) -> str:
        """The command with -f."""
        return FORCEABLE.sub(r"zpool \1 -f", self.zpool)

    @property
    def disk_list(self) -> tuple[Disk, ...]:
        serial = re.sub(r"[^A-Z0-9]", "", self.name.upper())[:17]
        return tuple(
            Disk(name=f"{serial}{name}", size_mib=mib, kind=KIND)
            for name, mib in self.disks.items()
        )


@frozen(kw_only=True)
class Table:
    """All that stands in verdicts.toml, in its order."""

    situations: tuple[Situation, ...]
    rows: tuple[Row, ...]

    @property
    def disks(self) -> tuple[Disk, ...]:
        """Every disk that a guest has for it."""
        lists = [one.disk_list for one in self.situations] + [row.disk_list for row in self.rows]
        return tuple(disk for found in lists for disk in found)

    @property
    def live(self) -> set[str]:
        """Names of the disks of imported pools."""
        return {name for one in self.situations if one.live for name in one.disks}

    @property
    def shared(self) -> dict[str, str]:
        """What the shell text of a situation can name."""
        return {disk.name: disk.by_id for one in self.situations for disk in one.disk_list}

    def names(self, row: Row) -> dict[str, str]:
        """What a row's shell text and config can name."""
        own = {name: disk.by_id for name, disk in zip(row.disks, row.disk_list, strict=True)}
        return {**self.shared, **own, "POOL": row.pool_name}

    def declaration(self, row: Row) -> dict[str, Any]:
        """The pool's entry in a config. Raises LabError for a disk that there is not."""
        try:
            return {"name": row.pool_name, **_filled(row.config, self.names(row))}
        except KeyError as error:
            raise LabError(f"{TABLE}: {row.name}: there is no disk {error}") from error

    def declared(self, row: Row, folder: Path) -> LoadedConfig | str:
        """The config that wishes for the row alone, or what its error says."""
        path = folder / f"{row.name}.json"
        path.write_text(json.dumps({"zfs": {"pools": [self.declaration(row)]}}))
        try:
            return load_config(str(path))
        except DocumentError as error:
            return str(error)

    def looked_at(self, folder: Path) -> dict[str, Any]:
        """A config with which a refresh looks at all that the plan of any row rests on."""
        loaded = [
            one for row in self.rows if not isinstance(one := self.declared(row, folder), str)
        ]
        folders = {
            path
            for one in loaded
            for path in new_directories(one.interests.mountpoints, lambda _dataset: None)
        }
        pool = {"name": "all", "raid_level": "stripe", "disks": [one.by_id for one in self.disks]}
        datasets = [
            {"name": f"d{number}", "pool": "all", "properties": {"mountpoint": path}}
            for number, path in enumerate(sorted(folders))
        ]
        return {"zfs": {"pools": [pool], "datasets": datasets}}


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


def load_table(path: Path = TABLE) -> Table:
    """Every situation and row. Raises LabError that says what is wrong with them."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    versions = sorted(guest.zfs for guest in GUESTS.values())
    raw = tomllib.loads(path.read_text())
    for one in raw["rows"]:
        for key in ("zfs", "phoenix", "because"):
            if not isinstance(found := one.get(key, ()), dict):
                one[key] = dict.fromkeys(versions, found)
    try:
        table = converter.structure(raw, Table)
    except cattrs.BaseValidationError as error:
        raise LabError(f"{path}: {'; '.join(cattrs.transform_error(error))}") from error
    problems = [*_twice("disks are called", (disk.name for disk in table.disks))]
    problems += _twice("rows are called", (row.name for row in table.rows))
    for row in table.rows:
        for answers in (row.zfs, row.phoenix, row.because):
            problems += [
                f"{row.name}: no answer of {one}" for one in versions if one not in answers
            ]
        if Zpool.REFUSED in row.zfs.values() and not row.zfs_says:
            problems.append(f"{row.name}: a refusal, and no zfs_says")
        table.declaration(row)
    if problems:
        raise LabError("\n".join(f"{path}: {problem}" for problem in problems))
    return table


def _twice(what: str, names: Iterable[str]) -> list[str]:
    names = list(names)
    return [f"two {what} {name}" for name in sorted({*names}) if names.count(name) > 1]


def answer(loaded: LoadedConfig, actual: Actual) -> tuple[Phoenix, set[str]]:
    """What phoenix says of a wish that can be declared, on a host of which this was seen."""
    plan = make_plan(loaded.desired, actual)
    errors = {finding.code for finding in plan.findings if finding.severity == "error"}
    kinds: dict[str, set[str]] = {"safe": set(), "destructive": set()}
    for action in plan.actions:
        kinds[action.safety].add(action.id.partition(":")[0])
    if errors:
        return Phoenix.REFUSES, errors
    if kinds["destructive"]:
        return Phoenix.ASKS, kinds["destructive"]
    return (Phoenix.DOES, kinds["safe"]) if kinds["safe"] else (Phoenix.NOTHING, set())
