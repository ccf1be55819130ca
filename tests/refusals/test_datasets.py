"""Datasets that are refused, whatever the consent: by who uses them, and where they would mount."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.apply.machine import MIB, Json, Machine, host, pool, want
from tests.refusals.edits import Edit, config, edited, has, mount, prints
from tests.refusals.rows import Row, check_planned, check_refused, ids, prepare

IS = want("tank", "mirror", "A", "B")
VOLUME = {"type": "volume", "guid": "99", "set": {"volsize": "1G"}}
SOUND = edited(
    host(
        pool("tank", "mirror", "A", "B", data={"guid": "88", "referenced": 700 * MIB}, data_in={},
             vol=VOLUME),
        pool("cold", "mirror", "C", "D"),
    ),
    lambda there: there["pools"][0].update(guid="11"),
)  # fmt: skip
BOTH = (IS, want("cold", "mirror", "C", "D"))
BOTTOM_UP = ("destroy-dataset:tank/data/in", "destroy-dataset:tank/data")


def gone(name: str, guid: str) -> Json:
    """A declared removal, with all that is below."""
    return {"removed": {"datasets": [{"name": name, "guid": guid, "recursive": True}]}}


def data(case: str, says: str, *edits: Edit) -> Row:
    """Somebody uses tank/data, or tank/data/in, and both are to be destroyed."""
    return Row(
        case=case, code="dataset-in-use", subject="dataset tank/data", says=says,
        there=edited(SOUND, *edits), pools=BOTH, zfs=gone("tank/data", "88"), stops=BOTTOM_UP,
    )  # fmt: skip


def volume(case: str, says: str, *edits: Edit) -> Row:
    """Somebody uses the volume tank/vol, and it is to be destroyed."""
    return Row(
        case=case, code="dataset-in-use", subject="dataset tank/vol", says=says,
        there=edited(SOUND, *edits), pools=BOTH, zfs=gone("tank/vol", "99"),
        stops=("destroy-dataset:tank/vol",),
    )  # fmt: skip


def other(case: str, row: Row, stops: tuple[str, ...], pools: tuple[Json, ...], **zfs: Any) -> Row:
    """The same use, and another harm."""
    return Row(
        case=case, code=row.code, subject=row.subject, says=row.says, there=row.there, pools=pools,
        zfs=zfs, stops=stops,
    )  # fmt: skip


ZVOL = "/dev/zvol/tank/vol"
SHARED = config("/tank/data/in/pub 10.0.0.0/24(ro)\n", "/etc/exports")
NFS = data("exported by NFS, a folder below", "tank/data/in is exported: /tank/data/in/pub",
           SHARED)  # fmt: skip
JOURNAL = data("the journal below it", "the journal of this program", lambda there: there["pools"][
    0]["datasets"]["tank/data/in"].update(set={"mountpoint": "/var/lib/phoenix"}))  # fmt: skip

IN_USE = [
    data("mounted at another place", "tank/data is also mounted at /srv/there",
         mount("tank/data", "/srv/there", type="zfs")),
    data("mounted in another namespace", "tank/data is also mounted at /ct/data",
         mount("tank/data", "/ct/data", type="zfs", namespace="ct", pid=4242)),
    data("what is below it is mounted there", "tank/data/in is also mounted at /ct/data",
         mount("tank/data/in", "/ct/data", type="zfs", namespace="ct", pid=4242),
    ),
    data("exported by NFS", "tank/data is exported: /tank/data (nfs *)",
         config("/tank/data *(rw)\n", "/etc/exports")),
    NFS,
    data("exported by a file of exports.d", "tank/data is exported: /tank/data (nfs 10.0.0.1)",
         config("/tank/data 10.0.0.1(rw)\n", "/etc/exports.d/zfs.exports")),
    data("a file in it exported by iSCSI", "tank/data is exported: /tank/data/disk.img (iscsi",
         config("/tank/data/disk.img\n", "/sys/kernel/config/target/core/fileio_0/x/udev_path")),
    JOURNAL,
    volume("a volume mounted", "mounted at /mnt/vol", mount(ZVOL, "/mnt/vol")),
    volume("a volume mounted in another namespace", "in the mount namespace of process 4242",
           mount(ZVOL, "/mnt/vol", namespace="ct", pid=4242)),
    volume("a volume swapped to", "swap on /dev/zd0", has(swaps=[ZVOL])),
    volume("a volume open", "/dev/zd0 is open in process 77 (kvm)",
           has(opened=[{"path": ZVOL, "pid": 77, "command": "kvm"}])),
    volume("a volume exported by iSCSI", "tank/vol is exported: /dev/zvol/tank/vol (iscsi",
           config(f"{ZVOL}\n", "/sys/kernel/config/target/core/iblock_0/x/udev_path")),
    volume("a volume under device mapper", "held by /dev/mapper/secret (crypt)",
           has(devices={"dm-0": {"on": ["zd0"], "type": "crypt", "size": "1G",
                                 "path": "/dev/mapper/secret"}})),
    volume("a volume in fstab", "fstab has /dev/zvol/tank/vol on none (swap)",
           config(f"{ZVOL} none swap sw 0 0\n", "/etc/fstab")),
    volume("a volume in crypttab", "crypttab opens /dev/zvol/tank/vol as secret",
           config(f"secret {ZVOL} none luks\n", "/etc/crypttab")),
    volume("a volume in an array", "/dev/zd0 is a member of md127",
           prints("/proc/mdstat", "Personalities : [raid1]\nmd127 : inactive zd0[0](S)\n")),
]  # fmt: skip

KEPT: Json = {"nets": {"retire": "30d"}}
REBUILD = ("destroy-pool:tank", "create-pool:tank")
RAIDZ = (want("tank", "raidz1", "A", "B", "E"),)
HARM = [
    *(
        other(f"{row.case}, its pool built anew", attrs.evolve(row, subject="pool tank"), REBUILD,
              RAIDZ)
        for row in (NFS, JOURNAL, IN_USE[1], IN_USE[10])
    ),
    *(
        other(f"{row.case}, and to be renamed", row, ("rename-dataset:tank/data",), BOTH,
              datasets=[{"name": "new", "pool": "tank", "renamed_from": "tank/data"}])
        for row in (IN_USE[0], IN_USE[3])
    ),
    *(
        other(f"{row.case}, and to be put aside", row, ("retire-dataset:tank/data",), BOTH,
              **gone("tank/data", "88"), settings=KEPT)
        for row in IN_USE[:8]
    ),
    *(
        other(f"{row.case}, and to be made anew", row, ("destroy-dataset:tank/vol",), BOTH,
              datasets=[{"name": "vol", "pool": "tank", "properties": "atime=off"}])
        for row in (IN_USE[10], IN_USE[11])
    ),
]  # fmt: skip


def row(case: str, code: str, name: str, says: str, stops: str, *edits: Edit, **zfs: Any) -> Row:
    """Something is wanted of datasets that can't be; `stops` are ids, by blanks."""
    about = name if " " in name else f"dataset {name}"
    return Row(
        case=case, code=code, subject=about, says=says, there=edited(SOUND, *edits), pools=BOTH,
        zfs=zfs, stops=tuple(stops.split()),
    )  # fmt: skip


def of(name: str, **changes: Any) -> Edit:
    """A dataset of the pool tank is otherwise."""
    return lambda there: there["pools"][0]["datasets"].setdefault(name, {}).update(changes)


def new(properties: str = "", name: str = "new", **more: object) -> Json:
    """A declared dataset of the pool tank."""
    return {"name": name, "pool": "tank", "properties": properties, **more}


def mounts(case: str, code: str, path: str, says: str, *edits: Edit) -> list[Row]:
    """A new dataset would mount there, or one that is there would move there."""
    at = f"mountpoint={path}"
    return [
        row(f"{case}, new", code, "tank/new", says, "create-dataset:tank/new", *edits,
            datasets=[new(at)]),
        row(f"{case}, moved", code, "tank/data", says, "set-dataset-properties:tank/data", *edits,
            datasets=[new(at, "data")]),
        Row(case=f"{case}, a pool's", code=code, subject="pool new", says=says,
            there=edited(SOUND, lambda there: there["disks"].update(
                sde={**there["disks"]["sde"], "size": "8G"}), *edits),
            pools=(want("new", "single", "E", properties=at),), stops=("create-pool:new",)),
    ]  # fmt: skip


ELSEWHERE = of("tank/data/in", set={"mountpoint": "/srv/theirs", "canmount": "noauto"})
MOUNTPOINTS = [
    *mounts("a system tree", "mountpoint-system", "/etc/here", "/etc/here is a system path"),
    *mounts("a system path", "mountpoint-system", "/var/lib", "/var/lib is a system path")[:1],
    *mounts("the root", "mountpoint-system", "/", "/ is a system path")[:1],
    *mounts("a folder that is not empty", "mountpoint-occupied", "/srv/full",
            "/srv/full is not empty", has(directories={"/srv/full": "occupied"})),
    *mounts("a file", "mountpoint-occupied", "/srv/file", "/srv/file is no directory",
            has(directories={"/srv/file": "not-a-directory"}))[:1],
    *mounts("another dataset's", "mountpoint-taken", "/tank/data/in",
            "/tank/data/in is the mountpoint of tank/data/in")[::2],
    *mounts("one that is not mounted", "mountpoint-taken", "/srv/theirs",
            "/srv/theirs is the mountpoint of tank/data/in", ELSEWHERE),
    *mounts("something else's", "mountpoint-taken", "/mnt/usb", "/mnt/usb is the mountpoint of",
            mount("/dev/sde", "/mnt/usb"))[:2],
]  # fmt: skip

FIXED: Json = {"datasets": [new("casesensitivity=insensitive", "data")]}
VALUES = [
    row("a quota below what is used", "quota-below-used", "tank/data", "is below the 700",
        "set-dataset-properties:tank/data", datasets=[new("quota=100M", "data")]),
    row("a refquota below what is used", "quota-below-used", "tank/data", "refquota=100",
        "set-dataset-properties:tank/data", datasets=[new("refquota=100M", "data")]),
    row("a reservation above what is free", "reservation-above-free", "tank/data", "is more than",
        "set-dataset-properties:tank/data", datasets=[new("reservation=100G", "data")]),
    row("a key from a prompt", "key-from-prompt", "tank/new", "a key from a prompt",
        "create-dataset:tank/new", datasets=[new("encryption=on,keyformat=passphrase")]),
    row("a key that changes", "key-change", "tank/data", "keyformat changes only with its key",
        "set-dataset-properties:tank/data", of("tank/data", fixed={"encryption": "aes-256-gcm"},
                                               set={"keyformat": "passphrase"}),
        datasets=[new("keyformat=hex", "data")]),
    Row(case="a root filesystem made otherwise", code="create-only-differs", subject="dataset tank",
        says="the root filesystem was created otherwise: casesensitivity is sensitive",
        there=SOUND, pools=(want("tank", "mirror", "A", "B",
                                 properties="casesensitivity=insensitive"),)),
]  # fmt: skip

INSIDE = of("tank/data/in", guid="89", snapshots={"one": {}})
CLONE = of("tank/clone", origin="tank/data@one")
RENAMED = [new("", "in", renamed_from="tank/data/in")]
STRUCTURE = [
    row("held", "dataset-held", "tank/data", "tank/data@one", " ".join(BOTTOM_UP),
        of("tank/data", snapshots={"one": {"holds": ["keep"]}}), **gone("tank/data", "88")),
    row("cloned", "dataset-cloned", "tank/data", "the clone tank/clone hangs on a snapshot",
        " ".join(BOTTOM_UP), of("tank/data", snapshots={"one": {}}), CLONE,
        **gone("tank/data", "88")),
    row("held, and made anew", "dataset-held", "tank/data", "tank/data@one", " ".join(BOTTOM_UP),
        of("tank/data", snapshots={"one": {"holds": ["keep"]}}), **FIXED),
    row("protected below, and to be put aside", "protected", "tank/data", "tank/data/in",
        "retire-dataset:tank/data", of("tank/data/in", set={"phoenix:protected": "on"}),
        **gone("tank/data", "88"), settings=KEPT),
    row("put aside, with too long a name", "retired-name-too-long", "tank/data",
        "more than 255 bytes", "retire-dataset:tank/data",
        of("tank/data", snapshots={"s" * 240: {}}), **gone("tank/data", "88"), settings=KEPT),
    row("put aside until nobody knows when", "kept-until-unreadable", "tank/phoenix-retired-87",
        "phoenix:kept-until is no time: 'soon'", "",
        of("tank/phoenix-retired-87", guid="87", set={"phoenix:kept-until": "soon"}),
        **gone("tank/old", "87")),
    row("above one that is still kept", "still-kept", "tank/data/in/phoenix-retired-87",
        "is to be kept until 2099-01-01T00:00:00Z",
        " ".join(("destroy-dataset:tank/data/in/phoenix-retired-87", *BOTTOM_UP)),
        of("tank/data/in/phoenix-retired-87", guid="87",
           set={"phoenix:kept-until": "2099-01-01T00:00:00Z"}), **gone("tank/data", "88")),
    row("with children", "removed-has-children", "tank/data", "it has children: tank/data/in", "",
        removed={"datasets": [{"name": "tank/data", "guid": "88"}]}),
    row("another of the name", "removed-is-another", "tank/data", "declared removed is 87", "",
        **gone("tank/data", "87")),
    Row(case="in a pool that is not imported", code="removed-not-imported",
        subject="dataset cold/data", says="its pool cold is not imported", pools=(IS,),
        there=edited(SOUND, lambda there: there["pools"][1].update(state="exported")),
        zfs=gone("cold/data", "87")),
    attrs.evolve(
        row("renamed out of what goes", "dataset-kept-and-lost", "tank/data/in",
            "tank/data/in is to be renamed to tank/in", " ".join(BOTTOM_UP),
            datasets=[*FIXED["datasets"], *RENAMED]),
        runs={"rename-dataset:tank/data/in": "zfs rename tank/data/in tank/in"}),
    row("without a parent", "dataset-missing", "tank/no/new", "there is no dataset tank/no",
        "create-dataset:tank/no/new", datasets=[new("", "no/new")]),
    Row(case="renamed out of a pool that goes", code="renamed-is-lost", subject="dataset tank/new",
        says="tank/new is to be tank/data renamed, which is to go", there=SOUND, pools=RAIDZ,
        zfs={"datasets": [new("", renamed_from="tank/data")]},
        stops=("create-dataset:tank/new", *REBUILD)),
    row("a clone of its own child", "plan-circle", "tank/data", "each waits for another",
        " ".join(BOTTOM_UP), INSIDE, of("tank/data", origin="tank/data/in@one"),
        **gone("tank/data", "88")),
]  # fmt: skip

ROWS = [*IN_USE, *HARM, *MOUNTPOINTS, *VALUES, *STRUCTURE]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_a_dataset_that_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)


@pytest.mark.parametrize(
    ("ran", "zfs"),
    [
        (["zfs destroy tank/data/in", "zfs destroy tank/data"], gone("tank/data", "88")),
        (["zfs destroy tank/vol"], gone("tank/vol", "99")),
        (["zfs unmount tank/data/in", "zfs unmount tank/data",
          "zfs set canmount=off tank/data/in", "zfs set canmount=off tank/data",
          "zfs rename -u tank/data tank/phoenix-retired-88",
          "zfs set readonly=on phoenix:kept-until="],
         {**gone("tank/data", "88"), "settings": KEPT}),
        (["zfs set mountpoint=/srv/empty"], {"datasets": [new("mountpoint=/srv/empty", "data")]}),
        (["zfs create -o mountpoint=/srv/empty"], {"datasets": [new("mountpoint=/srv/empty")]}),
        (["zfs set quota=838860800"], {"datasets": [new("quota=800M", "data")]}),
    ],
)  # fmt: skip
def test_sound_datasets_take_them(ran: list[str], zfs: Json, machine: Machine) -> None:
    there = edited(SOUND, has(directories={"/srv/empty": "empty"}))
    check_planned(machine, there, BOTH, zfs, ran)


@pytest.mark.parametrize(
    ("says", "zfs"),
    [
        ("mountpoint: tank/new has it too", {"datasets": [
            new("mountpoint=/srv/one"), new("mountpoint=/srv/one", "too")]}),
        ("takes along what zfs.datasets[0] is renamed from",
         {"datasets": RENAMED, **gone("tank/data", "88")}),
        ("no rename leads from one pool to another", {"datasets": [
            {"name": "new", "pool": "cold", "renamed_from": "tank/data"}]}),
        ("wanted, or gone?", {"datasets": [new("", "data", protected=True)],
                              **gone("tank/data", "88")}),
        ("tank/data/in below it is declared as well", {"datasets": [new("", "data/in")],
                                         **gone("tank/data", "88")}),
    ],
)  # fmt: skip
def test_a_config_that_contradicts_itself_makes_no_plan(
    says: str, zfs: Json, machine: Machine
) -> None:
    """65: nothing is asked of the host."""
    prepare(machine, SOUND, BOTH, zfs)
    for called in (machine.plan(), machine.just_apply("--mode", "force-destructive", "--yes")):
        assert called.code == 65
        assert says in called.err
    assert not machine.plan_path.exists()
    assert machine.untouched()
