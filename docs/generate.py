"""Makes what is made from the code: `python -m docs.generate` writes it, a test holds it current.

The schemas of state, plan, approval, policy and history, and of what verify and policy check
answer; docs/reference/, the outputs in the tutorial and the plan in the README.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

from docs.generator.commands import commands_page
from docs.generator.documents import (
    STRICT,
    answer_page,
    config_page,
    document_page,
    journal_page,
)
from docs.generator.pages import actions_page, codes_page, exit_codes_page, properties_page
from docs.generator.schemas import document_schema
from docs.generator.transitions import transitions_page
from docs.generator.tutorial import with_outputs
from docs.generator.verdicts import verdicts_page
from phoenix_plan.apply.history import History
from phoenix_plan.cli.answers import Demanded, Verified
from phoenix_plan.codec import dump
from phoenix_plan.consent.approval import Approval
from phoenix_plan.consent.policy import Policy
from phoenix_plan.model.actual import Actual
from phoenix_plan.plan import Plan
from phoenix_plan.schema_check import load_schema

ROOT = Path(__file__).parent.parent


def _renewed(path: str) -> str:
    return with_outputs((ROOT / path).read_text(encoding="utf-8"), ROOT / "fixtures")


_README_PLAN = re.compile(r"(`(fixtures/situations/[^`]+)`\):\n\n```text\n).*?(?=```)", re.DOTALL)


def _readme() -> str:
    """The README with the golden plan of the situation that it names."""
    return _README_PLAN.sub(
        lambda match: match[1] + (ROOT / match[2] / "plan.txt").read_text(encoding="utf-8"),
        (ROOT / "README.md").read_text(encoding="utf-8"),
    )


FILES: dict[str, Callable[[], str]] = {
    "schemas/state.schema.json": lambda: dump(document_schema(Actual)),
    "schemas/plan.schema.json": lambda: dump(document_schema(Plan)),
    "schemas/approval.schema.json": lambda: dump(document_schema(Approval)),
    "schemas/policy.schema.json": lambda: dump(document_schema(Policy)),
    "schemas/history.schema.json": lambda: dump(document_schema(History)),
    "schemas/verify.schema.json": lambda: dump(document_schema(Verified)),
    "schemas/policy-check.schema.json": lambda: dump(document_schema(Demanded)),
    "docs/reference/commands.md": commands_page,
    "docs/reference/config.md": lambda: config_page(load_schema("config")),
    "docs/reference/actions.md": actions_page,
    "docs/reference/codes.md": codes_page,
    "docs/reference/properties.md": properties_page,
    "docs/reference/exit-codes.md": exit_codes_page,
    "docs/reference/transitions.md": transitions_page,
    "docs/reference/zpool-verdicts.md": verdicts_page,
    "docs/reference/state.md": lambda: document_page(
        document_schema(Actual), "The state document", "`phoenix refresh -o`"
    ),
    "docs/reference/plan.md": lambda: document_page(
        document_schema(Plan), "The plan document", "`phoenix plan -o`"
    ),
    "docs/reference/approval.md": lambda: document_page(
        document_schema(Approval), "The approval document", "`phoenix approve`"
    ),
    "docs/reference/policy.md": lambda: document_page(
        document_schema(Policy),
        "The policy document",
        "hand, to /etc/phoenix/policy.json on the host (beside a simulated one, to "
        "`FILE.rules/policy.json`; [how](../how-to/require-signatures.md))",
        STRICT,
    ),
    "docs/reference/history.md": lambda: document_page(
        document_schema(History), "The history document", "`phoenix history --json`"
    ),
    "docs/reference/verify.md": lambda: answer_page(
        document_schema(Verified), "What verify answers", "`phoenix verify --json`"
    ),
    "docs/reference/policy-check.md": lambda: answer_page(
        document_schema(Demanded), "What policy check answers", "`phoenix policy check --json`"
    ),
    "docs/reference/journal.md": lambda: journal_page(load_schema("journal")),
    "README.md": _readme,
    **{
        path: functools.partial(_renewed, path)
        for path in (
            "docs/tutorial.md",
            "docs/how-to/first-host.md",
            "docs/how-to/pull-request-review.md",
            "docs/how-to/require-signatures.md",
            "docs/how-to/after-a-disk-failure.md",
            "docs/how-to/after-a-crash.md",
            "docs/how-to/change-a-pool.md",
            "docs/how-to/keep-a-way-back.md",
        )
    },
}
"""What is made, by its path from the root of the checkout."""


def main() -> None:
    """Write every file anew."""
    for path, make in FILES.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
