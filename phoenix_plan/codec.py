"""JSON documents and our classes: sizes as strings of digits, nothing that is only a default.

Unions are tagged: an action stands as its `type` and its `arguments`. A document from outside was
validated against its schema before (`documents.py`); one that this process has just made is not
validated again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs import Converter

from phoenix_plan.actions import ACTIONS, Action
from phoenix_plan.consent.approval import APPROVAL_VERSION, Approval
from phoenix_plan.consent.policy import POLICY_VERSION, Policy
from phoenix_plan.errors import DocumentError
from phoenix_plan.model.actual import STATE_VERSION, Actual
from phoenix_plan.model.sizes import Bytes
from phoenix_plan.plan import PLAN_VERSION, Plan

_T = TypeVar("_T")

Json = Any  # what json.loads gives: there is no closed type for it in the standard library


@cache
def converter() -> Converter:
    """The one converter, made when it is first needed."""
    made = Converter(omit_if_default=True, forbid_extra_keys=True, prefer_attrib_converters=False)
    made.register_unstructure_hook(Bytes, str)
    made.register_structure_hook(Bytes, lambda value, _: Bytes(int(value)))
    made.register_unstructure_hook(Action, _action_to_json)
    made.register_structure_hook(Action, _action_from_json)
    return made


def _action_to_json(action: Action) -> Json:
    fields = converter().get_unstructure_hook(type(action))(action)
    return {"type": action.TYPE, "arguments": fields}


def _action_from_json(value: Json, _: object) -> Action:
    return converter().structure(value["arguments"], ACTIONS[value["type"]])


def state_to_json(actual: Actual) -> str:
    """The state document's text."""
    return dump(_versioned(actual, actual.format_version))


def state_from_json(value: Json, source: str) -> Actual:
    """The state of a validated document. Raises DocumentError where it does not fit after all."""
    return _structure(value, Actual, source, STATE_VERSION)


def plan_to_json(plan: Plan) -> str:
    """The plan document's text: one value a line, so that a diff of two plans can be read."""
    return dump(_versioned(plan, plan.format_version))


def plan_from_json(value: Json, source: str) -> Plan:
    """The plan of a validated document. Raises DocumentError where it does not fit after all."""
    return _structure(value, Plan, source, PLAN_VERSION)


def approval_to_json(approval: Approval) -> str:
    """The approval document's text."""
    return dump(_versioned(approval, approval.format_version))


def approval_from_json(value: Json, source: str) -> Approval:
    """The approval of a validated document. Raises DocumentError where it does not fit."""
    return _structure(value, Approval, source, APPROVAL_VERSION)


def policy_from_json(value: Json, source: str) -> Policy:
    """The policy of a validated document. Raises DocumentError where it does not fit."""
    return _structure(value, Policy, source, POLICY_VERSION)


def _versioned(document: object, version: str) -> Json:
    return {"format_version": version, **converter().unstructure(document)}


def _structure(value: Json, kind: type[_T], source: str, version: str) -> _T:
    try:
        return converter().structure({"format_version": version, **value}, kind)
    except (cattrs.BaseValidationError, KeyError, ValueError, TypeError) as error:
        details = (
            cattrs.transform_error(error)
            if isinstance(error, cattrs.BaseValidationError)
            else [repr(error)]
        )
        raise DocumentError(
            f"{source} is no {kind.__name__.lower()} document: {details[0]}"
        ) from error


def dump(value: Json) -> str:
    """JSON for people and for diffs: one member a line, short lists of scalars on one line."""
    return "".join(_dump(value, "")) + "\n"


_WIDTH = 100


def _dump(value: Json, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        inner = indent + "  "
        between = "{\n"
        for key, member in value.items():
            yield f"{between}{inner}{json.dumps(key, ensure_ascii=False)}: "
            yield from _dump(member, inner)
            between = ",\n"
        yield f"\n{indent}}}"
    elif isinstance(value, list | tuple) and value:
        flat = json.dumps(value, ensure_ascii=False)
        if len(flat) + len(indent) <= _WIDTH and not any(isinstance(v, Mapping) for v in value):
            yield flat
            return
        inner = indent + "  "
        between = "[\n"
        for member in value:
            yield f"{between}{inner}"
            yield from _dump(member, inner)
            between = ",\n"
        yield f"\n{indent}]"
    else:
        yield json.dumps(value, ensure_ascii=False)


def as_dict(document: attrs.AttrsInstance) -> Json:
    """One of our classes as plain JSON values, for tests and for other documents."""
    return converter().unstructure(document)
