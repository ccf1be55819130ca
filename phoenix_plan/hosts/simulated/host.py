"""A host that lives in a file: it answers and takes argv, as the real one does."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import assert_never

from phoenix_plan.commands import (
    Answer,
    Content,
    Contents,
    Glob,
    Output,
    Paths,
    Query,
    Read,
    ReadFile,
    ReadFiles,
    Run,
    Sample,
    Write,
    WriteFile,
    Zero,
)
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.simulated import (
    block,
    files,
    look,
    machine,
    operations,
    zfs_read,
    zfs_set,
    zfs_write,
    zpool_attach,
    zpool_change,
    zpool_import,
    zpool_read,
    zpool_remove,
    zpool_status,
    zpool_write,
)
from phoenix_plan.hosts.simulated.document import BadDocument
from phoenix_plan.hosts.simulated.tool import Refused, unmodelled, usage
from phoenix_plan.hosts.simulated.world import Failure, Pool, World
from phoenix_plan.hosts.simulated.world_file import read_world, write_world

_Tool = Callable[[World, Sequence[str]], Output]

_ZPOOL_READS: Mapping[str, _Tool] = {
    "status": zpool_status.status,
    "get": zpool_read.get,
    "list": zpool_read.list_pools,
}
_ZFS_READS: Mapping[str, _Tool] = {
    "list": zfs_read.list_datasets,
    "get": zfs_read.get,
    "version": lambda world, _words: zfs_read.version(world),
}
_ZPOOL_WRITES: Mapping[str, _Tool] = {
    "create": zpool_write.create,
    "destroy": zpool_write.destroy,
    "export": zpool_write.export,
    "import": lambda world, words: zpool_import.run(world, words, {}),
    "set": zpool_write.set_property,
    "add": zpool_change.add,
    "attach": zpool_attach.attach,
    "detach": zpool_attach.detach,
    "replace": zpool_attach.replace,
    "remove": zpool_remove.remove,
    "offline": lambda world, words: zpool_change.switch(world, words, "OFFLINE"),
    "online": lambda world, words: zpool_change.switch(world, words, "ONLINE"),
    "clear": zpool_change.clear,
    "checkpoint": zpool_change.checkpoint,
    "scrub": zpool_change.scrub,
    "wait": zpool_change.wait,
    "labelclear": zpool_change.labelclear,
}
_ZFS_WRITES: Mapping[str, _Tool] = {
    "create": zfs_write.create,
    "destroy": zfs_write.destroy,
    "rename": zfs_write.rename,
    "snapshot": zfs_write.snapshot,
    "clone": zfs_write.clone,
    "hold": lambda world, words: zfs_write.hold(world, words, release=False),
    "release": lambda world, words: zfs_write.hold(world, words, release=True),
    "set": zfs_set.set_properties,
    "inherit": zfs_set.inherit,
    "mount": zfs_set.mount,
    "unmount": zfs_set.unmount,
}
_MISSING = Output(exit_code=127, stdout=b"", stderr=b"", missing=True)


class SimulatedHost:
    """`sim:FILE`. Every answer reads the file, every write replaces it whole, in one step.

    `state_dir` is the folder FILE.phoenix beside it. The format of the file is described in
    fixtures/hosts/README.md. Raises HostError where the file is missing or wrong, and for a
    command that is not simulated.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = f"sim:{path}"
        self.state_dir = f"{path}.phoenix"
        self._read: tuple[tuple[int, int, int], World] | None = None
        self._clock = threading.Lock()
        self._world()

    def answer(self, probe: str, read: Read) -> Answer:
        """See `ReadableHost.answer`."""
        world = self._world()
        failure = _failure(world, _words_of(read))
        if isinstance(failure, Failure):
            match read:
                case Query() | Sample():
                    return _failed(failure)
                case ReadFile() if not failure.exit_code:
                    return Content(data=failure.stdout.encode())
                case ReadFiles() if not failure.exit_code:
                    path = read.pattern.replace("*", "one")
                    return Contents(files=((path, failure.stdout.encode()),))
                case _:
                    raise HostError(f"{probe}: {failure.stderr.strip()}")
        if isinstance(read, Query) and zpool_status.takes_time(world, read.argv):
            world = self._later()
        match read:
            case Query():
                return _query(world, read.argv, dict(read.env))
            case Sample():
                return look.look(world, read)
            case ReadFile():
                return Content(data=files.all_files(world).get(read.path))
            case ReadFiles():
                found = sorted(files.all_files(world).items())
                kept = (one for one in found if files.matches(one[0], read.pattern))
                return Contents(files=tuple(kept))
            case Glob():
                paths = sorted(files.all_paths(world).items())
                return Paths(
                    entries=tuple(one for one in paths if files.matches(one[0], read.pattern))
                )
            case _:
                assert_never(read)

    def lend(self, descriptor: int) -> None:
        """See `WritableHost.lend`. No process is started."""

    def run(self, write: Write) -> Output:
        """See `WritableHost.run`. What a command did before it failed, stays done."""
        world = self._world()
        self._read = None  # the world is changed in place, and the file stays the truth
        failure = _failure(world, _words_of(write))
        if isinstance(failure, Failure):
            return _failed(failure)
        world.now += 1
        output = _run(world, write)
        _prune(world)
        self._save(world)
        return output

    def _later(self) -> World:
        """The world once time has gone on, where anything in it takes time."""
        with self._clock:
            world = read_world(self.path.read_text("utf-8"))
            if operations.advance(world):
                self._save(world)
        return self._world()

    def _world(self) -> World:
        try:
            status = os.stat(self.path)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            known = self._read  # probes ask from several threads
            if known is None or known[0] != stamp:
                known = self._read = (stamp, read_world(self.path.read_text("utf-8")))
        except OSError as error:
            raise HostError(f"{self.path}: {error.strerror}") from error
        except (BadDocument, UnicodeDecodeError) as error:
            raise HostError(
                f"{self.path}: {error}", hint="fixtures/hosts/README.md describes the format"
            ) from error
        return known[1]

    def _save(self, world: World) -> None:
        """In one step: whoever reads sees the file before or after, also after a crash."""
        folder = self.path.parent
        try:
            handle, name = tempfile.mkstemp(dir=folder, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(write_world(world))
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(name, self.path.stat().st_mode & 0o777)
                os.replace(name, self.path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
                raise
            entry = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(entry)
            finally:
                os.close(entry)
        except OSError as error:
            raise HostError(f"{self.path}: {error.strerror}") from error


def _words_of(asked: Read | Write) -> str:
    """What a failure in the host's file is found by: a command line, a path or a pattern."""
    match asked:
        case Query() | Run():
            return " ".join(asked.argv)
        case ReadFile() | WriteFile():
            return asked.path
        case ReadFiles() | Glob():
            return asked.pattern
        case Sample():
            return "inspect"
        case Zero():
            return f"zero {asked.path}"
        case _:
            assert_never(asked)


def _failure(world: World, words: str) -> Failure | None:
    """What the file says shall go wrong here. Raises HostError where it says a text alone: nobody
    knows then what happened."""
    for start, failure in world.fails.items():
        if words == start or words.startswith(f"{start} "):
            if isinstance(failure, str):
                raise HostError(f"{words}: {failure}")
            return failure
    return None


def _failed(failure: Failure) -> Output:
    return Output(
        exit_code=failure.exit_code,
        stdout=failure.stdout.encode(),
        stderr=failure.stderr.encode(),
    )


def _query(world: World, argv: Sequence[str], env: Mapping[str, str]) -> Output:
    tool, words = argv[0], argv[1:]
    try:
        if tool == "zpool" and words[:1] == ("import",) and world.zfs:
            if [word for word in words[1:] if not word.startswith("-")]:
                raise unmodelled(argv, "a read imports nothing")
            return zpool_import.run(world, words[1:], env)
        if tool in ("zpool", "zfs"):
            reads = _ZPOOL_READS if tool == "zpool" else _ZFS_READS
            return _subcommand(world, argv, reads)
        if tool == "lsblk":
            return block.lsblk(world, words)
        if tool == "pvs":
            return block.pvs(world, words)
        if tool == "dpkg-query":
            return machine.dpkg_query(world, words)
    except Refused as refused:
        return refused.output()
    return _MISSING


def _subcommand(world: World, argv: Sequence[str], table: Mapping[str, _Tool]) -> Output:
    if not world.zfs:
        return _MISSING
    if len(argv) < 2:
        raise usage("missing command")
    tool = table.get(argv[1])
    if tool is None:
        raise unmodelled(argv, "that subcommand is not simulated")
    return tool(world, argv[2:])


def _run(world: World, write: Write) -> Output:
    try:
        match write:
            case Run(argv=("zpool", *_)):
                return _subcommand(world, write.argv, _ZPOOL_WRITES)
            case Run(argv=("zfs", *_)):
                return _subcommand(world, write.argv, _ZFS_WRITES)
            case Run(argv=("pvesm", *_)):
                return machine.run_pvesm(world, write.argv)
            case Run(argv=("update-initramfs", *words)):
                return machine.update_initramfs(world, words)
            case Run():
                return _MISSING
            case WriteFile():
                return files.write(world, write)
            case Zero():
                return machine.zero(world, write)
            case _:
                assert_never(write)
    except Refused as refused:
        return refused.output()


def _prune(world: World) -> None:
    """Forget pools of which no label is left."""
    left = {label.guid for disk in world.disks.values() for label in disk.labels}

    def remembered(pool: Pool) -> bool:
        return pool.state == "imported" or any(leaf.guid in left for leaf in pool.leaves())

    world.pools = [pool for pool in world.pools if remembered(pool)]
