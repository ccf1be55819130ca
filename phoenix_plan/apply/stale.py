"""Is a plan still true? The same desired state, planned again on a fresh state, row by row.

Evidence is a ceiling: less never makes a plan stale; a name that the plan did not list, or growth
beyond 1 % and 64 MiB, does. What does not matter (error counts, scrub times, another storage's
section) is in no row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

import attrs

from phoenix_plan.actions import (
    Action,
    Change,
    DestroyDataset,
    DestroyPool,
    RemoveStorage,
    RetireDataset,
    SetDatasetProperties,
    SetPoolProperties,
    UpdateStorage,
    WipeDisk,
)
from phoenix_plan.codec import as_dict
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.evidence import Evidence, evidence, sources
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import human
from phoenix_plan.plan import Plan, Row
from phoenix_plan.planner import Outcome
from phoenix_plan.planner.contents import contents
from phoenix_plan.planner.items import Finding
from phoenix_plan.planner.nets import still_kept

SLACK = 64 << 20
SLACK_PERCENT = 1


def differences(plan: Plan, fresh: Plan) -> tuple[str, ...]:
    """What has moved between a plan and the same plan made now, in sentences."""
    return tuple(_differences(plan, fresh))


def rows_now(plan: Plan, fresh: Plan) -> tuple[Row, ...]:
    """The rows of a plan that is not stale, as they are now: one that takes less than was agreed to
    (a snapshot has gone) takes no more than is there. The evidence stays what was agreed to."""
    now = {row.id: row for row in fresh.actions}
    return tuple(attrs.evolve(now[row.id], evidence=row.evidence) for row in plan.actions)


def _differences(plan: Plan, fresh: Plan) -> Iterator[str]:
    rows = {row.id: row for row in fresh.actions}
    planned = {row.id for row in plan.actions}
    for row in plan.actions:
        now = rows.get(row.id)
        if now is None:
            why = next((" ".join(one.because) for one in fresh.blocked if one.id == row.id), "")
            yield f"{row.id}: would no longer be planned" + (f" ({why})" if why else "")
        else:
            yield from _row(row, now)
    for identifier in rows:
        if identifier not in planned:
            yield f"{identifier}: would be planned now, and was not reviewed"
    seen = {(finding.code, finding.subject) for finding in plan.errors}
    for finding in fresh.errors:
        if (finding.code, finding.subject) not in seen:
            yield f"{finding.subject}: {finding.message}"
    told, now_told = _consequences(plan), _consequences(fresh)
    yield from (f"{one.subject}: is new: {one.message}" for one in now_told if one not in told)
    yield from (
        f"{one.subject}: is no longer so: {one.message}" for one in told if one not in now_told
    )


CONSEQUENCES = frozenset(
    {
        "idle-pool-overwritten",
        "storage-loses-home",
        "plan-again-after-import",
        "plan-again-after-rename",
    }
)
"""Codes of findings about what the rows will do: they were reviewed with them. The others are about
the host's health, other programs' files and the config."""


def _consequences(plan: Plan) -> tuple[Finding, ...]:
    return tuple(finding for finding in plan.findings if finding.code in CONSEQUENCES)


def _row(row: Row, now: Row) -> Iterator[str]:
    agreed = _no_more_than(row.action, now.action)
    if agreed != now.action:
        yield from (f"{row.id}: {line}" for line in _fields(agreed, now.action))
    if row.safety != now.safety:
        yield f"{row.id}: was {row.safety}, is {now.safety} now"
    if row.serves != now.serves or row.requires != now.requires:
        yield f"{row.id}: its place among the other actions has changed"
    yield from (f"{row.id}: {line}" for line in beyond(row.evidence, now.evidence))


def _no_more_than(agreed: Action, now: Action) -> Action:
    """The agreed action without what has gone by itself since: what it still takes was agreed to,
    name by name."""
    match agreed, now:
        case DestroyPool(), DestroyPool() if now.datasets.items() <= agreed.datasets.items():
            return attrs.evolve(agreed, datasets=now.datasets)
        case DestroyDataset(), DestroyDataset() if (
            now.snapshots.items() <= agreed.snapshots.items()
        ):
            return attrs.evolve(agreed, snapshots=now.snapshots)
        case RetireDataset(), RetireDataset() if now.below.items() <= agreed.below.items():
            return agreed.without(agreed.below.keys() - now.below.keys())
        case _:
            return agreed


def _fields(before: Action, after: Action) -> Iterator[str]:
    """Which arguments moved, before and now, in words."""
    # Loaded here: only a stale plan pays for it.
    from deepdiff import DeepDiff  # noqa: PLC0415 - see above

    found = DeepDiff(as_dict(before), as_dict(after), view="tree")
    for kind in sorted(found):
        for one in found[kind]:
            where = ".".join(
                part for part in one.path(output_format="list") if isinstance(part, str)
            )
            if kind.endswith("_added"):
                yield f"{where}: {_words(one.t2)} is new"
            elif kind.endswith("_removed"):
                yield f"{where}: {_words(one.t1)} is gone"
            else:
                yield f"{where}: was {_words(one.t1)}, is {_words(one.t2)} now"


def _words(value: object) -> str:
    """A value for people: text as it stands, all else as a document has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def beyond(agreed: Evidence, now: Evidence) -> Iterator[str]:
    """Where what would be lost now goes beyond what was agreed to."""
    for field in attrs.fields(Evidence):
        if field.name == "used":
            continue
        more = set(getattr(now, field.name)) - set(getattr(agreed, field.name))
        if more:
            yield f"{field.name}: {', '.join(sorted(more))}: not in the plan"
    if now.used is None:
        return
    if agreed.used is None:
        yield f"{human(now.used)} are used, which the plan did not say"
        return
    growth = now.used - agreed.used
    if growth > SLACK and growth * 100 > agreed.used * SLACK_PERCENT:
        yield f"{human(now.used)} are used, the plan said {human(agreed.used)}"


def beyond_now(row: Row, actual: Actual, let_go: Collection[str]) -> tuple[str, ...]:
    """Where a destructive row would take more than was agreed to, right before it runs.

    `let_go` are GUIDs of pools that this run has destroyed, or has taken disks out of: the labels
    that they leave behind were agreed to with that.
    """
    idle = tuple(pool for pool in actual.idle_pools if pool.guid not in let_go)
    index = Index(attrs.evolve(actual, idle_pools=idle))
    hidden = unknown(index, *sources(row.action))
    found = [hidden.message] if hidden is not None else []
    found += beyond(row.evidence, evidence(row.action, index))
    match row.action:
        case WipeDisk(disk=path, contents=agreed):
            device = index.device(path)
            held = _without(device.disk, let_go) if device is not None else ()
            found += [f"{path} holds {one}: not in the plan" for one in held if one not in agreed]
        case (
            DestroyPool(pool=name, storages=known)
            | DestroyDataset(dataset=name, storages=known)
            | RetireDataset(dataset=name, storages=known)
        ):
            found += [
                f"storage {storage.id} lives on {name}: not in the plan"
                for storage in index.storages_on(name)
                if storage.id not in known and _lives_on(row.action, index.storage_dataset(storage))
            ]
        case _:
            pass
    if isinstance(row.action, DestroyDataset):
        found += _retaken(row.action, index)
        kept = still_kept(row.action, index)
        found += [kept.message] if kept is not None else []
    return tuple(found)


def _retaken(action: DestroyDataset, index: Index) -> Iterator[str]:
    """Snapshots of an agreed name that are others by now."""
    dataset = index.datasets.get(action.dataset)
    there = dataset.snapshots if dataset is not None else {}
    for name, guid in action.snapshots.items():
        if there.get(name, guid) != guid:
            yield f"snapshot {action.dataset}@{name} was taken anew: not in the plan"


def _without(disk: Disk, let_go: Collection[str]) -> tuple[str, ...]:
    labels = tuple(label for label in disk.labels if label.pool_guid not in let_go)
    return contents(attrs.evolve(disk, labels=labels))


def _lives_on(action: Action, dataset: str) -> bool:
    """Storages on a child are the business of the child's own action."""
    return isinstance(action, DestroyPool | RetireDataset) or dataset == action.subject


def changed_since(row: Row, now: Outcome) -> tuple[str, ...]:
    """Where a row that changes values would change others than it was planned to.

    A value that is set already (it is inherited from what an earlier row has set) is no matter. A
    safe row may meet another value, as long as it is safe from there, too: growing a volume that
    somebody has grown further would cut it off. A destructive one was agreed to from its value.
    """
    if not isinstance(
        row.action, SetDatasetProperties | SetPoolProperties | UpdateStorage | RemoveStorage
    ):
        return ()
    found = next((one for one in now.actions if one.ordered.id == row.id), None)
    if found is None:
        return ()
    if row.safety == "safe" != found.verdict.safety:
        return (f"was safe, is destructive by now: {found.verdict.reason}",)
    planned, action = row.action.changes(), found.ordered.action.changes()
    if row.safety == "safe" and _targets(planned) == _targets(action):
        return ()
    return tuple(_fields(row.action, found.ordered.action)) if planned != action else ()


def _targets(changes: Iterable[Change]) -> dict[str, str]:
    return {change.name: change.after for change in changes}
