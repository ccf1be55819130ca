"""zfs-list(8) and zfs-get(8): three texts, one model, nothing lost or misread."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from phoenix_plan.errors import ProbeError
from phoenix_plan.model.datasets import Dataset, effective
from phoenix_plan.model.properties import NOT_INHERITED, SETTABLE, VOLUME_ONLY
from phoenix_plan.probes.zfs_datasets import LISTING, Defaults, parse_datasets
from tests.probes.zfs_recordings import printed

COLUMNS = LISTING.argv[-1].split(",")
PLAIN = dict.fromkeys(SETTABLE, "on") | {"quota": "0", "recordsize": "131072"}
VOLUME = dict.fromkeys(SETTABLE, "-") | {
    "compression": "on",
    "volsize": "1024",
    "volblocksize": "16384",
    "readonly": "off",
}


def row(name: str, *, kind: str = "filesystem", **values: str) -> str:
    """A line of the listing: these values, else those of a plain dataset."""
    fixed = {
        "name": name,
        "type": kind,
        "guid": "7",
        "used": "1",
        "available": "2",
        "referenced": "3",
        "usedbysnapshots": "4",
        "mounted": "yes" if kind == "filesystem" else "-",
        "origin": "-",
        "mountpoint": f"/{name}" if kind == "filesystem" else "-",
    }
    all_values = (PLAIN if kind == "filesystem" else VOLUME) | fixed | values
    return "\t".join(all_values[column] for column in COLUMNS) + "\n"


def read(listing: str, set_: str = "", snapshots: str = "") -> tuple[Defaults, dict[str, Dataset]]:
    """Defaults, and datasets by name."""
    defaults, datasets = parse_datasets(printed(listing), printed(set_), printed(snapshots))
    return defaults, {dataset.name: dataset for dataset in datasets}


def test_a_row() -> None:
    """Every column finds its field; `-` is nothing."""
    _, datasets = read(
        row("tank")
        + row("tank/vol", kind="volume", guid="18446744073709551615", origin="tank/a b@snap")
    )
    assert datasets["tank"] == Dataset(
        name="tank",
        guid=datasets["tank"].guid,
        type="filesystem",
        used=datasets["tank"].used,
        available=datasets["tank"].available,
        referenced=datasets["tank"].referenced,
        used_by_snapshots=datasets["tank"].used_by_snapshots,
        mountpoint="/tank",
        mounted=True,
    )
    volume = datasets["tank/vol"]
    assert (
        volume.guid,
        volume.used,
        volume.available,
        volume.referenced,
        volume.used_by_snapshots,
        volume.mountpoint,
        volume.mounted,
        volume.clone_of,
    ) == ("18446744073709551615", 1, 2, 3, 4, "", False, "tank/a b@snap")


def test_none() -> None:
    """With -H nothing is printed where nothing is there; without, ZFS says so."""
    nothing = printed("", stderr="no datasets available\n")
    assert parse_datasets(printed(""), printed(""), printed("")) == ({}, ())
    assert parse_datasets(nothing, nothing, nothing) == ({}, ())


def test_set_inherited_default() -> None:
    """What is set here, what comes from above, and what nobody set."""
    defaults, datasets = read(
        row("tank", compression="zstd")
        + row("tank/a", compression="zstd", recordsize="4096", quota="9")
        + row("tank/a/b", compression="zstd", recordsize="4096")
        + row("pond"),
        "tank\tcompression\tzstd\ntank/a\tquota\t9\ntank/a\trecordsize\t4096\n",
    )
    assert defaults["filesystem"]["compression"] == "on"
    assert (dict(datasets["tank/a"].set), dict(datasets["tank/a"].inherited)) == (
        {"quota": "9", "recordsize": "4096"},
        {"compression": "zstd"},
    )
    assert (dict(datasets["tank/a/b"].set), dict(datasets["tank/a/b"].inherited)) == (
        {},
        {"compression": "zstd", "recordsize": "4096"},
    )
    assert (dict(datasets["pond"].set), dict(datasets["pond"].inherited)) == ({}, {})


def test_defaults_where_everybody_has_set_it() -> None:
    """No default is invented: each dataset then says for itself."""
    defaults, datasets = read(
        row("tank", compression="zstd") + row("tank/a", compression="zstd"),
        "tank\tcompression\tzstd\n",
    )
    assert "compression" not in defaults["filesystem"]
    assert datasets["tank/a"].inherited == {"compression": "zstd"}


def test_properties_that_are_not_inherited() -> None:
    """A quota above says nothing of the quota below (zfsprops(7))."""
    defaults, datasets = read(row("tank", quota="9") + row("tank/a"), "tank\tquota\t9\n")
    assert defaults["filesystem"]["quota"] == "0"
    assert datasets["tank/a"].inherited == {}
    assert "quota" in NOT_INHERITED


def test_what_does_not_apply() -> None:
    """A volume has no recordsize: no default, no value."""
    defaults, datasets = read(row("tank") + row("tank/v", kind="volume"))
    assert "recordsize" not in defaults["volume"]
    assert effective(datasets["tank/v"], "recordsize", defaults) is None
    assert effective(datasets["tank/v"], "volblocksize", defaults) == "16384"
    assert effective(datasets["tank"], "nonsense", defaults) is None


def test_what_zfs_cannot_say() -> None:
    """A dataset whose key is not loaded prints `-` where its siblings have a value."""
    defaults, datasets = read(row("tank") + row("tank/sealed", utf8only="-") + row("tank/b"))
    assert datasets["tank/sealed"].inherited == {"utf8only": "-"}
    assert effective(datasets["tank/sealed"], "utf8only", defaults) is None
    assert effective(datasets["tank/b"], "utf8only", defaults) == "on"


def test_mountpoint() -> None:
    """Kept as it counts, and as it was set."""
    defaults, datasets = read(
        row("tank", mountpoint="/srv") + row("tank/a", mountpoint="/srv/a") + row("pond"),
        "tank\tmountpoint\t/srv\n",
    )
    assert [effective(each, "mountpoint", defaults) for each in datasets.values()] == [
        "/srv",
        "/srv/a",
        "/pond",
    ]
    assert (dict(datasets["tank"].set), dict(datasets["tank/a"].inherited)) == (
        {"mountpoint": "/srv"},
        {},
    )


def test_newer_properties_that_are_set() -> None:
    """`direct` is no column, and is seen where somebody set it."""
    assert read(row("tank"), "tank\tdirect\talways\n")[1]["tank"].set == {"direct": "always"}


def test_defaults_do_not_depend_on_order() -> None:
    """The value seen most often; the smallest of several."""
    pools = [row("p1", xattr="sa"), row("p2", xattr="dir"), row("p3", xattr="sa")]
    pools += [row("q1", xattr="dir"), row("q2", atime="off")]
    found = []
    for seed in range(20):
        random.Random(seed).shuffle(pools)  # noqa: S311 - no secret
        found.append(read("".join(pools))[0])
    assert found[0]["filesystem"]["xattr"] == "dir"
    assert found[0]["filesystem"]["atime"] == "on"
    assert all(found[0] == other for other in found)


def test_user_properties() -> None:
    """Any value: tabs, newlines, an empty line, words that look like another field."""
    text = (
        "tank\tcompression\tzstd\n"
        "tank\torg.x:tabs\ta\tb\t\tc\n"
        "tank\torg.x:lines\tone\n\ntwo\tthree\nfour\n"
        "tank\torg.x:empty\t\n"
        "tank/a\torg.x:last\tone\ntwo\n"
    )
    _, datasets = read(row("tank", compression="zstd") + row("tank/a"), text)
    assert datasets["tank"].set == {
        "compression": "zstd",
        "org.x:tabs": "a\tb\t\tc",
        "org.x:lines": "one\n\ntwo\tthree\nfour",
        "org.x:empty": "",
    }
    assert datasets["tank/a"].set == {"org.x:last": "one\ntwo"}


def test_a_value_that_looks_like_another_dataset() -> None:
    """Lines of a dataset stand together, native properties first, each once: a value that holds
    a line for another dataset is seen."""
    listing = row("tank") + row("tank/a", atime="off") + row("tank/b")
    after = "tank/a\tatime\toff\n"
    before = "tank\tphoenix:protected\ton\ntank\tx:note\thello\n"
    for line, text in (
        # Then comes the rest of tank, or what tank/b itself has.
        (4, f"{before}tank/b\tphoenix:protected\toff\ntank\tx:z\ty\n{after}"),
        (5, f"{before}tank/b\tphoenix:protected\toff\n{after}tank/b\tx:z\ty\n"),
        (3, f"{before}tank\tphoenix:protected\toff\n{after}"),
    ):
        with pytest.raises(ProbeError, match=f"zfs get:{line}: not known"):
            read(listing, text)
    with pytest.raises(ProbeError, match="zfs get:2"):
        read(listing, f"tank/a\tx:note\thello\n{after}")


@pytest.mark.parametrize(
    ("said", "set_"),
    [
        ("zfs get:1: not known", "huh\n"),
        ("zfs get:2: not known", "tank\tatime\ton\nhuh\n"),
        ("zfs get:1: not known", "tank\tatime\n"),
        ("zfs get:1: not known", "tank\tatime\ton\toff\n"),
        ("zfs get:1: pond is not as zfs list had it", "pond\tatime\ton\n"),
        ("zfs get:2: not known", "tank\tatime\ton\ntank\tatime\ton\n"),
        ("zfs get: atime of tank is not as", "tank\tatime\toff\n"),
        ("zfs get: mountpoint of tank is not as", "tank\tmountpoint\t/srv\n"),
        ("zfs get:1: not known", "tank\tAtime!\ton\n"),
    ],
)
def test_unknown_settings(said: str, set_: str) -> None:
    """Each line is a record, part of a user property's value, or an error."""
    with pytest.raises(ProbeError, match=said):
        read(row("tank"), set_)


@pytest.mark.parametrize(
    ("said", "listing"),
    [
        ("zfs list:1: not known", "tank\n"),
        ("zfs list:2: not known", row("tank") + "\n"),
        ("zfs list:2: not known", row("tank") + row("tank")),
        ("zfs list:1: not known", row("tank", kind="bookmark")),
        ("zfs list:1: not known", row("tank", guid="x")),
        ("zfs list:1: not known", row("tank", guid="")),
        ("zfs list:1: not known", row("tank", used="1.5K")),
        ("zfs list:1: not known", row("tank", available="-")),
        ("zfs list:1: not known", row("tank", mounted="maybe")),
        ("zfs list:1: not known", row("/tank")),
        ("zfs list:1: not known", row("tank").rstrip("\n") + "\tmore\n"),
        ("zfs list:1: not known: 'tank/a'", row("tank/a") + row("tank")),
    ],
)
def test_unknown_listing(said: str, listing: str) -> None:
    """As many columns as were asked for, numbers exact, parents first, each dataset once."""
    with pytest.raises(ProbeError, match=said):
        read(listing)


def test_snapshots_and_holds() -> None:
    """Snapshots by short name; only held ones have holds."""
    _, datasets = read(
        row("tank") + row("tank/a b"),
        "",
        "tank@one\t11\t0\ntank@two\t12\t2\ntank/a b@one\t13\t0\n",
    )
    assert (datasets["tank"].snapshots, datasets["tank"].holds) == (
        {"one": "11", "two": "12"},
        {"two": 2},
    )
    assert (datasets["tank/a b"].snapshots, datasets["tank/a b"].holds) == ({"one": "13"}, {})


@pytest.mark.parametrize(
    ("said", "snapshots"),
    [
        ("zfs list -t snapshot:1: not known", "tank\t1\t0\n"),
        ("zfs list -t snapshot:1: not known", "tank@\t1\t0\n"),
        ("zfs list -t snapshot:1: not known", "tank@a\t1\n"),
        ("zfs list -t snapshot:1: not known", "tank@a\t-\t0\n"),
        ("zfs list -t snapshot:1: not known", "tank@a\t1\t\n"),
        ("zfs list -t snapshot:2: not known", "tank@a\t1\t0\ntank@a\t2\t0\n"),
        ("zfs list -t snapshot:1: pond@a is not as zfs list had it", "pond@a\t1\t0\n"),
    ],
)
def test_unknown_snapshots(said: str, snapshots: str) -> None:
    """Each line is a snapshot of a dataset that was listed, or an error."""
    with pytest.raises(ProbeError, match=said):
        read(row("tank"), "", snapshots)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_command_that_fails(place: int) -> None:
    """Part of an answer is none: a dataset that can't be opened could be any."""
    outputs = [printed(row("tank")), printed(""), printed("")]
    outputs[place] = printed("", exit_code=1, stderr="cannot open 'tank': I/O error\n")
    with pytest.raises(ProbeError, match="exit status 1: cannot open 'tank': I/O error"):
        parse_datasets(outputs[0], outputs[1], outputs[2])


def host(count: int) -> tuple[str, str, str, Mapping[tuple[str, str], str]]:
    """A big host: pools of guests' volumes and subvolumes; and what counts, as `zfs get` has it."""
    listing, set_, snapshots = [row("tank", compression="lz4")], ["tank\tcompression\tlz4\n"], []
    listing.append(row("tank/data", compression="lz4"))
    said: dict[tuple[str, str], str] = {}
    for number in range(count):
        name = f"tank/data/vm-{number}-disk-0"
        own = {"volsize": str(1024 * (number % 20)), "refreservation": str(2048 * (number % 20))}
        if number % 3:
            own = {"refquota": str(number % 20)}
            listing.append(row(name, compression="lz4", **own))
        else:
            listing.append(row(name, kind="volume", compression="lz4", **own))
        set_ += [f"{name}\t{key}\t{value}\n" for key, value in own.items()]
        snapshots += [f"{name}@{day}\t{number}{day}\t0\n" for day in range(3)]
    for line in listing:
        values = dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True))
        said.update({(values["name"], key): values[key] for key in SETTABLE})
    return "".join(listing), "".join(set_), "".join(snapshots), said


def test_a_big_host_is_lossless() -> None:
    """`effective` is what counts, for each dataset and property."""
    listing, set_, snapshots, said = host(300)
    defaults, datasets = read(listing, set_, snapshots)
    assert {key: None if value == "-" else value for key, value in said.items()} == {
        (name, key): effective(dataset, key, defaults)
        for name, dataset in datasets.items()
        for key in SETTABLE
    }
    assert VOLUME_ONLY & set(defaults["volume"]) == {"volblocksize"}


def test_ten_thousand_datasets() -> None:
    """With 30,000 snapshots; how long it takes is measured in tests/benchmarks."""
    listing, set_, snapshots, _ = host(10_000)
    outputs = printed(listing), printed(set_), printed(snapshots)
    _, datasets = parse_datasets(*outputs)
    assert len(datasets) == 10_002
    assert sum(len(dataset.snapshots) for dataset in datasets) == 30_000
