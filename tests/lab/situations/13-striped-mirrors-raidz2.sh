# two-mirror stripe and a raidz2
# Blank again: zpool create does not find its partitions where others were a moment ago.
for disk in $DISK1 $DISK2 $DISK3 $DISK4 $DISK5 $DISK6; do [ ! -e $disk-part1 ] || zpool labelclear -f $disk-part1; done
for disk in $DISK1 $DISK2 $DISK3 $DISK4 $DISK5 $DISK6 $DISK7 $DISK8; do sgdisk --zap-all $disk; done
udevadm settle
zpool create tank mirror $DISK1 $DISK2 mirror $DISK3 $DISK4
zpool create tank2 raidz2 $DISK5 $DISK6 $DISK7 $DISK8
