# draid1 with a distributed spare
zpool remove -w tank mirror-1
zpool destroy tank2
for disk in $DISK5 $DISK6 $DISK7 $DISK8; do
    zpool labelclear -f $disk-part1
    sgdisk --zap-all $disk
done
udevadm settle
zpool create tank2 draid1:2d:1s:4c $DISK5 $DISK6 $DISK7 $DISK8
