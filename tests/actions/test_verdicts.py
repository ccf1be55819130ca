"""What is said of an action: its reason code, and the sentence that somebody consents to."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import Action, Change, SetDatasetProperties, UpdateStorage
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.sizes import Guid
from phoenix_plan.safety import verdict


def like(tag: str, /, **changes: Any) -> Action:
    """The first example of a kind, but for some fields."""
    return attrs.evolve(next(one for one in EXAMPLES if tag == one.TYPE), **changes)


def dataset(name: str, before: str, after: str) -> Action:
    change = Change(name=name, before=before, after=after)
    return SetDatasetProperties(dataset="tank/a", guid=Guid("7"), properties=(change,))


def storage(name: str, before: str, after: str) -> Action:
    change = Change(name=name, before=before, after=after)
    return UpdateStorage(storage="vm", kind="zfspool", properties=(change,))


_LOG: dict[str, Any] = {"vdev_class": "log", "kind": "mirror"}

_SAID: list[tuple[str, str, Action]] = [
    ("wipes-disk", "is lost: residual", like("wipe-disk", emptiness="residual")),
    ("destroys-pool", "everything on the pool is lost.", like("destroy-pool", because=())),
    ("destroys-pool", "lost (too small; not wanted)",
        like("destroy-pool", because=("too small", "not wanted"))),
    ("unregisters-storage", "resource pools; the data", like("remove-storage", because="")),
    ("unregisters-storage", "resource pools (its pool goes); the data",
        like("remove-storage", because="its pool goes")),
    ("replaces-disk", "the old disk serves until", like("replace-disk", old_state="ONLINE")),
    ("replaces-disk", "the old disk serves until", like("replace-disk", old_state="DEGRADED")),
    ("replaces-disk", "the old disk is FAULTED", like("replace-disk", old_state="FAULTED")),
    ("detaches-disk", "/dev/sdx has its place for good", like("detach-disk", instead="/dev/sdx")),
    ("detaches-disk", "is on one disk alone", like("detach-disk", others=1)),
    ("detaches-disk", "one disk fewer", like("detach-disk", others=2)),
    ("removes-log", "the log is DEGRADED:", like("remove-vdev", state="DEGRADED", **_LOG)),
    ("removes-log", "the log is not mirrored:", like("remove-vdev", vdev_class="log", kind="disk")),
    ("removes-vdev", "what the log holds is written", like("remove-vdev", **_LOG)),
    ("removes-vdev", "a cache holds nothing", like("remove-vdev", vdev_class="cache")),
    ("property-safe", "a user property", dataset("our:owner", "", "anna")),
    ("property-safe", "a user property", dataset("phoenix:protected", "off", "on")),
    ("lifts-protection", "", dataset("phoenix:protected", "on", "off")),
    ("grows-volume", "", dataset("volsize", "1024", "1024")),
    ("grows-volume", "", dataset("volsize", "1024", "2048")),
    ("shrinks-volume", "beyond 1023 bytes", dataset("volsize", "1024", "1023")),
    ("shrinks-volume", "", dataset("volsize", "", "1024")),
    ("shrinks-volume", "", dataset("volsize", "1024", "none")),
    ("storage-setting-not-listed", "mountpoint", storage("mountpoint", "/a", "/b")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "action"), _SAID, ids=[row[0] for row in _SAID])
def test_what_is_said_of_it(code: str, words: str, action: Action) -> None:
    """A value that can't be compared is never taken for a larger one."""
    found = verdict(action, Evidence())
    assert found.code == code
    assert words in f"{found.reason}."
    assert (found.safety == "safe") == (code in _SAFE)


_SAFE = {"replaces-disk", "removes-vdev", "property-safe", "grows-volume"}


def test_an_action_of_several_changes_is_as_unsafe_as_its_worst() -> None:
    """With the code of the first that is unsafe, and the reasons of all such, each once."""
    changes = [("atime", "off"), ("sync", "disabled"), ("checksum", "off"), ("sync", "disabled")]
    properties = tuple(Change(name=name, before="on", after=after) for name, after in changes)
    action = SetDatasetProperties(dataset="tank/a", guid=Guid("7"), properties=properties)
    found = verdict(action, Evidence())
    assert (found.safety, found.code) == ("destructive", "property-unsafe-value")
    assert found.reason == "sync=disabled risks data; checksum=off risks data"
