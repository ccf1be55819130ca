"""What somebody would try who wants a loss that nobody agreed to: each is refused, with the reason.

Each attack is tried on apply, and verify has to say the same beforehand.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from phoenix_plan import schema_check
from phoenix_plan.cli.rules import rules_for
from phoenix_plan.commands import Output, Write
from phoenix_plan.documents import parse_document
from tests.apply.machine import Machine, watch
from tests.consent.conftest import DESTROY, WIPE
from tests.consent.signing import Rules, keygen

TWO = {"signatures": True, "approvers": 2}


def moment(**ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


def approved(rules: Rules) -> Path:
    """Alice signs for all of it, and that would do."""
    return rules.approve("alice")


def edited_plan(rules: Rules) -> None:
    approved(rules)
    path = rules.machine.plan_path
    path.write_text(path.read_text() + "\n")


def edited_approval(rules: Rules) -> None:
    path = approved(rules)
    path.write_text(path.read_text().replace("agreed", "agreed to more"))


def edited_line_ends(rules: Rules) -> None:
    path = approved(rules)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def longer(rules: Rules) -> None:
    path = approved(rules)
    text = json.loads(path.read_text())
    path.write_text(json.dumps({**text, "expires": moment(days=300)}))


def more_actions(rules: Rules) -> None:
    path = rules.approve("alice", "--action", WIPE)
    text = json.loads(path.read_text())
    path.write_text(json.dumps({**text, "actions": [WIPE, DESTROY]}))


def of_another_plan(rules: Rules) -> None:
    rules.forge(approved(rules), "alice", plan="0" * 64)


def of_another_host(rules: Rules) -> None:
    rules.forge(approved(rules), "alice", machine="0" * 32)


def expired(rules: Rules) -> None:
    rules.forge(approved(rules), "alice", created=moment(days=-2), expires=moment(seconds=-1))


def not_yet_valid(rules: Rules) -> None:
    rules.forge(approved(rules), "alice", created=moment(hours=1), expires=moment(hours=2))


def revoked(rules: Rules) -> None:
    approved(rules)
    rules.revoke("alice")


def a_list_of_revoked_keys_that_is_none(rules: Rules) -> None:
    approved(rules)
    rules.write("revoked_keys", "nonsense\n")


def unknown(rules: Rules) -> None:
    rules.approve("mallory", "--all", "--approver", "alice@example.org")


def nobodys(rules: Rules) -> None:
    """A pattern fits everybody."""
    rules.allow(("*@example.org", "mallory"))
    rules.approve("mallory", "--all", "--approver", "alice@example.org")


def no_longer_allowed(rules: Rules) -> None:
    rules.allow(("alice@example.org", "alice"), options='valid-before="20200101Z"')
    approved(rules)


def not_yet_allowed(rules: Rules) -> None:
    rules.allow(("alice@example.org", "alice"), options='valid-after="29990101Z"')
    approved(rules)


def allowed_for_git(rules: Rules) -> None:
    rules.allow(("alice@example.org", "alice"), options='namespaces="git"')
    approved(rules)


def signed_for_git(rules: Rules) -> None:
    rules.sign(approved(rules), "alice", namespace="git")


def unsigned(rules: Rules) -> None:
    rules.machine.approve("--all", "--approver", "alice@example.org")


def signature_taken_away(rules: Rules) -> None:
    Path(f"{approved(rules)}.sig").unlink()


def signature_of_another(rules: Rules) -> None:
    part = rules.approve("alice", "--action", WIPE, output="part.json")
    whole = approved(rules)
    Path(f"{whole}.sig").write_bytes(Path(f"{part}.sig").read_bytes())


def no_signature(rules: Rules) -> None:
    Path(f"{approved(rules)}.sig").write_text("agreed, Alice\n")


def empty_signature(rules: Rules) -> None:
    Path(f"{approved(rules)}.sig").write_bytes(b"")


def half_signature(rules: Rules) -> None:
    path = Path(f"{approved(rules)}.sig")
    path.write_bytes(path.read_bytes()[:120])


def no_allowed_signers(rules: Rules) -> None:
    approved(rules)
    (rules.folder / "allowed_signers").unlink()


def twice(rules: Rules) -> None:
    rules.policy(**TWO)
    rules.approve("alice")
    rules.approve("alice", "--all", "--approver", "bob", output="plan.bob.approval.json")


def two_names_of_one_key(rules: Rules) -> None:
    rules.policy(**TWO)
    rules.allow(("alice@example.org,bob@example.org", "alice"))
    rules.approve("alice")
    rules.approve("alice", "--all", "--approver", "bob@example.org", output="plan.b.approval.json")


def two_keys_of_one_name(rules: Rules) -> None:
    rules.policy(**TWO)
    rules.allow(("alice@example.org", "alice"), ("alice@example.org", "spare"))
    rules.approve("alice")
    rules.approve("spare", "--all", "--approver", "bob@example.org")


def two_names_of_which_the_file_gives_one_to_both_keys(rules: Rules) -> None:
    """ssh-keygen tells the first line that has a key, and no other."""
    names = (("alice@example.org", "alice"), ("al@example.org", "alice"), ("al@example.org", "al"))
    rules.policy(**TWO)
    rules.allow(*names)
    rules.approve("alice")
    rules.approve("al")


def one_name_in_two_spellings(rules: Rules) -> None:
    rules.policy(**TWO)
    rules.allow(("alice@example.org", "alice"), ("Alice@Example.org", "spare"))
    rules.approve("alice")
    rules.approve("spare")


def one_key_with_a_certificate_and_without(rules: Rules) -> None:
    """An authority calls the key bob; its own line calls it alice."""
    rules.policy(**TWO)
    rules.key("authority")
    keygen("-q", "-s", str(rules.keys / "authority"), "-I", "b", "-n", "bob@example.org",
           f"{rules.key('alice')}.pub")  # fmt: skip
    rules.allow(("alice@example.org", "alice"))
    rules.write(
        "allowed_signers",
        f"alice@example.org {rules.public('alice')}\n"
        f"bob@example.org cert-authority {rules.public('authority')}\n",
    )
    rules.approve("alice")
    flags = ("--all", "--approver", "bob", "--sign", f"{rules.keys / 'alice'}-cert.pub")
    called = rules.machine.approve(*flags, "-o", f"{rules.machine.folder}/plan.b.approval.json")
    assert called.code == 0, called


def one_of_two_revoked(rules: Rules) -> None:
    rules.policy(**TWO)
    rules.approve("alice")
    rules.approve("bob")
    rules.revoke("bob")


def two_for_different_halves(rules: Rules) -> None:
    rules.policy(**TWO)
    rules.approve("alice", "--action", WIPE)
    rules.approve("bob", "--action", DESTROY)


def ids_that_only_look_alike(rules: Rules) -> None:
    ids = [f"{DESTROY} ", f"{WIPE}\n", f"{DESTROY}2", DESTROY.upper(), "*", f"{WIPE}\u200b", ""]
    rules.forge(approved(rules), "alice", actions=ids)


def for_too_long(rules: Rules) -> None:
    rules.policy(signatures=True, approval_age="1h")
    rules.forge(approved(rules), "alice", created=moment(hours=-2), expires=moment(days=30))


MISSING = "without consent: nothing was run"

ATTACKS: list[tuple[str, Callable[[Rules], None]]] = [
    ("it is for another plan", edited_plan),
    ("the approval was changed after it was signed", edited_approval),
    ("the approval was changed after it was signed", edited_line_ends),
    ("the approval was changed after it was signed", longer),
    ("the approval was changed after it was signed", more_actions),
    ("it is for another plan", of_another_plan),
    ("it is for another host", of_another_host),
    ("it expired at", expired),
    ("it is not valid before", not_yet_valid),
    ("is revoked by", revoked),
    ("or that file can't be read", a_list_of_revoked_keys_that_is_none),
    ("has its key (ED25519 SHA256:", unknown),
    ("a pattern, which names nobody", nobodys),
    ("key has expired", no_longer_allowed),
    ("key is not yet valid", not_yet_allowed),
    ('not permitted for use in signature namespace "phoenix-approval@v1"', allowed_for_git),
    ("it was made for something else, not for phoenix-approval@v1", signed_for_git),
    ("it is not signed", unsigned),
    ("it is not signed", signature_taken_away),
    ("the approval was changed after it was signed", signature_of_another),
    ("its signature is not right", no_signature),
    ("its signature is not right", empty_signature),
    ("its signature is not right", half_signature),
    ("there is no allowed_signers", no_allowed_signers),
    ("2 approvers, and 1 of them has approved it", twice),
    ("2 approvers, and 1 of them has approved it", two_names_of_one_key),
    ("2 approvers, and 1 of them has approved it", two_keys_of_one_name),
    ("2 approvers, and 1 of them has approved it", one_name_in_two_spellings),
    (
        "2 approvers, and 1 of them has approved it",
        two_names_of_which_the_file_gives_one_to_both_keys,
    ),
    ("2 approvers, and 1 of them has approved it", one_key_with_a_certificate_and_without),
    ("2 approvers, and 1 of them has approved it", one_of_two_revoked),
    ("2 approvers, and 1 of them has approved it", two_for_different_halves),
    (MISSING, ids_that_only_look_alike),
    ("lets an approval count for 1h", for_too_long),
]


@pytest.mark.parametrize(("why", "attack"), ATTACKS, ids=[one.__name__ for _, one in ATTACKS])
def test_no_approval_is_forged(why: str, attack: Callable[[Rules], None], rules: Rules) -> None:
    """apply runs nothing and says why; verify has said so before."""
    attack(rules)
    said = rules.verify()
    assert said.code == 4, said
    called = rules.machine.apply()
    assert called.code == 4, called
    assert MISSING in called.err
    assert why in " ".join(called.err.split())
    assert why == MISSING or why in " ".join(said.out.split())
    assert rules.machine.untouched()
    assert rules.machine.journals() == []


def test_the_table_would_see_an_approval_that_counts(rules: Rules) -> None:
    """What each attack spoils is good before it."""
    approved(rules)
    assert rules.verify().code == 0
    called = rules.machine.apply()
    assert called.code == 0, called.err
    assert "approval, alice@example.org (calls themselves" in " ".join(called.err.split())
    begin = rules.machine.journals()[0][0]
    assert begin["consent"][WIPE]["keys"][0].startswith("ED25519 SHA256:")
    assert len(begin["rules"]) == 64
    for line in rules.machine.journals()[0]:
        document = parse_document(json.dumps(line).encode(), name="journal", what="journal")
        assert schema_check.check(document, "journal") == ()


def test_the_journal_tells_which_rules_consent_went_by(rules: Rules) -> None:
    """Another one for each change of any of the three files, none where there is none."""
    seen = [rules_for(rules.machine.sim).digest]
    rules.revoke("bob")
    seen.append(rules_for(rules.machine.sim).digest)
    rules.policy(signatures=True, approval_age="1h")
    seen.append(rules_for(rules.machine.sim).digest)
    rules.allow(("alice@example.org", "alice"))
    seen.append(rules_for(rules.machine.sim).digest)
    assert len(set(seen)) == 4
    shutil.rmtree(rules.folder)
    assert rules_for(rules.machine.sim).digest == ""
    assert rules.machine.apply("--mode", "force-destructive").code == 0
    assert rules.machine.journals()[0][0]["rules"] == ""


def test_two_people_are_two(rules: Rules) -> None:
    """The same for the rule of two."""
    rules.policy(**TWO)
    rules.approve("alice")
    assert rules.verify().code == 4
    rules.approve("bob")
    assert rules.verify().code == 0
    called = rules.machine.apply()
    assert called.code == 0, called.err
    grant = rules.machine.journals()[0][0]["consent"][WIPE]
    assert "alice@example.org" in grant["by"]
    assert "bob@example.org" in grant["by"]
    assert len(grant["keys"]) == 2


def broken_run(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that fails at its first command."""

    def see(_write: Write) -> Output:
        return Output(exit_code=1, stdout=b"", stderr=b"busy")

    with monkeypatch.context() as patch:
        watch(patch, see)
        assert machine.apply().code == 7


@pytest.mark.parametrize("fails", [False, True])
def test_an_approval_is_good_for_one_run(
    fails: bool, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one that succeeded and after one that failed, though the host is again as it was, and
    with another approval of the same plan."""
    before = rules.machine.path.read_text()
    rules.approve("alice")
    if fails:
        broken_run(rules.machine, monkeypatch)
    else:
        assert rules.machine.apply().code == 0
    rules.machine.path.write_text(before)
    rules.approve("bob")
    called = rules.machine.apply()
    assert called.code == 65
    assert "was applied before" in called.err
    assert rules.machine.path.read_text() == before


DEEP = b"[" * 5000 + b"]" * 5000

SPOILT: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("is empty", lambda _good: b""),
    ("byte order mark", lambda good: b"\xef\xbb\xbf" + good),
    ("is no UTF-8", lambda good: good.replace(b'"1.0"', b'"1.\xff"', 1)),
    ("UTF-16", lambda good: good.decode().encode("utf-16")),
    ("is no JSON", lambda good: good[:-3]),
    ("is no JSON", lambda good: good + good),
    ("a second time", lambda good: good.replace(b"{", b'{"format_version": "1.0",', 1)),
    ("is no number", lambda good: good.replace(b"{", b'{"x": NaN,', 1)),
    ("is no number", lambda good: good.replace(b"{", b'{"x": 1e999,', 1)),
    ("nests deeper", lambda good: good.replace(b"{", b'{"x": %s,' % DEEP, 1)),
    ("half a surrogate", lambda good: good.replace(b"{", b'{"x": "\\ud800",', 1)),
    ("no key that is known", lambda good: good.replace(b"{", b'{"x": 1,', 1)),
    ("of format 2.0", lambda good: good.replace(b'"1.0"', b'"2.0"', 1)),
]  # fmt: skip


@pytest.mark.parametrize(("why", "spoil"), SPOILT, ids=[why for why, _ in SPOILT])
@pytest.mark.parametrize("kind", ["plan", "approval", "policy"])
def test_a_spoilt_document_is_refused(
    kind: str, why: str, spoil: Callable[[bytes], bytes], rules: Rules
) -> None:
    """65 from apply and from verify, and the file is named."""
    approval = approved(rules)
    path = {
        "plan": rules.machine.plan_path,
        "approval": approval,
        "policy": rules.folder / "policy.json",
    }[kind]
    path.write_bytes(spoil(path.read_bytes()))
    if kind == "approval":
        rules.sign(path, "alice")
    for called in (rules.machine.apply(), rules.verify()):
        assert called.code == 65, called
        assert why in called.err
        assert str(path) in called.err
    assert rules.machine.untouched()


@pytest.mark.parametrize(
    ("why", "kind", "size"),
    [
        ("no valid plan", "plan", 100 << 20),
        ("larger than an approval", "approval", 17 << 20),
        ("is larger than 1 MiB", "policy", 2 << 20),
        ("larger than a signature", "signature", 1 << 17),
    ],
)
def test_a_huge_document_is_refused(why: str, kind: str, size: int, rules: Rules) -> None:
    approval = approved(rules)
    path = {
        "plan": rules.machine.plan_path,
        "approval": approval,
        "policy": rules.folder / "policy.json",
        "signature": Path(f"{approval}.sig"),
    }[kind]
    with path.open("wb") as file:
        file.write(b'{"format_version": "1.0", "x": "')
        for _ in range(size >> 10):
            file.write(b"x" * 1024)
        file.write(b'"}')
    called = rules.machine.apply()
    assert called.code == 65
    assert why in called.err
    assert len(called.err) < 4000
    assert rules.machine.untouched()


@pytest.mark.parametrize("name", ["created", "expires"])
@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "2026-11-27T04:82:27Z"])
def test_an_approval_with_a_time_that_is_none_is_refused(
    name: str, text: str, rules: Rules
) -> None:
    """By all who read it, with the file and the field; signed properly all the same."""
    path = approved(rules)
    rules.forge(path, "alice", **{name: text})
    for called in (rules.machine.apply(), rules.verify(), rules.machine.call("show", str(path))):
        assert called.code == 65
        assert f"{path.name} is no valid approval" in called.err
        said = " ".join(called.err.split())
        assert f'{name}: is no moment that there is (is "{text}")' in said
    assert rules.machine.untouched()


def test_a_signature_that_leads_nowhere_is_not_none(rules: Rules) -> None:
    """A link to nothing, or to a folder, is no unsigned approval."""
    rules.policy()
    signature = Path(f"{approved(rules)}.sig")
    for target in ("nowhere", "."):
        signature.unlink()
        signature.symlink_to(target)
        called = rules.machine.apply()
        assert called.code == 65
        assert "the signature can't be read" in called.err
    assert rules.machine.untouched()


def test_without_signers_a_signature_says_nothing_of_who_it_was(rules: Rules) -> None:
    """It counts as an unsigned one does, and that nobody knows is told."""
    for name in ("policy.json", "allowed_signers"):
        (rules.folder / name).unlink()
    rules.approve("alice", "--all", "--approver", "bob")
    called = rules.machine.apply("--check")
    assert called.code == 0, called
    assert "bob (signed, and nobody here knows by whom)" in " ".join(called.err.split())


def test_with_signers_an_unknown_key_does_not_count_without_a_policy(rules: Rules) -> None:
    (rules.folder / "policy.json").unlink()
    rules.approve("mallory")
    called = rules.machine.apply()
    assert called.code == 4
    assert "has its key (ED25519 SHA256:" in called.err


def test_a_signature_that_is_there_has_to_be_right_without_a_policy(rules: Rules) -> None:
    """Unsigned approvals count there, and one that was changed after it was signed does not."""
    (rules.folder / "policy.json").unlink()
    edited_approval(rules)
    called = rules.machine.apply()
    assert called.code == 4
    assert "changed after it was signed" in called.err


HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\u2028ok"


def test_nothing_that_is_written_acts_on_the_terminal(rules: Rules) -> None:
    """Escapes in reason, approver, host's name and ids, and in the name that a key is given."""
    rules.allow((f'"eve{HOSTILE[:4]}"', "alice"))
    path = approved(rules)
    rules.forge(
        path, "alice", reason=HOSTILE, approver=HOSTILE, hostname=HOSTILE, actions=[WIPE, HOSTILE]
    )
    calls = [
        rules.verify(),
        rules.verify("--json"),
        rules.machine.apply(),
        rules.machine.call("show", str(path)),
        rules.machine.apply("--mode", "force-destructive"),
    ]
    assert [called.code for called in calls[:4]] == [4, 4, 4, 0]
    for called in calls:
        for text in (called.out, called.err):
            assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert r"\x1b[2J" in calls[0].out


def writable(path: Path, mode: int) -> None:
    path.chmod(mode)


def linked_folder(rules: Rules) -> None:
    there = rules.folder.with_name("elsewhere")
    rules.folder.rename(there)
    rules.folder.symlink_to(there)


def linked_file(name: str) -> Callable[[Rules], None]:
    def attack(rules: Rules) -> None:
        path = rules.folder / name
        path.rename(rules.folder / "real")
        path.symlink_to("real")

    return attack


def pipe(rules: Rules) -> None:
    path = rules.folder / "policy.json"
    path.unlink()
    os.mkfifo(path)


def folder_in_its_place(rules: Rules) -> None:
    path = rules.folder / "policy.json"
    path.unlink()
    path.mkdir()


PLACES: list[tuple[str, Callable[[Rules], object]]] = [
    ("can be written by others", lambda rules: writable(rules.folder / "policy.json", 0o664)),
    ("can be written by others", lambda rules: writable(rules.folder / "policy.json", 0o646)),
    ("can be written by others", lambda rules: writable(rules.folder / "allowed_signers", 0o666)),
    ("can be written by others", lambda rules: writable(rules.folder, 0o777)),
    ("can be written by others", lambda rules: writable(rules.folder, 0o775)),
    ("can be written by others", lambda rules: writable(rules.folder.parent, 0o777)),
    ("is a symbolic link", linked_folder),
    ("is a symbolic link", linked_file("policy.json")),
    ("is a symbolic link", linked_file("allowed_signers")),
    ("is no regular file", pipe),
    ("is no regular file", folder_in_its_place),
]


@pytest.mark.parametrize(("why", "attack"), PLACES)
def test_rules_that_others_could_have_written_are_none(
    why: str, attack: Callable[[Rules], object], rules: Rules
) -> None:
    """65, and never as if there were no policy."""
    approved(rules)
    attack(rules)
    for called in (rules.machine.apply(), rules.machine.just_apply("--yes"), rules.verify()):
        assert called.code == 65, called
        assert why in called.err
    assert rules.machine.untouched()


def test_a_list_of_revoked_keys_that_others_can_write_is_none(rules: Rules) -> None:
    approved(rules)
    rules.revoke("bob")
    assert rules.verify().code == 0
    (rules.folder / "revoked_keys").chmod(0o666)
    assert rules.machine.apply().code == 65


def test_a_folder_that_others_can_write_is_refused_without_a_policy_too(rules: Rules) -> None:
    """Whoever can write it may have taken the policy away."""
    approved(rules)
    (rules.folder / "policy.json").unlink()
    assert rules.verify().code == 0
    rules.folder.chmod(0o777)
    assert rules.machine.apply().code == 65
