"""What the policy of a host will say to a plan, told by `plan` before anybody reviews it.

It is not part of the plan: the policy is the host's word when the plan is applied.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import attrs

from phoenix_plan.errors import PhoenixError, UsageError
from phoenix_plan.hosts.open import rules_of

if TYPE_CHECKING:
    from phoenix_plan.model.actual import Actual
    from phoenix_plan.plan import Plan
    from phoenix_plan.render.policy import PolicySays


@attrs.frozen(kw_only=True)
class Foretold:
    """What the policy says, None where there is nothing to say; `fault` is why nobody can know, and
    apply would run nothing."""

    says: PolicySays | None = None
    fault: PhoenixError | None = None


NOTHING = Foretold()


def foretell(plan: Plan, actual: Actual, *, host: str, saved: str | None) -> Foretold:
    """What the policy of a host will say to a plan of what was just seen there. `saved` is the
    plan's file. A policy that can't be trusted or understood is a fault, and never raises."""
    try:
        folder = rules_of(host)
    except UsageError:  # a recording: nothing is applied there, and nobody has rules for it
        return NOTHING
    try:
        return Foretold(says=_says(plan, actual, host, saved)) if folder.is_there() else NOTHING
    except PhoenixError as error:
        fault = PhoenixError(
            "the plan stands, but what the policy of this host says to it is not known, and apply "
            f"would refuse it: {error.message}",
            hint=error.hint,
        )
        return Foretold(fault=fault)


def _says(plan: Plan, actual: Actual, host: str, saved: str | None) -> PolicySays | None:
    # Most hosts have no rules, and need none of this.
    from phoenix_plan.cli.rules import rules_for  # noqa: PLC0415 - see above
    from phoenix_plan.cli.verifying import demands_of  # noqa: PLC0415 - likewise
    from phoenix_plan.render.policy import policy_says  # noqa: PLC0415 - likewise

    rules = rules_for(host)
    if not rules.source:
        return None
    found = demands_of(plan, rules, actual=actual)
    flags = [] if host == "local" else ["--host", host]
    file = saved if saved not in (None, "-") else "plan.json"
    return policy_says(
        plan,
        rules.policy,
        source=rules.source,
        barred=found.barred,
        too_old=found.too_old,
        more=shlex.join(["phoenix", "policy", "check", str(file), *flags]),
    )
