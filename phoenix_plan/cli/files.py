"""Writing a document: whole or not at all, and never over something else."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Mapping
from typing import Literal

from phoenix_plan.cli.streams import deliver
from phoenix_plan.consent.signatures import SUFFIX
from phoenix_plan.errors import PhoenixError, UsageError

Kind = Literal["plan", "state", "approval", "signature", "simulated host"]

_STARTS: dict[Kind, re.Pattern[bytes]] = {
    "plan": re.compile(rb'\{\s*"format_version":\s*"[^"]*",\s*"host":'),
    "state": re.compile(rb'\{\s*"format_version":\s*"[^"]*",\s*"id":'),
    "approval": re.compile(rb'\{\s*"format_version":\s*"[^"]*",\s*"plan":\s*"'),
    "signature": re.compile(rb"-----BEGIN SSH SIGNATURE-----\n"),
    "simulated host": re.compile(
        rb'\{\s*("format_version":\s*"[^"]*",\s*)?"hostname":\s*"[^"]*",\s*"machine_id":'
    ),
}
"""How the documents that phoenix writes begin (`codec.dump` keeps the order of the members). A
signature begins as ssh-keygen writes it (PROTOCOL.sshsig of OpenSSH)."""


def check_target(path: str, kind: Kind) -> None:
    """Whether a document may be written there, asked before the work is done.

    Raises UsageError for a folder that is not there, a symbolic link, anything that is no regular
    file (rename would replace /dev/null itself), and a file that holds no such document.
    """
    if path == "-":
        return
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise UsageError(f"-o {path}: there is no folder {folder}") from None
        return
    except OSError as error:
        raise UsageError(f"-o {path}: {error.strerror}") from error
    if stat.S_ISLNK(seen.st_mode):
        raise UsageError(
            f"-o {path}: is a symbolic link, and is not followed",
            hint="Name the file that it leads to, or - for stdout.",
        )
    if not stat.S_ISREG(seen.st_mode):
        raise UsageError(f"-o {path}: is no regular file", hint="- is stdout.")
    if seen.st_size and not _STARTS[kind].match(_beginning(path)):
        raise UsageError(
            f"-o {path}: is there, and is no {kind} of phoenix's: it is not overwritten",
            hint="Name another file, or remove this one yourself.",
        )


def _beginning(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError as error:
        raise UsageError(f"-o {path}: {error.strerror}") from error


def write_document(path: str, text: str, kind: Kind) -> None:
    """Write a document to a file, or to stdout where `path` is `-`.

    A file is there whole, or as it was before: written beside its place, flushed to the disk, then
    renamed. Raises UsageError as `check_target` does, PhoenixError where writing fails.
    """
    if path == "-":
        deliver(text)
        return
    check_target(path, kind)
    _put({path: text})


def write_signed(path: str, text: str, kind: Kind, signature: str | None) -> None:
    """Write a document with its signature beside it, as `path.sig`, or without one.

    Where writing fails both are as they were before. A document never stands beside the signature
    of an earlier one, which would make it look forged. Raises as `write_document`.
    """
    signed = path + SUFFIX
    check_target(path, kind)
    check_target(signed, "signature")
    texts = {path: text} if signature is None else {path: text, signed: signature}
    _put(texts, gone=signed)


def holds(path: str, text: str) -> bool:
    """Whether a file holds this very text."""
    try:
        with open(path, "rb") as file:
            return file.read() == text.encode("utf-8")
    except OSError:
        return False


def _put(texts: Mapping[str, str], *, gone: str = "") -> None:
    """Write these files of one folder, whole, in this order; `gone` is removed before."""
    path = next(iter(texts))
    folder = os.path.dirname(path) or "."
    beside = {
        one: os.path.join(folder, f".{os.path.basename(one)}.{secrets.token_hex(8)}")
        for one in texts
    }
    try:
        for one, text in texts.items():
            _write(beside[one], text)
        if gone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(gone)
        for one in texts:
            os.rename(beside[one], one)
        _sync_folder(folder)
    except OSError as error:
        for one in beside.values():
            with contextlib.suppress(OSError):
                os.unlink(one)
        raise PhoenixError(f"{path} can't be written: {error.strerror}") from error


def _write(path: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    """The rename itself reaches the disk too (fsync(2), "Calling fsync() does not …")."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
