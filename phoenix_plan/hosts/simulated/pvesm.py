"""`pvesm add`, `set` and `remove` as a pure function: text of storage.cfg in, text out.

Does what `pvesm` of pve-storage 9.1.7 does, messages and exit statuses included, as far as
storage.cfg goes (PVE::API2::Storage::Config, PVE::Storage::Plugin, PVE::SectionConfig). The
standard library is all it needs, and it runs by itself. Where PVE writes a list in hash order, this
one sorts.

`world` says what the command would see around it: `file` (storage.cfg as messages call it), `node`
(this node's name), `datasets` (imported ones, name to mountpoint) and `mounted` (paths on which
something is mounted). Two things are left to the caller: folders that a directory storage makes,
and the import of a pool that is not imported.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_CONTENT = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")

# Type: required | fixed besides | changeable besides nodes, disable and content | content | default
_OF_FILES = "images rootdir vztmpl iso backup snippets import"
_BACKUPS = "prune-backups max-protected-backups"
_FOLDERS = "mkdir create-base-path create-subdirs"
_TABLE = f"""
btrfs|path||shared {_BACKUPS} format is_mountpoint nocow {_FOLDERS} preallocation|{_OF_FILES} none|images rootdir
cephfs||path|content-dirs monhost subdir options username format {_FOLDERS} fuse bwlimit keyring {_BACKUPS} fs-name|vztmpl iso backup snippets import|backup
cifs|server share|path snapshot-as-volume-chain|content-dirs subdir {_BACKUPS} format username password domain smbversion {_FOLDERS} bwlimit preallocation options|{_OF_FILES}|images
dir|path|snapshot-as-volume-chain|content-dirs shared {_BACKUPS} format {_FOLDERS} is_mountpoint bwlimit preallocation|{_OF_FILES} none|images rootdir
esxi|||shared server username password skip-cert-verification port|import|import
iscsi|portal target||bwlimit|images none|images
iscsidirect|portal target||bwlimit|images none|images
lvm|vgname|base|shared saferemove saferemove-stepsize saferemove_throughput tagged_only bwlimit snapshot-as-volume-chain|images rootdir|images
lvmthin|vgname thinpool||bwlimit|images rootdir|images rootdir
nfs|server export|path snapshot-as-volume-chain|content-dirs {_BACKUPS} options format {_FOLDERS} bwlimit preallocation|{_OF_FILES}|images
pbs|server datastore||namespace port username password encryption-key master-pubkey {_BACKUPS} fingerprint|backup none|backup
rbd|||monhost pool data-pool namespace username krbd keyring bwlimit|images rootdir|images
zfs|portal target pool blocksize iscsiprovider||nowritecache sparse comstar_hg comstar_tg lio_tpg bwlimit zfs-base-path|images|images
zfspool|pool||blocksize sparse bwlimit mountpoint|images rootdir|images rootdir
"""  # noqa: E501 - a table, a line for each type

_BOOLEAN_WORDS = """
create-base-path create-subdirs disable fuse krbd mkdir nocow nowritecache saferemove shared
skip-cert-verification snapshot-as-volume-chain sparse tagged_only
"""
_BOOLEANS = frozenset(_BOOLEAN_WORDS.split())
_SECRETS = frozenset({"password", "keyring", "encryption-key", "master-pubkey"})
_TRUE, _FALSE = ("1", "on", "yes", "true"), ("0", "off", "no", "false")

_USAGE = {
    "add": "pvesm add <type> <storage> [OPTIONS]\n",
    "set": "pvesm set <storage> [OPTIONS]\n",
    "remove": "pvesm remove <storage>\n",
}
_ID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]", re.IGNORECASE | re.ASCII)
_NODE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?", re.ASCII)
_HEADER = re.compile(r"(\S+):\s*(\S+)\s*", re.ASCII)
_KEY = re.compile(r"\s+(\S+)(?:\s+(.*\S))?\s*", re.ASCII)
_KEEP = re.compile(r"keep-(?:all|last|hourly|daily|weekly|monthly|yearly)=\d+", re.ASCII)
_BLOCKSIZE = re.compile(r"(\d+)([km]?)b?", re.IGNORECASE | re.ASCII)

Section = dict[str, Any]
Answer = tuple[int, str, str, "str | None"]


class _Kind:
    """What a storage type's sections may hold."""

    def __init__(self, row: str) -> None:
        self.name, required, fixed, may, holds, default = row.split("|")
        self.required = required.split()
        self.fixed = [*self.required, *fixed.split()]
        self.options = {*self.fixed, *may.split(), "nodes", "disable", "content"}
        self.holds = holds.split()
        self.default = default.split()


_KINDS = {kind.name: kind for kind in map(_Kind, _TABLE.strip().splitlines())}
_CREATE = {option for kind in _KINDS.values() for option in kind.options}
_UPDATE = {option for kind in _KINDS.values() for option in kind.options - set(kind.fixed)}


class _Died(Exception):
    """The command ends with a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def pvesm(argv: Sequence[str], config: str | None, world: Mapping[str, Any]) -> Answer:
    """(exit status, stdout, stderr, storage.cfg after). `config` is None where there is no file.

    `argv` starts with `pvesm`.
    """
    said: list[str] = []
    command = argv[1] if len(argv) > 1 else ""
    run = {"add": _add, "set": _set, "remove": _remove}.get(command)
    if run is None:
        return 255, "", f"ERROR: unknown command 'pvesm {command}'\n", config
    try:
        new = run(list(argv[2:]), config, world, said.append)
    except _Died as died:
        return died.code, "", "".join(said) + str(died), config
    return 0, "", "".join(said), new


_Warn = Callable[[str], None]


def _add(words: list[str], config: str | None, world: Mapping[str, Any], warn: _Warn) -> str:
    (kind_name, name), options = _arguments("add", words, 2, _CREATE)
    faults = _faults({"storage": name, **options})
    if kind_name not in _KINDS:
        known = ", ".join(sorted(_KINDS))
        faults["type"] = f"value '{kind_name}' does not have a value in the enumeration '{known}'"
    _refuse("add", faults)
    kind = _KINDS[kind_name]
    options = {key: value for key, value in options.items() if key not in _SECRETS}
    options = {key: value for key, value in options.items() if (key, value) != ("nodes", "")}
    try:
        section = _checked(kind, options, warn, create=True)
    except ValueError as error:
        raise _Died(2, f"{error}\n") from error
    failed = "create storage failed: "
    sections = _parse(config, world["file"], warn)
    if name in sections:
        raise _Died(255, f"{failed}storage ID '{name}' already defined\n")
    if kind_name == "zfspool":
        _note_mountpoint(name, section, world, warn)
    nodes = section.get("nodes")
    if not section.get("disable") and (nodes is None or world["node"] in nodes):
        _activate(name, section, world, failed)
    return _written({**sections, name: section}, config)


def _set(words: list[str], config: str | None, world: Mapping[str, Any], warn: _Warn) -> str:
    (name,), options = _arguments("set", words, 1, {*_UPDATE, "digest", "delete"})
    digest, delete = options.pop("digest", None), options.pop("delete", "")
    _refuse("set", _faults({"storage": name, **options}))
    failed = "update storage failed: "
    sections = _parse(config, world["file"], warn)
    if digest and digest != hashlib.sha1((config or "").encode()).hexdigest():  # noqa: S324 - PVE's
        why = "detected modified configuration - file changed by other user? Try again."
        raise _Died(255, f"{failed}{why}\n")
    if name not in sections:
        raise _Died(255, f"{failed}storage '{name}' does not exist\n")
    section = sections[name]
    kind = _KINDS[section["type"]]
    try:
        changes = _checked(kind, options, warn, create=False)
        gone = _split(delete)
        for key in gone:
            _check_deletion(kind, key, changes)
    except ValueError as error:
        raise _Died(255, f"{failed}{error}\n") from error
    section = {key: value for key, value in section.items() if key not in gone}
    new = {**section, **{key: changes[key] for key in changes if key not in _SECRETS}}
    return _written({**sections, name: new}, config)


def _check_deletion(kind: _Kind, key: str, changes: Section) -> None:
    if key not in kind.options:
        raise ValueError(f"no such option '{key}'")
    if key in kind.required:
        raise ValueError(f"unable to delete required option '{key}'")
    if key in kind.fixed:
        raise ValueError(f"unable to delete fixed option '{key}'")
    if key in changes:
        raise ValueError(f"cannot set and delete property '{key}' at the same time!")


def _remove(words: list[str], config: str | None, world: Mapping[str, Any], warn: _Warn) -> str:
    (name,), _ = _arguments("remove", words, 1, set())
    _refuse("remove", _faults({"storage": name}))
    failed = "delete storage failed: "
    sections = _parse(config, world["file"], warn)
    if name not in sections:
        raise _Died(255, f"{failed}storage '{name}' does not exist\n")
    if any(str(one.get("base", "")).startswith(f"{name}:") for one in sections.values()):
        why = "can't remove storage - storage is used as base of another storage"
        raise _Died(255, f"{failed}{why}\n")
    del sections[name]
    return _written(sections, config)


def _arguments(
    command: str, words: list[str], count: int, known: set[str]
) -> tuple[list[str], dict[str, str]]:
    """Positional words and options, as Getopt::Long takes them apart."""
    if len(words) < count or any(word.startswith("-") for word in words[:count]):
        raise _Died(2, f"400 not enough arguments\n{_USAGE[command]}")
    options: dict[str, str] = {}
    unknown: list[str] = []
    rest = words[count:]
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            raise _Died(2, f"400 too many arguments\n{_USAGE[command]}")
        key, equals, value = word.lstrip("-").partition("=")
        if key not in known:
            unknown.append(f"Unknown option: {key}\n")
            if not equals and rest and not rest[0].startswith("-"):
                rest.pop(0)
            continue
        if not equals and rest and not (key in _BOOLEANS and rest[0].startswith("-")):
            value = rest.pop(0)
        elif not equals and key in _BOOLEANS:
            value = "1"
        elif not equals:
            unknown.append(f"Option {key} requires an argument\n")
        options[key] = _boolean(value) if key in _BOOLEANS else value
    if unknown:
        raise _Died(2, f"{''.join(unknown)}400 unable to parse option\n{_USAGE[command]}")
    return words[:count], options


def _boolean(value: str) -> str:
    low = value.lower()
    return "1" if low in _TRUE else "0" if low in _FALSE else value


def _refuse(command: str, faults: Mapping[str, str]) -> None:
    if faults:
        lines = "".join(f"{key}: {fault}\n" for key, fault in sorted(faults.items()))
        raise _Died(2, f"400 Parameter verification failed.\n{lines}{_USAGE[command]}")


def _faults(options: Mapping[str, str]) -> dict[str, str]:
    """By option: what the schema has against its value. A failed format ends with a newline."""
    found: dict[str, str] = {}
    for key, value in options.items():
        said = _format_fault(key, value)
        if said:
            found[key] = f"invalid format - {said}\n"
        elif key in _BOOLEANS and value not in ("0", "1"):
            found[key] = f"type check ('boolean') failed - got '{value}'"
    return found


def _format_fault(key: str, value: str) -> str:
    if key == "storage":
        if len(value) < 2:
            return f"storage ID '{value}' cannot be shorter than 2 characters"
        return "" if _ID.fullmatch(value) else f"storage ID '{value}' contains illegal characters"
    if key == "content":
        wrong = [word for word in _split(value) if word not in _CONTENT]
        return f"invalid content type '{wrong[0]}'" if wrong else ""
    if key in ("path", "mountpoint"):
        named = key == "mountpoint" and value in ("none", "legacy")
        fits = named or re.match(r"/[^;()]", value) is not None
        return "" if fits else "value does not look like a valid absolute path"
    if key == "nodes":
        fine = all(_NODE.fullmatch(word) for word in _split(value))
        return "" if fine else "value does not look like a valid node name"
    if key == "blocksize" and not _is_blocksize(value):
        return (
            f"value '{value}' is not a valid ZFS blocksize. Must be a power of 2 between 512B and"
            " 16MiB (e.g., 4k, 8k, 16k, 64k, 1m)."
        )
    if key == "prune-backups":
        words = value.split(",")
        wrong = [word for word in words if not _KEEP.fullmatch(word)]
        if wrong:
            return f"format error\n{wrong[0].partition('=')[0]}: property is not defined in schema"
        if "keep-all=1" in words and len(words) > 1:
            return "keep-all cannot be set together with other options."
    return ""


def _is_blocksize(value: str) -> bool:
    match = _BLOCKSIZE.fullmatch(value)
    if match is None:
        return False
    size = int(match[1]) << {"": 0, "k": 10, "m": 20}[match[2].lower()]
    return 512 <= size <= 1 << 24 and size & (size - 1) == 0


def _split(value: str) -> list[str]:
    return [word for word in re.split(r"[,;\0\s]+", value) if word]


def _checked(kind: _Kind, options: Mapping[str, str], warn: _Warn, *, create: bool) -> Section:
    """Options as a section holds them. Raises ValueError with PVE's message."""
    section: Section = {"type": kind.name} if create else {}
    for key, value in options.items():
        if not create and key in kind.fixed:
            raise ValueError(f"can't change value of fixed parameter '{key}'")
        if key not in kind.options:
            raise ValueError(f"unexpected property '{key}'")
        section[key] = _decoded(kind, key, value, warn)
    for key in kind.required if create else ():
        if key not in options:
            raise ValueError(f"missing value for required option '{key}'")
    return section


def _decoded(kind: _Kind, key: str, value: str, warn: _Warn) -> Any:
    """A value as PVE::Storage::Plugin's decode_value makes it: lists are sets."""
    if key == "nodes":
        return dict.fromkeys(_split(value))
    if key != "content":
        return value
    kept: dict[str, None] = {}
    for word in _split(value):
        if word in kind.holds:
            kept[word] = None
        else:
            warn(f"storage does not support content type '{word}'\n")
    if "none" in kept and len(kept) > 1:
        raise ValueError("unable to combine 'none' with other content types")
    if not kept and "none" not in kind.holds:
        raise ValueError("storage does not support content type 'none'")
    return kept


def _note_mountpoint(name: str, section: Section, world: Mapping[str, Any], warn: _Warn) -> None:
    """What ZFSPoolPlugin's on_add_hook does: it records where the dataset mounts."""
    seen = world["datasets"].get(section["pool"])
    given = section.get("mountpoint")
    if given is None:
        if seen is not None:
            section["mountpoint"] = seen
    elif seen is not None and given not in (seen, "none"):
        warn(
            f"warning for {name} - mountpoint: {given} does not match current mount point: {seen}\n"
        )


def _activate(name: str, section: Section, world: Mapping[str, Any], failed: str) -> None:
    """What the first use would find wrong."""
    if section["type"] == "zfspool":
        pool = section["pool"].partition("/")[0]
        if pool not in world["datasets"]:
            why = f"zfs error: cannot import '{pool}': no such pool available"
            raise _Died(255, f"{failed}could not activate storage '{name}', {why}\n")
    where = section.get("is_mountpoint")
    if section["type"] in ("dir", "btrfs") and where and where.lower() not in _FALSE:
        path = section["path"] if where.lower() in _TRUE else where
        if path not in world["mounted"]:
            why = f"directory is expected to be a mount point but is not mounted: '{path}'"
            raise _Died(255, f"{failed}unable to activate storage '{name}' - {why}\n")


def _parse(config: str | None, file: str, warn: _Warn) -> dict[str, Section]:
    """Sections by id in the file's order, `local` added where PVE assumes it."""
    sections: dict[str, Section] = {}
    lines = [
        (number, line)
        for number, line in enumerate((config or "").split("\n"), 1)
        if not line.lstrip().startswith("#")
    ]
    while lines:
        number, line = lines.pop(0)
        if not line:
            continue
        match = _HEADER.fullmatch(line)
        if match is None:
            warn(f"file {file} line {number} - ignore config line: {line}\n")
            continue
        kind_name, name = match[1].lower(), match[2]
        skip = _skipped(kind_name, name)
        if skip:
            warn(f"file {file} line {number} (skip section '{name}'): {skip}\n")
        read: dict[str, str] = {}
        while lines and lines[0][1]:
            number, line = lines.pop(0)
            if not skip:
                place = f"file {file} line {number}"
                _parse_line(_KINDS[kind_name], line, f"{place} (section '{name}')", read, warn)
        lines = lines[1:]
        if not skip:
            try:
                sections[name] = _checked(_KINDS[kind_name], read, warn, create=True)
            except ValueError as error:
                place = f"file {file} line {number}"
                warn(f"{place} (skip section '{name}'): {error}\n")
    return _completed(sections)


def _skipped(kind_name: str, name: str) -> str:
    said = _format_fault("storage", name)
    return said or ("" if kind_name in _KINDS else f"unsupported type '{kind_name}'")


def _parse_line(kind: _Kind, line: str, place: str, read: dict[str, str], warn: _Warn) -> None:
    match = _KEY.fullmatch(line)
    if match is None:
        warn(f"{place} - ignore config line: {line}\n")
        return
    key, value = match[1], match[2]
    if value is None and key in _BOOLEANS:
        value = "1"
    faults = {} if value is None else _faults({key: value})
    wrong = (
        "duplicate attribute\n" if key in read
        else f"unexpected property '{key}'\n" if key not in kind.options
        else "got undefined value\n" if value is None
        else faults.get(key, "")
    )  # fmt: skip
    if wrong:
        warn(f"{place} - unable to parse value of '{key}': {wrong.rstrip()}\n")
    else:
        read[key] = value


def _completed(sections: dict[str, Section]) -> dict[str, Section]:
    """What PVE adds to what it has read (PVE::Storage::Plugin's parse_config)."""
    local = sections.get("local")
    if local is None or local["type"] != "dir" or local["path"] != "/var/lib/vz":
        kept = {word: None for word in _CONTENT if word not in ("import", "none")}
        sections["local"] = {
            "type": "dir", "path": "/var/lib/vz", "prune-backups": "keep-all=1", "content": kept,
        }  # fmt: skip
    sections["local"].pop("nodes", None)
    for section in sections.values():
        section.setdefault("content", dict.fromkeys(_KINDS[section["type"]].default))
    return sections


def _written(sections: Mapping[str, Section], config: str | None) -> str:
    """The file's text: sections that it had in its order, new ones by name after them."""
    headers = map(_HEADER.fullmatch, (config or "").split("\n"))
    had = {match[2]: at for at, match in enumerate(headers) if match is not None}
    last = max(had.values(), default=0) + 1
    names = sorted(sections, key=lambda name: (had.get(name, last), name))
    return "".join(_section_text(name, sections[name]) for name in names)


def _section_text(name: str, section: Section) -> str:
    kind = _KINDS[section["type"]]
    keys = [*sorted(kind.required), *sorted(kind.options - set(kind.required) - {"disable"})]
    lines = [f"{kind.name}: {name}"]
    if section.get("disable") == "1":
        lines.append("\tdisable")
    for key in keys:
        value = section.get(key, "")
        if isinstance(value, dict):
            value = ",".join(sorted(value)) or ("none" if key == "content" else "")
        if value != "":
            lines.append(f"\t{key} {value}")
    return "\n".join([*lines, "", ""])
