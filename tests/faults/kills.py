"""A run that is killed: at every line of its journal, and at every command, before it and after it.

A process that is killed runs nothing more: no handler, no `finally` that would write a last word.
Here it is an exception that nothing catches, and from that moment on neither the journal nor the
host can be written.
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
from phoenix_plan.apply.records import records
from phoenix_plan.apply.resume import resume_run
from phoenix_plan.apply.session import (
    Options,
    Report,
    Session,
    Talk,
    apply_plan,
    interests_of,
)
from phoenix_plan.codec import plan_to_json
from phoenix_plan.commands import Answer, Output, Read, Run, Write, Zero
from phoenix_plan.config import load_config
from phoenix_plan.consent.modes import Rules
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.hosts.simulated.world_file import read_world, write_world
from phoenix_plan.model.storage_semantics import is_disabled
from phoenix_plan.plan import Plan, make_plan
from phoenix_plan.refresh import refresh

Json = dict[str, Any]

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
AT = "2026-11-23T08:00:00.000000Z"
"""When everything happens."""

Place = Literal["line-before", "line-torn", "line-after", "command-before", "command-after"]


class Killed(BaseException):
    """The process is gone."""


@attrs.define
class Fuse:
    """Counts every place at which a run can be killed, and kills it at one. `places` are those that
    were passed, `ran` the commands that had their effect."""

    at: int = -1
    places: list[tuple[Place, str]] = attrs.field(factory=list)
    ran: list[str] = attrs.field(factory=list)
    dead: bool = False

    def passes(self, place: Place, what: str) -> None:
        """Raises Killed where this is the place, and ever after."""
        self.alive()
        self.places.append((place, what))
        if len(self.places) - 1 == self.at:
            self.dead = True
            raise Killed

    def alive(self) -> None:
        if self.dead:
            raise Killed


def words(write: Write) -> str:
    """A command on one line."""
    match write:
        case Run(argv=argv):
            return " ".join(argv)
        case Zero(path=path):
            return f"zero {path}"
        case _:
            return f"write {write.path}"


class Mortal:
    """A host that is reached by a process that may be killed."""

    def __init__(self, inner: SimulatedHost, fuse: Fuse) -> None:
        self.name, self.state_dir = inner.name, inner.state_dir
        self._inner, self._fuse = inner, fuse

    def answer(self, probe: str, read: Read) -> Answer:
        return self._inner.answer(probe, read)

    def lend(self, descriptor: int) -> None:
        self._inner.lend(descriptor)

    def run(self, write: Write) -> Output:
        self._fuse.passes("command-before", words(write))
        output = self._inner.run(write)
        if output.exit_code == 0:
            self._fuse.ran.append(words(write))
        self._fuse.passes("command-after", words(write))
        return output


def _mortal_journal(monkeypatch: pytest.MonkeyPatch, fuse: Fuse) -> None:
    """Every line can be the last one, or be written in part."""
    real = Journal.write

    def write(journal: Journal, event: str, **fields: Any) -> None:
        fuse.passes("line-before", event)
        if fuse.at == len(fuse.places):
            # In part: what is on disk then ends in the middle of a line.
            start = json.dumps({"event": event, "at": AT, **fields})
            with journal.path.open("ab") as file:
                file.write(start[: len(start) // 2].encode())
        fuse.passes("line-torn", event)
        real(journal, event, **fields)
        fuse.passes("line-after", event)

    monkeypatch.setattr(Journal, "write", write)
    monkeypatch.setattr("phoenix_plan.apply.journal._now", lambda: AT)


@attrs.frozen
class Scene:
    """A host, and what is wanted of it: `zfs` and `storages` of a config, in which `guid of NAME`
    stands for a GUID of the host. `kinds` are the kinds of action that its plan must hold."""

    host: Callable[[], Json]
    zfs: Json
    kinds: frozenset[str]
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

    def is_as_wanted(self, host: SimulatedHost) -> bool:
        """Whether nothing is left to be done, and no storage is left disabled."""
        seen = refresh(host, interests_of(self.plan.desired), now=lambda: NOW)
        disabled = [one.id for one in seen.storages.storages if is_disabled(one)]
        return make_plan(self.plan.desired, seen).actions == () and not disabled


@attrs.frozen
class Played:
    """What came of a run that was killed at one place and then resumed: the place, every command
    that had its effect, how the resume ended, and whether the host is as wanted then."""

    place: tuple[Place, str]
    ran: tuple[str, ...]
    outcome: Report | PhoenixError | None
    as_wanted: bool
    ending: str


def places(stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Place, str]]:
    """Every place at which the run of that plan can be killed."""
    fuse = Fuse()
    with monkeypatch.context() as patch:
        _mortal_journal(patch, fuse)
        apply_plan(stage.session(Mortal(stage.host(folder), fuse)), [])
    return fuse.places


def played(stage: Stage, at: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Kill a run at that place, and resume it."""
    host, fuse = stage.host(folder), Fuse(at)
    with monkeypatch.context() as patch:
        _mortal_journal(patch, fuse)
        try:
            apply_plan(stage.session(Mortal(host, fuse)), [])
        except Killed:
            pass
    ran = list(fuse.ran)
    outcome: Report | PhoenixError | None = None
    runs = records(host.state_dir)
    if runs and runs[0].resumable:
        again = Fuse()
        try:
            outcome = resume_run(stage.session(Mortal(host, again)), runs[0].path)
        except PhoenixError as error:
            outcome = error
        ran += again.ran
    ended = records(host.state_dir)
    return Played(
        place=fuse.places[-1],
        ran=tuple(ran),
        outcome=outcome,
        as_wanted=stage.is_as_wanted(host),
        ending=ended[0].ending if ended else "nothing",
    )
