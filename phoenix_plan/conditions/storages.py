"""Whether storages are there and can be written."""

from __future__ import annotations

from phoenix_plan.conditions.kinds import Unmet
from phoenix_plan.conditions.shared import unknown
from phoenix_plan.model.index import Index


def storage_absent(storage: str, index: Index) -> Unmet | None:
    if storage in index.storages:
        return Unmet(code="storage-exists", message=f"storage {storage} is registered already")
    return unknown(index, "storages")


def storage_present(storage: str, kind: str, index: Index) -> Unmet | None:
    """Whether the storage is registered, of that type where one is given."""
    found = index.storages.get(storage)
    if found is None:
        return unknown(index, "storages") or Unmet(
            code="storage-missing", message=f"there is no storage {storage}"
        )
    if kind and found.type != kind:
        return Unmet(
            code="storage-is-another", message=f"storage {storage} is a {found.type}, not a {kind}"
        )
    return None


def storage_disabled(storage: str, index: Index) -> Unmet | None:
    found = index.storages.get(storage)
    if found is None or found.properties.get("disable", "0") not in ("0", "no", "off"):
        return None
    return Unmet(code="storage-enabled", message=f"storage {storage} is enabled")


def quorate(index: Index) -> Unmet | None:
    host = index.actual.host
    if not host.pve:
        return Unmet(
            code="pve-missing",
            message="storages are declared, but Proxmox VE is not installed here",
            hint="Leave the storages out of this host's config.",
        )
    if host.quorate is False:
        return Unmet(
            code="no-quorum",
            message="the cluster has no quorum: /etc/pve is read-only",
            hint="Bring the cluster back first (pvecm status).",
        )
    return None
