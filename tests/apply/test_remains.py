"""What a run that was broken off has left: what it started is waited for, what a wipe has left was
agreed to, and what has come since was not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import attrs
import pytest

from phoenix_plan.apply.errors import (
    StaleError,
    StoppedError,
    UncertainError,
)
from phoenix_plan.apply.settle import StillRunningError
from tests.apply.direct import (
    CREATE,
    SET,
    WIPE,
    Broken,
    Json,
)
from tests.apply.machine import PHOTOS, by_id, host, pool, want
from tests.properties.test_applying import Case, case_of

pytestmark = pytest.mark.usefixtures("at_that_time")


def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that are waited, and pass at once."""
    slept: list[float] = []
    monkeypatch.setattr("phoenix_plan.apply.resume.time.sleep", slept.append)
    return slept


def wider(tmp_path: Path, pace: int) -> Case:
    there = host(pool("tank", "mirror", "A", "B"), pace=pace)
    return case_of(
        there, {"pools": [want("tank", "mirror", "A", "B", "C")], "removed": {}}, tmp_path
    )


ATTACH = f"attach-disk:{by_id('C')}"


def test_what_it_started_is_waited_for_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody says what became of it."""
    monkeypatch.setattr("phoenix_plan.apply.settle.FIRST_LOOK_S", 0.0)
    broken = Broken(wider(tmp_path, pace=9), "zpool attach", after=True)
    slept = naps(monkeypatch)
    shown: list[tuple[str, str]] = []
    broken.change(
        talk=attrs.evolve(
            broken.session.talk, watch=lambda row, running: shown.append((row.id, running.kind))
        )
    )
    assert broken.goes_on().ran == ()
    assert len(slept) == len(shown) > 3
    assert set(shown) == {(ATTACH, "resilver")}
    assert broken.said[0].startswith(f"{ATTACH} was under way: it has happened")


def test_who_asks_to_stop_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phoenix_plan.apply.settle.FIRST_LOOK_S", 0.0)
    broken = Broken(wider(tmp_path, pace=9), "zpool attach", after=True)
    monkeypatch.setattr(
        "phoenix_plan.apply.resume.time.sleep",
        lambda _seconds: os.kill(os.getpid(), signal.SIGTERM),
    )
    before = broken.path.read_bytes()
    with pytest.raises(StillRunningError, match="interrupted by SIGTERM while resilver"):
        broken.goes_on()
    assert (broken.path.read_bytes(), broken.ran) == (before, [])


def not_imported(there: Json) -> None:
    there["pools"][0] |= {"state": "exported", "hostid": there["hostid"], "hostname": "pve1"}


def test_of_a_vdev_nobody_says_unknown_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ZFS may be tidying up. A pool that is not there has nothing to wait for."""
    broken = Broken(wider(tmp_path, pace=0), "zpool attach", after=True).edit(not_imported)
    slept = naps(monkeypatch)
    broken.refuses(UncertainError, f"what became of {ATTACH}")
    assert sum(slept) > 60


def test_of_anything_else_it_is_said_at_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(case, "zero").edit(lambda there: there["disks"]["sde"].update(serial="OTHER"))
    slept = naps(monkeypatch)
    broken.refuses(UncertainError, f"what became of {WIPE}")
    assert slept == []


MIDDLE = [{"offset": "1G", "length": "1G", "bytes": "5a"}]


def ended(lines: list[Json]) -> None:
    """The last command has ended well, and that was written down."""
    last = lines[-1]
    assert last["event"] == "command"
    lines.append(
        {"event": "output", "at": last["at"], "id": last["id"], "exit_code": 0, "stdout": "",
         "stderr": ""}
    )  # fmt: skip


@pytest.fixture
def in_use(tmp_path: Path) -> Case:
    """A disk to wipe that has data where no wipe gets to."""
    there = host()
    there["disks"]["sde"].update(signatures=[PHOTOS], data=MIDDLE)
    return case_of(there, {"pools": [want("cold", "single", "E")], "removed": {}}, tmp_path)


@pytest.mark.parametrize(
    ("after", "seen", "verdict", "rows"),
    [
        (False, False, "not-done", (WIPE, CREATE)),
        (True, False, "partly", (WIPE, CREATE)),
        (True, True, "done", (CREATE,)),
    ],
)
def test_what_a_wipe_has_left_was_agreed_to(
    *, after: bool, seen: bool, verdict: str, rows: tuple[str, ...], in_use: Case
) -> None:
    broken = Broken(in_use, "zero", after=after)
    if seen:
        broken.rewrite(ended)
        broken.known += 1
    report = broken.goes_on()
    assert (report.ran, broken.new[0]["verdict"]) == (rows, verdict)
    intents = [line for line in broken.new if line["event"] == "intent" and line["id"] == WIPE]
    agreed = [line["evidence"] for line in intents]
    if verdict == "partly":
        # What had a name was agreed to, and the rest of it has none.
        (evidence,) = agreed
        assert any("photos" in one for one in evidence["contents"])
        assert len(set(evidence["contents"])) == len(evidence["contents"]) > 1


@pytest.mark.parametrize("after", [False, True])
def test_what_has_come_onto_the_disk_since_is_no_rest_of_it(after: bool, in_use: Case) -> None:
    broken = Broken(in_use, "zero", after=after)
    found = {"offset": 65600, "type": "btrfs", "uuid": "x"}
    broken.edit(lambda there: there["disks"]["sde"].setdefault("signatures", []).append(found))
    broken.refuses(StaleError, "btrfs.*not in the plan")


@pytest.mark.parametrize("torn", ["", '{"event": "comm'])
def test_a_wipe_that_was_not_begun_has_left_nothing(torn: str, in_use: Case) -> None:
    """The same bytes on a disk that nobody had begun to zero were agreed to by nobody."""
    broken = Broken(in_use, "zero").rewrite(list.pop)
    with broken.path.open("a") as journal:
        journal.write(torn)
    broken.edit(lambda there: there["disks"]["sde"].update(signatures=[]))
    broken.refuses(StaleError, "unknown data")


@pytest.mark.parametrize(("table", "rest"), [("gpt", True), ("mbr", False)])
def test_the_backup_of_a_gpt_that_was_to_go(table: str, rest: bool, tmp_path: Path) -> None:
    """It is what the first range of a wipe leaves of a GPT, and of nothing else."""
    there = host()
    there["disks"]["sde"].update(table=table, signatures=[PHOTOS])
    wanted = {"pools": [want("cold", "single", "E")], "removed": {}}
    broken = Broken(case_of(there, wanted, tmp_path), "zero")
    broken.edit(lambda there: there["disks"]["sde"].update(table="backup-gpt", signatures=[]))
    if not rest:
        broken.refuses(StaleError, "the backup copy of a GPT.*not in the plan")
        return
    assert broken.goes_on().ran == (WIPE, CREATE)
    (intent,) = (line for line in broken.new if line["event"] == "intent" and line["id"] == WIPE)
    for told in (intent["evidence"]["contents"], intent["action"]["arguments"]["contents"]):
        assert any("backup copy" in one for one in told)
        assert any("photos" in one for one in told)


def test_what_stands_beside_that_backup_has_come_since(tmp_path: Path) -> None:
    """Of all that is on the disk by now only the backup copy was to go with the GPT."""
    there = host()
    there["disks"]["sde"].update(table="gpt", signatures=[PHOTOS])
    wanted = {"pools": [want("cold", "single", "E")], "removed": {}}
    broken = Broken(case_of(there, wanted, tmp_path), "zero")
    found = {"offset": 65600, "type": "btrfs", "uuid": "x"}
    broken.edit(lambda there: there["disks"]["sde"].update(table="backup-gpt", signatures=[found]))
    broken.refuses(StaleError, "holds btrfs.*not in the plan")


def test_what_a_safe_row_is_about_may_have_grown(tmp_path: Path) -> None:
    """Nobody agreed to it, so there is nothing that it could be beyond."""
    cfg = ["dir: local", "\tpath /var/lib/vz", "", "zfspool: some", "\tpool keep/some", ""]
    there = host(pool("keep", "mirror", "B", "C", some={}), storage_cfg=cfg)
    wanted = {
        "pools": [want("keep", "mirror", "B", "C")],
        "datasets": [{"name": "some", "pool": "keep", "properties": "atime=on"}],
        "removed": {},
    }
    broken = Broken(case_of(there, wanted, tmp_path), "zfs set")
    guest = {"/etc/pve/nodes/pve1/qemu-server/100.conf": ["scsi0: some:vm-100-disk-0"]}
    broken.edit(lambda there: there["files"].update(guest))
    assert broken.goes_on().ran == (SET,)


def test_a_pool_that_is_half_mounted_is_mounted_to_the_end(tmp_path: Path) -> None:
    """The import itself is not run again, and what it gives is what must hold before. Of the rows
    behind it, what they need."""
    there = pool("tank", "mirror", "A", "B", a={})
    there |= {"state": "exported", "hostid": host()["hostid"], "hostname": "pve1"}
    made = host(there)
    made["disks"]["sde"]["signatures"] = [PHOTOS]
    wanted = {"pools": [want("tank", "mirror", "A", "B"), want("cold", "single", "E")],
              "removed": {}}  # fmt: skip
    broken = Broken(case_of(made, wanted, tmp_path), "zfs mount tank/a")
    assert broken.goes_on().ran == ("import-pool:tank", WIPE, CREATE)
    assert broken.ran[0] == "zfs mount tank/a"
    assert broken.ran[1].startswith("zero")
    assert broken.new[0]["verdict"] == "partly"


def test_what_a_later_row_needs_is_asked_before_the_first_one(case: Case) -> None:
    """But for what the rows before it see to."""
    broken = Broken(case, "zfs set").edit(lambda there: there["disks"].pop("sde"))
    broken.refuses(StaleError, f"nothing was run:\n  {WIPE}: .*\n  {CREATE}: ")


def test_a_wipe_behind_what_was_under_way_was_not_begun(tmp_path: Path) -> None:
    """Nobody agreed to bytes that have lost their name before it."""
    there = host(pool("keep", "mirror", "B", "C", some={}))
    there["disks"]["sde"].update(signatures=[PHOTOS], data=MIDDLE)
    wanted = {
        "pools": [want("keep", "mirror", "B", "C"), want("cold", "single", "E")],
        "datasets": [{"name": "some", "pool": "keep", "properties": "atime=on"}],
        "removed": {},
    }
    broken = Broken(case_of(there, wanted, tmp_path), "zfs set", after=True)
    broken.edit(lambda there: there["disks"]["sde"].update(signatures=[]))
    broken.refuses(StaleError, f"{WIPE}: .*unknown data")


LUN = "set-dataset-properties:tank/lun"


def shrinking(folder: Path, at: str) -> Broken:
    """A dataset to destroy, and a volume to shrink that somebody has grown meanwhile."""
    lun = {"type": "volume", "set": {"volsize": "2G"}}
    there = host(pool("tank", "mirror", "A", "B", old={"guid": "88"}, lun=lun))
    wanted = {
        "pools": [want("tank", "mirror", "A", "B")],
        "datasets": [{"name": "lun", "pool": "tank", "type": "volume", "volsize": "1G"}],
        "removed": {"datasets": ["tank/old"]},
    }
    broken = Broken(case_of(there, wanted, folder), at).rewrite(list.pop)
    return broken.edit(
        lambda there: there["pools"][0]["datasets"]["tank/lun"]["set"].update(volsize="4G")
    )


def test_what_the_next_row_changes_has_moved(tmp_path: Path) -> None:
    """A loss that was agreed to was so from its value."""
    shrinking(tmp_path, "zfs set").refuses(StaleError, f"{LUN}: .*was 2147483648")


def test_what_a_later_row_changes_is_asked_when_its_turn_comes(tmp_path: Path) -> None:
    """What an earlier row of the rest does to it is not seen yet."""
    broken = shrinking(tmp_path, "zfs destroy")
    with pytest.raises(StoppedError, match=f"{LUN}: what it changes has moved"):
        broken.goes_on()
    assert broken.ran == ["zfs destroy tank/old"]
