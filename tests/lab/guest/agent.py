"""Runs in the guest: answers requests from the machine outside, one JSON object a line each.

A request is {"shell": TEXT} or {"argv": [...]}, with "timeout_s", "cwd", "env" (besides its own)
and "stdin"; the answer is {"status": N, "stdout": TEXT, "stderr": TEXT}, and a status of null means
that the time was up. Output goes through files, not pipes, so that a process left in the background
keeps nobody waiting. Standard library only: it runs under each guest's own Python.
"""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, BinaryIO


def answer(request: dict[str, Any]) -> dict[str, object]:
    argv = request.get("argv") or ["/bin/bash", "-euc", request["shell"]]
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(request["stdin"].encode())
        given.seek(0)
        status: int | None
        try:
            status = subprocess.run(
                argv,
                check=False,
                cwd=request["cwd"],
                env=os.environ | request["env"],
                stdin=given,
                stdout=out,
                stderr=err,
                timeout=request["timeout_s"],
            ).returncode
        except subprocess.TimeoutExpired:
            status = None
        except OSError as error:
            err.write(str(error).encode())
            status = 127
        return {"status": status, "stdout": text(out), "stderr": text(err)}


def text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def main() -> None:
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
