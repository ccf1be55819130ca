"""/etc/pve/storage.cfg, read as Proxmox VE reads it.

Source: `PVE::Storage::Plugin::parse_config` of pve-storage 9.1.7. A file that PVE would read
otherwise than a person does is never planned on: it raises.
"""

from __future__ import annotations

import hashlib
import re

from phoenix_plan.commands import ReadFile
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.proxmox import Storage, StorageConfig
from phoenix_plan.model.storage_semantics import canonical
from phoenix_plan.model.storage_types import (
    BOOLEANS,
    IMPLIED_ID,
    IMPLIED_PATH,
    IMPLIED_PROPERTIES,
    STORAGE_TYPES,
    is_option,
    is_secret,
)
from phoenix_plan.probes.section_config import Entry, Section, decode, parse_sections

STORAGE_CFG = ReadFile(path="/etc/pve/storage.cfg")

_ID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]", re.IGNORECASE | re.ASCII)
_PATH = re.compile(r"/[^;()]")

HIDDEN = "(hidden)"


def parse_storage_cfg(data: bytes | None, source: str) -> StorageConfig:
    """storage.cfg as PVE means it; None where there is no file, and `local` is all there is.

    Properties stand as written, with three exceptions: a boolean without a value is `1`, a value
    that names a secret is hidden, and `local` has PVE's own path and no `nodes`. Raises ProbeError
    for whatever PVE would skip or ignore, and for an id that comes twice.
    """
    text = "" if data is None else decode(data, source)
    sections, comments = parse_sections(text, source)
    storages: dict[str, Storage] = {}
    lost = [f"line {line}: a comment" for line in comments]
    for section in sections:
        if section.id in storages:
            raise ProbeError(
                f"storage {section.id!r} is there twice: Proxmox VE takes the last",
                source=source,
                line=section.line,
            )
        storage = _storage(section, source)
        storages[storage.id] = storage
        lost += _lost(storage, section)
    if IMPLIED_ID not in storages:
        local = Storage(id=IMPLIED_ID, type="dir", properties=dict(IMPLIED_PROPERTIES))
        storages = {IMPLIED_ID: local, **storages}
    return StorageConfig(
        # What `pvesm set --digest` compares (PVE::SectionConfig: SHA-1 of the raw file).
        digest="" if data is None else hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        storages=tuple(storages.values()),
        lost=tuple(lost),
    )


def _storage(section: Section, source: str) -> Storage:
    if not _ID.fullmatch(section.id):
        raise ProbeError(
            f"{section.id!r} is no storage id: Proxmox VE skips the section",
            source=source,
            line=section.line,
            hint="two characters at least: a letter first, a letter or digit last, - _ . between",
        )
    kind = section.type.lower()
    properties: dict[str, str] = {}
    for entry in section.entries:
        if entry.key in properties:
            raise ProbeError(
                f"{entry.key!r} is there twice: Proxmox VE takes the first",
                source=source,
                line=entry.line,
            )
        properties[entry.key] = _value(kind, entry, source)
    if section.id == IMPLIED_ID:
        _check_local(kind, properties, section, source)
    _check_required(kind, properties, section, source)
    for entry in section.entries:
        _check_value(kind, entry, properties, source)
    return Storage(id=section.id, type=kind, properties=properties)


def _value(kind: str, entry: Entry, source: str) -> str:
    expected = is_option(kind, entry.key)
    if entry.value is None:
        if entry.key in BOOLEANS:
            return "1"
        if expected:
            raise ProbeError(
                f"{entry.key!r} has no value: Proxmox VE ignores the line",
                source=source,
                line=entry.line,
            )
        return ""
    if expected and entry.key in BOOLEANS and entry.value not in ("0", "1"):
        raise ProbeError(
            f"{entry.key} {entry.value!r} is neither 0 nor 1: Proxmox VE ignores the line",
            source=source,
            line=entry.line,
        )
    return HIDDEN if is_secret(entry.key, entry.value) else entry.value


def _check_value(kind: str, entry: Entry, properties: dict[str, str], source: str) -> None:
    """PVE ignores a line whose value it can't take, and the default stands instead."""
    value = properties.get(entry.key, "")
    try:
        if entry.key in ("path", "mountpoint") and is_option(kind, entry.key):
            _check_path(value)
        canonical(kind, entry.key, value, path=properties.get("path", ""))
    except ValueError as error:
        raise ProbeError(
            f"{entry.key}: {error}: Proxmox VE ignores the line", source=source, line=entry.line
        ) from error


def _check_path(value: str) -> None:
    if not _PATH.match(value):
        raise ValueError(f"{value!r} is no absolute path")


def _check_local(kind: str, properties: dict[str, str], section: Section, source: str) -> None:
    """`local` is /var/lib/vz on every node, whatever the file says."""
    if kind != "dir" or properties.get("path", IMPLIED_PATH) != IMPLIED_PATH:
        raise ProbeError(
            f"storage 'local' is always of type dir at {IMPLIED_PATH}: Proxmox VE does not take"
            " this section",
            source=source,
            line=section.line,
        )
    properties["path"] = IMPLIED_PATH
    properties.pop("nodes", None)


def _check_required(kind: str, properties: dict[str, str], section: Section, source: str) -> None:
    known = STORAGE_TYPES.get(kind)
    missing = sorted((known.required if known else frozenset()) - properties.keys())
    if missing:
        raise ProbeError(
            f"storage {section.id!r} has no {missing[0]!r}: Proxmox VE skips the section",
            source=source,
            line=section.line,
        )


def _lost(storage: Storage, section: Section) -> list[str]:
    """What PVE's next write leaves out, as far as pve-storage alone knows."""
    known = STORAGE_TYPES.get(storage.type)
    if known is None:
        return [f"line {section.line}: storage {storage.id} of the unknown type {storage.type}"]
    return [
        f"line {entry.line}: {entry.key} of storage {storage.id}, unknown to type {storage.type}"
        for entry in section.entries
        if not is_option(storage.type, entry.key)
    ]
