"""Topology changes of a simulated pool: what they take, leave and refuse.

Every row was seen on OpenZFS 2.1.11 and 2.3.9 in the lab, where it does not name a version.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.model.pools import Vdev
from phoenix_plan.probes.zpool_status import PoolStatus, TextNeeded
from phoenix_plan.probes.zpool_status_json import parse_status_json
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.simulated.worlds import BY_ID, ask, done, eight_disks, host_of, run, saved

VERSIONS = ("2.1.11", "2.3.9")
NOT_OVERRIDDEN = "invalid vdev specification\nuse '-f' to override the following errors:\n"
HEAD = "mismatched replication level: "


def look(host: SimulatedHost) -> PoolStatus:
    """The one pool, as a refresh sees it, and time goes on by one."""
    try:
        (pool,) = parse_status_json(ask(host, "zpool", "status", "-j", "-P", "--json-int"))
    except TextNeeded:
        paths, guids = (ask(host, "zpool", "status", form) for form in ("-P", "-g"))
        (pool,) = parse_status_text(paths, guids)
    return pool


def tree(vdev: Vdev) -> str:
    """A vdev in short: `mirror-0(1 2)`, with its state where that is not ONLINE."""
    short = vdev.path.removeprefix(f"{BY_ID}DISK").removesuffix("-part1") or vdev.name
    inner = f"({' '.join(map(tree, vdev.children))})" if vdev.children else ""
    notes = "" if vdev.state == "ONLINE" else f":{vdev.state}"
    return short + inner + notes + ("!" if "removing" in vdev.note else "")


def shape(host: SimulatedHost) -> list[str]:
    """The top-level vdevs of the one pool, in short."""
    return [tree(vdev) for vdev in look(host).vdevs]


def states(pool: PoolStatus) -> list[str]:
    """What it is or was busy with."""
    return [f"{one.kind} {one.state}" for one in pool.activities]


def labels(host: SimulatedHost, number: int) -> list[tuple[str, str]]:
    """State and transaction group of the labels on a disk."""
    disk = saved(host)["disks"]["vd" + "abcdefghi"[number]]
    return [(one.get("state", "active"), one.get("txg", "")) for one in disk.get("labels", [])]


def made(folder: Path, zfs: str, commands: str, **world: object) -> SimulatedHost:
    """A host on which these `zpool` commands, one a line, have run."""
    host = host_of(folder, eight_disks(zfs, **world))
    for line in commands.strip().splitlines():
        done(host, "zpool", *line.split())
    return host


@pytest.mark.parametrize("zfs", VERSIONS)
@pytest.mark.parametrize(
    ("during", "after", "busy", "create", "change"),
    [
        (["mirror-0(1 2)"], ["mirror-0(1 2)"], "resilver", "DISK1", "attach tank DISK1 DISK2"),
        (["mirror-0(1 2 3)"], ["mirror-0(1 2 3)"], "resilver", "mirror DISK1 DISK2",
         "attach tank DISK2 DISK3"),
        (["mirror-0(1 replacing-1(2 3))"], ["mirror-0(1 3)"], "resilver", "mirror DISK1 DISK2",
         "replace tank DISK2 DISK3"),
        (["replacing-0(1 2)"], ["2"], "resilver", "DISK1", "replace tank DISK1 DISK2"),
        (["raidz1-0(1 2 replacing-2(3 4))"], ["raidz1-0(1 2 4)"], "resilver",
         "raidz DISK1 DISK2 DISK3", "replace tank DISK3 DISK4"),
        (["1", "2!"], ["1"], "remove", "DISK1 DISK2", "remove tank DISK2"),
        (["mirror-0(1 2)", "mirror-1(3 4)!"], ["mirror-0(1 2)"], "remove",
         "mirror DISK1 DISK2 mirror DISK3 DISK4", "remove tank mirror-1"),
        (["mirror-0(1 spare-1(2 3))", "3:INUSE"], ["mirror-0(1 spare-1(2 3))", "3:INUSE"],
         "resilver", "mirror DISK1 DISK2 spare DISK3", "replace tank DISK2 DISK3"),
    ],
)  # fmt: skip
def test_it_takes_its_time(  # noqa: PLR0917
    tmp_path: Path, zfs: str, during: list[str], after: list[str], busy: str, create: str,
    change: str,
) -> None:  # fmt: skip
    """Who polls sees it run, and then the end; the file keeps how far it is."""
    host = made(tmp_path, zfs, f"create tank {create}\n{change}", pace=3)
    for _ in range(2):
        host = SimulatedHost(host.path)
        pool = look(host)
        assert (during, [f"{busy} running"]) == ([tree(one) for one in pool.vdevs], states(pool))
    pool = look(host)
    assert (after, [f"{busy} finished"]) == ([tree(one) for one in pool.vdevs], states(pool))
    before = host.path.read_bytes()
    assert look(host) == pool
    assert before == host.path.read_bytes()


@pytest.mark.parametrize("zfs", VERSIONS)
def test_zpool_wait_ends_it(tmp_path: Path, zfs: str) -> None:
    """Only what it waits for; without -t all."""
    host = made(tmp_path, zfs, "create tank mirror DISK1 DISK2\nreplace tank DISK2 DISK3", pace=9)
    done(host, "zpool", "wait", "-t", "remove", "tank")
    assert shape(host) == ["mirror-0(1 replacing-1(2 3))"]
    done(host, "zpool", "wait", "-t", "replace,scrub", "tank")
    assert shape(host) == ["mirror-0(1 3)"]
    assert run(host, "zpool", "wait", "-t", "sleep", "tank").exit_code == 2
    done(host, "zpool", "attach", "-w", "tank", "DISK3", "DISK4")
    assert states(look(host)) == ["resilver finished"]


def test_an_expansion_is_followed_by_a_scrub(tmp_path: Path) -> None:
    """The disk is there at once, the space at the end; a resilver holds it up."""
    host = made(tmp_path, "2.3.9", "create tank raidz DISK1 DISK2 DISK3\n"
                "attach tank raidz1-0 DISK4", pace=2)  # fmt: skip
    size = ask(host, "zpool", "get", "-Hp", "-o", "value", "size", "tank").stdout
    pool = look(host)
    assert [tree(one) for one in pool.vdevs] == ["raidz1-0(1 2 3 4)"]
    assert states(pool) == ["expand running"]
    done(host, "zpool", "replace", "tank", "DISK1", "DISK5")
    assert states(look(host)) == ["expand paused", "resilver running"]
    assert states(look(host)) == ["expand running", "resilver finished"]
    assert size == ask(host, "zpool", "get", "-Hp", "-o", "value", "size", "tank").stdout
    assert states(look(host)) == ["expand finished", "scrub running"]
    assert size != ask(host, "zpool", "get", "-Hp", "-o", "value", "size", "tank").stdout
    done(host, "zpool", "wait", "tank")
    assert states(look(host)) == ["expand finished", "scrub finished"]


@pytest.mark.parametrize(
    ("lines", "zfs", "change"),
    [
        (["status: One or more devices is currently being resilvered.  The pool will",
          "\t30K / 120K scanned at 30K/s, 30K / 120K issued at 30K/s",
          "\t30K resilvered, 25.00% done, 00:00:03 to go",
          "\t    /dev/disk/by-id/virtio-DISK3-part1  ONLINE       0     0     0  (resilvering)"],
         "2.3.9", "attach tank DISK1 DISK3"),
        (["\t30K scanned at 30K/s, 30K issued at 30K/s, 120K total",
          "\t30K resilvered, 25.00% done, 00:00:03 to go"], "2.1.11", "attach tank DISK1 DISK3"),
        (["\t30K copied out of 120K at 30K/s, 25.00% done, 0h0m to go",
          "\t  /dev/disk/by-id/virtio-DISK4-part1    ONLINE       0     0     0  (removing)"],
         "2.3.9", "remove tank DISK4"),
    ],
)  # fmt: skip
def test_progress_in_words(tmp_path: Path, lines: list[str], zfs: str, change: str) -> None:
    """Amounts, per cent and the time to go, as the real one prints them."""
    host = made(tmp_path, zfs, f"create tank mirror DISK1 DISK2\nadd -f tank DISK4\n{change}",
                pace=4)  # fmt: skip
    text = ask(host, "zpool", "status", "-P").stdout.decode().splitlines()
    assert [line for line in lines if line not in text] == [], "\n".join(text)


MIRROR = "create tank mirror DISK1 DISK2"
RAIDZ = "create tank raidz DISK1 DISK2 DISK3"
HELD = f"{MIRROR} cache DISK4 spare DISK5\ncheckpoint tank"
REMOVING = "create tank DISK1 DISK2 DISK3\nremove tank DISK3"
PLACES = "can only attach to mirrors and top-level disks"
REPLACED = "already in replacing/spare config; wait for completion or use 'zpool detach'"


@pytest.mark.parametrize("zfs", VERSIONS)
@pytest.mark.parametrize(
    ("refusal", "prepare", "change"),
    [
        # a checkpoint
        ("checkpoint exists", HELD, "attach tank DISK1 DISK3"),
        ("checkpoint exists", HELD, "replace tank DISK1 DISK3"),
        ("checkpoint exists", HELD, "detach tank DISK1"),
        ("checkpoint exists", HELD, "remove tank DISK4"),
        ("checkpoint exists", HELD, "remove tank DISK5"),
        ("checkpoint exists", HELD, "checkpoint tank"),
        ("", HELD, "add tank mirror DISK3 DISK6"),
        ("", HELD, "add tank log DISK3"),
        ("", HELD, "offline tank DISK1"),
        ("", HELD, "scrub tank"),
        ("checkpoint does not exist", MIRROR, "checkpoint -d tank"),
        # a resilver
        ("", f"{MIRROR}\nattach tank DISK1 DISK3", "attach tank DISK1 DISK4"),
        ("", f"{MIRROR}\nattach tank DISK1 DISK3", "replace tank DISK1 DISK4"),
        ("", f"{MIRROR}\nattach tank DISK1 DISK3", "detach tank DISK1"),
        ("", f"{MIRROR}\nattach tank DISK1 DISK3", "detach tank DISK3"),
        ("currently resilvering", f"{MIRROR}\nattach tank DISK1 DISK3", "scrub tank"),
        ("", f"{MIRROR}\nattach tank DISK1 DISK3", "add -f tank DISK4"),
        ("no valid replicas", "create tank DISK1\nattach tank DISK1 DISK2", "detach tank DISK1"),
        ("no valid replicas", "create tank DISK1\nattach tank DISK1 DISK2", "offline tank DISK1"),
        ("", "create tank DISK1\nattach tank DISK1 DISK2", "offline tank DISK2"),
        # a replacing vdev
        ("", f"{MIRROR}\nreplace tank DISK1 DISK3", "replace tank DISK1 DISK4"),
        (PLACES, f"{MIRROR}\nreplace tank DISK1 DISK3", "attach tank DISK1 DISK4"),
        ("", f"{MIRROR}\nreplace tank DISK1 DISK3", "detach tank DISK1"),
        ("", f"{MIRROR}\nreplace tank DISK1 DISK3", "detach tank DISK3"),
        ("only applicable to mirror and replacing vdevs", f"{MIRROR}\nreplace tank DISK1 DISK3",
         "detach tank replacing-0"),
        # a removal
        ("device removal in progress", REMOVING, "attach tank DISK1 DISK4"),
        ("device removal in progress", REMOVING, "replace tank DISK1 DISK4"),
        ("device removal in progress", REMOVING, "checkpoint tank"),
        ("Pool busy; removal may already be in progress", REMOVING, "remove tank DISK2"),
        ("no valid replicas", REMOVING, "offline tank DISK3"),
        ("", REMOVING, "add tank DISK4"),
        ("", REMOVING, "remove -s tank"),
        # places
        (PLACES, MIRROR, "attach tank mirror-0 DISK3"),
        (PLACES, RAIDZ, "attach tank DISK1 DISK4"),
        (REPLACED, MIRROR, "replace tank mirror-0 DISK3"),
        (REPLACED, RAIDZ, "replace tank raidz1-0 DISK4"),
        ("operation not supported on this type of pool", MIRROR, "offline tank mirror-0"),
        ("only applicable to mirror and replacing vdevs", MIRROR, "detach tank mirror-0"),
        ("no such device in pool", MIRROR, "detach tank 12345"),
        ("", MIRROR, "online -e tank DISK1"),
        ("", MIRROR, "online tank mirror-0"),
        ("no valid replicas", f"{RAIDZ}\noffline tank DISK1", "offline tank DISK2"),
        ("no valid replicas", f"{MIRROR}\noffline tank DISK1", "offline tank DISK2"),
        ("no valid replicas", f"{MIRROR}\noffline -f tank DISK1", "detach tank DISK2"),
        # spares
        ("device is reserved as a hot spare", f"{MIRROR} spare DISK3", "attach tank DISK3 DISK4"),
        ("device is reserved as a hot spare", f"{MIRROR} spare DISK3", "detach tank DISK3"),
        ("device is reserved as a hot spare", f"{MIRROR} spare DISK3", "offline tank DISK3"),
        ("Pool busy; removal may already be in progress",
         f"{MIRROR} spare DISK3\nreplace tank DISK1 DISK3", "remove tank DISK3"),
        # removals
        ("out of space", RAIDZ, "remove tank raidz1-0"),
        ("operation not supported on this type of pool", RAIDZ, "remove tank DISK1"),
        ("invalid config; all top-level vdevs must have the same sector size and not be raidz.",
         f"{RAIDZ}\nadd tank special mirror DISK4 DISK5", "remove tank mirror-1"),
        ("", f"{MIRROR} log mirror DISK3 DISK4", "remove tank mirror-1"),
        ("operation not supported on this type of pool", f"{MIRROR} log mirror DISK3 DISK4",
         "remove tank DISK3"),
        ("", "create tank DISK1 DISK2", "remove tank DISK2"),
        ("there is no active removal", MIRROR, "remove -s tank"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way(
    tmp_path: Path, zfs: str, refusal: str, prepare: str, change: str
) -> None:
    """While a long operation runs, or a checkpoint stands, and by where a device is."""
    host = made(tmp_path, zfs, prepare, pace=99)
    before = saved(host)["pools"]
    output = run(host, "zpool", *change.split())
    assert output.stderr.decode().strip().rpartition(": ")[2] == refusal
    kernel = change.split(maxsplit=1)[0] in ("attach", "replace", "detach")
    assert output.exit_code == ((255 if kernel else 1) if refusal else 0)
    if refusal:
        assert before == saved(host)["pools"]


@pytest.mark.parametrize(
    ("refusal", "prepare", "change"),
    [
        ("raidz expansion in progress", f"{RAIDZ}\nattach tank raidz1-0 DISK4",
         "attach tank raidz1-0 DISK5"),
        ("raidz expansion in progress", f"{RAIDZ}\nadd -f tank raidz DISK6 DISK7\n"
         "attach tank raidz1-0 DISK4", "attach tank raidz1-1 DISK5"),
        ("raidz expansion in progress", f"{RAIDZ}\nattach tank raidz1-0 DISK4", "checkpoint tank"),
        ("", f"{RAIDZ}\nattach tank raidz1-0 DISK4", "replace tank DISK1 DISK5"),
        ("", f"{RAIDZ}\nattach tank raidz1-0 DISK4", "scrub tank"),
        ("", f"{RAIDZ}\nattach tank raidz1-0 DISK4", "offline tank DISK2"),
        ("checkpoint exists", f"{RAIDZ}\ncheckpoint tank", "attach tank raidz1-0 DISK4"),
        ("raidz vdev has devices that are are offline or being replaced",
         f"{RAIDZ}\noffline tank DISK1", "attach tank raidz1-0 DISK4"),
        ("raidz vdev has devices that are are offline or being replaced",
         f"{RAIDZ}\nreplace tank DISK1 DISK5", "attach tank raidz1-0 DISK4"),
        ("raidz_expansion feature must be enabled in order to attach a device to raidz",
         "create -o feature@raidz_expansion=disabled tank raidz DISK1 DISK2",
         "attach tank raidz1-0 DISK4"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_of_an_expansion(
    tmp_path: Path, refusal: str, prepare: str, change: str
) -> None:
    """From 2.3 on; an expansion needs every member, and is alone in its pool."""
    host = made(tmp_path, "2.3.9", prepare, pace=99)
    output = run(host, "zpool", *change.split())
    assert output.stderr.decode().strip().rpartition(": ")[2] == refusal
    assert bool(refusal) == (output.exit_code != 0)


@pytest.mark.parametrize("zfs", VERSIONS)
@pytest.mark.parametrize(
    ("refusal", "have", "add"),
    [
        (f"{HEAD}pool uses mirror and new vdev is disk", "mirror DISK1 DISK2", "DISK3"),
        (f"{HEAD}pool uses disk and new vdev is mirror", "DISK1", "mirror DISK3 DISK4"),
        ("", "mirror DISK1 DISK2", "raidz DISK3 DISK4 DISK5"),
        (f"{HEAD}pool and new vdev with different redundancy, raidz and mirror vdevs, 2 vs. 1"
         " (2-way)", "mirror DISK1 DISK2", "raidz2 DISK3 DISK4 DISK5"),
        (f"{HEAD}pool uses 2-way mirror and new vdev uses 3-way mirror", "mirror DISK1 DISK2",
         "mirror DISK3 DISK4 DISK5"),
        (f"{HEAD}both 3-way and 2-way mirror vdevs are present", "mirror DISK1 DISK2",
         "mirror DISK3 DISK4 DISK5 mirror DISK6 DISK7"),
        (f"{HEAD}both disk and mirror vdevs are present", "mirror DISK1 DISK2",
         "DISK3 mirror DISK6 DISK7"),
        (f"{HEAD}pool uses mirror and new vdev is disk", "mirror DISK1 DISK2", "special DISK3"),
        (f"{HEAD}pool uses mirror and new vdev is disk", "mirror DISK1 DISK2", "dedup DISK3"),
        (f"{HEAD}pool uses 2-way mirror and new vdev uses 3-way mirror", "mirror DISK1 DISK2",
         "special mirror DISK3 DISK4 DISK5"),
        ("", "mirror DISK1 DISK2", "special mirror DISK3 DISK4"),
        ("", "DISK1", "special DISK3"),
        (f"{HEAD}pool uses disk and new vdev is mirror", "DISK1", "special mirror DISK3 DISK4"),
        (f"{HEAD}pool uses raidz and new vdev is disk", "raidz DISK1 DISK2", "special DISK3"),
        ("", "raidz DISK1 DISK2", "special mirror DISK3 DISK4"),
        (f"{HEAD}pool and new vdev with different redundancy, raidz and mirror vdevs, 1 vs. 2"
         " (3-way)", "raidz DISK1 DISK2", "special mirror DISK3 DISK4 DISK5"),
        (f"{HEAD}pool uses 1 device parity and new vdev uses 2", "raidz DISK1 DISK2 DISK3",
         "raidz2 DISK4 DISK5 DISK6"),
        (f"{HEAD}pool uses 3-way raidz and new vdev uses 2-way raidz", "raidz DISK1 DISK2 DISK3",
         "raidz DISK4 DISK5"),
        ("", "mirror DISK1 DISK2", "log DISK3"),
        ("", "mirror DISK1 DISK2", "log mirror DISK3 DISK4 DISK5"),
        ("", "mirror DISK1 DISK2", "spare DISK3 cache DISK4"),
        ("", "mirror DISK1 DISK2", "mirror DISK3 DISK4 spare DISK5"),
        ("invalid vdev specification: unsupported 'log' device: raidz", "DISK1",
         "log raidz DISK3 DISK4"),
        ("invalid vdev specification: unsupported 'special' device: raidz", "DISK1",
         "special raidz DISK3 DISK4"),
        ("invalid vdev specification: cache requires at least 1 devices", "DISK1",
         "cache mirror DISK3 DISK4"),
        ("invalid vdev specification: spare requires at least 1 devices", "DISK1",
         "spare mirror DISK3 DISK4"),
    ],
)  # fmt: skip
def test_replication_of_new_vdevs(
    tmp_path: Path, zfs: str, refusal: str, have: str, add: str
) -> None:
    """`zpool add` wants force for what survives less, or more, than the pool's data does."""
    host = made(tmp_path, zfs, f"create tank {have}")
    output = run(host, "zpool", "add", "tank", *add.split())
    assert refusal == output.stderr.decode().strip().removeprefix(NOT_OVERRIDDEN)
    assert bool(refusal) == (output.exit_code == 1)
    if refusal.startswith(HEAD):
        done(host, "zpool", "add", "-f", "tank", *add.split())


LARGER = "The new device cannot have a higher alignment requirement than the top-level vdev."
UNLIKE = "adding devices with different physical sector sizes is not allowed"


@pytest.mark.parametrize(
    ("old", "new", "sector", "physical", "change"),
    [
        (PLACES, LARGER, 4096, 4096, "attach tank DISK1 DISK8"),
        (REPLACED, LARGER, 4096, 4096, "replace tank DISK1 DISK8"),
        (PLACES, "", 512, 4096, "attach tank DISK1 DISK8"),
        ("", "", 512, 4096, "attach -o ashift=9 tank DISK1 DISK8"),
        ("", LARGER, 4096, 4096, "attach -o ashift=9 tank DISK1 DISK8"),
        (PLACES, "", 512, 512, "attach -o ashift=12 tank DISK1 DISK8"),
        ("", UNLIKE, 512, 4096, "add tank DISK8"),
        ("", "", 512, 4096, "add -f tank DISK8"),
        ("", "", 512, 4096, "add -o ashift=9 tank DISK8"),
        ("", "", 4096, 4096, "add tank cache DISK8"),
    ],
)
def test_sectors(  # noqa: PLR0917
    tmp_path: Path, old: str, new: str, sector: int, physical: int, change: str
) -> None:
    """A disk of larger sectors for a vdev of ashift 9; 2.1 and 2.3 do not agree."""
    for zfs, refusal in (("2.1.11", old), ("2.3.9", new)):
        world = eight_disks(zfs)
        world["disks"]["vdi"] |= {"sector": sector, "physical_sector": physical, "size": "800M"}
        host = host_of(tmp_path, world)
        done(host, "zpool", "create", "tank", "DISK1")
        output = run(host, "zpool", *change.split())
        assert output.stderr.decode().strip().rpartition(": ")[2] == refusal


def test_unequal_sectors_bar_removals(tmp_path: Path) -> None:
    """Once they are in a pool, nothing leaves it."""
    world = eight_disks("2.1.11")
    world["disks"]["vdi"] |= {"physical_sector": 4096}
    host = host_of(tmp_path, world)
    done(host, "zpool", "create", "tank", "DISK1", "DISK2")
    done(host, "zpool", "add", "tank", "DISK8")
    output = run(host, "zpool", "remove", "tank", "DISK8")
    assert b"all top-level vdevs must have the same sector size" in output.stderr


@pytest.mark.parametrize("zfs", VERSIONS)
@pytest.mark.parametrize(
    ("expected", "commands"),
    [
        (["mirror-0(spare-0(1:FAULTED 3):DEGRADED 2):DEGRADED", "3:INUSE"], ""),
        (["mirror-0(3 2)"], "detach tank DISK1"),
        (["mirror-0(1:FAULTED 2):DEGRADED", "3:AVAIL"], "detach tank DISK3"),
        (["mirror-0(4 2)", "3:AVAIL"], "replace tank DISK1 DISK4"),
        (["mirror-0(1 2)", "3:AVAIL"], "clear tank"),
        (["mirror-0(spare-0(1:FAULTED 3):DEGRADED 2):DEGRADED", "3:INUSE"], "online tank DISK1"),
    ],
)  # fmt: skip
def test_a_spare_stands_in(tmp_path: Path, zfs: str, expected: list[str], commands: str) -> None:
    """With zed, for a disk that fails; and how it goes on from there."""
    prepare = "create tank mirror DISK1 DISK2 spare DISK3\noffline -f tank DISK1\n"
    host = made(tmp_path, zfs, prepare + commands, zed=True)
    assert expected == shape(host)
    host = made(tmp_path, zfs, prepare)
    assert shape(host) == ["mirror-0(1:FAULTED 2):DEGRADED", "3:AVAIL"]


@pytest.mark.parametrize("zfs", VERSIONS)
def test_a_new_disk_below_a_spare(tmp_path: Path, zfs: str) -> None:
    """While it resilvers, all three are there."""
    host = made(tmp_path, zfs, "create tank mirror DISK1 DISK2 spare DISK3\noffline -f tank DISK1\n"
                "wait tank\nreplace tank DISK1 DISK4", zed=True, pace=3)  # fmt: skip
    inner = "spare-0(replacing-0(1:FAULTED 4):DEGRADED 3):DEGRADED"
    assert shape(host) == [f"mirror-0({inner} 2):DEGRADED", "3:INUSE"]
    done(host, "zpool", "wait", "-t", "replace", "tank")
    assert shape(host) == ["mirror-0(4 2)", "3:AVAIL"]
    assert labels(host, 3) == [("spare", "")]


def test_a_file_may_have_a_spare_in_use(tmp_path: Path) -> None:
    """Without GUIDs, member and spare are one by their disk."""

    def leaf(number: int, state: str = "ONLINE") -> dict[str, object]:
        return {"type": "disk", "path": f"{BY_ID}DISK{number}", "state": state}

    inner = {"type": "spare", "children": [leaf(1, "FAULTED"), leaf(3)]}
    vdevs = [{"class": "spare", **leaf(3)}, {"type": "mirror", "children": [inner, leaf(2)]}]
    host = host_of(tmp_path, eight_disks(pools=[{"name": "tank", "vdevs": vdevs}]))
    expected = ["mirror-1(spare-0(1:FAULTED 3):DEGRADED 2):DEGRADED", "3:INUSE"]
    assert expected == shape(host)
    done(host, "zpool", "detach", "tank", "DISK3")
    assert shape(host) == ["mirror-1(1:FAULTED 2):DEGRADED", "3:AVAIL"]


@pytest.mark.parametrize("zfs", VERSIONS)
@pytest.mark.parametrize(
    ("left", "number", "commands"),
    [
        (("active", "0"), 2, f"{MIRROR}\ndetach tank DISK2"),
        (("active", "0"), 2, f"{MIRROR}\nreplace tank DISK2 DISK3"),
        (("active", "0"), 2, "create tank DISK1 DISK2\nremove tank DISK2"),
        (("active", "0"), 3, f"{MIRROR} log DISK3\nremove tank DISK3"),
        (("spare", ""), 3, f"{MIRROR} spare DISK3\nremove tank DISK3"),
        (("l2cache", ""), 3, f"{MIRROR} cache DISK3\nremove tank DISK3"),
        (("active", "4"), 2, f"{MIRROR}\noffline tank DISK2\ndetach tank DISK2"),
        (("active", "4"), 2, f"{MIRROR}\noffline -f tank DISK2\ndetach tank DISK2"),
        (("active", "4"), 2, f"{MIRROR}\noffline tank DISK2\nreplace tank DISK2 DISK3"),
    ],
)
def test_what_is_left_on_a_disk(
    tmp_path: Path, zfs: str, left: tuple[str, str], number: int, commands: str
) -> None:
    """The table stays and so does a label; `zpool` takes the disk again without force."""
    host = made(tmp_path, zfs, commands)
    assert labels(host, number) == [left]
    assert saved(host)["disks"]["vd" + "abcdefghi"[number]]["table"] == "gpt"
    done(host, "zpool", "create", "other", f"DISK{number}")


def test_a_refused_attach_has_labelled_its_disk(tmp_path: Path) -> None:
    """zpool writes the table before the kernel says no."""
    host = made(tmp_path, "2.3.9", HELD)
    assert run(host, "zpool", "attach", "tank", "DISK1", "DISK6").exit_code == 255
    assert saved(host)["disks"]["vdg"]["table"] == "gpt"


@pytest.mark.parametrize("zfs", VERSIONS)
def test_vdevs_by_guid(tmp_path: Path, zfs: str) -> None:
    """Every command takes the GUID of a vdev for its name."""
    host = made(tmp_path, zfs, "create tank mirror DISK1 DISK2 mirror DISK3 DISK4")
    first, second = look(host).vdevs
    for verb in ("offline", "online", "detach"):
        done(host, "zpool", verb, "tank", first.children[1].guid)
    # The last disk of a mirror takes over the mirror's GUID.
    assert first.guid == look(host).vdevs[0].guid
    done(host, "zpool", "attach", "tank", first.guid, "DISK5")
    done(host, "zpool", "replace", "tank", first.guid, "DISK6")
    done(host, "zpool", "remove", "tank", second.guid)
    assert [one.partition("-")[0] for one in shape(host)] == ["mirror"]
    assert [leaf.path[-7] for leaf in look(host).vdevs[0].leaves()] == ["6", "5"]
