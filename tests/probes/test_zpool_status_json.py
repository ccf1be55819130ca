"""`zpool status -j`: checked key by key, and equal to what text says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.zpool_status import TextNeeded
from phoenix_plan.probes.zpool_status_json import parse_status_json
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.probes.zfs_recordings import DATA, answer, printed
from tests.probes.zfs_texts import view
from tests.recordings import NEW

Document = dict[str, Any]


def degraded() -> Document:
    """The made-up document, fresh."""
    loaded: Document = json.loads((DATA / "status-degraded.json").read_text(encoding="utf-8"))
    return loaded


def node(document: Document, *names: str) -> Document:
    """A vdev of the pool `cache`, by the names on the way to it; without names the root."""
    found: Document = document["pools"]["cache"]["vdevs"]["cache"]
    for name in names:
        found = found["vdevs"][name]
    return found


def read(document: Document) -> Any:
    """The pools of a document."""
    return parse_status_json(printed(json.dumps(document)))


def test_one_model_for_json_and_text() -> None:
    """Every class, a replacement, a hot spare, missing devices, notes: both say the same."""
    text = parse_status_text(
        printed((DATA / "status-degraded.paths.txt").read_text(encoding="utf-8")),
        printed((DATA / "status-degraded.guids.txt").read_text(encoding="utf-8")),
    )
    assert read(degraded()) == text
    assert view(text[0].vdevs) == [
        "normal raidz2 DEGRADED raidz2-0",
        "  normal replacing DEGRADED replacing-0",
        "    normal disk UNAVAIL 1001 was /dev/disk/by-id/ata-A-part1",
        "    normal disk ONLINE /dev/disk/by-id/ata-B-part1",
        "  normal spare DEGRADED spare-1",
        "    normal disk FAULTED /dev/disk/by-id/ata-C-part1 (too many errors)",
        "    normal disk ONLINE /dev/disk/by-id/ata-S-part1",
        "  normal disk OFFLINE /dev/disk/by-id/ata-D-part1",
        "  normal disk ONLINE /dev/disk/by-id/ata-E-part1"
        " (block size: 512B configured, 4096B native)",
        "  normal disk REMOVED /dev/disk/by-id/ata-F-part1",
        "normal mirror ONLINE mirror-4 (removing)",
        "  normal disk ONLINE /dev/disk/by-id/ata-G-part1",
        "  normal disk ONLINE /dev/disk/by-id/ata-H-part1",
        "normal file ONLINE /srv/my disk.img (non-allocating)",
        "dedup disk ONLINE /dev/disk/by-id/nvme-D1-part1",
        "special mirror UNAVAIL mirror-3 (insufficient replicas)",
        "  special disk UNAVAIL /dev/disk/by-id/nvme-S1-part1 (cannot open)",
        "  special disk UNAVAIL 1002 was /dev/nvme1n1p1",
        "log disk FAULTED /dev/disk/by-id/nvme-L1-part1 (corrupted data)",
        "cache disk UNAVAIL /dev/disk/by-id/nvme-C1-part1 (cannot open)",
        "spare disk INUSE /dev/disk/by-id/ata-S-part1 (currently in use)",
        "spare disk INUSE /dev/disk/by-id/ata-T-part1 (in use by pool 'other')",
        "spare disk AVAIL /dev/disk/by-id/ata-U-part1",
        "spare disk UNAVAIL 1003 was /dev/sdz1",
    ]


def test_numbers_of_64_bits_stay_exact() -> None:
    """A GUID is a text in the model, every digit of it."""
    document = degraded()
    node(document, "mirror-4")["guid"] = 18446744073709551615
    assert read(document)[0].vdevs[1].guid == "18446744073709551615"


@pytest.mark.parametrize(
    ("activities", "scan"),
    [
        ([], {}),
        ([], {"function": "NONE", "state": "NONE"}),
        (["scrub paused"], {"function": "SCRUB", "state": "SCANNING", "scrub_pause": 7}),
        (["scrub running"], {"function": "SCRUB", "state": "SCANNING"}),
        (["scrub canceled"], {"function": "SCRUB", "state": "CANCELED", "end_time": 5}),
        (["resilver finished"], {"function": "RESILVER", "state": "FINISHED", "end_time": 5}),
        (
            ["resilver finished"],
            {
                "function": "RESILVER",
                "state": "CANCELED",
                "end_time": 5,
                "rebuild_stats": {"mirror-0": {"state": "COMPLETE", "end_time": 6}},
            },
        ),
        (
            ["resilver canceled"],
            {
                "function": "RESILVER",
                "state": "CANCELED",
                "end_time": 7,
                "rebuild_stats": {"mirror-0": {"state": "COMPLETE", "end_time": 6}},
            },
        ),
        (
            ["resilver running", "scrub finished"],
            {
                "function": "SCRUB",
                "state": "FINISHED",
                "end_time": 7,
                "rebuild_stats": {"mirror-0": {"state": "ACTIVE", "end_time": 0}},
            },
        ),
        (
            ["scrub paused"],
            {
                "function": "SCRUB",
                "state": "FINISHED",
                "end_time": 7,
                "err_scrub_func": "ERRORSCRUB",
                "err_scrub_state": "ERRORSCRUBBING",
                "err_scrub_pause": 9,
            },
        ),
    ],
)
def test_scans(activities: list[str], scan: Document) -> None:
    """As text picks what it prints: the last scrub, and of resilver and rebuild the newer."""
    document = degraded()
    pool = document["pools"]["cache"]
    del pool["removal_stats"], pool["checkpoint_stats"]
    pool["scan_stats"] = {"start_time": 1, "end_time": 0, "scrub_pause": 0} | scan
    found = read(document)[0].activities
    assert activities == [f"{activity.kind} {activity.state}" for activity in found]


@pytest.mark.parametrize(
    ("expected", "stats"),
    [
        ([], {"state": "NONE", "waiting_for_resilver": 0}),
        (["expand running"], {"state": "SCANNING", "waiting_for_resilver": 0}),
        (["expand paused"], {"state": "SCANNING", "waiting_for_resilver": 1}),
        (["expand finished"], {"state": "FINISHED", "waiting_for_resilver": 0}),
    ],
)
def test_expansion(expected: list[str], stats: Document) -> None:
    """An expansion that waits for a resilver is paused."""
    document = degraded()
    pool = document["pools"]["cache"]
    del pool["removal_stats"], pool["scan_stats"], pool["checkpoint_stats"]
    pool["raidz_expand_stats"] = stats
    assert expected == [f"{each.kind} {each.state}" for each in read(document)[0].activities]


@pytest.mark.parametrize(
    ("expected", "stats"),
    [
        (False, {"state": "NONE"}),
        (True, {"state": "EXISTS"}),
        (False, {"state": "DISCARDING"}),
    ],
)
def test_checkpoint(expected: bool, stats: Document) -> None:
    """One that is being discarded is none to rewind to, and blocks what a checkpoint blocks."""
    document = degraded()
    document["pools"]["cache"]["checkpoint_stats"] = stats
    pool = read(document)[0]
    assert pool.checkpoint is expected
    discards = any(one.kind == "discard" for one in pool.activities)
    assert discards is (stats["state"] == "DISCARDING")


def test_traces_of_removed_vdevs() -> None:
    """Indirect and hole vdevs are left out, should a version ever print them."""
    document = degraded()
    trace = {"name": "indirect-9", "vdev_type": "indirect", "guid": 9, "state": "ONLINE"}
    node(document)["vdevs"]["indirect-9"] = trace
    document["pools"]["cache"]["logs"]["hole-8"] = trace | {"name": "hole-8", "vdev_type": "hole"}
    assert read(document) == read(degraded())


def draid(change: Callable[[Document], object]) -> Any:
    """The recorded draid of 2.3, with its top-level vdev changed."""
    folder = NEW / "15-draid"
    document = json.loads(answer(folder, "zpool-status-json").stdout)
    change(document["pools"]["tank2"]["vdevs"]["tank2"]["vdevs"]["draid1:2d:4c:1s-0"])
    return read(document)


def test_a_draid_without_its_type() -> None:
    """Its name tells (OpenZFS issue 18431)."""

    def without_type(vdev: Document) -> None:
        del vdev["vdev_type"]

    assert draid(without_type) == draid(dict.copy)


@pytest.mark.parametrize("keys", [("state",), ("guid",), ("vdev_type", "guid", "class", "state")])
def test_a_draid_that_json_does_not_tell(keys: tuple[str, ...]) -> None:
    """Without state or GUID the text has to be asked; nothing is guessed."""

    def without(vdev: Document) -> None:
        for key in keys:
            del vdev[key]

    with pytest.raises(TextNeeded, match="draid1:2d:4c:1s-0 has no"):
        draid(without)


def test_children_that_json_lost() -> None:
    """Children are keyed by name: of two missing disks with one path, one is gone."""

    def of_three(vdev: Document) -> None:
        vdev["vdevs"].popitem()

    with pytest.raises(TextNeeded, match="lacks a child"):
        draid(of_three)
    document = degraded()
    node(document, "mirror-4")["vdevs"].popitem()
    with pytest.raises(TextNeeded, match="mirror-4 lacks a child"):
        read(document)


def test_older_zfs_has_no_json() -> None:
    """2.2 and older refuse -j; any other failure is an error."""
    usage = "invalid option 'j'\nusage:\n\tstatus [-c CMD] [-igLpPstvxD] ...\n"
    with pytest.raises(TextNeeded):
        parse_status_json(printed("", exit_code=2, stderr=usage))
    with pytest.raises(ProbeError) as caught:
        parse_status_json(printed("", exit_code=2, stderr="invalid option 'P'\n"))
    assert not isinstance(caught.value, TextNeeded)


def _set(*path: str, to: object) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        found: Any = document
        for name in path[:-1]:
            found = found[name]
        found[path[-1]] = to

    return change


def _drop(*path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        found: Any = document
        for name in path[:-1]:
            found = found[name]
        del found[path[-1]]

    return change


POOL = ("pools", "cache")
ROOT = (*POOL, "vdevs", "cache")
MIRROR = (*ROOT, "vdevs", "mirror-4")
LEAF = (*MIRROR, "vdevs", "/dev/disk/by-id/ata-G-part1")
ODD_LEAF = node(degraded(), "mirror-4", LEAF[-1]) | {
    "configured_ashift": 9,
    "physical_ashift": 64,
}


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("the document: output_version is missing", _drop("output_version")),
        ("output_version: another command", _set("output_version", "vers_major", to=1)),
        ("output_version: another", _set("output_version", "command", to="zpool list")),
        ("the document: pools is missing", _drop("pools")),
        ("the document.pools is no object", _set("pools", to=[])),
        ("the document.pools.cache is no object", _set(*POOL, to=7)),
        ("pools.cache: state is missing or no text", _drop(*POOL, "state")),
        ("pools.cache: state 'PURPLE' is not known", _set(*POOL, "state", to="PURPLE")),
        ("pools.cache: holds the pool 'pond'", _set(*POOL, "name", to="pond")),
        ("pools.cache: status is missing or no text", _set(*POOL, "status", to=1)),
        ("pools.cache: error_count is missing or no number", _set(*POOL, "error_count", to="7")),
        ("pools.cache: toys is not known", _set(*POOL, "toys", to={})),
        ("pools.cache: vdevs is missing", _drop(*POOL, "vdevs")),
        ("pools.cache.vdevs: holds another tree", _set(*POOL, "vdevs", "pond", to={})),
        ("vdevs.cache: is no root", _set(*ROOT, "vdev_type", to="mirror")),
        ("vdevs.cache: toys is not known", _set(*ROOT, "toys", to={})),
        ("mirror-4: vdev_type 'toy' is not known", _set(*MIRROR, "vdev_type", to="toy")),
        ("mirror-4: guid is missing or no number", _set(*MIRROR, "guid", to="7")),
        ("mirror-4: guid is missing or no number", _set(*MIRROR, "guid", to=True)),
        ("mirror-4: guid is missing or no number", _set(*MIRROR, "guid", to=-1)),
        ("mirror-4: state 'PURPLE' is not known", _set(*MIRROR, "state", to="PURPLE")),
        ("mirror-4: aux 'BORED' is not known", _set(*MIRROR, "aux", to="BORED")),
        ("mirror-4: toys is not known", _set(*MIRROR, "toys", to={})),
        ("mirror-4: holds the vdev 'x'", _set(*MIRROR, "name", to="x")),
        ("mirror-4: a raidz whose name", _set(*MIRROR, "vdev_type", to="raidz")),
        ("mirror-4.vdevs is no object", _set(*MIRROR, "vdevs", to=[])),
        ("ata-G-part1: path is missing or no text", _drop(*LEAF, "path")),
        ("ata-G-part1: an ashift above 63", _set(*LEAF, to=ODD_LEAF)),
        ("scan_stats: function 'NAP'", _set(*POOL, "scan_stats", "function", to="NAP")),
        ("scan_stats: state 'NAP'", _set(*POOL, "scan_stats", "state", to="NAP")),
        ("removal_stats: state 'NAP'", _set(*POOL, "removal_stats", "state", to="NAP")),
        ("expand_stats: state 'NAP'", _set(*POOL, "raidz_expand_stats", "state", to="NAP")),
        ("checkpoint_stats: state 'NAP'", _set(*POOL, "checkpoint_stats", "state", to="NAP")),
    ],
)
def test_another_document(said: str, change: Callable[[Document], None]) -> None:
    """What is missing, of another type or not known is an error that names its place."""
    document = degraded()
    change(document)
    with pytest.raises(ProbeError) as caught:
        read(document)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("zpool status -j:2: no JSON", '{"output_version":\n nonsense'),
        ("the document is no object", "[]"),
        ("one key twice", '{"a": 1, "a": 2}'),
        ("no JSON of this kind", "[" * 200_000),
        ("no JSON of this kind", '{"a": ' + "9" * 5000 + "}"),
        ("printed nothing", ""),
    ],
)
def test_no_document(said: str, text: str) -> None:
    """Text that is no JSON, or JSON that no reader agrees on."""
    with pytest.raises(ProbeError, match=said):
        parse_status_json(printed(text))


def test_no_pools() -> None:
    """An empty object of pools is the documented none."""
    document = degraded()
    document["pools"] = {}
    assert read(document) == ()
