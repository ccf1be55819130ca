"""From steps to an order: needs become edges or refusals, and refusals spread.

A refusal is an unmet need that no earlier action gives. Order comes from edges alone, ties broken
by id; there is no global destroy-first.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence

import attrs

from phoenix_plan.actions import Action, action_id
from phoenix_plan.conditions import Condition, Unmet, unmet
from phoenix_plan.model.index import Index
from phoenix_plan.model.subjects import Kind, Subject
from phoenix_plan.planner.items import Finding, Step


@attrs.frozen(kw_only=True)
class Ordered:
    """An action in its place: `requires` are the ids that come before it."""

    id: str
    action: Action
    requires: tuple[str, ...]
    serves: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Blocked:
    """An action that was wanted and is not planned. `because` are sentences: its own unmet needs,
    or the blocked actions that it rests on."""

    id: str
    subject: Subject
    because: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Order:
    """The planned actions in order, the blocked ones, and an error for every unmet need."""

    actions: tuple[Ordered, ...]
    blocked: tuple[Blocked, ...]
    errors: tuple[Finding, ...]


_NEAREST: tuple[Kind, ...] = ("disk", "dataset", "storage", "pool", "host")


def subject_of(action: Action) -> Subject:
    """What an action is about."""
    return Subject(kind=action.ABOUT, name=action.subject)


def order(steps: Sequence[Step], refused: Mapping[str, Unmet], index: Index) -> Order:
    """Sort steps by their needs. `refused` are ids that are refused for reasons of the plan's own
    (protection in the config); their unmet stands for them."""
    by_id = _unique(steps)
    givers = _givers({identifier: step.action for identifier, step in by_id.items()})
    edges: dict[str, set[str]] = {}
    reasons: dict[str, list[str]] = defaultdict(list)
    errors: dict[tuple[str, str], Finding] = {}
    memory: dict[Condition, Unmet | None] = {}
    for identifier, step in by_id.items():
        edges[identifier] = set()
        problems = [refused[identifier]] if identifier in refused else []
        for condition in step.action.needs():
            before = givers.get(condition, set()) - {identifier}
            edges[identifier] |= before
            if before:
                continue
            if condition not in memory:
                memory[condition] = unmet(condition, index)
            problem = memory[condition]
            if problem is not None:
                problems.append(problem)
        for problem in problems:
            # One fact is one error, whatever stumbles over it: about the disk rather than its pool.
            told = errors.get((problem.code, problem.message))
            subject = subject_of(step.action)
            if told is None or _NEAREST.index(subject.kind) < _NEAREST.index(told.subject.kind):
                errors[problem.code, problem.message] = Finding(
                    severity="error",
                    code=problem.code,
                    subject=subject,
                    message=problem.message,
                    hint=problem.hint,
                )
            reasons[identifier].append(problem.message)
    _spread(by_id, edges, reasons)
    actions = sequence({i: edges[i] for i in by_id if i not in reasons})
    circle = by_id.keys() - reasons.keys() - set(actions)
    if circle:
        said = f"no order is possible, each waits for another: {', '.join(sorted(circle))}"
        for identifier in circle:
            reasons[identifier].append(said)
        errors["plan-circle", said] = Finding(
            severity="error",
            code="plan-circle",
            subject=subject_of(by_id[min(circle)].action),
            message=said,
            hint="A dataset that is a clone of its own child is one: zfs promote ends it.",
        )
        _spread(by_id, edges, reasons)
        actions = sequence({i: edges[i] for i in by_id if i not in reasons})
    return Order(
        actions=tuple(
            Ordered(
                id=identifier,
                action=by_id[identifier].action,
                requires=tuple(sorted(edges[identifier])),
                serves=by_id[identifier].serves,
            )
            for identifier in actions
        ),
        blocked=tuple(
            Blocked(
                id=identifier,
                subject=subject_of(by_id[identifier].action),
                because=tuple(reasons[identifier]),
            )
            for identifier in sorted(reasons)
        ),
        errors=tuple(errors.values()),
    )


def requirements(actions: Mapping[str, Action]) -> dict[str, set[str]]:
    """For each action by id, the ids of those that give what it needs."""
    givers = _givers(actions)
    return {
        identifier: {giver for need in action.needs() for giver in givers.get(need, ())}
        - {identifier}
        for identifier, action in actions.items()
    }


def _givers(actions: Mapping[str, Action]) -> dict[Condition, set[str]]:
    found: dict[Condition, set[str]] = defaultdict(set)
    for identifier, action in actions.items():
        for condition in action.gives():
            found[condition].add(identifier)
    return found


def _unique(steps: Sequence[Step]) -> dict[str, Step]:
    """Steps by id. The same action wanted twice is one; what is wanted for itself serves nobody."""
    found: dict[str, Step] = {}
    for step in steps:
        identifier = action_id(step.action)
        other = found.get(identifier)
        if other is None:
            found[identifier] = step
        elif other.action != step.action:
            raise AssertionError(f"{identifier} is planned in two ways")
        else:
            both = other.serves and step.serves
            serves = tuple(sorted({*other.serves, *step.serves})) if both else ()
            found[identifier] = attrs.evolve(
                step, serves=serves, refused=step.refused or other.refused
            )
    return found


def _spread(
    by_id: Mapping[str, Step], edges: Mapping[str, set[str]], reasons: dict[str, list[str]]
) -> None:
    """Block what rests on a blocked action, what only prepares blocked ones, and what is not to be
    done without one."""
    while True:
        more: dict[str, str] = {}
        for identifier, step in by_id.items():
            if identifier in reasons:
                continue
            lacking = sorted(i for i in edges[identifier] if i in reasons)
            if lacking:
                more[identifier] = f"rests on {', '.join(lacking)}"
            elif step.serves and all(i in reasons for i in step.serves):
                more[identifier] = f"only prepares {', '.join(step.serves)}"
            elif missing := [i for i in step.only_with if i in reasons]:
                more[identifier] = f"is not done without {', '.join(missing)}"
        if not more:
            return
        for identifier, why in more.items():
            reasons[identifier].append(why)


def sequence(edges: Mapping[str, set[str]]) -> list[str]:
    """Topological order, the smallest id first among what is ready. What lies on a circle, or
    behind one, is left out."""
    waiting = {identifier: len(before) for identifier, before in edges.items()}
    after: dict[str, list[str]] = defaultdict(list)
    for identifier, before in edges.items():
        for earlier in before:
            after[earlier].append(identifier)
    ready = [identifier for identifier, count in waiting.items() if not count]
    heapq.heapify(ready)
    result: list[str] = []
    while ready:
        identifier = heapq.heappop(ready)
        result.append(identifier)
        for later in after[identifier]:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, later)
    return result
