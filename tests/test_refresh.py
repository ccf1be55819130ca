"""A refresh, whole: every recording, every failing probe, and what it costs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from phoenix_plan import codec
from phoenix_plan.commands import (
    Answer,
    Content,
    Contents,
    Glob,
    Output,
    Paths,
    Query,
    Read,
    ReadFile,
    ReadFiles,
    Sample,
)
from phoenix_plan.errors import HostError, PhoenixError, ProbeError, StateError
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.model.actual import Interests
from phoenix_plan.model.sizes import Guid
from phoenix_plan.refresh import FIRST, refresh
from tests.probes.machines import printed, row
from tests.recorded_states import EVERYTHING, Watched, expected_path, state_of
from tests.recordings import NEW, OLD, RECORDINGS, name_of

IN_USE = NEW / "18-foreign-in-use"
MIRROR = NEW / "02-mirror-and-single"
PROCESSES = 15


def watched(folder: Path, **answers: Answer | HostError) -> Watched:
    """A recording, with some answers replaced."""
    return Watched(RecordedHost(folder), **answers)


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_every_recording_gives_its_state(folder: Path) -> None:
    """The whole document, from JSON on 2.3 and from text on 2.1."""
    expected = expected_path(folder).read_text(encoding="utf-8")
    assert codec.state_to_json(state_of(RecordedHost(folder))) == expected


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_nothing_is_unknown_in_a_recording(folder: Path) -> None:
    """What they lack is made up, so each can be planned on."""
    actual = state_of(RecordedHost(folder))
    assert actual.unknown == ()
    assert [disk.unknown for disk in actual.disks] == [()] * 10


@pytest.mark.parametrize("folder", [IN_USE, OLD / "18-foreign-in-use"], ids=name_of)
def test_every_user_of_a_disk_in_use_is_seen(folder: Path) -> None:
    """Mounted, an EFI partition, a volume group, swap, md, LUKS, the running root."""
    disks = state_of(RecordedHost(folder)).disks
    users = {disk.path: {(user.kind, user.subject) for user in disk.users} for disk in disks}
    assert users == {
        "/dev/vda": {("boot", "/"), ("mounted", "/"), ("fstab", "/dev/vda")},
        "/dev/vdb": {("mounted", "/mnt/b")},
        "/dev/vdc": set(),
        "/dev/vdd": {("boot", "/dev/vdd1")},
        "/dev/vde": {("lvm", "vg0"), ("dm", "/dev/mapper/vg0-data")},
        "/dev/vdf": {("swap", "/dev/vdf")},
        "/dev/vdg": set(),
        "/dev/vdh": {("md", "md0")},
        "/dev/vdi": {("dm", "/dev/mapper/crypt0")},
        "/dev/vdj": set(),
    }
    holders = {disk.path: disk.holders for disk in disks if disk.holders}
    assert holders == {
        "/dev/vde": ("/dev/mapper/vg0-data",),
        "/dev/vdh": ("/dev/md0",),
        "/dev/vdi": ("/dev/mapper/crypt0",),
    }


@pytest.mark.parametrize("version", [NEW, OLD], ids=lambda path: path.name)
def test_members_of_imported_pools_belong_to_them(version: Path) -> None:
    """The offline member, the spare and the cache too."""
    actual = state_of(RecordedHost(version / "05-degraded-offline"))
    names = {pool.guid: pool.name for pool in actual.pools}
    members = {
        disk.serial: names[Guid(user.subject)]
        for disk in actual.disks
        for user in disk.users
        if user.kind == "pool"
    }
    assert members == {
        "DISK1": "quickOS",
        "DISK2": "quickOS",
        **{f"DISK{number}": "fastData" for number in range(3, 9)},
    }


@pytest.mark.parametrize("version", [NEW, OLD], ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ("07-exported", {("quickOS", "exported", True)}),
        ("08-destroyed-labels-cleared", set()),
        ("12-destroyed-not-cleared", {("tank", "destroyed", True)}),
    ],
)
def test_pools_that_are_not_imported(
    version: Path, situation: str, expected: set[tuple[str, str, bool]]
) -> None:
    """From their labels: exported, destroyed, gone."""
    actual = state_of(RecordedHost(version / situation))
    found = {(pool.name, pool.state, pool.complete) for pool in actual.idle_pools}
    assert found == expected
    assert not found & {(pool.name, "", True) for pool in actual.pools}


def test_a_destroyed_pool_leaves_residue() -> None:
    """Labels and tables are gone, the data is not: that is no blank disk."""
    disks = state_of(RecordedHost(NEW / "08-destroyed-labels-cleared")).disks
    emptiness = {disk.serial: disk.emptiness for disk in disks}
    assert emptiness["DISK1"] == "residual"
    blank = {disk.serial: disk.emptiness for disk in state_of(RecordedHost(NEW / "01-blank")).disks}
    assert blank["DISK1"] == "blank"
    assert blank["OUT"] == "unread", "no config names it"


@pytest.mark.parametrize("folder", RECORDINGS, ids=name_of)
def test_at_most_fifteen_processes(folder: Path) -> None:
    """Queries and the one script; the number does not depend on the host's size."""
    host = watched(folder)
    state_of(host)
    started = [read for read in host.asked.values() if isinstance(read, Query | Sample)]
    assert len(started) == (13 if folder.parent == OLD else 11)
    assert len(started) <= PROCESSES
    scripts = [read for read in started if isinstance(read, Sample)]
    assert len(scripts) == 1


def test_only_tools_that_look_are_run() -> None:
    """Each command by its argv: nothing that imports, mounts, activates or writes."""
    host = watched(OLD / "01-blank")
    state_of(host)
    commands = {read.argv[:2] for read in host.asked.values() if isinstance(read, Query)}
    assert commands == {
        ("zfs", "version"),
        ("zfs", "list"),
        ("zfs", "get"),
        ("zpool", "status"),
        ("zpool", "get"),
        ("zpool", "import"),
        ("lsblk", "-J"),
        ("pvs", "--readonly"),
        ("dpkg-query", "-W"),
    }
    read = host.asked["zpool-import"]
    assert isinstance(read, Query)
    assert read.argv == ("zpool", "import")


def test_independent_probes_run_at_the_same_time() -> None:
    """Every tool of the first stage is under way before any of them has to end."""
    tools = [probe for probe, read in FIRST.items() if isinstance(read, Query)]
    together = threading.Barrier(len(tools), timeout=20)

    class Slow:
        name = "slow"

        def __init__(self) -> None:
            self._host = RecordedHost(MIRROR)

        def answer(self, probe: str, read: Read) -> Answer:
            if probe in tools:
                together.wait()
            return self._host.answer(probe, read)

    assert state_of(Slow()).pools


def test_the_order_of_answers_does_not_matter() -> None:
    """Late answers give the same state."""
    expected = codec.state_to_json(state_of(RecordedHost(MIRROR)))

    class Uneven:
        name = "uneven"

        def answer(self, probe: str, read: Read) -> Answer:
            time.sleep(0.02 if len(probe) % 2 else 0)
            return RecordedHost(MIRROR).answer(probe, read)

    assert codec.state_to_json(state_of(Uneven())) == expected


def test_two_refreshes_are_two_states() -> None:
    """Id and time differ; nothing else does."""
    first, second = (refresh(RecordedHost(MIRROR)) for _ in range(2))
    assert first.id != second.id
    assert first.taken_at.endswith("Z")
    assert first.disks == second.disks
    assert first.datasets == second.datasets


def test_only_disks_that_the_config_names_are_read_across() -> None:
    """By any alias, a partition's too; not those that a pool has open, nor unknown names."""
    host = watched(MIRROR)
    named = ("virtio-DISK1", "virtio-DISK5", "virtio-DISK3-part1", "no-such-disk")
    interests = Interests(
        disks=tuple(f"/dev/disk/by-id/{name}" for name in named),
        mountpoints={
            "tank": "",
            "tank/a": "",
            "tank/b": "/mnt/b",
            "tank/none": "none",
            "quickOS": "",
            "quickOS/vm-disks": "/elsewhere",
            "quickOS/new": "",
        },
    )
    state_of(host, interests)
    read = host.asked["inspect"]
    assert isinstance(read, Sample)
    assert read.deep == (("/dev/vdf", "serial:DISK5:536870912"),)
    assert read.directories == (
        "/tank",
        "/tank/a",
        "/mnt/b",
        "/elsewhere",
        "/quickOS/new",
    )
    assert len(read.devices) == 10


def test_what_the_inspection_could_not_see_is_unknown() -> None:
    """A process whose files can't be listed may hold any disk."""
    answer = RecordedHost(MIRROR).answer("inspect", whole_inspection())
    assert isinstance(answer, Output)
    document = json.loads(answer.stdout)
    document["unknown"] = [{"source": "disks", "message": "/proc/7/fd: Permission denied"}]
    blind = Output(exit_code=0, stdout=json.dumps(document).encode(), stderr=b"")
    assert unknown_with("inspect", blind) == ("disks",)


def whole_inspection() -> Sample:
    """What a refresh of the mirror asks of the script."""
    host = watched(MIRROR)
    state_of(host)
    read = host.asked["inspect"]
    assert isinstance(read, Sample)
    return read


def test_the_legs_of_a_multipath_device_are_not_read() -> None:
    """Nor is one read across that the config names: the device is, if the config names it."""
    path, leg_path = "/dev/disk/by-id/dm-uuid-mpath-3600", "/dev/disk/by-id/scsi-3600"
    device = row("dm-0", type="mpath", path="/dev/mapper/a")
    rows = [row(name, device, wwn="0x600a0b80001111") for name in ("vdb", "vdc")]
    links = Paths(entries=((path, "/dev/dm-0"), (leg_path, "/dev/vdb")))
    for named, expected in ((leg_path, ()), (path, ("/dev/dm-0",))):
        answers: dict[str, Answer] = {"lsblk": printed(*rows), "dev-links": links}
        host = watched(NEW / "01-blank", **answers, inspect=HostError("not now"))
        state_of(host, Interests(disks=(named,)))
        read = host.asked["inspect"]
        assert isinstance(read, Sample)
        assert read.devices == ("/dev/dm-0",)
        assert tuple(deep for deep, _ in read.deep) == expected


def test_progress_names_every_probe_once() -> None:
    """As they start."""
    told: list[str] = []
    refresh(RecordedHost(OLD / "01-blank"), progress=told.append)
    later = {"zpool-status-text", "zpool-status-guids", "inspect"}
    assert sorted(told) == sorted({*FIRST, *later})


def test_mountpoints_of_datasets() -> None:
    """Where each is mounted; blanks and all."""
    datasets = {dataset.name: dataset for dataset in state_of(RecordedHost(MIRROR)).datasets}
    assert datasets["fastData/with space"].mounts == ("/fastData/with space",)
    volumes = [dataset for dataset in datasets.values() if dataset.type == "volume"]
    assert volumes
    assert {dataset.mounts for dataset in volumes} == {()}


def with_zvols(zvols: dict[str, str], swaps: bytes, opened: list[dict[str, object]]) -> Watched:
    """The mirror's host, with what is known of the devices of its volumes."""
    answer = RecordedHost(MIRROR).answer("inspect", whole_inspection())
    assert isinstance(answer, Output)
    document = json.loads(answer.stdout) | {"zvols": zvols, "open": opened}
    told = Output(exit_code=0, stdout=json.dumps(document).encode(), stderr=b"")
    heading = b"Filename\tType\tSize\tUsed\tPriority\n"
    return watched(MIRROR, inspect=told, swaps=Content(data=heading + swaps))


ZD0_SWAP = b"/dev/zd0 partition 1 0 -2\n"
ZD0_NUMBER = "230:0"


def test_users_of_a_volume() -> None:
    """Its device is swap and is open in a virtual machine: the dataset is in use, no disk is."""
    kvm: dict[str, object] = {"device": ZD0_NUMBER, "pid": 812, "command": "kvm"}
    udev: dict[str, object] = {"device": ZD0_NUMBER, "pid": 9, "command": "(udev-worker)"}
    calm = state_of(RecordedHost(MIRROR))
    (volume, *_) = [one.name for one in calm.datasets if one.type == "volume"]
    actual = state_of(with_zvols({"/dev/zd0": volume}, ZD0_SWAP, [kvm, udev]))
    assert actual.unknown == ()
    assert {
        dataset.name: {(user.kind, user.subject) for user in dataset.users}
        for dataset in actual.datasets
        if dataset.users
    } == {volume: {("swap", "/dev/zd0"), ("open", "812")}}
    assert actual.disks == calm.disks


def test_a_volume_in_use_that_no_link_names_is_unknown() -> None:
    """Which dataset is in use can't be told; one that nobody uses needs no name."""
    (unknown,) = state_of(with_zvols({}, ZD0_SWAP, [])).unknown
    assert (unknown.source, "swap on /dev/zd0" in unknown.message) == ("datasets", True)
    assert state_of(with_zvols({}, b"", [])).unknown == ()


def test_a_named_pci_device_of_a_guest() -> None:
    """`mapping=` leads to the addresses of the guest's own node; a lost one is unknown."""
    text = b"nvme\n\tmap id=8086:1,node=pve1,path=0000:01:00.0\n"
    config = b"hostpci0: mapping=nvme,pcie=1\n"
    guests = Contents(files=(("/etc/pve/nodes/pve1/qemu-server/100.conf", config),))
    answers: dict[str, Answer] = {"qemu-configs": guests, "pci-mapping": Content(data=text)}
    actual = state_of(watched(MIRROR, **answers))
    assert [one.volume for one in actual.references] == ["/sys/bus/pci/devices/0000:01:00.0"]
    lost = state_of(watched(MIRROR, **answers | {"pci-mapping": Content(data=None)}))
    assert [unknown.source for unknown in lost.unknown] == ["references"]


NO_PLAN = ("no plan",)
USERS = ("disks",)

# Each probe, and what is unknown when it fails or says what nobody knows.
RESTS_ON: dict[str, tuple[str, ...]] = {
    "machine-id": NO_PLAN,
    "hostname": NO_PLAN,
    "hostid": NO_PLAN,
    "spl-hostid": NO_PLAN,
    "zfs-version": NO_PLAN,
    "dpkg": NO_PLAN,
    "lsblk": NO_PLAN,
    "dev-links": NO_PLAN,
    "mounts": NO_PLAN,
    "members": NO_PLAN,
    "zpool-status-json": ("idle-pools", "pools"),
    "zpool-status-text": ("idle-pools", "pools"),
    "zpool-status-guids": ("idle-pools", "pools"),
    "zpool-get": ("idle-pools", "pools"),
    "zpool-import": ("idle-pools",),
    "zfs-list": ("datasets",),
    "zfs-get-set": ("datasets",),
    "zfs-list-snapshots": ("datasets",),
    "swaps": USERS,
    "fstab": USERS,
    "crypttab": USERS,
    "mdstat": USERS,
    "pvs": USERS,
    "inspect": ("directories", "disks", "labels", "samples"),
    "storage-cfg": ("storages",),
    "qemu-configs": ("references",),
    "lxc-configs": ("references",),
    "pci-mapping": ("references",),
    "jobs": ("references",),
    "vzdump": ("references",),
    "exports": ("exports",),
    "exports-d": ("exports",),
    "etab": ("exports",),
    "iscsi": ("exports",),
    "arc-live": ("arc",),
    "modprobe": ("arc",),
}
BY_TEXT = ("zpool-status-text", "zpool-status-guids")


def situation(probe: str) -> Path:
    """A recording in which the probe is asked."""
    return (OLD if probe in BY_TEXT else NEW) / "02-mirror-and-single"


def unknown_with(probe: str, answer: Answer | HostError) -> tuple[str, ...]:
    """Sources that are unknown when a probe answers so; checks that disks say so, too."""
    host = watched(situation(probe), **{probe: answer})
    try:
        actual = state_of(host)
    except (StateError, ProbeError):
        return NO_PLAN
    finally:
        assert probe in host.asked
    sources = tuple(unknown.source for unknown in actual.unknown)
    for disk in actual.disks:
        assert bool(disk.unknown) == ("disks" in sources), disk.unknown
    return sources


def test_every_probe_is_in_the_table() -> None:
    """A new probe has to say what rests on it."""
    assert set(RESTS_ON) == {*FIRST, *BY_TEXT, "inspect"}


@pytest.mark.parametrize("probe", RESTS_ON)
def test_a_probe_that_fails_is_never_an_empty_answer(probe: str) -> None:
    """Unknown, or no plan at all."""
    assert unknown_with(probe, HostError(f"{probe} died")) == RESTS_ON[probe]


def nonsense(read: Read) -> Answer:
    """What no parser knows."""
    match read:
        case Query() | Sample():
            return Output(exit_code=0, stdout=b"\xff what\tis this?\n", stderr=b"")
        case ReadFile():
            return Content(data=b"\xff\n")
        case ReadFiles():
            folder, _, _ = read.pattern.rpartition("/")
            path = f"{folder.replace('*', 'x')}/100.conf"
            return Contents(files=((path, b"options zfs zfs_arc_max=\xff what\tis this?\n"),))
        case Glob():
            return Content(data=None)  # of another kind than was asked for


# hostid and hostname are whatever the bytes say.
ANYTHING = {"hostname", "hostid"}


@pytest.mark.parametrize("probe", sorted(RESTS_ON.keys() - ANYTHING))
def test_a_probe_that_says_what_nobody_knows(probe: str) -> None:
    """The same: a text that the parser does not know is an error."""
    seen = watched(situation(probe))
    state_of(seen)
    assert unknown_with(probe, nonsense(seen.asked[probe])) == RESTS_ON[probe]


def test_a_tool_that_exits_with_an_error() -> None:
    """An exit status that no probe lists as `none`."""
    failed = Output(exit_code=5, stdout=b"", stderr=b"internal error")
    for probe, read in FIRST.items():
        if isinstance(read, Query):
            assert unknown_with(probe, failed) == RESTS_ON[probe], probe
    for probe in (*BY_TEXT, "inspect"):
        assert unknown_with(probe, failed) == RESTS_ON[probe], probe


ABSENT = Content(data=None)
MISSING = Output(exit_code=127, stdout=b"", stderr=b"", missing=True)


@pytest.mark.parametrize(
    "answers",
    [
        {"pvs": MISSING},
        {"mdstat": ABSENT},
        {"swaps": ABSENT},
        {"fstab": ABSENT},
        {"crypttab": ABSENT},
        {"vzdump": ABSENT},
        {"jobs": ABSENT},
        {"pci-mapping": ABSENT},
        {"exports": ABSENT},
        {"etab": ABSENT},
        {"hostid": ABSENT},
        {"storage-cfg": ABSENT},
        {"dpkg": MISSING, "storage-cfg": ABSENT},
    ],
    ids=str,
)
def test_a_documented_absence_is_an_answer(answers: dict[str, Answer]) -> None:
    """No LVM, no md, no swap, no fstab, no Proxmox VE: nothing is unknown."""
    assert state_of(watched(MIRROR, **answers)).unknown == ()


@pytest.mark.parametrize("probe", ["zfs-version", "lsblk", "zpool-get", "inspect", "zfs-list"])
def test_a_tool_that_has_to_be_there(probe: str) -> None:
    """Without ZFS or lsblk there is no plan; without python3 the disks are unknown."""
    assert unknown_with(probe, MISSING) == RESTS_ON[probe]


def test_proxmox_without_pmxcfs_is_not_planned_for() -> None:
    """No guests seen is not no guests; without Proxmox VE, there is nothing to miss."""
    mounts = Content(data=(MIRROR / "mounts.out").read_bytes())
    with pytest.raises(StateError, match="no mounted pmxcfs"):
        state_of(watched(MIRROR, mounts=mounts))
    actual = state_of(watched(MIRROR, mounts=mounts, dpkg=MISSING))
    assert (actual.host.pve, actual.host.node, actual.host.pmxcfs) == ("", "", False)


def test_without_quorum_the_state_says_so() -> None:
    """Storage changes will be refused; the rest can be planned."""
    members = Content(data=b'{"nodename":"n1","cluster":{"name":"c","quorate":0}}')
    host = state_of(watched(MIRROR, members=members)).host
    assert (host.node, host.quorate) == ("n1", False)


def test_a_root_on_zfs() -> None:
    """Its pool is the boot pool, and its disks are of the boot chain."""
    data = (MIRROR / "mounts.out").read_bytes()
    mounts = Content(
        data=data.replace(b"/dev/vda / ext4", b"quickOS/ROOT / zfs")
        + b"/dev/fuse /etc/pve fuse rw 0 0\n"
    )
    actual = state_of(watched(MIRROR, mounts=mounts))
    assert actual.host.boot_pools == ("quickOS",)
    boot = {disk.serial for disk in actual.disks if any(u.kind == "boot" for u in disk.users)}
    # The inspection still sees what was recorded: vda holds the root of this namespace.
    assert boot == {"DISK1", "DISK2", "ROOT"}


def test_a_device_that_lsblk_does_not_list_makes_disks_unknown() -> None:
    """swapoff and pull between two reads, or a list that is not whole."""
    swaps = Content(data=b"Filename Type Size Used Priority\n/dev/vdz partition 1 0 -2\n")
    assert unknown_with("swaps", swaps) == ("disks",)


def test_a_wrong_kind_of_answer_is_an_error() -> None:
    """A host that mixes up its answers is no host."""
    assert unknown_with("pvs", Paths(entries=())) == ("disks",)


def refused(break_it: Callable[[], object]) -> PhoenixError:
    """The error that something raises."""
    with pytest.raises(PhoenixError) as caught:
        break_it()
    return caught.value


def test_the_error_says_what_was_not_done() -> None:
    """And keeps the hint of its cause."""
    broken = HostError("lsblk: killed by SIGKILL", hint="look at dmesg")
    error = refused(lambda: state_of(watched(MIRROR, lsblk=broken)))
    assert "Nothing can be planned" in error.message
    assert error.hint == "look at dmesg"


def test_a_refresh_costs_little_beyond_its_tools() -> None:
    """On a host of ten disks, all answers at hand: a fraction of a second, the first time too."""
    host = RecordedHost(NEW / "04-log-cache-spare")
    started = time.perf_counter()
    refresh(host, EVERYTHING)
    assert time.perf_counter() - started < 1
