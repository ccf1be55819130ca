# pool destroyed but labels remain on disks
zpool destroy tank
