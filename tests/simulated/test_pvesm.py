"""The simulated `pvesm` does what the recorded one did, command by command."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from phoenix_plan.hosts.simulated.pvesm import pvesm

TRANSCRIPT = Path(__file__).parents[2] / "fixtures/recordings/pvesm-9.1.7/transcript.json"
STEPS: list[dict[str, Any]] = json.loads(TRANSCRIPT.read_text("utf-8"))

WORLD: dict[str, Any] = {
    "file": "t/storage.cfg",
    "node": "pve1",
    "datasets": {"tank": "/tank", "tank/a": "/tank/a", "tank/b": "/tank/b"},
    "mounted": [],
}
"""What was around the recorded command: the pool and the datasets are there, nothing is mounted."""


def comparable(text: str | None) -> str | None:
    """storage.cfg with its lists sorted: PVE writes them in the order of a hash."""
    if text is None:
        return None
    return re.sub(
        r"^\t(content|nodes) (.*)$",
        lambda match: f"\t{match[1]} {','.join(sorted(match[2].split(',')))}",
        text,
        flags=re.MULTILINE,
    )


def before(step: dict[str, Any]) -> str | None:
    """The file before. The recording normalised line ends, and this note says what they were."""
    text: str | None = step["before"]
    return text.replace("\n", "\r\n") if text and step["note"] == "CRLF line ends" else text


def argv_of(step: dict[str, Any]) -> list[str]:
    """The command. The right digest is that of the text here: the recorded one is of another text,
    with longer paths."""
    argv: list[str] = step["argv"]
    if step["note"] != "right digest":
        return argv
    digest = hashlib.sha1(step["before"].encode(), usedforsecurity=False).hexdigest()
    return [digest if argv[at - 1] == "--digest" else word for at, word in enumerate(argv)]


@pytest.mark.parametrize("step", STEPS, ids=[step["note"] for step in STEPS])
def test_transcript(step: dict[str, Any]) -> None:
    """Exit status, both outputs and the file afterwards are the recorded ones."""
    code, stdout, stderr, after = pvesm(argv_of(step), before(step), WORLD)
    expected = (step["rc"], step["stdout"], step["stderr"], comparable(step["after"]))
    assert expected == (code, stdout, stderr.replace("\r\n", "\n"), comparable(after))


def test_the_transcript_is_whole() -> None:
    """All 37 commands are there."""
    assert len(STEPS) == 37


FILE = "dir: local\n\tpath /var/lib/vz\n\tcontent iso\n\nzfspool: z1\n\tpool tank/a\n\n"


@pytest.mark.parametrize(
    ("code", "stderr", "argv"),
    [
        (255, "update storage failed: storage 'nope' does not exist\n", "set nope --disable 1"),
        (2, "400 not enough arguments\npvesm set <storage> [OPTIONS]\n", "set"),
        (2, "400 too many arguments\npvesm remove <storage>\n", "remove z1 z2"),
        (255, "ERROR: unknown command 'pvesm frob'\n", "frob"),
        (2, "unexpected property 'path'\n", "add zfspool z2 --pool tank/a --path /x"),
        (
            255,
            "create storage failed: could not activate storage 'z2', zfs error: cannot import"
            " 'gone': no such pool available\n",
            "add zfspool z2 --pool gone/a",
        ),
        (
            255,
            "update storage failed: storage does not support content type 'none'\n",
            "set z1 --content backup",
        ),
    ],
)
def test_refusals(code: int, stderr: str, argv: str) -> None:
    """What is refused leaves the file as it was; the last line of the error tells why."""
    got, _, said, after = pvesm(["pvesm", *argv.split()], FILE, WORLD)
    assert (code, FILE) == (got, after)
    assert said.endswith(stderr)


def test_what_a_write_loses() -> None:
    """Comments and unknown sections are gone after any write, and a type's default is written."""
    text = "# mine\n" + FILE + "frobnic: f1\n\tpool x\n\n"
    code, _, said, after = pvesm(["pvesm", "set", "z1", "--sparse", "1"], text, WORLD)
    assert code == 0
    assert "(skip section 'f1'): unsupported type 'frobnic'\n" in said
    assert after == FILE.removesuffix("\n") + "\tcontent images,rootdir\n\tsparse 1\n\n"


def test_secrets_are_not_in_the_file() -> None:
    """A password goes to /etc/pve/priv."""
    argv = "pvesm add cifs c1 --server s --share d --username u --password geheim --disable 1"
    code, _, _, after = pvesm(argv.split(), None, WORLD)
    assert code == 0
    assert after is not None
    assert "geheim" not in after
    assert "\tusername u\n" in after
