"""What is said of an action: its reason code, and the sentence that somebody consents to."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from docs.generator.examples import EXAMPLES
from phoenix_plan.actions import (
    Action,
    Change,
    SetDatasetProperties,
    SetPoolProperties,
    UpdateStorage,
)
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
    ("creates-pool", "", like("create-pool")),
    ("creates-dataset", "", like("create-dataset")),
    ("attaches-disk", "", like("attach-disk")),
    ("expands-raidz", "raidz1-0 can never be", like("expand-raidz")),
    ("brings-online", "", like("online-disk")),
    ("takes-offline", "", like("offline-disk")),
    ("makes-checkpoint", "", like("create-checkpoint")),
    ("discards-checkpoint", "", like("discard-checkpoint")),
    ("destroys-dataset", "the dataset is lost", like("destroy-dataset", snapshots={})),
    ("destroys-dataset", "and 1 snapshot of it are", like("destroy-dataset", snapshots={"x": "1"})),
    ("destroys-dataset", "and 2 snapshots of it", like("destroy-dataset")),
    ("purges-dataset", "be kept until 2026-03-31, and is lost",
        like("destroy-dataset", kept_until="2026-03-31")),
    ("retires-dataset", "kept for 30d, as tank/kept",
        like("retire-dataset", keep="30d", to="tank/kept")),
    ("takes-snapshot", "", like("snapshot-dataset")),
    ("renames-dataset", "", like("rename-dataset")),
    ("registers-storage", "", like("add-storage")),
    ("enables-storage", "", like("enable-storage")),
    ("disables-storage", "", like("disable-storage")),
    ("sets-arc-max", "", like("set-arc-max")),
    ("adds-vdev", "a log can be", like("add-vdev", vdev_class="log")),
    ("adds-data-vdev", "", like("add-vdev", vdev_class="normal")),
    ("removes-data-vdev", "", like("remove-vdev", vdev_class="special")),
    ("imports-own-pool", "", like("import-pool", ours=True, state="exported")),
    ("imports-unexported-pool", "", like("import-pool", ours=True, state="active")),
    ("imports-foreign-pool", "pve2 (0a) used",
        like("import-pool", ours=False, last_hostname="pve2", last_hostid="0a")),
    ("imports-foreign-pool", "another host (no host id) used",
        like("import-pool", ours=False, last_hostname="", last_hostid="", state="active")),
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


_DATASET = {
    "property-safe": "atime=off relatime=on compression=zstd recordsize=1M logbias=throughput "
    "snapdir=visible primarycache=metadata secondarycache=none checksum=sha256 sync=always "
    "quota=1G refquota=1G reservation=1G refreservation=1G",
    "property-unsafe-value": "checksum=off checksum=noparity sync=disabled",
    "property-not-listed": "readonly=on mountpoint=/x canmount=off overlay=off sharenfs=on "
    "sharesmb=on keylocation=prompt exec=off setuid=off devices=off dedup=on copies=2 zoned=on "
    "special_small_blocks=0 redundant_metadata=some volmode=dev invented=x",
}
_POOL = {
    "property-safe": "autotrim=on comment=ours",
    "property-not-listed": "autoreplace=on cachefile=none failmode=continue delegation=off "
    "multihost=on autoexpand=on bootfs=x listsnapshots=on invented=x atime=off",
}
_STORAGE = {
    "storage-setting-safe": "content:images:images,rootdir content:images,rootdir:images "
    "bwlimit::clone=5 bwlimit:clone=5: format::raw format:raw:qcow2 nodes:pve1:pve1,pve2 "
    "disable:1: prune-backups:keep-last=2:keep-last=3 max-protected-backups:5:6",
    "storage-setting-narrows": "nodes:pve1,pve2:pve1 disable::1 "
    "prune-backups:keep-last=3:keep-last=2 max-protected-backups:6:5",
    "storage-setting-not-listed": "pool:a:b path:/a:/b server:a:b namespace:a:b shared::1 "
    "sparse::1 preallocation::off mountpoint:/a:/b subdir:a:b content-dirs:a:b invented::x",
}


def _rows(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, one) for code, values in table.items() for one in values.split()]


@pytest.mark.parametrize(("code", "value"), _rows(_DATASET))
def test_which_properties_of_a_dataset_are_safe(code: str, value: str) -> None:
    """The contract's list; what is on none is destructive. What it was before does not matter."""
    name, _, after = value.partition("=")
    for before in ("", "on", "off"):
        found = verdict(dataset(name, before, after), Evidence())
        assert (found.code, found.safety == "safe") == (code, code == "property-safe")


@pytest.mark.parametrize(("code", "value"), _rows(_POOL))
def test_which_properties_of_a_pool_are_safe(code: str, value: str) -> None:
    name, _, after = value.partition("=")
    change = Change(name=name, before="x", after=after)
    action = SetPoolProperties(pool="tank", guid=Guid("7"), properties=(change,))
    found = verdict(action, Evidence())
    assert (found.code, found.safety == "safe") == (code, code == "property-safe")


@pytest.mark.parametrize(("code", "change"), _rows(_STORAGE))
def test_which_settings_of_a_storage_are_safe(code: str, change: str) -> None:
    """By direction: more may be kept, more nodes may use it, never less."""
    name, before, after = change.split(":")
    found = verdict(storage(name, before, after), Evidence())
    assert (found.code, found.safety == "safe") == (code, code == "storage-setting-safe")


_SAFE = {
    "creates-pool", "creates-dataset", "attaches-disk", "brings-online", "registers-storage",
    "enables-storage", "sets-arc-max", "adds-vdev", "imports-own-pool", "replaces-disk",
    "removes-vdev", "property-safe", "grows-volume",
}  # fmt: skip


def test_what_is_on_a_disk_is_told_of_its_wipe() -> None:
    """Else how empty it is."""
    wipe = like("wipe-disk", emptiness="occupied")
    found = verdict(wipe, Evidence(contents=("ext4 'photos'", "btrfs")))
    assert found.reason == "what is on the disk is lost: ext4 'photos'; btrfs"


def test_an_action_of_several_changes_is_as_unsafe_as_its_worst() -> None:
    """With the code of the first that is unsafe, and the reasons of all such, each once."""
    changes = [("atime", "off"), ("sync", "disabled"), ("checksum", "off"), ("sync", "disabled")]
    properties = tuple(Change(name=name, before="on", after=after) for name, after in changes)
    action = SetDatasetProperties(dataset="tank/a", guid=Guid("7"), properties=properties)
    found = verdict(action, Evidence())
    assert (found.safety, found.code) == ("destructive", "property-unsafe-value")
    assert found.reason == "sync=disabled risks data; checksum=off risks data"
