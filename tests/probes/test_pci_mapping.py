"""pci.cfg: names of PCI devices, by node."""

from __future__ import annotations

import pytest

from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.pci_mapping import parse_pci_mapping

TEXT = b"""\
# by hand
hba
\tdescription two controllers
\tmap id=1000:0097,iommugroup=20,node=pve1,path=0000:01:00.0;0000:01:00.1,subsystem-id=1000:3090
\tmap id=1000:0097,node=pve1,path=0000:02:00
\tmap id=1000:0097,node=pve2,path=0000:0a:00.0
\tmdev 1

spare-nvme
\tmap id=144d:a808,node=pve2,path=10000:e1:00.0
"""


def test_names_by_node() -> None:
    assert parse_pci_mapping(TEXT) == {
        "hba": {
            "pve1": ("0000:01:00.0", "0000:01:00.1", "0000:02:00"),
            "pve2": ("0000:0a:00.0",),
        },
        "spare-nvme": {"pve2": ("10000:e1:00.0",)},
    }


def test_no_file() -> None:
    assert parse_pci_mapping(None) == {}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, b"\tmap node=pve1,path=0000:01:00.0\n"),
        (2, b"a1\nb1\n"),
        (1, b"two words\n"),
        (2, b"a1\n\tmap path=0000:01:00.0\n"),
        (2, b"a1\n\tmap node=pve1\n"),
        (2, b"a1\n\tmap\n"),
        (2, b"a1\n\tmap node=pve1,path=0000:01:00.0;elsewhere\n"),
        (2, b"a1\n\xff\n"),
    ],
)
def test_a_line_that_is_not_known_raises(line: int, text: bytes) -> None:
    with pytest.raises(ProbeError) as caught:
        parse_pci_mapping(text)
    assert caught.value.line == line
