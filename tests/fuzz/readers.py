"""Everything that reads what comes from outside, each with real inputs to damage."""

from __future__ import annotations

import functools
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs

from phoenix_plan.apply.applied import PlanKey, remember, runs_of
from phoenix_plan.apply.history import history, history_to_json
from phoenix_plan.apply.records import read_record
from phoenix_plan.apply.verify import verify
from phoenix_plan.commands import Answer, Content, Contents, Output, Paths, Read, Sample
from phoenix_plan.config import load_config
from phoenix_plan.consent.approval import refusal
from phoenix_plan.consent.bars import too_old
from phoenix_plan.consent.policy import Policy
from phoenix_plan.consent.presented import Presented, judge
from phoenix_plan.consent.signatures import Signers, checked
from phoenix_plan.errors import PhoenixError
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.hosts.simulated.document import BadDocument
from phoenix_plan.hosts.simulated.world_file import read_world
from phoenix_plan.probes import (
    arc,
    exports,
    host,
    inspection,
    lsblk,
    pci_mapping,
    references,
    storage_cfg,
    tables,
    volumes,
    zfs_datasets,
    zfs_version,
    zpool_get,
    zpool_import,
    zpool_progress,
    zpool_status,
    zpool_status_json,
    zpool_status_text,
)
from phoenix_plan.probes.inspector import inspect_disk
from phoenix_plan.probes.inspector_labels import Malformed, label_content, unpack
from phoenix_plan.stored import load_approval, load_plan_file, load_state, policy_of
from tests.fuzz.inputs import Parts
from tests.probes.devices import device, image, real_label
from tests.probes.zfs_recordings import DATA, answer
from tests.recorded_states import Watched, state_of
from tests.recordings import FIXTURES, RECORDINGS

SEEDS = Path(__file__).parent / "seeds"
PVE = FIXTURES / "pve"
IMAGES = Path(DATA) / "images"
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - nothing secret
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOURCE = "the-source"
"""What a document is called here: its errors have to name it."""


@attrs.frozen(kw_only=True)
class Reader:
    """`read` takes the parts of one input; the first `fixed` of them are not damaged. `own` are
    errors that its caller expects beside ours. `names` has to stand in every message."""

    read: Callable[..., object]
    seeds: Callable[[], Sequence[Parts]]
    fixed: int = 0
    own: tuple[type[Exception], ...] = ()
    names: str = ""

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What it may raise."""
        return (PhoenixError, *self.own)


def output(stdout: bytes, stderr: bytes, code: bytes) -> Output:
    """What a tool did, of three parts; 127 is a tool that is not there."""
    exit_code = code[0] if code else 0
    return Output(exit_code=exit_code, stdout=stdout, stderr=stderr, missing=exit_code == 127)


def parts_of(told: Answer) -> Parts:
    """The parts of an answer, to be put together again by `answered`."""
    match told:
        case Output():
            return (told.stdout, told.stderr, bytes([told.exit_code & 255]))
        case Content():
            return (told.data or b"",)
        case Contents():
            return tuple(data for _path, data in told.files)
        case Paths():
            return tuple(f"{link}\n{real}".encode() for link, real in told.entries)


def answered(told: Answer, parts: Parts) -> Answer:
    """An answer of the same kind with other parts."""
    match told:
        case Output():
            return output(*parts)
        case Content():
            return Content(data=parts[0])
        case Contents():
            paths = [path for path, _data in told.files]
            return Contents(files=tuple(zip(paths, parts, strict=True)))
        case Paths():
            halves = (part.decode(errors="surrogateescape").partition("\n") for part in parts)
            return Paths(entries=tuple((link, real) for link, _, real in halves))


class Remembering(Watched):
    """A host that remembers what it answered."""

    def __init__(self, folder: Path) -> None:
        super().__init__(RecordedHost(folder))
        self.told: dict[str, Answer] = {}

    def answer(self, probe: str, read: Read) -> Answer:
        """What was recorded."""
        return self.told.setdefault(probe, super().answer(probe, read))


@functools.cache
def recorded(folder: Path) -> Remembering:
    """A recorded host after a refresh: what it was asked, and what it said."""
    asked = Remembering(folder)
    state_of(asked)
    return asked


def told(*probes: str) -> Sequence[Parts]:
    """What the recordings answer to these probes, one after another."""
    hosts = [recorded(folder).told for folder in RECORDINGS]
    found = [
        [parts_of(one[probe]) for probe in probes] for one in hosts if set(probes) <= one.keys()
    ]
    return distinct(tuple(part for parts in each for part in parts) for each in found)


def distinct(found: Iterator[Parts] | Sequence[Parts]) -> Sequence[Parts]:
    """Each once."""
    return tuple(dict.fromkeys(found))


def printed(probe: str, *made_up: str) -> Sequence[Parts]:
    """What a ZFS tool printed when it was recorded, and what was written by hand."""
    outputs = [parts_of(answer(folder, probe)) for folder in RECORDINGS]
    return distinct([*outputs, *(((DATA / name).read_bytes(), b"", b"\0") for name in made_up)])


def files(*patterns: str, root: Path = FIXTURES) -> Sequence[Parts]:
    """What files of the fixtures hold."""
    return distinct([(path.read_bytes(),) for one in patterns for path in sorted(root.glob(one))])


def written(*texts: str) -> Callable[[], Sequence[Parts]]:
    """Short inputs of a format of which no file was recorded."""
    return lambda: tuple((text.encode(),) for text in texts)


def status_text() -> Sequence[Parts]:
    """`zpool status` by paths and by GUIDs."""
    pairs = [
        parts_of(answer(folder, "zpool-status-text"))
        + parts_of(answer(folder, "zpool-status-guids"))
        for folder in RECORDINGS
    ]
    by_hand = [(DATA / f"status-degraded.{way}.txt").read_bytes() for way in ("paths", "guids")]
    return distinct([*pairs, (by_hand[0], b"", b"\0", by_hand[1], b"", b"\0")])


def pools() -> Sequence[Parts]:
    """`zpool status -j` with `zpool get`."""
    return distinct(
        [
            parts_of(answer(folder, "zpool-status-json")) + parts_of(answer(folder, "zpool-get"))
            for folder in RECORDINGS
        ]
    )


def inspections() -> Sequence[Parts]:
    """Answers of the device script, with the number of the recording they are from."""
    hosts = [recorded(folder).told["inspect"] for folder in RECORDINGS]
    return tuple((str(at).encode(), *parts_of(one)) for at, one in enumerate(hosts))


def read_inspection(which: bytes, *parts: bytes) -> object:
    """An answer of the device script, to what was asked then."""
    asked = recorded(RECORDINGS[int(which)]).asked["inspect"]
    assert isinstance(asked, Sample)
    return inspection.parse_inspection(output(*parts), asked)


def answers(which: int) -> Sequence[Parts]:
    """Every answer that a recording gave: which one and to what, and its parts."""
    found = recorded(RECORDINGS[which]).told.items()
    return tuple(
        (str(which).encode(), probe.encode(), *parts)
        for probe, one in found
        if (parts := parts_of(one))
    )


def refreshed(which: bytes, probe: bytes, *parts: bytes) -> object:
    """A state of a recorded host one of whose answers is damaged."""
    folder, name = RECORDINGS[int(which)], probe.decode()
    replaced = answered(recorded(folder).told[name], parts)
    return state_of(Watched(RecordedHost(folder), **{name.replace("-", "_"): replaced}))


def disks() -> Sequence[Parts]:
    """Devices that real tools wrote: size and offsets, then what stands there."""
    found: list[Parts] = []
    for path in sorted(IMAGES.glob("*.json")):
        size, content, _seen = image(path.stem)
        found.append((json.dumps([size, *content]).encode(), *content.values()))
    return found


def read_disk(places: bytes, *contents: bytes) -> object:
    """What the device script says of a disk, as JSON."""
    size, *offsets = json.loads(places)
    with tempfile.NamedTemporaryFile(dir=MEMORY) as file:
        within = {at: one[: max(0, size - at)] for at, one in zip(offsets, contents, strict=True)}
        device(Path(file.name), size, within)
        return json.dumps(inspect_disk(file.name, "identity"))


def labels() -> Sequence[Parts]:
    """The packed nvlists of real labels (16 KiB into a label, 112 KiB long), without the zeros."""
    names = sorted((FIXTURES / "labels").glob("*/*.label.xz"))
    found = [real_label(path.parent.name, path.name.removesuffix(".label.xz")) for path in names]
    return tuple((data[16 << 10 : 128 << 10].rstrip(b"\0") + bytes(16),) for data in found)


@functools.cache
def shelf() -> Path:
    """A folder in memory for readers that take a path."""
    return Path(tempfile.mkdtemp(prefix="phoenix-fuzz-", dir=MEMORY))


def stored(name: str, data: bytes) -> Path:
    """A file that holds these bytes."""
    path = shelf() / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def read_plan(data: bytes) -> object:
    """A plan, held against what it derives to, and its age."""
    plan = load_plan_file("-", stdin=io.BytesIO(data)).plan
    too_old(plan, Policy(), NOW)
    verify(plan, "stdin")
    return plan


def read_approval(data: bytes, signature: bytes) -> object:
    """An approval with its signature, and whether it counts."""
    path = stored(SOURCE, data)
    stored(f"{SOURCE}.sig", signature)
    approval = load_approval(str(path)).approval
    refusal(approval, digest=approval.plan, machine=approval.machine, now=NOW)
    given = Presented(approval=approval, source=str(path))
    return judge(
        [given],
        digest=approval.plan,
        machine=approval.machine,
        policy=Policy(approval_age="24h"),
        now=NOW,
    )


def read_journal(data: bytes) -> object:
    """A run, as history tells it, and as apply asks whether a plan was run."""
    path = stored(f"runs/{SOURCE}.jsonl", data)
    record = read_record(path)
    key = PlanKey(digest="d", state="s", config="c", taken_at="2026-11-26T04:02:27Z")
    return (
        history_to_json(history(str(shelf()))),
        list(runs_of(str(shelf()), key)),
        record.unaccounted,
        record.owed,
        record.resumable,
    )


def read_index(data: bytes) -> object:
    """The index of runs whose journals are gone: asked, and written anew."""
    folder = shelf() / "indexed"
    folder.mkdir(exist_ok=True)
    (folder / "applied.jsonl").write_bytes(data)
    found = list(runs_of(str(folder), PlanKey(digest="d", state="s", config="c")))
    remember(str(folder), [])
    return found


def read_signature(*parts: bytes) -> object:
    """What ssh-keygen says of a signature, in its order: three outputs, then the last again."""

    said = [output(*parts[at : at + 3]) for at in (6, 3, 0)]

    class Keygen:
        def check(self, _arguments: Sequence[str], *, message: bytes, signature: bytes) -> Output:
            assert message, signature
            return said.pop() if len(said) > 1 else said[0]

    signers = Signers(allowed="allowed_signers", revoked="revoked_keys")
    return checked(b"message", b"signature", signers, Keygen())


GOOD = b'Good "phoenix-approval@v1" signature with ED25519 key SHA256:abcdefgh0123456789+/\n'
GOOD_FOR = GOOD.replace(b" signature with", b" signature for anna@example.org with")


def signatures() -> Sequence[Parts]:
    """A good signature, of somebody known and of nobody, and a bad one (OpenSSH 9.2)."""
    nobody = b"No principal matched.\n"
    return (
        (GOOD, b"", b"\0", b"anna@example.org\n", b"", b"\0", GOOD_FOR, b"", b"\0"),
        (GOOD, b"", b"\0", b"", nobody, b"\xff", b"", b"", b"\xff"),
        (b"", b"Signature verification failed: incorrect signature\n", b"\xff", *[b""] * 6),
    )


def of_output(parse: Callable[[Output], object]) -> Callable[..., object]:
    """A parser of one output."""
    return lambda *parts: parse(output(*parts))


def of_files(
    parse: Callable[[list[tuple[str, bytes]]], object], path: str
) -> Callable[..., object]:
    """A parser of several files, given one twice."""
    return lambda data: parse([(path, data), (path.replace("100", "101"), data)])


def document(read: Callable[..., object]) -> Callable[[bytes], object]:
    """A reader of documents that takes `-` for stdin."""
    return lambda data: read("-", stdin=io.BytesIO(data))


EXPORTS = ("exports", "zfs.exports", "etab")
MAPPING = "gpu\n\tmap id=10de:2204,node=pve1,path=0000:01:00.0\n\tmap node=pve2,path=0000:02:00\n"
MEMBERS = '{"nodename": "pve1", "version": 3, "nodelist": {"pve1": {"id": 1, "online": 1}}}\n'
INDEX = '{"plan": "p", "state": "s", "config": "c", "run": "r", "at": "2026-11-26T04:02:27Z"}\n'

PROBES: Mapping[str, Reader] = {
    "zpool-status-json": Reader(
        read=of_output(zpool_status_json.parse_status_json),
        seeds=lambda: printed("zpool-status-json", "status-degraded.json"),
    ),
    "zpool-status-text": Reader(
        read=lambda *parts: zpool_status_text.parse_status_text(
            output(*parts[:3]), output(*parts[3:])
        ),
        seeds=status_text,
    ),
    "zpool-progress": Reader(
        read=of_output(zpool_progress.parse_progress),
        seeds=lambda: printed(
            "zpool-status-text", "status-2.1-wordings.txt", "status-2.4-wordings.txt"
        ),
    ),
    "zpool-get": Reader(
        read=of_output(zpool_get.parse_pool_properties), seeds=lambda: printed("zpool-get")
    ),
    "pools": Reader(
        read=lambda *parts: zpool_status.assemble_pools(
            zpool_status_json.parse_status_json(output(*parts[:3])),
            zpool_get.parse_pool_properties(output(*parts[3:])),
        ),
        seeds=pools,
    ),
    "zpool-import": Reader(
        read=of_output(zpool_import.parse_import),
        seeds=lambda: printed("zpool-import", "import-2.1.txt", "import-2.4.txt"),
    ),
    "datasets": Reader(
        read=lambda *parts: zfs_datasets.parse_datasets(
            output(*parts[:3]), output(*parts[3:6]), output(*parts[6:])
        ),
        seeds=lambda: told("zfs-list", "zfs-get-set", "zfs-list-snapshots"),
    ),
    "zfs-version": Reader(
        read=of_output(zfs_version.parse_versions), seeds=lambda: printed("zfs-version")
    ),
    "lsblk": Reader(read=of_output(lsblk.parse_lsblk), seeds=lambda: told("lsblk")),
    "pvs": Reader(read=of_output(volumes.parse_pvs), seeds=lambda: told("pvs")),
    "dpkg": Reader(read=of_output(host.parse_packages), seeds=lambda: told("dpkg")),
    "mdstat": Reader(read=volumes.parse_mdstat, seeds=lambda: told("mdstat")),
    "mounts": Reader(read=tables.parse_mounts, seeds=lambda: told("mounts")),
    "swaps": Reader(read=tables.parse_swaps, seeds=lambda: told("swaps")),
    "fstab": Reader(read=tables.parse_fstab, seeds=lambda: told("fstab")),
    "crypttab": Reader(
        read=tables.parse_crypttab,
        seeds=written("# <name> <device> <key>\nswap UUID=5a2d-11 /dev/urandom swap,cipher=aes\n"),
    ),
    "machine-id": Reader(read=host.machine_digest, seeds=lambda: told("machine-id")),
    "hostname": Reader(read=host.parse_hostname, seeds=lambda: told("hostname")),
    "hostid": Reader(read=host.parse_hostid, seeds=lambda: told("spl-hostid", "hostid")),
    "members": Reader(read=lambda data: host.parse_members(data, "pve1"), seeds=written(MEMBERS)),
    "storage.cfg": Reader(
        read=lambda data: references.base_references(
            storage_cfg.parse_storage_cfg(data, "storage.cfg")
        ),
        seeds=lambda: [*files("storage.cfg", root=PVE), *told("storage-cfg")],
    ),
    "jobs.cfg": Reader(
        read=lambda data: references.parse_jobs(data, "jobs.cfg"),
        seeds=lambda: files("jobs.cfg", root=PVE),
    ),
    "vzdump.conf": Reader(
        read=lambda data: references.parse_vzdump(data, "vzdump.conf", "pve1"),
        seeds=lambda: files("vzdump.conf", root=PVE),
    ),
    "pci.cfg": Reader(read=pci_mapping.parse_pci_mapping, seeds=written(MAPPING)),
    "qemu": Reader(
        read=lambda data, mapped: references.parse_guests(
            [("/etc/pve/nodes/pve1/qemu-server/100.conf", data)],
            pci_mapping.parse_pci_mapping(mapped),
        ),
        seeds=lambda: [
            (*one, MAPPING.encode()) for one in files("nodes/*/qemu-server/*", root=PVE)
        ],
    ),
    "lxc": Reader(
        read=of_files(references.parse_guests, "/etc/pve/nodes/pve1/lxc/100.conf"),
        seeds=lambda: files("nodes/*/lxc/*", root=PVE),
    ),
    "exports": Reader(
        read=lambda data: exports.parse_exports(data, "exports"),
        seeds=lambda: files(*EXPORTS, root=PVE),
    ),
    "iscsi": Reader(
        read=of_files(exports.parse_iscsi, "/sys/kernel/config/target/core/iblock_0/100/udev_path"),
        seeds=written("/dev/zvol/tank/disk\n", "/dev/disk/by-id/ata-DISK\n"),
    ),
    "modprobe": Reader(
        read=lambda live, conf: arc.parse_arc_max(live, [("/etc/modprobe.d/zfs.conf", conf)]),
        seeds=lambda: [(b"8589934592\n", *one) for one in files("modprobe.d/*", root=PVE)],
    ),
    "inspection": Reader(read=read_inspection, seeds=inspections, fixed=1),
    "label": Reader(read=lambda data: label_content(unpack(data)), seeds=labels, own=(Malformed,)),
    "disk": Reader(read=read_disk, seeds=disks, fixed=1),
    "refresh-2.1": Reader(read=refreshed, seeds=lambda: answers(3), fixed=2),
    "refresh-2.3": Reader(read=refreshed, seeds=lambda: answers(len(RECORDINGS) - 1), fixed=2),
}
"""What the host says. `refresh` is all of them and what is made of them, one answer damaged."""

DOCUMENTS: Mapping[str, Reader] = {
    "config": Reader(
        read=document(load_config),
        seeds=lambda: files("configs/*.json", "hosts/*.config.json", "situations/*/config.json"),
        names="stdin",
    ),
    "state": Reader(
        read=document(load_state), seeds=lambda: files("expected/state-*.json"), names="stdin"
    ),
    "plan": Reader(read=read_plan, seeds=lambda: files("situations/*/plan.json"), names="stdin"),
    "approval": Reader(
        read=read_approval,
        seeds=lambda: [(*one, GOOD) for one in files("approval.json", root=SEEDS)],
        names=SOURCE,
    ),
    "policy": Reader(
        read=lambda data: policy_of(data, SOURCE),
        seeds=lambda: files("hosts/*.policy.json"),
        names=SOURCE,
    ),
    "journal": Reader(read=read_journal, seeds=lambda: files("*.jsonl", root=SEEDS), names=SOURCE),
    "index": Reader(read=read_index, seeds=written(INDEX, INDEX * 3), names="applied.jsonl"),
    "ssh-keygen": Reader(read=read_signature, seeds=signatures, names="ssh-keygen"),
    "simulated-host": Reader(
        read=lambda data: read_world(data.decode()),
        seeds=lambda: files("hosts/*.host.json"),
        own=(BadDocument, UnicodeDecodeError),
    ),
}
"""What people, other machines and earlier runs hand over."""

READERS: Mapping[str, Reader] = {**PROBES, **DOCUMENTS}
