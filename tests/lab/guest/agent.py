"""Runs in the guest: answers requests from the machine outside, one JSON object a line each.

A request is {"shell": TEXT} or {"argv": [...]}, with "timeout_s", "cwd", "env" (besides its own)
and "stdin"; the answer is {"status": N, "stdout": TEXT, "stderr": TEXT}, and a status of null means
that the time was up. Output goes through files, not pipes, so that a process left in the background
keeps nobody waiting. The agent runs under each guest's own Python and needs the standard library
alone.

An argv that begins with `phoenix` is run in a fork of the agent: a process with files, a folder and
an environment of its own, that runs `python3 -m phoenix_plan`. What it imported the agent imports
too, so that the next one finds it loaded: in an emulated processor that is half of a command's
time. `phoenix` in shell text is started as on a host. With "log", a file, such a fork is left to
itself, in a session of its own: the answer comes once the files of the pattern "cue" have "lines"
lines, which may be none.
"""

import glob
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, NoReturn

SOURCE = "/lab/src"
LOADED = "/var/lib/lab-loaded"
"""What phoenix imported before this boot, one module a line: loaded before the first request."""


class Files(NamedTuple):
    """What a command has as its standard files."""

    given: BinaryIO
    out: BinaryIO
    err: BinaryIO


def answer(request: dict[str, Any]) -> dict[str, object]:
    argv = request.get("argv") or ["/bin/bash", "-euc", request["shell"]]
    if "log" in request:
        return {"status": detached(argv, request), "stdout": "", "stderr": ""}
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(request["stdin"].encode())
        given.seek(0)
        run = forked if argv[0] == "phoenix" else started
        status = run(argv, request, Files(given, out, err))
        return {"status": status, "stdout": text(out), "stderr": text(err)}


def started(argv: list[str], request: dict[str, Any], files: Files) -> int | None:
    """Start a program; its exit status, None where its time was up."""
    try:
        return subprocess.run(
            argv,
            check=False,
            cwd=request["cwd"],
            env=os.environ | request["env"],
            stdin=files.given,
            stdout=files.out,
            stderr=files.err,
            timeout=request["timeout_s"],
        ).returncode
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        files.err.write(str(error).encode())
        return 127


def forked(argv: list[str], request: dict[str, Any], files: Files) -> int | None:
    """The same for phoenix, in a fork of this process."""
    with tempfile.TemporaryFile() as imported:
        pid = os.fork()
        if pid == 0:
            phoenix(argv, request, files, imported)
        done = os.pidfd_open(pid)
        in_time, _, _ = select.select([done], [], [], request["timeout_s"])
        os.close(done)
        if not in_time:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        load(text(imported))
    return status if in_time else None


def load(names: str) -> None:
    """Import what is not imported yet, and keep the names of all for the next boot."""
    new = [name for name in names.splitlines() if name not in sys.modules]
    for name in new:
        with suppress(ImportError):
            importlib.import_module(name)
    if new:
        with open(LOADED, "w") as file:
            file.write("\n".join(sys.modules))


def detached(argv: list[str], request: dict[str, Any]) -> int | None:
    """Begin phoenix in a fork that nobody waits for; None where its files did not get their lines
    before it ended, or its time was up."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            with (
                open(os.devnull, "rb") as given,
                open(request["log"], "wb") as log,
                tempfile.TemporaryFile() as imported,
            ):
                phoenix(argv, request, Files(given, log, log), imported)
        finally:
            os._exit(1)
    deadline = time.monotonic() + request["timeout_s"]
    while lines_of(request["cue"]) < request["lines"]:
        over = os.waitpid(pid, os.WNOHANG) != (0, 0)
        if over or time.monotonic() > deadline:
            return 0 if lines_of(request["cue"]) >= request["lines"] else None
        time.sleep(0.05)
    return 0


def lines_of(pattern: str) -> int:
    """How many lines the files of a pattern have."""
    count = 0
    for path in glob.glob(pattern):
        with suppress(OSError), open(path, "rb") as file:
            count += file.read().count(b"\n")
    return count


def phoenix(argv: list[str], request: dict[str, Any], files: Files, imported: BinaryIO) -> NoReturn:
    """Be the `phoenix` of guest/bin, which starts the same module on the same path."""
    status: object = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")
        os.chdir(request["cwd"])
        os.environ.update(request["env"])
        sys.argv = argv
        runpy.run_module("phoenix_plan", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as exit_:
        status = exit_.code
    except BaseException:  # noqa: BLE001 - as Python itself ends with a trace
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    imported.write("\n".join(sys.modules).encode())
    imported.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


def text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def main() -> None:
    sys.path.append(SOURCE)
    with suppress(OSError), open(LOADED) as file:
        load(file.read())
    with open(sys.argv[1], "r+b", buffering=0) as channel:
        channel.write(b'{"ready": true}\n')
        pending = b""
        while True:
            line, newline, pending = pending.partition(b"\n")
            if not newline:
                data = channel.read(65536)
                if not data:  # the machine outside has closed the channel
                    return
                pending = line + data
                continue
            reply = json.dumps(answer(json.loads(line))).encode() + b"\n"
            while reply:
                reply = reply[channel.write(reply) :]


main()
