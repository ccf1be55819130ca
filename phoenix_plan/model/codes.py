"""Every reason and finding code, registered once: what it means, why, what to do.

`phoenix explain CODE` and the reference page are made from this table. Codes are stable: other
programs may compare them.
"""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Code:
    """One code. `kind` says where it turns up: a reason stands on an action, the rest are findings
    of a plan or notices of a config."""

    kind: Literal["reason", "error", "warning", "note"]
    means: str
    why: str
    do: str
