"""This machine. The only code that starts a process.

Tools run with a fixed environment, without a shell, with a time-out and a limit on their output.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import IO, assert_never

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
    Sample,
    command_line,
)
from phoenix_plan.errors import HostError

OUTPUT_LIMIT = 256 << 20
"""Bytes of stdout, or of stderr, or of one file: far more than any tool here has to say."""

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CHUNK = 1 << 20
_ARGUMENT = 100_000  # the kernel takes 128 KiB for one argument (execve(2)); the script joins them
_MAGIC = frozenset("*?[")


class LocalHost:
    """The machine that this program runs on, read only."""

    name = "local"

    _process_group: int | None = None
    """None: the tools are in our process group, so that Ctrl-C ends them, too."""

    def __init__(self, *, output_limit: int = OUTPUT_LIMIT) -> None:
        self._output_limit = output_limit

    def answer(self, probe: str, read: Read) -> Answer:
        """See `ReadableHost.answer`."""
        match read:
            case Query():
                return self._run(probe, read.argv, read.env, b"", read.timeout_s)
            case Sample():
                request = {
                    "devices": read.devices,
                    "deep": read.deep,
                    "directories": read.directories,
                }
                text = json.dumps(request)
                parts = (text[at : at + _ARGUMENT] for at in range(0, len(text), _ARGUMENT))
                argv = ("python3", "-I", "-", *parts)
                return self._run(probe, argv, (), read.script, read.timeout_s)
            case ReadFile():
                return Content(data=self._file(probe, read.path))
            case ReadFiles():
                files = ((path, self._file(probe, path)) for path in _matches(probe, read.pattern))
                return Contents(
                    files=tuple((path, data) for path, data in files if data is not None)
                )
            case Glob():
                return Paths(
                    entries=tuple(
                        (path, os.path.realpath(path)) for path in _matches(probe, read.pattern)
                    )
                )
            case _:
                assert_never(read)

    def _file(self, probe: str, path: str) -> bytes | None:
        try:
            data = self._read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise HostError(f"{probe}: {path}: {error.strerror}", hint=_advice(error)) from error
        if len(data) > self._output_limit:
            raise HostError(f"{probe}: {path} is larger than {self._output_limit} bytes")
        return data

    def _read(self, path: str) -> bytes:
        """All of a file in /proc or elsewhere, whose size says nothing, up to the limit."""
        data = bytearray()
        with open(path, "rb", buffering=0) as file:
            while len(data) <= self._output_limit and (chunk := file.read(_CHUNK)):
                data += chunk
        return bytes(data)

    def _run(
        self,
        probe: str,
        argv: tuple[str, ...],
        env: tuple[tuple[str, str], ...],
        stdin: bytes,
        timeout_s: float,
        *,
        lent: tuple[int, ...] = (),
    ) -> Output:
        shown = command_line(argv, env)
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment() | dict(env),
                process_group=self._process_group,
                pass_fds=lent,
            )
        except FileNotFoundError:
            return Output(exit_code=127, stdout=b"", stderr=b"", missing=True)
        except OSError as error:
            raise HostError(
                f"{probe}: {argv[0]} can't be run: {error.strerror}\n  {shown}",
                hint=_advice(error),
            ) from error
        try:
            stdout, stderr = self._talk(process, stdin, time.monotonic() + timeout_s)
        except TimeoutError as error:
            raise HostError(
                f"{probe}: no end after {timeout_s:g} s, stopped\n  {shown}",
                hint="a hung device or a suspended pool makes tools wait; run it by hand",
            ) from error
        except OverflowError as error:
            raise HostError(
                f"{probe}: more than {self._output_limit} bytes of output, stopped\n  {shown}"
            ) from error
        finally:
            _end(process, own_group=self._process_group is not None)
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            said = stderr.decode(errors="replace").strip()
            raise HostError(
                f"{probe}: killed by {name}\n  {shown}" + (f"\n  {said}" if said else "")
            )
        return Output(exit_code=process.returncode, stdout=stdout, stderr=stderr)

    def _talk(
        self, process: subprocess.Popen[bytes], stdin: bytes, deadline: float
    ) -> tuple[bytes, bytes]:
        """Feed stdin and collect both outputs until they end and the process is gone.

        Raises TimeoutError at the deadline, OverflowError beyond the output limit.
        """
        assert process.stdout is not None
        assert process.stderr is not None
        collected: dict[IO[bytes], bytearray] = {
            process.stdout: bytearray(),
            process.stderr: bytearray(),
        }
        rest = memoryview(stdin)
        with selectors.DefaultSelector() as waiting:
            for stream in collected:
                waiting.register(stream, selectors.EVENT_READ)
            if process.stdin is not None:
                os.set_blocking(process.stdin.fileno(), False)
                waiting.register(process.stdin, selectors.EVENT_WRITE)
            while waiting.get_map():
                for key, _ in waiting.select(_left(deadline)):
                    if key.fileobj is process.stdin:
                        rest = rest[_feed(process.stdin.fileno(), rest) :]
                        if not rest:
                            waiting.unregister(process.stdin)
                            process.stdin.close()
                        continue
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        waiting.unregister(key.fileobj)
                        continue
                    assert not isinstance(key.fileobj, int)
                    buffer = next(b for s, b in collected.items() if s is key.fileobj)
                    buffer += chunk
                    if len(buffer) > self._output_limit:
                        raise OverflowError
        try:
            process.wait(_left(deadline))
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        return bytes(collected[process.stdout]), bytes(collected[process.stderr])


def environment() -> dict[str, str]:
    """LC_ALL=C and a PATH that has the sbin directories; nothing else of ours reaches a tool."""
    path = os.environ.get("PATH", "")
    return {"LC_ALL": "C", "PATH": f"{path}:{_SYSTEM_PATH}" if path else _SYSTEM_PATH}


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _feed(fd: int, rest: memoryview) -> int:
    """How many bytes were taken; all of them where nobody reads any more."""
    try:
        return os.write(fd, rest)
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(rest)


def _end(process: subprocess.Popen[bytes], *, own_group: bool) -> None:
    """Leave nothing running and nothing open. `own_group`: the process leads a group of its own."""
    if process.poll() is None:
        if own_group:  # a tool's own children (mount.zfs, update-initramfs) go with it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        # A process in uninterruptible sleep does not die at once: do not wait for it for long.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _advice(error: OSError) -> str:
    return "run it as root" if isinstance(error, PermissionError) else ""


def _matches(probe: str, pattern: str) -> Iterator[str]:
    """Paths that match a pattern, sorted; a folder that can't be read is an error, as glob(3)'s
    GLOB_ERR has it, where Python's `glob` would find nothing."""
    found = [""]
    for part in pattern.removeprefix("/").split("/"):
        if not _MAGIC.intersection(part):
            found = [path for base in found if _exists(probe, path := f"{base}/{part}")]
            continue
        found = [
            f"{base}/{name}"
            for base in found
            for name in _names(probe, base)
            if fnmatch.fnmatchcase(name, part)
            # As in a shell, a leading dot has to be asked for.
            and (not name.startswith(".") or part.startswith("."))
        ]
    return iter(sorted(found))


def _names(probe: str, folder: str) -> list[str]:
    try:
        return os.listdir(folder or "/")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise HostError(f"{probe}: {folder}: {error.strerror}", hint=_advice(error)) from error


def _exists(probe: str, path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise HostError(f"{probe}: {path}: {error.strerror}", hint=_advice(error)) from error
    return True
