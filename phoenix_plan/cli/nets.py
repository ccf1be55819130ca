"""Ways back that a plan is to keep: the config asks for them, the command line, a host's policy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import attrs

from phoenix_plan.consent.nets import both, parse_net
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.open import rules_of
from phoenix_plan.model.desired import Desired, Nets


def asked_for(texts: Iterable[str]) -> Nets:
    """All nets that a command line names. Raises UsageError."""
    return reduce(both, map(parse_net, texts), Nets())


def with_nets(desired: Desired, *more: Nets) -> Desired:
    """The wish, with these nets besides its own."""
    return attrs.evolve(desired, nets=reduce(both, more, desired.nets))


def nets_of_policy(host: str) -> Nets:
    """What the policy of a host asks for; nothing where there is none, or where it can't be trusted
    or understood: then apply would run nothing, and `plan` says so in its own place."""
    try:
        if not rules_of(host).is_there():
            return Nets()
        from phoenix_plan.cli.rules import rules_for  # noqa: PLC0415 - most hosts have none

        return rules_for(host).policy.nets
    except PhoenixError:
        # Or a recording, where nothing is applied.
        return Nets()
