"""The pages about actions, codes, properties, exit codes."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import attrs

import phoenix_plan
from docs.generator.examples import EXAMPLES
from docs.generator.fields import FIELDS
from docs.generator.markdown import block, code, codes, link, page, table
from phoenix_plan import safety
from phoenix_plan.actions import ACTIONS, Action
from phoenix_plan.commands import Run, Write, WriteFile, Zero, command_line
from phoenix_plan.errors import PhoenixError
from phoenix_plan.evidence import Evidence
from phoenix_plan.model import properties
from phoenix_plan.model.codes import SUBJECTS
from phoenix_plan.model.storage_semantics import Direction
from phoenix_plan.model.storage_types import STORAGE_TYPES


def actions_page() -> str:
    """One section per kind of action."""
    intro = (
        "What a plan can hold. Each kind is listed with its arguments, as they stand in "
        "[a plan](plan.md), and with what is run for an example. The verdict follows from the "
        "kind, the arguments and the direction of a change; the reasons are explained in "
        "[codes](codes.md). What is refused whatever the consent is never an action."
    )
    return page("Actions", intro, *(part for tag in ACTIONS for part in _action(tag)))


def _action(tag: str) -> Iterator[str]:
    kind = ACTIONS[tag]
    yield f"## {tag}"
    yield inspect.getdoc(kind) or ""
    described = FIELDS[kind.__name__]
    yield table(
        ("argument", "holds"),
        [(code(field.name), described[field.name]) for field in attrs.fields(kind)],
    )
    for example in EXAMPLES:
        if isinstance(example, kind):
            found = safety.verdict(example, Evidence())
            yield f"{found.safety.capitalize()}, {link(found.code, f'codes.md#{found.code}')}:"
            yield block(_writes(example), "console")


def _writes(action: Action) -> str:
    return "\n".join(_write(write) for write in action.writes())


def _write(write: Write) -> str:
    match write:
        case Run(argv=argv):
            return command_line(argv).removeprefix("LC_ALL=C ")
        case WriteFile(path=path, content=content):
            return f"write {path}: {content.rstrip()}"
        case Zero(path=path, ranges=ranges):
            places = ", ".join(f"{length} bytes at {offset}" for offset, length in ranges)
            return f"zero {path}: {places}"


def codes_page() -> str:
    """Every code, by subject."""
    intro = (
        "Every reason and finding has a code that stays the same. `phoenix explain CODE` says "
        "what stands here. A reason stands on an action; an error stops what depends on its "
        "subject; warnings and notes stop nothing."
    )
    parts = [intro]
    for subject, found in SUBJECTS.items():
        parts.append(f"## {subject}")
        for name, one in found.items():
            parts += [
                f"### {name}",
                f"*{one.kind.capitalize()}.* {one.means}",
                f"**Why:** {one.why}",
                f"**What to do:** {one.do}",
            ]
    return page("Codes", *parts)


def properties_page() -> str:
    """What can be declared, and which changes are safe."""
    return page(
        "Properties",
        "What a change to a property counts as. **Whatever is not listed as safe is "
        "destructive**: it takes consent.",
        "## Dataset properties",
        "From zfsprops(7) of OpenZFS 2.1 and 2.3. User properties (with a colon) are safe, but for "
        f"`{safety.PROTECTION}=off`.",
        table(("property", "applies to", "a change is"), _dataset_rows()),
        f"Read-only, never declared: {codes(properties.READ_ONLY)}.",
        "## Pool properties",
        "From zpoolprops(7). `ashift` is fixed when a vdev is made: another one is another pool.",
        table(("property", "a change is"), _pool_rows()),
        f"Read-only, never declared: {codes(properties.POOL_READ_ONLY)}.",
        "A pool that is created gets, unless declared otherwise: "
        f"{_pairs(properties.CREATED_POOL)}, `ashift={properties.CREATED_ASHIFT}`, and on its root "
        f"filesystem {_pairs(properties.CREATED_FILESYSTEM)}.",
        "## Storage settings",
        "Safe, in these directions only:",
        table(("setting", "safe when it"), _setting_rows()),
        "## Storage types",
        "From pve-storage 9.1.7. A fixed key never changes on a registered storage: another value "
        "means unregistering and registering it anew.",
        table(
            ("type", "fixed", "changeable", "content"),
            [
                (code(name), codes(kind.fixed), codes(kind.changeable), codes(kind.content))
                for name, kind in STORAGE_TYPES.items()
            ],
        ),
    )


def _dataset_rows() -> Iterator[tuple[str, str, str]]:
    for name in sorted({*properties.SETTABLE, *safety.SAFE_DATASET_PROPERTIES}):
        if name in properties.FILESYSTEM_ONLY:
            where = "filesystems"
        else:
            where = "volumes" if name in properties.VOLUME_ONLY else "both"
        yield code(name), where, _dataset_change(name)


def _dataset_change(name: str) -> str:
    if name in properties.CREATE_ONLY:
        return "a recreation: fixed at creation"
    if name == "volsize":
        return "safe upwards, else destructive"
    unsafe = safety.SAFE_DATASET_PROPERTIES.get(name)
    if unsafe is None:
        return "destructive"
    return f"safe, but to {codes(unsafe)}" if unsafe else "safe"


def _pool_rows() -> Iterator[tuple[str, str]]:
    for name in sorted(properties.POOL_SETTABLE - {"ashift"}):
        yield code(name), "safe" if name in safety.SAFE_POOL_PROPERTIES else "destructive"


_DIRECTIONS = {
    Direction.WIDER: "gets wider",
    Direction.ENABLING: "enables the storage",
    Direction.MORE: "keeps more",
}


def _setting_rows() -> Iterator[tuple[str, str]]:
    every = frozenset(Direction)
    for name, directions in safety.SAFE_STORAGE_SETTINGS.items():
        if directions == every:
            yield code(name), "changes at all"
        else:
            yield code(name), " or ".join(sorted(_DIRECTIONS[one] for one in directions))


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(code(f"{name}={value}") for name, value in values.items())


EXIT_CODES: dict[int, str] = {
    0: "Done, or there is nothing to change.",
    1: "Failed: the host can't be read, the plan holds errors or what the policy of the host bars, "
    "or changes remain after an apply.",
    2: "Changes are pending, all of them safe. Only with `--detailed-exitcode`.",
    3: "Changes are pending, some of them destructive. Only with `--detailed-exitcode`.",
    4: "Refused: consent to something destructive is missing. Nothing was run. Also `verify` where "
    "approvals are not enough or the plan was applied before, and `policy check` where something "
    "is barred.",
    5: "The plan is stale: what it rests on has moved. Nothing was run.",
    6: "Locked: another apply is at work on this host. Nothing was run.",
    7: "Stopped part-way: the output and the journal say what was done, and what was not. Or an "
    "earlier run did, and is in the way until it is resumed or given up; then nothing was run.",
    64: "The command line can't be understood.",
    65: "A config, state, plan, approval or policy is invalid, unreadable, or for another host; or "
    "the plan was applied before. Nothing was run.",
    130: "Interrupted before anything was run.",
}
"""What each exit code means."""


def exit_codes_page() -> str:
    """Exit codes, and which errors bring them."""
    rows = []
    for number, meaning in EXIT_CODES.items():
        kinds = [kind for kind in error_kinds() if kind.exit_code == number]
        rows.append((str(number), meaning, ", ".join(code(kind.__name__) for kind in kinds)))
    return page("Exit codes", table(("code", "means", "raised in the library as"), rows))


def error_kinds() -> list[type[PhoenixError]]:
    """The exception tree of the whole package, parents first, siblings by name."""
    for module in pkgutil.walk_packages(phoenix_plan.__path__, "phoenix_plan."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[PhoenixError]] = [PhoenixError]
    for kind in found:
        ours = (one for one in kind.__subclasses__() if one.__module__.startswith("phoenix_plan."))
        found += sorted(ours, key=lambda one: one.__name__)
    return found
