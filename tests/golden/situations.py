"""Situations: a recorded host, what is made up beside it, a config, and the plan that follows.

Each folder of fixtures/situations holds `recording` (where the tools' output is), `made-up/`,
`config.json`, and what is expected: `plan.txt` and `plan.json`. A config that has to name GUIDs of
the recording is made of `config.in.json`, where `guid of NAME` stands for a dataset's. What is
made is written by `python -m tests.golden.situations`; read the difference before it is committed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from phoenix_plan.codec import plan_to_json
from phoenix_plan.config.load import load_config
from phoenix_plan.hosts.open import open_host
from phoenix_plan.plan import Plan, make_plan
from phoenix_plan.refresh import refresh
from phoenix_plan.render.style import Style
from phoenix_plan.render.text import plan_text
from tests.recordings import dataset_guid

SITUATIONS = Path(__file__).parents[2] / "fixtures" / "situations"
MOMENT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def names() -> list[str]:
    """All situations, by the name of their folder."""
    return sorted(folder.name for folder in SITUATIONS.iterdir() if folder.is_dir())


def config_of(name: str) -> str | None:
    """What the config of a situation should hold, where it is made."""
    folder = SITUATIONS / name
    template = folder / "config.in.json"
    if not template.exists():
        return None
    recording = (folder / (folder / "recording").read_text().strip()).resolve()
    return re.sub(
        r"(?<=\")guid of ([^\"]+)(?=\")",
        lambda match: dataset_guid(recording, match[1]),
        template.read_text(),
    )


def plan_of(name: str) -> Plan:
    """The plan of a situation, at a fixed time and with a fixed id."""
    folder = SITUATIONS / name
    loaded = load_config(str(folder / "config.json"))
    actual = refresh(
        open_host(f"recorded:{folder}"),
        loaded.interests,
        now=lambda: MOMENT,
        new_id=lambda: f"state-of-{name}",
    )
    return make_plan(loaded.desired, actual)


def expected(name: str) -> dict[str, str]:
    """What the golden files of a situation hold, by file name; empty where there is none."""
    files = {one: SITUATIONS / name / one for one in ("plan.txt", "plan.json")}
    return {one: path.read_text() if path.exists() else "" for one, path in files.items()}


def rendered(plan: Plan) -> dict[str, str]:
    """What they should hold."""
    return {"plan.txt": plan_text(plan, Style()), "plan.json": plan_to_json(plan)}


def main() -> None:
    """Write every golden file anew."""
    for name in names():
        if (config := config_of(name)) is not None:
            (SITUATIONS / name / "config.json").write_text(config)
        for file, text in rendered(plan_of(name)).items():
            (SITUATIONS / name / file).write_text(text)


if __name__ == "__main__":
    main()
