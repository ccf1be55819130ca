"""Record what the tools print in a guest, situation by situation, as fixtures/recordings has it.

`python -m tests.lab.record GUEST FOLDER [SITUATION …]`: a folder `zfs-SERIES/SITUATION` for each
file of `situations/`, which follow one another in one boot, and a word on where it reads otherwise
than the stored recording. The first line of such a file says what it makes; a version in its name
is the OpenZFS that it needs at least.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.lab import anew
from tests.lab.disks import Disk
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS, Guest
from tests.lab.machine import Machine
from tests.lab.roots import ensure_root

SITUATIONS = Path(__file__).parent / "situations"
DISKS = (
    *(Disk(name=f"DISK{number}") for number in range(1, 9)),
    # No config of the tests names it, as it is with most disks of a host.
    Disk(name="OUT", size_mib=200),
)

COLUMNS = (
    "NAME,KNAME,PATH,TYPE,SIZE,MODEL,SERIAL,WWN,TRAN,ROTA,RO,RM,FSTYPE,LABEL,UUID,PARTTYPE,"
    "PARTLABEL,PARTUUID,PTTYPE,MOUNTPOINTS,PKNAME,LOG-SEC,PHY-SEC"
)
TEXT = {
    "zpool-status": "zpool status",
    "zpool-status-P": "zpool status -P",
    "zpool-status-vgs": "zpool status -g",
    "zpool-list": "zpool list -Hp -o "
    "name,guid,size,allocated,free,capacity,health,altroot,readonly,checkpoint,version",
    "zpool-list-v": "zpool list -vHpP",
    "zpool-get": "zpool get -Hp all",
    "zpool-import": "zpool import",
    "zfs-list": "zfs list -Hp -t filesystem,volume -o "
    "name,type,used,available,referenced,mountpoint,mounted,origin,usedbysnapshots,guid",
    "zfs-list-snap": "zfs list -Hp -t snapshot,bookmark -o name,used,guid",
    "zfs-get": "zfs get -Hp -t filesystem,volume -o name,property,value,source all",
}
JSON = {
    "zpool-status-json": "zpool status -j",
    "zpool-status-json-int": "zpool status -P -j --json-int",
    "zpool-list-json": "zpool list -j --json-int",
    "zpool-list-v-json": "zpool list -v -P -j --json-int",
    "zpool-get-json": "zpool get -j --json-int all",
    "zfs-list-json": "zfs list -j --json-int -t filesystem,volume",
    "zfs-get-json": "zfs get -j --json-int -t filesystem,volume all",
}
"""From OpenZFS 2.3 on."""
BLOCK = {"lsblk-json": "lsblk -J -b -O", "lsblk-narrow": f"lsblk -J -b -p -o {COLUMNS}"}
PER_DEVICE = {
    "wipefs": "wipefs -J {}", "blkid": "blkid -p -o export {}", "zdb-l": "zdb -l {}",
}  # fmt: skip
HOST = {
    "by-id": "ls -l /dev/disk/by-id",
    "findmnt": "findmnt -J -b",
    "swaps": "cat /proc/swaps",
    "mdstat": "cat /proc/mdstat",
    "pvs": "pvs --reportformat json -o pv_name,vg_name,pv_uuid",
    "dmsetup": "dmsetup ls --tree",
    "mounts": "cat /proc/self/mounts",
    "arc_max": "cat /sys/module/zfs/parameters/zfs_arc_max",
    "hostid": "hostid",
    "zfs-version": "zfs version",
}

SETTLED = "udevadm settle; sync; echo 1 >/proc/sys/vm/drop_caches"
"""What follows is about the situation, so that nothing is on its way any more. ZFS writes past the
kernel's cache: wipefs and blkid would be shown what udev read there before."""


def record(guest: Guest, folder: Path, wanted: Sequence[str] = ()) -> Iterator[Path]:
    """Make `wanted` situations, all by default; each folder comes as soon as it is whole.

    A situation stands on those before it, which are made too. Beside the new recordings stands
    what is made up for the stored ones. Raises LabError where one can't be made.
    """
    environment = {disk.name: disk.by_id for disk in DISKS}
    stored = anew.stored(guest)
    with (
        tempfile.TemporaryDirectory(prefix="phoenix-lab-") as place,
        Machine(ensure_root(guest), DISKS, Path(place)) as machine,
    ):
        _check_series(machine, guest)
        for situation in until_last(list(situations(guest)), wanted):
            text = situation.read_text()
            machine.check(text, timeout_s=300, env=environment)
            machine.check(SETTLED)
            name = name_of(situation)
            if wanted and name not in wanted:
                continue
            target = folder / stored.name / name
            if target.exists():
                raise LabError(f"{target} is already there; a recording is not written over")
            target.mkdir(parents=True)
            (target / "README").write_text(text.partition("\n")[0].removeprefix("# ") + "\n")
            _commands(machine, guest, target)
            anew.add_made_up(target, stored / name)
            yield target


def name_of(situation: Path) -> str:
    """What a file of `situations/` makes, by which its folder is named."""
    return situation.name.partition(".")[0]


def until_last(found: Sequence[Path], wanted: Sequence[str]) -> Sequence[Path]:
    """The situations up to the last one that is wanted, all where none is named.

    Raises LabError for a name that there is not.
    """
    names = [name_of(situation) for situation in found]
    if unknown := sorted({*wanted} - {*names}):
        raise LabError(f"no situation {', '.join(unknown)}; there are {', '.join(names)}")
    return found[: max(map(names.index, wanted)) + 1] if wanted else found


def _check_series(machine: Machine, guest: Guest) -> None:
    """Raise LabError where the guest's OpenZFS is not of the series that its folder is named by."""
    said = machine.check("zfs version")
    if re.match(rf"zfs-{re.escape(guest.zfs)}\.\d", said) is None:
        raise LabError(f"{guest.name} should have OpenZFS {guest.zfs}, and has {said!r}")


def situations(guest: Guest) -> Iterator[Path]:
    """The files of `situations/` that the guest's OpenZFS can make, in their order."""
    for path in sorted(SITUATIONS.glob("*.sh")):
        _, _, version = path.name.removesuffix(".sh").partition(".")
        if not version or _parts(version) <= _parts(guest.zfs):
            yield path


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _commands(machine: Machine, guest: Guest, target: Path) -> None:
    """Run every command, and write what it printed."""
    devices = machine.check("ls /dev/vd[b-i]*").split()
    by_device = {
        f"{name}-{Path(device).name}": command.format(device)
        for device in devices
        for name, command in PER_DEVICE.items()
    }
    json = JSON if _parts(guest.zfs) >= [2, 3] else {}
    rows = []
    for name, command in (TEXT | json | BLOCK | by_device | HOST).items():
        answer = machine.run(command)
        if answer.status in (None, 127):
            raise LabError(f"could not be recorded\n{answer}")
        (target / f"{name}.out").write_text(answer.stdout)
        if answer.stderr:
            (target / f"{name}.err").write_text(answer.stderr)
        rows.append(f"{name}\t{answer.status}\t{command}\n")
    (target / "commands.tsv").write_text("".join(rows))


def main() -> None:
    """Record a guest's situations into a folder, and say where they read otherwise than before."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("guest", choices=sorted(GUESTS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("situation", nargs="*", help="default: all")
    given = parser.parse_args()
    guest = GUESTS[given.guest]
    stored = anew.stored(guest)
    for target in record(guest, given.folder, given.situation):
        print(target, flush=True)
        for line in anew.differences(target, stored / target.name):
            print(f"    {line}", flush=True)


if __name__ == "__main__":
    main()
