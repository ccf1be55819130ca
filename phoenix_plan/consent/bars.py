"""What a host's policy bars whatever the consent: protected names, too much, too unknown.

Protection of a name protects what is below it, what is above it, its pool and its disks, as the
config's own does.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import attrs

from phoenix_plan.actions import Action, DestroyPool, RenameDataset, RetireDataset, pool_of
from phoenix_plan.consent.nets import lacks
from phoenix_plan.consent.policy import Policy
from phoenix_plan.errors import DocumentError
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.index import Index
from phoenix_plan.plan import Plan, Row


@attrs.frozen(kw_only=True)
class Known:
    """What is known of the host's names: of a plan alone, or of the host itself besides.

    `datasets` are those of pools, too. `spellings` are all names of a disk by each of them, `pools`
    the pools that a disk is in by each of its names, `homes` the dataset that a storage is on.
    """

    datasets: frozenset[str] = frozenset()
    spellings: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
    pools: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
    homes: Mapping[str, str] = attrs.field(factory=dict)

    def disk(self, name: str) -> frozenset[str]:
        """All names of a disk."""
        return self.spellings.get(name, frozenset({name}))


def known_of(plan: Plan, actual: Actual | None = None) -> Known:
    """What a plan tells of names, and with `actual` what the host does."""
    datasets = {*plan.unmanaged.pools, *plan.unmanaged.datasets}
    datasets |= {one.subject.name for one in plan.unchanged
                 if one.subject.kind in ("pool", "dataset")}  # fmt: skip
    for row in plan.actions:
        datasets.update(_datasets(row.action))
    if actual is None:
        return Known(datasets=frozenset(datasets))
    index = Index(actual)
    datasets |= {*index.datasets, *index.pools}
    spellings: dict[str, frozenset[str]] = {}
    pools: dict[str, frozenset[str]] = {}
    for disk in actual.disks:
        parts = [(part.path, *part.aliases) for part in disk.partitions]
        names = frozenset({disk.path, *disk.aliases, *(name for part in parts for name in part)})
        # A destroyed pool is residue; one that could be imported is as protected as one that is.
        idle = [pool.name for pool in index.idle_pools_on(disk) if pool.state != "destroyed"]
        inside = frozenset({*(pool.name for pool in index.pools_on(disk)), *idle})
        for name in names:
            spellings[name], pools[name] = names, inside
        datasets |= inside
    homes = {name: index.storage_dataset(one) for name, one in index.storages.items()}
    return Known(datasets=frozenset(datasets), spellings=spellings, pools=pools, homes=homes)


def bars(plan: Plan, policy: Policy, known: Known) -> dict[str, tuple[str, ...]]:
    """The destructive rows of a plan that the policy bars, by id, with all reasons."""
    rows = plan.destructive
    guarded = _Guarded(policy, known)
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        why = [f"the policy of this host protects {name}" for name in guarded.touched(row)]
        if row.evidence.unknown and not policy.unknown_evidence:
            why.append(
                "what it would cost is not known in full, and the policy of this host lets nobody "
                f"consent to that: {'; '.join(row.evidence.unknown)}"
            )
        lacking = lacks(row.action, plan.desired, policy.nets)
        why += [lacking] * bool(lacking)
        most = policy.most_destructive
        if most is not None and len(rows) > most:
            why.append(
                f"the plan has {len(rows)} destructive actions, and the policy of this host allows "
                f"{most} in one plan"
            )
        if why:
            found[row.id] = tuple(why)
    return found


def too_old(plan: Plan, policy: Policy, now: datetime) -> str:
    """Why a plan is older than the policy allows, empty where it is not. Raises DocumentError for a
    time that is none."""
    oldest = policy.oldest_plan
    taken_at = plan.state.taken_at
    try:
        seen = datetime.fromisoformat(taken_at)
    except ValueError as error:
        raise DocumentError(f"state.taken_at of the plan is no time: {error}") from error
    if oldest is None or now - seen <= oldest:
        return ""
    return (
        f"it was made of what was seen at {taken_at}, and the policy of this host lets a plan "
        f"be {policy.plan_age} old"
    )


def resting(rows: Sequence[Row], out: Mapping[str, str]) -> dict[str, str]:
    """All rows that do not run where those of `out` do not, by id, with the reason: the ones that
    are out, what rests on them, and what only prepares them."""
    found = dict(out)
    while True:
        more: dict[str, str] = {}
        for row in rows:
            if row.id in found:
                continue
            lacking = sorted(found.keys() & set(row.requires))
            if lacking:
                more[row.id] = f"rests on {', '.join(lacking)}"
            elif row.serves and all(one in found for one in row.serves):
                more[row.id] = f"only prepares {', '.join(row.serves)}"
        if not more:
            return found
        found |= more


class _Guarded:
    """The names that the patterns of a policy come to on one host."""

    def __init__(self, policy: Policy, known: Known) -> None:
        wanted = policy.protected
        self._known = known
        self._disk_patterns = wanted.disks
        self._storage_patterns = wanted.storages
        self._datasets = {name for name in known.datasets if _matches(name, wanted.datasets)}
        self._wanted = wanted

    def touched(self, row: Row) -> list[str]:
        """Protected names that a row touches."""
        action = row.action
        found = {one for name in _datasets(action) for one in self._related(name)}
        for disk in _disks(action):
            found |= self._disk(disk)
        if isinstance(action, DestroyPool):
            for name, pools in self._known.pools.items():
                if action.pool in pools and _matches(name, self._disk_patterns):
                    found.add(name)
        if action.ABOUT == "storage":
            if _matches(action.subject, self._storage_patterns):
                found.add(f"storage {action.subject}")
            home = self._known.homes.get(action.subject, "") or getattr(action, "dataset", "")
            if home:
                found |= {one for one in self._related(home) if _within(home, one)}
        return sorted(found)

    def _related(self, name: str) -> set[str]:
        """Protected datasets that are this one, above it or below it, and its pool."""
        found = {one for one in self._datasets if _within(one, name)}
        # Above it, a name that nobody has told of is as protected.
        pool, *parts = name.split("/")
        above = ["/".join((pool, *parts[:length])) for length in range(len(parts) + 1)]
        found |= {one for one in above if _matches(one, self._wanted.datasets)}
        return found | ({pool} if _matches(pool, self._wanted.pools) else set())

    def _disk(self, name: str) -> set[str]:
        """A disk that is protected by any of its names, or for the pools that it is in."""
        found = {one for one in self._known.disk(name) if _matches(one, self._disk_patterns)}
        for pool in self._known.pools.get(name, ()):
            found |= self._related(pool)
        return found


def _datasets(action: Action) -> Iterator[str]:
    """Pools and datasets that an action is about."""
    pool = pool_of(action)
    if action.ABOUT in ("pool", "dataset"):
        yield action.subject
    elif pool:
        yield pool
    if isinstance(action, DestroyPool):
        yield from action.datasets
    if isinstance(action, RenameDataset | RetireDataset):
        yield action.to
    if isinstance(action, RetireDataset):
        yield from action.below


def _disks(action: Action) -> Iterator[str]:
    """Disks that an action is about, as it spells them."""
    for name in (getattr(action, "disk", ""), getattr(action, "old_name", "")):
        if name.startswith("/"):
            yield name
    yield from getattr(action, "disks", ())
    yield from getattr(action, "released", ())


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(name, pattern)
        # A disk may be named by the last part of its path.
        or (name.startswith("/dev/") and fnmatch.fnmatchcase(name.rpartition("/")[2], pattern))
        for pattern in patterns
    )


def _within(name: str, above: str) -> bool:
    return name == above or name.startswith(f"{above}/")
