"""One running guest: QEMU, the agent inside, and a way to stop it and look at its disks."""

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from tests.lab import initrd
from tests.lab.disks import PLAIN, Disk, content_digest, copy_sparse, drive_arguments, source
from tests.lab.errors import LabError, StoodStill
from tests.lab.roots import Root

BOOT_TIMEOUT_S = 180.0
MEMORY_MIB = 2048
CONSOLE_LINES_SHOWN = 40

CPU = "max,-la57,-cx16,-erms,-svm"
"""KVM does not work on the machines that this runs on. QEMU 7.2's emulation of cmpxchg16b (cx16)
panics the kernel; five-level page tables (la57) only cost time. Without erms the kernel does not
clear and copy memory by `rep stosb` and `rep movsb`, which the emulation is thought to do byte by
byte; without svm it does not load kvm. With the argument below, both took 8 % off a plan's
processor time and 14 % off a boot's: five plans and one boot on Debian 13, on a busy machine."""

KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests"
    # On a busy machine the kernel finds too few ticks of its timer at boot, and panics.
    " no_timer_check"
    # X86_FEATURE_REP_GOOD, by its number: plain loops instead of `rep movsq`, for the same reason.
    " clearcpuid=112"
)

SHUTDOWN = """
[ ! -e /run/pvestatd.pid ] || pve-stand-in daemon-stop || true
swapoff -a
zfs unmount -a
sync
"""
"""What Debian does on the way down: pools are not exported (zfs-mount.service alone has a stop)."""

REBOOT = "echo s >/proc/sysrq-trigger; echo u >/proc/sysrq-trigger; echo b >/proc/sysrq-trigger"
"""No answer comes: the kernel ends at once, after it has written everything out."""


@frozen(kw_only=True)
class Answer:
    """What a command in the guest did."""

    request: str
    status: int | None
    """The exit status; None where the time was up and the command was killed."""
    stdout: str
    stderr: str
    seconds: float

    def __str__(self) -> str:
        status = "killed, its time was up" if self.status is None else f"exit {self.status}"
        return f"$ {self.request}\n{self.stdout}{self.stderr}[{status}, {self.seconds:.1f} s]\n"


class Line:
    """JSON objects, one a line, over a Unix socket."""

    def __init__(self, path: Path, deadline: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"QEMU did not open {path}: {error.strerror}") from error
                time.sleep(0.05)
        self._pending = b""

    def send(self, message: dict[str, object]) -> None:
        self._socket.settimeout(None)
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The next object. Raises TimeoutError; ConnectionError where the other end is gone."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the other end is gone")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        self._socket.close()


class Machine:
    """A guest that has booted. Use it as a context manager: leaving it ends the QEMU process.

    The root is a throw-away snapshot, or a copy of its own that outlives a `cut` (`keeps_root`).
    The disks' files, `folder/NAME.raw`, are made anew. `compiled` is what another machine of the
    same root gave as such.
    """

    def __init__(
        self,
        root: Root,
        disks: Sequence[Disk],
        folder: Path,
        compiled: bytes | None = None,
        *,
        keeps_root: bool = False,
    ) -> None:
        self.root = root
        self.disks = tuple(disks)
        self.folder = folder
        self.transcript: list[Answer] = []
        self._lost = False
        folder.mkdir(parents=True, exist_ok=True)
        for disk in self.disks:
            disk.create(folder)
        self._keeps_root = keeps_root
        if keeps_root:
            copy_sparse(root.image, self.root_file)
        self._initramfs = initrd.pack(root, folder, compiled)
        self.boot()

    @property
    def root_file(self) -> Path:
        """The root's own copy, where there is one."""
        return self.folder / "ROOT.raw"

    def files(self) -> tuple[Path, ...]:
        """The files of all disks, of the root's own copy among them."""
        root = (self.root_file,) if self._keeps_root else ()
        return (*root, *(disk.file(self.folder) for disk in self.disks))

    def boot(self, *, logged: bool = False) -> None:
        """Start QEMU and wait until the agent answers; after `kill`, again. With `logged`, what is
        written to a disk, or to the root's own copy, is logged beside it in NAME.log."""
        started = time.monotonic()
        self._process = self._start(logged=logged)
        try:
            deadline = started + BOOT_TIMEOUT_S
            self._qmp = Line(self.folder / "qmp.sock", deadline)
            self._agent = Line(self.folder / "agent.sock", deadline)
            self._qmp.receive(10)
            self._command("qmp_capabilities")
            self._receive(deadline - time.monotonic(), "boot")
        except BaseException:
            self.kill()
            raise
        self.boot_seconds = time.monotonic() - started

    def _start(self, *, logged: bool) -> subprocess.Popen[bytes]:
        for name in ("qmp.sock", "agent.sock"):
            (self.folder / name).unlink(missing_ok=True)
        root = f"format=raw,cache=unsafe,file={self.root.image},snapshot=on"
        if self._keeps_root:
            root = source(self.root_file, logged=logged)
        argv = [
            # A test run that is killed takes its guest along: no teardown runs then.
            "setpriv", "--pdeathsig", "KILL",
            "qemu-system-x86_64",
            "-accel", "tcg,thread=single", "-cpu", CPU, "-smp", "1",
            "-m", str(MEMORY_MIB),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", f"file:{self.folder / 'console.log'}",
            "-qmp", f"unix:{self.folder / 'qmp.sock'},server=on,wait=off",
            "-device", "virtio-serial-pci,addr=0x3",
            "-chardev", f"socket,id=lab,path={self.folder / 'agent.sock'},server=on,wait=off",
            "-device", "virtserialport,chardev=lab,name=lab",
            "-kernel", str(self.root.kernel), "-initrd", str(self._initramfs),
            "-append", KERNEL_ARGUMENTS + " lab.few" * self._keeps_root,
            "-drive", f"{root},if=none,id=root",
            "-device", "virtio-blk-pci,addr=0x4,drive=root,serial=ROOT" + PLAIN * logged,
            *drive_arguments(self.disks, self.folder, logged=logged),
        ]  # fmt: skip
        with (self.folder / "qemu.log").open("wb") as log:
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout_s: float = 120.0,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> Answer:
        """Run a command in the guest as root: a string is shell text, a sequence an argv.

        Raises LabError where the guest is gone. A failing command is the caller's to judge.
        """
        started = time.monotonic()
        what: dict[str, object] = (
            {"shell": command} if isinstance(command, str) else {"argv": list(command)}
        )
        self._agent.send(
            {**what, "timeout_s": timeout_s, "cwd": cwd, "env": dict(env or {}), "stdin": stdin}
        )
        shown = command if isinstance(command, str) else " ".join(command)
        reply = self._receive(timeout_s + 30, shown)
        answer = Answer(
            request=shown,
            status=reply["status"],
            stdout=reply["stdout"],
            stderr=reply["stderr"],
            seconds=time.monotonic() - started,
        )
        self.transcript.append(answer)
        return answer

    def begin(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        log: str,
        cue: str,
        lines: int = 0,
        timeout_s: float = 600.0,
    ) -> bool:
        """Begin phoenix in the guest, and leave it to itself: its output goes to the file `log`.

        Returns once the files of the pattern `cue` have so many lines; False where they have not in
        time.
        """
        self._agent.send(
            {
                "argv": list(argv), "log": log, "cue": cue, "lines": lines,
                "timeout_s": timeout_s, "cwd": cwd, "env": {}, "stdin": "",
            }
        )  # fmt: skip
        return bool(self._receive(timeout_s + 30, " ".join(argv))["status"] == 0)

    def check(
        self,
        command: str | Sequence[str],
        *,
        timeout_s: float = 120.0,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command that has to succeed (LabError otherwise), and return its stdout."""
        answer = self.run(command, timeout_s=timeout_s, env=env)
        if answer.status != 0:
            raise LabError(f"{self.root.guest.name}: a command failed in the guest\n{answer}")
        return answer.stdout

    def read(self, path: str) -> str | None:
        """A text file of the guest, None where there is none; it stands in no transcript."""
        answer = self.run(["cat", path])
        self.transcript.remove(answer)
        return answer.stdout if answer.status == 0 else None

    def write(self, path: str, text: str) -> None:
        """Write a text file in the guest, with its folders."""
        answer = self.run(["sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1"', "sh", path], stdin=text)
        if answer.status != 0:
            raise LabError(f"could not write {path} in the guest\n{answer}")

    def reboot(self, *, power_cut: bool) -> Answer:
        """Boot again, with the root and the disks as they are: cleanly, or as if power was lost."""
        started = time.monotonic()
        self._command("set-action", reboot="reset")  # -no-reboot is for panics
        if power_cut:
            self._command("system_reset")
        else:
            self.check(SHUTDOWN)
            self._agent.send({"shell": REBOOT, "timeout_s": 60, "cwd": "/", "env": {}, "stdin": ""})
        self._receive(BOOT_TIMEOUT_S, "reboot")
        self._command("set-action", reboot="shutdown")
        answer = Answer(
            request="(power cut)" if power_cut else "(reboot)",
            status=0,
            stdout="",
            stderr="",
            seconds=time.monotonic() - started,
        )
        self.transcript.append(answer)
        return answer

    def cut(self) -> None:
        """Kill QEMU at once, in the middle of whatever the guest does, and boot again."""
        started = time.monotonic()
        self.kill()
        self.boot()
        seconds = time.monotonic() - started
        shown = "(QEMU killed)"
        self.transcript.append(
            Answer(request=shown, status=0, stdout="", stderr="", seconds=seconds)
        )

    def keep_compiled(self) -> None:
        """Have the next boots find what was compiled in this one, as a host does."""
        self._initramfs = initrd.pack(self.root, self.folder, self.compiled())

    def digests(self) -> dict[str, str]:
        """The content digest of every disk, by name, taken outside while the guest stands still.

        What the guest's kernel still held back is written first. Stopping flushes QEMU's own
        requests.
        """
        self.check("sync")
        with self.paused():
            return {disk.name: content_digest(disk.file(self.folder)) for disk in self.disks}

    def compiled(self) -> bytes:
        """What Python compiled of the working tree in this guest, as a tar file."""
        tar = "cd /lab/src && find . -name '*.pyc' | tar --create --gzip --files-from=- | base64"
        return base64.b64decode(self.check(tar))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The guest's processor and devices stand still inside the block."""
        self._command("stop")
        try:
            yield
        finally:
            self._command("cont")

    def kill(self) -> None:
        """End the QEMU process at once: what the guest has not written yet is lost."""
        self._process.kill()
        self._process.wait()
        for line in (getattr(self, "_qmp", None), getattr(self, "_agent", None)):
            if line is not None:
                line.close()
        shutil.rmtree(self.folder / "initramfs", ignore_errors=True)

    def alive(self) -> bool:
        """Whether the QEMU process runs and the agent has missed no answer."""
        return self._process.poll() is None and not self._lost

    def console(self) -> str:
        """The end of the guest's console, and of what QEMU said."""
        parts = []
        for name in ("qemu.log", "console.log"):
            path = self.folder / name
            lines = path.read_text(errors="replace").splitlines() if path.exists() else []
            parts += [f"--- {name}", *lines[-CONSOLE_LINES_SHOWN:]]
        return "\n".join(parts)

    def _receive(self, timeout_s: float, doing: str) -> dict[str, Any]:
        try:
            return self._agent.receive(timeout_s)
        except OSError as error:  # TimeoutError and ConnectionError among them
            # An answer that comes later would be taken for the next request's.
            self._lost = True
            name = self.root.guest.name
            kind = StoodStill if isinstance(error, TimeoutError) else LabError
            raise kind(f"guest {name}, no answer to `{doing}`\n{self.console()}") from error

    def _command(self, name: str, **arguments: str) -> None:
        """A QMP command, waited for; QEMU's events in between are passed over."""
        self._qmp.send({"execute": name, "arguments": arguments})
        while True:
            message = self._qmp.receive(30)
            if "error" in message:
                raise LabError(f"QMP {name}: {message['error']}")
            if "return" in message:
                return
