"""What approve does besides: it never writes over what another has signed off."""

from __future__ import annotations

import os
import re
import shlex
from datetime import UTC, datetime

from phoenix_plan.consent.approval import Approval, beside
from phoenix_plan.errors import DocumentError, UsageError
from phoenix_plan.model.times import parse_timestamp
from phoenix_plan.stored import load_approval


def not_over_anothers(target: str, made: Approval, plan: str) -> None:
    """Raises UsageError where `target` holds somebody else's approval of the same plan that still
    counts: two approvals stand side by side."""
    if target == "-" or not os.path.lexists(target):
        return
    try:
        there = load_approval(target).approval
        over = there.plan != made.plan or datetime.now(UTC) >= parse_timestamp(there.expires)
    except (DocumentError, ValueError):
        return  # nothing that counts
    if over or there.approver == made.approver:
        return
    word = re.sub(r"[^A-Za-z0-9_-]", "-", made.approver.partition("@")[0]) or "second"
    other = f"{beside(plan).removesuffix('.approval.json')}.{word}.approval.json"
    raise UsageError(
        f"{target} is the approval of this very plan by {there.approver}: it is not overwritten",
        hint=f"Write yours beside it, where apply finds it: -o {shlex.quote(other)}",
    )
