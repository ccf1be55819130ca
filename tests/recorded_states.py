"""The state document expected of each recording.

`python -m tests.recorded_states` writes them anew, after a change that was meant; read the
difference before it is committed. No test writes them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from phoenix_plan import codec
from phoenix_plan.commands import Answer, Read
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.model.actual import Actual, Interests
from phoenix_plan.refresh import refresh
from tests.probes.zfs_recordings import FIXTURES, RECORDINGS

WHEN = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
EVERYTHING = Interests(
    disks=tuple(f"/dev/disk/by-id/virtio-DISK{number}" for number in range(1, 9)),
    mountpoints={"tank": ""},
)


class Watched:
    """A host that remembers what it was asked, and whose answers can be replaced."""

    def __init__(self, host: ReadableHost, **answers: Answer | HostError) -> None:
        self.name = host.name
        self.asked: dict[str, Read] = {}
        self._host = host
        self._answers = {probe.replace("_", "-"): answer for probe, answer in answers.items()}

    def answer(self, probe: str, read: Read) -> Answer:
        """What the host says, or what was put in its mouth."""
        assert probe not in self.asked, f"{probe} is asked twice"
        self.asked[probe] = read
        replaced = self._answers.get(probe)
        if isinstance(replaced, HostError):
            raise replaced
        return replaced if replaced is not None else self._host.answer(probe, read)


def state_of(host: ReadableHost, interests: Interests = EVERYTHING) -> Actual:
    """A refresh whose id and time do not change."""
    return refresh(host, interests, now=lambda: WHEN, new_id=lambda: "0" * 32)


def expected_path(folder: Path) -> Path:
    """Where the state expected of a recording stands."""
    return FIXTURES / "expected" / f"state-{folder.parent.name}-{folder.name}.json"


def main() -> None:
    """Write all expected states."""
    for folder in RECORDINGS:
        path = expected_path(folder)
        path.parent.mkdir(exist_ok=True)
        text = codec.state_to_json(state_of(RecordedHost(folder)))
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
