"""`zfs` on a simulated host: what is made, inherited and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_plan import codec
from phoenix_plan.conditions.datasets import dataset_unused
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.hosts.simulated.state import from_state
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.index import Index
from phoenix_plan.probes.zfs_datasets import LISTING, SET_HERE, SNAPSHOTS, parse_datasets
from phoenix_plan.refresh import refresh
from tests.simulated.worlds import ask, done, eight_disks, host_of, run

VERSIONS = ("2.1.11", "2.3.9")


@pytest.fixture(params=VERSIONS)
def host(tmp_path: Path, request: pytest.FixtureRequest) -> SimulatedHost:
    """A pool on two disks, with a filesystem, a volume, snapshots and a clone."""
    world = eight_disks(request.param, directories={"/srv/full": "occupied", "/srv/no": "empty"})
    made = host_of(tmp_path, world)
    done(made, "zpool", "create", "tank", "mirror", "DISK1", "DISK2")
    for line in (
        "create -o mountpoint=/srv/a tank/a",
        "create tank/a/b",
        "create -V 32M tank/v",
        "create tank/empty",
        "snapshot tank/a@one tank/a@two tank/a/b@one",
        "clone tank/a@two tank/clone",
        "hold keep tank/a@one",
        "create tank/snapped",
        "snapshot tank/snapped@one tank/snapped@two tank/snapped@three",
    ):
        done(made, "zfs", *line.split())
    return made


def datasets(host: SimulatedHost) -> dict[str, Dataset]:
    """All datasets, through the real parsers."""
    _, found = parse_datasets(
        ask(host, *LISTING.argv), ask(host, *SET_HERE.argv), ask(host, *SNAPSHOTS.argv)
    )
    return {dataset.name: dataset for dataset in found}


def value(host: SimulatedHost, name: str, key: str) -> tuple[str, str]:
    """A property's value and source."""
    argv = ("zfs", "get", "-Hp", "-o", "value,source", key, name)
    found, _, source = ask(host, *argv).stdout.decode().rstrip("\n").partition("\t")
    return found, source


def test_what_is_there(host: SimulatedHost) -> None:
    """Names, kinds, mountpoints, snapshots, holds, clones."""
    found = datasets(host)
    assert sorted(found) == [
        "tank", "tank/a", "tank/a/b", "tank/clone", "tank/empty", "tank/snapped", "tank/v",
    ]  # fmt: skip
    assert (found["tank/a/b"].mountpoint, found["tank/a/b"].mounted) == ("/srv/a/b", True)
    assert found["tank/a"].holds == {"one": 1}
    assert found["tank/clone"].clone_of == "tank/a@two"
    assert found["tank/v"].type == "volume"


REFUSED = [
    ("cannot create 'tank/a': dataset already exists", "create tank/a"),
    ("cannot create 'tank/x/y': parent does not exist", "create tank/x/y"),
    ("cannot create 'gone/x': no such pool 'gone'", "create gone/x"),
    ("cannot create 'tank/v/x': parent is not a filesystem", "create tank/v/x"),
    ("cannot create 'tank/x': invalid property 'colour'", "create -o colour=red tank/x"),
    ("cannot create 'tank/x': 'atime' must be one of 'on | off'", "create -o atime=maybe tank/x"),
    ("cannot create 'tank/x': bad numeric value 'lots'", "create -o quota=lots tank/x"),
    ("cannot create 'tank/x': 'used' is readonly", "create -o used=1 tank/x"),
    (
        "cannot create 'tank/x': 'volsize' does not apply to datasets of this type",
        "create -o volsize=1G tank/x",
    ),
    ("cannot create 'tank/x': out of space", "create -V 10G tank/x"),
    ("cannot create 'tank/x': out of space", "create -o reservation=10G tank/x"),
    (
        "cannot create 'tank/x': volume size must be a multiple of volume block size",
        "create -V 1000000 tank/x",
    ),
    (
        "cannot mount '/srv/full': directory is not empty\n"
        "filesystem successfully created, but not mounted",
        "create -o overlay=off -o mountpoint=/srv/full tank/x",
    ),
    ("cannot open 'tank/x': dataset does not exist", "destroy tank/x"),
    (
        "cannot destroy 'tank/snapped': filesystem has children\n"
        "use '-r' to destroy the following datasets:\n"
        "tank/snapped@one\ntank/snapped@two\ntank/snapped@three",
        "destroy tank/snapped",
    ),
    (
        "cannot destroy 'tank': operation does not apply to pools\n"
        "use 'zfs destroy -r tank' to destroy all datasets in the pool\n"
        "use 'zpool destroy tank' to destroy the pool itself",
        "destroy tank",
    ),
    (
        "cannot destroy 'tank/a@two': snapshot has dependent clones\n"
        "use '-R' to destroy the following datasets:\ntank/clone",
        "destroy tank/a@two",
    ),
    ("cannot destroy snapshot tank/a@one: dataset is busy", "destroy tank/a@one"),
    (
        "could not find any snapshots to destroy; check snapshot names.",
        "destroy tank/a@nine,ten",
    ),
    ("cannot set property for 'tank/a': invalid property 'colour'", "set colour=red tank/a"),
    ("cannot set property for 'tank/a': 'utf8only' is readonly", "set utf8only=on tank/a"),
    ("cannot set property for 'tank/v': 'volblocksize' is readonly", "set volblocksize=4K tank/v"),
    (
        "cannot set property for 'tank/v': 'recordsize' does not apply to datasets of this type",
        "set recordsize=64K tank/v",
    ),
    (
        "cannot set property for 'tank/a': size is less than current used or reserved space",
        "set quota=1K tank/a",
    ),
    (
        "cannot set property for 'tank/a': size is greater than available space",
        "set reservation=10G tank/a",
    ),
    (
        "cannot set property for 'tank/a': 'mountpoint' must be an absolute path, 'none', or"
        " 'legacy'",
        "set mountpoint=srv/a tank/a",
    ),
    ("cannot rename 'tank/a': dataset already exists", "rename tank/a tank/clone"),
    ("cannot open 'tank/x': dataset does not exist", "rename tank/a tank/x/a"),
    ("cannot rename to 'other/a': datasets must be within same pool", "rename tank/a other/a"),
    ("cannot mount 'tank/a': filesystem already mounted", "mount tank/a"),
]


@pytest.mark.parametrize(("stderr", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_refused(host: SimulatedHost, stderr: str, words: str) -> None:
    """Messages and exit code of the real tool."""
    before = ask(host, "zfs", "get", "-Hp", "all").stdout
    output = run(host, "zfs", *words.split())
    assert (1, f"{stderr}\n") == (output.exit_code, output.stderr.decode())
    assert (before == ask(host, "zfs", "get", "-Hp", "all").stdout) is (
        "successfully created" not in stderr
    )


def test_snapshots_go_by_list_then_the_dataset(host: SimulatedHost) -> None:
    """As a plan writes it: one command for the snapshots, one for what is left."""
    done(host, "zfs", "destroy", "tank/snapped@one,two,three")
    assert datasets(host)["tank/snapped"].snapshots == {}
    done(host, "zfs", "destroy", "tank/snapped")
    assert "tank/snapped" not in datasets(host)


def test_busy(host: SimulatedHost, tmp_path: Path) -> None:
    """An open file below its mountpoint keeps a dataset."""
    world = eight_disks(opened=[{"path": "/tank/x/file"}, {"path": "/dev/zvol/tank/v"}])
    host = host_of(tmp_path, world)
    done(host, "zpool", "create", "tank", "DISK1")
    done(host, "zfs", "create", "tank/x")
    done(host, "zfs", "create", "-V", "16M", "tank/v")
    for stderr, words in (
        (b"cannot unmount '/tank/x': pool or dataset is busy\n", ("destroy", "tank/x")),
        (b"cannot destroy 'tank/v': dataset is busy\n", ("destroy", "tank/v")),
        (b"cannot unmount '/tank/x': pool or dataset is busy\n", ("rename", "tank/x", "tank/y")),
        (b"cannot unmount '/tank/x': pool or dataset is busy\n",
         ("set", "mountpoint=/y", "tank/x")),
    ):  # fmt: skip
        assert run(host, "zfs", *words).stderr == stderr
    assert run(host, "zpool", "export", "tank").exit_code == 1


def test_users_of_a_volume(tmp_path: Path) -> None:
    """A refresh sees them, they keep what stands above the volume too, and a copy has them."""
    world = eight_disks(
        opened=[{"path": "/dev/zvol/tank/x/v", "pid": 812, "command": "kvm"}],
        swaps=["/dev/zvol/tank/x/v"],
    )
    host = host_of(tmp_path, world)
    done(host, "zpool", "create", "tank", "DISK1")
    done(host, "zfs", "create", "tank/x")
    done(host, "zfs", "create", "-V", "16M", "tank/x/v")
    done(host, "zfs", "create", "-V", "16M", "tank/idle")
    state = refresh(host)
    assert state.unknown == ()
    users = {one.name: [user.kind for user in one.users] for one in state.datasets}
    assert users == {"tank": [], "tank/x": [], "tank/x/v": ["swap", "open"], "tank/idle": []}
    index = Index(state)
    for name in ("tank", "tank/x", "tank/x/v"):
        unmet = dataset_unused(name, index)
        assert unmet is not None
        assert unmet.code == "dataset-in-use"
        assert "swap on /dev/zd" in unmet.message
    assert dataset_unused("tank/idle", index) is None
    copy = from_state(json.loads(codec.state_to_json(state)))
    (folder := tmp_path / "copy").mkdir()
    assert {
        one.name: [user.kind for user in one.users]
        for one in refresh(host_of(folder, copy)).datasets
    } == users


@pytest.mark.parametrize(
    ("expected", "asked"),
    [
        ("131072", "recordsize=128K"),
        ("gzip", "compression=gzip-6"),
        ("zstd", "compression=zstd-3"),
        ("posix", "acltype=posixacl"),
        ("0", "quota=none"),
        ("107374182", "refquota=0.1G"),
        ("my own", "org:owner=my own"),
    ],
)
def test_values_read_back_in_one_form(host: SimulatedHost, expected: str, asked: str) -> None:
    """As `zfs get -p` prints them, and as somebody's will."""
    name = asked.partition("=")[0]
    done(host, "zfs", "set", asked, "tank/a")
    assert value(host, "tank/a", name) == (expected, "local")


def test_inheritance(host: SimulatedHost) -> None:
    """Children take what inherits, and only that; `inherit` takes a will back."""
    done(host, "zfs", "set", "compression=lz4", "quota=300M", "org:x=y", "tank/a")
    assert value(host, "tank/a/b", "compression") == ("lz4", "inherited from tank/a")
    assert value(host, "tank/a/b", "quota") == ("0", "default")
    assert value(host, "tank/a/b", "org:x") == ("y", "inherited from tank/a")
    done(host, "zfs", "inherit", "compression", "tank/a")
    assert value(host, "tank/a/b", "compression")[1] == "default"


def test_a_mountpoint_moves_all_below(host: SimulatedHost) -> None:
    """Filesystems mount at the new place, or nowhere."""
    done(host, "zfs", "set", "mountpoint=/srv/z", "tank/a")
    found = datasets(host)
    assert (found["tank/a/b"].mountpoint, found["tank/a/b"].mounted) == ("/srv/z/b", True)
    done(host, "zfs", "set", "mountpoint=none", "tank/a")
    assert not datasets(host)["tank/a/b"].mounted
    done(host, "zfs", "set", "mountpoint=/srv/a", "tank/a")
    assert datasets(host)["tank/a"].mounted


def test_rename_takes_children_and_origins(host: SimulatedHost) -> None:
    """Snapshots and clones follow."""
    before = datasets(host)
    done(host, "zfs", "rename", "tank/a", "tank/c")
    found = datasets(host)
    assert before["tank/a/b"].guid == found["tank/c/b"].guid
    assert found["tank/clone"].clone_of == "tank/c@two"
    assert "tank/a" not in found


def test_space(host: SimulatedHost) -> None:
    """A volume that is not sparse takes its size at once; a quota cuts what is free."""
    found = datasets(host)
    reserved = int(found["tank/v"].set["refreservation"])
    assert reserved > 32 << 20
    assert found["tank"].used >= found["tank/v"].used == reserved
    done(host, "zfs", "set", "quota=10M", "tank/empty")
    empty = datasets(host)["tank/empty"]
    assert empty.available + empty.used == (10 << 20)


def test_a_volume_grows_with_its_reservation(host: SimulatedHost) -> None:
    """One that is sparse does not."""
    done(host, "zfs", "create", "-s", "-V", "16M", "tank/thin")
    done(host, "zfs", "set", "volsize=64M", "tank/v")
    done(host, "zfs", "set", "volsize=64M", "tank/thin")
    found = datasets(host)
    assert int(found["tank/v"].set["refreservation"]) > 64 << 20
    assert {"volsize": str(64 << 20)} == found["tank/thin"].set
    assert run(host, "zfs", "set", "volsize=1000000", "tank/v").exit_code == 1
    assert b"greater than available" in run(host, "zfs", "set", "volsize=10G", "tank/v").stderr


def test_a_quota_and_a_reservation_at_once(host: SimulatedHost) -> None:
    """The new quota counts for the new reservation."""
    done(host, "zfs", "set", "quota=10M", "tank/empty")
    assert run(host, "zfs", "set", "reservation=20M", "tank/empty").exit_code == 1
    done(host, "zfs", "set", "reservation=20M", "quota=30M", "tank/empty")


@pytest.mark.parametrize(
    ("stderr", "argv"),
    [
        ("invalid option 'z'", ("zfs", "list", "-z")),
        ("bad property list: invalid property 'colour'", ("zfs", "list", "-Hp", "-o", "colour")),
        ("invalid option 'Q'", ("zpool", "status", "-Q")),
    ],
)
def test_usage(host: SimulatedHost, stderr: str, argv: tuple[str, ...]) -> None:
    """A wrong command line is exit 2."""
    output = ask(host, *argv)
    assert (2, stderr) == (output.exit_code, output.stderr.decode().split("\n")[0])
