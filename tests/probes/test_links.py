"""The names that a disk goes by."""

from __future__ import annotations

from phoenix_plan.commands import Paths
from phoenix_plan.hosts.recorded import RecordedHost
from phoenix_plan.probes.links import LINKS, aliases_by_device
from tests.recordings import NEW, physical_volume

IN_USE = NEW / "18-foreign-in-use"


def test_links_of_a_recording() -> None:
    """Partitions have their own links; a name after content comes behind the disk's own."""
    answer = RecordedHost(IN_USE).answer("dev-links", LINKS)
    assert isinstance(answer, Paths)
    aliases = aliases_by_device(answer)
    assert aliases["/dev/vdd"] == ("/dev/disk/by-id/virtio-DISK3",)
    assert aliases["/dev/vdd2"] == ("/dev/disk/by-id/virtio-DISK3-part2",)
    assert aliases["/dev/vde"] == (
        "/dev/disk/by-id/virtio-DISK4",
        f"/dev/disk/by-id/lvm-pv-uuid-{physical_volume(IN_USE, '/dev/vde')}",
    )


def test_the_name_that_a_person_would_use_comes_first() -> None:
    """Model and serial, then the World Wide Name, then content, then the other folders."""
    links = (
        "by-diskseq/9",
        "by-id/ata-ST4000_ZDH1",
        "by-id/lvm-pv-uuid-abc",
        "by-id/wwn-0x5000c500a1b2c3d4",
        "by-path/pci-0000:00:17.0-ata-1",
    )
    wanted = [1, 3, 2, 0, 4]
    paths = [f"/dev/disk/{link}" for link in links]
    found = aliases_by_device(Paths(entries=tuple((path, "/dev/sda") for path in paths)))
    assert [paths[place] for place in wanted] == list(found["/dev/sda"])
