"""A guest that stood still is booted anew, once, and that is told.

An emulated guest stops for good now and then (QEMU 7.2). Seen was one, shortly after its boot,
that ran three `zpool create` on blank disks, with phoenix not yet started, and whose agent did not
answer that its own time was up either. What phoenix or ZFS hangs on hangs the second time, too, and
fails.
"""

import warnings
from collections.abc import Callable

from tests.lab.errors import StoodStill


class BootedAnew(UserWarning):
    """What a run was repeated for; pytest lists it."""


def once_more(run: Callable[[], None]) -> None:
    """Run it, and once more where its guest stood still; each time in a boot of its own."""
    try:
        run()
    except StoodStill as error:
        warnings.warn(f"run a second time, in a new boot: {error}", BootedAnew, stacklevel=2)
        run()
