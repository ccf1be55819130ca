# quickOS degraded: one side offline
zpool offline quickOS $DISK2
