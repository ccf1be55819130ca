"""What verify and policy check answer to programs, as documents.

Their own fields are always there: nobody has to know what one is where it is left out.
"""

from __future__ import annotations

import json

import attrs

from phoenix_plan.apply.applied import Applied
from phoenix_plan.codec import as_dict
from phoenix_plan.consent.policy import Hours, Source
from phoenix_plan.model.desired import Nets

VERIFIED_VERSION = "1.0"
DEMANDED_VERSION = "1.0"


@attrs.frozen(kw_only=True)
class VerifiedApproval:
    """One approval, and whether it counts here."""

    file: str
    claims: str
    signers: tuple[str, ...]
    key: str
    counts: bool
    why_not: str
    until: str
    actions: tuple[str, ...]


@attrs.frozen(kw_only=True)
class VerifiedAuthor:
    """Who signed the plan as its author, and why that is not known where it is not."""

    signers: tuple[str, ...]
    key: str
    why_not: str


@attrs.frozen(kw_only=True)
class VerifiedAction:
    """One destructive action, and who has agreed to it."""

    id: str
    consented: bool
    by: str
    until: str
    barred: tuple[str, ...]
    lacking: str


@attrs.frozen(kw_only=True)
class Verified:
    """What the approvals of a plan come to under a host's rules, and whether it was applied there
    before."""

    format_version: str
    plan: str
    hostname: str
    policy: str
    enough: bool
    too_old: str
    applied: Applied | None
    applied_unknown: str
    author: VerifiedAuthor | None
    approvals: tuple[VerifiedApproval, ...]
    actions: tuple[VerifiedAction, ...]


@attrs.frozen(kw_only=True)
class DemandedAction:
    """One destructive action, and what the policy wants before it is run."""

    id: str
    kind: str
    barred: tuple[str, ...]
    takes: str
    sources: tuple[Source, ...]
    approvers: int


@attrs.frozen(kw_only=True)
class Demanded:
    """What a host's policy asks for before each destructive action of a plan, and what it bars."""

    format_version: str
    plan: str
    hostname: str
    policy: str
    open: bool
    too_old: str
    plan_age: str
    approval_age: str
    allowed_hours: tuple[Hours, ...]
    signatures: bool
    author_counts: bool
    nets: Nets
    actions: tuple[DemandedAction, ...]


def answer(document: Verified | Demanded) -> str:
    """The document's text, ASCII alone: what an approval says of itself can do nothing to a
    terminal."""
    return json.dumps(as_dict(document), indent=2) + "\n"
