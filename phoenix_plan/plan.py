"""The plan document: what a person reviews and apply derives again.

From this file apply takes only the format version, the host, the state's id and time, the desired
state, and each row's type and arguments. Everything else in it is for the reader.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import attrs

from phoenix_plan import conditions
from phoenix_plan.actions import Action, action_id
from phoenix_plan.commands import Run, Write, WriteFile, Zero
from phoenix_plan.evidence import Evidence
from phoenix_plan.model.actual import Actual
from phoenix_plan.model.desired import Desired, Notice
from phoenix_plan.model.index import Index
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.planner import Outcome, Planned, Unmanaged, make
from phoenix_plan.planner.items import Finding, Unchanged
from phoenix_plan.planner.order import Blocked
from phoenix_plan.safety import Safety, Verdict

PLAN_VERSION = "1.0"


@attrs.frozen(kw_only=True)
class PlanHost:
    """Whose plan this is: see `model.actual.Host`."""

    hostname: str
    machine: str
    hostid: str


@attrs.frozen(kw_only=True)
class PlanState:
    """The state that was planned on. `taken_at` is UTC; a plan's age counts from it."""

    id: str
    taken_at: str


@attrs.frozen(kw_only=True)
class Command:
    """One thing that is done to the host, as it will be: exactly one of the three forms.

    `argv` is run as it stands, but for named placeholders; `write` is a path with the new content
    as a `diff`; `zero` is a device with (offset, length) pairs in bytes.
    """

    argv: tuple[str, ...] = ()
    write: str = ""
    diff: tuple[str, ...] = ()
    zero: str = ""
    ranges: tuple[tuple[Bytes, Bytes], ...] = ()


@attrs.frozen(kw_only=True)
class Row:
    """One action of a plan, with all that a reviewer needs.

    `requires` are ids of rows that come before it; `serves` rows that it only prepares. `needs`
    must hold before it runs. `action` is the change itself.
    """

    id: str
    safety: Safety
    code: str
    reason: str
    action: Action
    before: Mapping[str, str] = attrs.field(factory=dict)
    after: Mapping[str, str] = attrs.field(factory=dict)
    evidence: Evidence = attrs.field(factory=Evidence)
    commands: tuple[Command, ...] = ()
    undo: str = ""
    requires: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Plan:
    """Everything about one host and one config that will be done, won't be, and need not be."""

    format_version: str = PLAN_VERSION
    host: PlanHost
    state: PlanState
    desired: Desired
    actions: tuple[Row, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    findings: tuple[Finding, ...] = ()
    unchanged: tuple[Unchanged, ...] = ()
    unmanaged: Unmanaged = attrs.field(factory=Unmanaged)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the config says that does less than its writer may think."""
        return self.desired.notices

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that stop something."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def safe(self) -> tuple[Row, ...]:
        """Rows that need no consent."""
        return tuple(row for row in self.actions if row.safety == "safe")

    @property
    def destructive(self) -> tuple[Row, ...]:
        """Rows that run only with consent."""
        return tuple(row for row in self.actions if row.safety == "destructive")


def make_plan(desired: Desired, actual: Actual) -> Plan:
    """Plan `desired` on `actual`: the same two give the same plan, byte for byte."""
    outcome = make(desired, Index(actual))
    return from_outcome(desired, actual, outcome)


def from_outcome(desired: Desired, actual: Actual, outcome: Outcome) -> Plan:
    """The document of an outcome."""
    host = actual.host
    return Plan(
        host=PlanHost(hostname=host.hostname, machine=host.machine, hostid=host.hostid),
        state=PlanState(id=actual.id, taken_at=actual.taken_at),
        desired=desired,
        actions=tuple(_row(planned) for planned in outcome.actions),
        blocked=outcome.blocked,
        findings=outcome.findings,
        unchanged=outcome.unchanged,
        unmanaged=outcome.unmanaged,
    )


def _row(planned: Planned) -> Row:
    return derived_row(
        planned.ordered.action,
        verdict=planned.verdict,
        evidence=planned.evidence,
        requires=planned.ordered.requires,
        serves=planned.ordered.serves,
    )


def derived_row(
    action: Action,
    *,
    verdict: Verdict,
    evidence: Evidence,
    requires: tuple[str, ...],
    serves: tuple[str, ...],
) -> Row:
    """A row, with all that follows from its action."""
    changes = action.changes()
    return Row(
        id=action_id(action),
        safety=verdict.safety,
        code=verdict.code,
        reason=verdict.reason,
        action=action,
        before={change.name: change.before for change in changes if change.before},
        after={change.name: change.after for change in changes if change.after},
        evidence=evidence,
        commands=tuple(command(write) for write in action.writes()),
        undo=action.undo(),
        requires=requires,
        serves=serves,
        needs=tuple(conditions.text(condition) for condition in action.needs()),
    )


def _diff(before: str, after: str) -> tuple[str, ...]:
    """What changes, with two lines around it; the file's name stands elsewhere."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
    return tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))


def command(write: Write) -> Command:
    """A write as a plan shows it."""
    match write:
        case Run(argv=argv):
            return Command(argv=argv)
        case WriteFile(path=path, content=content, replaces=replaces):
            return Command(write=path, diff=_diff(replaces or "", content))
        case Zero(path=path, ranges=ranges):
            spans = tuple((Bytes(offset), Bytes(length)) for offset, length in ranges)
            return Command(zero=path, ranges=spans)
