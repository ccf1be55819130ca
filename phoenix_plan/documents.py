"""Every JSON document that comes from outside is read here: config, state, plan, approval.

Strictly: UTF-8 without a byte order mark, one value, no key twice, no NaN, no number beyond a
float, no bottomless nesting (RFC 8259 leaves all of these to the reader). What is wrong is
reported with its line; lines are only looked for when there is something to report.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import BinaryIO, Never

import attrs

from phoenix_plan import places
from phoenix_plan.errors import DocumentError, Problem
from phoenix_plan.places import Path

MAX_BYTES = 256 << 20
"""The largest document that is read: some thirty times the state of a host of 10,000 datasets."""

_SHOWN_CHARACTERS = 120
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@attrs.frozen(kw_only=True)
class Fault:
    """One thing that is wrong at a path of a document; its line is found when it is reported.

    `value` is the offending value as JSON, None where it is long, secret, or not there.
    """

    path: Path
    rule: str
    hint: str = ""
    value: str | None = None


@attrs.frozen(kw_only=True)
class Document:
    """A document that was read: `value` is plain JSON (dict, list, str, int, float, bool, None).

    `name` is what people call it (its path, or `stdin`), `digest` the SHA-256 of its bytes.
    """

    name: str
    text: str = attrs.field(repr=False)
    value: object = attrs.field(repr=False)
    digest: str

    def lines(self, paths: Iterable[Path]) -> dict[Path, int]:
        """The line of each path, counted from 1; of what is not there, its nearest parent's."""
        return places.lines(self.text, paths)

    def problems(self, faults: Iterable[Fault]) -> tuple[Problem, ...]:
        """Faults as problems with their lines, in the order of the file."""
        faults = tuple(faults)
        lines = self.lines(fault.path for fault in faults) if faults else {}
        found = sorted(faults, key=lambda fault: (lines[fault.path], str(fault.path), fault.rule))
        return tuple(
            Problem(
                file=self.name,
                line=lines[fault.path],
                path=path_text(fault.path),
                value=fault.value,
                rule=printable(fault.rule),
                hint=printable(fault.hint),
            )
            for fault in found
        )

    def refuse(self, faults: Iterable[Fault], *, what: str) -> Never:
        """Raise DocumentError with all faults; `what` is the kind of document (`config`)."""
        problems = self.problems(faults)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise DocumentError(f"{self.name} is no valid {what}: {count}", problems=problems)


def read_document(
    path: str, *, what: str, stdin: BinaryIO | None = None, limit: int = MAX_BYTES
) -> Document:
    """Read a document from a file, or from `stdin` where `path` is `-`.

    `what` is the kind of document for messages, `limit` its largest size in bytes. Raises
    DocumentError for a file that can't be read or is no strict JSON.
    """
    if path == "-":
        name = "stdin"
        if stdin is None:
            raise DocumentError(f"the {what} can't be read from stdin here")
        data = stdin.read(limit + 1)
    else:
        name = path
        try:
            with open(path, "rb") as file:
                data = file.read(limit + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise DocumentError(
                f"{name}: the {what} can't be read: {reason}",
                hint=f"give the path of {_a(what)}, or - for stdin",
            ) from error
    if len(data) > limit:
        raise DocumentError(f"{name}: larger than {_a(what)} may be ({limit >> 20} MiB)")
    return parse_document(data, name=name, what=what)


def parse_document(data: bytes, *, name: str, what: str) -> Document:
    """The document that these bytes are. Raises DocumentError where they are no strict JSON."""
    text = _decode(data, name=name, what=what)
    suspects: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            suspects.append("a key twice")
        return found

    def constant(token: str) -> float:
        suspects.append(token)
        return math.nan

    def number(token: str) -> float:
        value = float(token)
        if math.isinf(value):
            suspects.append(token)
        return value

    def read(whole: Callable[[str], int]) -> object:
        return json.loads(
            text,
            object_pairs_hook=members,
            parse_constant=constant,
            parse_float=number,
            parse_int=whole,
        )

    def read_on() -> object:
        """Past integers of more digits than Python converts: is it JSON behind them?"""
        try:
            return read(int)
        except json.JSONDecodeError:
            raise
        except ValueError:
            suspects.append("digits")
            return read(lambda _token: 0)

    value: object = None
    try:
        value = read_on()
    except json.JSONDecodeError as error:
        raise _syntax_error(error, text=text, name=name, what=what) from None
    except RecursionError:
        suspects.append("depth")
    found: Iterable[places.Oddity] = ()
    if "depth" in suspects or places.is_deep(value):
        found = [places.deepest(text)]
    elif suspects or _SURROGATE.search(text):
        found = places.oddities(text)
    problems = [
        Problem(
            file=name,
            line=text.count("\n", 0, oddity.offset) + 1,
            path=path_text(oddity.path),
            value=None,
            rule=oddity.rule,
        )
        for oddity in found
    ]
    if problems:
        raise DocumentError(f"{name} is no valid {what}", problems=problems)
    return Document(name=name, text=text, value=value, digest=hashlib.sha256(data).hexdigest())


def _a(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def shown(value: object) -> str | None:
    """A scalar as JSON for a message, cut where it is long; None for an object or an array.

    What a terminal would act on is escaped.
    """
    if isinstance(value, dict | list):
        return None
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "…"
    return printable(text)


def path_text(path: Path) -> str:
    """A path as a person writes it: `zfs.pools[0].disks[1]`, odd keys as `["a b"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", step):
            text += f".{step}" if text else step
        else:
            text += f"[{printable(json.dumps(step, ensure_ascii=False))}]"
    return text


def printable(text: str) -> str:
    """Text with everything escaped that a terminal would act on; names in documents can hold it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _decode(data: bytes, *, name: str, what: str) -> str:
    """The text of the bytes; raises DocumentError where they are no UTF-8, or there is none."""

    def refusal(rule: str, *, line: int = 1, hint: str = "") -> DocumentError:
        problem = Problem(file=name, line=line, path="", value=None, rule=rule, hint=hint)
        return DocumentError(f"{name} is no valid {what}", problems=[problem])

    save = "save the file as UTF-8 without a byte order mark"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refusal("is UTF-16, not UTF-8", hint=save)
    if data.startswith(b"\xef\xbb\xbf"):
        raise refusal("begins with a byte order mark", hint=save)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refusal(f"byte {error.start} is no UTF-8", line=line, hint=save) from None
    if not text.strip():
        raise refusal(
            "is empty",
            hint=f"an empty {what} is never taken for one that wants nothing",
        )
    return text


def _syntax_error(error: json.JSONDecodeError, *, text: str, name: str, what: str) -> DocumentError:
    around = text[error.pos : error.pos + 2]
    # Python 3.13 points at the comma itself, older ones behind it.
    is_trailing = re.search(r",\s*[}\]]", text[error.pos :][:80] if around[:1] == "," else "") or (
        text[: error.pos].rstrip()[-1:] == "," and around[:1] in ("}", "]")
    )
    hint = ""
    if around.startswith(("#", "//", "/*")):
        hint = "JSON has no comments"
    elif around.startswith("'"):
        hint = "JSON strings stand in double quotes"
    elif is_trailing:
        hint = "no comma stands behind the last entry"
    elif not around:
        hint = "the file ends too early: was it cut?"
    elif error.msg == "Extra data":
        hint = "the document has ended before this"
    elif around[:1] in ('"', "{", "["):
        hint = "is a comma missing before it?"
    problem = Problem(
        file=name,
        line=error.lineno,
        path="",
        value=None,
        rule=f"is no JSON: {error.msg}, column {error.colno}",
        hint=hint,
    )
    return DocumentError(f"{name} is no valid {what}", problems=[problem])
