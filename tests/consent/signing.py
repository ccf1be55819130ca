"""Real SSH keys and signatures, made by the real ssh-keygen. A machine without it fails here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from phoenix_plan.consent.signatures import NAMESPACE
from tests.apply.machine import Machine

Json = dict[str, Any]


def keygen(*argv: str, stdin: bytes = b"") -> None:
    """Run ssh-keygen, and fail where it does."""
    assert shutil.which("ssh-keygen"), "ssh-keygen is missing: install openssh-client"
    subprocess.run(["ssh-keygen", *argv], input=stdin, check=True, capture_output=True, timeout=60)


class Rules:
    """The rules of a simulated host, and people with keys. `machine` is whose host it is."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = Path(f"{machine.path}.rules")
        self.folder.mkdir(mode=0o755)
        self.keys = machine.folder / "keys"
        self.keys.mkdir(mode=0o700)

    def key(self, name: str, passphrase: str = "") -> Path:
        """The private key of that name, made when it is first asked for."""
        path = self.keys / name
        if not path.exists():
            keygen("-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(path))
        return path

    def public(self, name: str) -> str:
        """A public key, as a line of allowed_signers or revoked_keys has it."""
        self.key(name)
        return Path(f"{self.keys / name}.pub").read_text().strip()

    def allow(self, *lines: tuple[str, str], options: str = "") -> None:
        """Write allowed_signers: who may sign with which key."""
        text = "".join(f"{who} {options} {self.public(key)}\n" for who, key in lines)
        self.write("allowed_signers", text)

    def revoke(self, *keys: str) -> None:
        """Write revoked_keys."""
        self.write("revoked_keys", "".join(f"{self.public(key)}\n" for key in keys))

    def policy(self, **rules: Any) -> None:
        """Write policy.json."""
        self.write("policy.json", json.dumps({"format_version": "1.0", **rules}))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder, as root would."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return path

    def approve(self, key: str, *argv: str, output: str = "") -> Path:
        """phoenix approve --sign, with that key; gives the approval's path."""
        target = self.machine.folder / (output or f"plan.{key}.approval.json")
        flags = (*(argv or ("--all",)), "--sign", str(self.key(key)), "-o", str(target))
        called = self.machine.approve(*flags)
        assert called.code == 0, called.err
        return target

    def sign(self, path: Path, key: str, namespace: str = NAMESPACE) -> None:
        """Sign a file as it is, with ssh-keygen itself."""
        signature = Path(f"{path}.sig")
        signature.unlink(missing_ok=True)
        keygen("-q", "-Y", "sign", "-n", namespace, "-f", str(self.key(key)), str(path))
        assert signature.exists()

    def forge(self, path: Path, key: str, **changes: Any) -> None:
        """Another approval than was made, signed properly all the same."""
        text = json.loads(path.read_text())
        path.write_text(json.dumps({**text, **changes}))
        self.sign(path, key)

    def verify(self, *argv: str) -> Any:
        """phoenix verify"""
        path = str(self.machine.plan_path)
        return self.machine.call("verify", path, "--host", self.machine.sim, *argv)
