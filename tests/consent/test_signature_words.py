"""What ssh-keygen says of a signature, and what that makes of it (OpenSSH 9.2 and 10.0's words).

test_attacks.py asks the real one; here every answer that it can give is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import pytest

from phoenix_plan.commands import Output
from phoenix_plan.consent.signatures import AUTHOR, NAMESPACE, Signature, Signers, checked
from phoenix_plan.errors import HostError

GOOD = f'Good "{NAMESPACE}" signature with ED25519 key SHA256:abc+/9\n'
KEY = "ED25519 SHA256:abc+/9"
SIGNERS = Signers(allowed="allowed", revoked="revoked")
ALLOWED = Signers(allowed="allowed")


def ok(stdout: str = "") -> Output:
    return Output(exit_code=0, stdout=stdout.encode(), stderr=b"")


def no(stderr: str, stdout: str = "") -> Output:
    return Output(exit_code=255, stdout=stdout.encode(), stderr=stderr.encode())


@attrs.define
class Keygen:
    """Answers by the first argument; `verify` by the name that is asked for, and with `-r` by that
    too. Every question is kept."""

    answers: Mapping[str, Output]
    asked: list[str] = attrs.field(factory=list)

    def check(self, arguments: Sequence[str], *, message: bytes, signature: bytes) -> Output:
        assert (message, signature) == (b"message", b"signature")
        self.asked.append(" ".join(arguments))
        what = arguments[0]
        if what == "verify":
            what = f"{arguments[6]} revoked" if "-r" in arguments else arguments[6]
        return self.answers[what]


def judged(signers: Signers, **answers: Output) -> tuple[Signature, list[str]]:
    """The signature, and what ssh-keygen was asked."""
    keygen = Keygen({"check-novalidate": ok(GOOD), **_named(answers)})
    return checked(b"message", b"signature", signers, keygen), keygen.asked


def _named(answers: Mapping[str, Output]) -> dict[str, Output]:
    return {
        name.replace("find", "find-principals").replace("_revoked", " revoked"): one
        for name, one in answers.items()
    }


def test_what_is_asked_is_asked_of_our_namespace_and_of_the_hosts_files() -> None:
    """First the signature, then whose it is, then whether that one may sign, revoked or not."""
    found, asked = judged(SIGNERS, find=ok("ann\n"), ann_revoked=ok())
    assert found == Signature(key=KEY, names=("ann",))
    assert asked == [
        f"check-novalidate -n {NAMESPACE}",
        "find-principals -f allowed",
        f"verify -n {NAMESPACE} -f allowed -I ann -r revoked",
    ]


@pytest.mark.parametrize(
    ("flaw", "stderr"),
    [
        ("the approval was changed after it was signed",
            "Signature verification failed: incorrect signature\n"),
        (f"it was made for something else, not for {NAMESPACE}",
            "Couldn't verify signature: namespace does not match\n"),
        ("sshsig_armor: no header; and so on", "  sshsig_armor: no header\n\nand so on\n"),
        ("ssh-keygen refuses it", ""),
        ("ssh-keygen refuses it", "No principal matched.\n"),
    ],
)  # fmt: skip
def test_a_signature_that_is_not_right_is_nobodys(flaw: str, stderr: str) -> None:
    """Whatever else would be said of it."""
    found, asked = judged(SIGNERS, **{"check-novalidate": no(stderr, GOOD)})
    assert found == Signature(flaw=f"its signature is not right: {flaw}")
    assert len(asked) == 1


def test_a_key_is_everybodys_whom_it_may_sign_as() -> None:
    """find-principals told one of them; whom it names itself is not asked about twice."""
    said = {
        "check-novalidate": ok(GOOD), "find-principals": ok("ann\n"), "ann revoked": ok(),
        "bea revoked": ok(), "carl revoked": no(""), "carl": no("nothing of Carl's"),
    }  # fmt: skip
    keygen = Keygen(said)
    also = ("carl", "bea", "ann", "*@x", "bea")
    found = checked(b"message", b"signature", SIGNERS, keygen, also=also)
    assert found == Signature(key=KEY, names=("ann", "bea"))
    verify = f"verify -n {NAMESPACE} -f allowed -I"
    assert keygen.asked[2:] == [
        f"{verify} ann -r revoked", f"{verify} carl -r revoked", f"{verify} carl",
        f"{verify} bea -r revoked",
    ]  # fmt: skip
    said["ann revoked"], said["ann"] = no(""), ok()
    revoked = checked(b"message", b"signature", SIGNERS, Keygen(said), also=also)
    assert revoked.names == (), "who is named by others alone did not sign"
    assert revoked.flaw


def test_who_a_signature_is_by() -> None:
    assert Signature(key=KEY, names=("ann", "bea")).who == f"ann = bea ({KEY})"
    assert Signature(key=KEY, flaw="spoilt").who == ""


def test_a_plans_signature_is_one_of_its_author() -> None:
    """In a namespace of its own, through all that is asked."""
    good = GOOD.replace(NAMESPACE, AUTHOR)
    said = {"check-novalidate": ok(good), "find-principals": ok("ann\n"), "ann revoked": ok()}
    keygen = Keygen(said)
    found = checked(b"message", b"signature", SIGNERS, keygen, AUTHOR)
    assert found == Signature(key=KEY, names=("ann",))
    assert [one.split(" ")[2] for one in keygen.asked if one[0] != "f"] == ["phoenix-plan@v1"] * 2
    said["check-novalidate"] = no("Signature verification failed: incorrect signature\n", good)
    found = checked(b"message", b"signature", SIGNERS, Keygen(said), AUTHOR)
    assert found.flaw == (
        "its signature is not right: it is of another plan, or the plan was changed after it was "
        "signed"
    )


@pytest.mark.parametrize(
    "stdout",
    [
        "", GOOD * 2, GOOD.strip(), f"{GOOD}more\n", GOOD.replace(NAMESPACE, "git"),
        GOOD.replace("SHA256", "MD5"), GOOD.replace("ED25519", ""),
    ],
)  # fmt: skip
def test_what_phoenix_does_not_know_is_no_good_signature(stdout: str) -> None:
    """An exit status alone is none."""
    with pytest.raises(HostError, match="does not know"):
        judged(SIGNERS, **{"check-novalidate": ok(stdout)})


def test_without_allowed_signers_nobody_can_say_whose_key_it_is() -> None:
    assert judged(Signers(revoked="revoked"))[0] == Signature(key=KEY)


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (KEY, ok()),
        (KEY, no("No principal matched.\n")),
        (f"{KEY}; allowed:1: bad", no("allowed:1: bad\n", "ann\n")),
    ],
)
def test_a_key_that_nobody_has(reason: str, answer: Output) -> None:
    """Also where ssh-keygen fails and names somebody all the same."""
    found, _ = judged(SIGNERS, find=answer)
    assert found == Signature(key=KEY, flaw=f"nobody in allowed has its key ({reason})")


@pytest.mark.parametrize("name", ["*", "*@example.org", "an?", "!ann"])
def test_a_pattern_names_nobody(name: str) -> None:
    """It is not even asked for."""
    found, asked = judged(SIGNERS, find=ok(f"{name}\n"))
    assert found.names == ()
    assert found.flaw == f"allowed gives its key to {name}, a pattern, which names nobody ({KEY})"
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("flaw", "signers", "answers"),
    [
        ("ann may not sign with its key: expired", ALLOWED, {"ann": no("expired\n")}),
        ("ann may not sign with its key: ssh-keygen refuses it", ALLOWED, {"ann": no("")}),
        ("ann may not sign with its key: expired", SIGNERS,
            {"ann": no("expired\n"), "ann_revoked": no("revoked\n")}),
        ("the key of ann is revoked by revoked, or that file can't be read", SIGNERS,
            {"ann": ok(), "ann_revoked": no("revoked\n")}),
    ],
)  # fmt: skip
def test_whoever_may_not_sign(flaw: str, signers: Signers, answers: dict[str, Output]) -> None:
    """Now, or with a key that is revoked."""
    found, _ = judged(signers, find=ok("ann\n"), **answers)
    assert found == Signature(key=KEY, flaw=f"{flaw} ({KEY})")


def test_bytes_that_are_no_text_end_nothing() -> None:
    """ssh-keygen repeats what others have written."""
    odd = Output(exit_code=0, stdout=b"an\xff\n", stderr=b"")
    with pytest.raises(HostError, match="does not know"):
        judged(SIGNERS, **{"check-novalidate": odd})
    bad = attrs.evolve(odd, exit_code=255, stderr=b"no\xff")
    assert judged(SIGNERS, **{"check-novalidate": bad})[0].flaw.endswith(": no\ufffd")
    assert judged(ALLOWED, find=odd, **{"an\ufffd": ok()})[0].names == ("an\ufffd",)


def test_where_no_file_is_named_there_is_none() -> None:
    assert Signers() == Signers(allowed="", revoked="")
    assert Signature() == Signature(key="", names=(), flaw="")


def test_of_several_names_those_count_that_may_sign() -> None:
    """Each once, in the order of the file; where none may, every reason is told."""
    names = ok("ann\nbob\nann\n*\n")
    found, _ = judged(ALLOWED, find=names, ann=ok(), bob=no("expired"))
    assert found == Signature(key=KEY, names=("ann",))
    found, _ = judged(ALLOWED, find=names, ann=no("too old"), bob=no("expired"))
    assert found.names == ()
    assert "ann may not sign with its key: too old; bob may not" in found.flaw
    assert "a pattern" in found.flaw
