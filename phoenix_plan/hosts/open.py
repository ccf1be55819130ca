"""From what the command line calls a host to the host."""

from __future__ import annotations

from pathlib import Path

from phoenix_plan.errors import UsageError
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.hosts.local import LocalHost
from phoenix_plan.hosts.recorded import RecordedHost

_RECORDED = "recorded:"


def open_host(name: str) -> ReadableHost:
    """The host called `local` or `recorded:DIR`.

    Raises UsageError for another name, HostError for a recording that is not there.
    """
    if name == "local":
        return LocalHost()
    if name.startswith(_RECORDED) and name != _RECORDED:
        return RecordedHost(Path(name.removeprefix(_RECORDED)))
    raise UsageError(
        f"no such host: {name!r}",
        hint="a host is `local` or `recorded:DIR`, the folder of a recording",
    )
