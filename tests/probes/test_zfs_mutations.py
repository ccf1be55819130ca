"""Damaged output gives a model or a ProbeError, never another exception."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.zfs_datasets import parse_datasets
from phoenix_plan.probes.zfs_version import parse_versions
from phoenix_plan.probes.zpool_get import parse_pool_properties
from phoenix_plan.probes.zpool_import import parse_import
from phoenix_plan.probes.zpool_status import assemble_pools
from phoenix_plan.probes.zpool_status_json import parse_status_json
from phoenix_plan.probes.zpool_status_text import parse_status_text
from tests.probes.zfs_recordings import DATA, QUERIES, answer
from tests.recordings import RECORDINGS

Parser = Callable[[dict[str, Output]], object]


def _data(name: str) -> Output:
    return Output(exit_code=0, stdout=(DATA / name).read_bytes(), stderr=b"")


def _pools(outputs: dict[str, Output]) -> object:
    return assemble_pools(
        parse_status_text(outputs["zpool-status-text"], outputs["zpool-status-guids"]),
        parse_pool_properties(outputs["zpool-get"]),
    )


PARSERS: dict[str, tuple[Parser, tuple[str, ...]]] = {
    "version": (lambda got: parse_versions(got["zfs-version"]), ("zfs-version",)),
    "json": (lambda got: parse_status_json(got["zpool-status-json"]), ("zpool-status-json",)),
    "pools": (_pools, ("zpool-status-text", "zpool-status-guids", "zpool-get")),
    "import": (lambda got: parse_import(got["zpool-import"]), ("zpool-import",)),
    "datasets": (
        lambda got: parse_datasets(got["zfs-list"], got["zfs-get-set"], got["zfs-list-snapshots"]),
        ("zfs-list", "zfs-get-set", "zfs-list-snapshots"),
    ),
}

MADE_UP: dict[str, tuple[str, ...]] = {
    "zpool-status-json": ("status-degraded.json",),
    "zpool-status-text": (
        "status-degraded.paths.txt",
        "status-2.1-wordings.txt",
        "status-2.4-wordings.txt",
    ),
    "zpool-status-guids": ("status-degraded.guids.txt",),
    "zpool-import": ("import-2.1.txt", "import-2.4.txt"),
}

RECORDED = {
    probe: [answer(folder, probe) for folder in RECORDINGS]
    + [_data(name) for name in MADE_UP.get(probe, ())]
    for probe in QUERIES
}

SNIPPETS = (
    *(b"\t", b"\n", b" ", b"  ", b"\x00", b"\xff", b"-", b"9" * 30, b"{", b"}", b"[]", b'"'),
    *(b"\t  ", b"  pool: x\n", b"config:\n", b"\tspares\n", b"ONLINE", b"  was /dev/x"),
    *("\u0660".encode(), b"null", b"true", b"1e999", b"NaN", b"\ttank", b"feature@", b"@", b":"),
)


@st.composite
def damaged(draw: st.DrawFn, output: Output) -> Output:
    """An output with a few bytes cut out, put in, doubled or moved; rarely another status."""
    text = output.stdout
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(at + draw(st.integers(0, 60)), len(text))
        piece = draw(st.sampled_from(SNIPPETS) | st.binary(max_size=4))
        text = draw(
            st.sampled_from(
                (
                    text[:at] + piece + text[end:],
                    text[:at] + text[at:end] * 2 + text[end:],
                    text[:at] + text[end:] + text[at:end],
                    b"".join(text.splitlines(keepends=True)[:-1]),
                )
            )
        )
    status = draw(st.sampled_from((output.exit_code, output.exit_code, output.exit_code, 1, 2)))
    return Output(exit_code=status, stdout=text, stderr=output.stderr)


@pytest.mark.parametrize("name", sorted(PARSERS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_output(name: str, data: st.DataObject) -> None:
    """One of a parser's outputs is damaged; it answers, or says where it was lost."""
    parser, probes = PARSERS[name]
    place = data.draw(st.integers(0, min(len(RECORDED[probe]) for probe in probes) - 1))
    outputs = {probe: RECORDED[probe][place] for probe in probes}
    hurt = data.draw(st.sampled_from(probes))
    outputs[hurt] = data.draw(damaged(data.draw(st.sampled_from(RECORDED[hurt]))))
    with suppress(ProbeError):
        parser(outputs)


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_undamaged_output(name: str) -> None:
    """What is damaged above parses as it is: the mutations start from something."""
    parser, probes = PARSERS[name]
    if name == "json":
        probes = ("zpool-status-json",)
        newer = [output for output in RECORDED["zpool-status-json"] if output.exit_code == 0]
        assert len(newer) == 17
        assert all(parser({"zpool-status-json": output}) is not None for output in newer)
        return
    for place in range(len(RECORDINGS)):
        assert parser({probe: RECORDED[probe][place] for probe in probes}) is not None
