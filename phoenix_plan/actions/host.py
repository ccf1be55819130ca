"""Changes to the host itself."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from phoenix_plan.actions.base import Change
from phoenix_plan.commands import SLOW_S, Run, Write, WriteFile
from phoenix_plan.conditions import Condition, Known
from phoenix_plan.model.modprobe import BOOT_FILE
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.model.subjects import Kind

ARC_LIVE = "/sys/module/zfs/parameters/zfs_arc_max"
ARC_BOOT = BOOT_FILE


@attrs.frozen(kw_only=True)
class SetArcMax:
    """Set zfs_arc_max for the running module and for the next boot; 0 is ZFS's own default.

    `live` is the value before, `boot` what the file said before; None where that side is right
    already. `boot_text` is the whole new /etc/modprobe.d/zfs.conf, `boot_replaces` the old one
    (None: no file). With the root on ZFS the initramfs holds a copy, `initramfs` makes it anew.
    """

    TYPE: ClassVar[Literal["set-arc-max"]] = "set-arc-max"
    ABOUT: ClassVar[Kind] = "host"
    value: Bytes
    live: Bytes | None = None
    boot: str | None = None
    boot_text: str = ""
    boot_replaces: str | None = None
    initramfs: bool = False

    @property
    def subject(self) -> str:
        return "zfs_arc_max"

    def needs(self) -> tuple[Condition, ...]:
        return (Known(source="arc"),)

    def gives(self) -> tuple[Condition, ...]:
        return ()

    def writes(self) -> tuple[Write, ...]:
        live = WriteFile(path=ARC_LIVE, content=f"{self.value}\n", replaces=f"{self.live}\n")
        boot = WriteFile(path=ARC_BOOT, content=self.boot_text, replaces=self.boot_replaces)
        refresh = Run(argv=("update-initramfs", "-u", "-k", "all"), timeout_s=SLOW_S)
        return (
            *((live,) if self.live is not None else ()),
            *((boot,) if self.boot is not None else ()),
            *((refresh,) if self.boot is not None and self.initramfs else ()),
        )

    def undo(self) -> str:
        return "" if self.live is None else f"write {self.live} to {ARC_LIVE}"

    def changes(self) -> tuple[Change, ...]:
        after = str(self.value)
        live = (
            ()
            if self.live is None
            else (Change(name="running", before=str(self.live), after=after),)
        )
        boot = (
            ()
            if self.boot is None
            else (Change(name=f"at boot ({BOOT_FILE})", before=self.boot, after=after),)
        )
        return (*live, *boot)
