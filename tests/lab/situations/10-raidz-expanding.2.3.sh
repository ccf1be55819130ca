# raidz1 being expanded (2.3+)
echo 1 >/sys/module/zfs/parameters/raidz_expand_max_copy_bytes
zpool attach tank raidz1-0 $DISK6
