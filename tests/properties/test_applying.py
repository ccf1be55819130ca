"""Invariants of applying over random simulated hosts, configs and consents.

What is watched are the commands alone, with a table of this file's own of what each may do: I1 (no
destructive command without consent to its action), I2 (no disk that the plan does not name), I5
(what was applied leaves no change), I8 (at most once), I9 (no force), I11 (no other host), I12
(argv lists).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from phoenix_plan.apply.applied import PlanKey, runs_of
from phoenix_plan.apply.errors import ConsentError, PlanHasErrors, StaleError, StoppedError
from phoenix_plan.apply.session import Options, Report, Session, Talk, apply_plan
from phoenix_plan.codec import plan_to_json
from phoenix_plan.commands import (
    Output,
    Run,
    Write,
    WriteFile,
    Zero,
)
from phoenix_plan.config import load_config
from phoenix_plan.consent.approval import approve
from phoenix_plan.consent.modes import Mode, Rules
from phoenix_plan.consent.presented import Presented
from phoenix_plan.errors import DocumentError, PhoenixError
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.hosts.simulated.world_file import read_world, write_world
from phoenix_plan.plan import Plan, Row, make_plan
from phoenix_plan.refresh import refresh
from tests.apply.machine import PHOTOS, Watched, host, pool, want

Json = dict[str, Any]

many = settings(
    max_examples=int(os.environ.get("PHOENIX_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""PHOENIX_EXAMPLES asks for a soak."""

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DIGEST = "d" * 64
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - nothing secret
"""Where a journal's fsync costs nothing."""

LEVELS = {"stripe": ("A",), "mirror": ("A", "B"), "raidz1": ("A", "B", "C")}


@st.composite
def hosts(draw: st.DrawFn) -> Json:
    """A pool or none, with datasets, a storage, a guest; disks that hold something or nothing."""
    pools = []
    cfg = ["dir: local", "\tpath /var/lib/vz", ""]
    there_is = draw(st.sampled_from(["", "stripe", "mirror", "raidz"]))
    if there_is:
        datasets: Json = {}
        for name in draw(st.sets(st.sampled_from(["a", "a_b", "c"]))) | set():
            snapshots: Json = {one: {} for one in draw(st.sets(st.sampled_from(["s1", "s2"])))}
            values = draw(
                st.fixed_dictionaries(
                    {}, optional={"atime": st.just("off"), "quota": st.just("2G")}
                )
            )
            datasets[name] = {"set": values, "snapshots": snapshots}
        if "a_b" in datasets:
            datasets.setdefault("a", {})
        letters = {"stripe": "A", "mirror": "AB", "raidz": "ABC"}[there_is]
        pools.append(pool("tank", there_is, *letters, **dict(sorted(datasets.items()))))
        if there_is == "raidz":
            pools[0]["vdevs"][0]["parity"] = 1
        if "a" in datasets and draw(st.booleans()):
            cfg += ["zfspool: tank-a", "\tpool tank/a", "\tcontent images", ""]
    made = host(*pools, storage_cfg=cfg)
    for letter in "DE" if pools else "ABCDE":
        match draw(st.sampled_from(["blank", "signature", "data"])):
            case "signature":
                made["disks"][f"sd{letter.lower()}"]["signatures"] = [PHOTOS]
            case "data":
                data = [{"offset": "1M", "length": "1G", "bytes": "5a"}]
                made["disks"][f"sd{letter.lower()}"]["data"] = data
            case _:
                pass
    if draw(st.booleans()):
        made["files"]["/etc/pve/nodes/pve1/qemu-server/100.conf"] = ["scsi0: tank-a:vm-100-disk-0"]
    return made


VALUES = ["", "atime=on", "quota=3G", "compression=zstd", "sync=disabled"]


@st.composite
def configs(draw: st.DrawFn) -> Json:
    """What is wanted of such a host, removals included."""
    level = draw(st.sampled_from([*LEVELS, "none"]))
    zfs: Json = {"pools": []}
    removed: Json = {}
    if level == "none":
        removed["pools"] = ["tank"]
    else:
        name = "single" if level == "stripe" else level
        zfs["pools"].append(want("tank", name, *LEVELS[level]))
        datasets = []
        for path in sorted(draw(st.sets(st.sampled_from(["a", "c", "new"])))):
            values = draw(st.sampled_from(VALUES))
            one: Json = {"name": path, "pool": "tank", **({"properties": values} if values else {})}
            if path == "a" and draw(st.booleans()):
                one |= {
                    "proxmox_storage_type": "zfspool",
                    "proxmox_content_type": draw(st.sampled_from(["images", "images,rootdir"])),
                }
            datasets.append(one)
        zfs["datasets"] = datasets
        wanted = {one["name"] for one in datasets}
        removed["datasets"] = sorted(draw(st.sets(st.sampled_from(["tank/a", "tank/c"]))))
        removed["datasets"] = [x for x in removed["datasets"] if x[5:] not in wanted]
    if draw(st.booleans()) or not zfs["pools"]:
        zfs["pools"].append(want("cold", "single", "E"))
    zfs["removed"] = removed
    nets = st.fixed_dictionaries(
        {},
        optional={
            "snapshot": st.booleans(), "checkpoint": st.booleans(),
            "retire": st.sampled_from(["12h", "30d"]),
        },
    )  # fmt: skip
    zfs["settings"] = {"nets": draw(nets)}
    return zfs


@attrs.frozen(kw_only=True)
class Case:
    """A host in a folder, and a plan for it."""

    folder: Path
    host: SimulatedHost
    plan: Plan


def case_of(there: Json, zfs: Json, folder: Path) -> Case:
    """The plan for such a host; the removed are told by GUIDs that it has."""
    path = folder / "host.json"
    world = read_world(json.dumps(there))
    path.write_text(write_world(world), encoding="utf-8")
    guids = {one.name: one.guid for one in world.pools}
    guids |= {name: one.guid for made in world.pools for name, one in made.datasets.items()}
    removed = {
        kind: [
            {
                "name": name,
                "guid": guids[name],
                **({"recursive": True} if kind == "datasets" else {}),
            }
            for name in names
            if name in guids
        ]
        for kind, names in zfs["removed"].items()
    }
    config = folder / "config.json"
    config.write_text(json.dumps({"zfs": {**zfs, "removed": removed}}), encoding="utf-8")
    loaded = load_config(str(config))
    simulated = SimulatedHost(path)
    seen = refresh(simulated, loaded.interests, now=lambda: NOW)
    plan = make_plan(loaded.desired, seen)
    return Case(folder=folder, host=simulated, plan=plan)


class Log:
    """What was run, and between which rows."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, Write]] = []
        self.row = ""

    def see(self, write: Write) -> Output | None:
        self.writes.append((self.row, write))
        return None

    def tell(self, row: Row, _ended: bool) -> None:
        self.row = row.id


def session(case: Case, log: Log, mode: Mode, typed: Sequence[str]) -> Session:
    answers = iter(typed)
    return Session(
        plan=case.plan,
        source="plan.json",
        document=plan_to_json(case.plan).encode(),
        digest=DIGEST,
        host=Watched(case.host, log.see),
        options=Options(rules=Rules(mode=mode, allow_destructive=None, user="bob"), partial=True),
        talk=Talk(
            ask=lambda _row: next(answers, ""),
            tell=log.tell,
            watch=lambda _row, _running: None,
            say=lambda _text: None,
            granted=lambda _rows, _consent: None,
            signalled=lambda _name: None,
        ),
        now=lambda: NOW,
    )


def takes_something(write: Write) -> bool:
    """What may lose data or service: this file's own list."""
    match write:
        case Zero():
            return True
        case WriteFile():
            return False
        case Run(argv=("zpool", verb, *_)):
            # An attach may also make a raidz wider: no config here wants one wider.
            return verb not in ("create", "set", "import", "attach", "replace", "online")
        case Run(argv=("zfs", "set", *values, _)):
            safe = ("atime=", "quota=", "compression=")
            return not all(value.startswith(safe) for value in values)
        case Run(argv=("zfs", verb, *_)):
            return verb not in ("create", "mount")
        case Run(argv=("pvesm", "set", _, *options)):
            return options[:2] != ["--disable", "0"] and options[0] != "--content"
        case Run(argv=("pvesm", verb, *_)):
            return verb != "add"
        case _:
            return True


def forced(argv: Sequence[str]) -> bool:
    """I9."""
    match tuple(argv[:2]):
        case ("zpool", "create" | "add" | "attach" | "replace" | "import"):
            return "-f" in argv
        case ("zfs", "destroy"):
            return bool({"-f", "-r", "-R"} & set(argv))
        case _:
            return "--allow-in-use" in argv


@st.composite
def consents(draw: st.DrawFn) -> tuple[Mode, frozenset[int], int]:
    """A mode, which destructive rows are approved (by turn), and how many questions are answered
    with yes."""
    mode: Mode = draw(st.sampled_from(["safe", "interactive", "force-destructive"]))
    approved = draw(st.one_of(st.just(frozenset(range(20))), st.frozensets(st.integers(0, 4))))
    return mode, approved, draw(st.integers(0, 6))


def approvals_of(plan: Plan, approved: frozenset[int]) -> list[Presented]:
    ids = [row.id for at, row in enumerate(plan.destructive) if at in approved]
    if not ids:
        return []
    lasts = timedelta(hours=1)
    made = approve(
        plan, DIGEST, actions=ids, approver="alice", reason="x", now=NOW, valid_for=lasts
    )
    return [Presented(approval=made, source="x")]


@given(hosts(), configs(), consents())
@many
def test_nothing_runs_without_consent_to_it(
    there: Json, zfs: Json, given_consent: tuple[Mode, frozenset[int], int]
) -> None:
    """I1, I2, I5, I8, I9, I12, and all or nothing."""
    mode, approved, yeses = given_consent
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        case = case_of(there, zfs, Path(folder))
        plan = case.plan
        given_ids = {row.id for at, row in enumerate(plan.destructive) if at in approved}
        asked = [row.id for row in plan.destructive if row.id not in given_ids]
        consented = set(given_ids)
        if mode == "force-destructive" or (mode == "interactive" and yeses >= len(asked)):
            consented |= set(asked)
        log = Log()
        before = case.host.path.read_bytes()
        outcome: Report | PhoenixError
        try:
            outcome = apply_plan(
                session(case, log, mode, ["yes"] * yeses), approvals_of(plan, approved)
            )
        except PhoenixError as error:
            outcome = error
        event(type(outcome).__name__)
        named = {disk for row in plan.actions for disk in _disks(row)}
        for row, write in log.writes:
            if takes_something(write):
                assert row in consented, (row, write)
            if isinstance(write, Run):
                assert not forced(write.argv)
            for path in _named(write):
                assert path in named
        if len(consented) < len(plan.destructive):
            assert isinstance(outcome, ConsentError)
            assert case.host.path.read_bytes() == before
            return
        # Everything was agreed to, and nothing moved: it runs, and leaves no change.
        assert isinstance(outcome, Report), outcome
        assert outcome.ran == tuple(row.id for row in plan.actions)
        again = make_plan(plan.desired, refresh(case.host, _all(plan), now=lambda: NOW))
        assert [row.id for row in again.actions] == []
        if plan.actions:
            with pytest.raises(DocumentError, match="applied before"):
                apply_plan(session(case, Log(), "force-destructive", []), [])


@given(hosts(), configs())
@many
def test_what_nobody_declared_removed_stays(there: Json, zfs: Json) -> None:
    """I4, I10: and the same look and config give the same plan, byte for byte."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        case = case_of(there, zfs, Path(folder))
        seen = refresh(case.host, _all(case.plan), now=lambda: NOW)
        first, again = make_plan(case.plan.desired, seen), make_plan(case.plan.desired, seen)
        assert plan_to_json(first) == plan_to_json(again)
        pools = {one["name"] for one in zfs["pools"]} | set(zfs["removed"].get("pools", ()))
        roots = tuple(f"{name}/" for name in zfs["removed"].get("datasets", ()))
        for row in case.plan.actions:
            if row.action.TYPE == "destroy-pool":
                assert row.action.subject in pools
            elif row.action.TYPE in ("destroy-dataset", "retire-dataset"):
                assert f"{row.action.subject}/".startswith(roots)
            else:
                assert row.action.TYPE != "remove-storage"


def scrubbed(there: Json) -> None:
    for one in there["pools"]:
        one["scans"] = [{"kind": "scrub", "state": "finished"}]


def counted(there: Json) -> None:
    for one in there["pools"]:
        one["errors"] = 3


def other_storage(there: Json) -> None:
    there["files"]["/etc/pve/storage.cfg"] += ["dir: other", "\tpath /srv/other", ""]


def other_disk(there: Json) -> None:
    there["disks"]["nvme0n1"]["by_id"].append("nvme-ANOTHER_NAME")


def later(there: Json) -> None:
    there["now"] = there.get("now", 0) + 3600


@given(hosts(), configs(), st.sampled_from([scrubbed, counted, other_storage, other_disk, later]))
@many
def test_what_does_not_matter_makes_nothing_stale(
    there: Json, zfs: Json, change: Callable[[Json], None]
) -> None:
    """I6, the other half: all is agreed to, and all runs."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        case = case_of(there, zfs, Path(folder))
        changed = json.loads(case.host.path.read_text(encoding="utf-8"))
        changed.setdefault("pools", [])
        change(changed)
        case.host.path.write_text(json.dumps(changed), encoding="utf-8")
        report = apply_plan(session(case, Log(), "force-destructive", []), [])
        assert report.ran == tuple(row.id for row in case.plan.actions)


def _all(plan: Plan) -> Any:
    from phoenix_plan.apply.session import interests_of  # noqa: PLC0415 - one use

    return interests_of(plan.desired)


def _disks(row: Row) -> tuple[str, ...]:
    return (*getattr(row.action, "disks", ()), getattr(row.action, "disk", ""))


def _named(write: Write) -> list[str]:
    """The devices in a command."""
    match write:
        case Zero(path=path):
            return [path]
        case Run(argv=argv):
            return [one for one in argv if one.startswith("/dev/disk/by-id/ata")]
        case _:
            return []


@given(hosts(), configs(), st.integers(0, 40))
@many
def test_a_failure_anywhere_leaves_a_true_account(there: Json, zfs: Json, at: int) -> None:
    """The command at which it fails is the last one; the journal tells it; the plan is used up."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        case = case_of(there, zfs, Path(folder))
        log = Log()

        def see(write: Write) -> Output | None:
            log.see(write)
            failed = Output(exit_code=1, stdout=b"", stderr=b"no")
            return failed if len(log.writes) == at + 1 else None

        asked = session(case, log, "force-destructive", [])
        stopped: StoppedError | None = None
        try:
            apply_plan(attrs.evolve(asked, host=Watched(case.host, see)), [])
        except StoppedError as error:
            stopped = error
        event("stopped" if stopped else "ran to its end")
        assert (stopped is None) == (len(log.writes) <= at)
        if stopped is not None:
            assert len(log.writes) == at + 1
            assert log.row == stopped.failed
            told = [*stopped.done, stopped.failed, *stopped.left]
            assert told == [row.id for row in case.plan.actions]
            assert list(runs_of(case.host.state_dir, PlanKey(digest=DIGEST, state="", config="")))


@given(hosts(), configs(), hosts())
@many
def test_a_plan_never_runs_on_what_has_moved(there: Json, zfs: Json, other: Json) -> None:
    """I6, I11: on any other content of the host, what runs is what was planned, or nothing."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        case = case_of(there, zfs, Path(folder))
        world = write_world(read_world(json.dumps(other)))
        case.host.path.write_text(world, encoding="utf-8")
        log = Log()
        try:
            apply_plan(session(case, log, "force-destructive", []), [])
        except (StaleError, PlanHasErrors) as error:
            event(type(error).__name__)
            assert log.writes == []
            assert case.host.path.read_text(encoding="utf-8") == world
        strange = json.loads(world)
        strange["machine_id"] = "f" * 32
        case.host.path.write_text(json.dumps(strange), encoding="utf-8")
        with pytest.raises(DocumentError):
            apply_plan(session(case, Log(), "force-destructive", []), [])
