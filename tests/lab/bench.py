"""Run cases: boot what they need, one guest at a time, and compare what came out with the file."""

import json
import re
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import evolve, frozen

from tests.lab import simulation
from tests.lab.casefile import Case, ExpectedPlan, Reboot, Step
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS
from tests.lab.machine import Answer, Machine
from tests.lab.roots import ensure_root

PREPARE_TIMEOUT_S = 300.0
NEWEST_JOURNAL = "ls -t /var/lib/phoenix/runs/*.jsonl | head -n 1"


@frozen(kw_only=True)
class Boot:
    """One boot of one guest, and the cases that are run in it."""

    guest: str
    name: str
    cases: tuple[Case, ...]


def boots(cases: Iterable[Case], guests: Iterable[str]) -> tuple[Boot, ...]:
    """Group cases by the boot that they share, guest by guest."""
    cases = tuple(cases)
    result = []
    for guest in guests:
        groups: dict[str, list[Case]] = {}
        for case in cases:
            if guest in case.guests:
                groups.setdefault(f"shared:{case.shares}" if case.shares else case.name, []).append(
                    case
                )
        result += [
            Boot(guest=guest, name=name, cases=tuple(members))
            for name, members in sorted(groups.items())
        ]
    return tuple(result)


class Bench:
    """Holds at most one running guest; leaving it as a context manager ends that guest."""

    def __init__(self) -> None:
        self._boot: Boot | None = None
        self._machine: Machine | None = None
        self._folder: Path | None = None
        self._live: set[str] = set()
        self._compiled: dict[str, bytes] = {}
        """By guest, what its first boot compiled: a host compiles a program once as well."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def run(self, boot: Boot, case: Case) -> None:
        """Run one case of a boot, booting where another boot's guest runs, or none.

        Raises AssertionError where the case's expectation is not met, and LabError where the case
        could not be run; both end with everything that was run for the case and what it printed.
        """
        machine = self._machine_for(boot)
        first = len(machine.transcript)
        try:
            self._run(machine, case)
        except (AssertionError, LabError) as error:
            shown = "".join(str(answer) for answer in machine.transcript[first:])
            raise type(error)(f"{error}\n\n--- guest {boot.guest}, what was run\n{shown}") from None
        finally:
            if not machine.alive():
                self._end()

    def _machine_for(self, boot: Boot) -> Machine:
        if self._boot == boot and self._machine is not None:
            return self._machine
        self._keep_compiled()
        self._end()
        root = ensure_root(GUESTS[boot.guest])
        self._folder = Path(tempfile.mkdtemp(prefix="phoenix-lab-"))
        disks = [disk for case in boot.cases for disk in case.disk_list]
        self._machine = Machine(root, disks, self._folder, self._compiled.get(boot.guest))
        self._boot = boot
        self._live = set()
        return self._machine

    def _keep_compiled(self) -> None:
        if self._boot is None or self._machine is None or self._boot.guest in self._compiled:
            return
        if self._machine.alive():  # else the next boot compiles for itself
            self._compiled[self._boot.guest] = self._machine.compiled()

    def _end(self) -> None:
        if self._machine is not None:
            self._machine.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder)
        self._boot = self._machine = self._folder = None

    def _run(self, machine: Machine, case: Case) -> None:
        folder = f"/root/cases/{case.name}"
        disks = {disk.name: disk.by_id for disk in case.disk_list}
        for text in (case.prepare, case.check):
            if text:
                machine.check(text, timeout_s=PREPARE_TIMEOUT_S, env=disks)
                # udevd drops a question now and then (Debian 12: "Broken pipe"); it is asked again.
                machine.check("udevadm settle || udevadm settle")
        _write_config(machine, folder, case.config)
        self._live.update(case.live)
        before = seen = machine.digests()
        wrong: list[str] = []
        legs: list[_Leg] = []
        last = max((at for at, step in enumerate(case.run) if _writes(step)), default=-1)
        for at, step in enumerate(case.run):
            if step.config is not None:
                _write_config(machine, folder, step.config)
            simulated = case.simulated and step.applied is not None
            start = _state(machine, folder) if simulated else ""
            answer = _do(machine, step, folder, disks)
            wrong = _differences(machine, step, answer, folder)
            if simulated and not wrong:
                # What follows the last one, a reboot say, is to leave it as it is.
                end = _state(machine, folder) if at < last else ""
                legs.append(_Leg(start, _config(machine, folder), end, step.applied or ()))
            now = machine.digests()
            if step.phoenix is not None and step.applied is None:
                written = {name for name in now if now[name] != seen[name]} - self._live
                if written:
                    wrong.append(f"it wrote to {sorted(written)}, and had applied nothing")
            seen = now
            if wrong:  # what comes next builds on this step
                break
        changed = {name for name in seen if seen[name] != before[name]}
        expected = set(case.writes) - self._live
        # A case that stopped early may have had no time to write, but nothing else was to change.
        if (changed - self._live) - expected or (not wrong and expected - changed):
            wrong.append(
                f"disks that changed: expected {sorted(case.writes)}, got {sorted(changed)}"
            )
        if legs and not wrong:
            if not legs[-1].after:
                legs[-1] = evolve(legs[-1], after=_state(machine, folder))
            wrong += [line for leg in legs for line in leg.simulated()]
        assert not wrong, f"{case.says}\n" + "\n".join(wrong)


def _writes(step: Step) -> bool:
    """Whether phoenix may change the host."""
    return step.applied is not None or (step.phoenix or "").startswith(("apply ", "resume"))


@frozen
class _Leg:
    """One apply of a case: states of the guest before and after, as text, and what was run."""

    before: str
    config: str
    after: str
    applied: tuple[str, ...]

    def simulated(self) -> list[str]:
        """Where the simulated host, from the same start, does not end as the guest did."""
        with tempfile.TemporaryDirectory(prefix="phoenix-lab-") as place:
            return simulation.differences(
                self.before, self.config, self.after, self.applied, Path(place)
            )


def _config(machine: Machine, folder: str) -> str:
    return machine.read(f"{folder}/config.json") or ""


def _state(machine: Machine, folder: str) -> str:
    """What phoenix sees in the guest now, as a state document."""
    machine.check(
        ["phoenix", "refresh", "-c", f"{folder}/config.json", "-o", f"{folder}/state.json"]
    )
    return machine.read(f"{folder}/state.json") or ""


GUID_OF = re.compile(r"guid of ([^/]+)(/.+)?")


def _write_config(machine: Machine, folder: str, config: dict[str, Any]) -> None:
    filled = _with_guids(machine, config)
    machine.write(f"{folder}/config.json", json.dumps(filled, indent=2) + "\n")


def _with_guids(machine: Machine, value: Any) -> Any:
    """A config in which every `guid of NAME` is what ZFS says of the pool or dataset NAME."""
    match value:
        case dict():
            return {key: _with_guids(machine, one) for key, one in value.items()}
        case list():
            return [_with_guids(machine, one) for one in value]
        case str() if asked := GUID_OF.fullmatch(value):
            pool, below = asked.groups()
            if below is None:
                return machine.check(["zpool", "get", "-Hpo", "value", "guid", pool]).strip()
            return machine.check(["zfs", "get", "-Hpo", "value", "guid", pool + below]).strip()
    return value


def _do(machine: Machine, step: Step, folder: str, disks: dict[str, str]) -> Answer:
    if step.reboot is not None:
        return machine.reboot(power_cut=step.reboot is Reboot.POWER_CUT)
    if step.shell is not None:
        return machine.run(step.shell, timeout_s=step.timeout_s, cwd=folder, env=disks)
    argv = ["phoenix", *shlex.split(step.phoenix or "")]
    return machine.run(argv, timeout_s=step.timeout_s, cwd=folder)


def _differences(machine: Machine, step: Step, answer: Answer, folder: str) -> list[str]:
    """Where a step did otherwise than expected, one line each."""
    wrong = []
    if answer.status != step.exit:
        wrong.append(f"exit status: expected {step.exit}, got {answer.status}")
    wrong += [f"stdout lacks {text!r}" for text in step.stdout if text not in answer.stdout]
    wrong += [f"stderr lacks {text!r}" for text in step.stderr if text not in answer.stderr]
    if step.plan is not None:
        plan = machine.read(f"{folder}/plan.json")
        if plan is None:
            return [*wrong, "there is no plan.json"]
        wrong += plan_differences(step.plan, json.loads(plan))
    if step.applied is not None:
        newest = machine.check(NEWEST_JOURNAL).strip()
        lines = map(json.loads, (machine.read(newest) or "").splitlines())
        ran = tuple(line["id"] for line in lines if _went_well(line))
        if ran != step.applied:
            wrong.append(f"applied: expected {list(step.applied)}, got {list(ran)}")
    return wrong


def _went_well(line: dict[str, Any]) -> bool:
    return bool(line["event"] == "result" and line["ok"])


def plan_differences(expected: ExpectedPlan, plan: dict[str, Any]) -> list[str]:
    """What a plan document lacks or has too much, one line each. Empty lists are left out of it."""
    actions = [row["id"] for row in plan.get("actions", ())]
    destructive = [row["id"] for row in plan.get("actions", ()) if row["safety"] == "destructive"]
    findings = {severity: Counter[str]() for severity in ("error", "warning", "note")}
    for finding in plan.get("findings", ()):
        subject = finding["subject"]
        said = f"{finding['code']} {subject['kind']} {subject['name']}"
        findings[finding["severity"]][said] += 1
    wrong = []
    if expected.actions is not None and actions != list(expected.actions):
        wrong.append(f"actions: expected {list(expected.actions)}, got {actions}")
    if expected.destructive is not None and destructive != list(expected.destructive):
        wrong.append(f"destructive: expected {list(expected.destructive)}, got {destructive}")
    errors = findings["error"]
    if errors != Counter(expected.errors):
        wrong.append(f"errors: expected {list(expected.errors)}, got {sorted(errors.elements())}")
    said_at_all = {said for count in findings.values() for said in count}
    wrong += [f"no finding {said!r}" for said in expected.findings if said not in said_at_all]
    return wrong
