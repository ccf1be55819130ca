# quickOS exported, still on disks 1 and 2
zpool checkpoint -d -w quickOS
zpool export quickOS
