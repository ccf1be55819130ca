"""Ways back that were asked for, on the host: put aside, kept, brought back, purged."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from phoenix_plan.commands import Output, Run, Write
from phoenix_plan.hosts.simulated import SimulatedHost
from phoenix_plan.refresh import refresh
from tests.apply.machine import Json, Machine, break_off, host, pool, want, watch, words

IS = want("tank", "mirror", "A", "B")
RETIRE = {"nets": {"retire": "30d"}}
SNAPSHOT = {"nets": {"snapshot": True}}


def there() -> Json:
    made = pool(
        "tank", "mirror", "A", "B",
        old={"guid": "88", "snapshots": {"monday": {}}}, old_in={"guid": "89"},
        lun={"type": "volume", "set": {"volsize": "2G"}},
    )  # fmt: skip
    made["guid"] = "11"
    return host(made)


GONE = {"datasets": [{"name": "tank/old", "guid": "88", "recursive": True}]}
ASIDE = "tank/phoenix-retired-88"


@pytest.fixture
def retired(machine: Machine) -> Machine:
    """A host on which tank/old was put aside."""
    machine.has(there()).wants(IS, settings=RETIRE, removed=GONE)
    assert machine.plan().code == 0
    assert machine.approve().code == 0
    called = machine.apply()
    assert called.code == 0, called.out + called.err
    return machine


def datasets(machine: Machine) -> Json:
    found: Json = machine.pools["tank"]["datasets"]
    return found


def test_a_dataset_that_goes_is_kept(retired: Machine) -> None:
    found = datasets(retired)
    assert {"tank/old", "tank/old/in"}.isdisjoint(found)
    kept, below = found[ASIDE], found[f"{ASIDE}/in"]
    assert kept["snapshots"]
    assert kept["set"]["readonly"] == "on"
    assert kept["set"]["phoenix:retired-from"] == "tank/old"
    assert kept["set"]["phoenix:kept-until"].startswith("20")
    assert [one["set"]["canmount"] for one in (kept, below)] == ["off", "off"]
    assert (kept["mounted"], below["mounted"]) == (False, False)


def test_it_is_kept_as_long_as_was_said_from_then_on(retired: Machine) -> None:
    (journal,) = retired.journals()
    (set_,) = (
        line["argv"] for line in journal
        if line["event"] == "command" and "readonly=on" in line["argv"]
    )  # fmt: skip
    until = next(word for word in set_ if word.startswith("phoenix:kept-until="))
    began = next(line["at"] for line in journal if line["event"] == "begin")
    kept = datetime.fromisoformat(until.partition("=")[2]) - datetime.fromisoformat(began)
    assert abs(kept - timedelta(days=30)) < timedelta(minutes=10)


def test_the_next_plan_leaves_it_alone(retired: Machine) -> None:
    called = retired.plan()
    assert called.code == 0
    assert "No changes" in called.out
    assert f"is kept as {ASIDE} until" in retired.plan_path.read_text(encoding="utf-8")


def test_when_its_time_is_over_it_goes_with_an_approval_of_its_own(retired: Machine) -> None:
    def over(host: Json) -> None:
        kept = host["pools"][0]["datasets"][ASIDE]
        kept["set"]["phoenix:kept-until"] = "2020-01-01T00:00:00Z"

    retired.change(over)
    assert retired.plan().code == 0
    plan = json.loads(retired.plan_path.read_text(encoding="utf-8"))
    assert [row["code"] for row in plan["actions"]] == ["purges-dataset", "purges-dataset"]
    assert retired.apply().code == 4
    assert ASIDE in datasets(retired)
    assert retired.approve().code == 0
    called = retired.apply()
    assert called.code == 0, called.out + called.err
    assert not any("old" in name or "retired" in name for name in datasets(retired))


def test_its_undo_brings_it_back(retired: Machine) -> None:
    """Word by word, as a person would type it."""
    plan = json.loads(retired.plan_path.read_text(encoding="utf-8"))
    (row,) = plan["actions"]
    sim = SimulatedHost(retired.path)
    for line in row["undo"].split("; "):
        output = sim.run(Run(argv=tuple(line.split())))
        assert output.exit_code == 0, (line, output.stderr)
    found = datasets(retired)
    assert found["tank/old"]["guid"] == "88"
    assert found["tank/old"]["set"] == {"canmount": "on"}
    assert found["tank/old"]["mounted"]
    assert found["tank/old/in"]["mounted"]


@pytest.mark.parametrize(
    ("code", "less"),
    [(0, True), (5, False)],
    ids=["a child that went by itself", "a child that has come since"],
)
def test_what_is_below_it_when_it_runs(machine: Machine, code: int, less: bool) -> None:
    machine.has(there()).wants(IS, settings=RETIRE, removed=GONE)
    assert machine.plan().code == 0
    assert machine.approve().code == 0

    def change(host: Json) -> None:
        known = host["pools"][0]["datasets"]
        if less:
            del known["tank/old/in"]
        else:
            known["tank/old/new"] = {**known["tank/old/in"], "guid": "90"}

    machine.change(change)
    called = machine.apply()
    assert called.code == code, called.out + called.err
    assert (ASIDE in datasets(machine)) is less


def test_a_volume_shrinks_over_a_snapshot(machine: Machine) -> None:
    lun = {"name": "lun", "pool": "tank", "type": "volume", "volsize": "1G"}
    machine.has(there()).wants(IS, settings=SNAPSHOT, datasets=[lun])
    assert machine.plan().code == 0
    assert machine.apply("--mode", "force-destructive").code == 0
    assert "phoenix-net-1" in datasets(machine)["tank/lun"]["snapshots"]
    assert machine.commands() == [
        "zfs snapshot tank/lun@phoenix-net-1",
        "zfs set volsize=1073741824 tank/lun",
    ]


def test_a_snapshot_that_is_gone_again_stops_the_change(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody destroys it between the two."""
    lun = {"name": "lun", "pool": "tank", "type": "volume", "volsize": "1G"}
    machine.has(there()).wants(IS, settings=SNAPSHOT, datasets=[lun])
    assert machine.plan().code == 0
    refreshes = iter(range(100))

    def look(*args: Any, **kwargs: Any) -> Any:
        seen = refresh(*args, **kwargs)
        kept = [evolve(one, snapshots={}) if one.name == "tank/lun" and next(refreshes) else one
                for one in seen.datasets]  # fmt: skip
        return evolve(seen, datasets=tuple(kept))

    monkeypatch.setattr("phoenix_plan.apply.session.refresh", look)
    called = machine.apply("--mode", "force-destructive")
    assert called.code == 7
    assert "there is no snapshot tank/lun@phoenix-net-1" in called.err
    assert machine.commands() == ["zfs snapshot tank/lun@phoenix-net-1"]


def test_without_its_snapshot_nothing_shrinks(machine: Machine) -> None:
    """Only the change is approved: it rests on the snapshot, and none of both runs."""
    lun = {"name": "lun", "pool": "tank", "type": "volume", "volsize": "1G"}
    machine.has(there()).wants(IS, settings=SNAPSHOT, datasets=[lun])
    assert machine.plan().code == 0
    assert machine.approve("--action", "set-dataset-properties:tank/lun").code == 0
    assert machine.apply("--approved-only").code in (0, 4)
    assert machine.untouched()


def test_what_is_kept_is_told_at_the_end(machine: Machine) -> None:
    lun = {"name": "lun", "pool": "tank", "type": "volume", "volsize": "1G"}
    settings = {"nets": {**RETIRE["nets"], **SNAPSHOT["nets"]}}
    machine.has(there()).wants(IS, settings=settings, removed=GONE, datasets=[lun])
    assert machine.plan().code == 0
    called = machine.apply("--mode", "force-destructive")
    assert f"tank/old is kept for 30d, as {ASIDE}." in called.out
    assert "tank/lun as it was is in tank/lun@phoenix-net-1." in called.out


def keep_until(moment: str) -> Any:
    """Somebody sets another time on what was put aside."""

    def change(host: Json) -> None:
        host["pools"][0]["datasets"][ASIDE]["set"]["phoenix:kept-until"] = moment

    return change


def test_a_time_that_was_set_since_keeps_a_resumed_purge_from_going_on(
    retired: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    retired.change(keep_until("2020-01-01T00:00:00Z"))
    assert retired.plan().code == 0
    assert retired.approve().code == 0
    break_off(retired, monkeypatch, f"zfs destroy {ASIDE}/in")
    retired.change(keep_until("2099-01-01T00:00:00Z"))
    called = retired.resume()
    assert called.code == 5, called.out + called.err
    assert "is to be kept until 2099-01-01T00:00:00Z" in " ".join(called.err.split())
    assert f"{ASIDE}/in" in datasets(retired)


def test_what_is_mounted_inside_another_is_unmounted_first(machine: Machine) -> None:
    """Where they mount decides, and not how they are called."""
    made = there()
    (tank,) = made["pools"]
    tank["datasets"]["tank/old/a"] = {"guid": "90", "set": {"mountpoint": "/srv/x/y"}}
    tank["datasets"]["tank/old/b"] = {"guid": "91", "set": {"mountpoint": "/srv/x"}}
    machine.has(made).wants(IS, settings=RETIRE, removed=GONE)
    assert machine.plan().code == 0
    called = machine.apply("--mode", "force-destructive")
    assert called.code == 0, called.out + called.err
    gone = [one for one in machine.commands() if one.startswith("zfs unmount")]
    assert gone.index("zfs unmount tank/old/a") < gone.index("zfs unmount tank/old/b")


def test_what_somebody_mounts_again_meanwhile_is_unmounted_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PVE's status daemon runs zfs mount -a whenever a zfspool storage is not active."""
    machine.has(there()).wants(IS, settings=RETIRE, removed=GONE)
    assert machine.plan().code == 0

    def mounts_all(write: Write) -> Output | None:
        if words(write).startswith("zfs unmount"):
            output = SimulatedHost(machine.path).run(write)
            SimulatedHost(machine.path).run(Run(argv=("zfs", "mount", "-a")))
            return output
        return None

    with monkeypatch.context() as patch:
        watch(patch, mounts_all)
        called = machine.apply("--mode", "force-destructive")
    assert called.code == 0, called.out + called.err
    assert not datasets(machine)[ASIDE]["mounted"]
    assert not datasets(machine)[f"{ASIDE}/in"]["mounted"]


def test_one_that_turns_out_to_be_in_use_still_mounts_at_the_next_boot(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the undo of the next plan knows that it did."""
    machine.has(there()).wants(IS, settings=RETIRE, removed=GONE)
    assert machine.plan().code == 0

    def busy(write: Write) -> Output | None:
        failed = Output(exit_code=1, stdout=b"", stderr=b"pool or dataset is busy")
        return failed if words(write) == "zfs unmount tank/old" else None

    with monkeypatch.context() as patch:
        watch(patch, busy)
        assert machine.apply("--mode", "force-destructive").code == 7
    assert "canmount" not in json.dumps(datasets(machine))
