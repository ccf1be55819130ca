"""The page on what becomes of a pool whose declaration changes: made by the planner itself."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generator.shapes import declared, host_with, pool
from phoenix_plan.actions import (
    Action,
    AddVdev,
    AttachDisk,
    DestroyPool,
    DetachDisk,
    ExpandRaidz,
    RemoveVdev,
    ReplaceDisk,
    WipeDisk,
)
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index
from phoenix_plan.planner import Outcome, make

LETTERS = "ABCDEFGH"

BASES: dict[str, str] = {
    "a single disk": "A",
    "stripe of 2": "AB",
    "stripe of 3": "ABC",
    **{f"mirror of {n}": f"mirror {LETTERS[:n]}" for n in range(2, 5)},
    **{f"raidz1 of {n}": f"raidz1 {LETTERS[:n]}" for n in range(3, 9)},
    **{f"raidz2 of {n}": f"raidz2 {LETTERS[:n]}" for n in range(3, 9)},
    **{f"raidz3 of {n}": f"raidz3 {LETTERS[:n]}" for n in range(4, 9)},
    "2 mirrors of 2": "mirror AB; mirror CD",
    "draid1 of 8": "draid1:3d:1s ABCDEFGH",
}
"""The shapes of data vdevs, on the same disks as far as they go."""

EXTRAS: dict[str, str] = {
    "log": "log P",
    "mirrored log": "log mirror PQ",
    "cache": "cache R",
    "spare": "spare S",
    "special": "special mirror TU",
}
"""What may stand beside them."""

DISKS = f"{LETTERS}PQRSTU"


def outcome(there: str, wanted: str) -> Outcome:
    """What would be planned, both in the short notation."""
    return plan(host_with(pool(there), DISKS), declared(wanted))


def plan(there: Actual, wanted: Desired) -> Outcome:
    """What would be planned."""
    return make(wanted, Index(there))


def way(found: Outcome) -> str:
    """A plan in a few words: its steps in order, or why there are none."""
    errors = [one.message for one in found.findings if one.severity == "error"]
    if errors:
        return "**refused**: " + "; ".join(_plain(one) for one in errors)
    actions = [one.ordered.action for one in found.actions]
    for action in actions:
        if isinstance(action, DestroyPool):
            # Each reason begins with the vdev that it is about.
            because = dict.fromkeys(_plain(one).rpartition(": ")[2] for one in action.because)
            return f"**destroy and create**: {'; '.join(because)}"
    steps = [
        said if one.verdict.safety == "safe" else f"**{said}**"
        for one in found.actions
        for said in (_step(one.ordered.action),)
    ]
    return ", ".join(steps) or "no change"


def _step(action: Action) -> str:
    match action:
        case AttachDisk(disk=disk, beside_name=beside):
            return f"attach {_letter(disk)} to {_letter(beside)}"
        case ReplaceDisk(disk=disk, old_name=old):
            return f"replace {_letter(old)} by {_letter(disk)}"
        case DetachDisk(disk=disk):
            return f"detach {_letter(disk)}"
        case ExpandRaidz(disk=disk):
            return f"expand by {_letter(disk)}"
        case AddVdev(vdev_class=name, kind=kind, disks=disks):
            what = "" if kind == "disk" else f"{kind} of "
            of = "" if name == "normal" else f"{name} "
            return f"add {of}{what}{''.join(map(_letter, disks))}"
        case RemoveVdev(vdev_class=name, disks=disks):
            of = "" if name == "normal" else f"{name} "
            return f"remove {of}{''.join(map(_letter, disks))}"
        case WipeDisk(disk=disk):
            return f"wipe {_letter(disk)}"
        case _:
            return action.TYPE


def _letter(path: str) -> str:
    return path.removesuffix("-part1").rpartition("/")[2]


def _plain(text: str) -> str:
    return text.replace("/dev/disk/by-id/", "").replace("-part1", "")


def transitions_page() -> str:
    """docs/reference/transitions.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "# From one topology to another",
        "",
        "What phoenix plans when the vdevs that a pool is declared to have are not those that it "
        "has. Made by the planner itself, on blank disks of one size, with OpenZFS 2.3; a test "
        "holds it current. Disks are letters: A is the same disk on both sides.",
        "",
        "Steps in **bold** are destructive: they run only with consent. Each step waits until the "
        "resilver, removal or expansion of the one before has ended. A disk that leaves a vdev is "
        "wiped before it is used again.",
        "",
        "Phoenix takes the way that risks least: first one that can be taken back, then one that "
        "takes no redundancy away, then the one that copies least. Destroy and create is planned "
        "only where a vdev of another type, or another ashift, is declared and ZFS has no other "
        "way, and its reason stands in the plan. What is only left out is refused where it can't "
        "be removed.",
        "",
    )
    for name, there in BASES.items():
        yield from (f"## From {name}", "", "| to | way |", "|---|---|")
        for other, wanted in BASES.items():
            if other != name:
                yield f"| {other} | {_cell(there, wanted)} |"
        yield ""
    yield from (
        "## Log, cache, spare and special",
        "",
        "A class that the config does not name is left alone; one that it names with an empty list "
        "is removed. Beside a mirror of 2, and beside a raidz1 of 3:",
        "",
        "| what | added to a mirror | removed from it | added to a raidz1 | removed from it |",
        "|---|---|---|---|---|",
    )
    for name, extra in EXTRAS.items():
        cells = [
            _cell(one, other)
            for base in ("mirror AB", "raidz1 ABC")
            for one, other in (
                (base, f"{base}; {extra}"),
                (f"{base}; {extra}", f"{base}; {extra.split()[0]}"),
            )
        ]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield from ("## Disks swapped and moved", "", "| from | to | way |", "|---|---|---|")
    for there, wanted in MOVED:
        yield f"| `{there}` | `{wanted}` | {_cell(there, wanted)} |"


MOVED: tuple[tuple[str, str], ...] = (
    ("A", "B"),
    ("mirror AB", "mirror AC"),
    ("mirror AB", "mirror CD"),
    ("mirror ABC", "mirror AD"),
    ("raidz1 ABC", "raidz1 ABD"),
    ("raidz1 ABC", "raidz1 ADE"),
    ("raidz2 ABCD", "raidz2 ABEF"),
    ("raidz1 ABC", "raidz1 ABDE"),
    ("mirror AB; mirror CD", "mirror AC; mirror BD"),
    ("mirror AB; mirror CD", "mirror CD; mirror AB"),
    ("mirror AB; mirror CD", "mirror AB; mirror EF"),
    ("raidz1 ABC; raidz1 DEF", "raidz1 ABD; raidz1 CEF"),
    ("mirror AB; spare S", "mirror AS; spare"),
    ("mirror AB; log P", "mirror AB; log mirror PQ"),
    ("mirror AB; log mirror PQ", "mirror AB; log P"),
    ("mirror AB; cache R", "mirror AB; cache S"),
)
"""Changes of disks rather than of shape, in the short notation of `shapes`."""


def _cell(there: str, wanted: str) -> str:
    return way(outcome(there, wanted)).replace("|", "\\|")
