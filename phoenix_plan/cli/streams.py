"""stdout: whether what was printed arrived.

A reader that has gone (`| head`) is not worth a message, a full disk is; neither is success.
"""

from __future__ import annotations

import os
import sys


def deliver(text: str) -> None:
    """Print text and flush it.

    Raises BrokenPipeError where nobody reads, PhoenixError where it can't be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
        raise
    except OSError as error:
        from phoenix_plan.errors import PhoenixError  # noqa: PLC0415 - --version loads nothing

        _hush()
        raise PhoenixError(f"stdout can't be written: {error.strerror}") from error


def finish(code: int) -> int:
    """Flush stdout: `code`, or 1 where the result did not arrive."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
        return 1
    except OSError as error:
        _hush()
        sys.stderr.write(f"phoenix: stdout can't be written: {error.strerror}\n")
        return 1
    return code


def _hush() -> None:
    """Send what stdout still holds nowhere, so that Python does not stumble over it when it ends
    (Python library reference, "Note on SIGPIPE")."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)
