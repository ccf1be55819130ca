"""Proxmox storages: those of datasets, and `proxmox.storages`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from phoenix_plan.config.datasets import PlacedDataset
from phoenix_plan.config.faults import Faults, Remark
from phoenix_plan.config.names import path_fault, storage_id_fault
from phoenix_plan.config.source import Entry, Source
from phoenix_plan.documents import path_text
from phoenix_plan.model.desired import DesiredStorage
from phoenix_plan.model.storage_types import (
    BOOLEANS,
    CONTENT_TYPES,
    SECRETS,
    STORAGE_TYPES,
    is_secret,
)
from phoenix_plan.places import Path
from phoenix_plan.schema_check import nearest

_OURS = frozenset({"id", "type", "protected", "ignore"})
_PATHS = frozenset({"path", "mountpoint"})
_NODE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


@attrs.frozen(kw_only=True)
class PlacedStorage:
    """A storage with its place."""

    storage: DesiredStorage
    path: Path


def build_storages(
    source: Source, datasets: Sequence[PlacedDataset], faults: Faults, remarks: list[Remark]
) -> tuple[PlacedStorage, ...]:
    """The declared storages, those of datasets first; what is wrong is recorded."""
    ids = dict(source.texts("proxmox_storage_ids"))
    built = [storage for storage in (_of_dataset(one, ids, faults) for one in datasets) if storage]
    built += [_explicit(entry, faults) for entry in source.entries("proxmox", "storages")]
    first: dict[str, PlacedStorage] = {}
    for placed in built:
        name = placed.storage.id
        if name in first:
            faults.add(
                placed.path,
                f"two storages are called {name}: this one, and {path_text(first[name].path)}",
                hint="ids are unique across types; give one of them another id",
            )
        first.setdefault(name, placed)
    _remark_on_unused_ids(ids, datasets, remarks)
    _remark_on_mountpoints(built, remarks)
    return tuple(built)


def id_key(pool: str, dataset: str) -> str:
    """The key under which `proxmox_storage_ids` holds the id of a dataset's storage."""
    return f"{pool}_{dataset.replace('-', '_')}"


def derived_id(pool: str, dataset: str) -> str:
    """The id of a dataset's storage where `proxmox_storage_ids` has none."""
    return f"{pool}-{dataset}".replace("/", "-")


def _of_dataset(
    placed: PlacedDataset, ids: Mapping[str, str], faults: Faults
) -> PlacedStorage | None:
    """The storage that a dataset asks to be registered as, if it does."""
    raw, path, dataset = placed.raw, placed.path, placed.dataset
    kind = raw.get("proxmox_storage_type")
    content = raw.get("proxmox_content_type")
    if kind is None:
        if content is not None:
            rule = "says what a storage holds, but the dataset has no proxmox_storage_type"
            faults.add((*path, "proxmox_content_type"), rule, value=content)
        return None
    place: Path = (*path, "proxmox_storage_type")
    if dataset.type == "volume":
        faults.add(place, "a volume is no storage: only filesystems are", value=kind)
    properties: dict[str, str] = {}
    if kind == "zfspool":
        properties["pool"] = dataset.name
    else:
        mountpoint = dataset.properties.get("mountpoint", "")
        if mountpoint in ("none", "legacy") or dataset.properties.get("canmount") == "off":
            faults.add(place, "a dir storage needs a dataset that is mounted", value=kind)
        elif mountpoint:
            properties["path"] = mountpoint
    if content is not None:
        where: Path = (*path, "proxmox_content_type")
        properties["content"] = _content(kind, content, where, faults)
    name = _id(placed, ids, faults)
    return PlacedStorage(
        storage=DesiredStorage(
            id=name,
            type=kind,
            properties=properties,
            dataset=dataset.name if kind == "dir" else "",
            protected=dataset.protected,
        ),
        path=path,
    )


def _id(placed: PlacedDataset, ids: Mapping[str, str], faults: Faults) -> str:
    pool, name = placed.raw["pool"], placed.raw["name"]
    key = id_key(pool, name)
    if key in ids:
        if rule := storage_id_fault(ids[key]):
            faults.add(("proxmox_storage_ids", key), rule, value=ids[key])
        return ids[key]
    derived = derived_id(pool, name)
    if rule := storage_id_fault(derived):
        faults.add(
            (*placed.path, "name"),
            f"the storage would be called {derived!r}, but {rule}",
            hint=f'give it an id: "proxmox_storage_ids": {{"{key}": "…"}}',
            value=name,
        )
    return derived


_KEEP_IT = "keep it in a credentials file on the host, and change it if this file was ever shared"


def _explicit(entry: Entry, faults: Faults) -> PlacedStorage:
    raw, path = entry.raw, entry.path
    kind: str = raw["type"]
    if rule := storage_id_fault(raw["id"]):
        faults.add((*path, "id"), rule, value=raw["id"])
    known = (STORAGE_TYPES[kind].fixed | STORAGE_TYPES[kind].changeable) - SECRETS
    properties: dict[str, str] = {}
    for key, value in raw.items():
        if key in _OURS:
            continue
        place: Path = (*path, key)
        if key not in known:
            faults.add(
                place, f"is no key of type {kind}", hint=f"known: {', '.join(sorted(known))}"
            )
            continue
        properties[key] = _text(key, value)
        if is_secret(key, properties[key]):
            faults.add(place, "holds a secret, and no config, plan or log holds one", hint=_KEEP_IT)
            continue
        if key == "content":
            properties[key] = _content(kind, value, place, faults)
        elif rule := _value_rule(key, properties[key]):
            # Mount options may hold credentials: they are not shown.
            faults.add(place, rule, **({} if key == "options" else {"value": value}))
    for key in sorted(STORAGE_TYPES[kind].required):
        if key not in raw:
            faults.add((*path, key), f"is missing: type {kind} needs it")
    _check_ignored(raw.get("ignore", ()), known, path, faults)
    return PlacedStorage(
        storage=DesiredStorage(
            id=raw["id"],
            type=kind,
            properties=properties,
            protected=raw.get("protected", False),
            ignore=tuple(raw.get("ignore", ())),
        ),
        path=path,
    )


def _check_ignored(names: Iterable[str], known: frozenset[str], path: Path, faults: Faults) -> None:
    for index, name in enumerate(names):
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close}?" if close else ""
            rule = "is no key of such a storage"
            faults.add((*path, "ignore", index), rule, hint=hint, value=name)


def _text(key: str, value: Any) -> str:
    """A value as storage.cfg holds it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):  # 1.0 is an integer by the schema
        return str(int(value))
    if isinstance(value, str) and key == "nodes":
        return ",".join(word.strip() for word in value.split(","))
    return str(value)


def _value_rule(key: str, value: str) -> str:
    """What keeps a value out of storage.cfg, or from meaning what it says."""
    if key in BOOLEANS:
        return ""
    if not value.strip() or value != value.strip():
        return "must neither be empty nor begin or end with a space"
    if not value.isprintable():
        return "must be one line of printable characters"
    if key in _PATHS and value != "none":
        return path_fault(value)
    if key == "is_mountpoint":
        words = value in ("0", "1", "yes", "no", "on", "off", "true", "false")
        return "" if words else path_fault(value)
    if key == "nodes" and not all(map(_NODE.fullmatch, value.split(","))):
        return "must be names of nodes, separated by commas"
    if key == "options" and re.search(r"(^|,)\s*(pass|password|password2|cred)\s*=", value):
        return "must hold no password: no secret ever stands in a config"
    return ""


def _content(kind: str, raw: str, path: Path, faults: Faults) -> str:
    """A comma list of content, in the config's order."""
    words = [word.strip() for word in raw.split(",")]
    held = STORAGE_TYPES[kind].content
    for index, word in enumerate(words):
        if word not in CONTENT_TYPES:
            close = nearest(word, held)
            hint = (
                f"did you mean {close}?" if close else f"known: {', '.join(sorted(CONTENT_TYPES))}"
            )
            faults.add(path, f"{word!r} is no kind of content", hint=hint, value=raw)
        elif word not in held:
            hint = f"it can hold {', '.join(sorted(held))}"
            faults.add(path, f"type {kind} can't hold {word}", hint=hint, value=raw)
        elif word in words[:index]:
            faults.add(path, f"{word} stands here twice", value=raw)
    if "none" in words and len(words) > 1:
        faults.add(path, "none stands alone, or not at all", value=raw)
    return ",".join(words)


def _remark_on_unused_ids(
    ids: Mapping[str, str], datasets: Sequence[PlacedDataset], remarks: list[Remark]
) -> None:
    """A key that names no storage is a typing error in waiting: the nearest one is named."""
    used = {
        id_key(one.raw["pool"], one.raw["name"])
        for one in datasets
        if "proxmox_storage_type" in one.raw
    }
    for key in ids:
        if key not in used:
            close = nearest(key, used - ids.keys())
            asked = f"; did you mean {close}?" if close else ""
            remarks.append(
                Remark(
                    code="storage-id-unused",
                    path=("proxmox_storage_ids", key),
                    message=f"no dataset with a storage goes by the key {key}, "
                    f"so the id {ids[key]} is used by none{asked}",
                )
            )


def _remark_on_mountpoints(built: Sequence[PlacedStorage], remarks: list[Remark]) -> None:
    """Folders that PVE would fill on the root filesystem while their dataset is not mounted."""
    bare = [
        placed
        for placed in built
        if placed.storage.dataset and "is_mountpoint" not in placed.storage.properties
    ]
    if bare:
        names = ", ".join(placed.storage.id for placed in bare[:5])
        more = f" and {len(bare) - 5} more" if len(bare) > 5 else ""
        remarks.append(
            Remark(
                code="dir-without-is-mountpoint",
                path=(*bare[0].path, "proxmox_storage_type"),
                message=f"{names}{more}: nothing tells Proxmox VE that the folder is a mountpoint, "
                "so it would write to the root filesystem while the dataset is not mounted",
            )
        )
