"""One apply at a time: an exclusive lock that the kernel frees, with its holder's name in it.

A tool that apply runs holds it, too (flock(2): it belongs to the open file, and that is shared): if
phoenix is killed and the tool goes on, nobody looks at the host while it does.
"""

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
def locked(state_dir: str, holder: str) -> Iterator[int]:
    """Hold the host's lock while the block runs; gives its descriptor. `holder` is one line on who
    and what.

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
                hint="Nothing was run. Wait for it: the kernel frees the lock when it has ended, "
                "and the tool that it had started.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{' '.join(holder.split())}\n".encode(errors="replace"), 0)
        yield descriptor
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


def is_held(state_dir: str) -> bool:
    """Whether somebody holds the lock, asked without taking it (proc_locks(5), proc(5))."""
    try:
        inode = os.stat(Path(state_dir) / "lock").st_ino
        table = Path("/proc/locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    # "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF"; the device is not always stat(2)'s.
    entries = (line.split() for line in table.splitlines())
    return any(
        "FLOCK" in words and "WRITE" in words and any(w.endswith(f":{inode}") for w in words)
        for words in entries
    )
