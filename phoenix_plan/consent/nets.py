"""Nets that a host's policy asks for: what a plan has of them, and what it lacks."""

from __future__ import annotations

from phoenix_plan.actions import (
    Action,
    AddVdev,
    DestroyDataset,
    RetireDataset,
    SetDatasetProperties,
)
from phoenix_plan.errors import UsageError
from phoenix_plan.model.desired import Desired, Nets
from phoenix_plan.model.times import parse_duration
from phoenix_plan.safety import only_protects


def parse_net(text: str) -> Nets:
    """One net as a command line names it. Raises UsageError."""
    name, _, value = text.partition("=")
    match name:
        case "snapshot" | "checkpoint" if text == name:
            return Nets(snapshot=name == "snapshot", checkpoint=name == "checkpoint")
        case "retire" if value:
            parse_duration(value)
            return Nets(retire=value)
        case _:
            raise UsageError(
                f"{text!r} is no net", hint="There are snapshot, checkpoint, and retire=30d."
            )


def both(one: Nets, other: Nets) -> Nets:
    """All that either asks for; of two times to keep a dataset, the longer one."""
    keeps = [keep for keep in (one.retire, other.retire) if keep]
    return Nets(
        snapshot=one.snapshot or other.snapshot,
        checkpoint=one.checkpoint or other.checkpoint,
        retire=max(keeps, key=parse_duration, default=""),
    )


def lacks(action: Action, desired: Desired, wanted: Nets) -> str:
    """Which of the wanted nets a destructive action was planned without, in words; empty where it
    has them all."""
    has = desired.nets
    match action:
        case SetDatasetProperties() if wanted.snapshot and not has.snapshot:
            return "" if only_protects(action) else _said("a snapshot before it", "snapshot")
        case AddVdev() if wanted.checkpoint and action.is_data:
            if any(one.name == action.pool and one.checkpoint is False for one in desired.pools):
                return (
                    "the policy of this host asks for a checkpoint before it (nets.checkpoint), "
                    f"and the config says checkpoint: false for pool {action.pool}"
                )
            return "" if has.checkpoint else _said("a checkpoint before it", "checkpoint")
        case DestroyDataset(kept_until="") if wanted.retire:
            return _said(f"datasets to be put aside for {wanted.retire} first", "retire")
        case RetireDataset(keep=keep) if wanted.retire:
            if _enough(keep, wanted.retire):
                return ""
            return _said(f"it to be kept for {wanted.retire}", "retire")
        case _:
            return ""


def _enough(keep: str, wanted: str) -> bool:
    try:
        return parse_duration(keep) >= parse_duration(wanted)
    except UsageError:  # a plan that was edited: apply says so where it derives it again
        return False


def _said(what: str, rule: str) -> str:
    return (
        f"the policy of this host asks for {what} (nets.{rule}): a plan that is made on this host "
        "has that"
    )
