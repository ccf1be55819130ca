"""The newest OpenZFS of each guest still says what was recorded.

`make lab` runs it, for all cases alone. `make recordings` makes every situation anew.
"""

import os
import tempfile
from pathlib import Path

import pytest

from tests.lab import anew
from tests.lab.guests import GUESTS
from tests.lab.record import record
from tests.lab.retry import once_more

HELD = ("02-mirror-and-single", "05-degraded-offline", "07-exported")
"""Datasets of every kind; log, cache, spare and a member that is offline; a pool to be imported."""


@pytest.mark.filterwarnings("default::tests.lab.retry.BootedAnew")
@pytest.mark.parametrize("guest", [os.environ["GUEST"]] if os.environ.get("GUEST") else [*GUESTS])
def test_situations_made_anew_read_as_recorded(guest: str, tmp_path: Path) -> None:
    """Pools, features, properties, datasets, labels, signatures and users of every disk."""
    once_more(lambda: _compare(guest, Path(tempfile.mkdtemp(dir=tmp_path))))


def _compare(guest: str, folder: Path) -> None:
    stored = anew.stored(GUESTS[guest])
    found = {
        target.name: anew.differences(target, stored / target.name)
        for target in record(GUESTS[guest], folder, HELD)
    }
    assert found == {name: [] for name in HELD}
