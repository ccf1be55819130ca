"""What there is to say about one row, before it takes the form of text or markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from phoenix_plan.actions import (
    CreatePool,
    DestroyDataset,
    DestroyPool,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    UpdateStorage,
    WipeDisk,
)
from phoenix_plan.model.layout import CLASSES, Layout
from phoenix_plan.model.properties import SIZES
from phoenix_plan.model.sizes import human, parse_size
from phoenix_plan.plan import Command, Plan, Row
from phoenix_plan.planner.items import Finding, Severity
from phoenix_plan.planner.order import Blocked


@attrs.frozen(kw_only=True)
class Value:
    """One value before and after, for people; empty where there is none."""

    name: str
    before: str
    after: str

    def line(self) -> str:
        """On one line: an arrow between two values, a value of one side alone without."""
        return " → ".join(value for value in (self.before, self.after) if value)


_LIMITS = frozenset({"quota", "refquota", "reservation", "refreservation"})


def exact(size: int) -> str:
    """A size for people that is exactly that size: bytes stand beside a rounded one."""
    short = human(size)
    return short if parse_size(short) == size else f"{short} ({size} bytes)"


def values(row: Row) -> tuple[Value, ...]:
    """What a row changes, value by value. What stands among its evidence or disks is left out."""
    match row.action:
        case WipeDisk():
            elsewhere = "contents"
        case DestroyDataset():
            elsewhere = "snapshots"
        case _:
            elsewhere = ""
    # Where a thing stays and changes, a value that is missing on one side says something.
    stays = isinstance(
        row.action, SetPoolProperties | SetDatasetProperties | UpdateStorage | SetArcMax
    )
    before, after = ("(not set)", "(taken out)") if stays else ("", "")
    return tuple(
        Value(
            name=name,
            before=_shown(row, name, row.before.get(name, "")) or before,
            after=_shown(row, name, row.after.get(name, "")) or after,
        )
        for name in dict.fromkeys((*row.before, *row.after))
        if name != elsewhere and not _is_disk(name)
    )


def disks(row: Row) -> tuple[tuple[str, ...], str]:
    """The disks of a pool, and a remark on what is left out of them, mostly empty. Those of a new
    pool of several vdevs are drawn as a tree.

    The disks of a pool that goes stand in the plan under every name they have: one of a kind will
    do for people.
    """
    if isinstance(row.action, CreatePool) and (drawn := tree(row.action.vdevs)):
        return drawn, ""
    found = [value for name, value in (*row.before.items(), *row.after.items()) if _is_disk(name)]
    if not isinstance(row.action, DestroyPool):
        return tuple(found), ""
    by_id = [disk for disk in found if disk.startswith("/dev/disk/by-id/")] or found
    more = len(found) - len(by_id)
    left_out = f"({more} other name{'s' * (more != 1)} of theirs in the plan's JSON)"
    return tuple(by_id), left_out if more else ""


def tree(layout: Layout) -> tuple[str, ...]:
    """What a pool is to be built of, drawn as `zpool status` draws it; empty for one that is a
    single vdev or a plain stripe, whose disks say it all."""
    normal = layout.get("normal", ())
    one = len(normal) == 1 or all(vdev.type == "disk" for vdev in normal)
    if one and not any(layout[name] for name in layout if name != "normal"):
        return ()
    lines: list[str] = []
    for name in CLASSES:
        vdevs = layout.get(name, ())
        deeper = "" if name == "normal" else "  "
        lines += [name] if deeper and vdevs else []
        for vdev in vdevs:
            lines += [] if vdev.type == "disk" else [f"{deeper}{vdev.type}"]
            inner = deeper if vdev.type == "disk" else f"{deeper}  "
            lines += [f"{inner}{disk}" for disk in vdev.disks]
    return tuple(lines)


def _is_disk(name: str) -> bool:
    return name.startswith("disk ") and name[5:].isdigit()


def _shown(row: Row, name: str, value: str) -> str:
    is_size = name in SIZES or isinstance(row.action, SetArcMax)
    if not value or not is_size or not value.isdigit():
        return value
    if value == "0" and name in _LIMITS:
        return "none"
    if value == "0" and isinstance(row.action, SetArcMax):
        return "0 (ZFS's own default)"
    return exact(int(value))


def why(row: Row) -> str:
    """The reason for a verdict. What it repeats of the contents, its evidence enumerates."""
    return row.reason.removesuffix(": " + "; ".join(row.evidence.contents))


@attrs.frozen(kw_only=True)
class Cost:
    """One kind of evidence: `names` are short and many, else each item is a line of its own."""

    label: str
    head: str
    items: tuple[str, ...]
    names: bool = False
    alarming: bool = False


def costs(row: Row) -> Iterator[Cost]:
    """What a row would cost, all of it, what weighs most first."""
    evidence = row.evidence
    gone = "put aside" if isinstance(row.action, RetireDataset) else "lost"
    if evidence.used is not None:
        yield Cost(label="data", head=f"{exact(evidence.used)} in use is lost", items=())
    for label, items, one, many in (
        ("datasets", evidence.datasets, f"dataset is {gone}", f"datasets are {gone}"),
        ("snapshots", evidence.snapshots, "snapshot is lost", "snapshots are lost"),
        ("clones", evidence.clones, "clone hangs on it", "clones hang on it"),
        ("holds", evidence.holds, "snapshot is held", "snapshots are held"),
    ):
        if items:
            yield Cost(label=label, head=_count(items, one, many), items=items, names=True)
    for label, items, one, many in (
        ("guests", evidence.guests, "guest entry refers to it", "guest entries refer to it"),
        ("jobs", evidence.jobs, "job or setting refers to it", "jobs or settings refer to it"),
        ("shares", evidence.shares, "share of it", "shares of it"),
        ("contents", evidence.contents, "thing on it", "things on it"),
        ("price", evidence.price, "thing that it costs", "things that it costs"),
    ):
        if items:
            yield Cost(label=label, head=_count(items, one, many), items=items)
    if evidence.unknown:
        head = "could not be found out, and is consented to as unknown"
        yield Cost(label="NOT KNOWN", head=head, items=evidence.unknown, alarming=True)


def _count(items: Sequence[str], one: str, many: str) -> str:
    return f"{len(items):,} {one if len(items) == 1 else many}"


def zeroed(command: Command) -> str:
    """What a zeroing command does, in one sentence."""
    total = sum(length for _, length in command.ranges)
    count = len(command.ranges)
    spans = ", ".join(f"{_span(length)} at {_span(offset)}" for offset, length in command.ranges)
    return f"{_span(total)} in {count} range{'s' * (count != 1)}: {spans}"


def _span(size: int) -> str:
    short = human(size)
    return short if size and parse_size(short) == size else str(size)


def after(turns: Sequence[int]) -> str:
    """Which steps have to be done before one, empty for one that waits for none."""
    if not turns:
        return ""
    return f"step{'s' * (len(turns) != 1)} {', '.join(str(turn) for turn in turns)}"


@attrs.frozen(kw_only=True)
class Said:
    """Findings that say the same of several subjects."""

    severity: Severity
    code: str
    message: str
    hint: str
    subjects: tuple[str, ...]
    stops: tuple[str, ...]


def findings(plan: Plan, severity: Severity) -> tuple[Said, ...]:
    """Findings of one severity, those that say the same together, with the ids that each stops."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in plan.findings:
        if finding.severity == severity:
            key = (finding.code, finding.message, finding.hint)
            groups.setdefault(key, []).append(finding)
    stopped: dict[tuple[str, str], list[str]] = {}
    for blocked in plan.blocked:
        for because in blocked.because:
            stopped.setdefault((str(blocked.subject), because), []).append(blocked.id)
    return tuple(
        Said(
            severity=severity,
            code=code,
            message=message,
            hint=hint,
            subjects=tuple(str(finding.subject) for finding in group),
            stops=tuple(
                dict.fromkeys(
                    identifier
                    for finding in group
                    for identifier in stopped.get((str(finding.subject), message), ())
                )
            )
            if severity == "error"
            else (),
        )
        for (code, message, hint), group in groups.items()
    )


def blocked_groups(plan: Plan) -> tuple[tuple[tuple[str, ...], tuple[Blocked, ...]], ...]:
    """Blocked actions by why, in the order of the plan."""
    groups: dict[tuple[str, ...], list[Blocked]] = {}
    for blocked in plan.blocked:
        groups.setdefault(blocked.because, []).append(blocked)
    return tuple((because, tuple(group)) for because, group in groups.items())


def is_no_change(plan: Plan) -> bool:
    """Whether there is nothing to do, and nothing that stands in the way of saying so."""
    return not (plan.actions or plan.blocked or plan.errors)


def counts(plan: Plan) -> str:
    """The whole plan in one line."""
    unmanaged = plan.unmanaged
    left = len(unmanaged.pools) + len(unmanaged.datasets) + len(unmanaged.storages)
    errors = len(plan.errors)
    said = [f"{len(plan.safe)} safe", f"{len(plan.destructive)} destructive"]
    if errors:
        said.append(f"{errors} error{'s' * (errors != 1)}")
    if plan.blocked:
        said.append(f"{len(plan.blocked)} not planned")
    return f"Plan: {', '.join(said)}; {len(plan.unchanged)} as configured, {left} unmanaged."
