"""Signing what phoenix writes, with an SSH key."""

from __future__ import annotations

import attrs

from phoenix_plan.consent.signatures import Signers, checked
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.keygen import SshKeygen


@attrs.frozen(kw_only=True)
class Signed:
    """A signature as its file holds it, and the type and fingerprint of its key."""

    text: str
    key: str


def sign_it(text: str, key: str, namespace: str) -> Signed:
    """Sign a document's bytes with a key's file, and see that the signature is right. Raises
    UsageError and PhoenixError as `SshKeygen.sign` does."""
    keygen = SshKeygen()
    message = text.encode("utf-8")
    made = keygen.sign(message, key=key, namespace=namespace)
    seen = checked(message, made, Signers(), keygen, namespace)
    if seen.flaw:
        raise PhoenixError(f"ssh-keygen signed, and {seen.flaw}: nothing was written")
    return Signed(text=made.decode("ascii"), key=seen.key)
