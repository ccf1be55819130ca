"""The acceptance tests: every case file, in a guest with real OpenZFS.

`make lab` runs them all, `make lab CASE=name` one (a pattern with * is fine), `make lab
GUEST=trixie` those of one guest, `make lab SAMPLE=1` what CI has time for. `make test` does not
collect this folder.
"""

import os
from collections.abc import Iterator

import pytest

from tests.lab.bench import Bench, Boot, boots
from tests.lab.casefile import Case, load_cases, selected
from tests.lab.errors import LabError
from tests.lab.guests import GUESTS
from tests.lab.retry import once_more

SAMPLE: dict[str, str | None] = {
    "create_kinds": None,
    "hot_spare": "bookworm",
    "nets": "bookworm",
    "power_cut": "trixie",
    "power_cut_destroy": "bookworm",
    "root_on_zfs": "trixie",
    "shared:consent": "trixie",
    "shared:file_systems": "trixie",
    "shared:former_pools": "bookworm",
    "shared:hardware": "trixie",
    "shared:hostid": "bookworm",
    "shared:in_use": "bookworm",
    "shared:pools": "trixie",
    "shared:tables": "bookworm",
    "status_daemon": "bookworm",
    "topo_checkpoint": "bookworm",
    "topo_classes": "bookworm",
    "topo_failed": None,
    "topo_gone": "trixie",
    "topo_mirror": "bookworm",
    "topo_never": None,
    "topo_reuse": None,
    "topo_stripe": None,
    "topo_swaps": "trixie",
}
"""With $SAMPLE, boots whose cases hang on no version of ZFS, or were seen to end the same on both,
run on this guest alone, or on none: `make lab` has them."""


def _asked_for() -> list[object]:
    """The cases of this run, those of one boot next to each other.

    Raises LabError where $CASE or $GUEST ask for nothing that there is.
    """
    guest = os.environ.get("GUEST") or None
    if guest is not None and guest not in GUESTS:
        raise LabError(f"GUEST={guest!r}: the guests are {', '.join(GUESTS)}")
    cases = selected(load_cases(), os.environ.get("CASE") or "*")
    found = boots(cases, GUESTS if guest is None else [guest])
    if os.environ.get("SAMPLE"):
        left_out = {
            (name, other) for name, one in SAMPLE.items() for other in GUESTS if other != one
        }
        found = tuple(boot for boot in found if (boot.name, boot.guest) not in left_out)
    if not found:
        raise LabError(f"none of {', '.join(case.name for case in cases)} runs on guest {guest}")
    return [
        pytest.param(boot, case, id=f"{boot.guest}-{case.name}")
        for boot in found
        for case in boot.cases
    ]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.mark.filterwarnings("default::tests.lab.retry.BootedAnew")
@pytest.mark.parametrize(("boot", "case"), _asked_for())
def test_case(bench: Bench, boot: Boot, case: Case) -> None:
    """The case comes out as its file says, and no disk changes that the file does not name."""
    once_more(lambda: bench.run(boot, case))
