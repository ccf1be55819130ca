"""What can have happened to a simulated host, as edits of its file."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.apply.machine import Json

Edit = Callable[[Json], object]


def edited(there: Json, *edits: Edit) -> Json:
    """A copy of a host to which something has happened."""
    made: Json = json.loads(json.dumps(there))
    for edit in edits:
        edit(made)
    return made


def has(**changes: object) -> Edit:
    """The host has this too."""

    def edit(there: Json) -> None:
        for key, value in changes.items():
            old = there.get(key)
            if isinstance(old, dict):
                assert isinstance(value, dict)
                old.update(value)
            else:
                there[key] = [*(old or []), *value] if isinstance(value, list) else value

    return edit


def mount(source: str, target: str, **more: object) -> Edit:
    """Something is mounted."""
    return has(mounts=[{"source": source, "target": target, "type": "ext4", **more}])


def config(text: str, path: str) -> Edit:
    """A file with one line, or some more in it."""
    return has(files={path: text.splitlines()})


def guest(line: str) -> Edit:
    """A virtual machine of this node has this line in its config."""
    return config(f"memory: 512\n{line}\n", "/etc/pve/nodes/pve1/qemu-server/100.conf")


def prints(what: str, text: str) -> Edit:
    """A file or command of the host says this."""
    return has(fails={what: {"exit_code": 0, "stdout": text}})
