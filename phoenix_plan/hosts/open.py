"""From what the command line calls a host to the host."""

from __future__ import annotations

import os
from pathlib import Path

from phoenix_plan.errors import UsageError
from phoenix_plan.hosts.base import ReadableHost, WritableHost
from phoenix_plan.hosts.local import LocalHost
from phoenix_plan.hosts.trusted import TrustedFolder

RULES = "/etc/phoenix"
"""Where a machine has its policy, its allowed_signers and its revoked_keys. No variable and no
option moves it for `local`."""

_RECORDED = "recorded:"
_SIMULATED = "sim:"


class ReadOnly:
    """A host that could be changed, for those who only look: it has no way to run a write."""

    def __init__(self, host: ReadableHost) -> None:
        self.name = host.name
        self.answer = host.answer


def open_host(name: str) -> ReadableHost:
    """The host called `local`, `recorded:DIR` or `sim:FILE`.

    Raises UsageError for another name, HostError for a recording or a file that is not there.
    """
    if name == "local":
        return LocalHost()
    if name.startswith(_RECORDED) and name != _RECORDED:
        from phoenix_plan.hosts.recorded import RecordedHost  # noqa: PLC0415 - loaded where used

        return RecordedHost(Path(name.removeprefix(_RECORDED)))
    if name.startswith(_SIMULATED) and name != _SIMULATED:
        from phoenix_plan.hosts.simulated import SimulatedHost  # noqa: PLC0415 - likewise

        return ReadOnly(SimulatedHost(name.removeprefix(_SIMULATED)))
    raise UsageError(
        f"no such host: {name!r}",
        hint="a host is `local`, `sim:FILE`, a simulated host, or `recorded:DIR`, the folder of a "
        "recording",
    )


def open_writable(name: str) -> WritableHost:
    """The host of that name, as apply may change it. Raises as `open_host` does, and UsageError for
    a recording: what was is not to be changed."""
    if name.startswith(_RECORDED):
        raise UsageError(
            f"{name} is a recording: nothing can be applied to it",
            hint="phoenix simulate makes a host of a state, which can be changed.",
        )
    if name == "local":
        from phoenix_plan.hosts.local_writes import WritableLocalHost  # noqa: PLC0415 - likewise

        return WritableLocalHost()
    if name.startswith(_SIMULATED) and name != _SIMULATED:
        from phoenix_plan.hosts.simulated import SimulatedHost  # noqa: PLC0415 - likewise

        return SimulatedHost(name.removeprefix(_SIMULATED))
    raise UsageError(f"no such host: {name!r}", hint="a host is `local` or `sim:FILE`")


def rules_of(name: str) -> TrustedFolder:
    """The folder with the rules of the host of that name; a simulated host has it beside its file,
    as FILE.rules, and there whoever runs this may own it.

    Raises UsageError for a host that can't be changed: nobody consents to anything there.
    """
    if name == "local":
        return TrustedFolder(path=RULES, owners=frozenset({0}))
    if name.startswith(_SIMULATED) and name != _SIMULATED:
        folder, file = os.path.split(name.removeprefix(_SIMULATED))
        path = os.path.join(os.path.realpath(folder or "."), f"{file}.rules")
        return TrustedFolder(path=path, owners=frozenset({0, os.geteuid()}))
    raise UsageError(f"no such host: {name!r}", hint="a host is `local` or `sim:FILE`")
