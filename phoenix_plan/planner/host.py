"""The declared zfs_arc_max against the running module's and the next boot's."""

from __future__ import annotations

from phoenix_plan.actions import SetArcMax
from phoenix_plan.actions.host import ARC_BOOT
from phoenix_plan.model.modprobe import boot_value, modprobe_order, with_arc_max
from phoenix_plan.model.sizes import human
from phoenix_plan.model.subjects import Subject
from phoenix_plan.planner.items import Finding, Items, Scope, Step, Unchanged

SUBJECT = Subject(kind="host", name="zfs_arc_max")


def plan_arc_max(scope: Scope) -> Items:
    """Set it now and at boot, as Proxmox documents it; say where another file says otherwise."""
    wanted = scope.desired.arc_max
    if wanted is None:
        return
    there = scope.index.actual.arc_max
    at_boot = boot_value(there.boot)
    live = there.live if there.live != wanted else None
    writes_boot = at_boot != wanted and there.boot.get(ARC_BOOT) != wanted
    if live is None and not writes_boot:
        yield Unchanged(subject=SUBJECT, detail=human(wanted))
    else:
        boot = str(there.boot[ARC_BOOT]) if ARC_BOOT in there.boot else "unset"
        yield Step(
            action=SetArcMax(
                value=wanted,
                live=live,
                boot=boot if writes_boot else None,
                boot_text=with_arc_max(there.file_text, wanted) if writes_boot else "",
                boot_replaces=there.file_text if writes_boot and there.file_sha256 else None,
                initramfs=bool(scope.index.actual.host.boot_pools),
            )
        )
    order = modprobe_order([*there.boot, ARC_BOOT])
    for path, value in there.boot.items():
        if path == ARC_BOOT or value == wanted:
            continue
        wins = path in order and order.index(path) > order.index(ARC_BOOT)
        yield Finding(
            severity="warning",
            code="arc-max-elsewhere",
            subject=SUBJECT,
            message=f"{path} says {value}, declared is {wanted}: "
            + ("it wins at the next boot" if wins else f"{ARC_BOOT} comes after it and wins"),
            hint=f"Take zfs_arc_max out of {path}.",
        )
