"""A state as text: what a refresh saw, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from phoenix_plan.model.actual import Actual
from phoenix_plan.model.disks import Disk
from phoenix_plan.model.pools import Vdev
from phoenix_plan.model.sizes import human
from phoenix_plan.render.layout import columns, field, names, padded, room, sentence
from phoenix_plan.render.style import Style, Tone
from phoenix_plan.render.text import SHORT_DIGEST, shortened
from phoenix_plan.render.visible import visible

_BY_ID = "/dev/disk/by-id/"
_TOP = 10
"""So many of the largest datasets are shown, and of the references, unless all is asked for."""

_CLASSES = {
    "normal": "",
    "log": "logs",
    "cache": "cache",
    "spare": "spares",
    "special": "special",
    "dedup": "dedup",
}


def state_text(actual: Actual, style: Style, *, next_step: str = "") -> str:
    """The whole state. `next_step` is the command to run next, empty where there is none."""
    parts = [part for part in _parts(actual, style) if part]
    if next_step:
        parts.append([f"Next: {next_step}"])
    return "\n".join("\n".join(part) + "\n" for part in parts)


def _parts(actual: Actual, style: Style) -> Iterator[list[str]]:
    yield list(_host(actual, style))
    yield list(_unknown(actual, style))
    yield list(_disks(actual.disks, style))
    yield list(_pools(actual, style))
    yield list(_idle(actual, style))
    yield list(_datasets(actual, style))
    yield list(_storages(actual, style))
    yield list(_references(actual, style))


def summary(actual: Actual) -> str:
    """A state in one line."""
    said = (
        _many(len(actual.disks), "disk"),
        _many(len(actual.pools), "pool"),
        _many(len(actual.datasets), "dataset"),
        _many(len(actual.storages.storages), "storage"),
        _many(len(actual.references), "reference"),
    )
    unknown = f"; {len(actual.unknown)} could not be learnt" if actual.unknown else ""
    return f"State of {visible(actual.host.hostname)}: {', '.join(said)}{unknown}."


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _title(style: Style, text: str) -> str:
    return style.paint(text, "strong")


def _host(actual: Actual, style: Style) -> Iterator[str]:
    host = actual.host
    yield _title(style, f"State of {visible(host.hostname)}")
    seen = f"{actual.taken_at} (state {actual.id[:SHORT_DIGEST]})"
    quorum = {True: ", quorate", False: ", WITHOUT QUORUM", None: ""}[host.quorate]
    pmxcfs = "" if host.pmxcfs else ", /etc/pve NOT MOUNTED"
    for label, text in (
        ("host", f"machine {host.machine[:SHORT_DIGEST]}, host id {host.hostid}"),
        ("seen", seen),
        ("ZFS", f"{host.zfs} (kernel module {host.zfs_kernel})"),
        ("Proxmox", f"{host.pve}, node {host.node}{quorum}{pmxcfs}" if host.pve else "none"),
        ("boots from", f"pool {', '.join(host.boot_pools)}" if host.boot_pools else "no pool"),
        ("ARC max", human(actual.arc_max.live) if actual.arc_max.live else "ZFS's default"),
    ):
        yield from field(style, label, sentence(text, room(style, 2)), indent=2)


def _unknown(actual: Actual, style: Style) -> Iterator[str]:
    if not actual.unknown:
        return
    yield style.paint("COULD NOT BE LEARNT: whatever rests on it is refused", "alarm")
    for unknown in actual.unknown:
        yield from field(
            style,
            visible(unknown.source),
            sentence(unknown.message, room(style, 2)),
            indent=2,
            tone="bad",
        )


def _disks(disks: Sequence[Disk], style: Style) -> Iterator[str]:
    yield _title(style, f"Disks: {len(disks)} (names without a / stand in {_BY_ID})")
    rows = [("name", "size", "empty?", "identity", "used by")]
    rows += [
        (
            disk.name.removeprefix(_BY_ID),
            human(disk.size),
            disk.emptiness,
            _identity(disk),
            _used_by(disk),
        )
        for disk in disks
    ]
    yield from _table([tuple(visible(cell) for cell in row) for row in rows], style)
    if any(disk.emptiness == "unread" for disk in disks):
        said = "unread: nothing known is on it. Only disks that a config names are read across."
        yield from (f"  {line}" for line in sentence(said, style.width - 2))


def _identity(disk: Disk) -> str:
    if disk.identity is None:
        return "NONE"
    unit = f"/{disk.identity.unit}" if disk.identity.unit else ""
    return f"{disk.identity.kind}:{disk.identity.value}{unit}"


def _used_by(disk: Disk) -> str:
    said = [*(user.detail for user in disk.users)]
    said += [f"held by {holder}" for holder in disk.holders if not disk.users]
    said += ["read-only"] * disk.read_only
    said += [f"UNKNOWN: {why}" for why in disk.unknown]
    return "; ".join(said) or "-"


def _table(rows: Sequence[Sequence[str]], style: Style) -> Iterator[str]:
    """Columns side by side, the last one broken into lines or, in a narrow one, below."""
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    left = style.width - sum(widths) - 2 * len(widths) - 2
    for number, row in enumerate(rows):
        head = "  " + "".join(f"{padded(cell, w)}  " for cell, w in zip(row, widths, strict=False))
        if left >= 24:
            first, *rest = sentence(row[-1], left) or [""]
            lines = [head + first, *(" " * columns(head) + line for line in rest)]
        else:
            below = [] if row[-1] in ("-", "used by") else sentence(row[-1], style.width - 6)
            lines = [head.rstrip(), *(f"      {line}" for line in below)]
        for line in lines:
            yield style.paint(line, "dim") if number == 0 else line


def _pools(actual: Actual, style: Style) -> Iterator[str]:
    yield _title(style, f"Pools: {len(actual.pools)}")
    for pool in actual.pools:
        tone: Tone = "good" if pool.state == "ONLINE" else "bad"
        yield (
            f"  {visible(pool.name)}  {style.paint(visible(pool.state), tone)}  "
            f"{human(pool.allocated)} of {human(pool.size)} used, GUID {visible(pool.guid)}"
        )
        said = [f"{activity.kind} {activity.state}" for activity in pool.activities]
        said += ["has a checkpoint"] * pool.checkpoint
        said += [pool.errors] * bool(pool.errors)
        yield from (f"    {line}" for line in sentence("; ".join(said), style.width - 4))
        yield from _trees(pool.vdevs, style, 4)


def _trees(vdevs: Sequence[Vdev], style: Style, indent: int) -> Iterator[str]:
    before = ""
    for vdev in vdevs:
        heading = _CLASSES[vdev.vdev_class]
        if heading != before and heading:
            yield " " * indent + style.paint(heading, "dim")
        before = heading
        yield from _tree(vdev, style, indent + 2 * bool(heading))


def _tree(vdev: Vdev, style: Style, indent: int) -> Iterator[str]:
    good = vdev.state in ("ONLINE", "AVAIL", "INUSE")
    name = visible(vdev.path or vdev.name)
    was = f" (was {visible(vdev.was)})" if vdev.was else ""
    note = f" {visible(vdev.note)}" if vdev.note else ""
    state = style.paint(visible(vdev.state), "plain" if good else "bad")
    yield f"{padded(' ' * indent + name, 48)}  {state}{was}{note}"
    for child in vdev.children:
        yield from _tree(child, style, indent + 2)


def _idle(actual: Actual, style: Style) -> Iterator[str]:
    if not actual.idle_pools:
        return
    yield _title(style, f"Pools that are not imported: {len(actual.idle_pools)}")
    for pool in actual.idle_pools:
        whole = "whole" if pool.complete else "INCOMPLETE"
        owner = f", last used by {pool.hostname or 'host'} ({pool.hostid})" if pool.hostid else ""
        text = f"{pool.name}  {pool.state}, {whole}, GUID {pool.guid}{owner}"
        yield from (f"  {line}" for line in sentence(text, style.width - 2))
        yield from _trees(pool.vdevs, style, 4)


def _datasets(actual: Actual, style: Style) -> Iterator[str]:
    datasets = actual.datasets
    if not datasets:
        return
    kinds = Counter(dataset.type for dataset in datasets)
    snapshots = sum(len(dataset.snapshots) for dataset in datasets)
    said = ", ".join(_many(count, visible(kind)) for kind, count in sorted(kinds.items()))
    yield _title(style, f"Datasets: {said}, {_many(snapshots, 'snapshot')}")
    largest = sorted(datasets, key=lambda dataset: (-dataset.used, dataset.name))
    shown = datasets if style.everything else largest[:_TOP]
    rows = [("name", "used", "mounts on")]
    rows += [
        (visible(dataset.name), human(dataset.used), visible(dataset.mountpoint) or "-")
        for dataset in shown
    ]
    yield from _table(rows, style)
    if len(shown) < len(datasets):
        more = len(datasets) - len(shown)
        yield f"  and {more:,} more, smaller ones (--verbose lists them)"


def _storages(actual: Actual, style: Style) -> Iterator[str]:
    storages = actual.storages.storages
    if not storages and not actual.host.pve:
        return
    yield _title(style, f"Storages: {len(storages)}")
    rows = [("id", "type", "settings")]
    rows += [
        (
            visible(storage.id),
            visible(storage.type),
            visible(", ".join(f"{key}={value}" for key, value in storage.properties.items())),
        )
        for storage in storages
    ]
    yield from _table(rows, style)


def _references(actual: Actual, style: Style) -> Iterator[str]:
    if not actual.references:
        return
    owners = Counter(reference.owner for reference in actual.references)
    yield _title(style, f"Who refers to storages and disks: {len(owners)}")
    shown, more = shortened([f"{owner} ({count})" for owner, count in owners.items()], style)
    yield from (f"  {line}" for line in names([*shown, *more], style.width - 2))
