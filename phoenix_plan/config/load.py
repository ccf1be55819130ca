"""From a config file to what it declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import attrs

from phoenix_plan.config.datasets import build_datasets
from phoenix_plan.config.faults import Faults, Remark
from phoenix_plan.config.pools import build_pools
from phoenix_plan.config.removals import build_removals
from phoenix_plan.config.source import Source
from phoenix_plan.config.storages import build_storages
from phoenix_plan.documents import Document, Fault, path_text, printable, read_document
from phoenix_plan.errors import UsageError
from phoenix_plan.model.actual import Interests
from phoenix_plan.model.desired import Desired, Nets, Notice
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.model.storage_types import SECRETS
from phoenix_plan.model.times import parse_duration
from phoenix_plan.schema_check import check

MAX_CONFIG_BYTES = 64 << 20
"""The largest config that is read: some 100,000 datasets."""

_LEAST_ARC = 64 << 20
"""zfs(4): zfs_arc_max below 64 MiB is ignored."""


@attrs.frozen(kw_only=True)
class LoadedConfig:
    """A config that is valid as far as a file can be: `desired` is what it declares.

    `interests` is what a refresh has to look at more closely for it. `digest` is the SHA-256 of
    the file's bytes, `path` what it was read from (`-` is stdin).
    """

    desired: Desired
    interests: Interests
    digest: str
    path: str


def load_config(path: str, *, stdin: BinaryIO | None = None) -> LoadedConfig:
    """Read a config and check all that can be checked without a host.

    `-` reads `stdin`. Raises DocumentError with every problem of the file, each with its line;
    an empty or missing file, and one that declares nothing, are errors too (I13).
    """
    document = read_document(path, what="config", stdin=stdin, limit=MAX_CONFIG_BYTES)
    desired = desired_of(document)
    return LoadedConfig(
        desired=desired, interests=_interests(desired), digest=document.digest, path=path
    )


def desired_of(document: Document) -> Desired:
    """What a config declares. Raises DocumentError with every problem of it."""
    by_schema = tuple(_without_secrets(check(document, "config")))
    faults = Faults(by_schema)
    remarks: list[Remark] = []
    source = Source(document.value, by_schema)
    pools = build_pools(source, faults, remarks)
    datasets = build_datasets(source, faults, remarks)
    storages = build_storages(source, datasets, faults, remarks)
    removed = build_removals(source, pools, datasets, storages, faults)
    arc_max = _arc_max(source, faults)
    nets = _nets(source, faults)
    anything = pools or datasets or storages or attrs.astuple(removed, recurse=False) != ((),) * 3
    if not faults and not anything and arc_max is None:
        faults.add(
            ("zfs",),
            "declares nothing",
            hint="an empty config is never taken for one that wants nothing; "
            "what shall be gone is declared in zfs.removed",
        )
    if faults:
        document.refuse(faults, what="config")
    remarks += _idle_keys(source)
    return Desired(
        digest=document.digest,
        pools=tuple(one.pool for one in pools),
        datasets=tuple(one.dataset for one in datasets),
        storages=tuple(one.storage for one in storages),
        removed=removed,
        arc_max=arc_max,
        allow_destructive=source.get("zfs", "settings", "allow_destructive_operations"),
        nets=nets,
        notices=_notices(document, remarks),
    )


def _without_secrets(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The schema's faults; where the unknown key is a secret, that is what is said."""
    for fault in faults:
        if fault.path[:2] == ("proxmox", "storages") and SECRETS.intersection(fault.path[3:4]):
            yield Fault(
                path=fault.path,
                rule="is a secret, and no config, plan or log holds one",
                hint="Proxmox VE keeps it in /etc/pve/priv: give it to pvesm on the host, and "
                "change it if this file was ever shared",
            )
        else:
            yield fault


def _arc_max(source: Source, faults: Faults) -> Bytes | None:
    """zfs_arc_max in bytes, None where the config is silent."""
    gigabytes, in_bytes = source.get("zfs", "arc_max_gb"), source.get("zfs", "arc_max")
    if gigabytes is not None and in_bytes is not None:
        faults.add(("zfs", "arc_max"), "is declared twice, as arc_max_gb too", value=in_bytes)
    if gigabytes is None and in_bytes is None:
        return None
    key, raw = ("arc_max", in_bytes) if gigabytes is None else ("arc_max_gb", gigabytes)
    size = int(raw) if gigabytes is None else int(raw * (1 << 30))
    if 0 < size < _LEAST_ARC:
        hint = "0 is ZFS's own default"
        faults.add(("zfs", key), "is less than 64 MiB, which ZFS ignores", hint=hint, value=raw)
    return Bytes(size)


def _nets(source: Source, faults: Faults) -> Nets:
    """What is to be kept as a way back."""
    at = ("zfs", "settings", "nets")
    keep = source.get(*at, "retire")
    try:
        if isinstance(keep, str):
            parse_duration(keep)
    except UsageError as error:
        faults.add((*at, "retire"), error.message, hint=error.hint, value=keep)
    return Nets(
        snapshot=source.get(*at, "snapshot") is True,
        checkpoint=source.get(*at, "checkpoint") is True,
        retire=keep if isinstance(keep, str) else "",
    )


def _idle_keys(source: Source) -> Iterator[Remark]:
    """Keys of older configs that do nothing."""
    classes = [one.path for one in source.entries("zfs", "datasets") if "storage_class" in one.raw]
    if classes:
        one = "1 dataset has" if len(classes) == 1 else f"{len(classes)} datasets have"
        yield Remark(
            code="storage-class-ignored",
            path=(*classes[0], "storage_class"),
            message=f"{one} a storage_class, which does nothing",
        )
    if source.get("mount_point_base") is not None:
        yield Remark(
            code="mount-point-base-ignored",
            path=("mount_point_base",),
            message="mount_point_base does nothing: a dataset is mounted where ZFS says",
        )


def _notices(document: Document, remarks: Sequence[Remark]) -> tuple[Notice, ...]:
    """Remarks with their lines, in the order of the file."""
    if not remarks:
        return ()
    lines = document.lines(remark.path for remark in remarks)
    return tuple(
        Notice(
            code=remark.code,
            path=path_text(remark.path),
            line=lines[remark.path],
            message=printable(remark.message),
        )
        for remark in sorted(remarks, key=lambda one: (lines[one.path], one.code, str(one.path)))
    )


def _interests(desired: Desired) -> Interests:
    """The declared disks, and the filesystems whose mountpoints matter."""
    disks = dict.fromkeys(disk for pool in desired.pools for disk in pool.disks)
    return Interests(disks=tuple(disks), mountpoints=desired.mountpoints)
