# b ext4, c xfs, d gpt with vfat+ext4+empty, e LVM PV, f swap, g btrfs, h md raid member, i LUKS; none in use but h's array is assembled
zpool destroy tank
zpool destroy tank2
for disk in $DISK1 $DISK2 $DISK3 $DISK4 $DISK5 $DISK6 $DISK7 $DISK8; do sgdisk --zap-all $disk; blkdiscard -z $disk; done
udevadm settle
mkfs.ext4 -q $DISK1
mkfs.xfs -q $DISK2
sgdisk -n 1:0:+100M -t 1:EF00 -n 2:0:+200M -t 2:8300 -n 3:0:+210M -t 3:8300 $DISK3
udevadm settle
mkfs.vfat $DISK3-part1
mkfs.ext4 -q $DISK3-part2
vgcreate -qq vg0 $DISK4
mkswap -q $DISK5
mkfs.btrfs -q $DISK6
mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 $DISK7 missing
echo secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $DISK8 -
