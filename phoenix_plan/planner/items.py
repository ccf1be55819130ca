"""What the planner's parts say: steps to take, and what there is to tell about the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from phoenix_plan.actions import Action
from phoenix_plan.conditions import Unmet
from phoenix_plan.model.desired import Desired
from phoenix_plan.model.index import Index
from phoenix_plan.model.subjects import Subject

Severity = Literal["error", "warning", "note"]


@attrs.frozen(kw_only=True)
class Step:
    """An action that is wanted. `serves` are ids of actions that it only prepares: where none of
    them can run, it must not run either (no disk is wiped for a pool that can't be created).
    `only_with` are ids without any of which it must not run: nothing is taken away for a way that
    can't be gone to its end. `refused` says why it must not run for reasons that no condition
    knows."""

    action: Action
    serves: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    refused: Unmet | None = None


@attrs.frozen(kw_only=True)
class Finding:
    """Something to say that is no action. An error stops what depends on its subject."""

    severity: Severity
    code: str
    subject: Subject
    message: str
    hint: str = ""


@attrs.frozen(kw_only=True)
class Unchanged:
    """A declared thing that is as it shall be."""

    subject: Subject
    detail: str = ""


def failed(subject: Subject, why: Unmet) -> Finding:
    """A condition that no action needs, and that does not hold, as an error."""
    return Finding(
        severity="error", code=why.code, subject=subject, message=why.message, hint=why.hint
    )


Item = Step | Finding | Unchanged
Items = Iterator[Item]


@attrs.frozen(kw_only=True)
class Scope:
    """What the parts of the planner look at together.

    `recreated` are pools that this plan destroys and creates anew, `imported` pools that it
    imports: nobody knows yet what is in those.
    """

    desired: Desired
    index: Index
    recreated: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()

    def fresh(self, pool: str) -> bool:
        """Whether a pool starts out empty when this plan gets to its datasets."""
        return pool in self.recreated or (
            pool not in self.index.pools and pool not in self.imported
        )
