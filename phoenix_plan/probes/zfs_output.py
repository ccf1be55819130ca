"""What `zfs` and `zpool` printed, or why it is no answer: one rule for all of their probes."""

from __future__ import annotations

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError


def zfs_text(output: Output, *, source: str, none: str = "", may_be_empty: bool = False) -> str:
    """The text that a `zfs` or `zpool` command printed; empty where there is nothing to list.

    `none` is what the command says on stderr for that, with exit status 0 or 1 (zpool-import(8)
    uses both). `may_be_empty` is for commands that then say nothing: with `-H`, `zfs list`, `zfs
    get` and `zpool get` print no line and exit 0. Raises ProbeError for everything else that is no
    plain success: a missing tool, another exit status, anything on stderr, silence, bytes that are
    no UTF-8.
    """
    if output.missing:
        raise ProbeError(
            "ZFS is not installed on this host",
            source=source,
            hint="install zfsutils-linux: without it nothing can be said about pools",
        )
    said = output.stderr.decode("utf-8", errors="backslashreplace").strip()
    if none and said == none and output.exit_code in (0, 1) and not output.stdout.strip():
        return ""
    if output.exit_code != 0:
        raise ProbeError(f"exit status {output.exit_code}: {said or 'no message'}", source=source)
    if said:
        raise ProbeError(f"printed an answer, and on stderr: {said}", source=source)
    if not output.stdout.strip() and not may_be_empty:
        raise ProbeError("printed nothing", source=source)
    try:
        return output.stdout.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProbeError(
            "holds bytes that are no UTF-8",
            source=source,
            line=output.stdout.count(b"\n", 0, error.start) + 1,
        ) from error


def text_lines(text: str) -> list[str]:
    """Lines by newline alone: `str.splitlines` also cuts at characters that values may hold."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines
