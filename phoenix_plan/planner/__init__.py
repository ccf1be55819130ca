"""Desired and actual make ordered actions and findings. Pure: no clock, no chance, no host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from phoenix_plan.actions import (
    Action,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DisableStorage,
    ImportPool,
    RetireDataset,
    action_id,
    pool_of,
)
from phoenix_plan.conditions import Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.evidence import Evidence, evidence, sources
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index
from phoenix_plan.planner.claims import contradictions
from phoenix_plan.planner.datasets import mountpoints_of, plan_datasets
from phoenix_plan.planner.host import plan_arc_max
from phoenix_plan.planner.items import Finding, Item, Scope, Step, Unchanged
from phoenix_plan.planner.nets import outermost, still_kept, with_checkpoints, with_snapshots
from phoenix_plan.planner.order import Blocked, Ordered, order
from phoenix_plan.planner.pools import compare_pools, idle_pools, plan_pools
from phoenix_plan.planner.protection import protected_by_config, protected_itself
from phoenix_plan.planner.storages import around_destroys, homeless, lost_lines, plan_storages
from phoenix_plan.safety import Verdict, verdict


@attrs.frozen(kw_only=True)
class Planned:
    """An ordered action with its verdict and what it would cost."""

    ordered: Ordered
    verdict: Verdict
    evidence: Evidence


@attrs.frozen(kw_only=True)
class Unmanaged:
    """What exists and is not declared, by name: left alone."""

    pools: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    storages: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Outcome:
    """All that planning has to say."""

    actions: tuple[Planned, ...]
    blocked: tuple[Blocked, ...]
    findings: tuple[Finding, ...]
    unchanged: tuple[Unchanged, ...]
    unmanaged: Unmanaged


def make(desired: Desired, index: Index) -> Outcome:
    """Plan `desired` on one actual state. The same two give the same outcome."""
    if desired.nets.checkpoint:
        desired = with_checkpoints(desired)
    scope = Scope(desired=desired, index=index)
    items: list[Item] = list(plan_pools(scope, compare_pools(scope)))
    actions = _actions(items)
    created = {action.pool for action in actions if isinstance(action, CreatePool)}
    destroyed = {action.pool for action in actions if isinstance(action, DestroyPool)}
    scope = attrs.evolve(
        scope,
        recreated=frozenset(created & destroyed),
        removed=frozenset(destroyed - created),
        imported=frozenset(action.pool for action in actions if isinstance(action, ImportPool)),
    )
    mountpoints = mountpoints_of(scope)
    items += outermost(plan_datasets(scope, mountpoints))
    items += plan_storages(scope, mountpoints)
    items += plan_arc_max(scope)
    actions = _actions(items)
    items += around_destroys(actions, scope)
    if desired.nets.snapshot:
        items = list(with_snapshots(items, index))
    return _outcome(items, scope)


def _actions(items: Iterable[Item]) -> list[Action]:
    return [item.action for item in items if isinstance(item, Step)]


def _outcome(items: Sequence[Item], scope: Scope) -> Outcome:
    desired, index = scope.desired, scope.index
    steps = [item for item in items if isinstance(item, Step)]
    costs = {action_id(step.action): evidence(step.action, index) for step in steps}
    verdicts = {
        identifier: verdict(step.action, costs[identifier])
        for step in steps
        for identifier in (action_id(step.action),)
    }
    findings = [item for item in items if isinstance(item, Finding)]
    ordered = order(steps, _refused(steps, findings, verdicts, scope), index)
    planned = [one.action for one in ordered.actions]
    # What is said about consequences is about what will be done, not about what was wanted.
    consequences = (
        *homeless(planned, scope),
        *lost_lines(index, planned),
        *idle_pools(planned, scope),
    )
    findings += [item for item in consequences if isinstance(item, Finding)]
    return Outcome(
        actions=tuple(
            Planned(ordered=one, verdict=verdicts[one.id], evidence=costs[one.id])
            for one in ordered.actions
        ),
        blocked=ordered.blocked,
        findings=_sorted([*findings, *ordered.errors]),
        unchanged=_unchanged(items, ordered.actions),
        unmanaged=_unmanaged(desired, index, planned),
    )


def _refused(
    steps: Sequence[Step],
    findings: Sequence[Finding],
    verdicts: Mapping[str, Verdict],
    scope: Scope,
) -> dict[str, Unmet]:
    """Actions that must not run for reasons that are no condition: contradictions within the plan,
    protection, a cost that a failed probe hides, and pools whose own error stops what depends on
    them."""
    actions = [step.action for step in steps]
    found = dict(contradictions(actions, scope.desired, scope.index))
    unsettled = {one.subject.name: one for one in findings if one.code == "pool-members-differ"}
    for step in steps:
        action, identifier = step.action, action_id(step.action)
        own = unsettled.get(pool_of(action))
        why = step.refused
        if why is None and own is not None:
            why = Unmet(code=own.code, message=own.message, hint=own.hint)
        if why is None and verdicts[identifier].safety == "destructive":
            why = protected_by_config(action, scope.desired, scope.index)
            why = why or protected_itself(action, scope.index)
            why = why or still_kept(action, scope.index)
            why = why or unknown(scope.index, *sources(action))
        if why is not None:
            found[identifier] = why
    return found


def _unchanged(items: Iterable[Item], ordered: Iterable[Ordered]) -> tuple[Unchanged, ...]:
    """What is right already and stays untouched: a storage that is disabled for a while is not."""
    touched = {(one.action.ABOUT, one.action.subject) for one in ordered}
    found = (
        item
        for item in items
        if isinstance(item, Unchanged) and (item.subject.kind, item.subject.name) not in touched
    )
    return tuple(sorted(found, key=lambda item: (item.subject.kind, item.subject.name)))


_SEVERITIES = ("error", "warning", "note")


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(
            dict.fromkeys(findings),
            key=lambda f: (_SEVERITIES.index(f.severity), str(f.subject), f.code, f.message),
        )
    )


def _unmanaged(desired: Desired, index: Index, actions: Iterable[Action]) -> Unmanaged:
    """What nobody declared and no action takes along."""
    pools = {pool.name for pool in desired.pools} | {pool.name for pool in desired.removed.pools}
    datasets = {dataset.name for dataset in desired.datasets} | pools
    datasets |= {dataset.name for dataset in desired.removed.datasets}
    datasets |= {dataset.renamed_from for dataset in desired.datasets}
    for removed in desired.removed.datasets:
        kept = index.aside.get((removed.name.partition("/")[0], removed.guid))
        if kept is not None:
            datasets |= {one.name for one in index.family(kept.name)}
    storages = {storage.id for storage in desired.storages} | set(desired.removed.storages)
    for action in actions:
        match action:
            case DestroyPool(datasets=gone):
                datasets |= gone.keys()
            case DestroyDataset(dataset=name):
                datasets.add(name)
            case RetireDataset(dataset=name, below=below):
                datasets |= {name, *below}
            case DisableStorage(storage=name):
                storages.add(name)
            case _:
                pass
    return Unmanaged(
        pools=tuple(sorted(index.pools.keys() - pools)),
        datasets=tuple(sorted(index.datasets.keys() - datasets)),
        storages=tuple(sorted(index.storages.keys() - storages)),
    )
