"""Which machine this is."""

from __future__ import annotations

import pytest

from phoenix_plan.commands import Output
from phoenix_plan.errors import PhoenixError, ProbeError, StateError
from phoenix_plan.probes.host import (
    Membership,
    has_pmxcfs,
    machine_digest,
    parse_hostid,
    parse_hostname,
    parse_members,
    parse_packages,
)
from phoenix_plan.probes.tables import parse_mounts

PVE = b"libpve-storage-perl\t9.1.7\tinstalled\npve-manager\t9.1.9\tinstalled\n"
FUSE = b"/dev/fuse /etc/pve fuse rw,relatime,user_id=0,group_id=0,default_permissions 0 0\n"


def test_the_digest_is_the_one_that_systemd_makes() -> None:
    """Compared with `systemd-id128 machine-id -a 00e892ac…` of systemd 252."""
    digest = machine_digest(b"3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    assert digest == "4d82bd3b5314483c9d5dfa3708bb9e2a"


@pytest.mark.parametrize("data", [None, b"", b"uninitialized\n", b"3d12\n", b"3D1219C7" * 4])
def test_a_host_without_an_id_is_not_planned_for(data: bytes | None) -> None:
    """machine-id(5): 32 lower-case digits; `uninitialized` before the first boot is over."""
    with pytest.raises(StateError, match="no machine-id"):
        machine_digest(data)


@pytest.mark.parametrize(
    ("expected", "parameter", "file"),
    [
        ("37487e0c", b"0\n", bytes.fromhex("0c7e4837")),
        ("37487e0c", b"927497740\n", bytes.fromhex("00000001")),
        ("00000001", b"4294967297\n", None),
        ("00000000", b"0\n", None),
        ("00000000", b"0\n", b"\x0c\x7e"),
        ("37487e0c", None, bytes.fromhex("0c7e483700")),
    ],
)
def test_hostid(expected: str, parameter: bytes | None, file: bytes | None) -> None:
    """The module's parameter before the file."""
    assert expected == parse_hostid(parameter, file)


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        (("9.1.9", "9.1.7"), Output(exit_code=0, stdout=PVE, stderr=b"")),
        (("", ""), Output(exit_code=127, stdout=b"", stderr=b"", missing=True)),
        (
            ("", ""),
            Output(
                exit_code=1,
                stdout=b"",
                stderr=b"dpkg-query: no packages found matching pve-manager\n"
                b"dpkg-query: no packages found matching libpve-storage-perl\n",
            ),
        ),
        (
            ("8.4.1", ""),
            Output(
                exit_code=0,
                stdout=b"pve-manager\t8.4.1\thalf-configured\n"
                b"libpve-storage-perl\t8.3.6\tconfig-files\n",
                stderr=b"",
            ),
        ),
    ],
)
def test_packages(expected: tuple[str, str], output: Output) -> None:
    """What is half installed is there: its guests may be, too."""
    assert expected == parse_packages(output)


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        (Membership(node="pve", quorate=None), None),
        (Membership(node="alpha", quorate=None), b'{"nodename":"alpha","version":0}'),
        (
            Membership(node="alpha", quorate=True),
            b'{"nodename":"alpha","cluster":{"name":"c","nodes":3,"quorate":1},"nodelist":{}}',
        ),
        (
            Membership(node="alpha", quorate=False),
            b'{"nodename":"alpha","cluster":{"name":"c","nodes":3,"quorate":0}}',
        ),
    ],
)
def test_members(expected: Membership, data: bytes | None) -> None:
    """A standalone node has no `cluster`."""
    assert expected == parse_members(data, "pve.example.org")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (True, FUSE),
        (False, b""),
        (False, b"/dev/sda1 /etc/pve ext4 rw 0 0\n"),
        (False, FUSE + b"tmpfs /etc/pve tmpfs rw 0 0\n"),
    ],
)
def test_pmxcfs(expected: bool, text: bytes) -> None:
    """A folder that is called /etc/pve is no pmxcfs, nor is one that is mounted over."""
    assert expected == has_pmxcfs(parse_mounts(b"proc /proc proc rw 0 0\n" + text))


@pytest.mark.parametrize(
    ("message", "parse"),
    [
        ("no name", lambda: parse_hostname(b"\n")),
        ("no host id", lambda: parse_hostid(b"0x37\n", None)),
        ("exit status 2", lambda: parse_packages(Output(exit_code=2, stdout=b"", stderr=b"?"))),
        ("without a word", lambda: parse_packages(Output(exit_code=1, stdout=b"", stderr=b""))),
        (
            "no package's state",
            lambda: parse_packages(
                Output(exit_code=0, stdout=b"pve-manager\t9\tbroken\n", stderr=b"")
            ),
        ),
        ("list of members", lambda: parse_members(b"{}", "a")),
        ("list of members", lambda: parse_members(b"", "a")),
        ("list of members", lambda: parse_members(b'{"nodename":""}', "a")),
        (
            "list of members",
            lambda: parse_members(b'{"nodename":"a","cluster":{"quorate":2}}', "a"),
        ),
    ],
)
def test_what_is_not_known_raises(message: str, parse: object) -> None:
    """Who a host is, is never guessed."""
    assert callable(parse)
    with pytest.raises(PhoenixError, match=message) as caught:
        parse()
    assert isinstance(caught.value, ProbeError)
