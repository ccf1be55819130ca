"""What a command prints: results to stdout, talk to stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

import attrs

from phoenix_plan.cli.streams import deliver
from phoenix_plan.errors import PhoenixError
from phoenix_plan.render.progress import LiveLine
from phoenix_plan.render.style import DEFAULT_WIDTH, MIN_WIDTH, Style, Tone
from phoenix_plan.render.visible import visible


@attrs.frozen(kw_only=True)
class Console:
    """`quiet` keeps talk back, errors aside; `verbose` shows results in full."""

    quiet: bool = False
    verbose: bool = False

    @property
    def style(self) -> Style:
        """How results look."""
        return Style(width=_width(sys.stdout), colour=_colour(sys.stdout), everything=self.verbose)

    def result(self, text: str) -> None:
        """Print what was asked for; `text` ends with a newline and is safe for a terminal."""
        deliver(text)

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Print what goes on beside it, unless it shall be quiet."""
        if not self.quiet:
            _talk(text, tone)

    @property
    def talk_style(self) -> Style:
        """How talk looks."""
        return Style(width=_width(sys.stderr), colour=_colour(sys.stderr), everything=self.verbose)

    def show(self, lines: Iterable[str]) -> None:
        """Print lines on stderr, always: what has to be seen before something is agreed to. They
        are safe for a terminal."""
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        sys.stderr.flush()

    def error(self, error: PhoenixError) -> None:
        """Print what went wrong and what to do, always."""
        _talk(f"phoenix: {error.message}", "bad")
        if error.hint:
            _talk(f"  {error.hint}", "plain")

    @contextlib.contextmanager
    def progress(self, host: str) -> Iterator[Callable[[str], None] | None]:
        """Takes the name of each probe of a host as it starts, and shows it on one live line on
        stderr; None where nobody watches."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        with LiveLine(sys.stderr, _width(sys.stderr)) as line:
            yield lambda probe: line(f"Asking {host}: {probe}")


def _talk(text: str, tone: Tone) -> None:
    """Text on stderr; its lines are its own, all else in it is made visible."""
    style = Style(colour=_colour(sys.stderr))
    # Whoever no longer listens to talk may still want the result, or that a run is ended properly:
    # a reader or a terminal that has gone is no reason to stop in the middle.
    with contextlib.suppress(OSError):
        sys.stderr.write("".join(style.paint(visible(x), tone) + "\n" for x in text.split("\n")))


def _colour(stream: TextIO) -> bool:
    """Colours on a terminal that has them, unless NO_COLOR is set (no-color.org)."""
    return (
        stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "dumb") != "dumb"
    )


def _width(stream: TextIO) -> int:
    """Columns: COLUMNS, else the terminal's, else a fixed number."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return max(int(wanted), MIN_WIDTH)
    if stream.isatty():
        with contextlib.suppress(OSError):
            return max(os.get_terminal_size(stream.fileno()).columns, MIN_WIDTH)
    return DEFAULT_WIDTH
