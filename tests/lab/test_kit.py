"""The lab's own parts, without a guest."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from phoenix_plan.actions import ACTIONS
from tests.lab import anew
from tests.lab.bench import Bench, Boot, boots, plan_differences
from tests.lab.casefile import Case, DiskSpec, ExpectedPlan, Step, load_case, load_cases, selected
from tests.lab.disks import BLOCK, Disk, Kind, content_digest, drive_arguments
from tests.lab.errors import LabError, StoodStill
from tests.lab.guests import GUESTS
from tests.lab.hosttools import fetch_settings
from tests.lab.machine import Answer, Machine
from tests.lab.record import BLOCK as BLOCK_COMMANDS
from tests.lab.record import HOST, JSON, TEXT, name_of, situations, until_last
from tests.lab.renew import put_in_place
from tests.lab.retry import BootedAnew, once_more
from tests.lab.simulation import outcome, unlike
from tests.recordings import NEW, hostid_of, pool_guid, vdev_guid, version_of

SIZE = 40 * BLOCK


def _file(path: Path, *writes: tuple[int, bytes], size: int = SIZE) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in writes:
            file.seek(offset)
            file.write(data)
    return path


@pytest.mark.parametrize(
    "offset", [0, 1, BLOCK - 1, BLOCK, 7 * BLOCK + 13, SIZE - 1], ids=lambda offset: f"at {offset}"
)
def test_one_changed_byte_changes_the_digest(tmp_path: Path, offset: int) -> None:
    blank = content_digest(_file(tmp_path / "blank"))
    assert content_digest(_file(tmp_path / "changed", (offset, b"\x01"))) != blank


def test_the_digest_is_of_content_and_not_of_holes(tmp_path: Path) -> None:
    sparse = _file(tmp_path / "sparse", (9 * BLOCK, b"data"))
    filled = _file(tmp_path / "filled", (0, bytes(SIZE)), (9 * BLOCK, b"data"))
    assert content_digest(sparse) == content_digest(filled)


def test_the_digest_tells_places_and_sizes_apart(tmp_path: Path) -> None:
    """The same bytes elsewhere, or on a longer disk, are another content."""
    files = [
        _file(tmp_path / "a", (BLOCK, b"data")),
        _file(tmp_path / "b", (2 * BLOCK, b"data")),
        _file(tmp_path / "c", (BLOCK, b"data"), size=SIZE + BLOCK),
    ]
    assert len({content_digest(file) for file in files}) == len(files)


def test_roots_of_other_contents_have_other_names() -> None:
    assert len({guest.digest for guest in GUESTS.values()}) == len(GUESTS)


def test_a_fifth_ata_disk_is_refused(tmp_path: Path) -> None:
    disks = tuple(Disk(name=f"A{number}", kind=Kind.ATA) for number in range(5))
    with pytest.raises(LabError, match="four ata disks"):
        drive_arguments(disks, tmp_path)


def test_a_build_fetches_as_this_machine_does() -> None:
    dump = """
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3142";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::https::CaInfo "/etc/ssl/own.pem";
Acquire::Check-Date "false";
Acquire::GzipIndexes "true";
Acquire::CompressionTypes::xz "xz";
"""
    assert fetch_settings(dump) == [
        'Acquire::http::Proxy "http://proxy.example:3142";',
        'Acquire::http::Proxy::mirror.example "DIRECT";',
        'Acquire::https::CaInfo "/etc/ssl/own.pem";',
        'Acquire::Check-Date "false";',
    ]


GOOD = """
says = "It works."
[disks]
A = {}
[[run]]
shell = "true"
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("says = ", "Invalid value"),
        ('says = "x"', "nothing is run"),
        ("surprise = 1" + GOOD, "surprise"),
        (GOOD + 'phoenix = "plan"', "either phoenix or shell or a reboot"),
        (GOOD + 'reboot = "clean"', "either phoenix or shell or a reboot"),
        (GOOD.replace('shell = "true"', 'reboot = "soft"'), "reboot"),
        (GOOD.replace("A = {}", 'A = {kind = "tape"}'), "kind"),
        (GOOD.replace("A = {}", "small = {}"), "a name is"),
        ('live = ["B"]' + GOOD, "'B' is no disk"),
        ('writes = ["B"]' + GOOD, "'B' is no disk"),
        ('guests = ["sid"]' + GOOD, "'sid' is none of"),
    ],
)
def test_a_wrong_case_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(LabError, match=complaint):
        load_case(path)


def test_two_cases_of_one_boot_have_no_disk_in_common(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text('shares = "boot"' + GOOD)
    with pytest.raises(LabError, match="share a boot and both have a disk A"):
        load_cases(tmp_path)


def test_a_pattern_that_selects_nothing_is_an_error() -> None:
    case = Case(name="ext4", says="", run=(Step(phoenix="plan"),))
    assert selected([case], "ext?") == (case,)
    with pytest.raises(LabError, match="no case is named"):
        selected([case], "ext3")


NEEDS_2_3 = {"expand-raidz"}
"""Kinds that OpenZFS 2.1 does not have."""


@pytest.mark.parametrize("guest", GUESTS)
def test_every_kind_of_action_is_applied_on_every_guest(guest: str) -> None:
    """A new kind of action needs a case that applies it on real ZFS, on each version that has
    it."""
    applied = {
        identifier.partition(":")[0]
        for case in load_cases()
        if guest in case.guests
        for step in case.run
        for identifier in step.applied or ()
    }
    lacking = NEEDS_2_3 if GUESTS[guest].zfs.startswith("2.1") else set()
    assert applied == ACTIONS.keys() - lacking


def test_boots_are_shared_by_name_and_never_between_guests() -> None:
    step = (Step(phoenix="plan"),)
    cases = [
        Case(name="a", says="", shares="s", run=step),
        Case(name="b", says="", run=step),
        Case(name="c", says="", shares="s", run=step, guests=("trixie",)),
    ]
    found = [(boot.guest, [case.name for case in boot.cases]) for boot in boots(cases, GUESTS)]
    assert found == [
        ("trixie", ["b"]),
        ("trixie", ["a", "c"]),
        ("bookworm", ["b"]),
        ("bookworm", ["a"]),
    ]


PLAN = {
    "actions": [
        {"id": "wipe-disk:/dev/a", "safety": "destructive"},
        {"id": "create-pool:tank", "safety": "safe"},
    ],
    "findings": [
        {"severity": "error", "code": "disk-missing", "subject": {"kind": "pool", "name": "p"}},
        {"severity": "note", "code": "idle-pool", "subject": {"kind": "pool", "name": "old"}},
    ],
}
PLANNED = ("wipe-disk:/dev/a", "create-pool:tank")
ERROR = "disk-missing pool p"


@pytest.mark.parametrize(
    ("expected", "wanted"),
    [
        ([], ExpectedPlan(actions=PLANNED, destructive=PLANNED[:1], errors=(ERROR,))),
        ([], ExpectedPlan(errors=(ERROR,), findings=(ERROR, "idle-pool pool old"))),
        (["actions"], ExpectedPlan(actions=PLANNED[::-1], errors=(ERROR,))),
        (["destructive"], ExpectedPlan(destructive=(), errors=(ERROR,))),
        (["errors"], ExpectedPlan()),
        (["errors"], ExpectedPlan(errors=(ERROR, ERROR))),
        (
            ["no finding 'idle-pool pool tank'"],
            ExpectedPlan(errors=(ERROR,), findings=("idle-pool pool tank",)),
        ),
    ],
)
def test_a_plan_is_compared(expected: list[str], wanted: ExpectedPlan) -> None:
    """Nothing to say where it is as expected; else one line that starts with what differs."""
    found = plan_differences(wanted, PLAN)
    assert [line.partition(":")[0] for line in found] == expected


@pytest.mark.parametrize("guest", sorted(GUESTS))
def test_a_new_recording_holds_what_the_fixtures_hold(guest: str) -> None:
    """The same situations, and in each the same commands under the same names."""
    there = sorted(path.parent for path in anew.stored(GUESTS[guest]).glob("*/commands.tsv"))
    made = [name_of(path) for path in situations(GUESTS[guest])]
    assert made == [path.name for path in there]
    rows = [line.split("\t") for line in (there[1] / "commands.tsv").read_text().splitlines()]
    of_devices = ("wipefs-", "blkid-", "zdb-l-")
    recorded = {name: command for name, _, command in rows if not name.startswith(of_devices)}
    assert TEXT | (JSON if guest == "trixie" else {}) | BLOCK_COMMANDS | HOST == recorded


def test_a_situation_stands_on_those_before_it() -> None:
    found = list(situations(GUESTS["trixie"]))
    assert until_last(found, ()) == found
    assert [name_of(path)[:2] for path in until_last(found, ["03-single-became-mirror"])] == [
        "01", "02", "03",
    ]  # fmt: skip
    with pytest.raises(LabError, match="no situation 99-none; there are 01-blank, "):
        until_last(found, ["03-single-became-mirror", "99-none"])


def _as_if_new(folder: Path, situation: str, changes: dict[str, dict[str, str]]) -> list[str]:
    """What is said of a stored recording in which these texts (by file) are others."""
    stored = anew.stored(GUESTS["trixie"]) / situation
    new = folder / stored.parent.name / situation
    shutil.copytree(stored, new, ignore=shutil.ignore_patterns("made-up"))
    for pattern, texts in changes.items():
        whole = "".join(path.read_text() for path in new.glob(pattern))
        assert all(before in whole for before in texts), f"{pattern} holds none of {texts}"
        for path in new.glob(pattern):
            said = path.read_text()
            for before, after in texts.items():
                said = said.replace(before, after)
            path.write_text(said)
    anew.add_made_up(new, stored)
    return [line.partition(": ")[0] for line in anew.differences(new, stored)]


KNOWN = NEW / "02-mirror-and-single"
QUICKOS, FASTDATA = pool_guid(KNOWN, "quickOS"), pool_guid(KNOWN, "fastData")
DISK2 = vdev_guid(KNOWN, "quickOS", "mirror-0", "virtio-DISK2")
HOSTID = hostid_of(KNOWN)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ([], {}),
        # Chosen anew each time: GUIDs, the host's id, the patch version, an uberblock's place.
        ([], {"*": {QUICKOS: "9131402888284601999", DISK2: "5199541229951398999"}}),
        ([], {"hostid.out": {HOSTID: "0badcafe"}, "zdb-l-*": {str(int(HOSTID, 16)): "195939070"}}),
        ([], {"zfs-version.out": {version_of(KNOWN): "2.3.99"}}),
        ([], {"wipefs-vdd1.out": {"0x4000": "0x4400"}}),
        # What a moved OpenZFS would change.
        (
            ["/pools/quickOS/features/feature@new"],
            {"zpool-get.out": {
                "quickOS\tsize": "quickOS\tfeature@new\tenabled\tlocal\nquickOS\tsize"
            }},
        ),
        (
            ["/defaults/filesystem/atime"],
            {"zfs-get.out": {"\tatime\ton\t": "\tatime\toff\t"}},
        ),
        (["/disks//dev/vdd/labels/0/ashift"], {"zdb-l-vdd1.out": {"ashift: 9": "ashift: 12"}}),
        # A disk that a label or a signature gives to another pool.
        (
            ["/disks//dev/vdd/labels/0/pool"],
            {"zdb-l-vdd1.out": {"name: 'fastData'": "name: 'slowData'"}},
        ),
        (["/disks//dev/vdb/labels/0/its pool_guid"], {"zdb-l-vdb1.out": {QUICKOS: FASTDATA}}),
        (["/disks//dev/vdd/signatures/3/uuid"], {"wipefs-vdd1.out": {FASTDATA: QUICKOS}}),
    ],
)  # fmt: skip
def test_what_is_noticed_of_a_new_recording(
    tmp_path: Path, expected: list[str], changes: dict[str, dict[str, str]]
) -> None:
    found = _as_if_new(tmp_path, "02-mirror-and-single", changes)
    assert found == expected


STATE = {
    "id": "1",
    "host": {"hostname": "lab", "machine": "a"},
    "pools": [
        {
            "name": "tank",
            "guid": "1",
            "state": "ONLINE",
            "properties": {"autotrim": {"value": "on", "source": "local"}},
            "vdevs": [{"name": "mirror-0", "type": "mirror", "guid": "2", "state": "ONLINE"}],
        }
    ],
    "idle_pools": [],
    "datasets": [{"name": "tank", "guid": "3", "type": "filesystem", "used": "10"}],
    "storages": {"digest": "d", "storages": []},
    "arc_max": {"live": "0"},
    "disks": [],
}


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ([], {"id": "2", "host": {"hostname": "lab", "machine": "b"}}),
        ([], {"datasets": [{"name": "tank", "guid": "4", "type": "filesystem", "used": "11"}]}),
        (["/datasets/tank/type"], {"datasets": [{"name": "tank", "guid": "3", "type": "volume"}]}),
        (["/pools/tank"], {"pools": []}),
        (["/unknown"], {"unknown": [{"source": "disks", "message": "no"}]}),
    ],
)
def test_two_ends_are_alike_but_for_guids_times_and_space(
    expected: list[str], changes: dict[str, Any]
) -> None:
    found = unlike("", outcome(STATE | changes), outcome(STATE))
    assert [line.partition(":")[0] for line in found] == expected


class Pretended:
    """Answers as a guest would whose disk A changes at each command that `writes` names."""

    def __init__(self, writes: str, journal: str) -> None:
        self.writes = writes
        self.journal = journal
        self.written = 0

    def run(self, command: str | list[str], **_: object) -> Answer:
        shown = command if isinstance(command, str) else " ".join(command)
        self.written += self.writes in shown
        return Answer(request=shown, status=0, stdout="", stderr="", seconds=0)

    def check(self, command: str | list[str], **_: object) -> str:
        return "77\n" if "get" in command else ""

    def read(self, _path: str) -> str:
        return self.journal

    def write(self, _path: str, text: str) -> None:
        self.config = text

    def digests(self) -> dict[str, str]:
        return {"A": str(self.written), "B": "same"}


DONE = '{"event": "result", "id": "create-pool:tank", "ok": true}\n'


@pytest.mark.parametrize(
    ("complaint", "writes", "step", "journal"),
    [
        ("", "apply", Step(phoenix="apply", applied=("create-pool:tank",)), DONE),
        ("it wrote to .'A'.", "plan", Step(phoenix="plan"), ""),
        ("it wrote to .'A'.", "apply", Step(phoenix="apply", exit=0), DONE),
        ("applied: expected .'create-pool:tank'.", "apply",
         Step(phoenix="apply", applied=("create-pool:tank",)), DONE.replace("true", "false")),
        ("disks that changed: expected .'A'., got", "nothing",
         Step(phoenix="apply", applied=("create-pool:tank",)), DONE),
    ],
)  # fmt: skip
def test_only_what_applies_may_write(complaint: str, writes: str, step: Step, journal: str) -> None:
    case = Case(name="a", says="", disks={"A": DiskSpec()}, writes=("A",), run=(step,))
    machine = cast("Machine", Pretended(writes, journal))
    if not complaint:
        Bench()._run(machine, case)
        return
    with pytest.raises(AssertionError, match=complaint):
        Bench()._run(machine, case)


class Ending:
    """A guest about to be ended, which has compiled something."""

    def __init__(self, made: bytes, *, alive: bool) -> None:
        self._made = made
        self._alive = alive

    def alive(self) -> bool:
        return self._alive

    def compiled(self) -> bytes:
        if not self._alive:
            raise LabError("no answer")
        return self._made


def test_what_a_guest_compiled_is_kept_once_and_for_no_other_guest() -> None:
    """A guest that is gone is not asked, and the one after it is."""
    bench = Bench()
    for guest, made, alive in (
        ("trixie", b"none", False),
        ("trixie", b"first", True),
        ("trixie", b"second", True),
        ("bookworm", b"other", True),
    ):
        bench._boot = Boot(guest=guest, name="", cases=())
        bench._machine = cast("Machine", Ending(made, alive=alive))
        bench._keep_compiled()
    assert bench._compiled == {"trixie": b"first", "bookworm": b"other"}


def test_guids_are_asked_for() -> None:
    config = {"pools": [{"guid": "guid of tank"}, {"guid": "guid of tank/data"}, {"guid": "8"}]}
    case = Case(name="a", says="", config=config, run=(Step(phoenix="plan"),))
    machine = Pretended("nothing", "")
    Bench()._run(cast("Machine", machine), case)
    assert json.loads(machine.config) == {"pools": [{"guid": "77"}, {"guid": "77"}, {"guid": "8"}]}


def _recording(folder: Path, said: str) -> None:
    folder.mkdir(parents=True)
    (folder / "commands.tsv").write_text(said)


def test_new_recordings_replace_all_stored_ones_but_what_is_made_up(tmp_path: Path) -> None:
    """A situation or a file that is no longer made is gone; what is made up is the stored one."""
    new, stored = tmp_path / "new/zfs-2.3", tmp_path / "stored/zfs-2.3"
    for name in ("01-a", "02-b"):
        _recording(new / name, "new")
    for name in ("01-a", "02-b", "03-gone"):
        _recording(stored / name, "old")
    (stored / "01-a/gone.out").write_text("old")
    for folder, text in ((stored, "beside"), (stored / "02-b", "inside"), (new / "02-b", "other")):
        (folder / "made-up").mkdir()
        (folder / "made-up/hostname").write_text(text)
    put_in_place(new, stored, ["01-a", "02-b"])
    found = {
        str(path.relative_to(stored)): path.read_text()
        for path in stored.rglob("*")
        if path.is_file()
    }
    assert found == {
        "01-a/commands.tsv": "new",
        "02-b/commands.tsv": "new",
        "02-b/made-up/hostname": "inside",
        "made-up/hostname": "beside",
    }
    assert [path.name for path in stored.parent.iterdir()] == ["zfs-2.3"]


def test_half_of_the_recordings_replace_nothing(tmp_path: Path) -> None:
    _recording(tmp_path / "new/01-a", "new")
    _recording(tmp_path / "stored/01-a", "old")
    with pytest.raises(LabError, match="lacks 02-b; nothing was replaced"):
        put_in_place(tmp_path / "new", tmp_path / "stored", ["01-a", "02-b"])
    assert (tmp_path / "stored/01-a/commands.tsv").read_text() == "old"


class Ended:
    """A run that ends so, one time after another."""

    def __init__(self, *endings: Exception | None) -> None:
        self.endings = list(endings)

    def __call__(self) -> None:
        ending = self.endings.pop(0)
        if ending is not None:
            raise ending


def test_a_guest_that_stood_still_is_booted_anew_once_and_told() -> None:
    with pytest.warns(BootedAnew, match="a second time, in a new boot: no answer"):
        once_more(Ended(StoodStill("no answer"), None))
    with pytest.warns(BootedAnew), pytest.raises(StoodStill, match="again"):
        once_more(Ended(StoodStill("no answer"), StoodStill("again"), None))
    with pytest.warns(BootedAnew), pytest.raises(AssertionError, match="wrong"):
        once_more(Ended(StoodStill("no answer"), AssertionError("wrong"), None))


@pytest.mark.parametrize("error", [LabError("a command failed"), AssertionError("wrong")])
def test_nothing_else_is_tried_again(error: Exception) -> None:
    with pytest.raises(type(error)):
        once_more(Ended(error, None))


@pytest.mark.parametrize(("error", "kind"), [(TimeoutError, StoodStill), (OSError, LabError)])
def test_no_answer_in_time_is_told_from_a_guest_that_is_gone(
    error: type[OSError], kind: type[LabError], tmp_path: Path
) -> None:
    class Silent:
        def send(self, _what: object) -> None:
            pass

        def receive(self, _timeout_s: float) -> None:
            raise error

    machine = Machine.__new__(Machine)
    vars(machine).update(
        folder=tmp_path, root=SimpleNamespace(guest=GUESTS["trixie"]), _agent=Silent()
    )
    with pytest.raises(LabError, match="guest trixie, no answer to `true`") as caught:
        machine.run("true")
    assert type(caught.value) is kind
