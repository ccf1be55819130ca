"""Changes to what a pool is built of that are refused, whatever the consent."""

from __future__ import annotations

import pytest

from tests.apply.machine import Json, Machine, by_id, host, pool, want
from tests.refusals.edits import Edit, edited
from tests.refusals.rows import Row, check_planned, check_refused, ids

DATA = {"guid": "88"}
ATTACH, EXPAND = (f"attach-disk:{by_id('C')}",), (f"expand-raidz:{by_id('D')}",)
DETACH, OFFLINE = (f"detach-disk:{by_id('B')}-part1",), (f"offline-disk:{by_id('B')}-part1",)
REPLACE, ADD = (f"replace-disk:{by_id('C')}",), (f"add-vdev:{by_id('C')}",)
WIDER = want("tank", "mirror", "A", "B", "C")
OTHER = want("tank", "mirror", "A", "C")
LONE = want("tank", "single", "A")
EXPANDED = want("tank", "raidz1", "A", "B", "C", "D")
REMOVE = (f"remove-vdev:{by_id('C')}-part1",)


def mirror(*letters: str, **changes: object) -> Json:
    """A host with a pool that is one mirror."""
    one = pool("tank", "mirror", *(letters or ("A", "B")), data=DATA)
    return host({**one, "guid": "11", **changes})


def mirrors() -> Json:
    """A host with a pool of two mirrors."""
    one, two = (pool("tank", "mirror", *pair)["vdevs"] for pair in ("AB", "CD"))
    return host({**pool("tank", "mirror", "A", "B", data=DATA), "guid": "11", "vdevs": one + two})


def raidz(**changes: object) -> Json:
    """A host with a pool that is one raidz1."""
    one = pool("tank", "raidz", "A", "B", "C", data=DATA)
    one["vdevs"][0]["parity"] = 1
    return host({**one, "guid": "11", **changes})


def long(*vdevs: tuple[str, str], **more: object) -> Json:
    """A declared pool in the long form: each vdev's type, and its disks by letter."""
    listed = [{"type": kind, "disks": [by_id(one) for one in disks]} for kind, disks in vdevs]
    return {"name": "tank", "vdevs": listed, **more}


def member(at: int, state: str) -> Edit:
    """A member of the first vdev is in that state."""
    return lambda there: there["pools"][0]["vdevs"][0]["children"][at].update(state=state)


def disk_c(**changes: object) -> Edit:
    """Disk C is otherwise."""
    return lambda there: there["disks"]["sdc"].update(changes)


def scan(kind: str) -> list[Json]:
    """A resilver, or the like, that runs."""
    return [{"kind": kind, "state": "running"}]


def under_way(kind: str) -> Edit:
    """The second member is being replaced by disk C, or disk C stands in for it."""
    pair = [{"type": "disk", "path": by_id(letter)} for letter in "BC"]
    made = {"type": kind, "path": "", "children": pair}
    return lambda there: there["pools"][0]["vdevs"][0]["children"][1].update(made)


def row(  # noqa: PLR0917 - the columns of a table
    case: str, code: str, says: str, there: Json, stops: tuple[str, ...], wanted: Json,
    subject: str = "",
) -> Row:  # fmt: skip
    """A refusal about the disk that the step is about, unless another subject is given."""
    about = subject or f"disk {stops[0].partition(':')[2]}"
    return Row(
        case=case, code=code, subject=about, says=says, there=there, pools=(wanted,), stops=stops
    )


WITH_D = long(("mirror", "AB"), ("mirror", "CD"))

STATES = [
    *(
        row(f"a {kind} runs, {step}", "pool-resilvering", says, there, stops, wanted)
        for kind, says in (("resilver", "a resilver is running"),
                           ("remove", "the removal of a vdev is running"),
                           ("expand", "an expansion is running"))
        for step, there, stops, wanted in (
            ("attach", mirror(scans=scan(kind)), ATTACH, WIDER),
            ("replace", mirror(scans=scan(kind)), REPLACE, OTHER),
            ("detach", mirror(scans=scan(kind)), DETACH, LONE),
            ("offline", mirror(scans=scan(kind)), OFFLINE,
             want("tank", "mirror", "A", "B", offline=[by_id("B")])),
            ("expand", raidz(scans=scan(kind)), EXPAND, EXPANDED),
            ("add data", mirror(scans=scan(kind)), ADD, WITH_D),
        )
    ),
    *(
        row(f"a checkpoint, {step}", "checkpoint-stands", "pool tank has a checkpoint", there,
            stops, wanted)
        for step, there, stops, wanted in (
            ("attach", mirror(checkpoint=True), ATTACH, WIDER),
            ("replace", mirror(checkpoint=True), REPLACE, OTHER),
            ("detach", mirror(checkpoint=True), DETACH, LONE),
            ("expand", raidz(checkpoint=True), EXPAND, EXPANDED),
            ("remove", edited(mirrors(), lambda there: there["pools"][0].update(checkpoint=True)),
             REMOVE, want("tank", "mirror", "A", "B")),
        )
    ),
    *(
        row(f"a member has failed, {step}", "pool-not-whole", f"{by_id('A')}-part1 is FAULTED",
            edited(there, member(0, "FAULTED")), stops, wanted)
        for step, there, stops, wanted in (
            ("expand", raidz(), EXPAND, EXPANDED),
            ("add data", mirror(), ADD, WITH_D),
            ("remove data", mirrors(), REMOVE, want("tank", "mirror", "A", "B")),
        )
    ),
    row("raidz expansion is disabled", "feature-disabled", "feature@raidz_expansion is disabled",
        raidz(features={"raidz_expansion": "disabled"}), EXPAND, EXPANDED),
    row("raidz expansion is not there", "feature-missing", "does not have feature@raidz_expansion",
        edited(raidz(), lambda there: there.update(zfs="2.1.11")), EXPAND, EXPANDED),
    row("detach, and the other one has failed", "redundancy-needed",
        f"the rest of mirror-0 is not whole: {by_id('A')}-part1 is FAULTED",
        edited(mirror(), member(0, "FAULTED")), DETACH, LONE),
    row("offline, and the other one has failed", "redundancy-needed",
        f"the rest of mirror-0 is not whole: {by_id('A')}-part1 is FAULTED",
        edited(mirror(), member(0, "FAULTED")), OFFLINE,
        want("tank", "mirror", "A", "B", offline=[by_id("B")])),
    row("offline, and a raidz1 lacks one", "redundancy-needed", f"{by_id('A')}-part1 is FAULTED",
        edited(raidz(), member(0, "FAULTED")), OFFLINE,
        want("tank", "raidz1", "A", "B", "C", offline=[by_id("B")])),
]  # fmt: skip

DISKS = [
    row("attach a smaller disk", "disk-too-small", "1073741824 fewer than the smallest disk of",
        edited(mirror(), disk_c(size="15G")), ATTACH, WIDER),
    row("replace by a smaller disk", "disk-too-small", "1073741824 fewer than the smallest disk of",
        edited(mirror(), disk_c(size="15G")), REPLACE, OTHER),
    row("attach a larger disk", "disk-sizes-differ", "1G apart",
        edited(mirror(), disk_c(size="17G")), ATTACH, WIDER),
    row("attach a disk of larger sectors", "disk-sectors-too-large",
        "sectors of 8192 bytes, mirror-0 of pool tank was made for 4096 (ashift 12)",
        edited(mirror(), disk_c(sector=8192, physical_sector=8192)), ATTACH, WIDER),
    row("replace by a disk of larger sectors", "disk-sectors-too-large",
        "sectors of 8192 bytes, mirror-0 of pool tank was made for 4096 (ashift 12)",
        edited(mirror(), disk_c(sector=8192, physical_sector=8192)), REPLACE, OTHER),
    row("add a disk of larger sectors", "disk-sectors-too-large",
        "sectors of 8192 bytes, the vdev would be made for 4096 (ashift 12)",
        edited(mirror(), disk_c(sector=8192, physical_sector=8192)), ADD,
        long(("mirror", "AB"), log=[{"type": "stripe", "disks": [by_id("C")]}])),
]  # fmt: skip

SHAPES = [
    row("created with a disk offline", "offline-too-early",
        f"{by_id('B')} can't be offline before pool tank is there", host(), ("create-pool:tank",),
        want("tank", "mirror", "A", "B", offline=[by_id("B")]), "pool tank"),
    row("a disk that comes in is to be offline", "pool-members-differ",
        f"{by_id('C')} can't be offline before it is a member", mirror(), (),
        want("tank", "mirror", "A", "C", offline=[by_id("C")]), "pool tank"),
    row("remove, and the vdevs have unlike sectors", "vdev-not-removable", "ashift 12 and 13",
        edited(mirrors(), lambda there: there["pools"][0]["vdevs"][1].update(ashift=13)), REMOVE,
        want("tank", "mirror", "A", "B")),
    row("remove, and there is no room", "vdev-not-removable", "the pool holds 20.0G",
        edited(mirrors(), lambda there: there["pools"][0]["datasets"]["tank/data"].update(
            referenced="20G")), REMOVE, want("tank", "mirror", "A", "B")),
    row("detach after a removal that ZFS refuses", "vdev-not-removable", "ashift 12 and 13",
        edited(mirrors(), lambda there: there["pools"][0]["vdevs"][1].update(ashift=13)),
        (*REMOVE, *DETACH), LONE, f"disk {by_id('C')}-part1"),
    row("created of unlike vdevs", "redundancy-mixed", "mirror of 2 and stripe of 1", host(),
        ("create-pool:tank",), long(("mirror", "AB"), ("stripe", "C")), "pool tank"),
    row("a member being replaced by another", "pool-members-differ",
        f"{by_id('B')}-part1 is being replaced by {by_id('C')}-part1, which is not declared",
        edited(mirror(scans=scan("resilver")), under_way("replacing")), (),
        want("tank", "mirror", "A", "B"), "pool tank"),
    row("offline, and there is no other one", "pool-members-differ",
        f"{by_id('B')} can't be offline",
        edited(mirror(), lambda there: there["pools"][0].update(
            vdevs=[{"type": "disk", "path": by_id("B")}])),
        (), want("tank", "single", "B", offline=[by_id("B")]), "pool tank"),
    row("offline, both of a mirror", "pool-members-differ", "one disk of a vdev at a time",
        mirror(), (), want("tank", "mirror", "A", "B", offline=[by_id("A"), by_id("B")]),
        "pool tank"),
    row("offline, two of a raidz1", "pool-members-differ", "one disk of a vdev at a time",
        raidz(), (), want("tank", "raidz1", "A", "B", "C", offline=[by_id("A"), by_id("B")]),
        "pool tank"),
    row("a vdev of less redundancy to add", "pool-members-differ",
        "would stand beside data vdevs of another redundancy", mirror(), (),
        long(("mirror", "AB"), ("stripe", "C")), "pool tank"),
]  # fmt: skip

ROWS = [*STATES, *DISKS, *SHAPES]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_a_change_of_vdevs_that_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)


SPARE = {"type": "disk", "path": by_id("C"), "vdev_class": "spare"}


@pytest.mark.parametrize(
    ("ran", "there", "wanted"),
    [
        (["zpool attach tank"], mirror(), WIDER),
        (["zpool replace tank"], mirror(), OTHER),
        (["zpool replace tank"], edited(mirror(), disk_c(size="17G")), OTHER),
        (["zpool detach tank"], mirror(), LONE),
        (["zpool offline tank"], mirror(), want("tank", "mirror", "A", "B", offline=[by_id("B")])),
        (["zpool attach tank"], raidz(), EXPANDED),
        (["zpool add -o ashift=12 tank mirror"], mirror(), WITH_D),
        (["zpool remove tank"], mirrors(), want("tank", "mirror", "A", "B")),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_a_sound_pool_takes_each_of_them(
    ran: list[str], there: Json, wanted: Json, machine: Machine
) -> None:
    """The rows above are refused for what they are about, and nothing else."""
    check_planned(machine, there, [wanted], {}, ran)


@pytest.mark.parametrize(
    ("ran", "there", "wanted"),
    [
        (["zpool add tank spare"], edited(mirror(), member(0, "FAULTED")),
         want("tank", "mirror", "A", "B", spare=[by_id("C")])),
        (["zpool replace tank"], edited(mirror(), member(1, "FAULTED")), OTHER),
        (["zpool attach tank"], edited(mirror(), member(1, "FAULTED")), WIDER),
        (["zpool add tank spare"], mirror(checkpoint=True),
         want("tank", "mirror", "A", "B", spare=[by_id("C")])),
        (["zpool checkpoint -d tank", "zpool attach tank"], mirror(checkpoint=True),
         {**WIDER, "checkpoint": False}),
    ],
    ids=["add a spare", "replace", "attach", "add under a checkpoint", "discard, then attach"],
)  # fmt: skip
def test_a_pool_that_is_not_well_takes_what_makes_it_so(
    ran: list[str], there: Json, wanted: Json, machine: Machine
) -> None:
    """Redundancy comes back while a member has failed; a spare goes beside a checkpoint."""
    check_planned(machine, there, [wanted], {}, ran)
