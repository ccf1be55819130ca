# two-mirror stripe and a raidz2
zpool create -f -o ashift=12 -m none tank mirror $DISK1 $DISK2 mirror $DISK3 $DISK4
zpool create -f -o ashift=12 -m none tank2 raidz2 $DISK5 $DISK6 $DISK7 $DISK8
