"""How a bad config is reported: all of it, in order, with hints, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_plan.config import load_config
from phoenix_plan.errors import DocumentError
from tests.config.texts import config, dataset, pool, problems, storages

A, B = (f"/dev/disk/by-id/wwn-0x{digit}" for digit in "12")

HOLLOW: dict[str, tuple[str | bytes, str]] = {
    "empty file": ("", "is empty"),
    "white space": (" \n\t\n", "is empty"),
    "no zfs": ('{"version": "1.0.0"}', "is missing"),
    "null": ("null", "must be an object, not null"),
    "a list": ("[]", "must be an object, not an array"),
    "zfs is null": ('{"zfs": null}', "must be an object, not null"),
    "zfs is empty": ('{"zfs": {}}', "declares nothing"),
    "empty lists": ('{"zfs": {"pools": [], "datasets": [], "removed": {}}}', "declares nothing"),
    "settings alone": (
        '{"zfs": {"settings": {"allow_destructive_operations": true}}}',
        "declares nothing",
    ),
    "pools is null": ('{"zfs": {"pools": null}}', "must be an array, not null"),
    "cut short": (config()[:-20], "is no JSON"),
    "two documents": (config() + "{}", "is no JSON"),
}


@pytest.mark.parametrize(("text", "rule"), HOLLOW.values(), ids=HOLLOW)
def test_nothing_is_never_taken_for_nothing_wanted(text: str | bytes, rule: str) -> None:
    """I13: an empty, cut or hollow config is an error."""
    assert rule in problems(text)[0].rule


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """I13: a missing file is an error that names it, and so is a folder."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(DocumentError, match="can't be read") as caught:
            load_config(str(path))
        assert str(path) in caught.value.message


def test_all_faults_together() -> None:
    """Schema and crossing faults of one file are reported at once, in the file's order."""
    text = config(
        pools=(
            '{"name": "tank", "raid_level": 7, "disks": ["/dev/sda"]}',
            pool("pond", "mirror", A),
        ),
        datasets=(
            dataset("data", '"propertys": "atime=off"'),
            dataset("x/y", of="pomd"),
            dataset("vol", '"type": "volume"', of="pond"),
        ),
        zfs='"arc_max": "1G"',
        top='"proxmox_storage_ids": []',
    )
    expected = [
        (4, "zfs.pools[0].raid_level"),
        (5, "zfs.pools[1].disks"),
        (8, "zfs.datasets[0].propertys"),
        (9, "zfs.datasets[1].pool"),
        (10, "zfs.datasets[2].volsize"),
        (12, "zfs.arc_max"),
        (14, "proxmox_storage_ids"),
    ]
    assert expected == [(problem.line, problem.path) for problem in problems(text)]


def test_a_broken_entry_is_not_blamed_on_others() -> None:
    """A dataset of a pool whose entry is wrong elsewhere is not said to have no pool."""
    text = config(
        pools=(pool("tank", "mirror", A, B, more=', "ashift": "12"'),), datasets=(dataset(),)
    )
    [problem] = problems(text)
    assert problem.path == "zfs.pools[0].ashift"


NEAREST = {
    "did you mean pools?": config(zfs='"pool": []'),
    "did you mean compression?": config(
        datasets=(dataset("data", '"properties": "compresion=lz4"'),)
    ),
    "did you mean tank?": config(datasets=(dataset(of="tnak"),)),
    "did you mean mirror?": config(pools=(pool("tank", "miror", A, B),)),
    "ZFS calls it mirror": config(pools=(pool("tank", "RAID1", A, B),)),
    "did you mean proxmox_content_type?": config(
        datasets=(dataset("data", '"proxmox_content_types": "iso"'),)
    ),
    "did you mean images?": config(
        datasets=(
            dataset("data", '"proxmox_storage_type": "zfspool", "proxmox_content_type": "image"'),
        )
    ),
}


@pytest.mark.parametrize(("hint", "text"), NEAREST.items(), ids=NEAREST)
def test_the_nearest_known_word_is_named(hint: str, text: str) -> None:
    """A typo is answered with what was probably meant."""
    [problem] = problems(text)
    assert hint == problem.hint


@pytest.mark.parametrize("key", ["password", "keyring", "encryption-key", "master-pubkey"])
@pytest.mark.parametrize("kind", ["cifs", "pbs", "rbd", "dir", "nonsense"])
def test_secrets_are_refused_and_never_shown(key: str, kind: str) -> None:
    """A secret in a storage's entry is an error, and no part of the report repeats it."""
    entry = json.dumps({"id": "st", "type": kind, key: "hunter2", "path": "/x"})
    text = config(top=storages(entry))
    found = problems(text)
    [mine] = [problem for problem in found if key in problem.path]
    assert mine.rule == "is a secret, and no config, plan or log holds one"
    assert mine.value is None
    assert "hunter2" not in "".join(map(str, found))


@pytest.mark.parametrize("key", ["pasword", "Password", "token"])
def test_unknown_keys_do_not_show_their_value(key: str) -> None:
    """A mistyped secret is one all the same."""
    entry = json.dumps({"id": "st", "type": "pbs", "server": "s", "datastore": "d", key: "hunter2"})
    assert "hunter2" not in "".join(map(str, problems(config(top=storages(entry)))))


def test_a_password_among_mount_options_is_refused_unseen() -> None:
    """Mount options of cifs can hold credentials."""
    entry = json.dumps(
        {
            "id": "st",
            "type": "cifs",
            "server": "s",
            "share": "x",
            "options": "vers=3.11,password=hunter2",
        }
    )
    found = problems(config(top=storages(entry)))
    assert [problem.path for problem in found] == ["proxmox.storages[0].options"]
    assert "hunter2" not in "".join(map(str, found))
