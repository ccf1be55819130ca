"""How apply talks: what is asked and shown on the terminal, action by action."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from phoenix_plan.apply.session import Talk
from phoenix_plan.cli.console import Console
from phoenix_plan.cli.people import question, terminal
from phoenix_plan.consent.modes import Consent
from phoenix_plan.plan import Plan, Row
from phoenix_plan.probes.zpool_progress import Progress
from phoenix_plan.render.consent import row_title, rows_text
from phoenix_plan.render.layout import sentence
from phoenix_plan.render.progress import LiveLine
from phoenix_plan.render.visible import visible


class Talker:
    """Talks about one plan. `host` is what the command line calls the host; with `events`, each
    line of the journal goes to stdout."""

    def __init__(self, plan: Plan, console: Console, host: str, *, events: bool) -> None:
        self._plan = plan
        self._console = console
        self._host = host
        self._events = events
        watched = sys.stderr.isatty() and not console.quiet
        self._told: object = None
        self._live = LiveLine(sys.stderr, console.talk_style.width) if watched else None

    def talk(self) -> Talk:
        """What apply is given."""
        return Talk(
            ask=self._ask if terminal() else None,
            tell=self._tell,
            watch=self._watch,
            say=self._say,
            granted=self._granted,
            signalled=_signalled,
            progress=self._progress if self._live is not None else None,
            event=_event if self._events else lambda _line: None,
        )

    def _clear(self) -> None:
        if self._live is not None:
            self._live("")

    def _progress(self, probe: str) -> None:
        """Shows which probe is awaited; an empty one clears the line."""
        if self._live is not None:
            self._live(f"Asking {self._host}: {probe}" if probe else "")

    def _say(self, text: str) -> None:
        self._clear()
        self._console.say(f"phoenix: {text}", "change")

    def _tell(self, row: Row, ended: bool) -> None:
        self._clear()
        title = row_title(self._plan, row.id)
        self._console.say(f"{title}: done" if ended else f"{title} …", "good" if ended else "plain")

    def _watch(self, row: Row, running: Progress) -> None:
        """How far it is: in place on a terminal, else a line for each tenth."""
        text = f"{row_title(self._plan, row.id)}: {running}"
        if self._live is not None:
            self._live(text)
            return
        tenth = (row.id, running.kind, None if running.percent is None else running.percent // 10)
        if tenth != self._told:
            self._told = tenth
            self._console.say(text)

    def _granted(self, rows: Sequence[Row], consent: Consent) -> None:
        """What runs by force is shown as if somebody had been asked."""
        self._clear()
        ours = [row for row in rows if row.id in consent.grants]
        forced = [
            r.id for r in ours if consent.grants[r.id].source in ("force-destructive", "config")
        ]
        if forced:
            self._console.show(rows_text(self._plan, forced, self._console.talk_style))
            self._console.show([""])
        for row in ours:
            grant = consent.grants[row.id]
            line = f"Consent to {row.id}: {grant.source}, {grant.by}: {grant.detail}"
            width = self._console.talk_style.width - 2
            self._console.say("\n  ".join(sentence(line, width)))

    def _ask(self, row: Row) -> str:
        """What was typed where it is a yes, empty where it is a no."""
        self._clear()
        self._console.show(rows_text(self._plan, [row.id], self._console.talk_style))
        names = _names(row)
        if names:
            typed = question(f"To agree to losing this, type its name ({visible(names[0])}): ")
            if typed in names:
                return typed
            if typed:
                self._console.show(["That is not its name, so it counts as no."])
            return ""
        typed = question("Do it? [yes/no] ")
        return typed if typed == "yes" else ""


def _names(row: Row) -> tuple[str, ...]:
    """What has to be typed for a pool, a dataset or a disk; a disk by its last part, too."""
    match row.action.ABOUT:
        case "pool" | "dataset":
            return (row.action.subject,)
        case "disk":
            return (row.action.subject.rpartition("/")[2], row.action.subject)
        case _:
            return ()


def _event(line: str) -> None:
    """A reader that has gone is no reason to stop in the middle of a change."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _signalled(text: str) -> None:
    """Straight to the terminal: this is called from a signal's handler, when stderr's own buffer
    may be in use."""
    os.write(2, f"\nphoenix: {text}\n".encode())
