"""Record what the tools print in a guest, situation by situation, as fixtures/recordings has it.

`python -m tests.lab.record GUEST FOLDER`: a new folder for each file of `situations/`, which follow
one another in one boot. The first line of such a file says what it makes; a version in its name is
the OpenZFS that it needs at least.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.lab.disks import Disk
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS, Guest
from tests.lab.machine import Machine
from tests.lab.roots import ensure_root

SITUATIONS = Path(__file__).parent / "situations"
DISKS = tuple(Disk(name=f"DISK{number}") for number in range(1, 9))

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


def record(guest: Guest, folder: Path) -> None:
    """Make a folder below `folder` for every situation. Raises LabError where one can't be made."""
    environment = {disk.name: disk.by_id for disk in DISKS}
    with (
        tempfile.TemporaryDirectory(prefix="phoenix-lab-") as place,
        Machine(ensure_root(guest), DISKS, Path(place)) as machine,
    ):
        for situation in situations(guest):
            text = situation.read_text()
            machine.check(text, timeout_s=300, env=environment)
            # What follows is about the situation, so that nothing is on its way any more.
            machine.check("udevadm settle")
            target = folder / situation.name.partition(".")[0]
            target.mkdir(parents=True)
            (target / "README").write_text(text.partition("\n")[0].removeprefix("# ") + "\n")
            _commands(machine, guest, target)
            print(target, flush=True)


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
    """Record a guest's situations into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("guest", choices=sorted(GUESTS))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    record(GUESTS[given.guest], given.folder)


if __name__ == "__main__":
    main()
