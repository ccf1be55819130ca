"""`approve --sign`: with a key's file, with an agent, with a question on the terminal."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply.machine import Machine
from tests.cli.calls import Called
from tests.consent.signing import Rules, keygen

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse"  # noqa: S105 - of a key that lives for one test


def sign(machine: Machine, key: str | Path, *argv: str) -> Called:
    return machine.approve("--all", "--sign", str(key), *argv)


def left(machine: Machine) -> list[str]:
    """What of an approval is there."""
    return sorted(path.name for path in machine.folder.glob("*approval*"))


def test_the_signature_is_of_the_approvals_exact_bytes(rules: Rules) -> None:
    """As ssh-keygen itself checks it, without phoenix."""
    called = sign(rules.machine, rules.key("alice"))
    assert called.code == 0, called.err
    assert left(rules.machine) == ["plan.approval.json", "plan.approval.json.sig"]
    assert "Signed with ED25519 SHA256:" in called.err
    keygen(
        "-Y", "verify", "-n", "phoenix-approval@v1", "-I", "alice@example.org",
        "-f", str(rules.folder / "allowed_signers"), "-s", f"{rules.machine.approval}.sig",
        stdin=rules.machine.approval.read_bytes(),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_sign_too(kind: str, rules: Rules) -> None:
    key = rules.keys / kind
    keygen("-q", "-t", kind, "-N", "", "-f", str(key))
    rules.allow(("carol@example.org", kind))
    assert sign(rules.machine, key).code == 0
    assert rules.verify().code == 0


def test_a_key_that_an_authority_vouches_for(rules: Rules) -> None:
    """ssh-keygen(1), CERTIFICATES: the names are those of the certificate."""
    rules.key("authority")
    key = rules.key("carol")
    keygen("-q", "-s", str(rules.keys / "authority"), "-I", "c", "-n", "carol@example.org",
           f"{key}.pub")  # fmt: skip
    rules.write("allowed_signers", f"*@example.org cert-authority {rules.public('authority')}\n")
    assert sign(rules.machine, f"{key}-cert.pub").code == 0
    said = rules.verify()
    assert said.code == 0, said
    assert "carol@example.org" in said.out
    rules.write("allowed_signers", f"*@example.net cert-authority {rules.public('authority')}\n")
    assert rules.verify().code == 4


@pytest.fixture
def agent(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ssh-agent that holds alice's key; her private key's file is gone."""
    assert shutil.which("ssh-agent"), "ssh-agent is missing: install openssh-client"
    # A socket's path takes 107 bytes (unix(7)); pytest's folders may be longer.
    socket = Path(f"/tmp/phoenix-test-{os.getpid()}.agent")  # noqa: S108 - see above
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.05)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        key = rules.key("alice")
        subprocess.run(["ssh-add", "-q", str(key)], check=True, timeout=30, capture_output=True)
        key.unlink()
        yield Path(f"{key}.pub")
    finally:
        process.terminate()
        process.wait(10)
        socket.unlink(missing_ok=True)


def test_an_agent_signs_for_a_public_key(agent: Path, rules: Rules) -> None:
    assert sign(rules.machine, agent).code == 0
    assert rules.verify().code == 0


def test_a_public_key_that_nobody_holds(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    key = rules.key("alice")
    key.unlink()
    called = sign(rules.machine, f"{key}.pub")
    assert called.code == 1
    assert "No private key found for public key" in called.err
    assert "ssh-add -l" in called.err
    assert left(rules.machine) == []


def test_a_key_that_is_not_there_or_is_none(rules: Rules) -> None:
    """Nothing is written, not even the approval."""
    none = rules.machine.folder / "none"
    called = sign(rules.machine, none)
    assert called.code == 64
    assert f"--sign {none}: the key can't be read: No such file" in called.err
    none.write_text("no key\n")
    none.chmod(0o600)
    called = sign(rules.machine, none)
    assert called.code == 1
    assert "nothing was signed with" in called.err
    assert left(rules.machine) == []


def test_a_key_that_others_can_read_is_refused_by_ssh(rules: Rules) -> None:
    key = rules.key("alice")
    Path(f"{key}.pub").unlink()
    key.chmod(0o644)
    called = sign(rules.machine, key)
    assert called.code == 1
    assert "UNPROTECTED PRIVATE KEY FILE" in called.err
    assert left(rules.machine) == []


def test_a_key_whose_name_looks_like_a_flag(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    rules.key("alice").rename(rules.keys / "-Yverify")
    monkeypatch.chdir(rules.keys)
    assert sign(rules.machine, "-Yverify").code == 0


def test_without_ssh_keygen(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """To sign, and to check: said, and nothing is run or written."""
    key = rules.key("alice")
    rules.approve("alice")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(rules.machine.folder))
        patch.setattr("phoenix_plan.hosts.local._SYSTEM_PATH", str(rules.machine.folder))
        called = sign(rules.machine, key)
        assert called.code == 1
        assert "ssh-keygen is not installed" in called.err
        assert "openssh-client" in called.err
        checked = rules.machine.apply()
        assert checked.code == 1
        assert "no signature can be checked" in checked.err
    assert left(rules.machine) == ["plan.alice.approval.json", "plan.alice.approval.json.sig"]
    assert rules.machine.untouched()


def test_a_passphrase_that_nobody_can_be_asked_for(rules: Rules) -> None:
    """No terminal: nothing waits, nothing is taken from stdin, nothing is written."""
    called = sign(rules.machine, rules.key("locked", passphrase=PASSPHRASE))
    assert called.code == 1
    assert "incorrect passphrase" in called.err
    assert left(rules.machine) == []


def on_terminal(rules: Rules, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> tuple[int, str]:
    """approve --sign with a locked key on a terminal of its own, where `answer` is typed."""
    key = rules.key("locked", passphrase=PASSPHRASE)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    # A desktop's dialogue must not be preferred to the terminal.
    monkeypatch.setenv("DISPLAY", ":99")
    argv = [
        "setsid", "--ctty", "--wait", sys.executable, "-m", "phoenix_plan", "approve",
        str(rules.machine.plan_path), "--all", "--reason", "agreed", "--quiet", "--sign", str(key),
    ]  # fmt: skip
    terminal, its = pty.openpty()
    process = subprocess.Popen(argv, stdin=its, stdout=its, stderr=its, cwd=ROOT)
    os.close(its)
    shown, typed = b"", False
    deadline = time.monotonic() + 240
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # EIO: the other end is closed
                break
            if b"passphrase" in shown and not typed:
                typed = True
                os.write(terminal, answer)
        return process.wait(60), shown.decode(errors="replace")
    finally:
        process.kill()
        os.close(terminal)


def test_the_question_reaches_the_terminal(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so does the answer, though a desktop is there."""
    code, shown = on_terminal(rules, monkeypatch, f"{PASSPHRASE}\n".encode())
    assert "Enter passphrase" in shown
    assert code == 0, shown
    rules.allow(("locked@example.org", "locked"))
    assert rules.verify().code == 0


@pytest.mark.parametrize(("code", "answer"), [(1, b"wrong\n"), (1, b"\n"), (130, b"\x03")])
def test_a_passphrase_that_is_wrong_or_cancelled(
    code: int, answer: bytes, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written."""
    seen, shown = on_terminal(rules, monkeypatch, answer)
    assert seen == code, shown
    assert "Traceback" not in shown
    assert left(rules.machine) == []


def test_a_new_approval_takes_the_old_signature_along(rules: Rules) -> None:
    """Else it would look forged."""
    assert sign(rules.machine, rules.key("alice")).code == 0
    assert rules.machine.approve("--all").code == 0
    assert left(rules.machine) == ["plan.approval.json"]
    assert sign(rules.machine, rules.key("alice")).code == 0
    assert sign(rules.machine, rules.key("bob")).code == 0
    assert "bob@example.org" in rules.verify().out


def test_what_is_no_signature_is_not_overwritten(rules: Rules) -> None:
    other = Path(f"{rules.machine.approval}.sig")
    other.write_text("my notes\n")
    for argv in (("--sign", str(rules.key("alice"))), ()):
        called = rules.machine.approve("--all", *argv)
        assert called.code == 64
        assert "is no signature of phoenix's" in called.err
    assert left(rules.machine) == ["plan.approval.json.sig"]
    assert other.read_text() == "my notes\n"


def test_a_signature_has_no_place_on_stdout(rules: Rules) -> None:
    assert sign(rules.machine, rules.key("alice"), "-o", "-").code == 64


def test_somebody_elses_approval_is_not_overwritten(rules: Rules) -> None:
    """The hint says where the second one goes, and there apply finds it."""
    rules.policy(signatures=True, approvers=2)
    assert sign(rules.machine, rules.key("alice"), "--approver", "alice").code == 0
    first = rules.machine.approval.read_bytes()
    called = sign(rules.machine, rules.key("bob"), "--approver", "bob")
    assert called.code == 64
    assert "is the approval of this very plan by alice: it is not overwritten" in called.err
    other = rules.machine.folder / "plan.bob.approval.json"
    assert f"-o {other}" in called.err
    assert rules.machine.approval.read_bytes() == first
    done = sign(rules.machine, rules.key("bob"), "--approver", "bob", "-o", str(other))
    assert done.code == 0
    assert "--approval" not in done.err
    assert rules.verify().code == 0
    assert rules.machine.apply("--check").code == 0


def test_ones_own_is_and_so_is_one_of_another_plan(rules: Rules) -> None:
    assert sign(rules.machine, rules.key("alice"), "--approver", "alice").code == 0
    assert sign(rules.machine, rules.key("alice"), "--approver", "alice").code == 0
    rules.machine.plan()
    assert sign(rules.machine, rules.key("bob"), "--approver", "bob").code == 0
