"""Where datasets mount, or will: declared, seen, or following from the parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Mountpoints:
    """Mountpoints by dataset name. `declared` holds every declared filesystem, with its declared
    mountpoint or an empty text; `there` says where an existing dataset mounts, None where there is
    no such dataset (or will be none by then)."""

    def __init__(self, declared: Mapping[str, str], there: Callable[[str], str | None]) -> None:
        self._declared = declared
        self._there = there
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The mountpoint of a dataset: a path, `none` or `legacy` (zfsprops(7), mountpoint)."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> str:
        declared = self._declared.get(name)
        if declared:
            return declared
        there = self._there(name)
        if there is not None:
            return there or "none"
        parent, _, leaf = name.rpartition("/")
        if not parent:
            return f"/{name}"
        above = self.of(parent)
        return above if above in ("none", "legacy") else f"{above.rstrip('/')}/{leaf}"


def new_directories(
    declared: Mapping[str, str], there: Callable[[str], str | None]
) -> tuple[str, ...]:
    """Paths on which something would newly be mounted: those of declared filesystems that are not
    there, or are mounted elsewhere."""
    mountpoints = Mountpoints(declared, there)
    wanted = (path for name in declared if (path := mountpoints.of(name)) != there(name))
    return tuple(dict.fromkeys(path for path in wanted if path.startswith("/")))
