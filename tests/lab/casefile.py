"""Case files, as classes: TOML that a storage admin can read. README.md describes them."""

import fnmatch
import re
import tomllib
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any

import cattrs
from attrs import asdict, field, frozen

from tests.lab.disks import Disk, Kind
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS

CASES = Path(__file__).parent / "cases"

DISK_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,19}")
"""A virtio serial number takes 20 bytes; a shell variable of this name holds the disk's path."""


@frozen(kw_only=True)
class DiskSpec:
    """A disk, as a case file describes it. Its name is the key that it stands under."""

    size_mib: int = 512
    kind: Kind = Kind.VIRTIO
    legs: int = 1
    unreadable_mib: int | None = None
    unreadable: bool = False


@frozen(kw_only=True)
class ExpectedPlan:
    """What `plan.json`, which the command has written in the case's folder, has to hold."""

    actions: tuple[str, ...] | None = None
    """The id of every action, in the plan's order; None leaves them open."""
    destructive: tuple[str, ...] | None = None
    """Of these, the ones that are destructive."""
    errors: tuple[str, ...] = ()
    """`code kind name` of every finding that is an error, in any order."""
    findings: tuple[str, ...] = ()
    """`code kind name` of findings of any severity that have to be there; others may be."""


class Reboot(Enum):
    """How a guest's run ends before it boots again. The value stands in case files."""

    CLEAN = "clean"
    """As Debian shuts down: file systems are unmounted, pools are not exported."""
    POWER_CUT = "power cut"
    """At once: what the kernel held back is lost."""


@frozen(kw_only=True)
class Step:
    """One command in the guest, and what it has to do."""

    phoenix: str | None = None
    """Arguments of phoenix, split as a shell splits words, with no shell."""
    shell: str | None = None
    """Or shell text: how a case asks the real tools what phoenix did."""
    reboot: Reboot | None = None
    """Or a reboot of the guest; the root and the disks stay as they are."""
    config: dict[str, Any] | None = None
    """Written as config.json before the command: what the person wants from now on."""
    exit: int = 0
    stdout: tuple[str, ...] = ()
    """Strings that stdout has to hold."""
    stderr: tuple[str, ...] = ()
    plan: ExpectedPlan | None = None
    applied: tuple[str, ...] | None = None
    """Ids of the actions that an apply ran, all well, in the order of its journal."""
    timeout_s: float = 300.0


@frozen(kw_only=True)
class Case:
    """One situation, what phoenix is asked in it, and what has to come out."""

    name: str
    says: str
    """The behaviour that the case shows, as one sentence."""
    shares: str | None = None
    """The boot that the case shares with the others that name it; None is a boot of its own."""
    guests: tuple[str, ...] = field(factory=lambda: tuple(GUESTS))
    disks: dict[str, DiskSpec] = field(factory=dict)
    prepare: str = ""
    """Shell text, run as root in the guest; $NAME is the by-id path of disk NAME."""
    check: str = ""
    """Shell text that has to succeed then: the situation is what the case says."""
    live: tuple[str, ...] = ()
    """Disks that change by themselves: members of imported pools, which write uberblocks."""
    writes: tuple[str, ...] = ()
    """Disks whose bytes the commands change: each of these, and no other disk of the boot."""
    config: dict[str, Any] = field(factory=dict)
    """Written as config.json where the commands run. A text `guid of tank`, or `guid of tank/data`,
    is replaced by the GUID that the pool or the dataset has then."""
    run: tuple[Step, ...] = ()
    simulated: bool = False
    """Whether the simulated host, made of the state before each apply, has to end as the real one
    does."""

    @property
    def disk_list(self) -> tuple[Disk, ...]:
        return tuple(
            Disk(name=name, **asdict(spec, recurse=False)) for name, spec in self.disks.items()
        )


def load_cases(folder: Path = CASES) -> tuple[Case, ...]:
    """Every case file under `folder`, by name. Raises LabError that names all that are wrong."""
    cases, errors = [], []
    for path in sorted(folder.rglob("*.toml")):
        try:
            cases.append(load_case(path))
        except LabError as error:
            errors.append(str(error))
    errors += _clashes(cases)
    if errors:
        raise LabError("\n".join(errors))
    return tuple(cases)


def load_case(path: Path) -> Case:
    """One case file; the case is named like the file. Raises LabError that says what is wrong."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    try:
        case = converter.structure({**tomllib.loads(path.read_text()), "name": path.stem}, Case)
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{path}: {error}") from error
    except cattrs.BaseValidationError as error:
        raise LabError(f"{path}: {'; '.join(cattrs.transform_error(error))}") from error
    problems = _problems(case)
    if problems:
        raise LabError("\n".join(f"{path}: {problem}" for problem in problems))
    return case


def _problems(case: Case) -> list[str]:
    """What is wrong in a case that has the right shape."""
    problems = [
        f"disk {name!r}: a name is {DISK_NAME.pattern}"
        for name in case.disks
        if not DISK_NAME.fullmatch(name)
    ]
    problems += [
        f"guest {name!r} is none of {', '.join(GUESTS)}"
        for name in case.guests
        if name not in GUESTS
    ]
    problems += [
        f"{name!r} is no disk of the case"
        for name in (*case.live, *case.writes)
        if name not in case.disks
    ]
    problems += [
        "a step is either phoenix or shell or a reboot"
        for step in case.run
        if sum(way is not None for way in (step.phoenix, step.shell, step.reboot)) != 1
    ]
    if not case.run:
        problems.append("nothing is run")
    return problems


def _clashes(cases: Iterable[Case]) -> list[str]:
    """Names that stand for two things: a case's, or a disk's within one shared boot."""
    problems: list[str] = []
    names: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for case in cases:
        if case.name in names:
            problems.append(f"two case files are named {case.name}.toml")
        names.add(case.name)
        for disk in case.disks if case.shares else ():
            owner = owners.setdefault((case.shares or "", disk), case.name)
            if owner != case.name:
                problems.append(f"{case.name} and {owner} share a boot and both have a disk {disk}")
    return problems


def selected(cases: Iterable[Case], pattern: str) -> tuple[Case, ...]:
    """The cases whose name is `pattern`, in which * and ? stand for text.

    Raises LabError where there is none.
    """
    cases = tuple(cases)
    found = tuple(case for case in cases if fnmatch.fnmatchcase(case.name, pattern))
    if not found:
        raise LabError(
            f"no case is named {pattern!r}; there are {', '.join(case.name for case in cases)}"
        )
    return found
