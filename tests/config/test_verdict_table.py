"""The part of the lab's verdict table that needs no host: what the config refuses."""

from pathlib import Path

import pytest

from tests.lab.verdicts import Phoenix, Row, Zpool, load_table

TABLE = load_table()


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.name)
def test_what_cannot_be_declared(row: Row, tmp_path: Path) -> None:
    """The config refuses what the table says, for that reason, and nothing else."""
    said = TABLE.declared(row, tmp_path)
    if Phoenix.UNDECLARABLE in row.phoenix.values():
        assert {*row.phoenix.values()} == {Phoenix.UNDECLARABLE}
        assert isinstance(said, str)
        assert [text for texts in row.because.values() for text in texts if text not in said] == []
    else:
        assert not isinstance(said, str), said


def test_phoenix_is_never_laxer() -> None:
    """No row has phoenix do without consent what a zpool refuses without force."""
    laxer = [
        row.name
        for row in TABLE.rows
        for version, answer in row.phoenix.items()
        if answer is Phoenix.DOES and row.zfs[version] is Zpool.REFUSED
    ]
    assert laxer == []
