"""Who is at the terminal, and asking them."""

from __future__ import annotations

import os
import pwd
import sys


def user() -> str:
    """Who runs this: whoever called sudo(8), else the owner of the process."""
    called = os.environ.get("SUDO_USER", "")
    if called:
        return called
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def terminal() -> bool:
    """Whether somebody can be asked: both ends of the talk are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def question(text: str) -> str:
    """What somebody types to a question, without blanks around it; empty at the end of input."""
    sys.stderr.write(text)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
