"""zfs-version(8): which OpenZFS this host runs."""

from __future__ import annotations

import re

from phoenix_plan.commands import Output, Query
from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.zfs_output import text_lines, zfs_text

VERSION = Query(argv=("zfs", "version"))

_SOURCE = "zfs version"
_USERLAND = re.compile(r"zfs-([0-9]+(?:\.[0-9]+)+)\S*")
_KERNEL = re.compile(r"zfs-kmod-([0-9]+(?:\.[0-9]+)+)\S*")


def parse_versions(output: Output) -> tuple[str, str]:
    """Versions of the tools and of the kernel module (`2.3.9`), without a packager's suffix.

    Raises ProbeError, also where the module is not loaded: nothing can be read then.
    """
    lines = text_lines(zfs_text(output, source=_SOURCE))
    if len(lines) != 2:
        raise ProbeError("two lines were expected, tools and kernel module", source=_SOURCE)
    userland = _USERLAND.fullmatch(lines[0])
    if userland is None:
        raise ProbeError(f"no version of the tools: {lines[0]!r}", source=_SOURCE, line=1)
    kernel = _KERNEL.fullmatch(lines[1])
    if kernel is None:
        raise ProbeError(f"no version of the module: {lines[1]!r}", source=_SOURCE, line=2)
    return userland[1], kernel[1]
