"""Text from outside, made harmless: what a terminal would act on is shown instead.

Pool names are tame, but labels of disks, volume labels, comments and error messages of tools hold
whatever somebody wrote into them, escape sequences and bidirectional overrides included.
"""

from __future__ import annotations

import shlex


def visible(text: str) -> str:
    """`text` on one line, each character that does not print as an escape (`\\x1b`, `\\u202e`)."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def quoted(argument: str) -> str:
    """One argument of a command as a shell takes it: quoted where it has to be.

    What does not print is written as bash's and zsh's `$'…'` has it, so that the line can be read
    and pasted all the same.
    """
    if argument.isprintable():
        return shlex.quote(argument)
    return "$'" + "".join(_ansi_c(character) for character in argument) + "'"


def _ansi_c(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
