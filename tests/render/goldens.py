"""Golden files: how plans and states look, whole.

After a change that is meant, look at what it does to them:
`python -m tests.render.goldens && git diff tests/render/golden`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from phoenix_plan.render.markdown import plan_markdown
from phoenix_plan.render.state import state_text
from phoenix_plan.render.style import Style
from phoenix_plan.render.text import plan_text
from tests.render.samples import EVERYTHING, KINDS, NO_CHANGE, STATE, plan_of, planned

FOLDER = Path(__file__).parent / "golden"

NEXT = "phoenix plan -o plan.json"


def _kind(name: str) -> str:
    action, cost = KINDS[name]
    return plan_text(plan_of(planned(action, cost)), Style())


GOLDENS: Mapping[str, Callable[[], str]] = {
    **{f"{name}.txt": functools.partial(_kind, name) for name in KINDS},
    "everything.txt": lambda: plan_text(EVERYTHING, Style(), next_step=NEXT),
    "everything-80-columns.txt": lambda: plan_text(EVERYTHING, Style(width=80), next_step=NEXT),
    "everything-verbose.txt": lambda: plan_text(EVERYTHING, Style(everything=True)),
    "everything-colour.txt": lambda: plan_text(EVERYTHING, Style(colour=True)),
    "everything.md": lambda: plan_markdown(EVERYTHING, source="plan.json", next_step=NEXT),
    "no-change.txt": lambda: plan_text(NO_CHANGE, Style()),
    "no-change.md": lambda: plan_markdown(NO_CHANGE),
    "state.txt": lambda: state_text(STATE, Style(), next_step=NEXT),
    "state-80-columns.txt": lambda: state_text(STATE, Style(width=80)),
}
"""What each golden file holds."""


def renew() -> None:
    """Write all golden files anew, and remove those that nobody holds against anything."""
    for path in FOLDER.iterdir():
        if path.name not in GOLDENS:
            path.unlink()
    for name, render in GOLDENS.items():
        (FOLDER / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    renew()
