"""Is a plan file what it derives to? Everything but the few trusted fields is derived again.

A flipped verdict, a dropped edge, another argv, forged evidence: 65, and nothing is run. What of
the evidence only the host can tell (how much is used, who refers to it) is held against the host
later (`stale.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from phoenix_plan.actions import (
    Action,
    CreateCheckpoint,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    ImportPool,
    RemoveStorage,
    RenameDataset,
    RetireDataset,
    SetDatasetProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
    action_id,
)
from phoenix_plan.config.declare import is_declarable
from phoenix_plan.errors import DocumentError, Problem
from phoenix_plan.evidence import CHECKPOINT_PRICE, SNAPSHOT_PRICE, Evidence
from phoenix_plan.model.codes import CODES
from phoenix_plan.model.datasets import within
from phoenix_plan.plan import Plan, Row, derived_row
from phoenix_plan.planner.order import requirements, sequence
from phoenix_plan.safety import verdict

DERIVED = ("id", "before", "after", "commands", "undo", "needs", "safety", "code", "reason")


def verify(plan: Plan, source: str) -> None:
    """Raise DocumentError, naming every field of `source` that is not what it derives to."""
    problems = (*_wish(plan, source), *_problems(plan, source), *_spared(plan, source))
    if problems:
        raise DocumentError(
            f"{source} is not what phoenix made: nothing was run",
            problems=problems,
            hint="Plan again; a plan is never edited by hand.",
        )


def _wish(plan: Plan, source: str) -> Iterator[Problem]:
    """A name, a value or a disk that no config can declare would reach the tools' argv."""
    try:
        if not is_declarable(plan.desired):
            yield _problem(source, "desired", "is not as a config that declares it would be read")
    except DocumentError as error:
        for problem in error.problems:
            yield attrs.evolve(problem, file=source, line=None, path=f"desired: {problem.path}")


def _problems(plan: Plan, source: str) -> Iterator[Problem]:
    actions = {action_id(row.action): row.action for row in plan.actions}
    edges = requirements(actions)
    seen: set[str] = set()
    for at, row in enumerate(plan.actions):
        place = f"actions[{at}]"
        own = action_id(row.action)
        if own in seen:
            yield _problem(source, place, "is there twice")
        seen.add(own)
        yield from _row(row, place, source)
        if row.requires != tuple(sorted(edges[own])):
            yield _problem(source, f"{place}.requires", "is not what the actions derive to")
        if not set(row.serves) <= actions.keys():
            yield _problem(source, f"{place}.serves", "names an action that the plan does not have")
    wanted = sequence(edges)
    if [action_id(row.action) for row in plan.actions] != wanted and len(seen) == len(plan.actions):
        yield _problem(source, "actions", "do not stand in the order that they derive to")


def _spared(plan: Plan, source: str) -> Iterator[Problem]:
    """What a row changes is neither right already, nor left alone, nor not planned."""
    touched = {(row.action.ABOUT, row.action.subject) for row in plan.actions}
    touched |= {("dataset", name) for row in plan.actions for name in _taken_along(row.action)}
    for at, one in enumerate(plan.unchanged):
        if (one.subject.kind, one.subject.name) in touched:
            yield _problem(source, f"unchanged[{at}]", "is changed by an action")
    left = plan.unmanaged
    for kind, names in (
        ("pool", left.pools), ("dataset", left.datasets), ("storage", left.storages),
    ):  # fmt: skip
        for name in names:
            if (kind, name) in touched:
                yield _problem(source, f"unmanaged.{kind}s", f"{name} is changed by an action")
    ids = {row.id for row in plan.actions}
    for at, blocked in enumerate(plan.blocked):
        if blocked.id in ids:
            yield _problem(source, f"blocked[{at}]", "is an action of the plan")
    for at, finding in enumerate(plan.findings):
        if finding.code not in CODES:
            yield _problem(source, f"findings[{at}].code", "is no code that is registered")


def _taken_along(action: Action) -> Iterable[str]:
    """Datasets that go, or go elsewhere, with what an action is about."""
    match action:
        case DestroyPool(datasets=datasets):
            return datasets
        case RetireDataset(below=below):
            return below
        case _:
            return ()


def _row(row: Row, place: str, source: str) -> Iterator[Problem]:
    fresh = derived_row(
        row.action,
        verdict=verdict(row.action, row.evidence),
        evidence=row.evidence,
        requires=row.requires,
        serves=row.serves,
    )
    for field in DERIVED:
        if getattr(row, field) != getattr(fresh, field):
            yield _problem(source, f"{place}.{field}", "is not what its action derives to")
    for name in _forged(row.action, row.evidence):
        yield _problem(source, f"{place}.evidence.{name}", "is not what its action derives to")


_ALL = frozenset(field.name for field in attrs.fields(Evidence))


def _forged(action: Action, evidence: Evidence) -> Iterator[str]:
    """Names of the parts of the evidence that can't be what they were for this action."""
    free: frozenset[str]
    fixed: dict[str, bool]
    match action:
        case DestroyPool(pool=pool, datasets=datasets):
            free = frozenset({"used", "guests", "jobs", "shares"})
            fixed = {
                "datasets": set(evidence.datasets) == set(datasets),
                "snapshots": _of(evidence.snapshots, datasets),
                "holds": set(evidence.holds) <= set(evidence.snapshots),
                "clones": all(not within(clone, pool) for clone in evidence.clones),
            }
        case DestroyDataset(dataset=dataset, snapshots=snapshots, clones=clones):
            free = frozenset({"used", "guests", "jobs", "shares"})
            fixed = {
                "snapshots": set(evidence.snapshots) == {f"{dataset}@{one}" for one in snapshots},
                "holds": set(evidence.holds) <= set(evidence.snapshots),
                "clones": set(evidence.clones) == set(clones),
            }
        case WipeDisk(contents=contents):
            free = frozenset({"unknown"})
            fixed = {"contents": evidence.contents[: len(contents)] == contents}
        case CreateCheckpoint():
            free, fixed = frozenset(), {"price": evidence.price == CHECKPOINT_PRICE}
        case ImportPool(ours=ours):
            free = frozenset()
            fixed = {"unknown": bool(evidence.unknown) != ours}
        case RetireDataset(dataset=dataset, below=below):
            free = frozenset({"guests", "jobs", "shares"})
            fixed = {"datasets": set(evidence.datasets) == {dataset, *below}}
        case SnapshotDataset():
            free, fixed = frozenset(), {"price": evidence.price == SNAPSHOT_PRICE}
        case RenameDataset() | SetDatasetProperties():
            free, fixed = frozenset({"guests", "jobs", "shares"}), {}
        case UpdateStorage() | RemoveStorage() | DisableStorage():
            free, fixed = frozenset({"guests", "jobs"}), {}
        case _:
            free, fixed = frozenset(), {}
    yield from (name for name, fits in fixed.items() if not fits)
    for name in sorted(_ALL - free - fixed.keys()):
        if getattr(evidence, name) not in (None, ()):
            yield name


def _of(snapshots: Iterable[str], datasets: Iterable[str]) -> bool:
    return {snapshot.partition("@")[0] for snapshot in snapshots} <= set(datasets)


def _problem(source: str, path: str, rule: str) -> Problem:
    return Problem(file=source, line=None, path=path, value=None, rule=rule)
