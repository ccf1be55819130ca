"""An apply and a resume in this process, without a command line: a session that keeps all that it
tells, and a run that was broken off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import attrs
import pytest

from phoenix_plan.apply.resume import resume_run
from phoenix_plan.apply.session import Report, apply_plan
from phoenix_plan.commands import Output, Write
from phoenix_plan.consent.modes import Consent
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.simulated import SimulatedHost
from tests.apply.machine import PHOTOS, by_id, host, pool, want, words
from tests.properties.test_applying import Case, Log, approvals_of, case_of, session

Json = dict[str, Any]
DESTROY, SET = "destroy-dataset:keep/old", "set-dataset-properties:keep/some"
WIPE, CREATE = f"wipe-disk:{by_id('E')}", "create-pool:cold"
ORDER = (DESTROY, SET, WIPE, CREATE)


def mixed(folder: Path) -> Case:
    """A dataset to destroy, a disk to wipe for a new pool, and safe changes around them."""
    datasets: Json = {"old": {"guid": "4711", "snapshots": {"monday": {}}}, "some": {}}
    there = host(pool("keep", "mirror", "B", "C", **datasets))
    there["disks"]["sde"]["signatures"] = [PHOTOS]
    wanted = {
        "pools": [want("keep", "mirror", "B", "C"), want("cold", "single", "E")],
        "datasets": [{"name": "some", "pool": "keep", "properties": "atime=on"}],
        "removed": {"datasets": ["keep/old"]},
    }
    return case_of(there, wanted, folder)


class Watching(Log):
    """What was run, and somebody who may answer in the host's stead."""

    instead: Callable[[Write], Output | None] = staticmethod(lambda _write: None)

    def see(self, write: Write) -> Output | None:
        super().see(write)
        return self.instead(write)


class Called:
    """A session, and all that it told."""

    def __init__(self, case: Case, mode: Any = "force-destructive", *typed: str) -> None:
        self.case = case
        self.log = Watching()
        self.said: list[str] = []
        self.granted: list[tuple[tuple[str, ...], Consent]] = []
        self.events: list[str] = []
        self.session = session(case, self.log, mode, typed)
        self.change(
            talk=attrs.evolve(
                self.session.talk,
                say=self.said.append,
                granted=lambda rows, consent: self.granted.append(
                    (tuple(row.id for row in rows), consent)
                ),
                event=self.events.append,
            )
        )
        self.options(partial=False)

    def change(self, **changes: Any) -> Self:
        self.session = attrs.evolve(self.session, **changes)
        return self

    def options(self, **changes: Any) -> Self:
        return self.change(options=attrs.evolve(self.session.options, **changes))

    def rules(self, **changes: Any) -> Self:
        return self.options(rules=attrs.evolve(self.session.options.rules, **changes))

    def plan(self, **changes: Any) -> Self:
        return self.change(plan=attrs.evolve(self.session.plan, **changes))

    @property
    def folder(self) -> Path:
        return Path(self.case.host.state_dir) / "runs"

    @property
    def lines(self) -> list[Json]:
        (path,) = self.folder.glob("*.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def refused(self, error: type[PhoenixError], match: str, approved: int = 0) -> PhoenixError:
        """Raises it, and nothing was written."""
        before = self.case.host.path.read_bytes()
        with pytest.raises(error, match=match) as caught:
            apply_plan(self.session, approvals_of(self.session.plan, frozenset(range(approved))))
        assert self.case.host.path.read_bytes() == before
        assert self.log.writes == []
        assert list(self.folder.glob("*.jsonl")) == []
        return caught.value


def fails(at: str, said: Output | Exception) -> Callable[[Write], Output | None]:
    def see(write: Write) -> Output | None:
        if not words(write).startswith(at):
            return None
        if isinstance(said, Exception):
            raise said
        return said

    return see


def watched(called: Called, see: Callable[[Write], Output | None]) -> Called:
    called.log.instead = see
    return called


FAILED = Output(exit_code=1, stdout=b"", stderr=b"no")


class Broken(Called):
    """A run that was broken off, as a process leaves it that is killed at a command: before it, or
    once it has had its effect."""

    def __init__(self, case: Case, at: str, *, after: bool = False, **options: Any) -> None:
        super().__init__(case)
        self.options(**options)
        left: list[tuple[bytes, bytes]] = []

        def see(write: Write) -> Output | None:
            if left or not words(write).startswith(at):
                return None
            said = SimulatedHost(case.host.path).run(write) if after else None
            left.append((case.host.path.read_bytes(), self.path.read_bytes()))
            return said

        watched(self, see)
        apply_plan(self.session, [])
        ((there, journal),) = left
        case.host.path.write_bytes(there)
        self.path.write_bytes(journal)
        self.log.instead = lambda _write: None
        self.log.writes.clear()
        self.said.clear()
        self.events.clear()
        self.known = len(self.lines)

    @property
    def path(self) -> Path:
        (path,) = self.folder.glob("*.jsonl")
        return path

    @property
    def ran(self) -> list[str]:
        return [words(write) for _, write in self.log.writes]

    @property
    def new(self) -> list[Json]:
        """What was written since."""
        return self.lines[self.known :]

    def goes_on(self) -> Report:
        return resume_run(self.session, self.path)

    def refuses(self, error: type[PhoenixError], match: str) -> PhoenixError:
        """Raises it, and nothing was written."""
        before = self.case.host.path.read_bytes(), self.path.read_bytes()
        with pytest.raises(error, match=match) as caught:
            self.goes_on()
        assert (self.case.host.path.read_bytes(), self.path.read_bytes()) == before
        assert self.log.writes == []
        return caught.value

    def edit(self, change: Callable[[Json], object]) -> Broken:
        """Something happens on the host meanwhile."""
        there = json.loads(self.case.host.path.read_text())
        change(there)
        self.case.host.path.write_text(json.dumps(there))
        return self

    def rewrite(self, change: Callable[[list[Json]], object]) -> Broken:
        """The journal says something else."""
        lines = self.lines
        change(lines)
        self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return self
