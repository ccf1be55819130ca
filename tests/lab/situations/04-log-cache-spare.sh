# fastData mirror with mirrored log, cache and spare
zpool add fastData log mirror $DISK7 $DISK8
zpool add fastData cache $DISK6
zpool add fastData spare $DISK5
