"""The state document expected of each recording.

`python -m tests.recorded_states` writes them anew, after a change that was meant; read the
difference before it is committed. No test writes them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phoenix_plan import codec
from phoenix_plan.commands import Answer, Read
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.base import ReadableHost
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.model.actual import Actual, Interests
from phoenix_plan.refresh import refresh
from tests.recordings import FIXTURES, RECORDINGS

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


UNLIKE = frozenset(
    {
        "id", "taken_at", "machine", "digest", "guid", "pool_guid", "top_guid", "load_guid", "txg",
        "allocated", "available", "capacity", "fragmentation", "free", "referenced", "used",
        "used_by_snapshots", "partuuid", "aliases", "detail", "last_scrubbed_txg",
        "feature@empty_bpobj", "feature@zilsaxattr",
    }
)  # fmt: skip
"""What no two machines share, or follows from how full a pool is. (Two features become active by
use: the first deferred free, the first logged attribute.)"""


def comparable(value: Any) -> Any:
    """A state without what differs between two machines; GUIDs in labels and users blank."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key not in UNLIKE}
        if isinstance(kept.get("checkpoint"), dict):
            del kept["checkpoint"]  # as a property it is a size
        return {key: comparable(one) for key, one in kept.items()}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    if isinstance(value, str):
        return re.sub(r"\d{15,}|zfs-[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f-]{27}", "…", value)
    return value


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
