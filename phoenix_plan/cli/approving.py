"""What approve does besides: it signs, and it never writes over what another has signed off."""

from __future__ import annotations

import os
import re
import shlex
from datetime import UTC, datetime

import attrs

from phoenix_plan.consent.approval import Approval, beside
from phoenix_plan.consent.signatures import NAMESPACE, Signers, checked
from phoenix_plan.errors import DocumentError, PhoenixError, UsageError
from phoenix_plan.hosts.keygen import SshKeygen
from phoenix_plan.model.times import parse_timestamp
from phoenix_plan.stored import load_approval


@attrs.frozen(kw_only=True)
class Signed:
    """A signature as its file holds it, and the type and fingerprint of its key."""

    text: str
    key: str


def sign_it(text: str, key: str) -> Signed:
    """Sign an approval's bytes with a key's file, and see that the signature is right. Raises
    UsageError and PhoenixError as `SshKeygen.sign` does."""
    keygen = SshKeygen()
    message = text.encode("utf-8")
    made = keygen.sign(message, key=key, namespace=NAMESPACE)
    seen = checked(message, made, Signers(), keygen)
    if seen.flaw:
        raise PhoenixError(f"ssh-keygen signed, and {seen.flaw}: nothing was written")
    return Signed(text=made.decode("ascii"), key=seen.key)


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
