# raidz1 with mirrored special vdev
zpool create -o ashift=12 tank raidz1 $DISK1 $DISK2 $DISK3 special mirror $DISK4 $DISK5
dd if=/dev/urandom of=/tank/file bs=1M count=50 status=none
