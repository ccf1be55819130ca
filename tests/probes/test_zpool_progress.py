"""How far a resilver, a removal or an expansion has come, in the words of `zpool status`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.probes.zpool_progress import parse_progress, progress_query
from tests.apply.machine import host, pool
from tests.probes.zfs_recordings import answer
from tests.recordings import NEW


def status(*fields: str) -> Output:
    """What `zpool status tank` prints with these fields between `state:` and `config:`."""
    lines = ["  pool: tank", " state: ONLINE", *fields, "config:", "", "\tNAME        STATE",
             "\ttank        ONLINE", "", "errors: No known data errors", ""]  # fmt: skip
    return Output(exit_code=0, stdout="\n".join(lines).encode(), stderr=b"")


# print_scan_scrub_resilver_status, print_rebuild_status, print_removal_status and
# print_raidz_expand_status in OpenZFS 2.1.11 and 2.3.9.
_SCANNED_21 = "\t1.05G scanned at 67.3M/s, 612M issued at 38.3M/s, 1.05G total"
_SCANNED_23 = "\t1.05G / 1.05G scanned, 612M / 1.05G issued at 38.3M/s"
_SINCE = "in progress since Mon Mar  2 10:00:00 2026"

TEXTS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "nothing": ([], ()),
    "nothing ever": ([], ("  scan: none requested",)),
    "resilver, 2.1": (
        ["resilver 56% done, 00:00:12 to go"],
        (f"  scan: resilver {_SINCE}", _SCANNED_21,
         "\t612M resilvered, 56.92% done, 00:00:12 to go"),
    ),
    "resilver, 2.3": (
        ["resilver 56% done, 00:00:12 to go"],
        (f"  scan: resilver {_SINCE}", _SCANNED_23,
         "\t612M resilvered, 56.92% done, 00:00:12 to go"),
    ),
    "resilver of days": (
        ["resilver 1% done, 3 days 04:12:00 to go"],
        (f"  scan: resilver {_SINCE}", _SCANNED_23,
         "\t12M resilvered, 1.10% done, 3 days 04:12:00 to go"),
    ),
    "resilver that has just begun": (
        ["resilver 0% done, no estimated completion time"],
        (f"  scan: resilver {_SINCE}", "\t0B / 1.05G scanned, 0B / 1.05G issued",
         "\t0B resilvered, 0.00% done, no estimated completion time"),
    ),
    "resilver of which nothing is said": (["resilver"], (f"  scan: resilver {_SINCE}",)),
    "sequential resilver": (
        ["resilver 40% done, 00:01:02 to go"],
        (f"  scan: resilver (mirror-0) {_SINCE}", _SCANNED_23,
         "\t400M resilvered, 40.00% done, 00:01:02 to go"),
    ),
    "resilver that is over": (
        [],
        ("  scan: resilvered 1.05G in 00:00:30 with 0 errors on Mon Mar  2 10:00:30 2026",),
    ),
    "scrub": (
        [], (f"  scan: scrub {_SINCE}", _SCANNED_23, "\t0B repaired, 56.92% done, 00:00:12 to go"),
    ),
    "removal": (
        ["remove 25% done, 0h2m to go"],
        ("  scan: none requested", f"remove: Evacuation of mirror-1 {_SINCE}",
         "\t256M copied out of 1.00G at 8.5M/s, 25.00% done, 0h2m to go"),
    ),
    "removal that is slow": (
        ["remove 2% done, copy is slow, no estimated time"],
        (f"remove: Evacuation of mirror-1 {_SINCE}",
         "\t20M copied out of 1.00G at 8.5M/s, 2.00% done, (copy is slow, no estimated time)"),
    ),
    "removal that is over": (
        [],
        ("remove: Removal of vdev 1 copied 63K in 0h0m, completed on Mon Mar  2 10:00:30 2026",
         "\t48 memory used for removed device mappings"),
    ),
    "removal that was cancelled": (
        [], ("remove: Removal of mirror-1 canceled on Mon Mar  2 10:00:30 2026",),
    ),
    "expansion": (
        ["expand 81% done, 00:00:03 to go"],
        (f"expand: expansion of raidz1-0 {_SINCE}",
         "\t810M / 1000M copied at 50M/s, 81.00% done, 00:00:03 to go"),
    ),
    "expansion that waits for a resilver": (
        ["resilver 56% done, 00:00:12 to go", "expand 10% done, paused for resilver or clear"],
        (f"  scan: resilver {_SINCE}", _SCANNED_23,
         "\t612M resilvered, 56.92% done, 00:00:12 to go",
         f"expand: expansion of raidz1-0 {_SINCE}",
         "\t100M / 1000M copied at 50M/s, 10.00% done, paused for resilver or clear"),
    ),
    "expansion that is over, and the scrub after it": (
        [],
        (f"  scan: scrub {_SINCE}", _SCANNED_23, "\t0B repaired, 1.00% done, 00:00:12 to go",
         "expand: expanded raidz1-0 copied 1000M in 00:00:20, on Mon Mar  2 10:00:30 2026"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_what_runs(case: str) -> None:
    expected, fields = TEXTS[case]
    assert expected == [str(one) for one in parse_progress(status(*fields))]


def test_the_recorded_expansion() -> None:
    """As OpenZFS 2.3 printed it."""
    output = answer(NEW / "10-raidz-expanding", "zpool-status-text")
    (seen,) = parse_progress(output)
    assert seen.kind == "expand"
    assert re.fullmatch(r"[0-9:]+ to go", seen.left)
    # How far it was hangs on the moment of the recording.
    told = rf" copied at \S+, {seen.percent}\.[0-9]+% done, {seen.left}\n"
    assert re.search(told, output.stdout.decode())
    after = answer(NEW / "11-raidz-expanded", "zpool-status-text")
    assert parse_progress(after) == ()


@pytest.mark.parametrize(
    "fields",
    [
        (f"  scan: rewriting {_SINCE}",),
        (f"  scan: resilver {_SINCE}", "\tis going on, as far as one can tell"),
        (f"remove: moving mirror-1 {_SINCE}",),
        ("expand: expansion of raidz1-0 is stuck",),
    ],
)
def test_words_that_nobody_knows_are_no_end(fields: tuple[str, ...]) -> None:
    """I3: what is not understood is not taken for nothing that runs."""
    with pytest.raises(ProbeError):
        parse_progress(status(*fields))


def test_a_command_that_fails_is_no_end() -> None:
    """The pool may have been exported meanwhile."""
    said = b"cannot open 'tank': no such pool\n"
    with pytest.raises(ProbeError):
        parse_progress(Output(exit_code=1, stdout=b"", stderr=said))


@pytest.mark.parametrize("version", ["2.1.11", "2.3.9"])
@pytest.mark.parametrize("kind", ["resilver", "remove", "expand"])
def test_the_simulated_host_tells_of_each(kind: str, version: str, tmp_path: Path) -> None:
    """Look by look, to the end."""
    scan = {"kind": kind, "state": "running", "span": 4, "left": 4}
    made = {**pool("tank", "raidz", "A", "B", "C"), "scans": [scan]}
    made["vdevs"][0]["parity"] = 1
    (tmp_path / "host.json").write_text(json.dumps(host(made, zfs=version)), encoding="utf-8")
    simulated = SimulatedHost(tmp_path / "host.json")
    seen = []
    for _ in range(10):
        answer = simulated.answer("zpool-status-text", progress_query("tank"))
        assert isinstance(answer, Output)
        running = parse_progress(answer)
        if not running:
            break
        seen += [(one.kind, one.percent) for one in running]
    assert [(kind, 25), (kind, 50), (kind, 75)] == seen
