"""Signatures: who signed these bytes, as SSH tells it, and why it does not count where it does not.

The rules are ssh-keygen(1)'s (OpenSSH 9.2: "-Y", ALLOWED SIGNERS, KEY REVOCATION LISTS). Whoever
signed is who `allowed_signers` says that the key is, never who the approval says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import attrs

from phoenix_plan.commands import Output
from phoenix_plan.errors import HostError

NAMESPACE = "phoenix-approval@v1"
"""What our signatures are for: one that was made for git, mail or a file is none of ours."""

AUTHOR = "phoenix-plan@v1"
"""What a plan's author signs it for; it approves nothing."""

SUFFIX = ".sig"
"""A signature stands beside what was signed, as ssh-keygen puts it."""

_GOOD = re.compile(r'Good "([^"]+)" signature with ([A-Z0-9-]+) key (SHA256:[A-Za-z0-9+/]+)\n')
_PATTERN = frozenset("*?!")


class Keygen(Protocol):
    """Runs `ssh-keygen -Y ARGUMENTS -s SIGNATURE` with the message on stdin."""

    def check(self, arguments: Sequence[str], *, message: bytes, signature: bytes) -> Output:
        """What it says. Raises HostError where it says nothing."""
        ...


@attrs.frozen(kw_only=True)
class Signers:
    """Paths of `allowed_signers` and of `revoked_keys`; empty where there is none."""

    allowed: str = ""
    revoked: str = ""


@attrs.frozen(kw_only=True)
class Signature:
    """What is known of a signature: `key` is the key's type and fingerprint, `names` the identities
    that allowed_signers gives it, `flaw` why it does not count, empty where it does.

    With neither names nor a flaw nobody here could say whose key it is.
    """

    key: str = ""
    names: tuple[str, ...] = ()
    flaw: str = ""

    @property
    def called(self) -> str:
        """All their names, empty where nobody is known to have the key."""
        return " = ".join(self.names)

    @property
    def who(self) -> str:
        """The same with the key."""
        return f"{self.called} ({self.key})" if self.names else ""


def checked(
    message: bytes,
    signature: bytes,
    signers: Signers,
    keygen: Keygen,
    namespace: str = NAMESPACE,
    *,
    also: Sequence[str] = (),
) -> Signature:
    """What a signature of these bytes is worth here. Raises HostError where ssh-keygen fails.

    First whether it is a signature of these bytes, in that namespace; then whose key it is; then
    whether that one may sign now (namespaces, valid-after, valid-before) and is not revoked.

    find-principals tells the first line that has the key, and no other (OpenSSH 9.2). So of `also`,
    names that other signatures here have, those are taken as well that the key may sign as.
    """
    told = keygen.check(["check-novalidate", "-n", namespace], message=message, signature=signature)
    if told.exit_code:
        return Signature(flaw=f"its signature is not right: {_why_not(told, namespace)}")
    good = _GOOD.fullmatch(told.stdout.decode(errors="replace"))
    if good is None or good[1] != namespace:
        raise HostError(f"ssh-keygen said what phoenix does not know: {told.stdout!r}")
    key = f"{good[2]} {good[3]}"
    if not signers.allowed:
        return Signature(key=key)
    found = keygen.check(
        ["find-principals", "-f", signers.allowed], message=message, signature=signature
    )
    names = tuple(dict.fromkeys(found.stdout.decode(errors="replace").splitlines()))
    if found.exit_code or not names:
        said = _said(found)
        reason = f"{key}; {said}" if said else key
        return Signature(key=key, flaw=f"nobody in {signers.allowed} has its key ({reason})")

    def flaw(name: str) -> str:
        return _flaw(name, message, signature, signers, keygen, namespace=namespace)

    flaws = {name: flaw(name) for name in names}
    held = [name for name in names if not flaws[name]]
    if not held:
        return Signature(key=key, flaw=f"{'; '.join(flaws.values())} ({key})")
    more = [name for name in dict.fromkeys(also) if name not in flaws and not flaw(name)]
    return Signature(key=key, names=(*held, *more))


def _flaw(
    name: str, message: bytes, signature: bytes, signers: Signers, keygen: Keygen, *, namespace: str
) -> str:
    """Why a key does not speak for a name, empty where it does."""
    if _PATTERN & set(name):
        return f"{signers.allowed} gives its key to {name}, a pattern, which names nobody"
    verify = ["verify", "-n", namespace, "-f", signers.allowed, "-I", name]
    if signers.revoked:
        told = keygen.check([*verify, "-r", signers.revoked], message=message, signature=signature)
        if not told.exit_code:
            return ""
    told = keygen.check(verify, message=message, signature=signature)
    if told.exit_code:
        return f"{name} may not sign with its key: {_said(told) or 'ssh-keygen refuses it'}"
    if signers.revoked:
        # ssh-keygen does not say which: a list that it can't read revokes everything.
        return f"the key of {name} is revoked by {signers.revoked}, or that file can't be read"
    return ""


def _why_not(told: Output, namespace: str) -> str:
    said = _said(told)
    if "incorrect signature" in said:
        if namespace == AUTHOR:
            return "it is of another plan, or the plan was changed after it was signed"
        return "the approval was changed after it was signed"
    if "namespace does not match" in said:
        return f"it was made for something else, not for {namespace}"
    return said or "ssh-keygen refuses it"


def _said(told: Output) -> str:
    lines = (line.strip() for line in told.stderr.decode(errors="replace").splitlines())
    return "; ".join(line for line in lines if line and line != "No principal matched.")
