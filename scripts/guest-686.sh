#!/usr/bin/env bash
# scripts/guest-686.sh FOLDER: a small 32-bit Linux for the soak: Debian's kernel for i686 and a static busybox for i386, from this
# host's own package sources, unpacked and not installed, without root. FOLDER, which is made, gets disk.raw (ext4, the root file
# system), vmlinuz and initrd.img, which starts it. root logs in on the serial console without a password. It is there whole or not
# at all.
#
# Exit status: 0, or 77 where a program or the packages are not there; the last line then says why.
set -euo pipefail
export LC_ALL=C
skip() {
    echo "$*" >&2
    exit 77
}
out=${1:?"usage: scripts/guest-686.sh FOLDER"}
PATH=$PATH:/usr/sbin:/sbin
for program in apt-get dpkg-deb busybox mke2fs; do
    command -v $program > /dev/null || skip "$program is missing"
done
mkdir -p "$(dirname "$out")"
scratch=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# --- packages of another architecture, with lists of their own: the system's are left alone ---
apt=$scratch/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
cat > "$apt/apt.conf" << CONF
APT::Architectures { "$(dpkg --print-architecture)"; "i386"; };
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
apt-get -c "$apt/apt.conf" -qq update >&2 || echo "some package lists could not be read" >&2
kernel=$(apt-cache -c "$apt/apt.conf" show --no-all-versions linux-image-686:i386 2> /dev/null |
    sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
[ "$kernel" ] || skip "no package source of this host has linux-image-686 for i386"
(cd "$apt" && apt-get -c "$apt/apt.conf" -qq download "$kernel:i386" busybox-static:i386 >&2) ||
    skip "downloading $kernel and busybox-static for i386 failed"
for package in "$apt"/*.deb; do
    dpkg-deb -x "$package" "$scratch/unpacked"
done
modules=$(echo "$scratch"/unpacked/lib/modules/*)
release=${modules##*/}

# --- the root file system: programs, and the modules of what perfvt gives a guest ---
root=$scratch/root
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,run,tmp,root,var/tmp,tools,lib/modules/"$release"}
cp "$scratch/unpacked/bin/busybox" "$root/bin/busybox"
wanted='/(virtio|virtio_ring|virtio_pci|virtio_pci_modern_dev|virtio_pci_legacy_dev|virtio_blk|virtio_net|virtio_console|failover|net_failover|ext4|jbd2|mbcache|crc16|crc32c_generic|erofs|e1000)\.ko'
(cd "$modules" && find kernel -type f | grep -E "$wanted" | xargs cp --parents -t "$root/lib/modules/$release")
cp "$modules"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release" 2> /dev/null || true
# busybox reads the dependencies that depmod writes.
busybox depmod -b "$root" "$release"
echo 'root::0:0:root:/root:/etc/plain' > "$root/etc/passwd"
# busybox edits lines of at most 1024 characters, and perfvt types a longer one: this shell edits none.
cat > "$root/etc/plain" << 'PLAIN'
#!/bin/busybox sh
while printf '# ' && IFS= read -r line; do eval "$line"; done
PLAIN
echo 'root:x:0:' > "$root/etc/group"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
cat > "$root/etc/inittab" << 'TAB'
::sysinit:/etc/start
ttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/sync
TAB
cat > "$root/etc/start" << 'START'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -o remount,rw /
# Applets are made in the first boot of a disk alone.
/bin/busybox [ -e /bin/sh ] || /bin/busybox --install -s
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
hostname guest686
echo boot >> /var/boots
for module in virtio_net virtio_console e1000; do modprobe -q $module; done
START
chmod 755 "$root/etc/start" "$root/etc/plain"

# --- the RAM disk, which finds the disk and goes on there ---
first=$scratch/first
mkdir -p "$first"/{bin,proc,sys,dev,new,lib/modules}
cp "$root/bin/busybox" "$first/bin/busybox"
cp -r "$root/lib/modules/$release" "$first/lib/modules/$release"
cat > "$first/init" << 'INIT'
#!/bin/busybox sh
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount -t devtmpfs dev /dev
for module in virtio_pci virtio_blk crc32c_generic ext4; do $busybox modprobe $module; done
tries=0
until $busybox mount -t ext4 -o ro /dev/vda /new 2> /dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "no root file system on /dev/vda" > /dev/console; $busybox poweroff -f; }
    $busybox usleep 100000
done
$busybox mount --move /dev /new/dev
$busybox umount /sys /proc
exec $busybox switch_root /new /bin/busybox init
INIT
chmod 755 "$first/init"
(cd "$first" && find . | busybox cpio -o -H newc -R 0:0 2> /dev/null) | gzip -1 > "$scratch/initrd.img"
cp "$scratch"/unpacked/boot/vmlinuz-* "$scratch/vmlinuz"
truncate -s 64M "$scratch/disk.raw"
mke2fs -q -F -t ext4 -E root_owner=0:0 -d "$root" "$scratch/disk.raw"
rm -rf "$apt" "$scratch/unpacked" "$root" "$first"
chmod 0755 "$scratch"
chmod 0644 "$scratch"/*
# Another one may have been faster.
mv -T "$scratch" "$out" 2> /dev/null || [ -e "$out/disk.raw" ]
trap - EXIT
