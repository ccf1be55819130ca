"""zpool-import(8): every wording, and nothing else."""

from __future__ import annotations

import pytest

from phoenix_plan.commands import Output
from phoenix_plan.errors import ProbeError
from phoenix_plan.probes.zpool_import import (
    ImportCandidate,
    ImportVdev,
    Obstacle,
    parse_import,
)
from tests.probes.zfs_recordings import DATA, printed

CANDIDATES: dict[str, ImportCandidate] = {
    candidate.name: candidate
    for name in ("import-2.1.txt", "import-2.4.txt")
    for candidate in parse_import(printed((DATA / name).read_text(encoding="utf-8")))
}


def view(vdevs: tuple[ImportVdev, ...], depth: int = 0) -> list[str]:
    """A tree as lines: class, type and parity, state, name, note."""
    lines: list[str] = []
    for vdev in vdevs:
        kind = f"{vdev.type}{vdev.parity or ''}"
        note = f" ({vdev.note})" if vdev.note else ""
        lines.append(f"{'  ' * depth}{vdev.vdev_class} {kind} {vdev.state} {vdev.name}{note}")
        lines += view(vdev.children, depth + 1)
    return lines


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        (("ONLINE", None, False, False, False), "plain"),
        (("ONLINE", "last-used-elsewhere", True, False, False), "foreign"),
        (("UNAVAIL", "missing-devices", False, False, True), "short"),
        (("UNAVAIL", "missing-devices", False, False, True), "nolog"),
        (("FAULTED", "corrupt-pool", True, False, False), "broken"),
        (("FAULTED", "last-used-elsewhere", True, True, False), "remarked"),
        (("UNAVAIL", "imported-elsewhere", True, False, False), "held"),
        (("UNAVAIL", "features-read-only", False, False, False), "newer"),
        (("DEGRADED", "resilvering", False, False, False), "weak"),
        (("ONLINE", "features-disabled", False, False, False), "old"),
    ],
)
def test_what_is_said_of_a_pool(
    expected: tuple[str, str | None, bool, bool, bool], name: str
) -> None:
    """State, what stands against an import, who may have it, destroyed, whether more is there."""
    candidate = CANDIDATES[name]
    assert expected == (
        candidate.state,
        candidate.obstacle,
        candidate.maybe_active,
        candidate.destroyed,
        candidate.more_devices,
    )


def test_every_class_of_vdev() -> None:
    """Caches and spares come without a state, the other classes with one."""
    assert view(CANDIDATES["plain"].vdevs) == [
        "normal mirror ONLINE mirror-0",
        "  normal disk ONLINE virtio-DISK1",
        "  normal disk ONLINE virtio-DISK2",
        "cache disk None virtio-DISK3",
        "spare disk None virtio-DISK4",
        "spare disk None virtio-DISK5",
        "special disk ONLINE virtio-DISK6",
        "log mirror ONLINE mirror-2",
        "  log disk ONLINE virtio-DISK7",
        "  log disk ONLINE virtio-DISK8",
    ]


def test_full_paths() -> None:
    """With ZPOOL_VDEV_NAME_PATH leaves are paths; a file is one that is not below /dev."""
    assert view(CANDIDATES["weak"].vdevs) == [
        "normal raidz2 DEGRADED raidz2-0",
        "  normal disk ONLINE /dev/disk/by-id/ata-A",
        "  normal spare DEGRADED spare-1",
        "    normal disk UNAVAIL /dev/disk/by-id/ata-B (cannot open)",
        "    normal disk ONLINE /dev/disk/by-id/ata-C",
        "  normal file ONLINE /srv/disk image",
        "  normal disk OFFLINE /dev/disk/by-id/ata-E",
    ]
    assert CANDIDATES["weak"].vdevs[0].children[2].path == "/srv/disk image"


def test_missing_devices() -> None:
    """A device that nobody has seen is a GUID, without a path."""
    assert view(CANDIDATES["nolog"].vdevs) == [
        "normal disk ONLINE virtio-DISK1",
        "log disk UNAVAIL 87654321 (cannot open)",
    ]
    assert CANDIDATES["nolog"].vdevs[1].path == ""


def test_a_comment_is_its_own() -> None:
    """A comment that looks like a field starts no pool; the hint below it is the action's."""
    assert (CANDIDATES["remarked"].comment, CANDIDATES["remarked"].action) == (
        "pool: of the old server",
        "The pool cannot be imported due to damaged devices or data. The pool was destroyed, but"
        " can be imported using the '-Df' flags.",
    )


def listing(**fields: str) -> str:
    """One pool with these fields changed; an empty one is left out."""
    all_fields = {
        "pool": "tank",
        "id": "1",
        "state": "ONLINE",
        "status": "",
        "action": "The pool can be imported using its name or numeric identifier.",
        "see": "",
    } | fields
    lines = [f"{name.rjust(6)}: {value}\n" for name, value in all_fields.items() if value]
    return "".join(lines) + "config:\n\n\ttank    ONLINE\n\t  sda   ONLINE\n"


@pytest.mark.parametrize(
    ("obstacle", "status"),
    [
        ("missing-devices", "One or more devices are missing from the system."),
        ("corrupt-label", "One or more devices contains corrupted data."),
        ("corrupt-data", "The pool data is corrupted."),
        ("corrupt-pool", "The pool metadata is incomplete or corrupted."),
        ("offline-device", "One or more devices are offlined."),
        ("faulted-device", "One or more devices are faulted."),
        ("bad-log", "An intent log record cannot be read."),
        ("version-older", "The pool is formatted using a legacy on-disk version."),
        ("version-newer", "The pool is formatted using an incompatible version."),
        (
            "compatibility-unreadable",
            "Error reading or parsing the file(s) indicated by the 'compatibility'\n\tproperty.",
        ),
        (
            "features-beyond-compatibility",
            "One or more features are enabled on the pool despite not being\n"
            "\trequested by the 'compatibility' property.",
        ),
        (
            "features-unreadable",
            "The pool uses the following feature(s) not supported on this system:\n\tcom.x:y",
        ),
        (
            "hostid-required",
            "The pool has the multihost property on.  It cannot\n"
            "\tbe safely imported when the system hostid is not set.",
        ),
        ("errata", "Errata #4 detected."),
        (
            "block-size",
            "One or more devices are configured to use a non-native block size.\n"
            "\tExpect reduced performance.",
        ),
    ],
)
def test_every_status(obstacle: Obstacle, status: str) -> None:
    """Each status that `show_import` prints is told apart."""
    (candidate,) = parse_import(printed(listing(status=status)))
    assert obstacle == candidate.obstacle


@pytest.mark.parametrize(
    "output",
    [
        printed("", stderr="no pools available to import\n"),
        printed("", exit_code=1, stderr="no pools available to import\n"),
    ],
)
def test_none(output: Output) -> None:
    """Nothing to import is said on stderr, with either exit status."""
    assert parse_import(output) == ()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("zpool import:4: not known: 'status: The moon", listing(status="The moon is full.")),
        ("zpool import:4: not known: 'action: Pray", listing(action="Pray.")),
        ("zpool import:3: not known", listing(state="FINE")),
        ("zpool import:3: not known", listing(state="ONLINE (BROKEN)")),
        ("zpool import:2: not known", listing(id="0x1")),
        ("no id of a pool", listing(id="")),
        ("zpool import:1: not known", "huh\n" + listing()),
        ("zpool import:9: not known", listing() + "\t  sdb  FINE\n"),
        ("zpool import:10: not known", listing() + "\tsda   ONLINE\nx\n"),
        ("zpool import:10: not known", listing() + "\n\tMore to come.\n"),
        ("an indent that fits nothing", listing() + "\t        sdb   ONLINE\n"),
        ("'sda' is no type of vdev", listing() + "\t    sdb   ONLINE\n"),
        ("an indent that fits nothing", listing() + "\ttank   ONLINE\n"),
        ("not known", listing().replace("\ttank ", "\tother")),
        ("not known", listing().replace("config:", "config: The configuration is gone.")),
        ("zpool import:9: not known", listing() + "\t  sdb   UNAVAIL  on fire\n"),
    ],
)
def test_unknown_text(said: str, text: str) -> None:
    """A status, action, state, remark, heading or line that is not known is an error."""
    with pytest.raises(ProbeError, match=said):
        parse_import(printed(text))


def test_silence_is_no_answer() -> None:
    """Neither pools nor the sentence that there are none: an error."""
    with pytest.raises(ProbeError, match="printed nothing"):
        parse_import(printed(""))


def test_failure() -> None:
    """As who is not root."""
    with pytest.raises(ProbeError, match="exit status 1: cannot discover pools"):
        parse_import(printed("", exit_code=1, stderr="cannot discover pools: permission denied\n"))
