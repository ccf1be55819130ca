"""The rules of a host, and the approvals that are held against them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

import attrs

from phoenix_plan.consent.approval import beside
from phoenix_plan.consent.policy import NO_POLICY, Policy
from phoenix_plan.consent.presented import Presented
from phoenix_plan.consent.signatures import AUTHOR, NAMESPACE, Signature, Signers, checked
from phoenix_plan.hosts.keygen import SshKeygen
from phoenix_plan.hosts.open import rules_of
from phoenix_plan.stored import load_approval, policy_of, signature_beside

POLICY, ALLOWED, REVOKED = "policy.json", "allowed_signers", "revoked_keys"


@attrs.frozen(kw_only=True)
class HostRules:
    """A host's policy and signers. `source` is the policy's path, empty where there is none;
    `digest` is of all its rules together, empty where it has none."""

    policy: Policy
    signers: Signers
    source: str
    digest: str


def rules_for(host: str) -> HostRules:
    """The rules of a host, from its own folder. Raises DocumentError where others could have
    written them, or they can't be read."""
    folder = rules_of(host)
    found = {name: folder.read(name) for name in (POLICY, ALLOWED, REVOKED)}
    there = {name: data for name, data in found.items() if data is not None}
    paths = {name: os.path.join(folder.path, name) for name in there}
    source = paths.get(POLICY, "")
    return HostRules(
        policy=policy_of(there[POLICY], source) if source else NO_POLICY,
        signers=Signers(allowed=paths.get(ALLOWED, ""), revoked=paths.get(REVOKED, "")),
        source=source,
        digest=_digest(there),
    )


def _digest(files: Mapping[str, bytes]) -> str:
    if not files:
        return ""
    hashed = hashlib.sha256()
    for name, data in sorted(files.items()):
        hashed.update(f"{name} {len(data)}\n".encode() + data)
    return hashed.hexdigest()


def rules_at(path: str) -> HostRules:
    """The rules in a policy's file and beside it, as they are in a repository: whoever asks what
    they come to says which, so it does not matter who wrote them. Raises DocumentError."""
    from phoenix_plan.documents import read_document  # noqa: PLC0415 - as used

    read = read_document(path, what="policy")
    beside = {name: os.path.join(os.path.dirname(path), name) for name in (ALLOWED, REVOKED)}
    found = {name: one for name, one in beside.items() if os.path.lexists(one)}
    return HostRules(
        policy=policy_of(read.text.encode("utf-8"), read.name),
        signers=Signers(allowed=found.get(ALLOWED, ""), revoked=found.get(REVOKED, "")),
        source=path,
        digest="",  # nothing is run by these
    )


def approvals_of(plan: str, named: Iterable[str]) -> list[str]:
    """The approvals that are named, and those beside the plan: for `x.json` these are
    `x.approval.json` and every `x.NAME.approval.json`."""
    paths = list(dict.fromkeys(named))
    if plan == "-":
        return paths
    first = beside(plan)
    folder, name = os.path.split(first)
    stem = name.removesuffix("approval.json")
    try:
        there = sorted(os.listdir(folder or "."))
    except OSError:
        there = []
    others = [
        os.path.join(folder, one)
        for one in there
        if one.startswith(stem) and one.endswith(".approval.json") and one != name
    ]
    found = [first] if os.path.lexists(first) else []
    known = {os.path.realpath(path) for path in paths}
    return paths + [path for path in (*found, *others) if os.path.realpath(path) not in known]


def people_of(
    path: str, document: bytes, approvals: Iterable[str], rules: HostRules
) -> tuple[Signature | None, tuple[Presented, ...]]:
    """Who signed the plan in this file, of which these are the bytes, as its author, and its
    approvals, those that are named and those beside it, each with what its signature is worth here.

    There is no author where nobody has signed it, or the policy does not ask. Raises DocumentError,
    and HostError where there is a signature and ssh-keygen can't be asked.
    """
    asked = not rules.policy.author_counts and path != "-"
    stored = [load_approval(one) for one in approvals_of(path, approvals)]
    signed = [
        (document, signature_beside(path) if asked else None, AUTHOR),
        *((one.data, one.signature, NAMESPACE) for one in stored),
    ]

    def told(also: Sequence[str] = ()) -> list[Signature | None]:
        return [
            None
            if signature is None
            else checked(data, signature, rules.signers, SshKeygen(), namespace, also=also)
            for data, signature, namespace in signed
        ]

    author, *given = told()
    names = {name for one in (author, *given) if one is not None for name in one.names}
    if len(names) > 1:
        # Whether two of them are one person, their keys say.
        author, *given = told(sorted(names))
    return author, tuple(
        Presented(approval=one.approval, source=one.name, signature=signature)
        for one, signature in zip(stored, given, strict=True)
    )
