"""Put new recordings in the place of the stored ones, and write anew all that follows from them.

`python -m tests.lab.renew FOLDER [GUEST …]`: FOLDER is what `tests.lab.record` made. It has to hold
every situation of each guest; then nothing of the old recordings is left over.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.lab import anew
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS, Guest
from tests.lab.record import name_of, situations

ROOT = Path(__file__).parents[2]

WRITERS = (
    "tests.probes.zfs_recordings",
    "tests.recorded_states",
    "tests.golden.situations",
    "tests.render.goldens",
    "docs.generate",
)
"""What writes files that follow from recordings; a later one may read what an earlier one wrote."""


def check_whole(new: Path, wanted: Sequence[str]) -> None:
    """Raise LabError where a situation was not made."""
    missing = [name for name in wanted if not (new / name / "commands.tsv").is_file()]
    if missing:
        raise LabError(f"{new} lacks {', '.join(missing)}; nothing was replaced")


def put_in_place(new: Path, stored: Path, wanted: Sequence[str]) -> None:
    """Replace the stored recordings of a guest. Raises LabError where a situation is missing.

    What is made up is taken from the stored ones, whatever stands beside the new ones.
    """
    check_whole(new, wanted)
    whole = stored.with_name(f".{stored.name}.new")
    shutil.rmtree(whole, ignore_errors=True)
    for name in wanted:
        shutil.copytree(new / name, whole / name, ignore=shutil.ignore_patterns("made-up"))
        anew.add_made_up(whole / name, stored / name)
    shutil.rmtree(stored)
    whole.rename(stored)


def _situations(guest: Guest) -> list[str]:
    return [name_of(path) for path in situations(guest)]


def main() -> None:
    """Put a folder's recordings in place, and run everything that writes what follows from them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("guest", nargs="*", help="default: all")
    given = parser.parse_args()
    guests = [GUESTS[name] for name in given.guest or GUESTS]
    for guest in guests:
        check_whole(given.folder / anew.stored(guest).name, _situations(guest))
    for guest in guests:
        stored = anew.stored(guest)
        put_in_place(given.folder / stored.name, stored, _situations(guest))
    for writer in WRITERS:
        subprocess.run([sys.executable, "-m", writer], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
