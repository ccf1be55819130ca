"""What commands read: a config, a document, a host."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import attrs

from phoenix_plan.cli.console import Console
from phoenix_plan.cli.options import config_path
from phoenix_plan.config import LoadedConfig
from phoenix_plan.documents import Document
from phoenix_plan.errors import DocumentError
from phoenix_plan.model.actual import Actual, Interests


def load_config(given: str | None) -> LoadedConfig:
    """The config that is named, or the one that is meant where none is. Raises DocumentError."""
    from phoenix_plan import config  # noqa: PLC0415 - not every command needs it

    path = config_path(given)
    if given is None and path != "-" and not os.path.exists(path):
        raise DocumentError(
            f"{path}: there is no such config",
            hint="Name one with -c CONFIG, or in the environment as PHOENIX_CONFIG.",
        )
    return config.load_config(path, stdin=sys.stdin.buffer if path == "-" else None)


def interests(given: str | None) -> Interests:
    """What a refresh looks at more closely: as the config says, where there is one."""
    path = config_path(given)
    if given is None and not os.environ.get("PHOENIX_CONFIG") and not os.path.exists(path):
        return Interests()
    return load_config(given).interests


def ask(
    host: str,
    wanted: Interests,
    console: Console,
    *,
    meanwhile: Callable[[], object] | None = None,
) -> Actual:
    """Refresh a host. `meanwhile` runs beside it: most of a refresh is waiting for tools."""
    from phoenix_plan.hosts.open import open_host  # noqa: PLC0415 - only what asks a host needs it
    from phoenix_plan.refresh import refresh  # noqa: PLC0415 - likewise

    opened = open_host(host)
    beside = threading.Thread(target=meanwhile, daemon=True)
    with console.progress(host) as told:
        beside.start()
        actual = refresh(opened, wanted, progress=told)
    beside.join()
    for unknown in actual.unknown:
        console.say(f"phoenix: could not be learnt: {unknown.source}: {unknown.message}", "change")
    return actual


def read_state(path: str) -> Actual:
    """A state document. Raises DocumentError."""
    from phoenix_plan.stored import load_state  # noqa: PLC0415 - only documents need it

    return load_state(path, stdin=sys.stdin.buffer if path == "-" else None)


@attrs.frozen(kw_only=True)
class Opened:
    """A document of ours: `kind` is `plan`, `state` or `approval`."""

    kind: str
    document: Document


def read_ours(path: str) -> Opened:
    """A plan, a state or an approval, told apart by content and checked. Raises DocumentError."""
    from phoenix_plan.documents import read_document  # noqa: PLC0415 - only documents need it
    from phoenix_plan.stored import checked, kind_of  # noqa: PLC0415 - likewise

    stdin = sys.stdin.buffer if path == "-" else None
    document = read_document(path, what="plan, state or approval", stdin=stdin)
    kind = kind_of(document)
    return Opened(kind=kind, document=checked(document, kind))
