"""The part of the lab's verdict table that needs no host: what the config refuses."""

from pathlib import Path

import pytest

from tests.lab.verdicts import Phoenix, Row, Zpool, config_refusal, load_rows

ROWS = load_rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_cannot_be_declared(row: Row, tmp_path: Path) -> None:
    """The config refuses what the table says, for that reason, and nothing else."""
    said = config_refusal(row, tmp_path)
    if row.phoenix is Phoenix.UNDECLARABLE:
        assert said is not None
        assert [text for text in row.because if text not in said] == []
    else:
        assert said is None


def test_phoenix_is_never_laxer() -> None:
    """No row has phoenix do without consent what a zpool refuses without force."""
    laxer = [
        row.name
        for row in ROWS
        if row.phoenix is Phoenix.DOES and Zpool.REFUSED in row.zfs.values()
    ]
    assert laxer == []
