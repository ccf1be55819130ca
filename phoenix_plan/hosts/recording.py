"""A folder of recorded output, with the made-up supplements beside it.

A name is looked for in DIR/made-up/, then in DIR/../made-up/, then among the recorded outputs in
DIR. If DIR holds a text file `recording`, a relative path, that folder is searched likewise after
DIR: so a scenario of made-up files stands on a recording without a copy of it.
"""

from __future__ import annotations

import fnmatch
from functools import cached_property
from pathlib import Path

from phoenix_plan.commands import Content, Output
from phoenix_plan.errors import HostError

_LINK = "recording"


class Recording:
    """One recording: made-up files and recorded outputs, by name."""

    def __init__(self, folder: Path) -> None:
        """Raises HostError where there is no such folder, or its `recording` leads nowhere."""
        self.folder = folder
        self._folders: list[Path] = []
        while folder not in self._folders:
            if not folder.is_dir():
                raise HostError(f"{folder}: no such recording")
            self._folders.append(folder)
            link = folder / _LINK
            if link.is_file():
                folder = (folder / link.read_text(encoding="utf-8").strip()).resolve()

    def supplied(self, name: str) -> Content | None:
        """The made-up file of that name (`storage.cfg`); None where nothing is said about it.

        A made-up folder may hold a list `absent` of names, one a line: files that are not there.
        """
        for place in self._supplements:
            path = place / name
            if path.is_file():
                return Content(data=path.read_bytes())
            if name in self._absent(place):
                return Content(data=None)
        return None

    def supplied_files(self, pattern: str) -> tuple[tuple[str, bytes], ...] | None:
        """Made-up files by their path below made-up/ that match (`guests/*/lxc/*.conf`), sorted.

        The first place that has the pattern's folder, or lists it as absent, answers: supplements
        do not mix. None where no place says anything.
        """
        top = pattern.partition("/")[0]
        for place in self._supplements:
            if (place / top).is_dir():
                found = sorted(path for path in place.glob(pattern) if path.is_file())
                return tuple((str(path.relative_to(place)), path.read_bytes()) for path in found)
            if top in self._absent(place):
                return ()
        return None

    def made_up(self, name: str) -> bytes | None:
        """The made-up file of that name, None where there is none."""
        supplied = self.supplied(name)
        return None if supplied is None else supplied.data

    def output(self, name: str) -> Output | None:
        """What the recorded tool did (`NAME.out`, `NAME.err`, its exit status in commands.tsv).

        None where it was not recorded.
        """
        for folder in self._folders:
            stdout = folder / f"{name}.out"
            if stdout.is_file():
                stderr = folder / f"{name}.err"
                return Output(
                    exit_code=self._exit_codes(folder).get(name, 0),
                    stdout=stdout.read_bytes(),
                    stderr=stderr.read_bytes() if stderr.is_file() else b"",
                )
        return None

    def required(self, name: str) -> Output:
        """As `output`. Raises HostError where it was not recorded."""
        output = self.output(name)
        if output is None:
            raise self.missing(name)
        return output

    def names(self, pattern: str) -> tuple[str, ...]:
        """Names of recorded outputs that match (`zdb-l-*`), sorted, of the first folder with any.

        Made-up folders are not searched.
        """
        for folder in self._folders:
            found = sorted(
                path.name.removesuffix(".out")
                for path in folder.glob("*.out")
                if fnmatch.fnmatchcase(path.name.removesuffix(".out"), pattern)
            )
            if found:
                return tuple(found)
        return ()

    def missing(self, name: str) -> HostError:
        """The error for what is nowhere."""
        return HostError(
            f"{name} was not recorded in {self.folder}",
            hint=f"put it into {self.folder / 'made-up'}, where what is made up belongs",
        )

    @cached_property
    def _supplements(self) -> tuple[Path, ...]:
        places: list[Path] = []
        for folder in self._folders:
            for place in (folder / "made-up", folder.parent / "made-up"):
                if place not in places:
                    places.append(place)
        return tuple(places)

    def _absent(self, place: Path) -> frozenset[str]:
        path = place / "absent"
        return (
            frozenset(path.read_text(encoding="utf-8").split()) if path.is_file() else frozenset()
        )

    def _exit_codes(self, folder: Path) -> dict[str, int]:
        """commands.tsv: name, exit status, command, tab-separated."""
        codes: dict[str, int] = {}
        table = folder / "commands.tsv"
        if not table.is_file():
            return codes
        for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), start=1):
            name, _, rest = line.partition("\t")
            status, _, _ = rest.partition("\t")
            if not name or not status.isdigit():
                raise HostError(f"{table}:{number}: not a name, an exit status and a command")
            codes[name] = int(status)
        return codes
