"""Proxmox VE's side: storage.cfg, and who refers to it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Storage:
    """A section of storage.cfg: `properties` as written, a boolean without a value is `1`."""

    id: str
    type: str
    properties: Mapping[str, str]


@attrs.frozen(kw_only=True)
class StorageConfig:
    """storage.cfg: `digest` is the SHA-1 of the raw file, as `pvesm --digest` wants it.

    Empty where the host has no file; `local` is then what PVE assumes. `lost` says what PVE's next
    write of the file would leave out (comments, sections and keys that PVE does not know).
    """

    digest: str
    storages: tuple[Storage, ...]
    lost: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Reference:
    """Somebody who names a storage, a volume on it, or a device.

    `owner` is `qemu/100`, `lxc/101`, `job/backup-1`, `vzdump.conf` or `storage/ID`; `node` the
    cluster node whose config says so, `key` where in it (`scsi0`, `[snap] scsi0`), `storage` and
    `volume` what it names. For a passed-through device or a bind mount `storage` is empty and
    `volume` a path.
    """

    owner: str
    node: str
    key: str
    storage: str
    volume: str
