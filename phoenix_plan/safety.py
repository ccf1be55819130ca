"""The only verdict: is this action safe, or destructive, and why.

The tables below are meant to be read by a storage admin. An action, a property or a direction of
change that they do not list is destructive. What is refused whatever the consent is no verdict: see
`conditions.py`.
"""

from __future__ import annotations

from typing import Literal, assert_never

import attrs

from phoenix_plan.actions import (
    Action,
    AddStorage,
    AddVdev,
    AttachDisk,
    Change,
    CreateCheckpoint,
    CreateDataset,
    CreatePool,
    DestroyDataset,
    DestroyPool,
    DetachDisk,
    DisableStorage,
    DiscardCheckpoint,
    EnableStorage,
    ExpandRaidz,
    ImportPool,
    OfflineDisk,
    OnlineDisk,
    RemoveStorage,
    RemoveVdev,
    RenameDataset,
    ReplaceDisk,
    RetireDataset,
    SetArcMax,
    SetDatasetProperties,
    SetPoolProperties,
    SnapshotDataset,
    UpdateStorage,
    WipeDisk,
)
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.properties import is_user_property
from phoenix_plan.model.storage_semantics import Direction, direction

Safety = Literal["safe", "destructive"]


@attrs.frozen(kw_only=True)
class Verdict:
    """Safe or destructive, with a registered reason code and a sentence about this very change."""

    safety: Safety
    code: str
    reason: str


SAFE_DATASET_PROPERTIES: dict[str, frozenset[str]] = {
    "atime": frozenset(),
    "relatime": frozenset(),
    "compression": frozenset(),
    "recordsize": frozenset(),
    "logbias": frozenset(),
    "snapdir": frozenset(),
    "primarycache": frozenset(),
    "secondarycache": frozenset(),
    "checksum": frozenset({"off", "noparity"}),
    "sync": frozenset({"disabled"}),
    # Within what is used and free: the action needs it (conditions.FitsUsed).
    "quota": frozenset(),
    "refquota": frozenset(),
    "reservation": frozenset(),
    "refreservation": frozenset(),
}
"""Safe to set, whatever it was before, but for the values named here."""

SAFE_POOL_PROPERTIES = frozenset({"autotrim", "comment"})

SAFE_STORAGE_SETTINGS: dict[str, frozenset[Direction]] = {
    "content": frozenset(Direction),
    "bwlimit": frozenset(Direction),
    "format": frozenset(Direction),
    "nodes": frozenset({Direction.WIDER}),
    "disable": frozenset({Direction.ENABLING}),
    "prune-backups": frozenset({Direction.MORE}),
    "max-protected-backups": frozenset({Direction.MORE}),
}
"""storage.cfg settings that are safe to change, in these directions."""

PROTECTION = "phoenix:protected"


def only_protects(change: SetDatasetProperties) -> bool:
    """Whether nothing but a protection changes: no data then depends on it."""
    return all(one.name == PROTECTION for one in change.properties)


def verdict(action: Action, evidence: Evidence) -> Verdict:
    """What this action is. `evidence` is what it would cost on the state that it was planned on."""
    match action:
        case CreatePool():
            return _safe("creates-pool", "is built on blank disks only")
        case CreateDataset():
            return _safe("creates-dataset", "adds a dataset, changes none")
        case ImportPool():
            return _import(action)
        case SetPoolProperties():
            return _worst([_pool_property(change) for change in action.properties])
        case SetDatasetProperties():
            return _worst([_dataset_property(change) for change in action.properties])
        case AttachDisk():
            return _safe("attaches-disk", "one more disk holds what the vdev holds")
        case ReplaceDisk():
            return _safe("replaces-disk", f"{_old(action)}; the new disk is blank")
        case DetachDisk():
            return _destructive("detaches-disk", _detach(action))
        case ExpandRaidz():
            return _destructive(
                "expands-raidz", f"{action.vdev_name} can never be made narrower again"
            )
        case AddVdev():
            return _add(action)
        case RemoveVdev():
            return _remove(action)
        case OnlineDisk():
            return _safe("brings-online", "the disk takes part again, and gets what it missed")
        case OfflineDisk():
            return _destructive(
                "takes-offline",
                "the vdev does without this disk, and has one fewer to fall back on",
            )
        case CreateCheckpoint():
            return _destructive(
                "makes-checkpoint",
                "it is a way back to this moment, and has a price as long as it stands",
            )
        case DiscardCheckpoint():
            return _destructive(
                "discards-checkpoint", "there is no way back to that moment any more"
            )
        case WipeDisk():
            held = "; ".join(evidence.contents) or action.emptiness
            return _destructive("wipes-disk", f"what is on the disk is lost: {held}")
        case DestroyPool():
            because = "; ".join(action.because)
            return _destructive(
                "destroys-pool",
                "everything on the pool is lost" + (f" ({because})" if because else ""),
            )
        case DestroyDataset(kept_until=until) if until:
            return _destructive(
                "purges-dataset",
                f"it was put aside, to be kept until {until}, and is lost for good now",
            )
        case DestroyDataset():
            count = len(action.snapshots)
            also = f" and {count} snapshot{'s' * (count != 1)} of it are" if count else " is"
            return _destructive("destroys-dataset", f"the dataset{also} lost for good")
        case RetireDataset():
            return _destructive(
                "retires-dataset",
                f"whoever uses it, or what is below it, loses it; the data is kept for "
                f"{action.keep}, as {action.to}",
            )
        case SnapshotDataset():
            return _destructive(
                "takes-snapshot",
                "it is a way back to this moment, and has a price as long as it stands",
            )
        case RenameDataset():
            return _destructive("renames-dataset", "whoever uses the old name loses it")
        case AddStorage():
            return _safe("registers-storage", "adds a storage, changes none")
        case EnableStorage():
            return _safe("enables-storage", "lets PVE use the storage")
        case DisableStorage():
            return _destructive("disables-storage", "PVE and its guests lose sight of the storage")
        case RemoveStorage():
            because = f" ({action.because})" if action.because else ""
            return _destructive(
                "unregisters-storage",
                f"PVE forgets the storage, its ACLs and its place in resource pools{because}; "
                "the data stays",
            )
        case UpdateStorage():
            return _worst([_storage_setting(change) for change in action.properties])
        case SetArcMax():
            return _safe("sets-arc-max", "bounds a cache")
        case _:
            assert_never(action)


def _safe(code: str, reason: str) -> Verdict:
    return Verdict(safety="safe", code=code, reason=reason)


def _destructive(code: str, reason: str) -> Verdict:
    return Verdict(safety="destructive", code=code, reason=reason)


def _worst(verdicts: list[Verdict]) -> Verdict:
    """Destructive where one is, with the code of the first and the reasons of all such."""
    destructive = [verdict for verdict in verdicts if verdict.safety == "destructive"]
    decisive = destructive or verdicts
    reasons = dict.fromkeys(verdict.reason for verdict in decisive)
    return attrs.evolve(decisive[0], reason="; ".join(reasons))


def _old(action: ReplaceDisk) -> str:
    if action.old_state in ("ONLINE", "DEGRADED"):
        return "the old disk serves until all of it is on the new one"
    return f"the old disk is {action.old_state}, and the new one takes its place"


def _detach(action: DetachDisk) -> str:
    if action.instead:
        return f"{action.instead} has its place for good, and is no spare any more"
    if action.others == 1:
        return f"what is on {action.mirror} is on one disk alone from then on"
    return f"{action.mirror} has one disk fewer to fall back on"


def _add(action: AddVdev) -> Verdict:
    if not action.is_data:
        return _safe("adds-vdev", f"a {action.vdev_class} can be taken out of the pool again")
    return _destructive(
        "adds-data-vdev",
        "from then on the pool is lost when this vdev is lost, and it may never be possible to "
        "take it out again",
    )


def _remove(action: RemoveVdev) -> Verdict:
    if action.is_data:
        return _destructive(
            "removes-data-vdev", "its data moves to the other vdevs, which have to hold it all"
        )
    if action.is_only_log:
        lack = action.state if action.kind == "mirror" else "not mirrored"
        return _destructive(
            "removes-log", f"the log is {lack}: what it holds is on one disk at most until it is "
            "written out, and synchronous writes wait for the data disks from then on",
        )  # fmt: skip
    if action.vdev_class == "log":
        return _safe("removes-vdev", "what the log holds is written to the data disks first")
    return _safe("removes-vdev", f"a {action.vdev_class} holds nothing that the pool needs")


def _import(action: ImportPool) -> Verdict:
    if not action.ours:
        return _destructive(
            "imports-foreign-pool",
            f"{action.last_hostname or 'another host'} ({action.last_hostid or 'no host id'}) used "
            "it last; it may count on it",
        )
    if action.state != "exported":
        return _destructive(
            "imports-unexported-pool", "the pool was never exported: its last writes may be missing"
        )
    return _safe("imports-own-pool", "the pool is whole, exported, and this host used it last")


def _pool_property(change: Change) -> Verdict:
    if change.name in SAFE_POOL_PROPERTIES:
        return _safe("property-safe", f"{change.name} loses nothing")
    return _destructive(
        "property-not-listed", f"{change.name} is not among the pool properties listed as safe"
    )


def _dataset_property(change: Change) -> Verdict:
    name, before, after = change.name, change.before, change.after
    if name == PROTECTION and after == "off":
        return _destructive(
            "lifts-protection", "what was protected can be destroyed by later plans"
        )
    if is_user_property(name):
        return _safe("property-safe", f"{name} is a user property")
    if name == "volsize":
        if before.isdigit() and after.isdigit() and int(after) >= int(before):
            return _safe("grows-volume", "the volume grows")
        return _destructive("shrinks-volume", f"what lies beyond {after} bytes is lost")
    unsafe = SAFE_DATASET_PROPERTIES.get(name)
    if unsafe is None:
        return _destructive(
            "property-not-listed", f"{name} is not among the properties listed as safe"
        )
    if after in unsafe:
        return _destructive("property-unsafe-value", f"{name}={after} risks data")
    return _safe("property-safe", f"{name} loses nothing")


def _storage_setting(change: Change) -> Verdict:
    safe = SAFE_STORAGE_SETTINGS.get(change.name)
    if safe is None:
        return _destructive(
            "storage-setting-not-listed", f"{change.name} is not among the settings listed as safe"
        )
    if direction(change.name, change.before, change.after) in safe:
        return _safe("storage-setting-safe", f"{change.name} loses nothing")
    return _destructive(
        "storage-setting-narrows",
        f"{change.name} from {change.before or 'nothing'} to {change.after or 'nothing'} takes "
        "something away",
    )
