"""What every check may have to say."""

from __future__ import annotations

from phoenix_plan.conditions.kinds import Unmet
from phoenix_plan.model.index import Index


def unknown(index: Index, *sources: str) -> Unmet | None:
    why = index.unknown(*sources)
    if not why:
        return None
    return Unmet(
        code="probe-failed",
        message=f"what this rests on could not be learnt: {why}",
        hint="Mend what the probe tripped over, then plan again. Nothing is assumed meanwhile.",
    )
