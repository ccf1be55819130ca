"""Whatever a config holds, the answer is what it declares or a DocumentError, never a crash."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from phoenix_plan.config import LoadedConfig, load_config
from phoenix_plan.config.declare import is_declarable
from phoenix_plan.errors import DocumentError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "configs"
VALID = [
    json.loads((FIXTURES / name).read_text())
    for name in ("every_key.json", "phoenix_hypervisor_config.json", "older_config.json")
]

WORDS = st.sampled_from(
    [
        *("", "tank", "rpool", "tank/old", "tank-iso", "on", "none", "0", "1G", "128K", "9" * 60),
        *("volume", "dir", "zfspool", "images", "compression=lz4", "quota=1e400T", "\x1b[2J", "é"),
        *("/dev/disk/by-id/wwn-0x5000c500a1b2c3d1", "/dev/sda", "single", "٣K", "mirror"),
        *("stripe", "draid2:4d:1s", "draid", "raidz3", "/dev/disk/by-id/wwn-0x5000c500a1b2c401"),
    ]
)
SCALARS = (
    WORDS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
KEYS = st.text(max_size=10) | st.sampled_from(
    [
        "name",
        "pool",
        "pools",
        "datasets",
        "properties",
        "type",
        "guid",
        "volsize",
        "removed",
        "id",
        "vdevs",
        "log",
        "cache",
        "spare",
        "special",
        "dedup",
        "offline",
        "checkpoint",
        "raid_level",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def answer(data: bytes) -> LoadedConfig | DocumentError:
    try:
        return load_config("-", stdin=io.BytesIO(data))
    except DocumentError as refusal:
        error = refusal
    assert error.problems
    assert all(problem.line for problem in error.problems)
    assert all(line.isprintable() for line in str(error).splitlines())
    return error


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in items:
        found += places(child, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A valid config with up to three values put elsewhere, replaced or removed."""
    config = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(config)[1:] or [()]))
        if not path:
            return draw(VALUES)
        parent = config
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "remove", "copy", "rename"])):
            case "replace":
                parent[path[-1]] = draw(VALUES)
            case "remove":
                del parent[path[-1]]
            case "copy" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[path[-1]]))
            case "rename" if isinstance(parent, dict):
                parent[draw(KEYS)] = parent.pop(path[-1])
    return config


@given(mutated())
@settings(max_examples=300, deadline=None)
@example({"zfs": {"datasets": [{"name": "a", "pool": "b", "volsize": 1e300, "type": "volume"}]}})
@example({"zfs": {"datasets": [{"name": "a", "pool": "b", "properties": {"quota": "9" * 400}}]}})
def test_any_nearly_valid_config(config: Any) -> None:
    """Valid configs with parts of them wrong. What is read can be written down, and read again."""
    read = answer(json.dumps(config).encode())
    assert isinstance(read, DocumentError) or is_declarable(read.desired)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_any_json(value: Any) -> None:
    """Any JSON at all, as the config and as its `zfs`."""
    answer(json.dumps(value).encode())
    answer(json.dumps({"zfs": value}).encode())


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes(data: bytes) -> None:
    """Bytes that are no JSON, mostly."""
    assert isinstance(answer(data), DocumentError)


@given(mutated())
@settings(max_examples=30, deadline=None)
def test_same_file_same_answer(config: Any) -> None:
    """I4: the order of what is reported depends on the file alone."""
    data = json.dumps(config, indent=1).encode()
    first, second = answer(data), answer(data)
    assert repr(first) == repr(second)
    assert str(first) == str(second)
