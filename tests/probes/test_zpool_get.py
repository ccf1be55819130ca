"""zpool-get(8) and how it joins zpool-status(8)."""

from __future__ import annotations

import pytest

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.pools import Property
from phoenix_plan.probes.zpool_get import parse_pool_properties
from phoenix_plan.probes.zpool_status import PoolStatus, assemble_pools
from tests.probes.zfs_recordings import printed

TANK = PoolStatus(
    name="tank", state="ONLINE", status="", vdevs=(), activities=(), checkpoint=False, errors=""
)
LINES = "tank\tguid\t7\t-\ntank\tsize\t30\t-\ntank\tallocated\t10\t-\ntank\tfree\t20\t-\n"


def test_properties_and_features() -> None:
    """Features stand apart; a user property's value may hold tabs, newlines and `local`."""
    text = (
        "my pool\tcomment\thello  there\tlocal\n"
        "my pool\tfeature@lz4_compress\tactive\tlocal\n"
        "my pool\torg.x:note\tone\ttwo\nlocal\nthree\tlocal\n"
        "my pool\tunsupported@com.x:y\tinactive\tlocal\n"
    )
    assert {
        "my pool": (
            {
                "comment": Property(value="hello  there", source="local"),
                "org.x:note": Property(value="one\ttwo\nlocal\nthree", source="local"),
                "unsupported@com.x:y": Property(value="inactive", source="local"),
            },
            {"feature@lz4_compress": "active"},
        )
    } == parse_pool_properties(printed(text))


def test_no_pools() -> None:
    """`zpool get -H` prints nothing where there is no pool; older ones may say so."""
    assert parse_pool_properties(printed("")) == {}
    assert parse_pool_properties(printed("", exit_code=1, stderr="no pools available\n")) == {}


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("zpool get:2: not a pool", "tank\tguid\t7\t-\n\n"),
        ("zpool get:1: not a pool", "tank\tguid\n"),
        ("zpool get:1: no source", "tank\tguid\t7\tinvented\n"),
        ("zpool get:1: no source", "tank\tguid\t7\n"),
        ("zpool get:1: no source", "tank\tcomment\ta\tb\tlocal\n"),
        ("zpool get:2: tank: guid is told twice", "tank\tguid\t7\t-\ntank\tguid\t8\t-\n"),
        ("zpool get:1: no source", "tank\torg.x:note\tone\ntwo\n"),
        ("zpool get:1: not a pool", "7tank\tguid\t7\t-\n"),
    ],
)
def test_unknown_text(said: str, text: str) -> None:
    """Each line is a record, or an error with its number."""
    with pytest.raises(ProbeError, match=said):
        parse_pool_properties(printed(text))


def test_assembled() -> None:
    """A pool takes its GUID and sizes from its properties."""
    (pool,) = assemble_pools((TANK,), parse_pool_properties(printed(LINES)))
    assert (pool.guid, pool.size, pool.allocated, pool.free) == ("7", 30, 10, 20)


def test_a_pool_that_could_not_be_opened() -> None:
    """Nobody knows its sizes; an opened one without a size is an error."""
    text = LINES.replace("30", "-").replace("10", "-").replace("20", "-")
    properties = parse_pool_properties(printed(text))
    lost = PoolStatus(
        name="tank",
        state="FAULTED",
        status="",
        vdevs=(),
        activities=(),
        checkpoint=False,
        errors="",
    )
    (pool,) = assemble_pools((lost,), properties)
    assert (pool.size, pool.allocated, pool.free) == (0, 0, 0)
    with pytest.raises(ProbeError, match="size is '-'"):
        assemble_pools((TANK,), properties)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("disagree on which pools there are: other", LINES + LINES.replace("tank", "other")),
        ("disagree on which pools there are: tank", ""),
        ("guid is ''", LINES.replace("guid", "gone")),
        ("guid is '-'", LINES.replace("\t7\t", "\t-\t")),
        ("free is ''", LINES.replace("free", "gone")),
    ],
)
def test_two_commands_that_disagree(said: str, text: str) -> None:
    """Status and properties speak of the same pools, or nothing is known."""
    with pytest.raises(ProbeError, match=said):
        assemble_pools((TANK,), parse_pool_properties(printed(text)))
