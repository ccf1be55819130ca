"""One apply at a time: an exclusive lock that the kernel frees, with its holder's name in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phoenix_plan.errors import PhoenixError


class LockedError(PhoenixError):
    """Another apply runs. Nothing was run."""

    exit_code = 6


@contextmanager
def locked(state_dir: str, holder: str) -> Iterator[None]:
    """Hold the host's lock while the block runs. `holder` is one line on who and what.

    Raises LockedError with the present holder's line, PhoenixError where there can't be a lock.
    """
    path = Path(state_dir) / "lock"
    descriptor = _opened(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
            raise LockedError(
                f"another apply holds {path}: {other or 'nobody left a name'}",
                hint="Nothing was run. Wait for it; the kernel frees the lock when it ends.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{' '.join(holder.split())}\n".encode(errors="replace"), 0)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PhoenixError(
            f"{path}: there can be no lock: {error.strerror}; nothing was run",
            hint="Run it as root." if isinstance(error, PermissionError) else "",
        ) from error
