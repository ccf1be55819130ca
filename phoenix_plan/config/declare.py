"""A desired state written down as a config: what can't be written so was never read from one.

A plan's file brings its desired state along, and a file can be edited. Every rule of the config
(names, disks, values, what goes together, no secret) holds for it all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any

import attrs

from phoenix_plan.config.load import desired_of
from phoenix_plan.config.storages import derived_id, id_key
from phoenix_plan.documents import parse_document
from phoenix_plan.model.desired import Desired, DesiredDataset, DesiredPool, DesiredStorage, Nets
from phoenix_plan.model.layout import DesiredVdev
from phoenix_plan.schema_check import load_schema

_Json = dict[str, Any]


def is_declarable(desired: Desired) -> bool:
    """Whether a config that says just this is read as just this, but for its digest and notices.

    Raises DocumentError with every rule of the config that it breaks.
    """
    data = json.dumps(as_config(desired), ensure_ascii=False).encode(errors="surrogatepass")
    again = desired_of(parse_document(data, name="desired", what="config"))
    return _comparable(again) == _comparable(desired)


def _comparable(desired: Desired) -> Desired:
    """Storages of datasets stand before others in what was read, and need not in a config."""
    storages = tuple(sorted(desired.storages, key=attrgetter("id")))
    return attrs.evolve(desired, digest="", notices=(), storages=storages)


def as_config(desired: Desired) -> _Json:
    """The config, as JSON values, that declares a desired state."""
    of_datasets = {one.dataset: one for one in desired.storages if one.dataset}
    removed = desired.removed
    zfs: _Json = {
        "pools": [_pool(one) for one in desired.pools],
        "datasets": [_dataset(one, of_datasets.get(one.name)) for one in desired.datasets],
        "removed": {
            "pools": [attrs.asdict(one) for one in removed.pools],
            "datasets": [attrs.asdict(one) for one in removed.datasets],
            "storages": list(removed.storages),
        },
    }
    if desired.arc_max is not None:
        zfs["arc_max"] = desired.arc_max
    settings: _Json = {}
    if desired.allow_destructive is not None:
        settings["allow_destructive_operations"] = desired.allow_destructive
    if desired.nets != Nets():
        nets = attrs.asdict(desired.nets)
        settings["nets"] = {name: value for name, value in nets.items() if value}
    if settings:
        zfs["settings"] = settings
    explicit = (one for one in desired.storages if not one.dataset)
    return {
        "zfs": zfs,
        "proxmox": {"storages": [_storage(one) for one in explicit]},
        "proxmox_storage_ids": dict(_ids(desired.datasets, of_datasets)),
    }


def _pool(pool: DesiredPool) -> _Json:
    found: _Json = {
        "name": pool.name,
        "properties": {**pool.properties, **pool.filesystem},
        "protected": pool.protected,
        "ignore": list(pool.ignore),
    }
    for name, vdevs in pool.vdevs.items():
        if name in ("cache", "spare"):
            found[name] = [disk for vdev in vdevs for disk in vdev.disks]
        else:
            found["vdevs" if name == "normal" else name] = [_vdev(vdev) for vdev in vdevs]
    if pool.ashift is not None:
        found["ashift"] = pool.ashift
    if pool.offline:
        found["offline"] = list(pool.offline)
    if pool.checkpoint is not None:
        found["checkpoint"] = pool.checkpoint
    return found


def _vdev(vdev: DesiredVdev) -> _Json:
    kind = "stripe" if vdev.type == "disk" else vdev.type
    return {"type": kind, "disks": list(vdev.disks)}


def _dataset(dataset: DesiredDataset, storage: DesiredStorage | None) -> _Json:
    pool, _, name = dataset.name.partition("/")
    found: _Json = {
        "pool": pool,
        "name": name,
        "type": dataset.type,
        "properties": dict(dataset.properties),
        "protected": dataset.protected,
        "ignore": list(dataset.ignore),
    }
    if dataset.volsize is not None:
        found["volsize"] = dataset.volsize
    if dataset.renamed_from:
        found["renamed_from"] = dataset.renamed_from
    if storage is not None:
        found["proxmox_storage_type"] = storage.type
        if "content" in storage.properties:
            found["proxmox_content_type"] = storage.properties["content"]
    return found


def _ids(
    datasets: Iterable[DesiredDataset], storages: Mapping[str, DesiredStorage]
) -> Iterable[tuple[str, str]]:
    for dataset in datasets:
        pool, _, name = dataset.name.partition("/")
        storage = storages.get(dataset.name)
        if storage is not None and storage.id != derived_id(pool, name):
            yield id_key(pool, name), storage.id


def _storage(storage: DesiredStorage) -> _Json:
    properties = {key: _value(key, text) for key, text in storage.properties.items()}
    return {
        **properties,
        "id": storage.id,
        "type": storage.type,
        "protected": storage.protected,
        "ignore": list(storage.ignore),
    }


def _value(key: str, text: str) -> str | int:
    """A value as a config has it: a number where the schema wants one."""
    kinds = _storage_keys().get(key, {}).get("type", "string")
    numeric = "integer" in kinds and re.fullmatch("-?[0-9]{1,9}", text)
    return int(text) if numeric else text


@cache
def _storage_keys() -> _Json:
    schema = load_schema("config")
    found: _Json = schema["$defs"]["storage"]["properties"]
    return found
