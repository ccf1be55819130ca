"""What the device script answers: devices' bytes, who uses them, directories, as the model has it.

The script itself is in inspector*.py; this module asks it and checks every field of its answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, get_args

import attrs

from phoenix_plan.commands import Output, Sample
from phoenix_plan.errors import ProbeError
from phoenix_plan.model.actual import DirectoryState, Unknown
from phoenix_plan.model.disks import Emptiness, Label, LabelVdev, Partition, Signature
from phoenix_plan.model.sizes import Bytes, Guid
from phoenix_plan.probes.inspector_script import inspector_script

SOURCE: Final = "inspect"
"""The probe's name."""

ANSWER_VERSION: Final = 1

_TABLES: Final = frozenset({"", "gpt", "mbr", "backup-gpt"})
_LABEL_STATES: Final = frozenset({"active", "exported", "destroyed", "spare", "l2cache"})

_ZVOL: Final = re.compile(r"/dev/zd\d+")

_T = TypeVar("_T")


@attrs.frozen(kw_only=True)
class DiskInspection:
    """What is written on one disk, field by field as in `model.disks.Disk`.

    `size` is in bytes, as the device itself says, `sector` the logical one. `holders` are the
    kernel names of devices that are built on the disk or a partition of it. `unknown` says what
    could not be read; a disk that could not be opened has nothing but that.
    """

    path: str
    size: Bytes
    sector: int
    table: str
    partitions: tuple[Partition, ...]
    signatures: tuple[Signature, ...]
    labels: tuple[Label, ...]
    holders: tuple[str, ...]
    emptiness: Emptiness
    residue: str
    unknown: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Mount:
    """A mount of a block device or of a ZFS dataset, in one mount namespace.

    `namespace` is the kernel's name of it (`mnt:[4026531841]`), `own` says that this program runs
    in it. `device` is the major:minor of the block device, empty for ZFS and where `source` could
    not be resolved. `mountpoint` is a path within the namespace of process `pid`.
    """

    namespace: str
    own: bool
    pid: int
    device: str
    source: str
    mountpoint: str
    fstype: str


@attrs.frozen(kw_only=True)
class OpenDevice:
    """A block device (major:minor) that a process has open, by whatever node or name.

    `pid` is 0 for the kernel's own users, such as a loop device, `command` is their name then.
    """

    device: str
    pid: int
    command: str


@attrs.frozen(kw_only=True)
class Inspection:
    """All that one run of the script saw. `disks` are by the path asked for, each one of them;
    `zvols` are kernel path of a block device to the volume or volume's snapshot that it is."""

    disks: Mapping[str, DiskInspection]
    mounts: tuple[Mount, ...]
    opened: tuple[OpenDevice, ...]
    directories: Mapping[str, DirectoryState]
    zvols: Mapping[str, str]
    unknown: tuple[Unknown, ...]


def inspection_read(
    devices: Iterable[str],
    deep: Iterable[tuple[str, str]] = (),
    directories: Iterable[str] = (),
) -> Sample:
    """The read that looks at whole disks, by path.

    `deep` are those of them to be read across where nothing is recognised, each with its identity
    as text: the places of the samples follow from it.
    """
    return Sample(
        devices=tuple(devices),
        deep=tuple(deep),
        directories=tuple(directories),
        script=inspector_script(),
    )


def parse_inspection(output: Output, read: Sample) -> Inspection:
    """The script's answer to `read`.

    Raises ProbeError where the script failed, or where its answer leaves out a device or directory
    that was asked for, or holds what this module does not know.
    """
    said = output.stderr.decode("utf-8", errors="backslashreplace").strip()
    if output.missing:
        raise ProbeError(
            "python3 is not installed on the host",
            source=SOURCE,
            hint="the script that looks at disks needs Python 3.9 or newer",
        )
    if output.exit_code != 0:
        raise ProbeError(f"exit status {output.exit_code}: {said or 'no message'}", source=SOURCE)
    try:
        document = json.loads(output.stdout)
    except (ValueError, RecursionError) as error:
        raise ProbeError(f"not JSON: {error}", source=SOURCE) from error
    try:
        answer = _Object(document, "the answer")
        if answer.whole("version") != ANSWER_VERSION:
            raise ValueError(f"answers in version {document['version']}, not {ANSWER_VERSION}")
        disks = answer.by_name("devices", _disk)
        directories = answer.words("directories", get_args(DirectoryState))
        inspection = Inspection(
            disks=disks,
            mounts=answer.rows("mounts", _mount),
            opened=answer.rows("open", _open_device),
            directories=directories,
            zvols=answer.zvols("zvols"),
            unknown=answer.rows("unknown", _unknown),
        )
        answer.end()
        _all_there("device", read.devices, disks)
        told = {unknown.message.partition(": ")[0] for unknown in inspection.unknown}
        _all_there(
            "directory", (path for path in read.directories if path not in told), directories
        )
    except (ValueError, RecursionError) as error:
        raise ProbeError(str(error), source=SOURCE) from error
    return inspection


def _all_there(kind: str, asked: Iterable[str], told: Mapping[str, object]) -> None:
    for name in asked:
        if name not in told:
            raise ValueError(f"nothing about {kind} {name}")


class _Object:
    """One JSON object, read key by key; ValueError for whatever is not as it should be."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{place} is {value!r:.80}, not an object")
        self._value: dict[str, Any] = dict(value)
        self.place = place

    def take(self, key: str) -> Any:
        try:
            return self._value.pop(key)
        except KeyError:
            raise ValueError(f"{self.place} lacks {key!r}") from None

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str):
            raise ValueError(f"{self.place}: {key} is {value!r:.80}, not text")
        return value

    def word(self, key: str, words: Iterable[str]) -> Any:
        value = self.text(key)
        if value not in words:
            raise ValueError(f"{self.place}: {key} is {value!r:.80}, a word that is not known")
        return value

    def whole(self, key: str) -> int:
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{self.place}: {key} is {value!r:.80}, not a number")
        return value

    def flag(self, key: str) -> bool:
        value = self.take(key)
        if not isinstance(value, bool):
            raise ValueError(f"{self.place}: {key} is {value!r:.80}, not true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise ValueError(f"{self.place}: {key} is not a list of text")
        return tuple(values)

    def numbers(self, key: str) -> tuple[int, ...]:
        values = self._list(key)
        if not all(isinstance(value, int) for value in values):
            raise ValueError(f"{self.place}: {key} is not a list of numbers")
        return tuple(values)

    def rows(self, key: str, build: Callable[[_Object], _T]) -> tuple[_T, ...]:
        return tuple(
            _whole(build, value, f"{self.place}: {key}[{number}]")
            for number, value in enumerate(self._list(key))
        )

    def by_name(self, key: str, build: Callable[[_Object], _T]) -> dict[str, _T]:
        values = self.take(key)
        if not isinstance(values, dict):
            raise ValueError(f"{self.place}: {key} is {values!r:.80}, not an object")
        return {name: _whole(build, value, str(name)) for name, value in values.items()}

    def words(self, key: str, words: Iterable[str]) -> dict[str, Any]:
        names = _Object(self.take(key), key)
        return {name: names.word(name, words) for name in tuple(names._value)}

    def zvols(self, key: str) -> dict[str, str]:
        names = _Object(self.take(key), key)
        for device in names._value:
            if not _ZVOL.fullmatch(device):
                raise ValueError(f"{self.place}: {key}: {device!r:.80} is no volume's device")
        return {device: names.text(device) for device in tuple(names._value)}

    def _list(self, key: str) -> list[Any]:
        values = self.take(key)
        if not isinstance(values, list):
            raise ValueError(f"{self.place}: {key} is {values!r:.80}, not a list")
        return values

    def end(self) -> None:
        """Nothing is left that was not taken."""
        if self._value:
            raise ValueError(f"{self.place}: unknown key {sorted(self._value)[0]!r}")


def _whole(build: Callable[[_Object], _T], value: object, place: str) -> _T:
    """Built from an object of which nothing may be left over."""
    row = _Object(value, place)
    built = build(row)
    row.end()
    return built


def _disk(row: _Object) -> DiskInspection:
    return DiskInspection(
        path=row.place,
        size=Bytes(row.whole("size")),
        sector=row.whole("sector"),
        table=row.word("table", _TABLES),
        partitions=row.rows("partitions", _partition),
        signatures=row.rows("signatures", _signature),
        labels=row.rows("labels", _label),
        holders=row.texts("holders"),
        emptiness=row.word("emptiness", get_args(Emptiness)),
        residue=row.text("residue"),
        unknown=row.texts("unknown"),
    )


def _partition(row: _Object) -> Partition:
    return Partition(
        number=row.whole("number"),
        start=Bytes(row.whole("start")),
        size=Bytes(row.whole("size")),
        type=row.text("type"),
        partuuid=row.text("partuuid"),
        label=row.text("label"),
        path=row.text("path"),
    )


def _signature(row: _Object) -> Signature:
    return Signature(
        part=row.whole("part"),
        offset=Bytes(row.whole("offset")),
        type=row.text("type"),
        label=row.text("label"),
        uuid=row.text("uuid"),
    )


def _label(row: _Object) -> Label:
    tree = row.take("tree")
    ashift = row.take("ashift")
    return Label(
        part=row.whole("part"),
        copies=row.numbers("copies"),
        state=row.word("state", _LABEL_STATES),
        pool=row.text("pool"),
        pool_guid=Guid(row.text("pool_guid")),
        guid=Guid(row.text("guid")),
        top_guid=Guid(row.text("top_guid")),
        txg=row.text("txg"),
        hostid=row.text("hostid"),
        hostname=row.text("hostname"),
        ashift=None if ashift is None else _number(ashift, f"{row.place}: ashift"),
        top_level=row.whole("top_level"),
        tree=None if tree is None else _whole(_label_vdev, tree, f"{row.place}: tree"),
    )


def _label_vdev(row: _Object) -> LabelVdev:
    return LabelVdev(
        type=row.text("type"),
        guid=Guid(row.text("guid")),
        index=row.whole("index"),
        path=row.text("path"),
        parity=row.whole("parity"),
        is_log=row.flag("is_log"),
        allocation=row.text("allocation"),
        children=row.rows("children", _label_vdev),
    )


def _number(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{place} is {value!r:.80}, not a number")
    return value


def _mount(row: _Object) -> Mount:
    return Mount(
        namespace=row.text("namespace"),
        own=row.flag("own"),
        pid=row.whole("pid"),
        device=row.text("device"),
        source=row.text("source"),
        mountpoint=row.text("mountpoint"),
        fstype=row.text("fstype"),
    )


def _open_device(row: _Object) -> OpenDevice:
    return OpenDevice(device=row.text("device"), pid=row.whole("pid"), command=row.text("command"))


def _unknown(row: _Object) -> Unknown:
    return Unknown(source=row.text("source"), message=row.text("message"))
