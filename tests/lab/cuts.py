"""Power is cut at random moments of an apply, and what is left is resumed: `make cuts CUTS=100`.

A plan destroys two datasets and a snapshot, wipes a disk that holds a file system, and makes a
pool and a dataset on it. Each round begins with everything as it was. After the cut and the boot:
`phoenix history` tells how far it came, `phoenix resume` ends as approved or, where not even the
journal had begun, `phoenix apply` does; every command ended well once at most, as the journals have
it; another plan finds no change; and a disk that no config names is byte for byte what it was.
"""

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.lab.disks import Disk
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS
from tests.lab.machine import Machine
from tests.lab.roots import ensure_root

FOLDER = "/root/cuts"
BY_ID = "/dev/disk/by-id/virtio-"
NAMES = ("KEEP", "WIPE", "NOT")
SIZE_MIB = 128
PREPARE = f"""
for pool in keep new; do zpool list $pool >/dev/null 2>&1 && zpool destroy $pool; done
for disk in {BY_ID}KEEP {BY_ID}WIPE; do
  for part in 1 9; do [ -e $disk-part$part ] && wipefs -qa $disk-part$part; done
  dd if=/dev/zero of=$disk bs=1M count={SIZE_MIB} conv=fsync 2>/dev/null
done
udevadm settle
zpool create keep {BY_ID}KEEP
zfs create keep/old
zfs create keep/old/below
zfs snapshot keep/old/below@monday
mkfs.ext4 -qF {BY_ID}WIPE
rm -rf /var/lib/phoenix
mkdir -p {FOLDER}
"""


def config(machine: Machine) -> dict[str, Any]:
    """What is wanted; the dataset that goes is named by the GUID that it has in this round."""
    guid = machine.check(["zfs", "get", "-Hpo", "value", "guid", "keep/old"]).strip()
    return {
        "zfs": {
            "pools": [
                {"name": "keep", "raid_level": "single", "disks": [f"{BY_ID}KEEP"]},
                {"name": "new", "raid_level": "single", "disks": [f"{BY_ID}WIPE"]},
            ],
            "datasets": [{"name": "data", "pool": "new"}],
            "removed": {"datasets": [{"name": "keep/old", "guid": guid, "recursive": True}]},
        }
    }


def phoenix(machine: Machine, *argv: str, exits: tuple[int, ...] = (0,)) -> str:
    """Run phoenix in the guest; its stdout. Raises LabError for another exit status."""
    answer = machine.run(["phoenix", *argv], cwd=FOLDER, timeout_s=300)
    if answer.status not in exits:
        raise LabError(f"phoenix did not end as it should\n{answer}")
    return answer.stdout


def commands_that_ended_well(journal: str) -> Counter[str]:
    """How often each command ended with 0, by a journal's own lines."""
    found: Counter[str] = Counter()
    argv = ""
    for line in map(json.loads, journal.splitlines()):
        if line["event"] == "command":
            argv = " ".join(line.get("argv") or [line.get("zero") or line.get("write") or ""])
        elif line["event"] == "output" and line["exit_code"] == 0:
            found[argv] += 1
    return found


def round_(machine: Machine, wait_s: float | None) -> tuple[str, float]:
    """One round; how the run had ended when the power came back, and how long it was on. Without
    a time to wait, it is not cut. Raises LabError where anything is not as it should be."""
    machine.check(PREPARE)
    machine.write(f"{FOLDER}/config.json", json.dumps(config(machine)))
    untouched = machine.digests()["NOT"]
    phoenix(machine, "plan", "-c", "config.json", "-o", "plan.json")
    phoenix(machine, "approve", "plan.json", "--all", "--reason", "the lab says so")
    began = time.monotonic()
    if wait_s is None:
        phoenix(machine, "apply", "plan.json")
        return "not cut", time.monotonic() - began
    machine.check(f"cd {FOLDER} && setsid phoenix apply plan.json </dev/null >apply.log 2>&1 &")
    time.sleep(max(0.0, wait_s - (time.monotonic() - began)))
    machine.reboot(power_cut=True)
    runs = json.loads(phoenix(machine, "history", "--json"))["runs"]
    ending = runs[0]["ending"] if runs else "not begun"
    phoenix(machine, "resume")
    # A run that had written nothing is none: then the plan was not applied yet.
    phoenix(machine, "apply", "plan.json", exits=(0, 65))
    phoenix(machine, "plan", "--detailed-exitcode", "-c", "config.json")
    if machine.check("zfs list -Ho name -r keep new") != "keep\nnew\nnew/data\n":
        raise LabError("the datasets are not those that were wanted")
    journals = machine.check("cat /var/lib/phoenix/runs/*.jsonl")
    twice = [one for one, count in commands_that_ended_well(journals).items() if count > 1]
    if twice:
        raise LabError(f"ended well more than once: {', '.join(twice)}\n{journals}")
    if machine.digests()["NOT"] != untouched:
        raise LabError("a disk that no config names has changed")
    return ending, wait_s


def main() -> None:
    """Cut as often as asked for, and count how the runs were found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("guest", choices=sorted(GUESTS))
    parser.add_argument("cuts", type=int)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    given = parser.parse_args()
    print(f"{given.guest}: {given.cuts} cuts, --seed {given.seed}", flush=True)
    chance = random.Random(given.seed)  # noqa: S311 - when, and no secret
    found: Counter[str] = Counter()
    disks = [Disk(name=name, size_mib=SIZE_MIB) for name in NAMES]
    root = ensure_root(GUESTS[given.guest])
    with (
        tempfile.TemporaryDirectory(prefix="phoenix-lab-") as place,
        Machine(root, disks, Path(place)) as machine,
    ):
        machine.check(f"mkfs.ext4 -qF {BY_ID}NOT")
        round_(machine, None)  # compiles and loads
        _, whole = round_(machine, None)
        for number in range(1, given.cuts + 1):
            ending, moment = round_(machine, chance.uniform(0, 1.2 * whole))
            found[ending] += 1
            print(f"{number}: cut after {moment:.1f} s: {ending}, resumed", flush=True)
    print(f"{given.guest}: {found.total()} cuts, an apply took {whole:.0f} s; found "
          + ", ".join(f"{count} {ending}" for ending, count in sorted(found.items())))  # fmt: skip


if __name__ == "__main__":
    main()
