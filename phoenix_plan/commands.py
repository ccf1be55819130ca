"""What may be asked of a host, and what may be done to it, as data.

Reads and writes are two closed unions: a host that only answers `Read`s can't run a `Write`.
Every command is an argv list; no shell ever sees a name.
"""

from __future__ import annotations

import shlex

import attrs


@attrs.frozen(kw_only=True)
class Query:
    """Run a tool that only looks. `timeout_s` is in seconds."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 60


@attrs.frozen(kw_only=True)
class ReadFile:
    """The bytes of one file; an absent file is an answer, an unreadable one an error."""

    path: str


@attrs.frozen(kw_only=True)
class ReadFiles:
    """The bytes of every file that a glob pattern matches."""

    pattern: str


@attrs.frozen(kw_only=True)
class Glob:
    """Paths that match a pattern, each with what it resolves to, links followed."""

    pattern: str


@attrs.frozen(kw_only=True)
class Sample:
    """Look at devices' bytes and at who uses them, in one process.

    `devices` are whole disks; `deep` those of them to be read across, where nothing is recognised:
    (device, identity as text), the offsets of the samples follow from the identity.
    `directories` are looked at for emptiness. `script` is a Python program of the standard
    library alone; it reads the request as one JSON argument and prints one JSON document.
    """

    devices: tuple[str, ...]
    deep: tuple[tuple[str, str], ...]
    directories: tuple[str, ...]
    script: bytes
    timeout_s: float = 3600


Read = Query | ReadFile | ReadFiles | Glob | Sample


@attrs.frozen(kw_only=True)
class Output:
    """What a tool did: exit code, stdout, stderr. `missing` when there is no such tool here."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    missing: bool = False


@attrs.frozen(kw_only=True)
class Content:
    """What a file holds; None where there is no such file."""

    data: bytes | None


@attrs.frozen(kw_only=True)
class Contents:
    """What several files hold, by path, sorted."""

    files: tuple[tuple[str, bytes], ...]


@attrs.frozen(kw_only=True)
class Paths:
    """What a glob matched: (path, real path), sorted."""

    entries: tuple[tuple[str, str], ...]


Answer = Output | Content | Contents | Paths


SLOW_S = 3600
"""Seconds for what a tool may rightly be long at: a pool with a long log to replay, thousands of
filesystems to mount, a dataset with years of snapshots, an initramfs for each kernel."""


@attrs.frozen(kw_only=True)
class Run:
    """Run a tool that changes something. After `timeout_s` seconds it is ended, and nobody can say
    what it did."""

    argv: tuple[str, ...]
    stdin: str = ""
    timeout_s: float = 600


@attrs.frozen(kw_only=True)
class WriteFile:
    """Replace a file whole. `replaces` is what must stand there before, or None for no file."""

    path: str
    content: str
    replaces: str | None
    mode: int = 0o644


@attrs.frozen(kw_only=True)
class Zero:
    """Zero ranges of one disk, through one exclusively opened descriptor whose identity was checked
    again, then have the kernel reread the table. `ranges` are (offset, length) in bytes; a negative
    offset counts from the end."""

    path: str
    identity: str
    ranges: tuple[tuple[int, int], ...]


Write = Run | WriteFile | Zero


def command_line(argv: tuple[str, ...], env: tuple[tuple[str, str], ...] = ()) -> str:
    """A command as a person pastes it into a shell, in the C locale that it is run with."""
    settings = (f"{name}={shlex.quote(value)}" for name, value in (("LC_ALL", "C"), *env))
    return " ".join((*settings, shlex.join(argv)))
