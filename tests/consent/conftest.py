"""A host with a plan to consent to, its rules, and people with keys."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.apply.conftest import from_a_terminal, machine
from tests.apply.machine import PHOTOS, Machine, by_id, host, pool, want
from tests.consent.signing import Rules

__all__ = ["from_a_terminal", "machine"]

DESTROY = "destroy-dataset:keep/old"
WIPE = f"wipe-disk:{by_id('E')}"


@pytest.fixture(autouse=True)
def plain_umask() -> Iterator[None]:
    """Whoever runs the tests may have files that a group can write."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def planned(machine: Machine) -> Machine:
    """A dataset to destroy, a disk to wipe for a new pool, and a safe change."""
    there = host(pool("keep", "mirror", "B", "C", old={"guid": "4711"}, some={}))
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    machine.has(there).wants(
        want("keep", "mirror", "B", "C"),
        want("cold", "single", "E"),
        datasets=[
            {"name": "some", "pool": "keep", "properties": "atime=on"},
            {"name": "data", "pool": "cold"},
        ],
        removed={"datasets": [{"name": "keep/old", "guid": "4711"}]},
    )
    assert machine.plan().code == 0
    return machine


@pytest.fixture
def rules(planned: Machine) -> Rules:
    """Its host's rules: alice and bob may sign, and signatures are asked for."""
    made = Rules(planned)
    made.allow(("alice@example.org", "alice"), ("bob@example.org", "bob"))
    made.policy(signatures=True)
    return made
