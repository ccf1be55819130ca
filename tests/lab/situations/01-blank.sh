# eight blank disks
