"""What each field of the history document holds."""

from __future__ import annotations

HISTORY_FIELDS: dict[str, dict[str, str]] = {
    "History": {
        "format_version": "The format of this document: major and minor.",
        "runs": "The runs, the oldest first.",
    },
    "PastRun": {
        "id": "The run's name, also that of its journal.",
        "journal": "The path of its journal.",
        "ending": "How it ended. done: as declared. remains: everything ran, and changes were "
        "left. failed: an action did not end well. interrupted: it stopped between two actions. "
        "killed: its last word is missing. running: it runs now. abandoned: somebody gave it up, "
        "or another run took its place. nothing: it ended before its first action. unreadable: "
        "its file does not say.",
        "began": "When it began, in UTC.",
        "ended": "When it ended or was given up, empty where it was broken off.",
        "user": "Who ran it.",
        "mode": "The mode that the command line asked for.",
        "hostname": "What the host was called.",
        "source": "The plan file as the command line named it.",
        "plan": "The SHA-256 of the plan file's exact bytes.",
        "author": "Who signed the plan as its author, with the key; empty where the policy did not "
        "ask.",
        "consent": "Consent by action id: source, by, detail, and expires where it does.",
        "rows": "Ids of the actions that were to run, in order.",
        "left": "Ids of those that were not seen to have worked.",
        "left_out": "Ids of actions of the plan that were not to run.",
        "actions": "The actions that were begun, in order.",
        "resumed": "Each time that it was resumed.",
        "abandoned_by": "Who gave it up, empty where nobody did.",
        "reason": "Why it was given up.",
        "by_run": "The run that took its place, empty where none did.",
        "why": "Why it did not end well.",
        "torn": "Numbers of the journal's lines that were written in part: a power cut, a full "
        "disk.",
        "faults": "What in the journal is not as phoenix writes it.",
    },
    "PastAction": {
        "id": "The action's id in the plan.",
        "safety": "safe or destructive.",
        "kind": "The kind of action.",
        "began": "When it was begun, in UTC.",
        "commands": "Its commands, in order, those of every time that it was begun.",
        "ok": "Whether it was seen to have worked, null where nobody saw it end.",
        "why": "Why it did not.",
        "ended": "When that was seen.",
    },
    "PastCommand": {
        "at": "When it was begun, in UTC.",
        "runs": "Its arguments.",
        "write": "The file that was written.",
        "zero": "The disk that was zeroed in places.",
        "exit_code": "Its exit code, null where nobody saw it end.",
        "stdout": "What it printed, long outputs cut.",
        "stderr": "What it complained about, long outputs cut.",
        "unknown": "What happened instead of an end that somebody saw.",
    },
    "PastResume": {
        "at": "When, in UTC.",
        "user": "Who resumed it.",
        "open": "The action that was under way, empty where none was.",
        "verdict": "Whether that had happened: done, not-done or partly.",
        "why": "What was seen.",
    },
}
