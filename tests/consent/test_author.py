"""Whoever made a plan does not approve it, where the policy says so; each trick is refused."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from phoenix_plan.cli import files
from phoenix_plan.consent.signatures import AUTHOR
from tests.apply.machine import Machine
from tests.consent.conftest import WIPE
from tests.consent.signing import Rules, keygen

APART = {"signatures": True, "approvers": 1, "author_counts": False}


def signature(machine: Machine) -> Path:
    return Path(f"{machine.plan_path}.sig")


def made_by(rules: Rules, key: str) -> None:
    """The plan as `phoenix plan --sign` leaves it."""
    called = rules.machine.plan("--sign", str(rules.key(key)))
    assert called.code == 0, called.err
    assert "Signed with ED25519" in called.err


@pytest.fixture
def apart(rules: Rules) -> Rules:
    """Alice made the plan, and the host wants somebody else's approval."""
    rules.policy(**APART)
    made_by(rules, "alice")
    return rules


def test_somebody_else_approves(apart: Rules) -> None:
    apart.approve("bob")
    said = apart.verify()
    assert said.code == 0
    assert "alice@example.org" in said.out
    called = apart.machine.apply()
    assert called.code == 0, called.err
    begin = apart.machine.journals()[0][0]
    assert begin["consent"][WIPE]["by"].startswith("bob@example.org")
    assert begin["author"].startswith("alice@example.org (ED25519 SHA256:")
    told = apart.machine.call("history", begin["run"], "--host", apart.machine.sim).out
    assert "alice@example.org (ED25519 SHA256:" in " ".join(told.split())


def test_the_author_beside_another_is_not_counted(apart: Rules) -> None:
    """Two have approved, and one is one of two."""
    apart.policy(**{**APART, "approvers": 2})
    apart.approve("alice")
    apart.approve("bob")
    called = apart.machine.apply()
    assert called.code == 4
    assert "2 approvers, and 1 of them has approved it" in " ".join(called.err.split())
    apart.allow(*((f"{one}@example.org", one) for one in ("alice", "bob", "carol")))
    apart.approve("carol")
    assert apart.machine.apply().code == 0


def test_without_the_rule_the_author_counts(apart: Rules) -> None:
    apart.policy(signatures=True, approvers=1)
    apart.approve("alice")
    assert "author" not in apart.verify().out
    assert apart.machine.apply().code == 0
    assert apart.machine.journals()[0][0]["author"] == ""


def by_the_author(rules: Rules) -> None:
    rules.approve("alice")


def by_the_authors_other_name(rules: Rules) -> None:
    rules.allow(("alice@example.org", "alice"), ("root@example.org", "alice"))
    rules.approve("alice", "--all", "--approver", "root@example.org")


def by_the_authors_other_key(rules: Rules) -> None:
    rules.allow(("alice@example.org", "alice"), ("ALICE@example.org", "other"))
    rules.approve("other")


def by_a_name_that_the_file_gives_the_author_too(rules: Rules) -> None:
    """ssh-keygen tells the first line that has a key, and no other."""
    rules.allow(
        ("alice@example.org", "alice"), ("al@example.org", "alice"), ("al@example.org", "second")
    )
    rules.approve("second")


def by_a_key_that_the_file_gives_the_author_too(rules: Rules) -> None:
    rules.allow(
        ("al@example.org", "second"),
        ("alice@example.org", "second"),
        ("alice@example.org", "alice"),
    )
    rules.approve("second")


def by_the_second_name_of_the_authors_certificate(rules: Rules) -> None:
    certified = certificate(rules, "alice", "alice@example.org,al@example.org")
    rules.allow(
        ("alice@example.org cert-authority", "authority"),
        ("al@example.org cert-authority", "authority"),
        ("al@example.org", "second"),
    )
    made_by(rules, certified)
    rules.approve("second")


def by_a_certificate_with_the_authors_name_behind(rules: Rules) -> None:
    author = certificate(rules, "alice", "alice@example.org")
    other = certificate(rules, "second", "al@example.org,alice@example.org")
    rules.allow(
        ("al@example.org cert-authority", "authority"),
        ("alice@example.org cert-authority", "authority"),
    )
    made_by(rules, author)
    rules.approve(other)


def certificate(rules: Rules, key: str, names: str) -> str:
    """The name of a key that its owner has together with a certificate for these names."""
    private, authority = rules.key(key), rules.key("authority")
    keygen("-q", "-s", str(authority), "-I", key, "-n", names, f"{private}.pub")
    both = rules.keys / f"{key}-certified"
    shutil.copy(private, both)
    for end in (".pub", "-cert.pub"):
        shutil.copy(f"{private}-cert.pub", f"{both}{end}")
    return both.name


def by_somebody_that_an_approval_joins_to_the_author(rules: Rules) -> None:
    """The second key has the author's name and another, which the third has, too."""
    rules.allow(
        ("alice@example.org", "alice"),
        ("alice@example.org,al@example.org", "second"),
        ("al@example.org", "third"),
    )
    rules.approve("second")
    rules.approve("third")


def by_the_authors_certificate(rules: Rules) -> None:
    both = certificate(rules, "alice", "al@example.org")
    rules.allow(("alice@example.org", "alice"), ("*@example.org cert-authority", "authority"))
    rules.approve(both)


def signature_taken_away(rules: Rules) -> None:
    signature(rules.machine).unlink()
    rules.approve("alice")


def planned_again(rules: Rules) -> None:
    """The old signature says nothing of the new plan, and is left where it is."""
    called = rules.machine.plan()
    assert called.code == 0
    assert "plan.json.sig stays as it is, and is no signature of this plan." in called.err
    rules.approve("alice")


def of_another_plan(rules: Rules) -> None:
    kept = signature(rules.machine).read_bytes()
    path = rules.machine.plan_path
    path.write_text(path.read_text() + "\n")
    signature(rules.machine).write_bytes(kept)
    rules.approve("bob")


def by_a_stranger(rules: Rules) -> None:
    rules.sign(rules.machine.plan_path, "mallory", AUTHOR)
    rules.approve("alice")


def by_a_revoked_key(rules: Rules) -> None:
    made_by(rules, "bob")
    rules.revoke("bob")
    rules.approve("alice")


def with_a_signature_for_approvals(rules: Rules) -> None:
    """Bob has signed these bytes, for something else."""
    rules.sign(rules.machine.plan_path, "bob")
    rules.approve("alice")


def by_a_key_for_approvals_alone(rules: Rules) -> None:
    people = (("alice@example.org", "alice"), ("bob@example.org", "bob"))
    rules.allow(*people, options='namespaces="phoenix-approval@v1"')
    rules.approve("bob")


def with_nonsense(rules: Rules) -> None:
    signature(rules.machine).write_text("made by Bob\n")
    rules.approve("alice")


MADE_IT = "it was given by who made the plan (alice"
NOBODY = "there is no signature of its author beside the plan"
UNKNOWN = "who made the plan is not known by the signature beside it (.sig): "
TRICKS: list[tuple[str, Callable[[Rules], None]]] = [
    (MADE_IT, by_the_author),
    (MADE_IT, by_the_authors_other_name),
    (MADE_IT, by_the_authors_other_key),
    (MADE_IT, by_a_name_that_the_file_gives_the_author_too),
    (MADE_IT, by_a_key_that_the_file_gives_the_author_too),
    (MADE_IT, by_the_second_name_of_the_authors_certificate),
    (MADE_IT, by_a_certificate_with_the_authors_name_behind),
    (MADE_IT, by_somebody_that_an_approval_joins_to_the_author),
    (MADE_IT, by_the_authors_certificate),
    (NOBODY, signature_taken_away),
    (f"{UNKNOWN}its signature is not right: it is of another plan", planned_again),
    (f"{UNKNOWN}its signature is not right: it is of another plan", of_another_plan),
    (f"{UNKNOWN}nobody in", by_a_stranger),
    (f"{UNKNOWN}the key of bob@example.org is revoked", by_a_revoked_key),
    (f"{UNKNOWN}its signature is not right: it was made for something else, not for phoenix-plan",
     with_a_signature_for_approvals),
    (f"{UNKNOWN}alice@example.org may not sign with its key", by_a_key_for_approvals_alone),
    (f"{UNKNOWN}its signature is not right", with_nonsense),
]  # fmt: skip


@pytest.mark.parametrize(("why", "trick"), TRICKS, ids=[one.__name__ for _, one in TRICKS])
def test_no_author_approves_their_own_plan(
    why: str, trick: Callable[[Rules], None], apart: Rules
) -> None:
    """apply runs nothing and says why; verify has said so before."""
    trick(apart)
    said = apart.verify()
    assert said.code == 4, said
    assert why in " ".join(said.out.split())
    called = apart.machine.apply()
    assert called.code == 4, called
    assert why in " ".join(called.err.split())
    assert apart.machine.untouched()
    assert apart.machine.journals() == []


def test_who_has_no_approval_yet_is_told_first(apart: Rules) -> None:
    """Else they would get one, and be refused again."""
    signature(apart.machine).unlink()
    called = apart.machine.apply()
    assert called.code == 4
    said = " ".join(called.err.split())
    assert f"an approval would not count: {NOBODY}" in said
    assert "ssh-keygen -Y sign -n phoenix-plan@v1 -f KEY" in said
    assert "phoenix approve" not in said


def test_no_flag_and_no_config_goes_around_it(apart: Rules) -> None:
    for more in (("--mode", "force-destructive"), ("-c", str(apart.machine.config))):
        assert apart.machine.apply(*more).code == 4
    assert apart.machine.untouched()


def test_a_plan_says_that_it_is_to_be_signed(apart: Rules) -> None:
    called = apart.machine.plan()
    words = " ".join(called.out.split())
    assert "signs the plan (phoenix plan --sign)" in words
    assert "not by the plan's author (approvers, author_counts)" in words


def test_verify_tells_a_program_who_made_it(apart: Rules) -> None:
    found = json.loads(apart.verify("--json").out)["author"]
    assert found["signers"] == ["alice@example.org"]
    assert found["key"].startswith("ED25519 SHA256:")
    assert found["why_not"] == ""
    signature(apart.machine).unlink()
    assert json.loads(apart.verify("--json").out)["author"]["why_not"]


def test_the_signature_is_of_the_plans_exact_bytes(apart: Rules) -> None:
    """As ssh-keygen itself checks it, without phoenix."""
    keygen(
        "-Y", "verify", "-n", "phoenix-plan@v1", "-I", "alice@example.org",
        "-f", str(apart.folder / "allowed_signers"), "-s", str(signature(apart.machine)),
        stdin=apart.machine.plan_path.read_bytes(),
    )  # fmt: skip


def test_what_ssh_keygen_signs_counts_the_same(apart: Rules) -> None:
    """A plan can be signed later, and where there is no phoenix."""
    assert apart.machine.plan().code == 0
    apart.sign(apart.machine.plan_path, "alice", AUTHOR)
    apart.approve("bob")
    assert apart.machine.apply().code == 0


def test_where_nothing_can_be_signed_nothing_is_written(apart: Rules) -> None:
    before = apart.machine.plan_path.read_bytes(), signature(apart.machine).read_bytes()
    called = apart.machine.plan("--sign", str(apart.keys / "none"))
    assert called.code == 64
    assert "the key can't be read" in called.err
    assert before == (apart.machine.plan_path.read_bytes(), signature(apart.machine).read_bytes())


@pytest.mark.parametrize("output", [(), ("-o", "-")])
def test_a_signature_needs_a_file_beside_which_it_stands(
    output: tuple[str, ...], rules: Rules
) -> None:
    machine = rules.machine
    flags = ("--host", machine.sim, "-c", str(machine.config), *output)
    called = machine.call("plan", *flags, "--sign", str(rules.key("alice")))
    assert called.code == 64
    assert "--sign signs a plan's file" in called.err


def test_the_same_plan_again_keeps_its_signature(rules: Rules) -> None:
    """A reviewer who makes it again, to compare, takes nothing away."""
    machine = rules.machine
    state = machine.folder / "state.json"
    looked = ("refresh", "--host", machine.sim, "-c", str(machine.config), "-o", str(state))
    assert machine.call(*looked).code == 0
    argv = ("plan", "--state", str(state), "-c", str(machine.config), "-o", str(machine.plan_path))
    assert machine.call(*argv, "--sign", str(rules.key("alice"))).code == 0
    before = signature(machine).read_bytes()
    called = machine.call(*argv)
    assert called.code == 0
    assert "stays as it is" not in called.err
    assert signature(machine).read_bytes() == before


@pytest.mark.parametrize("fails", [".plan.json.", ".plan.json.sig."])
def test_where_writing_fails_both_are_as_they_were(
    fails: str, apart: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = apart.machine.plan_path.read_bytes(), signature(apart.machine).read_bytes()
    write = files._write

    def full(path: str, text: str) -> None:
        write(path, text)
        name = Path(path).name
        if name.startswith(fails) and (".sig." in name) == (".sig." in fails):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_write", full)
    called = apart.machine.plan("--sign", str(apart.key("bob")))
    assert called.code == 1
    assert "can't be written: No space left on device" in called.err
    assert before == (apart.machine.plan_path.read_bytes(), signature(apart.machine).read_bytes())
    assert [path.name for path in apart.machine.folder.glob(".plan.json.*")] == []


def test_no_plan_stands_beside_the_signature_of_another(
    apart: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is killed: first the old signature goes, then the plan comes, then its own."""
    seen = []
    rename = os.rename

    def watched(old: str, new: str) -> None:
        seen.append((Path(new).name, signature(apart.machine).exists()))
        rename(old, new)

    monkeypatch.setattr(os, "rename", watched)
    made_by(apart, "bob")
    assert seen == [("plan.json", False), ("plan.json.sig", False)]


def test_a_signature_that_is_no_file_is_refused_at_once(apart: Rules) -> None:
    path = signature(apart.machine)
    path.unlink()
    os.mkfifo(path)
    called = apart.verify()
    assert called.code == 65
    assert "plan.json.sig: the signature can't be read: it is no regular file" in called.err


def test_another_file_of_that_name_stays(rules: Rules) -> None:
    """A signature of another tool is none of ours: a plan is made without touching it."""
    path = signature(rules.machine)
    path.write_bytes(b"\x89other")
    assert rules.machine.plan().code == 0
    called = rules.machine.plan("--sign", str(rules.key("alice")))
    assert called.code == 64
    assert "is no signature of phoenix's" in called.err
    assert path.read_bytes() == b"\x89other"


def test_the_policy_of_a_repository_asks_the_same(apart: Rules) -> None:
    """`verify --policy FILE`, as CI calls it."""
    apart.approve("alice")
    path = str(apart.folder / "policy.json")
    called = apart.machine.call("verify", str(apart.machine.plan_path), "--policy", path)
    assert called.code == 4
    assert MADE_IT in " ".join(called.out.split())
