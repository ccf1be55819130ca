"""A run that is killed: at every line of its journal, and at every command, before it and after it.

A process that is killed runs nothing more: no handler, no `finally` that would write a last word.
What it leaves is what is on disk at that moment. So one run is watched, what is on disk is kept at
each moment, and each of those is resumed. (Real processes are killed in test_kill.py.)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from phoenix_plan.apply.journal import Journal
from phoenix_plan.apply.records import read_record
from phoenix_plan.apply.resume import resume_run
from phoenix_plan.apply.session import Options, Report, Session, Talk, apply_plan
from phoenix_plan.codec import plan_to_json
from phoenix_plan.commands import Answer, Output, Read, Run, Write, Zero
from phoenix_plan.config import load_config
from phoenix_plan.consent.modes import Rules
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.hosts.simulated.world_file import read_world, write_world
from phoenix_plan.plan import Plan, make_plan
from phoenix_plan.refresh import refresh

Json = dict[str, Any]

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
AT = "2026-11-23T08:00:00.000000Z"
"""When everything happens."""

Place = Literal["line-before", "line-torn", "line-after", "command-before", "command-after"]


@attrs.frozen
class Moment:
    """What a process that is killed there leaves: the host, the journal, and which commands had
    their effect by then. A line that is being written may be there in part."""

    place: Place
    what: str
    host: bytes
    journal: bytes
    ran: tuple[str, ...]

    @property
    def left(self) -> tuple[bytes, bytes]:
        """What is on disk: many moments leave the same."""
        return self.host, self.journal


@attrs.define
class Witness:
    """Sees a run pass by, and keeps every moment at which it can be killed."""

    host: SimulatedHost
    moments: list[Moment] = attrs.field(factory=list)
    ran: list[str] = attrs.field(factory=list)

    def passes(self, place: Place, what: str, journal: Path | None, torn: str = "") -> None:
        text = journal.read_bytes() if journal is not None else self.moments[-1].journal
        there = self.host.path.read_bytes()
        moment = Moment(place, what, there, text + torn.encode(), tuple(self.ran))
        self.moments.append(moment)


def words(write: Write) -> str:
    """A command on one line."""
    match write:
        case Run(argv=argv):
            return " ".join(argv)
        case Zero(path=path):
            return f"zero {path}"
        case _:
            return f"write {write.path}"


class Watched:
    """A host whose commands are seen before and after they run."""

    def __init__(self, inner: SimulatedHost, witness: Witness) -> None:
        self.name, self.state_dir = inner.name, inner.state_dir
        self._inner, self._witness = inner, witness

    def answer(self, probe: str, read: Read) -> Answer:
        return self._inner.answer(probe, read)

    def lend(self, descriptor: int) -> None:
        self._inner.lend(descriptor)

    def run(self, write: Write) -> Output:
        self._witness.passes("command-before", words(write), None)
        output = self._inner.run(write)
        if output.exit_code == 0:
            self._witness.ran.append(words(write))
        self._witness.passes("command-after", words(write), None)
        return output


def _watched_journal(monkeypatch: pytest.MonkeyPatch, witness: Witness) -> None:
    real = Journal.write

    def write(journal: Journal, event: str, **fields: Any) -> None:
        witness.passes("line-before", event, journal.path)
        line = json.dumps({"event": event, "at": AT, **fields})
        witness.passes("line-torn", event, journal.path, torn=line[: len(line) // 2])
        real(journal, event, **fields)
        witness.passes("line-after", event, journal.path)

    monkeypatch.setattr(Journal, "write", write)


@attrs.frozen
class Scene:
    """A host, and what is wanted of it: `zfs` and `storages` of a config, in which `guid of NAME`
    stands for a GUID of the host. `kinds` are the kinds of action that its plan must hold, `again`
    commands that leave no trace to tell by and do no more when they are run twice."""

    host: Callable[[], Json]
    zfs: Json
    kinds: frozenset[str]
    again: frozenset[str] = frozenset()
    storages: tuple[Json, ...] = ()


@attrs.frozen
class Stage:
    """A scene's plan, and the host's file as it was when the plan was made: it can be played again
    and again."""

    plan: Plan
    world: str

    @classmethod
    def of(cls, scene: Scene, folder: Path) -> Stage:
        """The plan for such a host."""
        world = read_world(json.dumps(scene.host()))
        guids = {one.name: one.guid for one in world.pools}
        guids |= {name: one.guid for made in world.pools for name, one in made.datasets.items()}
        text = json.dumps({"zfs": scene.zfs, "proxmox": {"storages": list(scene.storages)}})
        text = re.sub(r"guid of ([^\"]+)", lambda match: guids[match[1]], text)
        config = folder / "config.json"
        config.write_text(text, encoding="utf-8")
        loaded = load_config(str(config))
        path = folder / "host.json"
        path.write_text(write_world(world), encoding="utf-8")
        seen = refresh(SimulatedHost(path), loaded.interests, now=lambda: NOW)
        return cls(make_plan(loaded.desired, seen), path.read_text(encoding="utf-8"))

    def host(self, folder: Path) -> SimulatedHost:
        """That host, as it was."""
        folder.mkdir(exist_ok=True)
        path = folder / "host.json"
        path.write_text(self.world, encoding="utf-8")
        return SimulatedHost(path)

    def session(self, host: WritableHost) -> Session:
        """All is consented to."""
        document = plan_to_json(self.plan).encode()
        rules = Rules(mode="force-destructive", allow_destructive=None, user="bob")
        return Session(
            plan=self.plan,
            source="plan.json",
            document=document,
            digest=hashlib.sha256(document).hexdigest(),
            host=host,
            options=Options(rules=rules, partial=True),
            talk=Talk(
                ask=None,
                tell=lambda _row, _ended: None,
                watch=lambda _row, _running: None,
                say=lambda _text: None,
                granted=lambda _rows, _consent: None,
                signalled=lambda _text: None,
            ),
            now=lambda: NOW,
        )

    def moments(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Moment]:
        """Every moment at which the run of that plan can be killed."""
        host = self.host(folder)
        witness = Witness(host)
        with monkeypatch.context() as patch:
            _watched_journal(patch, witness)
            apply_plan(self.session(Watched(host, witness)), [])
        return witness.moments

    def resume_moments(
        self, moment: Moment, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> list[Moment]:
        """Every moment at which a resume of what a kill left can be killed itself."""
        host, journal = self._left(moment, folder)
        witness = Witness(host, moments=[moment], ran=list(moment.ran))
        with monkeypatch.context() as patch:
            _watched_journal(patch, witness)
            resume_run(self.session(Watched(host, witness)), journal)
        return witness.moments

    def _left(self, moment: Moment, folder: Path) -> tuple[SimulatedHost, Path]:
        """A host and a journal as they were left at a moment."""
        host = self.host(folder)
        host.path.write_bytes(moment.host)
        runs = Path(host.state_dir) / "runs"
        runs.mkdir(parents=True)
        journal = runs / "20261123T080000Z-00000000.jsonl"
        journal.write_bytes(moment.journal)
        return host, journal

    def resumed(self, moment: Moment, folder: Path) -> Resumed:
        """What comes of it if the run is killed then, and resumed."""
        host, journal = self._left(moment, folder)
        witness = Witness(host, moments=[moment])
        outcome: Report | PhoenixError | None = None
        if read_record(journal).resumable:
            try:
                outcome = resume_run(self.session(Watched(host, witness)), journal)
            except PhoenixError as error:
                outcome = error
        ending = read_record(journal).ending
        return Resumed(ran=(*moment.ran, *witness.ran), outcome=outcome, ending=ending, host=host)


@attrs.frozen
class Resumed:
    """What came of a run that was killed and then resumed: every command that had its effect, in
    order, how the resume ended, and what the journal says then."""

    ran: tuple[str, ...]
    outcome: Report | PhoenixError | None
    ending: str
    host: SimulatedHost
