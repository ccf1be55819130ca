"""Random pairs of topologies on the simulated host: what is planned is run, and what comes out is
what was wanted, with no vdev less redundant on the way than at both ends unless a person agreed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import event, example, given
from hypothesis import strategies as st

from docs.generator.shapes import layout
from phoenix_plan.apply.session import apply_plan
from phoenix_plan.commands import Output, Run, Write
from phoenix_plan.model.layout import CLASSES, parity_of
from phoenix_plan.model.pools import Vdev
from phoenix_plan.plan import make_plan
from phoenix_plan.refresh import refresh
from tests.apply.machine import by_id, disk, host
from tests.properties.test_applying import MEMORY, NOW, Case, Json, Log, case_of, many, session

LETTERS = "ABCDEFGH"


@st.composite
def topologies(draw: st.DrawFn) -> str:
    """A pool of up to six disks, its vdevs alike, with a log, a cache and a spare or none."""
    letters = draw(st.permutations(LETTERS))
    kind = draw(st.sampled_from(["disk", "mirror", "mirror", "raidz1", "raidz2"]))
    least = {"disk": 1, "mirror": 2, "raidz1": 2, "raidz2": 3}[kind]
    width = 1 if kind == "disk" else draw(st.integers(least, 4))
    number = draw(st.integers(1, 6 // width))
    groups = ["".join(letters[at * width : (at + 1) * width]) for at in range(number)]
    parts = [group if kind == "disk" else f"{kind} {group}" for group in groups]
    for name, letter in zip(("spare", "cache", "log"), letters[6:], strict=False):
        parts += draw(st.sampled_from([[], [f"{name}"], [f"{name} {letter}"]]))
    return "; ".join(parts)


def pool_of(text: str) -> Json:
    """The pool as a simulated host has it."""
    vdevs: list[Json] = []
    for name, declared in layout(text).items():
        for vdev in declared:
            leaves = [{"type": "disk", "path": by_id(path[-1])} for path in vdev.disks]
            of: Json = {} if name == "normal" else {"class": name}
            if vdev.type == "disk":
                vdevs.append({**leaves[0], **of})
            else:
                parity = {"parity": parity_of(vdev.type)} if parity_of(vdev.type) else {}
                kind = vdev.type.rstrip("123")
                vdevs.append({"type": kind, "children": leaves, **parity, **of})
    return {
        "name": "tank",
        "set": {"ashift": "12", "autotrim": "on"},
        "vdevs": vdevs,
        "datasets": {"tank": {"set": {"atime": "off", "compression": "lz4"}}},
    }


def want_of(text: str) -> Json:
    """The declaration."""
    found: Json = {"name": "tank"}
    for name, vdevs in layout(text).items():
        if name in ("cache", "spare"):
            found[name] = [by_id(path[-1]) for vdev in vdevs for path in vdev.disks]
        else:
            found["vdevs" if name == "normal" else name] = [
                {
                    "type": "stripe" if vdev.type == "disk" else vdev.type,
                    "disks": [by_id(path[-1]) for path in vdev.disks],
                }
                for vdev in vdevs
            ]
    return found


def redundancy(vdevs: tuple[Vdev, ...]) -> int:
    """How many disks the weakest data vdev can lose."""
    return min(
        _spare_disks(vdev) for vdev in vdevs if vdev.vdev_class in ("normal", "special", "dedup")
    )


def _spare_disks(vdev: Vdev) -> int:
    match vdev.type:
        case "mirror":
            return sum(child.state == "ONLINE" for child in vdev.children) - 1
        case "raidz":
            return vdev.parity
        case _:
            return 0


def shape_of(vdevs: tuple[Vdev, ...], name: str) -> set[tuple[str, frozenset[str]]]:
    """The vdevs of a class: type and disks, by letter."""
    return {
        (
            f"{vdev.type}{vdev.parity or ''}",
            frozenset(leaf.path.removesuffix("-part1")[-1] for leaf in vdev.leaves()),
        )
        for vdev in vdevs
        if vdev.vdev_class == name
    }


def seen(case: Case) -> tuple[Vdev, ...]:
    pools = {one.name: one for one in refresh(case.host, now=lambda: NOW).pools}
    return pools["tank"].vdevs if "tank" in pools else ()


class Weakest(Log):
    """The least redundancy that the pool had between two commands."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._case = case
        self.least = redundancy(seen(case))

    def see(self, write: Write) -> Output | None:
        found = seen(self._case)
        if found:
            self.least = min(self.least, redundancy(found))
        return super().see(write)


@given(there=topologies(), wanted=topologies())
@example(there="mirror AFC; mirror EDG", wanted="mirror DC; mirror EA; mirror FG")
@many
def test_what_was_wanted_comes_out(there: str, wanted: str) -> None:
    """I5, I9; and redundancy is given up only by a destructive step."""
    disks = {f"sd{letter.lower()}": disk(letter) for letter in LETTERS}
    world = host(pool_of(there))
    world["disks"] |= disks
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        case = case_of(world, {"pools": [want_of(wanted)], "removed": {}}, Path(folder))
        before = redundancy(seen(case))
        kinds = [row.action.TYPE for row in case.plan.actions]
        if case.plan.errors:
            event("refused")
            assert "destroy-pool" not in kinds
            return
        event("destroyed" if "destroy-pool" in kinds else "changed" if kinds else "the same")
        log = Weakest(case)
        apply_plan(session(case, log, "force-destructive", []), ())
        after = seen(case)
        declared = layout(wanted)
        for name in CLASSES:
            if name in declared:
                expected = {
                    (vdev.type, frozenset(path[-1] for path in vdev.disks))
                    for vdev in declared[name]
                }
                assert expected == shape_of(after, name)
        again = refresh(case.host, now=lambda: NOW)
        assert make_plan(case.plan.desired, again).actions == ()
        if not case.plan.destructive:
            assert log.least >= min(before, redundancy(after))
        for _, write in log.writes:
            assert not (isinstance(write, Run) and "-f" in write.argv)
