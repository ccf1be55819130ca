"""PCI devices that the cluster has given names: what `mapping=` in a guest's hostpci stands for.

Source: `PVE::Mapping::PCI` of pve-guest-common 6.0 and `PVE::SectionConfig` of pve-common 9.2.1.
The header of a section is the bare name; each `map` of it is one device, or several functions of
one, on one node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from phoenix_plan.commands import ReadFile
from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.section_config import decode

PCI_CFG = ReadFile(path="/etc/pve/mapping/pci.cfg")

PciMapping = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Name to node to PCI addresses, with their domain. A name may have none on a node."""

_HEADER = re.compile(r"([A-Za-z][\w-]+)\s*", re.ASCII)
_KEY = re.compile(r"\s+(\S+)(?:\s+(.*\S))?\s*", re.ASCII)
_ADDRESS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-9a-f])?", re.IGNORECASE)


def parse_pci_mapping(data: bytes | None, source: str = PCI_CFG.path) -> PciMapping:
    """The mappings of pci.cfg; None where there is no file.

    Raises ProbeError for a line that is neither header nor key, and for a `map` without node or
    path: a guest may get a device by it.
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    section: dict[str, tuple[str, ...]] | None = None
    for number, line in enumerate(decode(data or b"", source).split("\n"), 1):
        if not line.strip():
            section = section if line else None
            continue
        if line.lstrip().startswith("#"):
            continue
        header, key = _HEADER.fullmatch(line), _KEY.fullmatch(line)
        try:
            if section is None and header is not None:
                section = found.setdefault(header[1], {})
            elif section is None or key is None:
                raise ValueError(f"{line.strip()!r} is no name and no key of a mapping")
            elif key[1] == "map":
                node, addresses = _map(key[2] or "")
                section[node] = (*section.get(node, ()), *addresses)
        except ValueError as error:
            raise ProbeError(str(error), source=source, line=number) from error
    return found


def _map(value: str) -> tuple[str, tuple[str, ...]]:
    """Node and addresses of `id=8086:1521,node=pve1,path=0000:01:00.0;0000:01:00.1`."""
    fields = {key: text for key, _, text in (part.partition("=") for part in value.split(","))}
    node, addresses = fields.get("node", ""), tuple(fields.get("path", "").split(";"))
    if not node or not all(_ADDRESS.fullmatch(address) for address in addresses):
        raise ValueError(f"{value!r} names no node or no PCI device")
    return node, addresses
