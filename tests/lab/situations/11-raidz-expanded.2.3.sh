# raidz1 expanded to 4 disks
echo 167772160 >/sys/module/zfs/parameters/raidz_expand_max_copy_bytes
zpool wait -t raidz_expand tank
