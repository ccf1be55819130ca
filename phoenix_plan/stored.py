"""States, plans, approvals and policies: first their version, then their schema, then our classes.

A document of our own minor version must hold nothing that its schema does not know. One of a newer
minor version may: what a minor version adds can be left out of account, by definition, so unknown
fields are dropped; a value that is not understood (a new kind of action, say) is still refused. A
newer major version is refused as a whole.

A policy is the exception: what its newer minor version adds takes something away, and leaving that
out of account would allow it. So a policy must hold nothing that this program does not know.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import attrs

from phoenix_plan.documents import Document, Fault, parse_document, read_document, shown
from phoenix_plan.errors import DocumentError
from phoenix_plan.model.actual import STATE_VERSION, Actual
from phoenix_plan.model.times import is_moment
from phoenix_plan.schema_check import check, load_schema

if TYPE_CHECKING:
    from phoenix_plan.consent.approval import Approval
    from phoenix_plan.consent.policy import Policy
    from phoenix_plan.plan import Plan

Kind = Literal["state", "plan", "approval", "policy"]

MAX_APPROVAL = 16 << 20
"""Bytes; the ids of 10,000 actions take one of them."""

MAX_SIGNATURE = 64 << 10
"""Bytes; one by a key of 16,384 bits takes 6,000."""

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)", re.ASCII)


def load_state(path: str, *, stdin: BinaryIO | None = None) -> Actual:
    """The state in a file, or on stdin where `path` is `-`. Raises DocumentError."""
    from phoenix_plan import codec  # noqa: PLC0415 - loads cattrs

    document = checked(read_document(path, what="state", stdin=stdin), "state")
    return codec.state_from_json(document.value, document.name)


def load_plan(path: str, *, stdin: BinaryIO | None = None) -> Plan:
    """The plan in a file, or on stdin where `path` is `-`. Raises DocumentError."""
    return load_plan_file(path, stdin=stdin).plan


@attrs.frozen(kw_only=True)
class StoredPlan:
    """A plan and the file it stands in: `document` is its exact bytes, `digest` their SHA-256."""

    plan: Plan
    name: str
    document: bytes = attrs.field(repr=False)
    digest: str


def load_plan_file(path: str, *, stdin: BinaryIO | None = None) -> StoredPlan:
    """The plan in a file with the digest of its bytes, read once. Raises DocumentError."""
    from phoenix_plan import codec  # noqa: PLC0415 - loads cattrs

    read = read_document(path, what="plan", stdin=stdin)
    plan = codec.plan_from_json(checked(read, "plan").value, read.name)
    document = read.text.encode("utf-8")  # strict UTF-8 without a mark: the same bytes again
    return StoredPlan(plan=plan, name=read.name, document=document, digest=read.digest)


@attrs.frozen(kw_only=True)
class StoredApproval:
    """An approval, the exact bytes that it was read from, and the signature beside it, if any."""

    approval: Approval
    name: str
    data: bytes = attrs.field(repr=False)
    signature: bytes | None = attrs.field(repr=False)


def load_approval(path: str) -> StoredApproval:
    """The approval in a file, with the signature in `path.sig`. Raises DocumentError."""
    read = read_document(path, what="approval", limit=MAX_APPROVAL)
    return StoredApproval(
        approval=approval_of(checked(read, "approval")),
        name=read.name,
        data=read.text.encode("utf-8"),  # strict UTF-8 without a BOM: these are the file's bytes
        signature=signature_beside(path),
    )


def approval_of(document: Document) -> Approval:
    """The approval of a document that is valid by its schema. Raises DocumentError for a time that
    is none."""
    from phoenix_plan import codec  # noqa: PLC0415 - loads cattrs

    approval = codec.approval_from_json(document.value, document.name)
    impossible = [
        Fault(path=(name,), value=shown(text), rule="is no moment that there is")
        for name, text in (("created", approval.created), ("expires", approval.expires))
        if not is_moment(text)
    ]
    if impossible:
        document.refuse(impossible, what="approval")
    return approval


def signature_beside(path: str) -> bytes | None:
    """What stands in `path.sig`, None where there is none: one that is there and can't be read is
    not the same as none. Raises DocumentError."""
    from phoenix_plan.consent.signatures import SUFFIX  # noqa: PLC0415 - as used

    path = f"{path}{SUFFIX}"
    if not os.path.lexists(path):
        return None
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DocumentError(f"{path}: the signature can't be read: it is no regular file")
            data = file.read(MAX_SIGNATURE + 1)
    except OSError as error:
        raise DocumentError(f"{path}: the signature can't be read: {error.strerror}") from error
    if len(data) > MAX_SIGNATURE:
        raise DocumentError(f"{path}: larger than a signature may be ({MAX_SIGNATURE >> 10} KiB)")
    return data


def policy_of(data: bytes, name: str) -> Policy:
    """The policy that these bytes are. Raises DocumentError."""
    from phoenix_plan import codec  # noqa: PLC0415 - loads cattrs
    from phoenix_plan.consent.policy import faults  # noqa: PLC0415 - as used

    document = parse_document(data, name=name, what="policy")
    policy = codec.policy_from_json(checked(document, "policy").value, document.name)
    wrong = [Fault(path=one.path, rule=one.rule) for one in faults(policy)]
    if wrong:
        document.refuse(wrong, what="policy")
    return policy


def kind_of(document: Document) -> Kind:
    """What a document is meant to be, by the fields that every one of its kind has.

    Raises DocumentError for one that is none of ours.
    """
    kind = _looks_like(document.value)
    if kind is None:
        raise DocumentError(
            f"{document.name} is neither a state nor a plan nor an approval",
            hint="phoenix refresh -o FILE writes a state, phoenix plan -o FILE a plan, phoenix "
            "approve an approval.",
        )
    return kind


def _looks_like(value: object) -> Kind | None:
    if not isinstance(value, dict) or "format_version" not in value:
        return None
    if "desired" in value and "state" in value:
        return "plan"
    if "approver" in value and "actions" in value:
        return "approval"
    return "state" if "disks" in value and "taken_at" in value else None


def checked(document: Document, kind: Kind) -> Document:
    """The document as our own minor version has it, valid by its schema. Raises DocumentError."""
    other = _looks_like(document.value)
    if other not in (None, kind):
        raise DocumentError(f"{document.name} is a {other} document, wanted is a {kind}")
    # What a newer policy forbids is not left out of account: an unknown key is an error there.
    if _is_newer(document, kind) and kind != "policy":
        schema = load_schema(kind)
        ours = {**_known(document.value, schema, schema), "format_version": _version(kind)}
        document = attrs.evolve(document, value=ours)
    faults = check(document, kind)
    if faults:
        document.refuse(faults, what=kind)
    return document


def _version(kind: Kind) -> str:
    if kind == "state":
        return STATE_VERSION
    if kind == "approval":
        from phoenix_plan.consent.approval import APPROVAL_VERSION  # noqa: PLC0415 - as used

        return APPROVAL_VERSION
    if kind == "policy":
        from phoenix_plan.consent.policy import POLICY_VERSION  # noqa: PLC0415 - as used

        return POLICY_VERSION
    from phoenix_plan.plan import PLAN_VERSION  # noqa: PLC0415 - loads the planner

    return PLAN_VERSION


def _is_newer(document: Document, kind: Kind) -> bool:
    """Whether the document is of a newer minor version. Raises DocumentError for another major."""
    value = document.value
    if not isinstance(value, dict) or "format_version" not in value:
        return False  # the schema says so
    version = value["format_version"]
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        fault = Fault(
            path=("format_version",),
            rule=f"must be a version of two numbers, such as {_version(kind)}",
            value=shown(version),
        )
        document.refuse([fault], what=kind)
    major, minor = (int(part) for part in match.groups())
    our_major, our_minor = (int(part) for part in _version(kind).split("."))
    if major == our_major:
        return minor > our_minor
    raise DocumentError(
        f"{document.name} is a {kind} of format {version}; this phoenix reads {our_major}.x",
        hint=f"read it with a {'newer' if major > our_major else 'older'} phoenix, "
        f"or make the {kind} again",
    )


def _known(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The value without the members that a closed object of the schema does not name."""
    if "$ref" in schema:
        return _known(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "x-tag" in schema and isinstance(value, dict):
        tag = value.get(schema["x-tag"])
        branch = f"#/$defs/{tag}"
        known = any(one["$ref"] == branch for one in schema["oneOf"])
        return _known(value, {"$ref": branch}, root) if known else value
    if isinstance(value, list) and "items" in schema:
        return [_known(item, schema["items"], root) for item in value]
    if not isinstance(value, dict):
        return value
    named = schema.get("properties", {})
    other = schema.get("additionalProperties", True)
    if other is False:
        return {
            name: _known(one, named[name], root) for name, one in value.items() if name in named
        }
    rest = other if isinstance(other, dict) else {}
    return {name: _known(one, named.get(name, rest), root) for name, one in value.items()}
