"""A document against its JSON Schema: all that is wrong, in words a person can act on.

The schemas are plain draft 2020-12. Two annotations of ours, which other tools ignore: `x-rule`
says a pattern's rule in words, and `x-tag` on a `oneOf` names the field whose value is the name
of the branch under `$defs`, so that an error names a field of that branch and nothing else is
tried. Schemas refer to nothing outside themselves, and nothing is ever fetched.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any

from phoenix_plan import shapes
from phoenix_plan.documents import Document, Fault, read_document, shown
from phoenix_plan.places import Path

_LISTED = 20
"""A hint that lists more words than this helps nobody."""

_FOLDER = FilePath(__file__).parent / "schemas"

_TYPES = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document by its name (`config`, `state`, `plan`)."""
    with (_FOLDER / f"{name}.schema.json").open("rb") as file:
        schema: dict[str, Any] = json.load(file)
    return schema


def check(document: Document, name: str) -> tuple[Fault, ...]:
    """All faults of a document by the schema of that name; none where it is valid.

    Most documents are valid and are seen to be by `shapes`; jsonschema is only loaded to say what
    is wrong with the others, or where the schema says something that `shapes` does not know.
    """
    if _shape(name)(document.value):
        return ()
    return tuple(_explain(document.value, load_schema(name)))


def load(path: str, *, schema: str, **options: Any) -> Document:
    """Read a document and check it by the schema of that name.

    `options` are those of `read_document`. Raises DocumentError.
    """
    document = read_document(path, what=schema, **options)
    faults = check(document, schema)
    if faults:
        document.refuse(faults, what=schema)
    return document


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like this one, empty where none does. Case does not count."""
    words = {candidate.lower(): candidate for candidate in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.lower(), sorted(words), n=1, cutoff=0.6)
    return words[close[0]] if close else ""


@functools.cache
def _shape(name: str) -> Callable[[object], bool]:
    return shapes.compiled(load_schema(name))


@functools.cache
def _validator_class() -> Any:
    """jsonschema's validator, with `oneOf` looked up by its tag and ECMA-262's `$`."""
    # Loaded here, because most documents are valid, and it costs 0.1 s.
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - see above
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - see above
    from jsonschema.validators import extend  # noqa: PLC0415 - see above

    plain = Draft202012Validator.VALIDATORS["oneOf"]

    def one_of(validator: Any, branches: Any, instance: Any, schema: Any) -> Iterator[Any]:
        tag = schema.get("x-tag")
        if tag is None or not isinstance(instance, dict):
            yield from plain(validator, branches, instance, schema)
            return
        names = {branch["$ref"].rpartition("/")[2]: branch for branch in branches}
        if tag not in instance:
            yield ValidationError("no tag", validator="required", validator_value=[tag])
        elif not isinstance(instance[tag], str) or instance[tag] not in names:
            yield ValidationError(
                "unknown tag", validator="enum", validator_value=list(names), path=[tag]
            )
        else:
            yield from validator.descend(instance, names[instance[tag]])

    def pattern(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not re.search(shapes.python_pattern(wanted), instance):
            yield ValidationError("no match")

    # Its stubs lack types.
    return extend(Draft202012Validator, {"oneOf": one_of, "pattern": pattern})  # type: ignore[no-untyped-call]


def _explain(value: object, schema: dict[str, Any]) -> Iterator[Fault]:
    """What jsonschema finds, as faults."""
    import referencing  # noqa: PLC0415 - comes with jsonschema

    # The registry is empty on purpose: the default one would fetch a reference from the network.
    validator = _validator_class()(schema, registry=referencing.Registry())
    incomplete: set[Path] = set()
    for error in validator.iter_errors(value):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            yield from _unknown_keys(path, error.instance, error.schema)
        elif error.validator == "required":
            if path not in incomplete:  # jsonschema has an error for each missing key
                incomplete.add(path)
                for key in error.validator_value:
                    if key not in error.instance:
                        hint = _description(error.schema, key)
                        yield Fault(path=(*path, key), rule="is missing", hint=hint)
        else:
            instance = _at(value, path)
            yield Fault(path=path, rule=_rule(error, instance), value=shown(instance))


def _unknown_keys(path: Path, instance: dict[str, Any], schema: dict[str, Any]) -> Iterator[Fault]:
    """A fault for each key that the schema does not know; its value may be a secret, and is not
    shown."""
    known = schema.get("properties", {})
    for key in instance:
        if key in known:
            continue
        close = nearest(key, known)
        listed = ", ".join(sorted(known)) if len(known) <= _LISTED else "see the schema"
        yield Fault(
            path=(*path, key),
            rule="is no key that is known here",
            hint=f"did you mean {close}?" if close else f"known: {listed}",
        )


def _description(schema: dict[str, Any], key: str) -> str:
    description: str = schema.get("properties", {}).get(key, {}).get("description", "")
    return description


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _rule(error: Any, instance: object) -> str:
    """What an error of jsonschema's asks for, in words."""
    wanted = error.validator_value
    match error.validator:
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            return f"must be {' or '.join(_TYPES[name] for name in names)}, not {_kind(instance)}"
        case "enum":
            close = nearest(instance, wanted) if isinstance(instance, str) else ""
            asked = f"; did you mean {close}?" if close else ""
            return f"must be one of {', '.join(map(str, wanted))}{asked}"
        case "const":
            return f"must be {wanted}"
        case "pattern":
            rule: str = error.schema.get("x-rule", f"must match {wanted}")
            return rule
        case "minLength" | "minItems" | "minProperties" if wanted == 1:
            return "must not be empty"
        case "minimum":
            return f"must be {wanted} or more"
        case "maximum":
            return f"must be {wanted} or less"
        case "exclusiveMinimum":
            return f"must be more than {wanted}"
        case "exclusiveMaximum":
            return f"must be less than {wanted}"
        case "maxLength":
            return f"must not be longer than {wanted} characters"
        case "maxItems":
            return f"must not have more than {wanted} entries"
        case "minItems":
            return f"must have {wanted} entries or more"
        case keyword:
            return f"breaks the schema's {keyword}"


def _kind(instance: object) -> str:
    match instance:
        case bool():
            return "true" if instance else "false"
        case None:
            return "null"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
