# a mirror pool and a single-disk pool with datasets, a zvol, a subvol, a snapshot, a clone, a user property and a name with a space
zpool create quickOS mirror $DISK1 $DISK2
zpool create fastData $DISK3
zfs create -o recordsize=128K -o compression=lz4 -o quota=200M -o phoenix:owner=me quickOS/vm-disks
zfs create -V 32M quickOS/vm-disks/vm-100-disk-0
zfs create -o recordsize=16K -o quota=100M quickOS/lxc-disks
zfs create -o refquota=32M quickOS/lxc-disks/subvol-101-disk-0
zfs create -o recordsize=1M -o compression=zstd fastData/shared-backups
zfs create 'fastData/with space'
zfs snapshot quickOS/vm-disks@daily
zfs clone quickOS/vm-disks@daily quickOS/clone1
dd if=/dev/urandom of=/fastData/file bs=1M count=5 status=none
