"""Whether datasets are there, unused, and fit for a change."""

from __future__ import annotations

from phoenix_plan.conditions.kinds import FitsUsed, Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.datasets import within
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Guid, human

SYSTEM_PATHS = frozenset(
    {
        "/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp",  # noqa: S108 - refused
        "/var", "/var/lib", "/var/lib/vz", "/var/log",
    }
)  # fmt: skip
"""Nothing mounts on these; below them it may."""

SYSTEM_TREES = frozenset(
    {
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
        "/sbin", "/sys", "/usr",
    }
)  # fmt: skip
"""Nothing mounts on these, nor below."""


def protected_datasets(name: str, index: Index) -> list[str]:
    """Names of the dataset and its descendants that are protected on the object itself.

    `phoenix:protected` with any value but `off` protects; a child inherits it like any user
    property (zfsprops(7)), so an ancestor's value counts as its own.
    """
    own = _protection(name, index)
    found = [name] if own else []
    for dataset in index.descendants(name):
        value = dataset.set.get("phoenix:protected")
        if value not in (None, "off") or (value is None and own):
            found.append(dataset.name)
    return found


def _protection(name: str, index: Index) -> bool:
    at = name
    while at:
        dataset = index.datasets.get(at)
        value = dataset.set.get("phoenix:protected") if dataset is not None else None
        if value is not None:
            return value != "off"
        at = at.rpartition("/")[0]
    return False


def unprotected(name: str, index: Index) -> Unmet | None:
    protected = protected_datasets(name, index)
    if not protected:
        return unknown(index, "datasets")
    return Unmet(
        code="protected",
        message=f"protected (phoenix:protected): {', '.join(protected[:5])}"
        + (f" and {len(protected) - 5} more" if len(protected) > 5 else ""),
        hint="Protection protects its ancestors, its pool and its disks. To lift it, set "
        "phoenix:protected=off yourself, then plan again.",
    )


def dataset_present(name: str, guid: Guid, index: Index) -> Unmet | None:
    dataset = index.datasets.get(name)
    if dataset is None:
        return unknown(index, "datasets") or Unmet(
            code="dataset-missing", message=f"there is no dataset {name}"
        )
    if guid and dataset.guid != guid:
        return Unmet(
            code="dataset-is-another",
            message=f"dataset {name} has GUID {dataset.guid}, not {guid}: it is another dataset",
        )
    return None


def dataset_absent(name: str, index: Index) -> Unmet | None:
    if name in index.datasets:
        return Unmet(code="dataset-exists", message=f"dataset {name} exists")
    return unknown(index, "datasets")


def dataset_unused(name: str, index: Index) -> Unmet | None:
    journal = index.dataset_at(JOURNAL)
    if journal is not None and within(journal.name, name):
        return Unmet(
            code="dataset-in-use",
            message=f"{journal.name} holds {JOURNAL}, the journal of this program",
            hint="Move the journal away first.",
        )
    for dataset in index.family(name):
        elsewhere = [at for at in dataset.mounts if at != dataset.mountpoint]
        if elsewhere:
            return Unmet(
                code="dataset-in-use",
                message=f"{dataset.name} is also mounted at {', '.join(elsewhere)}",
                hint="Unmount it there (perhaps a container's namespace), then plan again.",
            )
        for path, who in index.shares_on(dataset.name):
            return Unmet(
                code="dataset-in-use",
                message=f"{dataset.name} is exported: {path} ({who})",
                hint="Take the export away first.",
            )
        if dataset.users:
            return Unmet(
                code="dataset-in-use",
                message=f"{dataset.name} is in use: "
                + "; ".join(user.detail for user in dataset.users),
                hint="Let whoever uses it let go of it, then plan again.",
            )
    # Mounts in other namespaces come with the look at the disks.
    return unknown(index, "exports", "datasets", "disks")


def dataset_not_boot(name: str, index: Index) -> Unmet | None:
    for path in ("/", "/boot", "/usr", "/var"):
        source = index.actual.mounts.get(path, "")
        if within(source, name):
            return Unmet(
                code="boot-chain",
                message=f"{path} is mounted from {source}",
                hint="The running root and its ancestors are left alone, whatever the consent.",
            )
    return None


def snapshotted(name: str, snapshot: str, index: Index) -> Unmet | None:
    dataset = index.datasets.get(name)
    if dataset is not None and snapshot in dataset.snapshots:
        return None
    return unknown(index, "snapshots", "datasets") or Unmet(
        code="snapshot-missing",
        message=f"there is no snapshot {name}@{snapshot}",
        hint="It was to be the way back from a change. Plan again.",
    )


def uncloned(name: str, clone: str, index: Index) -> Unmet | None:
    """Whether that clone is gone, or has another origin by now."""
    if not any(one.name == clone for one in index.clones.get(name, ())):
        return unknown(index, "snapshots", "datasets")
    return Unmet(
        code="dataset-cloned",
        message=f"the clone {clone} hangs on a snapshot of {name}",
        hint="Declare the clone removed too, or promote it (zfs promote).",
    )


def unheld(name: str, index: Index) -> Unmet | None:
    """Whether no snapshot of the dataset is held."""
    dataset = index.datasets.get(name)
    held = sorted(dataset.holds) if dataset is not None else []
    if not held:
        return unknown(index, "snapshots")
    return Unmet(
        code="dataset-held",
        message=f"snapshots are held: {', '.join(f'{name}@{snapshot}' for snapshot in held)}",
        hint="Somebody wants them kept. See zfs holds; zfs release lets go of them.",
    )


JOURNAL = "/var/lib/phoenix"
"""Where this program keeps what it did: never destroyed by itself."""


def fits_used(condition: FitsUsed, index: Index) -> Unmet | None:
    dataset = index.datasets.get(condition.dataset)
    if dataset is None or condition.size == 0:
        return None
    if condition.property in ("reservation", "refreservation"):
        spare = dataset.available + dataset.used
        if condition.size <= spare:
            return None
        return Unmet(
            code="reservation-above-free",
            message=f"{condition.property}={human(condition.size)} is more than the "
            f"{human(spare)} that {dataset.name} has and can get",
        )
    used = dataset.referenced if condition.property == "refquota" else dataset.used
    if condition.size >= used:
        return None
    return Unmet(
        code="quota-below-used",
        message=f"{condition.property}={human(condition.size)} ({condition.size} bytes) is below "
        f"the {human(used)} ({used} bytes) that {dataset.name} uses",
        hint="Raise the quota or free space; ZFS would refuse every further write.",
    )


def mountpoint_free(path: str, name: str, index: Index) -> Unmet | None:
    if path in ("none", "legacy"):
        return None
    at = path.rstrip("/") or "/"
    if at in SYSTEM_PATHS or f"/{at.split('/')[1]}" in SYSTEM_TREES:
        return Unmet(code="mountpoint-system", message=f"{path} is a system path")
    other = index.by_mountpoint.get(path)
    if other is not None and other.name != name:
        return Unmet(code="mountpoint-taken", message=f"{path} is the mountpoint of {other.name}")
    match index.actual.directories.get(path):
        case "absent" | "empty":
            # It may be the mountpoint of a dataset that is not mounted now.
            return unknown(index, "datasets")
        case "occupied" | "not-a-directory" as state:
            return Unmet(
                code="mountpoint-occupied",
                message=f"{path} is {'not empty' if state == 'occupied' else 'no directory'}",
                hint="What lies there would vanish under the mount. Move it away first.",
            )
        case "mounted":
            return Unmet(
                code="mountpoint-taken",
                message=f"{path} is the mountpoint of {index.actual.mounts.get(path, 'something')}",
            )
        case _:
            return unknown(index, "directories") or Unmet(
                code="mountpoint-unread",
                message=f"nobody looked whether {path} is empty",
                hint="Refresh with the config that declares it: phoenix refresh -c CONFIG.",
            )
