"""What each field holds of what verify and policy check answer to programs."""

from __future__ import annotations

_POLICY = "The path of the policy, empty where the host has none."
_PLAN = "The SHA-256 of the plan file's exact bytes."
_HOSTNAME = "What the plan's host was called."
_TOO_OLD = "Why the plan is too old for the policy, empty where it is not."
_BARRED = "Why the policy bars it, whatever the consent; empty where it does not."

ANSWER_FIELDS: dict[str, dict[str, str]] = {
    "Verified": {
        "format_version": "The format of this document: major and minor.",
        "plan": _PLAN,
        "hostname": _HOSTNAME,
        "policy": _POLICY,
        "enough": "Whether apply would go by these approvals alone: exit code 0, else 4. Not where "
        "the plan was applied before, nor where the host's journals can't be read.",
        "too_old": _TOO_OLD,
        "applied": "The earlier run of this plan on the host, null where there is none, or none "
        "that is known.",
        "applied_unknown": "Why nobody can say whether the plan was applied before: the journals "
        "can't be read, or, with --policy, no host was asked. Empty where it is known.",
        "author": "Who made the plan, null where the policy does not ask.",
        "approvals": "The approvals that were named or found beside the plan.",
        "actions": "The destructive actions of the plan, in order.",
    },
    "VerifiedAuthor": {
        "signers": "Names of whoever signed the plan, by allowed_signers; empty where nobody is "
        "known to have.",
        "key": "Type and fingerprint of the key that signed it, empty where none is known.",
        "why_not": "Why nobody can say who made it, empty where it is known. No approval counts "
        "then.",
    },
    "VerifiedApproval": {
        "file": "The file that it stands in.",
        "claims": "Who it says has given it.",
        "signers": "Names of whoever signed it, by allowed_signers; empty where nobody is known to "
        "have.",
        "key": "Type and fingerprint of the key that signed it, empty where none is known.",
        "counts": "Whether it counts here and now.",
        "why_not": "Why it does not.",
        "until": "Until when it counts, in UTC, empty where it does not.",
        "actions": "Ids of the actions that it approves.",
    },
    "VerifiedAction": {
        "id": "The action's id in the plan.",
        "consented": "Whether enough people have agreed to it, and the policy does not bar it.",
        "by": "Who has.",
        "until": "Until when that counts, in UTC.",
        "barred": _BARRED,
        "lacking": "What the policy asks for in vain, empty where that is not the reason.",
    },
    "Applied": {
        "run": "The run's id, as `phoenix history` has it.",
        "at": "When its first action was begun, in UTC.",
        "journal": "The path of its journal; where that was thrown away, of the index that knows "
        "of it.",
        "ending": "How it ended, in the words of `phoenix history --json`; empty where its journal "
        "was thrown away.",
        "resumable": "Whether `phoenix resume` can go on with it.",
    },
    "Demanded": {
        "format_version": "The format of this document: major and minor.",
        "plan": _PLAN,
        "hostname": _HOSTNAME,
        "policy": _POLICY,
        "open": "Whether nothing is barred and the plan is not too old: exit code 0, else 4.",
        "too_old": _TOO_OLD,
        "plan_age": "How old a plan may be, empty where the policy does not say.",
        "approval_age": "How long an approval counts at most, empty where the policy does not say.",
        "allowed_hours": "When destructive actions may begin; empty: at any time.",
        "signatures": "Whether an approval counts only where someone in allowed_signers signed it.",
        "author_counts": "Whether an approval by whoever signed the plan as its author counts.",
        "nets": "What every plan has to keep as a way back.",
        "actions": "The destructive actions of the plan, in order.",
    },
    "DemandedAction": {
        "id": "The action's id in the plan.",
        "kind": "The kind of action.",
        "barred": _BARRED,
        "takes": "What it takes to consent to it, in words; empty where it is barred.",
        "sources": "The sources of consent that count for it, any of which is enough; empty where "
        "it is barred.",
        "approvers": "How many different people have to approve it, 0 where nobody has to or it is "
        "barred.",
    },
}
