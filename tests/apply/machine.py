"""A simulated host in a folder, with a config beside it, and the command line in this process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.commands import Answer, Output, Read, Run, Write, Zero
from phoenix_plan.hosts.base import WritableHost
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.hosts.simulated.world_file import read_world, write_world
from tests.cli.calls import Called, call

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
_DEMO: Json = json.loads((ROOT / "fixtures/hosts/demo.host.json").read_text(encoding="utf-8"))
MIB = 1 << 20
PHOTOS = {"offset": 1080, "type": "ext4", "label": "photos", "uuid": "58e98b91-aaaa"}


def by_id(letter: str) -> str:
    """A disk's path as configs have it."""
    return f"/dev/disk/by-id/ata-DISK_{letter}"


def disk(letter: str) -> Json:
    """A blank disk of 16 GiB."""
    return {
        "size": "16G", "by_id": [f"ata-DISK_{letter}"], "serial": f"DISK_{letter}",
        "transport": "sata",
    }  # fmt: skip


def pool(name: str, level: str, *letters: str, **datasets: Json) -> Json:
    """An imported pool, with datasets by their names below it (`_` stands for `/`)."""
    children = [{"type": "disk", "path": by_id(letter)} for letter in letters]
    return {
        "name": name,
        "set": {"ashift": "12", "autotrim": "on"},
        "vdevs": [{"type": level, "children": children}] if level != "stripe" else children,
        "datasets": {
            name: {"set": {"atime": "off", "compression": "lz4"}},
            **{f"{name}/{path.replace('_', '/')}": one for path, one in datasets.items()},
        },
    }


def host(*pools: Json, storage_cfg: list[str] | None = None, **changes: Any) -> Json:
    """A host with a system disk and the blank disks A to E."""
    made: Json = {key: _DEMO[key] for key in ("hostname", "machine_id", "hostid", "zfs", "pve")}
    made |= {"pve_storage": _DEMO["pve_storage"], "mounts": _DEMO["mounts"], "pools": list(pools)}
    made["disks"] = {"nvme0n1": _DEMO["disks"]["nvme0n1"]}
    made["disks"] |= {f"sd{letter.lower()}": disk(letter) for letter in "ABCDE"}
    made["files"] = {
        "/etc/fstab": _DEMO["files"]["/etc/fstab"],
        "/sys/module/zfs/parameters/zfs_arc_max": ["0"],
        "/etc/pve/storage.cfg": storage_cfg or ["dir: local", "\tpath /var/lib/vz", ""],
    }
    return json.loads(json.dumps({**made, **changes}))  # type: ignore[no-any-return]  # of its own


def want(name: str, level: str, *letters: str, **more: Any) -> Json:
    """A declared pool."""
    return {"name": name, "raid_level": level, "disks": [by_id(x) for x in letters], **more}


class Machine:
    """Host, config, plan and approval in one folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.path = folder / "host.json"
        self.config = folder / "config.json"
        self.plan_path = folder / "plan.json"
        self.approval = folder / "plan.approval.json"
        self.sim = f"sim:{self.path}"

    def has(self, there: Json) -> Machine:
        """Put a host there, with every GUID and label that a person leaves out."""
        self.path.write_text(write_world(read_world(json.dumps(there))), encoding="utf-8")
        return self

    def wants(self, *pools: Json, **zfs: Any) -> Machine:
        """Declare pools, and whatever else below `zfs`."""
        text = json.dumps({"zfs": {"pools": list(pools), **zfs}})
        self.config.write_text(text, encoding="utf-8")
        return self

    def call(self, *argv: str) -> Called:
        """Run the command line."""
        return call(self._capsys, *argv)

    def plan(self, *more: str) -> Called:
        """phoenix plan -o"""
        argv = ("--host", self.sim, "-c", str(self.config), "-o", str(self.plan_path))
        return self.call("plan", *argv, *more)

    def approve(self, *argv: str) -> Called:
        """phoenix approve"""
        given = argv or ("--all",)
        return self.call("approve", str(self.plan_path), *given, "--reason", "agreed")

    def apply(self, *argv: str) -> Called:
        """phoenix apply PLAN"""
        return self.call("apply", str(self.plan_path), "--host", self.sim, *argv)

    def just_apply(self, *argv: str) -> Called:
        """phoenix apply without a plan's file"""
        return self.call("apply", "--host", self.sim, "-c", str(self.config), *argv)

    def resume(self, *argv: str) -> Called:
        """phoenix resume"""
        return self.call("resume", "--host", self.sim, *argv)

    def abandon(self, *argv: str) -> Called:
        """phoenix abandon"""
        return self.call("abandon", "--host", self.sim, *argv)

    def history(self, *argv: str) -> Called:
        """phoenix history"""
        return self.call("history", "--host", self.sim, *argv)

    def change(self, edit: Callable[[Json], object]) -> None:
        """Something happens on the host."""
        there = self.there
        edit(there)
        self.path.write_text(json.dumps(there), encoding="utf-8")

    @property
    def there(self) -> Json:
        """The host's file."""
        found: Json = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    @property
    def pools(self) -> dict[str, Json]:
        """Imported pools by name."""
        return {
            one["name"]: one
            for one in self.there.get("pools", [])
            if one.get("state", "imported") == "imported"
        }

    @property
    def storage_cfg(self) -> str:
        """The text of storage.cfg."""
        text = self.there["files"]["/etc/pve/storage.cfg"]
        return "\n".join(text) if isinstance(text, list) else text

    def journals(self) -> list[list[Json]]:
        """Every run's journal, line by line."""
        paths = sorted(Path(f"{self.path}.phoenix").glob("runs/*.jsonl"))
        return [[json.loads(line) for line in path.read_text().splitlines()] for path in paths]

    def commands(self) -> list[str]:
        """Every command that was run, in order."""
        return [
            " ".join(line.get("argv", [])) or line.get("write") or f"zero {line['zero']}"
            for journal in self.journals()
            for line in journal
            if line["event"] == "command"
        ]

    def untouched(self) -> bool:
        """Whether no run came as far as a command."""
        return not self.commands()


class Person(io.StringIO):
    """Somebody at a terminal who types these lines."""

    def __init__(self, *lines: str) -> None:
        super().__init__("".join(f"{line}\n" for line in lines))

    def isatty(self) -> bool:
        return True


@contextmanager
def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> Iterator[None]:
    """Somebody is at the terminal."""
    with monkeypatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        patch.setattr(sys, "stdin", Person(*lines))
        patch.setattr(sys.stderr, "isatty", lambda: True)
        yield


def words(write: Write) -> str:
    """A write on one line."""
    match write:
        case Run(argv=argv):
            return " ".join(argv)
        case Zero(path=path):
            return f"zero {path}"
        case _:
            return write.path


def break_off(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
    *,
    after: bool = False,
    mode: str = "",
) -> None:
    """Apply, and leave everything as a process leaves it that is killed at that command, before it
    runs or, with `after`, with its effect."""
    left: list[tuple[bytes, Path, bytes]] = []

    def see(write: Write) -> Output | None:
        if left or not words(write).startswith(at):
            return None
        said = SimulatedHost(machine.path).run(write) if after else None
        runs = Path(f"{machine.path}.phoenix").glob("runs/*.jsonl")
        # Of two runs that began in one second, chance orders the names.
        newest = max(runs, key=lambda path: path.stat().st_mtime_ns)
        left.append((machine.path.read_bytes(), newest, newest.read_bytes()))
        return said

    with monkeypatch.context() as patch:
        watch(patch, see)
        machine.apply(*(("--mode", mode) if mode else ()))
    ((host, path, journal),) = left
    machine.path.write_bytes(host)
    path.write_bytes(journal)


class Watched:
    """A host whose writes are seen before they run: `see` may change the host, fail, or refuse."""

    def __init__(self, inner: WritableHost, see: Callable[[Write], Output | None]) -> None:
        self.name = inner.name
        self.state_dir = inner.state_dir
        self._inner = inner
        self._see = see

    def answer(self, probe: str, read: Read) -> Answer:
        return self._inner.answer(probe, read)

    def lend(self, descriptor: int) -> None:
        self._inner.lend(descriptor)

    def run(self, write: Write) -> Output:
        said = self._see(write)
        return self._inner.run(write) if said is None else said


def watch(monkeypatch: pytest.MonkeyPatch, see: Callable[[Write], Output | None]) -> None:
    """Have apply open its hosts watched."""

    def opened(name: str) -> Watched:
        return Watched(SimulatedHost(name.removeprefix("sim:")), see)

    monkeypatch.setattr("phoenix_plan.cli.applying.open_writable", opened)
    monkeypatch.setattr("phoenix_plan.cli.resuming.open_writable", opened)
