# draid1 with a distributed spare
zpool remove -w tank mirror-1
zpool destroy tank2
zpool create -f -o ashift=12 -m none tank2 draid1:2d:1s:4c $DISK5 $DISK6 $DISK7 $DISK8
