"""A plan whose runs are cut short, and what has to hold once the power is back (cuts.py, lossy.py).

It destroys two datasets and a snapshot, wipes a disk that holds a file system, and makes a pool and
a dataset on it; the journal is on a disk of its own. Then: `phoenix history` tells how far it came,
and of each action that it calls done or not begun the host shows the same; `phoenix resume` ends as
approved or, where not even the journal had begun, `phoenix apply` does; every command ended well
once at most, as the journals have it; the plan is not applied a second time; another plan finds no
change; and a disk that no config names is byte for byte what it was.
"""

import json
import time
from collections import Counter
from datetime import datetime
from typing import Any

from attrs import frozen

from tests.lab.errors import LabError
from tests.lab.machine import Machine

FOLDER = "/root/cuts"
RUNS = "/var/lib/phoenix/runs"
BEGUN = f"{FOLDER}/begun.log"
JOURNAL = f"{RUNS}/*.jsonl"
BY_ID = "/dev/disk/by-id/virtio-"
NAMES = ("KEEP", "WIPE", "NOT", "JOURNAL")
SIZE_MIB = 128
PREPARE = f"""
for pool in keep new; do zpool list $pool >/dev/null 2>&1 && zpool destroy $pool; done
for disk in {BY_ID}KEEP {BY_ID}WIPE; do
  for part in 1 9; do [ -e $disk-part$part ] && wipefs -qa $disk-part$part; done
  blkdiscard -z $disk
  blockdev --rereadpt $disk
done
udevadm settle
zpool create keep {BY_ID}KEEP
zfs create keep/old
zfs create keep/old/below
zfs snapshot keep/old/below@monday
mkfs.ext4 -qF {BY_ID}WIPE
rm -rf /var/lib/phoenix/*
mkdir -p {FOLDER}
udevadm settle || udevadm settle
"""
UNPACK = """
cd /lib/modules/$(uname -r)
[ ! -e updates/dkms/zfs.ko.xz ] || { unxz updates/dkms/*.xz; depmod; }
"""
LOOK = f"""
zfs list -Ho name | sed 's/^/has /'
type=$(blkid -p -s TYPE -o value {BY_ID}WIPE) || true
[ "$type" != ext4 ] || echo has ext4
"""
HALF_MADE = "nobody can tell what became of create-pool:new"
"""What resume says where zpool create was cut short, and had written a part of its labels."""
SEEN = {
    "destroy-dataset:keep/old/below": ("keep/old/below", False),
    "destroy-dataset:keep/old": ("keep/old", False),
    f"wipe-disk:{BY_ID}WIPE": ("ext4", False),
    "create-pool:new": ("new", True),
    "create-dataset:new/data": ("new/data", True),
}
"""By action, what the host has to show for it, and whether that is there once it has happened."""


@frozen(kw_only=True)
class Cut:
    """One power cut, and how the run was found."""

    during: str
    """The command that it cut: "apply" or "resume"."""
    after_s: float
    """Seconds from its start."""
    lines: int
    """How many lines the journal had."""
    ending: str
    """As `phoenix history` has it; "not begun" without a journal."""
    done: int
    """How many actions it tells to be done."""
    open: str
    """The action that was under way."""
    helped: bool = False
    """Whether it was given up in the end, and a new plan cleared the disk of a half-made pool."""
    lost: int = 0
    unsure: int = 0
    """How many writes no flush had followed, and how many of them were lost (lossy.py)."""


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
    answer = machine.run(["phoenix", *argv], cwd=FOLDER, timeout_s=600)
    if answer.status not in exits:
        raise LabError(f"phoenix did not end as it should\n{answer}")
    return answer.stdout


def commands_that_ended_well(journal: str) -> Counter[str]:
    """How often each command ended with 0, by a journal's own lines."""
    found: Counter[str] = Counter()
    argv = ""
    for text in journal.splitlines():
        try:
            line = json.loads(text)
        except ValueError:  # a line that the power cut has torn; history counts it
            continue
        if line["event"] == "command":
            argv = " ".join(line.get("argv") or [line.get("zero") or line.get("write") or ""])
        elif line["event"] == "output" and line["exit_code"] == 0:
            found[argv] += 1
    return found


def misjudged(resumed: dict[str, Any], look: str) -> str:
    """What a resume said of the action under way, and the host, as LOOK printed it before, did not
    show; empty where it was right. Of what is partly done both may be; of a wipe LOOK knows one
    place of many."""
    action, verdict = resumed.get("open", ""), resumed.get("verdict", "")
    if not action or verdict == "partly":
        return ""
    what, after = SEEN[action]
    happened = (f"has {what}" in look.splitlines()) == after
    right = {"done": happened, "not-done": not happened or what == "ext4"}
    return "" if right.get(verdict, False) else f"{action} is {verdict}, and the host was:\n{look}"


def untrue(run: dict[str, Any], look: str) -> list[str]:
    """What a run's history says and the host, as LOOK printed it, does not show."""
    there = {line.removeprefix("has ") for line in look.splitlines()}
    begun = {one["id"]: one for one in run["actions"] if one["commands"]}
    wrong = []
    for action, (what, after) in SEEN.items():
        if action in begun and begun[action]["ok"] is None:
            continue  # under way: both may be
        expected = after if action in begun else not after
        if (what in there) != expected:
            told = "done" if action in begun else "not begun"
            wrong.append(
                f"{action} is {told}, and {what} is {'not there' if expected else 'there'}"
            )
    return wrong


def prepare(machine: Machine) -> str:
    """Everything as it was, with a plan that is approved; the digest of the disk not to touch."""
    machine.check(PREPARE)
    machine.write(f"{FOLDER}/config.json", json.dumps(config(machine)))
    phoenix(machine, "plan", "-c", "config.json", "-o", "plan.json")
    phoenix(machine, "approve", "plan.json", "--all", "--reason", "the lab says so")
    return machine.digests()["NOT"]


def begin(machine: Machine, *argv: str, lines: int = 0) -> bool:
    """Begin phoenix and leave it to itself; return once the journal has so many lines, or False
    once it has ended without."""
    return machine.begin(["phoenix", *argv], cwd=FOLDER, log=BEGUN, cue=JOURNAL, lines=lines)


@frozen(kw_only=True)
class Whole:
    """An apply that nobody cut: seconds to its journal's first line, from there to the last one,
    and how many lines there are."""

    before_s: float
    after_s: float
    lines: int

    @property
    def gap_s(self) -> float:
        """From one line to the next, on average."""
        return self.after_s / self.lines


def measure(machine: Machine) -> Whole:
    """Apply without a cut."""
    prepare(machine)
    started = time.monotonic()
    begin(machine, "apply", "plan.json", lines=1)
    before_s = time.monotonic() - started
    # Asked seldom: in an emulated processor it is the apply that waits for whoever asks.
    journal = machine.check(
        f"""until grep -q '"event": "end"' {JOURNAL}; do sleep 3; done; cat {JOURNAL}""",
        timeout_s=600,
    ).splitlines()
    first, *_, last = (datetime.fromisoformat(json.loads(line)["at"]) for line in journal)
    return Whole(before_s=before_s, after_s=(last - first).total_seconds(), lines=len(journal))


def told(machine: Machine, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """What history says of the run. Raises LabError where the host shows anything else, and where
    a resume since `before`, which is what this gave then, misjudged what was under way."""
    runs = json.loads(phoenix(machine, "history", "--json"))["runs"]
    run: dict[str, Any] = runs[0] if runs else {"ending": "not begun", "actions": []}
    look = machine.check(LOOK)
    wrong = untrue(run, look)
    if before is not None:
        new = run.get("resumed", [])[len(before.get("resumed", [])) :]
        wrong += filter(None, (misjudged(one, before["look"]) for one in new))
    if wrong:
        raise LabError("phoenix does not tell the truth: " + "; ".join(wrong))
    run["lines"] = len(machine.check(f"cat {JOURNAL}").splitlines()) if runs else 0
    run["look"] = look
    return run


def found(
    run: dict[str, Any], during: str, after_s: float, *, lost: int = 0, unsure: int = 0
) -> Cut:
    """A cut, by what history told after it."""
    return Cut(
        during=during,
        after_s=round(after_s, 2),
        lines=run["lines"],
        ending=run["ending"],
        done=sum(one["ok"] is True for one in run["actions"]),
        open=next((one["id"] for one in run["actions"] if one["ok"] is None), ""),
        lost=lost,
        unsure=unsure,
    )


def finish(machine: Machine, untouched: str, run: dict[str, Any]) -> bool:
    """Go on to the end from what `told` gave, and hold that against what was wanted; whether it
    took a new plan. Raises LabError."""
    begun = run["ending"] != "not begun"
    answer = machine.run(["phoenix", "resume"], cwd=FOLDER, timeout_s=600)
    helped = answer.status == 7 and HALF_MADE in " ".join(answer.stderr.split())
    if helped:  # as resume advises
        phoenix(machine, "abandon", "--reason", "zpool create was cut short")
        again = ["phoenix", "plan", "-c", "config.json", "-o", "again.json"]
        answer = machine.run(again, cwd=FOLDER, timeout_s=600)
        if answer.status == 1 and "[pool-incomplete]" in answer.stdout:  # a label, and no pool
            machine.check(f"zpool labelclear -f {BY_ID}WIPE-part1")
            answer = machine.run(again, cwd=FOLDER, timeout_s=600)
        if answer.status != 0:
            raise LabError(f"phoenix did not end as it should\n{answer}")
        phoenix(machine, "approve", "again.json", "--all", "--reason", "the lab says so")
        phoenix(machine, "apply", "again.json")
    elif answer.status != 0:
        raise LabError(f"phoenix did not end as it should\n{answer}")
    # A run that had written nothing is none: then the plan was not applied yet.
    phoenix(machine, "apply", "plan.json", exits=(65,) if begun else (0,))
    phoenix(machine, "plan", "--detailed-exitcode", "-c", "config.json")
    newest = json.loads(phoenix(machine, "history", "--json"))["runs"][-1]
    if (newest if helped else told(machine, run))["ending"] != "done":
        raise LabError("history does not tell that it is done")
    if machine.check("zfs list -Ho name -r keep new") != "keep\nnew\nnew/data\n":
        raise LabError("the datasets are not those that were wanted")
    for path in machine.check(f"ls {JOURNAL}").split():
        journal = machine.check(["cat", path])
        twice = [one for one, count in commands_that_ended_well(journal).items() if count > 1]
        if twice:
            raise LabError(f"ended well more than once: {', '.join(twice)}\n{journal}")
    if machine.digests()["NOT"] != untouched:
        raise LabError("a disk that no config names has changed")
    return helped


def summary(what: str, cuts: list[Cut], seconds: float) -> list[str]:
    """How the runs were found, in lines."""
    endings = Counter(one.ending for one in cuts)
    under_way = Counter(
        one.open or f"between two, {one.done} done" for one in cuts if one.ending == "killed"
    )
    helped = sum(one.helped for one in cuts)
    return [
        f"{what}: {len(cuts)} cuts, {sum(one.during == 'resume' for one in cuts)} of them of a "
        f"resume, all went on to the end, {seconds / max(1, len(cuts)):.0f} s for each; found "
        + ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items())),
        *([f"  {helped} by a new plan that cleared a half-made pool"] if helped else []),
        *(f"  {count} {what}" for what, count in sorted(under_way.items())),
    ]
