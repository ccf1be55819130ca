"""The text of the device script: the modules inspector_*.py as one program.

Each part is a module of this package, so that it can be imported, typed and tested; in the one
program they share a namespace, so their imports of each other go, and the future import of the
first serves all.
"""

from __future__ import annotations

import ast
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

_PACKAGE = "phoenix_plan."


@cache
def inspector_script() -> bytes:
    """The program, for `python3 -I - REQUEST_JSON` on stdin."""
    folder = Path(__file__).parent
    parts = [_without_imports((folder / f"{name}.py").read_text("utf-8")) for name in PARTS]
    return "\n".join(["from __future__ import annotations", *parts]).encode()


def _without_imports(source: str) -> str:
    """A part without its docstring, its future import and its imports of the other parts."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        imports = isinstance(node, ast.ImportFrom) and (
            node.module == "__future__" or (node.module or "").startswith(_PACKAGE)
        )
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if imports or (docstring and node.lineno == 1):
            assert node.end_lineno is not None
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines).strip("\n")
