"""What the config declares, after it was read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from phoenix_plan.model.layout import Layout, disks_of
from phoenix_plan.model.sizes import Bytes, Guid


@attrs.frozen(kw_only=True)
class DesiredPool:
    """A declared pool. `vdevs` are what it is built of; a class that is not there is left alone.

    `properties` are pool properties, `filesystem` those of the root filesystem, both as declared.
    `ashift` is None where the config does not say. `checkpoint` is True where one is wanted before
    a step that has no way back, False where none is to stand, None where the config is silent.
    `offline` are those of its disks that shall be offline, `ignore` properties that are left alone.
    """

    name: str
    vdevs: Layout
    properties: Mapping[str, str] = attrs.field(factory=dict)
    filesystem: Mapping[str, str] = attrs.field(factory=dict)
    ashift: int | None = None
    checkpoint: bool | None = None
    offline: tuple[str, ...] = ()
    protected: bool = False
    ignore: tuple[str, ...] = ()

    @property
    def disks(self) -> tuple[str, ...]:
        """Every disk of every class, as the config writes it, in its order."""
        return disks_of(self.vdevs)


@attrs.frozen(kw_only=True)
class DesiredDataset:
    """A declared dataset. `name` is full (`tank/data`). `volsize` only on a volume.

    `properties` are as declared; user properties hold a colon. `renamed_from` is a full name.
    """

    name: str
    type: Literal["filesystem", "volume"] = "filesystem"
    volsize: Bytes | None = None
    properties: Mapping[str, str] = attrs.field(factory=dict)
    protected: bool = False
    ignore: tuple[str, ...] = ()
    renamed_from: str = ""

    @property
    def pool(self) -> str:
        """The pool's name, the first component."""
        return self.name.partition("/")[0]


@attrs.frozen(kw_only=True)
class DesiredStorage:
    """A declared Proxmox storage, as storage.cfg would hold it.

    `properties` are storage.cfg's keys and values as text; a `dir` storage of a dataset has no
    `path` where the dataset's mountpoint is only known from the host: `dataset` then names it.
    """

    id: str
    type: str
    properties: Mapping[str, str]
    dataset: str = ""
    protected: bool = False
    ignore: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class RemovedPool:
    """A pool that shall be gone: by name and GUID, both must match."""

    name: str
    guid: Guid


@attrs.frozen(kw_only=True)
class RemovedDataset:
    """A dataset that shall be gone: by full name and GUID; `recursive` takes its descendants."""

    name: str
    guid: Guid
    recursive: bool = False


@attrs.frozen(kw_only=True)
class Removed:
    """Declared removals; absence alone removes nothing."""

    pools: tuple[RemovedPool, ...] = ()
    datasets: tuple[RemovedDataset, ...] = ()
    storages: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Nets:
    """What is kept as a way back where something is taken away.

    `snapshot`: of a dataset, before a destructive change of its properties (never of a guest's
    volume). `checkpoint`: of a pool, before a step that has no way back, where its config is
    silent. `retire`: how long a dataset that goes is kept aside (`30d`), empty where it is
    destroyed at once.
    """

    snapshot: bool = False
    checkpoint: bool = False
    retire: str = ""


@attrs.frozen(kw_only=True)
class Notice:
    """Something the config says that does less than its writer may think: no error.

    `code` is registered in `model/codes.py`, `path` the field, `line` counts from 1.
    """

    code: str
    path: str
    line: int | None
    message: str


@attrs.frozen(kw_only=True)
class Desired:
    """The whole wish. `digest` is the SHA-256 of the config's bytes.

    `allow_destructive` is None where the config is silent. `arc_max` is None where it is not
    declared, else bytes (0: ZFS's own default). `nets` come from whoever plans, and from the
    host's policy.
    """

    digest: str
    pools: tuple[DesiredPool, ...] = ()
    datasets: tuple[DesiredDataset, ...] = ()
    storages: tuple[DesiredStorage, ...] = ()
    removed: Removed = attrs.field(factory=Removed)
    arc_max: Bytes | None = None
    allow_destructive: bool | None = None
    nets: Nets = attrs.field(factory=Nets)
    notices: tuple[Notice, ...] = ()

    @property
    def mountpoints(self) -> Mapping[str, str]:
        """Declared filesystems with their declared mountpoints, empty where they follow the parent
        or the pool's name."""
        found: dict[str, str] = {}
        owners: tuple[tuple[str, Mapping[str, str]], ...] = (
            *((pool.name, pool.filesystem) for pool in self.pools),
            *((d.name, d.properties) for d in self.datasets if d.type == "filesystem"),
        )
        for name, properties in owners:
            found[name] = properties.get("mountpoint", "")
        return found
