"""No document can hold a storage's secret, whoever put one into storage.cfg or a config."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_plan import codec
from phoenix_plan.config import load_config
from phoenix_plan.errors import DocumentError, PhoenixError
from phoenix_plan.model.desired import Removed
from phoenix_plan.model.storage_types import SECRETS
from phoenix_plan.plan import make_plan
from phoenix_plan.probes.storage_cfg import parse_storage_cfg
from tests.builders import actual, desired

SECRET = "hunter2hunter2"  # noqa: S105 - what the tests look for

SECTIONS = {
    "password": f"cifs: files\n\tserver 192.0.2.1\n\tshare vm\n\tpassword {SECRET}\n",
    "keyring": f"rbd: ceph\n\tpool rbd\n\tkeyring {SECRET}\n",
    "encryption-key": f"pbs: safe\n\tserver 192.0.2.1\n\tdatastore a\n\tencryption-key {SECRET}\n",
    "master-pubkey": f"pbs: safe\n\tserver 192.0.2.1\n\tdatastore a\n\tmaster-pubkey {SECRET}\n",
}


def test_every_secret_is_tried() -> None:
    """The sections above name each key that counts as one."""
    assert SECTIONS.keys() == SECRETS


def documents(section: str) -> tuple[str, str]:
    """The state of a host with that section, and a plan that removes the storage."""
    storages = parse_storage_cfg(section.encode(), "storage.cfg")
    state = actual(storages=storages.storages, directories={})
    names = tuple(one.id for one in storages.storages if one.id != "local")
    gone = desired(removed=Removed(storages=names))
    return codec.state_to_json(state), codec.plan_to_json(make_plan(gone, state))


@pytest.mark.parametrize("key", sorted(SECRETS))
def test_a_secret_in_storage_cfg_is_in_no_document(key: str) -> None:
    """Neither in the state nor in a plan that names every property of the storage."""
    state, plan = documents(SECTIONS[key])
    assert SECRET not in state
    assert SECRET not in plan
    assert json.loads(plan)["actions"], "the plan says nothing about the storage at all"


@pytest.mark.parametrize(
    "line", ["chappassword x", "api_key x", "secret x", "token x", "private-key x"]
)
def test_a_secret_of_a_foreign_plugin_is_in_no_document(line: str) -> None:
    """Plugins of others keep theirs in storage.cfg, under names of their own."""
    state, plan = documents(f"foreign: far\n\t{line.replace(' x', f' {SECRET}')}\n")
    assert SECRET not in state
    assert SECRET not in plan


@pytest.mark.parametrize("line", [f"options vers=3.0,password={SECRET}", f"options pass={SECRET}"])
def test_a_secret_in_mount_options_is_in_no_document(line: str) -> None:
    """mount.cifs(8) takes a password among the options."""
    section = f"cifs: files\n\tserver 192.0.2.1\n\tshare vm\n\t{line}\n"
    state, plan = documents(section)
    assert SECRET not in state
    assert SECRET not in plan


@pytest.mark.parametrize("key", sorted(SECRETS))
def test_a_secret_in_a_config_is_refused_unseen(tmp_path: Path, key: str) -> None:
    """It is an error, and the error does not say the secret."""
    storage = {"id": "ab", "type": "pbs", "server": "x", "datastore": "y", key: SECRET}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"zfs": {"arc_max_gb": 1}, "proxmox": {"storages": [storage]}}))
    with pytest.raises(DocumentError, match="is a secret, and no config") as caught:
        load_config(str(path))
    assert SECRET not in str(caught.value)


def test_an_unreadable_section_is_not_quoted() -> None:
    """An error about a section does not say what its lines hold."""
    section = f"cifs: files\n\tserver 192.0.2.1\n\tpassword {SECRET}\n\tpassword {SECRET}\n"
    with pytest.raises(PhoenixError) as caught:
        parse_storage_cfg(section.encode(), "storage.cfg")
    assert SECRET not in str(caught.value)
