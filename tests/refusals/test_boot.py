"""What the machine boots from: its disks, its pool's make-up, its root and all above it."""

from __future__ import annotations

import pytest

from tests.apply.machine import Json, Machine, by_id, host, pool, want
from tests.refusals.edits import Edit, config, edited, has, mount
from tests.refusals.rows import Row, check_planned, check_refused, ids
from tests.refusals.test_disks import CREATE, SOUND, WANTED, WIPE, A, gpt, sda

SYSTEM = by_id("A").replace("ata-DISK_A", "nvme-SYSTEM_1")


def disk_row(case: str, says: str, *edits: Edit, code: str = "boot-chain") -> Row:
    """Disk A is to be wiped for a new pool, and the machine boots from it."""
    return Row(
        case=case, code=code, subject=f"disk {A}", says=says, there=edited(SOUND, *edits),
        pools=(WANTED,), stops=(WIPE, CREATE),
    )  # fmt: skip


ESP = {"type": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"}
BIOS = {"type": "21686148-6449-6e6f-744e-656564454649"}

DISKS = [
    disk_row("ESP", "/dev/sda1 is an EFI system partition", gpt(ESP)),
    disk_row("ESP in an MBR", "/dev/sda1 is an EFI system partition",
             gpt({"type": "0xef"}), sda(table="mbr")),
    disk_row("ESP in a backup table", "is an EFI system partition",
             gpt(ESP), sda(table="backup-gpt", signatures=[])),
    disk_row("BIOS boot", "/dev/sda1 is a BIOS boot partition", gpt(BIOS)),
    disk_row("/boot", "holds the running /boot", mount("/dev/sda", "/boot")),
    disk_row("/boot/efi", "holds the running /boot/efi", mount("/dev/sda", "/boot/efi")),
    disk_row("/efi", "holds the running /efi", mount("/dev/sda", "/efi")),
    disk_row("/usr", "holds the running /usr", mount("/dev/sda", "/usr")),
    disk_row("/var", "holds the running /var", gpt({}), mount("/dev/sda1", "/var")),
    disk_row("the disk of the running root", "holds the running /", has(mounts=[
        {"source": "/dev/sda", "target": "/", "type": "ext4"}])),
    disk_row("fstab by UUID", "fstab has UUID=58e98b91-aaaa on /photos (ext4)",
             config("UUID=58e98b91-aaaa /photos ext4 noauto 0 0\n", "/etc/fstab"),
             code="disk-in-use"),
    disk_row("fstab by label", "fstab has LABEL=photos on /photos (ext4)",
             config("LABEL=photos /photos ext4 noauto 0 0\n", "/etc/fstab"), code="disk-in-use"),
    disk_row("fstab by link, as swap", f"fstab has {A} on none (swap)",
             config(f"{A} none swap sw 0 0\n", "/etc/fstab"), code="disk-in-use"),
    disk_row("crypttab", f"crypttab opens {A} as secret",
             config(f"secret {A} none luks\n", "/etc/crypttab"), code="disk-in-use"),
    disk_row("crypttab's key", f"crypttab opens {A} as secret",
             config(f"secret /dev/sdc /key:{A} luks\n", "/etc/crypttab"), code="disk-in-use"),
    Row(
        case="the system disk", code="boot-chain", subject=f"disk {SYSTEM}",
        says="holds the running /; holds the running /boot/efi; /dev/nvme0n1p1 is an EFI",
        there=host(),
        pools=({"name": "tank", "raid_level": "single", "disks": [SYSTEM]},),
        stops=(f"wipe-disk:{SYSTEM}", CREATE),
    ),
]  # fmt: skip

DATASETS: dict[str, Json] = {
    "ROOT": {},
    "ROOT_pve-1": {"set": {"mountpoint": "/"}},
    "ROOT_old": {"guid": "77", "set": {"mountpoint": "none"}},
    "data": {"guid": "88"},
}
RPOOL = edited(
    host(pool("rpool", "mirror", "A", "B", **DATASETS)),
    lambda there: there.update(mounts=[]),
    lambda there: there["pools"][0].update(guid="11"),
    lambda there: there["pools"][0]["datasets"]["rpool"].update(guid="22"),
    lambda there: there["pools"][0]["datasets"]["rpool/ROOT"].update(guid="33"),
    lambda there: there["pools"][0]["datasets"]["rpool/ROOT/pve-1"].update(guid="44"),
)
"""A machine that boots from a pool."""

IS = want("rpool", "mirror", "A", "B")
ROOT = "/ is mounted from rpool/ROOT/pve-1"
POOL = "the machine boots from pool rpool"


def pool_row(case: str, subject: str, says: str, stops: tuple[str, ...], *pools: Json,
             there: Json = RPOOL, **zfs: object) -> Row:  # fmt: skip
    """Something is wanted of the boot pool."""
    return Row(
        case=case, code="boot-chain", subject=subject, says=says, there=there, pools=pools,
        zfs=zfs, stops=stops,
    )  # fmt: skip


def gone(name: str, guid: str, *, recursive: bool = False) -> Json:
    """A declared removal of a dataset."""
    return {"datasets": [{"name": name, "guid": guid, "recursive": recursive}]}


def declared(name: str, **more: object) -> list[Json]:
    """A declared dataset of the boot pool."""
    return [{"name": name, "pool": "rpool", **more}]


def on(path: str) -> Json:
    """A machine with one of these paths on a dataset of a pool that holds nothing else of it."""
    one = pool("rpool", "mirror", "A", "B", here={"set": {"mountpoint": path}, "guid": "88"})
    return edited(host(one), lambda there: there["pools"][0].update(guid="11"))


SET = "set-dataset-properties:"
POOLS = [
    pool_row("topology", "pool rpool", POOL, ("destroy-pool:rpool", "create-pool:rpool"),
             want("rpool", "raidz1", "A", "B", "C")),
    pool_row("a pool property", "pool rpool", POOL, ("set-pool-properties:rpool",),
             want("rpool", "mirror", "A", "B", properties="autotrim=off")),
    pool_row("a pool property that is not safe", "pool rpool", POOL,
             ("set-pool-properties:rpool",),
             want("rpool", "mirror", "A", "B", properties="autoexpand=on")),
    pool_row("the pool removed", "pool rpool", POOL, ("destroy-pool:rpool",),
             removed={"pools": [{"name": "rpool", "guid": "11"}]}),
    pool_row("the root filesystem", "dataset rpool", ROOT, (f"{SET}rpool",),
             want("rpool", "mirror", "A", "B", properties="atime=on")),
    pool_row("an ancestor of the running root", "dataset rpool/ROOT", ROOT, (f"{SET}rpool/ROOT",),
             IS, datasets=declared("ROOT", properties="atime=on")),
    pool_row("the running root", "dataset rpool/ROOT/pve-1", ROOT, (f"{SET}rpool/ROOT/pve-1",),
             IS, datasets=declared("ROOT/pve-1", properties="readonly=on")),
    pool_row("the running root removed", "dataset rpool/ROOT/pve-1", ROOT,
             ("destroy-dataset:rpool/ROOT/pve-1",), IS, removed=gone("rpool/ROOT/pve-1", "44")),
    pool_row("an ancestor removed", "dataset rpool/ROOT", ROOT,
             ("destroy-dataset:rpool/ROOT", "destroy-dataset:rpool/ROOT/pve-1"), IS,
             removed=gone("rpool/ROOT", "33", recursive=True)),
    pool_row("the running root renamed", "dataset rpool/ROOT/pve-1", ROOT,
             ("rename-dataset:rpool/ROOT/pve-1",), IS,
             datasets=declared("ROOT/pve-2", renamed_from="rpool/ROOT/pve-1")),
    pool_row("an ancestor renamed", "dataset rpool/ROOT", ROOT, ("rename-dataset:rpool/ROOT",),
             IS, datasets=declared("OTHER", renamed_from="rpool/ROOT")),
    *(
        pool_row(f"the pool of {path}", "pool rpool", POOL, ("destroy-pool:rpool",),
                 want("rpool", "raidz1", "A", "B", "C"), there=on(path))
        for path in ("/boot", "/usr", "/var")
    ),
    *(
        pool_row(f"the dataset of {path}", "dataset rpool/here",
                 f"{path} is mounted from rpool/here", ("destroy-dataset:rpool/here",),
                 IS, there=on(path), removed=gone("rpool/here", "88"))
        for path in ("/boot", "/usr", "/var")
    ),
]  # fmt: skip

ROWS = [*DISKS, *POOLS]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_what_the_machine_boots_from_is_refused(row: Row, machine: Machine) -> None:
    check_refused(machine, row)


def test_other_datasets_of_the_boot_pool_follow_the_normal_rules(machine: Machine) -> None:
    """A boot environment that nobody runs, too."""
    removed = {"datasets": [{"name": "rpool/data", "guid": "88"},
                            {"name": "rpool/ROOT/old", "guid": "77"}]}  # fmt: skip
    ran = ["zfs destroy rpool/ROOT/old", "zfs destroy rpool/data"]
    check_planned(machine, RPOOL, [IS], {"removed": removed}, ran)
