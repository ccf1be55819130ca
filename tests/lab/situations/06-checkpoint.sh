# quickOS has a checkpoint, inherited and local properties
zpool online quickOS $DISK2
zpool wait -t resilver quickOS
zfs set compression=gzip quickOS
zfs set readonly=on quickOS/clone1
zpool checkpoint quickOS
