"""Files that a host's own rules stand in: read only where nobody else can have written them.

From the root downwards each folder is opened without following a link, and must be its owners' and
writable by nobody else: whoever can write a folder can put another file in its place. A file that
fails this is an error, never an absent one.
"""

from __future__ import annotations

import contextlib
import os
import stat

import attrs

from phoenix_plan.errors import DocumentError

LIMIT = 1 << 20
"""Bytes. A policy has a few hundred, a signer's key one hundred."""

_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_HINT = "Until that is mended, phoenix can't know whose rules these are."


@attrs.frozen(kw_only=True)
class TrustedFolder:
    """A folder with a host's rules: its absolute path, and the user ids that may own it and what is
    in it."""

    path: str
    owners: frozenset[int]

    def read(self, name: str) -> bytes | None:
        """A file of the folder, None where it or the folder is not there.

        Raises DocumentError where it, or a folder above it, is a link, another's, or writable by
        others, and where it can't be read.
        """
        with contextlib.ExitStack() as stack:
            folder = self._open(stack)
            if folder is None:
                return None
            path = os.path.join(self.path, name)
            try:
                # A pipe would keep us waiting.
                handle = os.open(
                    name,
                    os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
                    dir_fd=folder,
                )
            except FileNotFoundError:
                return None
            except OSError as error:
                raise _refused(path, _reason(error, name, folder)) from error
            stack.callback(os.close, handle)
            seen = os.fstat(handle)
            if not stat.S_ISREG(seen.st_mode):
                raise _refused(path, "is no regular file")
            self._check(path, seen)
            try:
                with open(handle, "rb", closefd=False) as file:
                    data = file.read(LIMIT + 1)
            except OSError as error:
                raise _refused(path, f"can't be read: {error.strerror}") from error
        if len(data) > LIMIT:
            raise _refused(path, f"is larger than {LIMIT >> 20} MiB")
        return data

    def is_there(self) -> bool:
        """Whether there is such a folder. Raises DocumentError as `read` does."""
        with contextlib.ExitStack() as stack:
            return self._open(stack) is not None

    def _open(self, stack: contextlib.ExitStack) -> int | None:
        """The folder, opened step by step; None where it is not there."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        at = "/"
        handle = os.open(at, flags)
        stack.callback(os.close, handle)
        self._check(at, os.fstat(handle))
        for part in self.path.strip("/").split("/"):
            at = os.path.join(at, part)
            above = handle
            try:
                handle = os.open(part, flags, dir_fd=above)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise _refused(at, _reason(error, part, above)) from error
            stack.callback(os.close, handle)
            self._check(at, os.fstat(handle))
        return handle

    def _check(self, path: str, seen: os.stat_result) -> None:
        if seen.st_uid not in self.owners:
            raise _refused(path, f"belongs to user {seen.st_uid}, and must be root's")
        # In a sticky folder (/tmp) nobody can move what is another's (chmod(1), "restricted
        # deletion"), and whose that is, is seen at the next step.
        sticky = stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX
        if seen.st_mode & _OTHERS and not sticky:
            raise _refused(
                path, f"can be written by others than its owner (mode {seen.st_mode & 0o7777:04o})"
            )


def _reason(error: OSError, name: str, folder: int) -> str:
    """ELOOP and ENOTDIR are how open(2) tells a link with O_NOFOLLOW."""
    with contextlib.suppress(OSError):
        if stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
            return "is a symbolic link, and is not followed"
    return f"can't be read: {error.strerror}"


def _refused(path: str, why: str) -> DocumentError:
    return DocumentError(f"{path}: {why}: nothing was run", hint=_HINT)
