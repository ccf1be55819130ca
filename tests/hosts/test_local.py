"""The one place that starts processes: these tests start some, on purpose."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from phoenix_plan.commands import (
    Content,
    Contents,
    Glob,
    Output,
    Paths,
    Query,
    ReadFile,
    ReadFiles,
    Sample,
)
from phoenix_plan.errors import HostError
from phoenix_plan.hosts.local import LocalHost

ROOT = os.geteuid() == 0


def run(*argv: str, host: LocalHost | None = None, timeout_s: float = 60) -> Output:
    """What a local tool did."""
    answer = (host or LocalHost()).answer("probe", Query(argv=argv, timeout_s=timeout_s))
    assert isinstance(answer, Output)
    return answer


def sh(script: str, timeout_s: float = 60) -> Output:
    """The same for a few lines of shell, as a tool that does as it is told."""
    return run("sh", "-c", script, timeout_s=timeout_s)


def test_a_tool_that_works() -> None:
    """Both outputs and the exit status, apart."""
    assert sh("echo out; echo err >&2; exit 3") == Output(
        exit_code=3, stdout=b"out\n", stderr=b"err\n"
    )


def test_the_environment_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The C locale, a PATH with sbin, what the probe asks for; nothing of ours."""
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("LC_MESSAGES", "de_DE.UTF-8")
    monkeypatch.setenv("ZPOOL_IMPORT_PATH", "/tmp")  # noqa: S108 - a value, nothing is made there
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    query = Query(argv=("env",), env=(("ZPOOL_VDEV_NAME_PATH", "1"),))
    answer = LocalHost().answer("probe", query)
    assert isinstance(answer, Output)
    seen = dict(line.split("=", 1) for line in answer.stdout.decode().splitlines())
    assert set(seen) - {"PWD", "SHLVL", "_"} == {"LC_ALL", "PATH", "ZPOOL_VDEV_NAME_PATH"}
    assert seen["LC_ALL"] == "C"
    assert seen["PATH"].startswith("/usr/bin:/bin:")
    assert "/usr/sbin" in seen["PATH"].split(":")


def test_a_tool_that_is_not_there_is_an_answer() -> None:
    """The probe knows what a missing tool means."""
    assert run("phoenix-no-such-tool").missing


def test_a_tool_that_can_not_be_run(tmp_path: Path) -> None:
    """A file that is no program is another thing than no file."""
    tool = tmp_path / "tool"
    tool.write_text("text")
    with pytest.raises(HostError, match="can't be run"):
        run(str(tool))


def test_a_time_out_ends_the_tool() -> None:
    """The command stands in the error as it can be pasted, and nothing goes on running."""
    started = time.monotonic()
    with pytest.raises(HostError) as caught:
        sh("echo it; exec sleep 30", timeout_s=0.2)
    assert time.monotonic() - started < 5
    assert "no end after 0.2 s" in caught.value.message
    assert "\n  LC_ALL=C sh -c 'echo it; exec sleep 30'" in caught.value.message


def test_a_tool_that_closed_its_output_and_goes_on_is_ended_too() -> None:
    """The time-out counts until the process is gone."""
    with pytest.raises(HostError, match="no end after"):
        sh("exec >&- 2>&-; sleep 30", timeout_s=0.3)


def test_a_tool_that_a_signal_killed() -> None:
    """Half an output is no answer."""
    with pytest.raises(HostError, match=r"killed by SIGKILL\n  LC_ALL=C sh -c 'echo half"):
        sh("echo half; kill -9 $$")


def test_more_output_than_any_tool_has() -> None:
    """On stdout and on stderr."""
    host = LocalHost(output_limit=1000)
    for stream in (1, 2):
        with pytest.raises(HostError, match="more than 1000 bytes"):
            run("sh", "-c", f"yes >&{stream}", host=host)
    assert len(run("sh", "-c", "yes | head -c 1000", host=host).stdout) == 1000


def test_both_outputs_may_be_long() -> None:
    """Neither pipe fills up while the other is read."""
    output = sh("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero")
    assert (len(output.stdout), len(output.stderr)) == (3_000_000, 3_000_000)


def test_the_device_script_gets_its_request() -> None:
    """The script on stdin, longer than a pipe holds; the request as arguments, joined."""
    script = b"import sys, json\nprint(json.dumps([len(sys.argv[1:]), json.loads(''.join("
    script += b"sys.argv[1:]))]))\n#" + b"x" * 300_000
    sample = Sample(
        devices=tuple(f"/dev/disk{number}" for number in range(20_000)),
        deep=(("/dev/disk0", "serial:it's:1"),),
        directories=("/with space",),
        script=script,
    )
    answer = LocalHost().answer("inspect", sample)
    assert isinstance(answer, Output)
    assert (answer.exit_code, answer.stderr) == (0, b"")
    parts, request = json.loads(answer.stdout)
    assert parts > 1
    assert request["devices"] == list(sample.devices)
    assert request["deep"] == [["/dev/disk0", "serial:it's:1"]]
    assert request["directories"] == ["/with space"]


def test_a_script_that_nobody_reads() -> None:
    """An interpreter that dies early is an exit status, not a broken pipe."""
    script = b"import os\nos._exit(3)\n" + b"#" * 3_000_000
    sample = Sample(devices=(), deep=(), directories=(), script=script)
    answer = LocalHost().answer("inspect", sample)
    assert isinstance(answer, Output)
    assert answer.exit_code in (1, 3)


def test_files(tmp_path: Path) -> None:
    """What is there, what is not, what can't be read."""
    file = tmp_path / "a.conf"
    file.write_bytes(b"text\xff")
    host = LocalHost()
    assert host.answer("probe", ReadFile(path=str(file))) == Content(data=b"text\xff")
    assert host.answer("probe", ReadFile(path=str(tmp_path / "b"))) == Content(data=None)
    assert host.answer("probe", ReadFile(path=f"{file}/below")) == Content(data=None)
    with pytest.raises(HostError, match="Is a directory"):
        host.answer("probe", ReadFile(path=str(tmp_path)))
    with pytest.raises(HostError, match="larger than 4 bytes"):
        LocalHost(output_limit=4).answer("probe", ReadFile(path=str(file)))


def test_a_file_in_proc_whose_size_is_0() -> None:
    """Sizes say nothing there."""
    answer = LocalHost().answer("probe", ReadFile(path="/proc/self/mounts"))
    assert isinstance(answer, Content)
    assert answer.data


def test_files_by_pattern(tmp_path: Path) -> None:
    """Sorted, without hidden ones, through several folders."""
    for name in ("b/2.conf", "b/1.conf", "a/3.conf", "a/.x.conf", "a/4.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    answer = LocalHost().answer("probe", ReadFiles(pattern=f"{tmp_path}/*/*.conf"))
    assert isinstance(answer, Contents)
    assert [data.decode() for _, data in answer.files] == ["a/3.conf", "b/1.conf", "b/2.conf"]
    nothing = LocalHost().answer("probe", ReadFiles(pattern=f"{tmp_path}/none/*/*.conf"))
    assert nothing == Contents(files=())
    fixed = LocalHost().answer("probe", ReadFiles(pattern=f"{tmp_path}/*/1.conf"))
    assert fixed == Contents(files=((f"{tmp_path}/b/1.conf", b"b/1.conf"),))


def test_links(tmp_path: Path) -> None:
    """Each with what it leads to in the end, dangling ones too."""
    (tmp_path / "disk").write_text("")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("disk")
    (tmp_path / "c").symlink_to("gone")
    answer = LocalHost().answer("probe", Glob(pattern=f"{tmp_path}/?"))
    assert answer == Paths(
        entries=tuple(
            (f"{tmp_path}/{link}", f"{tmp_path.resolve()}/{real}")
            for link, real in (("a", "disk"), ("b", "disk"), ("c", "gone"))
        )
    )


@pytest.mark.skipif(ROOT, reason="root reads everything")
def test_what_can_not_be_read_is_no_empty_answer(tmp_path: Path) -> None:
    """Python's glob finds nothing in a folder that it can't list."""
    closed = tmp_path / "closed"
    (closed / "below").mkdir(parents=True)
    closed.chmod(0)
    try:
        for pattern in (f"{closed}/*.conf", f"{closed}/below/*.conf"):
            with pytest.raises(HostError, match="Permission denied"):
                LocalHost().answer("probe", ReadFiles(pattern=pattern))
        with pytest.raises(HostError, match="Permission denied"):
            LocalHost().answer("probe", ReadFile(path=f"{closed}/file"))
    finally:
        closed.chmod(stat.S_IRWXU)


def test_a_folder_that_fails_is_no_empty_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for root too: a pmxcfs that hangs up says EIO."""

    def broken(path: str) -> list[str]:
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr("phoenix_plan.hosts.local.os.listdir", broken)
    with pytest.raises(HostError, match="guests: /etc: Input/output error"):
        LocalHost().answer("guests", ReadFiles(pattern="/etc/*/*.conf"))


def test_a_path_that_fails_on_the_way_is_no_empty_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the pattern's part is a plain name."""

    def broken(path: str) -> os.stat_result:
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr("phoenix_plan.hosts.local.os.lstat", broken)
    with pytest.raises(HostError, match="guests: /etc: Input/output error"):
        LocalHost().answer("guests", ReadFiles(pattern="/etc/*/*.conf"))
