"""Names, labels and messages are other people's text: they must not act on who reads them."""

from __future__ import annotations

import re

import pytest

from phoenix_plan.render.markdown import plan_markdown, state_markdown
from phoenix_plan.render.state import state_text
from phoenix_plan.render.style import Style
from phoenix_plan.render.text import plan_text
from phoenix_plan.render.visible import quoted, visible
from tests.render.hostile import poisoned
from tests.render.samples import EVERYTHING, HOSTILE, KINDS, NO_CHANGE, STATE, plan_of, planned

PLANS = {
    "everything": EVERYTHING,
    "no-change": NO_CHANGE,
    **{name: plan_of(planned(action, cost)) for name, (action, cost) in KINDS.items()},
}


def not_printable(text: str) -> set[str]:
    return {c for c in text if not c.isprintable() and c != "\n"}


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("everything", [False, True])
def test_a_plan_never_reaches_the_terminal_with_a_control_character(
    name: str, everything: bool
) -> None:
    """Escapes, bells and bidirectional overrides are shown, whatever field they stand in."""
    text = plan_text(poisoned(PLANS[name]), Style(everything=everything), next_step="x")
    assert set() == not_printable(text)
    assert r"\x1b" in text


@pytest.mark.parametrize("name", PLANS)
def test_no_line_of_a_plan_is_forged(name: str) -> None:
    """A line break in a name makes no line: nobody can write `Plan: 0 destructive` into ours."""
    plain = plan_text(PLANS[name], Style(width=10_000))
    hostile = plan_text(poisoned(PLANS[name]), Style(width=10_000))
    assert plain.count("\n") <= hostile.count("\n") <= plain.count("\n") + len(plain.split(", "))
    assert not [line for line in hostile.splitlines() if line.startswith((r"\u202e", "\u202e"))]


def test_a_state_never_reaches_the_terminal_with_a_control_character() -> None:
    text = state_text(poisoned(STATE), Style(everything=True))
    assert set() == not_printable(text)
    assert r"\x1b" in text


def outside_code(markdown: str) -> str:
    """What is left of markdown without its code: fenced blocks first, then spans."""
    without = re.sub(r"^(`{3,})[a-z]*\n.*?^\1\n?", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", without, flags=re.DOTALL)


@pytest.mark.parametrize("name", PLANS)
def test_markdown_can_not_be_injected(name: str) -> None:
    """Markup, HTML and mentions in a name stand in code, where they are inert."""
    text = plan_markdown(poisoned(PLANS[name]), source=HOSTILE, next_step="x" + HOSTILE)
    assert set() == not_printable(text)
    left = re.sub(r"</?(details|summary)>|^> \[!(CAUTION|NOTE)\]$|^> ", "", outside_code(text),
                  flags=re.MULTILINE)  # fmt: skip
    assert set() == set("@<>`[]\\") & set(left)


def test_a_states_markdown_can_not_be_left() -> None:
    """A state stands in one code block, which no run of backticks within can end."""
    text = state_markdown(state_text(poisoned(STATE), Style()), source="state.json")
    assert outside_code(text).strip() == ""


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("plain", "plain"),
        (r"a\nb", "a\nb"),
        (r"\x1b[31m", "\x1b[31m"),
        (r"\u202e", "\u202e"),
        (r"\udc80", "\udc80"),
        ("Größe 日本", "Größe 日本"),
    ],
)
def test_what_does_not_print_is_made_visible(expected: str, text: str) -> None:
    assert expected == visible(text)


@pytest.mark.parametrize(
    ("expected", "argument"),
    [
        ("tank", "tank"),
        ("'a b'", "a b"),
        ("''", ""),
        (r"$'it\'s\x0a\\'", "it's\n\\"),
        (r"$'\xe2\x80\xae'", "\u202e"),
    ],
)
def test_arguments_can_be_pasted(expected: str, argument: str) -> None:
    assert expected == quoted(argument)
