"""Volumes as block devices: which dataset a device is, and who uses it.

udev's links stand in /dev/zvol, named after the volume (OpenZFS 2.1 to 2.3, `zvol_id` and
60-zvol.rules); with snapdev=visible a snapshot has a device too, and its user is the volume's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.datasets import Dataset
from phoenix_plan.model.disks import User

LINKS = "/dev/zvol"


def with_zvol_links(
    aliases: Mapping[str, tuple[str, ...]], zvols: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]]:
    """Links by kernel path, with those of volumes: swap, pvs and exports may name a device so."""
    links = {
        device: (*aliases.get(device, ()), f"{LINKS}/{name.replace(' ', '+')}")
        for device, name in zvols.items()
    }
    return {**aliases, **links}


def with_users(
    datasets: Iterable[Dataset],
    zvols: Mapping[str, str],
    users: Mapping[str, tuple[User, ...]],
) -> tuple[Dataset, ...]:
    """Datasets with the users of their block devices."""
    found: dict[str, dict[User, None]] = {}
    for device, name in sorted(zvols.items()):
        own = found.setdefault(name.partition("@")[0], {})
        own.update(dict.fromkeys(users.get(device, ())))
    return tuple(
        attrs.evolve(dataset, users=tuple(found[dataset.name]))
        if found.get(dataset.name)
        else dataset
        for dataset in datasets
    )


def check_named(zvols: Mapping[str, str], users: Mapping[str, tuple[User, ...]]) -> None:
    """Raises ProbeError where a device is in use and no link says which volume it is."""
    for device, own in sorted(users.items()):
        if device not in zvols:
            raise ProbeError(
                f"{device} is in use ({own[0].detail}), and no link says which volume it is",
                source=LINKS,
                hint="see whether udev is done (udevadm settle), then refresh again",
            )
