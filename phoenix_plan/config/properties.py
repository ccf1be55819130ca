"""Declared properties: read from either spelling, then held against what ZFS knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs

from phoenix_plan.config.faults import Faults
from phoenix_plan.config.property_values import pool_value_fault, value_fault
from phoenix_plan.model.datasets import KEPT_UNTIL, RETIRED_FROM
from phoenix_plan.model.properties import (
    FILESYSTEM_ONLY,
    POOL_READ_ONLY,
    POOL_SETTABLE,
    READ_ONLY,
    SETTABLE,
    VOLUME_ONLY,
    is_user_property,
)
from phoenix_plan.places import Path
from phoenix_plan.schema_check import nearest

NEWER = frozenset({"direct", "longname", "prefetch", "volthreading"})
"""Dataset properties that only some versions have: they may be declared, ZFS answers."""

_OF_DATASETS = frozenset(SETTABLE) | NEWER
_USER_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789:-._")

Owner = Literal["pool", "filesystem", "volume"]

_OWN_KEYS: Mapping[str, Owner] = {"ashift": "pool", "volsize": "volume"}
"""Properties that the config has a key for, and whose."""


@attrs.frozen(kw_only=True)
class Declared:
    """A property as the config has it, with the place of its value."""

    name: str
    value: str
    path: Path
    prefix: str

    def fault(self, faults: Faults, rule: str, *, hint: str = "") -> None:
        """Record what is wrong with it."""
        faults.add(self.path, self.prefix + rule, hint=hint, value=self.value)


def read_properties(raw: object, path: Path, faults: Faults) -> tuple[Declared, ...]:
    """Properties from an object, or from a string `name=value,name=value`, by name once each."""
    found: dict[str, Declared] = {}
    for declared in _spelled(raw, path, faults):
        if declared.name in found:
            faults.add(path, f"{declared.name} stands here twice", value=raw)
        found[declared.name] = declared
    return tuple(found.values())


def _spelled(raw: object, path: Path, faults: Faults) -> Iterator[Declared]:
    if isinstance(raw, Mapping):
        for name, value in raw.items():
            # 2.0 is an integer by the schema.
            text = str(int(value)) if isinstance(value, float) else str(value)
            yield Declared(name=name, value=text, path=(*path, name), prefix="")
        return
    if not isinstance(raw, str) or not raw.strip():
        return
    for part in raw.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not name:
            faults.add(
                path,
                f"'{part.strip()}' is no name=value",
                hint="write properties whose values hold commas as an object",
                value=raw,
            )
            continue
        yield Declared(name=name, value=value, path=path, prefix=f"{name}: ")


def check_properties(
    declared: Sequence[Declared], owner: Owner, faults: Faults
) -> tuple[dict[str, str], dict[str, str]]:
    """(pool properties, dataset properties) of what an owner declares; faults are recorded."""
    of_pool: dict[str, str] = {}
    of_dataset: dict[str, str] = {}
    for item in declared:
        rule, hint = name_fault(item.name, owner)
        if rule:
            item.fault(faults, rule, hint=hint)
            continue
        if owner == "pool" and item.name in POOL_SETTABLE:
            rule = pool_value_fault(item.name, item.value)
            of_pool[item.name] = item.value
        else:
            rule = value_fault(item.name, item.value)
            if not rule and item.name == "refreservation" and item.value == "auto":
                rule = "" if owner == "volume" else "auto is for volumes only"
            of_dataset[item.name] = item.value
        if rule:
            item.fault(faults, rule)
    return of_pool, of_dataset


def check_ignored(raw: Sequence[str], owner: Owner, path: Path, faults: Faults) -> tuple[str, ...]:
    """The names of properties that are left alone: known ones, each once."""
    for index, name in enumerate(raw):
        if _OWN_KEYS.get(name) == owner:
            continue
        rule, hint = name_fault(name, owner)
        if rule:
            faults.add((*path, index), rule, hint=hint, value=name)
        elif name in raw[:index]:
            faults.add((*path, index), "stands here twice", value=name)
    return tuple(raw)


def name_fault(name: str, owner: Owner) -> tuple[str, str]:
    """(what keeps an owner from declaring a property of that name, what to do), else empty."""
    if name in (KEPT_UNTIL, RETIRED_FROM):
        return f"{name} is phoenix's own mark, on what was put aside", "zfs set changes it"
    if is_user_property(name):
        # zfsprops(7), "User Properties".
        fits = _USER_CHARACTERS.issuperset(name) and len(name) <= 255 and name[0] != "-"
        rule = "a user property's name holds lower case letters, digits, ':', '-', '.' and '_'"
        return ("", "") if fits else (rule, "")
    if _OWN_KEYS.get(name) == owner:
        return f"{name} has a key of its own", f"write {name} beside properties, not in them"
    settable = POOL_SETTABLE | _OF_DATASETS if owner == "pool" else _OF_DATASETS
    if name not in settable:
        return _unknown(name, owner, settable)
    if owner == "volume" and name in FILESYSTEM_ONLY:
        hint = "a volume's size is its volsize" if name in ("quota", "refquota") else ""
        return f"{name} is a property of filesystems, and this is a volume", hint
    if owner != "volume" and name in VOLUME_ONLY:
        return f"{name} is a property of volumes, and this is a filesystem", ""
    return "", ""


def _unknown(name: str, owner: Owner, settable: frozenset[str]) -> tuple[str, str]:
    if name.startswith("feature@"):
        return "features are not declared", "`zpool set feature@…=enabled` has no way back"
    if name in READ_ONLY or (owner == "pool" and name in POOL_READ_ONLY):
        return f"{name} is read-only: ZFS says it, nobody sets it", ""
    if name in POOL_SETTABLE:
        return f"{name} is a property of pools, and this is a dataset", "declare it at the pool"
    close = nearest(name, settable)
    return f"no property is called {name}", f"did you mean {close}?" if close else ""
