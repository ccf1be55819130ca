"""ssh-keygen, on the machine where phoenix runs: it makes and checks SSH signatures.

argv lists only. What is checked is fed on stdin, so that the bytes that were read are the bytes
that are checked; a signature is handed over in a file of a folder that nobody else can enter.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path

from phoenix_plan.commands import Output
from phoenix_plan.errors import HostError, PhoenixError, UsageError
from phoenix_plan.hosts.local import environment

TIMEOUT_S = 60.0
"""A check takes a few milliseconds."""

_NO_KEYGEN = "ssh-keygen is not installed"
_INSTALL = "It comes with OpenSSH: the package openssh-client."


class SshKeygen:
    """ssh-keygen(1), OpenSSH 8.2 or newer (Debian 12 has 9.2, Debian 13 has 10.0)."""

    def sign(self, message: bytes, *, key: str, namespace: str) -> bytes:
        """The signature of these bytes by a key's file, as `ssh-keygen -Y sign` makes it.

        `key` is a private key, or a public one whose private half ssh-agent(1) or a hardware token
        holds. Questions (passphrase, PIN, touch) reach the terminal, where there is one. Raises
        UsageError for a key that can't be read, PhoenixError where nothing was signed.
        """
        try:
            with open(key, "rb"):
                pass
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(
                f"--sign {key}: the key can't be read: {reason}", hint=_KEYS
            ) from error
        with tempfile.TemporaryDirectory(prefix="phoenix-") as folder:
            body = Path(folder, "message")
            body.write_bytes(message)
            argv = ("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", key, str(body))
            said = _on_terminal(argv)
            signature = Path(folder, "message.sig")
            if said is not None or not signature.is_file():
                raise PhoenixError(
                    f"nothing was signed with {key}, and nothing was written"
                    + (f": {said}" if said else ""),
                    hint=_KEYS,
                )
            return signature.read_bytes()

    def check(self, arguments: Sequence[str], *, message: bytes, signature: bytes) -> Output:
        """What `ssh-keygen -Y ARGUMENTS -s SIGNATURE` says of these bytes.

        Raises HostError where it is not there, hangs, or dies by a signal.
        """
        with tempfile.TemporaryDirectory(prefix="phoenix-") as folder:
            path = Path(folder, "signature")
            path.write_bytes(signature)
            argv = ("ssh-keygen", "-Y", *arguments, "-s", str(path))
            try:
                done = subprocess.run(
                    argv,
                    input=message,
                    capture_output=True,
                    env=environment(),
                    timeout=TIMEOUT_S,
                    check=False,
                )
            except FileNotFoundError as error:
                raise HostError(
                    f"{_NO_KEYGEN}, so no signature can be checked", hint=_INSTALL
                ) from error
            except (OSError, subprocess.TimeoutExpired) as error:
                raise HostError(f"ssh-keygen could not check a signature: {error}") from error
        if done.returncode < 0:
            raise HostError(f"ssh-keygen was killed by signal {-done.returncode}")
        return Output(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


_KEYS = (
    "KEY is the file of a private key, or of a public one (.pub) whose private half ssh-agent or a "
    "hardware token holds; ssh-add -l lists what the agent has."
)


def _on_terminal(argv: Sequence[str]) -> str | None:
    """Run it with our own terminal; what it said where it failed, None where it ended well.

    The caller's environment is handed on: the agent's socket and the token's provider are in it.
    Where nobody is at a terminal, nothing is read, so that the answer to a question is none.
    """
    shown = sys.stderr.isatty()
    try:
        with _terminal_as_it_was():
            done = subprocess.run(
                argv,
                stdin=None if sys.stdin.isatty() else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # ssh-keygen asks for a touch on stderr, and only where that is a terminal.
                stderr=None if shown else subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
    except FileNotFoundError as error:
        raise PhoenixError(
            f"{_NO_KEYGEN}, so nothing can be signed, and nothing was written", hint=_INSTALL
        ) from error
    except OSError as error:
        raise PhoenixError(f"ssh-keygen can't be run: {error.strerror}") from error
    if not done.returncode:
        return None
    said = (done.stderr or b"").decode(errors="replace").strip()
    return "; ".join(said.splitlines()) or f"ssh-keygen exited with {done.returncode}"


@contextlib.contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """What a question for a secret switches off is on again, however ssh-keygen ends."""
    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
    except (OSError, ValueError, termios.error):
        yield  # nobody is there
        return
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
