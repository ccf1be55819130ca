# fastData attached a second disk
zpool attach -w fastData $DISK3 $DISK4
