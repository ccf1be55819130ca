"""Every reason and finding code, registered once: what it means, why, what to do.

`phoenix explain CODE` and the reference page are made from this table. Codes are stable: other
programs may compare them.
"""

from __future__ import annotations

from phoenix_plan.model.codes.code import Code
from phoenix_plan.model.codes.config import CONFIG
from phoenix_plan.model.codes.datasets import DATASETS
from phoenix_plan.model.codes.disks import DISKS
from phoenix_plan.model.codes.host import HOST
from phoenix_plan.model.codes.pools import POOLS
from phoenix_plan.model.codes.reasons import DESTRUCTIVE, SAFE
from phoenix_plan.model.codes.storages import STORAGES

SUBJECTS: dict[str, dict[str, Code]] = {
    "Why an action is safe": SAFE,
    "Why an action is destructive": DESTRUCTIVE,
    "Disks": DISKS,
    "Pools": POOLS,
    "Datasets": DATASETS,
    "Storages": STORAGES,
    "The host": HOST,
    "The config": CONFIG,
}
"""The codes by what they are about, as the reference page lists them."""

CODES: dict[str, Code] = {name: code for codes in SUBJECTS.values() for name, code in codes.items()}
"""Every code by its name."""

__all__ = ["CODES", "SUBJECTS", "Code"]
