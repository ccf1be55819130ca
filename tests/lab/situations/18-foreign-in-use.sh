# as 17 with b mounted, e active LV, f swap on, i LUKS open
mkdir -p /mnt/b
mount $DISK1 /mnt/b
lvcreate -qq -L 100M -n data vg0
swapon $DISK5
echo secret | cryptsetup open $DISK8 crypt0 --key-file -
