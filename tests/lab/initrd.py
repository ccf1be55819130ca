"""The initramfs of one boot: busybox, the root's drivers, and the working tree, for /lab."""

import gzip
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.guests import Guest
from tests.lab.hosttools import busybox
from tests.lab.roots import Root

CHECKOUT = Path(__file__).resolve().parents[2]
GUEST_FILES = Path(__file__).parent / "guest"


def pack(root: Root, folder: Path, compiled: bytes | None = None) -> Path:
    """Write the initramfs for a boot of `root` into `folder`, and return its path.

    `compiled` is a tar file of what this root's Python made of the working tree before. Python
    itself sees from a source's time and size whether that still holds.
    """
    stage = folder / "initramfs"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(root.drivers, stage / "modules")
    (stage / "bin").mkdir()
    shutil.copyfile(busybox(), stage / "bin/busybox")
    (stage / "bin/busybox").chmod(0o755)
    shutil.copyfile(GUEST_FILES / "initramfs-init", stage / "init")
    (stage / "init").chmod(0o755)
    _fill_lab(root.guest, stage / "lab")
    if compiled is not None:
        with tarfile.open(fileobj=io.BytesIO(compiled)) as tar:
            tar.extractall(stage / "lab/src", filter="data")
    return _archive(stage, folder / "initramfs.cpio.gz")


def _fill_lab(guest: Guest, lab: Path) -> None:
    shutil.copytree(GUEST_FILES, lab)
    (lab / "hostname").write_text(f"lab-{guest.name}\n")
    (lab / "machine-id").write_text(guest.digest * 2 + "\n")
    source = CHECKOUT / "phoenix_plan"
    shutil.copytree(source, lab / "src" / source.name, ignore=shutil.ignore_patterns("__pycache__"))


def _archive(stage: Path, target: Path) -> Path:
    names = b"\0".join(str(path.relative_to(stage)).encode() for path in sorted(stage.rglob("*")))
    done = subprocess.run(
        ["cpio", "--create", "--format=newc", "--null", "--owner=+0:+0", "--quiet"],
        cwd=stage, input=names, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise LabError(f"cpio could not pack {stage}: {done.stderr.decode(errors='replace')}")
    target.write_bytes(gzip.compress(done.stdout, compresslevel=1))
    return target
