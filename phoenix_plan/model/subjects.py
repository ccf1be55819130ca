"""What something is said about."""

from __future__ import annotations

from typing import Literal

import attrs

Kind = Literal["pool", "dataset", "disk", "storage", "host"]


@attrs.frozen(kw_only=True)
class Subject:
    """A thing by kind and name."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
