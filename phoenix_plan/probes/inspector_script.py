"""The text of the device script: the modules inspector_*.py as one program.

Each part is a module of this package, so that it can be imported, typed and tested; in the one
program they share a namespace, so their imports of each other go, and the future import of the
first serves all.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

PARTS: Final = (
    "inspector_device",
    "inspector_tables",
    "inspector_labels",
    "inspector_checks",
    "inspector_signatures",
    "inspector_users",
    "inspector",
)

_DOCSTRING = re.compile(r'\A""".*?"""\n', re.DOTALL)
_OURS = re.compile(
    r"^from (?:__future__|phoenix_plan\.[\w.]+) import (?:\([^)]*\)|[^\n]*)\n", re.MULTILINE
)


@cache
def inspector_script() -> bytes:
    """The program, for `python3 -I - REQUEST_JSON` on stdin."""
    folder = Path(__file__).parent
    parts = [_without_imports((folder / f"{name}.py").read_text("utf-8")) for name in PARTS]
    return "\n".join(["from __future__ import annotations", *parts]).encode()


def _without_imports(source: str) -> str:
    """A part without its docstring, its future import and its imports of the other parts.

    By pattern, not by parsing: this runs at every refresh, and parsing costs 80 ms.
    """
    return _OURS.sub("", _DOCSTRING.sub("", source)).strip("\n")
