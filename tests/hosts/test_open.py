"""What the command line may call a host."""

from __future__ import annotations

import pytest

from phoenix_plan.errors import HostError, UsageError
from phoenix_plan.hosts.local import LocalHost
from phoenix_plan.hosts.local_writes import WritableLocalHost
from phoenix_plan.hosts.open import ReadOnly, open_host, open_writable
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.hosts.simulated import SimulatedHost
from tests.apply.machine import ROOT
from tests.recordings import RECORDINGS


def test_hosts() -> None:
    """This machine, or a recording."""
    assert isinstance(open_host("local"), LocalHost)
    recorded = open_host(f"recorded:{RECORDINGS[0]}")
    assert isinstance(recorded, RecordedHost)
    assert recorded.name == f"recorded:{RECORDINGS[0]}"


@pytest.mark.parametrize("name", ["", "here", "recorded:", "sim:", "ssh://pve1", "Local"])
def test_other_names_are_wrong_usage(name: str) -> None:
    """The message says what there is."""
    with pytest.raises(UsageError, match="no such host") as caught:
        open_host(name)
    assert "recorded:DIR" in caught.value.hint
    with pytest.raises(UsageError):
        open_writable(name)


def test_hosts_that_can_be_changed() -> None:
    """Apply alone asks for one. A simulated host that is only looked at can't be changed."""
    assert isinstance(open_writable("local"), WritableLocalHost)
    demo = f"sim:{ROOT / 'fixtures/hosts/demo.host.json'}"
    assert isinstance(open_writable(demo), SimulatedHost)
    looking = open_host(demo)
    assert looking.name == demo
    assert not hasattr(looking, "run")
    with pytest.raises(UsageError, match="is a recording"):
        open_writable(f"recorded:{RECORDINGS[0]}")
    with pytest.raises(HostError):
        open_host("sim:/nowhere.json")


def test_a_recording_that_is_not_there() -> None:
    """Right usage, wrong folder."""
    with pytest.raises(HostError, match="no such recording"):
        open_host("recorded:/nowhere")


def test_a_readable_host_can_not_write() -> None:
    """All that these hosts can do is answer."""
    for kind in (LocalHost, RecordedHost, ReadOnly):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert public - {"name", "answer"} == set()
