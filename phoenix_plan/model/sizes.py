"""Bytes, GUIDs, and sizes as ZFS writes them.

The rules are those of `zfs_nicestrtonum` (OpenZFS 2.1 to 2.3, zfsprops(7)): an optional fraction,
then K, M, G, T, P, E or Z, powers of 1024, with an optional B; case does not matter.
"""

from __future__ import annotations

import re
from typing import NewType

Bytes = NewType("Bytes", int)
"""A size in bytes. A string of digits in documents: JSON numbers of 64 bits break elsewhere."""

Guid = NewType("Guid", str)
"""A ZFS GUID as ZFS prints it, in decimal. Never a number: nobody calculates with it."""

_UNITS = "KMGTPEZ"
_SIZE = re.compile(r"^([0-9]+)(\.[0-9]+)?(?:([KMGTPEZ])(?:I?B)?|B)?$", re.IGNORECASE)


def parse_size(text: str) -> Bytes:
    """Bytes of `128K`, `1.4T`, `1048576` or `none` (0). Raises ValueError for anything else.

    A fraction is cut to whole bytes, as ZFS does.
    """
    if text == "none":
        return Bytes(0)
    match = _SIZE.match(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a size: digits, then K, M, G, T, P, E or Z, as in 128K or 1.4T"
        )
    whole, fraction, unit = match.groups()
    shift = 10 * (_UNITS.index(unit.upper()) + 1) if unit else 0
    if fraction and not shift:
        raise ValueError(f"{text!r} is not a size: a fraction needs a unit, as in 1.4T")
    if fraction:
        return Bytes(int(float(whole + fraction) * (1 << shift)))
    return Bytes(int(whole) << shift)


def human(size: int) -> str:
    """A size for people: `512M`, `1.40T`, three digits at least where it is not whole."""
    if size < 1024:
        return f"{size}B"
    value = float(size)
    unit = ""
    for unit in _UNITS:
        value /= 1024
        if value < 1024 or unit == _UNITS[-1]:
            break
    if value == int(value):
        return f"{int(value)}{unit}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}{unit}"
