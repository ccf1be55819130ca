"""zfs_arc_max, now and at boot."""

from __future__ import annotations

from typing import Any

from phoenix_plan.model.actual import ArcMax
from phoenix_plan.model.sizes import Bytes
from tests.builders import actual, codes, desired, host, ids, planned

GIB = Bytes(1 << 30)
ZFS_CONF = "/etc/modprobe.d/zfs.conf"


def plan(arc: ArcMax, **changes: Any) -> Any:
    """A plan that wants 1 GiB."""
    return planned(desired(arc_max=GIB), actual(arc_max=arc, **changes))


def test_it_is_set_now_and_at_boot() -> None:
    made = plan(ArcMax(live=Bytes(0)))
    assert ids(made) == ["set-arc-max:zfs_arc_max"]
    row = made.actions[0]
    assert row.safety == "safe"
    assert [(command.write, command.diff) for command in row.commands] == [
        ("/sys/module/zfs/parameters/zfs_arc_max", ("-0", "+1073741824")),
        (ZFS_CONF, ("+options zfs zfs_arc_max=1073741824",)),
    ]


def test_only_the_side_that_differs_is_written() -> None:
    made = plan(ArcMax(live=GIB, boot={}))
    assert [command.write for command in made.actions[0].commands] == [ZFS_CONF]
    made = plan(ArcMax(live=Bytes(5), boot={ZFS_CONF: GIB}))
    assert made.actions[0].commands[0].write.startswith("/sys")
    assert len(made.actions[0].commands) == 1


def test_what_is_right_is_said_to_be_so() -> None:
    made = plan(ArcMax(live=GIB, boot={ZFS_CONF: GIB}))
    assert (ids(made), made.unchanged[0].detail) == ([], "1G")


def test_other_lines_of_the_file_stay() -> None:
    text = "# mine\noptions zfs zfs_txg_timeout=10 zfs_arc_max=5\n"
    made = plan(ArcMax(live=GIB, boot={ZFS_CONF: Bytes(5)}, file_text=text, file_sha256="a" * 64))
    assert made.actions[0].commands[0].diff == (
        " # mine",
        "-options zfs zfs_txg_timeout=10 zfs_arc_max=5",
        "+options zfs zfs_txg_timeout=10 zfs_arc_max=1073741824",
    )


def test_a_root_on_zfs_has_a_copy_in_its_initramfs() -> None:
    made = plan(ArcMax(live=GIB), host=host(boot_pools=("rpool",)))
    assert made.actions[0].commands[-1].argv == ("update-initramfs", "-u", "-k", "all")


def test_another_file_that_wins_is_a_warning() -> None:
    other = "/etc/modprobe.d/zz-tuning.conf"
    made = plan(ArcMax(live=GIB, boot={ZFS_CONF: GIB, other: Bytes(7)}))
    assert codes(made, "warning") == ["arc-max-elsewhere"]
    assert "it wins at the next boot" in made.findings[0].message


def test_a_failed_probe_refuses() -> None:
    made = plan(ArcMax(live=Bytes(0)), unknown=["arc"])
    assert (ids(made), codes(made)) == ([], ["probe-failed"])


def test_what_is_not_declared_is_left_alone() -> None:
    assert ids(planned(desired(allow_destructive=False), actual())) == []
