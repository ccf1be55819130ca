# all pools destroyed, labels cleared
zpool import -d /dev/disk/by-id quickOS
zpool destroy quickOS
zpool destroy fastData
for disk in $DISK1 $DISK2 $DISK3 $DISK4 $DISK5 $DISK6 $DISK7 $DISK8; do
    [ ! -e $disk-part1 ] || zpool labelclear -f $disk-part1
    sgdisk --zap-all $disk
done
