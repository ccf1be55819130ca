"""The way of the old script, each path from the command line to the changed host."""

from __future__ import annotations

import pytest

from tests.apply.machine import MIB, PHOTOS, Machine, by_id, host, pool, typing, want

TANK = pool("tank", "mirror", "A", "B", data={"referenced": 700 * MIB})


def occupied(letter: str) -> dict[str, object]:
    there = host()
    there["disks"][f"sd{letter.lower()}"]["signatures"] = [PHOTOS]
    return there


def test_a_pool_that_is_as_declared_is_said_to_be(machine: Machine) -> None:
    machine.has(host(TANK)).wants(want("tank", "mirror", "A", "B"))
    called = machine.just_apply()
    assert called.code == 0
    assert "tank: mirror of 2, ONLINE — as configured" in called.out
    assert "No changes." in called.out
    assert machine.untouched()


def test_a_mismatch_is_refused_in_safe_mode_and_explained(machine: Machine) -> None:
    machine.has(host(TANK)).wants(want("tank", "raidz1", "A", "B", "C"))
    called = machine.just_apply("--yes")
    assert called.code == 4
    assert "destroy pool tank" in called.err
    assert "a mirror cannot become a raidz1" in " ".join(called.err.split())
    assert "tank/data" in called.err
    assert machine.untouched()
    assert "tank/data" in machine.pools["tank"]["datasets"]


def test_a_mismatch_is_recreated_after_every_name_was_typed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(host(TANK)).wants(want("tank", "raidz1", "A", "B", "C"))
    with typing(monkeypatch, "yes", "tank", "ata-DISK_A", by_id("B")):
        called = machine.just_apply("--mode", "interactive")
    assert called.code == 0, called.err
    assert "everything on the pool is lost" in called.err
    assert machine.pools["tank"]["vdevs"][0]["type"] == "raidz"
    assert [one for one in machine.commands() if "destroy" in one] == ["zpool destroy tank"]
    assert "No changes" in machine.just_apply().out


@pytest.mark.parametrize(
    "typed",
    [
        ["no"],
        ["yes", "no"],
        ["yes", "tanks"],
        ["yes", "yes"],
        ["yes", "tank", "ata-DISK_A", "ata-DISK_A"],
        ["yes", "tank", "ata-DISK_A"],
        [],
    ],
)
def test_one_no_and_nothing_runs(
    typed: list[str], machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(host(TANK)).wants(want("tank", "raidz1", "A", "B", "C"))
    with typing(monkeypatch, *typed):
        called = machine.just_apply("--mode", "interactive")
    assert called.code == 4
    assert machine.untouched()


def test_a_missing_pool_is_created_on_blank_disks(machine: Machine) -> None:
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    assert machine.just_apply("--yes").code == 0
    assert machine.pools["tank"]["vdevs"][0]["type"] == "mirror"


def test_occupied_disks_are_refused(machine: Machine) -> None:
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"))
    called = machine.just_apply("--yes")
    assert called.code == 4
    assert "ext4 'photos', UUID 58e98b91-aaaa" in called.err
    assert machine.untouched()


def test_occupied_disks_are_wiped_after_consent(machine: Machine) -> None:
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"))
    assert machine.plan().code == 0
    assert machine.approve().code == 0
    assert machine.apply().code == 0
    assert machine.commands()[0] == f"zero {by_id('B')}"
    assert machine.commands()[1].startswith("zpool create")
    assert "tank" in machine.pools


def storage(*lines: str) -> list[str]:
    return ["zfspool: tank-vm", *(f"\t{line}" for line in lines), ""]


DATASET = {
    "name": "vm", "pool": "tank", "proxmox_storage_type": "zfspool",
    "proxmox_content_type": "images,rootdir",
}  # fmt: skip


def test_a_storages_content_is_changed(machine: Machine) -> None:
    there = host(pool("tank", "mirror", "A", "B", vm={}),
                 storage_cfg=storage("pool tank/vm", "content images"))  # fmt: skip
    machine.has(there).wants(want("tank", "mirror", "A", "B"), datasets=[DATASET])
    assert machine.just_apply("--yes").code == 0
    assert "content images,rootdir" in machine.storage_cfg.replace(
        "rootdir,images", "images,rootdir"
    )


def test_a_storage_that_lies_elsewhere_is_refused(machine: Machine) -> None:
    """PVE never changes the path: it would be unregistered, and that takes consent."""
    lines = ["dir: tank-vm", "\tpath /srv/vm", "\tcontent images", ""]
    there = host(pool("tank", "mirror", "A", "B", vm={}), storage_cfg=lines)
    declared = {**DATASET, "proxmox_storage_type": "dir", "proxmox_content_type": "images"}
    machine.has(there).wants(want("tank", "mirror", "A", "B"), datasets=[declared])
    called = machine.just_apply("--yes")
    assert called.code == 4
    assert "path is /srv/vm, declared is /tank/vm" in " ".join(called.err.split())
    assert "path /srv/vm" in machine.storage_cfg


MODES = ("safe", "interactive", "force-destructive")


@pytest.mark.parametrize(
    ("expected", "allow", "mode"),
    [
        (4, None, "safe"), (4, None, "interactive"), (0, None, "force-destructive"),
        (0, True, "safe"), (0, True, "interactive"), (0, True, "force-destructive"),
        (4, False, "safe"), (4, False, "interactive"), (4, False, "force-destructive"),
    ],
)  # fmt: skip
def test_the_configs_word_against_each_mode(
    expected: int, allow: bool | None, mode: str, machine: Machine
) -> None:
    """Without a plan's file, and without a terminal."""
    settings = {} if allow is None else {"allow_destructive_operations": allow}
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"), settings=settings)
    called = machine.just_apply("--yes", "--mode", mode)
    assert called.code == expected, called.err
    assert ("tank" in machine.pools) == (expected == 0)
    assert ("WITHOUT ASKING ANYONE" in called.err) == (allow is True)
    # What force destroys is shown all the same.
    assert "ext4 'photos'" in called.err


@pytest.mark.parametrize(
    ("expected", "allow", "mode", "given"),
    [
        (4, True, "safe", False), (0, True, "safe", True),
        (0, True, "force-destructive", False), (4, False, "force-destructive", False),
        (4, False, "force-destructive", True),
    ],
)  # fmt: skip
def test_the_configs_word_for_a_plans_file(
    expected: int, allow: bool, mode: str, given: bool, machine: Machine
) -> None:
    """`true` counts where apply itself is given the config; `false` counts always."""
    settings = {"allow_destructive_operations": allow}
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"), settings=settings)
    assert machine.plan().code == 0
    flags = ("-c", str(machine.config)) if given else ()
    assert machine.apply("--mode", mode, *flags).code == expected


def test_another_configs_true_does_not_count(machine: Machine) -> None:
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"))
    assert machine.plan().code == 0
    machine.wants(want("tank", "mirror", "A", "B"), settings={"allow_destructive_operations": True})
    called = machine.apply("-c", str(machine.config))
    assert called.code == 4
    assert "the plan was made of another config" in called.err


def test_an_approval_counts_whatever_the_config_says(machine: Machine) -> None:
    settings = {"allow_destructive_operations": False}
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"), settings=settings)
    assert machine.plan().code == 0
    assert machine.approve().code == 0
    assert machine.apply().code == 0


def test_each_command_says_the_next_one(machine: Machine) -> None:
    """As it can be pasted. A plan does not know in which file its config was."""
    machine.has(host()).wants(want("tank", "mirror", "A", "B"))
    state, again = str(machine.folder / "state.json"), machine.folder / "again.json"
    seen = machine.call("refresh", "--host", machine.sim, "-c", str(machine.config), "-o", state)
    assert f"Next: phoenix plan --state {state} -c {machine.config}\n" in seen.err
    made = machine.call("simulate", state, "-o", str(again))
    assert f"Next: phoenix plan --host sim:{again} -c CONFIG\n" in made.err
    machine.plan()
    assert f"Next: phoenix plan --host {machine.sim} -c CONFIG\n" in machine.apply().out


@pytest.mark.parametrize("approved", [False, True])
def test_nothing_is_left_of_the_live_line(
    approved: bool, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is awaited is gone before what came of it is told, a refusal too."""
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    if approved:
        machine.approve()
    with typing(monkeypatch):
        called = machine.apply()
    assert called.code == (0 if approved else 4)
    assert "Asking sim:" in called.err
    shown = [line.rpartition("\r\x1b[K")[2] for line in called.err.split("\n")]
    assert [line for line in shown if "Asking" in line] == []


def test_a_name_that_is_not_the_one_counts_as_no_and_is_said_to(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    with typing(monkeypatch, "DISK_B"):
        called = machine.apply("--mode", "interactive")
    assert called.code == 4
    assert "That is not its name, so it counts as no." in called.err
    assert machine.untouched()


def test_what_a_forged_plan_says_of_itself_is_not_repeated(machine: Machine) -> None:
    """It is refused before anybody reads that all of it is safe."""
    machine.has(occupied("B")).wants(want("tank", "mirror", "A", "B"))
    machine.plan()
    text = machine.plan_path.read_text(encoding="utf-8")
    machine.plan_path.write_text(text.replace('"destructive"', '"safe"'), encoding="utf-8")
    called = machine.apply()
    assert called.code == 65
    assert "0 destructive" not in called.err
