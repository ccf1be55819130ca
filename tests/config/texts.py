"""Config texts for tests, one entry a line, so that expected lines can be counted.

Pools start at line 4. With one pool, datasets start at line 7.
"""

from __future__ import annotations

import io

import pytest

from phoenix_plan.config import LoadedConfig, load_config
from phoenix_plan.errors import DocumentError, Problem

TANK = (
    '{"name": "tank", "raid_level": "mirror",'
    ' "disks": ["/dev/disk/by-id/wwn-0x1", "/dev/disk/by-id/wwn-0x2"]}'
)


def config(
    *,
    pools: tuple[str, ...] = (TANK,),
    datasets: tuple[str, ...] = (),
    zfs: str = "",
    top: str = "",
) -> str:
    """A config: `zfs` are more members of that object, `top` more members at the top."""
    lines = ["{", '"zfs": {', '"pools": [']
    lines += [pool + ("," if pool != pools[-1] else "") for pool in pools]
    lines += ["],", '"datasets": [']
    lines += [
        dataset + ("," if index < len(datasets) - 1 else "")
        for index, dataset in enumerate(datasets)
    ]
    lines += ["]" + ("," if zfs else "")]
    lines += [zfs] if zfs else []
    lines += ["}" + ("," if top else "")]
    lines += [top] if top else []
    return "\n".join([*lines, "}"]) + "\n"


def pool(name: str = "tank", level: str = "mirror", *disks: str, more: str = "") -> str:
    """A pool's entry."""
    named = ", ".join(f'"{disk}"' for disk in disks)
    return f'{{"name": "{name}", "raid_level": "{level}", "disks": [{named}]{more}}}'


def dataset(name: str = "data", more: str = "", *, of: str = "tank") -> str:
    """A dataset's entry; `more` are more members, without the comma before them."""
    return f'{{"name": "{name}", "pool": "{of}"{", " + more if more else ""}}}'


def storages(*entries: str) -> str:
    """`proxmox.storages` on one line."""
    return f'"proxmox": {{"storages": [{", ".join(entries)}]}}'


def loaded(text: str) -> LoadedConfig:
    """What a config text declares."""
    return load_config("-", stdin=io.BytesIO(text.encode()))


def problems(text: str | bytes) -> tuple[Problem, ...]:
    """The problems of a config text; it must have some."""
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(DocumentError) as caught:
        load_config("-", stdin=io.BytesIO(data))
    assert caught.value.exit_code == 65
    return caught.value.problems
