"""What the lab needs of the machine it runs on: programs, a Debian mirror, apt's settings."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.lab.errors import LabError

PACKAGE_OF = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "mke2fs": "e2fsprogs",
}
"""Program → the Debian package that brings it."""

MIRROR_VARIABLE = "PHOENIX_LAB_MIRROR"
"""Environment variable that names a Debian mirror, where apt's own configuration names none."""


def run(argv: Sequence[str], *, log: Path | None = None) -> str:
    """Run a program of this machine and return its stdout.

    With `log`, stdout and stderr go to that file instead and the return value is empty. Raises
    LabError, with the end of the output, when the program is missing or its exit status is not 0.
    """
    try:
        if log is None:
            done = subprocess.run(argv, text=True, capture_output=True, check=False)
            said = done.stdout + done.stderr
        else:
            with log.open("a") as file:
                done = subprocess.run(
                    argv, text=True, stdout=file, stderr=subprocess.STDOUT, check=False
                )
            said = log.read_text(errors="replace")
    except OSError as error:
        raise LabError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode != 0:
        tail = "\n".join(said.splitlines()[-40:])
        raise LabError(f"exit status {done.returncode}: {' '.join(argv)}\n{tail}")
    return done.stdout or ""


def ensure_tools() -> None:
    """Make sure that every program of PACKAGE_OF is there, with apt-get where we are root.

    Raises LabError that names the missing packages. The lab is never skipped for want of a tool.
    """
    missing = sorted({package for program, package in PACKAGE_OF.items() if not _found(program)})
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(
            f"the lab needs programs that are not installed; as root, run: {' '.join(command)}"
        )
    run(["apt-get", "update"])
    run(["env", "DEBIAN_FRONTEND=noninteractive", *command])
    still = sorted(program for program in PACKAGE_OF if not _found(program))
    if still:
        raise LabError(f"installed {' '.join(missing)}, and still not found: {' '.join(still)}")


def busybox() -> Path:
    """The statically linked busybox of this machine. Call `ensure_tools` first."""
    found = _found("busybox")
    if found is None:
        raise LabError("busybox is not installed")
    return Path(found)


def _found(program: str) -> str | None:
    """The program's path; /usr/sbin is searched too, for it is not on everybody's PATH."""
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def debian_mirror() -> str:
    """The URL of the Debian archive that this machine's apt uses, or $PHOENIX_LAB_MIRROR.

    Raises LabError where apt knows none: the lab guesses no address.
    """
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        return named
    found = _apt_mirror()
    if found is None:
        run(["apt-get", "update"])  # whose archive an address is stands in the fetched lists
        found = _apt_mirror()
    if found is None:
        raise LabError(
            f"this machine's apt knows no Debian archive; name a mirror in ${MIRROR_VARIABLE}"
        )
    return found


def _apt_mirror() -> str | None:
    columns = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    listed = run(["apt-get", "indextargets", "--format", columns, "Created-By: Packages"])
    for line in listed.splitlines():
        origin, label, uri = line.split("|", 2)
        if (origin, label) == ("Debian", "Debian"):
            return uri.rstrip("/")
    return None


FETCHING = re.compile(
    r'Acquire::(http|https|Check-Date|Check-Valid-Until|Retries)(::[\w.-]+)* ".+";'
)


def apt_settings() -> list[str]:
    """How this machine's apt fetches (proxy, certificates, date checks), as apt.conf lines."""
    return fetch_settings(run(["apt-config", "dump", "Acquire"]))


def fetch_settings(dump: str) -> list[str]:
    """Of all that `apt-config dump` prints, what a guest's build needs to fetch as this machine."""
    return [line for line in dump.splitlines() if FETCHING.fullmatch(line)]
