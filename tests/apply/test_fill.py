"""From a placeholder to the commands of this very host: which, in which order, and nothing else."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from phoenix_plan.actions import Action, ImportPool
from phoenix_plan.actions.nets import MOUNTED, MOUNTS, UNTIL
from phoenix_plan.apply.fill import DIGEST, FILESYSTEM, fill, mountable, mounts_of
from phoenix_plan.commands import Run, Write, WriteFile, Zero
from phoenix_plan.conditions import MountpointFree
from phoenix_plan.model.datasets import KEPT_UNTIL
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Guid
from tests.builders import actual, dataset, pool
from tests.render.samples import KINDS

IMPORT = ImportPool(
    pool="archive", guid=Guid("987654321"), state="exported", last_hostid="", last_hostname="",
    ours=True, disks=("x",),
)  # fmt: skip
RETIRE, ADD, UPDATE = (KINDS[one][0] for one in ("retire-dataset", "add-storage", "update-storage"))

OFF, ON, NOAUTO = ({"canmount": value} for value in ("off", "on", "noauto"))


def there(*datasets: Any) -> Index:
    """A pool with these in it."""
    return Index(actual(pools=[pool(IMPORT.pool), pool("tank")], datasets=datasets))


def filled(action: Action, *argv: str, index: Index | None = None) -> list[tuple[str, ...]]:
    """The argv of each command."""
    found = fill(action, Run(argv=argv), index or there())
    return [one.argv for one in found if isinstance(one, Run)]


@pytest.mark.parametrize(
    "write",
    [
        WriteFile(path="/x", content=FILESYSTEM, replaces=""),
        Zero(path="/dev/x", identity="x", ranges=((0, 512),)),
        Run(argv=("zfs", "create", "tank/a")),
        Run(argv=("zfs", "set", f"comment={DIGEST[1]}", "tank/a")),
        Run(argv=(*DIGEST, "tank/a")),
        Run(argv=("pvesm", "set", "--comment", DIGEST[1])),
        Run(argv=("pvesm", "--digest", "{other}")),
    ],
)
@pytest.mark.parametrize("action", [IMPORT, RETIRE, ADD])
def test_what_has_no_placeholder_stays_as_it_is(action: Action, write: Write) -> None:
    """What looks like one in another's place is a name or a value that somebody gave."""
    assert list(fill(action, write, there())) == [write]


@pytest.mark.parametrize("word", [FILESYSTEM, MOUNTED, MOUNTS, f"{KEPT_UNTIL}={UNTIL}"])
def test_a_placeholder_of_another_kind_of_action_is_none(word: str) -> None:
    assert filled(ADD, "x", word) == [("x", word)]
    other = RETIRE if word == FILESYSTEM else IMPORT
    assert filled(other, "x", word) == [("x", word)]


def test_the_placeholders_are_those_that_the_actions_have() -> None:
    """Where they part, a tool gets one as it stands."""
    ends = {write.argv[-1] for action in (IMPORT, RETIRE, UPDATE) for write in action.writes()
            if isinstance(write, Run)}  # fmt: skip
    assert {one for one in ends if one[0] == "{"} == {FILESYSTEM, MOUNTED, MOUNTS, DIGEST[1]}


def test_the_digest_of_storage_cfg_is_that_of_this_moment() -> None:
    """Everything before it stays: pvesm compares it under its lock."""
    assert filled(ADD, "pvesm", "add", *DIGEST) == [("pvesm", "add", "--digest", "0" * 40)]


def test_what_an_imported_pool_mounts_by_itself() -> None:
    """Parents first, as zfs mount -a does; what is mounted, or mounts nowhere, is left alone.
    zfsprops(7): canmount, and the mountpoints none and legacy, which are no paths."""
    index = there(
        dataset("archive", mounted=False),
        dataset("archive/a", mounted=False, set=ON, mountpoint="/srv/a"),
        dataset("archive/a/b", mounted=False),
        dataset("archive/by-hand", mounted=False, set=NOAUTO),
        dataset("archive/legacy", mounted=False, mountpoint="legacy"),
        dataset("archive/none", mounted=False, mountpoint="none"),
        dataset("archive/not", mounted=False, set=OFF),
        dataset("archive/there", mounted=True),
        dataset("archived", mounted=False),
        dataset("tank", mounted=False),
    )
    names = ["archive", "archive/a", "archive/a/b"]
    assert [one.name for one in mountable("archive", index)] == names
    commands = filled(IMPORT, "zfs", "mount", FILESYSTEM, index=index)
    assert commands == [("zfs", "mount", name) for name in names]
    folders = ["/archive", "/srv/a", "/archive/a/b"]
    assert mounts_of(IMPORT, index) == tuple(
        MountpointFree(path=path, dataset=name) for path, name in zip(folders, names, strict=True)
    )
    assert mounts_of(ADD, index) == ()
    assert mounts_of(attrs.evolve(IMPORT, pool="other"), index) == ()


@pytest.mark.parametrize(
    ("word", "names"),
    [
        (MOUNTED, ["tank/old/deep", "tank/old/c", "tank/old"]),
        (MOUNTS, ["tank/old/deep", "tank/old/would", "tank/old/c", "tank/old"]),
    ],
)
def test_what_is_mounted_of_what_is_put_aside(word: str, names: list[str]) -> None:
    """A path before the one that it lies in, whatever the datasets are called."""
    index = there(
        dataset("tank/old", mountpoint="/srv"),
        dataset("tank/old/c", mountpoint="/srv/c", set=OFF),
        dataset("tank/old/deep", mountpoint="/srv/z/deep"),
        dataset("tank/old/not", mounted=False, mountpoint="/srv/e", set=OFF),
        dataset("tank/old/would", mounted=False, mountpoint="/srv/d"),
        dataset("tank/other"),
    )
    commands = filled(RETIRE, "zfs", "x", word, index=index)
    assert commands == [("zfs", "x", name) for name in names]


def test_how_long_it_is_kept_counts_from_then() -> None:
    """30 days from the look at the host."""
    argv = ("zfs", "set", "a=b", f"{KEPT_UNTIL}={UNTIL}", "tank/old")
    until = f"{KEPT_UNTIL}=2026-12-23T08:00:00Z"
    assert filled(RETIRE, *argv) == [("zfs", "set", "a=b", until, "tank/old")]
